//! Ranking learner: finds out how many of the best arms to play in turn, with few switches.
//!
//! After Cella, Cesa-Bianchi, *Stochastic Bandits with Delay-Dependent Payoffs*, AISTATS 2020 (arXiv 1910.02757). From
//! the paper's abstract: ranking policies, which play the best `m` arms in a circle, are within a constant of the
//! optimum, and they are learned with few switches. Stages that last `T^(1 − 2^(−s))` rounds, so `O(log log T)` of them,
//! are recalled from the literature; the paper's own text was not compared.
//!
//! Our own derivation: the first `sqrt(T)` rounds play all arms in a circle, to rank them. In each stage every policy
//! that is still in question is played for an equal share, in whole circles; the plays of the first circle do not
//! count, because their delays still depend on what came before. After it, policies whose upper confidence bound
//! `v + sqrt(ln(2 N S T) / 2 n)` is below another's lower bound are dropped, where `n` is the number of plays counted
//! and `S = log2 log2 T` that of stages; and the arms of the longest circle left are ranked anew by their mean payoff
//! in it, which is what they pay at equal delay.
//!
//! It needs no states: a circle makes its own delays. Several plays a round take the next `k` arms of the circle, so
//! circles have at least `k` arms.

use palaestra_envs::{
    math::{ln, powf},
    stream::Stream,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Arms, Averages, LearnerSettings, Memory, Play, Round, Rule,
    setup::{LearnerArgs, check, horizon},
};
use crate::{AgentContext, AgentError};

/// Successive elimination over the circles of the best `m` arms, `m` in `k..=N`.
#[derive(Debug, Clone, PartialEq)]
pub struct RankingLearner {
    /// `T`.
    pub horizon: f64,
    /// `k`.
    pub plays: usize,
    /// Factor on the widths of the confidence bounds.
    pub confidence: f64,
}

/// Where each seat stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    arms: usize,
    /// Arms from the best to the worst as far as is known, `[seats, N]`.
    order: Vec<u32>,
    /// Payoffs of each arm in the longest circle.
    of_arms: Averages,
    /// Payoffs of each circle in this stage; that of `m` arms is number `m − 1`.
    of_circles: Averages,
    /// 1 for each circle that is still in question, `[seats, N]`.
    open: Vec<u8>,
    /// Stage; 0 ranks the arms, `[seats]`.
    stage: Vec<u32>,
    /// Number of arms `m` of the present circle, 0 before the first round, `[seats]`.
    circle: Vec<u32>,
    /// Rounds played of its share in this stage, `[seats]`.
    round: Vec<u64>,
    /// Rounds shown in evaluation, `[seats]`: no knowledge, so not saved.
    #[serde(skip)]
    shown: Vec<u64>,
}

impl Memory for Ranking {
    fn lengths(&self) -> Vec<usize> {
        let own = [self.arms, self.order.len(), self.stage.len()];
        [&own[..], &self.of_arms.lengths()].concat()
    }

    fn forget(&mut self, seat: usize) {
        let row = seat * self.arms..(seat + 1) * self.arms;
        (self.order[row.clone()].iter_mut().zip(0..)).for_each(|(arm, i)| *arm = i);
        self.open[row].fill(1);
        self.of_arms.forget(seat);
        self.of_circles.forget(seat);
        (self.stage[seat], self.circle[seat], self.round[seat]) = (0, 0, 0);
    }
}

impl Ranking {
    fn order(&self, seat: usize) -> &[u32] {
        &self.order[seat * self.arms..(seat + 1) * self.arms]
    }

    /// The longest circle of at most `m` arms that is still in question.
    fn open_below(&self, seat: usize, m: usize) -> Option<usize> {
        let open = &self.open[seat * self.arms..(seat + 1) * self.arms];
        (1..=m).rev().find(|&m| open[m - 1] != 0)
    }
}

impl RankingLearner {
    /// Rounds in which each arm of a circle of `m` is played at least once.
    fn first_circle(&self, m: usize) -> u64 {
        m.div_ceil(self.plays) as u64
    }

    /// Rounds for which a circle of `m` arms is played in `stage`, if `open` circles share it: at least one whole
    /// period that counts.
    fn share(&self, stage: u32, open: usize, m: usize) -> u64 {
        let exponent = match stage {
            0 => 0.5,
            stage => 1.0 - powf(0.5, f64::from(stage)),
        };
        let rounds = powf(self.horizon, exponent) / open as f64;
        let gcd = (1..=m.min(self.plays))
            .rev()
            .find(|d| m.is_multiple_of(*d) && self.plays.is_multiple_of(*d));
        let period = m / gcd.unwrap_or(1);
        let first = self.first_circle(m);
        let periods = ((rounds - first as f64) / period as f64).floor().max(1.0);
        first + periods as u64 * period as u64
    }

