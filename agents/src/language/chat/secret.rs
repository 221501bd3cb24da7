//! A key that is used and never shown.

use std::fmt;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::AgentError;

/// A key of an endpoint. It cannot be printed, and is taken out of what the endpoint sends back.
#[derive(Clone)]
pub struct Secret(String);

const HIDDEN: &str = "[key]";
/// Escapes are taken out so often: an answer is JSON within JSON, and may quote JSON.
const NESTED: usize = 4;

impl Secret {
    /// A key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key in an environment variable; `None` if no variable is named.
    ///
    /// # Errors
    /// [`AgentError`] for `argument`, if the variable is not set.
    pub fn from_env(argument: &str, variable: &str) -> Result<Option<Self>, AgentError> {
        if variable.is_empty() {
            return Ok(None);
        }
        match std::env::var(variable) {
            Ok(key) if !key.trim().is_empty() => Ok(Some(Self(key.trim().into()))),
            _ => Err(AgentError::argument(
                argument,
                format!("the environment variable `{variable}` is not set; export the key there"),
            )),
        }
    }

    /// The key, for the header that carries it and nothing else.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// A text without the key. Nothing is left of a text in which it stands with escapes, as in a JSON string: whoever reads
    /// such a text takes them out.
    pub fn scrub(&self, text: String) -> String {
        if self.0.is_empty() {
            return text;
        }
        if text.split(&self.0).any(|piece| self.is_hidden_in(piece)) {
            return HIDDEN.into();
        }
        text.replace(&self.0, HIDDEN)
    }

    /// Whether the key stands in a text with escapes.
    fn is_hidden_in(&self, text: &str) -> bool {
        let mut read = text.to_owned();
        for _ in 0..NESTED {
            if !read.contains('\\') {
                return false;
            }
            read = unescaped(&read);
            if read.contains(&self.0) {
                return true;
            }
        }
        false
    }

    /// JSON without the key in its texts and names.
    pub(super) fn scrub_json(&self, json: Value) -> Value {
        match json {
            Value::String(text) => Value::String(self.scrub(text)),
            Value::Array(items) => items
                .into_iter()
                .map(|item| self.scrub_json(item))
                .collect(),
            Value::Object(map) => map
                .into_iter()
                .map(|(name, value)| (self.scrub(name), self.scrub_json(value)))
                .collect(),
            other => other,
        }
    }
}

/// A text as it reads without the escapes of a JSON string.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let code = rest
            .strip_prefix('u')
            .and_then(|hex| u32::from_str_radix(hex.get(..4)?, 16).ok())
            .and_then(char::from_u32);
        match (code, rest.chars().next()) {
            (Some(letter), _) => {
                out.push(letter);
                rest = &rest[5..];
            }
            (None, Some(letter)) => {
                out.push(letter);
                rest = &rest[letter.len_utf8()..];
            }
            (None, None) => {}
        }
    }
    out.push_str(rest);
    out
}

/// By their hashes, so that how long it takes tells nothing of how much is right.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let [own, others] = [self, other].map(|key| Sha256::digest(key.0.as_bytes()));
        own == others
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_found_however_it_is_written() {
        let key = Secret::new("sk-a/b");
        for (text, left) in [
            ("nothing", "nothing"),
            (r"a \ \u0041 \n \", r"a \ \u0041 \n \"),
            ("<sk-a/b>", "<[key]>"),
            (r"<sk-a\/b>", HIDDEN),
            (r"<\u0073k-a/b>", HIDDEN),
            (r"<\\u0073k-a\\\/b>", HIDDEN),
            (r"<sk-a/b> <sk-a\/b>", HIDDEN),
        ] {
            assert_eq!(key.scrub(text.into()), left, "{text}");
        }
        let json: Value = serde_json::from_str(r#"{"s\u006b-a\/b": ["sk-a\/b", 1]}"#).unwrap();
        assert_eq!(key.scrub_json(json), json!({"[key]": ["[key]", 1]}));
        assert_eq!(Secret::new("").scrub(r"\u0041".into()), r"\u0041");
    }
}
