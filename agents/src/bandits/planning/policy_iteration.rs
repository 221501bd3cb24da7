//! The largest long-run mean payoff on a [`Graph`], with a lower and an upper bound that are certified.
//!
//! Transitions are deterministic, so the optimum `ρ*` is a maximum mean cycle. Howard, *Dynamic Programming and Markov
//! Processes*, 1960: follow the present policy from every state into its cycle (mean `η`, relative value `x`), then
//! change the choices that lead to a better cycle or, among equal cycles, to a larger `r − η + x(next)`. Lazy value
//! iteration finishes what rounding may have left open. Whatever the search did, the result is certified afterwards:
//!
//! * `lower`: the mean of a cycle that the returned policy really runs into from the start;
//! * `upper = max_{s,a} r(s, a) + x(next(s, a)) − x(s)`. Around any cycle the terms in `x` cancel, so no cycle has a
//!   larger mean, whatever `x` is.
//!
//! Every state has the same optimum: repeat the choices of an optimal cycle from another state, and each arm that is
//! switched in the cycle falls into step at its first switch, one that is always played saturates, and one that is
//! never played pays nothing. This holds for arms with a period and for exactly `k` plays too. (Our own argument.)

use palaestra_envs::bandits::Instance;

use super::Graph;

/// Improvements of policies by less than this, relative to the largest payoff, are taken for rounding errors.
const NOISE: f64 = 1e-12;
/// More rounds of policy iteration than ever needed: ten or twenty are usual.
const MAX_IMPROVEMENTS: usize = 1000;
/// Sweeps of value iteration after which the bounds are returned as they are.
const MAX_SWEEPS: usize = 100_000;

/// An optimal policy on a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// Mean payoff a round of `policy` from the start on, for ever: `lower ≤ ρ*`.
    pub lower: f64,
    /// `ρ* ≤ upper`.
    pub upper: f64,
    /// Relative value of every state, `[states]`: how much more than `ρ*` a round is to be had from it on.
    pub values: Vec<f64>,
    /// What to choose in every state, as an index of [`Graph::choices`], `[states]`.
    pub policy: Vec<u32>,
}

impl Graph {
    /// The best long-run policy for the payoffs of `instance`, which must have the caps, plays and start that the graph
    /// was made for. Stops when `upper − lower ≤ tolerance`; if rounding makes that impossible, the bounds are wider
    /// but still hold.
    ///
    /// `warm`: the policy of an earlier solution for similar payoffs, which saves most of the time.
    ///
    /// # Panics
    /// If `instance` has other arms than the graph, or `warm` is no policy of this graph.
    pub fn solve(&self, instance: &Instance, tolerance: f64, warm: Option<&[u32]>) -> Solution {
        let mut search = Search::new(self, instance, warm);
        search.iterate_policies(tolerance);
        if search.upper - search.gain[0] > tolerance {
            search.iterate_values(tolerance);
        }
        Solution {
            lower: search.gain[0],
            upper: search.upper,
            values: search.bias,
            policy: search.policy,
        }
    }

    /// The largest expected payoff of the first `rounds` rounds from the start, by backward induction.
    ///
    /// # Panics
    /// If `instance` has other arms than the graph.
    pub fn finite_horizon(&self, instance: &Instance, rounds: u32) -> f64 {
        let payoffs = self.payoffs(instance);
        let width = self.choices().len();
        let mut value = vec![0.0; self.num_states()];
        let mut with_one_more = value.clone();
        for _ in 0..rounds {
            for (state, (best, paid)) in
                (with_one_more.iter_mut().zip(payoffs.chunks_exact(width))).enumerate()
            {
                let ahead = self.next(state).iter().map(|&to| value[to as usize]);
                *best = (paid.iter().zip(ahead)).fold(f64::NEG_INFINITY, |m, (r, v)| m.max(r + v));
            }
            std::mem::swap(&mut value, &mut with_one_more);
        }
        value[0]
    }
}

struct Search<'a> {
    graph: &'a Graph,
    /// `[states, choices]`.
    payoffs: Vec<f64>,
    noise: f64,
    /// `[states]`, as the rest.
    policy: Vec<u32>,
    /// Mean of the cycle that the policy leads to.
    gain: Vec<f64>,
    /// `x`: payoff above `gain` on the way to the cycle.
    bias: Vec<f64>,
    upper: f64,
}

impl<'a> Search<'a> {
    fn new(graph: &'a Graph, instance: &Instance, warm: Option<&[u32]>) -> Self {
        let payoffs = graph.payoffs(instance);
        let states = graph.num_states();
        let policy = if let Some(policy) = warm {
            assert_eq!(policy.len(), states, "a policy of another graph");
            policy.to_vec()
        } else {
            let rows = payoffs.chunks_exact(graph.choices().len());
            rows.map(|row| best_of(row.iter().copied()).0).collect()
        };
        Self {
            noise: NOISE * payoffs.iter().fold(1.0, |m: f64, r| m.max(r.abs())),
            graph,
            payoffs,
            policy,
            gain: vec![0.0; states],
            bias: vec![0.0; states],
            upper: f64::INFINITY,
        }
    }

