//! The loss of a minibatch, with its gradient in closed form.
//!
//! What the network says of a step is a handful of numbers, and everything after it is a function of these alone. So it
//! is worked out on the host, step by step, together with the derivatives with respect to them; autodiff, which would
//! record some thirty operations, begins at the network's outputs.

use super::{args::PpoArgs, distribution::Distribution, rollout::Batch};

/// Terms of the loss of one minibatch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct LossTerms {
    /// −L^CLIP.
    pub policy_loss: f64,
    /// L^V.
    pub value_loss: f64,
    /// S.
    pub entropy: f64,
    /// KL(π_old ‖ π_θ), estimated.
    pub approx_kl: f64,
    /// Share of steps whose ratio is beyond 1 ± ε.
    pub clip_fraction: f64,
}

/// The loss's terms, and the derivatives of the loss with respect to what the network says.
#[derive(Debug)]
pub(super) struct Loss {
    pub terms: LossTerms,
    /// Of logits or means, `[N, A]`.
    pub policy: Vec<f32>,
    /// Of log σ, `[A]`; empty for integers.
    pub log_std: Vec<f32>,
    /// Of V, `[N]`.
    pub value: Vec<f32>,
}

/// The loss of `batch` where the network says `policy`, `[N, A]`, `log_std`, `[A]` (of real actions), and `value`, `[N]`.
pub(super) fn loss(
    args: &PpoArgs,
    actions: &Distribution,
    policy: Vec<f32>,
    log_std: &[f32],
    value: &[f32],
    batch: &Batch,
) -> Loss {
    let clip = args.clip as f32;
    let every = 1.0 / value.len() as f64;
    let count = batch.acting.iter().filter(|&&acts| acts).count().max(1);
    let choice = if batch.acting.is_empty() {
        every
    } else {
        1.0 / count as f64
    };
    let mut terms = LossTerms::default();

    let judge = |i: usize, log_prob: f32, entropy: f32| {
        if batch.acting.get(i) == Some(&false) {
            return [0.0; 2];
        }
        // r_t(θ) = π_θ(a_t|s_t) / π_old(a_t|s_t)
        let log_ratio = log_prob - batch.log_prob[i];
        let ratio = libm::expf(log_ratio);
        let advantage = batch.advantage[i];
        // equation 7: L^CLIP = E[min(r_t Â_t, clip(r_t, 1 − ε, 1 + ε) Â_t)]
        let free = ratio * advantage;
        let clipped = ratio.clamp(1.0 - clip, 1.0 + clip) * advantage;
        terms.policy_loss -= f64::from(free.min(clipped)) * choice;
        terms.entropy += f64::from(entropy) * choice;
        // An estimate of KL(π_old ‖ π_θ) that is never negative: E[r − 1 − ln r].
        terms.approx_kl += f64::from(ratio - 1.0 - log_ratio) * choice;
        if (ratio - 1.0).abs() > clip {
            terms.clip_fraction += choice;
        }
        // ∂r/∂ln π = r; what has been clipped does not change. No number stays none.
        let of_ratio = if free > clipped { 0.0 } else { free };
        [
            -of_ratio * choice as f32,
            -(args.entropy_coef * choice) as f32,
        ]
    };
    let (of_policy, of_log_std) =
        actions.differentiate(policy, log_std, &batch.action, &batch.mask, judge);

    // L^V = ½ E[max((V − R)², (V_old + clip(V − V_old, ±ε) − R)²)]
    let of_value = value.iter().enumerate().map(|(i, value)| {
        let (old, target) = (batch.value[i], batch.target[i]);
        let change = (value - old).clamp(-clip, clip);
        let free = value - target;
        let clipped = old + change - target;
        let is_free = free * free >= clipped * clipped;
        let error = if is_free { free } else { clipped };
        terms.value_loss += 0.5 * f64::from(error * error) * every;
        // The clipped one moves with V within its bounds only.
        if !is_free && (value - old).abs() > clip {
            0.0
        } else {
            error * (args.value_coef * every) as f32
        }
    });
    let of_value = of_value.collect();
    Loss {
        terms,
        policy: of_policy,
        log_std: of_log_std,
        value: of_value,
    }
}

#[cfg(test)]
mod tests;
