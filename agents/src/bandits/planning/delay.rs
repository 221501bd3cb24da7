//! Arms seen by delay: what a play pays that comes `d` rounds after the last one.
//!
//! `d = 1` is a play in the round after a play; a delay `d ≥ 2` means `d − 1` idle rounds, so the state `d − 1`.

use palaestra_envs::bandits::Instance;

/// How far a payoff may lie off a straight line and still count as on it: rounding errors of the formulas.
const TOLERANCE: f64 = 1e-12;

/// `p_i(d)`: mean payoff of the plays of an arm that is played every `d ≥ 1` rounds for ever.
///
/// `p_i(1) = μ_i(−C_i)`: an arm that is played for ever ends at its satiation cap.
pub(super) fn mean_at_delay(instance: &Instance, arm: usize, delay: u64) -> f64 {
    let caps = instance.caps(arm);
    let Some(idle) = delay.checked_sub(1).filter(|idle| *idle > 0) else {
        return instance.mean(arm, -caps.played);
    };
    let (cap, first) = (caps.idle as u64, caps.wrapped() as u64);
    let state = if idle <= cap {
        idle
    } else {
        first + (idle - first) % caps.period as u64
    };
    instance.mean(arm, state as i16)
}

/// The delay from which on nothing new happens, for all arms: the largest `D_i`, plus 1.
pub(super) fn longest_delay(instance: &Instance) -> u64 {
    let caps = (0..instance.num_arms()).map(|arm| instance.caps(arm).idle as u64);
    caps.max().unwrap_or(0) + 1
}

/// Whether the payoff of every arm depends on the delay alone: all plays in a row after the first pay the same.
pub(super) fn is_recharging(instance: &Instance) -> bool {
    (0..instance.num_arms()).all(|arm| {
        let replay = instance.mean(arm, -1);
        (2..=instance.caps(arm).played)
            .all(|n| (instance.mean(arm, -n) - replay).abs() <= TOLERANCE)
    })
}

/// Whether every arm is recharging with a payoff `p(d)` that is non-decreasing and concave in the delay, from
/// `p(0) = 0` on. Only then do the guarantees of the [rounding](super::rounding) planners hold.
pub fn is_concave_recharging(instance: &Instance) -> bool {
    is_recharging(instance)
        && (0..instance.num_arms()).all(|arm| {
            let caps = instance.caps(arm);
            // One round past the cap, to see what comes after it.
            let payoffs = (1..=caps.idle as u64 + 2).map(|d| mean_at_delay(instance, arm, d));
            let (mut last, mut gain) = (0.0, f64::INFINITY);
            payoffs.into_iter().all(|p| {
                let step = p - last;
                let fits = -TOLERANCE <= step && step <= gain + TOLERANCE;
                (last, gain) = (p, step);
                fits
            })
        })
}

#[cfg(test)]
mod tests {
    use palaestra_envs::bandits::InstanceConfig;

    use super::*;

    fn preset(id: &str) -> Instance {
        InstanceConfig::preset(id).unwrap().build().unwrap()
    }

    #[test]
    fn a_delay_is_what_the_transition_makes_of_it() {
        for id in ["sea3", "geo3", "block236", "burst2", "stat3"] {
            let instance = preset(id);
            for arm in 0..instance.num_arms() {
                let caps = instance.caps(arm);
                let mut state = -caps.played;
                for delay in 1..40 {
                    let expected = instance.mean(arm, state);
                    assert_eq!(mean_at_delay(&instance, arm, delay), expected, "{id} {arm}");
                    state = caps.idle(state);
                }
            }
        }
    }

    #[test]
    fn only_concave_recharging_counts_as_such() {
        for id in ["exp3", "lin4"] {
            assert!(is_concave_recharging(&preset(id)), "{id}");
        }
        for id in ["block236", "sea3", "geo3", "log3", "burst2", "spike5"] {
            assert!(!is_concave_recharging(&preset(id)), "{id}");
        }
        assert!(is_recharging(&preset("block236")) && !is_recharging(&preset("geo3")));
        // A constant payoff is concave from p(0) = 0 on as well.
        assert!(is_concave_recharging(&preset("stat3")));
    }
}
