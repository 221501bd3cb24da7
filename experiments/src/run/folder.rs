//! The run folder and its manifest.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{RunError, Trial, TrialResult, read_json, write_json};
use crate::files;

/// Version of the run folder's layout.
const SCHEMA: u32 = 1;

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Under way, or killed.
    Running,
    /// Stopped on request; can be resumed.
    Interrupted,
    /// Some trials failed.
    Failed,
    /// All trials are complete.
    Complete,
}

/// `manifest.json`: what was run, where and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the run folder's layout.
    pub schema: u32,
    /// Name of the experiment.
    pub name: String,
    /// How the run stands.
    pub status: RunStatus,
    /// BLAKE3 of the resolved configuration without seeds: equal hash and seed mean the same experiment.
    pub config_hash: String,
    /// Seeds of the trials.
    pub seeds: Vec<u64>,
    /// Names of the trials.
    pub trials: Vec<String>,
    /// Version of the program.
    pub palaestra: String,
    /// Git commit of the working folder, if it is a repository.
    pub commit: Option<String>,
    /// Operating system and processor architecture.
    pub platform: String,
    /// Processor model, if the system tells it.
    pub processor: Option<String>,
    /// Trials run at a time.
    pub threads: usize,
    /// Device of learned models.
    pub device: String,
    /// Start of the run.
    pub started: Timestamp,
    /// When the status last changed.
    pub updated: Timestamp,
}

/// A run on disk.
#[derive(Debug, Clone)]
pub struct RunFolder {
    /// The folder.
    pub path: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
}

impl RunFolder {
    /// Creates `path` for `trials`, with the configuration as given and as resolved.
    ///
    /// # Errors
    /// [`RunError::Exists`] unless `force`, which removes an earlier run (and nothing that is not one).
    pub fn create(
        path: &Path,
        force: bool,
        manifest: Manifest,
        given: &str,
        resolved: &str,
    ) -> Result<Self, RunError> {
        if path.exists() {
            let empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
            if !empty && !force {
                return Err(RunError::Exists(path.to_owned()));
            }
            if !empty {
                let _lock = Self::open(path)?.lock()?;
                files::at("remove", path, fs::remove_dir_all(path))?;
            }
        }
        files::create_folder(&path.join("trials"))?;
        files::write_atomically(&path.join("config.toml"), given.as_bytes())?;
        files::write_atomically(&path.join("resolved.toml"), resolved.as_bytes())?;
        let folder = Self {
            path: path.to_owned(),
            manifest,
        };
        write_json(&path.join("manifest.json"), &folder.manifest)?;
        Ok(folder)
    }

    /// Opens a run.
    ///
    /// # Errors
    /// [`RunError::NotARun`].
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let not_a_run = |reason: String| RunError::NotARun {
            path: path.to_owned(),
            reason,
        };
        let manifest: Manifest =
            read_json(&path.join("manifest.json")).map_err(|e| not_a_run(e.to_string()))?;
        if manifest.schema != SCHEMA {
            return Err(not_a_run(format!(
                "its layout has version {}, this program reads version {SCHEMA}",
                manifest.schema
            )));
        }
        Ok(Self {
            path: path.to_owned(),
            manifest,
        })
    }

    /// Keeps other processes from running in this folder until the file returned is closed, if by a kill.
    ///
    /// # Errors
    /// [`RunError::Busy`] if another process is at it, [`RunError::File`].
    pub fn lock(&self) -> Result<fs::File, RunError> {
        let path = self.path.join("lock");
        let file = files::at("create", &path, fs::File::create(&path))?;
        match file.try_lock() {
            Err(fs::TryLockError::WouldBlock) => Err(RunError::Busy(self.path.clone())),
            // A file system without locks is no reason not to run.
            Ok(()) | Err(fs::TryLockError::Error(_)) => Ok(file),
        }
    }

    /// Changes the status.
    ///
    /// # Errors
    /// [`RunError::File`].
    pub fn set_status(&mut self, status: RunStatus) -> Result<(), RunError> {
        self.manifest.status = status;
        self.manifest.updated = now();
        write_json(&self.path.join("manifest.json"), &self.manifest)
    }

    /// Folder of the trial called `name`.
    pub fn trial(&self, name: &str) -> PathBuf {
        self.path.join("trials").join(name)
    }

    /// Results of the complete trials, in the manifest's order.
    ///
    /// # Errors
    /// [`RunError::Checkpoint`] if a result file is damaged.
    pub fn results(&self) -> Result<Vec<TrialResult>, RunError> {
        let files = self
            .manifest
            .trials
            .iter()
            .map(|name| self.trial(name).join("trial.json"));
        files
            .filter(|file| file.exists())
            .map(|file| read_json(&file))
            .collect()
    }
}

impl Manifest {
    /// The manifest of a run that starts now.
    pub fn new(name: &str, config_hash: String, trials: &[Trial], threads: usize) -> Self {
        let config = trials.first().map(|t| &t.config.experiment);
        Self {
            schema: SCHEMA,
            name: name.to_owned(),
            status: RunStatus::Running,
            config_hash,
            seeds: config.map_or_else(Vec::new, |c| c.seeds.clone()),
            trials: trials.iter().map(|t| t.name.clone()).collect(),
            palaestra: env!("CARGO_PKG_VERSION").into(),
            commit: git_commit(),
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            processor: processor(),
            threads,
            device: config.map_or_else(|| "cpu".into(), |c| c.device.clone()),
            started: now(),
            updated: now(),
        }
    }
}

fn now() -> Timestamp {
    Timestamp::now()
        .round(jiff::Unit::Second)
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

fn git_commit() -> Option<String> {
    let output = std::process::Command::new("git")
        .args(["rev-parse", "HEAD"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The processor's name as Linux tells it.
fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
