//! Arguments of the player.

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Budget, Limits, Price, Source};
use crate::AgentError;

/// Times after which something counts as not having happened, in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// Until there is a connection.
    pub connect_s: f64,
    /// Until the first byte of a reply.
    pub first_byte_s: f64,
    /// Until the end of a reply.
    pub call_s: f64,
    /// For all that an answer takes, retries and the waits between them; not the wait for what the limits allow.
    pub turn_s: f64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect_s: 5.0,
            first_byte_s: 30.0,
            call_s: 60.0,
            turn_s: 120.0,
        }
    }
}

impl Timeouts {
    /// Checks that all are times.
    pub(crate) fn check(&self) -> Result<(), AgentError> {
        let times = [
            ("timeouts.connect_s", self.connect_s),
            ("timeouts.first_byte_s", self.first_byte_s),
            ("timeouts.call_s", self.call_s),
            ("timeouts.turn_s", self.turn_s),
        ];
        match times.iter().find(|(_, s)| !(*s > 0.0 && *s <= 86_400.0)) {
            None => Ok(()),
            Some((key, s)) => {
                let problem = format!("{s} is not a number of seconds above 0 and up to a day");
                Err(AgentError::argument(key, problem))
            }
        }
    }

    pub(crate) fn turn(&self) -> Duration {
        Duration::from_secs_f64(self.turn_s)
    }
}

/// How endpoints want to be told the longest answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenKey {
    /// `max_tokens`.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`, which includes tokens of reasoning.
    MaxCompletionTokens,
}

/// What the endpoint is to hold the model to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Nothing.
    #[default]
    None,
    /// A JSON object.
    JsonObject,
    /// The object that is due, by its schema.
    JsonSchema,
}

/// Arguments of `chat`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChatArgs {
    /// Where the endpoint is; `/chat/completions` is added.
    pub base_url: String,
    /// The model.
    pub model: String,
    /// Models that are asked in turn when the one before has failed: its retries are used up, it refuses, or there is no
    /// such model.
    pub fallbacks: Vec<String>,
    /// Models that are asked in turn when a chat is too long for the one before; if there are none, `fallbacks` are.
    pub context_window_fallbacks: Vec<String>,
    /// The environment variable with the key; empty for an endpoint without one.
    pub key_env: String,
    /// Temperature; the endpoint's own if not given.
    pub temperature: Option<f64>,
    /// Nucleus sampling; the endpoint's own if not given.
    pub top_p: Option<f64>,
    /// Longest answer, in tokens.
    pub max_tokens: u32,
    /// How the endpoint is told.
    pub max_tokens_key: TokenKey,
    /// Whether a seed is sent; each answer has its own.
    pub send_seed: bool,
    /// Whether answers are sent as they are made, as server-sent events: an endpoint whose model is slow then shows in time
    /// that it is at work.
    pub stream: bool,
    /// Texts at which an answer ends.
    pub stop: Vec<String>,
    /// What the endpoint holds the model to.
    pub response_format: Format,
    /// When to give up.
    pub timeouts: Timeouts,
    /// How often a request that failed in passing is sent again, to each model.
    #[serde(alias = "num_retries")]
    pub max_retries: u32,
    /// What the endpoint may be asked; shared by all players with the same address and limits.
    pub limits: Limits,
    /// What may be spent.
    pub budget: Budget,
    /// What a million tokens cost, by model.
    pub prices: BTreeMap<String, Price>,
    /// The file of what has been spent, as CSV; players with the same file spend from one budget. Empty for none.
    pub ledger: String,
    /// The file of what was asked and answered.
    pub transcript: String,
    /// Where answers come from.
    pub source: Source,
}

impl Default for ChatArgs {
    fn default() -> Self {
        Self {
            base_url: "http://127.0.0.1:8080/v1".into(),
            model: String::new(),
            fallbacks: Vec::new(),
            context_window_fallbacks: Vec::new(),
            key_env: String::new(),
            temperature: None,
            top_p: None,
            max_tokens: 512,
            max_tokens_key: TokenKey::default(),
            send_seed: false,
            stream: false,
            stop: Vec::new(),
            response_format: Format::default(),
            timeouts: Timeouts::default(),
            max_retries: 6,
            limits: Limits::default(),
            budget: Budget::default(),
            prices: BTreeMap::new(),
            ledger: String::new(),
            transcript: String::new(),
            source: Source::default(),
        }
    }
}

/// An address without its last slash.
///
/// # Errors
/// [`AgentError`] for `argument`: it is none, or could carry a secret into a log.
pub(crate) fn address<'a>(argument: &str, url: &'a str) -> Result<&'a str, AgentError> {
    let fault = |problem: &str| Err(AgentError::argument(argument, problem));
    let Some((scheme, rest)) = url.split_once("://") else {
        return fault("is no address; write e.g. \"http://127.0.0.1:8080/v1\"");
    };
    if !matches!(scheme, "http" | "https") {
        return fault("must begin with http:// or https://");
    }
    if rest.contains(['@', '?', '#']) || rest.contains(char::is_whitespace) {
        return fault("must be host and path only; a key belongs in the variable `key_env` names");
    }
    Ok(url.trim_end_matches('/'))
}

impl ChatArgs {
    pub(super) fn check(&self) -> Result<(), AgentError> {
        if self.model.is_empty() {
            return Err(AgentError::argument("model", "name the model to ask"));
        }
        if self.max_tokens == 0 {
            return Err(AgentError::argument("max_tokens", "must be at least 1"));
        }
        let ranges = [
            ("temperature", self.temperature, 100.0),
            ("top_p", self.top_p, 1.0),
        ];
        for (key, value, most) in ranges {
            if value.is_some_and(|value| !(0.0..=most).contains(&value)) {
                return Err(AgentError::argument(key, format!("must be 0 to {most}")));
            }
        }
        let lists = [
            ("fallbacks", &self.fallbacks),
            ("context_window_fallbacks", &self.context_window_fallbacks),
        ];
        for (key, models) in lists {
            if models.iter().any(String::is_empty) {
                return Err(AgentError::argument(key, "a model must have a name"));
            }
        }
        let models = [&self.model].into_iter();
        let mut models = models.chain(lists.into_iter().flat_map(|(_, models)| models));
        let priceless = models.find(|model| !self.prices.contains_key(*model));
        if let (true, Some(model)) = (self.budget.needs_prices(), priceless) {
            let problem = format!("dollars are capped, but `{model}` has no price");
            return Err(AgentError::argument("prices", problem));
        }
        self.timeouts.check()
    }
}
