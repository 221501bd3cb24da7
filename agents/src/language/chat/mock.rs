//! An endpoint that answers as it is told, faults included: for tests, and to try a configuration without a model.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use serde_json::{Value, json};

/// What a request is answered with.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A chat completion with these words, and its usage.
    Say(String),
    /// Status 200 and this body.
    Body(Value),
    /// A status, headers, and a body.
    Status(u16, Vec<(String, String)>, String),
    /// These bytes, head and all.
    Raw(Vec<u8>),
    /// A chat completion, a byte at a time with a pause after each.
    Drip(String, Duration),
    /// The head of a reply and half of its body.
    Truncate(String),
    /// A chat completion as a stream of events, the words in pieces, the usage, and the end. The connection stays open for as
    /// long as it is said.
    Stream(String, Duration),
    /// The first so many bytes of the events of such a stream, then nothing.
    CutStream(String, usize),
    /// Nothing: the connection is closed.
    Reset,
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// Number of the request, from 0.
    pub number: usize,
    /// Request line and headers.
    pub head: String,
    /// The body; null if it is no JSON.
    pub body: Value,
}

type Script = dyn Fn(&Received) -> Act + Send + Sync;

/// An endpoint on this machine; it ends when it is dropped.
pub struct Endpoint {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Endpoint {
    /// Starts one that answers by the script.
    ///
    /// # Errors
    /// If no port can be had.
    pub fn start(
        script: impl Fn(&Received) -> Act + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (received, stop) = (
            Arc::<Mutex<Vec<Received>>>::default(),
            Arc::<AtomicBool>::default(),
        );
        let (log, stopped, script) = (received.clone(), stop.clone(), Arc::new(script));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                let (log, script) = (log.clone(), script.clone());
                std::thread::spawn(move || {
                    // Whoever asks may leave at any time.
                    let _ = serve(&stream, &log, &*script);
                });
            }
        });
        Ok(Self {
            address,
            received,
            stop,
            thread: Some(thread),
        })
    }

    /// Its address, as `base_url` of a player.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What it was asked so far.
    pub fn received(&self) -> Vec<Received> {
        let received = self.received.lock();
        received.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(stream: &TcpStream, log: &Mutex<Vec<Received>>, script: &Script) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let (mut head, mut line) = (String::new(), String::new());
    let mut length = 0;
    while reader.read_line(&mut line)? > 2 {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
        head += &line;
        line.clear();
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    let received = {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let received = Received {
            number: log.len(),
            head,
            body: serde_json::from_slice(&body).unwrap_or_default(),
        };
        log.push(received.clone());
        received
    };
    send(stream, script(&received))
}

fn send(mut stream: &TcpStream, act: Act) -> std::io::Result<()> {
    match act {
        Act::Say(words) => stream.write_all(&reply(200, &[], &completion(&words).to_string())),
        Act::Body(body) => stream.write_all(&reply(200, &[], &body.to_string())),
        Act::Status(status, headers, body) => stream.write_all(&reply(status, &headers, &body)),
        Act::Raw(bytes) => stream.write_all(&bytes),
        Act::Drip(words, pause) => {
            for byte in reply(200, &[], &completion(&words).to_string()) {
                stream.write_all(&[byte])?;
                std::thread::sleep(pause);
            }
            Ok(())
        }
        Act::Truncate(words) => {
            let bytes = reply(200, &[], &completion(&words).to_string());
            stream.write_all(&bytes[..bytes.len() - 20])
        }
        Act::Stream(words, open) => {
            stream.write_all(STREAM_HEAD)?;
            for event in events(&words) {
                stream.write_all(event.as_bytes())?;
                stream.flush()?;
            }
            std::thread::sleep(open);
            Ok(())
        }
        Act::CutStream(words, bytes) => {
            stream.write_all(STREAM_HEAD)?;
            let events = events(&words).concat();
            stream.write_all(&events.as_bytes()[..bytes.min(events.len())])
        }
        Act::Reset => Ok(()),
    }
}

const STREAM_HEAD: &[u8] = b"HTTP/1.1 200 -\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n";

/// The events of a chat completion that says this.
pub fn events(words: &str) -> Vec<String> {
    let chunk = |rest: Value| {
        let mut chunk = json!({"id": "mock-1", "object": "chat.completion.chunk", "model": "mock"});
        for (key, value) in rest.as_object().into_iter().flatten() {
            chunk[key] = value.clone();
        }
        format!("data: {chunk}\n\n")
    };
    let choice = |delta: Value, finish: Value| {
        chunk(json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}))
    };
    let mut events = vec![choice(
        json!({"role": "assistant", "content": ""}),
        Value::Null,
    )];
    let letters: Vec<char> = words.chars().collect();
    for piece in letters.chunks(7) {
        let piece: String = piece.iter().collect();
        events.push(choice(json!({"content": piece}), Value::Null));
    }
    events.push(choice(json!({}), json!("stop")));
    let usage = completion(words)["usage"].clone();
    events.push(chunk(json!({"choices": [], "usage": usage})));
    events.push("data: [DONE]\n\n".into());
    events
}

fn reply(status: u16, headers: &[(String, String)], body: &str) -> Vec<u8> {
    let mut head = format!(
        "HTTP/1.1 {status} -\r\ncontent-length: {}\r\nconnection: close\r\n",
        body.len()
    );
    if !headers.iter().any(|(name, _)| name == "content-type") {
        head += "content-type: application/json\r\n";
    }
    for (name, value) in headers {
        head.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
    }
    head += "\r\n";
    head += body;
    head.into_bytes()
}

/// A chat completion that says this.
pub fn completion(words: &str) -> Value {
    json!({
        "id": "mock-1",
        "object": "chat.completion",
        "model": "mock",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": words},
            "finish_reason": "stop",
        }],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    })
}

/// A legal answer to a request with a `json_schema`: numbers divide what there is evenly, decisions are the word number
/// `choice` of those there are, messages are short. Anything else is answered by an empty object.
pub fn obedient(body: &Value, choice: usize) -> String {
    let schema = &body["response_format"]["json_schema"]["schema"];
    let Some(properties) = schema["properties"].as_object() else {
        return "{}".into();
    };
    let numbers = properties
        .values()
        .filter(|p| p["type"] == "number")
        .count();
    let mut answer = serde_json::Map::new();
    for (key, property) in properties {
        let value = match (&property["enum"], &property["type"]) {
            (Value::Array(words), _) if !words.is_empty() => words[choice % words.len()].clone(),
            (_, kind) if kind == "number" => {
                let most = property["maximum"].as_f64().unwrap_or_default();
                json!(most / numbers.max(1) as f64)
            }
            _ => json!("Agreed?"),
        };
        answer.insert(key.clone(), value);
    }
    Value::Object(answer).to_string()
}
