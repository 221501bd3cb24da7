//! Concentration: turn over two cards at a time and find the pairs.
//!
//! | | |
//! |---|---|
//! | observation | `MultiDiscrete([K + 1; N])`: value of each card that lies open or was just turned, K for the others; K = 2 colours or 13 ranks |
//! | action | `Discrete(N)`: the card to turn |
//! | reward | second card of a turn: +2/N if it is another card of the same value, both then stay open, else −2/T; a card that lies open already: −1/T for each card turned so far, and the turn is over; first card: 0 |
//! | end | termination when all N = 52 × `decks` cards lie open; truncation after T = ⌈2N − N/(2N − 1)⌉ steps |
//!
//! The two cards of a failed turn are seen once more after it, so an agent needs its last action to know which was
//! turned when.
//!
//! *Morad et al., `POPGym`, arXiv 2303.01859; rules from the released code (popgym 1.0.7).*

use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    args::{Difficulty, hidden},
    deck::{CardKind, Deck},
};
use crate::{
    error::EnvError,
    pomdp::cells::{CellGame, Turn},
    sim::EnvSpec,
    space::Space,
    stream::Stream,
};

/// Identifier.
pub(super) const ID: &str = "concentration-v0";
/// In one sentence.
pub(super) const SUMMARY: &str = "Turn over two cards at a time and find the pairs (POPGym).";

/// Marks a card that lies open for good.
const OPEN: u16 = 1 << 8;
const VALUE: u16 = OPEN - 1;

/// Arguments of [`Concentration`].
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConcentrationArgs {
    /// Sets `decks` to 1, 2, 1 and `kind` to colors, colors, ranks.
    pub difficulty: Difficulty,
    /// Decks of 52 cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decks: Option<usize>,
    /// What makes a pair; suits only with an even number of decks, as every card needs a partner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<CardKind>,
}

/// The game Concentration. Cells: the cards, then the numbers, from 1, of the first and the second card seen beside the
/// open ones (0 for none), then the number of open cards.
#[derive(Debug, Clone)]
pub struct Concentration {
    deck: Deck,
    /// T.
    steps: usize,
}

impl Concentration {
    /// The environment with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible number of decks.
    pub fn new(args: &ConcentrationArgs) -> Result<Self, EnvError> {
        use CardKind::{Colors, Ranks};
        let (decks, kind) = args.difficulty.pick([(1, Colors), (2, Colors), (1, Ranks)]);
        let deck = Deck::new(args.decks.unwrap_or(decks), args.kind.unwrap_or(kind))?;
        if deck.copies() % 2 == 1 {
            let message = format!(
                "{} cards of each suit leave one without a partner; choose an even number of decks",
                deck.copies()
            );
            return Err(EnvError::argument("kind", message));
        }
        let n = deck.len() as f64;
        let steps = (2.0 * n - n / (2.0 * n - 1.0)).ceil() as usize;
        Ok(Self { deck, steps })
    }
}

impl CellGame for Concentration {
    type Cell = u16;

    fn spec(&self) -> EnvSpec {
        let (n, kinds) = (self.deck.len(), self.deck.kind.count());
        let cards = hidden(
            "cards",
            n,
            0.0,
            kinds as f64 - 1.0,
            "Value of each card, open or not.",
        );
        EnvSpec {
            max_episode_steps: Some(self.steps as u32),
            reward_range: (-2.0 / self.steps as f64, 2.0 / n as f64),
            info: vec![cards],
            ..EnvSpec::single(
                ID,
                SUMMARY,
                Space::MultiDiscrete {
                    nvec: vec![kinds + 1; n],
                },
                Space::discrete(n),
            )
        }
    }

    fn cells(&self) -> usize {
        self.deck.len() + 3
    }

    fn start(&self, cells: &mut [u16], rng: &mut Stream) {
        let (cards, rest) = cells.split_at_mut(self.deck.len());
        self.deck.shuffle(cards, rng);
        rest.fill(0);
    }

    #[inline(always)]
    fn step(&self, cells: &mut [u16], turn: &Turn<'_>) -> (f32, bool) {
        let (cards, rest) = cells.split_at_mut(self.deck.len());
        let fee = (-1.0 / self.steps as f64) as f32;
        let second = turn.action[0] as usize;
        // A turn goes on if its first card was the last thing seen, and did not lie open.
        let first = match (rest[0], rest[1]) {
            (first, 0) if first > 0 && cards[usize::from(first) - 1] & OPEN == 0 => {
                Some(usize::from(first) - 1)
            }
            _ => None,
        };
        let seen = second as u16 + 1;
        (rest[0], rest[1]) = first.map_or((seen, 0), |first| (first as u16 + 1, seen));
        let reward = match first {
            first if cards[second] & OPEN != 0 => fee * if first.is_some() { 2.0 } else { 1.0 },
            None => 0.0,
            Some(first) if first != second && cards[first] == cards[second] => {
                cards[first] |= OPEN;
                cards[second] |= OPEN;
                rest[2] += 2;
                (2.0 / cards.len() as f64) as f32
            }
            Some(_) => fee * 2.0,
        };
        (reward, usize::from(rest[2]) == cards.len())
    }

    #[inline(always)]
    fn observe(&self, cells: &[u16], _: usize, out: &mut [i32]) {
        let (cards, rest) = cells.split_at(self.deck.len());
        let closed = self.deck.kind.count() as u16;
        for (out, &card) in out.iter_mut().zip(cards) {
            *out = i32::from(if card & OPEN != 0 {
                card & VALUE
            } else {
                closed
            });
        }
        for &seen in &rest[..2] {
            if seen > 0 {
                let at = usize::from(seen) - 1;
                out[at] = i32::from(cards[at] & VALUE);
            }
        }
    }

    fn tell(&self, cells: &[u16], _: usize, _: usize, out: &mut [f64]) {
        for (out, &card) in out.iter_mut().zip(cells) {
            *out = f64::from(card & VALUE);
        }
    }

    fn valid(&self, cells: &[u16]) -> bool {
        let (cards, rest) = cells.split_at(self.deck.len());
        let kinds = self.deck.kind.count();
        let known = |&card: &u16| card & !OPEN == card & VALUE && usize::from(card & VALUE) < kinds;
        cards.iter().all(known) && rest.iter().all(|&c| usize::from(c) <= cards.len())
    }

    fn render(&self, cells: &[u16], time: usize) -> String {
        const WIDTH: usize = 26;
        let (cards, rest) = cells.split_at(self.deck.len());
        let mut text = format!("step {time} of {}", self.steps);
        for (line, cards) in cards.chunks(WIDTH).enumerate() {
            text.push('\n');
            for (i, &card) in cards.iter().enumerate() {
                let seen = rest[..2].contains(&((line * WIDTH + i + 1) as u16));
                let glyph = if seen || card & OPEN != 0 {
                    self.deck.kind.glyph(usize::from(card & VALUE))
                } else {
                    '·'
                };
                let _ = write!(text, "{glyph}{}", if seen { '<' } else { ' ' });
            }
        }
        text
    }
}
