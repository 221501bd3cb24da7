//! Shuffled decks of cards, as cells.

use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::within;
use crate::{error::EnvError, stream::Stream};

/// Cards of one deck.
pub(super) const DECK_SIZE: usize = 52;

/// Most decks of a game.
const MOST_DECKS: usize = 64;

/// What is told apart about cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CardKind {
    /// Two colours.
    Colors,
    /// Four suits.
    Suits,
    /// Thirteen ranks.
    Ranks,
}

impl CardKind {
    /// Number of different values.
    pub(super) fn count(self) -> usize {
        match self {
            Self::Colors => 2,
            Self::Suits => 4,
            Self::Ranks => 13,
        }
    }

    /// The value as a character.
    pub(super) fn glyph(self, value: usize) -> char {
        let glyphs = match self {
            Self::Colors => "br",
            Self::Suits => "♠♦♣♥",
            Self::Ranks => "A23456789TJQK",
        };
        glyphs.chars().nth(value).unwrap_or('?')
    }
}

/// One or more decks, of whose cards one property matters. A cell holds a card's value of it; the first cell is dealt
/// first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deck {
    decks: usize,
    pub(super) kind: CardKind,
}

impl Deck {
    /// The cards of `decks` decks.
    ///
    /// # Errors
    /// [`EnvError::Argument`] about `decks` if there are none or too many.
    pub(super) fn new(decks: usize, kind: CardKind) -> Result<Self, EnvError> {
        let decks = within("decks", decks, 1..=MOST_DECKS)?;
        Ok(Self { decks, kind })
    }

    /// Number of cards.
    pub(super) fn len(self) -> usize {
        self.decks * DECK_SIZE
    }

    /// Number of cards of each value.
    pub(super) fn copies(self) -> usize {
        self.len() / self.kind.count()
    }

    /// All cards in an order drawn uniformly (Fisher and Yates, after Durstenfeld 1964).
    pub(super) fn shuffle(self, cells: &mut [u16], rng: &mut Stream) {
        let kinds = self.kind.count();
        for (i, cell) in cells.iter_mut().enumerate() {
            *cell = (i % kinds) as u16;
        }
        for i in (1..cells.len() as u32).rev() {
            cells.swap(i as usize, rng.random_range(0..=i) as usize);
        }
    }

    /// Whether these can be the cards of this deck.
    pub(super) fn valid(self, cells: &[u16]) -> bool {
        cells.iter().all(|&c| usize::from(c) < self.kind.count())
    }

    /// The cards dealt after `time` steps, the last dozen of them, in a line.
    pub(super) fn picture(self, cells: &[u16], time: usize) -> String {
        const SHOWN: usize = 12;
        let dealt = (time + 1).min(self.len());
        let first = dealt.saturating_sub(SHOWN);
        let cards = cells[first..dealt].iter();
        let cards: Vec<String> = cards
            .map(|&c| self.kind.glyph(usize::from(c)).to_string())
            .collect();
        let before = if first > 0 { "… " } else { "" };
        format!(
            "card {dealt} of {}: {before}{}",
            self.len(),
            cards.join(" ")
        )
    }
}

/// The card on the table after `time` steps; the last one stays there.
#[inline(always)]
pub(super) fn card(cells: &[u16], time: usize) -> u16 {
    cells[time.min(cells.len() - 1)]
}
