//! Gated linear attention: Yang et al., "Gated linear attention transformers with hardware-efficient training" (arXiv
//! 2312.06635). S_t = S_{t−1} diag(g_t) + v kᵀ with a decay for every key channel, y_t = S_t q. The decay is
//! σ(W_g u + 4)^{1/16}: as in the paper near 1, so that memory starts long. Then a norm of every head, a gate, a map and a
//! residual connection. Unlike the released code the gate's map is of full rank, and queries are not scaled.

use burn::{
    module::Module,
    nn::Linear,
    tensor::{Bool, Device, Tensor},
};
use rand::Rng;

use super::heads::{Heads, for_heads, split};
use crate::{
    CoreError, SequenceCore,
    activation::{log_sigmoid, silu},
    core::{check_sequence, last_step},
    init,
    scan::{GatedScan, ScanForm, gated_scan},
};

/// Divides the logarithm of the decay.
const TEMPERATURE: f64 = 16.0;

/// Arguments of [`Gla`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GlaConfig {
    /// Heads; they divide the width. The memory is width²/heads numbers.
    pub heads: usize,
}

impl Default for GlaConfig {
    fn default() -> Self {
        Self { heads: 4 }
    }
}

/// A layer of gated linear attention.
#[derive(Module, Debug)]
pub struct Gla {
    heads: Heads,
    decay: Linear,
    gate: Linear,
}

impl GlaConfig {
    /// A layer of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for heads that do not divide the width.
    pub fn init(&self, width: usize, rng: &mut dyn Rng, device: &Device) -> Result<Gla, CoreError> {
        let heads = Heads::new("gla", width, self.heads, rng, device)?;
        let weight = init::lecun_normal(rng, width * width, width);
        let weight = weight.into_iter().map(|x| x as f32).collect();
        let bias = Some(vec![4.0; width]);
        Ok(Gla {
            heads,
            decay: init::linear_from(weight, width, width, bias, device),
            gate: init::linear(rng, width, width, false, device),
        })
    }
}

/// Outputs `[R, T, P]` and the last S `[R, P·N]` for queries, keys and decays `[R, T, N]`, values `[R, T, P]`.
///
/// # Errors
/// As [`gated_scan`].
pub(super) fn attend(
    [query, key, value]: [Tensor<3>; 3],
    decay: Tensor<3>,
    resets: Tensor<2, Bool>,
    state: Tensor<2>,
    form: Option<ScanForm>,
) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
    let [rows, steps, p] = value.dims();
    let n = key.dims()[2];
    let put = value.reshape([rows, steps, p, 1]) * key.reshape([rows, steps, 1, n]);
    let decay = decay
        .reshape([rows, steps, 1, n])
        .expand([rows, steps, p, n]);
    let scan = GatedScan {
        decay: decay.reshape([rows, steps, p * n]),
        input: put.reshape([rows, steps, p * n]),
        resets,
        state,
    };
    let states = gated_scan(scan, form)?;
    let last = last_step(&states);
    let read = states.reshape([rows, steps, p, n]) * query.reshape([rows, steps, 1, n]);
    Ok((read.sum_dim(3).reshape([rows, steps, p]), last))
}

/// x/√(mean x² + 10⁻⁵) over the last axis.
pub(super) fn root_mean_square_norm<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let size = (x.clone().square().mean_dim(D - 1) + 1e-5).sqrt();
    x / size
}

impl SequenceCore for Gla {
    fn width(&self) -> usize {
        self.heads.width()
    }

    fn state_width(&self) -> usize {
        self.heads.width() * self.heads.size()
    }

    fn state_multiply_adds(&self) -> usize {
        // Decay, write and read of every number.
        3 * self.state_width()
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        Tensor::zeros([batch, self.state_width()], &self.heads.device())
    }

    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let [batch, _] = check_sequence(self, &input, &resets, &state)?;
        let heads = self.heads.count();
        let log = log_sigmoid(self.decay.forward(input.clone()));
        let decay = split(log.div_scalar(TEMPERATURE).exp(), heads);
        let state = state.reshape([batch * heads, self.state_width() / heads]);
        let projected = self.heads.project(&input);
        let (y, last) = attend(projected, decay, for_heads(&resets, heads), state, None)?;
        let gate = split(silu(self.gate.forward(input.clone())), heads);
        let output = self.heads.join(root_mean_square_norm(y) * gate);
        Ok((output + input, last.reshape([batch, self.state_width()])))
    }

    fn convolve(&self, _: Tensor<3>, _: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        Err(CoreError::NoKernel { core: "gla" })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use palaestra_envs::stream::Stream;

    use super::*;
    use crate::testing::{assert_golden, check_core, flags, golden, tensor};

    #[test]
    fn outputs_of_the_golden_sequence() {
        let golden = golden("linear_attention_family.json");
        let device = Device::flex();
        let get = |key: &str| tensor::<3>(&golden["inputs"][key], [1, 5, 2], &device);
        for form in [ScanForm::Loop, ScanForm::Doubling, ScanForm::Fused] {
            let state = Tensor::zeros([1, 4], &device);
            let resets = flags(&[0.0; 5], [1, 5], &device);
            let given = [get("q"), get("k"), get("v")];
            let (y, _) = attend(given, get("g"), resets, state, Some(form)).unwrap();
            assert_golden(&y, &golden["gla"], 1e-5);
        }
    }

    #[test]
    fn steps_scans_cuts_and_resets_agree() {
        let device = Device::flex();
        let core = GlaConfig { heads: 2 }
            .init(6, &mut Stream::new(1, 0, "gla"), &device)
            .unwrap();
        check_core(&core, 257, &device);
    }
}
