//! Policies over the actions of a space: categorical for integers, diagonal Gaussian for real vectors.
//!
//! A vector of integers has independent categorical elements. Real actions are not squashed: the environment clips them
//! (or, where it would refuse them, they are clipped on their way to it), and their probability is that of what was drawn.

use palaestra_envs::space::{BoxSpace, ColumnData, Columns, DType, Space};
use palaestra_world_models::activation::exponentials;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// Logit of a forbidden action: its probability is zero in single precision, and zero times it is finite.
const FORBIDDEN: f32 = -1e9;
/// ½ ln 2π.
const HALF_LN_2_PI: f32 = 0.918_938_5;

/// The family of policies for a space of actions.
#[derive(Debug, Clone, PartialEq)]
pub enum Distribution {
    /// Integers, each with a categorical distribution of its own.
    Categorical {
        /// Choices of each integer.
        sizes: Vec<usize>,
        /// The smallest of each.
        start: i32,
    },
    /// Real numbers, each with a normal distribution of its own.
    Gaussian(BoxSpace),
}

impl Distribution {
    /// The family for `space`; `None` if there is none here (bits, text, several fields).
    pub fn of(space: &Space) -> Option<Self> {
        match space {
            Space::Discrete { n, start } => Some(Self::Categorical {
                sizes: vec![*n],
                start: *start,
            }),
            Space::MultiDiscrete { nvec } => Some(Self::Categorical {
                sizes: nvec.clone(),
                start: 0,
            }),
            Space::Box(space) if space.dtype != DType::Uint8 => Some(Self::Gaussian(space.clone())),
            _ => None,
        }
    }

    /// A, parameters that the network gives for each step: logits, or means.
    pub fn width(&self) -> usize {
        match self {
            Self::Categorical { sizes, .. } => sizes.iter().sum(),
            Self::Gaussian(space) => space.low.len(),
        }
    }

    /// Numbers of an action.
    pub fn action_width(&self) -> usize {
        match self {
            Self::Categorical { sizes, .. } => sizes.len(),
            Self::Gaussian(space) => space.low.len(),
        }
    }

    /// Whether actions are real numbers.
    pub fn is_real(&self) -> bool {
        matches!(self, Self::Gaussian(_))
    }

    /// Draws an action into `action`; returns its log-probability.
    ///
    /// `policy`, `[A]`, are logits or means, `log_std`, `[A]`, is of real actions only; `mask` has a 1 for each
    /// allowed choice, or is empty.
    pub fn sample(
        &self,
        policy: &[f32],
        log_std: &[f32],
        mask: &[u8],
        rng: &mut impl Rng,
        action: &mut [f32],
    ) -> f32 {
        let Self::Categorical { sizes, .. } = self else {
            let mut log_prob = 0.0;
            for ((a, mean), log_std) in action.iter_mut().zip(policy).zip(log_std) {
                let z: f32 = rng.sample(StandardNormal);
                *a = mean + libm::expf(*log_std) * z;
                log_prob -= 0.5 * z * z + log_std + HALF_LN_2_PI;
            }
            return log_prob;
        };
        let (mut first, mut log_prob) = (0, 0.0);
        for (a, size) in action.iter_mut().zip(sizes) {
            let logit = |i: usize| logit(policy, mask, first + i);
            let max = (0..*size).map(logit).fold(f32::NEG_INFINITY, f32::max);
            let weight = |i: usize| libm::expf(logit(i) - max);
            let total: f32 = (0..*size).map(weight).sum();
            let mut left = rng.random::<f32>() * total;
            // Rounding may leave something over: then it is the last possible choice.
            let mut choice = None;
            for i in 0..*size {
                let weight = weight(i);
                if weight > 0.0 {
                    choice = Some(i);
                    left -= weight;
                    if left < 0.0 {
                        break;
                    }
                }
            }
            let choice = choice.unwrap_or(0);
            *a = choice as f32;
            log_prob += logit(choice) - max - libm::logf(total);
            first += size;
        }
        log_prob
    }

    /// Writes the most probable action into `action`.
    pub fn mode(&self, policy: &[f32], mask: &[u8], action: &mut [f32]) {
        let Self::Categorical { sizes, .. } = self else {
            action.copy_from_slice(policy);
            return;
        };
        let mut first = 0;
        for (a, size) in action.iter_mut().zip(sizes) {
            let mut best = 0;
            for i in 1..*size {
                if logit(policy, mask, first + i) > logit(policy, mask, first + best) {
                    best = i;
                }
            }
            *a = best as f32;
            first += size;
        }
    }

