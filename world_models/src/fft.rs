//! Causal convolution by Fourier transform.
//!
//! On the processor, CUDA and WGPU. Burn's NdArray device has no transform; this crate does not compile that device at all.

use burn::{
    signal::{irfft, rfft},
    tensor::Tensor,
};

use crate::{CoreError, complex::Complex};

/// The transform of the real last axis, zero-padded to `length`; `length/2 + 1` numbers.
///
/// # Errors
/// [`CoreError::TransformLength`] unless `length` is a power of two.
pub fn transform<const D: usize>(
    signal: Tensor<D>,
    length: usize,
) -> Result<Complex<D>, CoreError> {
    check_length(length)?;
    let (re, im) = rfft(signal, D - 1, Some(length));
    Ok(Complex::new(re, im))
}

/// The real signal of `length` numbers with the given transform.
///
/// # Errors
/// [`CoreError::TransformLength`] unless `length` is a power of two.
pub fn inverse<const D: usize>(
    spectrum: Complex<D>,
    length: usize,
) -> Result<Tensor<D>, CoreError> {
    check_length(length)?;
    Ok(irfft(spectrum.re, spectrum.im, D - 1, Some(length)))
}

fn check_length(length: usize) -> Result<(), CoreError> {
    if length.is_power_of_two() {
        return Ok(());
    }
    Err(CoreError::TransformLength {
        length,
        padded: length.next_power_of_two(),
    })
}

/// y_t = Σ_{k ≤ t} K_k u_{t−k} for every channel.
///
/// Padded to a power of two of at least 2T − 1, or the end of the sequence would wrap around into its beginning.
///
/// # Shapes
/// `input` `[B, H, T]`, `kernel` `[H, T]` to `[B, H, T]`.
///
/// # Errors
/// [`CoreError::EmptySequence`], [`CoreError::Shape`].
pub fn causal_convolution(input: Tensor<3>, kernel: Tensor<2>) -> Result<Tensor<3>, CoreError> {
    let [_, channels, steps] = input.dims();
    if steps == 0 {
        return Err(CoreError::EmptySequence);
    }
    crate::core::check_shape("kernel", kernel.dims(), [channels, steps])?;
    let length = (2 * steps - 1).next_power_of_two();
    let kernel = transform(kernel.reshape([1, channels, steps]), length)?;
    let output = inverse(transform(input, length)?.mul(kernel), length)?;
    Ok(output.narrow(2, 0, steps))
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::testing::{
        assert_close, assert_golden, assert_same, golden, noise, numbers, tensor, values,
    };

    #[test]
    fn convolution_of_the_golden_sequence() {
        let golden = golden("fft_causal_conv.json");
        let given = &golden["inputs"];
        let device = Device::flex();
        let input = tensor::<3>(&given["u"], [1, 1, 11], &device);
        let kernel = tensor::<2>(&given["k"], [1, 11], &device);
        let y = causal_convolution(input.clone(), kernel.clone()).unwrap();
        assert_golden(&y, &golden["y"], 1e-5);
        // With 16 instead of 32 points the end wraps around into the beginning.
        let spectrum = transform(kernel.reshape([1, 1, 11]), 16).unwrap();
        let wrapped = inverse(transform(input, 16).unwrap().mul(spectrum), 16).unwrap();
        let wrapped = values(&wrapped.narrow(2, 0, 11));
        assert_close(&wrapped, &numbers(&golden["wrong_n16"])[..11], 1e-5);
        let apart = wrapped
            .iter()
            .zip(numbers(&golden["y"]))
            .map(|(w, y)| (w - y).abs());
        assert!(apart.fold(0.0, f64::max) > 0.8);
    }

    /// Odd and even lengths, and one element.
    #[test]
    fn convolution_is_the_sum() {
        let device = Device::flex();
        for steps in [1, 2, 7, 16, 33] {
            let input = noise::<3>("u", [2, 3, steps], &device);
            let kernel = noise::<2>("k", [3, steps], &device);
            let (u, k) = (values(&input), values(&kernel));
            let mut expected = Vec::new();
            for row in 0..6 {
                for t in 0..steps {
                    let terms = (0..=t).map(|s| k[row % 3 * steps + t - s] * u[row * steps + s]);
                    expected.push(terms.sum::<f64>());
                }
            }
            let expected = crate::testing::from(expected, [2, 3, steps], &device);
            assert_same(&causal_convolution(input, kernel).unwrap(), &expected, 1e-6);
        }
    }

    #[test]
    fn gradients_pass_through_the_transforms() {
        let device = Device::flex().autodiff();
        let kernel = noise::<2>("k", [1, 5], &device).require_grad();
        let input = noise::<3>("u", [1, 1, 5], &device);
        let weights = noise::<3>("w", [1, 1, 5], &device);
        let y = causal_convolution(input.clone(), kernel.clone()).unwrap();
        let grads = (y * weights.clone()).sum().backward();
        // ∂/∂K_k Σ w_t y_t = Σ_t w_t u_{t−k}.
        let (u, w) = (values(&input), values(&weights));
        let expected: Vec<f64> = (0..5)
            .map(|k| (k..5).map(|t| w[t] * u[t - k]).sum())
            .collect();
        assert_close(&values(&kernel.grad(&grads).unwrap()), &expected, 1e-5);
    }

    #[test]
    fn lengths_that_cannot_be_are_errors() {
        let device = Device::flex();
        let error = transform(Tensor::<1>::zeros([12], &device), 12)
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "a Fourier transform of length 12 is asked for, but only powers of two are possible; pad to 16"
        );
        let zero = || Tensor::<1>::zeros([4], &device);
        assert!(matches!(
            inverse(Complex::new(zero(), zero()), 6),
            Err(CoreError::TransformLength { .. })
        ));
        let empty = Tensor::<3>::zeros([1, 2, 0], &device);
        let kernel = Tensor::<2>::zeros([2, 0], &device);
        assert!(matches!(
            causal_convolution(empty, kernel),
            Err(CoreError::EmptySequence)
        ));
    }
}
