//! Transcripts: what was said can be said again without anybody to ask.

use std::sync::Arc;

use serde_json::json;

use super::{Files, Table, Virtual, bargaining, http};
use crate::{
    Agent as _,
    language::chat::{
        ChatArgs, Source,
        mock::{Act, Endpoint, obedient},
    },
};

/// Plays some steps, now and then badly. Gives all answers.
fn play(
    game: (&str, serde_json::Value),
    args: ChatArgs,
    steps: usize,
) -> Result<Vec<String>, String> {
    let transport = if args.source == Source::Strict {
        None
    } else {
        http()
    };
    let clock = Arc::new(Virtual::default());
    let mut table = Table::new(game, 3, args, transport, clock).map_err(|e| e.to_string())?;
    let mut answers = Vec::new();
    for _ in 0..steps {
        answers.extend(table.step().map_err(|e| e.to_string())?);
    }
    Ok(answers)
}

#[test]
fn a_transcript_stands_for_the_endpoint() {
    for game in [
        bargaining(),
        ("glee_negotiation_text-v1", json!({"messages": true})),
        (
            "glee_persuasion_text-v1",
            json!({"myopic": true, "seller_message": "text", "rounds": 4}),
        ),
    ] {
        let files = Files::new();
        // Every fifth answer is none, so that there are attempts too.
        let endpoint = Endpoint::start(|request| {
            Act::Say(match request.number % 5 {
                3 => "Hm.".into(),
                n => obedient(&request.body, n),
            })
        })
        .unwrap();
        let mut args = files.args(&endpoint.url());
        args.limits.max_in_flight = 3;
        let said = play(game.clone(), args.clone(), 20).unwrap();
        assert!(said.iter().any(|answer| answer == "Hm."));
        let records = files.records();
        assert_eq!(
            (records.len(), endpoint.received().len()),
            (said.len(), said.len())
        );
        let hashes: std::collections::BTreeSet<&str> =
            records.iter().map(|r| r.hash.as_str()).collect();
        assert_eq!(hashes.len(), records.len(), "no two requests are one");
        assert!(
            records
                .iter()
                .all(|r| r.prompts.len() == 64 && r.response["model"] == "mock")
        );
        drop(endpoint);

        // Without anybody to ask, elsewhere: the same, and the file is left alone.
        let before = std::fs::read(files.path("transcript.jsonl")).unwrap();
        args.base_url = "http://192.0.2.1:9/v1".into();
        args.source = Source::Strict;
        assert_eq!(play(game.clone(), args.clone(), 20).unwrap(), said);
        assert_eq!(
            std::fs::read(files.path("transcript.jsonl")).unwrap(),
            before
        );

        // What is not in it is an error that says what.
        let error = play(game.clone(), args.clone(), 40).unwrap_err();
        for part in [
            "has no answer for game",
            "seat ",
            "round ",
            "attempt ",
            "replay",
        ] {
            assert!(error.contains(part), "{error}");
        }
        args.model = "other".into();
        assert!(
            play(game.clone(), args.clone(), 1).is_err(),
            "another model, other requests"
        );

        // Or asked for and added.
        let endpoint = Endpoint::start(|request| Act::Say(obedient(&request.body, 0))).unwrap();
        args.base_url = endpoint.url();
        args.model = "mock".into();
        args.source = Source::Replay;
        let more = play(game.clone(), args.clone(), 25).unwrap();
        assert_eq!(more[..said.len()], said);
        assert_eq!(endpoint.received().len(), more.len() - said.len());
        drop(endpoint);
        args.source = Source::Strict;
        assert_eq!(play(game, args, 25).unwrap(), more);
    }
}

#[test]
fn half_a_line_at_the_end_is_let_go() {
    let files = Files::new();
    let endpoint = Endpoint::start(|request| Act::Say(obedient(&request.body, 1))).unwrap();
    let mut args = files.args(&endpoint.url());
    let said = play(bargaining(), args.clone(), 4).unwrap();
    let path = files.path("transcript.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, &text[..text.len() - 30]).unwrap();
    args.source = Source::Strict;
    assert!(
        play(bargaining(), args.clone(), 4)
            .unwrap_err()
            .contains("has no answer")
    );
    args.source = Source::Replay;
    assert_eq!(play(bargaining(), args.clone(), 4).unwrap(), said);
    assert_eq!(files.records().len(), said.len());
    std::fs::write(&path, format!("nonsense\n{text}")).unwrap();
    assert!(play(bargaining(), args, 4).unwrap_err().contains("line 1"));
}

#[test]
fn games_go_on_after_a_checkpoint_and_evaluations_are_games_of_their_own() {
    let files = Files::new();
    let endpoint = Endpoint::start(|request| Act::Say(obedient(&request.body, 0))).unwrap();
    let table = || {
        Table::new(
            bargaining(),
            1,
            files.args(&endpoint.url()),
            http(),
            Arc::new(Virtual::default()),
        )
        .unwrap()
    };
    let game = |index: usize| files.records()[index].game.clone();
    let mut first = table();
    // An offer and its acceptance are a game.
    (0..3).for_each(|_| drop(first.step().unwrap()));
    assert_eq!(game(0), game(1));
    assert_ne!(game(1), game(2));
    let saved = first.agent.save().unwrap();
    let mut second = table();
    second.agent.load(&saved).unwrap();
    second.step().unwrap();
    assert_eq!(game(3), game(2), "the second game");
    second.agent.set_mode(crate::Mode::Evaluate);
    second.step().unwrap();
    assert!(game(4).contains("-eval0-"), "{}", game(4));
    second.agent.set_mode(crate::Mode::Train);
    second.agent.load(&saved).unwrap();
    second.agent.set_mode(crate::Mode::Evaluate);
    second.step().unwrap();
    assert!(game(5).contains("-eval1-"), "{}", game(5));
    assert!(second.agent.load(&[]).is_err());
}
