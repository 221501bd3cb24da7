//! S4D: Gu, Gupta, Goel and Ré, "On the parameterization and initialization of diagonal state space models" (arXiv
//! 2206.11893). Every channel has a diagonal system of its own, λ = −e^a + iω, discretised by zero-order hold or
//! bilinearly; of each conjugate pair one mode is stored, so y = 2 Re Σ C_n x_n + D u. Then gelu, a gated linear unit
//! and a residual connection.

use std::f64::consts::PI;

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Bool, Device, Tensor, activation::glu},
};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use super::{
    discretise::{Discretisation, check_steps},
    hippo::Measure,
    lti::{Columns, System, activated, chunked_scan, convolve},
};
use crate::{
    CoreError, SequenceCore,
    complex::Complex,
    core::{check_moduli, check_sequence, check_shape, check_step, forget},
    derived::Derived,
    init,
};

/// The eigenvalues at the start.
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
pub enum DiagonalStart {
    /// −½ + iπn.
    #[default]
    Lin,
    /// −½ + i(N/π)(N/(2n+1) − 1).
    Inv,
    /// −½ + i(N/π)(N/(n+1) − 1).
    Inv2,
    /// −½ + i(2n+1)²/π.
    Quad,
    /// The spectrum of HiPPO-LegS without its low-rank part.
    Legs,
    /// −(n+1), real.
    Real,
    /// Half of the channels `inv`, half `lin`.
    Diag,
    /// −½ + i·e^z with z standard normal for every mode of every channel.
    Random,
}

impl DiagonalStart {
    /// Real and imaginary parts of the N/2 eigenvalues of each of `width` channels, N being `size`; imaginary parts are
    /// not negative. Nothing is drawn from `rng` but by [`Random`](Self::Random).
    pub fn eigenvalues(self, width: usize, size: usize, rng: &mut dyn Rng) -> Vec<Vec<(f64, f64)>> {
        let n_all = size as f64;
        let of = |imaginary: &mut dyn FnMut(f64) -> f64| -> Vec<(f64, f64)> {
            let modes = (0..size / 2).map(|n| n as f64);
            modes.map(|n| (-0.5, imaginary(n))).collect()
        };
        let one = match self {
            Self::Lin => of(&mut |n| PI * n),
            Self::Inv => of(&mut |n| n_all / PI * (n_all / (2.0 * n + 1.0) - 1.0)),
            Self::Inv2 => of(&mut |n| n_all / PI * (n_all / (n + 1.0) - 1.0)),
            Self::Quad => of(&mut |n| (2.0 * n + 1.0).powi(2) / PI),
            Self::Real => (1..=size / 2).map(|n| (-(n as f64), 0.0)).collect(),
            Self::Legs => {
                let spectrum = Measure::Legs.spectrum(size);
                spectrum.lambda.iter().map(|l| (l.re, -l.im)).collect()
            }
            Self::Diag => {
                let mut all = Self::Inv.eigenvalues(width / 2, size, rng);
                all.extend(Self::Lin.eigenvalues(width - width / 2, size, rng));
                return all;
            }
            Self::Random => {
                let mut draw = |_| rng.sample::<f64, _>(StandardNormal).exp();
                return (0..width).map(|_| of(&mut draw)).collect();
            }
        };
        vec![one; width]
    }
}

/// Arguments of [`S4d`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct S4dConfig {
    /// States N of a channel; N/2 are stored. Even.
    pub state: usize,
    /// The eigenvalues at the start.
    pub start: DiagonalStart,
    /// The rule of discretisation.
    pub discretisation: Discretisation,
    /// Smallest initial Δ.
    pub min_step: f64,
    /// Largest initial Δ.
    pub max_step: f64,
}

impl Default for S4dConfig {
    fn default() -> Self {
        Self {
            state: 64,
            start: DiagonalStart::Lin,
            discretisation: Discretisation::Zoh,
            min_step: 1e-3,
            max_step: 0.1,
        }
    }
}

/// The S4D layer.
#[derive(Module, Debug)]
pub struct S4d {
    /// a of Re λ = −e^a, `[H, N/2]`.
    pub log_decay: Param<Tensor<2>>,
    /// Im λ, `[H, N/2]`.
    pub frequency: Param<Tensor<2>>,
    /// B packed, `[H, N]`.
    pub b: Param<Tensor<2>>,
    /// C packed, `[H, N]`.
    pub c: Param<Tensor<2>>,
    /// D, `[H]`.
    pub d: Param<Tensor<1>>,
    /// ln Δ, `[H]`.
    pub log_step: Param<Tensor<1>>,
    output: Linear,
    /// What every step needs, of a layer that is not being trained.
    acting: Derived<Diagonal>,
    #[module(skip)]
    discretisation: Discretisation,
}

