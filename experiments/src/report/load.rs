//! Reading runs: manifests, configurations, results.

mod games;
mod lengths;
mod trial;

use std::{path::PathBuf, sync::Arc};

pub(super) use trial::{Points, Trial};

use palaestra_envs::sim::{EnvSpec, Simulator};

use super::{ReportError, RunSummary};
use crate::{
    Registries,
    config::{Config, Document, Sweep},
    files,
    run::{self, RunFolder, TrialResult, plan, read_json},
};

/// The complete trials of one agent, or of one line-up of agents: the same experiment with several seeds.
#[derive(Debug)]
pub(super) struct LineUp {
    /// Name in this report, with the run's name if there are several runs.
    pub(super) name: String,
    /// Index of the run.
    pub(super) run: usize,
    /// Name in its run.
    pub(super) label: String,
    /// Its first trial as planned.
    planned: run::Trial,
    /// The configuration, with the point of the sweep applied.
    pub(super) config: Arc<Config>,
    /// At least one.
    pub(super) trials: Vec<Trial>,
    /// The same experiment at lesser lengths, ascending, if the run is a sweep over lengths.
    pub(super) shorter: Vec<LineUp>,
}

/// One line of the tables, one series of the plots: a player of a line-up.
#[derive(Debug)]
pub(super) struct Entry {
    /// Name in this report.
    pub(super) name: String,
    /// Index of its line-up.
    pub(super) line_up: usize,
    /// Index of its player.
    pub(super) player: usize,
}

/// All that a report is made from.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) runs: Vec<RunSummary>,
    pub(super) line_ups: Vec<LineUp>,
    pub(super) entries: Vec<Entry>,
    /// What the reader must know of a sweep over games, in which games with a seed stand for seeds.
    pub(super) games: Option<String>,
}

/// What a score is; see [`PlayerResult::score`](run::PlayerResult::score).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ScoreKind {
    Evaluation,
    LateReturn,
    TotalReward,
}

impl ScoreKind {
    fn of(config: &Config, result: &TrialResult) -> Self {
        let is_total = |p: &run::PlayerResult| p.score.to_bits() == p.total_reward.to_bits();
        if config.eval.episodes > 0 {
            Self::Evaluation
        } else if result.players.iter().all(is_total) {
            Self::TotalReward
        } else {
            Self::LateReturn
        }
    }

    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Evaluation => {
                "mean returns of the evaluation episodes after training, on seeds that training never sees"
            }
            Self::LateReturn => {
                "mean returns of the training episodes that ended in the last quarter of the run"
            }
            Self::TotalReward => "total rewards of the run, means over its rows",
        }
    }
}

impl Loaded {
    /// Reads the runs.
    pub(super) fn read(paths: &[PathBuf]) -> Result<Self, ReportError> {
        if paths.is_empty() {
            return Err(ReportError::NoRun);
        }
        let folders = paths.iter().map(|path| RunFolder::open(path));
        let folders: Vec<RunFolder> = folders.collect::<Result<_, _>>()?;
        let names = run_names(&folders);
        let mut loaded = Self {
            runs: Vec::new(),
            line_ups: Vec::new(),
            entries: Vec::new(),
            games: None,
        };
        for (folder, name) in folders.iter().zip(names) {
            loaded.add_run(folder, name, folders.len() > 1)?;
        }
        loaded.check_comparable()?;
        loaded.line_ups = lengths::together(loaded.line_ups);
        (loaded.line_ups, loaded.games) = games::together(loaded.line_ups);
        loaded.entries = entries(&loaded.line_ups);
        Ok(loaded)
    }

