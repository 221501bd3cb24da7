//! An experiment file with the place of every key, so that an error can point at it.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

mod sources;

use palaestra_envs::registry::{nearest, plain_words, unknown_field};
use serde::de::DeserializeOwned;
use toml::{
    Spanned, Table, Value,
    de::{DeTable, DeValue},
};

use super::{Config, SweepConfig, SweepMethod};
use crate::run::Trained;

/// One thing wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problem {
    /// Dotted path of the key, e.g. `agents.0.args.epsilon`; empty for the file as a whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Place in the file, in bytes; `None` if the key is not in the file (missing, or from `--set`).
    pub span: Option<Range<usize>>,
    /// Whether the file is right as far as can be told, but a program that it plugs in failed.
    pub plugin_failed: bool,
}

/// All that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {}", summary(.problems))]
pub struct ConfigError {
    /// Name of the file.
    pub name: String,
    /// Its text.
    pub source_text: String,
    /// The problems, in file order where they have a place.
    pub problems: Vec<Problem>,
}

fn summary(problems: &[Problem]) -> String {
    let lines = problems.iter().map(|p| {
        let at = if p.path.is_empty() {
            String::new()
        } else {
            format!("`{}`: ", p.path)
        };
        format!("{at}{}", p.message)
    });
    lines.collect::<Vec<_>>().join("; ")
}

/// A parsed file with the overrides of the command line.
#[derive(Debug, Clone)]
pub struct Document {
    name: String,
    text: String,
    table: Table,
    /// Place of each key's name and value.
    spans: BTreeMap<String, (Range<usize>, Range<usize>)>,
    /// Keys set on the command line, with the text given.
    overrides: Vec<(String, String)>,
}

impl Document {
    /// Parses a file; `name` is used in messages.
    ///
    /// # Errors
    /// [`ConfigError`] at the place where it stops being TOML.
    pub fn parse(name: &str, text: &str) -> Result<Self, ConfigError> {
        let syntax = |error: toml::de::Error| ConfigError {
            name: name.into(),
            source_text: text.into(),
            problems: vec![Problem {
                path: String::new(),
                message: error.message().trim().into(),
                help: Some(
                    "the file must be TOML 1.0; strings need quotes, lists need brackets".into(),
                ),
                span: error.span(),
                plugin_failed: false,
            }],
        };
        let mut spans = BTreeMap::new();
        walk_table(
            "",
            DeTable::parse(text).map_err(syntax)?.get_ref(),
            &mut spans,
        );
        let table = toml::from_str(text).map_err(syntax)?;
        Ok(Self {
            name: name.into(),
            text: text.into(),
            table,
            spans,
            overrides: Vec::new(),
        })
    }

    /// Applies an override `key=value`: a dotted key (numbers index lists, parts with dots stand in quotes) and a TOML
    /// value; text that is no
    /// TOML value is taken as a string.
    ///
    /// # Errors
    /// [`ConfigError`] if there is no `=` or the path leads through something that is no table.
    pub fn set(&mut self, assignment: &str) -> Result<(), ConfigError> {
        let problem = |path: &str, message: String, help: &str| ConfigError {
            name: format!("--set {assignment}"),
            source_text: String::new(),
            problems: vec![Problem {
                path: path.into(),
                message,
                help: Some(help.into()),
                ..Problem::default()
            }],
        };
        let Some((path, text)) = assignment.split_once('=') else {
            return Err(problem(
                "",
                "expected KEY=VALUE".into(),
                "e.g. --set env.num_envs=64",
            ));
        };
        let (path, text) = (path.trim(), text.trim());
        let parsed: Option<Table> = toml::from_str(&format!("value = {text}")).ok();
        let value = parsed.and_then(|mut table| table.remove("value"));
        let value = value.unwrap_or_else(|| Value::String(text.into()));
        insert(&mut self.table, path, value)
            .map_err(|message| problem(path, message, "check the path against the file"))?;
        self.overrides.push((path.replace('"', ""), text.into()));
        Ok(())
    }

    /// The text of the file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The configuration with every key and all overrides, as TOML.
    ///
    /// # Errors
    /// As [`config`](Self::config).
    pub fn resolved(&self) -> Result<String, ConfigError> {
        let config = self.experiment(&self.table)?;
        toml::to_string(&config)
            .map_err(|e| self.error(vec![self.problem("", &e.to_string(), None)]))
    }

    /// Reads the keys; of agents of earlier runs only what stands here.
    ///
    /// # Errors
    /// [`ConfigError`] for an unknown or ill-typed key, with its place and the nearest known name.
    pub fn config(&self) -> Result<Config, ConfigError> {
        self.read(&self.table)
    }

