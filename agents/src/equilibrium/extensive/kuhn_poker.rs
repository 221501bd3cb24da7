//! Kuhn poker as a tree, by the rules of the environment `kuhn_poker-v1`.

use palaestra_envs::games::Deal;

use super::{GameRules, Turn};

const CARDS: u8 = 3;

/// The rules of Kuhn poker. Information sets are named by the own card, 0 (jack) to 2 (king), and the actions so far:
/// `p` for pass and `b` for bet; actions are pass and bet.
#[derive(Debug, Clone, Copy, Default)]
pub struct KuhnPokerRules;

/// A position: nothing dealt, or the cards, the game and its actions.
#[derive(Debug, Clone)]
pub enum KuhnPosition {
    /// Before the deal.
    Start,
    /// After it.
    Dealt {
        /// Card of each player.
        cards: [u8; 2],
        /// The game.
        deal: Deal,
        /// The actions so far.
        line: String,
    },
}

/// The six deals.
fn deals() -> impl Iterator<Item = [u8; 2]> {
    (0..CARDS)
        .flat_map(|a| (0..CARDS).map(move |b| [a, b]))
        .filter(|[a, b]| a != b)
}

impl GameRules for KuhnPokerRules {
    type Node = KuhnPosition;

    fn name(&self) -> String {
        "kuhn_poker".into()
    }

    fn root(&self) -> KuhnPosition {
        KuhnPosition::Start
    }

    fn turn(&self, node: &KuhnPosition) -> Turn {
        let KuhnPosition::Dealt { cards, deal, line } = node else {
            let count = deals().count();
            return Turn::Chance(vec![1.0 / count as f64; count]);
        };
        match (deal.mover(), deal.gain()) {
            (Some(player), _) => Turn::Decision {
                player,
                key: format!("{}{line}", cards[player]),
                actions: 2,
            },
            (None, gain) => {
                let gain = f64::from(gain.unwrap_or_default());
                Turn::End([gain, -gain])
            }
        }
    }

    fn after(&self, node: &KuhnPosition, action: usize) -> KuhnPosition {
        match node {
            KuhnPosition::Start => {
                let cards = deals().nth(action).unwrap_or([0, 1]);
                KuhnPosition::Dealt {
                    cards,
                    deal: Deal::new(cards),
                    line: String::new(),
                }
            }
            KuhnPosition::Dealt { cards, deal, line } => KuhnPosition::Dealt {
                cards: *cards,
                deal: deal.after(action as u8),
                line: format!("{line}{}", if action == 0 { 'p' } else { 'b' }),
            },
        }
    }
}
