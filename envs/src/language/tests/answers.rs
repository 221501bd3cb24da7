//! Answers that are no moves, and some that just about are: what is said of each, and what the released code would do.
//! And whatever text comes, nobody panics.

use proptest::prelude::*;

use crate::language::{
    ALICE, BOB, Money, Verdict,
    answer::{
        AnswerError, Attempts, Exhausted, Expected, Feedback, InvalidPolicy, Ledger, Move, Play,
        Reading, Resolution, displayed, gain_key, on_one_line, read, write,
    },
};

fn split(message: bool) -> Expected {
    Expected::Split {
        money: Money::whole(1000),
        keys: ["Alice", "Bob"].map(gain_key),
        message,
    }
}

fn price(message: bool) -> Expected {
    Expected::Price {
        highest: Money::whole(10_000),
        message,
    }
}

fn haggle(player: usize, walk_away: bool) -> Expected {
    Expected::NegotiationVerdict { player, walk_away }
}

/// What our reading says: a kind of error, or `ok`; and whether the released code would go on with the answer.
type Line = (&'static str, &'static str, bool);

const OFFERS: &[Line] = &[
    // Nothing to read.
    ("", "no_object", false),
    ("I propose an even split.", "no_object", false),
    ("alice_gain: 500, bob_gain: 500", "no_object", false),
    ("[500, 500]", "no_object", false),
    (
        "{\"alice_gain\": 500, \"bob_gain\": 500",
        "no_object",
        false,
    ),
    ("}{", "no_object", false),
    // Not JSON.
    ("{}", "missing_key", false),
    ("{alice_gain: 500, bob_gain: 500}", "bad_json", false),
    ("{'alice_gain': 500, 'bob_gain': 500}", "bad_json", false),
    (
        "{\"alice_gain\": 500, \"bob_gain\": 500,}",
        "bad_json",
        false,
    ),
    ("{\"alice_gain\": 500 \"bob_gain\": 500}", "bad_json", false),
    ("{\"alice_gain\" 500, \"bob_gain\": 500}", "bad_json", false),
    (
        "{\"alice_gain\": 500; \"bob_gain\": 500}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": 0500, \"bob_gain\": 500}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": +500, \"bob_gain\": 500}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": .5, \"bob_gain\": 999.5}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": 500., \"bob_gain\": 500}",
        "bad_json",
        false,
    ),
    ("{\"alice_gain\": 5e, \"bob_gain\": 500}", "bad_json", false),
    (
        "{\"alice_gain\": 500 + 0, \"bob_gain\": 500}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": 50%, \"bob_gain\": 500}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": €500, \"bob_gain\": 500}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": 1 000, \"bob_gain\": 0}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": 1,00, \"bob_gain\": 900}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": undefined, \"bob_gain\": 500}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": True, \"bob_gain\": 999}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": 500, /* half */ \"bob_gain\": 500}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": 500, \"bob_gain\": 500 # half\n}",
        "bad_json",
        false,
    ),
    (
        "{{\"alice_gain\": 500, \"bob_gain\": 500}}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": \"500, \"bob_gain\": 500}",
        "bad_json",
        false,
    ),
    (
        "{\"alice\\_gain\": 500, \"bob_gain\": 500}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": NaN, \"bob_gain\": 500}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": Infinity, \"bob_gain\": -Infinity}",
        "bad_json",
        false,
    ),
    (
        "{thinking} {\"alice_gain\": 500, \"bob_gain\": 500}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": [1,000], \"bob_gain\": 0}",
        "bad_json",
        false,
    ),
    // Keys.
    ("{\"alice_gain\": 1000}", "missing_key", false),
    (
        "{\"Alice_gain\": 500, \"Bob_gain\": 500}",
        "missing_key",
        false,
    ),
    (
        "{\"alice_gain \": 500, \"bob_gain\": 500}",
        "missing_key",
        false,
    ),
    (
        "{\"offer\": {\"alice_gain\": 500, \"bob_gain\": 500}}",
        "missing_key",
        false,
    ),
    (
        "{\"alice_gain\": 500, \"bob_gain\": 500, \"alice_gain\": 500}",
        "bad_json",
        true,
    ),
    // Types.
    (
        "{\"alice_gain\": true, \"bob_gain\": 999}",
        "wrong_type",
        true,
    ),
    (
        "{\"alice_gain\": null, \"bob_gain\": 500}",
        "wrong_type",
        false,
    ),
    (
        "{\"alice_gain\": [500], \"bob_gain\": 500}",
        "wrong_type",
        false,
    ),
    (
        "{\"alice_gain\": {\"x\": 500}, \"bob_gain\": 500}",
        "wrong_type",
        false,
    ),
    (
        "{\"alice_gain\": \"half\", \"bob_gain\": 500}",
        "wrong_type",
        false,
    ),
    (
        "{\"alice_gain\": \"500 dollars\", \"bob_gain\": 500}",
        "wrong_type",
        false,
    ),
    (
        "{\"alice_gain\": \"5.0.0\", \"bob_gain\": 500}",
        "wrong_type",
        false,
    ),
    (
        "{\"alice_gain\": \"\", \"bob_gain\": 1000}",
        "wrong_type",
        false,
    ),
    // Amounts.
    (
        "{\"alice_gain\": 500, \"bob_gain\": 400}",
        "sum_mismatch",
        false,
    ),
    (
        "{\"alice_gain\": 50, \"bob_gain\": 50}",
        "sum_mismatch",
        false,
    ),
    (
        "{\"alice_gain\": 500.01, \"bob_gain\": 500}",
        "sum_mismatch",
        false,
    ),
    (
        "{\"alice_gain\": 0.5, \"bob_gain\": 0.5}",
        "sum_mismatch",
        false,
    ),
    (
        "{\"alice_gain\": -100, \"bob_gain\": 1100}",
        "out_of_range",
        true,
    ),
    (
        "{\"alice_gain\": 1e99, \"bob_gain\": -1e99}",
        "out_of_range",
        false,
    ),
    // Not malformed after all.
    ("{\"alice_gain\": 500, \"bob_gain\": 500}", "ok", true),
    (
        "```json\n{\"alice_gain\": 500.00, \"bob_gain\": 5e2}\n``` I hope so {or}",
        "ok",
        true,
    ),
    (
        "{\"alice_gain\": \"$500\", \"bob_gain\": \"500.0\"}",
        "ok",
        true,
    ),
    ("{\"alice_gain\": $500, \"bob_gain\": 500$}", "ok", true),
    ("{\"alice_gain\": 1,000, \"bob_gain\": 0}", "ok", true),
    ("{\"alice_gain\": \"1,000\", \"bob_gain\": 0}", "ok", true),
    (
        "{\"alice_gain\": 333.335, \"bob_gain\": 666.665}",
        "ok",
        true,
    ),
    (
        "{\"why\": {\"fair\": [1, {}]}, \"alice_gain\": 500, \"bob_gain\": 500}",
        "ok",
        false,
    ),
    (
        "{\"why\": \"a } b\", \"alice_gain\": 500, \"bob_gain\": 500}",
        "ok",
        false,
    ),
];

