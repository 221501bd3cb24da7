//! Backward induction: everyone does the best for themselves, from the last move to the first (Zermelo 1913).
//!
//! It solves games of perfect information, zero-sum or not: no player is anywhere in doubt about where in the tree it is.
//! Of equally good actions the first is taken.

use super::{
    SolverError,
    extensive::{ExtensiveGame, Kind},
    simplex,
};

/// A subgame-perfect equilibrium of a game of perfect information: the policy of both players, and what they gain.
///
/// # Errors
/// [`SolverError::Kind`] if a player does not always know where it is.
pub fn backward_induction(game: &ExtensiveGame) -> Result<(Vec<f64>, [f64; 2]), SolverError> {
    if game.infosets().iter().any(|set| set.members.len() > 1) {
        return Err(SolverError::Kind {
            solver: "backward induction",
            needs: "perfect-information",
        });
    }
    let mut policy = vec![0.0; game.num_actions()];
    let mut values = game.gains.clone();
    let mut own = Vec::new();
    for index in (0..game.nodes.len()).rev() {
        let node = game.nodes[index];
        match node.kind {
            Kind::End => {}
            Kind::Chance => {
                let mut sum = [0.0; 2];
                for child in node.children() {
                    for player in 0..2 {
                        sum[player] += game.chance[child] * values[child][player];
                    }
                }
                values[index] = sum;
            }
            Kind::Decision(set) => {
                let set = &game.infosets()[set as usize];
                own.clear();
                own.extend(node.children().map(|child| values[child][set.player]));
                let (action, _) = simplex::best(&own);
                policy[set.actions.start + action] = 1.0;
                values[index] = values[node.first as usize + action];
            }
        }
    }
    Ok((policy, values[0]))
}
