//! Other sources of a document than one TOML file: JSON, and files that a file names.

use std::{collections::BTreeMap, path::Path};

use toml::{Table, Value};

use super::{ConfigError, Document, Problem, insert};
use crate::solve::InstanceFile;

impl Document {
    /// Parses a JSON file. Its keys have no places, so problems are reported by path.
    ///
    /// # Errors
    /// [`ConfigError`] at the place where it stops being JSON, or if it is not an object.
    pub fn parse_json(name: &str, text: &str) -> Result<Self, ConfigError> {
        let wrong = |message: String, span| ConfigError {
            name: name.into(),
            source_text: text.into(),
            problems: vec![Problem {
                path: String::new(),
                message,
                help: Some("the file must be one JSON object, without null in its lists".into()),
                span,
                ..Problem::default()
            }],
        };
        let mut value: serde_json::Value = serde_json::from_str(text).map_err(|error| {
            let before = text
                .split_inclusive('\n')
                .take(error.line().saturating_sub(1));
            let start = before.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
            let start = text.floor_char_boundary(start);
            wrong(format!("not JSON: {error}"), Some(start..start))
        })?;
        drop_nulls(&mut value);
        let table = Table::try_from(value).map_err(|error| wrong(error.to_string(), None))?;
        Ok(Self {
            name: name.into(),
            text: text.into(),
            table,
            spans: BTreeMap::new(),
            overrides: Vec::new(),
        })
    }

    /// Puts the bandit instance that `env.args.instance` names by a path, relative to `folder`, in the place of the
    /// path, so that the configuration is complete in itself.
    ///
    /// # Errors
    /// [`ConfigError`] of this file if that file cannot be read, or of that file if it is no valid instance.
    pub fn embed_instance(&mut self, folder: &Path) -> Result<(), ConfigError> {
        const KEY: &str = "env.args.instance";
        let Some(env) = self.table.get("env") else {
            return Ok(());
        };
        let id = env.get("id").and_then(Value::as_str);
        let given = env.get("args").and_then(|args| args.get("instance"));
        let given = given.filter(|_| id.is_some_and(|id| id.starts_with("lsd_bandit")));
        let Some(path) = given
            .and_then(Value::as_str)
            .map(|given| folder.join(given))
        else {
            return Ok(());
        };
        let name = path.display().to_string();
        let wrong = |message: String| {
            let help = "an instance in full, or the path of its file from the folder of this file; a named instance is \
                        a `preset`";
            self.error(vec![self.problem(KEY, &message, Some(help.into()))])
        };
        let text = std::fs::read_to_string(&path)
            .map_err(|error| wrong(format!("cannot read {name}: {error}")))?;
        let config = InstanceFile::parse(&name, &text)?.0.config();
        let value = Value::try_from(config).map_err(|error| wrong(error.to_string()))?;
        // The path was found there, so that nothing can be in the way.
        let _ = insert(&mut self.table, KEY, value);
        Ok(())
    }
}

/// Takes keys without a value out of all objects: they mean the same as absent keys.
fn drop_nulls(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
