//! Other models that are asked when one fails, and answers that come as streams.

use std::{sync::Arc, time::Duration};

use palaestra_envs::language::{Reason, answer::resignation};
use serde_json::{Value, json};

use super::{Files, Table, Virtual, bargaining, http};
use crate::language::chat::{
    ChatArgs, Price, Record, Source,
    mock::{Act, Endpoint, Received, completion, events, obedient},
};

const SPLIT: &str = r#"{"alice_gain": 6000, "bob_gain": 4000}"#;

struct Outcome {
    answer: String,
    record: Record,
    ledger: Vec<Vec<String>>,
    /// The models that were asked.
    models: Vec<String>,
}

/// Alice's first answer from a player whose arguments are changed by `change`.
fn first_answer(
    change: impl FnOnce(&mut ChatArgs),
    script: impl Fn(&Received) -> Act + Send + Sync + 'static,
) -> Result<Outcome, String> {
    let files = Files::new();
    let endpoint = Endpoint::start(script).unwrap();
    let mut args = files.args(&endpoint.url());
    args.model = "first".into();
    args.max_retries = 1;
    args.timeouts.call_s = 5.0;
    change(&mut args);
    let clock = Arc::new(Virtual::default());
    let mut table = Table::new(bargaining(), 1, args.clone(), http(), clock).unwrap();
    let answer = table.step().map_err(|error| error.to_string())?.remove(0);
    let received = endpoint.received().into_iter();
    let models = received.map(|request| request.body["model"].as_str().unwrap().to_owned());
    let outcome = Outcome {
        answer,
        record: files.records().remove(0),
        ledger: files.ledger(),
        models: models.collect(),
    };
    drop(table);
    // Whichever model has answered, it is found again under what was asked first.
    args.source = Source::Strict;
    let mut again = Table::new(bargaining(), 1, args, None, Arc::new(Virtual::default())).unwrap();
    assert_eq!(again.step().unwrap(), vec![outcome.answer.clone()]);
    Ok(outcome)
}

fn model(request: &Received) -> &str {
    request.body["model"].as_str().unwrap()
}

fn refuse(status: u16, message: &str) -> Act {
    Act::Status(
        status,
        Vec::new(),
        json!({"error": {"message": message}}).to_string(),
    )
}

fn said_by(name: &str) -> Act {
    let mut body = completion(SPLIT);
    body["model"] = format!("{name}-2026").into();
    Act::Body(body)
}

/// What the first model answers.
type Script = fn(&str) -> Act;

#[test]
fn another_model_is_asked_when_one_has_failed() {
    let fallbacks = |args: &mut ChatArgs| {
        args.fallbacks = vec!["second".into(), "third".into()];
        args.context_window_fallbacks = vec!["long".into()];
    };
    let too_long = "This model's maximum context length is 128 tokens.";
    let cases: [(&str, Script, &[&str]); 6] = [
        (
            "retries are used up",
            |_| refuse(503, "busy"),
            &["first", "first", "second"],
        ),
        ("resets", |_| Act::Reset, &["first", "first", "second"]),
        ("refused", |_| refuse(422, "no"), &["first", "second"]),
        (
            "no such model",
            |_| refuse(404, "no such model"),
            &["first", "second"],
        ),
        (
            "too long a wait",
            |_| {
                Act::Status(
                    429,
                    vec![("retry-after".into(), "3600".into())],
                    String::new(),
                )
            },
            &["first", "second"],
        ),
        (
            "no JSON",
            |_| {
                Act::Status(
                    200,
                    vec![("content-type".into(), "text/html".into())],
                    "<p>".into(),
                )
            },
            &["first", "first", "second"],
        ),
    ];
    for (name, fault, models) in cases {
        let done = first_answer(fallbacks, move |request| match model(request) {
            "first" => fault("first"),
            name => said_by(name),
        })
        .unwrap();
        assert_eq!(
            (done.answer.as_str(), done.models.as_slice()),
            (SPLIT, models.map_owned().as_slice()),
            "{name}"
        );
        let named = (done.record.model.as_str(), done.record.answered_by.as_str());
        assert_eq!(named, ("second", "second-2026"), "{name}");
        assert_eq!(done.record.request["model"], "second", "{name}");
        assert_eq!(done.record.requests as usize, models.len(), "{name}");
        let lines: Vec<(&str, &str)> = done
            .ledger
            .iter()
            .map(|line| (&*line[5], &*line[6]))
            .collect();
        let mut expected: Vec<(&str, &str)> = models.iter().map(|model| (*model, "")).collect();
        expected.last_mut().unwrap().1 = "second-2026";
        assert_eq!(lines, expected, "{name}");
    }
    // A chat that is too long goes to a model for long chats, and from there to the others.
    let done = first_answer(fallbacks, move |request| match model(request) {
        "first" => refuse(400, too_long),
        name => said_by(name),
    });
    assert_eq!(done.unwrap().models, ["first", "long"]);
    let done = first_answer(fallbacks, move |request| match model(request) {
        "first" | "long" => refuse(400, too_long),
        name => said_by(name),
    });
    assert_eq!(done.unwrap().models, ["first", "long", "second"]);
    // All fail: the game is given up, and every request is in the ledger.
    let done = first_answer(fallbacks, |_| refuse(500, "no")).unwrap();
    assert_eq!(Some(done.answer), resignation(Reason::EndpointFailed));
    assert_eq!(
        done.models,
        ["first", "first", "second", "second", "third", "third"]
    );
    assert_eq!(done.ledger.len(), 6);
    // A wrong key is wrong for all of them, an address that leads nowhere too.
    for status in [401, 403, 404] {
        let error = first_answer(fallbacks, move |_| refuse(status, "no"))
            .err()
            .unwrap();
        assert!(error.contains(&format!("status {status}")), "{error}");
    }
}

