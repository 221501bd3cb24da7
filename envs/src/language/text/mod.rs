//! The games as they are played in words: prompts in, answers out, over the same rules as the games in numbers.
//!
//! | | |
//! |---|---|
//! | players | as of the game in numbers; one acts at a time |
//! | observation | `state`: the numbers of [`structured`](super::structured). `conversation`: a JSON list of `{"role", "content"}`, everything the seat has been told and has answered, as an endpoint for chats takes it. `expects`: what is due as JSON ([`Expected`](super::answer::Expected), `round`, `attempt` of `attempts`, the `grid` of offers, the `offer` that is to be decided on, the `names` of both players, the settings of the `game` that the seat knows, the hash of the `prompts`, a JSON `schema`), or null |
//! | action | a text: the answer in words, read by [`read`](super::answer::read()) |
//! | step | one attempt: an answer that is no move leaves the turn where it is, and the seat is told why |
//! | reward, end | as of the game in numbers; truncation where a seat gave up ([`resigned`](super::answer::resigned)) or, under `abort`, had no attempts left |
//! | model | [`InNumbers`]: the game in numbers |
//! | info | as of the game in numbers, NaN for games that were not ended by the rules; `invalid`, `fallbacks`, `stopped` |
//!
//! The two views of a seat hold the same information, so one game can be played by a policy over numbers and a model of
//! language. A message that is one of the [`templates`](super::templates) is seen as such in the numbers, any other as
//! silence (and what a seller says so as neither yes nor no). The rival's words stand in a prompt as a JSON string,
//! which cannot end before its end. Losses of time are told to both in each round after the first, the rival's only
//! under complete information. A new buyer's chat begins with it.
//!
//! *Anchor: GLEE, arXiv 2410.05254; the words are Palaestra's.*

mod args;
mod conversation;
mod haggling;
mod persuasion;
mod prompts;
mod spoken;

pub use args::{TextArgs, Wordable};
pub use conversation::{Line, Role};
pub use prompts::Prompts;
pub use spoken::{Grid, InNumbers, InWords, Spoken, Table};

use super::structured::{BargainingArgs, NegotiationArgs, PersuasionArgs};
use crate::{registry::Registry, sim::RowPlugin};

/// Longest answer, in characters.
pub const LONGEST_ANSWER: usize = 16_384;
/// Longest conversation, in characters: more than any game comes to.
const LONGEST_TEXT: usize = 2_000_000_000;

/// Registers the environments.
pub(super) fn register(registry: &mut Registry) {
    add::<BargainingArgs>(registry);
    add::<NegotiationArgs>(registry);
    add::<PersuasionArgs>(registry);
}

fn add<A>(registry: &mut Registry)
where
    A: Wordable + serde::Serialize + serde::de::DeserializeOwned + schemars::JsonSchema + 'static,
{
    registry.register(
        A::Game::ID,
        "language",
        A::Game::SUMMARY,
        |args: TextArgs<A>| Ok(Box::new(RowPlugin::new(args.build()?))),
    );
}
