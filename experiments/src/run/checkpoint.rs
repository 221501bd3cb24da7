//! Checkpoints: all that a trial needs to go on as if it had never stopped.
//!
//! `checkpoints/step_N/` holds `state.bin` (rows, metrics, open episodes), `agent_K.bin` for each agent, and
//! `version.json`. The folder appears under its name only when it is complete; `checkpoints/latest` names it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{RunError, metrics::Metrics};
use crate::files;

/// Version of the checkpoint layout.
const VERSION: u32 = 1;

/// The state of a trial between two steps.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// Environment steps made.
    pub env_steps: u64,
    /// Evaluations made.
    pub evaluations: u32,
    /// Saved rows of the simulator.
    pub rows: Vec<Vec<u8>>,
    /// Saved agents.
    pub agents: Vec<Vec<u8>>,
    /// Training curves so far.
    pub metrics: Metrics,
    /// Episodes not yet sealed.
    pub recorder: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct VersionFile {
    checkpoint_version: u32,
    palaestra: String,
    env_steps: u64,
    agents: usize,
}

type StateFile = (u32, Vec<Vec<u8>>, Metrics, Vec<u8>);

fn corrupt(path: &Path, reason: impl std::fmt::Display) -> RunError {
    RunError::Checkpoint {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

impl Checkpoint {
    /// Writes the checkpoint below `trial` and removes all but the newest `keep` older ones.
    ///
    /// # Errors
    /// [`RunError::File`]; the previous checkpoint then stays the latest.
    pub fn write(&self, trial: &Path, keep: usize) -> Result<(), RunError> {
        let name = format!("step_{:012}", self.env_steps);
        let folder = trial.join("checkpoints").join(&name);
        let temporary = files::temporary_name(&folder);
        if temporary.exists() {
            files::at("remove", &temporary, fs::remove_dir_all(&temporary))?;
        }
        files::create_folder(&temporary)?;
        let state: (u32, &[Vec<u8>], &Metrics, &[u8]) =
            (self.evaluations, &self.rows, &self.metrics, &self.recorder);
        let bytes = postcard::to_allocvec(&state).map_err(|e| corrupt(&folder, e))?;
        files::write_atomically(&temporary.join("state.bin"), &bytes)?;
        for (index, agent) in self.agents.iter().enumerate() {
            files::write_atomically(&temporary.join(format!("agent_{index}.bin")), agent)?;
        }
        let version = VersionFile {
            checkpoint_version: VERSION,
            palaestra: env!("CARGO_PKG_VERSION").into(),
            env_steps: self.env_steps,
            agents: self.agents.len(),
        };
        write_json(&temporary.join("version.json"), &version)?;
        if folder.exists() {
            files::at("remove", &folder, fs::remove_dir_all(&folder))?;
        }
        files::at("rename", &temporary, fs::rename(&temporary, &folder))?;
        files::write_atomically(&trial.join("checkpoints").join("latest"), name.as_bytes())?;
        remove_old(trial, keep + 1)
    }

    /// The newest complete checkpoint below `trial`, if there is one.
    ///
    /// # Errors
    /// [`RunError::Checkpoint`] if it is damaged or of another version.
    pub fn latest(trial: &Path) -> Result<Option<Self>, RunError> {
        let latest = trial.join("checkpoints").join("latest");
        if !latest.exists() {
            return Ok(None);
        }
        let name = String::from_utf8_lossy(&files::read(&latest)?)
            .trim()
            .to_owned();
        Self::read(&trial.join("checkpoints").join(name)).map(Some)
    }

    /// Reads the checkpoint in `folder`.
    ///
    /// # Errors
    /// [`RunError::Checkpoint`] if it is damaged or of another version.
    pub fn read(folder: &Path) -> Result<Self, RunError> {
        let version: VersionFile = read_json(&folder.join("version.json"))?;
        if version.checkpoint_version != VERSION {
            return Err(corrupt(
                folder,
                format!(
                    "it has layout version {}, written by palaestra {}, and this program reads version \
                     {VERSION}; resume it with the version that wrote it",
                    version.checkpoint_version, version.palaestra
                ),
            ));
        }
        let path = folder.join("state.bin");
        let bytes = files::read(&path)?;
        let (evaluations, rows, metrics, recorder): StateFile =
            postcard::from_bytes(&bytes).map_err(|e| corrupt(&path, e))?;
        let agents = (0..version.agents)
            .map(|index| files::read(&folder.join(format!("agent_{index}.bin"))))
            .collect::<Result<_, _>>()?;
        let env_steps = version.env_steps;
        Ok(Self {
            env_steps,
            evaluations,
            rows,
            agents,
            metrics,
            recorder,
        })
    }
}

/// Removes all but the newest `keep` checkpoints below `trial`.
fn remove_old(trial: &Path, keep: usize) -> Result<(), RunError> {
    let folder = trial.join("checkpoints");
    if !folder.exists() {
        return Ok(());
    }
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in files::at("list", &folder, fs::read_dir(&folder))? {
        let path = files::at("list", &folder, entry)?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    // Names are zero-padded, so alphabetical order is the order of steps.
    found.sort();
    for old in &found[..found.len().saturating_sub(keep)] {
        files::at("remove", old, fs::remove_dir_all(old))?;
    }
    Ok(())
}

/// Reads a JSON file.
///
/// # Errors
/// [`RunError::File`], or [`RunError::Checkpoint`] with the place if it does not have the expected form.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, RunError> {
    serde_json::from_slice(&files::read(path)?).map_err(|e| corrupt(path, e))
}

/// Writes a JSON file in one piece.
///
/// # Errors
/// [`RunError::File`].
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), RunError> {
    let mut text = serde_json::to_string_pretty(value).map_err(|e| corrupt(path, e))?;
    text.push('\n');
    Ok(files::write_atomically(path, text.as_bytes())?)
}
