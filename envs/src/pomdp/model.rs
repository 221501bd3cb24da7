//! Explicit POMDPs: sparse tables of transitions, observations and rewards.
//!
//! A finite POMDP is `(S, A, O, T, Z, R, b₀, γ)`. [`PomdpModel`] is the way to define one by its formulas;
//! [`Pomdp`] is what planners and filters work on, compiled from such a definition or read from a
//! [`.pomdp` file](super::pomdp_file). All tables are compressed sparse rows.

use rand::RngExt;

use super::{
    check::{check_distribution, check_names, distribution},
    generative::{Generative, Observed, Outcome},
    picture::{Picture, Shown},
    sparse::{SparseRow, SparseRows},
};
use crate::{
    space::{Columns, Space},
    stream::Stream,
};

/// A finite POMDP, defined by its formulas. States, actions and observations are numbered from 0 in the order of
/// their names.
pub trait PomdpModel {
    /// Names of the states.
    fn states(&self) -> Vec<String>;
    /// Names of the actions.
    fn actions(&self) -> Vec<String>;
    /// Names of the observations.
    fn observations(&self) -> Vec<String>;
    /// `γ` in `[0, 1]`.
    fn discount(&self) -> f64;
    /// The initial belief: states with their probabilities.
    fn start(&self) -> Vec<(usize, f64)>;
    /// `T(s' | s, a)`: successors with their probabilities.
    fn transition(&self, state: usize, action: usize) -> Vec<(usize, f64)>;
    /// `O(o | a, s')`: observations on arriving in `next` with their probabilities.
    fn observation(&self, action: usize, next: usize) -> Vec<(usize, f64)>;
    /// `R(s, a, s')` for a possible successor `next`.
    fn reward(&self, state: usize, action: usize, next: usize) -> f64;

    /// A picture in text of a state, or of a belief; `None` where the names of states say it all.
    fn picture(&self, _shown: Shown<'_>) -> Option<String> {
        None
    }
}

/// What is wrong with a model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// No states, no actions or no observations.
    #[error(
        "a POMDP needs at least one of each: states, actions, observations; there are no {what}"
    )]
    Empty {
        /// `states`, `actions` or `observations`.
        what: &'static str,
    },
    /// A name used twice, empty, or not of the form that files can hold.
    #[error("`{name}` cannot be the name of one of the {what}: {reason}")]
    Name {
        /// `states`, `actions` or `observations`.
        what: &'static str,
        /// The name.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// A discount factor outside `[0, 1]`.
    #[error("the discount is {0}; it must lie in [0, 1]")]
    Discount(f64),
    /// Probabilities that are negative, not finite, or do not sum to 1.
    #[error("{what}: {problem}")]
    Distribution {
        /// Which distribution.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A reward that is NaN or infinite, or would be when summed up.
    #[error(
        "the reward of action `{action}` in state `{state}` is {value}; it and its discounted sum must be finite"
    )]
    Reward {
        /// The state.
        state: String,
        /// The action.
        action: String,
        /// The reward.
        value: f64,
    },
}

/// Rewards of a POMDP.
#[derive(Debug, Clone, PartialEq)]
pub enum Rewards {
    /// `r(s, a)`, `[actions, states]`.
    StateAction(Vec<f64>),
    /// `R(a, s, s', o)` for every possible outcome, in the order of actions, states, successors, observations. A
    /// [`Pomdp`] turns it into the other form where the outcome makes no difference.
    Outcome(Vec<f64>),
}

/// The parts of a [`Pomdp`], to be checked by [`Pomdp::new`].
#[derive(Debug, Clone, PartialEq)]
pub struct PomdpParts {
    /// Names of the states.
    pub states: Vec<String>,
    /// Names of the actions.
    pub actions: Vec<String>,
    /// Names of the observations.
    pub observations: Vec<String>,
    /// `γ`.
    pub discount: f64,
    /// The initial belief.
    pub start: Vec<(usize, f64)>,
    /// `T`: for each action a row for each state.
    pub transition: Vec<SparseRows>,
    /// `O`: for each action a row for each state arrived in.
    pub observation: Vec<SparseRows>,
    /// `R`.
    pub rewards: Rewards,
}