    fn row(&self, state: usize) -> (&[f64], &'a [u32]) {
        let width = self.graph.choices().len();
        let payoffs = &self.payoffs[state * width..(state + 1) * width];
        (payoffs, self.graph.next(state))
    }

    /// Payoff of the policy's choice in `state`, and where it leads.
    fn follow(&self, state: usize) -> (f64, usize) {
        let (payoffs, next) = self.row(state);
        let choice = self.policy[state] as usize;
        (payoffs[choice], next[choice] as usize)
    }

    fn iterate_policies(&mut self, tolerance: f64) {
        for _ in 0..MAX_IMPROVEMENTS {
            self.evaluate();
            let better_cycles = self.improve_gain();
            if better_cycles {
                continue;
            }
            let better_values = self.improve_bias();
            let least = self.gain.iter().copied().fold(f64::INFINITY, f64::min);
            if self.upper - least <= tolerance || !better_values {
                break;
            }
        }
        // The last improvements are not evaluated yet, or were not needed.
        self.evaluate();
        self.certify();
    }

    /// Follows the policy from every state into its cycle; sets `gain` and `bias`. The lowest state of a cycle has
    /// bias 0, so that a cycle which stays keeps its values.
    fn evaluate(&mut self) {
        const NEW: u32 = 0;
        let mut seen_by = vec![NEW; self.policy.len()];
        let mut path = Vec::new();
        for start in 0..self.policy.len() {
            if seen_by[start] != NEW {
                continue;
            }
            let walk = start as u32 + 1;
            let mut state = start;
            while seen_by[state] == NEW {
                seen_by[state] = walk;
                path.push(state);
                state = self.follow(state).1;
            }
            if seen_by[state] == walk {
                self.evaluate_cycle(state, &mut path);
            }
            while let Some(state) = path.pop() {
                let (paid, next) = self.follow(state);
                self.gain[state] = self.gain[next];
                self.bias[state] = paid - self.gain[next] + self.bias[next];
            }
        }
    }

    /// The cycle through `state`, which is the end of `path` and is removed from it.
    fn evaluate_cycle(&mut self, state: usize, path: &mut Vec<usize>) {
        let begin = path.iter().rposition(|&s| s == state).unwrap_or(0);
        let cycle = &mut path[begin..];
        let root = (0..cycle.len()).min_by_key(|&i| cycle[i]).unwrap_or(0);
        cycle.rotate_left(root);
        let total: f64 = cycle.iter().map(|&s| self.follow(s).0).sum();
        let mean = total / cycle.len() as f64;
        let mut ahead = 0.0;
        for &s in cycle[1..].iter().rev() {
            ahead += self.follow(s).0 - mean;
            (self.gain[s], self.bias[s]) = (mean, ahead);
        }
        (self.gain[cycle[0]], self.bias[cycle[0]]) = (mean, 0.0);
        path.truncate(begin);
    }

    /// Leads every state to the best cycle it can reach through states that are led there already.
    fn improve_gain(&mut self) -> bool {
        let mut improved = false;
        loop {
            let mut changed = false;
            for state in (0..self.policy.len()).rev() {
                let next = self.graph.next(state);
                let (choice, gain) = best_of(next.iter().map(|&to| self.gain[to as usize]));
                if gain > self.gain[state] + self.noise {
                    self.policy[state] = choice;
                    self.gain[state] = gain;
                    changed = true;
                }
            }
            if !changed {
                return improved;
            }
            improved = true;
        }
    }

    /// Improves the way to the cycles, or the cycles themselves; sets `upper`.
    fn improve_bias(&mut self) -> bool {
        let mut improved = false;
        let mut upper = f64::NEG_INFINITY;
        for state in 0..self.policy.len() {
            let (gain, bias) = (self.gain[state], self.bias[state]);
            let (payoffs, next) = self.row(state);
            let mut best = bias + gain + self.noise;
            let mut choice = None;
            for (i, (paid, &to)) in payoffs.iter().zip(next).enumerate() {
                let ahead = paid + self.bias[to as usize];
                upper = upper.max(ahead - bias);
                if ahead > best && self.gain[to as usize] >= gain - self.noise {
                    (best, choice) = (ahead, Some(i));
                }
            }
            if let Some(choice) = choice {
                self.policy[state] = choice as u32;
                improved = true;
            }
        }
        self.upper = upper;
        improved
    }

    /// The upper bound that `bias` proves.
    fn certify(&mut self) {
        self.upper = f64::NEG_INFINITY;
        for state in 0..self.policy.len() {
            self.upper = self.upper.max(self.backup(state).1 - self.bias[state]);
        }
    }

    /// The best choice for the present `bias`, and its value.
    fn backup(&self, state: usize) -> (u32, f64) {
        let (payoffs, next) = self.row(state);
        let ahead = next.iter().map(|&to| self.bias[to as usize]);
        best_of(payoffs.iter().zip(ahead).map(|(r, v)| r + v))
    }

