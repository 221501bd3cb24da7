//! α-Rank: Omidshafiei et al., *α-Rank: Multi-Agent Evaluation by Evolution* (arXiv 1903.01373).
//!
//! Populations of `m` copies play pure profiles; now and then a single mutant appears and takes over with a probability
//! that grows with its advantage times `α`. The stationary law of that chain ranks what survives. Rates span hundreds of
//! orders of magnitude, where eigenvalue solvers see several chains instead of one; here everything is done with
//! logarithms of rates, by an elimination that never subtracts (Grassmann, Taksar and Heyman, 1985), so that every
//! mass has full relative precision.

use palaestra_envs::math;

use super::{BimatrixGame, NormalFormGame, SolverError, simplex};

/// How strongly advantages are selected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Selection {
    /// With this intensity, in populations of `population` (50 in OpenSpiel).
    Finite {
        /// `α`, positive.
        alpha: f64,
        /// Copies in each population, at least 2.
        population: u32,
    },
    /// In the limit: who is better takes over but for `epsilon`, equal ones half of the time.
    Infinite {
        /// Probability of a step to something worse, 0 to 1/2; with 0 there may be several stationary laws.
        epsilon: f64,
    },
}

/// A ranking.
#[derive(Debug, Clone, PartialEq)]
pub struct AlphaRanking {
    /// The stationary law, over actions of a symmetric game or over profiles, the last player's action fastest.
    pub mass: Vec<f64>,
    /// Its logarithms, which also tell masses below 1e-300 apart.
    pub log_mass: Vec<f64>,
    /// Members of the sink components of the response graph (better replies only), each in ascending order.
    pub sinks: Vec<Vec<usize>>,
    /// What to know before trusting the numbers.
    pub warning: Option<AlphaWarning>,
}

/// Why a ranking needs care.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum AlphaWarning {
    /// The chain has several closed parts. The law is that which starts from each profile equally often.
    #[error(
        "the chain is reducible: it has {closed} closed parts, and the law depends on the start"
    )]
    Reducible {
        /// How many.
        closed: usize,
    },
    /// The chain holds together only by rates that ordinary arithmetic cannot see beside the others.
    #[error(
        "the chain is nearly reducible: it holds together by rates down to exp({log_rate}); solved with logarithms"
    )]
    NearlyReducible {
        /// Logarithm of the smallest rate.
        log_rate: f64,
    },
}

/// Ranks the actions of a symmetric game: a single population.
///
/// # Errors
/// [`SolverError::Kind`] if players' payoffs differ, [`SolverError::Setting`] for a selection outside its range.
pub fn alpha_rank_symmetric(
    game: &BimatrixGame,
    selection: Selection,
) -> Result<AlphaRanking, SolverError> {
    check(selection)?;
    let [n, columns] = game.actions();
    let pairs = |i: usize, j: usize| (game.payoff(0, i, j) - game.payoff(1, j, i)).abs() <= 1e-12;
    if n != columns || !(0..n).all(|i| (0..n).all(|j| pairs(i, j))) {
        return Err(SolverError::Kind {
            solver: "α-Rank of one population",
            needs: "symmetric",
        });
    }
    let mut chain = Chain::new(n);
    for s in 0..n {
        for r in (0..n).filter(|&r| r != s) {
            let [rr, rs, sr, ss] =
                [(r, r), (r, s), (s, r), (s, s)].map(|(i, j)| game.payoff(0, i, j));
            let log = match selection {
                Selection::Finite { alpha, population } => {
                    mutant_fixation(alpha, population, [rr, rs, sr, ss])
                }
                Selection::Infinite { epsilon } => limit(rs - sr, epsilon),
            };
            chain.set(s, r, log, rs - sr);
        }
    }
    Ok(chain.rank())
}

/// Ranks the profiles of a game of two players: one population for each, one of which mutates at a time.
///
/// # Errors
/// As [`alpha_rank_populations`].
pub fn alpha_rank(game: &BimatrixGame, selection: Selection) -> Result<AlphaRanking, SolverError> {
    alpha_rank_populations(&game.into(), selection)
}

/// Ranks the profiles of a game: one population for each player, one of which mutates at a time.
///
/// # Errors
/// [`SolverError::Setting`] for a selection outside its range, or more than [`MOST_PROFILES`].
pub fn alpha_rank_populations(
    game: &NormalFormGame,
    selection: Selection,
) -> Result<AlphaRanking, SolverError> {
    check(selection)?;
    let profiles = game.profiles();
    SolverError::check(
        "profiles",
        profiles as f64,
        profiles <= MOST_PROFILES,
        "at most 1,000, for the time grows with their cube",
    )?;
    let mut chain = Chain::new(profiles);
    for from in 0..profiles {
        for (_, to, gain) in game.deviations(from) {
            let log = match selection {
                Selection::Finite { alpha, population } => {
                    constant_fixation(alpha * gain, population)
                }
                Selection::Infinite { epsilon } => limit(gain, epsilon),
            };
            chain.set(from, to, log, gain);
        }
    }
    Ok(chain.rank())
}

/// Profiles that [`alpha_rank_populations`] ranks.
pub const MOST_PROFILES: usize = 1000;

fn check(selection: Selection) -> Result<(), SolverError> {
    match selection {
        Selection::Finite { alpha, population } => {
            SolverError::positive("alpha", alpha)?;
            let size = f64::from(population);
            SolverError::check("population", size, population >= 2, "at least 2")
        }
        Selection::Infinite { epsilon } => {
            let holds = (0.0..=0.5).contains(&epsilon);
            SolverError::check("epsilon", epsilon, holds, "between 0 and 1/2")
        }
    }
}

