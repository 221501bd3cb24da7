//! Higher Lower: guess whether the next card's rank is higher or lower; who counts cards guesses better.
//!
//! | | |
//! |---|---|
//! | observation | `Discrete(13)`: rank of the card just dealt |
//! | action | `Discrete(2)`: 0 higher, 1 lower |
//! | reward | ±1/N; 0 if the ranks are equal |
//! | end | termination after N − 1 steps, N = 52 × `decks` |
//!
//! With `parity`, as in popjaxrl: N steps, of which the last compares the last card with itself and pays 0.
//!
//! *Morad et al., `POPGym`, arXiv 2303.01859; rules from the released code (popgym 1.0.7, and popjaxrl for `parity`).*

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    args::{Difficulty, hidden},
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
pub(super) const ID: &str = "higher_lower-v0";
/// In one sentence.
pub(super) const SUMMARY: &str = "Guess whether the next card is higher or lower (POPGym).";

/// Arguments of [`HigherLower`].
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HigherLowerArgs {
    /// Sets `decks` to 1, 2, 3.
    pub difficulty: Difficulty,
    /// Decks of 52 cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decks: Option<usize>,
    /// Whether popjaxrl's deviations are kept.
    pub parity: bool,
}

/// The guessing game Higher Lower.
#[derive(Debug, Clone)]
pub struct HigherLower {
    deck: Deck,
    parity: bool,
}

impl HigherLower {
    /// The environment with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible number of decks.
    pub fn new(args: &HigherLowerArgs) -> Result<Self, EnvError> {
        let decks = args.difficulty.pick([1, 2, 3]);
        let deck = Deck::new(args.decks.unwrap_or(decks), CardKind::Ranks)?;
        Ok(Self {
            deck,
            parity: args.parity,
        })
    }

    fn steps(&self) -> usize {
        self.deck.len() - usize::from(!self.parity)
    }
}

impl CellGame for HigherLower {
    type Cell = u16;

    fn spec(&self) -> EnvSpec {
        let scale = 1.0 / self.deck.len() as f64;
        let next = hidden(
            "next",
            1,
            -1.0,
            12.0,
            "Rank of the next card; -1 if there is none.",
        );
        EnvSpec {
            max_episode_steps: Some(self.steps() as u32),
            reward_range: (-scale, scale),
            info: vec![next],
            ..EnvSpec::single(ID, SUMMARY, Space::discrete(13), Space::discrete(2))
        }
    }

    fn cells(&self) -> usize {
        self.deck.len()
    }

    fn start(&self, cells: &mut [u16], rng: &mut Stream) {
        self.deck.shuffle(cells, rng);
    }

    #[inline(always)]
    fn step(&self, cells: &mut [u16], turn: &Turn<'_>) -> (f32, bool) {
        let scale = (1.0 / cells.len() as f64) as f32;
        let (now, next) = (card(cells, turn.time), card(cells, turn.time + 1));
        let reward = match next.cmp(&now) {
            Ordering::Equal => 0.0,
            order if (order == Ordering::Greater) == (turn.action[0] == 0) => scale,
            _ => -scale,
        };
        (reward, turn.time + 1 >= self.steps())
    }

    #[inline(always)]
    fn observe(&self, cells: &[u16], time: usize, out: &mut [i32]) {
        out[0] = i32::from(card(cells, time));
    }

    fn tell(&self, cells: &[u16], time: usize, _: usize, out: &mut [f64]) {
        out[0] = cells.get(time + 1).map_or(-1.0, |&next| f64::from(next));
    }

    fn valid(&self, cells: &[u16]) -> bool {
        self.deck.valid(cells)
    }

    fn render(&self, cells: &[u16], time: usize) -> String {
        let next = cells.get(time + 1).map_or("no card".to_owned(), |&next| {
            self.deck.kind.glyph(usize::from(next)).to_string()
        });
        format!("{}\nthen comes {next}", self.deck.picture(cells, time))
    }
}
