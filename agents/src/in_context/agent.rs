//! PPO in its seat: acting with the network's inner form, storing what happens, learning when a rollout is full.

use std::time::{Duration, Instant};

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use palaestra_envs::{
    sim::{ActView, PlayerBorder, Selection, Turns, read_value, write_value},
    space::Columns,
    stream::Stream,
    wrappers::Flat,
};
use palaestra_world_models::{SequenceCore, keep_buffers};
use serde::{Deserialize, Serialize};

use super::{
    args::{DeviceKind, PpoArgs},
    distribution::Distribution,
    network::{ActorCritic, Prediction},
    optimiser::SavedMoments,
    parameters::{self, SavedParameter},
    ppo::Learner,
    report::Report,
    rollout::{Rollout, Step, flags, tensor},
};
use crate::{Agent, AgentContext, AgentError, Mode, StepView};

/// Name of the agent.
pub(super) const ID: &str = "ppo";

/// PPO with a network that remembers.
///
/// It plays one player that acts in every step, with any observation but text, and integers or real numbers as
/// actions. When training, it draws its actions; when evaluated, it takes the most probable ones.
#[derive(Debug)]
pub struct Ppo {
    context: AgentContext,
    observations: Flat,
    /// Whether actions beyond the bounds may be passed on.
    lenient: bool,
    learner: Learner,
    /// The network without anything that records gradients.
    acting: ActorCritic,
    device: Device,
    mode: Mode,
    /// What the core remembers of each row, `[B, N]`.
    memory: Tensor<2>,
    /// One stream per row.
    streams: Vec<Stream>,
    step: Step,
    rollout: Rollout,
    clock: Clock,
    /// Why it has stopped learning.
    stopped: Option<AgentError>,
}

/// Everything that is saved.
#[derive(Serialize, Deserialize)]
struct Saved {
    /// The core with its arguments, as JSON.
    core: String,
    parameters: Vec<SavedParameter>,
    moments: Vec<Option<SavedMoments>>,
    memory: Vec<f32>,
    rollout: Rollout,
    streams: Vec<Stream>,
    shuffle: Stream,
    updates: u64,
    report: Report,
}

/// Where the time of an update goes; told to the log, never to the metrics, which are equal in equal runs.
#[derive(Debug, Default)]
struct Clock {
    acting: Duration,
    environment: Duration,
    /// When the last action was handed over.
    acted: Option<Instant>,
}

impl Ppo {
    /// The agent, with fresh parameters.
    ///
    /// # Errors
    /// [`AgentError::Env`] for a wrong argument, [`AgentError::Unsupported`] for an environment it cannot play.
    pub fn new(context: &AgentContext, args: &PpoArgs) -> Result<Self, AgentError> {
        let unsupported = |reason: &str| AgentError::Unsupported {
            agent: ID.into(),
            env: context.env.id.clone(),
            reason: reason.into(),
        };
        let player = context.player();
        if context.players.len() > 1 {
            let reason = "it plays one player; seat an agent for each with `players = [\"NAME\"]`";
            return Err(unsupported(reason));
        }
        if context.env.turns == Turns::Changing {
            return Err(unsupported(
                "its players take turns, but PPO acts in every step",
            ));
        }
        let observations = Flat::of(&player.observation)
            .ok_or_else(|| unsupported("its observation holds text, which has no flat form"))?;
        let actions = Distribution::of(&player.action).ok_or_else(|| {
            unsupported("its action is neither one or several integers nor a box of real numbers")
        })?;
        args.check(context.rows)?;
        keep_buffers();
        let device = match args.device {
            DeviceKind::Cpu => Device::flex(),
        };
        let updates = context.total_steps / (context.rows * args.rollout) as u64;
        let (width, seed) = (observations.width, context.seed);
        let learner = Learner::new(args, width, actions, seed, updates, &device)?;
        let acting = learner.model.valid();
        Ok(Self {
            context: context.clone(),
            observations,
            lenient: player.lenient_bounds,
            memory: acting.core.initial_state(context.rows),
            acting,
            learner,
            device,
            mode: Mode::Train,
            streams: (0..context.rows as u64)
                .map(|row| Stream::new(context.seed, row, "policy.sample"))
                .collect(),
            step: Step::default(),
            rollout: Rollout::new(context.rows, args.rollout),
            clock: Clock::default(),
            stopped: None,
        })
    }

    /// The learner, to be looked at.
    pub fn learner(&self) -> &Learner {
        &self.learner
    }

