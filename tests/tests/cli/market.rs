//! `market`: recordings replayed, verified, converted and counted.

use std::{fs, path::PathBuf};

use super::support::{Bench, repository};

fn golden(name: &str) -> PathBuf {
    repository().join("tests/golden/market").join(name)
}

/// The golden pair under short names.
fn bench() -> Bench {
    let bench = Bench::new();
    for (from, to) in [
        (
            "lobster_message_10.csv",
            "TEST_2024-05-08_34200000_57600000_message_10.csv",
        ),
        ("lobster_orderbook_10.csv", "rows.csv"),
        ("mbo_v2.dbn.zst", "mbo.dbn.zst"),
    ] {
        fs::copy(golden(from), bench.path(to)).unwrap();
    }
    bench.write("depth.jsonl", DEPTH);
    bench
}

const MESSAGES: &str = "TEST_2024-05-08_34200000_57600000_message_10.csv";

const DEPTH: &str = r#"{"lastUpdateId":160,"bids":[["0.0024","10"],["0.0022","5"]],"asks":[["0.0026","100"]]}
{"e":"depthUpdate","E":1700000000156,"s":"BNBBTC","U":156,"u":161,"b":[["0.0024","11"]],"a":[["0.0026","0"],["0.0027","7.5"]]}
"#;

#[test]
fn the_golden_pair_is_verified() {
    let bench = Bench::new();
    let messages = golden("lobster_message_10.csv").display().to_string();
    let rows = golden("lobster_orderbook_10.csv").display().to_string();
    let said = bench.ok(&["market", "replay", &messages, "--book", &rows, "--verify"]);
    assert_eq!(said, "2,453 rows equal\n");
    let document = bench.json(&["market", "replay", &messages, "--book", &rows, "--verify"]);
    assert_eq!(document["rows_equal"], 2453);
    assert_eq!(document["difference"], serde_json::Value::Null);
}

#[test]
fn differences_are_told_with_their_row() {
    let bench = bench();
    let rows = fs::read_to_string(bench.path("rows.csv")).unwrap();
    let lines: Vec<&str> = rows.lines().collect();
    let mut wrong = lines.clone();
    let row = lines[1999].replacen(",1", ",2", 1);
    wrong[1999] = &row;
    bench.write("wrong.csv", &(wrong.join("\n") + "\n"));
    bench.write("fewer.csv", &(lines[..1000].join("\n") + "\n"));
    bench.write("cut.csv", &rows[..rows.len() / 2]);
    // From the 1,001st row on: the book does not begin empty.
    let messages = fs::read_to_string(bench.path(MESSAGES)).unwrap();
    let rest: Vec<&str> = messages.lines().skip(1000).collect();
    bench.write("rest.csv", &(rest.join("\n") + "\n"));
    bench.write("rest_rows.csv", &(lines[1000..].join("\n") + "\n"));
    let said = bench.transcripts(&[
        &[
            "market",
            "replay",
            MESSAGES,
            "--book",
            "wrong.csv",
            "--verify",
        ],
        &[
            "market",
            "replay",
            MESSAGES,
            "--book",
            "fewer.csv",
            "--verify",
        ],
        &[
            "market", "replay", MESSAGES, "--book", "cut.csv", "--verify",
        ],
        &[
            "market",
            "replay",
            "rest.csv",
            "--book",
            "rest_rows.csv",
            "--verify",
        ],
    ]);
    insta::assert_snapshot!("market_verify", said);
}

#[test]
fn people_see_counts_and_books() {
    let bench = bench();
    let said = bench.transcripts(&[
        &["market", "stats", MESSAGES],
        &[
            "market", "replay", MESSAGES, "--at", "9:30:20", "--levels", "4",
        ],
        &["market", "stats", "mbo.dbn.zst"],
        &["market", "replay", "depth.jsonl"],
    ]);
    insta::assert_snapshot!("market_text", said);
}

#[test]
fn programs_read_the_same() {
    let bench = bench();
    let stats = bench.json(&["market", "stats", MESSAGES]);
    let book = bench.json(&[
        "market", "replay", MESSAGES, "--at", "34220", "--levels", "2",
    ]);
    let text = |value| serde_json::to_string_pretty(value).unwrap();
    insta::assert_snapshot!("market_json", format!("{}\n{}", text(&stats), text(&book)));
}

