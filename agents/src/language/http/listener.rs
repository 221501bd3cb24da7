//! A small HTTP/1.1 server: one request per connection, bound to one address, with limits on all that a peer can send.
//!
//! Heads are parsed by `httparse`. A handler sees the head before the body is read, so that whoever may not ask is
//! refused without its body.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Longest head, in bytes, and most headers.
const LONGEST_HEAD: usize = 32 << 10;
const MOST_HEADERS: usize = 100;
/// Time that a peer has for each piece of its request.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long, and how much of, a request that was refused is still read.
const LINGER: Duration = Duration::from_secs(1);
const LARGEST_LEFTOVER: u64 = 1 << 20;
/// Most connections at a time.
const MOST_CONNECTIONS: usize = 256;

/// What is sent back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Headers besides length and connection.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// A body of a type.
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type", content_type.into())],
            body: body.into(),
        }
    }

    /// JSON.
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(status, "application/json", value.to_string())
    }

    /// JSON that tells a problem.
    pub fn problem(status: u16, problem: &str) -> Self {
        Self::json(status, &serde_json::json!({ "error": problem }))
    }

    fn phrase(&self) -> &'static str {
        match self.status {
            200 => "OK",
            204 => "No Content",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            409 => "Conflict",
            411 => "Length Required",
            413 => "Content Too Large",
            421 => "Misdirected Request",
            503 => "Service Unavailable",
            _ => "Unprocessable Content",
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, self.phrase());
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if self.status != 204 {
            head.extend(["content-length: ", &self.body.len().to_string(), "\r\n"]);
        }
        head += "connection: close\r\n\r\n";
        let mut bytes = head.into_bytes();
        bytes.extend(&self.body);
        bytes
    }
}

/// A request, its body not yet read.
#[derive(Debug)]
pub struct Incoming<'s> {
    /// `GET`, `POST`, ….
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// What follows the first `?`; empty without one.
    pub query: String,
    headers: Vec<(String, Vec<u8>)>,
    /// What of the body came with the head.
    begun: Vec<u8>,
    stream: &'s TcpStream,
}

impl Incoming<'_> {
    /// The value of a header, by its name in small letters, if it is there once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let (_, value) = values.next()?;
        if values.next().is_some() {
            return None;
        }
        std::str::from_utf8(value).ok().map(str::trim)
    }

    /// The body.
    ///
    /// # Errors
    /// What to send back: 411 without a length, 413 if it is longer than `largest` bytes, 400 if it breaks off.
    pub fn body(&mut self, largest: usize) -> Result<Vec<u8>, Response> {
        let length = self.header("content-length").map(str::parse::<usize>);
        let Some(Ok(length)) = length else {
            return Err(Response::problem(411, "send a Content-Length"));
        };
        if length > largest {
            return Err(Response::problem(413, "the body is too large"));
        }
        let mut body = std::mem::take(&mut self.begun);
        body.truncate(length);
        let rest = (length - body.len()) as u64;
        let read = self.stream.take(rest).read_to_end(&mut body);
        if read.is_err() || body.len() != length {
            return Err(Response::problem(400, "the body breaks off"));
        }
        Ok(body)
    }
}

/// Reads up to the end of the head.
fn receive(stream: &TcpStream) -> Result<Incoming<'_>, Response> {
    let broken = || Response::problem(400, "the head of the request breaks off");
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let mut reader = stream;
    loop {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut head = httparse::Request::new(&mut headers);
        match head.parse(&bytes) {
            Ok(httparse::Status::Complete(length)) => {
                let target = head.path.unwrap_or_default();
                let (path, query) = target.split_once('?').unwrap_or((target, ""));
                let headers = head.headers.iter();
                let headers =
                    headers.map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec()));
                return Ok(Incoming {
                    method: head.method.unwrap_or_default().into(),
                    path: path.into(),
                    query: query.into(),
                    headers: headers.collect(),
                    begun: bytes[length..].to_vec(),
                    stream,
                });
            }
            Ok(httparse::Status::Partial) => {}
            Err(httparse::Error::TooManyHeaders) => {
                return Err(Response::problem(400, "too many headers"));
            }
            Err(error) => {
                let problem = format!("the head of the request is no HTTP: {error}");
                return Err(Response::problem(400, &problem));
            }
        }
        if bytes.len() >= LONGEST_HEAD {
            return Err(Response::problem(
                400,
                "the head of the request is too long",
            ));
        }
        match reader.read(&mut piece) {
            Ok(0) | Err(_) => return Err(broken()),
            Ok(read) => bytes.extend(&piece[..read]),
        }
    }
}

/// What answers requests.
pub type Responder<'h> = dyn Fn(Incoming<'_>) -> Response + Send + Sync + 'h;

/// Listens at an address.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    stop: Arc<AtomicBool>,
}

impl Listener {
    /// Listens at `address`.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub fn bind(address: SocketAddr) -> std::io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(address)?,
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
    pub fn run(&self, respond: &Responder<'_>) {
        let open = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for stream in self.listener.incoming() {
                if self.stop.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                if open.load(Ordering::Relaxed) >= MOST_CONNECTIONS {
                    continue;
                }
                open.fetch_add(1, Ordering::Relaxed);
                let place = Counted(&open);
                scope.spawn(move || {
                    serve(&stream, respond);
                    drop(place);
                });
            }
        });
    }
}

/// One of the open connections; counted off however it ends.
struct Counted<'c>(&'c AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn serve(stream: &TcpStream, respond: &Responder<'_>) {
    let limits = [
        stream.set_read_timeout(Some(PATIENCE)),
        stream.set_write_timeout(Some(PATIENCE)),
    ];
    if limits.iter().any(Result::is_err) {
        return;
    }
    let response = match receive(stream) {
        Ok(incoming) => respond(incoming),
        Err(response) => response,
    };
    // A peer that has left hears nothing.
    let mut stream = stream;
    let sent = stream.write_all(&response.bytes());
    // To close while something is unread would take the response back; a refused request is read to its end, within
    // limits.
    if response.status >= 400 && sent.is_ok() && stream.shutdown(Shutdown::Write).is_ok() {
        let _ = stream.set_read_timeout(Some(LINGER));
        let _ = std::io::copy(&mut stream.take(LARGEST_LEFTOVER), &mut std::io::sink());
    }
}
