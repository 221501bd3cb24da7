//! Every environment by name, with its arguments and their defaults.

use std::{collections::BTreeMap, sync::Arc};

use schemars::{JsonSchema, Schema};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{error::EnvError, sim::Plugin};

type BuildFn = Arc<dyn Fn(&Value) -> Result<Box<dyn Plugin>, EnvError> + Send + Sync>;

/// A registered environment.
pub struct EnvEntry {
    /// Identifier with version, e.g. `cartpole-v1`.
    pub id: String,
    /// Family for listings: `control`, `bandits`, `games`, …
    pub family: String,
    /// One sentence for people.
    pub summary: String,
    /// Default arguments.
    pub defaults: Value,
    /// JSON Schema of the arguments.
    pub schema: Schema,
    build: BuildFn,
}

impl std::fmt::Debug for EnvEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnvEntry")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl EnvEntry {
    /// Builds the environment from its arguments (JSON null: the defaults).
    ///
    /// # Errors
    /// [`EnvError::Argument`] for an unknown, ill-typed or impossible argument.
    pub fn build(&self, args: &Value) -> Result<Box<dyn Plugin>, EnvError> {
        (self.build)(args)
    }
}

/// Environments by identifier.
#[derive(Debug, Default)]
pub struct Registry {
    entries: BTreeMap<String, EnvEntry>,
    aliases: BTreeMap<String, EnvEntry>,
}

/// All environments of this crate.
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    crate::bandits::register(&mut registry);
    crate::control::register(&mut registry);
    crate::games::register(&mut registry);
    crate::language::register(&mut registry);
    crate::market::register(&mut registry);
    crate::pomdp::register(&mut registry);
    registry
}

impl Registry {
    /// Adds an environment. `A` holds its arguments: `#[serde(default, deny_unknown_fields)]` makes every
    /// argument optional and every misspelt one an error.
    ///
    /// ```
    /// use palaestra_envs::{registry::Registry, control::{CartPole, CartPoleArgs}, sim::BatchPlugin};
    ///
    /// let mut registry = Registry::default();
    /// registry.register("my_pole-v1", "mine", "A pole of my own.", |args: CartPoleArgs| {
    ///     Ok(Box::new(BatchPlugin(CartPole::new(&args))))
    /// });
    /// assert!(registry.get("my_pole-v1").is_ok());
    /// ```
    pub fn register<A>(
        &mut self,
        id: &str,
        family: &str,
        summary: &str,
        build: impl Fn(A) -> Result<Box<dyn Plugin>, EnvError> + Send + Sync + 'static,
    ) where
        A: Serialize + DeserializeOwned + Default + JsonSchema + 'static,
    {
        let entry = EnvEntry {
            id: id.into(),
            family: family.into(),
            summary: summary.into(),
            defaults: serde_json::to_value(A::default()).unwrap_or(Value::Null),
            schema: schemars::schema_for!(A),
            build: Arc::new(move |args| build(parse_args(args)?)),
        };
        self.entries.insert(id.into(), entry);
    }

    /// Lets `alias` stand for the registered environment `id` with some of its arguments preset, which given ones
    /// override. Its entry is that of `id` with other defaults; listings leave it out. Does nothing if there is no
    /// `id`.
    pub fn alias(&mut self, alias: &str, id: &str, preset: Value) {
        let Some(entry) = self.entries.get(id) else {
            return;
        };
        let target = entry.build.clone();
        let mut defaults = entry.defaults.clone();
        overlay(&mut defaults, &preset);
        let entry = EnvEntry {
            id: entry.id.clone(),
            family: entry.family.clone(),
            summary: entry.summary.clone(),
            defaults,
            schema: entry.schema.clone(),
            build: Arc::new(move |args| {
                let mut merged = preset.clone();
                overlay(&mut merged, args);
                target(&merged)
            }),
        };
        self.aliases.insert(alias.into(), entry);
    }

