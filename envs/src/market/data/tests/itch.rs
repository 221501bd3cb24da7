use proptest::prelude::*;
use serde_json::Value;

use super::{
    super::{
        FeedEvent, FeedReader, Kind, RecordedBooks, Rules, Side,
        itch::{FrameReader, Header, ItchReader, ItchWriter, Message},
    },
    MESSAGES, events, fault,
};

const GOLDEN: &str = include_str!("../../../../../tests/golden/market/itch50.json");

/// All types with the length that the specification gives.
const LENGTHS: [(u8, usize); 23] = [
    (b'S', 12),
    (b'R', 39),
    (b'H', 25),
    (b'Y', 20),
    (b'L', 26),
    (b'V', 35),
    (b'W', 12),
    (b'K', 28),
    (b'J', 35),
    (b'h', 21),
    (b'A', 36),
    (b'F', 40),
    (b'E', 31),
    (b'C', 36),
    (b'X', 23),
    (b'D', 19),
    (b'U', 35),
    (b'P', 44),
    (b'Q', 40),
    (b'B', 19),
    (b'I', 50),
    (b'N', 20),
    (b'O', 48),
];

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn golden() -> (Value, Vec<u8>) {
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    let stream = bytes(golden["stream_hex"].as_str().unwrap());
    (golden, stream)
}

fn letter(byte: u8) -> Value {
    Value::from(char::from(byte).to_string())
}

fn name(stock: &[u8]) -> Value {
    Value::from(String::from_utf8_lossy(stock).trim_end())
}

/// A decoded message under the names of the golden file.
fn fields(header: &Header, message: &Message) -> Value {
    let mut fields = serde_json::json!({
        "type": letter(message.letter()), "locate": header.locate,
        "tracking": header.tracking, "timestamp_ns": header.timestamp_ns,
    });
    let more = match message {
        Message::SystemEvent(m) => vec![("event", letter(m.event))],
        Message::StockDirectory(m) => vec![
            ("stock", name(&m.stock)),
            ("market_category", letter(m.market_category)),
            ("round_lot", m.round_lot_size.into()),
        ],
        Message::AddOrder(m) => vec![
            ("ref", m.reference.into()),
            ("side", letter(m.side)),
            ("shares", m.shares.into()),
            ("stock", name(&m.stock)),
            ("price", m.price.into()),
        ],
        Message::AddOrderMpid(m) => vec![
            ("ref", m.reference.into()),
            ("side", letter(m.side)),
            ("shares", m.shares.into()),
            ("stock", name(&m.stock)),
            ("price", m.price.into()),
            ("mpid", name(&m.attribution)),
        ],
        Message::OrderExecuted(m) => vec![
            ("ref", m.reference.into()),
            ("shares", m.shares.into()),
            ("match", m.match_number.into()),
        ],
        Message::OrderExecutedWithPrice(m) => vec![
            ("ref", m.reference.into()),
            ("shares", m.shares.into()),
            ("match", m.match_number.into()),
            ("printable", letter(m.printable)),
            ("price", m.price.into()),
        ],
        Message::OrderCancel(m) => vec![
            ("ref", m.reference.into()),
            ("cancelled", m.cancelled.into()),
        ],
        Message::OrderDelete(m) => vec![("ref", m.reference.into())],
        Message::OrderReplace(m) => vec![
            ("old_ref", m.original.into()),
            ("new_ref", m.replacement.into()),
            ("shares", m.shares.into()),
            ("price", m.price.into()),
        ],
        Message::Trade(m) => vec![
            ("ref", m.reference.into()),
            ("side", letter(m.side)),
            ("shares", m.shares.into()),
            ("stock", name(&m.stock)),
            ("price", m.price.into()),
            ("match", m.match_number.into()),
        ],
        Message::CrossTrade(m) => vec![
            ("shares", m.shares.into()),
            ("stock", name(&m.stock)),
            ("price", m.price.into()),
            ("match", m.match_number.into()),
            ("cross", letter(m.cross_type)),
        ],
        Message::BrokenTrade(m) => vec![("match", m.match_number.into())],
        other => panic!("{other:?} is not among the golden messages"),
    };
    for (key, value) in more {
        fields[key] = value;
    }
    fields
}

