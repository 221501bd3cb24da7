//! Policies that learn nothing: fixed arms, round robin, and the greedy choice of one who knows the means.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Arms, IndexPolicy, LearnerSettings, MEANS, Memory, Round, Rule};
use crate::{AgentError, Registry};

/// Plays the same arms in every round. Where they are masked out and something must be played, the lowest allowed
/// arms stand in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The arms.
    pub arms: Vec<usize>,
}

impl Rule for Fixed {
    type Memory = ();

    fn memory(&self, _seats: usize, _arms: usize) {}

    fn indices(&self, _memory: &mut (), _round: &mut Round<'_>, index: &mut [f64]) {
        index.fill(f64::NEG_INFINITY);
        self.arms.iter().for_each(|&arm| index[arm] = 1.0);
    }
}

/// Plays `k` arms after the other in a circle; an arm that is masked out is replaced by the next allowed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundRobin;

/// Where in the circle each seat stands, `[seats]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position(Vec<u32>);

impl Memory for Position {
    fn lengths(&self) -> Vec<usize> {
        vec![self.0.len()]
    }

    fn forget(&mut self, seat: usize) {
        self.0[seat] = 0;
    }
}

impl Rule for RoundRobin {
    type Memory = Position;

    fn memory(&self, seats: usize, _arms: usize) -> Position {
        Position(vec![0; seats])
    }

    fn indices(&self, memory: &mut Position, round: &mut Round<'_>, index: &mut [f64]) {
        let n = index.len();
        let position = memory.0[round.seat] as usize % n;
        for (arm, index) in index.iter_mut().enumerate() {
            let ahead = (arm + n - position) % n;
            *index = -(ahead as f64);
        }
        memory.0[round.seat] = ((position + round.plays) % n) as u32;
    }
}

/// The largest mean payoffs in the present state, ties to the lowest arm. Arms that pay nothing are left out if the
/// environment lets it play fewer.
///
/// It looks no round ahead, so in a bandit whose payoffs depend on past plays it is not optimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OracleGreedy;

impl Rule for OracleGreedy {
    type Memory = ();
    const NEEDS_MEANS: bool = true;

    fn memory(&self, _seats: usize, _arms: usize) {}

    fn indices(&self, _memory: &mut (), round: &mut Round<'_>, index: &mut [f64]) {
        for (index, &mean) in index.iter_mut().zip(round.means) {
            *index = if mean > 0.0 { mean } else { f64::NEG_INFINITY };
        }
    }
}

/// Arguments of `fixed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FixedArgs {
    /// The arms to play, from 0, without repeats. Default: arm 0 alone.
    pub arms: Vec<usize>,
}

impl Default for FixedArgs {
    fn default() -> Self {
        Self { arms: vec![0] }
    }
}

/// Arguments of `round_robin`: none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoundRobinArgs {}

/// Arguments of `oracle_greedy`: none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OracleGreedyArgs {}

/// Registers `fixed`, `round_robin` and `oracle_greedy`.
pub(super) fn register(registry: &mut Registry) {
    registry.register(
        "fixed",
        "The same arms in every round.",
        |context, FixedArgs { arms: fixed }| {
            let arms = Arms::new("fixed", context)?;
            for (i, &arm) in fixed.iter().enumerate() {
                if arm >= arms.count() {
                    let last = arms.count() - 1;
                    return Err(AgentError::argument(
                        &format!("arms[{i}]"),
                        format!("{arm} is not one of the arms 0..={last}"),
                    ));
                }
                if fixed[..i].contains(&arm) {
                    return Err(AgentError::argument(
                        &format!("arms[{i}]"),
                        format!("{arm} is repeated"),
                    ));
                }
            }
            if !(1..=arms.plays()).contains(&fixed.len()) {
                let message = format!(
                    "{} arms cannot be played at once, only 1..={}",
                    fixed.len(),
                    arms.plays()
                );
                return Err(AgentError::argument("arms", message));
            }
            let settings = LearnerSettings::default();
            IndexPolicy::boxed("fixed", context, Fixed { arms: fixed }, settings)
        },
    );
    registry.register(
        "round_robin",
        "All arms in turn.",
        |context, _: RoundRobinArgs| {
            let settings = LearnerSettings::default();
            IndexPolicy::boxed("round_robin", context, RoundRobin, settings)
        },
    );
    registry
        .register(
            "oracle_greedy",
            "The arms with the largest mean payoff now, by privileged information.",
            |context, _: OracleGreedyArgs| {
                let settings = LearnerSettings::default();
                IndexPolicy::boxed("oracle_greedy", context, OracleGreedy, settings)
            },
        )
        .needs_info(MEANS);
}
