//! The HTTP player of GLEE's released code, both ends of it.
//!
//! *After eilamshapira/GLEE, `players/http_player.py`.* The game sends `POST <url>/chat` with `messages` (a chat),
//! `decision` (whether a decision is due, or an offer) and `game_params` (the settings that the seat knows); the player
//! sends back `{"response": "…"}`. A key goes into `X-API-Key`. The agent `http` is the game's end, so that existing
//! players can be asked; [`Server`] with a [`Desk`] is the player's, so that existing games can ask our agents. Beside
//! the released code's keys, `game_params` holds `expects` and `state`, what our agents are told.

mod desk;
mod listener;
mod server;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use palaestra_envs::language::answer::Expected;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use desk::Desk;
pub use listener::{Incoming, Listener, Responder, Response};
pub use server::{Handler, Request, Server};

use super::chat::{
    Answer, Budget, Client, Correspondent, Limits, Secret, Source, Timeouts, Told, Usage, Wall,
    Wire, address, transport,
};
use crate::{AgentContext, AgentError, Registry};

/// Identifier in the registry.
const ID: &str = "http";

/// Arguments of `http`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpArgs {
    /// Where the player is; `/chat` is added.
    pub url: String,
    /// The environment variable with its key; empty for a player without one.
    pub key_env: String,
    /// When to give up.
    pub timeouts: Timeouts,
    /// How often a request that failed in passing is sent again.
    pub max_retries: u32,
    /// What the player may be asked.
    pub limits: Limits,
    /// The file of requests, as CSV. Empty for none.
    pub ledger: String,
    /// The file of what was asked and answered.
    pub transcript: String,
    /// Where answers come from.
    pub source: Source,
}

impl Default for HttpArgs {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:5000".into(),
            key_env: String::new(),
            timeouts: Timeouts::default(),
            max_retries: 2,
            limits: Limits::default(),
            ledger: String::new(),
            transcript: String::new(),
            source: Source::default(),
        }
    }
}

/// The body of a request.
fn request(told: Told<'_>) -> Value {
    let (messages, expects) = (told.chat, told.expects);
    let due = serde_json::from_value::<Expected>(expects.clone()).ok();
    let decision = !matches!(
        due,
        Some(Expected::Split { .. } | Expected::Price { .. } | Expected::SellerText)
    );
    let mut params = match &expects["game"] {
        Value::Object(params) => params.clone(),
        _ => Map::new(),
    };
    params.insert("rules".into(), messages[0]["content"].clone());
    params.insert("expects".into(), expects.clone());
    params.insert("state".into(), json!(told.state));
    json!({"messages": messages, "decision": decision, "game_params": params})
}

/// Reads a reply.
fn answer(body: &[u8], _: usize) -> Result<Answer, String> {
    let reply: Value =
        serde_json::from_slice(body).map_err(|error| format!("the reply is no JSON: {error}"))?;
    match reply.get("response") {
        Some(Value::String(words)) => Ok(Answer {
            words: words.clone(),
            usage: Usage::default(),
            model: String::new(),
        }),
        _ => Err("the reply has no text `response`".into()),
    }
}

/// An HTTP player.
///
/// # Errors
/// [`AgentError`] for arguments that are wrong, files that cannot be opened, a key that is not there, and environments
/// that are not played in words.
pub fn build(context: &AgentContext, args: &HttpArgs) -> Result<Correspondent, AgentError> {
    args.timeouts.check()?;
    let key = match args.source {
        Source::Strict => None,
        _ => Secret::from_env("key_env", &args.key_env)?,
    };
    let wire = Wire {
        agent: ID,
        url: format!("{}/chat", address("url", &args.url)?),
        key: key.map(|key| ("x-api-key", "", key)),
        model: String::new(),
        fallbacks: Vec::new(),
        context_window_fallbacks: Vec::new(),
        longest: 0,
        read: answer,
        timeouts: args.timeouts.clone(),
        max_retries: args.max_retries,
        limits: args.limits.clone(),
        budget: Budget::default(),
        prices: BTreeMap::new(),
        ledger: args.ledger.clone(),
        transcript: args.transcript.clone(),
        source: args.source,
    };
    let transport = transport(&args.timeouts, args.source);
    let client = Client::new(wire, transport, Arc::new(Wall::default()))?;
    Correspondent::new(ID, context, client, Box::new(request))
}

/// Registers the agent.
pub fn register(registry: &mut Registry) {
    registry.register(
        ID,
        "A player that answers over HTTP as GLEE's released code asks, in games that are played in words.",
        |context, args: HttpArgs| Ok(Box::new(build(context, &args)?)),
    );
}
