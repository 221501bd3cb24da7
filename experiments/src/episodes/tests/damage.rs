//! Whatever has happened to the files, reading them says so and never panics.

use std::{fs, path::Path, sync::LazyLock};

use proptest::prelude::*;

use super::{played, zoo::zoo};
use crate::episodes::{
    EpisodeError, EpisodeId, EpisodeLog, LoadedSegment, Recorder,
    format::{FileSchema, FileWriter, Levels, Values, check, open},
    listing::INDEX,
    segment,
};

const FIRST: &str = "episodes/train-000000.parquet";

/// A trial with one small segment, and that segment's bytes.
fn small() -> (tempfile::TempDir, Vec<u8>) {
    let trial = tempfile::tempdir().unwrap();
    played(trial.path(), &mut zoo(2, 1), 30, 1000);
    let bytes = fs::read(trial.path().join(FIRST)).unwrap();
    (trial, bytes)
}

fn read(path: &Path, bytes: &[u8]) -> Result<LoadedSegment, EpisodeError> {
    fs::write(path, bytes).unwrap();
    LoadedSegment::read(path)
}

#[test]
fn a_flipped_bit_anywhere_is_noticed_and_its_place_named() {
    let (_trial, bytes) = small();
    let path = Path::new("segment.parquet");
    assert!(check(path, &bytes).is_ok());
    let mut places = Vec::new();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        match check(path, &damaged) {
            Err(EpisodeError::Damaged { place, .. }) => places.push(place),
            other => panic!("byte {at}: {other:?}"),
        }
    }
    assert_eq!(places[0], "its start (bytes 0..4)");
    assert!(
        places[4].starts_with("column `episode` (bytes 4.."),
        "{}",
        places[4]
    );
    let price = places
        .iter()
        .filter(|p| p.contains("column `player/observation/price`"));
    // 60 steps and their final observations, 4 bytes each, hardly compressible.
    assert!(price.count() > 200);
    assert!(places[bytes.len() - 9].starts_with("its footer"));
    assert!(places[bytes.len() - 1].starts_with("its end"));
}

#[test]
fn a_file_cut_short_or_grown_is_noticed() {
    let (_trial, mut bytes) = small();
    let path = Path::new("segment.parquet");
    for length in 0..bytes.len() {
        assert!(check(path, &bytes[..length]).is_err(), "{length}");
    }
    bytes.extend_from_slice(b"PAR1");
    assert!(check(path, &bytes).is_err());
}

#[test]
fn damaged_foreign_and_missing_files_are_reported_beside_the_good_ones() {
    let trial = tempfile::tempdir().unwrap();
    let folder = trial.path().join("episodes");
    let episodes = played(trial.path(), &mut zoo(3, 5), 200, 60);
    let whole = EpisodeLog::open(trial.path()).unwrap();
    assert!(whole.problems().is_empty());
    let segments = fs::read_dir(&folder).unwrap().count() - 1;
    assert!(segments > 6, "{segments}");

    fs::write(folder.join("train-000099.parquet.tmp"), "half").unwrap();
    fs::write(folder.join("notes.parquet"), "mine").unwrap();
    fs::write(folder.join("train-000002.parquet"), "not parquet").unwrap();
    let mut bytes = fs::read(folder.join("train-000003.parquet")).unwrap();
    bytes[100] ^= 4;
    fs::write(folder.join("train-000003.parquet"), bytes).unwrap();
    fs::remove_file(folder.join("train-000004.parquet")).unwrap();
    let log = EpisodeLog::open(trial.path()).unwrap();
    assert_eq!(log.torn(), [folder.join("train-000099.parquet.tmp")]);
    let mut problems: Vec<String> = log.problems().iter().map(ToString::to_string).collect();
    problems.sort();
    let expect = [
        "notes.parquet is not an episode file: its name",
        "train-000002.parquet is not an episode file: it is not a Parquet file",
        "train-000003.parquet is damaged at column `",
        "train-000004.parquet is missing: it should hold episodes before",
        "train-000004.parquet is missing: it should hold",
    ];
    assert_eq!(problems.len(), expect.len(), "{problems:?}");
    for text in expect {
        assert!(
            problems.iter().any(|p| p.contains(text)),
            "{text}: {problems:?}"
        );
    }
    let good = log.read_all().filter_map(Result::ok).count();
    assert!(good > episodes.len() / 2 && good < episodes.len(), "{good}");

    // The index hides nothing: a damaged segment shows when it is read.
    let trial = tempfile::tempdir().unwrap();
    played(trial.path(), &mut zoo(1, 5), 30, 60);
    let path = trial.path().join(FIRST);
    let mut bytes = fs::read(&path).unwrap();
    bytes[100] ^= 4;
    fs::write(&path, bytes).unwrap();
    let log = EpisodeLog::open(trial.path()).unwrap();
    assert!(log.problems().is_empty());
    let errors: Vec<_> = log.read_all().filter_map(Result::err).collect();
    assert!(
        matches!(errors[..], [EpisodeError::Damaged { .. }]),
        "{errors:?}"
    );
}