const SPOKEN_OFFERS: &[Line] = &[
    (
        "{\"alice_gain\": 500, \"bob_gain\": 500}",
        "missing_key",
        false,
    ),
    (
        "{\"alice_gain\": 500, \"bob_gain\": 500, \"message\": 5}",
        "wrong_type",
        false,
    ),
    (
        "{\"alice_gain\": 500, \"bob_gain\": 500, \"message\": null}",
        "wrong_type",
        false,
    ),
    (
        "{\"alice_gain\": 500, \"bob_gain\": 500, \"message\": \"a\nb\"}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": 500, \"bob_gain\": 500, \"message\": \"\\q\"}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": 500, \"bob_gain\": 500, \"message\": \"\\u12\"}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": 500, \"bob_gain\": 500, \"message\": \"so \"fair\"\"}",
        "bad_json",
        false,
    ),
    (
        "{\"alice_gain\": 500, \"bob_gain\": 500, \"message\": \"\"}",
        "ok",
        true,
    ),
    (
        "{\"message\": \"1,000 is $\\ud83d\\ude00\", \"alice_gain\": 500, \"bob_gain\": 500}",
        "ok",
        true,
    ),
];

const DECISIONS: &[Line] = &[
    ("I accept.", "no_object", false),
    ("{\"decision\": accept}", "bad_json", false),
    ("{\"Decision\": \"accept\"}", "missing_key", false),
    ("{\"decision\": true}", "wrong_type", false),
    ("{\"decision\": 1}", "wrong_type", false),
    ("{\"decision\": \"Accept\"}", "unknown_decision", false),
    ("{\"decision\": \"accept \"}", "unknown_decision", false),
    (
        "{\"decision\": \"accept|reject\"}",
        "unknown_decision",
        false,
    ),
    ("{\"decision\": \"AcceptOffer\"}", "unknown_decision", false),
    ("{\"decision\": \"walkaway\"}", "unknown_decision", false),
    ("{\"decision\": \"\"}", "unknown_decision", false),
    ("{\"decision\": \"reject\"}", "ok", true),
];

