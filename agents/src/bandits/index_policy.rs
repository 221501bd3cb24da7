//! The agent behind every bandit policy: a rule gives each arm an index, the arms with the largest are played.

use palaestra_envs::{
    sim::{ActView, Selection, read_value, write_value},
    space::Columns,
    stream::Stream,
};

use super::{
    Arms, Memory, PayoffScale, Play,
    arms::{MEANS, PAYOFFS, STATES},
};
use crate::{Agent, AgentContext, AgentError, Mode, StepView, episode_clock::EpisodeClock};

/// A bandit policy as papers state it: an index for every arm, and what is learned from the plays of a round.
///
/// The rule itself holds parameters; what it learns lives in its [`Memory`], for all seats at once. A rule that
/// draws its arms (EXP3) draws them in [`indices`](Self::indices) and gives them the larger index.
///
/// ```
/// use palaestra_agents::bandits::{Averages, Play, Round, Rule};
/// use palaestra_envs::stream::Stream;
///
/// /// Follow the leader: the largest mean; arms not played yet come first.
/// struct Leader;
///
/// impl Rule for Leader {
///     type Memory = Averages;
///
///     fn memory(&self, seats: usize, arms: usize) -> Averages {
///         Averages::new(seats, arms)
///     }
///
///     fn indices(&self, memory: &mut Averages, round: &mut Round<'_>, index: &mut [f64]) {
///         memory.write(round.seat, index, f64::INFINITY, |_n, mean| mean);
///     }
///
///     fn learn(&self, memory: &mut Averages, seat: usize, plays: &[Play], _rng: &mut Stream) {
///         memory.add_all(seat, plays);
///     }
/// }
/// ```
pub trait Rule: Send + 'static {
    /// What it remembers of all seats.
    type Memory: Memory;

    /// Whether payoffs must lie in `[0, 1]`; what falls outside is then clipped.
    const UNIT_PAYOFFS: bool = false;
    /// Whether it must be told the mean payoffs in the present state ([`Round::means`]).
    const NEEDS_MEANS: bool = false;
    /// Whether it must be told the states of the arms ([`Round::states`]).
    const NEEDS_STATES: bool = false;

    /// A blank memory.
    fn memory(&self, seats: usize, arms: usize) -> Self::Memory;

    /// Writes the index of every arm, `[arms]`. Indices of arms that [`Round::mask`] forbids are not looked at;
    /// an arm with index `-inf` is played only if the environment insists.
    fn indices(&self, memory: &mut Self::Memory, round: &mut Round<'_>, index: &mut [f64]);

    /// Learns from the plays of one round, of which there may be none.
    fn learn(&self, memory: &mut Self::Memory, seat: usize, plays: &[Play], rng: &mut Stream) {
        let _ = (memory, seat, plays, rng);
    }

    /// Reports metrics of its own, given the number of rounds learned from in every seat.
    fn metrics(&self, memory: &Self::Memory, rounds: &[u64], record: &mut dyn FnMut(&str, f64)) {
        let _ = (memory, rounds, record);
    }
}

/// One choice to be made.
#[derive(Debug)]
pub struct Round<'a> {
    /// Which seat chooses.
    pub seat: usize,
    /// `t`: number of the round for this seat, from 1; rounds of a forgotten episode are not counted.
    pub t: u64,
    /// Steps made in the running episode so far, whether or not anything was learned from them.
    pub elapsed: u32,
    /// `k`: the most arms that may be played.
    pub plays: usize,
    /// 1 for each arm that may be played, `[arms]`; empty if all may.
    pub mask: &'a [u8],
    /// Whether to play what is best as far as is known, without exploring, and to leave the memory as it is.
    pub greedy: bool,
    /// Mean payoff of every arm in the present state, `[arms]`; empty unless [`Rule::NEEDS_MEANS`].
    pub means: &'a [f64],
    /// State of every arm, `[arms]`; empty unless [`Rule::NEEDS_STATES`].
    pub states: &'a [f64],
    /// The seat's random stream.
    pub rng: &'a mut Stream,
}

impl Round<'_> {
    /// Whether `arm` may be played.
    #[inline]
    pub fn allows(&self, arm: usize) -> bool {
        self.mask.is_empty() || self.mask[arm] != 0
    }
}

