//! Removes vectors that are nowhere the best: by the upper envelope of lines for two states, by linear programs (Lark's
//! algorithm; White, *A Survey of Solution Techniques for the Partially Observed Markov Decision Process*, 1991) for
//! more.

use microlp::{ComparisonOp, OptimizationDirection, Problem};

use super::AlphaVector;

/// A vector must be better than all others by this much, relative to the largest value, to be kept.
const MARGIN: f64 = 1e-10;

/// How much pruning may still be done, in numbers looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget(pub(super) u64);

/// Numbers looked at by a linear program for each of its coefficients, roughly: it passes over them at every pivot.
const PIVOTS: usize = 40;

impl Budget {
    fn spend(&mut self, numbers: usize) -> Result<(), TooMuch> {
        let left = self.0.checked_sub(numbers as u64);
        self.0 = left.ok_or(TooMuch)?;
        Ok(())
    }
}

/// The budget is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMuch;

/// The vectors that are best at some belief. Where linear programs fail numerically, vectors in doubt are kept: the
/// value is exact in any case.
pub(super) fn prune(
    mut vectors: Vec<AlphaVector>,
    budget: &mut Budget,
) -> Result<Vec<AlphaVector>, TooMuch> {
    let scale = vectors
        .iter()
        .flat_map(|v| &v.values)
        .fold(1.0, |m: f64, x| m.max(x.abs()));
    let margin = MARGIN * scale;
    // Larger vectors first, so that of equal ones the first action's stays.
    vectors.sort_by(|x, y| lexicographic(&y.values, &x.values).then(x.action.cmp(&y.action)));
    if vectors.first().is_some_and(|v| v.values.len() == 2) {
        return Ok(envelope(vectors, margin));
    }
    let mut kept: Vec<AlphaVector> = Vec::new();
    for vector in vectors {
        budget.spend(kept.len() * vector.values.len())?;
        if !kept
            .iter()
            .any(|k| dominates(&k.values, &vector.values, margin))
        {
            kept.retain(|k| !dominates(&vector.values, &k.values, margin));
            kept.push(vector);
        }
    }
    lark(kept, scale, budget)
}

fn lexicographic(x: &[f64], y: &[f64]) -> std::cmp::Ordering {
    let differing = x
        .iter()
        .zip(y)
        .map(|(a, b)| a.total_cmp(b))
        .find(|o| o.is_ne());
    differing.unwrap_or(std::cmp::Ordering::Equal)
}

/// Whether `x` is nowhere worse than `y`, but for rounding.
fn dominates(x: &[f64], y: &[f64], margin: f64) -> bool {
    x.iter().zip(y).all(|(a, b)| *a >= *b - margin)
}

/// For two states: the lines `v₀ + (v₁ - v₀) p` that make up the maximum over `0 ≤ p ≤ 1`.
fn envelope(mut lines: Vec<AlphaVector>, margin: f64) -> Vec<AlphaVector> {
    let slope = |v: &AlphaVector| v.values[1] - v.values[0];
    let at = |v: &AlphaVector, p: f64| v.values[0] * (1.0 - p) + v.values[1] * p;
    lines.sort_by(|x, y| {
        slope(x)
            .total_cmp(&slope(y))
            .then(y.values[0].total_cmp(&x.values[0]))
    });
    let mut hull: Vec<AlphaVector> = Vec::new();
    for line in lines {
        while let Some(top) = hull.last() {
            // Where the new line meets the one before the top one, the top one must be above by the margin.
            let needless =
                if slope(&line) - slope(top) <= 0.0 || line.values[0] >= top.values[0] - margin {
                    dominates(&line.values, &top.values, margin)
                } else if let [.., before, top] = hull.as_slice() {
                    let p = (before.values[0] - line.values[0]) / (slope(&line) - slope(before));
                    at(top, p.clamp(0.0, 1.0)) <= at(&line, p.clamp(0.0, 1.0)) + margin
                } else {
                    false
                };
            if !needless {
                break;
            }
            hull.pop();
        }
        let covered = hull
            .last()
            .is_some_and(|top| top.values[1] >= line.values[1] - margin);
        if !covered {
            hull.push(line);
        }
    }
    hull
}