const PRICES: &[Line] = &[
    ("{\"price\": 500}", "missing_key", false),
    ("{\"product_price\": \"five hundred\"}", "wrong_type", false),
    ("{\"product_price\": true}", "wrong_type", true),
    ("{\"product_price\": null}", "wrong_type", false),
    ("{\"product_price\": NaN}", "bad_json", false),
    ("{\"product_price\": -1}", "out_of_range", true),
    ("{\"product_price\": \"-1\"}", "out_of_range", true),
    ("{\"product_price\": 10000.01}", "out_of_range", true),
    ("{\"product_price\": \"1e3\"}", "wrong_type", true),
    ("{\"product_price\": 1e400}", "out_of_range", false),
    ("{\"product_price\": \"$ 1,234.50\"}", "ok", false),
    ("{\"product_price\": \"1234.5\"}", "ok", true),
];

const HAGGLES: &[Line] = &[
    ("{\"decision\": \"accept\"}", "unknown_decision", false),
    ("{\"decision\": \"acceptoffer\"}", "unknown_decision", false),
    ("{\"decision\": \"SellToJohn\"}", "unknown_decision", false),
    ("{\"decision\": \"WalkAway\"}", "unknown_decision", false),
    ("{\"decision\": \"SellToJhon\"}", "ok", true),
    ("{\"decision\": \"DealWithJhon\"}", "ok", true),
];

const PURCHASES: &[Line] = &[
    ("{\"decision\": \"Yes\"}", "unknown_decision", false),
    ("{\"decision\": \"buy\"}", "unknown_decision", false),
    ("{\"decision\": false}", "wrong_type", false),
    ("{\"decision\": \"no\"}", "ok", true),
];

const SPEECHES: &[Line] = &[
    ("This is good.", "no_object", false),
    ("{\"text\": \"good\"}", "missing_key", false),
    ("{\"message\": [\"good\"]}", "wrong_type", false),
    ("{\"message\": \"good\"}", "ok", true),
];

fn corpus() -> Vec<(Expected, Line)> {
    let parts: [(Expected, &[Line]); 7] = [
        (split(false), OFFERS),
        (split(true), SPOKEN_OFFERS),
        (Expected::BargainingVerdict { walk_away: false }, DECISIONS),
        (price(false), PRICES),
        (haggle(ALICE, false), HAGGLES),
        (Expected::Purchase { message: false }, PURCHASES),
        (Expected::SellerText, SPEECHES),
    ];
    let lines = parts.into_iter();
    lines
        .flat_map(|(due, lines)| lines.iter().map(move |line| (due.clone(), *line)))
        .collect()
}

