//! A data set as Minari 0.5 stores it, in its Parquet flavour.
//!
//! `ROOT/ID/data/metadata.json` describes the set; `ROOT/ID/data/N/part-0.parquet` and `…/N/metadata.json` hold
//! episode `N`: T + 1 rows for T steps, the last with the final observation and zeros elsewhere.

use std::{path::Path, sync::Arc};

use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch};
use palaestra_envs::{
    sim::{EnvSpec, PlayerSpec},
    space::{DType, Space},
};
use serde::Serialize;
use serde_json::json;

use super::{ExportError, arrays};
use crate::{
    episodes::{Episode, EpisodeLog},
    files,
};

/// What was written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MinariSummary {
    /// Identifier for `minari.load_dataset`.
    pub dataset: String,
    /// Episodes.
    pub episodes: usize,
    /// Steps.
    pub steps: usize,
}

/// Writes the episodes of `log`, seen by player `player`, as data set `id` (`name/space-v0`) below `root`.
///
/// # Errors
/// [`ExportError`]; the set is complete only if its `data/metadata.json` is there, which is written last.
pub fn minari(
    log: &EpisodeLog,
    spec: &EnvSpec,
    player: usize,
    root: &Path,
    id: &str,
) -> Result<MinariSummary, ExportError> {
    let data = root.join(id).join("data");
    let player_spec = &spec.players[player];
    let mut summary = MinariSummary {
        dataset: id.to_owned(),
        episodes: 0,
        steps: 0,
    };
    for episode in log.read_all() {
        let episode = episode?;
        let folder = data.join(summary.episodes.to_string());
        files::create_folder(&folder)?;
        let table = episode_table(&episode, player, player_spec)?;
        files::write_atomically(
            &folder.join("part-0.parquet"),
            &files::parquet_bytes(&table, &[])?,
        )?;
        write_json(
            &folder.join("metadata.json"),
            &episode_metadata(&episode, player, summary.episodes),
        )?;
        summary.episodes += 1;
        summary.steps += episode.info.length;
    }
    if summary.episodes == 0 {
        return Err(ExportError::Empty(log.folder().to_owned()));
    }
    let mut parent = Path::new(id).parent();
    while let Some(namespace) = parent.filter(|p| !p.as_os_str().is_empty()) {
        write_json(
            &root.join(namespace).join("namespace_metadata.json"),
            &json!({}),
        )?;
        parent = namespace.parent();
    }
    let metadata = json!({
        "dataset_id": id,
        "total_episodes": summary.episodes,
        "total_steps": summary.steps,
        "data_format": "parquet",
        "jpeg_encoding": false,
        "observation_space": space_text(&player_spec.observation),
        "action_space": space_text(&player_spec.action),
        "algorithm_name": "",
        "author": [],
        "author_email": [],
        "code_permalink": "",
        "minari_version": "0.5.4",
        "requirements": [],
        "description": format!("Episodes of {} logged by Palaestra", spec.id),
    });
    write_json(&data.join("metadata.json"), &metadata)?;
    Ok(summary)
}

fn write_json(path: &Path, value: &serde_json::Value) -> Result<(), ExportError> {
    Ok(files::write_atomically(
        path,
        format!("{value:#}\n").as_bytes(),
    )?)
}

fn episode_table(
    episode: &Episode,
    player: usize,
    spec: &PlayerSpec,
) -> Result<RecordBatch, ExportError> {
    let logged = episode.players.get(player);
    let logged = logged.ok_or_else(|| ExportError::Mismatch("a player is missing".to_owned()))?;
    let length = episode.info.length;
    let rewards = logged.reward.iter().map(|&r| f64::from(r)).chain([0.0]);
    let flags = |flag: &dyn Fn(usize) -> bool| -> ArrayRef {
        let values: Vec<bool> = (0..=length)
            .map(|step| step < length && flag(step))
            .collect();
        Arc::new(BooleanArray::from(values))
    };
    Ok(RecordBatch::try_from_iter([
        (
            "observations",
            arrays::nested(&spec.observation, &logged.observation, 0)?,
        ),
        ("actions", arrays::nested(&spec.action, &logged.action, 1)?),
        (
            "rewards",
            Arc::new(Float64Array::from_iter_values(rewards)) as ArrayRef,
        ),
        ("terminations", flags(&|step| episode.terminated(step))),
        ("truncations", flags(&|step| episode.truncated(step))),
    ])?)
}

