//! Extensive games of two players: trees with chance, information sets and perfect recall.
//!
//! A game is written as [`GameRules`] and unrolled once into flat arrays, in which solvers run without recursion or
//! allocation: nodes breadth first, so that parents come before children and siblings lie side by side; information
//! sets in the order in which they are met, so that a player's earlier sets come before later ones.
//!
//! A policy of both players is one vector: the action probabilities of each information set, one set after the other
//! (see [`InfoSet::actions`]).

mod glee;
mod kuhn_poker;
mod leduc_poker;

use std::{collections::HashMap, ops::Range};

pub use glee::{BargainingRules, NegotiationRules, PersuasionRules};
pub use kuhn_poker::KuhnPokerRules;
pub use leduc_poker::LeducPokerRules;

use super::GameError;

/// Trees larger than this are refused.
const MOST_NODES: usize = 20_000_000;

/// Whose turn it is at a node.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// Nature's: the probabilities of its outcomes.
    Chance(Vec<f64>),
    /// A player's.
    Decision {
        /// 0 or 1.
        player: usize,
        /// What the player knows, in words that are unique among that player's information sets.
        key: String,
        /// Number of actions.
        actions: usize,
    },
    /// The game is over: what each player gains.
    End([f64; 2]),
}

/// The rules of an extensive game.
pub trait GameRules {
    /// A position, with everything that has happened.
    type Node;

    /// The game's name.
    fn name(&self) -> String;

    /// The first position.
    fn root(&self) -> Self::Node;

    /// Whose turn it is.
    fn turn(&self, node: &Self::Node) -> Turn;

    /// The position after an action or an outcome of chance.
    fn after(&self, node: &Self::Node, action: usize) -> Self::Node;
}

/// What happens at a node of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Chance,
    /// In this information set.
    Decision(u32),
    End,
}

/// A node; its children are the nodes `first .. first + count`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) first: u32,
    pub(super) count: u32,
}

impl Node {
    pub(super) fn children(self) -> Range<usize> {
        self.first as usize..(self.first + self.count) as usize
    }
}

/// An information set: positions that its player cannot tell apart.
#[derive(Debug, Clone, PartialEq)]
pub struct InfoSet {
    /// Its player, 0 or 1.
    pub player: usize,
    /// What the player knows.
    pub key: String,
    /// Where its action probabilities are in a policy.
    pub actions: Range<usize>,
    /// The player's set and action before it, if any: the place of that action in a policy, and the set.
    pub(super) before: Option<(usize, usize)>,
    /// Nodes that belong to it.
    pub(super) members: Vec<u32>,
}

/// An extensive game, unrolled.
#[derive(Debug, Clone)]
pub struct ExtensiveGame {
    name: String,
    pub(super) nodes: Vec<Node>,
    /// For each node the probability of the outcome of chance that leads to it; 1 after a player's action.
    pub(super) chance: Vec<f64>,
    /// For each node what the players gain there; 0 unless the game is over.
    pub(super) gains: Vec<[f64; 2]>,
    infosets: Vec<InfoSet>,
    actions: usize,
}

impl ExtensiveGame {
    /// Unrolls a game.
    ///
    /// # Errors
    /// [`GameError::Tree`] if probabilities of chance do not sum to 1, gains are not finite, positions of one
    /// information set differ in their actions or in what their player did before (perfect recall), or the tree is
    /// too large.
    pub fn build<R: GameRules>(rules: &R) -> Result<Self, GameError> {
        let mut game = Self {
            name: rules.name(),
            nodes: Vec::new(),
            chance: vec![1.0],
            gains: Vec::new(),
            infosets: Vec::new(),
            actions: 0,
        };
        let mut known: HashMap<(usize, String), usize> = HashMap::new();
        // Positions in the order of their nodes, each with the last set and action of both players.
        let mut positions = vec![(rules.root(), [None; 2])];
        let mut level = 0;
        while !positions.is_empty() {
            let mut next = Vec::new();
            let mut free = level + positions.len();
            for (position, before) in &positions {
                let first = free as u32;
                let (kind, count) = match rules.turn(position) {
                    Turn::Chance(outcomes) => {
                        let sum: f64 = outcomes.iter().sum();
                        let proper = outcomes.iter().all(|p| *p >= 0.0);
                        if !proper || (sum - 1.0).abs() > 1e-9 {
                            let reason =
                                format!("outcomes of chance have probabilities {outcomes:?}");
                            return Err(game.wrong(reason));
                        }
                        game.chance.extend(&outcomes);
                        (Kind::Chance, outcomes.len())
                    }
                    Turn::Decision {
                        player,
                        key,
                        actions,
                    } => {
                        if player > 1 || actions == 0 {
                            let reason =
                                format!("player {player} has {actions} actions in `{key}`");
                            return Err(game.wrong(reason));
                        }
                        let set = *known.entry((player, key)).or_insert_with_key(|(_, key)| {
                            game.infosets.push(InfoSet {
                                player,
                                key: key.clone(),
                                actions: game.actions..game.actions + actions,
                                before: before[player],
                                members: Vec::new(),
                            });
                            game.actions += actions;
                            game.infosets.len() - 1
                        });
                        let found = &mut game.infosets[set];
                        if found.actions.len() != actions || found.before != before[player] {
                            let reason = format!(
                                "positions in `{}` of player {player} differ in their actions or in what the player did before",
                                found.key
                            );
                            return Err(game.wrong(reason));
                        }
                        found.members.push(game.nodes.len() as u32);
                        game.chance.extend(std::iter::repeat_n(1.0, actions));
                        (Kind::Decision(set as u32), actions)
                    }
                    Turn::End(_) => (Kind::End, 0),
                };
                let mut gain = [0.0; 2];
                if let Turn::End(paid) = rules.turn(position) {
                    if !paid.iter().all(|g| g.is_finite()) {
                        return Err(game.wrong(format!("an end pays {paid:?}")));
                    }
                    gain = paid;
                }
                game.gains.push(gain);
                game.nodes.push(Node {
                    kind,
                    first,
                    count: count as u32,
                });
                for action in 0..count {
                    let mut before = *before;
                    if let Kind::Decision(set) = kind {
                        let set = set as usize;
                        let infoset = &game.infosets[set];
                        before[infoset.player] = Some((infoset.actions.start + action, set));
                    }
                    next.push((rules.after(position, action), before));
                }
                free += count;
            }
            level += positions.len();
            if level + next.len() > MOST_NODES {
                return Err(game.wrong(format!("the tree has more than {MOST_NODES} nodes")));
            }
            positions = next;
        }
        Ok(game)
    }

