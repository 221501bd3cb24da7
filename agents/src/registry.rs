//! Every agent by name, with its arguments and their defaults.

use std::collections::BTreeMap;

use palaestra_envs::registry::{nearest, parse_args};
use schemars::{JsonSchema, Schema};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Agent, AgentContext, AgentError};

type BuildFn =
    Box<dyn Fn(&AgentContext, &Value) -> Result<Box<dyn Agent>, AgentError> + Send + Sync>;

/// A registered agent.
pub struct AgentEntry {
    /// Identifier, e.g. `ucb1`.
    pub id: String,
    /// One sentence for people.
    pub summary: String,
    /// Info fields of the environment that the agent must be let in on.
    pub info: Vec<String>,
    /// Default arguments.
    pub defaults: Value,
    /// JSON Schema of the arguments.
    pub schema: Schema,
    build: BuildFn,
}

impl std::fmt::Debug for AgentEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentEntry")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl AgentEntry {
    /// Builds the agent from its arguments (JSON null: the defaults).
    ///
    /// # Errors
    /// [`AgentError::Env`] for a wrong argument, [`AgentError::Unsupported`] for an environment it cannot play.
    pub fn build(
        &self,
        context: &AgentContext,
        args: &Value,
    ) -> Result<Box<dyn Agent>, AgentError> {
        (self.build)(context, args)
    }

    /// Asks for an info field of the environment.
    pub fn needs_info(&mut self, name: &str) -> &mut Self {
        self.info.push(name.to_owned());
        self
    }
}

/// Agents by identifier.
#[derive(Debug, Default)]
pub struct Registry {
    entries: BTreeMap<String, AgentEntry>,
}

/// All agents of this crate.
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    crate::random::register(&mut registry);
    registry
}

impl Registry {
    /// Adds an agent. `A` holds its arguments: `#[serde(default, deny_unknown_fields)]` makes every argument
    /// optional and every misspelt one an error.
    pub fn register<A>(
        &mut self,
        id: &str,
        summary: &str,
        build: impl Fn(&AgentContext, A) -> Result<Box<dyn Agent>, AgentError> + Send + Sync + 'static,
    ) -> &mut AgentEntry
    where
        A: Serialize + DeserializeOwned + Default + JsonSchema + 'static,
    {
        let entry = AgentEntry {
            id: id.into(),
            summary: summary.into(),
            info: Vec::new(),
            defaults: serde_json::to_value(A::default()).unwrap_or(Value::Null),
            schema: schemars::schema_for!(A),
            build: Box::new(move |context, args| build(context, parse_args(args)?)),
        };
        self.entries.insert(id.to_owned(), entry);
        self.entries
            .entry(id.to_owned())
            .or_insert_with(|| unreachable!("inserted above"))
    }

    /// The agent called `id`.
    ///
    /// # Errors
    /// [`AgentError::Unknown`] with the nearest name.
    pub fn get(&self, id: &str) -> Result<&AgentEntry, AgentError> {
        self.entries.get(id).ok_or_else(|| AgentError::Unknown {
            name: id.into(),
            suggestion: nearest(id, self.entries.keys().map(String::as_str)),
        })
    }

    /// All entries in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &AgentEntry> {
        self.entries.values()
    }
}
