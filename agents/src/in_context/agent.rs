//! PPO in its seat: acting with the network's inner form, storing what happens, learning when a rollout is full.

use std::time::{Duration, Instant};

use burn::{
    module::Module,
    tensor::{Device, Int, Tensor, TensorData},
};
use palaestra_envs::{
    sim::{ActView, Border, Selection, Turns},
    space::Columns,
    stream::Stream,
    wrappers::Flat,
};
use palaestra_world_models::{SequenceCore, keep_buffers};

use super::{
    args::{Evaluated, PpoArgs},
    distribution::Distribution,
    network::{ActorCritic, Prediction},
    ppo::Learner,
    rollout::{Rollout, Step, flags, tensor, values},
};
use crate::{Agent, AgentContext, AgentError, Mode, StepView};

/// Name of the agent.
pub(super) const ID: &str = "ppo";

/// PPO with a network that remembers.
///
/// It plays with any observation but text, and integers or real numbers as actions. When training, it draws its actions;
/// when evaluated, it takes the most probable ones, unless told to draw these too. Several players share the parameters, and each seat, a player in a row,
/// has a memory and a stream of its own: playing against itself is playing all players. A seat sees every step, also
/// those in which it is not to act.
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
    /// Its players, in their order.
    seats: Vec<Seats>,
    /// One stream per seat.
    streams: Vec<Stream>,
    /// Of all seats.
    rollout: Rollout,
    clock: Clock,
    /// Why it has stopped learning.
    stopped: Option<AgentError>,
}

