//! Checkpoints: all that a trial needs to go on as if it had never stopped.
//!
//! `checkpoints/step_N/` holds `state.bin` (rows, metrics, open episodes, rows that are ahead of others), `agent_K.bin` for each agent, and
//! `version.json` with their digests. The folder appears under its name only when it is complete; `checkpoints/latest` names it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{RunError, metrics::Metrics};
use crate::files;

/// Version of the checkpoint layout.
const VERSION: u32 = 3;

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
    /// Steps of rows that are ahead of others, in runs with slow players; else empty.
    pub pace: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct VersionFile {
    checkpoint_version: u32,
    palaestra: String,
    env_steps: u64,
    agents: usize,
    /// BLAKE3 of the other files: a state with a wrong byte could be taken for another state.
    #[serde(default)]
    digests: BTreeMap<String, String>,
}

type StateFile = (u32, Vec<Vec<u8>>, Metrics, Vec<u8>, Vec<u8>);

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
        let state: (u32, &[Vec<u8>], &Metrics, &[u8], &[u8]) = (
            self.evaluations,
            &self.rows,
            &self.metrics,
            &self.recorder,
            &self.pace,
        );
        let bytes = postcard::to_allocvec(&state).map_err(|e| corrupt(&folder, e))?;
        let agents = self.agents.iter().enumerate();
        let mut contents = vec![("state.bin".to_owned(), &bytes)];
        contents.extend(agents.map(|(index, agent)| (agent_file(index), agent)));
        let mut digests = BTreeMap::new();
        for (file, bytes) in contents {
            files::write_atomically(&temporary.join(&file), bytes)?;
            digests.insert(file, digest(bytes));
        }
        let version = VersionFile {
            checkpoint_version: VERSION,
            palaestra: env!("CARGO_PKG_VERSION").into(),
            env_steps: self.env_steps,
            agents: self.agents.len(),
            digests,
        };
        write_json(&temporary.join("version.json"), &version)?;
        // A checkpoint of the same step may be the latest one, so at no moment may there be none.
        let replaced = replaced(&folder);
        if folder.exists() {
            if replaced.exists() {
                files::at("remove", &replaced, fs::remove_dir_all(&replaced))?;
            }
            files::at("rename", &folder, fs::rename(&folder, &replaced))?;
        }
        files::at("rename", &temporary, fs::rename(&temporary, &folder))?;
        files::write_atomically(&trial.join("checkpoints").join("latest"), name.as_bytes())?;
        if replaced.exists() {
            files::at("remove", &replaced, fs::remove_dir_all(&replaced))?;
        }
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
        let folder = trial.join("checkpoints").join(name);
        let replaced = replaced(&folder);
        let killed_between = !folder.exists() && replaced.exists();
        Self::read(if killed_between { &replaced } else { &folder }).map(Some)
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
        let read = |file: &str| {
            let path = folder.join(file);
            let bytes = files::read(&path)?;
            if version.digests.get(file) == Some(&digest(&bytes)) {
                return Ok(bytes);
            }
            let reason = "it is damaged; resume from an earlier checkpoint by writing its name into \
                          `latest` in the folder of checkpoints";
            Err(corrupt(&path, reason))
        };
        let path = folder.join("state.bin");
        let bytes = read("state.bin")?;
        let (evaluations, rows, metrics, recorder, pace): StateFile =
            postcard::from_bytes(&bytes).map_err(|e| corrupt(&path, e))?;
        let agents = (0..version.agents)
            .map(|index| read(&agent_file(index)))
            .collect::<Result<_, _>>()?;
        let env_steps = version.env_steps;
        Ok(Self {
            env_steps,
            evaluations,
            rows,
            agents,
            metrics,
            recorder,
            pace,
        })
    }
}

fn agent_file(index: usize) -> String {
    format!("agent_{index}.bin")
}

fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_string()
}

/// Where the checkpoint in `folder` waits while another one of the same step takes its place.
fn replaced(folder: &Path) -> PathBuf {
    folder.with_extension("replaced")
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

#[cfg(test)]
mod tests {
    use palaestra_envs::sim::Simulator;

    use super::*;

    fn checkpoint(evaluations: u32) -> Checkpoint {
        let cartpole = palaestra_envs::registry()
            .build("cartpole-v1", &serde_json::Value::Null)
            .unwrap();
        let simulator = Simulator::builder(cartpole).build().unwrap();
        Checkpoint {
            env_steps: 5,
            evaluations,
            rows: vec![vec![1, 2]],
            agents: vec![vec![3]],
            metrics: Metrics::new(simulator.spec(), simulator.border(), 10, 100),
            recorder: vec![4],
            pace: Vec::new(),
        }
    }

    #[test]
    fn a_kill_while_a_checkpoint_is_replaced_leaves_one() {
        let trial = tempfile::tempdir().unwrap();
        let trial = trial.path();
        checkpoint(0).write(trial, 0).unwrap();
        checkpoint(1).write(trial, 0).unwrap();
        let evaluations = || Checkpoint::latest(trial).unwrap().unwrap().evaluations;
        assert_eq!(evaluations(), 1);
        let folder = trial.join("checkpoints/step_000000000005");
        assert!(!replaced(&folder).exists());
        // Killed between the two renames.
        fs::rename(&folder, replaced(&folder)).unwrap();
        assert_eq!(evaluations(), 1);
        checkpoint(2).write(trial, 0).unwrap();
        assert_eq!(evaluations(), 2);
        assert_eq!(fs::read_dir(trial.join("checkpoints")).unwrap().count(), 2);
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        let trial = tempfile::tempdir().unwrap();
        checkpoint(0).write(trial.path(), 0).unwrap();
        for file in ["state.bin", "agent_0.bin"] {
            let path = trial
                .path()
                .join("checkpoints/step_000000000005")
                .join(file);
            let whole = fs::read(&path).unwrap();
            let mut damaged = whole.clone();
            damaged[0] ^= 1;
            fs::write(&path, damaged).unwrap();
            let error = Checkpoint::latest(trial.path()).unwrap_err().to_string();
            assert!(error.contains(file) && error.contains("damaged"), "{error}");
            fs::write(&path, whole).unwrap();
        }
        assert!(Checkpoint::latest(trial.path()).unwrap().is_some());
    }
}