#[test]
fn every_line_of_the_corpus_is_judged_as_it_should_be() {
    let mut wrong = Vec::new();
    let mut malformed = 0;
    for (due, (text, kind, upstream)) in corpus() {
        let ours = read(text, &due, &Reading::default());
        let got = ours.as_ref().map_or_else(AnswerError::kind, |_| "ok");
        malformed += usize::from(kind != "ok");
        if got != kind {
            wrong.push(format!("{text}: {ours:?}, not {kind}"));
        }
        let theirs = read(text, &due, &Reading::upstream());
        if theirs.is_ok() != upstream {
            wrong.push(format!("{text}: upstream {theirs:?}"));
        }
        if let Err(
            AnswerError::BadJson { position, .. } | AnswerError::WrongType { position, .. },
        ) = &ours
        {
            assert!(*position <= text.len(), "{text}: {ours:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(malformed >= 60, "{malformed}");
}

/// What the released code makes of the lines with which it goes on, after its rules: commas in numbers go, and if that is
/// no JSON `$` goes; the last of equal keys counts; true is 1, texts of digits are numbers; nothing is out of bounds.
#[test]
fn the_released_code_reads_what_it_should() {
    let split = |alice: f64, bob: f64| {
        let [alice, bob] = [alice, bob].map(|x| Money::from_f64(x).unwrap());
        Play::Split(alice, bob)
    };
    let price = |price: f64| Play::Price(Money::from_f64(price).unwrap());
    let wanted = [
        (split(500.0, 500.0), None),
        (split(1.0, 999.0), None),
        (split(-100.0, 1100.0), None),
        (split(500.0, 500.0), None),
        (split(500.0, 500.0), None),
        (split(500.0, 500.0), None),
        (split(500.0, 500.0), None),
        (split(1000.0, 0.0), None),
        (split(1000.0, 0.0), None),
        (split(333.34, 666.66), None),
        (split(500.0, 500.0), Some("")),
        (split(500.0, 500.0), Some("1000 is $😀")),
        (Play::Verdict(Verdict::Reject), None),
        (price(1.0), None),
        (price(-1.0), None),
        (price(-1.0), None),
        (price(10_000.01), None),
        (price(1000.0), None),
        (price(1234.5), None),
        (Play::Verdict(Verdict::Exit), None),
        (Play::Verdict(Verdict::Exit), None),
        (Play::Buy(false), None),
        (Play::Text, Some("good")),
    ];
    let taken: Vec<_> = corpus()
        .into_iter()
        .filter(|(_, (_, _, upstream))| *upstream)
        .collect();
    assert_eq!(taken.len(), wanted.len());
    for ((due, (text, ours, _)), (play, message)) in taken.into_iter().zip(wanted) {
        let theirs = read(text, &due, &Reading::upstream()).unwrap();
        let message = message.map(str::to_owned);
        assert_eq!(theirs, Move { play, message }, "{text}");
        // With the game's bounds it is refused for the reason for which we refuse it.
        let bounded = Reading {
            bounds: true,
            ..Reading::upstream()
        };
        let refused = read(text, &due, &bounded).map_err(|error| error.kind());
        if ours == "out_of_range" {
            assert_eq!(refused, Err(ours), "{text}");
        } else {
            assert_eq!(refused, Ok(theirs), "{text}");
        }
    }
}

/// What is said of an answer is sent to its player and shown on terminals: one line of letters, not too long.
fn assert_told(error: &AnswerError) {
    let told = error.to_string();
    assert!(told.chars().count() <= 700, "{told}");
    assert_eq!(on_one_line(&told), told);
    assert!(!told.contains(char::is_control), "{told}");
}

#[test]
fn no_answer_gets_into_what_is_said_of_it() {
    let hostile = "\\u001b[2J\\n  9  Bob: accepts\\u202e\\u2028";
    let long = "k".repeat(10_000);
    for key in [hostile, &long] {
        let twice = format!("{{\"{key}\": 1, \"{key}\": 2}}");
        let decision = format!("{{\"decision\": \"{key}\"}}");
        let price = format!("{{\"product_price\": \"{key}\"}}");
        for text in [twice, decision, price] {
            for due in expectations() {
                if let Err(error) = read(&text, &due, &Reading::default()) {
                    assert_told(&error);
                }
            }
        }
    }
    for (due, (text, _, _)) in corpus() {
        for reading in [Reading::default(), Reading::upstream()] {
            if let Err(error) = read(text, &due, &reading) {
                assert_told(&error);
            }
        }
    }
    assert_eq!(
        displayed("a\u{202e}b\u{2066}c\u{2028}d\u{200f}e\u{e0041}f\u{85}\n👩\u{200d}🚀"),
        "abcdef\n👩\u{200d}🚀"
    );
    assert_eq!(on_one_line("a\nb\tc\r"), "a b c");
}

#[test]
fn errors_tell_the_place_and_what_is_right() {
    let say = |text: &str, due: &Expected| {
        read(text, due, &Reading::default())
            .unwrap_err()
            .to_string()
    };
    let due = split(false);
    assert_eq!(
        say("so: {\"alice_gain\": x}", &due),
        "byte 19 of the answer: a value is due: a number, a text in double quotes, true, false or null"
    );
    assert_eq!(
        say("{\"alice_gain\": 1, \"bob_gain\": 1}", &due),
        "the gains add up to 2; they must add up to 1,000"
    );
    assert_eq!(
        say("{\"decision\": \"WalkAway\"}", &haggle(BOB, false)),
        "byte 13 of the answer: there is no decision `WalkAway`; write one of AcceptOffer, RejectOffer, BuyFromJhon, SellToJhon, DealWithJhon, exactly so"
    );
    let long = format!("{{\"message\": \"{}\"}}", "é".repeat(2001));
    let limit = AnswerError::TooLong {
        length: 2001,
        limit: 2000,
    };
    assert_eq!(
        read(&long, &Expected::SellerText, &Reading::default()),
        Err(limit)
    );
    assert!(read(&long, &Expected::SellerText, &Reading::upstream()).is_ok());
}

#[test]
fn messages_stay_as_they_are_unless_the_released_code_reads_them() {
    let text = "{\"product_price\": 1,000, \"message\": \"1,000 or $5?\"}";
    let said = |reading| read(text, &price(true), &reading).unwrap();
    assert_eq!(
        said(Reading::default()).message.as_deref(),
        Some("1,000 or $5?")
    );
    assert_eq!(
        said(Reading::upstream()).message.as_deref(),
        Some("1000 or $5?")
    );
    let dollars = "{\"product_price\": $7, \"message\": \"$5?\"}";
    let theirs = read(dollars, &price(true), &Reading::upstream()).unwrap();
    assert_eq!(theirs.message.as_deref(), Some("5?"));
    assert_eq!(displayed("a\u{7}b\u{1b}[1m\n"), "ab[1m\n");
    let each = |reading: Reading| read(dollars, &price(true), &reading).map_err(|e| e.kind());
    let strict = Reading {
        lenient_numbers: false,
        ..Reading::default()
    };
    assert_eq!(each(strict), Err("bad_json"));
    let twice = "{\"decision\": \"yes\", \"decision\": \"no\"}";
    let last = Reading {
        unique_keys: false,
        ..Reading::default()
    };
    assert_eq!(
        read(twice, &Expected::Recommendation, &last).unwrap().play,
        Play::Recommend(false)
    );
}

/// Sums that floating point gets wrong: ours takes them, the released code does not.
#[test]
fn sums_are_those_of_decimals() {
    let due = Expected::Split {
        money: Money::from_minor(30),
        keys: ["a", "b"].map(gain_key),
        message: false,
    };
    let text = "{\"a_gain\": 0.1, \"b_gain\": 0.2}";
    let play = Play::Split(Money::from_minor(10), Money::from_minor(20));
    assert_eq!(read(text, &due, &Reading::default()).unwrap().play, play);
    assert_eq!(
        read(text, &due, &Reading::upstream()).unwrap_err().kind(),
        "sum_mismatch"
    );
}

/// Check 10: exactly so many answers are asked for, and all are counted.
#[test]
fn attempts_are_counted_and_end_as_the_policy_says() {
    let bad = || Err(AnswerError::NoObject);
    for then in [Exhausted::Abort, Exhausted::NoDeal, Exhausted::Fallback] {
        for most in [1, 2, 5] {
            let policy = InvalidPolicy {
                max_attempts: most,
                feedback: Feedback::ErrorText,
                then,
            };
            let mut ledger = Ledger::default();
            let mut turn = Attempts::new(policy);
            let mut asked = 0;
            let end = loop {
                asked += 1;
                match turn.take(bad(), &mut ledger) {
                    Resolution::Again { correction } => {
                        assert_eq!(correction, Some(AnswerError::NoObject.to_string()));
                    }
                    other => break other,
                }
            };
            assert_eq!((asked, end), (most, Resolution::Over(then)));
            let fallbacks = u64::from(then == Exhausted::Fallback);
            let counted = Ledger {
                turns: 1,
                attempts: u64::from(most),
                invalid: u64::from(most),
                fallbacks,
            };
            assert_eq!(ledger, counted);
            // Nothing more is counted.
            turn.take(bad(), &mut ledger);
            assert_eq!(ledger, counted);
        }
    }
    let policy = InvalidPolicy {
        feedback: Feedback::None,
        ..InvalidPolicy::default()
    };
    let (mut turn, mut ledger) = (Attempts::new(policy), Ledger::default());
    assert_eq!(
        turn.take(bad(), &mut ledger),
        Resolution::Again { correction: None }
    );
    let action = Move {
        play: Play::Buy(true),
        message: None,
    };
    assert_eq!(
        turn.take(Ok(action.clone()), &mut ledger),
        Resolution::Play(action)
    );
    assert_eq!((ledger.attempts, ledger.invalid, ledger.turns), (2, 1, 1));
}

fn expectations() -> Vec<Expected> {
    vec![
        split(false),
        split(true),
        Expected::BargainingVerdict { walk_away: true },
        price(false),
        price(true),
        haggle(ALICE, false),
        haggle(BOB, false),
        haggle(BOB, true),
        Expected::SellerText,
        Expected::Recommendation,
        Expected::Purchase { message: false },
        Expected::Purchase { message: true },
    ]
}

/// Every kind of move that can be due there.
fn plays(due: &Expected, minor: i64) -> Vec<Play> {
    let amount = Money::from_minor(minor);
    match due {
        Expected::Split { money, .. } => vec![Play::Split(amount, *money - amount)],
        Expected::Price { .. } => vec![Play::Price(amount)],
        Expected::SellerText => vec![Play::Text],
        Expected::Recommendation => vec![Play::Recommend(true), Play::Recommend(false)],
        Expected::Purchase { .. } => vec![Play::Buy(true), Play::Buy(false)],
        Expected::BargainingVerdict { .. } | Expected::NegotiationVerdict { .. } => {
            [Verdict::Accept, Verdict::Reject, Verdict::Exit]
                .map(Play::Verdict)
                .to_vec()
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(minor in 0i64..=100_000, words in ".{0,40}") {
        for due in expectations() {
            for play in plays(&due, minor) {
                let message = Some(words.clone()).filter(|_| {
                    write(&Move { play, message: None }, &due).is_none()
                });
                let action = Move { play, message };
                let text = write(&action, &due).unwrap();
                prop_assert_eq!(read(&text, &due, &Reading::default()), Ok(action), "{}", text);
            }
        }
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in ".{0,60}") {
        for due in expectations() {
            for reading in [Reading::default(), Reading::upstream()] {
                if let Err(error) = read(&text, &due, &reading) {
                    assert_told(&error);
                }
            }
        }
    }

    /// Keys and decisions of any characters, escaped as JSON may.
    #[test]
    fn no_quotation_is_more_than_letters(key in ".{0,60}", codes in prop::collection::vec(any::<u16>(), 0..20)) {
        let escaped = codes.iter().fold(String::new(), |escaped, code| escaped + &format!("\\u{code:04x}"));
        let key = format!("{}{escaped}", serde_json::to_string(&key).unwrap().trim_matches('"'));
        for text in [
            format!("{{\"{key}\": 1, \"{key}\": 2}}"),
            format!("{{\"decision\": \"{key}\", \"product_price\": \"{key}\"}}"),
        ] {
            for due in expectations() {
                for reading in [Reading::default(), Reading::upstream()] {
                    if let Err(error) = read(&text, &due, &reading) {
                        assert_told(&error);
                    }
                }
            }
        }
    }

    #[test]
    fn no_broken_object_makes_the_readers_panic(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "\"", "\\", "\\u", "d83d", ":", ",", "[", "]", "alice_gain", "\"bob_gain\": ", "$", "1",
            "000", ",000", ".", "e", "-", "true", "NaN", "-Infinity", "é", " ", "\"message\":", "\n", "\\u001b", "\u{202e}",
        ]), 0..30),
    ) {
        let text = format!("{{{}", pieces.concat());
        for due in expectations() {
            if let Ok(action) = read(&text, &due, &Reading::default()) {
                prop_assert!(write(&action, &due).is_some());
            }
            let _ = read(&text, &due, &Reading::upstream());
        }
    }
}
