//! Mixture of memories: Du et al., "MoM: linear sequence modeling with mixture-of-memories" (arXiv 2502.13685). A router,
//! s = softmax(W_g u), sends every token to its k most likely memories, with weights renormalised to 1; those write with
//! keys and values of their own, the others stay as they are, without decay. One shared memory takes every token.
//! y = q·(M_shared + Σ w_m M_m); then a norm of every head, a gate, a map and a residual connection.
//!
//! All memories run side by side, with nothing written where the router did not send a token: for widths of
//! reinforcement learning that is simpler than sorting tokens by memory, and drops none. The released code gives every
//! memory a capacity, a share of the tokens of the sequence at hand, and drops the oldest of those beyond it. There is no
//! such argument here: whether a token is dropped depends on the tokens after it and on where a sequence is cut, so that
//! steps could not be a scan. The short convolution of the released code is left out.

use burn::{
    module::Module,
    nn::Linear,
    tensor::{Bool, Device, Int, Tensor, activation::softmax},
};
use rand::Rng;

use super::{
    gated_delta::{DeltaGates, unit},
    gla::root_mean_square_norm,
    heads::{join, split},
};
use crate::{
    CoreError, SequenceCore,
    activation::silu,
    core::{check_sequence, check_shape},
    init,
    scan::{DeltaScan, delta_scan},
    ssm::mamba2::{Duality, state_space_duality},
};

/// Steps of a chunk of the linear rule.
const CHUNK: usize = 64;

/// How a memory takes in a token.
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
pub enum Rule {
    /// The gated delta rule.
    #[default]
    GatedDelta,
    /// M + k vᵀ.
    Linear,
}

/// Arguments of [`Mom`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MomConfig {
    /// Routed memories.
    pub memories: usize,
    /// Memories k that a token goes to.
    pub selected: usize,
    /// Whether there is a memory that takes every token.
    pub shared: bool,
    /// Heads; they divide the width.
    pub heads: usize,
    /// How a memory takes in a token.
    pub rule: Rule,
}

impl Default for MomConfig {
    fn default() -> Self {
        Self {
            memories: 4,
            selected: 2,
            shared: true,
            heads: 4,
            rule: Rule::GatedDelta,
        }
    }
}

/// A layer with a mixture of memories.
#[derive(Module, Debug)]
pub struct Mom {
    router: Linear,
    query: Linear,
    /// Keys of all memories, the shared one last.
    key: Linear,
    /// Values of all memories, the shared one last.
    value: Linear,
    gates: Option<DeltaGates>,
    gate: Linear,
    output: Linear,
    #[module(skip)]
    config: MomConfig,
}

impl MomConfig {
    /// A layer of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for heads that do not divide the width, or more memories selected than there are.
    pub fn init(&self, width: usize, rng: &mut dyn Rng, device: &Device) -> Result<Mom, CoreError> {
        let argument = |name, reason| CoreError::Argument {
            core: "mom",
            name,
            reason,
        };
        if self.heads == 0 || !width.is_multiple_of(self.heads) {
            let reason = format!("{} does not divide the width {width}", self.heads);
            return Err(argument("heads", reason));
        }
        if self.selected == 0 || self.selected > self.memories {
            let reason = format!("{} of {} memories", self.selected, self.memories);
            return Err(argument("selected", reason));
        }
        let all = self.memories + usize::from(self.shared);
        let delta = self.rule == Rule::GatedDelta;
        let mut map = |outputs: usize| init::linear(rng, width, outputs, false, device);
        let (router, query) = (map(self.memories), map(width));
        let (key, value) = (map(all * width), map(all * width));
        let (gate, output) = (map(width), map(width));
        let gates = delta.then(|| DeltaGates::new(width, all * self.heads, rng, device));
        Ok(Mom {
            router,
            query,
            key,
            value,
            gates,
            gate,
            output,
            config: self.clone(),
        })
    }
}

/// Where tokens go.
pub struct Routing {
    /// s, the router's probabilities, `[B, T, M]`.
    pub probabilities: Tensor<3>,
    /// 1 for the selected memories, 0 for the others, `[B, T, M]`.
    pub selected: Tensor<3>,
    /// s of the selected, renormalised to sum 1, 0 for the others, `[B, T, M]`.
    pub weights: Tensor<3>,
}

