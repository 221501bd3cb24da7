//! The gated recurrent unit of Cho et al., "Learning phrase representations using RNN encoder-decoder" (arXiv 1406.1078),
//! in the form of Flax's cell: biases on the three input maps and on the candidate's recurrent map only.
//!
//! r = σ(W_r u + b_r + U_r h), z = σ(W_z u + b_z + U_z h), n = tanh(W_n u + b_n + r∘(U_n h + c_n)),
//! h' = (1 − z)∘n + z∘h.

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

/// Arguments of [`Gru`]: none.
#[derive(
    Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(default, deny_unknown_fields)]
pub struct GruConfig {}

/// A GRU whose state is as wide as its input.
#[derive(Module, Debug)]
pub struct Gru {
    /// (W_r, W_z, W_n) transposed, `[D, 3D]`.
    pub input: Param<Tensor<2>>,
    /// (b_r, b_z, b_n), `[3D]`.
    pub input_bias: Param<Tensor<1>>,
    /// (U_r, U_z, U_n) transposed, `[D, 3D]`.
    pub recurrent: Param<Tensor<2>>,
    /// c_n, `[D]`.
    pub candidate_bias: Param<Tensor<1>>,
}

impl GruConfig {
    /// LeCun-normal input maps, orthogonal recurrent maps, zero biases.
    ///
    /// # Errors
    /// None.
    pub fn init(&self, width: usize, rng: &mut dyn Rng, device: &Device) -> Result<Gru, CoreError> {
        let input = init::lecun_normal(rng, 3 * width * width, width);
        let input = input.into_iter().map(|x| x as f32).collect();
        Ok(Gru {
            input: init::param(input, [width, 3 * width], device),
            input_bias: init::constant(0.0, [3 * width], device),
            recurrent: init::param(init::beside(rng, width, 3), [width, 3 * width], device),
            candidate_bias: init::constant(0.0, [width], device),
        })
    }
}

impl Gru {
    /// `drive` is W u + b, `[B, 3D]`.
    fn advance(&self, drive: Tensor<2>, h: Tensor<2>) -> Tensor<2> {
        let width = self.width();
        let recurrent = h.clone().matmul(self.recurrent.val());
        let part = |x: &Tensor<2>, i: usize| x.clone().narrow(1, i * width, width);
        let gates = sigmoid(
            drive.clone().narrow(1, 0, 2 * width) + recurrent.clone().narrow(1, 0, 2 * width),
        );
        let (r, z) = (part(&gates, 0), part(&gates, 1));
        let inner = part(&recurrent, 2) + self.candidate_bias.val().reshape([1, width]);
        let n = tanh(part(&drive, 2) + r * inner);
        n.clone() + z * (h - n)
    }

    fn drive<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        burn::tensor::module::linear(input, self.input.val(), Some(self.input_bias.val()))
    }
}

impl SequenceCore for Gru {
    fn width(&self) -> usize {
        self.candidate_bias.dims()[0]
    }

    fn state_width(&self) -> usize {
        self.width()
    }

    fn state_multiply_adds(&self) -> usize {
        // r∘(U h), (1 − z)∘n and z∘h.
        3 * self.width()
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        Tensor::zeros([batch, self.width()], &self.input.device())
    }

    fn step(
        &self,
        input: Tensor<2>,
        resets: Tensor<1, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<2>, Tensor<2>), CoreError> {
        check_step(self, &input, &resets, &state)?;
        let h = self.advance(self.drive(input), forget(state, resets));
        Ok((h.clone(), h))
    }

    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let [batch, steps] = check_sequence(self, &input, &resets, &state)?;
        // One matrix product for all inputs; only the recurrent map has to wait for its turn.
        let drive = self.drive(input);
        if runs_fused(&drive) {
            let (recurrent, bias) = (self.recurrent.val(), self.candidate_bias.val());
            let keep = keep_factor(&resets);
            let states = recurrence(drive, recurrent, bias, keep, state, Cell::Gru);
            let last = last_step(&states);
            return Ok((states, last));
        }
        let width = 3 * self.width();
        let mut h = state;
        let mut outputs = Vec::with_capacity(steps);
        for t in 0..steps {
            let reset = resets.clone().narrow(1, t, 1).reshape([batch]);
            let now = drive.clone().narrow(1, t, 1).reshape([batch, width]);
            h = self.advance(now, forget(h, reset));
            outputs.push(h.clone());
        }
        Ok((Tensor::stack(outputs, 1), h))
    }

    fn convolve(&self, _: Tensor<3>, _: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        Err(CoreError::NoKernel { core: "gru" })
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
        let gru = GruConfig {}
            .init(5, &mut Stream::new(1, 0, "gru"), &device)
            .unwrap();
        check_core(&gru, 257, &device);
        let wide = GruConfig {}
            .init(256, &mut Stream::new(1, 0, "gru"), &device)
            .unwrap();
        assert_eq!(wide.num_params(), 394_240);
    }

    /// One step by hand: width 1, h = 0.5, u = 2.
    #[test]
    fn one_step_is_the_formula() {
        let device = Device::flex();
        let mut gru = GruConfig {}
            .init(1, &mut Stream::new(1, 0, "gru"), &device)
            .unwrap();
        gru.input = Param::from_tensor(from(vec![0.3, -0.2, 0.7], [1, 3], &device));
        gru.input_bias = Param::from_tensor(from(vec![0.1, 0.2, -0.1], [3], &device));
        gru.recurrent = Param::from_tensor(from(vec![0.4, 0.6, -0.5], [1, 3], &device));
        gru.candidate_bias = Param::from_tensor(from(vec![0.25], [1], &device));
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let (u, h) = (2.0, 0.5);
        let r = sigmoid(0.3 * u + 0.1 + 0.4 * h);
        let z = sigmoid(-0.2 * u + 0.2 + 0.6 * h);
        let n = (0.7 * u - 0.1 + r * (-0.5 * h + 0.25)).tanh();
        let (y, _) = gru
            .step(
                from(vec![u], [1, 1], &device),
                flags(&[0.0], [1], &device),
                from(vec![h], [1, 1], &device),
            )
            .unwrap();
        assert_close(&values(&y), &[(1.0 - z) * n + z * h], 1e-6);
    }
}
