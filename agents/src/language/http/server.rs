//! The player's end: `POST /chat` with bodies of JSON.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
};

use serde_json::{Map, Value, json};

use super::listener::{Incoming, Listener, Response};
use crate::language::chat::Secret;

/// Largest body, in bytes.
const LARGEST_BODY: usize = 16 << 20;

/// A question of a game.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The chat.
    pub messages: Value,
    /// Whether a decision is due.
    pub decision: bool,
    /// The settings that the seat knows.
    pub game_params: Value,
}

/// What answers questions; an error is sent back as status 422.
pub type Handler<'h> = dyn Fn(Request) -> Result<String, String> + Send + Sync + 'h;

/// Answers `POST /chat`.
pub struct Server {
    listener: Listener,
    key: Option<Secret>,
}

impl Server {
    /// Listens at `address`; requests must carry the key, if there is one.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub fn bind(address: SocketAddr, key: Option<Secret>) -> std::io::Result<Self> {
        Ok(Self {
            listener: Listener::bind(address)?,
            key,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.address()
    }

    /// Set to end [`run`](Self::run) after the next connection.
    pub fn stop(&self) -> Arc<AtomicBool> {
        self.listener.stop()
    }

    /// Answers until it is stopped, each connection on a thread of its own.
    pub fn run(&self, handler: &Handler<'_>) {
        self.listener.run(&|incoming| {
            let answered = self.answer(incoming, handler);
            answered.unwrap_or_else(|refusal| refusal)
        });
    }

    fn answer(
        &self,
        mut request: Incoming<'_>,
        handler: &Handler<'_>,
    ) -> Result<Response, Response> {
        if (request.method.as_str(), request.path.as_str()) != ("POST", "/chat") {
            return Err(Response::problem(404, "send POST /chat"));
        }
        let key = request.header("x-api-key").map(Secret::new);
        if self.key.is_some() && key != self.key {
            let problem = "the header X-API-Key is missing or wrong";
            return Err(Response::problem(401, problem));
        }
        // Browsers say where a page is from, programs do not: no page that somebody visits may ask in their name.
        if request.header("origin").is_some() {
            return Err(Response::problem(403, "web pages are not answered"));
        }
        let body = request.body(LARGEST_BODY)?;
        let mut body: Map<String, Value> = serde_json::from_slice(&body).map_err(|error| {
            Response::problem(400, &format!("the body is no JSON object: {error}"))
        })?;
        let mut take = |key: &str| body.remove(key).unwrap_or_default();
        let question = Request {
            messages: take("messages"),
            decision: take("decision").as_bool().unwrap_or_default(),
            game_params: take("game_params"),
        };
        match handler(question) {
            Ok(response) => Ok(Response::json(200, &json!({ "response": response }))),
            Err(problem) => Err(Response::problem(422, &problem)),
        }
    }
}
