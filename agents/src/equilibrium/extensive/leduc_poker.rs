//! Leduc poker as a tree: Southey et al., *Bayes' Bluff: Opponent Modelling in Poker* (UAI 2005, arXiv 1207.1411).
//!
//! Six cards, three ranks twice; each player antes 1 and is dealt one. A round of betting with raises of 2, then a
//! public card and a round with raises of 4; two raises at most in each round, the first player begins both. Folding is
//! possible only when there is a raise to answer. Who pairs the public card wins, else the higher rank; equal ranks
//! share.

use super::{GameRules, Turn};

const CARDS: u8 = 6;
const RAISES: [i32; 2] = [2, 4];
const MOST_RAISES: u8 = 2;

/// The rules of Leduc poker. Information sets tell cards of equal rank apart, as OpenSpiel's do (936 of them). Actions
/// are fold, call and raise, where they are possible.
#[derive(Debug, Clone, Copy, Default)]
pub struct LeducPokerRules;

/// A position.
#[derive(Debug, Clone, Default)]
pub struct LeducPosition {
    /// Cards dealt, in order: first player's, second player's, public.
    cards: Vec<u8>,
    /// Chips put in by each player, the ante aside.
    bets: [i32; 2],
    round: usize,
    raises: u8,
    /// Calls since the last raise or the round's start.
    calls: u8,
    mover: usize,
    folded: Option<usize>,
    line: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    Fold,
    Call,
    Raise,
}

impl LeducPosition {
    fn moves(&self) -> impl Iterator<Item = Move> {
        let behind = self.bets[self.mover] < self.bets[1 - self.mover];
        [
            (Move::Fold, behind),
            (Move::Call, true),
            (Move::Raise, self.raises < MOST_RAISES),
        ]
        .into_iter()
        .filter_map(|(action, possible)| possible.then_some(action))
    }

    /// Whether both players have answered the last raise, or passed.
    fn round_over(&self) -> bool {
        self.calls == if self.raises == 0 { 2 } else { 1 }
    }

    /// Cards to deal before anyone acts.
    fn must_deal(&self) -> bool {
        self.cards.len() < 2 + self.round
    }

    fn left(&self) -> impl Iterator<Item = u8> {
        (0..CARDS).filter(|card| !self.cards.contains(card))
    }

    /// What the first player gains at the end.
    fn gain(&self) -> f64 {
        if let Some(player) = self.folded {
            let lost = f64::from(1 + self.bets[player]);
            return if player == 0 { -lost } else { lost };
        }
        let rank = |index: usize| self.cards[index] / 2;
        let strength = |player: usize| (rank(player) == rank(2), rank(player));
        let stake = f64::from(1 + self.bets[0]);
        match strength(0).cmp(&strength(1)) {
            std::cmp::Ordering::Greater => stake,
            std::cmp::Ordering::Less => -stake,
            std::cmp::Ordering::Equal => 0.0,
        }
    }
}

impl GameRules for LeducPokerRules {
    type Node = LeducPosition;

    fn name(&self) -> String {
        "leduc_poker".into()
    }

    fn root(&self) -> LeducPosition {
        LeducPosition::default()
    }

    fn turn(&self, node: &LeducPosition) -> Turn {
        if node.folded.is_some() || (node.round == 1 && node.round_over()) {
            let gain = node.gain();
            return Turn::End([gain, -gain]);
        }
        if node.must_deal() {
            let count = node.left().count();
            return Turn::Chance(vec![1.0 / count as f64; count]);
        }
        let public = match node.cards.get(2) {
            Some(card) => format!("{card}"),
            None => "-".into(),
        };
        Turn::Decision {
            player: node.mover,
            key: format!("{} {public} {}", node.cards[node.mover], node.line),
            actions: node.moves().count(),
        }
    }

    fn after(&self, node: &LeducPosition, action: usize) -> LeducPosition {
        let mut next = node.clone();
        if node.must_deal() {
            next.cards.extend(node.left().nth(action));
            return next;
        }
        let mover = node.mover;
        match node.moves().nth(action) {
            Some(Move::Fold) => {
                next.folded = Some(mover);
                next.line.push('f');
            }
            Some(Move::Raise) => {
                next.bets[mover] = node.bets[1 - mover] + RAISES[node.round];
                next.raises += 1;
                next.calls = 0;
                next.line.push('r');
            }
            _ => {
                next.bets[mover] = node.bets[1 - mover];
                next.calls += 1;
                next.line.push('c');
            }
        }
        next.mover = 1 - mover;
        if next.round_over() && next.round == 0 && next.folded.is_none() {
            next.round = 1;
            next.raises = 0;
            next.calls = 0;
            next.mover = 0;
            next.line.push('/');
        }
        next
    }
}
