//! LSSL: Gu et al., "Combining recurrent, convolutional, and continuous-time models with linear state space layers"
//! (arXiv 2110.13985). The reference that S4 made fast: a dense HiPPO matrix, a step Δ for each channel, M outputs,
//! discretised by the generalised bilinear transform; then gelu and a linear map from M·H to H.
//!
//! A is fixed, Δ, C and D are learned. Building costs O(N²) sequential operations for each length of chunk: use it to
//! check others, not to train large models.

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Bool, Device, Tensor, TensorData},
};
use rand::Rng;

use super::{
    discretise::check_steps,
    hippo::Measure,
    lti::{Dense, System, chunked_scan, convolve},
};
use crate::{
    CoreError, SequenceCore,
    activation::gelu,
    core::{check_sequence, check_shape, check_step, forget},
    derived::Derived,
    init,
};

/// Arguments of [`Lssl`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LsslConfig {
    /// States N of a channel.
    pub state: usize,
    /// Outputs M of a channel.
    pub outputs: usize,
    /// α of the transform: 0 forward Euler (unstable once Δ(N+1) > 2), ½ bilinear, 1 backward Euler.
    pub alpha: f64,
    /// Smallest initial Δ.
    pub min_step: f64,
    /// Largest initial Δ.
    pub max_step: f64,
}

impl Default for LsslConfig {
    fn default() -> Self {
        Self {
            state: 16,
            outputs: 1,
            alpha: 0.5,
            min_step: 1e-3,
            max_step: 0.1,
        }
    }
}

/// The LSSL layer.
#[derive(Module, Debug)]
pub struct Lssl {
    /// C, `[H, M, N]`.
    pub c: Param<Tensor<3>>,
    /// D, `[H, M]`.
    pub d: Param<Tensor<2>>,
    /// ln Δ, `[H]`.
    pub log_step: Param<Tensor<1>>,
    output: Linear,
    /// What every step needs, of a layer that is not being trained.
    acting: Derived<Dense>,
    alpha: f64,
}

impl LsslConfig {
    /// A layer of the given width.
    ///
    /// # Errors
    /// [`CoreError::Argument`] for no states or outputs, α outside [0, 1], or steps out of range.
    pub fn init(
        &self,
        width: usize,
        rng: &mut dyn Rng,
        device: &Device,
    ) -> Result<Lssl, CoreError> {
        let argument = |name, reason| CoreError::Argument {
            core: "lssl",
            name,
            reason,
        };
        for (name, value) in [("state", self.state), ("outputs", self.outputs)] {
            if value == 0 {
                return Err(argument(name, "0; at least 1".into()));
            }
        }
        if !(0.0..=1.0).contains(&self.alpha) {
            return Err(argument(
                "alpha",
                format!("{} is not in [0, 1]", self.alpha),
            ));
        }
        check_steps("lssl", self.min_step, self.max_step)?;
        let (n, m) = (self.state, self.outputs);
        let c = init::normal(rng, width * m * n, 1.0);
        let d = init::normal(rng, width * m, 1.0);
        let log_step = init::log_step(rng, width, self.min_step, self.max_step);
        Ok(Lssl {
            c: init::param(c, [width, m, n], device),
            d: init::param(d, [width, m], device),
            log_step: init::param(log_step, [width], device),
            output: init::linear(rng, width * m, width, true, device),
            acting: Derived::default(),
            alpha: self.alpha,
        })
    }
}

impl Lssl {
    /// Ā = (I − αΔA)⁻¹(I + (1 − α)ΔA) and B̄ = (I − αΔA)⁻¹ΔB of every channel.
    fn system(&self) -> Dense {
        let [channels, _, n] = self.c.dims();
        let device = self.c.device();
        let hippo = Measure::Legs.system(n);
        let host = |values: &[f64]| values.iter().map(|x| *x as f32).collect::<Vec<f32>>();
        let a: Tensor<3> = Tensor::from_data(TensorData::new(host(&hippo.a), [1, n, n]), &device);
        let b: Tensor<3> = Tensor::from_data(TensorData::new(host(&hippo.b), [1, n, 1]), &device);
        let step = self.log_step.val().exp().reshape([channels, 1, 1]);
        let eye = Tensor::<2>::eye(n, &device).reshape([1, n, n]);
        let scaled = a * step.clone();
        let below = eye.clone() - scaled.clone().mul_scalar(self.alpha);
        let above = scaled.mul_scalar(1.0 - self.alpha) + eye;
        let both = Tensor::cat(vec![above, b * step], 2);
        let solved = forward_substitution(&below, both);
        Dense {
            a: solved.clone().narrow(2, 0, n),
            b: solved.narrow(2, n, 1).reshape([channels, n]),
            c: self.c.val(),
        }
    }

