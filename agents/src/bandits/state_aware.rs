//! Any index policy on the pairs of an arm and its state, where arms recover or tire.
//!
//! Palaestra's own construction. The policy sees one arm for each pair, of which only those in the present states may
//! be played. So it learns the whole payoff table, but it chooses greedily: it never rests an arm for a later gain. What
//! it approaches is oracle greedy, also where that is far from the optimum (`spike5`, `step2`).

use palaestra_envs::{EnvError, stream::Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Arms, IndexPolicy, Memory, PAYOFFS, Play, Round, Rule, Table,
    cells::{Cells, structure},
    d_ucb::DUcbArgs,
    epsilon_greedy::EpsilonGreedyArgs,
    exp3::Exp3Args,
    exp3_ix::Exp3IxArgs,
    kl_ucb::KlUcbArgs,
    setup::LearnerArgs,
    sw_ucb::SwUcbArgs,
    thompson::{ThompsonBetaArgs, ThompsonGaussianArgs},
    ucb1::Ucb1Args,
};
use crate::{Agent, AgentContext, AgentError, Registry};

const ID: &str = "state_aware";

/// The rule `R` on (arm, state) pairs.
#[derive(Debug, Clone)]
pub struct StateAware<R> {
    inner: R,
    cells: Cells,
}

impl<R: Rule> StateAware<R> {
    /// `rule` must have been made for `cells.count()` arms.
    pub(super) fn new(inner: R, cells: Cells) -> Self {
        Self { inner, cells }
    }
}

/// Buffers that hold nothing between calls.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Scratch {
    #[serde(skip)]
    index: Vec<f64>,
    #[serde(skip)]
    mask: Vec<u8>,
    #[serde(skip)]
    plays: Vec<Play>,
}

impl Memory for Scratch {
    fn lengths(&self) -> Vec<usize> {
        Vec::new()
    }

    fn forget(&mut self, _seat: usize) {}
}

impl<R: Rule> Rule for StateAware<R> {
    /// That of the rule, and the states of the arms when they were last chosen from, `[seats, N]`.
    type Memory = (R::Memory, (Table, Scratch));
    const UNIT_PAYOFFS: bool = R::UNIT_PAYOFFS;
    const NEEDS_STATES: bool = true;

    fn memory(&self, seats: usize, arms: usize) -> Self::Memory {
        let inner = self.inner.memory(seats, self.cells.count());
        (inner, (Table::new(seats, arms), Scratch::default()))
    }

    fn indices(&self, memory: &mut Self::Memory, round: &mut Round<'_>, index: &mut [f64]) {
        let (inner, (states, scratch)) = memory;
        scratch.index.clear();
        scratch.index.resize(self.cells.count(), f64::NEG_INFINITY);
        scratch.mask.clear();
        scratch.mask.resize(self.cells.count(), 0);
        for (arm, &state) in round.states.iter().enumerate() {
            let allowed = u8::from(round.allows(arm));
            scratch.mask[self.cells.told(arm, state)] = allowed;
        }
        if !round.greedy {
            states.row_mut(round.seat).copy_from_slice(round.states);
        }
        let mut of_cells = Round {
            mask: &scratch.mask,
            means: &[],
            states: &[],
            rng: &mut *round.rng,
            ..*round
        };
        (self.inner).indices(inner, &mut of_cells, &mut scratch.index);
        for (arm, (index, &state)) in index.iter_mut().zip(round.states).enumerate() {
            *index = scratch.index[self.cells.told(arm, state)];
        }
    }

    fn learn(&self, memory: &mut Self::Memory, seat: usize, plays: &[Play], rng: &mut Stream) {
        let (inner, (states, scratch)) = memory;
        let states = states.row(seat);
        scratch.plays.clear();
        scratch.plays.extend(plays.iter().map(|play| Play {
            arm: self.cells.told(play.arm, states[play.arm]),
            payoff: play.payoff,
        }));
        self.inner.learn(inner, seat, &scratch.plays, rng);
    }

    fn metrics(&self, memory: &Self::Memory, rounds: &[u64], record: &mut dyn FnMut(&str, f64)) {
        self.inner.metrics(&memory.0, rounds, record);
    }
}

