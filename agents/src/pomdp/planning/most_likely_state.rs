//! The action that would be best if the most likely state were the true one: Nourbakhsh, Powers, Birchfield,
//! *DERVISH: An Office-Navigating Robot* (AI Magazine 1995). A baseline: it never acts to learn.

use super::argmax;
use crate::pomdp::Belief;

/// The MDP's best action for each state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MostLikelyState {
    actions: Vec<u32>,
}

impl MostLikelyState {
    /// From the MDP's values `[actions][states]` of value iteration.
    pub fn new(q: &[Vec<f64>]) -> Self {
        let states = q.first().map_or(0, Vec::len);
        let best = |s| argmax(q.iter().map(|q| q[s])) as u32;
        Self {
            actions: (0..states).map(best).collect(),
        }
    }

    /// The action at a belief.
    pub fn action(&self, belief: &Belief) -> usize {
        self.actions[belief.mode()] as usize
    }

    /// The best action in each state.
    pub fn actions(&self) -> &[u32] {
        &self.actions
    }
}