    fn add_run(
        &mut self,
        folder: &RunFolder,
        name: String,
        several: bool,
    ) -> Result<(), ReportError> {
        let manifest = &folder.manifest;
        let resolved_path = folder.path.join("resolved.toml");
        let resolved = String::from_utf8_lossy(&files::read(&resolved_path)?).into_owned();
        let document = Document::parse(&resolved_path.display().to_string(), &resolved)?;
        let planned = plan(&document.points()?);
        let run = self.runs.len();
        let first = self.line_ups.len();
        let mut missing = Vec::new();
        for trial in &manifest.trials {
            let place = folder.trial(trial);
            if !place.join("trial.json").exists() {
                missing.push(trial.clone());
                continue;
            }
            let result: TrialResult = read_json(&place.join("trial.json"))?;
            let found = planned.iter().find(|planned| planned.name == *trial);
            let planned = found.ok_or_else(|| ReportError::MixedTrials {
                trial: trial.clone(),
                label: result.label.clone(),
                reason: "the run's configuration does not plan it".into(),
            })?;
            let label = result.label.clone();
            let trial = Trial::read(place, result)?;
            let known = self.line_ups[first..].iter_mut();
            match known.into_iter().find(|known| known.label == label) {
                Some(known) => known.trials.push(known.fitting(trial)?),
                None => self.line_ups.push(LineUp {
                    name: if several {
                        format!("{name}/{label}")
                    } else {
                        label.clone()
                    },
                    run,
                    label,
                    config: planned.config.clone(),
                    planned: planned.clone(),
                    trials: vec![trial],
                    shorter: Vec::new(),
                }),
            }
        }
        if self.line_ups.len() == first {
            return Err(ReportError::NoCompleteTrial {
                path: folder.path.clone(),
                status: manifest.status,
            });
        }
        self.runs.push(RunSummary {
            name,
            status: manifest.status,
            trials: manifest.trials.len(),
            complete: manifest.trials.len() - missing.len(),
            missing,
            config_hash: manifest.config_hash.clone(),
            palaestra: manifest.palaestra.clone(),
            commit: manifest.commit.clone(),
            platform: manifest.platform.clone(),
            processor: manifest.processor.clone(),
            threads: manifest.threads,
            device: manifest.device.clone(),
            started: manifest.started,
            updated: manifest.updated,
            config: document.config()?,
            resolved,
        });
        Ok(())
    }

    /// Checks that the runs may stand side by side.
    fn check_comparable(&self) -> Result<(), ReportError> {
        let Some(first) = self.line_ups.first() else {
            return Ok(());
        };
        let name = |line_up: &LineUp| self.runs[line_up.run].name.clone();
        for other in &self.line_ups {
            if other.run == first.run {
                continue;
            }
            let ids = [first, other].map(|line_up| line_up.config.env.id.clone());
            if ids[0] != ids[1] {
                let [first_id, other_id] = ids;
                return Err(ReportError::MixedEnvironments {
                    first: (name(first), first_id),
                    second: (name(other), other_id),
                });
            }
            let evaluated = |line_up: &LineUp| line_up.config.eval.episodes > 0;
            if evaluated(first) != evaluated(other) {
                let what = |line_up: &LineUp| {
                    let kind = line_up.score_kinds()[0];
                    (name(line_up), kind.meaning().to_owned())
                };
                return Err(ReportError::MixedScores {
                    first: what(first),
                    second: what(other),
                });
            }
        }
        Ok(())
    }

    /// What the scores are, in a sentence.
    pub(super) fn score_meaning(&self) -> String {
        let kinds = self.score_kinds();
        let meanings: Vec<&str> = kinds.iter().map(|kind| kind.meaning()).collect();
        format!("Scores are {}.", meanings.join("; or "))
    }

