//! What is read is what was played, and the files are the same however the run went.

mod damage;
pub(crate) mod zoo;

use std::{collections::BTreeMap, fs, path::Path};

use palaestra_envs::{
    sim::{RowReset, Simulator},
    stream::Stream,
};
use serde_json::{Value, json};
use zoo::{Plain, PlainRecorder, choose, recorder, registered};

use super::{Choice, EpisodeError, EpisodeKind, EpisodeLog, Recorder};

/// Plays `steps` steps of all rows with random actions, logging everything below `trial`.
pub(crate) fn played(
    trial: &Path,
    simulator: &mut Simulator,
    steps: usize,
    segment_steps: usize,
) -> Vec<Plain> {
    simulator.reset().unwrap();
    let mut recorder = recorder(trial, simulator, segment_steps);
    recorder.begin(simulator).unwrap();
    let mut plain = PlainRecorder::begin(simulator);
    let mut rng = Stream::new(0, 0, "actions");
    for _ in 0..steps {
        choose(simulator, &mut rng);
        simulator.step().unwrap();
        recorder.step(simulator).unwrap();
        plain.step(simulator);
    }
    recorder.finish().unwrap();
    plain.finish()
}

/// Names and bytes of all files of the log.
fn files(trial: &Path) -> BTreeMap<String, Vec<u8>> {
    let folder = trial.join("episodes");
    let entries = fs::read_dir(&folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            let bytes = fs::read(entry.path()).unwrap();
            (name, bytes)
        })
        .collect()
}

#[test]
fn every_value_of_every_kind_of_space_is_read_as_it_was_played() {
    let simulators = [
        zoo::zoo(5, 3),
        registered("cartpole-v1", 7, 1),
        registered("kuhn_poker-v1", 4, 2),
        registered("tic_tac_toe-v1", 3, 2),
        registered("pendulum-v1", 2, 2),
    ];
    for mut simulator in simulators {
        // Smaller than some episodes, so that there are such in several parts.
        for segment_steps in [7, 100, 100_000] {
            let trial = tempfile::tempdir().unwrap();
            let expected = played(trial.path(), &mut simulator, 150, segment_steps);
            let log = EpisodeLog::open(trial.path()).unwrap();
            assert!(log.problems().is_empty() && log.torn().is_empty());
            assert_eq!(log.episodes().len(), expected.len());
            let all = log.read_all().map(Result::unwrap);
            for (index, episode) in all.enumerate() {
                assert!(
                    episode.info.length <= 7 || segment_steps > 7 || episode.info.parts.len() > 1
                );
                // A long episode is numbered when its first part is sealed, so look for it.
                let same = |p: &&Plain| (p.row, p.lane) == (episode.info.row, episode.info.lane);
                let plain = expected.iter().find(same).unwrap();
                if segment_steps > 200 {
                    assert_eq!(expected[index].lane, plain.lane);
                }
                plain.assert_is(&episode);
                plain.assert_is(&log.read(episode.info.id).unwrap());
            }
        }
    }
}

#[test]
fn a_segment_can_be_read_with_any_parquet_reader() {
    use arrow_array::{Array, cast::AsArray, types::Float32Type};
    let trial = tempfile::tempdir().unwrap();
    let expected = played(trial.path(), &mut registered("cartpole-v1", 1, 1), 30, 1000);
    let bytes = files(trial.path()).remove("train-000000.parquet").unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(
        bytes::Bytes::from(bytes),
        1024,
    );
    let batch = reader.unwrap().next().unwrap().unwrap();
    let schema = batch.schema();
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    assert_eq!(
        names,
        [
            "episode",
            "step",
            "observation",
            "action",
            "reward",
            "terminated",
            "truncated"
        ]
    );
    let first = expected[0].length();
    assert_eq!(batch.num_rows(), 30 + expected.len());
    let column = |name: &str| batch.column_by_name(name).unwrap();
    let null = |name: &str| column(name).is_null(first) && !column(name).is_null(first - 1);
    assert!(null("action") && null("reward") && null("terminated") && null("truncated"));
    assert!(column("terminated").as_boolean().value(first - 1));
    assert!(!column("terminated").as_boolean().value(0));
    assert_eq!(column("observation").null_count(), 0);
    assert_eq!(column("observation").as_fixed_size_list().value_length(), 4);
    assert_eq!(column("reward").as_primitive::<Float32Type>().value(0), 1.0);
}

#[test]
fn files_are_the_same_after_any_number_of_kills_and_restores() {
    let straight = tempfile::tempdir().unwrap();
    played(straight.path(), &mut zoo::zoo(4, 9), 300, 64);
    let expected = files(straight.path());
    assert!(expected.len() > 10);

    let killed = tempfile::tempdir().unwrap();
    let mut dice = Stream::new(7, 0, "kills");
    let mut simulator = zoo::zoo(4, 9);
    simulator.reset().unwrap();
    let mut writer = recorder(killed.path(), &simulator, 64);
    writer.begin(&simulator).unwrap();
    let mut rng = Stream::new(0, 0, "actions");
    let mut step = 0;
    let mut checkpoint = None;
    let mut kills = 0;
    while step < 300 {
        use rand::RngExt;
        choose(&mut simulator, &mut rng);
        simulator.step().unwrap();
        writer.step(&simulator).unwrap();
        step += 1;
        if dice.random_range(0..20) == 0 {
            let rows: Vec<_> = (0..4).map(|row| simulator.save_row(row).unwrap()).collect();
            checkpoint = Some((step, rows, rng.clone(), writer.save().unwrap()));
        }
        if dice.random_range(0..40) == 0
            && let Some((at, rows, stream, saved)) = &checkpoint
        {
            drop(writer);
            // What a kill leaves behind.
            fs::write(
                killed.path().join("episodes/train-000050.parquet.tmp"),
                "half",
            )
            .unwrap();
            step = *at;
            rng = stream.clone();
            simulator = zoo::zoo(4, 9);
            for (row, bytes) in rows.iter().enumerate() {
                simulator.load_row(row, bytes).unwrap();
            }
            writer = recorder(killed.path(), &simulator, 64);
            writer.restore(saved).unwrap();
            kills += 1;
        }
    }
    writer.finish().unwrap();
    assert!(kills > 4, "{kills}");
    assert!(files(killed.path()) == expected);
}

