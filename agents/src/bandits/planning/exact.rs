//! The optimum of small instances: value, bounds and policy.

use std::sync::Arc;

use palaestra_envs::bandits::{DeterministicPolicy, Greedy, Instance, long_run_mean};

use super::{Graph, Plan, PlanCost, PlanError, PlanValue};

/// Width of the certified interval around the optimum that planners aim for.
pub const TOLERANCE: f64 = 1e-10;

/// The best long-run policy from the start of `instance`, on its reachable states.
///
/// `certified` is the rate itself, the mean of a cycle that is played; the notes tell an interval for the optimum if
/// it is wider than 1e-9.
///
/// # Errors
/// [`PlanError::TooLarge`] if states times choices exceed `max_edges` ([`super::graph::MAX_EDGES`] by default). The
/// number grows exponentially with the number of arms.
pub fn exact(instance: &Instance, max_edges: u64) -> Result<Plan, PlanError> {
    optimum(instance, max_edges).map(|optimum| optimum.plan)
}

/// An optimal plan with the proof that it is one.
#[derive(Debug)]
pub struct Optimum {
    /// As [`exact`] returns it.
    pub plan: Plan,
    /// `ρ* ≤ upper`; the plan's rate is the lower bound.
    pub upper: f64,
    /// Reachable states.
    pub states: usize,
    /// Legal choices of a round.
    pub choices: usize,
}

/// [`exact`], with the upper bound and the size of the graph.
///
/// # Errors
/// As [`exact`].
pub fn optimum(instance: &Instance, max_edges: u64) -> Result<Optimum, PlanError> {
    let graph = Arc::new(Graph::new(instance, max_edges)?);
    let solution = graph.solve(instance, TOLERANCE, None);
    let (states, choices) = (graph.num_states(), graph.choices().len());
    // A policy without memory meets a state again after as many rounds as there are states; the search for the cycle
    // takes a few times as many.
    let max_rounds = 4 * states as u64 + 4;
    let policy = GraphPolicy::new(graph, solution.policy);
    let value = long_run_mean(instance, &policy, max_rounds)?;
    let mut notes = Vec::new();
    if solution.upper - value.mean > 1e-9 {
        notes.push(format!(
            "The optimum lies between {:.12} and {:.12}: rounding errors kept the bounds apart.",
            value.mean, solution.upper
        ));
    }
    let plan = Plan {
        planner: "exact",
        policy: Box::new(policy),
        value: PlanValue {
            rate: value.mean,
            cycle_length: Some(value.cycle_length),
            certified: Some(value.mean),
        },
        cost: PlanCost {
            size: states as u64 * choices as u64,
        },
        notes,
    };
    Ok(Optimum {
        plan,
        upper: solution.upper,
        states,
        choices,
    })
}

/// The largest expected payoff of the first `rounds` rounds from the start of `instance`.
///
/// # Errors
/// As [`exact`].
pub fn finite_horizon(instance: &Instance, rounds: u32, max_edges: u64) -> Result<f64, PlanError> {
    Ok(Graph::new(instance, max_edges)?.finite_horizon(instance, rounds))
}

/// One choice for each state of a graph. In a state that the graph does not know, it plays greedily.
#[derive(Debug, Clone)]
pub struct GraphPolicy {
    graph: Arc<Graph>,
    policy: Vec<u32>,
}

impl GraphPolicy {
    /// `policy`: an index of [`Graph::choices`] for every state, as in [`Solution::policy`](super::Solution::policy).
    ///
    /// # Panics
    /// If it is no policy of this graph.
    pub fn new(graph: Arc<Graph>, policy: Vec<u32>) -> Self {
        assert_eq!(policy.len(), graph.num_states(), "a choice for each state");
        Self { graph, policy }
    }
}

impl DeterministicPolicy for GraphPolicy {
    fn choose(&self, instance: &Instance, phase: usize, tau: &[i16], chosen: &mut Vec<usize>) {
        if let Some(state) = self.graph.find(tau) {
            chosen.clear();
            chosen.extend_from_slice(&self.graph.choices()[self.policy[state] as usize]);
        } else {
            Greedy.choose(instance, phase, tau, chosen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::MAX_EDGES;
    use super::super::testbed::preset;
    use super::*;

    /// (instance, optimal rate, length of the optimal cycle).
    const OPTIMA: [(&str, f64, u64); 14] = [
        ("stat3", 0.5, 1),
        ("block244", 0.725, 4),
        ("block236", 0.775, 8),
        ("block237", 0.8625, 8),
        ("exp3", 0.606_323_696_2, 13),
        ("lin4", 0.825, 16),
        ("geo3", 0.7, 3),
        ("log3", 0.662_458_415_3, 6),
        ("burst2", 0.493_439_424_1, 6),
        ("sea3", 0.582_043_342_7, 14),
        ("geo5k2", 1.331, 6),
        ("spike5", 0.506_666_666_666_7, 9),
        ("step2", 0.5, 2),
        ("stat3 k=2", 0.9, 1),
    ];

    #[test]
    fn the_golden_instances_have_the_known_optimum_and_cycle() {
        for (id, rate, cycle) in OPTIMA {
            let instance = preset(id);
            let plan = exact(&instance, MAX_EDGES).unwrap();
            assert!((plan.value.rate - rate).abs() < 1e-8, "{id}: {plan:?}");
            assert_eq!(plan.value.cycle_length, Some(cycle), "{id}");
            assert!(plan.notes.is_empty(), "{plan:?}");
            let graph = Graph::new(&instance, MAX_EDGES).unwrap();
            let solution = graph.solve(&instance, TOLERANCE, None);
            assert!(solution.upper - solution.lower <= 1e-9);
            assert!(solution.lower - 1e-9 <= plan.value.rate);
            assert!(plan.value.rate <= solution.upper + 1e-9);
        }
    }

    #[test]
    fn the_golden_instances_have_the_known_finite_optima() {
        for (id, ten, fifty) in [
            ("exp3", 6.919_664_895_4, 31.205_190_979_7),
            ("lin4", 8.775, 41.738_333_333_3),
            ("geo3", 7.400_420_635_3, 35.419_020_635_3),
            ("log3", 7.028_177_912_2, 33.551_374_603_5),
            ("burst2", 5.780_344_370_3, 25.598_776_616_6),
            ("block236", 8.0, 39.0),
            ("geo5k2", 13.946_986_7, 67.186_786_7),
        ] {
            let instance = preset(id);
            for (rounds, expected) in [(10, ten), (50, fifty)] {
                let value = finite_horizon(&instance, rounds, MAX_EDGES).unwrap();
                // geo5k2 is known to seven decimals.
                let tolerance = if id == "geo5k2" { 5e-8 } else { 1e-9 };
                let error = (value - expected).abs();
                assert!(error < tolerance, "{id}, {rounds}: {value}");
            }
        }
    }
}
