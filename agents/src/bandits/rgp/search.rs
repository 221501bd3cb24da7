//! The sequence of plays with the largest value, by depth-first branch and bound.

use palaestra_envs::stream::Stream;

use super::{IDLE, Posterior, Rgp};
use crate::bandits::{cells::Cells, sampling::normal_pair};

/// A search for the best sequence of `d` rounds with one play each.
///
/// The value of a sequence is the sum of `value` over the cells played, plus `width` standard deviations of that sum. A
/// standard deviation of a sum is at most the sum of the standard deviations, so a beginning can be dropped if even the
/// largest `value + width · sd` in all later rounds would not help.
pub(super) struct Search<'a> {
    rgp: &'a Rgp,
    tau: Vec<i16>,
    /// States of each arm that are possible in each round, `[d, N, …]`.
    reach: Vec<Vec<Vec<i16>>>,
    /// What a play of each cell adds; only cells within reach are set.
    value: Vec<f64>,
    /// Posterior to take variances from, with its seat; none for sums that are known.
    spread: Option<(&'a Posterior, usize)>,
    width: f64,
    /// Most that rounds `i..` can add, `[d + 1]`.
    most: Vec<f64>,
    nodes: u64,
    path: Vec<(u32, usize)>,
    best: f64,
    best_path: Vec<u32>,
}

impl<'a> Search<'a> {
    pub(super) fn new(rgp: &'a Rgp, tau: &[i16]) -> Self {
        let cells = &rgp.cells;
        let of_arm = |arm: usize, states: &Vec<i16>| {
            let caps = cells.caps(arm);
            let mut next: Vec<i16> = Vec::new();
            for &state in states {
                for successor in [caps.idle(state), caps.play(state)] {
                    if !next.contains(&successor) {
                        next.push(successor);
                    }
                }
            }
            next
        };
        let mut reach = vec![tau.iter().map(|&state| vec![state]).collect::<Vec<_>>()];
        for round in 1..rgp.lookahead {
            let states = reach[round - 1].iter().enumerate();
            reach.push(states.map(|(arm, states)| of_arm(arm, states)).collect());
        }
        Self {
            rgp,
            tau: tau.to_vec(),
            reach,
            value: vec![0.0; cells.count()],
            spread: None,
            width: 0.0,
            most: vec![0.0; rgp.lookahead + 1],
            nodes: 0,
            path: Vec::with_capacity(rgp.lookahead),
            best: f64::NEG_INFINITY,
            best_path: Vec::new(),
        }
    }