    fn score_kinds(&self) -> Vec<ScoreKind> {
        let mut kinds: Vec<ScoreKind> =
            self.line_ups.iter().flat_map(LineUp::score_kinds).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// What the reader must know about the runs, which are told task `by_task` or not.
    pub(super) fn notes(&self, by_task: bool) -> Vec<String> {
        let mut notes = Vec::new();
        for run in &self.runs {
            if !run.missing.is_empty() {
                notes.push(format!(
                    "{} of {} trials of `{}` are missing: they are not complete, and nothing of them is in this report \
                     ({}).",
                    run.missing.len(),
                    run.trials,
                    run.name,
                    shortened(&run.missing)
                ));
            }
        }
        notes.extend(lengths::note(&self.line_ups));
        notes.extend(self.games.clone());
        if self.score_kinds().len() > 1 {
            notes.push(
                "The scores are not all of one kind, because not all trials have evaluation episodes, or training \
                 episodes that ended in the last quarter of the run: compare them with care."
                    .into(),
            );
        }
        let differs = |what: fn(&Config) -> String| {
            let mut all = self.line_ups.iter().map(|line_up| what(&line_up.config));
            let first = all.next();
            all.any(|other| Some(other) != first)
        };
        if differs(|config| config.env.id.clone()) {
            // A sweep over environments has a table of its own.
            if !by_task {
                notes.push("The agents ran on different environments; only those on one environment can be compared.".into());
            }
        } else if differs(|config| serde_json::to_string(&config.env.args).unwrap_or_default()) {
            notes.push("The agents ran on one environment with different arguments.".into());
        }
        if differs(|config| config.experiment.total_env_steps.to_string()) {
            notes.push("The agents ran for different numbers of environment steps.".into());
        }
        notes
    }

    /// Whether all trials with a single player have the metric `key`.
    pub(super) fn tell(&self, key: &str) -> bool {
        let all = self.line_ups.iter().flat_map(|line_up| {
            let shorter = line_up.shorter.iter().flat_map(|shorter| &shorter.trials);
            line_up.trials.iter().chain(shorter)
        });
        let mut single = all.filter(|trial| trial.result.players.len() == 1);
        single.all(|trial| trial.metrics.contains_key(key))
    }

    /// The line-up of an entry.
    pub(super) fn line_up(&self, entry: &Entry) -> &LineUp {
        &self.line_ups[entry.line_up]
    }
}

impl LineUp {
    fn score_kinds(&self) -> Vec<ScoreKind> {
        let trials = self.trials.iter();
        trials
            .map(|trial| ScoreKind::of(&self.config, &trial.result))
            .collect()
    }

    /// What sets it apart from the others in a sweep, in brackets; empty without one.
    fn point(&self) -> &str {
        self.planned.point_in(&self.label)
    }

    /// Its name in the run without what tells its environment apart in a sweep.
    pub(super) fn without_environment(&self) -> String {
        let point = self.point().trim_matches([' ', '(', ')']);
        let names = self.label.strip_suffix(self.point());
        let sweep = self.config.sweep.iter();
        let grids = sweep.flat_map(Sweep::grids);
        let swept: Vec<&String> = grids.flat_map(|(_, grid)| grid.values.keys()).collect();
        // Labels tell the last part of a key; more, where that alone is not clear.
        let of_environment = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let mut keys = swept
                .iter()
                .filter(|key| key.rsplit('.').next() == Some(name));
            value == self.config.env.id
                || (keys.clone().next().is_some() && keys.all(|key| key.starts_with("env.")))
        };
        let kept = point.split(' ').filter(|part| !of_environment(part));
        let kept: Vec<&str> = kept.collect();
        match names.unwrap_or(&self.label) {
            names if kept.is_empty() => names.to_owned(),
            names => format!("{names} ({})", kept.join(" ")),
        }
    }

    /// What the environment says of itself; `None` if this program does not have it.
    pub(super) fn env_spec(&self, registries: &Registries) -> Option<Arc<EnvSpec>> {
        let simulator = self.replay_simulator(registries)?;
        Some(simulator.spec().clone())
    }

    /// A row of the environment, to play logged episodes again; `None` if this program does not have it.
    pub(super) fn replay_simulator(&self, registries: &Registries) -> Option<Simulator> {
        self.planned.replay_simulator(registries, 1, &[]).ok()
    }

