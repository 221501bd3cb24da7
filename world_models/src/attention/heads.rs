//! Queries, keys and values by heads.

use burn::{
    module::Module,
    nn::Linear,
    tensor::{Bool, Device, Tensor},
};
use rand::Rng;

use crate::{CoreError, init};

/// Projections to queries, keys and values of `heads` heads, and back.
#[derive(Module, Debug)]
pub(super) struct Heads {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    heads: usize,
}

impl Heads {
    /// Heads of width/`heads` numbers each.
    pub(super) fn new(
        core: &'static str,
        width: usize,
        heads: usize,
        rng: &mut dyn Rng,
        device: &Device,
    ) -> Result<Self, CoreError> {
        if heads == 0 || !width.is_multiple_of(heads) {
            return Err(CoreError::Argument {
                core,
                name: "heads",
                reason: format!("{heads} does not divide the width {width}"),
            });
        }
        let mut linear = || init::linear(rng, width, width, false, device);
        Ok(Self {
            query: linear(),
            key: linear(),
            value: linear(),
            output: linear(),
            heads,
        })
    }

    pub(super) fn count(&self) -> usize {
        self.heads
    }

    /// Numbers of a head.
    pub(super) fn size(&self) -> usize {
        self.width() / self.heads
    }

    pub(super) fn width(&self) -> usize {
        self.output.weight.dims()[1]
    }

    pub(super) fn device(&self) -> Device {
        self.output.weight.device()
    }

    /// Query, key and value of every head as a row of its own, `[B·heads, T, size]` each.
    pub(super) fn project(&self, input: &Tensor<3>) -> [Tensor<3>; 3] {
        [&self.query, &self.key, &self.value]
            .map(|map| split(map.forward(input.clone()), self.heads))
    }

    /// The layer's output from those of the heads, `[B·heads, T, size]`.
    pub(super) fn join(&self, heads: Tensor<3>) -> Tensor<3> {
        self.output.forward(join(heads, self.heads))
    }
}

/// `[B, T, heads·n]` to `[B·heads, T, n]`.
pub(super) fn split(x: Tensor<3>, heads: usize) -> Tensor<3> {
    let [batch, steps, width] = x.dims();
    let n = width / heads;
    x.reshape([batch, steps, heads, n])
        .swap_dims(1, 2)
        .reshape([batch * heads, steps, n])
}

/// The inverse of [`split`].
pub(super) fn join(x: Tensor<3>, heads: usize) -> Tensor<3> {
    let [rows, steps, n] = x.dims();
    let batch = rows / heads;
    x.reshape([batch, heads, steps, n])
        .swap_dims(1, 2)
        .reshape([batch, steps, heads * n])
}

/// Resets of every head, `[B, T]` to `[B·heads, T]`.
pub(super) fn for_heads(resets: &Tensor<2, Bool>, heads: usize) -> Tensor<2, Bool> {
    let [batch, steps] = resets.dims();
    resets
        .clone()
        .reshape([batch, 1, steps])
        .expand([batch, heads, steps])
        .reshape([batch * heads, steps])
}
