//! S5: one multi-input, multi-output diagonal system per layer, with resets.
//!
//! Smith, Warrington and Linderman, "Simplified state space layers for sequence modeling" (arXiv 2208.04933); resets from
//! Lu et al., "Structured state space models for in-context reinforcement learning" (arXiv 2303.03982).
//! x_t = Λ̄∘x_{t−1} + B̄ u_t, y_t = 2 Re(C̃ x_t) + D∘u_t; of each conjugate pair one is stored.
//!
//! Differences from the released codes: eigenvalues are clipped to Re λ ≤ −10⁻⁴ unless `clip_eigenvalues` is off (one that
//! is clipped has no gradient, so it stays there, as in the authors' code), and several blocks really are several HiPPO systems (popjaxrl diagonalises one of the full size whatever `blocks` says).

use burn::{
    module::{Module, Param},
    nn::{LayerNorm, LayerNormConfig, Linear},
    tensor::{Bool, Device, Tensor},
};
use rand::Rng;

use super::{
    discretise::{Discretisation, check_steps},
    hippo::{C64, Measure},
};
use crate::{
    CoreError, SequenceCore,
    activation::{Rectifier, gated, gelu, linear, plus_product},
    complex::Complex,
    core::{check_moduli, check_sequence, check_step, last_step},
    derived::Derived,
    init,
    scan::{DiagonalScan, ScanForm, diagonal_scan},
};

/// Re λ at most this when eigenvalues are clipped.
const LARGEST_REAL_PART: f32 = -1e-4;

/// Most states: those of a system of this size take minutes to diagonalise.
const MOST_STATES: usize = 4096;

/// What follows the state-space model.
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
pub enum Activation {
    /// W₁g ∘ σ(W₂g) with g = gelu(y).
    #[default]
    FullGlu,
    /// g ∘ σ(W₂g) with g = gelu(y).
    HalfGlu1,
    /// y ∘ σ(W₂ gelu(y)).
    HalfGlu2,
    /// gelu(y).
    Gelu,
}

/// Arguments of [`S5`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "switches of the released code"
)]
pub struct S5Config {
    /// States P of the full system; P/2 are stored. A multiple of 2·`blocks`.
    pub state: usize,
    /// HiPPO systems on the diagonal.
    pub blocks: usize,
    /// The rule of discretisation.
    pub discretisation: Discretisation,
    /// Smallest initial Δ.
    pub min_step: f64,
    /// Largest initial Δ.
    pub max_step: f64,
    /// What follows the state-space model.
    pub activation: Activation,
    /// Layer norm before the state-space model.
    pub pre_norm: bool,
    /// Layer norm after the residual connection.
    pub post_norm: bool,
    /// Layer norm before the activation.
    pub inner_norm: bool,
    /// Keep Re λ ≤ −10⁻⁴.
    pub clip_eigenvalues: bool,
}

impl Default for S5Config {
    fn default() -> Self {
        Self {
            state: 256,
            blocks: 1,
            discretisation: Discretisation::Zoh,
            min_step: 1e-3,
            max_step: 0.1,
            activation: Activation::FullGlu,
            pre_norm: false,
            post_norm: false,
            inner_norm: false,
            clip_eigenvalues: true,
        }
    }
}

/// The S5 layer: state-space model, activation, residual connection.
#[derive(Module, Debug)]
pub struct S5 {
    /// Re λ, `[P/2]`.
    pub lambda_re: Param<Tensor<1>>,
    /// Im λ, `[P/2]`.
    pub lambda_im: Param<Tensor<1>>,
    /// B̃ transposed, packed on the last axis, `[D, P]`.
    pub b: Param<Tensor<2>>,
    /// C̃ transposed, real parts above imaginary ones, `[P, D]`.
    pub c: Param<Tensor<2>>,
    /// D, `[D]`.
    pub d: Param<Tensor<1>>,
    /// ln Δ, `[P/2]`.
    pub log_step: Param<Tensor<1>>,
    value: Option<Linear>,
    gate: Option<Linear>,
    pre_norm: Option<LayerNorm>,
    inner_norm: Option<LayerNorm>,
    post_norm: Option<LayerNorm>,
    /// Of a layer that is not being trained: every step would discretise the same parameters again.
    system: Derived<System>,
    #[module(skip)]
    config: S5Config,
}

