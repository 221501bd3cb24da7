//! What is known about a POMDP before any planning: its value for somebody who sees more, and for one who sees nothing.

use std::sync::Arc;

use palaestra_agents::pomdp::{
    Belief,
    planning::{Blind, Fib, Solver, SolverError, ValueIteration},
};
use palaestra_envs::pomdp::Pomdp;
use serde::{Deserialize, Serialize};

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

/// The bounds of a model.
///
/// # Errors
/// [`SolverError::Undiscounted`] for a discount of 1.
pub fn informed_bounds(model: &Arc<Pomdp>) -> Result<InformedBounds, SolverError> {
    let mut mdp = ValueIteration::new(model.clone())?;
    let full = mdp.run(u64::MAX).upper;
    let start = Belief::start(model);
    let qmdp = mdp.qmdp().value(&start).unwrap_or(full);
    Ok(InformedBounds {
        blind: Blind::new(model.clone())?.run(u64::MAX).lower,
        fib: Fib::new(model.clone())?.run(u64::MAX).upper,
        qmdp,
        mdp: full,
    })
}

#[cfg(test)]
mod tests {
    use palaestra_envs::pomdp::classic::Tiger;

    use super::*;

    #[test]
    fn tiger_has_the_known_bounds() {
        let model = Arc::new(Pomdp::compile(&Tiger::default()).unwrap());
        let bounds = informed_bounds(&model).unwrap();
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
