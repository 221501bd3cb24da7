//! The tiger problem: Kaelbling, Littman, Cassandra, *Planning and Acting in Partially Observable Stochastic
//! Domains*, Artificial Intelligence 101 (1998).
//!
//! A tiger waits behind one of two doors, a treasure behind the other. Listening costs 1 and tells the tiger's side
//! with probability 0.85; opening a door pays +10 or -100, after which the tiger is placed anew and the observation
//! tells nothing. It never ends.
//!
//! | γ | optimum at the uniform belief | FIB | QMDP | MDP | blind |
//! |---|---|---|---|---|---|
//! | 0.95 | 19.371368 (9 vectors) | 87.179487 | 189 | 200 | -20 |
//! | 0.75 | 1.933439 | 14.857143 | 29 | 40 | -4 |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pomdp::{PomdpModel, check::names};

/// The tiger problem and its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tiger {
    /// Discount factor of planners, in `[0, 1]`.
    pub discount: f64,
    /// Probability of hearing the tiger where it is.
    pub accuracy: f64,
}

impl Default for Tiger {
    fn default() -> Self {
        Self {
            discount: 0.95,
            accuracy: 0.85,
        }
    }
}

const LISTEN: usize = 0;

impl PomdpModel for Tiger {
    fn states(&self) -> Vec<String> {
        names(&["tiger-left", "tiger-right"])
    }

    fn actions(&self) -> Vec<String> {
        names(&["listen", "open-left", "open-right"])
    }

    fn observations(&self) -> Vec<String> {
        names(&["obs-left", "obs-right"])
    }

    fn discount(&self) -> f64 {
        self.discount
    }

    fn start(&self) -> Vec<(usize, f64)> {
        vec![(0, 0.5), (1, 0.5)]
    }

    fn transition(&self, state: usize, action: usize) -> Vec<(usize, f64)> {
        if action == LISTEN {
            vec![(state, 1.0)]
        } else {
            self.start()
        }
    }

    fn observation(&self, action: usize, next: usize) -> Vec<(usize, f64)> {
        if action == LISTEN {
            vec![(next, self.accuracy), (1 - next, 1.0 - self.accuracy)]
        } else {
            vec![(0, 0.5), (1, 0.5)]
        }
    }

    fn reward(&self, state: usize, action: usize, _next: usize) -> f64 {
        match action {
            LISTEN => -1.0,
            door if door - 1 == state => -100.0,
            _ => 10.0,
        }
    }
}
