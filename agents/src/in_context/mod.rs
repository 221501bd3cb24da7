//! Agents that learn within an episode: a recurrent policy, trained over many, whose memory does the learning.
//!
//! *Lu, Schroecker, Gu, Parisotto, Foerster, Singh, Behbahani, Structured state space models for in-context reinforcement
//! learning, NeurIPS 2023, arXiv 2303.03982.*
//!
//! [`Ppo`] trains any sequence core of `palaestra_world_models` on any environment. What the published agent sees besides
//! the observation, its last action and a flag at the start, the wrapper `previous_action` of the environments adds, in the
//! published way or corrected (`flag_mode`).
//!
//! | file | |
//! |---|---|
//! | `ppo.rs`, `loss.rs` | the update; the loss of a minibatch and its gradient |
//! | `network.rs`, `distribution.rs` | encoder, core and heads; policies over actions |
//! | `rollout.rs`, `gae.rs` | what was experienced, minibatches of whole rows, advantages |
//! | `parameters.rs` | how parameters are saved |
//! | `agent.rs` | acting, and saving everything |
//! | `speed.rs` | what the parts cost, for benchmarks |

#![allow(
    clippy::doc_markdown,
    reason = "formulas stand in the papers' notation: r_t, V_{t+1}, L^CLIP"
)]

mod agent;
pub mod args;
pub mod distribution;
pub mod gae;
mod loss;
pub mod network;
mod parameters;
mod ppo;
mod report;
pub mod rollout;
pub mod speed;

pub use agent::Ppo;
pub use args::PpoArgs;
pub use palaestra_world_models::optimiser;
pub use ppo::Learner;

use crate::Registry;

/// Registers the agents of this family.
pub fn register(registry: &mut Registry) {
    let ppo = registry.register(
        agent::ID,
        "Proximal policy optimisation with a recurrent network (S5, GRU, …) that learns in context.",
        |context, args: PpoArgs| Ok(Box::new(Ppo::new(context, &args)?)),
    );
    ppo.speaks_by_numbers();
}