/// The discretised system of a layer.
#[derive(Debug, Clone)]
struct System {
    /// Λ̄ packed, `[P]`.
    transition: Tensor<1>,
    /// B̄ transposed and packed, `[D, P]`.
    input: Tensor<2>,
    /// 2·(C_re, −C_im) transposed, `[P, D]`.
    output: Tensor<2>,
}

impl S5Config {
    /// A layer of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for a state or steps out of range.
    pub fn init(&self, width: usize, rng: &mut dyn Rng, device: &Device) -> Result<S5, CoreError> {
        let (size, half) = (self.state, self.state / 2);
        if size == 0 || self.blocks == 0 || !size.is_multiple_of(2 * self.blocks) {
            return Err(argument(
                "state",
                format!(
                    "{size} is no positive multiple of 2·blocks = {}",
                    2 * self.blocks
                ),
            ));
        }
        if size > MOST_STATES {
            return Err(argument("state", format!("{size}; at most {MOST_STATES}")));
        }
        check_steps("s5", self.min_step, self.max_step)?;
        let block = Measure::Legs.spectrum(size / self.blocks);
        let of_block = half / self.blocks;
        let lambda: Vec<C64> = (0..half).map(|i| block.lambda[i % of_block]).collect();
        // B̃ = V* B and C̃ = C V with V the blocks' eigenvectors on a diagonal.
        let b = init::lecun_normal(rng, size * width, size);
        let c = init::lecun_normal(rng, width * size * 2, size * width);
        let rows = size / self.blocks;
        let mut b_tilde = vec![0.0_f32; width * size];
        let mut c_tilde = vec![0.0_f32; size * width];
        for mode in 0..half {
            let (first, column) = (mode / of_block * rows, mode % of_block);
            for channel in 0..width {
                let (mut b_sum, mut c_sum) = (C64::default(), C64::default());
                for row in 0..rows {
                    let v = block.vectors[row * of_block + column];
                    let b = b[(first + row) * width + channel];
                    b_sum.re += v.re * b;
                    b_sum.im -= v.im * b;
                    let at = 2 * (channel * size + first + row);
                    let (re, im) = (c[at], c[at + 1]);
                    c_sum.re += re * v.re - im * v.im;
                    c_sum.im += re * v.im + im * v.re;
                }
                b_tilde[channel * size + mode] = b_sum.re as f32;
                b_tilde[channel * size + half + mode] = b_sum.im as f32;
                c_tilde[mode * width + channel] = c_sum.re as f32;
                c_tilde[(half + mode) * width + channel] = c_sum.im as f32;
            }
        }
        let part = |f: fn(&C64) -> f64| lambda.iter().map(|l| f(l) as f32).collect();
        let norm = |on: bool| on.then(|| LayerNormConfig::new(width).init(device));
        let with_gate = self.activation != Activation::Gelu;
        let d = init::normal(rng, width, 1.0);
        let log_step = init::log_step(rng, half, self.min_step, self.max_step);
        let with_value = self.activation == Activation::FullGlu;
        Ok(S5 {
            lambda_re: init::param(part(|l| l.re), [half], device),
            lambda_im: init::param(part(|l| l.im), [half], device),
            b: init::param(b_tilde, [width, size], device),
            c: init::param(c_tilde, [size, width], device),
            d: init::param(d, [width], device),
            log_step: init::param(log_step, [half], device),
            value: with_value.then(|| init::linear(rng, width, width, true, device)),
            gate: with_gate.then(|| init::linear(rng, width, width, true, device)),
            pre_norm: norm(self.pre_norm),
            inner_norm: norm(self.inner_norm),
            post_norm: norm(self.post_norm),
            system: Derived::default(),
            config: self.clone(),
        })
    }
}

fn argument(name: &'static str, reason: String) -> CoreError {
    CoreError::Argument {
        core: "s5",
        name,
        reason,
    }
}

impl S5 {
    /// Λ̄ and the gain of the inputs, `[P/2]` each.
    pub fn discretised(&self) -> (Complex<1>, Complex<1>) {
        let mut re = self.lambda_re.val();
        if self.config.clip_eigenvalues {
            re = re.clamp_max(LARGEST_REAL_PART);
        }
        let lambda = Complex::new(re, self.lambda_im.val());
        let step = self.log_step.val().exp();
        self.config.discretisation.apply(lambda, step)
    }

