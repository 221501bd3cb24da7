//! A request over HTTP and its reply. `ureq` is what sends it; tests and replays can do without.

use std::{fmt, time::Duration};

use super::{Secret, stream};

/// Largest reply that is read, in bytes.
const LARGEST_REPLY: u64 = 16 << 20;

/// A request.
#[derive(Debug)]
pub struct Post<'a> {
    /// Where to.
    pub url: &'a str,
    /// The name of the header with the key, the key, and what stands before it.
    pub key: Option<(&'static str, &'static str, &'a Secret)>,
    /// A JSON text.
    pub body: &'a str,
    /// Time it may take until its reply is there.
    pub time: Duration,
}

/// A reply, whatever its status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// Status of HTTP.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// It took too long.
    Timeout(String),
    /// Something else is wrong with the connection.
    Connection(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(what) | Self::Connection(what) => f.write_str(what),
        }
    }
}

/// What sends requests.
pub trait Transport: Send + Sync {
    /// Sends a request and waits for the reply.
    ///
    /// # Errors
    /// [`Broken`], without the key in it.
    fn post(&self, post: &Post<'_>) -> Result<Reply, Broken>;
}

/// HTTP and HTTPS.
#[derive(Debug)]
pub struct Http {
    agent: ureq::Agent,
    first_byte: Duration,
}

impl Http {
    /// With times for connecting and for the first byte of a reply.
    pub fn new(connect: Duration, first_byte: Duration) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // A key must not follow to another place.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(connect))
            .user_agent(concat!("palaestra/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: config.into(),
            first_byte,
        }
    }
}

impl Transport for Http {
    fn post(&self, post: &Post<'_>) -> Result<Reply, Broken> {
        let mut request = self
            .agent
            .post(post.url)
            .config()
            .timeout_global(Some(post.time))
            .timeout_recv_response(Some(self.first_byte.min(post.time)))
            .build()
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        if let Some((name, before, key)) = post.key {
            request = request.header(name, format!("{before}{}", key.expose()));
        }
        let mut response = request.send(post.body).map_err(|error| broken(&error))?;
        let header = response.headers().get("retry-after");
        let retry_after = header.and_then(|value| value.to_str().ok());
        let retry_after = retry_after.map(str::to_owned);
        let kind = response.headers().get("content-type");
        let is_stream = kind
            .and_then(|value| value.to_str().ok())
            .is_some_and(|kind| kind.trim_start().starts_with("text/event-stream"));
        let body = response.body_mut().with_config().limit(LARGEST_REPLY);
        let body = if is_stream {
            stream::read(body.reader()).map_err(|error| broken(&ureq::Error::from(error)))?
        } else {
            body.read_to_vec().map_err(|error| broken(&error))?
        };
        Ok(Reply {
            body,
            status: response.status().as_u16(),
            retry_after,
        })
    }
}

fn broken(error: &ureq::Error) -> Broken {
    match error {
        ureq::Error::Timeout(what) => Broken::Timeout(format!("no reply in time ({what})")),
        other => Broken::Connection(other.to_string()),
    }
}