#[test]
fn beginning_again_removes_what_an_earlier_attempt_left() {
    let trial = tempfile::tempdir().unwrap();
    played(trial.path(), &mut zoo::zoo(4, 9), 300, 64);
    played(trial.path(), &mut zoo::zoo(4, 9), 20, 64);
    let fresh = tempfile::tempdir().unwrap();
    played(fresh.path(), &mut zoo::zoo(4, 9), 20, 64);
    assert!(files(trial.path()) == files(fresh.path()));
}

#[test]
fn only_the_chosen_episodes_are_logged() {
    let trial = tempfile::tempdir().unwrap();
    let folder = trial.path().join("episodes");
    let log = crate::config::LogConfig {
        rows: Some(2),
        ..crate::config::LogConfig::default()
    };
    let mut simulator = zoo::zoo(5, 1);
    let record = |simulator: &mut Simulator, kind, choice: Choice| {
        simulator.reset().unwrap();
        let mut recorder =
            Recorder::create(&folder, kind, choice, simulator.spec(), simulator.rows()).unwrap();
        recorder.begin(simulator).unwrap();
        let mut plain = PlainRecorder::begin(simulator);
        let mut rng = Stream::new(0, 0, "actions");
        for _ in 0..120 {
            choose(simulator, &mut rng);
            simulator.step().unwrap();
            recorder.step(simulator).unwrap();
            plain.step(simulator);
        }
        recorder.finish().unwrap();
        plain.finish()
    };
    let eval = EpisodeKind::Eval { round: 2 };
    let all = record(
        &mut simulator,
        EpisodeKind::Train,
        Choice::of(&log, u64::MAX),
    );
    record(
        &mut simulator,
        EpisodeKind::Eval { round: 1 },
        Choice::first(0),
    );
    let played = record(&mut simulator, eval, Choice::first(2));
    let log = EpisodeLog::open(trial.path()).unwrap();
    let (train, evaluated): (Vec<_>, Vec<_>) = log
        .episodes()
        .iter()
        .partition(|e| e.id.kind == EpisodeKind::Train);
    for row in 0..5 {
        let numbers = |kind: &[&super::EpisodeInfo], first: u64| -> Vec<u64> {
            let mine = kind.iter().filter(|e| e.row == row);
            mine.map(|e| e.lane.episode - first).collect()
        };
        let begun = all.iter().filter(|p| p.row == row).count() as u64;
        let squares = (0..begun).filter(|n| n.isqrt().pow(2) == *n && row < 2);
        assert_eq!(numbers(&train, 0), squares.collect::<Vec<_>>());
        let first = played.iter().find(|p| p.row == row).unwrap().lane.episode;
        assert_eq!(numbers(&evaluated, first), [0, 1]);
    }
    for (info, episode) in log.episodes().iter().zip(log.read_all()) {
        let source = if info.id.kind == eval { &played } else { &all };
        let plain = source
            .iter()
            .find(|p| (p.row, p.lane) == (info.row, info.lane));
        plain.unwrap().assert_is(&episode.unwrap());
    }
}

#[test]
fn options_of_the_first_reset_are_kept() {
    let trial = tempfile::tempdir().unwrap();
    let mut simulator = zoo::zoo(2, 1);
    let options = [Value::Null, json!({ "length": 3 })];
    let resets = [0, 1].map(|row| RowReset {
        options: options[row].clone(),
        ..RowReset::next(row)
    });
    simulator.reset_rows(&resets).unwrap();
    let mut recorder = recorder(trial.path(), &simulator, 100);
    recorder.begin_with_options(&simulator, &options).unwrap();
    let mut rng = Stream::new(0, 0, "actions");
    for _ in 0..4 {
        choose(&mut simulator, &mut rng);
        simulator.step().unwrap();
        recorder.step(&simulator).unwrap();
    }
    recorder.finish().unwrap();
    let log = EpisodeLog::open(trial.path()).unwrap();
    let second = |n: u64| {
        log.episodes()
            .iter()
            .find(|e| e.row == 1 && e.lane.episode == n)
    };
    assert_eq!(second(0).unwrap().options, options[1]);
    assert_eq!(second(0).unwrap().length, 3);
    assert_eq!(second(1).unwrap().options, Value::Null);
}

#[test]
fn a_failure_to_write_is_told() {
    // The folder cannot be made, nor the first segment, nor the last.
    for name in [
        "episodes",
        "episodes/train-000000.parquet.tmp/in the way",
        "episodes/train-000004.parquet.tmp/in the way",
    ] {
        let trial = tempfile::tempdir().unwrap();
        let mut simulator = zoo::zoo(4, 9);
        simulator.reset().unwrap();
        let mut recorder = recorder(trial.path(), &simulator, 64);
        recorder.begin(&simulator).unwrap();
        let path = trial.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        let mut rng = Stream::new(0, 0, "actions");
        let mut record = || {
            for _ in 0..75 {
                choose(&mut simulator, &mut rng);
                simulator.step().unwrap();
                recorder.step(&simulator)?;
            }
            recorder.finish()
        };
        let error = record().unwrap_err();
        assert!(matches!(error, EpisodeError::File(_)), "{name}: {error}");
    }
}