    fn system(&self) -> System {
        let half = self.config.state / 2;
        let (transition, gain) = self.discretised();
        let b = Complex::unpack(self.b.val()).mul(gain.reshape([1, half]));
        let c = self.c.val();
        let output = Tensor::cat(
            vec![
                c.clone().narrow(0, 0, half).mul_scalar(2.0),
                c.narrow(0, half, half).mul_scalar(-2.0),
            ],
            0,
        );
        System {
            transition: transition.pack(),
            input: b.pack(),
            output,
        }
    }

    /// The state-space model alone, without norms, activation and residual connection, with a form of scan of one's
    /// choice.
    ///
    /// # Shapes
    /// As [`SequenceCore::scan`].
    ///
    /// # Errors
    /// As [`SequenceCore::scan`], and [`CoreError::Form`].
    pub fn state_space(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
        form: Option<ScanForm>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let [batch, steps] = check_sequence(self, &input, &resets, &state)?;
        let (width, size) = (self.width(), self.config.state);
        let system = self.system();
        let driven = input
            .clone()
            .reshape([batch * steps, width])
            .matmul(system.input);
        let scan = DiagonalScan {
            transition: system.transition,
            input: driven.reshape([batch, steps, size]),
            resets,
            state,
        };
        let states = diagonal_scan(scan, form)?;
        let last = last_step(&states);
        let through = input * self.d.val().reshape([1, 1, width]);
        let output = plus_product(
            through.reshape([batch * steps, width]),
            states.reshape([batch * steps, size]),
            system.output,
        );
        Ok((output.reshape([batch, steps, width]), last))
    }

    /// [`SequenceCore::scan`] with a form of one's choice.
    ///
    /// # Errors
    /// As [`SequenceCore::scan`], and [`CoreError::Form`].
    pub fn scan_by(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
        form: Option<ScanForm>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let inner = apply(self.pre_norm.as_ref(), input.clone());
        let (output, state) = self.state_space(inner, resets, state, form)?;
        Ok((self.around(input, output), state))
    }

    /// Inner norm, activation, residual connection, outer norm.
    fn around<const D: usize>(&self, skip: Tensor<D>, y: Tensor<D>) -> Tensor<D> {
        let y = apply(self.inner_norm.as_ref(), y);
        let g = gelu(y.clone());
        let through = |layer: &Linear, x| linear(layer, x, Rectifier::None);
        let out = match (&self.value, &self.gate) {
            (Some(value), Some(gate)) => gated(through(value, g.clone()), through(gate, g), skip),
            (None, Some(gate)) if self.config.activation == Activation::HalfGlu2 => {
                gated(y, through(gate, g), skip)
            }
            (None, Some(gate)) => gated(g.clone(), through(gate, g), skip),
            (_, None) => g + skip,
        };
        apply(self.post_norm.as_ref(), out)
    }
}

fn apply<const D: usize>(norm: Option<&LayerNorm>, x: Tensor<D>) -> Tensor<D> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}

impl SequenceCore for S5 {
    fn width(&self) -> usize {
        self.d.dims()[0]
    }

    fn state_width(&self) -> usize {
        self.config.state
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
        let size = self.config.state;
        let system = self.system.get(&self.d.device(), || self.system());
        let inner = apply(self.pre_norm.as_ref(), input.clone());
        // A sequence of one step.
        let scan = DiagonalScan {
            transition: system.transition,
            input: (inner.clone().matmul(system.input)).reshape([batch, 1, size]),
            resets: resets.reshape([batch, 1]),
            state,
        };
        let state = diagonal_scan(scan, None)?.reshape([batch, size]);
        let through = inner * self.d.val().reshape([1, self.width()]);
        let output = plus_product(through, state.clone(), system.output);
        Ok((self.around(input, output), state))
    }

    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        self.scan_by(input, resets, state, None)
    }

    fn convolve(&self, _: Tensor<3>, _: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        Err(CoreError::NoKernel { core: "s5" })
    }

    fn check_stability(&self) -> Result<(), CoreError> {
        check_moduli(self.discretised().0.norm_sqr().sqrt())
    }
}

#[cfg(test)]
mod tests;
