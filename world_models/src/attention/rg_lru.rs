//! The real gated linear recurrent unit of Hawk: De et al., "Griffin: mixing gated linear recurrences with local
//! attention for efficient language models" (arXiv 2402.19427). r = σ(W_a x), i = σ(W_x x), a = σ(Λ)^{8r},
//! h_t = a∘h_{t−1} + √(1 − a²)∘(i∘x_t). A block multiplies it with gelu of another projection, maps it back and adds the
//! input. The short convolution of the paper's block is left out: memory is to be the recurrence's.

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Bool, Device, Tensor},
};
use rand::{Rng, RngExt};

use crate::{
    CoreError, SequenceCore,
    activation::{gelu, log_sigmoid, sigmoid},
    core::{check_sequence, last_step},
    init,
    scan::{GatedScan, ScanForm, gated_scan},
};

/// c of a = σ(Λ)^{c r}.
const SHARPNESS: f64 = 8.0;

/// Least 1 − a² under the root: its gradient is infinite at 0.
const FLOOR: f64 = 1e-6;

/// Arguments of [`RgLru`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RgLruConfig {
    /// Channels N of the recurrence.
    pub state: usize,
}

impl Default for RgLruConfig {
    fn default() -> Self {
        Self { state: 256 }
    }
}

/// A block around an RG-LRU.
#[derive(Module, Debug)]
pub struct RgLru {
    input: Linear,
    branch: Linear,
    recurrence_gate: Linear,
    input_gate: Linear,
    /// Λ, `[N]`.
    pub lambda: Param<Tensor<1>>,
    output: Linear,
}

impl RgLruConfig {
    /// A block of the given width; σ(Λ)⁸ starts uniformly in (0.9, 0.999).
    ///
    /// # Errors
    /// [`CoreError::Argument`] for no channels.
    pub fn init(
        &self,
        width: usize,
        rng: &mut dyn Rng,
        device: &Device,
    ) -> Result<RgLru, CoreError> {
        let n = self.state;
        if n == 0 {
            return Err(CoreError::Argument {
                core: "rg_lru",
                name: "state",
                reason: "0; at least 1".into(),
            });
        }
        let lambda = (0..n)
            .map(|_| {
                let s = (0.9 + 0.099 * rng.random::<f64>()).powf(1.0 / SHARPNESS);
                (s / (1.0 - s)).ln() as f32
            })
            .collect();
        Ok(RgLru {
            input: init::linear(rng, width, n, true, device),
            branch: init::linear(rng, width, n, true, device),
            recurrence_gate: init::linear(rng, n, n, true, device),
            input_gate: init::linear(rng, n, n, true, device),
            lambda: init::param(lambda, [n], device),
            output: init::linear(rng, n, width, true, device),
        })
    }
}

/// All states `[B, T, N]` from the gates before their sigmoids and x, `[B, T, N]` each, and Λ `[N]`.
///
/// # Errors
/// As [`gated_scan`].
pub(super) fn recurrence(
    [recurrence_gate, input_gate, x]: [Tensor<3>; 3],
    lambda: Tensor<1>,
    resets: Tensor<2, Bool>,
    state: Tensor<2>,
    form: Option<ScanForm>,
) -> Result<Tensor<3>, CoreError> {
    let [_, _, n] = x.dims();
    let log = log_sigmoid(lambda).reshape([1, 1, n]).mul_scalar(SHARPNESS);
    let decay = (sigmoid(recurrence_gate) * log).exp();
    let scale = (decay.clone().square().neg() + 1.0).clamp_min(FLOOR).sqrt();
    let scan = GatedScan {
        input: scale * sigmoid(input_gate) * x,
        decay,
        resets,
        state,
    };
    gated_scan(scan, form)
}

impl SequenceCore for RgLru {
    fn width(&self) -> usize {
        self.output.weight.dims()[1]
    }

    fn state_width(&self) -> usize {
        self.lambda.dims()[0]
    }

    fn state_multiply_adds(&self) -> usize {
        // a∘h, i∘x and its scale.
        3 * self.state_width()
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        Tensor::zeros([batch, self.state_width()], &self.lambda.device())
    }

    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        check_sequence(self, &input, &resets, &state)?;
        let x = self.input.forward(input.clone());
        let gates = [
            self.recurrence_gate.forward(x.clone()),
            self.input_gate.forward(x.clone()),
            x,
        ];
        let h = recurrence(gates, self.lambda.val(), resets, state, None)?;
        let last = last_step(&h);
        let branch = gelu(self.branch.forward(input.clone()));
        Ok((self.output.forward(h * branch) + input, last))
    }

    fn convolve(&self, _: Tensor<3>, _: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        Err(CoreError::NoKernel { core: "rg_lru" })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use palaestra_envs::stream::Stream;

    use super::*;
    use crate::testing::{assert_golden, check_core, flags, golden, tensor, values};

    #[test]
    fn states_of_the_golden_sequence() {
        let golden = golden("linear_attention_family.json");
        let given = &golden["inputs"];
        let device = Device::flex();
        let get = |key: &str| tensor::<3>(&given[key], [1, 5, 2], &device);
        for form in [ScanForm::Loop, ScanForm::Doubling, ScanForm::Fused] {
            let gates = [get("rg_r_preact"), get("rg_i_preact"), get("rg_x")];
            let lambda = tensor(&given["rg_Lambda"], [2], &device);
            let resets = flags(&[0.0; 5], [1, 5], &device);
            let state = Tensor::zeros([1, 2], &device);
            let h = recurrence(gates, lambda, resets, state, Some(form)).unwrap();
            assert_golden(&h, &golden["rglru_h"], 1e-5);
        }
    }

    /// a → 1, where the root's own gradient is infinite.
    #[test]
    fn gradients_stay_finite_without_decay() {
        let device = Device::flex().autodiff();
        let lambda = Tensor::<1>::from_data([40.0, 40.0], &device).require_grad();
        let zero = || Tensor::<3>::zeros([1, 3, 2], &device);
        let gates = [zero() - 40.0, zero(), zero() + 1.0];
        let resets = flags(&[0.0; 3], [1, 3], &device);
        let state = Tensor::ones([1, 2], &device);
        let h = recurrence(gates, lambda.clone(), resets, state, None).unwrap();
        let grads = h.sum().backward();
        assert!(
            values(&lambda.grad(&grads).unwrap())
                .iter()
                .all(|x| x.is_finite())
        );
    }

    #[test]
    fn steps_scans_cuts_and_resets_agree() {
        let device = Device::flex();
        let core = RgLruConfig { state: 5 }
            .init(4, &mut Stream::new(1, 0, "hawk"), &device)
            .unwrap();
        check_core(&core, 257, &device);
    }
}
