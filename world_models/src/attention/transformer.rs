//! A causal transformer block with a window: Vaswani et al., "Attention is all you need" (arXiv 1706.03762), norms first,
//! distances told by the linear biases of Press, Smith and Lewis, "Train short, test long" (arXiv 2108.12409), which need
//! no absolute position: an episode may begin anywhere.
//!
//! x = u + attention(norm(u)); y = x + W₂ gelu(W₁ norm(x)). gelu is the tanh form. Step t sees the last W steps of its episode. The state holds
//! key, value and a flag (1: there is one) of the last W − 1 steps, oldest first.

use burn::{
    module::Module,
    nn::{LayerNorm, LayerNormConfig, Linear},
    tensor::{Bool, Device, Tensor, TensorData, activation::softmax},
};
use rand::Rng;

use super::heads::{Heads, split};
use crate::{
    CoreError, SequenceCore,
    activation::gelu,
    core::{check_sequence, segments},
    init,
};

/// What a score becomes where attention is forbidden.
const FORBIDDEN: f32 = -1e9;

/// Arguments of [`Transformer`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TransformerConfig {
    /// Heads; they divide the width.
    pub heads: usize,
    /// Steps W seen, the current one included.
    pub window: usize,
    /// Width of the hidden layer for each of the layer's width.
    pub expand: usize,
}

impl Default for TransformerConfig {
    fn default() -> Self {
        Self {
            heads: 4,
            window: 128,
            expand: 4,
        }
    }
}

/// A transformer block.
#[derive(Module, Debug)]
pub struct Transformer {
    heads: Heads,
    first_norm: LayerNorm,
    second_norm: LayerNorm,
    hidden: Linear,
    output: Linear,
    window: usize,
}

impl TransformerConfig {
    /// A block of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for heads that do not divide the width, and sizes of 0.
    pub fn init(
        &self,
        width: usize,
        rng: &mut dyn Rng,
        device: &Device,
    ) -> Result<Transformer, CoreError> {
        for (name, value) in [("window", self.window), ("expand", self.expand)] {
            if value == 0 {
                return Err(CoreError::Argument {
                    core: "transformer",
                    name,
                    reason: "0; at least 1".into(),
                });
            }
        }
        let norm = || LayerNormConfig::new(width).init(device);
        Ok(Transformer {
            heads: Heads::new("transformer", width, self.heads, rng, device)?,
            first_norm: norm(),
            second_norm: norm(),
            hidden: init::linear(rng, width, self.expand * width, true, device),
            output: init::linear(rng, self.expand * width, width, true, device),
            window: self.window,
        })
    }
}

impl Transformer {
    /// Biases −2^{−8h/H}·distance and where distance is outside the window: `[heads, T, W − 1 + T]` and the same shape.
    fn distances(&self, steps: usize, device: &Device) -> (Tensor<3>, Tensor<3, Bool>) {
        let (heads, before) = (self.heads.count(), self.window - 1);
        let all = before + steps;
        let mut bias = Vec::with_capacity(heads * steps * all);
        let mut outside = Vec::with_capacity(heads * steps * all);
        for head in 1..=heads {
            let slope = 2.0_f32.powf(-8.0 * head as f32 / heads as f32);
            for t in 0..steps {
                for key in 0..all {
                    let seen = key <= t + before && key >= t;
                    outside.push(!seen);
                    bias.push(if seen {
                        -slope * (t + before - key) as f32
                    } else {
                        0.0
                    });
                }
            }
        }
        let shape = [heads, steps, all];
        (
            Tensor::from_data(TensorData::new(bias, shape), device),
            Tensor::from_data(TensorData::new(outside, shape), device),
        )
    }
}

impl SequenceCore for Transformer {
    fn width(&self) -> usize {
        self.heads.width()
    }

    fn state_width(&self) -> usize {
        (self.window - 1) * (2 * self.width() + 1)
    }

