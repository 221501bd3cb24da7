//! Proximal policy optimisation over whole sequences.
//!
//! *Schulman, Wolski, Dhariwal, Radford, Klimov, Proximal policy optimization algorithms, arXiv 1707.06347; over
//! sequences and with a core that forgets at resets as in Lu et al., Structured state space models for in-context
//! reinforcement learning, arXiv 2303.03982.*
//!
//! Each minibatch is made of whole rows, which the network runs through from what its core remembered when the rollout
//! began; that memory is not recomputed while the parameters change. Time is never shuffled.
//!
//! Where players take turns, expectations over the policy (L^CLIP, S, what is reported of the ratio) are over the steps in
//! which there was something to choose; L^V is over all.

use burn::{
    module::Param,
    optim::GradientsParams,
    tensor::{Device, Tensor},
};
use palaestra_envs::stream::Stream;
use palaestra_world_models::{CoreError, SequenceCore, check_gradients};
use rand::seq::SliceRandom;

use super::{
    args::PpoArgs,
    distribution::Distribution,
    network::ActorCritic,
    optimiser::Optimiser,
    report::{LossTerms, Report},
    rollout::{Batch, Rollout},
};
use crate::AgentError;

/// The learner: a network, its optimiser, and what it needs to go through a rollout.
#[derive(Debug)]
pub struct Learner {
    pub(super) args: PpoArgs,
    pub(super) actions: Distribution,
    pub(super) model: ActorCritic,
    pub(super) optimiser: Optimiser,
    pub(super) shuffle: Stream,
    /// Updates made.
    pub(super) updates: u64,
    /// Updates that the run has room for.
    pub(super) total_updates: u64,
    pub(super) report: Report,
    /// Where gradients are recorded.
    device: Device,
}

impl Learner {
    /// A learner with fresh parameters for observations of `width` numbers.
    ///
    /// # Errors
    /// [`AgentError::Env`] for arguments of the core that are wrong.
    pub fn new(
        args: &PpoArgs,
        width: usize,
        actions: Distribution,
        seed: u64,
        total_updates: u64,
        device: &Device,
    ) -> Result<Self, AgentError> {
        let device = device.clone().autodiff();
        let mut rng = Stream::new(seed, 0, "ppo.init");
        Ok(Self {
            model: ActorCritic::new(args, width, &actions, &mut rng, &device)?,
            optimiser: Optimiser::new(args.adam_eps, args.max_grad_norm),
            shuffle: Stream::new(seed, 0, "ppo.shuffle"),
            args: args.clone(),
            actions,
            updates: 0,
            total_updates,
            report: Report::default(),
            device,
        })
    }

    /// The network.
    pub fn model(&self) -> &ActorCritic {
        &self.model
    }

    /// Learns from a full rollout. `last_value` and `last_start`, `[B]`, are of what is observed now.
    ///
    /// # Errors
    /// [`AgentError::Gradient`] if a gradient is not finite, [`AgentError::Unstable`] if the core has become unstable;
    /// parameters, optimiser, shuffling and report are then those before the update.
    pub fn update(
        &mut self,
        rollout: &Rollout,
        last_value: &[f32],
        last_start: &[bool],
    ) -> Result<(), AgentError> {
        // Tensors are handles: this copies nothing.
        let before = (
            self.model.clone(),
            self.optimiser.clone(),
            self.shuffle.clone(),
            self.report.clone(),
        );
        let learned = self.pass_through(rollout, last_value, last_start);
        if learned.is_ok() {
            self.updates += 1;
        } else {
            (self.model, self.optimiser, self.shuffle, self.report) = before;
        }
        learned
    }

