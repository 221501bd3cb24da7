//! Complex tensors as pairs of real ones.
//!
//! Burn has no complex numbers; real and imaginary part are kept in two tensors, or side by side on the last axis
//! (*packed*: real parts first), which lets one real matrix product do the work of two.

use burn::tensor::Tensor;

/// Complex numbers, element by element.
#[derive(Debug, Clone)]
pub struct Complex<const D: usize> {
    /// Real parts.
    pub re: Tensor<D>,
    /// Imaginary parts.
    pub im: Tensor<D>,
}

#[allow(
    clippy::should_implement_trait,
    reason = "by-value tensors with broadcasting; operators would hide the copies"
)]
impl<const D: usize> Complex<D> {
    /// From both parts, of one shape.
    #[must_use]
    pub fn new(re: Tensor<D>, im: Tensor<D>) -> Self {
        Self { re, im }
    }

    /// From a tensor whose last axis holds the real parts, then the imaginary ones.
    ///
    /// # Shapes
    /// `[…, 2n]` to `[…, n]`.
    #[must_use]
    pub fn unpack(packed: Tensor<D>) -> Self {
        let half = packed.dims()[D - 1] / 2;
        let re = packed.clone().narrow(D - 1, 0, half);
        Self::new(re, packed.narrow(D - 1, half, half))
    }

    /// The inverse of [`unpack`](Self::unpack).
    pub fn pack(self) -> Tensor<D> {
        Tensor::cat(vec![self.re, self.im], D - 1)
    }

    /// Product.
    #[must_use]
    pub fn mul(self, other: Self) -> Self {
        let re = self.re.clone() * other.re.clone() - self.im.clone() * other.im.clone();
        Self::new(re, self.re * other.im + self.im * other.re)
    }

    /// Sum.
    #[must_use]
    pub fn add(self, other: Self) -> Self {
        Self::new(self.re + other.re, self.im + other.im)
    }

    /// Difference.
    #[must_use]
    pub fn sub(self, other: Self) -> Self {
        Self::new(self.re - other.re, self.im - other.im)
    }

    /// Product with a real number for each element.
    #[must_use]
    pub fn scale(self, factor: Tensor<D>) -> Self {
        Self::new(self.re * factor.clone(), self.im * factor)
    }

    /// Complex conjugate.
    #[must_use]
    pub fn conj(self) -> Self {
        Self::new(self.re, self.im.neg())
    }

    /// Squared modulus.
    pub fn norm_sqr(&self) -> Tensor<D> {
        self.re.clone().square() + self.im.clone().square()
    }

    /// 1/z. Infinite at 0.
    #[must_use]
    pub fn recip(self) -> Self {
        let norm = self.norm_sqr();
        Self::new(self.re / norm.clone(), self.im.neg() / norm)
    }

    /// e^z.
    #[must_use]
    pub fn exp(self) -> Self {
        let size = self.re.exp();
        Self::new(size.clone() * self.im.clone().cos(), size * self.im.sin())
    }

    /// e^z − 1 without cancellation near 0.
    #[must_use]
    pub fn exp_m1(self) -> Self {
        // Re = (e^a − 1) cos b − 2 sin²(b/2).
        let half = self.im.clone().mul_scalar(0.5).sin();
        let re = exp_m1(self.re.clone()) * self.im.clone().cos() - half.square().mul_scalar(2.0);
        Self::new(re, self.re.exp() * self.im.sin())
    }

    /// Another shape with the same elements.
    pub fn reshape<const E: usize>(self, shape: [usize; E]) -> Complex<E> {
        Complex::new(self.re.reshape(shape), self.im.reshape(shape))
    }
}

/// e^a − 1 without cancellation near 0.
pub fn exp_m1<const D: usize>(a: Tensor<D>) -> Tensor<D> {
    let small = a.clone().abs().lower_scalar(0.1);
    let mut series = a.clone().mul_scalar(1.0 / 6.0) + 1.0;
    for divisor in [5.0, 4.0, 3.0, 2.0] {
        series = (a.clone().div_scalar(divisor) * series) + 1.0;
    }
    // The branch not taken must not overflow: its gradient would be NaN.
    let large = a.clone().mask_fill(small.clone(), 1.0).exp() - 1.0;
    large.mask_where(small, a * series)
}