/// Lark's algorithm.
fn lark(
    mut candidates: Vec<AlphaVector>,
    scale: f64,
    budget: &mut Budget,
) -> Result<Vec<AlphaVector>, TooMuch> {
    let mut kept: Vec<AlphaVector> = Vec::new();
    // The best vector in each corner is needed; taking these first makes the programs few.
    let states = candidates.first().map_or(0, |v| v.values.len());
    for state in 0..states {
        let mut corner = vec![0.0; states];
        corner[state] = 1.0;
        take_best(&mut candidates, &mut kept, &corner, scale);
    }
    while let Some(candidate) = candidates.last() {
        budget.spend(kept.len() * states * PIVOTS)?;
        match witness(&candidate.values, &kept, scale) {
            Witness::Belief(belief) => {
                if !take_best(&mut candidates, &mut kept, &belief, scale) {
                    // A witness that rounding has spoilt: the last candidate asked for it.
                    candidates.pop();
                }
            }
            Witness::None => drop(candidates.pop()),
            Witness::Unknown => kept.extend(candidates.pop()),
        }
    }
    Ok(kept)
}

/// Moves the candidate that is best at `belief` to those kept, if it is better there than they are; whether it was.
fn take_best(
    candidates: &mut Vec<AlphaVector>,
    kept: &mut Vec<AlphaVector>,
    belief: &[f64],
    scale: f64,
) -> bool {
    let value = |v: &AlphaVector| -> f64 { v.values.iter().zip(belief).map(|(a, b)| a * b).sum() };
    let mut best: Option<(usize, f64)> = None;
    for (i, candidate) in candidates.iter().enumerate() {
        let found = value(candidate);
        if best.is_none_or(|(_, most)| found > most) {
            best = Some((i, found));
        }
    }
    let Some((index, most)) = best else {
        return false;
    };
    let known = kept.iter().map(value).fold(f64::NEG_INFINITY, f64::max);
    let is_better = most > known + MARGIN * scale;
    if is_better {
        kept.push(candidates.remove(index));
    }
    is_better
}

enum Witness {
    /// A belief at which the candidate is better than all kept.
    Belief(Vec<f64>),
    /// There is no such belief.
    None,
    /// The linear program failed.
    Unknown,
}

/// `max δ` subject to `b · (candidate - k) ≥ δ` for every kept `k`, over beliefs `b`.
fn witness(candidate: &[f64], kept: &[AlphaVector], scale: f64) -> Witness {
    if kept.is_empty() {
        return Witness::Belief(vec![1.0 / candidate.len() as f64; candidate.len()]);
    }
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    // In units of the largest value, so that tolerances mean the same in every problem.
    let gain = problem.add_var(1.0, (-2.0, 2.0));
    let belief: Vec<_> = candidate
        .iter()
        .map(|_| problem.add_var(0.0, (0.0, 1.0)))
        .collect();
    let ones: Vec<_> = belief.iter().map(|&b| (b, 1.0)).collect();
    problem.add_constraint(&ones, ComparisonOp::Eq, 1.0);
    for k in kept {
        let mut row = vec![(gain, -1.0)];
        for ((&b, c), k) in belief.iter().zip(candidate).zip(&k.values) {
            let difference = (c - k) / scale;
            if difference.abs() > 1e-12 {
                row.push((b, difference));
            }
        }
        problem.add_constraint(&row, ComparisonOp::Ge, 0.0);
    }
    let solution = problem
        .solve()
        .ok()
        .and_then(|outcome| outcome.into_solution().ok());
    let Some(solution) = solution else {
        return Witness::Unknown;
    };
    // Near the program's own tolerance of 1e-7 a witness may be none, which `take_best` finds out exactly.
    if solution.objective() <= 1e-8 {
        return Witness::None;
    }
    Witness::Belief(
        belief
            .iter()
            .map(|&b| solution.var_value(b).clamp(0.0, 1.0))
            .collect(),
    )
}
