//! The actor-critic of Lu et al. (arXiv 2303.03982): an encoder, layers of a sequence core, and two heads.
//!
//! | stage | layers | start |
//! |---|---|---|
//! | encoder | O → 128 → 256, leaky ReLU after each | orthogonal, gain √2 |
//! | core | 4 × S5 of 256 states (or 1 × GRU of 256, …) | its own |
//! | actor | 256 → 128 → 128, leaky ReLU, → A | orthogonal, gains 2, 2, 0.01 |
//! | critic | 256 → 128 → 128, leaky ReLU, → 1 | orthogonal, gains 2, 2, 1 |
//!
//! Biases start at zero. For real actions there is one log σ per dimension, which depends on nothing and starts at 0.

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Bool, Device, Tensor},
};
use palaestra_world_models::{
    SequenceCore, Stack,
    activation::{Rectifier, linear},
    init,
};
use rand::Rng;

use super::{args::PpoArgs, distribution::Distribution};
use crate::AgentError;

/// What the network says of some observations.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// Parameters of the policy (logits, or means), `[N, A]`.
    pub policy: Tensor<2>,
    /// V, `[N]`.
    pub value: Tensor<1>,
    /// What the core remembers after the last step, `[B, N]`.
    pub memory: Tensor<2>,
}

/// The network.
#[derive(Module, Debug)]
pub struct ActorCritic {
    encoder: Vec<Linear>,
    /// The sequence core.
    pub core: Stack,
    actor: Vec<Linear>,
    critic: Vec<Linear>,
    /// log σ of real actions, `[A]`.
    pub log_std: Option<Param<Tensor<1>>>,
}

/// Layers of the given widths with orthogonal weights.
fn layers(
    rng: &mut dyn Rng,
    widths: &[usize],
    gain: f32,
    last_gain: f32,
    device: &Device,
) -> Vec<Linear> {
    let pairs = widths.windows(2);
    let last = pairs.len() - 1;
    let layer = |(i, pair): (usize, &[usize])| {
        let gain = if i == last { last_gain } else { gain };
        let mut weight = init::orthogonal(rng, pair[0], pair[1]);
        weight.iter_mut().for_each(|w| *w *= gain);
        init::linear_from(weight, pair[0], pair[1], Some(vec![0.0; pair[1]]), device)
    };
    pairs.enumerate().map(layer).collect()
}

impl ActorCritic {
    /// A network for observations of `width` numbers.
    ///
    /// # Errors
    /// [`AgentError::Env`] that names the argument, for a core that cannot be made or is unstable from the start.
    pub fn new(
        args: &PpoArgs,
        width: usize,
        actions: &Distribution,
        rng: &mut dyn Rng,
        device: &Device,
    ) -> Result<Self, AgentError> {
        let stack = args.stack();
        let of_core = |error| AgentError::of_core(&stack.core, error);
        let sqrt_2 = std::f32::consts::SQRT_2;
        let encoder = [&[width], &args.encoder[..]].concat();
        let head = |out: usize| [&[stack.width], &args.heads[..], &[out]].concat();
        let encoder = layers(rng, &encoder, sqrt_2, sqrt_2, device);
        let core = stack.init(rng, device).map_err(of_core)?;
        core.check_stability().map_err(of_core)?;
        Ok(Self {
            encoder,
            core,
            actor: layers(rng, &head(actions.width()), 2.0, 0.01, device),
            critic: layers(rng, &head(1), 2.0, 1.0, device),
            log_std: actions
                .is_real()
                .then(|| init::param(vec![0.0; actions.width()], [actions.width()], device)),
        })
    }

    /// One step of every row, for acting.
    ///
    /// # Shapes
    /// `observation` `[B, O]`, `starts` `[B]`, `memory` `[B, N]`; the prediction has a row for each.
    ///
    /// # Errors
    /// [`AgentError::Failed`] for shapes that do not fit.
    pub fn step(
        &self,
        observation: Tensor<2>,
        starts: Tensor<1, Bool>,
        memory: Tensor<2>,
    ) -> Result<Prediction, AgentError> {
        let (x, memory) = self.core.step(self.encode(observation), starts, memory)?;
        Ok(self.heads(x, memory))
    }

