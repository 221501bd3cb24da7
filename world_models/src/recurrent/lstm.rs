//! Long short-term memory: Hochreiter and Schmidhuber, "Long short-term memory" (1997), with the forget gate of Gers,
//! Schmidhuber and Cummins (2000).
//!
//! (i, f, g, o) = W u + b + U h; c' = σ(f)∘c + σ(i)∘tanh(g); h' = σ(o)∘tanh(c'). The bias of the forget gate starts at
//! 1 (Jozefowicz, Zaremba and Sutskever, 2015). The state is (h | c).

use burn::{
    module::{Module, Param},
    tensor::{Bool, Device, Tensor},
};
use rand::Rng;

use super::fused::{Cell, recurrence};
use crate::{
    CoreError, SequenceCore,
    activation::{sigmoid, tanh},
    core::{check_sequence, check_step, forget, last_step},
    init,
    scan::{keep_factor, runs_fused},
};

/// Arguments of [`Lstm`]: none.
#[derive(
    Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(default, deny_unknown_fields)]
pub struct LstmConfig {}

/// An LSTM whose hidden state is as wide as its input.
#[derive(Module, Debug)]
pub struct Lstm {
    /// W transposed, gates in the order i, f, g, o, `[D, 4D]`.
    pub input: Param<Tensor<2>>,
    /// U transposed, `[D, 4D]`.
    pub recurrent: Param<Tensor<2>>,
    /// b, `[4D]`.
    pub bias: Param<Tensor<1>>,
}

impl LstmConfig {
    /// LeCun-normal input maps, orthogonal recurrent maps, zero biases but that of the forget gate.
    ///
    /// # Errors
    /// None.
    pub fn init(
        &self,
        width: usize,
        rng: &mut dyn Rng,
        device: &Device,
    ) -> Result<Lstm, CoreError> {
        let input = init::lecun_normal(rng, 4 * width * width, width);
        let input = input.into_iter().map(|x| x as f32).collect();
        let bias = (0..4 * width)
            .map(|i| if i / width == 1 { 1.0 } else { 0.0 })
            .collect();
        Ok(Lstm {
            input: init::param(input, [width, 4 * width], device),
            recurrent: init::param(init::beside(rng, width, 4), [width, 4 * width], device),
            bias: init::param(bias, [4 * width], device),
        })
    }
}

impl Lstm {
    /// `drive` is W u + b, `[B, 4D]`; `state` and the result are (h | c).
    fn advance(&self, drive: Tensor<2>, state: Tensor<2>) -> Tensor<2> {
        let width = self.width();
        let (h, c) = (
            state.clone().narrow(1, 0, width),
            state.narrow(1, width, width),
        );
        let gates = drive + h.matmul(self.recurrent.val());
        let part = |i: usize| gates.clone().narrow(1, i * width, width);
        let c = sigmoid(part(1)) * c + sigmoid(part(0)) * tanh(part(2));
        let h = sigmoid(part(3)) * tanh(c.clone());
        Tensor::cat(vec![h, c], 1)
    }

    fn drive<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        burn::tensor::module::linear(input, self.input.val(), Some(self.bias.val()))
    }
}

impl SequenceCore for Lstm {
    fn width(&self) -> usize {
        self.input.dims()[0]
    }

    fn state_width(&self) -> usize {
        2 * self.width()
    }

    fn state_multiply_adds(&self) -> usize {
        // f∘c, i∘g and o∘tanh c.
        3 * self.width()
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        Tensor::zeros([batch, self.state_width()], &self.input.device())
    }

    fn step(
        &self,
        input: Tensor<2>,
        resets: Tensor<1, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<2>, Tensor<2>), CoreError> {
        check_step(self, &input, &resets, &state)?;
        let state = self.advance(self.drive(input), forget(state, resets));
        Ok((state.clone().narrow(1, 0, self.width()), state))
    }

    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let [batch, steps] = check_sequence(self, &input, &resets, &state)?;
        let drive = self.drive(input);
        let width = self.width();
        if runs_fused(&drive) {
            // Its biases are all in the drive.
            let bias = Tensor::zeros([width], &drive.device());
            let (recurrent, keep) = (self.recurrent.val(), keep_factor(&resets));
            let states = recurrence(drive, recurrent, bias, keep, state, Cell::Lstm);
            let last = last_step(&states);
            return Ok((states.narrow(2, 0, width), last));
        }
        let mut state = state;
        let mut outputs = Vec::with_capacity(steps);
        for t in 0..steps {
            let reset = resets.clone().narrow(1, t, 1).reshape([batch]);
            let now = drive.clone().narrow(1, t, 1).reshape([batch, 4 * width]);
            state = self.advance(now, forget(state, reset));
            outputs.push(state.clone().narrow(1, 0, width));
        }
        Ok((Tensor::stack(outputs, 1), state))
    }

    fn convolve(&self, _: Tensor<3>, _: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        Err(CoreError::NoKernel { core: "lstm" })
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
        let lstm = LstmConfig {}
            .init(5, &mut Stream::new(1, 0, "lstm"), &device)
            .unwrap();
        check_core(&lstm, 257, &device);
    }

    /// One step by hand: width 1, h = 0.5, c = −0.3, u = 2.
    #[test]
    fn one_step_is_the_formula() {
        let device = Device::flex();
        let mut lstm = LstmConfig {}
            .init(1, &mut Stream::new(1, 0, "lstm"), &device)
            .unwrap();
        lstm.input = Param::from_tensor(from(vec![0.3, -0.2, 0.7, 0.1], [1, 4], &device));
        lstm.recurrent = Param::from_tensor(from(vec![0.4, 0.6, -0.5, 0.2], [1, 4], &device));
        lstm.bias = Param::from_tensor(from(vec![0.1, 1.0, -0.1, 0.05], [4], &device));
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let (u, h, c) = (2.0, 0.5, -0.3);
        let i = sigmoid(0.3 * u + 0.4 * h + 0.1);
        let f = sigmoid(-0.2 * u + 0.6 * h + 1.0);
        let g = (0.7 * u - 0.5 * h - 0.1_f64).tanh();
        let o = sigmoid(0.1 * u + 0.2 * h + 0.05);
        let next = f * c + i * g;
        let (_, state) = lstm
            .step(
                from(vec![u], [1, 1], &device),
                flags(&[0.0], [1], &device),
                from(vec![h, c], [1, 2], &device),
            )
            .unwrap();
        assert_close(&values(&state), &[o * next.tanh(), next], 1e-6);
    }
}
