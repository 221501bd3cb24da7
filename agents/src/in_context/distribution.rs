//! Policies over the actions of a space: categorical for integers, diagonal Gaussian for real vectors.
//!
//! A vector of integers has independent categorical elements. Real actions are not squashed: the environment clips them
//! (or, where it would refuse them, they are clipped on their way to it), and their probability is that of what was drawn.

use burn::tensor::{Bool, Tensor, activation::log_softmax};
use palaestra_envs::space::{BoxSpace, ColumnData, Columns, DType, Space};
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

    /// ln π(a) and the entropy of π, differentiable.
    ///
    /// # Shapes
    /// `policy` `[N, A]`, `log_std` `[A]` of real actions, `actions` `[N, action_width]`, `forbidden` `[N, A]`; both
    /// results `[N]`.
    pub fn evaluate(
        &self,
        policy: Tensor<2>,
        log_std: Option<Tensor<1>>,
        actions: Tensor<2>,
        forbidden: Option<Tensor<2, Bool>>,
    ) -> (Tensor<1>, Tensor<1>) {
        let [rows, width] = policy.dims();
        let Self::Categorical { sizes, .. } = self else {
            let log_std = log_std
                .unwrap_or_else(|| Tensor::zeros([width], &policy.device()))
                .reshape([1, width]);
            // ln N(a; μ, σ) = −½ ((a − μ)/σ)² − ln σ − ½ ln 2π
            let z = (actions - policy) / log_std.clone().exp();
            let log_prob = (z.square() * -0.5 - log_std.clone() - HALF_LN_2_PI).sum_dim(1);
            // H = Σ ln σ + ½ ln 2πe
            let entropy = (log_std + (HALF_LN_2_PI + 0.5))
                .sum_dim(1)
                .expand([rows, 1]);
            return (log_prob.reshape([rows]), entropy.reshape([rows]));
        };
        let logits = match forbidden {
            Some(forbidden) => policy.mask_fill(forbidden, FORBIDDEN),
            None => policy,
        };
        let mut first = 0;
        let parts = sizes.iter().enumerate().map(|(i, size)| {
            let log_p = log_softmax(logits.clone().narrow(1, first, *size), 1);
            first += size;
            let chosen = actions.clone().narrow(1, i, 1).int();
            let entropy = -(log_p.clone().exp() * log_p.clone()).sum_dim(1);
            (log_p.gather(1, chosen), entropy)
        });
        let sum = parts.reduce(|(a, b), (c, d)| (a + c, b + d));
        let (log_prob, entropy) = sum.unwrap_or_else(|| {
            let zero = Tensor::zeros([rows, 1], &logits.device());
            (zero.clone(), zero)
        });
        (log_prob.reshape([rows]), entropy.reshape([rows]))
    }
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
    use burn::tensor::{Device, TensorData};
    use palaestra_envs::stream::Stream;

    use super::*;

    fn tensor<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_into_vec().unwrap()
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
        let forbidden = mask.map(|m| f32::from(1 - m));
        let (log_prob, found) = policy.evaluate(
            tensor(&logits.repeat(4), [4, 5]),
            None,
            tensor(&[0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 2.0, 1.0], [4, 2]),
            Some(tensor(&forbidden.repeat(4), [4, 5]).greater_scalar(0.5)),
        );
        for (found, i) in values(log_prob).iter().zip([0, 1, 4, 5]) {
            assert!((found - log_probs[i]).abs() < 1e-6);
        }
        assert!((f64::from(values(found)[0]) - entropy).abs() < 1e-5);
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
        let (found, entropy) = policy.evaluate(
            tensor(&mean, [1, 2]),
            Some(tensor(&log_std, [2])),
            tensor(&action, [1, 2]),
            None,
        );
        assert!((values(found)[0] - expected).abs() < 1e-5);
        let expected = 0.3 - 0.7 + (std::f32::consts::TAU * std::f32::consts::E).ln();
        assert!((values(entropy)[0] - expected).abs() < 1e-5);
        let mut columns = space.columns(2);
        policy.write(&[0.25, 3.5], &mut columns, 1, false);
        assert_eq!(columns.f32(0), [0.0, 0.0, 0.25, 0.5]);
        policy.write(&[0.25, 3.5], &mut columns, 1, true);
        assert_eq!(columns.f32(0)[3], 3.5);
    }
}
