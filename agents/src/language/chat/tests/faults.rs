//! Every fault an endpoint can have, one by one.

use std::{sync::Arc, time::Duration};

use palaestra_envs::language::{Reason, answer::resignation};
use serde_json::{Value, json};

use super::{Files, Table, Virtual, bargaining, http};
use crate::language::chat::{
    Clock, Record,
    mock::{Act, Endpoint, completion, obedient},
};

const SPLIT: &str = r#"{"alice_gain": 6000, "bob_gain": 4000}"#;

struct Outcome {
    answer: String,
    record: Record,
    ledger: Vec<Vec<String>>,
    waited: Duration,
    requests: usize,
}

/// Alice's first answer, the requests being answered by `acts` and then by a legal division. A machine at work answers within
/// 5 seconds.
fn first_answer(game: (&str, Value), acts: Vec<Act>) -> Outcome {
    first_answer_within(5.0, game, acts)
}

/// The same, each request being given `call_s` seconds.
fn first_answer_within(call_s: f64, game: (&str, Value), acts: Vec<Act>) -> Outcome {
    let files = Files::new();
    let endpoint = Endpoint::start(move |request| {
        let legal = || Act::Say(obedient(&request.body, 0));
        acts.get(request.number).cloned().unwrap_or_else(legal)
    })
    .unwrap();
    let clock = Arc::new(Virtual::default());
    let mut args = files.args(&endpoint.url());
    args.timeouts.call_s = call_s;
    let mut table = Table::new(game, 1, args, http(), clock.clone()).unwrap();
    let answers = table.step().unwrap();
    assert_eq!(answers.len(), 1);
    let mut records = files.records();
    assert_eq!(records.len(), 1);
    Outcome {
        answer: answers[0].clone(),
        record: records.remove(0),
        ledger: files.ledger(),
        waited: clock.now(),
        requests: endpoint.received().len(),
    }
}

fn status(status: u16, headers: &[(&str, &str)]) -> Act {
    let headers = headers
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
    Act::Status(
        status,
        headers.collect(),
        json!({"error": {"message": "no"}}).to_string(),
    )
}

/// After faults that pass, the answer comes all the same; the ledger has a line for each request.
#[test]
fn passing_faults_are_asked_again() {
    let body = completion(SPLIT).to_string();
    let raw = |bytes: &[u8]| {
        let mut reply =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", bytes.len()).into_bytes();
        reply.extend_from_slice(bytes);
        Act::Raw(reply)
    };
    let html = Act::Status(
        200,
        vec![("content-type".into(), "text/html".into())],
        "<html>busy</html>".into(),
    );
    let cases: Vec<(&str, Vec<Act>, &str)> = vec![
        (
            "server errors",
            vec![
                status(500, &[]),
                status(503, &[]),
                status(503, &[]),
                status(529, &[]),
            ],
            "refused",
        ),
        (
            "too early, conflict",
            vec![status(425, &[]), status(409, &[]), status(408, &[])],
            "refused",
        ),
        (
            "slow drip",
            vec![Act::Drip(SPLIT.into(), Duration::from_millis(50))],
            "timeout",
        ),
        ("reset", vec![Act::Reset, Act::Reset], "connection"),
        ("truncated", vec![Act::Truncate(SPLIT.into())], "connection"),
        (
            "no HTTP",
            vec![Act::Raw(b"SSH-2.0-x\r\n\r\n".to_vec())],
            "connection",
        ),
        (
            "not UTF-8",
            vec![raw(
                b"{\"choices\": [{\"message\": {\"content\": \"\xff\"}}]}",
            )],
            "malformed",
        ),
        (
            "half a JSON",
            vec![raw(&body.as_bytes()[..40])],
            "malformed",
        ),
        ("wrong content type", vec![html], "malformed"),
        (
            "no choices",
            vec![Act::Body(json!({"object": "error"}))],
            "malformed",
        ),
    ];
    for (name, acts, outcome) in cases {
        let faults = acts.len();
        let done = first_answer(bargaining(), acts);
        assert_eq!(
            done.answer, r#"{"alice_gain":5000.0,"bob_gain":5000.0}"#,
            "{name}"
        );
        assert_eq!(
            (done.requests, done.record.requests as usize),
            (faults + 1, faults + 1),
            "{name}"
        );
        assert_eq!(done.ledger.len(), faults + 1, "{name}");
        for line in &done.ledger[..faults] {
            assert_eq!(line[8], outcome, "{name}");
        }
        assert_eq!(
            done.ledger[faults][8..11],
            ["answered", "100", "10"],
            "{name}"
        );
        assert!(
            done.waited > Duration::ZERO,
            "{name}: full jitter draws no zero here"
        );
    }
}

#[test]
fn a_wait_that_is_asked_for_is_kept() {
    let seconds = first_answer(bargaining(), vec![status(429, &[("Retry-After", "7")])]);
    assert_eq!(
        (seconds.waited, seconds.requests),
        (Duration::from_secs(7), 2)
    );
    let date = status(503, &[("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT")]);
    let date = first_answer(bargaining(), vec![date]);
    assert_eq!((date.waited, date.requests), (Duration::from_secs(30), 2));
    // Longer than a turn may take: nothing is sent before, so the turn is lost.
    let long = first_answer(bargaining(), vec![status(429, &[("Retry-After", "3600")])]);
    assert_eq!(long.requests, 1);
    assert_eq!(Some(long.answer), resignation(Reason::Timeout));
}

