//! Text as moves: what preference learning does to sequences of tokens, and how sequences are searched.
//!
//! | module | system |
//! |---|---|
//! | [`token_mdp`] | token-level DPO: the soft Bellman equation with a reference policy |
//! | [`genarm`] | GenARM: decoding with an autoregressive reward model |
//! | [`rso`] | statistical rejection sampling |
//! | [`a_lol`] | advantage-leftover-lunch weights |
//! | [`rise`] | weights of improved attempts; answers from several turns |
//! | [`mc_nest`] | Monte Carlo self-refinement |
//! | [`diverse_beam_search`] | beam search in groups that avoid each other |
//!
//! No language model is called here: whoever has one hands in logarithms of probabilities, scores or refinements.

pub mod a_lol;
pub mod diverse_beam_search;
pub mod genarm;
pub mod mc_nest;
pub mod rise;
pub mod rso;
pub mod token_mdp;
