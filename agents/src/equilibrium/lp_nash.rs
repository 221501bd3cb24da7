//! Equilibria of zero-sum games by linear programming: maximise what a mixed action earns against every reply.

use microlp::{ComparisonOp, OptimizationDirection, Problem};

use super::{BimatrixGame, SolverError, linear, simplex};

/// A pair of optimal policies of a zero-sum game.
#[derive(Debug, Clone, PartialEq)]
pub struct ZeroSumEquilibrium {
    /// Policies of the row and the column player.
    pub profile: [Vec<f64>; 2],
    /// What the row player gets.
    pub value: f64,
}

/// Probabilities below this are taken for the program's rounding.
const NEGLIGIBLE: f64 = 1e-9;

/// Solves a zero-sum game.
///
/// # Errors
/// [`SolverError::Kind`] if it is not zero-sum, [`SolverError::LinearProgram`] if the program fails.
pub fn lp_nash(game: &BimatrixGame) -> Result<ZeroSumEquilibrium, SolverError> {
    if !game.is_zero_sum() {
        return Err(SolverError::Kind {
            solver: "LP Nash",
            needs: "zero-sum",
        });
    }
    let mut profile = [maximin(game, 0)?, maximin(game, 1)?];
    if let Some(exact) = polish(game, &profile)
        && game.nash_conv(&exact) <= game.nash_conv(&profile)
    {
        profile = exact;
    }
    let mut values = vec![0.0; game.actions()[0]];
    game.values(0, &profile[1], &mut values);
    let value = simplex::dot(&profile[0], &values);
    Ok(ZeroSumEquilibrium { profile, value })
}

/// What `player` gets by `own` against `other`.
fn payoff(game: &BimatrixGame, player: usize, own: usize, other: usize) -> f64 {
    if player == 0 {
        game.payoff(0, own, other)
    } else {
        game.payoff(1, other, own)
    }
}

fn maximin(game: &BimatrixGame, player: usize) -> Result<Vec<f64>, SolverError> {
    let (own, other) = (game.actions()[player], game.actions()[1 - player]);
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let value = problem.add_var(1.0, (f64::NEG_INFINITY, f64::INFINITY));
    let policy: Vec<_> = (0..own).map(|_| problem.add_var(0.0, (0.0, 1.0))).collect();
    let ones: Vec<_> = policy.iter().map(|&p| (p, 1.0)).collect();
    problem.add_constraint(&ones, ComparisonOp::Eq, 1.0);
    for reply in 0..other {
        let mut row = vec![(value, -1.0)];
        for (action, &p) in policy.iter().enumerate() {
            let paid = payoff(game, player, action, reply);
            if paid != 0.0 {
                row.push((p, paid));
            }
        }
        problem.add_constraint(&row, ComparisonOp::Ge, 0.0);
    }
    let failed = |reason: String| SolverError::LinearProgram {
        rows: own,
        columns: other,
        reason,
    };
    let solution = problem
        .solve()
        .map_err(|e| failed(e.to_string()))?
        .into_solution()
        .map_err(|_| failed("it was stopped".into()))?;
    let mut found: Vec<f64> = policy
        .iter()
        .map(|&p| solution.var_value(p).max(0.0))
        .collect();
    simplex::normalise(&mut found);
    Ok(found)
}

/// Where both supports are of one size, makes everyone in them exactly indifferent.
fn polish(game: &BimatrixGame, profile: &[Vec<f64>; 2]) -> Option<[Vec<f64>; 2]> {
    let support = |policy: &[f64]| -> Vec<usize> {
        (0..policy.len())
            .filter(|&i| policy[i] > NEGLIGIBLE)
            .collect()
    };
    let supports = [support(&profile[0]), support(&profile[1])];
    if supports[0].len() != supports[1].len() {
        return None;
    }
    let n = supports[0].len() + 1;
    let mut exact = [vec![0.0; profile[0].len()], vec![0.0; profile[1].len()]];
    for player in 0..2 {
        // Unknown are the policy on its support and the value.
        let (mine, theirs) = (&supports[player], &supports[1 - player]);
        let mut system = vec![0.0; n * n];
        let mut right = vec![0.0; n];
        for (row, &reply) in theirs.iter().enumerate() {
            for (column, &action) in mine.iter().enumerate() {
                system[row * n + column] = payoff(game, player, action, reply);
            }
            system[row * n + n - 1] = -1.0;
        }
        system[(n - 1) * n..n * n - 1].fill(1.0);
        right[n - 1] = 1.0;
        if !linear::solve(&mut system, &mut right) || right[..n - 1].iter().any(|p| *p < 0.0) {
            return None;
        }
        for (&action, &p) in mine.iter().zip(&right) {
            exact[player][action] = p;
        }
    }
    Some(exact)
}
