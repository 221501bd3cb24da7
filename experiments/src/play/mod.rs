//! A person plays: an experiment in which one seat's agent is `human`, as evaluation episodes of an ordinary run.
//!
//! [`Setting::of`] says what a file asks for; [`Terminal`] and [`Desk`] are the two ways to ask a person; [`Record`] is
//! the file of what was shown and entered, beside the run's episodes.

mod record;
mod setting;
mod terminal;
mod web;

pub use record::Record;
pub use setting::Setting;
pub(crate) use setting::has_person;
pub use terminal::{Input, Terminal, lines_of};
pub use web::{Desk, Site};
