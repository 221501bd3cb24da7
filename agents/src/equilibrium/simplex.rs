//! Distributions in the log domain: what every learner here is made of.

use palaestra_envs::math;

/// Below this a probability is treated as 0 where a logarithm of it is asked for.
pub(super) const TINY: f64 = 1e-300;

/// `log Σ exp(x)`, shifted by the largest entry; `-∞` for an empty or wholly `-∞` slice.
pub(super) fn log_sum_exp(x: &[f64]) -> f64 {
    let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if most.is_infinite() {
        return most;
    }
    most + math::ln(x.iter().map(|&v| math::exp(v - most)).sum())
}

/// Writes the softmax of `logits` to `out`.
pub(super) fn softmax(logits: &[f64], out: &mut [f64]) {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (o, &v) in out.iter_mut().zip(logits) {
        *o = math::exp(v - most);
        sum += *o;
    }
    out.iter_mut().for_each(|o| *o /= sum);
}

/// Subtracts the mean: logits are defined up to a constant, and this one keeps them small.
pub(super) fn centre(logits: &mut [f64]) {
    let mean = logits.iter().sum::<f64>() / logits.len() as f64;
    logits.iter_mut().for_each(|v| *v -= mean);
}

/// Turns logits into the logarithms of their softmax.
pub(super) fn normalise_logs(logits: &mut [f64]) {
    let total = log_sum_exp(logits);
    logits.iter_mut().for_each(|v| *v -= total);
}

/// Logarithms of probabilities, `-∞` for those that are 0.
pub(super) fn logs(p: &[f64]) -> Vec<f64> {
    let log = |&x: &f64| {
        if x < TINY {
            f64::NEG_INFINITY
        } else {
            math::ln(x)
        }
    };
    p.iter().map(log).collect()
}

/// `Σ x y`, in order.
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| a * b).sum()
}

/// `KL(softmax(logits), q)` in nats, where `log_q` are logarithms of probabilities.
pub(super) fn kl_of_logits(logits: &[f64], log_q: &[f64]) -> f64 {
    let total = log_sum_exp(logits);
    let term = |(&v, &q): (&f64, &f64)| {
        let log = v - total;
        let mass = math::exp(log);
        if mass > 0.0 { mass * (log - q) } else { 0.0 }
    };
    logits.iter().zip(log_q).map(term).sum()
}

/// Logits of the geometric mixture `p^(1-weight) q^weight`.
pub(super) fn geometric_mixture(log_p: &[f64], log_q: &[f64], weight: f64, out: &mut [f64]) {
    for ((o, p), q) in out.iter_mut().zip(log_p).zip(log_q) {
        *o = (1.0 - weight) * p + weight * q;
    }
}

/// Index and value of the largest entry; of equal ones the first.
pub(super) fn best(values: &[f64]) -> (usize, f64) {
    let mut best = (0, f64::NEG_INFINITY);
    for (i, &value) in values.iter().enumerate() {
        if value > best.1 {
            best = (i, value);
        }
    }
    best
}

/// Scales non-negative weights to sum to 1; uniform if all are 0.
pub(super) fn normalise(weights: &mut [f64]) {
    let sum: f64 = weights.iter().sum();
    if sum > 0.0 {
        weights.iter_mut().for_each(|w| *w /= sum);
    } else {
        let share = 1.0 / weights.len() as f64;
        weights.fill(share);
    }
}

/// The index that a uniform draw from `[0, 1)` picks; never one of probability 0 while another has some.
pub(super) fn pick(probabilities: impl IntoIterator<Item = f64>, draw: f64) -> usize {
    let (mut left, mut last) = (draw, 0);
    for (i, p) in probabilities.into_iter().enumerate() {
        if p > 0.0 {
            last = i;
            if left < p {
                return i;
            }
            left -= p;
        }
    }
    last
}
