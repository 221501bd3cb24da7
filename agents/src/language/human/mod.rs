//! A person as a player of games in words.
//!
//! *After the interfaces for people of GLEE (Shapira et al., arXiv 2410.05254).* The agent `human` puts what its seat is
//! told into a [`Turn`] and waits until a [`Person`] answers; how the person is asked, in a terminal or in a page, it
//! does not know. A turn is made of the seat's observation and of nothing else, so that whatever shows it cannot tell
//! what is hidden from the seat; the rival's words are in it as words, without what could move a terminal or turn the
//! direction of a text. When a game has ended there is an [`End`].

mod agent;
mod entry;
#[cfg(test)]
mod tests;
mod told;

use std::sync::{Arc, Mutex};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use agent::Human;
pub use entry::{Entry, answer, readable};
pub use told::{Amount, Asked, Choice, End, Line, Scores, Speaker, Turn, harmless};

use crate::Registry;

/// Identifier in the registry.
pub const ID: &str = "human";
const SUMMARY: &str = "A person in the terminal or in a web page, in games that are played in words: `palaestra play`.";

/// Arguments of `human`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HumanArgs {
    /// What the person is to agree to before the first game; empty for nothing.
    pub consent: String,
    /// Seconds for an answer, after which the seat gives its game up; 0 for no limit.
    pub limit_s: f64,
}

/// What a person gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An answer in words, whether it is a move or not.
    Words(String),
    /// Nothing within the time.
    Late,
    /// Nothing any more: the person has left.
    Left,
}

/// Somebody who is asked.
pub trait Person: Send {
    /// Shows what the seat is told, and waits for the answer.
    ///
    /// # Errors
    /// A sentence, if nobody can be asked.
    fn answer(&mut self, turn: &Turn) -> Result<Reply, String>;

    /// Shows how a game has ended, and waits until the person goes on to the next, if there is one. Gives whether
    /// there is still somebody.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    fn over(&mut self, end: &End) -> Result<bool, String>;
}

/// Where a person sits: who it is, and how many games are to be played.
#[derive(Clone)]
pub struct Chair {
    /// Who is asked.
    pub person: Arc<Mutex<dyn Person>>,
    /// Games.
    pub games: u64,
}

impl std::fmt::Debug for Chair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chair")
            .field("games", &self.games)
            .finish_non_exhaustive()
    }
}

/// Registers the agent with nobody to ask: it can be built, for what is done with runs, but not played.
pub fn register(registry: &mut Registry) {
    seat(registry, None);
}

/// Registers the agent with a person.
pub fn seat(registry: &mut Registry, chair: Option<Chair>) {
    let build = move |context: &crate::AgentContext, args: HumanArgs| {
        Ok(Box::new(Human::new(context, &args, chair.clone())?) as Box<dyn crate::Agent>)
    };
    let entry = registry.register(ID, SUMMARY, build);
    for field in ["efficiency", "fairness", "stopped"] {
        entry.wants_info(field, |_| true);
    }
}
