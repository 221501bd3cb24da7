//! Mamba: Gu and Dao, "Mamba: linear-time sequence modeling with selective state spaces" (arXiv 2312.00752). A block is
//! (x, z) = W_in u; x = silu(conv₄(x)); (δ, b, c) = W_x x; Δ = softplus(W_Δ δ + b_Δ); the selective scan of x with
//! A = −e^{A_log}; y = scan + D∘x; out = W_out (y∘silu(z)). No norm and no residual connection inside.
//!
//! The state is the last three inputs of the convolution, then the states of the scan. A reset empties both: taps that
//! reach before it read zeros.

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Bool, Device, Tensor},
};
use rand::Rng;

use super::discretise::check_steps;
use crate::{
    CoreError, SequenceCore,
    activation::{silu, softplus},
    core::{check_sequence, last_step, part, window},
    init,
    scan::{ScanForm, SelectiveScan, selective_scan},
};

/// Arguments of [`Mamba`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MambaConfig {
    /// States N of a channel.
    pub state: usize,
    /// Inner channels E for each of the layer's width.
    pub expand: usize,
    /// Taps of the convolution.
    pub taps: usize,
    /// Smallest initial Δ.
    pub min_step: f64,
    /// Largest initial Δ.
    pub max_step: f64,
}

impl Default for MambaConfig {
    fn default() -> Self {
        Self {
            state: 16,
            expand: 2,
            taps: 4,
            min_step: 1e-3,
            max_step: 0.1,
        }
    }
}

/// A Mamba block.
#[derive(Module, Debug)]
pub struct Mamba {
    input: Linear,
    convolution: ShortConvolution,
    selection: Linear,
    step: Linear,
    /// ln(−A), `[E, N]`.
    pub log_a: Param<Tensor<2>>,
    /// D, `[E]`.
    pub d: Param<Tensor<1>>,
    output: Linear,
}

