//! The portfolio: several planners, of which the best plan is taken.
//!
//! Palaestra's own construction. Which planner wins depends on the instance. On the golden instances it is greedy or
//! harmonic on blocking arms, interleaved on concave recharging and on bursts of plays, virtual cycles with two plays a
//! round. Every candidate is valued by the cycle that it runs into (by a long run where it shows none), so the
//! portfolio is never worse than any of them; in particular it keeps the certified value of [`virtual_cycles()`].

use palaestra_envs::bandits::{Greedy, Instance};

use super::{
    Basis, Plan, PlanError, Relaxation, VirtualCyclesConfig, greedy, harmonic, interleaved,
    ranking, rotation, virtual_cycles,
};

/// Name of the planner in configs.
const NAME: &str = "best";

/// The best of greedy, harmonic and ranking plans, with one play a round the rotation and the best of `draws`
/// interleaved schedules of at most `rounds` rounds drawn from `seed`, and derandomised virtual cycles (where the
/// instance is not monotone, for its minorant and as it is). The first of these wins a tie.
///
/// A planner that finds no plan is left out, as a note then says. `certified` is that of virtual cycles, where they
/// have one.
///
/// # Errors
/// If no planner finds a plan.
pub fn best(instance: &Instance, draws: u64, rounds: usize, seed: u64) -> Result<Plan, PlanError> {
    let config = VirtualCyclesConfig::default();
    compare(instance, greedy(instance), draws, rounds, seed, config)
}

/// [`best`], in a hurry: policies that run into no cycle are followed for `max_rounds` rounds only.
///
/// # Errors
/// As [`best`].
pub(in super::super) fn best_within(
    max_rounds: u32,
    instance: &Instance,
    draws: u64,
    rounds: usize,
) -> Result<Plan, PlanError> {
    let (policy, notes) = (Box::new(Greedy), Vec::new());
    let limit = u64::from(max_rounds);
    let greedy = Plan::evaluated_within(limit, "greedy", instance, policy, 1, notes);
    let config = VirtualCyclesConfig {
        max_window: max_rounds,
        max_rounds: limit,
        ..VirtualCyclesConfig::default()
    };
    compare(instance, greedy, draws, rounds, 0, config)
}

fn compare(
    instance: &Instance,
    greedy: Result<Plan, PlanError>,
    draws: u64,
    rounds: usize,
    seed: u64,
    mut config: VirtualCyclesConfig,
) -> Result<Plan, PlanError> {
    let mut candidates = vec![
        ("greedy", greedy),
        ("harmonic", harmonic(instance, harmonic::LARGEST_BASE)),
        ("ranking", ranking(instance)),
    ];
    if instance.plays() == 1 {
        let rates = Relaxation::new(instance).rates();
        let drawn = interleaved(instance, &rates, draws, rounds, seed);
        candidates.extend([
            ("rotation", rotation(instance, &rates)),
            ("interleaved", drawn),
        ]);
    }
    let cycles = virtual_cycles(instance, &config);
    let certified = cycles.as_ref().ok().and_then(|plan| plan.value.certified);
    candidates.push(("virtual_cycles", cycles));
    if !instance.is_monotone() {
        // The minorant has a promise, the instance itself often more to win.
        config.basis = Basis::AsGiven;
        candidates.push(("virtual_cycles as given", virtual_cycles(instance, &config)));
    }

    let (mut best, mut size, mut found, mut missing) = (None::<Plan>, 0, Vec::new(), Vec::new());
    for (planner, candidate) in candidates {
        match candidate {
            Ok(plan) => {
                size += plan.cost.size;
                found.push(format!("{planner} {:.6}", plan.value.rate));
                if best
                    .as_ref()
                    .is_none_or(|best| plan.value.rate > best.value.rate)
                {
                    best = Some(plan);
                }
            }
            Err(error) => missing.push((planner, error)),
        }
    }
    let Some(mut best) = best else {
        let (_, error) = missing.swap_remove(0);
        return Err(error);
    };
    let winner = best.planner;
    best.planner = NAME;
    best.value.certified = certified;
    best.cost.size = size;
    let mut notes = vec![format!(
        "The best plan is that of `{winner}`, of these: {}.",
        found.join(", ")
    )];
    notes.append(&mut best.notes);
    notes.extend(
        missing
            .iter()
            .map(|(planner, error)| format!("`{planner}` found no plan: {error}.")),
    );
    best.notes = notes;
    Ok(best)
}

#[cfg(test)]
mod tests;