    /// What has been experienced since the last update.
    pub fn rollout(&self) -> &Rollout {
        &self.rollout
    }

    /// The network's word on `observations` as they are now, one step on from what is remembered.
    fn predict(&self, observation: &[f32], starts: &[bool]) -> Result<Prediction, AgentError> {
        let rows = self.context.rows;
        self.acting.step(
            tensor(
                observation.to_vec(),
                [rows, self.observations.width],
                &self.device,
            ),
            flags(starts.to_vec(), [rows], &self.device),
            self.memory.clone(),
        )
    }

    /// Chooses an action for every row, into `self.step.action`.
    fn choose(&mut self, prediction: Prediction, mask_width: usize) -> Result<(), AgentError> {
        let actions = &self.learner.actions;
        let (width, action_width) = (actions.width(), actions.action_width());
        let policy = values(prediction.policy)?;
        let log_std = match &self.acting.log_std {
            Some(log_std) => values(log_std.val())?,
            None => Vec::new(),
        };
        let step = &mut self.step;
        step.value = values(prediction.value)?;
        step.log_prob.resize(self.context.rows, 0.0);
        step.action.resize(self.context.rows * action_width, 0.0);
        for row in 0..self.context.rows {
            let policy = &policy[row * width..][..width];
            if policy
                .iter()
                .chain(&step.value[row..=row])
                .any(|x| !x.is_finite())
            {
                return Err(AgentError::Failed {
                    agent: ID.into(),
                    reason: format!(
                        "after update {} the network's output in row {row} is not finite; look for observations that \
                         are not, or lower `lr`",
                        self.learner.updates
                    ),
                });
            }
            let mask = &step.mask[row * mask_width..][..mask_width];
            let action = &mut step.action[row * action_width..][..action_width];
            match self.mode {
                Mode::Evaluate => actions.mode(policy, mask, action),
                Mode::Train => {
                    let rng = &mut self.streams[row];
                    step.log_prob[row] = actions.sample(policy, &log_std, mask, rng, action);
                }
            }
        }
        Ok(())
    }

    /// Adds the value of the last observation of episodes that were cut: it stands for the rest of them.
    fn bootstrap(
        &self,
        view: &StepView<'_>,
        own: &PlayerBorder,
        reward: &mut [f32],
    ) -> Result<(), AgentError> {
        let cut = &view.border.truncated;
        if self.learner.args.parity || !cut.iter().any(|&cut| cut) {
            return Ok(());
        }
        let width = self.observations.width;
        let mut observation = vec![0.0; self.context.rows * width];
        for (row, out) in observation.chunks_mut(width).enumerate() {
            if cut[row] {
                self.observations.write(&own.final_observation, row, out);
            }
        }
        let prediction = self.predict(&observation, &vec![false; self.context.rows])?;
        let gamma = self.learner.args.gamma as f32;
        for (row, value) in values(prediction.value)?.into_iter().enumerate() {
            if cut[row] {
                reward[row] += gamma * value;
            }
        }
        Ok(())
    }

    /// Learns from the full rollout. `self.step` is free to hold what is observed now.
    fn learn(&mut self, view: &StepView<'_>) -> Result<(), AgentError> {
        let began = Instant::now();
        self.look(view.own().observation(), &view.border.elapsed);
        let last = self.predict(&self.step.observation, &self.step.starts)?;
        self.learner
            .update(&self.rollout, &values(last.value)?, &self.step.starts)?;
        self.acting = self.learner.model.valid();
        self.rollout.clear();
        let learning = began.elapsed();
        let clock = std::mem::take(&mut self.clock);
        let [rows, steps] = self.rollout.dims();
        let total = clock.acting + clock.environment + learning;
        tracing::info!(
            agent = ID,
            update = self.learner.updates,
            acting_s = clock.acting.as_secs_f64(),
            environment_s = clock.environment.as_secs_f64(),
            learning_s = learning.as_secs_f64(),
            steps_per_second = (rows * steps) as f64 / total.as_secs_f64(),
            "update"
        );
        Ok(())
    }

