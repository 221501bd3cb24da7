//! The conformance suite: what every environment must do, checked from outside.
//!
//! It knows an environment only through [`Simulator`], so it works for all three ways of
//! writing one, with wrappers or without, for one player or several, and for any space. Random legal actions
//! drive it; every check is deterministic, so a failure can be seen again.
//!
//! ```
//! use palaestra_envs::{conformance, registry};
//!
//! let registry = registry();
//! let options = conformance::CheckOptions { episodes: 20, ..Default::default() };
//! let report = conformance::check(registry.get("tic_tac_toe-v1")?, &serde_json::Value::Null, &options);
//! assert!(report.passed(), "{report}");
//! # Ok::<(), palaestra_envs::EnvError>(())
//! ```
//!
//! For an environment of your own, registered or not, hand over a function that makes it:
//!
//! ```
//! use palaestra_envs::{conformance, games::TicTacToe, sim::RowPlugin};
//!
//! let make = || Ok(Box::new(RowPlugin::new(TicTacToe)) as _);
//! let options = conformance::CheckOptions { episodes: 20, ..Default::default() };
//! println!("{}", conformance::check_plugin(make, &options));
//! ```

mod autoreset;
mod declaration;
mod lab;
mod long_play;
mod refusals;
mod report;
mod rows;
mod seeding;
mod view;

use std::panic::{AssertUnwindSafe, catch_unwind};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use report::{Check, Outcome, Report};

use self::{
    lab::Lab,
    long_play::Ledger,
    report::{Failure, Verdict},
};
use crate::{
    error::EnvError,
    registry::EnvEntry,
    sim::{Plugin, Simulator},
};

/// How thorough the checks are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CheckOptions {
    /// Seed of environments and random actions.
    pub seed: u64,
    /// Rows of a batch, at least 3.
    pub rows: usize,
    /// Steps of each comparison of two simulators.
    pub steps: usize,
    /// Random episodes that are watched for observations, rewards, ends, turns, masks and info.
    pub episodes: usize,
    /// Bound on the steps, over all rows, of these random episodes; an environment without an end is watched for
    /// so many.
    pub max_steps: usize,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            rows: 5,
            steps: 60,
            episodes: 1000,
            max_steps: 200_000,
        }
    }
}

/// Where the verdict of a check comes from.
enum Source {
    /// A run of its own.
    Run(fn(&Lab<'_>) -> Verdict),
    /// The long play that several checks share.
    LongPlay,
    /// The registry's entry.
    Entry,
}

/// Name, demand and source of each check, in the order of the report.
const CHECKS: &[(&str, &str, Source)] = &[
    (
        "spec",
        "identifier, players, spaces and ranges make sense",
        Source::Run(declaration::spec),
    ),
    (
        "arguments",
        "defaults build, unknown arguments are refused",
        Source::Entry,
    ),
    (
        "observations",
        "every observation, final ones too, is finite and in its space",
        Source::LongPlay,
    ),
    (
        "rewards",
        "every reward is finite and in the declared range",
        Source::LongPlay,
    ),
    (
        "episodes",
        "never both flags; lengths, limits and returns are kept",
        Source::LongPlay,
    ),
    (
        "turns",
        "somebody acts while an episode runs; who acted is told",
        Source::LongPlay,
    ),
    (
        "masks",
        "masks leave an acting player a choice",
        Source::LongPlay,
    ),
    ("info", "every info value is in its space", Source::LongPlay),
    (
        "determinism",
        "same seed and actions: the same, bit for bit, also after a second reset",
        Source::Run(seeding::determinism),
    ),
    (
        "other_seeds",
        "another seed, row or episode differs exactly if the environment is stochastic",
        Source::Run(seeding::other_seeds),
    ),
    (
        "explicit_seeds",
        "an explicit seed gives the same episode in any row",
        Source::Run(seeding::explicit_seeds),
    ),
    (
        "replay",
        "any episode can be made again alone; nothing is left of earlier ones",
        Source::Run(seeding::replay),
    ),
    (
        "time_limit",
        "a limit of H truncates exactly at H and changes nothing before",
        Source::Run(autoreset::time_limit),
    ),
    (
        "autoreset_same_step",
        "final observation kept, next episode begun, reward and flags of the step",
        Source::Run(autoreset::same_step_mode),
    ),
    (
        "autoreset_next_step",
        "the step after the end ignores the action, pays nothing, resets",
        Source::Run(autoreset::next_step_mode),
    ),
    (
        "autoreset_disabled",
        "a step after the end is refused until a reset",
        Source::Run(autoreset::disabled_mode),
    ),
    (
        "batch_is_single",
        "a row of a batch goes as it would alone",
        Source::Run(rows::batch_is_single),
    ),
    (
        "shards",
        "the number of shards changes nothing",
        Source::Run(rows::shards),
    ),
    (
        "reset_of_some",
        "a reset of some rows leaves the others alone",
        Source::Run(rows::reset_of_some),
    ),
    (
        "step_of_some",
        "rows can be stepped in any order, the others stay as they are",
        Source::Run(rows::step_of_some),
    ),
    (
        "clone_restore",
        "a saved row goes on identically in any row of any simulator",
        Source::Run(rows::clone_restore),
    ),
    (
        "invalid_actions",
        "NaN and values outside the space are refused and change nothing",
        Source::Run(refusals::invalid_actions),
    ),
    (
        "masked_actions",
        "masked-out actions are refused and change nothing",
        Source::Run(refusals::masked_actions),
    ),
    (
        "info_is_passive",
        "asking for info changes nothing else",
        Source::Run(view::info_is_passive),
    ),
    (
        "render",
        "drawing changes nothing",
        Source::Run(view::render),
    ),
];

/// The names of all checks, in the order of a report.
pub fn check_names() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|(name, _, _)| *name)
}

