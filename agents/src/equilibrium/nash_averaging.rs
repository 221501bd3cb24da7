//! Nash averaging: Balduzzi, Tuyls, Perolat and Graepel, *Re-evaluating Evaluation* (NeurIPS 2018, arXiv 1806.02643).
//!
//! Agents are rated by how they do against the maximum-entropy equilibrium of the game "pick an agent", in which one pays
//! the other by how much its agent wins. Copies of an agent share its weight and change no rating; so do easy opponents.
//!
//! The equilibria of a symmetric zero-sum game are a polytope. Its support, agents that any equilibrium plays, is found by
//! a linear program over the cone of its multiples, where an agent is played either not at all or by at least 1; within
//! it, entropy is maximised by Newton's method on the multipliers of what keeps a policy an equilibrium.

use microlp::{ComparisonOp, OptimizationDirection, Problem};
use palaestra_envs::math;

use super::{GameError, SolverError, linear, simplex};

/// A rating of agents.
#[derive(Debug, Clone, PartialEq)]
pub struct NashAverage {
    /// The maximum-entropy equilibrium, a probability for each agent.
    pub weights: Vec<f64>,
    /// What each agent wins against it: 0 for those it plays, at most 0 for the others.
    pub ratings: Vec<f64>,
}

/// How far advantages may be from antisymmetric, relative to the largest.
const SLACK: f64 = 1e-9;
/// Constraints closer than this to what others say are left out.
const DEPENDENT: f64 = 1e-9;
/// Policies miss their constraints by no more than this.
const EXACT: f64 = 1e-12;

/// Rates agents by `advantages`, `[agents * agents]` row by row: how much the row's agent wins against the column's.
///
/// # Errors
/// [`SolverError::Game`] for another number of entries or ones that are not finite, [`SolverError::Kind`] if they are not
/// antisymmetric, [`SolverError::LinearProgram`], [`SolverError::NoConvergence`].
pub fn nash_average(agents: usize, advantages: &[f64]) -> Result<NashAverage, SolverError> {
    if agents == 0 || advantages.len() != agents * agents {
        return Err(SolverError::Game(GameError::Shape {
            what: "table of advantages",
            found: advantages.len(),
            expected: agents * agents,
        }));
    }
    if let Some(place) = advantages.iter().position(|x| !x.is_finite()) {
        return Err(SolverError::Game(GameError::Payoff {
            row: place / agents,
            column: place % agents,
            value: advantages[place],
        }));
    }
    let scale = advantages.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    let at = |i: usize, j: usize| advantages[i * agents + j];
    let mirrored = |i: usize, j: usize| (at(i, j) + at(j, i)).abs() <= SLACK * scale;
    if !(0..agents).all(|i| (0..=i).all(|j| mirrored(i, j))) {
        return Err(SolverError::Kind {
            solver: "Nash averaging",
            needs: "symmetric zero-sum",
        });
    }
    let weights = if scale == 0.0 {
        vec![1.0 / agents as f64; agents]
    } else {
        let scaled: Vec<f64> = (0..agents * agents)
            .map(|k| 0.5 * (at(k / agents, k % agents) - at(k % agents, k / agents)) / scale)
            .collect();
        let support = support(agents, &scaled)?;
        most_even(agents, &scaled, &support)?
    };
    let ratings = advantages
        .chunks_exact(agents)
        .map(|row| simplex::dot(row, &weights));
    Ok(NashAverage {
        ratings: ratings.collect(),
        weights,
    })
}

/// Agents that some equilibrium plays.
fn support(agents: usize, advantages: &[f64]) -> Result<Vec<usize>, SolverError> {
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let multiples: Vec<_> = (0..agents)
        .map(|_| problem.add_var(0.0, (0.0, f64::INFINITY)))
        .collect();
    let played: Vec<_> = (0..agents)
        .map(|_| problem.add_var(1.0, (0.0, 1.0)))
        .collect();
    for (multiple, played) in multiples.iter().zip(&played) {
        problem.add_constraint([(*multiple, 1.0), (*played, -1.0)], ComparisonOp::Ge, 0.0);
    }
    for row in advantages.chunks_exact(agents) {
        let terms: Vec<_> = multiples.iter().copied().zip(row.iter().copied()).collect();
        problem.add_constraint(&terms, ComparisonOp::Le, 0.0);
    }
    let failed = |reason: String| SolverError::LinearProgram {
        rows: agents,
        columns: agents,
        reason,
    };
    let solution = problem
        .solve()
        .map_err(|error| failed(error.to_string()))?
        .into_solution()
        .map_err(|_| failed("it was stopped".into()))?;
    Ok((0..agents)
        .filter(|&agent| solution.var_value(played[agent]) > 0.5)
        .collect())
}