/// A causal convolution of every channel with a few taps of its own, then silu.
#[derive(Module, Debug)]
pub(super) struct ShortConvolution {
    /// Oldest tap first, `[taps, E]`.
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl ShortConvolution {
    pub(super) fn new(rng: &mut dyn Rng, taps: usize, channels: usize, device: &Device) -> Self {
        let bound = 1.0 / (taps as f64).sqrt();
        let weight = init::uniform(rng, taps * channels, -bound, bound);
        let bias = init::uniform(rng, channels, -bound, bound);
        Self {
            weight: init::param(weight, [taps, channels], device),
            bias: init::param(bias, [channels], device),
        }
    }

    /// Numbers remembered: the inputs under all taps but the last.
    pub(super) fn state_width(&self) -> usize {
        let [taps, channels] = self.weight.dims();
        (taps - 1) * channels
    }

    /// Outputs and the inputs to remember.
    pub(super) fn scan(
        &self,
        input: Tensor<3>,
        resets: &Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> (Tensor<3>, Tensor<2>) {
        let [batch, steps, channels] = input.dims();
        let taps = self.weight.dims()[0];
        let seen = window(input, resets, state, taps);
        let last = part(&last_step(&seen), channels, (taps - 1) * channels);
        let mut sum = self
            .bias
            .val()
            .reshape([1, 1, channels])
            .expand([batch, steps, channels]);
        for tap in 0..taps {
            let weight = self
                .weight
                .val()
                .narrow(0, tap, 1)
                .reshape([1, 1, channels]);
            sum = sum + seen.clone().narrow(2, tap * channels, channels) * weight;
        }
        (silu(sum), last)
    }
}

/// Checks that all sizes are at least 1 and steps in order.
pub(super) fn check_arguments(
    core: &'static str,
    sizes: &[(&'static str, usize)],
    min_step: f64,
    max_step: f64,
) -> Result<(), CoreError> {
    let argument = |name, reason| CoreError::Argument { core, name, reason };
    for (name, size) in sizes {
        if *size == 0 {
            return Err(argument(name, "0; at least 1".into()));
        }
    }
    check_steps(core, min_step, max_step)
}

impl MambaConfig {
    /// A block of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for sizes of 0 or steps out of range.
    pub fn init(
        &self,
        width: usize,
        rng: &mut dyn Rng,
        device: &Device,
    ) -> Result<Mamba, CoreError> {
        let sizes = [
            ("state", self.state),
            ("expand", self.expand),
            ("taps", self.taps),
        ];
        check_arguments("mamba", &sizes, self.min_step, self.max_step)?;
        let (channels, n) = (self.expand * width, self.state);
        let rank = width.div_ceil(16);
        let log_a: Vec<f32> = (1..=n).map(|n| (n as f32).ln()).collect();
        let bound = 1.0 / (rank as f64).sqrt();
        let step_weight = init::uniform(rng, rank * channels, -bound, bound);
        let bias = init::step_bias(rng, channels, self.min_step, self.max_step);
        Ok(Mamba {
            input: init::linear(rng, width, 2 * channels, false, device),
            convolution: ShortConvolution::new(rng, self.taps, channels, device),
            selection: init::linear(rng, channels, rank + 2 * n, false, device),
            step: init::linear_from(step_weight, rank, channels, Some(bias), device),
            log_a: init::param(log_a.repeat(channels), [channels, n], device),
            d: init::constant(1.0, [channels], device),
            output: init::linear(rng, channels, width, false, device),
        })
    }
}

impl Mamba {
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
        check_sequence(self, &input, &resets, &state)?;
        let [channels, n] = self.log_a.dims();
        let taps = self.convolution.state_width();
        let both = self.input.forward(input);
        let (x, z) = (
            both.clone().narrow(2, 0, channels),
            both.narrow(2, channels, channels),
        );
        let (x, remembered) = self.convolution.scan(x, &resets, part(&state, 0, taps));
        let selected = self.selection.forward(x.clone());
        let rank = selected.dims()[2] - 2 * n;
        let selected = |start: usize, length: usize| selected.clone().narrow(2, start, length);
        let scan = SelectiveScan {
            delta: softplus(self.step.forward(selected(0, rank))),
            a: self.log_a.val().exp().neg(),
            b: selected(rank, n),
            c: selected(rank + n, n),
            input: x.clone(),
            resets,
            state: state.narrow(1, taps, channels * n),
        };
        let (y, states) = selective_scan(scan, form)?;
        let y = y + x * self.d.val().reshape([1, 1, channels]);
        let output = self.output.forward(y * silu(z));
        Ok((output, Tensor::cat(vec![remembered, states], 1)))
    }
}

impl SequenceCore for Mamba {
    fn width(&self) -> usize {
        self.output.weight.dims()[1]
    }

    fn state_width(&self) -> usize {
        let [channels, n] = self.log_a.dims();
        self.convolution.state_width() + channels * n
    }

    fn state_multiply_adds(&self) -> usize {
        // Decay, write and read of every number.
        3 * self.log_a.dims().iter().product::<usize>()
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        Tensor::zeros([batch, self.state_width()], &self.d.device())
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
        Err(CoreError::NoKernel { core: "mamba" })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use palaestra_envs::stream::Stream;

    use super::*;
    use crate::testing::{
        assert_golden, assert_same, check_core, check_long, flags, golden, noise, numbers,
        random_resets, tensor,
    };

    #[test]
    fn scan_of_the_golden_system() {
        let golden = golden("mamba_s6.json");
        let given = &golden["inputs"];
        let device = Device::flex();
        // The file has time last.
        let get = |key: &str, rows: usize| tensor::<2>(&given[key], [rows, 5], &device).transpose();
        let bias = tensor::<1>(&given["delta_bias"], [2], &device).reshape([1, 2]);
        let delta = softplus(get("delta_raw", 2) + bias);
        assert_golden(&delta.clone().transpose(), &golden["delta"], 1e-5);
        let a = tensor::<2>(&given["A"], [2, 3], &device);
        let u = get("u", 2);
        let gate = silu(get("z", 2));
        for form in [ScanForm::Loop, ScanForm::Doubling, ScanForm::Fused] {
            for (resets, y_key, h_key) in [
                (vec![0.0; 5], "y", "h_final"),
                (numbers(&given["resets"]), "y_reset", "h_final_reset"),
            ] {
                let scan = SelectiveScan {
                    delta: delta.clone().reshape([1, 5, 2]),
                    a: a.clone(),
                    b: get("B", 3).reshape([1, 5, 3]),
                    c: get("C", 3).reshape([1, 5, 3]),
                    input: u.clone().reshape([1, 5, 2]),
                    resets: flags(&resets, [1, 5], &device),
                    state: Tensor::zeros([1, 6], &device),
                };
                let (y, last) = selective_scan(scan, Some(form)).unwrap();
                let d = tensor::<1>(&given["D"], [2], &device).reshape([1, 2]);
                let y = y.reshape([5, 2]) + u.clone() * d;
                assert_golden(&y.clone().transpose(), &golden[y_key], 1e-5);
                assert_golden(&last, &golden[h_key], 1e-5);
                if y_key == "y" {
                    assert_golden(&(y * gate.clone()).transpose(), &golden["y_gated"], 1e-5);
                }
            }
        }
    }

    #[test]
    fn steps_scans_cuts_and_resets_agree() {
        let device = Device::flex();
        let config = MambaConfig {
            state: 3,
            ..MambaConfig::default()
        };
        let mamba = config
            .init(4, &mut Stream::new(1, 0, "mamba"), &device)
            .unwrap();
        check_core(&mamba, 257, &device);
    }

    /// Long sequences with extreme steps stay finite: silence, and one impulse.
    #[test]
    fn nothing_overflows_over_eight_thousand_steps() {
        let device = Device::flex();
        for step in [1e-4, 1e-3, 0.1, 1.0, 10.0] {
            let config = MambaConfig {
                min_step: step,
                max_step: step,
                ..MambaConfig::default()
            };
            let mut rng = Stream::new(1, 0, "mamba");
            check_long(&config.init(4, &mut rng, &device).unwrap(), &device);
        }
    }

    #[test]
    fn parameters_are_as_many_as_in_the_published_block() {
        let mamba = MambaConfig::default()
            .init(256, &mut Stream::new(1, 0, "m"), &Device::flex())
            .unwrap();
        assert_eq!(mamba.num_params(), 437_760);
    }

    #[test]
    fn forms_of_the_block_agree_in_gradients() {
        let device = Device::flex().autodiff();
        let config = MambaConfig {
            state: 3,
            ..MambaConfig::default()
        };
        let mamba = config
            .init(4, &mut Stream::new(1, 0, "mamba"), &device)
            .unwrap();
        let gradients = |form| {
            let input = noise("u", [3, 33, 4], &device).require_grad();
            let resets = random_resets(3, 33, 0.05, &device);
            let (y, _) = mamba
                .scan_by(input.clone(), resets, mamba.initial_state(3), Some(form))
                .unwrap();
            let grads = (y * noise("w", [3, 33, 4], &device)).sum().backward();
            (
                input.grad(&grads).unwrap(),
                mamba.log_a.val().grad(&grads).unwrap(),
                mamba.step.weight.val().grad(&grads).unwrap(),
            )
        };
        let reference = gradients(ScanForm::Loop);
        for form in [ScanForm::Doubling, ScanForm::Fused] {
            let found = gradients(form);
            assert_same(&found.0, &reference.0, 1e-5);
            assert_same(&found.1, &reference.1, 1e-5);
            assert_same(&found.2, &reference.2, 1e-5);
        }
    }
}
