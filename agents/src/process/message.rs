//! The messages of the protocol: what is asked, and how a reply is read.
//!
//! A message is one JSON object on one line, with its `type`. `docs/process-agents.md` describes them for authors
//! of programs; the fields here are the same.

use std::collections::BTreeMap;

use palaestra_envs::space::Space;
use serde::{Deserialize, Serialize, de::DeserializeOwned, de::IgnoredAny};
use serde_json::{Value, value::RawValue};

/// Version of the protocol. It changes when a program written for the old one would misunderstand the new one.
pub const PROTOCOL: u64 = 1;

/// What is asked of the program.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Request<'a> {
    /// Opens the conversation.
    Hello {
        protocol: u64,
        env: &'a str,
        players: Vec<&'a str>,
        num_envs: usize,
        observation_space: &'a Space,
        action_space: &'a Space,
        action_mask: bool,
        max_episode_steps: Option<u32>,
        seed: u64,
        total_steps: u64,
        options: &'a Value,
    },
    /// Asks one player's actions in the given rows.
    Act {
        player: &'a str,
        mode: &'static str,
        rows: &'a [usize],
        observations: Vec<Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        action_masks: Option<Vec<&'a [u8]>>,
        elapsed: Vec<u32>,
    },
    /// Shows one player the step just made.
    Observe {
        player: &'a str,
        mode: &'static str,
        rows: &'a [usize],
        rewards: Vec<Value>,
        terminated: Vec<bool>,
        truncated: Vec<bool>,
        final_observations: Vec<Value>,
    },
    /// Asks for the program's state.
    Save,
    /// Gives a saved state back.
    Load { state: &'a RawValue },
    /// Ends the conversation.
    Bye,
}

impl Request<'_> {
    /// The message's type, for error messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Act { .. } => "act",
            Self::Observe { .. } => "observe",
            Self::Save => "save",
            Self::Load { .. } => "load",
            Self::Bye => "bye",
        }
    }

    /// The message as a line.
    pub(super) fn to_line(&self) -> serde_json::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// A reply that a request asks for.
pub(super) trait Reply: DeserializeOwned {
    /// Its `type`.
    const TYPE: &'static str;
}

/// Reply to `hello`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ready {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    #[serde(rename = "protocol")]
    _protocol: IgnoredAny,
    /// What the program calls itself, for the log.
    #[serde(default)]
    pub(super) name: Option<String>,
    /// Whether it can save and load its state.
    #[serde(default)]
    pub(super) save: bool,
    /// Whether it wants to be shown the steps made.
    #[serde(default = "yes")]
    pub(super) observe: bool,
}

impl Reply for Ready {
    const TYPE: &'static str = "ready";
}

/// Reply to `act`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Actions {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    /// One action for each row asked, in order.
    pub(super) actions: Vec<Value>,
}

impl Reply for Actions {
    const TYPE: &'static str = "actions";
}

/// Reply to `observe` and `load`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Done {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    /// The program's own metrics.
    #[serde(default)]
    pub(super) metrics: BTreeMap<String, Value>,
}

impl Reply for Done {
    const TYPE: &'static str = "ok";
}

/// Reply to `save`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    #[serde(rename = "type")]
    _type: IgnoredAny,
    /// Kept as the text the program wrote: no number in it is rounded.
    pub(super) state: Box<RawValue>,
}

impl Reply for State {
    const TYPE: &'static str = "state";
}

fn yes() -> bool {
    true
}

/// What every reply may hold.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Head {
    #[serde(rename = "type")]
    kind: String,
    protocol: Option<Value>,
    message: Option<String>,
}

/// Reads the reply to a request called `asked`.
///
/// # Errors
/// The problem as the rest of a sentence whose subject is the program.
pub(super) fn read_reply<R: Reply>(line: &[u8], asked: &str) -> Result<R, String> {
    let head: Head = serde_json::from_slice(line).map_err(|e| garbage(line, asked, &e))?;
    if head.kind == "error" {
        return Err(reported(head.message, asked));
    }
    if head.kind != R::TYPE {
        return Err(format!(
            "answered `{asked}` with a message of type `{}`; `{}` was due",
            shorten(&head.kind, 40),
            R::TYPE
        ));
    }
    if let Some(theirs) = head.protocol.filter(|v| v.as_u64() != Some(PROTOCOL)) {
        return Err(format!(
            "speaks version {theirs} of the agent protocol, but only version {PROTOCOL} is spoken here; use a \
             release of the program or of Palaestra that fits the other"
        ));
    }
    serde_json::from_slice(line)
        .map_err(|e| format!("answered `{asked}` with a wrong `{}`: {e}", R::TYPE))
}

/// The message of an `error` that came without being asked for, if `line` is one.
pub(super) fn read_error(line: &[u8], asked: &str) -> Option<String> {
    let head: Head = serde_json::from_slice(line).ok()?;
    (head.kind == "error").then(|| reported(head.message, asked))
}

fn reported(message: Option<String>, asked: &str) -> String {
    let message = message.unwrap_or_else(|| "(no message)".into());
    format!("answered `{asked}` with an error: {message}")
}

/// Words for a line that is no message.
fn garbage(line: &[u8], asked: &str, error: &serde_json::Error) -> String {
    let text = String::from_utf8_lossy(line);
    let hint = if !text.trim_start().starts_with('{') {
        "stdout carries the protocol alone: print to stderr (in Python: `print(…, file=sys.stderr)`)"
    } else if ["NaN", "Infinity"].iter().any(|word| text.contains(word)) {
        "JSON has no such numbers: write the strings \"NaN\", \"inf\", \"-inf\""
    } else {
        "a reply is one JSON object with a `type`, on one line"
    };
    format!(
        "wrote {:?} on stdout in answer to `{asked}`, which is no message ({error}); {hint}",
        shorten(&text, 120)
    )
}

/// A number, or one of the strings that stand for those JSON lacks.
pub(super) fn read_number(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("inf") => Some(f64::INFINITY),
        Some("-inf") => Some(f64::NEG_INFINITY),
        Some(_) => None,
        None => value.as_f64(),
    }
}

/// A number as [`read_number`] reads it.
pub(super) fn write_number(x: f64) -> Value {
    serde_json::Number::from_f64(x).map_or_else(|| Value::String(x.to_string()), Value::Number)
}

/// The first `limit` characters of `text`.
pub(super) fn shorten(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