    /// Notes what every row observes, and which begin an episode.
    fn look(&mut self, observation: &Columns, elapsed: &[u32]) {
        let width = self.observations.width;
        self.step.observation.resize(self.context.rows * width, 0.0);
        for (row, out) in self.step.observation.chunks_mut(width).enumerate() {
            self.observations.write(observation, row, out);
        }
        self.step.starts.clear();
        self.step
            .starts
            .extend(elapsed.iter().map(|&elapsed| elapsed == 0));
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, AgentError> {
    tensor
        .try_into_vec_as::<f32>()
        .map_err(|error| AgentError::Failed {
            agent: ID.into(),
            reason: format!("the device does not give back what it computed: {error}"),
        })
}

impl Agent for Ppo {
    fn act(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
    ) -> Result<(), AgentError> {
        let began = Instant::now();
        if let Some(error) = &self.stopped {
            return Err(error.clone());
        }
        if !rows.is_all() {
            return Err(AgentError::Failed {
                agent: ID.into(),
                reason: "only some rows are to act; PPO acts in all rows at once".into(),
            });
        }
        self.look(view.observation, view.elapsed);
        self.step.mask.clear();
        self.step.mask.extend_from_slice(view.action_mask);
        if self.mode == Mode::Train && self.rollout.is_empty() {
            self.rollout.memory = values(self.memory.clone())?;
        }
        let prediction = self.predict(&self.step.observation, &self.step.starts)?;
        self.memory = prediction.memory.clone();
        self.choose(prediction, view.mask_width)?;
        let width = self.learner.actions.action_width();
        for (row, action) in self.step.action.chunks(width).enumerate() {
            self.learner
                .actions
                .write(action, actions, row, self.lenient);
        }
        self.clock.acting += began.elapsed();
        self.clock.acted = Some(Instant::now());
        Ok(())
    }

    fn observe(&mut self, view: &StepView<'_>) -> Result<(), AgentError> {
        if let Some(acted) = self.clock.acted.take() {
            self.clock.environment += acted.elapsed();
        }
        if self.mode == Mode::Evaluate {
            return Ok(());
        }
        let own = view.own();
        let mut reward = own.reward.to_vec();
        self.bootstrap(view, own, &mut reward)?;
        self.rollout.push(&self.step, &reward);
        if self.rollout.is_full() {
            let learned = self.learn(view);
            self.stopped = learned.as_ref().err().cloned();
            return learned;
        }
        Ok(())
    }

    fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// `losses/…` and `charts/learning_rate`: means over the minibatches of all updates since the last call.
    fn metrics(&mut self, record: &mut dyn FnMut(&str, f64)) {
        self.learner.report.tell(record);
    }

    fn save(&mut self) -> Result<Vec<u8>, AgentError> {
        let saved = Saved {
            core: self.core_json(),
            parameters: parameters::save(&self.acting),
            moments: self.learner.optimiser.save(),
            memory: values(self.memory.clone())?,
            rollout: self.rollout.clone(),
            streams: self.streams.clone(),
            shuffle: self.learner.shuffle.clone(),
            updates: self.learner.updates,
            report: self.learner.report.clone(),
        };
        let mut state = Vec::new();
        write_value(&saved, &mut state)?;
        Ok(state)
    }

    fn load(&mut self, mut state: &[u8]) -> Result<(), AgentError> {
        let misfit = |reason: String| AgentError::State {
            agent: ID.into(),
            reason,
        };
        let saved: Saved = read_value(&mut state)?;
        let (own, rows) = (self.core_json(), self.context.rows);
        if saved.core != own {
            let reason = format!("it is of the core {}, but this agent has {own}", saved.core);
            return Err(misfit(reason));
        }
        let width = self.acting.core.state_width();
        if saved.rollout.dims() != self.rollout.dims()
            || saved.streams.len() != rows
            || saved.memory.len() != rows * width
        {
            let [found_rows, found_steps] = saved.rollout.dims();
            return Err(misfit(format!(
                "it is of {found_rows} rows with rollouts of {found_steps} steps, not {rows} with {}",
                self.rollout.dims()[1]
            )));
        }
        let model = parameters::load(self.learner.model.clone(), saved.parameters);
        self.learner.model = model.map_err(misfit)?;
        self.learner.optimiser.load(saved.moments, &self.device);
        self.learner.shuffle = saved.shuffle;
        self.learner.updates = saved.updates;
        self.learner.report = saved.report;
        self.acting = self.learner.model.valid();
        self.memory = tensor(saved.memory, [rows, width], &self.device);
        self.rollout = saved.rollout;
        self.streams = saved.streams;
        self.clock = Clock::default();
        self.stopped = None;
        Ok(())
    }
}

impl Ppo {
    /// The core with all its arguments, to tell one checkpoint from another.
    fn core_json(&self) -> String {
        serde_json::to_string(self.acting.core.config()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