    /// Reads the keys, and of agents of earlier runs how they were configured there.
    fn experiment(&self, table: &Table) -> Result<Config, ConfigError> {
        let mut config: Config = self.read(table)?;
        for (index, agent) in config.agents.iter_mut().enumerate() {
            let path = format!("agents.{index}");
            let Some(place) = &agent.from else {
                if agent.id.is_empty() {
                    let help = "e.g. id = \"random\"; or `from`, the folder of the trial that has trained it";
                    let problem = self.problem(&path, "missing field `id`", Some(help.into()));
                    return Err(self.error(vec![problem]));
                }
                continue;
            };
            let id = Some(agent.id.as_str()).filter(|id| !id.is_empty());
            let trained = Trained::find(place, id, agent.name.as_deref()).map_err(|error| {
                let path = format!("{path}.from");
                self.error(vec![self.problem(&path, &error.to_string(), None)])
            })?;
            agent.id = trained.config.id;
            for (key, value) in trained.config.args {
                agent.args.entry(key).or_insert(value);
            }
        }
        Ok(config)
    }

    /// Every point of the sweep, grid after grid: a label and its configuration. Without a sweep one point without a label.
    ///
    /// # Errors
    /// As [`config`](Self::config), for each point.
    pub fn points(&self) -> Result<Vec<(String, Arc<Config>)>, ConfigError> {
        let config = self.config()?;
        let Some(sweep) = &config.sweep else {
            let config = self.experiment(&self.table)?;
            return Ok(vec![(String::new(), Arc::new(config))]);
        };
        let mut all = Vec::new();
        for (place, grid) in sweep.grids() {
            all.extend(self.grid(&place, grid)?);
        }
        let read = |(labels, table): &(Vec<String>, Table)| {
            Ok((labels.join(" "), Arc::new(self.experiment(table)?)))
        };
        all.iter().map(read).collect()
    }

    /// The points of a grid whose keys stand below `place`.
    fn grid(
        &self,
        place: &str,
        grid: &SweepConfig,
    ) -> Result<Vec<(Vec<String>, Table)>, ConfigError> {
        let SweepMethod::Grid = grid.method;
        let mut points = vec![(Vec::<String>::new(), self.table.clone())];
        for (key, values) in &grid.values {
            let path = format!("{place}.{key}");
            let Some(values) = values.as_array().filter(|v| !v.is_empty()) else {
                return Err(self.error(vec![self.problem(
                    &path,
                    "expected a list of values",
                    None,
                )]));
            };
            let mut next = Vec::with_capacity(points.len() * values.len());
            for (labels, table) in &points {
                for value in values {
                    let (mut labels, mut table) = (labels.clone(), table.clone());
                    let name = key.rsplit('.').next().unwrap_or(key);
                    labels.push(format!("{name}={}", value.to_string().trim_matches('"')));
                    let value = Value::try_from(value)
                        .map_err(|e| self.error(vec![self.problem(&path, &e.to_string(), None)]))?;
                    insert(&mut table, key, value)
                        .map_err(|message| self.error(vec![self.problem(&path, &message, None)]))?;
                    next.push((labels, table));
                }
            }
            points = next;
        }
        Ok(points)
    }

    /// Reads the keys of a file of another kind than an experiment's.
    ///
    /// # Errors
    /// As [`config`](Self::config).
    pub fn read_as<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        self.read(&self.table)
    }

    /// Adds what the file does not say: `defaults` for the top-level key `key`, key by key; lists of equal length are filled
    /// element by element.
    pub fn fill(&mut self, key: &str, defaults: Value) {
        fill(
            self.table
                .entry(key)
                .or_insert_with(|| Value::Table(Table::new())),
            defaults,
        );
    }

    /// Whether the file has this key at its top level.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    fn read<T: DeserializeOwned>(&self, table: &Table) -> Result<T, ConfigError> {
        serde_path_to_error::deserialize(table.clone()).map_err(|error| {
            let mut path = error.path().to_string();
            path = path.replace('[', ".").replace(']', "");
            if path == "." {
                path.clear();
            }
            let error = error.into_inner();
            let message = error.message().trim();
            let mut help = None;
            let mut text = plain_words(message);
            if let Some((unknown, known)) = unknown_field(message)
                && message.starts_with("unknown variant")
            {
                let near = nearest(unknown, known.split('`').skip(1).step_by(2));
                let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
                text = format!("there is no `{unknown}` here");
                help = Some(format!("{near}There are: {known}"));
            } else if let Some((unknown, known)) = unknown_field(message) {
                let parent = path
                    .strip_suffix(unknown)
                    .unwrap_or(&path)
                    .trim_end_matches('.');
                let inside = if parent.is_empty() {
                    "the top level".to_owned()
                } else {
                    format!("[{parent}]")
                };
                if !path.ends_with(unknown) {
                    path = if path.is_empty() {
                        unknown.into()
                    } else {
                        format!("{path}.{unknown}")
                    };
                }
                text = format!("unknown key `{unknown}`");
                // The known names stand in backticks.
                let names = known.split('`').skip(1).step_by(2);
                let near = nearest(unknown, names);
                let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
                help = Some(format!("{near}{inside} has: {known}"));
            }
            self.error(vec![self.problem(&path, &text, help)])
        })
    }

    /// A problem at the key `path`, or at the nearest key above it.
    pub fn problem(&self, path: &str, message: &str, help: Option<String>) -> Problem {
        if let Some((_, text)) = self
            .overrides
            .iter()
            .rev()
            .find(|(key, _)| path.starts_with(key))
        {
            let message = format!("{message} (set on the command line to {text})");
            return Problem {
                path: path.into(),
                message,
                help,
                ..Problem::default()
            };
        }
        // A value of a sweep stands in its list.
        let end = format!(".{path}");
        let swept = self
            .spans
            .keys()
            .find(|key| key.starts_with("sweep.") && key.ends_with(&end));
        let mut at = swept.map_or(path, String::as_str);
        let mut span = None;
        while !at.is_empty() {
            if let Some((key, value)) = self.spans.get(at) {
                // An unknown key is wrong itself; of a known one the value is.
                span = Some(
                    if message.starts_with("unknown") || message.contains(": unknown ") {
                        key.clone()
                    } else {
                        value.clone()
                    },
                );
                break;
            }
            at = at.rsplit_once('.').map_or("", |(parent, _)| parent);
        }
        Problem {
            path: path.into(),
            message: message.into(),
            help,
            span,
            ..Problem::default()
        }
    }

    /// An error of this file.
    pub fn error(&self, mut problems: Vec<Problem>) -> ConfigError {
        problems.sort_by_key(|p| p.span.as_ref().map_or(usize::MAX, |s| s.start));
        ConfigError {
            name: self.name.clone(),
            source_text: self.text.clone(),
            problems,
        }
    }
}