    /// All minibatches of all epochs of an update.
    fn pass_through(
        &mut self,
        rollout: &Rollout,
        last_value: &[f32],
        last_start: &[bool],
    ) -> Result<(), AgentError> {
        let (gamma, lambda) = (self.args.gamma as f32, self.args.lambda as f32);
        let estimates = rollout.estimate(last_value, last_start, gamma, lambda);
        let learning_rate = self.args.learning_rate(self.updates, self.total_updates);
        let [rows, _] = rollout.dims();
        let mut order: Vec<usize> = (0..rows).collect();
        for epoch in 0..self.args.epochs {
            order.shuffle(&mut self.shuffle);
            for (minibatch, rows) in order.chunks(rows / self.args.minibatches).enumerate() {
                let batch = rollout.batch(rows, &estimates, &self.device);
                let (loss, terms) = self.loss(batch)?;
                let gradients = GradientsParams::from_grads(loss.backward(), &self.model);
                check_gradients(&self.model, &gradients)
                    .map_err(|error| self.located(epoch, minibatch, error))?;
                let (model, norm) =
                    self.optimiser
                        .step(learning_rate, self.model.clone(), gradients);
                self.model = model;
                self.report.add(&terms, norm);
            }
        }
        self.report.end_update(&estimates, learning_rate);
        let stable = self.model.core.check_stability();
        stable.map_err(|error| self.located(0, 0, error))
    }

    /// The loss, and its terms to be looked at.
    fn loss(&self, batch: Batch) -> Result<(Tensor<1>, LossTerms), AgentError> {
        let args = &self.args;
        let new = self
            .model
            .scan(batch.observation, batch.starts, batch.memory)?;
        let log_std = self.model.log_std.as_ref().map(Param::val);
        let (log_prob, entropy) =
            self.actions
                .evaluate(new.policy, log_std, batch.action, batch.forbidden);

        let choices = batch.choices.as_ref();
        let mean = |x: Tensor<1>| match choices {
            Some(choices) => (x * choices.weight.clone()).sum(),
            None => x.mean(),
        };

        // r_t(θ) = π_θ(a_t|s_t) / π_old(a_t|s_t)
        let mut log_ratio = log_prob - batch.log_prob;
        if let Some(choices) = choices {
            // What was not chosen has no probability; whatever stands there must not overflow.
            log_ratio = log_ratio.mask_fill(choices.forced.clone(), 0.0);
        }
        let ratio = log_ratio.clone().exp();
        // equation 7: L^CLIP = E[min(r_t Â_t, clip(r_t, 1 − ε, 1 + ε) Â_t)]
        let clipped = ratio.clone().clamp(1.0 - args.clip, 1.0 + args.clip);
        let surrogate =
            mean((ratio.clone() * batch.advantage.clone()).min_pair(clipped * batch.advantage));
        // L^V = ½ E[max((V − R)², (V_old + clip(V − V_old, ±ε) − R)²)]
        let change = (new.value.clone() - batch.value.clone()).clamp(-args.clip, args.clip);
        let clipped_value = batch.value + change;
        let value_loss = (new.value - batch.target.clone())
            .square()
            .max_pair((clipped_value - batch.target).square())
            .mean()
            * 0.5;
        let entropy = mean(entropy);
        // equation 9, to be minimised: −L^CLIP + c₁ L^V − c₂ S
        let loss = -surrogate.clone() + value_loss.clone() * args.value_coef
            - entropy.clone() * args.entropy_coef;

        let terms = LossTerms {
            policy_loss: -surrogate,
            value_loss,
            entropy,
            // An estimate of KL(π_old ‖ π_θ) that is never negative: E[r − 1 − ln r].
            approx_kl: mean(ratio.clone() - 1.0 - log_ratio),
            clip_fraction: mean((ratio - 1.0).abs().greater_scalar(args.clip).float()),
        };
        Ok((loss, terms))
    }