    fn wrong(&self, reason: String) -> GameError {
        GameError::Tree {
            game: self.name.clone(),
            reason,
        }
    }

    /// Kuhn poker.
    ///
    /// # Errors
    /// Never; the rules are known to be right.
    pub fn kuhn_poker() -> Result<Self, GameError> {
        Self::build(&KuhnPokerRules)
    }

    /// Leduc poker.
    ///
    /// # Errors
    /// Never; the rules are known to be right.
    pub fn leduc_poker() -> Result<Self, GameError> {
        Self::build(&LeducPokerRules)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of nodes, ends included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no nodes; never so for a game that was built.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The information sets of both players, in the order of a policy.
    pub fn infosets(&self) -> &[InfoSet] {
        &self.infosets
    }

    /// Length of a policy.
    pub fn num_actions(&self) -> usize {
        self.actions
    }

    /// Every action equally likely.
    pub fn uniform(&self) -> Vec<f64> {
        let mut policy = vec![0.0; self.actions];
        for set in &self.infosets {
            policy[set.actions.clone()].fill(1.0 / set.actions.len() as f64);
        }
        policy
    }

    /// Whether the gains of both players cancel at every end.
    pub fn is_zero_sum(&self) -> bool {
        self.gains.iter().all(|[a, b]| (a + b).abs() < 1e-9)
    }

    /// What each player expects to gain under `policy`.
    pub fn value(&self, policy: &[f64]) -> [f64; 2] {
        let mut values = self.gains.clone();
        for index in (0..self.nodes.len()).rev() {
            let node = self.nodes[index];
            let weights = match node.kind {
                Kind::End => continue,
                Kind::Chance => &self.chance[node.children()],
                Kind::Decision(set) => &policy[self.infosets[set as usize].actions.clone()],
            };
            let mut sum = [0.0; 2];
            for (w, v) in weights.iter().zip(&values[node.children()]) {
                sum[0] += w * v[0];
                sum[1] += w * v[1];
            }
            values[index] = sum;
        }
        values[0]
    }

    /// Writes, for each node, how likely chance and the other player are to lead to it under `policy`.
    pub(super) fn reach_without(&self, player: usize, policy: &[f64], reach: &mut [f64]) {
        reach[0] = 1.0;
        for index in 0..self.nodes.len() {
            let (node, here) = (self.nodes[index], reach[index]);
            match node.kind {
                Kind::End => {}
                Kind::Chance => {
                    for child in node.children() {
                        reach[child] = here * self.chance[child];
                    }
                }
                Kind::Decision(set) => {
                    let set = &self.infosets[set as usize];
                    if set.player == player {
                        reach[node.children()].fill(here);
                    } else {
                        let probabilities = &policy[set.actions.clone()];
                        for (r, p) in reach[node.children()].iter_mut().zip(probabilities) {
                            *r = here * p;
                        }
                    }
                }
            }
        }
    }

    /// Writes, for each information set of `player`, how likely the player's own actions are to lead to it.
    pub(super) fn own_reach(&self, player: usize, policy: &[f64], reach: &mut [f64]) {
        for (index, set) in self.infosets.iter().enumerate() {
            if set.player == player {
                reach[index] = set
                    .before
                    .map_or(1.0, |(action, earlier)| reach[earlier] * policy[action]);
            }
        }
    }
}
