//! Autoencode: watch all cards, then say their suits from the last to the first.
//!
//! | | |
//! |---|---|
//! | observation | `MultiDiscrete([2, 4])`: mode (1 watch, 0 play), suit of the card just dealt; in play the suit is always 0 |
//! | action | `Discrete(4)`: suit |
//! | reward | 0 in the N − 1 steps of watching, then ±1/N in N steps of play |
//! | end | termination after 2N − 1 steps, N = 52 × `decks` |
//!
//! The last card is shown with mode 0, as play begins with the answer to it.
//!
//! With `parity`, as in popjaxrl: nothing is shown while watching and the last card during all of play (its condition
//! is inverted); the observation is `MultiBinary(4)`, a suit one-hot or nothing, without a mode; watching takes N steps
//! and play N + 1, the last of which asks for the first card once more.
//!
//! Difference from `POPGym`: mode and suit are one `MultiDiscrete` vector, not a Tuple of two Discrete spaces.
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
pub(super) const ID: &str = "autoencode-v0";
/// In one sentence.
pub(super) const SUMMARY: &str = "Watch all cards, then say their suits in reverse order (POPGym).";

/// Arguments of [`Autoencode`].
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AutoencodeArgs {
    /// Sets `decks` to 1, 2, 3.
    pub difficulty: Difficulty,
    /// Decks of 52 cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decks: Option<usize>,
    /// Whether popjaxrl's deviations are kept.
    pub parity: bool,
}

/// The memory game Autoencode.
#[derive(Debug, Clone)]
pub struct Autoencode {
    deck: Deck,
    parity: bool,
}

impl Autoencode {
    /// The environment with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an impossible number of decks.
    pub fn new(args: &AutoencodeArgs) -> Result<Self, EnvError> {
        let decks = args.difficulty.pick([1, 2, 3]);
        let deck = Deck::new(args.decks.unwrap_or(decks), CardKind::Suits)?;
        Ok(Self {
            deck,
            parity: args.parity,
        })
    }

    /// Steps of watching.
    fn watching(&self) -> usize {
        self.deck.len() - usize::from(!self.parity)
    }

    fn steps(&self) -> usize {
        self.watching() + self.deck.len() + usize::from(self.parity)
    }

    /// The card asked for in the step after `time` others.
    #[inline(always)]
    fn target(&self, time: usize) -> Option<usize> {
        let played = time.checked_sub(self.watching())?;
        Some((self.deck.len() - 1).saturating_sub(played))
    }
}

impl CellGame for Autoencode {
    type Cell = u16;

    fn spec(&self) -> EnvSpec {
        let scale = 1.0 / self.deck.len() as f64;
        let observation = if self.parity {
            Space::MultiBinary {
                n: 4,
                min_ones: 0,
                max_ones: 1,
            }
        } else {
            Space::MultiDiscrete { nvec: vec![2, 4] }
        };
        EnvSpec {
            max_episode_steps: Some(self.steps() as u32),
            reward_range: (-scale, scale),
            info: vec![answer(4)],
            ..EnvSpec::single(ID, SUMMARY, observation, Space::discrete(4))
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
        let reward = self.target(turn.time).map_or(0.0, |target| {
            let right = turn.action[0] == i32::from(cells[target]);
            if right { scale } else { -scale }
        });
        (reward, turn.time + 1 >= self.steps())
    }

    #[inline(always)]
    fn observe(&self, cells: &[u16], time: usize, out: &mut [i32]) {
        if self.parity {
            let play = time >= cells.len();
            out[0] = if play {
                i32::from(card(cells, time))
            } else {
                4
            };
            return;
        }
        out[0] = i32::from(time < self.watching());
        out[1] = cells.get(time).map_or(0, |&suit| i32::from(suit));
    }

    fn tell(&self, cells: &[u16], time: usize, _: usize, out: &mut [f64]) {
        let target = self.target(time).filter(|_| time < self.steps());
        out[0] = target.map_or(-1.0, |target| f64::from(cells[target]));
    }

    fn valid(&self, cells: &[u16]) -> bool {
        self.deck.valid(cells)
    }

    fn render(&self, cells: &[u16], time: usize) -> String {
        let target = self.target(time).filter(|_| time < self.steps());
        let asked = match target {
            None if time < self.steps() => "watch".to_owned(),
            None => "over".to_owned(),
            Some(target) => {
                let glyph = self.deck.kind.glyph(usize::from(cells[target]));
                format!("play: card {} is asked for, {glyph}", target + 1)
            }
        };
        format!("{}\n{asked}", self.deck.picture(cells, time))
    }
}