/// Arguments of `state_aware`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StateAwareArgs {
    /// The policy to run on (arm, state) pairs, by its `id`, with its arguments. Default UCB1.
    pub policy: Policy,
}

/// A policy with its arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "id", rename_all = "snake_case")]
pub enum Policy {
    /// See [`super::ucb1`].
    Ucb1(Ucb1Args),
    /// See [`super::kl_ucb`].
    KlUcb(KlUcbArgs),
    /// See [`super::thompson`].
    ThompsonBeta(ThompsonBetaArgs),
    /// See [`super::thompson`].
    ThompsonGaussian(ThompsonGaussianArgs),
    /// See [`super::d_ucb`].
    DUcb(DUcbArgs),
    /// See [`super::sw_ucb`].
    SwUcb(SwUcbArgs),
    /// See [`super::epsilon_greedy`].
    EpsilonGreedy(EpsilonGreedyArgs),
    /// See [`super::exp3`].
    Exp3(Exp3Args),
    /// See [`super::exp3_ix`].
    Exp3Ix(Exp3IxArgs),
}

impl Default for Policy {
    fn default() -> Self {
        Self::Ucb1(Ucb1Args::default())
    }
}

impl Policy {
    fn build(&self, context: &AgentContext) -> Result<Box<dyn Agent>, AgentError> {
        match self {
            Self::Ucb1(args) => build(context, args),
            Self::KlUcb(args) => build(context, args),
            Self::ThompsonBeta(args) => build(context, args),
            Self::ThompsonGaussian(args) => build(context, args),
            Self::DUcb(args) => build(context, args),
            Self::SwUcb(args) => build(context, args),
            Self::EpsilonGreedy(args) => build(context, args),
            Self::Exp3(args) => build(context, args),
            Self::Exp3Ix(args) => build(context, args),
        }
    }
}

fn build<A: LearnerArgs>(context: &AgentContext, args: &A) -> Result<Box<dyn Agent>, AgentError> {
    let arms = Arms::new(ID, context)?;
    let cells = Cells::new(&structure(ID, context, &arms)?);
    let inner = args.rule(context, &arms.with_count(cells.count()))?;
    IndexPolicy::boxed(ID, context, StateAware::new(inner, cells), args.settings())
}

/// Registers `state_aware`.
pub(super) fn register(registry: &mut Registry) {
    let entry = registry.register(
        ID,
        "Any index policy, learning a payoff for each state of each arm.",
        |context, args: StateAwareArgs| {
            args.policy.build(context).map_err(|error| match error {
                AgentError::Env(EnvError::Argument {
                    path,
                    message,
                    suggestion,
                }) => AgentError::Env(EnvError::Argument {
                    path: format!("policy.{path}"),
                    message,
                    suggestion,
                }),
                other => other,
            })
        },
    );
    entry.wants_info(PAYOFFS, Arms::several);
    for name in IndexPolicy::<StateAware<super::ucb1::Ucb1>>::told() {
        entry.needs_info(name);
    }
}

#[cfg(test)]
mod tests {
    use palaestra_envs::bandits::InstanceConfig;

    use super::*;
    use crate::bandits::{testbed::Trial, ucb1::Ucb1};

    #[test]
    fn each_state_of_an_arm_is_an_arm_of_its_own() {
        let instance = InstanceConfig::preset("step2").unwrap().build().unwrap();
        let rule = StateAware::new(Ucb1 { exploration: 2.0 }, Cells::new(&instance));
        let mut trial = Trial::new(&rule, 2);
        trial.states = vec![-1.0, 1.0];
        assert_eq!(trial.indices(1), [f64::INFINITY; 2]);
        trial.learn(&[(1, 1.0)]);
        trial.states = vec![1.0, -1.0];
        // Neither state was seen.
        assert_eq!(trial.indices(2), [f64::INFINITY; 2]);
        trial.learn(&[(1, 0.0)]);
        let index = trial.indices(3);
        let bonus = (2.0 * 3_f64.ln()).sqrt();
        assert_eq!(index[0], f64::INFINITY);
        assert!((index[1] - bonus).abs() < 1e-15, "{index:?}");
        trial.states = vec![1.0, 1.0];
        assert!((trial.indices(3)[1] - (1.0 + bonus)).abs() < 1e-15);
    }
}
