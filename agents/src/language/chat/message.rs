//! Requests and replies of the protocol that most endpoints for chats speak.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    Usage,
    args::{ChatArgs, Format, TokenKey},
    stream,
};

/// No request has more tokens; what says so is wrong.
const MOST_TOKENS: u64 = 1 << 40;

/// The body of a request.
pub(super) fn request(args: &ChatArgs, messages: Value, schema: &Value, seed: u64) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), args.model.as_str().into());
    body.insert("messages".into(), messages);
    let sampling = [("temperature", args.temperature), ("top_p", args.top_p)];
    for (key, value) in sampling {
        if let Some(value) = value {
            body.insert(key.into(), value.into());
        }
    }
    let key = match args.max_tokens_key {
        TokenKey::MaxTokens => "max_tokens",
        TokenKey::MaxCompletionTokens => "max_completion_tokens",
    };
    body.insert(key.into(), args.max_tokens.into());
    if args.send_seed {
        body.insert("seed".into(), seed.into());
    }
    if args.stream {
        body.insert("stream".into(), true.into());
        body.insert("stream_options".into(), json!({"include_usage": true}));
    }
    if !args.stop.is_empty() {
        body.insert("stop".into(), json!(args.stop));
    }
    match args.response_format {
        Format::None => {}
        Format::JsonObject => {
            body.insert("response_format".into(), json!({"type": "json_object"}));
        }
        // Who asks from elsewhere may not say what is due.
        Format::JsonSchema if schema.is_null() => {}
        Format::JsonSchema => {
            let schema = json!({"name": "move", "strict": true, "schema": schema});
            let format = json!({"type": "json_schema", "json_schema": schema});
            body.insert("response_format".into(), format);
        }
    }
    Value::Object(body)
}

/// The key of a request in a transcript: SHA-256 of path, body, attempt and seat, without the host.
pub(super) fn hash(url: &str, body: &Value, attempt: u64, seed: u64) -> String {
    let after = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after.find('/').map_or("", |at| &after[at..]);
    let key = json!({"path": path, "body": body, "attempt": attempt, "seed": seed});
    let digest = Sha256::digest(canonical(&key).as_bytes());
    let mut hex = String::with_capacity(2 * digest.len());
    for byte in digest {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// JSON with sorted keys and without blanks.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let fields = keys.into_iter().map(|key| {
                let name = Value::from(key.as_str());
                format!("{name}:{}", canonical(&map[key]))
            });
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        leaf => leaf.to_string(),
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    /// The words; why there are none that count, in brackets.
    pub(crate) words: String,
    pub(crate) usage: Usage,
    /// The model, as the endpoint calls it; empty if it does not say.
    pub(crate) model: String,
}

/// Whether a refusal says that the chat is too long for the model. Endpoints say so in words of their own.
pub(super) fn is_too_long(status: u16, body: &str) -> bool {
    const SAID: [&str; 8] = [
        "context_length",
        "context length",
        "context window",
        "context size",
        "context_size",
        "maximum context",
        "prompt is too long",
        "too many tokens",
    ];
    let body = body.to_lowercase();
    matches!(status, 400 | 413 | 422) && SAID.iter().any(|said| body.contains(said))
}

/// Reads a reply; `sent` are the bytes of the request, to estimate tokens from.
pub(super) fn answer(body: &[u8], sent: usize) -> Result<Answer, String> {
    let text =
        std::str::from_utf8(body).map_err(|error| format!("the reply is no text: {error}"))?;
    let reply: Value = if stream::is_stream(text) {
        stream::completion(text)?
    } else {
        serde_json::from_str(text).map_err(|error| format!("the reply is no JSON: {error}"))?
    };
    let choice = reply.pointer("/choices/0");
    let choice = choice.ok_or("the reply has no `choices`")?;
    let content = choice.pointer("/message/content");
    let said = content.map(words).unwrap_or_default();
    let finish = choice.get("finish_reason").and_then(Value::as_str);
    // Cut off or held back, it counts as no answer, even if what is there could be read as one.
    let void = match finish {
        Some(reason @ ("length" | "content_filter")) => Some(format!("[no answer: {reason}]")),
        _ if said.trim().is_empty() => {
            let refused = choice
                .pointer("/message/refusal")
                .is_some_and(Value::is_string);
            let why = if refused { "refused" } else { "empty" };
            Some(format!("[no answer: {why}]"))
        }
        _ => None,
    };
    let usage = reply.get("usage").and_then(usage).unwrap_or_else(|| Usage {
        prompt: (sent as u64).div_ceil(4),
        completion: (said.len() as u64).div_ceil(4),
        estimated: true,
        ..Usage::default()
    });
    Ok(Answer {
        words: void.unwrap_or(said),
        usage,
        model: reply["model"].as_str().unwrap_or_default().to_owned(),
    })
}

