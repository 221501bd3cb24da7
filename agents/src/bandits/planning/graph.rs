//! The states that can be reached from the starting states of an instance, as a graph without payoffs.
//!
//! A state of the whole bandit is one state for each arm; a choice leads from it to exactly one other. The graph
//! depends on caps, `k` and the start, not on payoffs, so that a learner can plan on it again and again.

use std::collections::HashMap;

use palaestra_envs::bandits::Instance;

use super::PlanError;
use super::actions::{choices, num_choices};

/// States times choices that [`Graph::new`] accepts by default: some 100 MB.
pub const MAX_EDGES: u64 = 2_000_000;

/// Every state reachable from the start and where each choice leads. State 0 is the start.
#[derive(Clone)]
pub struct Graph {
    num_arms: usize,
    choices: Vec<Vec<usize>>,
    /// `[states, arms]`.
    states: Vec<i16>,
    /// `[states, choices]`.
    next: Vec<u32>,
    /// The number of each state. Only looked up, never walked through.
    index: HashMap<Box<[i16]>, u32>,
}

impl Graph {
    /// All states that `instance` can reach from its start, by breadth-first search.
    ///
    /// There are about `Σ_i C_i·Π_{j≠i} D_j` of them for `k = 1`: exponentially many in the number of arms.
    ///
    /// # Errors
    /// [`PlanError::TooLarge`] as soon as states times choices exceed `max_edges`.
    pub fn new(instance: &Instance, max_edges: u64) -> Result<Self, PlanError> {
        let width = num_choices(instance);
        // State numbers are `u32`.
        let limit = max_edges.min(u64::from(u32::MAX));
        let too_large = |states: u64| PlanError::TooLarge {
            planner: "exact",
            what: "states times choices",
            size: states.saturating_mul(width),
            limit,
            help: "raise the limit, or plan with virtual cycles or a portfolio",
        };
        if width > limit {
            return Err(too_large(1));
        }
        let choices = choices(instance);
        let num_arms = instance.num_arms();
        let mut states = instance.start().to_vec();
        let mut index = HashMap::from([(Box::from(instance.start()), 0)]);
        let mut next = Vec::new();
        let mut tau = vec![0; num_arms];
        let mut from = 0;
        while from * num_arms < states.len() {
            for choice in &choices {
                tau.copy_from_slice(&states[from * num_arms..(from + 1) * num_arms]);
                instance.play_row(&mut tau, |arm| choice.contains(&arm), |_, _| ());
                let to = if let Some(&to) = index.get(tau.as_slice()) {
                    to
                } else {
                    let to = index.len() as u64;
                    if (to + 1) * width > limit {
                        return Err(too_large(to + 1));
                    }
                    index.insert(Box::from(tau.as_slice()), to as u32);
                    states.extend_from_slice(&tau);
                    to as u32
                };
                next.push(to);
            }
            from += 1;
        }
        Ok(Self {
            num_arms,
            choices,
            states,
            next,
            index,
        })
    }

    /// Number of reachable states.
    pub fn num_states(&self) -> usize {
        self.index.len()
    }

    /// The legal choices of a round, as sets of arms: small sets first, then lowest arms.
    pub fn choices(&self) -> &[Vec<usize>] {
        &self.choices
    }

    /// The states of the arms in state `state`, `[arms]`.
    ///
    /// # Panics
    /// If `state >= num_states()`.
    pub fn arms(&self, state: usize) -> &[i16] {
        &self.states[state * self.num_arms..(state + 1) * self.num_arms]
    }

    /// The number of the state in which the arms have states `tau`, if it can be reached.
    pub fn find(&self, tau: &[i16]) -> Option<usize> {
        self.index.get(tau).map(|&state| state as usize)
    }

    /// Where each choice leads from `state`, `[choices]`.
    pub(super) fn next(&self, state: usize) -> &[u32] {
        &self.next[state * self.choices.len()..(state + 1) * self.choices.len()]
    }

    /// Expected payoff of every choice in every state, `[states, choices]`, with the means of `instance`.
    pub(super) fn payoffs(&self, instance: &Instance) -> Vec<f64> {
        let mut payoffs = Vec::with_capacity(self.next.len());
        for tau in self.states.chunks_exact(self.num_arms) {
            let of = |choice: &Vec<usize>| {
                let paid = choice.iter().map(|&arm| instance.mean(arm, tau[arm]));
                paid.sum::<f64>()
            };
            payoffs.extend(self.choices.iter().map(of));
        }
        payoffs
    }
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph")
            .field("num_states", &self.num_states())
            .field("num_choices", &self.choices.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use palaestra_envs::bandits::InstanceConfig;

    use super::*;

    #[test]
    fn the_golden_instances_have_the_known_number_of_states() {
        for (id, states) in [
            ("log3", 814),
            ("geo3", 2578),
            ("exp3", 3406),
            ("burst2", 195),
            ("geo5k2", 24_796),
        ] {
            let instance = InstanceConfig::preset(id).unwrap().build().unwrap();
            let graph = Graph::new(&instance, MAX_EDGES).unwrap();
            assert_eq!(graph.num_states(), states, "{id}");
        }
    }

    #[test]
    fn every_edge_is_one_round_of_the_instance() {
        let instance = InstanceConfig::preset("sea3").unwrap().build().unwrap();
        let graph = Graph::new(&instance, MAX_EDGES).unwrap();
        for state in 0..graph.num_states() {
            assert_eq!(graph.find(graph.arms(state)), Some(state));
            for (choice, &to) in graph.choices().iter().zip(graph.next(state)) {
                for arm in 0..3 {
                    let (caps, tau) = (instance.caps(arm), graph.arms(state)[arm]);
                    let after = if choice.contains(&arm) {
                        caps.play(tau)
                    } else {
                        caps.idle(tau)
                    };
                    assert_eq!(graph.arms(to as usize)[arm], after);
                }
            }
        }
    }

    #[test]
    fn an_instance_that_is_too_large_is_refused_while_it_grows() {
        let refused = |id: &str, limit: u64| {
            let instance = InstanceConfig::preset(id).unwrap().build().unwrap();
            let Err(PlanError::TooLarge { size, .. }) = Graph::new(&instance, limit) else {
                panic!("{id} was accepted");
            };
            size
        };
        assert_eq!(refused("log3", 813 * 4), 814 * 4);
        assert!(refused("big50_1", 10_000) <= 10_000 + 51);
        // 2.4 million choices a round are counted, not listed.
        assert_eq!(refused("big50_5", 2_000_000), 2_369_936);
    }
}
