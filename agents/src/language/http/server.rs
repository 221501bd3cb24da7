//! A small server for the player's end: one request per connection, bodies of JSON, bound to one address.

use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use crate::language::chat::Secret;

/// Longest line of a head, in bytes, and most lines.
const LONGEST_LINE: u64 = 8 << 10;
const MOST_LINES: usize = 100;
/// Largest body, in bytes.
const LARGEST_BODY: u64 = 16 << 20;
/// Time that a peer has for its request.
const PATIENCE: Duration = Duration::from_secs(30);

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
    listener: TcpListener,
    key: Option<Secret>,
    stop: Arc<AtomicBool>,
}

/// What is sent back.
type Response = (u16, Value);

impl Server {
    /// Listens at `address`; requests must carry the key, if there is one.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub fn bind(address: SocketAddr, key: Option<Secret>) -> std::io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(address)?,
            key,
            stop: Arc::default(),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Set to end [`run`](Self::run) after the next connection.
    pub fn stop(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// Answers until it is stopped, each connection on a thread of its own.
    pub fn run(&self, handler: &Handler<'_>) {
        std::thread::scope(|scope| {
            for stream in self.listener.incoming() {
                if self.stop.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                scope.spawn(move || self.serve(&stream, handler));
            }
        });
    }

    fn serve(&self, stream: &TcpStream, handler: &Handler<'_>) {
        let limits = [
            stream.set_read_timeout(Some(PATIENCE)),
            stream.set_write_timeout(Some(PATIENCE)),
        ];
        if limits.iter().any(Result::is_err) {
            return;
        }
        let answered = self.answer(stream, handler);
        let (status, body) = answered.unwrap_or_else(|response| response);
        let body = body.to_string();
        let phrase = match status {
            200 => "OK",
            400 => "Bad Request",
            401 => "Unauthorized",
            404 => "Not Found",
            411 => "Length Required",
            413 => "Content Too Large",
            _ => "Unprocessable Content",
        };
        let head = format!(
            "HTTP/1.1 {status} {phrase}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        let mut stream = stream;
        // A peer that has left hears nothing.
        let _ = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body.as_bytes()));
    }

    fn answer(&self, stream: &TcpStream, handler: &Handler<'_>) -> Result<Response, Response> {
        let fail = |status: u16, problem: &str| (status, json!({"error": problem}));
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        let mut head = |line: &mut String| {
            line.clear();
            let read = (&mut reader).take(LONGEST_LINE).read_line(line);
            match read {
                Ok(_) if line.ends_with('\n') => Ok(()),
                _ => Err(fail(400, "the head of the request breaks off")),
            }
        };
        head(&mut line)?;
        let wanted = line
            .split(' ')
            .take(2)
            .map(str::to_owned)
            .collect::<Vec<_>>();
        let (mut length, mut key) = (None, None);
        for count in 0.. {
            if count == MOST_LINES {
                return Err(fail(400, "too many headers"));
            }
            head(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse::<u64>().ok(),
                "x-api-key" => key = Some(Secret::new(value.trim())),
                _ => {}
            }
        }
        if wanted != ["POST", "/chat"] {
            return Err(fail(404, "send POST /chat"));
        }
        if self.key.is_some() && key != self.key {
            return Err(fail(401, "the header X-API-Key is missing or wrong"));
        }
        let length = length.ok_or_else(|| fail(411, "send a Content-Length"))?;
        if length > LARGEST_BODY {
            return Err(fail(413, "the body is too large"));
        }
        let mut body = Vec::new();
        let read = reader.take(length).read_to_end(&mut body);
        if read.is_err() || body.len() as u64 != length {
            return Err(fail(400, "the body breaks off"));
        }
        let mut body: Value = serde_json::from_slice(&body)
            .map_err(|error| fail(400, &format!("the body is no JSON: {error}")))?;
        let request = Request {
            messages: body["messages"].take(),
            decision: body["decision"].as_bool().unwrap_or_default(),
            game_params: body["game_params"].take(),
        };
        match handler(request) {
            Ok(response) => Ok((200, json!({"response": response}))),
            Err(problem) => Err(fail(422, &problem)),
        }
    }
}