    fn state_multiply_adds(&self) -> usize {
        // Scores and values of the window.
        2 * self.window * self.width()
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
        let [batch, steps] = check_sequence(self, &input, &resets, &state)?;
        let (width, heads, before) = (self.width(), self.heads.count(), self.window - 1);
        let (size, all) = (self.heads.size(), before + steps);
        let device = input.device();
        let [query, key, value] = self.heads.project(&self.first_norm.forward(input.clone()));
        // Every step as one row, (key | value | 1), behind those remembered.
        let flat = |x: Tensor<3>| super::heads::join(x, heads);
        let one = Tensor::ones([batch, steps, 1], &device);
        let tokens = Tensor::cat(vec![flat(key), flat(value), one], 2);
        let tokens = if before == 0 {
            tokens
        } else {
            let remembered = state.reshape([batch, before, 2 * width + 1]);
            Tensor::cat(vec![remembered, tokens], 1)
        };
        let key = split(tokens.clone().narrow(2, 0, width), heads);
        let value = split(tokens.clone().narrow(2, width, width), heads);
        let present = tokens
            .clone()
            .narrow(2, 2 * width, 1)
            .reshape([batch, 1, all]);
        // Only steps of the same episode are seen; what is remembered is of episode 0.
        let episode = segments(&resets);
        let remembered = Tensor::zeros([batch, before], &episode.device());
        let episodes = if before == 0 {
            episode.clone()
        } else {
            Tensor::cat(vec![remembered, episode.clone()], 1)
        };
        let now = episode
            .clone()
            .reshape([batch, steps, 1])
            .expand([batch, steps, all]);
        let then = episodes
            .clone()
            .reshape([batch, 1, all])
            .expand([batch, steps, all]);
        let hidden = now
            .not_equal(then)
            .bool_or(present.lower_scalar(0.5).expand([batch, steps, all]))
            .reshape([batch, 1, steps, all])
            .expand([batch, heads, steps, all]);
        let (bias, outside) = self.distances(steps, &device);
        let shape = [1, heads, steps, all];
        let forbidden = hidden.bool_or(outside.reshape(shape).expand([batch, heads, steps, all]));
        let scores = query
            .matmul(key.swap_dims(1, 2))
            .div_scalar((size as f64).sqrt())
            .reshape([batch, heads, steps, all])
            + bias.reshape(shape);
        let attention = softmax(scores.mask_fill(forbidden, FORBIDDEN), 3);
        let seen = attention.reshape([batch * heads, steps, all]).matmul(value);
        let x = self.heads.join(seen) + input;
        let hidden = gelu(self.hidden.forward(self.second_norm.forward(x.clone())));
        let y = self.output.forward(hidden) + x;
        if before == 0 {
            return Ok((y, Tensor::zeros([batch, 0], &device)));
        }
        // What the next step may see: the last W − 1 tokens, of the last episode.
        let tail = tokens.narrow(1, steps, before);
        let end = episode.narrow(1, steps - 1, 1).expand([batch, before]);
        let other = episodes.narrow(1, steps, before).not_equal(end);
        let other = other
            .reshape([batch, before, 1])
            .expand([batch, before, 2 * width + 1]);
        let last = tail.mask_fill(other, 0.0);
        Ok((y, last.reshape([batch, self.state_width()])))
    }

    fn convolve(&self, _: Tensor<3>, _: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        Err(CoreError::NoKernel {
            core: "transformer",
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use palaestra_envs::stream::Stream;

    use super::*;
    use crate::testing::{assert_same, check_core, flags, noise};

    #[test]
    fn steps_scans_cuts_and_resets_agree() {
        let device = Device::flex();
        for window in [2, 5, 100] {
            let config = TransformerConfig {
                heads: 2,
                window,
                expand: 2,
            };
            let core = config
                .init(4, &mut Stream::new(1, 0, "transformer"), &device)
                .unwrap();
            check_core(&core, 257, &device);
        }
    }

    /// Nothing older than the window matters, and nothing later.
    #[test]
    fn only_the_window_is_seen() {
        let device = Device::flex();
        let config = TransformerConfig {
            heads: 2,
            window: 4,
            expand: 2,
        };
        let core = config
            .init(4, &mut Stream::new(1, 0, "transformer"), &device)
            .unwrap();
        let input = noise("input", [1, 9, 4], &device);
        let resets = flags(&[0.0; 9], [1, 9], &device);
        let run = |input| {
            core.scan(input, resets.clone(), core.initial_state(1))
                .unwrap()
                .0
        };
        let whole = run(input.clone());
        let early = run(Tensor::cat(
            vec![
                noise("other", [1, 3, 4], &device),
                input.clone().narrow(1, 3, 6),
            ],
            1,
        ));
        assert_same(&early.narrow(1, 6, 3), &whole.clone().narrow(1, 6, 3), 1e-6);
        let late = run(Tensor::cat(
            vec![input.narrow(1, 0, 6), noise("other", [1, 3, 4], &device)],
            1,
        ));
        assert_same(&late.narrow(1, 0, 6), &whole.narrow(1, 0, 6), 1e-6);
    }
}