    /// `error` with its place in the course of learning.
    fn located(&self, epoch: usize, minibatch: usize, error: CoreError) -> AgentError {
        match error {
            CoreError::Gradient { parameter } => AgentError::Gradient {
                agent: "ppo".into(),
                update: self.updates,
                epoch,
                minibatch,
                tensor: parameter,
            },
            CoreError::Unstable {
                layer,
                index,
                modulus,
            } => AgentError::Unstable {
                agent: "ppo".into(),
                update: self.updates,
                layer: layer.unwrap_or(0),
                mode: index,
                modulus,
            },
            other => other.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use palaestra_envs::space::Space;

    use super::*;
    use crate::in_context::rollout::{Choices, flags, tensor};

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_into_vec().unwrap()
    }

    /// Two rows of three steps, with ratios and values on both sides of their clips.
    #[test]
    fn the_loss_is_the_formula() {
        let args = PpoArgs {
            core: "gru".into(),
            encoder: vec![4],
            heads: vec![],
            value_coef: 0.7,
            entropy_coef: 0.3,
            ..PpoArgs::default()
        };
        let actions = Distribution::of(&Space::discrete(3)).unwrap();
        let learner = Learner::new(&args, 2, actions, 1, 10, &Device::flex()).unwrap();
        let device = &learner.device;
        let observation = [
            0.1, -0.4, 1.0, 0.3, -0.2, 0.8, 0.5, -1.0, 0.0, 0.7, 0.9, -0.6,
        ];
        let action = [0.0, 2.0, 1.0, 1.0, 0.0, 2.0];
        let starts = vec![true, false, false, false, true, false];
        let memory = || learner.model.core.initial_state(2);
        let sequences = || tensor(observation.to_vec(), [2, 3, 2], device);
        let new = learner
            .model
            .scan(sequences(), flags(starts.clone(), [2, 3], device), memory())
            .unwrap();
        let (log_prob, entropy) = learner.actions.evaluate(
            new.policy,
            None,
            tensor(action.to_vec(), [6, 1], device),
            None,
        );
        let (log_prob, entropy, value) = (values(log_prob), values(entropy), values(new.value));

        let log_ratio = [0.0, 0.5, -0.5, 0.1, 0.5, -0.5_f32];
        let advantage = [1.0, 1.5, -2.0, 0.5, -1.0, 2.0_f32];
        let change = [0.0, 0.5, -0.5, 0.1, 0.3, -0.1_f32];
        let error = [0.3, -0.4, 0.6, 1.0, 0.1, -0.2_f32];
        let minus =
            |a: &[f32], b: &[f32]| -> Vec<f32> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
        let old_value = minus(&value, &change);
        let target = minus(&value, &error);
        let batch = Batch {
            observation: sequences(),
            starts: flags(starts.clone(), [2, 3], device),
            memory: memory(),
            forbidden: None,
            action: tensor(action.to_vec(), [6, 1], device),
            log_prob: tensor(minus(&log_prob, &log_ratio), [6], device),
            value: tensor(old_value.clone(), [6], device),
            advantage: tensor(advantage.to_vec(), [6], device),
            target: tensor(target.clone(), [6], device),
            choices: None,
        };
        let (loss, terms) = learner.loss(batch).unwrap();

        let mean = |f: &dyn Fn(usize) -> f32| (0..6).map(f).sum::<f32>() / 6.0;
        let ratio = |i: usize| log_ratio[i].exp();
        let policy_loss =
            -mean(&|i| (ratio(i) * advantage[i]).min(ratio(i).clamp(0.8, 1.2) * advantage[i]));
        let value_loss = 0.5
            * mean(&|i| {
                let clipped = old_value[i] + change[i].clamp(-0.2, 0.2) - target[i];
                error[i].powi(2).max(clipped.powi(2))
            });
        let entropy = mean(&|i| entropy[i]);
        let close = |found: Tensor<1>, expected: f32| {
            let found = found.into_scalar::<f32>();
            assert!((found - expected).abs() < 1e-5, "{found} for {expected}");
        };
        close(loss, policy_loss + 0.7 * value_loss - 0.3 * entropy);
        close(terms.policy_loss, policy_loss);
        close(terms.value_loss, value_loss);
        close(terms.entropy, entropy);
        close(terms.approx_kl, mean(&|i| ratio(i) - 1.0 - log_ratio[i]));
        close(terms.clip_fraction, 4.0 / 6.0);
    }

    /// Where a seat had nothing to choose, the policy is not judged, even by a ratio beyond all bounds; values are.
    #[test]
    fn steps_without_a_choice_count_for_values_only() {
        let args = PpoArgs {
            core: "gru".into(),
            encoder: vec![4],
            heads: vec![],
            entropy_coef: 0.3,
            ..PpoArgs::default()
        };
        let actions = Distribution::of(&Space::discrete(3)).unwrap();
        let learner = Learner::new(&args, 2, actions, 1, 10, &Device::flex()).unwrap();
        let device = &learner.device;
        let acting = [true, false, false, true];
        let batch = |log_prob: [f32; 4], advantage: [f32; 4], target: [f32; 4]| {
            let observation = [0.1, -0.4, 1.0, 0.3, -0.2, 0.8, 0.5, -1.0];
            let forced = acting.iter().map(|acts| !acts).collect();
            let weight = acting.map(|acts| if acts { 0.5 } else { 0.0 });
            Batch {
                observation: tensor(observation.to_vec(), [1, 4, 2], device),
                starts: flags(vec![true, false, false, false], [1, 4], device),
                memory: learner.model.core.initial_state(1),
                forbidden: None,
                action: tensor(vec![0.0, 0.0, 0.0, 2.0], [4, 1], device),
                log_prob: tensor(log_prob.to_vec(), [4], device),
                value: tensor(vec![0.0; 4], [4], device),
                advantage: tensor(advantage.to_vec(), [4], device),
                target: tensor(target.to_vec(), [4], device),
                choices: Some(Choices {
                    forced: flags(forced, [4], device),
                    weight: tensor(weight.to_vec(), [4], device),
                }),
            }
        };
        let told = |batch| {
            let (_, terms) = learner.loss(batch).unwrap();
            [
                terms.policy_loss,
                terms.entropy,
                terms.approx_kl,
                terms.clip_fraction,
                terms.value_loss,
            ]
            .map(|term| term.into_scalar::<f32>())
        };
        let expected = told(batch(
            [-1.0, 0.0, 0.0, -1.2],
            [1.0, 0.0, 0.0, -2.0],
            [0.0; 4],
        ));
        let strange = told(batch(
            [-1.0, -900.0, 900.0, -1.2],
            [1.0, 1e9, -1e9, -2.0],
            [0.0; 4],
        ));
        assert_eq!(strange, expected);
        // Means are over the two choices: the loss is that of both by themselves.
        let ratio = |at: f32| (-(3.0_f32.ln()) - at).exp();
        let by_hand = -0.5
            * ((ratio(-1.0) * 1.0).min(ratio(-1.0).clamp(0.8, 1.2))
                + (ratio(-1.2) * -2.0).min(ratio(-1.2).clamp(0.8, 1.2) * -2.0));
        // The first policy is nearly uniform.
        assert!(
            (expected[0] - by_hand).abs() < 0.05,
            "{expected:?}, {by_hand}"
        );
        assert!((expected[1] - 3.0_f32.ln()).abs() < 1e-2, "{expected:?}");
        let paid = told(batch([0.0; 4], [0.0; 4], [0.0, 3.0, 0.0, 0.0]));
        assert!(paid[4] > 0.5, "{paid:?}");
    }

    #[test]
    fn the_learning_rate_falls_to_zero_after_the_last_update() {
        let args = PpoArgs {
            lr_schedule: super::super::args::Schedule::Linear,
            lr: 0.4,
            ..PpoArgs::default()
        };
        let rates = [0, 1, 3, 4].map(|update| args.learning_rate(update, 4));
        for (rate, expected) in rates.into_iter().zip([0.4, 0.3, 0.1, 0.0]) {
            assert!((rate - expected).abs() < 1e-12);
        }
    }
}
