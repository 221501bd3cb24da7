//! S4: Gu, Goel and Ré, "Efficiently modeling long sequences with structured state spaces" (arXiv 2111.00396). Every
//! channel has a system A = diag(λ) − P P*, discretised bilinearly; of each conjugate pair one mode is stored.
//!
//! * [`convolve`](SequenceCore::convolve): the kernel's generating function at the roots of unity, by Woodbury's identity
//!   and Cauchy sums in a form that is finite at z = −1, then an inverse Fourier transform (§5 of the paper);
//! * [`step`](SequenceCore::step): O(N) for each channel;
//! * [`scan`](SequenceCore::scan): chunks, with resets.
//!
//! Differences from the released code: C itself is the parameter, and C(I − Ā^L) is made from it for the length at hand,
//! so that steps need no linear solve and kernels may have any length; B is not clipped. Outside: gelu, a gated linear
//! unit, a residual connection.

use std::f64::consts::TAU;

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Bool, Device, Tensor, TensorData, activation::glu},
};
use rand::Rng;

use super::{
    hippo::{Measure, Spectrum},
    lti::{Dense, System, activated, chunked_scan, convolve},
    s4d::check_arguments,
};
use crate::{
    CoreError, SequenceCore,
    complex::Complex,
    core::{check_sequence, check_shape, check_step, forget},
    derived::Derived,
    fft, init,
};

/// Where the systems start.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum S4Start {
    /// Scaled Legendre.
    #[default]
    Legs,
    /// Truncated Fourier.
    Fout,
    /// Scaled Legendre without its low-rank part.
    Legsd,
    /// Fourier without its low-rank part.
    Foud,
    /// Half of the channels `legs`, half `fout`.
    Hippo,
}

/// Arguments of [`S4`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct S4Config {
    /// States N of a channel; N/2 are stored. Even.
    pub state: usize,
    /// Where the systems start.
    pub start: S4Start,
    /// Smallest initial Δ.
    pub min_step: f64,
    /// Largest initial Δ.
    pub max_step: f64,
}

impl Default for S4Config {
    fn default() -> Self {
        Self {
            state: 64,
            start: S4Start::Legs,
            min_step: 1e-3,
            max_step: 0.1,
        }
    }
}