#[test]
fn lobster_comes_back_byte_for_byte_through_every_format() {
    let bench = bench();
    let midnight = "--midnight=2024-05-08T00:00-04:00";
    let messages = fs::read(bench.path(MESSAGES)).unwrap();
    let rows = fs::read(bench.path("rows.csv")).unwrap();
    for through in ["a.parquet", "a.itch", "a.dbn"] {
        bench.ok(&["market", "convert", MESSAGES, through, midnight]);
        bench.ok(&[
            "market", "convert", through, "back.csv", midnight, "--force",
        ]);
        assert!(
            fs::read(bench.path("back.csv")).unwrap() == messages,
            "{through}"
        );
        assert!(
            fs::read(bench.path("back_orderbook.csv")).unwrap() == rows,
            "{through}"
        );
        let stats = bench.json(&["market", "stats", through]);
        assert_eq!(stats["trades"], 761, "{through}");
    }
    // Fewer levels, in a pair named as LOBSTER names it.
    let name = |kind: &str| format!("X_2024-05-08_34200000_57600000_{kind}_3.csv");
    bench.ok(&["market", "convert", MESSAGES, &name("message")]);
    let (messages, rows) = (name("message"), name("orderbook"));
    let said = bench.ok(&["market", "replay", &messages, "--book", &rows, "--verify"]);
    assert_eq!(said, "2,453 rows equal\n");
}

#[test]
fn what_a_conversion_loses_is_told() {
    let bench = bench();
    let said = bench.transcripts(&[
        &["market", "convert", "mbo.dbn.zst", "mbo.csv"],
        &["market", "convert", "mbo.dbn.zst", "mbo.itch"],
        &["market", "convert", "mbo.dbn.zst", "mbo.parquet"],
        &["market", "convert", "mbo.parquet", "mbo.dbn", "--json"],
        &["market", "convert", "depth.jsonl", "depth.parquet"],
        &["market", "convert", "depth.jsonl", "depth.csv"],
        &["market", "convert", MESSAGES, "a.dbn"],
        &["market", "convert", MESSAGES, MESSAGES, "--force"],
        &["market", "convert", MESSAGES, "mbo.csv"],
        &["market", "convert", MESSAGES, "a.txt"],
    ]);
    insta::assert_snapshot!("market_convert", said);
    let mut left: Vec<String> = fs::read_dir(bench.path("."))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert!(left.iter().all(|name| !name.contains(".tmp")), "{left:?}");
    let stats = bench.json(&["market", "stats", "mbo.parquet"]);
    assert_eq!(
        stats["kinds"],
        bench.json(&["market", "stats", "mbo.dbn.zst"])["kinds"]
    );
}

#[test]
fn broken_files_are_refused_with_the_place() {
    let bench = bench();
    let messages = fs::read_to_string(bench.path(MESSAGES)).unwrap();
    let lines: Vec<&str> = messages.lines().collect();
    let mut twice = lines.clone();
    twice.insert(4, lines[3]);
    bench.write("twice.csv", &(twice.join("\n") + "\n"));
    let mut swapped = lines.clone();
    swapped.swap(5, 9);
    bench.write("back_in_time.csv", &(swapped.join("\n") + "\n"));
    bench.write("cut.csv", &messages[..5000]);
    bench.write("letters.csv", &messages.replacen(",100,", ",1OO,", 1));
    bench.write("empty.csv", "");
    bench.write("notes.txt", "a few words about the market\n");
    bench.write(
        "golden.json",
        &fs::read_to_string(golden("itch50.json")).unwrap(),
    );
    bench.ok(&["market", "convert", MESSAGES, "a.itch"]);
    bench.ok(&["market", "convert", MESSAGES, "a.parquet"]);
    for (from, to) in [
        ("a.itch", "cut.itch"),
        ("a.parquet", "cut.parquet"),
        ("mbo.dbn.zst", "cut.dbn.zst"),
    ] {
        let bytes = fs::read(bench.path(from)).unwrap();
        fs::write(bench.path(to), &bytes[..bytes.len() - 10]).unwrap();
    }
    let stats = |file: &str, more: &[&str]| {
        let args = [&["market", "stats", file], more].concat();
        format!("=== {}\n{}", args.join(" "), bench.transcript(&args))
    };
    let said = [
        stats("twice.csv", &[]),
        stats("twice.csv", &["--lenient", "--quiet"])
            .lines()
            .take(6)
            .collect::<Vec<_>>()
            .join("\n")
            + "\n",
        stats("back_in_time.csv", &[]),
        stats("cut.csv", &[]),
        stats("letters.csv", &[]),
        stats("empty.csv", &[]),
        stats("notes.txt", &[]),
        stats("golden.json", &[]),
        stats("missing.csv", &[]),
        stats("cut.itch", &[]),
        stats("cut.parquet", &[]),
        stats("cut.dbn.zst", &[]),
        stats("a.parquet", &["--symbol", "TSET"]),
        stats("a.parquet", &["--format", "dbn"]),
    ];
    insta::assert_snapshot!("market_broken", said.concat());
}