#[test]
fn the_golden_messages_are_decoded_and_encoded() {
    let (golden, stream) = golden();
    let mut reader = FrameReader::new(stream.as_slice());
    let messages = golden["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 12);
    for expected in messages {
        let (header, message) = reader.read().unwrap().unwrap();
        assert_eq!(fields(&header, &message), expected["fields"]);
        let mut encoded = Vec::new();
        message.encode(&header, &mut encoded);
        assert_eq!(encoded, bytes(expected["hex"].as_str().unwrap()));
    }
    assert_eq!(reader.read().unwrap(), None);
    let mut writer_output = Vec::new();
    let mut writer = ItchWriter::new(&mut writer_output);
    let mut reader = FrameReader::new(stream.as_slice());
    while let Some((header, message)) = reader.read().unwrap() {
        writer.write_message(&header, &message).unwrap();
    }
    assert_eq!(writer_output, stream);
}

#[test]
fn the_golden_book_is_left() {
    let (golden, stream) = golden();
    let mut reader = ItchReader::new(stream.as_slice());
    let mut books = RecordedBooks::new(Rules::Strict);
    while let Some(mut event) = reader.read().unwrap() {
        books.apply(&mut event, reader.position()).unwrap();
    }
    assert_eq!(books.num_symbols(), 1);
    let book = books.book(7).unwrap();
    let side = |side| -> Value {
        let levels = book.levels(side).map(|(price, level)| {
            assert_eq!(level.orders, 1);
            serde_json::json!([price, level.size, 12])
        });
        levels.collect()
    };
    assert_eq!(side(Side::Buy), golden["book_after"]["bids"]);
    assert_eq!(side(Side::Sell), golden["book_after"]["asks"]);
    assert_eq!(reader.symbol(7), Some("TEST"));
    assert_eq!(reader.symbols(), [(7, "TEST".to_owned())]);
    assert!(
        reader
            .doubt()
            .unwrap()
            .starts_with("no message ends the day")
    );
}

#[test]
fn lengths_are_those_of_the_specification() {
    for (letter, length) in LENGTHS {
        assert_eq!(
            Message::length(letter),
            Some(length),
            "{}",
            char::from(letter)
        );
        let mut bytes = vec![letter];
        bytes.resize(length + 1, 0);
        assert!(Message::decode(&bytes).is_err());
        assert!(Message::decode(&bytes[..length - 1]).is_err());
        assert!(Message::decode(&bytes[..length]).is_ok());
    }
    let known = |letter: u8| LENGTHS.iter().any(|(l, _)| *l == letter);
    assert!((0..=255).all(|letter| Message::length(letter).is_some() == known(letter)));
}

#[test]
fn errors_tell_the_offset() {
    let (_, stream) = golden();
    // The third message, an addition, begins at byte 14 + 41.
    let with = |offset: usize, byte: u8| {
        let mut changed = stream.clone();
        changed[55 + offset] = byte;
        fault(&mut ItchReader::new(changed.as_slice()))
    };
    assert_eq!(with(2, b'Z'), "byte 55: unknown message type `Z`");
    assert_eq!(
        with(1, 35),
        "byte 55: message type A has 36 bytes, but this record says 35"
    );
    assert_eq!(with(21, b'X'), "byte 55: unknown side `X`");
    let back = with(7, 0x1e);
    assert!(back.starts_with("byte 55: time goes back by "), "{back}");
    let mut twice = stream[55..93].to_vec();
    twice.extend_from_within(..);
    assert_eq!(
        fault(&mut ItchReader::new(twice.as_slice())),
        "byte 38: order 11 is added, but rests in the book already"
    );
}

#[test]
fn a_file_cut_anywhere_but_between_messages_is_an_error() {
    let (_, stream) = golden();
    let mut ends = vec![0];
    let mut reader = FrameReader::new(stream.as_slice());
    let mut end = 0;
    while let Some((_, message)) = reader.read().unwrap() {
        end += 2 + Message::length(message.letter()).unwrap();
        ends.push(end);
    }
    for end in 0..=stream.len() {
        let read = events(&mut ItchReader::new(&stream[..end]));
        assert_eq!(read.is_ok(), ends.contains(&end), "{end}");
    }
}

#[test]
fn a_length_of_0_ends_the_session() {
    let (_, mut stream) = golden();
    stream.extend([0, 0]);
    assert_eq!(
        events(&mut ItchReader::new(stream.as_slice()))
            .unwrap()
            .len(),
        12
    );
}

/// LOBSTER's golden messages, written as ITCH, make the same events.
#[test]
fn events_come_back_through_the_writer() {
    let lobster = &mut super::super::lobster::MessageReader::new(MESSAGES.as_bytes(), "TEST");
    let written = events(lobster).unwrap();
    let mut file = Vec::new();
    let mut writer = ItchWriter::new(&mut file);
    for event in &written {
        writer.write(event, "TEST", event.price).unwrap();
    }
    writer.finish().unwrap();
    let mut read = events(&mut ItchReader::new(file.as_slice())).unwrap();
    assert_eq!(read.remove(0).kind, Kind::Other, "the directory");
    assert_eq!(read, written);
}

#[test]
fn what_the_protocol_cannot_hold_is_refused() {
    let good = FeedEvent {
        kind: Kind::Add,
        side: Some(Side::Buy),
        order_id: 1,
        size: 1,
        price: Some(1),
        ..FeedEvent::other(1, 1)
    };
    let said = |event: FeedEvent, symbol: &str| {
        let refused = ItchWriter::new(Vec::new()).write(&event, symbol, None);
        refused.unwrap_err().to_string()
    };
    let size = 1 << 32;
    assert_eq!(
        said(FeedEvent { size, ..good }, "A"),
        "`add`: the size is beyond what ITCH holds"
    );
    let price = Some(-1);
    assert_eq!(
        said(FeedEvent { price, ..good }, "A"),
        "`add`: the price is beyond what ITCH holds"
    );
    let side = None;
    assert_eq!(
        said(FeedEvent { side, ..good }, "A"),
        "`add`: its side is not known"
    );
    assert_eq!(
        said(good, "LONGSYMBOL"),
        "`add`: the name of the symbol is beyond what ITCH holds"
    );
    let kind = Kind::SetLevel;
    assert_eq!(
        said(FeedEvent { kind, ..good }, "A"),
        "ITCH has nothing for `set_level`"
    );
}

proptest! {
    #[test]
    fn any_message_comes_back(which in 0..LENGTHS.len(), body in prop::collection::vec(any::<u8>(), 49)) {
        let (letter, length) = LENGTHS[which];
        let mut message = vec![letter];
        message.extend(&body[..length - 1]);
        let (header, decoded) = Message::decode(&message).unwrap();
        let mut encoded = Vec::new();
        decoded.encode(&header, &mut encoded);
        prop_assert_eq!(encoded, message);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), at in 0usize..380) {
        let (_, mut stream) = golden();
        stream.splice(at..=at, bytes);
        let _ = events(&mut ItchReader::new(stream.as_slice()));
    }
}
