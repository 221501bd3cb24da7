//! What a core is trained in: an embedding, layers with residual connections, a linear head.

use burn::{
    module::{Module, Param},
    nn::{LayerNorm, LayerNormConfig, Linear},
    tensor::{Bool, Device, Int, Tensor, module},
};
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Border;
use crate::{Core, CoreError, SequenceCore, StackConfig, core::window, init, registry::find};

/// The model around the cores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// Numbers per step between the layers.
    pub width: usize,
    /// Layers.
    pub layers: usize,
    /// Layer norm before every layer and before the head.
    pub norm: bool,
    /// Inputs of a causal convolution by channel before every core, as Zoology puts before its mixers; 0: none.
    pub convolution: usize,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            width: 32,
            layers: 2,
            norm: true,
            convolution: 0,
        }
    }
}

/// x + core(convolution(norm(x))).
#[derive(Module, Debug)]
struct Layer {
    norm: Option<LayerNorm>,
    /// `[taps, D]`, the oldest input first.
    convolution: Option<Param<Tensor<2>>>,
    core: Core,
}

/// The network.
#[derive(Module, Debug)]
pub struct ProbeNetwork {
    /// Of tokens, `[tokens, D]`.
    embedding: Option<Param<Tensor<2>>>,
    /// Of numbers.
    input: Option<Linear>,
    layers: Vec<Layer>,
    norm: Option<LayerNorm>,
    head: Linear,
}

/// What goes into the network.
#[derive(Debug, Clone)]
pub(super) enum Input {
    /// `[B, T]`.
    Tokens(Tensor<2, Int>),
    /// `[B, T]`.
    Numbers(Tensor<2>),
}

impl ProbeNetwork {
    /// A network with fresh parameters.
    ///
    /// # Errors
    /// As [`StackConfig::init`].
    pub fn new(
        stack: &StackConfig,
        model: &ModelConfig,
        border: Border,
        rng: &mut dyn Rng,
        device: &Device,
    ) -> Result<Self, CoreError> {
        let width = stack.width;
        let norm = || model.norm.then(|| LayerNormConfig::new(width).init(device));
        let embedding = border.tokens.map(|tokens| {
            let values = init::normal(rng, tokens * width, 1.0);
            init::param(values, [tokens, width], device)
        });
        let input = border
            .tokens
            .is_none()
            .then(|| init::linear(rng, 1, width, true, device));
        let entry = find(&stack.core)?;
        let mut layers = Vec::with_capacity(stack.layers);
        for _ in 0..stack.layers {
            let taps = model.convolution;
            let convolution = (taps > 0).then(|| {
                let bound = 1.0 / (taps as f64).sqrt();
                init::param(
                    init::uniform(rng, taps * width, -bound, bound),
                    [taps, width],
                    device,
                )
            });
            layers.push(Layer {
                norm: norm(),
                convolution,
                core: entry.build(width, &stack.args, rng, device)?,
            });
        }
        Ok(Self {
            embedding,
            input,
            layers,
            norm: norm(),
            head: init::linear(rng, width, border.classes.unwrap_or(1), true, device),
        })
    }

    /// One layer's core.
    pub fn core(&self) -> Option<&Core> {
        self.layers.first().map(|layer| &layer.core)
    }

    /// `[B, T]` to `[B·T, outputs]`, the steps of a row one after the other.
    pub(super) fn forward(&self, input: Input) -> Result<Tensor<2>, CoreError> {
        let mut x = match (input, &self.embedding, &self.input) {
            (Input::Tokens(tokens), Some(embedding), _) => {
                module::embedding(embedding.val(), tokens)
            }
            (Input::Numbers(numbers), _, Some(input)) => {
                let [batch, steps] = numbers.dims();
                input.forward(numbers.reshape([batch, steps, 1]))
            }
            _ => {
                return Err(CoreError::Shape {
                    what: "input of a network for the other kind of input",
                    expected: Vec::new(),
                    found: Vec::new(),
                });
            }
        };
        let [batch, steps, width] = x.dims();
        let resets = Tensor::<2, Bool>::full([batch, steps], false, &x.device());
        for layer in &self.layers {
            let mut inner = normed(layer.norm.as_ref(), x.clone());
            if let Some(convolution) = &layer.convolution {
                let taps = convolution.dims()[0];
                let before = Tensor::zeros([batch, (taps - 1) * width], &inner.device());
                let seen = window(inner, &resets, before, taps);
                let weight = convolution.val().reshape([1, 1, taps * width]);
                inner = (seen * weight)
                    .reshape([batch, steps, taps, width])
                    .sum_dim(2)
                    .reshape([batch, steps, width]);
            }
            let state = layer.core.initial_state(batch);
            x = x + layer.core.scan(inner, resets.clone(), state)?.0;
        }
        let x = normed(self.norm.as_ref(), x);
        Ok(self.head.forward(x.reshape([batch * steps, width])))
    }
}

fn normed(norm: Option<&LayerNorm>, x: Tensor<3>) -> Tensor<3> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}
