//! Planners as agents: they track the belief by the environment's own model and act on it.

use std::sync::Arc;

use palaestra_envs::{
    pomdp::Pomdp,
    sim::{ActView, EnvSpec, Model, Selection, read_value, write_value},
    space::{Columns, Space},
    stream::Stream,
    wrappers::{TimeLimit, Wrapper},
};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{
    Belief, Workspace,
    planning::{
        AlphaPolicy, Despot, DespotSettings, MostLikelyState, Pomcp, PomcpSettings, TableBounds,
        uniform_rollout,
    },
};
use crate::{Agent, AgentContext, AgentError, StepView, episode_clock::EpisodeClock};

/// How an agent decides at a belief.
#[derive(Debug, Clone)]
pub enum Decider {
    /// By α-vectors.
    Vectors(AlphaPolicy),
    /// By the most likely state.
    MostLikely(MostLikelyState),
    /// By a Monte Carlo tree search.
    Pomcp(PomcpSettings, RolloutPolicy),
    /// By bounds on a tree of scenarios.
    Despot(DespotSettings, TableBounds),
}

/// What a Monte Carlo tree search does outside its tree.
#[derive(Debug, Clone)]
pub enum RolloutPolicy {
    /// Random actions.
    Uniform,
    /// The best blind policy of the belief that the search starts from: the vectors of the blind policies.
    Blind(AlphaPolicy),
    /// The MDP's best action in the simulated state.
    Mdp(MostLikelyState),
}

/// Belief, randomness and search tree of one seat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Seat {
    belief: Belief,
    rng: Stream,
    tree: Option<Pomcp<u32>>,
}

/// Plays an environment that offers its [`Pomdp`].
///
/// It sees what any player sees: its actions and the observations. The hidden state is never asked for.
#[derive(Debug)]
pub struct PomdpAgent {
    id: &'static str,
    context: AgentContext,
    model: Arc<Pomdp>,
    decider: Decider,
    seats: Vec<Seat>,
    clock: EpisodeClock,
    work: Workspace,
}

/// The explicit model of an environment, if `player` sees the model's observations as they are and chooses the model's
/// actions: then its belief follows from what it has done and seen.
pub fn tracked_model(env: &EnvSpec, player: usize) -> Option<Arc<Pomdp>> {
    let model = env.model.as_ref().and_then(Model::get::<Pomdp>)?;
    let player = env.players.get(player)?;
    let sees = player.observation == Space::discrete(model.num_observations() + 1);
    let does = player.action == Space::discrete(model.num_actions());
    // By its space alone, a delayed observation looks like the model's own.
    let plain = (env.wrappers.iter()).all(|wrapper| wrapper.starts_with(TimeLimit::NAME));
    (sees && does && plain).then_some(model)
}

/// The explicit model of the context's environment, if the agent can play there.
///
/// # Errors
/// [`AgentError::Unsupported`] if there is no model, or [`tracked_model`] finds that it is hidden by wrappers.
pub fn model_of(agent: &str, context: &AgentContext) -> Result<Arc<Pomdp>, AgentError> {
    let unsupported = |reason: &str| AgentError::Unsupported {
        agent: agent.into(),
        env: context.env.id.clone(),
        reason: reason.into(),
    };
    let model = context.env.model.as_ref().and_then(Model::get::<Pomdp>);
    if model.is_none() {
        return Err(unsupported(
            "it plans with the environment's exact model, a POMDP with tables, which there is none of here",
        ));
    }
    tracked_model(&context.env, context.players[0]).ok_or_else(|| {
        unsupported(
            "wrappers have changed its observations or actions, so that the model's are not seen",
        )
    })
}

impl PomdpAgent {
    /// An agent for `model`, which is [`model_of`] the context.
    pub fn new(
        id: &'static str,
        context: &AgentContext,
        model: Arc<Pomdp>,
        decider: Decider,
    ) -> Self {
        let seat = |seat: usize| Seat {
            belief: Belief::start(&model),
            rng: Stream::new(context.seed, seat as u64, "pomdp.search"),
            tree: match &decider {
                Decider::Pomcp(settings, _) => Some(Pomcp::new(model.num_actions(), *settings)),
                _ => None,
            },
        };
        Self {
            id,
            seats: (0..context.seats()).map(seat).collect(),
            clock: EpisodeClock::new(context.seats()),
            work: Workspace::new(&model),
            context: context.clone(),
            model,
            decider,
        }
    }

