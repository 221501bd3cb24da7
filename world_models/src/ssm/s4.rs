//! S4: Gu, Goel and Ré, "Efficiently modeling long sequences with structured state spaces" (arXiv 2111.00396). Every
//! channel has a system A = diag(λ) − P P*, discretised bilinearly; of each conjugate pair one mode is stored. P has one
//! column, or two for translated Legendre.
//!
//! * [`convolve`](SequenceCore::convolve): the kernel's generating function at the roots of unity, by Woodbury's identity
//!   and Cauchy sums in a form that is finite at z = −1, then an inverse Fourier transform (§5 of the paper);
//! * [`step`](SequenceCore::step): O(N) for each channel;
//! * [`scan`](SequenceCore::scan): chunks, with resets.
//!
//! Differences from the released code: C itself is the parameter, and C(I − Ā^L) is made from it for the length at hand,
//! so that steps need no linear solve and kernels may have any length. Outside: gelu, a gated linear unit, a residual
//! connection.

mod start;

use std::f64::consts::TAU;

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Bool, Tensor, TensorData, activation::glu},
};

pub use self::start::{S4Config, S4Start};
use super::lti::{Dense, System, activated, chunked_scan, convolve};
use crate::{
    CoreError, SequenceCore,
    complex::Complex,
    core::{check_sequence, check_shape, check_step, forget},
    derived::Derived,
    fft,
};

/// The S4 layer.
#[derive(Module, Debug)]
pub struct S4 {
    /// a of Re λ = −e^a, `[H, N/2]`.
    pub log_decay: Param<Tensor<2>>,
    /// Im λ, `[H, N/2]`.
    pub frequency: Param<Tensor<2>>,
    /// The columns of P, each packed, `[rank, H, N]`.
    pub p: Param<Tensor<3>>,
    /// B packed, `[H, N]`.
    pub b: Param<Tensor<2>>,
    /// C packed, `[H, N]`; outputs are 2 Re(C x).
    pub c: Param<Tensor<2>>,
    /// D, `[H]`.
    pub d: Param<Tensor<1>>,
    /// ln Δ, `[H]`.
    pub log_step: Param<Tensor<1>>,
    output: Linear,
    /// What every step needs, of a layer that is not being trained.
    acting: Derived<(Bilinear, Tensor<2>)>,
}

/// What one bilinear step of all channels needs, `[H, N/2]` each.
#[derive(Debug, Clone)]
struct Bilinear {
    /// E = 2/Δ + λ.
    forward: Complex<2>,
    /// 1/(2/Δ − λ).
    backward: Complex<2>,
    /// The columns of P.
    p: Vec<Complex<2>>,
    b: Complex<2>,
    /// (I + P* diag(backward) P)⁻¹, a real matrix, row by row; `[H, 1]` each.
    correction: Vec<Vec<Tensor<2>>>,
}

impl Bilinear {
    /// The next states of `x` under inputs `u`: `x` `[K, H, N/2]`, `u` `[K, H, 1]`.
    fn step(&self, x: Complex<3>, u: Tensor<3>) -> Complex<3> {
        let [_, channels, half] = x.re.dims();
        let shape = [1, channels, half];
        let p: Vec<Complex<3>> = (self.p.iter()).map(|p| p.clone().reshape(shape)).collect();
        let backward = self.backward.clone().reshape(shape);
        // Over both halves, P* y is twice the real part of the sum over one.
        let onto_p = |y: &Complex<3>| -> Vec<Tensor<3>> {
            let onto = |p: &Complex<3>| {
                let product = y.re.clone() * p.re.clone() + y.im.clone() * p.im.clone();
                product.sum_dim(2).mul_scalar(2.0)
            };
            p.iter().map(onto).collect()
        };
        let minus_p = |y: Complex<3>, by: Vec<Tensor<3>>| {
            (p.iter().zip(by)).fold(y, |y, (p, by)| y.sub(p.clone().scale(by)))
        };
        let driven = self.b.clone().reshape(shape).scale(u.mul_scalar(2.0));
        let carried = x.clone().mul(self.forward.clone().reshape(shape));
        let nu = minus_p(carried, onto_p(&x)).add(driven);
        let onto = onto_p(&backward.clone().mul(nu.clone()));
        let through = self.correction.iter().filter_map(|row| {
            let terms = row.iter().zip(&onto);
            let terms = terms.map(|(r, y)| y.clone() * r.clone().reshape([1, channels, 1]));
            terms.reduce(|sum, term| sum + term)
        });
        backward.mul(minus_p(nu, through.collect()))
    }
}