    /// Half the width of a confidence interval from `n` plays.
    fn width(&self, arms: usize, n: f64) -> f64 {
        let stages = (ln(ln(self.horizon.max(4.0)) / ln(2.0)) / ln(2.0)).max(1.0);
        let union = ln(2.0 * arms as f64 * stages * self.horizon.max(1.0));
        self.confidence * (union / (2.0 * n)).sqrt()
    }

    /// Drops circles, ranks the arms anew.
    fn end_stage(&self, memory: &mut Ranking, seat: usize) {
        let arms = memory.arms;
        let longest = memory.open_below(seat, arms).unwrap_or(arms);
        let row = seat * arms..(seat + 1) * arms;
        if memory.stage[seat] > 0 {
            // Nothing is known of circles that were dropped before.
            let bound = |sign: f64| {
                let circles = memory.of_circles.arms(seat);
                circles.map(move |(n, v)| match n {
                    0.0 => f64::NEG_INFINITY,
                    n => v + sign * self.width(arms, n),
                })
            };
            let best = bound(-1.0).fold(f64::NEG_INFINITY, f64::max);
            let above: Vec<bool> = bound(1.0).map(|upper| upper >= best).collect();
            for (open, above) in memory.open[row.clone()].iter_mut().zip(above) {
                *open *= u8::from(above);
            }
        }
        let means: Vec<f64> = memory.of_arms.arms(seat).map(|(_, mean)| mean).collect();
        memory.order[row][..longest]
            .sort_by(|a, b| means[*b as usize].total_cmp(&means[*a as usize]));
        memory.of_circles.forget(seat);
        if memory.open_below(seat, arms) != Some(longest) {
            memory.of_arms.forget(seat);
        }
        memory.stage[seat] += 1;
    }
}

impl Rule for RankingLearner {
    type Memory = Ranking;

    fn memory(&self, seats: usize, arms: usize) -> Ranking {
        let mut memory = Ranking {
            arms,
            order: vec![0; seats * arms],
            of_arms: Averages::new(seats, arms),
            of_circles: Averages::new(seats, arms),
            open: vec![0; seats * arms],
            stage: vec![0; seats],
            circle: vec![0; seats],
            round: vec![0; seats],
            shown: vec![0; seats],
        };
        (0..seats).for_each(|seat| memory.forget(seat));
        memory
    }

    fn indices(&self, memory: &mut Ranking, round: &mut Round<'_>, index: &mut [f64]) {
        let (seat, arms) = (round.seat, memory.arms);
        let (m, t) = if round.greedy {
            let circles = (memory.of_circles.arms(seat).enumerate()).filter(|(_, (n, _))| *n > 0.0);
            let known = circles.max_by(|a, b| (a.1.1.total_cmp(&b.1.1)).then(b.0.cmp(&a.0)));
            let m = known.map(|(i, _)| i + 1).or(memory.open_below(seat, arms));
            memory.shown.resize(memory.stage.len(), 0);
            memory.shown[seat] += 1;
            (m.unwrap_or(arms), memory.shown[seat] - 1)
        } else {
            if memory.circle[seat] == 0 {
                memory.circle[seat] = arms as u32;
            }
            (memory.circle[seat] as usize, memory.round[seat])
        };
        let m = m.max(self.plays.min(arms));
        // The next arms of the circle; where these are masked out, those that follow.
        let next = (t % m as u64 * self.plays as u64 % m as u64) as usize;
        index.fill(f64::NEG_INFINITY);
        let circle = &memory.order(seat)[..m];
        for ahead in 0..m {
            index[circle[(next + ahead) % m] as usize] = -(ahead as f64);
        }
    }

    fn learn(&self, memory: &mut Ranking, seat: usize, plays: &[Play], _rng: &mut Stream) {
        let arms = memory.arms;
        let m = (memory.circle[seat] as usize).clamp(self.plays.min(arms), arms);
        memory.round[seat] += 1;
        let open = &memory.open[seat * arms..(seat + 1) * arms];
        let longest = memory.open_below(seat, arms) == Some(m);
        let counted = memory.round[seat] > self.first_circle(m);
        for play in plays.iter().filter(|_| counted) {
            memory.of_circles.add(seat, m - 1, play.payoff);
            if longest {
                memory.of_arms.add(seat, play.arm, play.payoff);
            }
        }
        let stage = memory.stage[seat];
        let sharing = match stage {
            0 => 1,
            _ => open[self.plays.min(arms) - 1..]
                .iter()
                .filter(|open| **open != 0)
                .count(),
        };
        if memory.round[seat] < self.share(stage, sharing.max(1), m) {
            return;
        }
        memory.round[seat] = 0;
        let next = memory
            .open_below(seat, m - 1)
            .filter(|&m| stage > 0 && m >= self.plays.min(arms));
        let next = next.unwrap_or_else(|| {
            self.end_stage(memory, seat);
            memory.open_below(seat, arms).unwrap_or(arms)
        });
        memory.circle[seat] = next as u32;
    }
}