/// The equilibrium of largest entropy on a support.
fn most_even(
    agents: usize,
    advantages: &[f64],
    support: &[usize],
) -> Result<Vec<f64>, SolverError> {
    let row = |agent: usize| -> Vec<f64> {
        support
            .iter()
            .map(|&other| advantages[agent * agents + other])
            .collect()
    };
    // Whoever is in the support wins nothing, the others nothing or less.
    let outside: Vec<usize> = (0..agents)
        .filter(|agent| !support.contains(agent))
        .collect();
    let mut tight: Vec<usize> = Vec::new();
    for _ in 0..=2 * agents {
        let bound = support.iter().chain(&tight).map(|&agent| row(agent));
        let (policy, multipliers) = within(&independent(bound.collect()), support.len())?;
        // An agent outside that the policy would let win binds it, and one that it holds down for nothing does not.
        let wins = |agent: usize| simplex::dot(&row(agent), &policy);
        let worst = outside
            .iter()
            .copied()
            .filter(|agent| !tight.contains(agent))
            .max_by(|&a, &b| wins(a).total_cmp(&wins(b)));
        if let Some(agent) = worst.filter(|&agent| wins(agent) > SLACK) {
            tight.push(agent);
            continue;
        }
        // Each bound is loosened by itself: where the entropy then grows and the bound still holds, it was not needed.
        let freed = tight.iter().position(|&agent| {
            let kept = support
                .iter()
                .chain(tight.iter().filter(|&&other| other != agent));
            let kept: Vec<Vec<f64>> = kept.map(|&agent| row(agent)).collect();
            let looser = within(&independent(kept), support.len());
            looser.is_ok_and(|(policy, _)| simplex::dot(&row(agent), &policy) < -SLACK)
        });
        if let Some(place) = freed {
            tight.remove(place);
            continue;
        }
        debug_assert!(multipliers.iter().all(|m| m.is_finite()));
        let mut weights = vec![0.0; agents];
        for (&agent, &p) in support.iter().zip(&policy) {
            weights[agent] = p;
        }
        return Ok(weights);
    }
    Err(SolverError::NoConvergence {
        solver: "Nash averaging",
        steps: 2 * agents,
        residual: f64::NAN,
    })
}

/// The rows that are not sums of earlier ones.
fn independent(rows: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let mut kept: Vec<Vec<f64>> = Vec::new();
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for row in rows {
        let size = simplex::dot(&row, &row).sqrt();
        let mut rest = row.clone();
        // Twice, for what rounding has left of the first time.
        for _ in 0..2 {
            for unit in &basis {
                let part = simplex::dot(&rest, unit);
                rest.iter_mut().zip(unit).for_each(|(x, u)| *x -= part * u);
            }
        }
        let left = simplex::dot(&rest, &rest).sqrt();
        if left > DEPENDENT * size.max(1.0) {
            rest.iter_mut().for_each(|x| *x /= left);
            basis.push(rest);
            kept.push(row);
        }
    }
    kept
}

/// The policy over `n` actions of largest entropy with `row · policy = 0` for all rows, which are independent, and the
/// multipliers: `policy ∝ exp(-Σ m row)`.
fn within(rows: &[Vec<f64>], n: usize) -> Result<(Vec<f64>, Vec<f64>), SolverError> {
    const STEPS: usize = 200;
    let m = rows.len();
    let mut multipliers = vec![0.0; m];
    let mut policy = vec![0.0; n];
    let mut logits = vec![0.0; n];
    let mut potential = |multipliers: &[f64], policy: &mut [f64]| {
        logits.fill(0.0);
        for (row, multiplier) in rows.iter().zip(multipliers) {
            logits
                .iter_mut()
                .zip(row)
                .for_each(|(x, r)| *x -= multiplier * r);
        }
        simplex::softmax(&logits, policy);
        simplex::log_sum_exp(&logits)
    };
    let mut value = potential(&multipliers, &mut policy);
    let mut residual = f64::INFINITY;
    for _ in 0..STEPS {
        let missed: Vec<f64> = rows.iter().map(|row| simplex::dot(row, &policy)).collect();
        residual = missed.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        if residual <= EXACT {
            return Ok((policy, multipliers));
        }
        // Covariance of the rows under the policy.
        let mut curvature = vec![0.0; m * m];
        for a in 0..m {
            for b in 0..m {
                let both: f64 = (0..n).map(|i| policy[i] * rows[a][i] * rows[b][i]).sum();
                curvature[a * m + b] = both - missed[a] * missed[b];
            }
        }
        let mut step = missed.clone();
        if !linear::solve(&mut curvature, &mut step) {
            break;
        }
        // The value falls along the step by this much, to first order.
        let slope = simplex::dot(&missed, &step);
        let mut length = 1.0;
        let before = multipliers.clone();
        loop {
            for ((multiplier, start), s) in multipliers.iter_mut().zip(&before).zip(&step) {
                *multiplier = start + length * s;
            }
            let next = potential(&multipliers, &mut policy);
            // Near the end the value cannot tell any more; the whole step is right there.
            if next <= value - 1e-4 * length * slope || slope < 1e-12 || length < 1e-10 {
                value = next;
                break;
            }
            length *= 0.5;
        }
    }
    if residual <= SLACK {
        return Ok((policy, multipliers));
    }
    Err(SolverError::NoConvergence {
        solver: "Nash averaging",
        steps: STEPS,
        residual,
    })
}

/// Entropy of a policy in nats.
pub fn entropy(policy: &[f64]) -> f64 {
    let term = |&p: &f64| if p > 0.0 { -p * math::ln(p) } else { 0.0 };
    policy.iter().map(term).sum()
}