/// A finite POMDP with explicit tables. Planners read rewards as their expectation `r(s, a)`; a simulation pays
/// `R(a, s, s', o)` where rewards depend on the outcome.
///
/// A state is terminal if every action stays in it and pays nothing, whatever is observed.
#[derive(Debug, Clone, PartialEq)]
pub struct Pomdp {
    parts: PomdpParts,
    /// Expected rewards `[actions, states]`.
    reward: Vec<f64>,
    /// For rewards that depend on the outcome: for each action and transition entry, where its rewards begin.
    outcome_offsets: Vec<Vec<usize>>,
    /// Cumulative initial belief, and its states.
    start: SparseRows,
    start_cumulative: Vec<f64>,
    terminal: Vec<bool>,
    picture: Picture,
}

/// How far from 1 a sum of probabilities may be.
pub const SUM_TOLERANCE: f64 = 1e-5;

/// A sum that is off by more than this is divided out; less is rounding.
pub(super) const EXACT_TOLERANCE: f64 = 1e-9;

impl Pomdp {
    /// Checks the parts and puts them together. Distributions must sum to 1 within [`SUM_TOLERANCE`].
    ///
    /// # Errors
    /// [`ModelError`] names the first part that is wrong.
    pub fn new(mut parts: PomdpParts) -> Result<Self, ModelError> {
        check_names("states", &parts.states)?;
        check_names("actions", &parts.actions)?;
        check_names("observations", &parts.observations)?;
        if !(0.0..=1.0).contains(&parts.discount) {
            return Err(ModelError::Discount(parts.discount));
        }
        let (s, o) = (parts.states.len(), parts.observations.len());
        let mut start = SparseRows::new();
        start.push(std::mem::take(&mut parts.start));
        check_distribution(start.row(0), s, || "the initial belief".into())?;
        parts.start = start.row(0).iter().collect();
        let tables = [
            (&parts.transition, s, "transitions"),
            (&parts.observation, o, "observations"),
        ];
        for (tables, width, what) in tables {
            if tables.len() != parts.actions.len() || tables.iter().any(|t| t.rows() != s) {
                return Err(distribution(
                    what,
                    "there must be a row for each action and state",
                ));
            }
            for (table, action) in tables.iter().zip(&parts.actions) {
                for (row, state) in parts.states.iter().enumerate() {
                    let name = || format!("{what} of action `{action}`, state `{state}`");
                    check_distribution(table.row(row), width, name)?;
                }
            }
        }
        let mut start_cumulative = Vec::new();
        let mut sum = 0.0;
        for (_, p) in start.row(0).iter() {
            sum += p;
            start_cumulative.push(sum);
        }
        let mut model = Self {
            outcome_offsets: Vec::new(),
            reward: Vec::new(),
            start,
            start_cumulative,
            terminal: Vec::new(),
            picture: Picture::default(),
            parts,
        };
        model.expect_rewards()?;
        let terminal = |state: usize| {
            (0..model.num_actions()).all(|a| {
                model.transition(state, a).columns == [state as u32]
                    && match model.outcome_rewards(state, a, 0) {
                        Some(paid) => paid.iter().all(|r| *r == 0.0),
                        None => model.reward(state, a) == 0.0,
                    }
            })
        };
        model.terminal = (0..s).map(terminal).collect();
        Ok(model)
    }