#[test]
fn what_does_not_pass_ends_the_game() {
    for (code, requests) in [(400, 1), (413, 1), (422, 1), (301, 1), (500, 7)] {
        let done = first_answer(bargaining(), vec![status(code, &[]); 9]);
        assert_eq!(done.requests, requests, "{code}");
        assert_eq!(
            Some(done.answer),
            resignation(Reason::EndpointFailed),
            "{code}"
        );
        assert_eq!(done.record.read, "EndpointFailed");
    }
    let slow = vec![Act::Drip(SPLIT.into(), Duration::from_millis(100)); 7];
    let done = first_answer_within(1.0, bargaining(), slow);
    assert_eq!(
        (done.requests, Some(done.answer)),
        (7, resignation(Reason::Timeout))
    );
    for code in [401, 403, 404] {
        let files = Files::new();
        let endpoint = Endpoint::start(move |_| status(code, &[])).unwrap();
        let args = files.args(&endpoint.url());
        let mut table =
            Table::new(bargaining(), 1, args, http(), Arc::new(Virtual::default())).unwrap();
        let error = table.step().unwrap_err().to_string();
        assert!(
            error.contains(&format!("status {code}; check the address")),
            "{error}"
        );
        assert_eq!(endpoint.received().len(), 1, "{code}");
    }
}

/// Answers that are none are the game's to judge: no request is repeated, and the game counts an attempt.
#[test]
fn bad_answers_are_attempts() {
    let finished = |reason: &str| {
        let mut body = completion(SPLIT);
        body["choices"][0]["finish_reason"] = reason.into();
        Act::Body(body)
    };
    let mut refusal = completion("");
    refusal["choices"][0]["message"] = json!({"content": null, "refusal": "I would rather not."});
    let mut tools = completion("");
    tools["choices"][0]["message"] =
        json!({"content": null, "tool_calls": [{"function": {"name": "accept"}}]});
    let long = json!({"alice_gain": 1, "bob_gain": 9999, "message": "x".repeat(2001)});
    let messages = (super::BARGAINING, json!({"messages": true}));
    for (game, act, read) in [
        (bargaining(), Act::Say(String::new()), "no_object"),
        (bargaining(), finished("length"), "no_object"),
        (bargaining(), finished("content_filter"), "no_object"),
        (bargaining(), Act::Body(refusal), "no_object"),
        (bargaining(), Act::Body(tools), "no_object"),
        (
            bargaining(),
            Act::Say("I cannot help with that.".into()),
            "no_object",
        ),
        (
            bargaining(),
            Act::Say(r#"{"alice_gain": 1, "alice_gain": 2, "bob_gain": 9998}"#.into()),
            "bad_json",
        ),
        (
            bargaining(),
            Act::Say(r#"{"alice_gain": NaN, "bob_gain": 1}"#.into()),
            "bad_json",
        ),
        (
            bargaining(),
            Act::Say("\u{18}budget_exhausted".into()),
            "no_object",
        ),
        (messages, Act::Say(long.to_string()), "too_long"),
    ] {
        let done = first_answer(game, vec![act]);
        assert_eq!(
            (done.requests, done.record.read.as_str()),
            (1, read),
            "{}",
            done.answer
        );
        assert_eq!(done.ledger[0][8], "answered");
    }
    // A label that is wrong does not make an answer one that cannot be read.
    for kind in [
        "text/plain",
        "text/event-stream",
        "application/octet-stream",
    ] {
        let label = vec![("content-type".into(), kind.into())];
        let act = Act::Status(200, label, completion(SPLIT).to_string());
        let done = first_answer(bargaining(), vec![act]);
        assert_eq!((done.answer.as_str(), done.requests), (SPLIT, 1), "{kind}");
    }
    let fenced = format!("Here you are:\n```json\n{SPLIT}\n```");
    let nested = (super::BARGAINING, json!({"messages": true}));
    let braces =
        r#"{"alice_gain": 6000, "bob_gain": 4000, "message": "{\"decision\": \"accept\"} }"}"#;
    for (game, words) in [(bargaining(), fenced.as_str()), (nested, braces)] {
        let done = first_answer(game, vec![Act::Say(words.into())]);
        assert_eq!(
            (done.answer.as_str(), done.record.read.as_str()),
            (words, "ok")
        );
    }
}

/// Check 10: exactly as many requests as attempts, then the outcome that was configured; the ledger counts them all.
#[test]
fn attempts_are_requests() {
    for (then, most) in [("no_deal", 5), ("abort", 3), ("fallback", 2)] {
        let files = Files::new();
        let endpoint = Endpoint::start(|_| Act::Say("No.".into())).unwrap();
        let args = json!({"invalid": {"max_attempts": most, "then": then}});
        let mut table = Table::new(
            (super::BARGAINING, args),
            1,
            files.args(&endpoint.url()),
            http(),
            Arc::new(Virtual::default()),
        )
        .unwrap();
        for _ in 0..most {
            assert!(!table.simulator.border().ended(0));
            table.step().unwrap();
        }
        let border = table.simulator.border();
        let ended = [border.terminated[0], border.truncated[0]];
        assert_eq!(ended, [then == "no_deal", then == "abort"]);
        assert_eq!(
            border.player(1).acting[0],
            then == "fallback",
            "Bob has an offer to answer"
        );
        let records = files.records();
        let attempts: Vec<u64> = records.iter().map(|record| record.attempt).collect();
        assert_eq!(attempts, (1..=most).collect::<Vec<u64>>());
        assert_eq!(
            (endpoint.received().len(), files.ledger().len()),
            (most as usize, most as usize)
        );
        // Each was told what was wrong with the one before.
        let messages = |record: &Record| record.request["messages"].as_array().unwrap().len();
        let lengths: Vec<usize> = records.iter().map(messages).collect();
        assert_eq!(
            lengths,
            (0..most as usize).map(|i| 2 + 2 * i).collect::<Vec<_>>()
        );
    }
}
