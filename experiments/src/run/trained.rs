//! Agents as an earlier run has left them, to be seated in another.

use std::path::{Path, PathBuf};

use super::{Checkpoint, RunError, RunFolder, Trial, plan};
use crate::{
    config::{AgentConfig, Document},
    files,
};

/// An agent of an earlier run: how it was configured, and what it has learned.
#[derive(Debug, Clone)]
pub struct Trained {
    /// Its section in the configuration of that run.
    pub config: AgentConfig,
    folder: PathBuf,
    /// Its place in the line-up of the trial.
    order: usize,
}

fn misfit(path: &Path, reason: String) -> RunError {
    RunError::Trained {
        path: path.to_owned(),
        reason,
    }
}

impl Trained {
    /// The agent that was trained in `place`, the folder of a trial (`runs/NAME/trials/TRIAL`) or of a run with one trial.
    /// Where several agents sat together, `id` and then `name` tell which of them is meant.
    ///
    /// # Errors
    /// [`RunError::Trained`] if there is no such trial or agent, and whatever keeps the run from being read.
    pub fn find(place: &Path, id: Option<&str>, name: Option<&str>) -> Result<Self, RunError> {
        let is_run = place.join("manifest.json").exists();
        let run = match place.ancestors().nth(2) {
            _ if is_run => place,
            Some(run) if !run.as_os_str().is_empty() => run,
            _ => return Err(misfit(place, "it is not the folder of a trial".into())),
        };
        let run = RunFolder::open(run)?;
        let trial = Self::trial(&run, if is_run { None } else { place.file_name() }, place)?;
        let agents = trial
            .agents
            .iter()
            .map(|&index| &trial.config.agents[index]);
        let mut found: Vec<(usize, &AgentConfig)> = agents.enumerate().collect();
        let all: Vec<String> = found
            .iter()
            .map(|(_, a)| format!("`{}`", a.label()))
            .collect();
        if let Some(id) = id {
            found.retain(|(_, agent)| agent.id == id);
        }
        if found.len() > 1 {
            found.retain(|(_, agent)| Some(agent.label()) == name);
        }
        let [(order, config)] = found[..] else {
            let reason = format!(
                "its agents are {}; say by `id`, or by `name` if that is not enough, which of them is meant",
                all.join(" and ")
            );
            return Err(misfit(place, reason));
        };
        Ok(Self {
            config: config.clone(),
            folder: run.trial(&trial.name),
            order,
        })
    }

    /// The trial called `name`, or the only one.
    fn trial(
        run: &RunFolder,
        name: Option<&std::ffi::OsStr>,
        place: &Path,
    ) -> Result<Trial, RunError> {
        let path = run.path.join("resolved.toml");
        let text = String::from_utf8_lossy(&files::read(&path)?).into_owned();
        let unreadable = |error: crate::config::ConfigError| misfit(place, error.to_string());
        let document = Document::parse(&path.display().to_string(), &text).map_err(unreadable)?;
        let mut trials = plan(&document.points().map_err(unreadable)?);
        if let Some(name) = name {
            trials.retain(|trial| name == trial.name.as_str());
        }
        if trials.len() == 1 {
            return Ok(trials.remove(0));
        }
        let known = run.manifest.trials.join("`, `");
        let reason = format!(
            "name one of its trials, {}/trials/TRIAL: `{known}`",
            run.path.display()
        );
        Err(misfit(place, reason))
    }

    /// What it has learned: its state in the last checkpoint.
    ///
    /// # Errors
    /// [`RunError::Trained`] if there is none yet, [`RunError::Checkpoint`] if it is damaged.
    pub fn state(&self) -> Result<Vec<u8>, RunError> {
        let checkpoint = Checkpoint::latest(&self.folder)?;
        let state = checkpoint.and_then(|mut saved| {
            (self.order < saved.agents.len()).then(|| saved.agents.swap_remove(self.order))
        });
        state.ok_or_else(|| misfit(&self.folder, "it has no checkpoint yet".into()))
    }
}
