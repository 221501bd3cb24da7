//! A complete trial with its training curves.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use arrow_array::{Array, Float64Array, RecordBatch, StringArray, UInt64Array, cast::AsArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::{files, report::ReportError, run::TrialResult};

/// The points of one metric: environment steps, ascending, and values.
pub(in crate::report) type Points = Vec<(u64, f64)>;

/// A complete trial.
#[derive(Debug)]
pub(in crate::report) struct Trial {
    pub(in crate::report) folder: PathBuf,
    pub(in crate::report) result: TrialResult,
    /// Finite points by metric key.
    pub(in crate::report) metrics: BTreeMap<String, Points>,
    /// Points that are not finite, by metric key.
    pub(in crate::report) not_finite: BTreeMap<String, usize>,
}

impl Trial {
    pub(super) fn read(folder: PathBuf, result: TrialResult) -> Result<Self, ReportError> {
        let mut metrics: BTreeMap<String, Points> = BTreeMap::new();
        let mut not_finite: BTreeMap<String, usize> = BTreeMap::new();
        read_metrics(&folder.join("metrics.parquet"), |key, env_steps, value| {
            if value.is_finite() {
                match metrics.get_mut(key) {
                    Some(points) => points.push((env_steps, value)),
                    None => {
                        metrics.insert(key.to_owned(), vec![(env_steps, value)]);
                    }
                }
            } else {
                *not_finite.entry(key.to_owned()).or_default() += 1;
            }
        })?;
        for points in metrics.values_mut() {
            points.sort_by_key(|point| point.0);
        }
        if result.players.is_empty() {
            return Err(ReportError::Metrics {
                path: folder.join("trial.json"),
                reason: "it names no player".into(),
            });
        }
        Ok(Self {
            folder,
            result,
            metrics,
            not_finite,
        })
    }
}

/// Calls `each(key, env_steps, value)` for every row of a metrics file.
fn read_metrics(path: &Path, mut each: impl FnMut(&str, u64, f64)) -> Result<(), ReportError> {
    let damaged = |reason: String| ReportError::Metrics {
        path: path.to_owned(),
        reason,
    };
    let bytes = bytes::Bytes::from(files::read(path)?);
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| damaged(error.to_string()))?;
    for batch in reader {
        let batch = batch.map_err(|error| damaged(error.to_string()))?;
        let (steps, keys, values) = columns(&batch)
            .ok_or_else(|| damaged("it has not the columns env_steps, key and value".into()))?;
        for row in 0..batch.num_rows() {
            each(keys.value(row), steps.value(row), values.value(row));
        }
    }
    Ok(())
}

fn columns(batch: &RecordBatch) -> Option<(&UInt64Array, &StringArray, &Float64Array)> {
    let column = |name| batch.column_by_name(name).filter(|c| c.null_count() == 0);
    Some((
        column("env_steps")?.as_primitive_opt()?,
        column("key")?.as_string_opt()?,
        column("value")?.as_primitive_opt()?,
    ))
}