/// Logarithm of the probability that one mutant `r` takes over a population of `s`:
/// `ρ = 1 / (1 + Σ_l Π_{k ≤ l} exp(-α (f_r - f_s)))`, fitness being the mean payoff against the others.
fn mutant_fixation(alpha: f64, population: u32, [rr, rs, sr, ss]: [f64; 4]) -> f64 {
    let m = f64::from(population);
    let (mut sum, mut product) = (0.0, 0.0);
    for l in 1..population {
        let k = f64::from(l);
        let mutant = ((k - 1.0) * rr + (m - k) * rs) / (m - 1.0);
        let resident = (k * sr + (m - k - 1.0) * ss) / (m - 1.0);
        product -= alpha * (mutant - resident);
        sum = simplex::log_sum_exp(&[sum, product]);
    }
    -sum
}

/// Logarithm of `(1 - e^-u) / (1 - e^-mu)`, which is `1 / m` at `u = 0`.
fn constant_fixation(u: f64, population: u32) -> f64 {
    let m = f64::from(population);
    if u.abs() < 1e-14 {
        return -math::ln(m);
    }
    // `log(1 - e^-x)` for positive `x`.
    let missing = |x: f64| math::ln(-libm::expm1(-x));
    let size = u.abs();
    let up = missing(size) - missing(m * size);
    if u > 0.0 { up } else { up - (m - 1.0) * size }
}

fn limit(gain: f64, epsilon: f64) -> f64 {
    let rate = match gain.partial_cmp(&0.0) {
        Some(std::cmp::Ordering::Greater) => 1.0 - epsilon,
        Some(std::cmp::Ordering::Less) => epsilon,
        _ => 0.5,
    };
    math::ln(rate)
}

/// A Markov chain by the logarithms of its rates, `-∞` where there is no step; its response graph beside it.
struct Chain {
    n: usize,
    logs: Vec<f64>,
    /// Whether a step makes the one who takes it strictly better off.
    better: Vec<bool>,
}

impl Chain {
    fn new(n: usize) -> Self {
        Self {
            n,
            logs: vec![f64::NEG_INFINITY; n * n],
            better: vec![false; n * n],
        }
    }

    fn set(&mut self, from: usize, to: usize, log: f64, gain: f64) {
        self.logs[from * self.n + to] = log;
        self.better[from * self.n + to] = gain > 0.0;
    }

    fn rank(self) -> AlphaRanking {
        let n = self.n;
        let sinks = closed_parts(n, &self.better);
        let steps: Vec<bool> = self
            .logs
            .iter()
            .map(|&log| log > f64::NEG_INFINITY)
            .collect();
        let closed = closed_parts(n, &steps);
        let smallest = self
            .logs
            .iter()
            .copied()
            .filter(|log| *log > f64::NEG_INFINITY)
            .fold(0.0, f64::min);
        let (log_mass, warning) = if closed.len() > 1 {
            let warning = AlphaWarning::Reducible {
                closed: closed.len(),
            };
            // The limit of restarting anywhere, ever more rarely.
            (self.stationary(RESTART), Some(warning))
        } else {
            // A relative size below which a sum in double precision does not change.
            let nearly = smallest < math::ln(f64::EPSILON);
            let warning = nearly.then_some(AlphaWarning::NearlyReducible { log_rate: smallest });
            (self.stationary(f64::NEG_INFINITY), warning)
        };
        AlphaRanking {
            mass: log_mass.iter().map(|&log| math::exp(log)).collect(),
            log_mass,
            sinks,
            warning,
        }
    }

    /// Logarithms of the stationary law; each rate between different states is raised by `exp(restart)`.
    fn stationary(mut self, restart: f64) -> Vec<f64> {
        let n = self.n;
        let logs = &mut self.logs;
        for (k, log) in logs.iter_mut().enumerate() {
            if k / n != k % n {
                *log = simplex::log_sum_exp(&[*log, restart]);
            }
        }
        let mut leaving = vec![0.0; n];
        // Takes states out from the last on: what went through them goes directly.
        for k in (1..n).rev() {
            leaving[k] = simplex::log_sum_exp(&logs[k * n..k * n + k]);
            for i in 0..k {
                let into = logs[i * n + k] - leaving[k];
                if into == f64::NEG_INFINITY {
                    continue;
                }
                for j in (0..k).filter(|&j| j != i) {
                    let around = into + logs[k * n + j];
                    logs[i * n + j] = simplex::log_sum_exp(&[logs[i * n + j], around]);
                }
            }
        }
        let mut mass = vec![0.0; n];
        let mut terms = Vec::with_capacity(n);
        for k in 1..n {
            terms.clear();
            terms.extend((0..k).map(|i| mass[i] + logs[i * n + k]));
            mass[k] = simplex::log_sum_exp(&terms) - leaving[k];
        }
        simplex::normalise_logs(&mut mass);
        mass
    }
}

/// Logarithm of the rate of restarts that stands for its limit 0.
const RESTART: f64 = -600.0;

/// Sets of states that are reachable from each other, and from which nothing else is.
fn closed_parts(n: usize, steps: &[bool]) -> Vec<Vec<usize>> {
    let mut reach = steps.to_vec();
    for k in 0..n {
        for i in 0..n {
            if reach[i * n + k] {
                for j in 0..n {
                    reach[i * n + j] |= reach[k * n + j];
                }
            }
        }
    }
    let mut parts: Vec<Vec<usize>> = Vec::new();
    for i in 0..n {
        let returns = (0..n).all(|j| !reach[i * n + j] || i == j || reach[j * n + i]);
        let known = parts.iter().any(|part| part.contains(&i));
        if returns && !known {
            parts.push((0..n).filter(|&j| j == i || reach[i * n + j]).collect());
        }
    }
    parts
}
