//! Where the metrics of a running trial go besides `metrics.parquet`: TensorBoard and a log for people.
//!
//! Both carry wall-clock times, so they are not among the files that are equal byte for byte between runs.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::json;

use super::{RunError, metrics::MetricPoint};
use crate::{
    files,
    tensorboard::{self, EventWriter},
};

/// Open sinks of one trial.
pub(super) struct Sinks {
    events: Option<(EventWriter, PathBuf)>,
    log: (File, PathBuf),
    started: Instant,
    first_step: Option<u64>,
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |d| d.as_secs_f64())
}

impl Sinks {
    pub(super) fn open(folder: &Path, tensorboard: bool) -> Result<Self, RunError> {
        let events = if tensorboard {
            let path = folder.join(tensorboard::file_name(now() as u64, "palaestra"));
            Some((
                files::at("create", &path, EventWriter::create(&path, now()))?,
                path,
            ))
        } else {
            None
        };
        let path = folder.join("log.jsonl");
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let log = (files::at("open", &path, file)?, path);
        let mut sinks = Self {
            events,
            log,
            started: Instant::now(),
            first_step: None,
        };
        sinks.log(json!({ "event": "started", "palaestra": env!("CARGO_PKG_VERSION") }))?;
        Ok(sinks)
    }

    fn log(&mut self, mut entry: serde_json::Value) -> Result<(), RunError> {
        entry["unix_time"] = json!(now());
        let (file, path) = &mut self.log;
        Ok(files::at("write", path, writeln!(file, "{entry}"))?)
    }

    /// Writes points as they are recorded, with the speed so far.
    pub(super) fn points(&mut self, points: &[MetricPoint]) -> Result<(), RunError> {
        let Some(last) = points.last() else {
            return Ok(());
        };
        let first = *self.first_step.get_or_insert(points[0].env_steps);
        let Some((events, path)) = &mut self.events else {
            return Ok(());
        };
        let mut write = || -> std::io::Result<()> {
            for point in points {
                events.scalar(&point.key, point.env_steps as i64, point.value, now())?;
            }
            let steps = (last.env_steps - first) as f64;
            let rate = steps / self.started.elapsed().as_secs_f64().max(1e-9);
            events.scalar("charts/SPS", last.env_steps as i64, rate, now())
        };
        Ok(files::at("write", path, write())?)
    }

    /// Ends the files.
    pub(super) fn close(mut self) -> Result<(), RunError> {
        let seconds = self.started.elapsed().as_secs_f64();
        self.log(json!({ "event": "complete", "seconds": seconds }))?;
        if let Some((events, path)) = &mut self.events {
            files::at("write", path, events.flush())?;
        }
        Ok(())
    }
}