impl Mom {
    /// Where every token of `input`, `[B, T, D]`, goes.
    ///
    /// # Errors
    /// [`CoreError::Shape`] for an input of another width.
    pub fn route(&self, input: &Tensor<3>) -> Result<Routing, CoreError> {
        check_shape("input", [input.dims()[2]], [self.width()])?;
        let probabilities = softmax(self.router.forward(input.clone()), 2);
        let [batch, steps, memories] = probabilities.dims();
        let k = self.config.selected;
        let (_, best) = probabilities.clone().topk_with_indices(k, 2);
        let best = best
            .reshape([batch, steps, k, 1])
            .expand([batch, steps, k, memories]);
        let number = Tensor::<1, Int>::arange(0..memories as i64, &input.device().inner())
            .reshape([1, 1, 1, memories])
            .expand([batch, steps, k, memories]);
        let hit = best.float().equal(number.float()).float();
        let selected = hit.sum_dim(2).reshape([batch, steps, memories]);
        let chosen = probabilities.clone() * selected.clone();
        let weights = chosen.clone() / chosen.sum_dim(2);
        Ok(Routing {
            probabilities,
            selected,
            weights,
        })
    }

    /// The auxiliary loss that keeps memories evenly used: M Σ_m (share of tokens sent to m)·(mean probability of m),
    /// which is k if they are. The paper adds 0.01 of it.
    ///
    /// # Errors
    /// [`CoreError::Shape`] for an input of another width.
    pub fn balance_loss(&self, input: &Tensor<3>) -> Result<Tensor<1>, CoreError> {
        let routing = self.route(input)?;
        let memories = self.config.memories;
        let share = routing.selected.mean_dims(&[0, 1]);
        let mean = routing.probabilities.mean_dims(&[0, 1]);
        Ok((share * mean).sum().mul_scalar(memories as f64))
    }

    fn all_memories(&self) -> usize {
        self.config.memories + usize::from(self.config.shared)
    }

    /// q·(M_shared + Σ w M) `[B, T, D]` before norm and gate, and the last memories.
    fn read(
        &self,
        input: &Tensor<3>,
        resets: &Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let [batch, steps, width] = input.dims();
        let (heads, all) = (self.config.heads, self.all_memories());
        let n = width / heads;
        let rows = batch * all * heads;
        let routing = self.route(input)?;
        let ones = || Tensor::ones([batch, steps, 1], &input.device());
        let with_shared = |x: Tensor<3>| {
            if self.config.shared {
                Tensor::cat(vec![x, ones()], 2)
            } else {
                x
            }
        };
        // One row for each head of each memory: [B·all·heads, T, …].
        let spread = |x: Tensor<3>| -> Tensor<3> {
            x.swap_dims(1, 2)
                .reshape([batch, all, 1, steps])
                .expand([batch, all, heads, steps])
                .reshape([rows, steps, 1])
        };
        let selected = spread(with_shared(routing.selected));
        let weights = spread(with_shared(routing.weights));
        let query = split(self.query.forward(input.clone()), heads)
            .reshape([batch, 1, heads, steps, n])
            .expand([batch, all, heads, steps, n])
            .reshape([rows, steps, n]);
        let key = split(self.key.forward(input.clone()), all * heads);
        let value = split(self.value.forward(input.clone()), all * heads);
        let resets = resets
            .clone()
            .reshape([batch, 1, steps])
            .expand([batch, all * heads, steps])
            .reshape([rows, steps]);
        let state = state.reshape([rows, n * n]);
        let (y, last) = if let Some(gates) = &self.gates {
            let (decay, write) = gates.forward(input);
            let chosen = selected.reshape([rows, steps]);
            let scan = DeltaScan {
                query: unit(query),
                key: unit(key),
                value,
                // A memory that is not selected keeps all and takes nothing.
                decay: (decay - 1.0) * chosen.clone() + 1.0,
                write: write * chosen,
                resets,
                state,
            };
            delta_scan(scan, None)?
        } else {
            let given = Duality {
                input: (value * selected).reshape([rows, steps, 1, n]),
                log_decay: Tensor::zeros([rows, steps, 1], &input.device()),
                b: key,
                c: query,
                resets,
                state: state.reshape([rows, 1, n, n]),
            };
            let (y, last) = state_space_duality(given, CHUNK);
            (y.reshape([rows, steps, n]), last.reshape([rows, n * n]))
        };
        let mixed = (y * weights)
            .reshape([batch, all, heads, steps * n])
            .sum_dim(1)
            .reshape([batch * heads, steps, n]);
        Ok((
            join(mixed, heads),
            last.reshape([batch, all * heads * n * n]),
        ))
    }
}

impl SequenceCore for Mom {
    fn width(&self) -> usize {
        self.output.weight.dims()[1]
    }

    fn state_width(&self) -> usize {
        self.all_memories() * self.width() * (self.width() / self.config.heads)
    }

