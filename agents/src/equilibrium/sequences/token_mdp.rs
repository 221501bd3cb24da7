//! Token-level DPO: Rafailov et al., *From r to Q\*: Your Language Model is Secretly a Q-Function* (arXiv 2404.12358).
//!
//! Writing a text is a deterministic decision process over tokens. With a reference policy,
//! `Q(s, a) = r(s, a) + V(s')`, `V(s) = β log Σ_a ref(a | s) exp(Q(s, a) / β)` and `π = ref exp((Q - V) / β)`. Over a
//! whole text, `β log(π / ref)` is its reward minus `V` at the root: a policy trained by DPO is a reward model.

use palaestra_envs::math;

use super::super::{GameError, SolverError, simplex};

/// Where a token leads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    /// To this context, whose index is larger.
    Context(usize),
    /// The text is over and earns this reward.
    End(f64),
}

/// A tree, or graph without cycles, of contexts. Context 0 is the empty text.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenMdp {
    vocabulary: usize,
    /// `[contexts * vocabulary]`.
    log_reference: Vec<f64>,
    next: Vec<Next>,
}

/// The solution of a [`TokenMdp`] at a temperature.
#[derive(Debug, Clone, PartialEq)]
pub struct SoftPolicy {
    /// Temperature.
    pub beta: f64,
    /// Values of contexts.
    pub values: Vec<f64>,
    /// `[contexts * vocabulary]`.
    pub q: Vec<f64>,
    /// Logarithms of the policy, `[contexts * vocabulary]`.
    pub log_policy: Vec<f64>,
}

impl TokenMdp {
    /// The process with these reference probabilities and followers, both `[contexts * vocabulary]`.
    ///
    /// # Errors
    /// [`GameError::Shape`] if the lists do not fit, [`GameError::Reference`] if a context's probabilities do not sum to
    /// 1, [`GameError::Tree`] if a context does not come after all that lead to it.
    pub fn new(vocabulary: usize, reference: &[f64], next: Vec<Next>) -> Result<Self, GameError> {
        let contexts = next.len().checked_div(vocabulary).unwrap_or_default();
        let expected = contexts.max(1) * vocabulary;
        for (what, found) in [("reference", reference.len()), ("followers", next.len())] {
            if found != expected || expected == 0 {
                return Err(GameError::Shape {
                    what,
                    found,
                    expected,
                });
            }
        }
        for row in reference.chunks_exact(vocabulary) {
            let sum: f64 = row.iter().sum();
            if row.iter().any(|p| *p < 0.0) || (sum - 1.0).abs() > 1e-9 {
                return Err(GameError::Reference(sum));
            }
        }
        for (k, next) in next.iter().enumerate() {
            if let Next::Context(to) = *next
                && (to <= k / vocabulary || to >= contexts)
            {
                return Err(GameError::Tree {
                    game: "token MDP".into(),
                    reason: format!(
                        "context {} leads to context {to}; it must lead to a later one below {contexts}",
                        k / vocabulary
                    ),
                });
            }
        }
        Ok(Self {
            vocabulary,
            log_reference: simplex::logs(reference),
            next,
        })
    }

    /// Logarithms of the reference policy, `[contexts * vocabulary]`.
    pub fn log_reference(&self) -> &[f64] {
        &self.log_reference
    }

    /// Solves the soft Bellman equation backwards.
    ///
    /// # Errors
    /// [`SolverError::Setting`] for a temperature that is not positive.
    pub fn solve(&self, beta: f64) -> Result<SoftPolicy, SolverError> {
        SolverError::positive("beta", beta)?;
        let n = self.vocabulary;
        let contexts = self.next.len() / n;
        let mut values = vec![0.0; contexts];
        let mut q = vec![0.0; self.next.len()];
        let mut log_policy = vec![0.0; self.next.len()];
        for context in (0..contexts).rev() {
            let row = context * n..(context + 1) * n;
            for k in row.clone() {
                q[k] = match self.next[k] {
                    Next::Context(to) => values[to],
                    Next::End(reward) => reward,
                };
                log_policy[k] = self.log_reference[k] + q[k] / beta;
            }
            let total = simplex::log_sum_exp(&log_policy[row.clone()]);
            log_policy[row].iter_mut().for_each(|log| *log -= total);
            values[context] = beta * total;
        }
        Ok(SoftPolicy {
            beta,
            values,
            q,
            log_policy,
        })
    }

    /// Logarithm of the probability of a text under a table like [`log_reference`](Self::log_reference), and its reward;
    /// nothing if the text does not end where it stops, or goes on after its end.
    pub fn read(&self, table: &[f64], text: &[usize]) -> Option<(f64, f64)> {
        let (mut context, mut log) = (0, 0.0);
        for (place, &token) in text.iter().enumerate() {
            if token >= self.vocabulary {
                return None;
            }
            let k = context * self.vocabulary + token;
            log += table[k];
            match self.next[k] {
                Next::Context(to) => context = to,
                Next::End(reward) => return (place + 1 == text.len()).then_some((log, reward)),
            }
        }
        None
    }
}

/// The implicit reward of a text, `β log(π / ref)`.
pub fn implicit_reward(beta: f64, log_policy: f64, log_reference: f64) -> f64 {
    beta * (log_policy - log_reference)
}

/// DPO's loss, `-log σ(margin)`, for the implicit reward of the preferred text minus that of the other.
pub fn dpo_loss(margin: f64) -> f64 {
    // Without overflow on either side.
    (-margin).max(0.0) + libm::log1p(math::exp(-margin.abs()))
}