#[test]
fn wrong_arguments_say_what_to_do() {
    let bench = bench();
    fs::copy(bench.path("rows.csv"), bench.path("orderbook.csv")).unwrap();
    let said = bench.transcripts(&[
        &["market", "stats", "orderbook.csv"],
        &["market", "replay", MESSAGES, "--at", "noon"],
        &["market", "replay", MESSAGES, "--at", "08:00"],
        &["market", "replay", "mbo.dbn.zst", "--at", "10:30"],
        &["market", "replay", "mbo.dbn.zst", "--book", "rows.csv"],
        &["market", "replay", MESSAGES, "--verify"],
        &["market", "replay", MESSAGES, "--speed", "0"],
        &[
            "market",
            "convert",
            MESSAGES,
            "b.dbn",
            "--midnight",
            "yesterday",
        ],
    ]);
    insta::assert_snapshot!("market_wrong_arguments", said);
    let help = bench.ok(&["market", "replay", "--help"]);
    insta::assert_snapshot!(
        "market_help",
        help.replace("palaestra-under-test", "palaestra")
    );
}

#[test]
fn stepping_shows_a_book_for_every_line_of_input() {
    use std::{io::Write, process::Stdio};

    let bench = bench();
    let mut command = bench.command(&["market", "replay", MESSAGES, "--step", "--levels", "1"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"\n\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.matches(" · event ").count(), 3, "{text}");
}

/// A table that is cut or changed anywhere is refused or read, and never a panic.
#[test]
fn damaged_tables_do_not_panic() {
    let bench = bench();
    bench.ok(&["market", "convert", MESSAGES, "a.parquet"]);
    let bytes = fs::read(bench.path("a.parquet")).unwrap();
    for at in (0..bytes.len()).step_by(bytes.len() / 25) {
        fs::write(bench.path("cut.parquet"), &bytes[..at]).unwrap();
        let cut = bench.run(&["market", "stats", "cut.parquet"]);
        assert!(
            matches!(cut.status.code(), Some(1 | 2)),
            "cut at {at}: {cut:?}"
        );
        let mut changed = bytes.clone();
        changed[at] ^= 0x55;
        fs::write(bench.path("changed.parquet"), &changed).unwrap();
        let changed = bench.run(&["market", "stats", "changed.parquet"]);
        assert!(
            matches!(changed.status.code(), Some(0..=2)),
            "changed at {at}: {changed:?}"
        );
    }
}

#[test]
fn a_bench_of_markets_counts_their_messages() {
    let bench = Bench::new();
    let arguments = [
        "bench",
        "env",
        "market_making-v1",
        "--rows",
        "4",
        "--steps",
        "3",
        "--repetitions",
        "1",
    ];
    let said = bench.ok(&arguments);
    assert!(
        said.contains("M messages/s reach its order books"),
        "{said}"
    );
    let document = bench.json(&arguments);
    let per_step = document["messages_per_step"].as_f64().unwrap();
    assert!(per_step > 1.0, "{document}");
    let (steps, messages) = (
        &document["steps_per_second"],
        &document["messages_per_second"],
    );
    let ratio = messages.as_f64().unwrap() / steps.as_f64().unwrap();
    assert!((ratio / per_step - 1.0).abs() < 1e-9, "{document}");
    let other = bench.json(&[
        "bench",
        "env",
        "tic_tac_toe-v1",
        "--rows",
        "4",
        "--steps",
        "3",
    ]);
    assert!(other["messages_per_second"].is_null(), "{other}");
}