impl S4dConfig {
    /// A layer of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for a state or steps out of range.
    pub fn init(&self, width: usize, rng: &mut dyn Rng, device: &Device) -> Result<S4d, CoreError> {
        check_arguments("s4d", self.state, self.min_step, self.max_step)?;
        let (size, half) = (self.state, self.state / 2);
        let eigenvalues = self.start.eigenvalues(width, size, rng);
        let spread = |f: fn(&(f64, f64)) -> f64| -> Vec<f32> {
            let all = eigenvalues.iter().flatten();
            all.map(|l| f(l) as f32).collect()
        };
        let mut b = vec![1.0; size];
        b[half..].fill(0.0);
        let c = init::normal(rng, width * size, 0.5_f64.sqrt());
        let d = init::normal(rng, width, 1.0);
        let log_step = init::log_step(rng, width, self.min_step, self.max_step);
        Ok(S4d {
            log_decay: init::param(spread(|l| (-l.0).ln()), [width, half], device),
            frequency: init::param(spread(|l| l.1), [width, half], device),
            b: init::param(b.repeat(width), [width, size], device),
            c: init::param(c, [width, size], device),
            d: init::param(d, [width], device),
            log_step: init::param(log_step, [width], device),
            output: init::linear(rng, width, 2 * width, true, device),
            acting: Derived::default(),
            discretisation: self.discretisation,
        })
    }
}

/// Checks an even number of states and steps in order.
pub(super) fn check_arguments(
    core: &'static str,
    state: usize,
    min_step: f64,
    max_step: f64,
) -> Result<(), CoreError> {
    let argument = |name, reason| CoreError::Argument { core, name, reason };
    if state == 0 || !state.is_multiple_of(2) {
        return Err(argument(
            "state",
            format!("{state} is not even and positive"),
        ));
    }
    check_steps(core, min_step, max_step)
}

/// The systems of all channels, discretised.
#[derive(Debug, Clone)]
struct Diagonal {
    /// λΔ, `[H, N/2]`, where λ̄ is its exponential.
    exponent: Option<Complex<2>>,
    /// λ̄, `[H, N/2]`.
    transition: Complex<2>,
    /// B̄, `[H, N/2]`.
    b: Complex<2>,
    /// C, `[H, N/2]`.
    c: Complex<2>,
}

impl Diagonal {
    /// λ̄^k for k = `from` … `from + q − 1`, `[H, N/2, q]`.
    fn powers(&self, from: usize, q: usize) -> Complex<3> {
        let [channels, half] = self.b.re.dims();
        let device = self.b.re.device();
        if let Some(exponent) = &self.exponent {
            // One exponential for each power: products would add up their errors.
            let k: Vec<f32> = (from..from + q).map(|k| k as f32).collect();
            let k = Tensor::<1>::from_data(k.as_slice(), &device).reshape([1, 1, q]);
            let exponent = exponent.clone().reshape([channels, half, 1]);
            return Complex::new(exponent.re * k.clone(), exponent.im * k).exp();
        }
        let mut all = Complex::new(
            Tensor::ones([channels, half, 1], &device),
            Tensor::zeros([channels, half, 1], &device),
        );
        let mut square = self.transition.clone().reshape([channels, half, 1]);
        let mut count = 1;
        while count < from + q {
            let more = all.clone().mul(square.clone());
            all = Complex::new(
                Tensor::cat(vec![all.re, more.re], 2),
                Tensor::cat(vec![all.im, more.im], 2),
            );
            square = square.clone().mul(square);
            count *= 2;
        }
        Complex::new(all.re.narrow(2, from, q), all.im.narrow(2, from, q))
    }

    /// Rows that take 2 Re(C z ·) of a packed state, `[H, N, 1, q]`, for z `[H, N/2, q]`.
    fn rows(&self, z: Complex<3>) -> Tensor<4> {
        let [channels, half, q] = z.re.dims();
        let c = self.c.clone().reshape([channels, half, 1]);
        let w = c.mul(z);
        Tensor::cat(vec![w.re.mul_scalar(2.0), w.im.mul_scalar(-2.0)], 1).reshape([
            channels,
            2 * half,
            1,
            q,
        ])
    }
}

