//! Schedules: the best cycle that is known, and what was played.

use palaestra_agents::bandits::planning::Plan;
use palaestra_envs::bandits::{Instance, long_run_mean};

use super::{
    AgentStrip, PlannedStrip, Schedules, SchedulesReport,
    bandit::{Model, Models},
};
use crate::plot::MOST_STRIP_ROWS;

/// Rounds that are shown.
pub(super) const ROUNDS: usize = 48;
/// Rounds within which a plan must run into its cycle.
const MOST_ROUNDS: u64 = 1 << 20;

/// The schedules of all instances and agents.
pub(super) fn schedules(models: &Models, played: Vec<AgentStrip>) -> SchedulesReport {
    let unknown = |reason: String| SchedulesReport::Unknown { reason };
    let arms = models.all().iter().map(|model| model.instance.num_arms());
    let most = arms.max().unwrap_or(0);
    if most > MOST_STRIP_ROWS {
        return unknown(format!(
            "Schedules are not shown for more than {MOST_STRIP_ROWS} arms; an instance has {most}."
        ));
    }
    let mut missing = Vec::new();
    let planned = models.all().iter().filter_map(|model| {
        let strip = planned(model);
        if strip.is_none() {
            missing.push(model.name.clone());
        }
        strip
    });
    let planned: Vec<PlannedStrip> = planned.collect();
    if planned.is_empty() && played.is_empty() {
        return unknown("No plan was computed and no episode is logged.".into());
    }
    let mut meaning = format!(
        "Each column is a round, each row an arm; a cell is a play, and its colour the mean payoff of the state that \
         the arm was in. Plans are shown from where their cycle begins, agents in the last {ROUNDS} rounds of their \
         first logged episode."
    );
    if !missing.is_empty() {
        meaning = format!(
            "{meaning} No plan was computed for {}, see above.",
            missing.join(", ")
        );
    }
    SchedulesReport::Shown(Schedules {
        plot: "schedules".into(),
        meaning,
        planned,
        played,
    })
}

/// The optimal cycle of an instance, else the best known one.
fn planned(model: &Model) -> Option<PlannedStrip> {
    let plan = model.optimal.as_ref().or(model.planned.as_ref()).ok()?;
    let optimum = model.opt().map(|opt| opt.0);
    let reaches = |rate: f64| plan.value.rate >= rate - 1e-9;
    Some(PlannedStrip {
        instance: model.name.clone(),
        planner: plan.planner,
        optimal: model.optimal.is_ok() || optimum.is_some_and(reaches) || reaches(model.bound),
        rate: plan.value.rate,
        cycle_length: plan.value.cycle_length,
        payoffs: cycle(&model.instance, plan),
    })
}

/// `[arm][round]`: the payoffs of a plan's plays from the beginning of its cycle on.
fn cycle(instance: &Instance, plan: &Plan) -> Vec<Vec<Option<f64>>> {
    let policy = &*plan.policy;
    let value = long_run_mean(instance, policy, MOST_ROUNDS);
    let first = value.map_or(0, |value| value.transient_length as usize);
    let mut payoffs = vec![Vec::new(); instance.num_arms()];
    let (mut states, mut chosen) = (instance.start().to_vec(), Vec::new());
    for round in 0..first + ROUNDS {
        policy.choose(
            instance,
            round % policy.period().max(1),
            &states,
            &mut chosen,
        );
        if round >= first {
            for (arm, payoffs) in payoffs.iter_mut().enumerate() {
                let plays = chosen.contains(&arm);
                payoffs.push(plays.then(|| instance.mean(arm, states[arm])));
            }
        }
        instance.play_row(&mut states, |arm| chosen.contains(&arm), |_, _| ());
    }
    payoffs
}
