//! Repeat First: say the suit of the first card at every step, while others are dealt.
//!
//! | | |
//! |---|---|
//! | observation | `Discrete(4)`: suit of the card just dealt |
//! | action | `Discrete(4)`: suit |
//! | reward | ±1/(N − 1): whether it is the suit of the first card |
//! | end | termination after N − 1 steps, when all N = 52 × `decks` cards are dealt |
//!
//! With `parity`: N steps, as in popjaxrl, so that the return can reach N/(N − 1); the last observation shows the first
//! card again.
//!
//! *Morad et al., `POPGym`, arXiv 2303.01859; rules from the released code (popgym 1.0.7, and popjaxrl for `parity`).*

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
pub(super) const ID: &str = "repeat_first-v0";
/// In one sentence.
pub(super) const SUMMARY: &str = "Say the suit of the first card at every step (POPGym).";

/// Arguments of [`RepeatFirst`].
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RepeatFirstArgs {
    /// Sets `decks` to 1, 8, 16.
    pub difficulty: Difficulty,
    /// Decks of 52 cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decks: Option<usize>,
    /// Whether popjaxrl's deviations are kept.
    pub parity: bool,
}

/// The memory game Repeat First.
#[derive(Debug, Clone)]
pub struct RepeatFirst {
    deck: Deck,
    parity: bool,
}

impl RepeatFirst {
    /// The environment with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible number of decks.
    pub fn new(args: &RepeatFirstArgs) -> Result<Self, EnvError> {
        let decks = args.difficulty.pick([1, 8, 16]);
        let deck = Deck::new(args.decks.unwrap_or(decks), CardKind::Suits)?;
        Ok(Self {
            deck,
            parity: args.parity,
        })
    }

    fn steps(&self) -> usize {
        self.deck.len() - usize::from(!self.parity)
    }

    fn scale(&self) -> f64 {
        1.0 / (self.deck.len() - 1) as f64
    }
}

impl CellGame for RepeatFirst {
    type Cell = u16;

    fn spec(&self) -> EnvSpec {
        EnvSpec {
            max_episode_steps: Some(self.steps() as u32),
            reward_range: (-self.scale(), self.scale()),
            info: vec![answer(4)],
            ..EnvSpec::single(ID, SUMMARY, Space::discrete(4), Space::discrete(4))
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
        let scale = self.scale() as f32;
        let right = turn.action[0] == i32::from(cells[0]);
        let reward = if right { scale } else { -scale };
        (reward, turn.time + 1 >= self.steps())
    }

    #[inline(always)]
    fn observe(&self, cells: &[u16], time: usize, out: &mut [i32]) {
        // Only with `parity` is there an observation after the last card.
        let shown = if time < cells.len() { time } else { 0 };
        out[0] = i32::from(cells[shown]);
    }

    fn tell(&self, cells: &[u16], time: usize, _: usize, out: &mut [f64]) {
        let over = time >= self.steps();
        out[0] = if over { -1.0 } else { f64::from(cells[0]) };
    }

    fn valid(&self, cells: &[u16]) -> bool {
        self.deck.valid(cells)
    }

    fn render(&self, cells: &[u16], time: usize) -> String {
        let first = self.deck.kind.glyph(usize::from(card(cells, 0)));
        format!("{}\nthe first was {first}", self.deck.picture(cells, time))
    }
}