fn real(x: Tensor<2>) -> Complex<2> {
    let zero = Tensor::zeros(x.dims(), &x.device());
    Complex::new(x, zero)
}

/// M⁻¹ x for a matrix, row by row, and a vector of numbers for each channel, by elimination.
///
/// Without exchanges of rows, since the matrices here are I + P* R P with a resolvent R whose Hermitian part is positive:
/// pivots stay away from 0.
fn solve<const D: usize>(
    mut matrix: Vec<Vec<Complex<D>>>,
    mut x: Vec<Complex<D>>,
) -> Vec<Complex<D>> {
    let size = x.len();
    for pivot in 0..size {
        let inverse = matrix[pivot][pivot].clone().recip();
        for row in pivot + 1..size {
            let factor = matrix[row][pivot].clone().mul(inverse.clone());
            let above = matrix[pivot].clone();
            for (entry, above) in matrix[row].iter_mut().zip(above).skip(pivot + 1) {
                *entry = entry.clone().sub(factor.clone().mul(above));
            }
            x[row] = x[row].clone().sub(factor.mul(x[pivot].clone()));
        }
    }
    for row in (0..size).rev() {
        for column in row + 1..size {
            let term = matrix[row][column].clone().mul(x[column].clone());
            x[row] = x[row].clone().sub(term);
        }
        x[row] = x[row].clone().mul(matrix[row][row].clone().recip());
    }
    x
}

impl S4 {
    fn lambda(&self) -> Complex<2> {
        Complex::new(self.log_decay.val().exp().neg(), self.frequency.val())
    }

    /// 2/Δ, `[H, 1]`.
    fn rate(&self) -> Tensor<2> {
        let channels = self.d.dims()[0];
        self.log_step
            .val()
            .neg()
            .exp()
            .mul_scalar(2.0)
            .reshape([channels, 1])
    }

    /// The columns of P, `[H, N/2]` each.
    fn columns_of_p(&self) -> Vec<Complex<2>> {
        let [rank, channels, size] = self.p.dims();
        let column = |r: usize| self.p.val().narrow(0, r, 1).reshape([channels, size]);
        (0..rank).map(|r| Complex::unpack(column(r))).collect()
    }

    fn bilinear(&self) -> Bilinear {
        let (lambda, rate) = (self.lambda(), self.rate());
        let lambda_shape = lambda.re.dims();
        let forward = Complex::new(lambda.re.clone() + rate.clone(), lambda.im.clone());
        let backward = Complex::new(rate - lambda.re, lambda.im.neg()).recip();
        let p = self.columns_of_p();
        let [channels, _] = lambda_shape;
        let one = |i: usize, j: usize| f32::from(u8::from(i == j));
        let entry = |i: usize, j: usize| {
            // Re(p̄_i backward p_j) of both modes of each pair.
            let product = p[i].clone().conj().mul(p[j].clone());
            let turned = product.mul(backward.clone()).re.sum_dim(1);
            real(turned.mul_scalar(2.0) + one(i, j))
        };
        let matrix: Vec<Vec<_>> = (0..p.len())
            .map(|i| (0..p.len()).map(|j| entry(i, j)).collect())
            .collect();
        let device = self.b.device();
        let unit = |i: usize, j: usize| real(Tensor::full([channels, 1], one(i, j), &device));
        let columns: Vec<Vec<_>> = (0..p.len())
            .map(|j| solve(matrix.clone(), (0..p.len()).map(|i| unit(i, j)).collect()))
            .collect();
        let correction = (0..p.len())
            .map(|i| columns.iter().map(|column| column[i].re.clone()).collect())
            .collect();
        Bilinear {
            forward,
            backward,
            b: Complex::unpack(self.b.val()),
            correction,
            p,
        }
    }