/// Content as a text, or as parts of which some are texts.
fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
            texts.collect()
        }
        _ => String::new(),
    }
}

/// The usage that an endpoint reports; `None` if it says none that can be.
fn usage(usage: &Value) -> Option<Usage> {
    let count = |pointer: &str| {
        let count = usage.pointer(pointer).and_then(Value::as_u64);
        count.filter(|&count| count <= MOST_TOKENS)
    };
    Some(Usage {
        prompt: count("/prompt_tokens")?,
        completion: count("/completion_tokens")?,
        cached: count("/prompt_tokens_details/cached_tokens").unwrap_or(0),
        reasoning: count("/completion_tokens_details/reasoning_tokens").unwrap_or(0),
        estimated: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_for_what_they_say() {
        let read = |choice: Value| {
            let body = json!({"choices": [choice], "usage": {
                "prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 2}}});
            answer(body.to_string().as_bytes(), 100).unwrap()
        };
        let said = read(json!({"message": {"content": "yes"}, "finish_reason": "stop"}));
        let usage = Usage {
            prompt: 9,
            completion: 5,
            cached: 4,
            reasoning: 2,
            estimated: false,
        };
        assert_eq!(
            said,
            Answer {
                words: "yes".into(),
                usage,
                model: String::new(),
            }
        );
        let parts = json!([{"type": "text", "text": "y"}, {"type": "image"}, {"type": "text", "text": "es"}]);
        assert_eq!(read(json!({"message": {"content": parts}})).words, "yes");
        for (choice, words) in [
            (
                json!({"message": {"content": "{\"decision\": \"accept\"}"}, "finish_reason": "length"}),
                "[no answer: length]",
            ),
            (
                json!({"message": {"content": "x"}, "finish_reason": "content_filter"}),
                "[no answer: content_filter]",
            ),
            (
                json!({"message": {"content": null, "refusal": "I cannot."}}),
                "[no answer: refused]",
            ),
            (
                json!({"message": {"content": "", "tool_calls": [{}]}}),
                "[no answer: empty]",
            ),
        ] {
            assert_eq!(read(choice).words, words);
        }
        let bare = answer(br#"{"choices": [{"message": {"content": "12345"}}]}"#, 101).unwrap();
        assert_eq!(
            (
                bare.usage.prompt,
                bare.usage.completion,
                bare.usage.estimated
            ),
            (26, 2, true)
        );
        let much = format!(
            r#"{{"choices": [{{"message": {{"content": "12345"}}}}], "usage": {{"prompt_tokens": {}, "completion_tokens": 2}}}}"#,
            u64::MAX
        );
        assert_eq!(
            answer(much.as_bytes(), 101).unwrap().usage,
            bare.usage,
            "no such count"
        );
        for body in [&b"\xff{}"[..], b"{", b"<html>", b"{\"choices\": []}"] {
            assert!(answer(body, 0).is_err());
        }
    }

    #[test]
    fn keys_of_transcripts_do_not_depend_on_host_or_order() {
        let (a, b) = (
            json!({"x": 1, "y": [{"p": 1, "q": 2}]}),
            json!({"y": [{"q": 2, "p": 1}], "x": 1}),
        );
        let key = hash("http://one/v1/chat", &a, 1, 7);
        assert_eq!(key.len(), 64);
        assert_eq!(key, hash("https://two:81/v1/chat", &b, 1, 7));
        for other in [
            hash("http://one/v2/chat", &a, 1, 7),
            hash("http://one/v1/chat", &a, 2, 7),
            hash("http://one/v1/chat", &a, 1, 8),
        ] {
            assert_ne!(key, other);
        }
    }
}
