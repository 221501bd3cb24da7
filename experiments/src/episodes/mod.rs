//! The episode log: every observation, action, reward, flag and the origin of every logged episode.
//!
//! `TRIAL/episodes/` holds *segments*, Parquet files of some ten thousand steps each, and an index:
//!
//! ```text
//! train-000000.parquet       training episodes in the order in which they ended
//! eval-0000-000000.parquet   episodes of the first evaluation
//! index.parquet              one row per episode: where it is, how long, how it ended
//! *.tmp                      a segment that was being written when the program was killed
//! ```
//!
//! A segment has one row per step and one more per episode for the final observation, whose action, reward and
//! flags are null:
//!
//! | column | value |
//! |---|---|
//! | `episode`, `step` | number of the episode within its kind, step within the episode |
//! | `observation` | what the agent saw before the action; a list, or a plain value if it has one element |
//! | `action` | as the agent gave it |
//! | `reward` | of this action |
//! | `acted` | whether the player was to act, in games where that changes |
//! | `terminated`, `truncated` | whether the episode ended with this step |
//!
//! With several players, their columns carry the name: `PLAYER/action`. Fields of a composite space have a
//! column each: `observation/FIELD`. Types are exact, so what is read is what was written, bit for bit.
//!
//! Where an episode came from (row, lane, options, state carried over from earlier episodes) and how it ended
//! stands in the file's key-value metadata under `palaestra.episodes`, so a segment can be read alone. Under
//! `palaestra.seal` stand checksums of each column and of the rest: a single wrong byte is noticed, and its
//! place named.
//!
//! Segments are sealed after a fixed number of steps and never by time. So the files of two runs of the same
//! configuration are equal byte for byte, whatever the number of threads, and however often they were killed
//! and resumed.
//!
//! A step costs the run little more than a copy of what passes between simulator and agents
//! (`block`). A thread of its own puts the episodes together (`tracks`) and encodes segments (`segment`, `format`);
//! another writes them (`publisher`).

mod block;
mod catalog;
mod choice;
mod data;
mod error;
mod facts;
mod format;
mod id;
mod index;
mod layout;
mod listing;
mod log;
mod publisher;
mod read;
mod real;
mod recorder;
mod segment;
mod table;
#[cfg(test)]
mod tests;
mod tracks;
mod worker;

pub use choice::Choice;
pub use error::EpisodeError;
pub use facts::{Ending, EpisodeInfo, Part};
pub use id::{EpisodeId, EpisodeKind};
pub use layout::PlayerSpaces;
pub use log::EpisodeLog;
pub use read::{Episode, LoadedSegment, PlayerEpisode};
pub use recorder::Recorder;