/// The S4 layer.
#[derive(Module, Debug)]
pub struct S4 {
    /// a of Re λ = −e^a, `[H, N/2]`.
    pub log_decay: Param<Tensor<2>>,
    /// Im λ, `[H, N/2]`.
    pub frequency: Param<Tensor<2>>,
    /// P packed, `[H, N]`.
    pub p: Param<Tensor<2>>,
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

impl S4Config {
    /// A layer of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for a state or steps out of range.
    pub fn init(&self, width: usize, rng: &mut dyn Rng, device: &Device) -> Result<S4, CoreError> {
        check_arguments("s4", self.state, self.min_step, self.max_step)?;
        let (size, half) = (self.state, self.state / 2);
        let start = |measure: Measure, low_rank: bool| {
            let mut spectrum = measure.system(size).spectrum();
            if !low_rank {
                spectrum.p.clear();
            }
            spectrum
        };
        let (first, second) = match self.start {
            S4Start::Legs => (start(Measure::Legs, true), None),
            S4Start::Fout => (start(Measure::Fout, true), None),
            S4Start::Legsd => (start(Measure::Legs, false), None),
            S4Start::Foud => (start(Measure::Foud, false), None),
            S4Start::Hippo => (start(Measure::Legs, true), Some(start(Measure::Fout, true))),
        };
        let of = |channel: usize| match &second {
            Some(second) if channel >= width / 2 => second,
            _ => &first,
        };
        let gather = |f: &dyn Fn(&Spectrum, usize) -> f64, n: usize| -> Vec<f32> {
            (0..width * n).map(|i| f(of(i / n), i % n) as f32).collect()
        };
        // The real part of FouT's normal part is 0; such a mode would never decay.
        let decay = |s: &Spectrum, i: usize| (-s.lambda[i].re).max(1e-4).ln();
        let packed = |z: Option<&Vec<super::hippo::C64>>, i: usize| {
            let Some(z) = z else { return 0.0 };
            if i < half { z[i].re } else { z[i - half].im }
        };
        let p = gather(&|s, i| packed(s.p.first(), i), size);
        let b = gather(&|s, i| packed(Some(&s.b), i), size);
        let c = init::normal(rng, width * size, 0.5_f64.sqrt());
        let d = init::normal(rng, width, 1.0);
        let log_step = init::log_step(rng, width, self.min_step, self.max_step);
        Ok(S4 {
            log_decay: init::param(gather(&decay, half), [width, half], device),
            frequency: init::param(gather(&|s, i| s.lambda[i].im, half), [width, half], device),
            p: init::param(p, [width, size], device),
            b: init::param(b, [width, size], device),
            c: init::param(c, [width, size], device),
            d: init::param(d, [width], device),
            log_step: init::param(log_step, [width], device),
            output: init::linear(rng, width, 2 * width, true, device),
            acting: Derived::default(),
        })
    }
}

/// What one bilinear step of all channels needs, all `[H, N/2]` but the last.
#[derive(Debug, Clone)]
struct Bilinear {
    /// E = 2/Δ + λ.
    forward: Complex<2>,
    /// 1/(2/Δ − λ).
    backward: Complex<2>,
    p: Complex<2>,
    b: Complex<2>,
    /// 1/(1 + P* diag(backward) P), `[H, 1]`.
    correction: Tensor<2>,
}

impl Bilinear {
    /// The next states of `x` under inputs `u`: `x` `[K, H, N/2]`, `u` `[K, H, 1]`.
    fn step(&self, x: Complex<3>, u: Tensor<3>) -> Complex<3> {
        let [_, channels, half] = x.re.dims();
        let shape = [1, channels, half];
        let p = self.p.clone().reshape(shape);
        let backward = self.backward.clone().reshape(shape);
        // Over both halves, P* y is twice the real part of the sum over one.
        let onto_p = |y: Complex<3>| {
            let product = y.re * p.re.clone() + y.im * p.im.clone();
            product.sum_dim(2).mul_scalar(2.0)
        };
        let driven = self.b.clone().reshape(shape).scale(u.mul_scalar(2.0));
        let nu = x
            .clone()
            .mul(self.forward.clone().reshape(shape))
            .sub(p.clone().scale(onto_p(x)))
            .add(driven);
        let correction = self.correction.clone().reshape([1, channels, 1]);
        let through = onto_p(backward.clone().mul(nu.clone())) * correction;
        backward.mul(nu.sub(p.clone().scale(through)))
    }
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

    fn bilinear(&self) -> Bilinear {
        let (lambda, rate) = (self.lambda(), self.rate());
        let forward = Complex::new(lambda.re.clone() + rate.clone(), lambda.im.clone());
        let backward = Complex::new(rate - lambda.re, lambda.im.neg()).recip();
        let p = Complex::unpack(self.p.val());
        let sum = (p.norm_sqr() * backward.re.clone()).sum_dim(1);
        Bilinear {
            forward,
            backward,
            b: Complex::unpack(self.b.val()),
            correction: (sum.mul_scalar(2.0) + 1.0).recip(),
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
        let (p, input) = (Complex::unpack(self.p.val()), Complex::unpack(self.b.val()));
        let adjoint = p.clone().conj();
        let cb = cauchy(&c, &input);
        let correction = cauchy(&c, &p).mul(cauchy(&adjoint, &input)).mul(b.clone());
        let pp = cauchy(&adjoint, &p).mul(b);
        let denominator = Complex::new(pp.re + 1.0, pp.im).recip();
        let spectrum = cb.sub(correction.mul(denominator));
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
        // (2/Δ + Λ)x, P*x, P(P*x), Rν, P(Rν) and the last diagonal: six complex products for each pair.
        12 * self.state_width()
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
