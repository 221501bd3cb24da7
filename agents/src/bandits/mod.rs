//! Bandit policies: the stationary baselines that every bandit experiment is measured against, and learners for arms
//! that recover or tire.
//!
//! The baselines ignore observations, so they play every environment whose actions are choices: Discrete spaces (each
//! value an arm) and `MultiBinary` spaces with `max_ones` (the `k` arms with the largest index). [`Arms`] says what an
//! arm is, [`IndexPolicy`] is the agent, and each file holds one [`Rule`]: the paper's formula and its parameters.
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
//! Learners for arms whose payoff depends on their state `τ`, the time since they were last switched. All but
//! [`ranking_learner`] must be told the states and how plays change them, which [`lsd_bandit-v1`] tells; they are never
//! told the payoffs. `n` and `m` are those of a pair of an arm and a state, `d` rounds of a block, `Z` states of an arm:
//!
//! | agent | what it plays | where the rule comes from |
//! |---|---|---|
//! | [`isi_comb_ucb1`](block_ucb) | the block with the largest sum of `m + sqrt(1.5 ln t / n)`, first plays worth 0 | the paper's released code; exact search is our own derivation |
//! | [`comb_ucb1`](block_ucb) | the same, first plays in their true states | the paper's released code; exact search is our own derivation |
//! | [`calibrated_comb_ucb1`](block_ucb) | the same after all arms in a fixed order | the paper's released code; exact search is our own derivation |
//! | [`ucb_greedy`] | the free arms with the largest `m_i + sqrt(8 ln t / n_i)` | the paper's abstract; the constant from a public replication |
//! | [`ranking_learner`] | the best `m` arms in a circle, `m` by elimination | the paper's abstract; stages as recalled from the literature (unverified), the test our own derivation |
//! | [`ucb_z`] | the arms with the largest `m + sqrt(2 σ² (2 + 6 ln(t Z N)) / n)` | the paper's released code |
//! | [`rgp_ucb`](rgp), [`rgp_ts`](rgp) | arms, or sequences of arms, by Gaussian processes over rest times | the paper's released code |
//! | [`etc_lsd`] | every state of every arm a number of times, then a plan for the means | our own derivation; no paper's algorithm |
//! | [`ucb_lsd`] | plans for `min(1, m + sqrt(α ln(t + 2) / n))`, renewed every `max(16, √t)` rounds | our own derivation; no paper's algorithm |
//! | [`thompson_lsd`] | plans for samples of `Beta(1 + S, 1 + F)`, renewed alike | our own derivation, no bound is claimed |
//! | [`state_aware`] | any of the policies above on pairs of an arm and a state | our own construction |
//!
//! [`planner`] plays a plan made from the environment's exact model; where each planner comes from is told by
//! [`PLANNERS`](planning::PLANNERS).
//!
//! [`lsd_bandit-v1`]: palaestra_envs::bandits::lsd
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
pub mod block_ucb;
mod cells;
pub mod d_ucb;
pub mod epsilon_greedy;
pub mod etc_lsd;
pub mod exp3;
pub mod exp3_ix;
mod index_policy;
mod isotonic;
pub mod kl_ucb;
mod marginals;
mod payoff;
pub mod planner;
pub mod planning;
pub mod ranking_learner;
pub mod references;
pub mod replanning;
pub mod rgp;
mod sampling;
mod setup;
pub mod state_aware;
mod statistics;
pub mod sw_ucb;
#[cfg(test)]
mod testbed;
#[cfg(test)]
mod tests;
pub mod thompson;
pub mod thompson_lsd;
pub mod ucb1;
pub mod ucb_greedy;
pub mod ucb_lsd;
pub mod ucb_z;
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
    setup::register::<block_ucb::IsiCombUcb1Args>(registry);
    setup::register::<block_ucb::CombUcb1Args>(registry);
    setup::register::<block_ucb::CalibratedCombUcb1Args>(registry);
    setup::register::<etc_lsd::EtcLsdArgs>(registry);
    setup::register::<ucb_lsd::UcbLsdArgs>(registry);
    setup::register::<thompson_lsd::ThompsonLsdArgs>(registry);
    setup::register::<ucb_greedy::UcbGreedyArgs>(registry);
    setup::register::<ranking_learner::RankingLearnerArgs>(registry);
    setup::register::<ucb_z::UcbZArgs>(registry);
    setup::register::<rgp::RgpUcbArgs>(registry);
    setup::register::<rgp::RgpTsArgs>(registry);
    state_aware::register(registry);
    uniform::register(registry);
    references::register(registry);
    planner::register(registry);
}
