//! Repeat Previous: say the suit of the card dealt a while ago.
//!
//! | | |
//! |---|---|
//! | observation | `Discrete(4)`: suit of the card just dealt |
//! | action | `Discrete(4)`: suit |
//! | reward | ±1/(N − k) from the step on in which k cards have been dealt: whether it is the suit of the k-th last one, dealt k − 1 steps ago; 0 before |
//! | end | termination after N − 1 steps, when all N = 52 × `decks` cards are dealt |
//!
//! With `parity`, as in popjaxrl: the card dealt k steps ago counts, and there are N steps.
//!
//! *Morad et al., `POPGym`, arXiv 2303.01859; rules from the released code (popgym 1.0.7, and popjaxrl for `parity`).*

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    args::{Difficulty, answer, within},
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
pub(super) const ID: &str = "repeat_previous-v0";
/// In one sentence.
pub(super) const SUMMARY: &str =
    "Say the suit of the k-th last card, while others are dealt (POPGym).";

/// Arguments of [`RepeatPrevious`].
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RepeatPreviousArgs {
    /// Sets `decks` to 1, 2, 3 and `k` to 4, 32, 64.
    pub difficulty: Difficulty,
    /// Decks of 52 cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decks: Option<usize>,
    /// Which card counts, from the last one dealt, which is 1; less than the number of cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<usize>,
    /// Whether popjaxrl's deviations are kept.
    pub parity: bool,
}

/// The memory game Repeat Previous.
#[derive(Debug, Clone)]
pub struct RepeatPrevious {
    deck: Deck,
    k: usize,
    parity: bool,
}

impl RepeatPrevious {
    /// The environment with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible number of decks or `k`.
    pub fn new(args: &RepeatPreviousArgs) -> Result<Self, EnvError> {
        let (decks, k) = args.difficulty.pick([(1, 4), (2, 32), (3, 64)]);
        let deck = Deck::new(args.decks.unwrap_or(decks), CardKind::Suits)?;
        Ok(Self {
            deck,
            k: within("k", args.k.unwrap_or(k), 1..=deck.len() - 1)?,
            parity: args.parity,
        })
    }

    fn steps(&self) -> usize {
        self.deck.len() - usize::from(!self.parity)
    }

    fn scale(&self) -> f64 {
        1.0 / (self.deck.len() - self.k) as f64
    }

    /// The card that counts in the step after `time` others.
    #[inline(always)]
    fn target(&self, time: usize) -> Option<usize> {
        (time + usize::from(!self.parity)).checked_sub(self.k)
    }
}

impl CellGame for RepeatPrevious {
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
        let reward = self.target(turn.time).map_or(0.0, |target| {
            let right = turn.action[0] == i32::from(card(cells, target));
            if right { scale } else { -scale }
        });
        (reward, turn.time + 1 >= self.steps())
    }

    #[inline(always)]
    fn observe(&self, cells: &[u16], time: usize, out: &mut [i32]) {
        out[0] = i32::from(card(cells, time));
    }

    fn tell(&self, cells: &[u16], time: usize, _: usize, out: &mut [f64]) {
        let target = self.target(time).filter(|_| time < self.steps());
        out[0] = target.map_or(-1.0, |target| f64::from(card(cells, target)));
    }

    fn valid(&self, cells: &[u16]) -> bool {
        self.deck.valid(cells)
    }

    fn render(&self, cells: &[u16], time: usize) -> String {
        let target = self.target(time).filter(|_| time < self.steps());
        let target = target.map_or("no card counts now".to_owned(), |target| {
            let glyph = self.deck.kind.glyph(usize::from(card(cells, target)));
            format!("card {} counts, {glyph}", target + 1)
        });
        format!("{}\n{target}", self.deck.picture(cells, time))
    }
}
