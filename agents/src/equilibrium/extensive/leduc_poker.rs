//! Leduc poker as a tree, by the rules of the environment `leduc_poker-v1`.

use palaestra_envs::games::{LeducAction, LeducHand};

use super::{GameRules, Turn};

const CARDS: u8 = 6;

/// The rules of Leduc poker. Information sets tell cards of equal rank apart, as OpenSpiel's do (936 of them). They are
/// named by the own card and the public one, 0 to 5 (`-` while it is hidden), and the actions of each round: `f`, `c` and
/// `r` for fold, call and raise. Actions are those of the three that are possible. All cards are dealt at once, which
/// comes to the same, because nobody sees the public one before it is turned up.
#[derive(Debug, Clone, Copy, Default)]
pub struct LeducPokerRules;

/// The 120 deals.
fn deals() -> impl Iterator<Item = [u8; 3]> {
    (0..CARDS)
        .flat_map(|a| (0..CARDS).flat_map(move |b| (0..CARDS).map(move |c| [a, b, c])))
        .filter(|[a, b, c]| a != b && b != c && a != c)
}

fn possible(hand: LeducHand) -> impl Iterator<Item = LeducAction> {
    LeducAction::ALL
        .into_iter()
        .filter(move |&action| hand.allows(action))
}

fn letters(hand: LeducHand, round: usize) -> String {
    let letter = |action| match action {
        LeducAction::Fold => 'f',
        LeducAction::Call => 'c',
        LeducAction::Raise => 'r',
    };
    hand.line(round).map(letter).collect()
}

impl GameRules for LeducPokerRules {
    /// Nothing before the deal.
    type Node = Option<LeducHand>;

    fn name(&self) -> String {
        "leduc_poker".into()
    }

    fn root(&self) -> Option<LeducHand> {
        None
    }

    fn turn(&self, node: &Option<LeducHand>) -> Turn {
        let Some(hand) = *node else {
            let count = deals().count();
            return Turn::Chance(vec![1.0 / count as f64; count]);
        };
        let Some(player) = hand.mover() else {
            let gain = f64::from(hand.gain().unwrap_or_default());
            return Turn::End([gain, -gain]);
        };
        let cards = hand.cards();
        let key = if hand.round() == 0 {
            format!("{} - {}", cards[player], letters(hand, 0))
        } else {
            let (first, second) = (letters(hand, 0), letters(hand, 1));
            format!("{} {} {first}/{second}", cards[player], cards[2])
        };
        Turn::Decision {
            player,
            key,
            actions: possible(hand).count(),
        }
    }

    fn after(&self, node: &Option<LeducHand>, action: usize) -> Option<LeducHand> {
        match *node {
            None => deals().nth(action).map(LeducHand::new),
            Some(hand) => Some(possible(hand).nth(action).map_or(hand, |a| hand.after(a))),
        }
    }
}