    /// Writes `action` to row `row` of `columns`; real numbers within the bounds unless `lenient`.
    pub fn write(&self, action: &[f32], columns: &mut Columns, row: usize, lenient: bool) {
        let range = row * action.len()..(row + 1) * action.len();
        match (self, &mut columns.fields_mut()[0].data) {
            (Self::Categorical { start, .. }, ColumnData::I32(out)) => {
                for (out, a) in out[range].iter_mut().zip(action) {
                    *out = *a as i32 + start;
                }
            }
            (Self::Gaussian(space), data) => {
                let clip = |(a, i): (&f32, usize)| {
                    if lenient {
                        *a
                    } else {
                        a.clamp(space.low[i] as f32, space.high[i] as f32)
                    }
                };
                let values = action.iter().zip(0..).map(clip);
                match data {
                    ColumnData::F32(out) => {
                        out[range].iter_mut().zip(values).for_each(|(o, a)| *o = a);
                    }
                    ColumnData::F64(out) => {
                        (out[range].iter_mut().zip(values)).for_each(|(o, a)| *o = f64::from(a));
                    }
                    // The columns are those of the space.
                    _ => debug_assert!(false, "real actions in a column of another kind"),
                }
            }
            (Self::Categorical { .. }, _) => debug_assert!(false, "integers in another column"),
        }
    }

    /// Goes through N steps: `judge` is told the number of a step, ln π(a) and the entropy of π, and tells the derivatives
    /// of some loss with respect to both. Returns those with respect to `policy` and `log_std`.
    ///
    /// # Shapes
    /// `policy` `[N, A]`, `log_std` `[A]` of real actions, else empty, `actions` `[N, action_width]`; `mask`, `[N, A]`, has a
    /// 1 for each allowed choice, or is empty.
    pub fn differentiate(
        &self,
        mut policy: Vec<f32>,
        log_std: &[f32],
        actions: &[f32],
        mask: &[u8],
        judge: impl FnMut(usize, f32, f32) -> [f32; 2],
    ) -> (Vec<f32>, Vec<f32>) {
        let Self::Categorical { sizes, .. } = self else {
            return normal(policy, log_std, actions, judge);
        };
        for (logit, _) in policy.iter_mut().zip(mask).filter(|(_, m)| **m == 0) {
            *logit = FORBIDDEN;
        }
        (categorical(policy, sizes, actions, judge), Vec::new())
    }
}

/// [`Distribution::differentiate`] for real actions.
fn normal(
    mut policy: Vec<f32>,
    log_std: &[f32],
    actions: &[f32],
    mut judge: impl FnMut(usize, f32, f32) -> [f32; 2],
) -> (Vec<f32>, Vec<f32>) {
    let width = log_std.len().max(1);
    let sigma: Vec<f32> = log_std.iter().map(|s| libm::expf(*s)).collect();
    // H = Σ ln σ + ½ ln 2πe
    let entropy: f32 = log_std.iter().map(|s| s + (HALF_LN_2_PI + 0.5)).sum();
    let mut of_log_std = vec![0.0; log_std.len()];
    let steps = policy.chunks_mut(width).zip(actions.chunks(width));
    for (i, (means, actions)) in steps.enumerate() {
        // ln N(a; μ, σ) = −½ z² − ln σ − ½ ln 2π with z = (a − μ)/σ, which takes the place of μ.
        let mut log_prob = 0.0;
        for (j, (mean, a)) in means.iter_mut().zip(actions).enumerate() {
            let z = (a - *mean) / sigma[j];
            log_prob -= 0.5 * z * z + log_std[j] + HALF_LN_2_PI;
            *mean = z;
        }
        let [of_log_prob, of_entropy] = judge(i, log_prob, entropy);
        for (j, z) in means.iter_mut().enumerate() {
            // ∂ln N/∂μ = z/σ, ∂ln N/∂ln σ = z² − 1, ∂H/∂ln σ = 1
            of_log_std[j] += of_log_prob * (*z * *z - 1.0) + of_entropy;
            *z = of_log_prob * *z / sigma[j];
        }
    }
    (policy, of_log_std)
}

/// [`Distribution::differentiate`] for integers, from all logits.
fn categorical(
    mut logits: Vec<f32>,
    sizes: &[usize],
    actions: &[f32],
    mut judge: impl FnMut(usize, f32, f32) -> [f32; 2],
) -> Vec<f32> {
    let width = sizes.iter().sum::<usize>().max(1);
    for step in logits.chunks_mut(width) {
        let mut rest = step;
        for &size in sizes {
            let part;
            (part, rest) = rest.split_at_mut(size);
            let max = part.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            part.iter_mut().for_each(|logit| *logit -= max);
        }
    }
    // Probabilities, and their logarithms; neither is yet divided by the sum.
    let (mut p, mut log_p) = (logits.clone(), logits);
    exponentials(&mut p);
    let mut entropies = vec![0.0; sizes.len()];
    let steps = p.chunks_mut(width).zip(log_p.chunks_mut(width));
    for (i, ((p, log_p), actions)) in steps.zip(actions.chunks(sizes.len().max(1))).enumerate() {
        let (mut first, mut log_prob) = (0, 0.0);
        for ((size, a), entropy) in sizes.iter().zip(actions).zip(&mut entropies) {
            let (p, log_p) = (&mut p[first..][..*size], &mut log_p[first..][..*size]);
            let total: f32 = p.iter().sum();
            let (share, log_total) = (1.0 / total, libm::logf(total));
            *entropy = 0.0;
            for (p, log_p) in p.iter_mut().zip(log_p.iter_mut()) {
                *p *= share;
                *log_p -= log_total;
                *entropy -= *p * *log_p;
            }
            log_prob += log_p[*a as usize];
            first += size;
        }
        let [of_log_prob, of_entropy] = judge(i, log_prob, entropies.iter().sum());
        first = 0;
        for ((size, a), entropy) in sizes.iter().zip(actions).zip(&entropies) {
            let (p, log_p) = (&mut p[first..][..*size], &log_p[first..][..*size]);
            // With logits x: ∂ln π(a)/∂x_j = [j = a] − p_j, ∂H/∂x_j = −p_j (ln p_j + H)
            for (p, log_p) in p.iter_mut().zip(log_p) {
                *p *= -(of_log_prob + of_entropy * (log_p + entropy));
            }
            p[*a as usize] += of_log_prob;
            first += size;
        }
    }
    p
}

