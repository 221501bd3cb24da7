//! One flat table of all logged steps.

use std::{fmt::Write as _, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float32Array, RecordBatch, StringArray, UInt64Array,
};
use arrow_select::concat::concat_batches;
use palaestra_envs::sim::EnvSpec;

use super::{ExportError, arrays};
use crate::episodes::{Episode, EpisodeLog};

/// All steps of the log of the trial called `trial`: one row per step, with the observation before it.
///
/// # Errors
/// [`ExportError`].
pub fn flat_table(
    log: &EpisodeLog,
    spec: &EnvSpec,
    trial: &str,
) -> Result<Option<RecordBatch>, ExportError> {
    let mut batches = Vec::new();
    for episode in log.read_all() {
        batches.push(episode_table(&episode?, spec, trial)?);
    }
    let Some(first) = batches.first() else {
        return Ok(None);
    };
    Ok(Some(concat_batches(&first.schema(), &batches)?))
}

fn episode_table(
    episode: &Episode,
    spec: &EnvSpec,
    trial: &str,
) -> Result<RecordBatch, ExportError> {
    let length = episode.info.length;
    let id = episode.info.id.to_string();
    let flags = |flag: &dyn Fn(usize) -> bool| -> ArrayRef {
        Arc::new(BooleanArray::from(
            (0..length).map(flag).collect::<Vec<bool>>(),
        ))
    };
    let mut columns: Vec<(String, ArrayRef)> = vec![
        (
            "trial".into(),
            Arc::new(StringArray::from_iter_values((0..length).map(|_| trial))),
        ),
        (
            "episode".into(),
            Arc::new(StringArray::from_iter_values((0..length).map(|_| &id))),
        ),
        (
            "step".into(),
            Arc::new(UInt64Array::from_iter_values(0..length as u64)),
        ),
    ];
    for (player, logged) in spec.players.iter().zip(&episode.players) {
        let prefix = if spec.players.len() == 1 {
            String::new()
        } else {
            format!("{}/", player.name)
        };
        for (kind, space, values) in [
            ("observation", &player.observation, &logged.observation),
            ("action", &player.action, &logged.action),
        ] {
            for ((name, leaf), column) in space.leaves().into_iter().zip(values.fields()) {
                let name = if name.is_empty() {
                    String::new()
                } else {
                    format!("/{name}")
                };
                let array = arrays::leaf(leaf, column, 0)?.slice(0, length);
                columns.push((format!("{prefix}{kind}{name}"), array));
            }
        }
        let rewards = Float32Array::from_iter_values(logged.reward.iter().copied());
        columns.push((format!("{prefix}reward"), Arc::new(rewards)));
        if spec.players.len() > 1 {
            columns.push((format!("{prefix}acted"), flags(&|step| logged.acted[step])));
        }
    }
    columns.push(("terminated".into(), flags(&|step| episode.terminated(step))));
    columns.push(("truncated".into(), flags(&|step| episode.truncated(step))));
    Ok(RecordBatch::try_from_iter(columns)?)
}

/// The table as CSV with a header. Vectors become one column per element, `name[0]`, `name[1]`, …
pub fn to_csv(table: &RecordBatch, with_header: bool) -> String {
    let mut names = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (field, column) in table.schema().fields().iter().zip(table.columns()) {
        match column
            .as_any()
            .downcast_ref::<arrow_array::FixedSizeListArray>()
        {
            None => {
                names.push(field.name().clone());
                columns.push(column.clone());
            }
            Some(list) => {
                let width = list.value_length() as usize;
                for element in 0..width {
                    let rows = (0..list.len()).map(|row| (row * width + element) as u64);
                    let indices = UInt64Array::from_iter_values(rows);
                    if let Ok(values) = arrow_select::take::take(list.values(), &indices, None) {
                        names.push(format!("{}[{element}]", field.name()));
                        columns.push(values);
                    }
                }
            }
        }
    }
    let mut text = String::new();
    if with_header {
        let header: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        text += &header.join(",");
        text.push('\n');
    }
    for row in 0..table.num_rows() {
        for (index, column) in columns.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            cell(&mut text, column, row);
        }
        text.push('\n');
    }
    text
}

fn cell(text: &mut String, column: &ArrayRef, row: usize) {
    macro_rules! write_as {
        ($($array:ty),*) => {$(
            if let Some(array) = column.as_any().downcast_ref::<$array>() {
                let _ = write!(text, "{}", array.value(row));
                return;
            }
        )*};
    }
    write_as!(
        Float32Array,
        arrow_array::Float64Array,
        arrow_array::Int64Array,
        UInt64Array,
        arrow_array::UInt8Array,
        BooleanArray
    );
    if let Some(array) = column.as_any().downcast_ref::<StringArray>() {
        text.push_str(&quoted(array.value(row)));
    }
}

/// RFC 4180: quoted if it has to be.
fn quoted(value: &str) -> String {
    if value.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}
