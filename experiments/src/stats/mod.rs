//! Statistics of an experiment: aggregates over runs and tasks, each with a bootstrap interval.
//!
//! The definitions are those of Agarwal, Schwarzer, Castro, Courville and Bellemare, *Deep Reinforcement Learning at
//! the Edge of the Statistical Precipice*, `NeurIPS` 2021, and of their library `rliable`: a few runs per task are too
//! few for a bare mean, so every aggregate is reported with an interval from the stratified percentile bootstrap, and
//! the interquartile mean ([`Aggregate::InterquartileMean`]) is the default because one lucky run does not move it.
//!
//! * [`Scores`]: runs × tasks, checked once; everything after that works on finite numbers.
//! * [`Aggregate`]: interquartile mean, mean, median over tasks, optimality gap.
//! * [`aggregate_interval`]: an aggregate with its interval. [`Summary`]: mean, standard deviation, standard error.
//! * [`probability_of_improvement`]: how likely a run of one agent beats a run of another.
//! * [`paired_p_value`]: whether pairs differ.
//! * [`performance_profile`]: the fraction of runs above each score.
//! * [`curve_intervals`]: an aggregate over seeds at every point of a learning curve.
//! * [`power_law_exponent`]: how a mean over runs grows with the size of the problem. [`PowerLaw`]: one such law.
//!
//! Functions that resample take the generator from the caller and draw from it in a documented, fixed order on the
//! calling thread, so equal seeds give equal bytes whatever the number of threads of the program.

mod aggregate;
mod bootstrap;
mod curves;
mod improvement;
mod paired;
mod power_law;
mod profile;
mod scores;

pub use aggregate::Aggregate;
pub(crate) use bootstrap::draw;
pub use bootstrap::{Bootstrap, Interval, aggregate_interval};
pub use curves::{CurveIntervals, curve_intervals};
pub use improvement::{probability_of_improvement, probability_of_improvement_interval};
pub use paired::paired_p_value;
pub use power_law::{PowerLaw, hill_tail_index, power_law_exponent};
pub use profile::{PerformanceProfile, performance_profile, performance_profile_intervals};
pub use scores::{Scores, Summary};

/// Why a statistic cannot be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StatsError {
    /// There is nothing to aggregate.
    #[error("{what} is empty: a statistic needs at least one value")]
    Empty {
        /// The input that has no values.
        what: &'static str,
    },
    /// A value is NaN or infinite.
    #[error("{what} has a value that is not finite ({value}) at position {index}")]
    NotFinite {
        /// The input that holds the value.
        what: &'static str,
        /// Flat position in that input.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A value that must be above 0.
    #[error("{what} has a value that is not positive ({value}) at position {index}")]
    NotPositive {
        /// The values.
        what: &'static str,
        /// Position of the value.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A flat matrix has another number of entries than its shape says.
    #[error("scores of {runs} runs x {tasks} tasks need {} values, not {len}", runs * tasks)]
    Shape {
        /// Rows.
        runs: usize,
        /// Columns.
        tasks: usize,
        /// Values given.
        len: usize,
    },
    /// Two score matrices that are compared have different tasks.
    #[error("the scores compared have {left} and {right} tasks: both need the same tasks")]
    Tasks {
        /// Tasks on the left.
        left: usize,
        /// Tasks on the right.
        right: usize,
    },
    /// The curves of a family are not on one grid.
    #[error("curve {index} has {len} points, the first has {expected}: resample them to one grid")]
    CurveLength {
        /// Which curve.
        index: usize,
        /// Its points.
        len: usize,
        /// Points of the first curve.
        expected: usize,
    },
    /// The bootstrap has no replicates.
    #[error("a bootstrap needs at least one replicate")]
    NoReplicates,
    /// The level of an interval is outside (0, 1).
    #[error("the confidence level {0} is not between 0 and 1")]
    Confidence(f64),
}

/// The first value of `values` that is not finite, as an error.
fn check_finite(what: &'static str, values: &[f64]) -> Result<(), StatsError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(StatsError::NotFinite {
            what,
            index,
            value: values[index],
        }),
        None => Ok(()),
    }
}
