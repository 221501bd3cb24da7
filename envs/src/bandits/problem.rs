//! What can be wrong with a bandit instance. Validation reports every problem at once, each with its arm and key.

use std::fmt;

use super::state::MAX_CAP;

/// One thing that is wrong with an instance, worded `where: what`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceProblem {
    /// The list of arms is empty.
    #[error("arms: at least one arm is needed")]
    NoArms,
    /// `plays` is 0 or exceeds the number of arms.
    #[error("plays: must lie in 1..={arms} (the number of arms), got {plays}")]
    Plays {
        /// Plays a round as given.
        plays: usize,
        /// Number of arms.
        arms: usize,
    },
    /// The horizon is 0.
    #[error("horizon: must be at least 1 round")]
    Horizon,
    /// The standard deviation of Gaussian noise is negative or not finite.
    #[error("noise.gaussian.sigma: must be finite and at least 0, got {sigma}")]
    Sigma {
        /// Standard deviation as given.
        sigma: f64,
    },
    /// The declared optimal rate cannot be one.
    #[error("optimal_rate: must lie in [0, {plays}] (payoffs lie in [0, 1]), got {rate}")]
    OptimalRate {
        /// Rate as given.
        rate: f64,
        /// Plays a round.
        plays: usize,
    },
    /// A real parameter of an arm breaks its rule.
    #[error("arms[{arm}].{key}: must be {rule}, got {value}")]
    Parameter {
        /// Index of the arm.
        arm: usize,
        /// Key inside the arm.
        key: String,
        /// The rule in words.
        rule: &'static str,
        /// Value as given.
        value: f64,
    },
    /// A cap, delay or period of an arm lies outside its range.
    #[error("arms[{arm}].{key}: must lie in {low}..={high}, got {value}")]
    Count {
        /// Index of the arm.
        arm: usize,
        /// Key inside the arm.
        key: &'static str,
        /// Smallest allowed value.
        low: usize,
        /// Largest allowed value.
        high: usize,
        /// Value as given (for a list: its length).
        value: usize,
    },
    /// The special state of a spike or step is 0 or too far out.
    #[error(
        "arms[{arm}].state: must be a state other than 0 within ±{}, got {state}",
        MAX_CAP - 1
    )]
    State {
        /// Index of the arm.
        arm: usize,
        /// State as given.
        state: i16,
    },
    /// The parameters of an arm lead to a payoff outside `[0, 1]`.
    #[error("arms[{arm}].{key}: the mean payoff in state {state} is {value}, outside [0, 1]")]
    Payoff {
        /// Index of the arm.
        arm: usize,
        /// Key inside the arm.
        key: &'static str,
        /// First state at which it happens.
        state: i16,
        /// Mean payoff there.
        value: f64,
    },
    /// The list of starting states has the wrong length.
    #[error("start.states: needs one state for each of the {arms} arms, got {given}")]
    StartLength {
        /// Number of states given.
        given: usize,
        /// Number of arms.
        arms: usize,
    },
    /// A starting state is not a state of its arm.
    #[error(
        "start.states[{arm}]: {state} is not a state of this arm (-{played}..=-1 or 1..={idle})"
    )]
    StartState {
        /// Index of the arm.
        arm: usize,
        /// State as given.
        state: i16,
        /// The arm's cap `C` on consecutive plays.
        played: i16,
        /// The arm's cap `D` on idle rounds.
        idle: i16,
    },
    /// All payoff tables together have too many entries.
    #[error("arms: the payoff tables have {entries} entries together, more than {limit}")]
    TooLarge {
        /// Entries asked for.
        entries: usize,
        /// Largest allowed number.
        limit: usize,
    },
}

/// Everything that is wrong with an instance; never empty.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub struct InstanceError {
    /// The problems, instance-wide ones first, then by arm.
    pub problems: Vec<InstanceProblem>,
}

impl fmt::Display for InstanceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the bandit instance is not valid")?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}
