//! Beliefs over the states of an explicit POMDP, as sparse vectors, and their exact update.

use palaestra_envs::pomdp::Pomdp;
use serde::{Deserialize, Serialize};

/// A distribution over states: those with positive probability in ascending order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Belief {
    /// The states.
    pub states: Vec<u32>,
    /// Probability of each; they sum to 1.
    pub probabilities: Vec<f64>,
}

/// What an action may lead to.
#[derive(Debug, Clone, PartialEq)]
pub struct Successor {
    /// The observation.
    pub observation: usize,
    /// Its probability `P(o | b, a)`.
    pub probability: f64,
    /// The belief after it.
    pub belief: Belief,
}

/// Memory for belief updates on one model, used again and again.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Predicted probability of each state; 0 outside of updates.
    predicted: Vec<f64>,
    reached: Vec<u32>,
    /// For each observation the states that may show it.
    buckets: Vec<Belief>,
    seen: Vec<usize>,
}

impl Workspace {
    /// Memory for `model`.
    pub fn new(model: &Pomdp) -> Self {
        Self {
            predicted: vec![0.0; model.num_states()],
            reached: Vec::new(),
            buckets: vec![Belief::default(); model.num_observations()],
            seen: Vec::new(),
        }
    }
}

impl Belief {
    /// The initial belief of `model`.
    pub fn start(model: &Pomdp) -> Self {
        let start = model.start();
        Self {
            states: start.columns.to_vec(),
            probabilities: start.values.to_vec(),
        }
    }

    /// Certainty of one state.
    pub fn certain(state: usize) -> Self {
        Self {
            states: vec![state as u32],
            probabilities: vec![1.0],
        }
    }

    /// From a dense vector of probabilities or weights with a positive sum.
    pub fn from_dense(weights: &[f64]) -> Self {
        let sum: f64 = weights.iter().sum();
        let positive = weights.iter().enumerate().filter(|(_, w)| **w > 0.0);
        let (states, probabilities) = positive.map(|(s, w)| (s as u32, w / sum)).unzip();
        Self {
            states,
            probabilities,
        }
    }

    /// As a dense vector, `[states]`.
    pub fn to_dense(&self, states: usize) -> Vec<f64> {
        let mut dense = vec![0.0; states];
        self.iter().for_each(|(s, p)| dense[s] = p);
        dense
    }

    /// States with their probabilities.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let states = self.states.iter().map(|&s| s as usize);
        states.zip(self.probabilities.iter().copied())
    }

    /// `Σ b(s) values(s)`.
    #[inline]
    pub fn dot(&self, values: &[f64]) -> f64 {
        self.iter().map(|(s, p)| p * values[s]).sum()
    }

    /// The most likely state; of several the first.
    pub fn mode(&self) -> usize {
        let mut best = (0, -1.0);
        for (state, p) in self.iter() {
            if p > best.1 {
                best = (state, p);
            }
        }
        best.0
    }

    /// Entropy in nats.
    pub fn entropy(&self) -> f64 {
        let terms = self.probabilities.iter();
        -terms.map(|p| p * palaestra_envs::math::ln(*p)).sum::<f64>()
    }

    /// `Σ |b(s) - other(s)|`.
    pub fn distance(&self, other: &Self) -> f64 {
        let (mut i, mut j, mut sum) = (0, 0, 0.0);
        while i < self.states.len() || j < other.states.len() {
            let a = self.states.get(i).copied().unwrap_or(u32::MAX);
            let b = other.states.get(j).copied().unwrap_or(u32::MAX);
            let p = if a <= b { self.probabilities[i] } else { 0.0 };
            let q = if b <= a { other.probabilities[j] } else { 0.0 };
            sum += (p - q).abs();
            i += usize::from(a <= b);
            j += usize::from(b <= a);
        }
        sum
    }

    /// Probability of each state after `action`, before an observation, in `work`.
    fn predict(&self, model: &Pomdp, action: usize, work: &mut Workspace) {
        work.reached.clear();
        for (state, b) in self.iter() {
            for (next, p) in model.transition(state, action).iter() {
                if work.predicted[next] == 0.0 {
                    work.reached.push(next as u32);
                }
                work.predicted[next] += b * p;
            }
        }
        if !work.reached.is_sorted() {
            work.reached.sort_unstable();
        }
    }

    /// `b'(s') ∝ O(o | a, s') Σ_s T(s' | s, a) b(s)`, with `P(o | b, a)`; none if that is 0.
    pub fn update(
        &self,
        model: &Pomdp,
        action: usize,
        observation: usize,
        work: &mut Workspace,
    ) -> Option<(Self, f64)> {
        self.predict(model, action, work);
        let mut next = Self::default();
        for &state in &work.reached {
            let p = std::mem::take(&mut work.predicted[state as usize]);
            let p = p * model.observation(action, state as usize).get(observation);
            if p > 0.0 {
                next.states.push(state);
                next.probabilities.push(p);
            }
        }
        let total = next.normalise();
        (total > 0.0).then_some((next, total))
    }

    /// Calls `visit` with each observation that may follow `action`, in ascending order: its probability and the
    /// belief after it.
    pub fn for_successors(
        &self,
        model: &Pomdp,
        action: usize,
        work: &mut Workspace,
        mut visit: impl FnMut(usize, f64, &Self),
    ) {
        self.predict(model, action, work);
        for &state in &work.reached {
            let p = std::mem::take(&mut work.predicted[state as usize]);
            for (o, q) in model.observation(action, state as usize).iter() {
                let bucket = &mut work.buckets[o];
                if bucket.states.is_empty() {
                    work.seen.push(o);
                }
                if p * q > 0.0 {
                    bucket.states.push(state);
                    bucket.probabilities.push(p * q);
                }
            }
        }
        work.seen.sort_unstable();
        work.seen.dedup();
        for &o in &work.seen {
            let bucket = &mut work.buckets[o];
            let probability = bucket.normalise();
            if probability > 0.0 {
                visit(o, probability, bucket);
            }
            bucket.states.clear();
            bucket.probabilities.clear();
        }
        work.seen.clear();
    }

    /// All that may follow `action`.
    pub fn successors(&self, model: &Pomdp, action: usize, work: &mut Workspace) -> Vec<Successor> {
        let mut all = Vec::new();
        self.for_successors(model, action, work, |observation, probability, belief| {
            all.push(Successor {
                observation,
                probability,
                belief: belief.clone(),
            });
        });
        all
    }

    fn normalise(&mut self) -> f64 {
        let total: f64 = self.probabilities.iter().sum();
        if total > 0.0 {
            self.probabilities.iter_mut().for_each(|p| *p /= total);
        }
        total
    }
}
