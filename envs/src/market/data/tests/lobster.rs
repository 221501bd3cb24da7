use proptest::prelude::*;

use super::{
    super::{
        FeedEvent, FeedReader, Kind, RecordedBooks, Rules, Side,
        lobster::{
            BookRow, Difference, FileName, MessageReader, RowReader, Verification, Verifier,
            write_message, write_row,
        },
    },
    MESSAGES, ROWS, events, fault,
};

fn reader(text: &str) -> MessageReader<&[u8]> {
    MessageReader::new(text.as_bytes(), "TEST")
}

fn verify(messages: &str, rows: &str, limited: bool) -> Verification {
    let mut reader = reader(messages);
    let mut verifier = Verifier::new(rows.as_bytes(), limited);
    let mut books = RecordedBooks::new(Rules::Strict);
    while let Some(mut event) = reader.read().unwrap() {
        books.apply(&mut event, reader.position()).unwrap();
        verifier.check(books.book_mut(0)).unwrap();
    }
    verifier.finish().unwrap()
}

/// Both files are written again from the messages alone.
#[test]
fn the_golden_pair_comes_back_byte_for_byte() {
    let mut reader = reader(MESSAGES);
    let mut books = RecordedBooks::new(Rules::Strict);
    let (mut messages, mut rows, mut row) = (Vec::new(), Vec::new(), BookRow::default());
    while let Some(mut event) = reader.read().unwrap() {
        let book = books.apply(&mut event, reader.position()).unwrap();
        row.fill(book, 10);
        write_message(&mut messages, &event).unwrap();
        write_row(&mut rows, &row).unwrap();
    }
    assert!(messages == MESSAGES.as_bytes(), "messages differ");
    assert!(rows == ROWS.as_bytes(), "rows differ");
    let tally = books.tally();
    let kinds = [Kind::Add, Kind::Reduce, Kind::Delete, Kind::Execute];
    assert_eq!(kinds.map(|kind| tally.of(kind)), [1130, 140, 422, 761]);
    assert_eq!(tally.unknown_orders, 0);
    // FNV-1a over all numbers as 64-bit integers, as noted beside the golden files.
    let numbers = ROWS.lines().flat_map(|row| row.split(','));
    let bytes = numbers.flat_map(|n| n.parse::<i64>().unwrap().to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!(hash, 0xf1a7_1cc7_1648_2117);
}

#[test]
fn every_row_of_the_golden_pair_follows_from_the_messages() {
    let expected = Verification {
        equal: 2453,
        ..Verification::default()
    };
    assert_eq!(verify(MESSAGES, ROWS, false), expected);
}

#[test]
fn the_first_difference_is_told_with_its_row() {
    let wrong = ROWS.replacen(
        "999800,150,9999999999,0,999200,150",
        "999800,151,9999999999,0,999200,150",
        1,
    );
    let result = verify(MESSAGES, &wrong, false);
    let difference = Difference::Level {
        row: 3,
        side: Side::Buy,
        level: 1,
        from_messages: Some((999_800, 150)),
        in_row: Some((999_800, 151)),
    };
    assert_eq!((result.equal, result.difference), (2, Some(difference)));
    let lines: Vec<&str> = ROWS.lines().collect();
    let fewer = lines[..100].join("\n") + "\n";
    let ends = Some(Difference::RowsEnd { rows: 100 });
    assert_eq!(verify(MESSAGES, &fewer, false).difference, ends);
    let messages: Vec<&str> = MESSAGES.lines().collect();
    let fewer = messages[..100].join("\n") + "\n";
    let ends = Some(Difference::MessagesEnd { messages: 100 });
    assert_eq!(verify(&fewer, ROWS, false).difference, ends);
}

/// The golden recording as LOBSTER would sell it with three levels: it begins in the midst of the day and leaves out
/// messages that change nothing among the best three.
fn limited_pair() -> (String, String, usize) {
    let cut = |row: &str| row.split(',').take(12).collect::<Vec<_>>().join(",");
    let rows: Vec<String> = ROWS.lines().map(cut).collect();
    let (mut kept_messages, mut kept_rows) = (String::new(), String::new());
    let mut left_out = 0;
    for (index, message) in MESSAGES.lines().enumerate().skip(500) {
        if rows[index] == rows[index - 1] {
            left_out += 1;
            continue;
        }
        kept_messages.extend([message, "\n"]);
        kept_rows.extend([rows[index].as_str(), "\n"]);
    }
    (kept_messages, kept_rows, left_out)
}

#[test]
fn limited_files_are_checked_row_by_row() {
    let (messages, rows, left_out) = limited_pair();
    assert!(left_out > 500, "{left_out}");
    let count = rows.lines().count() as u64;
    let result = verify(&messages, &rows, false);
    assert_eq!(result.difference, None);
    assert!(result.limited && result.entered > 100, "{result:?}");
    assert_eq!(result.equal, count - 1);
    // A size within the rows that no message explains is still a difference.
    let mut lines: Vec<String> = rows.lines().map(str::to_owned).collect();
    let mut fields: Vec<String> = lines[700].split(',').map(str::to_owned).collect();
    fields[1] = (fields[1].parse::<u64>().unwrap() + 1).to_string();
    lines[700] = fields.join(",");
    let result = verify(&messages, &(lines.join("\n") + "\n"), false);
    assert!(
        matches!(
            result.difference,
            Some(Difference::Level {
                row: 701,
                side: Side::Sell,
                level: 1,
                ..
            })
        ),
        "{result:?}"
    );
}

/// A file whose book begins empty can be limited too, and has to be told.
#[test]
fn limited_files_may_begin_with_an_empty_book() {
    let cut = |row: &str| row.split(',').take(8).collect::<Vec<_>>().join(",");
    let rows: Vec<String> = ROWS.lines().map(cut).collect();
    let (mut messages, mut kept, mut before) = (String::new(), String::new(), "");
    for (message, row) in MESSAGES.lines().zip(&rows) {
        if row != before {
            messages.extend([message, "\n"]);
            kept.extend([row.as_str(), "\n"]);
        }
        before = row;
    }
    assert!(verify(&messages, &kept, false).difference.is_some());
    assert_eq!(verify(&messages, &kept, true).difference, None);
}

#[test]
fn all_types_are_read_and_written() {
    let text = "34200.000000001,1,5,100,1000000,1\n\
                34200.000000002,5,0,30,1000050,-1\n\
                34200.500000000,6,0,1200,1000000,0\n\
                34201.000000000,7,0,0,-1,-1\n\
                34202.000000000,7,0,0,0,-1\n\
                34203.000000000,7,0,0,1,-1\n\
                34204.000000000,2,5,40,1000000,1\n\
                34205.000000000,4,5,10,1000000,1\n\
                34206.000000000,3,5,50,1000000,1\n";
    let events = events(&mut reader(text)).unwrap();
    let kinds: Vec<Kind> = events.iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [
            Kind::Add,
            Kind::Hidden,
            Kind::Cross,
            Kind::Halt,
            Kind::Quote,
            Kind::Resume,
            Kind::Reduce,
            Kind::Execute,
            Kind::Delete
        ]
    );
    let mut out = Vec::new();
    for event in &events {
        write_message(&mut out, event).unwrap();
    }
    assert_eq!(String::from_utf8(out).unwrap(), text);
}