    fn state_multiply_adds(&self) -> usize {
        // Recall, decay, write and read of every number, in every memory.
        4 * self.state_width()
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        Tensor::zeros([batch, self.state_width()], &self.output.weight.device())
    }

    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        check_sequence(self, &input, &resets, &state)?;
        let (y, last) = self.read(&input, &resets, state)?;
        let heads = self.config.heads;
        let normed = join(root_mean_square_norm(split(y, heads)), heads);
        let gate = silu(self.gate.forward(input.clone()));
        Ok((self.output.forward(normed * gate) + input, last))
    }

    fn convolve(&self, _: Tensor<3>, _: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        Err(CoreError::NoKernel { core: "mom" })
    }
}

#[cfg(test)]
mod tests {
    use burn::{module::Param, tensor::Device};
    use palaestra_envs::stream::Stream;

    use super::*;
    use crate::testing::{
        assert_close, assert_golden, assert_same, check_core, flags, golden, noise, numbers,
        tensor, values,
    };

    #[test]
    fn routing_outputs_and_memories_of_the_golden_sequence() {
        let golden = golden("mom.json");
        let given = &golden["inputs"];
        let device = Device::flex();
        let config = MomConfig {
            memories: 3,
            selected: 2,
            heads: 1,
            rule: Rule::Linear,
            shared: true,
        };
        let mut mom = config
            .init(2, &mut Stream::new(1, 0, "mom"), &device)
            .unwrap();
        let map = |key: &str, rows: usize| tensor::<2>(&given[key], [rows, 2], &device).transpose();
        let routed = |key: &str, shared: &str| {
            // [3, out, in] and [out, in] to [in, 4·out].
            let routed = tensor::<2>(&given[key], [6, 2], &device).transpose();
            Param::from_tensor(Tensor::cat(vec![routed, map(shared, 2)], 1))
        };
        mom.router.weight = Param::from_tensor(map("Wg", 3));
        mom.query.weight = Param::from_tensor(map("Wq", 2));
        mom.key.weight = routed("Wk", "Wk_shared");
        mom.value.weight = routed("Wv", "Wv_shared");
        let input = tensor::<3>(&given["x"], [1, 4, 2], &device);
        let weights = values(&mom.route(&input).unwrap().weights);
        for (t, known) in golden["routing"].as_array().unwrap().iter().enumerate() {
            for (memory, weight) in numbers(&known[0]).iter().zip(numbers(&known[1])) {
                assert_close(&[weights[3 * t + *memory as usize]], &[weight], 1e-5);
            }
        }
        let resets = flags(&[0.0; 4], [1, 4], &device);
        let (y, last) = mom.read(&input, &resets, mom.initial_state(1)).unwrap();
        assert_golden(&y, &golden["o"], 1e-5);
        // The file has keys first, the state values first.
        let memories = last.narrow(1, 0, 12).reshape([3, 2, 2]).swap_dims(1, 2);
        assert_golden(&memories, &golden["M_final"], 1e-5);
    }

    #[test]
    fn steps_scans_cuts_and_resets_agree() {
        let device = Device::flex();
        for rule in [Rule::GatedDelta, Rule::Linear] {
            let config = MomConfig {
                heads: 2,
                rule,
                ..MomConfig::default()
            };
            let core = config
                .init(4, &mut Stream::new(1, 0, "mom"), &device)
                .unwrap();
            check_core(&core, 257, &device);
        }
    }

    /// A token leaves the memories it is not sent to exactly as they were.
    #[test]
    fn memories_that_are_not_selected_do_not_change() {
        let device = Device::flex();
        let config = MomConfig {
            selected: 1,
            heads: 1,
            shared: false,
            ..MomConfig::default()
        };
        let core = config
            .init(3, &mut Stream::new(1, 0, "mom"), &device)
            .unwrap();
        let input = noise("u", [1, 1, 3], &device);
        let state = noise("state", [1, 36], &device);
        let resets = flags(&[0.0], [1, 1], &device);
        let (_, last) = core.scan(input.clone(), resets, state.clone()).unwrap();
        let chosen = values(&core.route(&input).unwrap().selected);
        assert_close(&[chosen.iter().sum()], &[1.0], 0.0);
        for (memory, chosen) in chosen.iter().enumerate() {
            let part = |x: &Tensor<2>| x.clone().narrow(1, 9 * memory, 9);
            if *chosen == 0.0 {
                assert_same(&part(&last), &part(&state), 0.0);
            }
        }
        // Even use of k of M memories costs k.
        let loss = values(
            &core
                .balance_loss(&noise("many", [4, 200, 3], &device))
                .unwrap(),
        )[0];
        assert!((0.9..2.0).contains(&loss), "{loss}");
    }
}
