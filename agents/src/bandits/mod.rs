//! Stationary bandit policies: the baselines that every bandit experiment is measured against.
//!
//! They ignore observations, so they play every environment whose actions are choices: Discrete spaces (each value
//! an arm) and `MultiBinary` spaces with `max_ones` (the `k` arms with the largest index). [`Arms`] says what an arm
//! is, [`IndexPolicy`] is the agent, and each file holds one [`Rule`]: the paper's formula and its parameters.
//!
//! `t` = round from 1, `n_i` = plays and `m_i` = mean payoff of arm `i`, `N` arms, `T` = horizon:
//!
//! | agent | index |
//! |---|---|
//! | [`ucb1`] | `m_i + sqrt(2 ln t / n_i)` |
//! | [`kl_ucb`] | `max { q : n_i kl(m_i, q) <= ln t + 3 ln ln t }` |
//! | [`thompson_beta`](thompson) | a sample of `Beta(1 + S_i, 1 + F_i)` |
//! | [`thompson_gaussian`](thompson) | a sample of `N(m_i, 1/4 / (n_i + 1))` |
//! | [`exp3`] | drawn by exponential weights, uniform with probability `γ` |
//! | [`exp3_ix`] | drawn by exponential weights, losses over `p_i + η/2` |
//! | [`d_ucb`] | `m_i + 2 sqrt(0.6 ln(Σ n) / n_i)`, all discounted by `1 - 1 / (4 sqrt T)` |
//! | [`sw_ucb`] | `m_i + sqrt(0.6 ln(min(t, w)) / n_i)` over the last `w = 4 sqrt(T ln T)` rounds |
//! | [`epsilon_greedy`] | `m_i`, or any arm with probability `ε` or `min(1, c N / t)` |
//! | [`uniform`], [`fixed`](references), [`round_robin`](references), [`oracle_greedy`](references) | references |
//!
//! What they have in common:
//!
//! * **Feedback.** One play: the reward. Several: the payoff of each, from the info field [`PAYOFFS`] where the
//!   environment has it (before any reward wrapper), else equal shares of the reward. Where players take turns, a
//!   reward that comes with another player's move is not seen.
//! * **Scale.** [`PayoffScale`] maps payoffs to `[0, 1]`, the range that the formulas are stated for.
//! * **Memory.** A new episode is a new problem: everything is forgotten, unless `keep_across_episodes` is set.
//! * **Evaluation.** Nothing is learned or forgotten, and the arms that look best so far are played.
//! * **Masks.** Only allowed arms are played, as many as may be. "Play nothing", where an environment has such an
//!   action, is no arm: it is left to a mask that allows no arm, and to policies that know an arm to pay nothing.

mod arms;
pub mod d_ucb;
pub mod epsilon_greedy;
pub mod exp3;
pub mod exp3_ix;
mod index_policy;
pub mod kl_ucb;
mod marginals;
mod payoff;
pub mod planning;
pub mod references;
mod sampling;
mod setup;
mod statistics;
pub mod sw_ucb;
#[cfg(test)]
mod testbed;
#[cfg(test)]
mod tests;
pub mod thompson;
pub mod ucb1;
pub mod uniform;

pub use arms::{Arms, MEANS, PAYOFFS, Play, STATES};
pub use index_policy::{IndexPolicy, LearnerSettings, Round, Rule};
pub use payoff::PayoffScale;
pub use statistics::{Averages, Memory, Table};

use crate::Registry;

/// Registers all bandit policies.
pub fn register(registry: &mut Registry) {
    setup::register::<ucb1::Ucb1Args>(registry);
    setup::register::<kl_ucb::KlUcbArgs>(registry);
    setup::register::<thompson::ThompsonBetaArgs>(registry);
    setup::register::<thompson::ThompsonGaussianArgs>(registry);
    setup::register::<exp3::Exp3Args>(registry);
    setup::register::<exp3_ix::Exp3IxArgs>(registry);
    setup::register::<d_ucb::DUcbArgs>(registry);
    setup::register::<sw_ucb::SwUcbArgs>(registry);
    setup::register::<epsilon_greedy::EpsilonGreedyArgs>(registry);
    uniform::register(registry);
    references::register(registry);
}
