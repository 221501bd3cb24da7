//! Generalised advantage estimation.
//!
//! *Schulman, Moritz, Levine, Jordan, Abbeel, High-dimensional continuous control using generalized advantage
//! estimation, arXiv 1506.02438.*

/// What the estimate is made from, of one row over T steps.
#[derive(Debug, Clone, Copy)]
pub struct Trace<'a> {
    /// r_t, `[T]`.
    pub rewards: &'a [f32],
    /// V_t, `[T]`.
    pub values: &'a [f32],
    /// d_t, whether step t is the first of its episode, `[T]`.
    pub starts: &'a [bool],
    /// V_T, the value of what was observed last.
    pub last_value: f32,
    /// d_T.
    pub last_start: bool,
}

/// Fills `advantages`, `[T]`, with
///
/// δ_t = r_t + γ V_{t+1} (1 − d_{t+1}) − V_t, A_t = δ_t + γλ (1 − d_{t+1}) A_{t+1}  (equations 11 and 16),
///
/// where an episode that ended in step t is known by the flag d_{t+1} of the step after it.
///
/// # Panics
/// If the slices differ in length.
pub fn gae(trace: &Trace<'_>, gamma: f32, lambda: f32, advantages: &mut [f32]) {
    let steps = advantages.len();
    assert!(
        trace.rewards.len() == steps && trace.values.len() == steps && trace.starts.len() == steps
    );
    let (mut next_value, mut next_start, mut advantage) = (trace.last_value, trace.last_start, 0.0);
    for t in (0..steps).rev() {
        let goes_on = if next_start { 0.0 } else { 1.0 };
        let delta = trace.rewards[t] + gamma * next_value * goes_on - trace.values[t];
        advantage = delta + gamma * lambda * goes_on * advantage;
        advantages[t] = advantage;
        (next_value, next_start) = (trace.values[t], trace.starts[t]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six steps, the third of which ends an episode; sums written out.
    #[test]
    fn the_estimate_is_the_direct_sum_over_each_episode() {
        let rewards = [1.0, -0.5, 2.0, 0.25, 0.0, 1.5];
        let values = [0.3, 0.1, -0.2, 0.8, 0.4, 0.6];
        let starts = [true, false, false, true, false, false];
        let trace = Trace {
            rewards: &rewards,
            values: &values,
            starts: &starts,
            last_value: 0.7,
            last_start: false,
        };
        let mut found = [0.0; 6];
        let g = 0.99_f32;
        gae(&trace, g, 1.0, &mut found);
        // With λ = 1: discounted rewards up to the end of the episode, or the last value, less the value.
        let tail = 0.7 * g * g * g;
        let expected = [
            1.0 - 0.5 * g + 2.0 * g * g - 0.3,
            -0.5 + 2.0 * g - 0.1,
            2.0 + 0.2,
            0.25 + 1.5 * g * g + tail - 0.8,
            1.5 * g + 0.7 * g * g - 0.4,
            1.5 + 0.7 * g - 0.6,
        ];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
        }

        // With λ = 0: one step ahead. An episode that ends with the rollout takes nothing from what follows.
        let trace = Trace {
            last_start: true,
            ..trace
        };
        gae(&trace, g, 0.0, &mut found);
        let expected = [
            1.0 + g * 0.1 - 0.3,
            -0.5 - g * 0.2 - 0.1,
            2.0 + 0.2,
            0.25 + g * 0.4 - 0.8,
            g * 0.6 - 0.4,
            1.5 - 0.6,
        ];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
        }

        // Between them: A_t = Σ_k (γλ)^k δ_{t+k} within the episode.
        gae(&trace, g, 0.5, &mut found);
        let decay = g * 0.5;
        let delta = expected;
        let second = delta[4] + decay * delta[5];
        assert!((found[3] - (delta[3] + decay * second)).abs() < 1e-6);
        assert!((found[0] - (delta[0] + decay * (delta[1] + decay * delta[2]))).abs() < 1e-6);
    }
}
