//! Every agent by name, with its arguments and their defaults.

use std::collections::BTreeMap;

use palaestra_envs::{
    registry::{nearest, parse_args},
    sim::{EnvSpec, PlayerSpec},
};
use schemars::{JsonSchema, Schema};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Agent, AgentContext, AgentError, language};

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
    /// Info fields that it makes use of for some players, if the environment has them.
    optional_info: Vec<OptionalInfo>,
    /// Default arguments.
    pub defaults: Value,
    /// JSON Schema of the arguments.
    pub schema: Schema,
    /// Whether it chooses from numbers and sits in language games in words as in those in numbers.
    by_numbers: bool,
    build: BuildFn,
}

/// An info field that an agent makes use of when playing some players.
struct OptionalInfo {
    name: String,
    when: fn(&PlayerSpec) -> bool,
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
        match language::numbers(&context.env) {
            Some(numbers) if self.by_numbers => {
                let build = |inner: &AgentContext| (self.build)(inner, args);
                let seated = language::InWords::new(&self.id, context, numbers, build)?;
                Ok(Box::new(seated))
            }
            _ => (self.build)(context, args),
        }
    }

    /// Lets it play language games in words by what it knows of them in numbers.
    pub fn speaks_by_numbers(&mut self) -> &mut Self {
        self.by_numbers = true;
        self
    }

    /// Asks for an info field of the environment.
    pub fn needs_info(&mut self, name: &str) -> &mut Self {
        self.info.push(name.to_owned());
        self
    }

    /// Asks for an info field if the environment has it, when playing a player for whom `when` holds.
    pub fn wants_info(&mut self, name: &str, when: fn(&PlayerSpec) -> bool) -> &mut Self {
        let name = name.to_owned();
        self.optional_info.push(OptionalInfo { name, when });
        self
    }

    /// The info fields to ask of `env` for the agent to play `player`.
    ///
    /// # Errors
    /// [`AgentError::Unsupported`] if the environment lacks one that the agent cannot do without.
    pub fn info_for(&self, env: &EnvSpec, player: &PlayerSpec) -> Result<Vec<String>, AgentError> {
        if let Some(name) = self.info.iter().find(|name| env.info_index(name).is_none()) {
            return Err(AgentError::Unsupported {
                agent: self.id.clone(),
                env: env.id.clone(),
                reason: format!(
                    "it needs the info field `{name}`, which the environment does not tell"
                ),
            });
        }
        let offered = |info: &&OptionalInfo| env.info_index(&info.name).is_some();
        let wanted = self.optional_info.iter().filter(|info| (info.when)(player));
        let wanted = wanted.filter(offered).map(|info| &info.name);
        Ok(self.info.iter().chain(wanted).cloned().collect())
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
    crate::bandits::register(&mut registry);
    language::register(&mut registry);
    crate::in_context::register(&mut registry);
    crate::market::register(&mut registry);
    crate::pomdp::register(&mut registry);
    crate::process::register(&mut registry);
    crate::random::register(&mut registry);
    crate::scripted::register(&mut registry);
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
            optional_info: Vec::new(),
            defaults: serde_json::to_value(A::default()).unwrap_or(Value::Null),
            schema: schemars::schema_for!(A),
            by_numbers: false,
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
