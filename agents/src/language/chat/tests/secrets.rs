//! A key is used, and shows up nowhere.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use tracing_subscriber::fmt::MakeWriter;

use super::{Files, Table, Virtual, bargaining, http};
use crate::language::chat::{
    Record, Secret, Source,
    mock::{Act, Endpoint, completion},
};

/// A variable that is set in every test, whose value stands for a key.
const VARIABLE: &str = "CARGO_MANIFEST_DIR";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[test]
fn a_key_is_sent_and_never_shown() {
    let key = std::env::var(VARIABLE).unwrap();
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let (files, told) = (Files::new(), key.clone());
    // An endpoint that repeats the key wherever it can: in errors, in answers, in what is beside them.
    let endpoint = Endpoint::start(move |request| match request.number {
        0 => Act::Status(500, Vec::new(), format!("bad key {told}")),
        // With escapes, which whoever reads JSON takes out: in an error, and in a message within an answer.
        1 => Act::Status(
            500,
            Vec::new(),
            format!("{{\"error\": \"{}\"}}", told.replace('/', "\\/")),
        ),
        2 => {
            let first = u32::from(told.chars().next().unwrap_or_default());
            let escaped = format!("\\u{first:04x}{}", &told[1..]);
            Act::Say(format!(
                "{{\"alice_gain\": 1, \"bob_gain\": 9999, \"message\": \"{escaped}\"}}"
            ))
        }
        3 => {
            let mut body = completion(&format!("{{\"alice_gain\": 1, \"bob_gain\": 9999}} {told}"));
            body["system_fingerprint"] = told.as_str().into();
            Act::Body(body)
        }
        _ => Act::Status(
            401,
            Vec::new(),
            format!("{{\"error\": \"wrong key: {told}\"}}"),
        ),
    })
    .unwrap();
    let mut args = files.args(&endpoint.url());
    args.key_env = VARIABLE.into();
    args.limits.max_in_flight = 1;
    let shown = tracing::subscriber::with_default(subscriber, || {
        let clock = Arc::new(Virtual::default());
        let mut table = Table::new(bargaining(), 1, args.clone(), http(), clock).unwrap();
        let mut answers = table.step().unwrap();
        answers.extend(table.step().unwrap());
        let error = table.step().unwrap_err();
        format!(
            "{answers:?} {error} {error:?} {args:?} {:?}",
            Secret::new(key.as_str())
        )
    });
    for request in endpoint.received() {
        let head = request.head.to_lowercase();
        assert!(
            head.contains(&format!("authorization: bearer {}", key.to_lowercase())),
            "{head}"
        );
    }
    assert_eq!(endpoint.received().len(), 5);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("status=500"), "there is a log: {log}");
    let file = std::fs::read_to_string(files.path("transcript.jsonl")).unwrap();
    assert!(file.contains("[key]") && shown.contains("[key]"));
    // Read as JSON, as whoever looks at it does.
    let read = |record: &Record| format!("{} {} {}", record.response, record.answer, record.read);
    let transcript = files
        .records()
        .iter()
        .map(read)
        .collect::<Vec<_>>()
        .join("\n");
    let transcript = transcript.replace("\\\\", "\\").replace("\\/", "/");
    let ledger = std::fs::read_to_string(files.path("ledger.csv")).unwrap();
    for (name, text) in [
        ("log", &log),
        ("transcript", &file),
        ("transcript as it is read", &transcript),
        ("ledger", &ledger),
        ("shown", &shown),
    ] {
        assert!(!text.contains(&key), "the {name} shows the key: {text}");
    }
}

#[test]
fn keys_are_missed_at_once_and_not_asked_for_in_a_replay() {
    let files = Files::new();
    let table = |args| Table::new(bargaining(), 1, args, None, Arc::new(Virtual::default()));
    let mut args = files.args("http://keys.test");
    args.key_env = "PALAESTRA_NO_SUCH_KEY".into();
    let error = table(args.clone()).err().unwrap().to_string();
    assert!(
        error.contains("`PALAESTRA_NO_SUCH_KEY` is not set"),
        "{error}"
    );
    std::fs::write(files.path("transcript.jsonl"), "").unwrap();
    args.source = Source::Strict;
    assert!(table(args.clone()).is_ok());
    for url in [
        "https://user:secret@host/v1",
        "https://host/v1?key=secret",
        "host/v1",
        "ftp://host",
    ] {
        args.base_url = url.into();
        let error = table(args.clone()).err().unwrap().to_string();
        assert!(
            error.contains("base_url") && !error.contains("secret"),
            "{error}"
        );
    }
}
