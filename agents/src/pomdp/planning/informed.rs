//! What is known before any search: the value of a POMDP for somebody who sees more, and for one who sees nothing.
//!
//! Point-based solvers start from these tables; whoever runs several of them solves the tables once.

use std::sync::Arc;

use palaestra_envs::pomdp::Pomdp;
use serde::{Deserialize, Serialize};

use super::{Blind, Fib, Solver, SolverError, ValueIteration};
use crate::pomdp::Belief;

/// The tables behind [`InformedBounds`], `[actions][states]` each.
#[derive(Debug, Clone, PartialEq)]
pub struct Informed {
    /// The blind policies: what each action earns for ever.
    pub blind: Vec<Vec<f64>>,
    /// The fast informed bound.
    pub fib: Vec<Vec<f64>>,
    /// The values of the three bounds and of the MDP at the initial belief.
    pub bounds: InformedBounds,
}

/// Bounds on the optimal value at the initial belief: `blind ≤ V* ≤ fib ≤ qmdp ≤ mdp`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct InformedBounds {
    /// The best single action for ever.
    pub blind: f64,
    /// The fast informed bound.
    pub fib: f64,
    /// The state is known from the next step on.
    pub qmdp: f64,
    /// The state is always known.
    pub mdp: f64,
}

impl Informed {
    /// Solves the tables to their end.
    ///
    /// # Errors
    /// [`SolverError::Undiscounted`] for a discount of 1.
    pub fn new(model: &Arc<Pomdp>) -> Result<Self, SolverError> {
        let mut mdp = ValueIteration::new(model.clone())?;
        mdp.run(u64::MAX);
        let mut fib = Fib::after(&mdp);
        fib.run(u64::MAX);
        let mut blind = Blind::new(model.clone())?;
        blind.run(u64::MAX);
        let full = mdp.progress().upper;
        let bounds = InformedBounds {
            blind: blind.progress().lower,
            fib: fib.progress().upper,
            qmdp: (mdp.qmdp().value(&Belief::start(model))).unwrap_or(full),
            mdp: full,
        };
        Ok(Self {
            blind: blind.state().q.clone(),
            fib: fib.vectors().to_vec(),
            bounds,
        })
    }
}

#[cfg(test)]
mod tests {
    use palaestra_envs::pomdp::classic::Tiger;

    use super::*;

    #[test]
    fn tiger_has_the_known_bounds() {
        let model = Arc::new(Pomdp::compile(&Tiger::default()).unwrap());
        let bounds = Informed::new(&model).unwrap().bounds;
        for (found, expected) in [
            (bounds.blind, -20.0),
            (bounds.fib, 87.179_487),
            (bounds.qmdp, 189.0),
            (bounds.mdp, 200.0),
        ] {
            assert!((found - expected).abs() < 1e-5, "{bounds:?}");
        }
    }
}