/// Arguments of `ranking_learner`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RankingLearnerArgs {
    /// Factor on the widths of the confidence bounds, above 0. Default 1; smaller is bolder.
    pub confidence: f64,
    /// Rounds `T` that the lengths of the stages are for. Default: the length of an episode or of the run,
    /// whichever is shorter; that of the run if nothing is forgotten.
    pub horizon: Option<u64>,
    /// Rewards that count as 0 and as 1. Default: the environment's range if finite, else 0 and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl Default for RankingLearnerArgs {
    fn default() -> Self {
        Self {
            confidence: 1.0,
            horizon: None,
            reward_range: None,
            keep_across_episodes: false,
        }
    }
}

impl LearnerArgs for RankingLearnerArgs {
    type Rule = RankingLearner;
    const ID: &'static str = "ranking_learner";
    const SUMMARY: &'static str = "How many of the best arms to play in turn, by elimination.";

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }

    fn rule(&self, context: &AgentContext, arms: &Arms) -> Result<RankingLearner, AgentError> {
        let positive = f64::MIN_POSITIVE..;
        Ok(RankingLearner {
            horizon: horizon(context, self.horizon, self.keep_across_episodes)?,
            plays: arms.plays(),
            confidence: check("confidence", self.confidence, positive, "above 0")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bandits::testbed::Trial;

    /// Plays the arm with the largest index for `rounds` rounds, paid by `pay`; the arms played.
    fn play(
        trial: &mut Trial<'_, RankingLearner>,
        rounds: u64,
        pay: impl Fn(usize) -> f64,
    ) -> Vec<usize> {
        let play = |t| {
            let index = trial.indices(t);
            let best = index.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let arm = index.iter().position(|x| *x == best).unwrap();
            trial.learn(&[(arm, pay(arm))]);
            arm
        };
        (1..=rounds).map(play).collect()
    }

    #[test]
    fn stages_take_equal_shares_in_whole_circles() {
        let rule = RankingLearner {
            horizon: 1e4,
            plays: 1,
            confidence: 1.0,
        };
        // T^(1/2) = 100, T^(3/4) = 1000; each with the first circle that does not count.
        assert_eq!(rule.share(0, 1, 3), 99);
        assert_eq!(rule.share(1, 4, 3), 24);
        assert_eq!(rule.share(2, 3, 4), 332);
        // Never without a circle that counts.
        assert_eq!(rule.share(1, 60, 7), 14);
        let pairs = RankingLearner { plays: 2, ..rule };
        // Two of three arms: every arm has been played after 2 rounds, and the pattern repeats after 3.
        assert_eq!(pairs.share(0, 1, 3), 2 + 32 * 3);
    }

    #[test]
    fn widths_are_those_of_the_formula() {
        let rule = RankingLearner {
            horizon: 65_536.0,
            plays: 1,
            confidence: 1.0,
        };
        // S = log2 16 = 4; ln(2 · 8 · 4 · 65536) = 22 ln 2, halved and divided by 100 plays.
        let expected = (22.0 * 2_f64.ln() / 200.0).sqrt();
        assert!((rule.width(8, 100.0) - expected).abs() < 1e-15);
    }

    #[test]
    fn arms_are_ranked_first_and_circles_dropped_later() {
        let rule = RankingLearner {
            horizon: 400.0,
            plays: 1,
            confidence: 0.05,
        };
        let mut trial = Trial::new(&rule, 3);
        let pay = |arm: usize| [0.1, 0.9, 0.5][arm];
        // 3 + 5 circles of all arms: 18 rounds, for sqrt(T) = 20.
        let first = play(&mut trial, 18, pay);
        assert_eq!(first, [0, 1, 2].repeat(6));
        assert_eq!(trial.memory.order(0), [1, 2, 0]);
        // 20 / 3 rounds each: 6 of three arms, 6 of two, 6 of the best alone.
        let second = play(&mut trial, 18, pay);
        assert_eq!(second[..6], [1, 2, 0, 1, 2, 0]);
        assert_eq!(second[6..12], [1, 2, 1, 2, 1, 2]);
        assert_eq!(second[12..], [1; 6]);
        // Means 0.5, 0.7, 0.9 with widths below 0.1: the best arm alone is left.
        assert_eq!(trial.memory.open, [1, 0, 0]);
        assert_eq!(play(&mut trial, 50, pay), [1; 50]);
    }
}