    /// Rows (2 C_re, −2 C_im) that read a packed state, `[H, N]`.
    fn rows(&self) -> Tensor<2> {
        let c = Complex::unpack(self.c.val());
        Complex::new(c.re.mul_scalar(2.0), c.im.mul_scalar(-2.0)).pack()
    }

    /// The discretised systems as real matrices on packed states.
    fn dense(&self) -> Dense {
        let [channels, size] = self.b.dims();
        let half = size / 2;
        let device = self.b.device();
        let bilinear = self.bilinear();
        // The columns of Ā are the images of the unit vectors.
        let unit = Tensor::<2>::eye(size, &device)
            .reshape([size, 1, size])
            .expand([size, channels, size]);
        let still = Tensor::zeros([size, channels, 1], &device);
        let images = bilinear.step(Complex::unpack(unit), still).pack();
        let zero = Tensor::<3>::zeros([1, channels, half], &device);
        let one = Tensor::ones([1, channels, 1], &device);
        let b = bilinear.step(Complex::new(zero.clone(), zero), one).pack();
        Dense {
            a: images.permute([1, 2, 0]),
            b: b.reshape([channels, size]),
            c: self.rows().reshape([channels, 1, size]),
        }
    }

    /// The first `length` elements of every channel's kernel, `[H, length]`, without D: Cauchy sums at the roots of
    /// unity and an inverse Fourier transform.
    ///
    /// # Errors
    /// [`CoreError::EmptySequence`].
    pub fn kernel(&self, length: usize) -> Result<Tensor<2>, CoreError> {
        if length == 0 {
            return Err(CoreError::EmptySequence);
        }
        let [channels, size] = self.b.dims();
        let half = size / 2;
        let device = self.b.device();
        let padded = length.next_power_of_two().max(2);
        // C̃ = C (I − Ā^L) makes the generating function that of the first L elements.
        let rows = self.rows().reshape([channels, 1, size]);
        let cut = rows.clone() - rows.matmul(self.dense().squared(padded));
        let cut = Complex::unpack(cut.reshape([channels, size]).mul_scalar(0.5));
        let c = cut.conj();
        // z_k = e^{−2πik/L}; a = (2/Δ)(1 − z), b = 1 + z.
        let points = padded / 2 + 1;
        let root = |f: &dyn Fn(f64) -> f64| -> Tensor<3> {
            let values: Vec<f32> = (0..points)
                .map(|k| f(-TAU * k as f64 / padded as f64) as f32)
                .collect();
            Tensor::from_data(TensorData::new(values, [1, 1, points]), &device)
        };
        let rate = self.rate().reshape([channels, 1, 1]);
        // 1 − cos x = 2 sin²(x/2), without cancellation.
        let a = Complex::new(
            root(&|x| 2.0 * (0.5 * x).sin().powi(2)) * rate.clone(),
            root(&|x| -x.sin()) * rate,
        );
        let b = Complex::new(
            root(&|x| 2.0 * (0.5 * x).cos().powi(2)),
            root(&|x| {
                if (x + TAU / 2.0).abs() < 1e-12 {
                    0.0
                } else {
                    x.sin()
                }
            }),
        );
        let lambda = self.lambda().reshape([channels, half, 1]);
        // (a − λ b)(a − λ̄ b): both modes of a pair at once. As a product: expanded, it would cancel near resonance.
        let away = |lambda: Complex<3>| a.clone().sub(b.clone().mul(lambda));
        let below = away(lambda.clone())
            .mul(away(lambda.clone().conj()))
            .recip();
        // r = Σ v/(a − λ b) over all modes, for v = x y on the stored ones.
        let cauchy = |x: &Complex<2>, y: &Complex<2>| {
            let v = x.clone().mul(y.clone()).reshape([channels, half, 1]);
            let turned = v.clone().mul(lambda.clone().conj()).re;
            let above = a
                .clone()
                .scale(v.re.mul_scalar(2.0))
                .sub(b.clone().scale(turned.mul_scalar(2.0)));
            let terms = above.mul(below.clone());
            Complex::new(terms.re.sum_dim(1), terms.im.sum_dim(1))
        };
        let (p, input) = (self.columns_of_p(), Complex::unpack(self.b.val()));
        let adjoint: Vec<_> = p.iter().map(|p| p.clone().conj()).collect();
        let into: Vec<_> = adjoint.iter().map(|p| cauchy(p, &input)).collect();
        // Woodbury: I + b R with R_ij = Σ p̄_i p_j/(a − λ b).
        let matrix = (0..p.len()).map(|i| {
            let entry = |j: usize| {
                let entry = cauchy(&adjoint[i], &p[j]).mul(b.clone());
                Complex::new(entry.re + f32::from(u8::from(i == j)), entry.im)
            };
            (0..p.len()).map(entry).collect()
        });
        let through = solve(matrix.collect(), into);
        let correct = |spectrum: Complex<3>, (p, through): (&Complex<2>, Complex<3>)| {
            spectrum.sub(cauchy(&c, p).mul(through).mul(b.clone()))
        };
        let spectrum = p.iter().zip(through).fold(cauchy(&c, &input), correct);
        let spectrum = Complex::new(spectrum.re.mul_scalar(2.0), spectrum.im.mul_scalar(2.0));
        let kernel = fft::inverse(spectrum, padded)?.reshape([channels, padded]);
        Ok(kernel.narrow(1, 0, length))
    }