    /// What the environment would say of itself without wrappers.
    pub(super) fn plain_env_spec(&self, registries: &Registries) -> Option<Arc<EnvSpec>> {
        let mut planned = self.planned.clone();
        Arc::make_mut(&mut planned.config).env.wrappers.clear();
        let simulator = planned.replay_simulator(registries, 1, &[]).ok()?;
        Some(simulator.spec().clone())
    }

    /// Names of the players.
    pub(super) fn players(&self) -> Vec<&str> {
        let first = &self.trials[0].result;
        first.players.iter().map(|p| p.player.as_str()).collect()
    }

    /// `trial`, if it has the same players, agents and info fields as those before it.
    fn fitting(&self, trial: Trial) -> Result<Trial, ReportError> {
        let first = &self.trials[0].result;
        let seats = |result: &TrialResult| {
            let players = result.players.iter();
            let players = players.map(|p| (p.player.clone(), p.agent.clone()));
            players.collect::<Vec<_>>()
        };
        let info = |result: &TrialResult| {
            let names = result.info.iter().map(|(name, _)| name.clone());
            names.collect::<Vec<_>>()
        };
        let reason = if seats(first) != seats(&trial.result) {
            "its players are not seated alike"
        } else if info(first) != info(&trial.result) {
            "its info fields are others"
        } else {
            return Ok(trial);
        };
        Err(ReportError::MixedTrials {
            trial: trial.result.trial,
            label: self.label.clone(),
            reason: reason.into(),
        })
    }
}

/// Names of the runs, all different: as in the manifest, else with the folder, else with a number.
fn run_names(folders: &[RunFolder]) -> Vec<String> {
    let plain: Vec<&str> = folders.iter().map(|f| f.manifest.name.as_str()).collect();
    let with_folder: Vec<String> = folders
        .iter()
        .zip(&plain)
        .map(|(folder, name)| {
            let folder = folder.path.file_name().map(|name| name.to_string_lossy());
            match folder {
                Some(folder) if plain.iter().filter(|other| *other == name).count() > 1 => {
                    folder.into_owned()
                }
                _ => (*name).to_owned(),
            }
        })
        .collect();
    let numbered = with_folder.iter().enumerate().map(|(index, name)| {
        if with_folder.iter().filter(|other| *other == name).count() > 1 {
            format!("{name} #{}", index + 1)
        } else {
            name.clone()
        }
    });
    numbered.collect()
}

/// The lines of the tables, in the order of line-ups and players.
fn entries(line_ups: &[LineUp]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (index, line_up) in line_ups.iter().enumerate() {
        let players = &line_up.trials[0].result.players;
        let run = line_up
            .name
            .strip_suffix(&line_up.label)
            .unwrap_or_default();
        for (player, result) in players.iter().enumerate() {
            let name = if players.len() == 1 {
                line_up.name.clone()
            } else if line_up.config.tournament.is_some() {
                format!("{}: {}", line_up.name, result.player)
            } else {
                format!(
                    "{run}{} as {}{}",
                    result.agent,
                    result.player,
                    line_up.point()
                )
            };
            entries.push(Entry {
                name,
                line_up: index,
                player,
            });
        }
    }
    // Somebody who plays against several is told apart by whom it meets.
    let names: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
    for entry in &mut entries {
        if names.iter().filter(|name| **name == entry.name).count() > 1 {
            let line_up = &line_ups[entry.line_up];
            let players = &line_up.trials[0].result.players;
            let own = &players[entry.player];
            let others = players.iter().filter(|other| other.agent != own.agent);
            let others: Vec<&str> = others.map(|other| other.agent.as_str()).collect();
            let run = line_up.name.strip_suffix(&line_up.label);
            entry.name = format!(
                "{}{} as {} vs {}{}",
                run.unwrap_or_default(),
                own.agent,
                own.player,
                others.join(" vs "),
                line_up.point()
            );
        }
    }
    entries
}

/// The first few of many names.
fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 6;
    let mut text = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN {
        text.push_str(", …");
    }
    text
}