    /// Compiles a definition.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn compile(model: &impl PomdpModel) -> Result<Self, ModelError> {
        let (states, actions) = (model.states(), model.actions());
        let (s, a) = (states.len(), actions.len());
        let table = |row: &dyn Fn(usize, usize) -> Vec<(usize, f64)>| {
            let tables = (0..a).map(|action| {
                let mut rows = SparseRows::new();
                (0..s).for_each(|state| rows.push(row(state, action)));
                rows
            });
            tables.collect::<Vec<_>>()
        };
        let transition = table(&|state, action| model.transition(state, action));
        let observation = table(&|next, action| model.observation(action, next));
        let mut rewards = Vec::new();
        for (action, (transition, observation)) in transition.iter().zip(&observation).enumerate() {
            for state in 0..s {
                for &next in transition.row(state).columns {
                    let seen = observation.row(next as usize).columns.len();
                    let reward = model.reward(state, action, next as usize);
                    rewards.extend(std::iter::repeat_n(reward, seen));
                }
            }
        }
        Self::new(PomdpParts {
            rewards: Rewards::Outcome(rewards),
            observations: model.observations(),
            discount: model.discount(),
            start: model.start(),
            transition,
            observation,
            states,
            actions,
        })
    }

    /// Fills in expected rewards and where the rewards of outcomes begin.
    fn expect_rewards(&mut self) -> Result<(), ModelError> {
        let (s, a) = (self.num_states(), self.num_actions());
        let wrong_length =
            |n: usize| distribution("rewards", &format!("there must be {n} of them, in order"));
        match &self.parts.rewards {
            Rewards::StateAction(r) => {
                if r.len() != s * a {
                    return Err(wrong_length(s * a));
                }
                self.reward.clone_from(r);
            }
            Rewards::Outcome(all) => {
                let (mut next, mut simple, mut by_state) = (0, true, Vec::new());
                for action in 0..a {
                    let mut offsets = Vec::new();
                    for state in 0..s {
                        let (first, mut expected) = (next, 0.0);
                        for (to, p) in self.parts.transition[action].row(state).iter() {
                            offsets.push(next);
                            let seen = self.parts.observation[action].row(to);
                            let paid = all.get(next..next + seen.values.len());
                            let paid =
                                paid.ok_or_else(|| wrong_length(next + seen.values.len()))?;
                            next += paid.len();
                            expected += p * seen
                                .values
                                .iter()
                                .zip(paid)
                                .map(|(q, r)| q * r)
                                .sum::<f64>();
                        }
                        self.reward.push(expected);
                        simple &= all[first..next].windows(2).all(|pair| pair[0] == pair[1]);
                        by_state.push(all[first]);
                    }
                    self.outcome_offsets.push(offsets);
                }
                if next != all.len() {
                    return Err(wrong_length(next));
                }
                if simple {
                    self.outcome_offsets.clear();
                    self.reward.clone_from(&by_state);
                    self.parts.rewards = Rewards::StateAction(by_state);
                }
            }
        }
        // Sums of rewards over an infinite future must be finite too.
        let horizon = 1.0 / (1.0 - self.parts.discount).max(f64::EPSILON);
        let strange = (self.reward.iter()).position(|r| !(r.abs() * horizon).is_finite());
        strange.map_or(Ok(()), |at| {
            Err(ModelError::Reward {
                state: self.parts.states[at % s].clone(),
                action: self.parts.actions[at / s].clone(),
                value: self.reward[at],
            })
        })
    }

    /// Number of states.
    #[inline]
    pub fn num_states(&self) -> usize {
        self.parts.states.len()
    }

    /// Number of actions.
    #[inline]
    pub fn num_actions(&self) -> usize {
        self.parts.actions.len()
    }

    /// Number of observations.
    #[inline]
    pub fn num_observations(&self) -> usize {
        self.parts.observations.len()
    }

    /// The parts it was made of, with the initial belief in order.
    pub fn parts(&self) -> &PomdpParts {
        &self.parts
    }

    /// A hash of all that it says, names included, as hexadecimal digits.
    pub fn digest(&self) -> String {
        let text = super::pomdp_file::write(self);
        blake3::hash(text.as_bytes()).to_hex().to_string()
    }

    /// `γ`.
    #[inline]
    pub fn discount(&self) -> f64 {
        self.parts.discount
    }

    /// The initial belief as a dense vector, `[states]`.
    pub fn start_belief(&self) -> Vec<f64> {
        let mut belief = vec![0.0; self.num_states()];
        for (state, p) in self.start.row(0).iter() {
            belief[state] = p;
        }
        belief
    }

    /// The states that an episode may start in, with their probabilities.
    pub fn start(&self) -> SparseRow<'_> {
        self.start.row(0)
    }

    /// `T(· | state, action)`.
    #[inline]
    pub fn transition(&self, state: usize, action: usize) -> SparseRow<'_> {
        self.parts.transition[action].row(state)
    }

    /// `O(· | action, next)`.
    #[inline]
    pub fn observation(&self, action: usize, next: usize) -> SparseRow<'_> {
        self.parts.observation[action].row(next)
    }

    /// `r(state, action)`, in expectation over outcomes.
    #[inline]
    pub fn reward(&self, state: usize, action: usize) -> f64 {
        self.reward[action * self.num_states() + state]
    }

    /// `r(·, action)`, `[states]`.
    #[inline]
    pub fn rewards(&self, action: usize) -> &[f64] {
        &self.reward[action * self.num_states()..(action + 1) * self.num_states()]
    }

    /// Rewards of one transition for each of its possible observations, if rewards depend on outcomes. `successor`
    /// is the index into the transition's row.
    pub fn outcome_rewards(&self, state: usize, action: usize, successor: usize) -> Option<&[f64]> {
        let Rewards::Outcome(all) = &self.parts.rewards else {
            return None;
        };
        let entry = self.parts.transition[action].offset(state) + successor;
        let next = self.transition(state, action).columns[successor] as usize;
        let start = self.outcome_offsets[action][entry];
        Some(&all[start..start + self.observation(action, next).values.len()])
    }

    /// Whether every action stays in `state` and pays nothing.
    #[inline]
    pub fn is_terminal(&self, state: usize) -> bool {
        self.terminal[state]
    }

    /// Smallest and largest reward of a step.
    pub fn reward_range(&self) -> (f64, f64) {
        let all = match &self.parts.rewards {
            Rewards::StateAction(all) | Rewards::Outcome(all) => all,
        };
        let (low, high) = (f64::INFINITY, f64::NEG_INFINITY);
        all.iter()
            .fold((low, high), |(low, high), &r| (low.min(r), high.max(r)))
    }

    /// Whether two episodes with the same actions can differ.
    pub fn is_stochastic(&self) -> bool {
        let chance = |tables: &[SparseRows]| {
            tables
                .iter()
                .any(|t| (0..t.rows()).any(|row| t.row(row).columns.len() > 1))
        };
        self.start().columns.len() > 1
            || chance(&self.parts.transition)
            || chance(&self.parts.observation)
    }

    /// The same model, drawn as `definition` draws itself.
    #[must_use]
    pub fn drawn_by(mut self, definition: impl PomdpModel + Send + Sync + 'static) -> Self {
        self.picture = Picture::of(definition);
        self
    }

    /// A picture of a state or a belief, if the problem draws one.
    pub fn picture(&self, shown: Shown<'_>) -> Option<String> {
        self.picture.draw(shown)
    }

    /// Index of the state called `name`.
    pub fn state_index(&self, name: &str) -> Option<usize> {
        self.parts.states.iter().position(|s| s == name)
    }
}