/// The seats of one player, a row of the batch each.
#[derive(Debug)]
struct Seats {
    /// What the core remembers, `[B, N]`.
    memory: Tensor<2>,
    /// What was seen and done last.
    step: Step,
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
        let observations = Flat::of(&player.observation)
            .ok_or_else(|| unsupported("its observation holds text, which has no flat form"))?;
        let actions = Distribution::of(&player.action).ok_or_else(|| {
            unsupported("its action is neither one or several integers nor a box of real numbers")
        })?;
        args.check(context)?;
        keep_buffers();
        let device = args.device.device()?;
        let updates = args.updates(context);
        let (width, seed) = (observations.width, context.seed);
        let learner = Learner::new(args, width, actions, seed, updates, &device)?;
        let acting = learner.model.valid();
        Ok(Self {
            context: context.clone(),
            observations,
            lenient: player.lenient_bounds,
            seats: (context.players.iter())
                .map(|_| Seats {
                    memory: acting.core.initial_state(context.rows),
                    step: Step::default(),
                })
                .collect(),
            acting,
            learner,
            device,
            mode: Mode::Train,
            streams: (0..context.seats() as u64)
                .map(|seat| Stream::new(context.seed, seat, "policy.sample"))
                .collect(),
            rollout: Rollout::new(context.seats(), args.rollout),
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

    /// Where the seats of `player` are among its players.
    fn position(&self, player: usize) -> usize {
        self.context.first_seat(player) / self.context.rows
    }

    /// The network's word on what some seats see, one step on from what they remember.
    fn predict(
        &self,
        observation: &[f32],
        starts: &[bool],
        memory: Tensor<2>,
    ) -> Result<Prediction, AgentError> {
        let (rows, width) = (starts.len(), self.observations.width);
        self.acting.step(
            tensor(observation.to_vec(), [rows, width], &self.device),
            flags(starts.to_vec(), [rows], &self.device),
            memory,
        )
    }

    /// The same for what the seats of its player number `position` have seen last.
    fn predict_seats(&self, position: usize) -> Result<Prediction, AgentError> {
        let Seats { memory, step } = &self.seats[position];
        self.predict(&step.observation, &step.starts, memory.clone())
    }

    /// Chooses an action for every seat of its player number `position` that is to act.
    fn choose(
        &mut self,
        position: usize,
        prediction: Prediction,
        view: &ActView<'_>,
    ) -> Result<(), AgentError> {
        let actions = &self.learner.actions;
        let (width, action_width) = (actions.width(), actions.action_width());
        let policy = values(prediction.policy)?;
        let log_std = match &self.acting.log_std {
            Some(log_std) => values(log_std.val())?,
            None => Vec::new(),
        };
        let rows = self.context.rows;
        let updates = self.learner.updates;
        let most_probable =
            self.mode == Mode::Evaluate && self.learner.args.evaluated == Evaluated::MostProbable;
        let strange = |what: &str, row: usize| AgentError::Failed {
            agent: ID.into(),
            reason: format!(
                "after update {updates} {what} in row {row} is not finite; look for observations that are not, or lower \
                 `lr`"
            ),
        };
        let finite = |x: &[f32]| x.iter().all(|x| x.is_finite());
        let step = &mut self.seats[position].step;
        step.value = values(prediction.value)?;
        step.log_prob.resize(rows, 0.0);
        step.action.resize(rows * action_width, 0.0);
        for row in 0..rows {
            let policy = &policy[row * width..][..width];
            if !finite(policy) || !finite(&log_std) || !step.value[row].is_finite() {
                return Err(strange("the network's output", row));
            }
            let action = &mut step.action[row * action_width..][..action_width];
            if !view.acting[row] {
                action.fill(0.0);
                step.log_prob[row] = 0.0;
                continue;
            }
            let mask = &step.mask[row * view.mask_width..][..view.mask_width];
            if most_probable {
                actions.mode(policy, mask, action);
            } else {
                let rng = &mut self.streams[position * rows + row];
                step.log_prob[row] = actions.sample(policy, &log_std, mask, rng, action);
            }
            // Deviations and sums may be too large although what they are made of is not.
            if !finite(action) || !step.log_prob[row].is_finite() {
                return Err(strange("the action that was drawn", row));
            }
        }
        Ok(())
    }

    /// Adds the value of the last observation of episodes that were cut: it stands for the rest of them.
    fn bootstrap(
        &self,
        position: usize,
        view: &StepView<'_>,
        reward: &mut [f32],
    ) -> Result<(), AgentError> {
        let truncated = &view.border.truncated;
        let cut: Vec<usize> = (0..truncated.len()).filter(|&row| truncated[row]).collect();
        if self.learner.args.parity || cut.is_empty() {
            return Ok(());
        }
        let width = self.observations.width;
        let mut observation = vec![0.0; cut.len() * width];
        for (row, out) in cut.iter().zip(observation.chunks_mut(width)) {
            self.observations
                .write(&view.own().final_observation, *row, out);
        }
        let index: Vec<i32> = cut.iter().map(|&row| row as i32).collect();
        let index = TensorData::new(index, [cut.len()]);
        let memory = self.seats[position].memory.clone();
        let memory = memory.select(0, Tensor::<1, Int>::from_data(index, &self.device));
        let prediction = self.predict(&observation, &vec![false; cut.len()], memory)?;
        let gamma = self.learner.args.gamma as f32;
        for (row, value) in cut.iter().zip(values(prediction.value)?) {
            reward[*row] += gamma * value;
        }
        Ok(())
    }

    /// The values of what is observed now, and where episodes begin, for all seats; their steps are free to hold it.
    fn last_values(&mut self, border: &Border) -> Result<(Vec<f32>, Vec<bool>), AgentError> {
        let (mut value, mut starts) = (Vec::new(), Vec::new());
        for position in 0..self.seats.len() {
            let own = border.player(self.context.players[position]);
            self.look(position, own.observation(), &border.elapsed);
            value.extend(values(self.predict_seats(position)?.value)?);
            starts.extend_from_slice(&self.seats[position].step.starts);
        }
        Ok((value, starts))
    }

    /// Learns from the full rollout.
    fn learn(&mut self, border: &Border) -> Result<(), AgentError> {
        let began = Instant::now();
        let learned = (self.last_values(border))
            .and_then(|(value, starts)| self.learner.update(&self.rollout, &value, &starts));
        // Also if it could not be learned from: it has no room for another step.
        self.rollout.clear();
        learned?;
        self.acting = self.learner.model.valid();
        let learning = began.elapsed();
        let clock = std::mem::take(&mut self.clock);
        let steps = self.context.rows * self.rollout.dims()[1];
        let total = clock.acting + clock.environment + learning;
        tracing::info!(
            agent = ID,
            update = self.learner.updates,
            acting_s = clock.acting.as_secs_f64(),
            environment_s = clock.environment.as_secs_f64(),
            learning_s = learning.as_secs_f64(),
            steps_per_second = steps as f64 / total.as_secs_f64(),
            "update"
        );
        Ok(())
    }

    /// Notes what every seat of its player number `position` observes, and which begin an episode.
    fn look(&mut self, position: usize, observation: &Columns, elapsed: &[u32]) {
        let (width, step) = (self.observations.width, &mut self.seats[position].step);
        step.observation.resize(self.context.rows * width, 0.0);
        for (row, out) in step.observation.chunks_mut(width).enumerate() {
            self.observations.write(observation, row, out);
        }
        step.starts.clear();
        step.starts
            .extend(elapsed.iter().map(|&elapsed| elapsed == 0));
    }

    /// Takes over what the seats in `rows` remember now.
    fn remember(&mut self, position: usize, rows: &Selection, memory: Tensor<2>) {
        let seats = &mut self.seats[position];
        if rows.is_all() {
            seats.memory = memory;
            return;
        }
        let mut stays = vec![true; self.context.rows];
        rows.rows().for_each(|row| stays[row] = false);
        let [count, width] = memory.dims();
        let stays = flags::<2>(stays, [count, 1], &self.device).expand([count, width]);
        seats.memory = memory.mask_where(stays, seats.memory.clone());
    }

    /// What all seats remember, player by player.
    fn memories(&self) -> Result<Vec<f32>, AgentError> {
        let mut memories = Vec::new();
        for seats in &self.seats {
            memories.extend(values(seats.memory.clone())?);
        }
        Ok(memories)
    }
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
        if !rows.is_all() && self.mode == Mode::Train {
            return Err(AgentError::Failed {
                agent: ID.into(),
                reason: "only some rows are to act; PPO learns from steps of all rows".into(),
            });
        }
        let position = self.position(view.player);
        self.look(position, view.observation, view.elapsed);
        let step = &mut self.seats[position].step;
        step.mask.clear();
        step.mask.extend_from_slice(view.action_mask);
        if self.context.env.turns == Turns::Changing {
            step.acting.clear();
            step.acting.extend_from_slice(view.acting);
        }
        if self.mode == Mode::Train && position == 0 && self.rollout.is_empty() {
            self.rollout.memory = self.memories()?;
        }
        let prediction = self.predict_seats(position)?;
        let memory = prediction.memory.clone();
        self.remember(position, rows, memory);
        self.choose(position, prediction, view)?;
        let width = self.learner.actions.action_width();
        let chosen = self.seats[position].step.action.chunks(width);
        for (row, action) in chosen.enumerate().filter(|(row, _)| view.acting[*row]) {
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
        let position = self.position(view.player);
        let mut reward = view.own().reward.to_vec();
        self.bootstrap(position, view, &mut reward)?;
        let first = position * self.context.rows;
        self.rollout.put(first, &self.seats[position].step, &reward);
        if position + 1 < self.seats.len() {
            return Ok(());
        }
        self.rollout.advance();
        if self.rollout.is_full() {
            let learned = self.learn(view.border);
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
        self.saved()
    }

    /// The parameters: of whatever rows and players they were learned from.
    fn adopt(&mut self, state: &[u8]) -> Result<(), AgentError> {
        self.take_learned(state)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), AgentError> {
        self.take_all(state)
    }
}

mod saved;

#[cfg(test)]
mod tests;
