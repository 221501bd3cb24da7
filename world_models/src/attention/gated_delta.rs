//! Gated delta networks: Yang, Kautz and Hatamizadeh, "Gated delta networks: improving Mamba2 with delta rule" (arXiv
//! 2412.06464). S_t = α S_{t−1}(I − β k kᵀ) + β v kᵀ with keys and queries of length 1, y_t = S_t q;
//! α = exp(−e^{A_log} softplus(W_a u + b_a)), β = σ(W_b u). Then a norm of every head, a gate, a map and a residual
//! connection. Of the paper's block the short convolutions and the silu of queries, keys and values are left out.

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Bool, Device, Tensor},
};
use rand::Rng;

use super::{
    gla::root_mean_square_norm,
    heads::{Heads, for_heads, split},
};
use crate::{
    CoreError, SequenceCore,
    activation::{sigmoid, silu, softplus},
    core::check_sequence,
    init,
    scan::{DeltaScan, delta_scan},
};

/// Added to the squared length of a key before it is divided by it.
const EPSILON: f64 = 1e-6;

/// Arguments of [`GatedDelta`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GatedDeltaConfig {
    /// Heads; they divide the width.
    pub heads: usize,
}

impl Default for GatedDeltaConfig {
    fn default() -> Self {
        Self { heads: 4 }
    }
}

/// A gated delta layer.
#[derive(Module, Debug)]
pub struct GatedDelta {
    heads: Heads,
    gates: DeltaGates,
    gate: Linear,
}

/// α and β of every head from the input.
#[derive(Module, Debug)]
pub(super) struct DeltaGates {
    decay: Linear,
    write: Linear,
    /// ln of the rate, `[heads]`.
    log_a: Param<Tensor<1>>,
}

impl DeltaGates {
    pub(super) fn new(width: usize, heads: usize, rng: &mut dyn Rng, device: &Device) -> Self {
        let weight = init::lecun_normal(rng, width * heads, width);
        let weight = weight.into_iter().map(|x| x as f32).collect();
        let bias = init::step_bias(rng, heads, 1e-3, 0.1);
        let a = init::uniform(rng, heads, 1.0, 16.0);
        Self {
            decay: init::linear_from(weight, width, heads, Some(bias), device),
            write: init::linear(rng, width, heads, false, device),
            log_a: init::param(a.into_iter().map(f32::ln).collect(), [heads], device),
        }
    }

    /// α and β, `[B·heads, T]` each.
    pub(super) fn forward(&self, input: &Tensor<3>) -> (Tensor<2>, Tensor<2>) {
        let [batch, steps, _] = input.dims();
        let heads = self.log_a.dims()[0];
        let rate = self.log_a.val().exp().reshape([1, 1, heads]);
        let decay = (softplus(self.decay.forward(input.clone())) * rate)
            .neg()
            .exp();
        let write = sigmoid(self.write.forward(input.clone()));
        let rows = |x: Tensor<3>| split(x, heads).reshape([batch * heads, steps]);
        (rows(decay), rows(write))
    }
}

/// x/|x| over the last axis.
pub(super) fn unit<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let length = (x.clone().square().sum_dim(D - 1) + EPSILON).sqrt();
    x / length
}

impl GatedDeltaConfig {
    /// A layer of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for heads that do not divide the width.
    pub fn init(
        &self,
        width: usize,
        rng: &mut dyn Rng,
        device: &Device,
    ) -> Result<GatedDelta, CoreError> {
        Ok(GatedDelta {
            heads: Heads::new("gated_delta", width, self.heads, rng, device)?,
            gates: DeltaGates::new(width, self.heads, rng, device),
            gate: init::linear(rng, width, width, false, device),
        })
    }
}

impl SequenceCore for GatedDelta {
    fn width(&self) -> usize {
        self.heads.width()
    }

    fn state_width(&self) -> usize {
        self.heads.width() * self.heads.size()
    }

    fn state_multiply_adds(&self) -> usize {
        // Recall, decay, write and read of every number.
        4 * self.state_width()
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
        let [query, key, value] = self.heads.project(&input);
        let (decay, write) = self.gates.forward(&input);
        let scan = DeltaScan {
            query: unit(query),
            key: unit(key),
            value,
            decay,
            write,
            resets: for_heads(&resets, heads),
            state: state.reshape([batch * heads, self.state_width() / heads]),
        };
        let (y, last) = delta_scan(scan, None)?;
        let gate = split(silu(self.gate.forward(input.clone())), heads);
        let output = self.heads.join(root_mean_square_norm(y) * gate);
        Ok((output + input, last.reshape([batch, self.state_width()])))
    }

    fn convolve(&self, _: Tensor<3>, _: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        Err(CoreError::NoKernel {
            core: "gated_delta",
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use palaestra_envs::stream::Stream;

    use super::*;
    use crate::{
        scan::ScanForm,
        testing::{assert_golden, check_core, flags, golden, tensor},
    };

    #[test]
    fn outputs_of_the_golden_sequence() {
        let golden = golden("linear_attention_family.json");
        let given = &golden["inputs"];
        let device = Device::flex();
        let get = |key: &str| tensor::<3>(&given[key], [1, 5, 2], &device);
        let key = get("k");
        let length = key.clone().square().sum_dim(2).sqrt();
        for form in [ScanForm::Loop, ScanForm::Fused] {
            let scan = DeltaScan {
                query: get("q"),
                key: key.clone() / length.clone(),
                value: get("v"),
                decay: tensor(&given["alpha"], [1, 5], &device),
                write: tensor(&given["beta"], [1, 5], &device),
                resets: flags(&[0.0; 5], [1, 5], &device),
                state: Tensor::zeros([1, 4], &device),
            };
            let (y, _) = delta_scan(scan, Some(form)).unwrap();
            assert_golden(&y, &golden["gated_delta"], 1e-5);
        }
    }

    #[test]
    fn steps_scans_cuts_and_resets_agree() {
        let device = Device::flex();
        let config = GatedDeltaConfig { heads: 2 };
        let core = config
            .init(6, &mut Stream::new(1, 0, "delta"), &device)
            .unwrap();
        check_core(&core, 257, &device);
    }
}