    fn cells(&self) -> &'a Cells {
        &self.rgp.cells
    }

    /// Cells of `arm` that are within reach, each once.
    fn within_reach(&self, arm: usize) -> Vec<usize> {
        let states = self.reach.iter().flat_map(|round| &round[arm]);
        let mut cells: Vec<usize> = states.map(|&tau| self.cells().cell(arm, tau)).collect();
        cells.sort_unstable();
        cells.dedup();
        cells
    }

    /// Values are posterior means.
    pub(super) fn expect(&mut self, posterior: &Posterior, seat: usize) {
        self.value.copy_from_slice(posterior.means(seat));
    }

    /// Standard deviations count, `width` of them.
    pub(super) fn bound(&mut self, posterior: &'a Posterior, seat: usize, width: f64) {
        self.spread = Some((posterior, seat));
        self.width = width;
    }

    /// Values are one sample of the posterior, joint over the states of an arm.
    pub(super) fn sample(&mut self, posterior: &Posterior, seat: usize, rng: &mut Stream) {
        for arm in 0..self.cells().arms() {
            let cells = self.within_reach(arm);
            let n = cells.len();
            let root = cholesky(n, |i, j| {
                posterior.covariance(seat, arm, cells[i], cells[j])
            });
            let deviates: Vec<f64> = (0..n.div_ceil(2)).flat_map(|_| normal_pair(rng)).collect();
            for (i, &cell) in cells.iter().enumerate() {
                let row = root[i * n..=i * n + i].iter().zip(&deviates);
                let deviation: f64 = row.map(|(r, x)| r * x).sum();
                self.value[cell] = posterior.means(seat)[cell] + deviation;
            }
        }
    }

    fn sd(&self, arm: usize, cell: usize) -> f64 {
        self.spread.map_or(0.0, |(posterior, seat)| {
            posterior.marginal(seat, arm, cell).1
        })
    }

    /// The most that one play can add to the value of a sequence.
    fn upper(&self, arm: usize, state: i16) -> f64 {
        let cell = self.cells().cell(arm, state);
        self.value[cell] + self.width * self.sd(arm, cell)
    }

    /// The best sequence: an arm for each round, or [`IDLE`].
    pub(super) fn run(mut self) -> Vec<u32> {
        let least = if self.rgp.exact {
            f64::NEG_INFINITY
        } else {
            0.0
        };
        for round in (0..self.rgp.lookahead).rev() {
            let arms = self.reach[round].iter().enumerate();
            let uppers = arms.flat_map(|(arm, states)| states.iter().map(move |&tau| (arm, tau)));
            let uppers = uppers.map(|(arm, tau)| self.upper(arm, tau));
            self.most[round] = self.most[round + 1] + uppers.fold(least, f64::max);
        }
        let tau = self.tau.clone();
        self.extend(&tau, 0.0, 0.0);
        self.best_path
    }

    /// Tries all continuations of the path, which leads to the states `tau` and is worth `value` with `variance`.
    fn extend(&mut self, tau: &[i16], value: f64, variance: f64) {
        let depth = self.path.len();
        if depth == self.rgp.lookahead {
            let total = value + self.width * variance.max(0.0).sqrt();
            if total > self.best || self.best_path.is_empty() {
                self.best = total;
                self.best_path = self.path.iter().map(|step| step.0).collect();
            }
            return;
        }
        let mut steps: Vec<(f64, u32)> = (tau.iter().zip(0..))
            .map(|(&state, arm)| (self.upper(arm as usize, state), arm))
            .collect();
        if !self.rgp.exact {
            steps.push((0.0, IDLE));
        }
        // The most promising first; ties to the lowest arm.
        steps.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (upper, step) in steps {
            let sd = self.width * variance.max(0.0).sqrt();
            let hopeless = value + sd + upper + self.most[depth + 1] <= self.best;
            let exhausted = self.nodes >= self.rgp.max_nodes && !self.best_path.is_empty();
            if hopeless || exhausted {
                break;
            }
            self.nodes += 1;
            let mut next = tau.to_vec();
            for (arm, state) in next.iter_mut().enumerate() {
                let caps = self.cells().caps(arm);
                *state = if arm as u32 == step {
                    caps.play(*state)
                } else {
                    caps.idle(*state)
                };
            }
            let (mut worth, mut spread, mut cell) = (value, variance, 0);
            if step != IDLE {
                let arm = step as usize;
                cell = self.cells().cell(arm, tau[arm]);
                worth += self.value[cell];
                if let Some((posterior, seat)) = self.spread {
                    let with = |other: usize| posterior.covariance(seat, arm, cell, other);
                    let others = self.path.iter().filter(|earlier| earlier.0 == step);
                    spread += with(cell) + 2.0 * others.map(|earlier| with(earlier.1)).sum::<f64>();
                }
            }
            self.path.push((step, cell));
            self.extend(&next, worth, spread);
            self.path.pop();
        }
    }
}

/// A lower triangular root of a covariance matrix of `n` rows, `[n, n]`; directions without variance are left out.
fn cholesky(n: usize, covariance: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let mut root = vec![0.0; n * n];
    for j in 0..n {
        for i in j..n {
            let dot: f64 = (0..j).map(|k| root[i * n + k] * root[j * n + k]).sum();
            let rest = covariance(i, j) - dot;
            root[i * n + j] = if i == j {
                if rest > 1e-12 { rest.sqrt() } else { 0.0 }
            } else if root[j * n + j] > 0.0 {
                rest / root[j * n + j]
            } else {
                0.0
            };
        }
    }
    root
}
