//! A key that is used and never shown.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::AgentError;

/// A key of an endpoint. It cannot be printed, and is taken out of what the endpoint sends back.
#[derive(Clone)]
pub struct Secret(String);

const HIDDEN: &str = "[key]";

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

    /// A text without the key.
    pub fn scrub(&self, text: String) -> String {
        if self.0.is_empty() || !text.contains(&self.0) {
            return text;
        }
        text.replace(&self.0, HIDDEN)
    }
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