    /// D u, gelu, and the map to the layer's outputs; `y` `[…, H, M]` flattened to `[…, H·M]`.
    fn around<const D: usize>(&self, input: Tensor<D>, y: Tensor<D>) -> Tensor<D> {
        let [channels, outputs] = self.d.dims();
        let mut shape = input.dims();
        let rows: usize = shape[..D - 1].iter().product();
        let through =
            input.reshape([rows, channels, 1]) * self.d.val().reshape([1, channels, outputs]);
        shape[D - 1] = channels * outputs;
        let y = y + through.reshape(shape);
        self.output.forward(gelu(y))
    }
}

/// L⁻¹ X for lower triangular L, `[H, N, N]`, and X, `[H, N, K]`: one row after the other.
fn forward_substitution(l: &Tensor<3>, x: Tensor<3>) -> Tensor<3> {
    let [channels, n, _] = l.dims();
    let columns = x.dims()[2];
    let mut solved: Option<Tensor<3>> = None;
    for i in 0..n {
        let mut row = x.clone().narrow(1, i, 1);
        if let Some(before) = &solved {
            let left = l.clone().narrow(1, i, 1).narrow(2, 0, i);
            row = row - left.matmul(before.clone());
        }
        let pivot = l.clone().narrow(1, i, 1).narrow(2, i, 1);
        let row = row / pivot.expand([channels, 1, columns]);
        solved = Some(match solved {
            None => row,
            Some(before) => Tensor::cat(vec![before, row], 1),
        });
    }
    solved.unwrap_or(x)
}

impl SequenceCore for Lssl {
    fn width(&self) -> usize {
        self.c.dims()[0]
    }

    fn state_width(&self) -> usize {
        let [channels, _, n] = self.c.dims();
        channels * n
    }

    fn state_multiply_adds(&self) -> usize {
        // Ā x and B̄ u, which are not parameters.
        let [channels, _, n] = self.c.dims();
        channels * n * (n + 1)
    }

    fn initial_state(&self, batch: usize) -> Tensor<2> {
        Tensor::zeros([batch, self.state_width()], &self.c.device())
    }

    fn step(
        &self,
        input: Tensor<2>,
        resets: Tensor<1, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<2>, Tensor<2>), CoreError> {
        let batch = check_step(self, &input, &resets, &state)?;
        let [channels, outputs, n] = self.c.dims();
        let system = self.acting.get(&self.d.device(), || self.system());
        let x = forget(state, resets).reshape([batch, channels, n, 1]);
        let driven =
            system.b.reshape([1, channels, n, 1]) * input.clone().reshape([batch, channels, 1, 1]);
        let x = system.a.reshape([1, channels, n, n]).matmul(x) + driven;
        let y = system
            .c
            .reshape([1, channels, outputs, n])
            .matmul(x.clone());
        let y = self.around(input, y.reshape([batch, channels * outputs]));
        Ok((y, x.reshape([batch, channels * n])))
    }

    fn scan(
        &self,
        input: Tensor<3>,
        resets: Tensor<2, Bool>,
        state: Tensor<2>,
    ) -> Result<(Tensor<3>, Tensor<2>), CoreError> {
        let [batch, steps] = check_sequence(self, &input, &resets, &state)?;
        let [channels, outputs] = self.d.dims();
        let (y, last) = chunked_scan(&self.system(), input.clone(), &resets, state);
        let y = self.around(input, y.reshape([batch, steps, channels * outputs]));
        Ok((y, last))
    }

