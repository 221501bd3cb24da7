//! What is known of Laser Tag: the chase under full information, solved once.

use std::sync::Arc;

use palaestra_envs::pomdp::{
    Generative,
    classic::{LaserTag, LaserTagState},
};

use super::Simulated;
use crate::pomdp::{
    decide::Informed,
    planning::{MostLikelyState, ScenarioBounds, Solver, ValueIteration},
};

/// Bounds on the values of Laser Tag from the MDP of robot and opponent.
#[derive(Debug, Clone, PartialEq)]
pub struct LaserTagGuide {
    /// `Q(s, a)` of the chase, `[actions][states]`.
    q: Vec<Vec<f64>>,
    best: MostLikelyState,
    /// What it is worth never to tag.
    forever: f64,
}

impl Simulated for LaserTag {
    type Guide = LaserTagGuide;

    fn guide(&self) -> Result<LaserTagGuide, String> {
        let chase = Arc::new(self.chase().map_err(|e| e.to_string())?);
        let mut solver = ValueIteration::new(chase).map_err(|e| e.to_string())?;
        solver.run(u64::MAX);
        let q = solver.state().q.clone();
        Ok(LaserTagGuide {
            best: MostLikelyState::new(&q),
            q,
            forever: -1.0 / (1.0 - Generative::discount(self)),
        })
    }
}

impl LaserTagGuide {
    /// The best action if the state will be known after it, with its value.
    fn qmdp(&self, states: &[LaserTagState]) -> (f64, usize) {
        let mut best = (f64::NEG_INFINITY, 0);
        for (action, q) in self.q.iter().enumerate() {
            let sum: f64 = states.iter().map(|s| q[LaserTag::chase_state(s)]).sum();
            let mean = sum / states.len() as f64;
            if mean > best.0 {
                best = (mean, action);
            }
        }
        best
    }
}

impl ScenarioBounds<LaserTagState> for LaserTagGuide {
    fn lower(&self, states: &[LaserTagState]) -> (f64, usize) {
        let qmdp = self.qmdp(states);
        let same = states.iter().all(|s| *s == states[0]);
        let met = states.iter().all(|s| s.robot == s.opponent);
        if same || met {
            return qmdp;
        }
        (self.forever, qmdp.1)
    }

    fn upper(&self, states: &[LaserTagState]) -> f64 {
        self.qmdp(states).0
    }
}

impl Informed<LaserTagState> for LaserTagGuide {
    fn informed(&self, state: &LaserTagState) -> usize {
        self.best.actions()[LaserTag::chase_state(state)] as usize
    }
}
