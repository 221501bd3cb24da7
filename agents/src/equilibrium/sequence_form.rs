//! Equilibria of zero-sum games in extensive form by linear programming over sequences: Koller, Megiddo and von Stengel,
//! *Fast Algorithms for Finding Randomized Strategies in Game Trees* (STOC 1994).
//!
//! A policy is written by how likely its player's own actions are to be taken together, which is linear in the payoffs.
//! Maximise what the other player's best response leaves, whose values stand for the dual. One program for each player;
//! fit for trees with up to a few thousand sequences.

use std::collections::BTreeMap;

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};

use super::{
    SolverError,
    extensive::{ExtensiveGame, Kind},
    simplex,
};

/// An equilibrium of a zero-sum game in extensive form.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtensiveEquilibrium {
    /// Action probabilities of all information sets; uniform in those that their player never lets happen.
    pub policy: Vec<f64>,
    /// What the first player gets.
    pub value: f64,
}

/// Solves a zero-sum game in extensive form.
///
/// # Errors
/// [`SolverError::Kind`] if it is not zero-sum, [`SolverError::LinearProgram`] if a program fails.
pub fn sequence_form(game: &ExtensiveGame) -> Result<ExtensiveEquilibrium, SolverError> {
    if !game.is_zero_sum() {
        return Err(SolverError::Kind {
            solver: "sequence-form program",
            needs: "zero-sum",
        });
    }
    let mut policy = vec![0.0; game.num_actions()];
    for player in 0..2 {
        maximin(game, player, &mut policy)?;
    }
    let value = game.value(&policy)[0];
    Ok(ExtensiveEquilibrium { policy, value })
}

/// The last action of a player on the way to a node; none before the first.
type Sequence = Option<usize>;

/// Payoffs to `player`, weighted by chance, by the other player's and the player's own last actions.
fn payoffs(game: &ExtensiveGame, player: usize) -> BTreeMap<(Sequence, Sequence), f64> {
    let mut found = BTreeMap::new();
    let mut ways: Vec<(f64, [Sequence; 2])> = vec![(1.0, [None; 2]); game.nodes.len()];
    for (index, node) in game.nodes.iter().enumerate() {
        let (chance, sequences) = ways[index];
        for (action, child) in node.children().enumerate() {
            let mut below = sequences;
            if let Kind::Decision(set) = node.kind {
                let set = &game.infosets()[set as usize];
                below[set.player] = Some(set.actions.start + action);
            }
            ways[child] = (chance * game.chance[child], below);
        }
        if node.kind == Kind::End {
            let key = (sequences[1 - player], sequences[player]);
            *found.entry(key).or_insert(0.0) += chance * game.gains[index][player];
        }
    }
    found
}

fn maximin(game: &ExtensiveGame, player: usize, policy: &mut [f64]) -> Result<(), SolverError> {
    let sets = game.infosets();
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let anything = (f64::NEG_INFINITY, f64::INFINITY);
    let root = problem.add_var(1.0, anything);
    // Weights of own actions, and values of the other player's information sets; each by its place.
    let mut weights: Vec<Option<Variable>> = vec![None; game.num_actions()];
    let mut values: Vec<Option<Variable>> = vec![None; sets.len()];
    for (index, set) in sets.iter().enumerate() {
        if set.player == player {
            for action in set.actions.clone() {
                weights[action] = Some(problem.add_var(0.0, (0.0, 1.0)));
            }
        } else {
            values[index] = Some(problem.add_var(0.0, anything));
        }
    }
    // What is done in a set is as likely as the action before it.
    for set in sets.iter().filter(|set| set.player == player) {
        let mut row: Vec<(Variable, f64)> = Vec::with_capacity(set.actions.len() + 1);
        row.extend(set.actions.clone().filter_map(|a| Some((weights[a]?, 1.0))));
        let before = set.before.and_then(|(action, _)| weights[action]);
        row.extend(before.map(|weight| (weight, -1.0)));
        let total = if before.is_some() { 0.0 } else { 1.0 };
        problem.add_constraint(&row, ComparisonOp::Eq, total);
    }
    // For each sequence of the other player: its set is worth no more than what follows it.
    let mut rows: BTreeMap<Sequence, (Vec<(Variable, f64)>, f64)> = BTreeMap::new();
    rows.insert(None, (vec![(root, 1.0)], 0.0));
    for (set, value) in sets.iter().zip(&values) {
        if let Some(value) = *value {
            for action in set.actions.clone() {
                rows.insert(Some(action), (vec![(value, 1.0)], 0.0));
            }
            let before = set.before.map(|(action, _)| action);
            if let Some((row, _)) = rows.get_mut(&before) {
                row.push((value, -1.0));
            }
        }
    }
    for ((theirs, mine), paid) in payoffs(game, player) {
        if let Some((row, known)) = rows.get_mut(&theirs) {
            match mine.and_then(|action| weights[action]) {
                Some(weight) => row.push((weight, -paid)),
                None => *known += paid,
            }
        }
    }
    for (row, known) in rows.into_values() {
        problem.add_constraint(&row, ComparisonOp::Le, known);
    }
    let failed = |reason: String| SolverError::LinearProgram {
        rows: weights.iter().flatten().count(),
        columns: values.iter().flatten().count(),
        reason,
    };
    let solution = problem
        .solve()
        .map_err(|e| failed(e.to_string()))?
        .into_solution()
        .map_err(|_| failed("it was stopped".into()))?;
    for set in sets.iter().filter(|set| set.player == player) {
        for action in set.actions.clone() {
            let weight = weights[action].map_or(0.0, |weight| solution.var_value(weight));
            // Below this it is the program's rounding.
            policy[action] = if weight > 1e-12 { weight } else { 0.0 };
        }
        simplex::normalise(&mut policy[set.actions.clone()]);
    }
    Ok(())
}