    fn convolve(&self, input: Tensor<3>, state: Tensor<2>) -> Result<Tensor<3>, CoreError> {
        let [batch, steps, width] = input.dims();
        check_shape("input", [width], [self.width()])?;
        check_shape("state", state.dims(), [batch, self.state_width()])?;
        if steps == 0 {
            return Err(CoreError::EmptySequence);
        }
        let [channels, outputs] = self.d.dims();
        let columns = self.system().columns(steps);
        let y = convolve(columns.kernel, columns.read, input.clone(), state)?;
        Ok(self.around(input, y.reshape([batch, steps, channels * outputs])))
    }

    /// The diagonal of Ā, which is triangular: its eigenvalues.
    fn check_stability(&self) -> Result<(), CoreError> {
        let [channels, _, n] = self.c.dims();
        let eye = Tensor::<2>::eye(n, &self.c.device()).reshape([1, n, n]);
        let diagonal = (self.system().a * eye).sum_dim(2).abs();
        crate::core::check_moduli(diagonal.reshape([channels * n]))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use palaestra_envs::stream::Stream;

    use super::*;
    use crate::testing::{
        assert_close, assert_golden, check_convolution, check_core, check_long, flags, golden,
        numbers, tensor, values,
    };

    #[test]
    fn transforms_and_outputs_of_the_golden_system() {
        let golden = golden("lssl_gbt.json");
        let given = &golden["inputs"];
        let device = Device::flex();
        for (alpha, known) in golden["by_alpha"].as_object().unwrap() {
            let config = LsslConfig {
                state: 4,
                outputs: 2,
                alpha: alpha.parse().unwrap(),
                ..LsslConfig::default()
            };
            let mut lssl = config
                .init(1, &mut Stream::new(1, 0, "lssl"), &device)
                .unwrap();
            lssl.c = Param::from_tensor(tensor(&given["C"], [1, 2, 4], &device));
            lssl.d = Param::from_tensor(tensor(&given["D"], [1, 2], &device));
            lssl.log_step = Param::from_tensor(
                tensor::<1>(&serde_json::json!([given["dt"]]), [1], &device).log(),
            );
            let system = lssl.system();
            assert_golden(&system.a, &known["Abar"], 1e-5);
            assert_golden(&system.b, &known["Bbar"], 1e-5);
            let input = tensor::<3>(&given["u"], [1, 8, 1], &device);
            let resets = flags(&[0.0; 8], [1, 8], &device);
            let (y, last) = chunked_scan(&system, input.clone(), &resets, lssl.initial_state(1));
            let through = input.reshape([1, 8, 1, 1]) * lssl.d.val().reshape([1, 1, 1, 2]);
            assert_close(&values(&(y + through)), &numbers(&known["y"]), 1e-5);
            assert_golden(&last, &known["x_final"], 1e-5);
        }
    }

    #[test]
    fn steps_scans_convolutions_cuts_and_resets_agree() {
        let device = Device::flex();
        let config = LsslConfig {
            state: 6,
            outputs: 2,
            ..LsslConfig::default()
        };
        let lssl = config
            .init(2, &mut Stream::new(1, 0, "lssl"), &device)
            .unwrap();
        check_core(&lssl, 257, &device);
        lssl.check_stability().unwrap();
        for steps in [1, 2, 33, 64, 257] {
            check_convolution(&lssl, steps, &device);
        }
    }

    /// Long sequences with extreme steps stay finite: silence, and one impulse.
    #[test]
    fn nothing_overflows_over_eight_thousand_steps() {
        let device = Device::flex();
        for step in [1e-4, 1e-3, 0.1, 1.0, 10.0] {
            let config = LsslConfig {
                min_step: step,
                max_step: step,
                ..LsslConfig::default()
            };
            let mut rng = Stream::new(1, 0, "lssl");
            check_long(&config.init(2, &mut rng, &device).unwrap(), &device);
        }
    }

    /// Forward Euler with Δ(N + 1) > 2.
    #[test]
    fn an_unstable_transform_is_told() {
        let device = Device::flex();
        let config = LsslConfig {
            alpha: 0.0,
            min_step: 0.5,
            max_step: 0.5,
            ..LsslConfig::default()
        };
        let lssl = config
            .init(1, &mut Stream::new(1, 0, "lssl"), &device)
            .unwrap();
        assert!(matches!(
            lssl.check_stability(),
            Err(CoreError::Unstable { .. })
        ));
    }
}
