//! Which beliefs to visit.

use serde::{Deserialize, Serialize};

use super::{
    Sampling, Sarsop,
    bounds::{Lower, Upper},
    graph::Node,
};

/// Predicts optimal values by those of similar beliefs: of about the same upper bound and entropy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Predictor {
    low: f64,
    high: f64,
    /// Sum of lower bounds and their number, by bin.
    pub(super) bins: Vec<(f64, u32)>,
    /// What each node has added.
    pub(super) added: Vec<f64>,
}

/// Intervals of the upper bound, and of the entropy in bits.
pub(super) const INTERVALS: usize = 20;
/// Paths are not longer than this.
const LONGEST: usize = 1000;

impl Predictor {
    pub(super) fn new(upper: &Upper, lower: &Lower) -> Self {
        let values = lower.arena.iter().flat_map(|v| &v.values);
        Self {
            low: values.fold(f64::INFINITY, |a, &b| a.min(b)),
            high: upper.highest(),
            bins: vec![(0.0, 0); INTERVALS * INTERVALS],
            added: Vec::new(),
        }
    }

    pub(super) fn bin(&self, upper: f64, entropy: f64) -> u32 {
        let share = (upper - self.low) / (self.high - self.low).max(1e-12);
        let i = ((share * INTERVALS as f64).max(0.0) as usize).min(INTERVALS - 1);
        let bits = entropy / std::f64::consts::LN_2;
        let j = ((bits * 2.0) as usize).min(INTERVALS - 1);
        (i * INTERVALS + j) as u32
    }

    /// A new node, which must be the next of the graph.
    pub(super) fn enter(&mut self, node: &Node) {
        let bin = &mut self.bins[node.bin as usize];
        bin.0 += node.lower;
        bin.1 += 1;
        self.added.push(node.lower);
    }

    /// Takes up the present lower bound of node `index`.
    pub(super) fn learn(&mut self, index: u32, node: &Node) {
        let added = &mut self.added[index as usize];
        self.bins[node.bin as usize].0 += node.lower - *added;
        *added = node.lower;
    }

    fn predict(&self, node: &Node) -> f64 {
        let (sum, count) = self.bins[node.bin as usize];
        if count < 2 {
            node.upper
        } else {
            sum / f64::from(count)
        }
    }
}

impl Sarsop {
    /// A path of nodes from the initial belief, which it contains in any case.
    pub(super) fn sample(&mut self) -> Vec<u32> {
        let (settings, gamma) = (self.state.settings, self.model.discount());
        // Predictions can hold every path back at once.
        let sampling = if self.state.stalled {
            Sampling::Gap
        } else {
            settings.sampling
        };
        let root = &self.state.graph.nodes[0];
        // A gap of `ε γ^-t` at depth t is what a gap of ε at the root allows.
        let mut allowed =
            settings.gap_share * (root.upper - root.lower).max(settings.precision * 0.1);
        let (mut target_lower, mut target_upper) = (root.lower, root.lower + allowed);
        let (mut node, mut path) = (0, Vec::new());
        loop {
            self.refresh(node);
            let state = &self.state;
            let here = &state.graph.nodes[node as usize];
            let gap_is_small = match sampling {
                Sampling::Gap => here.upper - here.lower <= allowed,
                Sampling::Sarsop => {
                    let predicted = state.predictor.predict(here);
                    here.upper - here.lower <= settings.gap_share * allowed
                        || predicted <= target_lower
                            && here.upper <= target_upper.max(here.lower + allowed)
                }
            };
            if !path.is_empty() && gap_is_small || path.len() >= LONGEST {
                return path;
            }
            path.push(node);
            let (mut best, mut most) = ((f64::NEG_INFINITY, 0), f64::NEG_INFINITY);
            for (a, action) in here.actions.iter().enumerate().filter(|(_, a)| !a.pruned) {
                most = most.max(action.lower);
                if action.upper > best.0 {
                    best = (action.upper, a);
                }
            }
            let lower = target_lower.max(most);
            let upper = target_upper.max(most + allowed);
            let action = &here.actions[best.1];
            allowed /= gamma;
            let (mut excess, mut chosen) = (f64::NEG_INFINITY, 0);
            for (i, child) in action.children.iter().enumerate() {
                let found = child.probability * (child.upper - child.lower - allowed);
                if found > excess {
                    (excess, chosen) = (found, i);
                }
            }
            // What the other observations contribute is taken off.
            let (mut low, mut up) = (lower - action.reward, upper - action.reward);
            for (_, child) in action
                .children
                .iter()
                .enumerate()
                .filter(|(i, _)| *i != chosen)
            {
                low -= gamma * child.probability * child.lower;
                up -= gamma * child.probability * child.upper;
            }
            let weight = gamma * action.children[chosen].probability;
            if weight <= 0.0 {
                return path; // Without a future there is nothing to look at.
            }
            (target_lower, target_upper) = (low / weight, up / weight);
            node = self.follow(node, best.1, chosen);
        }
    }
}
