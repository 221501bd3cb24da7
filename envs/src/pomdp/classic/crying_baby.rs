//! The crying baby: Kochenderfer, *Decision Making Under Uncertainty* (2015), as in POMDPModels.jl.
//!
//! A baby is full or hungry. A hungry baby costs 10 a step, feeding costs 5 and fills it; a full baby that is not fed
//! becomes hungry with probability 0.1. It cries with probability 0.8 if hungry and 0.1 if full. It starts full and
//! never ends.
//!
//! | γ | optimum | FIB | QMDP | blind |
//! |---|---|---|---|---|
//! | 0.9 | -16.305483 (2 vectors) | -16.071429 | -12.385321 | -47.368421 |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pomdp::{PomdpModel, check::names};

/// The crying baby and its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CryingBaby {
    /// Discount factor of planners, in `[0, 1]`.
    pub discount: f64,
}

impl Default for CryingBaby {
    fn default() -> Self {
        Self { discount: 0.9 }
    }
}

const FEED: usize = 1;
const HUNGRY: usize = 1;

impl PomdpModel for CryingBaby {
    fn states(&self) -> Vec<String> {
        names(&["full", "hungry"])
    }

    fn actions(&self) -> Vec<String> {
        names(&["nothing", "feed"])
    }

    fn observations(&self) -> Vec<String> {
        names(&["quiet", "cry"])
    }

    fn discount(&self) -> f64 {
        self.discount
    }

    fn start(&self) -> Vec<(usize, f64)> {
        vec![(0, 1.0)]
    }

    fn transition(&self, state: usize, action: usize) -> Vec<(usize, f64)> {
        match (state, action) {
            (_, FEED) => vec![(0, 1.0)],
            (HUNGRY, _) => vec![(HUNGRY, 1.0)],
            _ => vec![(0, 0.9), (HUNGRY, 0.1)],
        }
    }

    fn observation(&self, _action: usize, next: usize) -> Vec<(usize, f64)> {
        if next == HUNGRY {
            vec![(0, 0.2), (1, 0.8)]
        } else {
            vec![(0, 0.9), (1, 0.1)]
        }
    }

    fn reward(&self, state: usize, action: usize, _next: usize) -> f64 {
        let hungry = if state == HUNGRY { 10.0 } else { 0.0 };
        let fed = if action == FEED { 5.0 } else { 0.0 };
        0.0 - hungry - fed
    }
}
