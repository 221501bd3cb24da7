//! Ranking policies: the arms in the order of their rested payoffs, and a cycle over the first `m` of them.
//!
//! After Cella, Cesa-Bianchi, *Stochastic Bandits with Delay-Dependent Payoffs*, AISTATS 2020 (arXiv 1910.02757),
//! whose abstract states that the best such policy is within a constant factor of the optimum for payoffs that grow
//! with the delay. The factor itself was not verified, and several plays a round are our own extension: `k` arms at a
//! time, so that round `t` plays positions `t·k, …, t·k + k − 1` of the cycle.

use palaestra_envs::bandits::{Instance, Schedule};

use super::{Plan, PlanError};

/// Name of the planner in configs.
const NAME: &str = "ranking";

/// The best ranking policy: every `m` from `k` to the number of arms is tried, the smallest wins a tie.
///
/// # Errors
/// As [`long_run_mean`](palaestra_envs::bandits::long_run_mean).
pub fn ranking(instance: &Instance) -> Result<Plan, PlanError> {
    let order = rested_order(instance);
    let mut best: Option<Plan> = None;
    let mut size = 0;
    for m in instance.plays()..=order.len() {
        let rounds = cycle(&order[..m], instance.plays());
        size += rounds.len() as u64;
        let policy = Box::new(Schedule::new(rounds));
        let plan = Plan::evaluated(NAME, instance, policy, size, Vec::new())?;
        if best
            .as_ref()
            .is_none_or(|best| plan.value.rate > best.value.rate)
        {
            best = Some(plan);
        }
    }
    let mut plan = best.ok_or_else(|| PlanError::Unsuitable {
        planner: NAME,
        reason: "there are fewer arms than plays a round".into(),
    })?;
    plan.cost.size = size;
    Ok(plan)
}

/// The arms by payoff when fully rested, the largest first, ties to the lowest arm.
pub(super) fn rested_order(instance: &Instance) -> Vec<usize> {
    let rested = |&arm: &usize| instance.mean(arm, instance.caps(arm).idle);
    let mut order: Vec<usize> = (0..instance.num_arms()).collect();
    order.sort_by(|a, b| rested(b).total_cmp(&rested(a)));
    order
}

/// `arms` in a circle, `plays` at a time, until the circle begins anew with a round.
fn cycle(arms: &[usize], plays: usize) -> Vec<Vec<usize>> {
    let common = (1..=plays)
        .rev()
        .find(|d| arms.len().is_multiple_of(*d) && plays.is_multiple_of(*d));
    let rounds = arms.len() / common.unwrap_or(1);
    let round = |t: usize| {
        (0..plays)
            .map(|i| arms[(t * plays + i) % arms.len()])
            .collect()
    };
    (0..rounds).map(round).collect()
}

#[cfg(test)]
mod tests {
    use palaestra_envs::bandits::InstanceConfig;

    use super::*;
    use crate::bandits::planning::delay::mean_at_delay;

    #[test]
    fn the_value_is_the_mean_payoff_at_delay_m() {
        for id in [
            "exp3", "lin4", "geo3", "block237", "burst2", "step2", "pb_log10",
        ] {
            let instance = InstanceConfig::preset(id).unwrap().build().unwrap();
            let order = rested_order(&instance);
            let value = |m: usize| {
                let arms = order[..m].iter();
                arms.map(|&arm| mean_at_delay(&instance, arm, m as u64))
                    .sum::<f64>()
                    / m as f64
            };
            let best = (1..=order.len()).map(value).fold(0.0, f64::max);
            let plan = ranking(&instance).unwrap();
            assert!(
                (plan.value.rate - best).abs() < 1e-12,
                "{id}: {plan:?} {best}"
            );
        }
    }

    #[test]
    fn several_plays_move_on_together() {
        assert_eq!(cycle(&[3, 1, 2], 2), [[3, 1], [2, 3], [1, 2]]);
        assert_eq!(cycle(&[3, 1, 2, 0], 2), [[3, 1], [2, 0]]);
        let mut config = InstanceConfig::preset("stat3").unwrap();
        config.plays = 2;
        let plan = ranking(&config.build().unwrap()).unwrap();
        assert!((plan.value.rate - 0.9).abs() < 1e-12, "{plan:?}");
    }
}