    /// The environment called `id`, or for which `id` is an alias; without a version, its newest.
    ///
    /// # Errors
    /// [`EnvError::Unknown`] with the nearest name.
    pub fn get(&self, id: &str) -> Result<&EnvEntry, EnvError> {
        let versions = self.entries.values().rev().filter(|entry| {
            entry
                .id
                .rsplit_once("-v")
                .is_some_and(|(name, version)| name == id && !version.is_empty())
        });
        let newest = versions.max_by_key(|entry| {
            entry
                .id
                .rsplit_once("-v")
                .and_then(|(_, v)| v.parse::<u32>().ok())
                .unwrap_or(0)
        });
        self.entries
            .get(id)
            .or_else(|| self.aliases.get(id))
            .or(newest)
            .ok_or_else(|| EnvError::Unknown {
                kind: "environment",
                name: id.into(),
                suggestion: nearest(
                    id,
                    self.entries
                        .keys()
                        .chain(self.aliases.keys())
                        .map(String::as_str),
                ),
            })
    }

    /// Builds the environment called `id` from its arguments (JSON null: the defaults).
    ///
    /// # Errors
    /// [`EnvError::Unknown`], [`EnvError::Argument`].
    pub fn build(&self, id: &str, args: &Value) -> Result<Box<dyn Plugin>, EnvError> {
        self.get(id)?.build(args)
    }

    /// Every alias with the entry that it leads to, in alphabetical order.
    pub fn aliases(&self) -> impl Iterator<Item = (&str, &EnvEntry)> {
        self.aliases
            .iter()
            .map(|(name, entry)| (name.as_str(), entry))
    }

    /// All entries in alphabetical order, without aliases.
    pub fn iter(&self) -> impl Iterator<Item = &EnvEntry> {
        self.entries.values()
    }
}

/// Writes the keys of `over` into `under`, both JSON objects; anything else than an object or null takes its place.
fn overlay(under: &mut Value, over: &Value) {
    match (under, over) {
        (_, Value::Null) => {}
        (Value::Object(under), Value::Object(over)) => {
            under.extend(over.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        (under, over) => *under = over.clone(),
    }
}

/// Reads arguments of type `A` from JSON (null: the defaults).
///
/// # Errors
/// [`EnvError::Argument`] with the path of the key and, for an unknown key, the nearest known one.
pub fn parse_args<A: DeserializeOwned + Default>(args: &Value) -> Result<A, EnvError> {
    if args.is_null() {
        return Ok(A::default());
    }
    serde_path_to_error::deserialize(args).map_err(|error| {
        let mut path = error.path().to_string();
        if path == "." {
            path.clear();
        }
        let mut message = error.into_inner().to_string();
        // Arguments that are read by hand name the key themselves.
        let named = message
            .strip_prefix('`')
            .and_then(|rest| rest.split_once("`: "));
        if let Some((key, rest)) = named.filter(|(key, _)| path.is_empty() && !key.contains(' ')) {
            (path, message) = (key.to_owned(), rest.to_owned());
        }
        if let Some((name, _)) = unknown_field(&message)
            && message.starts_with("unknown field")
            && !path.ends_with(name)
        {
            path = if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            };
        }
        // The known names stand in backticks.
        let suggestion = unknown_field(&message)
            .and_then(|(name, known)| nearest(name, known.split('`').skip(1).step_by(2)));
        EnvError::Argument {
            path: if path == "." { String::new() } else { path },
            message: plain_words(&message),
            suggestion,
        }
    })
}

/// Serde's message about a value of a wrong type, or an unknown variant, without the names of Rust's types; any other
/// message as it is.
pub fn plain_words(message: &str) -> String {
    if let Some((name, known)) = unknown_field(message)
        && message.starts_with("unknown variant")
    {
        return format!("there is no `{name}` here; there is {known}");
    }
    let wrong = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|rest| rest.rsplit_once(", expected "));
    if let Some((found, expected)) = wrong {
        let expected = match expected.trim() {
            "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0",
            "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
            "f32" | "f64" => "a number",
            "a boolean" => "true or false",
            "a string" => "a text",
            "a sequence" => "a list",
            other if other.starts_with("struct ") || other == "a map" => "a table of keys",
            other => other,
        };
        return format!("must be {expected}, found {found}");
    }
    let length = message
        .strip_prefix("invalid length ")
        .and_then(|rest| rest.split_once(", expected "));
    match length {
        Some((found, "fewer elements in array")) => format!("{found} elements are too many"),
        Some((found, expected)) => format!("must be {expected}, found {found}"),
        None => message.to_owned(),
    }
}