fn episode_metadata(episode: &Episode, player: usize, id: usize) -> serde_json::Value {
    let rewards: Vec<f64> = episode.players[player]
        .reward
        .iter()
        .map(|&r| f64::from(r))
        .collect();
    let count = rewards.len().max(1) as f64;
    let sum: f64 = rewards.iter().sum();
    let mean = sum / count;
    let variance = rewards.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / count;
    let lane = episode.info.lane;
    json!({
        "id": id,
        "total_steps": episode.info.length,
        "seed": lane.seed,
        "options": { "palaestra_lane": lane, "palaestra_episode": episode.info.id, "reset": episode.info.options },
        "rewards_sum": sum,
        "rewards_mean": mean,
        "rewards_std": variance.sqrt(),
        "rewards_max": rewards.iter().copied().reduce(f64::max),
        "rewards_min": rewards.iter().copied().reduce(f64::min),
    })
}

/// A space in Minari's JSON, which writes infinities as Python does.
fn space_text(space: &Space) -> String {
    let list = |values: &[f64], shape: &[usize]| nested_list(values, shape);
    match space {
        Space::Box(b) => {
            let dtype = match b.dtype {
                DType::Float32 => "float32",
                DType::Float64 => "float64",
                DType::Uint8 => "uint8",
            };
            format!(
                r#"{{"type": "Box", "dtype": "{dtype}", "shape": {:?}, "low": {}, "high": {}}}"#,
                b.shape,
                list(&b.low, &b.shape),
                list(&b.high, &b.shape)
            )
        }
        Space::Discrete { n, start } => {
            format!(r#"{{"type": "Discrete", "dtype": "int64", "start": {start}, "n": {n}}}"#)
        }
        Space::MultiDiscrete { nvec } => format!(
            r#"{{"type": "MultiDiscrete", "dtype": "int64", "nvec": {nvec:?}, "start": {:?}}}"#,
            vec![0; nvec.len()]
        ),
        Space::MultiBinary { n, .. } => format!(r#"{{"type": "MultiBinary", "n": {n}}}"#),
        Space::Text {
            min_length,
            max_length,
            charset,
        } => {
            // Gymnasium knows no "any character"; printable ASCII is the nearest it has.
            let any: String = (' '..='~').collect();
            let charset = json!(if charset.is_empty() { &any } else { charset });
            format!(
                r#"{{"type": "Text", "max_length": {max_length}, "min_length": {min_length}, "charset": {charset}}}"#
            )
        }
        Space::Tuple(items) => {
            let items: Vec<String> = items.iter().map(space_text).collect();
            format!(
                r#"{{"type": "Tuple", "subspaces": [{}]}}"#,
                items.join(", ")
            )
        }
        Space::Dict(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, s)| format!("{}: {}", json!(name), space_text(s)))
                .collect();
            format!(
                r#"{{"type": "Dict", "subspaces": {{{}}}}}"#,
                fields.join(", ")
            )
        }
    }
}

fn nested_list(values: &[f64], shape: &[usize]) -> String {
    let number = |x: &f64| match *x {
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        x => json!(x).to_string(),
    };
    let parts: Vec<String> = match shape {
        [] => return values.first().map_or_else(|| "0".to_owned(), number),
        [_] => values.iter().map(number).collect(),
        [_, rest @ ..] => {
            let size = rest.iter().product::<usize>().max(1);
            values
                .chunks(size)
                .map(|chunk| nested_list(chunk, rest))
                .collect()
        }
    };
    format!("[{}]", parts.join(", "))
}
