//! Orders as words: the tokens and states that a model of order flow reads and writes.
//!
//! One order is one token, (type, price, size, interval) in 3 × 32 × 32 × 16 bins; beside it the model sees what the order met in
//! the book. From *MarS: a Financial Market Simulation Engine Powered by Generative Foundation Model* (arXiv 2409.07486).
//!
//! * [`BinConverter`]: numbers to bins of about equal weight, and back by drawing from what was seen.
//! * [`OrderToken`]: the four bins as one of 49,152 indices. [`Tokenizer`]: orders to tokens and back.
//! * [`OrderStates`]: a stream of orders to one [`OrderState`] each.

mod bins;
mod state;
#[cfg(test)]
mod tests;
mod token;

pub use bins::{BinConverter, BinError};
pub use state::{Observed, OrderState, OrderStates, SeenOrder};
pub use token::{Drawn, OrderKind, OrderToken, TOKENS, Tokenizer, TokenizerError};