#[test]
fn times_are_exact_whatever_their_decimals() {
    for (text, nanoseconds) in [
        ("34200", 34_200_000_000_000u64),
        ("34200.5", 34_200_500_000_000),
        ("34200.189607670", 34_200_189_607_670),
        ("57599.999999999", 57_599_999_999_999),
    ] {
        let line = format!("{text},1,1,1,1,1\n");
        assert_eq!(reader(&line).read().unwrap().unwrap().time_ns, nanoseconds);
    }
}

#[test]
fn errors_tell_line_and_column() {
    let good = "34200.1,1,5,100,1000000,1\n";
    for (bad, said) in [
        (
            "34200.2,1,5,100,1000000,-1\n",
            "line 2, column 1: order 5 is added, but rests in the book already",
        ),
        (
            "34200.05,1,6,100,1000000,1\n",
            "line 2, column 1: time goes back by 50000000 ns, to 34200050000000 ns",
        ),
        (
            "34200.2,4,5,101,1000000,1\n",
            "line 2, column 1: order 5 loses 101, but has only 100",
        ),
        (
            "34200.2,8,5,100,1000000,1\n",
            "line 2, column 9: type: expected 1 to 7, found `8`",
        ),
        (
            "34200.2,1,5,1x0,1000000,1\n",
            "line 2, column 13: size: expected a whole number from 0, found `1x0`",
        ),
        (
            "34200.2,1,5,100,1000000,2\n",
            "line 2, column 25: direction: expected 1 or -1, found `2`",
        ),
        (
            "34200.2,7,0,0,5,-1\n",
            "line 2, column 15: price: expected -1, 0 or 1 for a trading status, found `5`",
        ),
        (
            "34200.1234567891,1,6,1,1,1\n",
            "line 2, column 1: time: expected seconds with at most nine decimals, found `34200.1234567891`",
        ),
        (
            "34200.2,1,6,100,1000000\n",
            "line 2, column 1: expected 6 fields, found 5",
        ),
        (
            "34200.2,1,6,100,99999999999999999999,1\n",
            "line 2, column 17: price: expected a whole number, found `99999999999999999999`",
        ),
        (
            "34200.2,1,6,100,1000000,1",
            "line 2, column 26: the file is cut off: its last line does not end (add a newline if this line is complete)",
        ),
    ] {
        assert_eq!(fault(&mut reader(&format!("{good}{bad}"))), said);
    }
    let long = "1".repeat(100_000);
    assert_eq!(
        fault(&mut reader(&long)),
        "line 1, column 1: a line of more than 1024 bytes: this is no LOBSTER message file"
    );
}