trait MapOwned {
    fn map_owned(&self) -> Vec<String>;
}

impl MapOwned for &[&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(|&text| text.into()).collect()
    }
}

#[test]
fn each_model_has_its_price() {
    let price = |prompt| Price {
        prompt,
        cached: None,
        completion: 0.0,
    };
    let priced = move |args: &mut ChatArgs| {
        args.fallbacks = vec!["second".into()];
        args.budget.run.usd = Some(1.0);
        args.prices.insert("first".into(), price(1.0));
        args.prices.insert("second".into(), price(3.0));
    };
    let done = first_answer(priced, |request| match model(request) {
        "first" => refuse(400, "no"),
        name => said_by(name),
    })
    .unwrap();
    let usd = |line: &[String]| line[14].parse::<f64>().unwrap();
    assert_eq!((usd(&done.ledger[0]), usd(&done.ledger[1])), (0.0, 3e-4));
    let files = Files::new();
    let mut args = files.args("http://prices.test");
    args.fallbacks = vec!["other".into()];
    args.budget.run.usd = Some(1.0);
    args.prices.insert("mock".into(), price(1.0));
    let error = Table::new(
        bargaining(),
        1,
        args.clone(),
        None,
        Arc::new(Virtual::default()),
    );
    assert!(
        error
            .err()
            .unwrap()
            .to_string()
            .contains("`other` has no price")
    );
    args.fallbacks = vec![String::new()];
    let error = Table::new(bargaining(), 1, args, None, Arc::new(Virtual::default()));
    assert!(error.err().unwrap().to_string().contains("fallbacks"));
    let args: ChatArgs = serde_json::from_value(json!({"num_retries": 2})).unwrap();
    assert_eq!(args.max_retries, 2);
}

#[test]
fn streams_are_read_to_their_end() {
    let streams = |args: &mut ChatArgs| args.stream = true;
    let asked = |request: &Received| {
        assert_eq!(request.body["stream"], true);
        assert_eq!(
            request.body["stream_options"],
            json!({"include_usage": true})
        );
    };
    // An endpoint that leaves the connection open for longer than a call may take has answered all the same.
    let done = first_answer(streams, move |request| {
        asked(request);
        Act::Stream(obedient(&request.body, 0), Duration::from_secs(20))
    })
    .unwrap();
    assert_eq!(done.answer, r#"{"alice_gain":5000.0,"bob_gain":5000.0}"#);
    assert_eq!(done.ledger[0][8..11], ["answered", "100", "10"]);
    assert_eq!(done.record.answered_by, "mock");
    assert!(!done.record.usage.estimated);
    // One that does not stream has answered too.
    let done = first_answer(streams, |request| Act::Say(obedient(&request.body, 0))).unwrap();
    assert_eq!(done.models.len(), 1);
    // Wherever it is cut off, before what ends it, it is asked again.
    let whole: usize = events(SPLIT).iter().map(String::len).sum();
    let end = "data: [DONE]\n\n".len();
    for bytes in [0, 20, whole / 3, whole / 2, whole - end - 5, whole - end] {
        let done = first_answer(streams, move |request| match request.number {
            0 => Act::CutStream(SPLIT.into(), bytes),
            _ => Act::Stream(SPLIT.into(), Duration::ZERO),
        })
        .unwrap();
        assert_eq!(
            (done.answer.as_str(), done.models.len()),
            (SPLIT, 2),
            "{bytes}"
        );
        assert_eq!(done.ledger[0][8], "malformed", "{bytes}");
    }
    let bad = |body: &'static [u8]| {
        let head =
            b"HTTP/1.1 200 -\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
        Act::Raw([head, body].concat())
    };
    let faults: [&'static [u8]; 4] = [
        b"data: {\"error\": {\"message\": \"overloaded\"}}\n\ndata: [DONE]\n\n",
        b"data: {\"choices\": [{\"delta\": {\"content\": \"\xff\"}}]}\n\ndata: [DONE]\n\n",
        b"data: {\"choices\"\n\ndata: [DONE]\n\n",
        b": nothing\n\n",
    ];
    for fault in faults {
        let done = first_answer(streams, move |request| match request.number {
            0 => bad(fault),
            _ => Act::Stream(SPLIT.into(), Duration::ZERO),
        })
        .unwrap();
        assert_eq!((done.answer.as_str(), done.models.len()), (SPLIT, 2));
    }
    // Cut off by the model, it is an answer that is none.
    let done = first_answer(streams, |_| {
        let mut cut = events(SPLIT).concat();
        cut = cut.replace("\"stop\"", "\"length\"");
        let head = "HTTP/1.1 200 -\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
        Act::Raw(format!("{head}{cut}").into_bytes())
    })
    .unwrap();
    assert_eq!(
        (done.answer.as_str(), done.models.len()),
        ("[no answer: length]", 1)
    );
    let _: Value = done.record.response;
}
