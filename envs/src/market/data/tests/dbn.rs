use proptest::prelude::*;

use super::{
    super::{
        FeedEvent, FeedReader, Kind, RecordedBooks, Rules, Side,
        dbn::{Action, DbnReader, DbnWriter, MboRecord, Metadata},
    },
    MESSAGES, events, fault,
};

/// The same records in three versions of the format, written by the vendor's own encoder.
const V1: &[u8] = include_bytes!("../../../../../tests/golden/market/mbo_v1.dbn");
const V2: &[u8] = include_bytes!("../../../../../tests/golden/market/mbo_v2.dbn");
const V3: &[u8] = include_bytes!("../../../../../tests/golden/market/mbo_v3.dbn");

/// 2024-05-08T13:30:00Z
const START: u64 = 1_715_175_000_000_000_000;

fn read(bytes: &[u8]) -> Vec<FeedEvent> {
    events(&mut DbnReader::new(bytes).unwrap()).unwrap()
}

#[test]
fn all_versions_hold_the_same_records() {
    let mut lengths = Vec::new();
    for file in [V1, V2, V3] {
        let mut reader = DbnReader::new(file).unwrap();
        let metadata = Metadata {
            dataset: "XNAS.ITCH".into(),
            start_ns: START,
            ts_out: false,
            days: (20_240_508, 20_240_509),
            symbols: vec![(7, "TEST".into())],
        };
        assert_eq!(*reader.metadata(), metadata);
        assert_eq!(reader.symbol(7), Some("TEST"));
        let mut records = Vec::new();
        while let Some(record) = reader.record().unwrap() {
            records.push(record);
        }
        let expected = MboRecord {
            publisher: 2,
            instrument: 7,
            ts_event: START + 1,
            order_id: 11,
            price: 99_990_000_000,
            size: 300,
            flags: 128,
            channel: 1,
            action: Action::Add,
            side: Some(Side::Buy),
            ts_recv: START + 151,
            ts_in_delta: 120,
            sequence: 2,
        };
        assert_eq!(records[1], expected);
        let encoded: Vec<u8> = records.iter().flat_map(MboRecord::encode).collect();
        assert!(file.ends_with(&encoded), "records come back byte for byte");
        lengths.push(records.len());
        assert_eq!(read(file), read(V1));
    }
    assert_eq!(lengths, [17; 3]);
}

#[test]
fn fills_and_what_follows_them_are_executions() {
    let events = read(V3);
    let told: Vec<(Kind, u64, u64, Option<i64>)> = events
        .iter()
        .map(|event| {
            let cents = event.price.map(|price| price / 10_000_000);
            (event.kind, event.order_id, event.size, cents)
        })
        .collect();
    assert_eq!(
        told,
        [
            (Kind::Clear, 0, 0, None),
            (Kind::Add, 11, 300, Some(9999)),
            (Kind::Add, 12, 200, Some(10_001)),
            (Kind::Add, 13, 100, Some(10_002)),
            (Kind::Execute, 12, 50, Some(10_001)),
            (Kind::Reduce, 11, 100, Some(9999)),
            (Kind::Modify, 13, 100, Some(10_001)),
            (Kind::Hidden, 0, 75, Some(10_000)),
            (Kind::Execute, 12, 150, Some(10_001)),
            (Kind::Execute, 13, 30, Some(10_001)),
            (Kind::Modify, 13, 70, Some(10_001)),
            (Kind::Delete, 11, 200, Some(9999)),
            (Kind::Other, 0, 0, None),
        ]
    );
    assert_eq!(events[4].side, Some(Side::Sell));
    let mut books = RecordedBooks::new(Rules::Strict);
    let mut reader = DbnReader::new(V3).unwrap();
    while let Some(mut event) = reader.read().unwrap() {
        books.apply(&mut event, reader.position()).unwrap();
    }
    let book = books.book(7).unwrap();
    assert_eq!(book.best(Side::Buy), None);
    let (price, level) = book.best(Side::Sell).unwrap();
    assert_eq!((price, level.size, level.orders), (100_015_000_000, 70, 1));
}

fn written(events: &[FeedEvent]) -> Vec<u8> {
    let metadata = Metadata {
        dataset: "XNAS.ITCH".into(),
        symbols: vec![(0, "TEST".into())],
        days: (20_240_508, 20_240_509),
        ..Metadata::default()
    };
    let mut file = Vec::new();
    let mut writer = DbnWriter::new(&mut file, &metadata, 2).unwrap();
    for event in events {
        writer.write(event, 0).unwrap();
    }
    writer.finish().unwrap();
    file
}