#[test]
fn rows_are_checked_too() {
    let mut row = BookRow::default();
    for (text, said) in [
        ("1,2,3\n", "line 1, column 1: expected 4 fields, found 3"),
        (
            "1,2,3,x\n",
            "line 1, column 7: bid size: expected a whole number, found `x`",
        ),
        (
            "1,0,3,4\n",
            "line 1, column 3: ask size: expected 0 at an empty level, more than 0 at any other, found `0`",
        ),
        (
            "1,-5,3,4\n",
            "line 1, column 3: ask size: expected a size from 0, found `-5`",
        ),
        (
            "3,2,3,4\n",
            "line 1, column 1: the book is crossed: the best bid 3 is not below the best ask 3",
        ),
        (
            "1,2,3,4",
            "line 1, column 8: the file is cut off: its last line does not end (add a newline if this line is complete)",
        ),
    ] {
        let error = RowReader::new(text.as_bytes()).read(&mut row).unwrap_err();
        assert_eq!(error.to_string(), said);
    }
    let mut reader = RowReader::new(&b"3,2,1,4\n3,2,1,4,5,6,0,8\n"[..]);
    assert!(reader.read(&mut row).unwrap());
    let error = reader.read(&mut row).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 2, column 1: expected 4 fields, found 8"
    );
}

#[test]
fn a_file_cut_anywhere_but_between_lines_is_an_error() {
    let head: Vec<&str> = MESSAGES.lines().take(40).collect();
    let text = head.join("\n") + "\n";
    for end in 1..text.len() {
        let whole = text.as_bytes()[end - 1] == b'\n';
        assert_eq!(events(&mut reader(&text[..end])).is_ok(), whole, "{end}");
    }
    let head: Vec<&str> = ROWS.lines().take(5).collect();
    let text = head.join("\n") + "\n";
    for end in 1..text.len() {
        let whole = text.as_bytes()[end - 1] == b'\n';
        let mut reader = RowReader::new(&text.as_bytes()[..end]);
        let mut row = BookRow::default();
        let outcome = loop {
            match reader.read(&mut row) {
                Ok(true) => {}
                other => break other,
            }
        };
        assert_eq!(outcome.is_ok(), whole, "{end}");
    }
}

#[test]
fn file_names_say_what_is_in_them() {
    let text = "AAPL_2012-06-21_34200000_57600000_orderbook_10.csv";
    let name = FileName::parse(text).unwrap();
    assert_eq!(
        (name.ticker.as_str(), name.levels, name.is_book),
        ("AAPL", 10, true)
    );
    assert_eq!(name.to_string(), text);
    for wrong in [
        "lobster_message_10.csv",
        "AAPL_20120621xx_34200000_57600000_message_10.csv",
        "AAPL_2012-06-21_34200000_57600000_trades_10.csv",
        "_2012-06-21_34200000_57600000_message_10.csv",
    ] {
        assert_eq!(FileName::parse(wrong), None, "{wrong}");
    }
    let name = FileName::parse("BRK_A_2012-06-21_34200000_57600000_message_1.csv").unwrap();
    assert_eq!(name.ticker, "BRK_A");
}

fn any_event() -> impl Strategy<Value = FeedEvent> {
    let kind = prop::sample::select(vec![
        Kind::Add,
        Kind::Reduce,
        Kind::Delete,
        Kind::Execute,
        Kind::Hidden,
        Kind::Halt,
        Kind::Quote,
        Kind::Resume,
    ]);
    (
        kind,
        0..u64::MAX,
        any::<bool>(),
        0..i64::MAX as u64,
        0..i64::MAX as u64,
        any::<i32>(),
    )
        .prop_map(|(kind, time_ns, buy, order_id, size, price)| {
            let event = FeedEvent {
                kind,
                ..FeedEvent::other(time_ns, 0)
            };
            if matches!(kind, Kind::Halt | Kind::Quote | Kind::Resume) {
                return event;
            }
            let side = Some(if buy { Side::Buy } else { Side::Sell });
            FeedEvent {
                side,
                order_id,
                size,
                price: Some(i64::from(price)),
                ..event
            }
        })
}

proptest! {
    #[test]
    fn any_event_comes_back(event in any_event()) {
        let mut line = Vec::new();
        write_message(&mut line, &event).unwrap();
        let read = MessageReader::new(line.as_slice(), "TEST").read().unwrap().unwrap();
        prop_assert_eq!(read, event);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..2000) {
        let mut text = MESSAGES.as_bytes()[..4000].to_vec();
        text.splice(at..=at, bytes);
        let _ = events(&mut MessageReader::new(text.as_slice(), "TEST"));
        let _ = RowReader::new(text.as_slice()).read(&mut BookRow::default());
    }
}