impl Generative for Pomdp {
    type State = u32;
    type Observation = u32;

    fn num_actions(&self) -> usize {
        self.parts.actions.len()
    }

    fn discount(&self) -> f64 {
        self.parts.discount
    }

    fn sample_start(&self, rng: &mut Stream) -> u32 {
        let u: f64 = rng.random();
        let at = self.start_cumulative.partition_point(|&sum| sum <= u);
        let columns = self.start().columns;
        columns[at.min(columns.len() - 1)]
    }

    #[inline]
    fn step(&self, state: &u32, action: usize, rng: &mut Stream) -> Outcome<u32, u32> {
        let state = *state as usize;
        let successors = self.transition(state, action);
        let to = successors.sample(rng);
        let next = successors.columns[to];
        let seen = self.observation(action, next as usize);
        let at = seen.sample(rng);
        let reward = match self.outcome_rewards(state, action, to) {
            Some(rewards) => rewards[at],
            None => self.reward(state, action),
        };
        Outcome {
            next,
            observation: seen.columns[at],
            reward,
            terminal: self.terminal[next as usize],
        }
    }

    fn is_terminal(&self, state: &u32) -> bool {
        self.terminal[*state as usize]
    }

    #[inline]
    fn likelihood(&self, action: usize, next: &u32, observation: &u32) -> f64 {
        self.observation(action, *next as usize)
            .get(*observation as usize)
    }
}

impl Observed for Pomdp {
    type Key = u32;

    fn observation_space(&self) -> Space {
        Space::discrete(self.num_observations() + 1)
    }

    fn read(&self, columns: &Columns, row: usize) -> Option<u32> {
        let seen = columns.i32(0)[row] as u32;
        ((seen as usize) < self.num_observations()).then_some(seen)
    }

    fn key(&self, observation: &u32) -> u32 {
        *observation
    }

    fn holds(&self, state: &u32) -> bool {
        (*state as usize) < self.num_states()
    }
}