    fn around<const D: usize>(&self, input: Tensor<D>, y: Tensor<D>) -> Tensor<D> {
        let y = self.output.forward(activated(&self.d, &input, y));
        glu(y, D - 1) + input
    }
}

impl SequenceCore for S4 {
    fn width(&self) -> usize {
        self.d.dims()[0]
    }

    fn state_width(&self) -> usize {
        let [channels, size] = self.b.dims();
        channels * size
    }

    fn state_multiply_adds(&self) -> usize {
        // (2/Δ + Λ)x and the last diagonal, and with each column P*x, P(P*x), Rν and P(Rν): complex products for each pair.
        let [rank, ..] = self.p.dims();
        (4 + 8 * rank) * self.state_width()
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        Tensor::zeros([batch, self.state_width()], &self.d.device())
    }

    fn step(
        &self,
        input: Tensor<2>,
        resets: Tensor<1, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<2>, Tensor<2>), CoreError> {
        let batch = check_step(self, &input, &resets, &state)?;
        let [channels, size] = self.b.dims();
        let x = Complex::unpack(forget(state, resets).reshape([batch, channels, size]));
        let u = input.clone().reshape([batch, channels, 1]);
        let make = || (self.bilinear(), self.rows());
        let (bilinear, rows) = self.acting.get(&self.d.device(), make);
        let x = bilinear.step(x, u).pack();
        let y = (x.clone() * rows.reshape([1, channels, size])).sum_dim(2);
        let state = x.reshape([batch, channels * size]);
        Ok((self.around(input, y.reshape([batch, channels])), state))
    }

    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let [batch, steps] = check_sequence(self, &input, &resets, &state)?;
        let (y, last) = chunked_scan(&self.dense(), input.clone(), &resets, state);
        let y = y.reshape([batch, steps, self.width()]);
        Ok((self.around(input, y), last))
    }

    fn convolve(&self, input: Tensor<3>, state: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        let [batch, steps, width] = input.dims();
        check_shape("input", [width], [self.width()])?;
        check_shape("state", state.dims(), [batch, self.state_width()])?;
        let kernel = self.kernel(steps)?.reshape([width, 1, steps]);
        let read = self.dense().columns(steps).read;
        let y = convolve(kernel, read, input.clone(), state)?;
        Ok(self.around(input, y.reshape([batch, steps, width])))
    }

    /// The moduli of Λ̄, the diagonal part. With a low-rank part A is still dissipative: A + A* = 2 Re Λ − 2 P P* < 0.
    fn check_stability(&self) -> Result<(), CoreError> {
        let bilinear = self.bilinear();
        let count: usize = self.frequency.dims().iter().product();
        let moduli = bilinear.forward.mul(bilinear.backward).norm_sqr().sqrt();
        crate::core::check_moduli(moduli.reshape([count]))
    }
}

#[cfg(test)]
mod tests;
