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
use palaestra_world_models::{CoreError, SequenceCore};
use rand::seq::SliceRandom;

use super::{
    args::PpoArgs,
    distribution::Distribution,
    loss::{LossTerms, loss},
    network::ActorCritic,
    optimiser::Optimiser,
    report::Report,
    rollout::{Batch, Rollout, tensor, values},
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
                let (loss, terms) = self.loss(&batch)?;
                let gradients = GradientsParams::from_grads(loss.backward(), &self.model);
                let (model, norm) = self
                    .optimiser
                    .step(learning_rate, self.model.clone(), gradients)
                    .map_err(|error| self.located(epoch, minibatch, error))?;
                self.model = model;
                self.report.add(&terms, norm);
            }
        }
        self.report.end_update(&estimates, learning_rate);
        let stable = self.model.core.check_stability();
        stable.map_err(|error| self.located(0, 0, error))
    }

    /// Something that has the gradient of the loss, and the loss's terms to be looked at.
    fn loss(&self, batch: &Batch) -> Result<(Tensor<1>, LossTerms), AgentError> {
        let new = self.model.scan(
            batch.observation.clone(),
            batch.starts.clone(),
            batch.memory.clone(),
        )?;
        let log_std = self.model.log_std.as_ref().map(Param::val);
        let of_log_std = (log_std.clone()).map_or(Ok(Vec::new()), |x| values(x.inner()))?;
        let found = loss(
            &self.args,
            &self.actions,
            values(new.policy.clone().inner())?,
            &of_log_std,
            &values(new.value.clone().inner())?,
            batch,
        );
        // Sums with the derivatives as weights have these derivatives.
        let mut sum =
            self.weighted(new.policy, found.policy) + self.weighted(new.value, found.value);
        if let Some(log_std) = log_std {
            sum = sum + self.weighted(log_std, found.log_std);
        }
        Ok((sum, found.terms))
    }

    fn weighted<const D: usize>(&self, x: Tensor<D>, weights: Vec<f32>) -> Tensor<1> {
        let weights = tensor(weights, x.dims(), &self.device);
        (x * weights).sum()
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
    use super::*;

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