/// What every learner may be told beside its own parameters.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LearnerSettings {
    /// Payoffs that count as 0 and as 1; see [`PayoffScale`].
    pub reward_range: Option<[f64; 2]>,
    /// Whether what was learned is kept when a new episode begins.
    pub keep_across_episodes: bool,
}

impl LearnerSettings {
    pub(super) fn new(reward_range: Option<[f64; 2]>, keep_across_episodes: bool) -> Self {
        Self {
            reward_range,
            keep_across_episodes,
        }
    }
}

/// Plays the arms with the largest indices of a [`Rule`], ties to the lowest arm, as many as may be played.
///
/// All seats are independent. Unless told otherwise, a seat forgets everything when a new episode begins in its
/// row: each episode is a new problem. In [`Mode::Evaluate`] it neither learns nor forgets.
pub struct IndexPolicy<R: Rule> {
    id: &'static str,
    context: AgentContext,
    arms: Arms,
    rule: R,
    scale: PayoffScale,
    keep_across_episodes: bool,
    mode: Mode,
    memory: R::Memory,
    /// Rounds learned from, `[seats]`.
    rounds: Vec<u64>,
    clock: EpisodeClock,
    /// One stream per seat.
    streams: Vec<Stream>,
    /// Scratch.
    index: Vec<f64>,
    chosen: Vec<usize>,
    plays: Vec<Play>,
}

impl<R: Rule + std::fmt::Debug> std::fmt::Debug for IndexPolicy<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexPolicy")
            .field("id", &self.id)
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}

impl<R: Rule> IndexPolicy<R> {
    /// The policy of `rule` under the name `id`.
    ///
    /// # Errors
    /// [`AgentError::Unsupported`] for an environment without arms, or without the means that the rule needs;
    /// an argument error for a wrong reward range.
    pub fn new(
        id: &'static str,
        context: &AgentContext,
        rule: R,
        settings: LearnerSettings,
    ) -> Result<Self, AgentError> {
        let arms = Arms::new(id, context)?;
        for name in Self::told() {
            let field = context.env.info_index(name);
            let field = field.map(|i| &context.env.info[i].space);
            if field.is_none_or(|space| space.width() != arms.count()) {
                return Err(AgentError::Unsupported {
                    agent: id.into(),
                    env: context.env.id.clone(),
                    reason: format!(
                        "it needs the info field `{name}` with a value for each of the {} arms",
                        arms.count()
                    ),
                });
            }
        }
        let seats = context.seats();
        let stream = |seat: usize| {
            // Named by player and row, so that it does not depend on the number of rows.
            let (player, row) = (seat / context.rows, seat % context.rows);
            let lane = (player as u64) << 32 | row as u64;
            Stream::new(context.seed, lane, "policy.sample")
        };
        Ok(Self {
            id,
            scale: PayoffScale::new(context, &arms, settings.reward_range, R::UNIT_PAYOFFS)?,
            keep_across_episodes: settings.keep_across_episodes,
            mode: Mode::Train,
            memory: rule.memory(seats, arms.count()),
            rounds: vec![0; seats],
            clock: EpisodeClock::new(seats),
            streams: (0..seats).map(stream).collect(),
            index: vec![0.0; arms.count()],
            chosen: Vec::with_capacity(arms.plays()),
            plays: Vec::with_capacity(arms.plays()),
            context: context.clone(),
            arms,
            rule,
        })
    }

    /// [`Self::new`] as the registry wants it.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn boxed(
        id: &'static str,
        context: &AgentContext,
        rule: R,
        settings: LearnerSettings,
    ) -> Result<Box<dyn Agent>, AgentError> {
        Ok(Box::new(Self::new(id, context, rule, settings)?))
    }

    /// The info fields that the rule must be told.
    pub(super) fn told() -> impl Iterator<Item = &'static str> {
        let means = R::NEEDS_MEANS.then_some(MEANS);
        means.into_iter().chain(R::NEEDS_STATES.then_some(STATES))
    }

    #[cold]
    fn unsupported(&self, reason: String) -> AgentError {
        AgentError::Unsupported {
            agent: self.id.into(),
            env: self.context.env.id.clone(),
            reason,
        }
    }
}

