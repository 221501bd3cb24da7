//! `list`, `schema`, `new`: what there is, and how to begin.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use palaestra_agents::bandits::planning::PLANNERS;
use palaestra_envs::{
    bandits::presets::PRESETS,
    sim::{EnvSpec, Simulator, Turns},
    space::Space,
};
use serde_json::{Value, json};

use super::{
    CliError, Exit,
    output::{Output, print, table, wrapped},
};
use crate::{
    Registries,
    config::{Config, Document},
    files::{self, FileError},
    market::realism::RealismConfig,
    probe,
    solve::{GAME_PLANNERS, GAMES, POMDP_PLANNERS},
};

/// `palaestra list`
#[derive(Debug, Clone, Subcommand)]
pub(super) enum ListArgs {
    /// Environments, with players and spaces
    Envs,
    /// Agents
    Agents,
    /// Sequence cores, with what a layer costs
    Cores(super::cores::CoresArgs),
    /// Wrappers for `[[env.wrappers]]`
    Wrappers,
    /// Planners for `palaestra solve`, bandits', then POMDPs', then games', and where each comes from
    Planners,
    /// Bandit instances by name
    Instances,
    /// Games for `palaestra solve`
    Games,
    /// Experiment files in a folder
    Configs {
        /// The folder
        #[arg(default_value = "experiments/configs")]
        folder: PathBuf,
    },
}

/// `palaestra schema`
#[derive(Debug, Clone, Args)]
pub(super) struct SchemaArgs {
    /// Arguments of this environment instead of the experiment file
    #[arg(long, conflicts_with = "agent")]
    env: Option<String>,
    /// Arguments of this agent instead of the experiment file
    #[arg(long)]
    agent: Option<String>,
}

/// `palaestra new`
#[derive(Debug, Clone, Args)]
pub(super) struct NewArgs {
    /// File to write
    file: PathBuf,
    /// Environment
    #[arg(long, default_value = "cartpole-v1")]
    env: String,
    /// Agent; give the option several times to compare several
    #[arg(long, default_value = "random")]
    agent: Vec<String>,
    /// Replace an existing file
    #[arg(long)]
    force: bool,
}

/// The environment with its default arguments.
fn default_spec(registries: &Registries, id: &str) -> Result<EnvSpec, CliError> {
    let simulator = Simulator::builder(registries.envs.build(id, &Value::Null)?).build()?;
    Ok(EnvSpec::clone(simulator.spec()))
}

