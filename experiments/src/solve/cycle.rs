//! The rounds of the cycle that a plan runs into.

use palaestra_agents::bandits::planning::Plan;
use palaestra_envs::bandits::{Instance, long_run_mean};
use serde::Serialize;

/// Cycles of more rounds are not listed.
pub const MAX_LISTED_ROUNDS: u64 = 1000;

/// What a plan plays for ever, from the round on in which its cycle is entered.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Cycle {
    /// The arms played in each round, `[rounds][at most k]`.
    pub arms: Vec<Vec<usize>>,
    /// Their mean payoffs, of the same shape.
    pub payoffs: Vec<Vec<f64>>,
}

impl Cycle {
    /// The cycle of `plan`; `None` if it is longer than [`MAX_LISTED_ROUNDS`] or was not found.
    pub fn of(instance: &Instance, plan: &Plan) -> Option<Self> {
        let length = (plan.value.cycle_length).filter(|length| *length <= MAX_LISTED_ROUNDS)?;
        let policy = &*plan.policy;
        // It was found before, within as many rounds as the planner thought fit.
        let start = long_run_mean(instance, policy, u64::from(u32::MAX)).ok()?;
        let mut tau = instance.start().to_vec();
        let mut chosen = Vec::new();
        let mut cycle = Self::default();
        for round in 0..start.transient_length + length {
            let phase = (round % policy.period().max(1) as u64) as usize;
            policy.choose(instance, phase, &tau, &mut chosen);
            if round >= start.transient_length {
                chosen.sort_unstable();
                let paid = chosen.iter().map(|&arm| instance.mean(arm, tau[arm]));
                cycle.payoffs.push(paid.collect());
                cycle.arms.push(chosen.clone());
            }
            instance.play_row(&mut tau, |arm| chosen.contains(&arm), |_, _| ());
        }
        Some(cycle)
    }

    /// The rounds in one line: an arm, arms joined by `+`, or `–` for none.
    pub fn line(&self) -> String {
        let round = |arms: &Vec<usize>| {
            let arms: Vec<String> = arms.iter().map(ToString::to_string).collect();
            if arms.is_empty() {
                "–".to_owned()
            } else {
                arms.join("+")
            }
        };
        let rounds: Vec<String> = self.arms.iter().map(round).collect();
        rounds.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use palaestra_agents::bandits::planning::{PLANNERS, plan};

    use super::super::{BanditInstance, PlannerRequest};
    use super::*;

    #[test]
    fn the_payoffs_of_every_listed_cycle_make_its_rate() {
        for id in ["log3", "geo3", "sea3", "step2"] {
            let instance = BanditInstance::preset(id).unwrap().instance;
            for planner in PLANNERS {
                let request = PlannerRequest::parse(planner.id).unwrap();
                let plan = plan(&request.config, &instance).unwrap();
                let length = plan.value.cycle_length.unwrap();
                let Some(cycle) = Cycle::of(&instance, &plan) else {
                    assert!(length > MAX_LISTED_ROUNDS, "{id}, {}", planner.id);
                    continue;
                };
                assert_eq!(cycle.arms.len() as u64, length);
                let total: f64 = cycle.payoffs.iter().flatten().sum();
                let rate = total / length as f64;
                assert!(
                    (rate - plan.value.rate).abs() < 1e-9,
                    "{id}, {}",
                    planner.id
                );
            }
        }
    }

    #[test]
    fn a_round_is_an_arm_several_or_none() {
        let cycle = Cycle {
            arms: vec![vec![2], vec![0, 1], vec![]],
            ..Cycle::default()
        };
        assert_eq!(cycle.line(), "2 0+1 –");
    }
}
