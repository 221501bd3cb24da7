//! Recordings as backgrounds.

use super::*;

/// The levels of both sides.
fn levels(kernel: &Kernel) -> [Vec<(i64, u64)>; 2] {
    let book = kernel.book(Symbol(0));
    Side::BOTH.map(|side| {
        let best = book.levels(side).take(10);
        best.map(|level| (level.price, level.size as u64)).collect()
    })
}

/// Every window of a LOBSTER file, played through a matching engine, ends with the levels that the orderbook file tells.
#[test]
fn a_recording_leads_to_the_levels_that_it_tells() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/market");
    let file = std::fs::File::open(format!("{folder}/lobster_orderbook_10.csv")).unwrap();
    let mut reader = crate::market::data::lobster::RowReader::new(std::io::BufReader::new(file));
    let (mut rows, mut row) = (Vec::new(), crate::market::data::lobster::BookRow::default());
    while reader.read(&mut row).unwrap() {
        rows.push(
            Side::BOTH.map(|side| row.side(side).iter().flatten().copied().collect::<Vec<_>>()),
        );
    }
    for (window, windows) in [(0.0, 1), (12.0, 3)] {
        for book in [false, true] {
            let config = RecordingConfig {
                file: format!("{folder}/lobster_message_10.csv").into(),
                book: book.then(|| format!("{folder}/lobster_orderbook_10.csv").into()),
                window,
                ..RecordingConfig::default()
            };
            let recording = std::sync::Arc::new(Recording::read(&config).unwrap());
            assert_eq!(recording.windows(), windows);
            let mut ends: Vec<usize> = (0..windows).map(|i| recording.window(i).end).collect();
            let mut flow = Replay::of(Symbol(0), recording);
            // Each window is drawn at some time.
            for seed in 0..30 {
                let (kernel, counts) = run(&mut flow, seed, 60);
                assert_eq!((flow.remaining(), counts.rejected), (0, 0));
                let found = ends
                    .iter()
                    .position(|&end| rows[end - 1] == levels(&kernel));
                if let Some(found) = found {
                    ends.remove(found);
                }
            }
            assert!(ends.is_empty(), "{window} {book}: {ends:?}");
        }
    }
}

#[test]
fn what_is_no_recording_is_refused_with_its_key() {
    for (key, config) in [
        ("file", RecordingConfig::default()),
        (
            "file",
            RecordingConfig {
                file: "/no/such/file.csv".into(),
                ..RecordingConfig::default()
            },
        ),
        (
            "window",
            RecordingConfig {
                file: "x".into(),
                window: -1.0,
                ..RecordingConfig::default()
            },
        ),
    ] {
        let refused = Recording::read(&config).unwrap_err();
        assert!(
            refused.to_string().starts_with(&format!("`{key}`")),
            "{refused}"
        );
    }
}

/// Writes a message file and reads it as a recording.
fn read(name: &str, lines: &[&str]) -> Result<Recording, EnvError> {
    let name = format!("palaestra-{}-{name}.csv", std::process::id());
    let file = std::env::temp_dir().join(name);
    let text = lines.join("\n") + "\n";
    std::fs::write(&file, text).unwrap();
    let config = RecordingConfig {
        file: file.clone(),
        ..RecordingConfig::default()
    };
    let recording = Recording::read(&config);
    std::fs::remove_file(file).unwrap();
    recording
}

/// The third line of each contradicts those before it.
#[test]
fn a_recording_that_contradicts_itself_is_refused_with_its_line() {
    let before = ["34200.1,1,11,100,10000,1", "34200.2,1,12,100,10100,-1"];
    for (name, third, key, what) in [
        (
            "time",
            "34200.15,1,13,100,10000,1",
            "file",
            "time goes back by 50000000 ns",
        ),
        (
            "id",
            "34200.3,1,11,100,9900,1",
            "file",
            "order 11 is added, but rests in the book already",
        ),
        (
            "size",
            "34200.3,2,11,101,10000,1",
            "file",
            "order 11 loses 101, but has only 100",
        ),
        (
            "executed",
            "34200.3,4,12,101,10100,-1",
            "file",
            "order 12 loses 101, but has only 100",
        ),
        (
            "nothing",
            "34200.3,1,13,0,10000,1",
            "file",
            "add without a size",
        ),
        (
            "large",
            "34200.3,1,13,5000000000,10000,1",
            "file",
            "the order book refuses it",
        ),
        (
            "tick",
            "34200.3,1,13,100,9950,1",
            "tick",
            "the price is not a multiple of the tick",
        ),
        // A sell through the bid would have traded, so that the bid cannot be there to be withdrawn.
        (
            "gone",
            "34200.3,1,13,100,10000,-1",
            "file",
            "no order with this id is live",
        ),
    ] {
        let lines = [before[0], before[1], third, "34200.4,3,11,100,10000,1"];
        let error = read(name, &lines).unwrap_err().to_string();
        let line = if name == "gone" { 4 } else { 3 };
        assert!(error.starts_with(&format!("`{key}`: ")), "{error}");
        assert!(
            error.contains(&format!(": line {line}, column ")),
            "{error}"
        );
        assert!(error.contains(what), "{error}");
    }
    let fine = [
        before[0],
        before[1],
        "34200.2,2,11,40,10000,1",
        "34200.4,3,11,60,10000,1",
    ];
    assert_eq!(read("fine", &fine).unwrap().messages().len(), 4);
}

/// Shares that stood before the first message cannot lose more than the orderbook file says.
#[test]
fn more_than_stood_before_is_refused() {
    let folder = std::env::temp_dir();
    let path =
        |part: &str| folder.join(format!("palaestra-{}-stood-{part}.csv", std::process::id()));
    std::fs::write(
        path("message"),
        "1.0,1,5,10,9900,1\n2.0,3,4,60,10000,1\n3.0,3,3,50,10000,1\n",
    )
    .unwrap();
    std::fs::write(path("book"), "10100,10,10000,100,9999999999,0,9900,10\n").unwrap();
    let config = RecordingConfig {
        file: path("message"),
        book: Some(path("book")),
        ..RecordingConfig::default()
    };
    let error = Recording::read(&config).unwrap_err().to_string();
    for part in ["message", "book"] {
        std::fs::remove_file(path(part)).unwrap();
    }
    assert!(
        error.contains(": line 3, column 1: order 3 loses 50, but has only 40"),
        "{error}"
    );
}
