//! Count Recall: say how often a card has been dealt.
//!
//! At every step one card is dealt, and another, from a second deck, is asked about.
//!
//! | | |
//! |---|---|
//! | observation | `MultiDiscrete([K, K])`: value dealt, value asked about; K = 2 colours, 4 suits or 13 ranks |
//! | action | `Discrete(N/K + 1)`: how often the value asked about has been dealt so far, the card just dealt included |
//! | reward | ±1/(N − 1) |
//! | end | termination after N − 1 steps, N = 52 × `decks` |
//!
//! With `parity`, as in popjaxrl: the action is `Discrete(2)`, so that most counts cannot be said; the card just dealt
//! does not count; N steps that pay ±1/N.
//!
//! *Morad et al., `POPGym`, arXiv 2303.01859; rules from the released code (popgym 1.0.7, and popjaxrl for `parity`).*

use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    args::{Difficulty, answer},
    deck::{CardKind, Deck, card},
};
use crate::{
    error::EnvError,
    pomdp::cells::{CellGame, Turn},
    sim::EnvSpec,
    space::Space,
    stream::Stream,
};

/// Identifier.
pub(super) const ID: &str = "count_recall-v0";
/// In one sentence.
pub(super) const SUMMARY: &str = "Say how often the card asked about has been dealt (POPGym).";

/// Arguments of [`CountRecall`].
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CountRecallArgs {
    /// Sets `decks` to 1, 2, 4 and `kind` to colors, suits, ranks.
    pub difficulty: Difficulty,
    /// Decks of 52 cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decks: Option<usize>,
    /// What is told apart about the cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<CardKind>,
    /// Whether popjaxrl's deviations are kept.
    pub parity: bool,
}

/// The memory game Count Recall. Cells: values dealt, values asked about, and the counts after the card on the table.
#[derive(Debug, Clone)]
pub struct CountRecall {
    deck: Deck,
    parity: bool,
}

/// The three parts of the cells.
struct Parts<'a> {
    values: &'a [u16],
    queries: &'a [u16],
    counts: &'a [u16],
}

impl CountRecall {
    /// The environment with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible number of decks.
    pub fn new(args: &CountRecallArgs) -> Result<Self, EnvError> {
        use CardKind::{Colors, Ranks, Suits};
        let (decks, kind) = args.difficulty.pick([(1, Colors), (2, Suits), (4, Ranks)]);
        let deck = Deck::new(args.decks.unwrap_or(decks), args.kind.unwrap_or(kind))?;
        Ok(Self {
            deck,
            parity: args.parity,
        })
    }

    fn steps(&self) -> usize {
        self.deck.len() - usize::from(!self.parity)
    }

    fn scale(&self) -> f64 {
        1.0 / self.steps() as f64
    }

    #[inline(always)]
    fn parts<'a>(&self, cells: &'a [u16]) -> Parts<'a> {
        let (values, rest) = cells.split_at(self.deck.len());
        let (queries, counts) = rest.split_at(self.deck.len());
        Parts {
            values,
            queries,
            counts,
        }
    }

    /// The count asked for after `time` steps.
    #[inline(always)]
    fn asked(&self, parts: &Parts<'_>, time: usize) -> u16 {
        let query = card(parts.queries, time);
        let count = parts.counts[usize::from(query)];
        let just_dealt = self.parity && card(parts.values, time) == query;
        count.saturating_sub(u16::from(just_dealt))
    }
}

impl CellGame for CountRecall {
    type Cell = u16;

    fn spec(&self) -> EnvSpec {
        let kinds = self.deck.kind.count();
        let most = self.deck.copies();
        let choices = if self.parity { 2 } else { most + 1 };
        EnvSpec {
            max_episode_steps: Some(self.steps() as u32),
            reward_range: (-self.scale(), self.scale()),
            // With `parity` the answer may be none of the actions.
            info: vec![answer(most + 1)],
            ..EnvSpec::single(
                ID,
                SUMMARY,
                Space::MultiDiscrete {
                    nvec: vec![kinds, kinds],
                },
                Space::discrete(choices),
            )
        }
    }

    fn cells(&self) -> usize {
        2 * self.deck.len() + self.deck.kind.count()
    }

    fn start(&self, cells: &mut [u16], rng: &mut Stream) {
        let (values, rest) = cells.split_at_mut(self.deck.len());
        let (queries, counts) = rest.split_at_mut(self.deck.len());
        self.deck.shuffle(values, rng);
        self.deck.shuffle(queries, rng);
        counts.fill(0);
        counts[usize::from(values[0])] = 1;
    }

    #[inline(always)]
    fn step(&self, cells: &mut [u16], turn: &Turn<'_>) -> (f32, bool) {
        let scale = self.scale() as f32;
        let right = turn.action[0] == i32::from(self.asked(&self.parts(cells), turn.time));
        // The next card goes on the table.
        let next = turn.time + 1;
        if next < self.deck.len() {
            let at = 2 * self.deck.len() + usize::from(cells[next]);
            cells[at] += 1;
        }
        (if right { scale } else { -scale }, next >= self.steps())
    }

    #[inline(always)]
    fn observe(&self, cells: &[u16], time: usize, out: &mut [i32]) {
        let parts = self.parts(cells);
        out[0] = i32::from(card(parts.values, time));
        out[1] = i32::from(card(parts.queries, time));
    }

    fn tell(&self, cells: &[u16], time: usize, _: usize, out: &mut [f64]) {
        let over = time >= self.steps();
        out[0] = if over {
            -1.0
        } else {
            f64::from(self.asked(&self.parts(cells), time))
        };
    }

    fn valid(&self, cells: &[u16]) -> bool {
        let (cards, counts) = cells.split_at(2 * self.deck.len());
        let most = self.deck.copies();
        self.deck.valid(cards) && counts.iter().all(|&c| usize::from(c) <= most)
    }

    fn render(&self, cells: &[u16], time: usize) -> String {
        let parts = self.parts(cells);
        let query = usize::from(card(parts.queries, time));
        let mut text = self.deck.picture(parts.values, time);
        let _ = write!(text, "\nhow many {}?", self.deck.kind.glyph(query));
        if time < self.steps() {
            let _ = write!(text, " {}", self.asked(&parts, time));
        }
        text
    }
}
