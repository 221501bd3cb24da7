//! Each check must fail for an environment with the fault it looks for, and pass for one without.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use bevy_ecs::prelude::{Res, ResMut, Resource};
use palaestra_envs::{
    EnvError,
    conformance::{self, CheckOptions, Outcome, Report},
    registry::Registry,
    sim::{BatchPlugin, Border, Builder, Plugin, RowState, Selection, StepSet, write_value},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::walk::{Fault, Walk};

/// The walk with the faults that need systems and resources of their own.
struct FaultyWalk(Walk);

/// Steps made per row, which nobody saves.
#[derive(Resource)]
struct Unsaved(Vec<u32>);

/// Saves differ from each other though nothing happens between them.
#[derive(Resource)]
struct SaveCounter(AtomicU32);

impl RowState for SaveCounter {
    fn save_row(&self, _: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        write_value(&self.0.fetch_add(1, Ordering::Relaxed), out)
    }

    fn load_row(&mut self, _: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        palaestra_envs::sim::read_value::<u32>(bytes).map(|_| ())
    }
}

impl Plugin for FaultyWalk {
    fn build(&self, builder: &mut Builder) -> Result<(), EnvError> {
        BatchPlugin(self.0.clone()).build(builder)?;
        match self.0.fault {
            Fault::BothFlags => builder.add_system(StepSet::Record, raise_both_flags),
            Fault::HoldsBackTheClock => builder.add_system(StepSet::Simulate, hold_the_clock),
            Fault::CountsSaves => builder.insert_row_resource(SaveCounter(AtomicU32::new(0))),
            Fault::KeepsStateUnsaved => {
                builder.insert_resource(Unsaved(vec![0; builder.rows()]));
                builder.add_system(StepSet::Observe, show_unsaved);
                builder.add_system(StepSet::Reset, clear_unsaved);
            }
            _ => {}
        }
        Ok(())
    }
}

fn raise_both_flags(mut border: ResMut<Border>) {
    let border = &mut *border;
    border.truncated.copy_from_slice(&border.terminated);
}

fn hold_the_clock(mut border: ResMut<Border>) {
    border.elapsed.fill(0);
}

fn clear_unsaved(mut unsaved: ResMut<Unsaved>, selection: Res<Selection>) {
    selection.rows().for_each(|row| unsaved.0[row] = 0);
}

fn show_unsaved(
    mut unsaved: ResMut<Unsaved>,
    mut border: ResMut<Border>,
    selection: Res<Selection>,
) {
    for row in selection.rows() {
        unsaved.0[row] += 1;
        let seen = (unsaved.0[row] % 6) as f32;
        border.player_mut(0).env_observation_mut().f32_mut(0)[2 * row + 1] = seen;
    }
}

fn options() -> CheckOptions {
    CheckOptions {
        episodes: 60,
        ..CheckOptions::default()
    }
}

fn report(fault: Fault) -> Report {
    let counter = Arc::new(AtomicU32::new(0));
    let make = || {
        let counter = counter.clone();
        Ok(Box::new(FaultyWalk(Walk { fault, counter })) as Box<dyn Plugin>)
    };
    conformance::check_plugin(make, &options())
}

fn failed(report: &Report, check: &str) -> bool {
    let outcome = report.get(check).map(|check| &check.outcome);
    matches!(outcome, Some(Outcome::Failed { .. }))
}

/// Each fault with checks that must see it.
const SEEN_BY: &[(Fault, &[&str])] = &[
    (Fault::PlayersShareAName, &["spec"]),
    (Fault::CallsItselfDeterministic, &["other_seeds"]),
    (Fault::CallsItselfStochastic, &["other_seeds"]),
    (Fault::ObservationTooLarge, &["observations"]),
    (Fault::ObservationIsNan, &["observations"]),
    (Fault::FinalObservationTooLarge, &["observations"]),
    (Fault::RewardTooLarge, &["rewards"]),
    (Fault::RewardIsInfinite, &["rewards"]),
    (Fault::InfoTooLarge, &["info"]),
    (Fault::MaskIsEmpty, &["masks"]),
    (Fault::NobodyActs, &["turns"]),
    (Fault::BothFlags, &["episodes"]),
    (Fault::CountsOverAllSimulators, &["determinism", "replay"]),
    (
        Fault::DependsOnTheRow,
        &["explicit_seeds", "batch_is_single", "shards"],
    ),
    (Fault::RepeatsTheFirstEpisode, &["other_seeds"]),
    (Fault::ForgetsToReset, &["replay", "explicit_seeds"]),
    (
        Fault::BlanksWhatFollowsTermination,
        &["autoreset_same_step"],
    ),
    (
        Fault::FirstObservationShowsTheAction,
        &["autoreset_next_step", "replay"],
    ),
    (Fault::ShowsMoreWhenAskedForInfo, &["info_is_passive"]),
    (
        Fault::HoldsBackTheClock,
        &["episodes", "time_limit", "autoreset_disabled"],
    ),
    (Fault::WritesAllRowsOnReset, &["reset_of_some"]),
    (Fault::WritesAllRowsOnStep, &["step_of_some"]),
    (Fault::KeepsStateUnsaved, &["clone_restore"]),
    (
        Fault::CountsSaves,
        &["clone_restore", "invalid_actions", "masked_actions"],
    ),
    (Fault::CountsPictures, &["render"]),
    (Fault::Panics, &["observations", "determinism", "render"]),
];

#[test]
fn a_sound_environment_passes_every_check_and_skips_none() {
    let report = report(Fault::None);
    for check in &report.checks {
        let passes = check.outcome == Outcome::Passed;
        assert!(passes || check.name == "arguments", "{report}");
    }
}

#[test]
fn every_fault_is_seen_by_the_checks_that_look_for_it() {
    for (fault, checks) in SEEN_BY {
        let report = report(*fault);
        for check in *checks {
            assert!(
                failed(&report, check),
                "{fault:?} unseen by {check}\n{report}"
            );
        }
    }
}

/// Arguments that let misspelt names pass.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct LaxArgs {
    length: u32,
}

#[test]
fn arguments_that_let_strangers_pass_are_seen() {
    let mut registry = Registry::default();
    registry.register("walk-v1", "test", "A walk.", |_: LaxArgs| {
        let (fault, counter) = (Fault::None, Arc::default());
        Ok(Box::new(FaultyWalk(Walk { fault, counter })))
    });
    let entry = registry.get("walk-v1").unwrap();
    let report = conformance::check(entry, &Value::Null, &options());
    assert!(failed(&report, "arguments"), "{report}");
    assert_eq!(report.failures().count(), 1, "{report}");
}

#[test]
fn no_check_is_one_that_cannot_fail() {
    let all: BTreeSet<&str> = conformance::check_names().collect();
    let shown = SEEN_BY.iter().flat_map(|(_, checks)| *checks).copied();
    let shown: BTreeSet<&str> = shown.chain(["arguments"]).collect();
    assert_eq!(all, shown);
}
