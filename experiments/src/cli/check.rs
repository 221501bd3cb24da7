//! `check`: does an environment, an agent, a configuration keep its promises?

use std::path::PathBuf;

use clap::Subcommand;
use palaestra_envs::conformance::{self, CheckOptions, Report};
use serde_json::{Value, json};

use super::{
    CliError, Exit,
    output::{Output, counted},
    run::read_document,
};
use crate::Registries;

/// `palaestra check`
#[derive(Debug, Clone, Subcommand)]
pub(super) enum CheckArgs {
    /// Spaces, seeding, autoreset, time limits, determinism, save and restore, batches, shards
    Env {
        /// Identifier of the environment, or `all`
        name: String,
        /// Its arguments as JSON
        #[arg(long, default_value = "null")]
        args: String,
        /// Random episodes to watch
        #[arg(long)]
        episodes: Option<usize>,
    },
    /// Legal actions, determinism, save and load
    Agent {
        /// Identifier of the agent
        name: String,
        /// Its arguments as JSON
        #[arg(long, default_value = "null")]
        args: String,
        /// Environment to play
        #[arg(long, default_value = "lsd_bandit-v1")]
        env: String,
    },
    /// All keys and arguments of an experiment file, by building what it names
    Config {
        /// The file
        file: PathBuf,
    },
}

fn parse(args: &str) -> Result<Value, CliError> {
    let hint = "e.g. --args '{\"rounds\": 5}'";
    serde_json::from_str(args)
        .map_err(|e| CliError::argument(format!("--args is not JSON: {e}"), hint))
}

pub(super) fn check(
    registries: &Registries,
    output: &Output,
    args: &CheckArgs,
) -> Result<Exit, CliError> {
    let reports: Vec<Report> = match args {
        CheckArgs::Config { file } => {
            let trials = read_document(file, &[])?.trials(registries)?;
            output.text(&format!(
                "{}: {}, all well",
                file.display(),
                counted(trials.len(), "trial")
            ));
            output.document(
                "check-config/1",
                &json!({ "file": file, "trials": trials.len() }),
            );
            return Ok(Exit::Success);
        }
        CheckArgs::Env {
            name,
            args,
            episodes,
        } => {
            let mut options = CheckOptions::default();
            options.episodes = episodes.unwrap_or(options.episodes);
            let args = parse(args)?;
            if name == "all" {
                registries
                    .envs
                    .iter()
                    .map(|e| conformance::check(e, &args, &options))
                    .collect()
            } else {
                let entry = registries.envs.get(name)?;
                // What is wrong with the arguments is no promise that the environment breaks.
                entry.build(&args)?;
                vec![conformance::check(entry, &args, &options)]
            }
        }
        CheckArgs::Agent { name, args, env } => {
            let entry = registries.agents.get(name)?;
            let env = registries.envs.get(env)?;
            vec![palaestra_agents::conformance::check(
                entry,
                &parse(args)?,
                || env.build(&Value::Null),
            )]
        }
    };
    for report in &reports {
        output.text(&report.to_string());
    }
    output.document("check/1", &json!({ "reports": reports }));
    let passed = reports.iter().all(Report::passed);
    Ok(if passed {
        Exit::Success
    } else {
        Exit::CheckFailed
    })
}
