//! Files in Cassandra's `.pomdp` format, as read by pomdp-solve and SARSOP.
//!
//! ```text
//! file     := preamble start? spec*                                         # to the end of the line: a comment
//! preamble := discount: number    values: reward | cost
//!             states: count | names    actions: …    observations: …       in any order
//! start    := start: probabilities | uniform | states
//!             start include: states    start exclude: states               uniform over these, or the others
//! spec     := T: action : state : state' p   T: action : state row         T: action matrix | identity | uniform | reset
//!             O: action : state' : observation p   …                       as T, by the state arrived in
//!             R: action : state : state' : observation r   …               shorter forms take the rest as numbers
//! ```
//!
//! `reset` stands for the start, in a row too, which must be given before. `*` stands for all. Later entries override earlier ones; what is not given is 0. Indices from 0 may stand for names.
//! A missing `start` is uniform. Costs are negated. Rows must sum to 1 within 1e-5 and are divided by their sum, with a
//! warning, if that is more than rounding. A colon before the number of a whole entry, as POMDPFiles.jl writes it, is read over.
//!
//! ```
//! use palaestra_envs::pomdp::pomdp_file;
//!
//! let text = "discount: 0.5\nvalues: reward\nstates: 2\nactions: wait\nobservations: 1\n\
//!             T: wait identity\nO: * uniform\nR: wait : 1 : * : * 3\n";
//! let file = pomdp_file::read(text)?;
//! assert_eq!(file.model.reward(1, 0), 3.0);
//! assert_eq!(pomdp_file::read(&pomdp_file::write(&file.model))?.model, file.model);
//! # Ok::<(), pomdp_file::PomdpFileError>(())
//! ```

mod error;
mod lexer;
mod parser;
mod preamble;
mod rewards;
mod tables;
mod writer;

pub use error::{FileProblem, PomdpFileError};
pub use writer::write;

use super::Pomdp;

/// What a file says.
#[derive(Debug, Clone, PartialEq)]
pub struct PomdpFile {
    /// The model.
    pub model: Pomdp,
    /// What was put right in it, in whole sentences.
    pub warnings: Vec<String>,
}

/// Reads a model from the text of a file.
///
/// # Errors
/// [`PomdpFileError`] with line and column.
pub fn read(text: &str) -> Result<PomdpFile, PomdpFileError> {
    let file = parser::Parser::new(text).file();
    file.map_err(|fault| fault.in_text(text))
}

#[cfg(test)]
mod tests;
