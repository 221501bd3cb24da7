use proptest::prelude::*;

use super::{
    super::{FeedEvent, FeedReader, Kind, RecordedBooks, Rules, Side, binance::DepthReader},
    events, fault,
};

const SNAPSHOT: &str =
    r#"{"lastUpdateId":160,"bids":[["0.0024","10"],["0.0022","5"]],"asks":[["0.0026","100"]]}"#;

fn update(first: u64, last: u64, changes: &str) -> String {
    format!(
        r#"{{"e":"depthUpdate","E":{},"s":"BNBBTC","U":{first},"u":{last},{changes}}}"#,
        1_700_000_000_000 + first
    )
}

/// A capture as it goes: updates begin before the snapshot arrives.
fn capture() -> Vec<String> {
    vec![
        update(150, 155, r#""b":[["0.0024","9"]],"a":[]"#),
        update(
            156,
            161,
            r#""b":[["0.0024","11"]],"a":[["0.0026","0.00000000"]]"#,
        ),
        SNAPSHOT.to_owned(),
        update(162, 162, r#""b":[],"a":[["0.0027","7.5"]]"#),
        r#"{"e":"aggTrade","E":1700000000163,"s":"BNBBTC","p":"0.0024","q":"1"}"#.to_owned(),
        update(163, 170, r#""b":[["0.0022","0"]],"a":[]"#),
    ]
}

fn book(text: &str) -> Vec<(Side, i64, u64)> {
    let mut reader = DepthReader::new(text.as_bytes());
    let mut books = RecordedBooks::new(Rules::Strict);
    while let Some(mut event) = reader.read().unwrap() {
        books.apply(&mut event, reader.position()).unwrap();
    }
    let book = books.book(0).unwrap();
    let side = |side| {
        book.levels(side)
            .map(move |(price, level)| (side, price, level.size))
    };
    side(Side::Buy).chain(side(Side::Sell)).collect()
}

#[test]
fn updates_and_snapshot_are_joined() {
    let text = capture().join("\n") + "\n";
    let expected = [
        (Side::Buy, 240_000, 1_100_000_000),
        (Side::Sell, 270_000, 750_000_000),
    ];
    assert_eq!(book(&text), expected);
    let read = events(&mut DepthReader::new(text.as_bytes())).unwrap();
    let kinds: Vec<Kind> = read.iter().map(|event| event.kind).collect();
    let mut expected = vec![Kind::Clear];
    expected.extend([Kind::SetLevel; 6]);
    expected.extend([Kind::Other, Kind::SetLevel]);
    assert_eq!(kinds, expected);
    assert_eq!(read[0].time_ns, 1_700_000_000_156_000_000);
    // The snapshot may also come first, and every line may carry a stamp or an envelope.
    let mut lines = capture();
    lines.remove(0);
    lines.swap(0, 1);
    let wrapped = |line: &String| match line.as_str() {
        SNAPSHOT => format!("1700000000000000000 {line}"),
        line => format!(r#"{{"stream":"bnbbtc@depth","data":{line}}}"#),
    };
    let text: Vec<String> = lines.iter().map(wrapped).collect();
    assert_eq!(book(&text.join("\n")), book(&(capture().join("\n"))));
}

#[test]
fn futures_say_what_came_before() {
    let with = |first, last, previous: u64| {
        update(
            first,
            last,
            &format!(r#""pu":{previous},"b":[],"a":[["0.0026","{last}"]]"#),
        )
    };
    let text = [
        SNAPSHOT.to_owned(),
        with(155, 165, 149),
        with(170, 175, 165),
    ]
    .join("\n");
    assert_eq!(book(&text)[2], (Side::Sell, 260_000, 17_500_000_000));
    let text = [
        SNAPSHOT.to_owned(),
        with(155, 165, 149),
        with(170, 175, 166),
    ]
    .join("\n");
    assert_eq!(
        fault(&mut DepthReader::new(text.as_bytes())),
        "line 3, column 1: update 170 does not follow 165: updates are missing in between"
    );
}

#[test]
fn errors_tell_line_and_column() {
    let said = |lines: &[&str]| fault(&mut DepthReader::new(lines.join("\n").as_bytes()));
    let good = update(156, 161, r#""b":[],"a":[]"#);
    let gap = update(163, 170, r#""b":[],"a":[]"#);
    assert_eq!(
        said(&[SNAPSHOT, &good, &gap]),
        "line 3, column 1: update 163 does not follow 161: updates are missing in between"
    );
    assert_eq!(
        said(&[SNAPSHOT, &gap]),
        "line 2, column 1: update 163 does not follow 160: updates are missing in between"
    );
    assert_eq!(
        said(&[&good]),
        "line 1, column 1: no snapshot: put the answer of the REST interface on a line of its own"
    );
    assert_eq!(
        said(&[SNAPSHOT, &good.replace("BNBBTC", "ETHBTC"), &gap]),
        "line 3, column 1: s: expected one symbol in the whole file, found `BNBBTC`"
    );
    let price = good.replace(r#""b":[]"#, r#""b":[["0.123456789","1"]]"#);
    assert_eq!(
        said(&[SNAPSHOT, &price]),
        "line 2, column 1: price: expected a decimal number from 0 with at most eight decimals, found `0.123456789`"
    );
    let size = good.replace(r#""b":[]"#, r#""b":[["0.1","999999999999"]]"#);
    assert_eq!(
        said(&[SNAPSHOT, &size]),
        "line 2, column 1: quantity is too large: 999999999999"
    );
    assert_eq!(
        said(&[&SNAPSHOT.replace("0.0022", "0.0026")]),
        "line 1, column 1: the book is crossed: the best bid 260000 is not below the best ask 260000"
    );
    assert_eq!(
        said(&[SNAPSHOT, &good[..30]]),
        "line 2, column 30: not a message of this format: EOF while parsing an object"
    );
    assert_eq!(
        said(&["x,y"]),
        "line 1, column 1: not a message of this format: a JSON document is expected, after at most a time stamp"
    );
    assert_eq!(
        said(&[r#"{"e":"depthUpdate","E":1}"#]),
        "line 1, column 25: not a message of this format: missing field `s`"
    );
}

#[test]
fn quantities_are_exact() {
    for (text, value) in [
        ("1", 100_000_000u64),
        ("0.00000001", 1),
        ("12.50000000", 1_250_000_000),
        ("3.1000000000", 310_000_000),
    ] {
        let snapshot = format!(r#"{{"lastUpdateId":1,"bids":[["1","{text}"]],"asks":[]}}"#);
        assert_eq!(book(&snapshot), [(Side::Buy, 100_000_000, value)]);
    }
}

#[test]
fn a_file_cut_anywhere_but_between_lines_is_an_error() {
    let text = capture().join("\n") + "\n";
    let lines = capture();
    for end in 1..=text.len() {
        let read = events(&mut DepthReader::new(&text.as_bytes()[..end]));
        let kept: Vec<&str> = text[..end].lines().collect();
        let whole = kept.iter().all(|line| lines.iter().any(|l| l == line));
        assert_eq!(read.is_ok(), whole && kept.contains(&SNAPSHOT), "{end}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), at in 0usize..500) {
        let mut text = (capture().join("\n") + "\n").into_bytes();
        text.splice(at..=at, bytes);
        let _: Result<Vec<FeedEvent>, _> = events(&mut DepthReader::new(text.as_slice()));
    }
}