    /// The belief of a seat.
    pub fn belief(&self, seat: usize) -> &Belief {
        &self.seats[seat].belief
    }

    fn decide(&mut self, seat: usize) -> usize {
        let Seat { belief, rng, tree } = &mut self.seats[seat];
        match &self.decider {
            Decider::Vectors(policy) => policy.action(belief),
            Decider::MostLikely(table) => table.action(belief),
            Decider::Pomcp(_, rollouts) => {
                let draw = sampler(belief);
                let Some(tree) = tree else { return 0 };
                let model = &*self.model;
                match rollouts {
                    RolloutPolicy::Uniform => tree.search(model, draw, uniform_rollout, rng),
                    RolloutPolicy::Blind(policy) => {
                        let action = policy.action(belief);
                        tree.search(
                            model,
                            draw,
                            |_: &Pomdp, _: &u32, _: &mut Stream| action,
                            rng,
                        )
                    }
                    RolloutPolicy::Mdp(table) => {
                        let actions = table.actions();
                        let rollout = |_: &Pomdp, state: &u32, _: &mut Stream| {
                            actions[*state as usize] as usize
                        };
                        tree.search(model, draw, rollout, rng)
                    }
                }
            }
            Decider::Despot(settings, bounds) => {
                Despot::search(&*self.model, bounds, *settings, sampler(belief), rng)
            }
        }
    }

    fn restart(&mut self, seat: usize) {
        let seat = &mut self.seats[seat];
        seat.belief = Belief::start(&self.model);
        if let Some(tree) = &mut seat.tree {
            tree.clear();
        }
    }
}

/// Draws states of a belief.
pub fn sampler(belief: &Belief) -> impl FnMut(&mut Stream) -> u32 + '_ {
    let mut sum = 0.0;
    let sums = belief.probabilities.iter().map(|p| {
        sum += p;
        sum
    });
    let sums: Vec<f64> = sums.collect();
    move |rng| {
        let u: f64 = rng.random();
        let at = sums.partition_point(|&sum| sum <= u);
        belief.states[at.min(belief.states.len() - 1)]
    }
}

impl Agent for PomdpAgent {
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
            actions.i32_mut(0)[row] = self.decide(first + row) as i32;
        }
        Ok(())
    }

    fn observe(&mut self, view: &StepView<'_>) -> Result<(), AgentError> {
        let first = self.context.first_seat(view.player);
        for row in view.rows.rows() {
            let seat = first + row;
            let played = self
                .clock
                .step(seat, view.border.elapsed[row], view.ended(row));
            if !played || view.ended(row) {
                continue;
            }
            let action = view.own().action().i32(0)[row] as usize;
            let observation = view.own().observation().i32(0)[row];
            let known = (observation as usize) < self.model.num_observations();
            let seat = &mut self.seats[seat];
            let next = known.then(|| {
                seat.belief
                    .update(&self.model, action, observation as usize, &mut self.work)
            });
            let Some((belief, _)) = next.flatten() else {
                return Err(AgentError::Unsupported {
                    agent: self.id.into(),
                    env: self.context.env.id.clone(),
                    reason: format!(
                        "in row {row}, step {}, observation {observation} after action {action} is impossible under the environment's model",
                        view.border.elapsed[row]
                    ),
                });
            };
            seat.belief = belief;
            if let Some(tree) = &mut seat.tree {
                tree.advance(action, &(observation as u32));
            }
        }
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>, AgentError> {
        let mut state = Vec::new();
        write_value(&(&self.seats, &self.clock), &mut state)?;
        Ok(state)
    }

    fn load(&mut self, mut state: &[u8]) -> Result<(), AgentError> {
        let (seats, clock): (Vec<Seat>, EpisodeClock) = read_value(&mut state)?;
        let states = self.model.num_states();
        let fits = |seat: &Seat| {
            seat.belief.states.iter().all(|&s| (s as usize) < states)
                && !seat.belief.states.is_empty()
        };
        if seats.len() != self.seats.len()
            || clock.seats() != seats.len()
            || !seats.iter().all(fits)
        {
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