fn fill(value: &mut Value, defaults: Value) {
    match (value, defaults) {
        (Value::Table(table), Value::Table(defaults)) => {
            for (key, default) in defaults {
                match table.get_mut(&key) {
                    Some(value) => fill(value, default),
                    None => {
                        table.insert(key, default);
                    }
                }
            }
        }
        (Value::Array(list), Value::Array(defaults)) if list.len() == defaults.len() => {
            list.iter_mut()
                .zip(defaults)
                .for_each(|(value, default)| fill(value, default));
        }
        _ => {}
    }
}

fn walk_table(
    prefix: &str,
    table: &DeTable<'_>,
    spans: &mut BTreeMap<String, (Range<usize>, Range<usize>)>,
) {
    for (key, value) in table {
        let path = if prefix.is_empty() {
            key.get_ref().to_string()
        } else {
            format!("{prefix}.{}", key.get_ref())
        };
        walk_value(&path, key.span(), value, spans);
    }
}

fn walk_value(
    path: &str,
    key: Range<usize>,
    value: &Spanned<DeValue<'_>>,
    spans: &mut BTreeMap<String, (Range<usize>, Range<usize>)>,
) {
    // The span of a table may reach over many lines; its heading says enough.
    let place = if value.get_ref().is_table() {
        key.clone()
    } else {
        value.span()
    };
    spans.insert(path.to_owned(), (key, place));
    match value.get_ref() {
        DeValue::Table(table) => walk_table(path, table, spans),
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk_value(&format!("{path}.{index}"), item.span(), item, spans);
            }
        }
        _ => {}
    }
}

/// The first part of a dotted path, and what follows it. A part in quotes may hold dots.
fn split_path(path: &str) -> (&str, Option<&str>) {
    let quoted = path.strip_prefix('"').and_then(|rest| rest.split_once('"'));
    match quoted {
        Some((head, "")) => (head, None),
        Some((head, rest)) if rest.starts_with('.') => (head, Some(&rest[1..])),
        _ => path
            .split_once('.')
            .map_or((path, None), |(head, rest)| (head, Some(rest))),
    }
}

/// Puts `value` at a dotted path, making tables on the way.
fn insert(table: &mut Table, path: &str, value: Value) -> Result<(), String> {
    let (head, rest) = split_path(path);
    if head.is_empty() {
        return Err("the key has an empty part".into());
    }
    match rest {
        None => {
            table.insert(head.to_owned(), value);
            Ok(())
        }
        Some(rest) => {
            let child = table
                .entry(head.to_owned())
                .or_insert_with(|| Value::Table(Table::new()));
            insert_into(child, head, rest, value)
        }
    }
}

fn insert_into(parent: &mut Value, name: &str, path: &str, value: Value) -> Result<(), String> {
    match parent {
        Value::Table(table) => insert(table, path, value),
        Value::Array(items) => {
            let (head, rest) = split_path(path);
            let length = items.len();
            let item = head
                .parse::<usize>()
                .ok()
                .and_then(|index| items.get_mut(index));
            let item = item.ok_or_else(|| {
                format!("`{head}` is not an index into `{name}`, which has {length} entries from 0")
            })?;
            match rest {
                None => {
                    *item = value;
                    Ok(())
                }
                Some(rest) => insert_into(item, head, rest, value),
            }
        }
        other => Err(format!("`{name}` is a {}, not a table", other.type_str())),
    }
}