#[test]
fn lobster_events_come_back_through_the_writer() {
    let lobster = &mut super::super::lobster::MessageReader::new(MESSAGES.as_bytes(), "TEST");
    let lobster = events(lobster).unwrap();
    let file = written(&lobster);
    assert_eq!(read(&file), lobster);
    assert_eq!(
        DbnReader::new(file.as_slice()).unwrap().symbol(0),
        Some("TEST")
    );
}

#[test]
fn errors_tell_the_offset() {
    let fault_of = |bytes: &[u8]| match DbnReader::new(bytes) {
        Ok(mut reader) => fault(&mut reader),
        Err(error) => error.to_string(),
    };
    let first = V3.len() - 17 * MboRecord::LEN;
    let with = |offset: usize, byte: u8| {
        let mut file = V3.to_vec();
        file[offset] = byte;
        fault_of(&file)
    };
    assert_eq!(
        with(0, b'X').split(" with ").next().unwrap(),
        "byte 0: this is no DBN file: it begins"
    );
    assert_eq!(
        with(3, 9),
        "byte 0: this is no DBN file: its version is 9, and 1 to 3 can be read"
    );
    assert_eq!(
        with(24, 3),
        "byte 26: this is no DBN MBO file: its schema is number 3, and MBO (0) is needed"
    );
    let at = first + 56;
    assert_eq!(
        with(at, 13),
        format!("byte {at}: a record of type 160 has 56 bytes, but this record says 52")
    );
    assert_eq!(
        with(at + 38, b'Z'),
        format!("byte {at}: unknown action `Z`")
    );
    assert_eq!(with(at + 39, b'Z'), format!("byte {at}: unknown side `Z`"));
    assert_eq!(
        with(at + 56 + 16, 11),
        format!(
            "byte {}: order 11 is added, but rests in the book already",
            at + 56
        )
    );
}

#[test]
fn a_file_cut_anywhere_but_between_records_is_an_error() {
    for file in [V1, V2, V3] {
        let first = file.len() - 17 * MboRecord::LEN;
        for end in 0..=file.len() {
            let read = DbnReader::new(&file[..end]).and_then(|mut reader| events(&mut reader));
            let whole = end >= first && (end - first).is_multiple_of(MboRecord::LEN);
            assert_eq!(read.is_ok(), whole, "{end}");
        }
    }
}

#[test]
fn records_of_other_types_are_passed_over() {
    let mut file = V2.to_vec();
    let first = file.len() - 17 * MboRecord::LEN;
    // A system message as gateways send them, 80 words long, and a short one.
    let mut other = vec![80, 0x17];
    other.resize(320, b'x');
    other.extend([4, 0x15]);
    other.resize(336, 0);
    file.splice(first..first, other);
    assert_eq!(read(&file), read(V2));
}

#[test]
fn snapshots_are_dated_by_their_receipt() {
    let add = |order_id, ts_event, flags| MboRecord {
        publisher: 2,
        instrument: 7,
        ts_event,
        order_id,
        price: 1_000_000_000,
        size: 1,
        flags,
        channel: 0,
        action: Action::Add,
        side: Some(Side::Buy),
        ts_recv: START,
        ts_in_delta: 0,
        sequence: 1,
    };
    let mut file = written(&[]);
    file.extend(add(1, START - 1_000, 32).encode());
    file.extend(add(2, START - 2_000, 32 | 128).encode());
    file.extend(add(3, u64::MAX, 128).encode());
    file.extend(add(4, START + 5, 128).encode());
    let times: Vec<u64> = read(&file)
        .iter()
        .map(|event| event.time_ns - START)
        .collect();
    assert_eq!(times, [0, 0, 0, 5]);
}

proptest! {
    #[test]
    fn any_record_comes_back(body in prop::array::uniform32(any::<u8>()), side in 0usize..3, action in 0usize..7) {
        let mut bytes = [0; MboRecord::LEN];
        bytes[2..34].copy_from_slice(&body);
        bytes[40..56].copy_from_slice(&body[16..]);
        (bytes[0], bytes[1]) = (14, 0xA0);
        (bytes[38], bytes[39]) = (b"ACMRTFN"[action], b"ABN"[side]);
        let record = MboRecord::decode(&bytes).unwrap();
        prop_assert_eq!(record.encode(), bytes);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), at in 0usize..1300) {
        let mut file = V3.to_vec();
        file.splice(at..=at, bytes);
        if let Ok(mut reader) = DbnReader::new(file.as_slice()) {
            let _ = events(&mut reader);
        }
    }
}
