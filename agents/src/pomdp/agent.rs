//! Planners as agents: they track the belief by the environment's own model and act on it.

use std::sync::Arc;

use palaestra_envs::{
    pomdp::{Observed, Pomdp},
    sim::{ActView, EnvSpec, Model, Selection, read_value, write_value},
    space::{Columns, Space},
    stream::Stream,
    wrappers::{TimeLimit, Wrapper},
};
use serde::{Deserialize, Serialize};

use super::{
    decide::Decide,
    track::{BorderAction, Track},
};
use crate::{Agent, AgentContext, AgentError, StepView, episode_clock::EpisodeClock};

/// One seat: what it believes, what it remembers besides, and the randomness of its filter and its search.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Seat<B, M> {
    belief: B,
    memory: M,
    rng: Stream,
}

/// The seats of an agent with tracker `T` and decider `D`.
type Seats<T, D> = Vec<Seat<<T as Track>::Belief, <D as Decide<T>>::Memory>>;

/// Plays an environment by a belief: `tracker` keeps it, `decider` acts on it.
///
/// It sees what any player sees: its actions and the observations. The hidden state is never asked for.
#[derive(Debug)]
pub struct PomdpAgent<T: Track, D: Decide<T>> {
    id: &'static str,
    context: AgentContext,
    tracker: T,
    decider: D,
    seats: Seats<T, D>,
    clock: EpisodeClock,
}

/// The model of type `M` of an environment, if `player` sees the model's observations as they are and chooses the model's
/// actions: then its belief follows from what it has done and seen.
pub fn tracked_model<M>(env: &EnvSpec, player: usize) -> Option<Arc<M>>
where
    M: Observed + Send + Sync + 'static,
{
    let model = env.model.as_ref().and_then(Model::get::<M>)?;
    let (sees, does) = (
        model.observation_space(),
        Space::discrete(model.num_actions()),
    );
    sees_plainly(env, player, &sees, &does).then_some(model)
}

/// Whether `player` sees and acts in the given spaces, with nothing between it and the environment.
pub(super) fn sees_plainly(env: &EnvSpec, player: usize, sees: &Space, does: &Space) -> bool {
    let spaces = (env.players.get(player))
        .is_some_and(|player| player.observation == *sees && player.action == *does);
    // By its space alone, a delayed observation looks like the model's own.
    spaces && (env.wrappers.iter()).all(|wrapper| wrapper.starts_with(TimeLimit::NAME))
}

/// The explicit model of the context's environment, if the agent can play there.
///
/// # Errors
/// [`AgentError::Unsupported`] if there is no model, or [`tracked_model`] finds that it is hidden by wrappers.
pub fn model_of(agent: &str, context: &AgentContext) -> Result<Arc<Pomdp>, AgentError> {
    let model = context.env.model.as_ref().and_then(Model::get::<Pomdp>);
    if model.is_none() {
        let reason = "it plans with the environment's exact model, a POMDP with tables, which there is none of here";
        return Err(unsupported(agent, context, reason));
    }
    tracked_model(&context.env, context.players[0]).ok_or_else(|| hidden(agent, context))
}

/// `agent` cannot play the context's environment.
pub(super) fn unsupported(agent: &str, context: &AgentContext, reason: &str) -> AgentError {
    AgentError::Unsupported {
        agent: agent.into(),
        env: context.env.id.clone(),
        reason: reason.into(),
    }
}

/// There is a model, but what is seen is not the model's.
pub(super) fn hidden(agent: &str, context: &AgentContext) -> AgentError {
    let reason =
        "wrappers have changed its observations or actions, so that the model's are not seen";
    unsupported(agent, context, reason)
}

impl<T: Track, D: Decide<T>> PomdpAgent<T, D> {
    /// An agent for the environment of `context`, whose model `tracker` knows.
    pub fn new(id: &'static str, context: &AgentContext, tracker: T, decider: D) -> Self {
        let seat = |seat: usize| {
            let mut rng = Stream::new(context.seed, seat as u64, "pomdp.search");
            Seat {
                belief: tracker.start(&mut rng),
                memory: decider.memory(&tracker),
                rng,
            }
        };
        Self {
            id,
            seats: (0..context.seats()).map(seat).collect(),
            clock: EpisodeClock::new(context.seats()),
            context: context.clone(),
            tracker,
            decider,
        }
    }

    fn restart(&mut self, seat: usize) {
        let Seat {
            belief,
            memory,
            rng,
        } = &mut self.seats[seat];
        self.tracker.restart(belief, rng);
        *memory = self.decider.memory(&self.tracker);
    }
}

impl<T: Track, D: Decide<T>> Agent for PomdpAgent<T, D> {
    fn act(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
    ) -> Result<(), AgentError> {
        let first = self.context.first_seat(view.player);
        for row in rows.rows().filter(|&row| view.acting[row]) {
            if self.clock.act(first + row, view.elapsed[row]) {
                self.restart(first + row);
            }
            let Seat {
                belief,
                memory,
                rng,
            } = &mut self.seats[first + row];
            let action = self.decider.decide(&self.tracker, belief, memory, rng);
            action.write(actions, row);
        }
        Ok(())
    }

    fn observe(&mut self, view: &StepView<'_>) -> Result<(), AgentError> {
        let first = self.context.first_seat(view.player);
        for row in view.rows.rows() {
            let (elapsed, ended) = (view.border.elapsed[row], view.ended(row));
            if !self.clock.step(first + row, elapsed, ended) || ended {
                continue;
            }
            let own = view.own();
            let action = T::Action::read(own.action(), row);
            let Seat {
                belief,
                memory,
                rng,
            } = &mut self.seats[first + row];
            let updated = self
                .tracker
                .update(belief, action, (own.observation(), row), rng);
            let seen = updated.map_err(|reason| AgentError::BeliefLost {
                agent: self.id.into(),
                env: self.context.env.id.clone(),
                row,
                step: elapsed,
                reason,
            })?;
            self.decider.advance(memory, action, &seen);
        }
        Ok(())
    }

    /// `belief/depletions`: how often a filter ran out of particles and found new ones, of all rows and so far.
    fn metrics(&mut self, record: &mut dyn FnMut(&str, f64)) {
        let depletions = self.seats.iter().map(|seat| T::depletions(&seat.belief));
        if let Some(sum) = depletions.sum::<Option<u64>>() {
            record("belief/depletions", sum as f64);
        }
    }

    fn save(&mut self) -> Result<Vec<u8>, AgentError> {
        let mut state = Vec::new();
        write_value(&(&self.seats, &self.clock), &mut state)?;
        Ok(state)
    }

    fn load(&mut self, mut state: &[u8]) -> Result<(), AgentError> {
        let (seats, clock): (Seats<T, D>, EpisodeClock) = read_value(&mut state)?;
        let fit = seats.iter().all(|seat| self.tracker.fits(&seat.belief));
        if seats.len() != self.seats.len() || clock.seats() != seats.len() || !fit {
            return Err(AgentError::State {
                agent: self.id.into(),
                reason: format!(
                    "it was saved for {} seats (players times rows), not {}, or for another model",
                    seats.len(),
                    self.seats.len()
                ),
            });
        }
        (self.seats, self.clock) = (seats, clock);
        Ok(())
    }
}