impl<R: Rule> Agent for IndexPolicy<R> {
    fn act(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
    ) -> Result<(), AgentError> {
        let first = self.context.first_seat(view.player);
        let count = self.arms.count();
        let told = |needed: bool, name: &str| match self.arms.field(view.info, name) {
            _ if !needed => Ok(&[][..]),
            Some(values) => Ok(values),
            None => Err(self.unsupported(format!("info field `{name}` was not asked for"))),
        };
        let means = told(R::NEEDS_MEANS, MEANS)?;
        let states = told(R::NEEDS_STATES, STATES)?;
        let of_row = |values: &[f64], row: usize| match values {
            [] => 0..0,
            _ => row * count..(row + 1) * count,
        };
        let train = self.mode == Mode::Train;
        for row in rows.rows().filter(|&row| view.acting[row]) {
            let seat = first + row;
            if train && self.clock.act(seat, view.elapsed[row]) && !self.keep_across_episodes {
                self.memory.forget(seat);
                self.rounds[seat] = 0;
            }
            let mask = self.arms.mask(view.mask_row(row));
            let mut round = Round {
                seat,
                t: self.rounds[seat] + 1,
                elapsed: view.elapsed[row],
                plays: self.arms.plays(),
                mask,
                greedy: !train,
                means: &means[of_row(means, row)],
                states: &states[of_row(states, row)],
                rng: &mut self.streams[seat],
            };
            self.rule
                .indices(&mut self.memory, &mut round, &mut self.index);
            if !self.arms.choose(&self.index, mask, &mut self.chosen) {
                return Err(self.unsupported(format!(
                    "in row {row} the action mask allows too few arms for a legal action"
                )));
            }
            self.arms.write(&self.chosen, actions, row);
        }
        Ok(())
    }

    fn observe(&mut self, view: &StepView<'_>) -> Result<(), AgentError> {
        if self.mode == Mode::Evaluate {
            return Ok(());
        }
        let first = self.context.first_seat(view.player);
        let (border, own) = (view.border, view.own());
        let payoffs = if self.arms.plays() > 1 {
            self.arms.field(&border.info, PAYOFFS)
        } else {
            None
        };
        for row in view.rows.rows() {
            let seat = first + row;
            let played = self.clock.step(seat, border.elapsed[row], view.ended(row));
            if !played || !own.acted[row] {
                continue;
            }
            self.arms.read(own, payoffs, row, &mut self.plays);
            for play in &mut self.plays {
                play.payoff = self.scale.apply(play.payoff);
            }
            let rng = &mut self.streams[seat];
            self.rule.learn(&mut self.memory, seat, &self.plays, rng);
            self.rounds[seat] += 1;
        }
        Ok(())
    }

    fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    fn metrics(&mut self, record: &mut dyn FnMut(&str, f64)) {
        self.rule.metrics(&self.memory, &self.rounds, record);
    }

    fn save(&mut self) -> Result<Vec<u8>, AgentError> {
        let mut state = Vec::new();
        write_value(&(&self.rounds, &self.clock, &self.streams), &mut state)?;
        write_value(&self.memory, &mut state)?;
        Ok(state)
    }

    fn load(&mut self, mut state: &[u8]) -> Result<(), AgentError> {
        let misfit = |reason: &str| AgentError::State {
            agent: self.id.into(),
            reason: reason.into(),
        };
        let (rounds, clock, streams): (Vec<u64>, EpisodeClock, Vec<Stream>) =
            read_value(&mut state)?;
        let memory: R::Memory = read_value(&mut state)?;
        let seats = self.rounds.len();
        if [rounds.len(), clock.seats(), streams.len()] != [seats; 3] {
            return Err(misfit(&format!(
                "it was saved for {} seats (players times rows), not {seats}",
                rounds.len()
            )));
        }
        if memory.lengths() != self.memory.lengths() || !state.is_empty() {
            return Err(misfit("it was saved for other arms or other arguments"));
        }
        (self.rounds, self.clock, self.streams, self.memory) = (rounds, clock, streams, memory);
        Ok(())
    }
}