/// The unknown name and the list of known ones from serde's message about an unknown field or variant.
pub fn unknown_field(message: &str) -> Option<(&str, &str)> {
    let rest = message
        .strip_prefix("unknown field `")
        .or_else(|| message.strip_prefix("unknown variant `"))?;
    let (name, rest) = rest.split_once('`')?;
    let (_, known) = rest.split_once("expected ")?;
    Some((name, known.strip_prefix("one of ").unwrap_or(known)))
}

/// The candidate most like `name`, if any is like it at all.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let scored = candidates
        .into_iter()
        .map(|c| (strsim::jaro_winkler(name, c), c));
    let best = scored
        .filter(|(score, _)| *score > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, c)| c.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn identifiers_resolve_to_the_newest_version_or_suggest_a_name() {
        let registry = registry();
        assert_eq!(registry.get("cartpole").unwrap().id, "cartpole-v1");
        let error = registry.get("cartpol-v1").unwrap_err().to_string();
        assert_eq!(
            error,
            "there is no environment `cartpol-v1`; did you mean `cartpole-v1`?"
        );
    }

    #[test]
    fn wrong_values_are_told_without_the_names_of_types() {
        let wrong = |id: &str, args| match registry().build(id, &args).err() {
            Some(EnvError::Argument {
                path,
                message,
                suggestion,
            }) => (path, message, suggestion),
            other => panic!("{other:?}"),
        };
        let of = |path: &str, message: &str| (path.into(), message.into(), None);
        let game = "glee_bargaining-v1";
        assert_eq!(
            wrong(game, json!({ "offers": "many" })),
            of(
                "offers",
                "must be a whole number from 0, found string \"many\""
            )
        );
        assert_eq!(
            wrong(game, json!({ "offers": 1 })),
            of("offers", "must be between 2 and 10001, found 1")
        );
        let words = "glee_bargaining_text-v1";
        assert_eq!(
            wrong(words, json!({ "invalid": 3 })),
            of("invalid", "must be a table of keys, found integer `3`")
        );
        assert_eq!(
            wrong(words, json!({ "names": ["a", "b", "c"] })),
            of("names", "3 elements are too many")
        );
        assert_eq!(
            wrong(words, json!({ "fairness_weight": 1 })),
            of(
                "fairness_weight",
                "is for the games in numbers: here rewards are self-gains"
            )
        );
        let (path, message, suggestion) = wrong(game, json!({ "config": "publishd" }));
        assert_eq!(
            (path.as_str(), suggestion.as_deref()),
            ("config", Some("published"))
        );
        assert!(
            message.starts_with("there is no `publishd` here"),
            "{message}"
        );
    }

    #[test]
    fn misspelt_arguments_are_named_with_the_nearest_known_one() {
        let error = registry()
            .build("cartpole-v1", &json!({ "sutton_reward": true }))
            .err()
            .unwrap();
        let EnvError::Argument {
            suggestion,
            message,
            ..
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!(suggestion.as_deref(), Some("sutton_barto_reward"));
        assert!(
            message.starts_with("unknown field `sutton_reward`"),
            "{message}"
        );
    }
}
