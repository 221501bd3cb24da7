//! A multilayer perceptron on the last k inputs, the simplest memory: k frames, oldest first, and zeros where the
//! episode has not been that long.

use burn::{
    module::Module,
    nn::Linear,
    tensor::{Bool, Device, Tensor, activation::relu},
};
use rand::Rng;

use crate::{
    CoreError, SequenceCore,
    core::{check_sequence, check_step, forget, last_step, window},
    init,
};

/// Arguments of [`FrameStack`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FrameStackConfig {
    /// Frames k seen at once, the current one included.
    pub frames: usize,
    /// Width of the two hidden layers.
    pub hidden: usize,
}

impl Default for FrameStackConfig {
    fn default() -> Self {
        Self {
            frames: 4,
            hidden: 256,
        }
    }
}

/// A perceptron with two hidden layers on stacked frames.
///
/// The state is the last k − 1 frames, oldest first.
#[derive(Module, Debug)]
pub struct FrameStack {
    first: Linear,
    second: Linear,
    output: Linear,
    width: usize,
    frames: usize,
}

impl FrameStackConfig {
    /// A perceptron of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for no frames or no hidden units.
    pub fn init(
        &self,
        width: usize,
        rng: &mut dyn Rng,
        device: &Device,
    ) -> Result<FrameStack, CoreError> {
        for (name, value) in [("frames", self.frames), ("hidden", self.hidden)] {
            if value == 0 {
                return Err(CoreError::Argument {
                    core: "frame_stack",
                    name,
                    reason: "0; at least 1".into(),
                });
            }
        }
        Ok(FrameStack {
            first: init::linear(rng, self.frames * width, self.hidden, true, device),
            second: init::linear(rng, self.hidden, self.hidden, true, device),
            output: init::linear(rng, self.hidden, width, true, device),
            width,
            frames: self.frames,
        })
    }
}

impl FrameStack {
    fn network<const D: usize>(&self, frames: Tensor<D>) -> Tensor<D> {
        let hidden = relu(self.first.forward(frames));
        self.output.forward(relu(self.second.forward(hidden)))
    }
}

impl SequenceCore for FrameStack {
    fn width(&self) -> usize {
        self.width
    }

    fn state_width(&self) -> usize {
        (self.frames - 1) * self.width
    }

    fn state_multiply_adds(&self) -> usize {
        // The window meets nothing but parameters.
        0
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        Tensor::zeros([batch, self.state_width()], &self.output.weight.device())
    }

    fn step(
        &self,
        input: Tensor<2>,
        resets: Tensor<1, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<2>, Tensor<2>), CoreError> {
        check_step(self, &input, &resets, &state)?;
        if self.frames == 1 {
            return Ok((self.network(input), state));
        }
        let frames = Tensor::cat(vec![forget(state, resets), input], 1);
        let next = frames.clone().narrow(1, self.width, self.state_width());
        Ok((self.network(frames), next))
    }

    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let [batch, steps] = check_sequence(self, &input, &resets, &state)?;
        if self.frames == 1 {
            return Ok((self.network(input), state));
        }
        let frames = window(input, &resets, state, self.frames);
        let last = last_step(&frames).narrow(1, self.width, self.state_width());
        debug_assert_eq!(frames.dims(), [batch, steps, self.frames * self.width]);
        Ok((self.network(frames), last))
    }

    fn convolve(&self, _: Tensor<3>, _: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        Err(CoreError::NoKernel {
            core: "frame_stack",
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use palaestra_envs::stream::Stream;

    use super::*;
    use crate::testing::{assert_close, check_core, flags, from, values};

    #[test]
    fn steps_scans_cuts_and_resets_agree() {
        let device = Device::flex();
        for frames in [1, 4] {
            let config = FrameStackConfig { frames, hidden: 8 };
            let core = config
                .init(3, &mut Stream::new(1, 0, "mlp"), &device)
                .unwrap();
            check_core(&core, 257, &device);
        }
    }

    #[test]
    fn a_window_holds_the_episode_so_far() {
        let device = Device::flex();
        let input = from(vec![1.0, 2.0, 3.0, 4.0, 5.0], [1, 5, 1], &device);
        let resets = flags(&[0.0, 0.0, 1.0, 0.0, 0.0], [1, 5], &device);
        let state = from(vec![-2.0, -1.0], [1, 2], &device);
        let found = window(input, &resets, state, 3);
        let expected = [
            [-2.0, -1.0, 1.0],
            [-1.0, 1.0, 2.0],
            [0.0, 0.0, 3.0],
            [0.0, 3.0, 4.0],
            [3.0, 4.0, 5.0],
        ];
        assert_close(&values(&found), &expected.concat(), 0.0);
    }
}