fn logit(policy: &[f32], mask: &[u8], i: usize) -> f32 {
    if mask.get(i) == Some(&0) {
        FORBIDDEN
    } else {
        policy[i]
    }
}

#[cfg(test)]
mod tests {
    use palaestra_envs::stream::Stream;

    use super::*;

    /// ln π(a) and the entropy at each step.
    fn told(
        policy: &Distribution,
        parameters: &[f32],
        log_std: &[f32],
        actions: &[f32],
        mask: &[u8],
    ) -> Vec<[f32; 2]> {
        let mut told = Vec::new();
        policy.differentiate(parameters.to_vec(), log_std, actions, mask, |_, p, h| {
            told.push([p, h]);
            [0.0; 2]
        });
        told
    }

    /// What is drawn has the probability it is said to have, by both ways to compute it.
    #[test]
    fn draws_have_the_probabilities_that_are_told() {
        let policy = Distribution::of(&Space::MultiDiscrete { nvec: vec![3, 2] }).unwrap();
        let logits = [0.5, -1.0, 1.2, 0.3, -0.2];
        let mask = [1, 0, 1, 1, 1];
        let mut rng = Stream::new(3, 0, "test");
        let mut counts = [0.0_f64; 6];
        let draws = 60_000;
        let (mut action, mut log_probs) = ([0.0; 2], [0.0; 6]);
        for _ in 0..draws {
            let log_prob = policy.sample(&logits, &[], &mask, &mut rng, &mut action);
            let index = action[0] as usize * 2 + action[1] as usize;
            counts[index] += 1.0;
            log_probs[index] = log_prob;
        }
        assert_eq!(counts[2] + counts[3], 0.0, "the second choice is forbidden");
        let (mut total, mut entropy) = (0.0, 0.0);
        for i in [0, 1, 4, 5] {
            let p = f64::from(log_probs[i]).exp();
            let error = 5.0 * (p * (1.0 - p) / f64::from(draws)).sqrt();
            assert!((counts[i] / f64::from(draws) - p).abs() < error, "{i}: {p}");
            total += p;
            entropy -= p * p.ln();
        }
        assert!((total - 1.0).abs() < 1e-5);
        let found = told(
            &policy,
            &logits.repeat(4),
            &[],
            &[0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 2.0, 1.0],
            &mask.repeat(4),
        );
        for ([log_prob, of_step], i) in found.into_iter().zip([0, 1, 4, 5]) {
            assert!((log_prob - log_probs[i]).abs() < 1e-6);
            assert!((f64::from(of_step) - entropy).abs() < 1e-5);
        }
        policy.mode(&logits, &[1, 1, 0, 1, 1], &mut action);
        assert_eq!(action, [0.0, 0.0]);
    }

    #[test]
    fn real_actions_are_normal_and_clipped_only_on_their_way() {
        let space = Space::bounded(vec![-1.0, -0.5], vec![1.0, 0.5]);
        let policy = Distribution::of(&space).unwrap();
        let (mean, log_std) = ([0.2, 3.0], [0.3_f32, -0.7]);
        let mut rng = Stream::new(3, 0, "test");
        let mut action = [0.0; 2];
        let log_prob = policy.sample(&mean, &log_std, &[], &mut rng, &mut action);
        let normal = |x: f32, m: f32, s: f32| {
            -0.5 * ((x - m) / s).powi(2) - s.ln() - 0.5 * std::f32::consts::TAU.ln()
        };
        let [s, r] = log_std.map(f32::exp);
        let expected = normal(action[0], mean[0], s) + normal(action[1], mean[1], r);
        assert!((log_prob - expected).abs() < 1e-5);
        let [found, entropy] = told(&policy, &mean, &log_std, &action, &[])[0];
        assert!((found - expected).abs() < 1e-5);
        let expected = 0.3 - 0.7 + (std::f32::consts::TAU * std::f32::consts::E).ln();
        assert!((entropy - expected).abs() < 1e-5);
        let mut columns = space.columns(2);
        policy.write(&[0.25, 3.5], &mut columns, 1, false);
        assert_eq!(columns.f32(0), [0.0, 0.0, 0.25, 0.5]);
        policy.write(&[0.25, 3.5], &mut columns, 1, true);
        assert_eq!(columns.f32(0)[3], 3.5);
    }
}