#[test]
fn a_damaged_or_outdated_index_is_not_trusted() {
    let trial = tempfile::tempdir().unwrap();
    played(trial.path(), &mut zoo(3, 5), 100, 60);
    let path = trial.path().join("episodes").join(INDEX);
    let listed = |log: &EpisodeLog| log.episodes().to_vec();
    let indexed = EpisodeLog::open(trial.path()).unwrap();
    let bytes = fs::read(&path).unwrap();

    fs::remove_file(&path).unwrap();
    let scanned = EpisodeLog::open(trial.path()).unwrap();
    assert!(scanned.problems().is_empty());
    assert_eq!(listed(&scanned).len(), listed(&indexed).len());
    for (a, b) in scanned.episodes().iter().zip(indexed.episodes()) {
        // Compared as text: NaN is among the returns.
        assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }
    assert_eq!(scanned.players(), indexed.players());

    let mut damaged = bytes.clone();
    damaged[50] ^= 1;
    fs::write(&path, damaged).unwrap();
    let log = EpisodeLog::open(trial.path()).unwrap();
    assert!(matches!(log.problems(), [EpisodeError::Damaged { .. }]));
    assert_eq!(listed(&log).len(), listed(&indexed).len());

    // An evaluation made later is not in the index.
    fs::write(&path, bytes).unwrap();
    let folder = trial.path().join("episodes");
    fs::copy(
        folder.join("train-000000.parquet"),
        folder.join("train-999999.parquet"),
    )
    .unwrap();
    assert!(
        !EpisodeLog::open(trial.path())
            .unwrap()
            .problems()
            .is_empty()
    );
}

#[test]
fn other_versions_and_other_programs_are_told_apart() {
    let (trial, bytes) = small();
    let path = trial.path().join("other.parquet");
    let table = arrow_array::RecordBatch::try_from_iter([(
        "x",
        std::sync::Arc::new(arrow_array::Int32Array::from(vec![1, 2])) as arrow_array::ArrayRef,
    )])
    .unwrap();
    let foreign = crate::files::parquet_bytes(&table, &[]).unwrap();
    let schema = FileSchema::of(&table.schema()).unwrap();
    let sealed = |key: &str, header: String| {
        let mut file = FileWriter::new(&path, Vec::new(), &schema);
        let values = [1_i32, 2].map(i32::to_le_bytes).concat();
        file.column(
            &Levels::nullable([(true, 2)].into_iter()),
            &Values::plain(&values),
        )
        .unwrap();
        file.end_group(2).unwrap();
        file.finish(key, header).unwrap()
    };
    let error = read(&path, &foreign).unwrap_err().to_string();
    assert!(
        error.ends_with("its footer (the seal)") || error.contains("did not write"),
        "{error}"
    );
    for (key, header) in [
        (segment::KEY, r#"{"format":2,"news":true}"#),
        (segment::KEY, r#"{"format":1}"#),
        (segment::KEY, "nonsense"),
        ("palaestra.other", "{}"),
    ] {
        let bytes = sealed(key, header.into());
        match read(&path, &bytes).unwrap_err() {
            EpisodeError::Version { found: 2, .. } => assert!(header.contains("news")),
            EpisodeError::Foreign { .. } => assert!(!header.contains("news")),
            other => panic!("{header}: {other}"),
        }
    }
    // The header of a real segment over another table.
    let (header, _) = open(&path, bytes, segment::KEY).unwrap();
    let bytes = sealed(segment::KEY, header);
    assert!(matches!(
        read(&path, &bytes),
        Err(EpisodeError::Foreign { .. })
    ));
}

#[test]
fn an_unknown_episode_is_an_error() {
    let (trial, _) = small();
    let log = EpisodeLog::open(trial.path()).unwrap();
    let id: EpisodeId = "eval-3-1".parse().unwrap();
    assert!(matches!(log.read(id), Err(EpisodeError::Unknown { .. })));
    let empty = EpisodeLog::open(&trial.path().join("nothing")).unwrap();
    assert!(empty.episodes().is_empty() && empty.problems().is_empty());
}

/// A recorder's saved state somewhere in the middle.
fn saved() -> (Recorder, Vec<u8>) {
    let trial = tempfile::tempdir().unwrap();
    let mut simulator = zoo(2, 1);
    simulator.reset().unwrap();
    let mut recorder = super::zoo::recorder(trial.path(), &simulator, 1000);
    recorder.begin(&simulator).unwrap();
    let mut rng = palaestra_envs::stream::Stream::new(0, 0, "actions");
    for _ in 0..50 {
        super::zoo::choose(&mut simulator, &mut rng);
        simulator.step().unwrap();
        recorder.step(&simulator).unwrap();
    }
    let bytes = recorder.save().unwrap();
    (recorder, bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_changes_never_pass_and_never_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| small().1);
        let trial = tempfile::tempdir().unwrap();
        fs::create_dir(trial.path().join("episodes")).unwrap();
        let mut damaged = BYTES.clone();
        for (at, value) in &edits {
            let at = at.index(damaged.len());
            damaged[at] = *value;
        }
        if let Some(cut) = cut {
            damaged.truncate(cut.index(damaged.len()));
        }
        let outcome = read(&trial.path().join(FIRST), &damaged);
        prop_assert_eq!(outcome.is_ok(), damaged == *BYTES);
        EpisodeLog::open(trial.path()).unwrap();
    }

    #[test]
    fn bytes_of_any_kind_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut framed = b"PAR1".to_vec();
        framed.extend_from_slice(&bytes);
        framed.extend_from_slice(br#"palaestra.seal"{"crc32c":""#);
        framed.extend_from_slice(&bytes);
        framed.extend_from_slice(b"PAR1");
        for bytes in [bytes, framed] {
            prop_assert!(check(Path::new("x"), &bytes).is_err());
        }
    }

    #[test]
    fn damaged_saved_states_are_refused_or_harmless(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (mut recorder, mut bytes) = saved();
        for (at, value) in &edits {
            let at = at.index(bytes.len());
            bytes[at] = *value;
        }
        if recorder.restore(&bytes).is_ok() {
            // Where no length or type is hit, only values differ.
            let _ = recorder.finish();
        }
        prop_assert!(recorder.restore(&bytes[..bytes.len() / 2]).is_err());
    }
}