/// Checks a registered environment with the given arguments (JSON null: the defaults).
pub fn check(entry: &EnvEntry, args: &Value, options: &CheckOptions) -> Report {
    run(&entry.id, &|| entry.build(args), Some(entry), args, options)
}

/// Checks an environment made by `factory`, which is called many times and must make the same one each time.
pub fn check_plugin(
    factory: impl Fn() -> Result<Box<dyn Plugin>, EnvError>,
    options: &CheckOptions,
) -> Report {
    run("", &factory, None, &Value::Null, options)
}

fn run(
    id: &str,
    factory: lab::Factory<'_>,
    entry: Option<&EnvEntry>,
    args: &Value,
    options: &CheckOptions,
) -> Report {
    let spec = guarded(|| Ok(Simulator::builder(factory()?).build()?.spec().clone()));
    let lab = match spec {
        Ok(spec) => Lab {
            factory,
            options: options.clone(),
            spec,
        },
        Err(failure) => {
            let check = Check {
                name: "build".into(),
                demand: "the environment can be built".into(),
                outcome: outcome(Err(failure)),
            };
            return Report {
                env: id.into(),
                checks: vec![check],
            };
        }
    };
    let played = guarded(|| long_play::play(&lab));
    let checks = CHECKS.iter().map(|(name, demand, source)| Check {
        name: (*name).into(),
        demand: (*demand).into(),
        outcome: outcome(match source {
            Source::Run(check) => guarded(|| check(&lab)),
            Source::Entry => guarded(|| declaration::arguments(&lab, entry, args)),
            Source::LongPlay => watched(&lab, &played, name),
        }),
    });
    Report {
        env: lab.spec.id.clone(),
        checks: checks.collect(),
    }
}

/// What the long play says about a check.
fn watched(lab: &Lab<'_>, played: &Result<Ledger, Failure>, name: &str) -> Verdict {
    let ledger = played.as_ref().map_err(Clone::clone)?;
    match name {
        "info" if lab.spec.info.is_empty() => report::skipped("the environment has no info fields"),
        "masks" if !lab.spec.players.iter().any(|player| player.action_mask) => {
            report::skipped("no player has an action mask")
        }
        name => ledger.verdict(name),
    }
}

/// A panic of the environment is a finding, not the end of the checks.
fn guarded<T>(check: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Failure::new(
            "",
            format!(
                "the environment panicked: {}",
                text.unwrap_or("without a message")
            ),
        ))
    })
}

fn outcome(verdict: Verdict) -> Outcome {
    match verdict {
        Ok(None) => Outcome::Passed,
        Ok(Some(why)) => Outcome::Skipped { why },
        Err(Failure { what, place }) => Outcome::Failed { what, place },
    }
}