impl System for Diagonal {
    fn dims(&self) -> [usize; 3] {
        let [channels, half] = self.b.re.dims();
        [channels, 2 * half, 1]
    }

    fn columns(&self, q: usize) -> Columns {
        let [channels, half] = self.b.re.dims();
        let powers = self.powers(0, q);
        let b = self.b.clone().reshape([channels, half, 1]);
        let drive = powers.mul(b);
        let c = self.c.clone().reshape([channels, half, 1]);
        let kernel = c.mul(drive.clone()).re.sum_dim(1).mul_scalar(2.0);
        Columns {
            kernel,
            drive: Tensor::cat(vec![drive.re, drive.im], 1),
            read: self.rows(self.powers(1, q)),
        }
    }

    /// `[H, 1, N/2]`.
    type Power = Complex<3>;

    fn power(&self, q: usize) -> Complex<3> {
        let [channels, half] = self.b.re.dims();
        self.powers(q, 1).reshape([channels, 1, half])
    }

    fn advance(x: Tensor<3>, power: &Complex<3>) -> Tensor<3> {
        Complex::unpack(x).mul(power.clone()).pack()
    }
}

impl S4d {
    fn system(&self) -> Diagonal {
        let [channels, half] = self.frequency.dims();
        let step = self
            .log_step
            .val()
            .exp()
            .reshape([channels, 1])
            .expand([channels, half]);
        let lambda = Complex::new(self.log_decay.val().exp().neg(), self.frequency.val());
        let zoh = self.discretisation == Discretisation::Zoh;
        let exponent = zoh.then(|| lambda.clone().scale(step.clone()));
        let (transition, gain) = self.discretisation.apply(lambda, step);
        Diagonal {
            exponent,
            transition,
            b: Complex::unpack(self.b.val()).mul(gain),
            c: Complex::unpack(self.c.val()),
        }
    }

    /// The first `length` elements of every channel's kernel, `[H, length]`; without D.
    pub fn kernel(&self, length: usize) -> Tensor<2> {
        let channels = self.d.dims()[0];
        self.system()
            .columns(length)
            .kernel
            .reshape([channels, length])
    }

    fn around<const D: usize>(&self, input: Tensor<D>, y: Tensor<D>) -> Tensor<D> {
        let y = self.output.forward(activated(&self.d, &input, y));
        glu(y, D - 1) + input
    }
}

impl SequenceCore for S4d {
    fn width(&self) -> usize {
        self.d.dims()[0]
    }

    fn state_width(&self) -> usize {
        let [channels, size] = self.b.dims();
        channels * size
    }

    fn state_multiply_adds(&self) -> usize {
        // One complex product for each pair.
        2 * self.state_width()
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
        let half = size / 2;
        let system = self.acting.get(&self.d.device(), || self.system());
        let x = Complex::unpack(forget(state, resets).reshape([batch, channels, size]));
        let u = input.clone().reshape([batch, channels, 1]);
        let x = x
            .mul(system.transition.clone().reshape([1, channels, half]))
            .add(system.b.clone().reshape([1, channels, half]).scale(u));
        let y = x.clone().mul(system.c.reshape([1, channels, half])).re;
        let y = y.sum_dim(2).mul_scalar(2.0).reshape([batch, channels]);
        let state = x.pack().reshape([batch, channels * size]);
        Ok((self.around(input, y), state))
    }

    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let [batch, steps] = check_sequence(self, &input, &resets, &state)?;
        let (y, last) = chunked_scan(&self.system(), input.clone(), &resets, state);
        let y = y.reshape([batch, steps, self.width()]);
        Ok((self.around(input, y), last))
    }

    fn convolve(&self, input: Tensor<3>, state: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        let [batch, steps, width] = input.dims();
        check_shape("input", [width], [self.width()])?;
        check_shape("state", state.dims(), [batch, self.state_width()])?;
        if steps == 0 {
            return Err(CoreError::EmptySequence);
        }
        let Columns { kernel, read, .. } = self.system().columns(steps);
        let y = convolve(kernel, read, input.clone(), state)?;
        Ok(self.around(input, y.reshape([batch, steps, width])))
    }

    fn check_stability(&self) -> Result<(), CoreError> {
        let count: usize = self.frequency.dims().iter().product();
        check_moduli(self.system().transition.norm_sqr().sqrt().reshape([count]))
    }
}

#[cfg(test)]
mod tests;