/// A space in a few characters.
fn short(space: &Space) -> String {
    match space {
        Space::Box(b) => format!("Box{:?}", b.shape),
        Space::Discrete { n, .. } => format!("Discrete({n})"),
        Space::MultiDiscrete { nvec } if nvec.windows(2).all(|pair| pair[0] == pair[1]) => {
            format!(
                "MultiDiscrete[{} × {}]",
                nvec.len(),
                nvec.first().unwrap_or(&0)
            )
        }
        Space::MultiDiscrete { nvec } => format!("MultiDiscrete{nvec:?}"),
        Space::MultiBinary { n, .. } => format!("MultiBinary({n})"),
        Space::Text { max_length, .. } => format!("Text({max_length})"),
        Space::Dict(fields) => {
            let parts = fields
                .iter()
                .map(|(name, s)| format!("{name}: {}", short(s)));
            format!("{{{}}}", parts.collect::<Vec<_>>().join(", "))
        }
        Space::Tuple(items) => format!(
            "({})",
            items.iter().map(short).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// Entries of (name, summary, source): a paragraph each for people, objects under the keys `many` for programs.
fn list_with_source(
    output: &Output,
    entries: &[(&str, &str, &str)],
    (many, source_key): (&str, &str),
) {
    let paragraph = |(id, summary, source): &(&str, &str, &str)| {
        format!("{id}\n{}\n{}", wrapped("", summary), wrapped("", source))
    };
    let text: Vec<String> = entries.iter().map(paragraph).collect();
    output.text(&text.join("\n"));
    let document = |(id, summary, source): &(&str, &str, &str)| json!({ "id": id, "summary": summary, source_key: source });
    let documents: Vec<Value> = entries.iter().map(document).collect();
    output.document(&format!("list-{many}/1"), &json!({ many: documents }));
}

pub(super) fn list(
    registries: &Registries,
    output: &Output,
    what: &ListArgs,
) -> Result<Exit, CliError> {
    match what {
        ListArgs::Envs => {
            let mut lines = Vec::new();
            let mut documents = Vec::new();
            for entry in registries.envs.iter() {
                let spec = default_spec(registries, &entry.id)?;
                let player = &spec.players[0];
                let players = match (spec.players.len(), spec.turns) {
                    (1, _) => "1".to_owned(),
                    (n, Turns::EveryStep) => format!("{n} at once"),
                    (n, Turns::Changing) => format!("{n} in turn"),
                };
                lines.push(vec![
                    entry.id.clone(),
                    entry.family.clone(),
                    players,
                    short(&player.observation),
                    short(&player.action),
                    spec.max_episode_steps
                        .map_or_else(|| "–".into(), |n| n.to_string()),
                    entry.summary.clone(),
                ]);
                documents.push(json!({
                    "id": entry.id, "family": entry.family, "summary": entry.summary,
                    "spec": spec, "defaults": entry.defaults,
                }));
            }
            let header = [
                "environment",
                "family",
                "players",
                "observation",
                "action",
                "steps",
                "",
            ];
            output.text(&table(&header, &lines));
            output.document("list-envs/1", &json!({ "envs": documents }));
        }
        ListArgs::Planners => {
            let mut entries = PLANNERS.map(|p| (p.id, p.summary, p.provenance)).to_vec();
            entries.extend(POMDP_PLANNERS);
            entries.extend(GAME_PLANNERS);
            list_with_source(output, &entries, ("planners", "provenance"));
        }
        ListArgs::Instances => {
            let entries = PRESETS.map(|p| (p.id, p.summary, p.source));
            list_with_source(output, &entries, ("instances", "source"));
        }
        ListArgs::Games => {
            let lines = GAMES.map(|(id, summary)| vec![id.to_owned(), summary.to_owned()]);
            let documents = GAMES.map(|(id, summary)| json!({ "id": id, "summary": summary }));
            output.text(&table(&["game", ""], &lines));
            output.document("list-games/1", &json!({ "games": documents }));
        }
        ListArgs::Agents => {
            let lines: Vec<Vec<String>> = registries
                .agents
                .iter()
                .map(|e| vec![e.id.clone(), e.summary.clone()])
                .collect();
            let documents: Vec<Value> = registries
                .agents
                .iter()
                .map(|e| json!({ "id": e.id, "summary": e.summary, "defaults": e.defaults, "info": e.info }))
                .collect();
            output.text(&table(&["agent", ""], &lines));
            output.document("list-agents/1", &json!({ "agents": documents }));
        }
        ListArgs::Cores(args) => super::cores::list(output, args)?,
        ListArgs::Wrappers => {
            let wrappers = palaestra_envs::wrappers::list();
            let lines: Vec<Vec<String>> = wrappers
                .iter()
                .map(|w| vec![w.name.to_owned(), w.summary.to_owned()])
                .collect();
            let documents: Vec<Value> = wrappers
                .iter()
                .map(|w| json!({ "kind": w.name, "summary": w.summary }))
                .collect();
            output.text(&table(&["wrapper", ""], &lines));
            output.document("list-wrappers/1", &json!({ "wrappers": documents }));
        }
        ListArgs::Configs { folder } => {
            let paths = toml_files(folder)?;
            let mut lines = Vec::new();
            let mut documents = Vec::new();
            for path in paths {
                let text = String::from_utf8_lossy(&files::read(&path)?).into_owned();
                let name = path.display().to_string();
                let about = Document::parse(&name, &text).and_then(|document| {
                    let experiment = document.config();
                    let about = experiment.map(|config| config.experiment.description);
                    // Files of `market realism` and of `probe` are no experiments.
                    about.or_else(|error| {
                        let realism = RealismConfig::read(&document).map(|c| c.description);
                        let probe = || probe::read(&document).map(|c| c.description);
                        realism.or_else(|_| probe()).or(Err(error))
                    })
                });
                let about = about.unwrap_or_else(|error| format!("(not readable: {error})"));
                documents.push(json!({ "path": name, "description": about }));
                lines.push(vec![name, about]);
            }
            output.text(&table(&["file", ""], &lines));
            output.document("list-configs/1", &json!({ "configs": documents }));
        }
    }
    Ok(Exit::Success)
}

/// The TOML files of a folder, in order, and then those of the folders in it.
fn toml_files(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let entries = files::at("list", folder, fs::read_dir(folder))?;
    let mut all: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    all.sort();
    let (folders, mut found): (Vec<PathBuf>, Vec<PathBuf>) =
        all.into_iter().partition(|path| path.is_dir());
    found.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    for folder in folders {
        found.extend(toml_files(&folder)?);
    }
    Ok(found)
}

pub(super) fn schema(registries: &Registries, args: &SchemaArgs) -> Result<Exit, CliError> {
    let schema = match (&args.env, &args.agent) {
        (Some(id), _) => serde_json::to_value(&registries.envs.get(id)?.schema),
        (_, Some(id)) => serde_json::to_value(&registries.agents.get(id)?.schema),
        _ => serde_json::to_value(schemars::schema_for!(Config)),
    };
    let mut schema = schema.unwrap_or_default();
    explain_plainly(&mut schema);
    // A JSON Schema is the document itself, with or without --json.
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    print(&text);
    Ok(Exit::Success)
}

/// Descriptions come from comments in the code: makes names of the links in them, and leaves its examples out.
fn explain_plainly(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(explain_plainly),
        Value::Object(entries) => {
            for (key, value) in entries {
                match value {
                    Value::String(text) if key == "description" => *text = without_links(text),
                    other => explain_plainly(other),
                }
            }
        }
        _ => {}
    }
}

/// ``[`path::Name`](target)`` becomes `` `Name` ``; what follows a code block's beginning is dropped.
fn without_links(text: &str) -> String {
    let text = text.split("\n\n```").next().unwrap_or_default();
    let mut pieces = text.split("[`");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once("`]").unwrap_or((piece, ""));
        let target = rest.strip_prefix('(').and_then(|r| r.split_once(')'));
        let name = name.rsplit("::").next().unwrap_or_default();
        let _ = write!(plain, "`{name}`{}", target.map_or(rest, |(_, rest)| rest));
    }
    plain
}

pub(super) fn new(
    registries: &Registries,
    output: &Output,
    args: &NewArgs,
) -> Result<Exit, CliError> {
    if args.file.exists() && !args.force {
        let message = format!("{} exists already", args.file.display());
        return Err(CliError::argument(
            message,
            "choose another name, or --force to replace it",
        ));
    }
    let text = starter(registries, args)?;
    // The starter must itself be a valid experiment.
    Document::parse(&args.file.display().to_string(), &text)?.trials(registries)?;
    files::write_atomically(&args.file, text.as_bytes())?;
    let file = args.file.display();
    output.text(&format!("{file} written; `palaestra run {file}` runs it"));
    output.document("new/1", &json!({ "file": args.file }));
    Ok(Exit::Success)
}

fn starter(registries: &Registries, args: &NewArgs) -> Result<String, CliError> {
    let env = registries.envs.get(&args.env)?;
    let spec = default_spec(registries, &env.id)?;
    let steps = spec
        .max_episode_steps
        .map_or(100_000, |h| u64::from(h).max(1000) * 100);
    let name = args
        .file
        .file_stem()
        .map_or("experiment".into(), |s| s.to_string_lossy());
    let mut text = format!(
        "# {}\n# Run it with `palaestra run {}`; all keys: `palaestra schema`.\nschema = 1\n\n\
         [experiment]\nname = \"{name}\"            # the run goes to runs/{name}\n\
         description = \"\"\nseeds = [0, 1, 2, 3, 4]      # one independent run per seed\n\
         total_env_steps = {steps}     # of each run, summed over its rows\n\n\
         [env]\nid = \"{}\"\nnum_envs = 8                 # instances stepped together\n",
        env.summary,
        args.file.display(),
        env.id
    );
    text.push_str(&arguments("env.args", &env.defaults));
    for id in &args.agent {
        let agent = registries.agents.get(id)?;
        let _ = write!(
            text,
            "\n[[agents]]                   # {}\nid = \"{}\"\n",
            agent.summary, agent.id
        );
        text.push_str(&arguments("agents.args", &agent.defaults));
    }
    text.push_str(
        "\n[eval]\nepisodes = 0                 # evaluation episodes after training\n\n\
         [log]\nepisodes = \"auto\"            # \"all\", \"none\", or \"auto\": all of small runs, samples of large ones\n\
         tensorboard = true\n",
    );
    Ok(text)
}

/// The default arguments as comments.
fn arguments(section: &str, defaults: &Value) -> String {
    let Some(defaults) = defaults.as_object().filter(|d| !d.is_empty()) else {
        return String::new();
    };
    let mut text = format!("# [{section}]\n");
    for (key, value) in defaults {
        match toml::Value::try_from(value) {
            Ok(value) if !value.is_table() => {
                let _ = writeln!(text, "# {key} = {value}");
            }
            // What TOML cannot show is unset by default, or a table.
            _ => {
                let _ = writeln!(text, "# {key} = …");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_show_no_links_into_the_code() {
        let text = "See [`super::ucb1`]; [`Lsd`](super::Lsd): `x[0]`.\n\n```\nlet x = 1;\n```";
        assert_eq!(without_links(text), "See `ucb1`; `Lsd`: `x[0]`.");
        let mut schema = json!(schemars::schema_for!(Config));
        explain_plainly(&mut schema);
        let text = schema.to_string();
        assert!(!text.contains("[`") && text.contains("Truncate episodes"));
    }
}
