//! Last-switch-dependent (LSD) bandits: recharging, blocking, satiating, seasonal and stationary arms in one engine.
//!
//! `N` arms, at most (or exactly) `k` plays a round. Each arm carries one integer, its state `τ`: `+n` when it has
//! been idle for exactly `n` rounds, `−n` when it has been played in `n` consecutive rounds. A play pays a sample
//! whose mean is a table look-up `μ(τ)` in the state **before** the transition; an idle arm pays nothing and reveals
//! nothing. So the state is a deterministic function of the learner's own plays, and the noise is the only
//! randomness.
//!
//! ```text
//! play(τ) = τ − 1 if τ < 0, else −1        floored at −C: satiation saturates
//! idle(τ) = τ + 1 if τ > 0, else +1        capped at D, or wrapped to D − P + 1 (seasonal arms)
//! ```
//!
//! | special case | table |
//! |---|---|
//! | recharging, payoff `p(d)` of the delay `d` (rounds since the last play) | `μ(−n) = p(1)`, `μ(n) = p(n + 1)` |
//! | recovering, payoff `f(z)` of the covariate `z` (0 right after a play) | `μ(−n) = f(0)`, `μ(n) = f(n)` |
//! | blocking for `D` rounds | `p(d) = m` if `d ≥ D`, else 0 |
//! | stationary | `C = D = 1`, both entries `m` |
//! | seasonal | `μ(n)` periodic, wrap `P` |
//!
//! The four conventions differ by one: `d = n + 1 = z + 1` ([`state`] converts).
//!
//! * [`ArmConfig`], [`InstanceConfig`]: plain data, as written in an experiment config; [`presets`] holds the
//!   published instances and those with a known optimum.
//! * [`Instance`]: the compiled payoff table and the step kernels over rows of states.
//! * [`lsd`]: the engine as the environment `lsd_bandit-v1`.
//! * [`policy`], [`evaluate`]: oracle-greedy play, periodic schedules, and their exact long-run value.
//!
//! Sources: Laforgue, Clerici, Cesa-Bianchi, Gilad-Bachrach, *A Last Switch Dependent Analysis of Satiation and
//! Seasonality in Bandits*, AISTATS 2022 (the state and its name); Kleinberg, Immorlica, *Recharging Bandits*, FOCS
//! 2018; Basu, Sen, Sanghavi, Shakkottai, *Blocking Bandits*, arXiv 1907.11975; Pike-Burke, Grünewälder, *Recovering
//! Bandits*, arXiv 1910.14354; Foussoul, Goyal, Papadigenopoulos, Zeevi, ICML 2023 (monotone payoffs).
//!
//! One difference from a source: the code released with the AISTATS paper has an unused signed transition in which
//! an idle arm moves from `−n` to `−n + 1`; here it moves to `+1`, as "time since the last switch" says.

pub mod arm;
mod arm_check;
pub mod config;
pub mod evaluate;
pub mod instance;
pub mod lsd;
pub mod noise;
pub mod policy;
pub mod presets;
pub mod problem;
pub mod state;

pub use arm::ArmConfig;
pub use config::{InstanceConfig, StartConfig};
pub use evaluate::{CycleValue, EvaluationError, long_run_mean, total_mean};
pub use instance::Instance;
pub use lsd::{LsdBandit, LsdBanditArgs};
pub use noise::NoiseConfig;
pub use policy::{DeterministicPolicy, Greedy, Schedule};
pub use problem::{InstanceError, InstanceProblem};
pub use state::ArmCaps;

use crate::registry::Registry;

/// Registers the environments of this family.
pub fn register(registry: &mut Registry) {
    registry.register(
        "lsd_bandit-v1",
        "bandits",
        "Bandit whose payoffs depend on the time since each arm was last switched: recharging, blocking, satiating, \
         seasonal and stationary arms.",
        |args: LsdBanditArgs| Ok(Box::new(LsdBandit::new(&args)?)),
    );
}

#[cfg(test)]
mod tests;