    /// Value iteration with the lazy transform `T = ½B + ½v`, which converges on periodic graphs too.
    fn iterate_values(&mut self, tolerance: f64) {
        let (policy, gain, upper) = (self.policy.clone(), self.gain.clone(), self.upper);
        let mut next = self.bias.clone();
        for _ in 0..MAX_SWEEPS {
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            for (state, next) in next.iter_mut().enumerate() {
                let difference = self.backup(state).1 - self.bias[state];
                (low, high) = (low.min(difference), high.max(difference));
                *next = self.bias[state] + 0.5 * difference;
            }
            self.upper = high;
            if high - low <= tolerance {
                break;
            }
            let origin = next[0];
            next.iter_mut().for_each(|v| *v -= origin);
            std::mem::swap(&mut self.bias, &mut next);
        }
        let values = self.bias.clone();
        for state in 0..self.policy.len() {
            self.policy[state] = self.backup(state).0;
        }
        self.evaluate();
        self.bias = values;
        self.upper = self.upper.min(upper);
        if self.gain[0] < gain[0] {
            (self.policy, self.gain) = (policy, gain);
        }
    }
}

/// The first of the largest values, with its index.
fn best_of(values: impl Iterator<Item = f64>) -> (u32, f64) {
    let (mut index, mut best) = (0, f64::NEG_INFINITY);
    for (i, value) in values.enumerate() {
        if value > best {
            (index, best) = (i as u32, value);
        }
    }
    (index, best)
}

#[cfg(test)]
mod tests {
    use palaestra_envs::bandits::{InstanceConfig, StartConfig};

    use super::super::graph::MAX_EDGES;
    use super::super::testbed::{Shape, random_instance};
    use super::*;

    /// Lazy value iteration alone, exactly as the definition has it.
    fn by_value_iteration(graph: &Graph, instance: &Instance) -> (f64, f64) {
        let mut search = Search::new(graph, instance, None);
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        while high - low > 1e-9 {
            let after: Vec<f64> = (0..graph.num_states())
                .map(|s| 0.5 * (search.backup(s).1 + search.bias[s]))
                .collect();
            let doubled = || after.iter().zip(&search.bias).map(|(a, b)| 2.0 * (a - b));
            (low, high) = (
                doubled().fold(f64::INFINITY, f64::min),
                doubled().fold(f64::NEG_INFINITY, f64::max),
            );
            search.bias = after.iter().map(|v| v - after[0]).collect();
        }
        (low, high)
    }

    #[test]
    fn policy_iteration_and_value_iteration_agree_on_random_instances() {
        for seed in 0..150 {
            let shape = Shape {
                wraps: seed % 3 == 0,
                exact: seed % 2 == 0,
                monotone: false,
            };
            let instance = random_instance(seed, shape, 3, 4);
            let graph = Graph::new(&instance, MAX_EDGES).unwrap();
            let solution = graph.solve(&instance, 1e-10, None);
            assert!(solution.lower <= solution.upper + 1e-12, "seed {seed}");
            assert!(solution.upper - solution.lower <= 1e-9, "seed {seed}");
            let (low, high) = by_value_iteration(&graph, &instance);
            assert!(
                low - 1e-9 <= solution.lower && solution.upper <= high + 1e-9,
                "seed {seed}"
            );
        }
    }

    #[test]
    fn every_state_has_the_same_optimum() {
        for id in ["sea3", "burst2", "spike5"] {
            let config = InstanceConfig::preset(id).unwrap();
            let instance = config.build().unwrap();
            let graph = Graph::new(&instance, MAX_EDGES).unwrap();
            let optimum = graph.solve(&instance, 1e-10, None).lower;
            for state in (0..graph.num_states()).step_by(graph.num_states() / 7) {
                let start = StartConfig::States(graph.arms(state).to_vec());
                let moved = InstanceConfig {
                    start,
                    ..config.clone()
                };
                let moved = moved.build().unwrap();
                let graph = Graph::new(&moved, MAX_EDGES).unwrap();
                let there = graph.solve(&moved, 1e-10, None).lower;
                assert!((there - optimum).abs() < 1e-9, "{id} from {state}");
            }
        }
    }

    #[test]
    fn a_warm_start_changes_nothing_but_the_time() {
        let instance = InstanceConfig::preset("log3").unwrap().build().unwrap();
        let graph = Graph::new(&instance, MAX_EDGES).unwrap();
        let before = graph.solve(&instance, 1e-10, None);
        let other = instance.with_means(|arm, tau| 0.9 * instance.mean(arm, tau) + 0.01);
        let cold = graph.solve(&other, 1e-10, None);
        let warm = graph.solve(&other, 1e-10, Some(&before.policy));
        assert!((warm.lower - cold.lower).abs() < 1e-10);
        assert!(warm.upper - warm.lower < 1e-10);
    }

    #[test]
    fn value_iteration_finishes_what_policy_iteration_left() {
        let instance = InstanceConfig::preset("geo3").unwrap().build().unwrap();
        let graph = Graph::new(&instance, MAX_EDGES).unwrap();
        let mut search = Search::new(&graph, &instance, None);
        search.evaluate();
        search.iterate_values(1e-9);
        assert!((search.gain[0] - 0.7).abs() < 1e-9);
        assert!((search.upper - 0.7).abs() < 1e-9);
    }
}