    /// Whole sequences, for learning.
    ///
    /// # Shapes
    /// `observation` `[B, T, O]`, `starts` `[B, T]`, `memory` `[B, N]` before the first step; the prediction has B·T
    /// rows, the steps of a row one after the other.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn scan(
        &self,
        observation: Tensor<3>,
        starts: Tensor<2, Bool>,
        memory: Tensor<2>,
    ) -> Result<Prediction, AgentError> {
        let [batch, steps, width] = observation.dims();
        let x = self.encode(observation.reshape([batch * steps, width]));
        let x = x.reshape([batch, steps, self.core.width()]);
        let (x, memory) = self.core.scan(x, starts, memory)?;
        Ok(self.heads(x.reshape([batch * steps, self.core.width()]), memory))
    }

    fn encode(&self, observation: Tensor<2>) -> Tensor<2> {
        (self.encoder.iter()).fold(observation, |x, layer| linear(layer, x, Rectifier::Leaky))
    }

    fn heads(&self, x: Tensor<2>, memory: Tensor<2>) -> Prediction {
        let [rows, _] = x.dims();
        let value = through(&self.critic, x.clone());
        Prediction {
            policy: through(&self.actor, x),
            value: value.reshape([rows]),
            memory,
        }
    }
}

/// Leaky ReLU after all layers but the last.
fn through(layers: &[Linear], x: Tensor<2>) -> Tensor<2> {
    let last = layers.len() - 1;
    layers.iter().enumerate().fold(x, |x, (i, layer)| {
        let rectifier = if i == last {
            Rectifier::None
        } else {
            Rectifier::Leaky
        };
        linear(layer, x, rectifier)
    })
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use palaestra_envs::{space::Space, stream::Stream};

    use super::*;

    fn network(args: &PpoArgs, width: usize, space: &Space) -> ActorCritic {
        let actions = Distribution::of(space).unwrap();
        let mut rng = Stream::new(1, 0, "test");
        ActorCritic::new(args, width, &actions, &mut rng, &Device::flex()).unwrap()
    }

    /// Repeat Previous: suit, previous action, flag.
    #[test]
    fn parameters_are_as_many_as_in_the_released_code() {
        let count = |core: &str| {
            let args = PpoArgs {
                core: core.into(),
                ..PpoArgs::default()
            };
            network(&args, 9, &Space::discrete(4)).num_params()
        };
        assert_eq!(count("s5"), 1_186_949);
        assert_eq!(count("gru"), 528_005);
    }

    #[test]
    fn without_layers_it_is_a_perceptron() {
        let args = PpoArgs {
            layers: Some(0),
            encoder: vec![64, 64],
            heads: Vec::new(),
            ..PpoArgs::default()
        };
        let network = network(&args, 8, &Space::discrete(4));
        let affine = |from: usize, to: usize| (from + 1) * to;
        let expected = affine(8, 64) + affine(64, 64) + affine(64, 4) + affine(64, 1);
        assert_eq!(network.num_params(), expected);
        let device = Device::flex();
        let x = Tensor::<2>::random([6, 8], burn::tensor::Distribution::Default, &device);
        let flags = Tensor::<2>::zeros([2, 3], &device).greater_scalar(0.5);
        let memory = network.core.initial_state(2);
        assert_eq!(memory.dims(), [2, 0]);
        let all = network
            .scan(x.clone().reshape([2, 3, 8]), flags.clone(), memory)
            .unwrap();
        let memory = network.core.initial_state(6);
        let one = network.step(x, flags.reshape([6]), memory).unwrap();
        let difference =
            (all.policy - one.policy).abs().max() + (all.value - one.value).abs().max();
        assert!(difference.into_scalar::<f32>() < 1e-6);
    }

    #[test]
    fn layers_are_orthogonal_and_the_first_policy_is_nearly_uniform() {
        let args = PpoArgs::default();
        let network = network(&args, 9, &Space::vector(3, -1.0, 1.0));
        // Rows of a wide matrix, columns of a tall one, times the gain.
        for (layer, gain) in [
            (&network.encoder[0], 2.0_f32.sqrt()),
            (&network.actor[0], 2.0),
            (&network.actor[2], 0.01),
            (&network.critic[2], 1.0),
        ] {
            let w = layer.weight.val();
            let [rows, columns] = w.dims();
            let w = if rows > columns { w.transpose() } else { w };
            let gram = w.clone().matmul(w.transpose()) / gain.powi(2);
            let eye = Tensor::<2>::eye(rows.min(columns), &Device::flex());
            let error = (gram - eye).abs().max().into_scalar::<f32>();
            assert!(error < 1e-4, "{error}");
        }
        let sigma = network.log_std.unwrap().val().exp();
        assert_eq!(sigma.into_data().try_into_vec::<f32>().unwrap(), [1.0; 3]);
    }
}
