//! Best responses and NashConv of extensive games.
//!
//! Bottom-up over the responder's information sets: positions weigh as much as chance and the other player make them
//! likely, and an action is worth the sum over the positions. Perfect recall, which the tree guarantees, makes later
//! sets independent of how earlier ones are decided.

use super::extensive::{ExtensiveGame, Kind};

/// Buffers for best responses in one game.
#[derive(Debug, Clone, Default)]
pub struct BestResponse {
    reach: Vec<f64>,
    /// For nodes of the responder what they are worth, weighted; arbitrary elsewhere.
    worth: Vec<f64>,
    /// For each information set of the responder the best action.
    choices: Vec<usize>,
}

impl BestResponse {
    /// What `player` can gain at most against the other player's part of `policy`. Of equally good actions the first
    /// counts as best.
    pub fn value(&mut self, game: &ExtensiveGame, player: usize, policy: &[f64]) -> f64 {
        self.reach.resize(game.len(), 0.0);
        self.worth.resize(game.len(), 0.0);
        self.choices.resize(game.infosets().len(), 0);
        game.reach_without(player, policy, &mut self.reach);
        for (index, set) in game.infosets().iter().enumerate().rev() {
            if set.player != player {
                continue;
            }
            let mut best = (0, f64::NEG_INFINITY);
            for action in 0..set.actions.len() {
                let mut sum = 0.0;
                for &member in &set.members {
                    let child = game.nodes[member as usize].first as usize + action;
                    sum += self.worth_of(game, player, child);
                }
                if sum > best.1 {
                    best = (action, sum);
                }
            }
            self.choices[index] = best.0;
            for &member in &set.members {
                let child = game.nodes[member as usize].first as usize + best.0;
                self.worth[member as usize] = self.worth_of(game, player, child);
            }
        }
        self.worth_of(game, player, 0)
    }

    /// Weighted worth of a node whose own later information sets are decided.
    fn worth_of(&self, game: &ExtensiveGame, player: usize, index: usize) -> f64 {
        let node = game.nodes[index];
        match node.kind {
            Kind::End => self.reach[index] * game.gains[index][player],
            Kind::Decision(set) if game.infosets()[set as usize].player == player => {
                self.worth[index]
            }
            Kind::Chance | Kind::Decision(_) => node
                .children()
                .map(|child| self.worth_of(game, player, child))
                .sum(),
        }
    }

    /// For each information set the best action that the last call of [`value`](Self::value) found; arbitrary for
    /// sets of the other player.
    pub fn choices(&self) -> &[usize] {
        &self.choices
    }

    /// What both players together could gain by responding best: 0 iff `policy` is a Nash equilibrium. Exploitability
    /// in zero-sum games of two players is half of it.
    pub fn nash_conv(&mut self, game: &ExtensiveGame, policy: &[f64]) -> f64 {
        let values = game.value(policy);
        (0..2)
            .map(|player| self.value(game, player, policy) - values[player])
            .sum()
    }
}
