//! One trial from its first step, or its last checkpoint, to its end.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use palaestra_agents::AgentError;
use palaestra_envs::sim::{Selection, Simulator};
use serde::{Deserialize, Serialize};

use super::{
    RunError, Trial,
    checkpoint::{self, Checkpoint},
    metrics::Metrics,
    pace::{Pace, Until},
    plan::Seated,
    sinks::Sinks,
    step::act_and_step,
};
use crate::{
    Registries,
    episodes::{Choice, EpisodeKind, Recorder},
    files,
};

/// How a trial came out; `trial.json` of its folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialResult {
    /// Name of the trial.
    pub trial: String,
    /// Name in tables and plots.
    pub label: String,
    /// The seed.
    pub seed: u64,
    /// Environment steps made, over all rows.
    pub env_steps: u64,
    /// Training episodes that ended.
    pub episodes: u64,
    /// The players' results, in order.
    pub players: Vec<PlayerResult>,
    /// Totals of the info fields that are summed up, mean over rows.
    pub info: Vec<(String, f64)>,
}

/// How a player came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlayerResult {
    /// Name of the player.
    pub player: String,
    /// Name of its agent.
    pub agent: String,
    /// Mean return of the evaluation episodes after training; without any, of the training episodes that ended
    /// in the last quarter of the run; without any, total reward so far, mean over rows.
    pub score: f64,
    /// Total reward of the run, mean over rows.
    pub total_reward: f64,
}

/// Shared between the trials of a run and whoever watches it.
#[derive(Debug, Default)]
pub struct Watch {
    /// Environment steps made in this process, over all trials.
    pub env_steps: AtomicU64,
    /// Set to stop at the next step, with a checkpoint.
    pub stop: AtomicBool,
}

/// Whether a trial came to its end.
#[derive(Debug)]
pub enum Outcome {
    /// It did.
    Complete(TrialResult),
    /// It was stopped and can be resumed.
    Interrupted,
}

/// Runs `trial` in `folder`, going on from its last checkpoint if it has one.
///
/// # Errors
/// [`RunError`]; what was sealed or checkpointed before stays.
pub fn run_trial(
    trial: &Trial,
    registries: &Registries,
    folder: &Path,
    watch: &Watch,
) -> Result<Outcome, RunError> {
    let result_file = folder.join("trial.json");
    if result_file.exists() {
        let result = checkpoint::read_json::<TrialResult>(&result_file)?;
        watch
            .env_steps
            .fetch_add(result.env_steps, Ordering::Relaxed);
        return Ok(Outcome::Complete(result));
    }
    files::create_folder(folder)?;
    let mut running = Running::start(trial, registries, folder)?;
    watch
        .env_steps
        .fetch_add(running.env_steps(), Ordering::Relaxed);
    let total = trial.config.experiment.total_env_steps;
    let pause = Duration::from_secs_f64(trial.config.train.checkpoint_every_s);
    let mut last_checkpoint = Instant::now();
    // It may have been stopped in an evaluation.
    if !running.evaluate_if_due(&watch.stop)? {
        running.finish_agents()?;
        return Ok(Outcome::Interrupted);
    }
    while running.metrics.env_steps() < total {
        let stepped = match running.step(&watch.stop) {
            Ok(rows) => rows,
            Err(error) => {
                let error = running.keep_what_failed(error);
                running.keep_the_rest();
                return Err(error);
            }
        };
        watch.env_steps.fetch_add(stepped as u64, Ordering::Relaxed);
        let stop = watch.stop.load(Ordering::Relaxed);
        if stop || last_checkpoint.elapsed() >= pause {
            running.checkpoint()?;
            last_checkpoint = Instant::now();
        }
        if stop {
            running.finish_agents()?;
            return Ok(Outcome::Interrupted);
        }
    }
    running.finish(&watch.stop)
}

/// A trial under way.
struct Running<'a> {
    trial: &'a Trial,
    registries: &'a Registries,
    folder: &'a Path,
    simulator: Simulator,
    seated: Vec<Seated>,
    metrics: Metrics,
    recorder: Recorder,
    sinks: Sinks,
    all_rows: Selection,
    /// Where an agent is slow.
    pace: Option<Pace>,
    agent_metrics: Vec<(String, f64)>,
    evaluations: u32,
}

impl<'a> Running<'a> {
    fn start(
        trial: &'a Trial,
        registries: &'a Registries,
        folder: &'a Path,
    ) -> Result<Self, RunError> {
        let config = &trial.config;
        let mut simulator = trial.simulator(registries, trial.seed)?;
        let seated = trial.seat_agents(registries, simulator.spec())?;
        let rows = simulator.rows();
        let total = config.experiment.total_env_steps;
        let every = config
            .log
            .metrics_every_env_steps
            .unwrap_or((total / 200).max(rows as u64));
        let metrics = Metrics::new(simulator.spec(), simulator.border(), every, total);
        let choice = Choice::of(&config.log, total);
        let recorder = Recorder::create(
            &folder.join("episodes"),
            EpisodeKind::Train,
            choice,
            simulator.spec(),
            rows,
        )?;
        simulator.reset()?;
        let pace = Pace::of(&seated, &simulator, Until::Steps(0));
        let mut running = Self {
            pace,
            trial,
            registries,
            folder,
            simulator,
            seated,
            metrics,
            recorder,
            sinks: Sinks::open(folder, config.log.tensorboard)?,
            all_rows: Selection::all(rows),
            agent_metrics: Vec::new(),
            evaluations: 0,
        };
        match Checkpoint::latest(folder)? {
            Some(saved) => running.restore(&saved)?,
            None => running.recorder.begin(&running.simulator)?,
        }
        Ok(running)
    }

    /// Environment steps made, those of rows that are ahead of others included.
    fn env_steps(&self) -> u64 {
        self.metrics.env_steps() + self.pace.as_ref().map_or(0, Pace::steps_ahead)
    }

    /// Act, step, observe; then episodes and metrics. Gives the number of rows that were stepped.
    fn step(&mut self, stop: &AtomicBool) -> Result<usize, RunError> {
        if let Some(mut pace) = self.pace.take() {
            let stepped = self.step_ready_rows(&mut pace, stop);
            self.pace = Some(pace);
            return stepped;
        }
        act_and_step(&mut self.simulator, &mut self.seated, &self.all_rows)?;
        self.recorder.step(&self.simulator)?;
        if self.metrics.step(self.simulator.border(), &self.all_rows) {
            self.record_point()?;
        }
        self.evaluate_if_due(stop)?;
        Ok(self.simulator.rows())
    }

    /// The same for the rows that are ready; episodes and metrics follow when all rows have made the step.
    fn step_ready_rows(&mut self, pace: &mut Pace, stop: &AtomicBool) -> Result<usize, RunError> {
        pace.go_on(Until::Steps(self.next_stop()));
        let stepped = pace.step(&mut self.simulator, &mut self.seated)?;
        loop {
            let mirror = || self.trial.simulator(self.registries, self.trial.seed);
            let Some((whole, rows)) = pace.next(&self.simulator, mirror)? else {
                return Ok(stepped);
            };
            self.recorder.step(whole)?;
            if self.metrics.step(whole.border(), rows) {
                self.record_point()?;
            }
            self.evaluate_if_due(stop)?;
        }
    }

    /// The step in which all rows must meet next: that of the next evaluation, or the last.
    fn next_stop(&self) -> u64 {
        let config = &self.trial.config;
        let rows = self.simulator.rows() as u64;
        let last = config.experiment.total_env_steps.div_ceil(rows);
        let made = self.metrics.env_steps() / rows;
        let next = config.eval.every_env_steps.map(|every| {
            let due = (u64::from(self.evaluations) + 1).saturating_mul(every.max(1));
            due.div_ceil(rows).max(made + 1)
        });
        next.map_or(last, |next| next.min(last))
    }

    /// `false` if it is due and was stopped.
    fn evaluate_if_due(&mut self, stop: &AtomicBool) -> Result<bool, RunError> {
        if let Some(every) = self.trial.config.eval.every_env_steps {
            let due = self.metrics.env_steps() / every.max(1) > u64::from(self.evaluations);
            if due && self.metrics.env_steps() < self.trial.config.experiment.total_env_steps {
                return Ok(self.evaluate(stop)?.is_some());
            }
        }
        Ok(true)
    }

    fn record_point(&mut self) -> Result<(), RunError> {
        self.agent_metrics.clear();
        let several = self.seated.len() > 1;
        for seated in &mut self.seated {
            let (out, label) = (&mut self.agent_metrics, &seated.label);
            seated.agent.metrics(&mut |key, value| {
                out.push((
                    if several {
                        format!("{label}/{key}")
                    } else {
                        key.to_owned()
                    },
                    value,
                ));
            });
        }
        let first = self.metrics.record_point(&self.agent_metrics);
        self.sinks.points(&self.metrics.points()[first..])
    }

    /// Plays the evaluation episodes, records what they came to and returns the players' mean returns; `None` if it was stopped before the last.
    fn evaluate(&mut self, stop: &AtomicBool) -> Result<Option<Vec<f64>>, RunError> {
        let round = self.evaluations;
        let evaluation = super::evaluate::evaluate(
            self.trial,
            self.registries,
            &mut self.seated,
            Some(&self.folder.join("episodes")),
            round,
            stop,
        )?;
        let Some(evaluation) = evaluation else {
            return Ok(None);
        };
        let scores = evaluation.returns;
        self.evaluations += 1;
        let first = self.metrics.points().len();
        let spec = self.simulator.spec().clone();
        for (player, score) in spec.players.iter().zip(&scores) {
            let key = if scores.len() == 1 {
                "eval/episodic_return".to_owned()
            } else {
                format!("eval/{}/episodic_return", player.name)
            };
            self.metrics.record(&key, *score);
        }
        for field in &evaluation.by_trial {
            for (j, mean) in field.means().into_iter().enumerate() {
                if let Some(mean) = mean {
                    let key = format!("eval/{}/{}", field.field, j + 1);
                    self.metrics.record(&key, mean);
                }
            }
        }
        self.sinks.points(&self.metrics.points()[first..])?;
        Ok(Some(scores))
    }

    fn checkpoint(&mut self) -> Result<(), RunError> {
        self.checkpoint_in(self.folder, self.trial.config.train.keep_checkpoints)
    }

    fn checkpoint_in(&mut self, folder: &Path, keep: usize) -> Result<(), RunError> {
        let mut agents = Vec::with_capacity(self.seated.len());
        for seated in &mut self.seated {
            agents.push(seated.agent.save()?);
        }
        let rows = 0..self.simulator.rows();
        let pace = match &self.pace {
            Some(pace) => pace.save().map_err(|e| self.strange(&e.to_string()))?,
            None => Vec::new(),
        };
        let checkpoint = Checkpoint {
            env_steps: self.metrics.env_steps(),
            evaluations: self.evaluations,
            rows: rows
                .map(|row| self.simulator.save_row(row))
                .collect::<Result<_, _>>()?,
            agents,
            metrics: self.metrics.clone(),
            recorder: self.recorder.save()?,
            pace,
        };
        checkpoint.write(folder, keep)?;
        self.write_metrics()
    }

    fn restore(&mut self, saved: &Checkpoint) -> Result<(), RunError> {
        if saved.rows.len() != self.simulator.rows() || saved.agents.len() != self.seated.len() {
            return Err(RunError::Config(format!(
                "the checkpoint in {} has {} rows and {} agents, but the configuration asks for {} and {}",
                self.folder.display(),
                saved.rows.len(),
                saved.agents.len(),
                self.simulator.rows(),
                self.seated.len()
            )));
        }
        for (row, bytes) in saved.rows.iter().enumerate() {
            self.simulator.load_row(row, bytes)?;
        }
        for (seated, state) in self.seated.iter_mut().zip(&saved.agents) {
            seated.agent.load(state)?;
        }
        self.metrics = saved.metrics.clone();
        self.evaluations = saved.evaluations;
        self.recorder.restore(&saved.recorder)?;
        if let Some(pace) = &mut self.pace {
            let fits = pace.load(&saved.pace);
            let reason = match fits {
                Ok(true) => return Ok(()),
                Ok(false) => "its rows or players are not those of the configuration".into(),
                Err(error) => error.to_string(),
            };
            return Err(self.strange(&reason));
        }
        Ok(())
    }

    /// A checkpoint that cannot be.
    fn strange(&self, reason: &str) -> RunError {
        RunError::Checkpoint {
            path: self.folder.join("checkpoints"),
            reason: format!("steps of rows that are ahead of others: {reason}"),
        }
    }

    /// Where an agent has failed: writes its state and all else to `failed/`, to look at, and tells so. Nothing goes on
    /// from there; what the checkpoint itself fails for is less than what is reported already.
    fn keep_what_failed(&mut self, error: RunError) -> RunError {
        // A process that failed has no state to give any more.
        let of_agent = matches!(&error, RunError::Agent(error) if !matches!(error, AgentError::Process { .. }));
        if !of_agent {
            return error;
        }
        let folder = self.folder.join("failed");
        let written = self.checkpoint_in(&folder, 0).is_ok();
        RunError::Stopped {
            env_steps: self.metrics.env_steps(),
            checkpoint: written.then(|| folder.join("checkpoints")),
            error: Box::new(error),
        }
    }

    /// Writes the episodes and metrics of a trial that failed, to look at: resuming makes them again from the last
    /// checkpoint. What fails of it, fails for the reason that is reported already.
    fn keep_the_rest(&mut self) {
        let _ = self.recorder.finish();
        let _ = self.write_metrics();
    }

    /// Tells the agents that they are no longer needed.
    fn finish_agents(&mut self) -> Result<(), RunError> {
        for seated in &mut self.seated {
            seated.agent.finish()?;
        }
        Ok(())
    }

    fn write_metrics(&self) -> Result<(), RunError> {
        let bytes = files::parquet_bytes(&self.metrics.table()?, &[])?;
        Ok(files::write_atomically(
            &self.folder.join("metrics.parquet"),
            &bytes,
        )?)
    }

    fn finish(mut self, stop: &AtomicBool) -> Result<Outcome, RunError> {
        // What `palaestra eval` loads later.
        self.checkpoint()?;
        let episodes = self.trial.config.eval.episodes;
        let evaluated = if episodes > 0 {
            let scores = self.evaluate(stop)?;
            if scores.is_none() {
                self.finish_agents()?;
                return Ok(Outcome::Interrupted);
            }
            scores
        } else {
            None
        };
        self.record_point()?;
        self.recorder.finish()?;
        self.write_metrics()?;
        self.finish_agents()?;
        let spec = self.simulator.spec();
        let players = spec.players.iter().enumerate().map(|(index, player)| {
            let seat = self.seated.iter().find(|s| s.players.contains(&index));
            let late = self.metrics.late_return(index);
            let total_reward = self.metrics.total_reward(index);
            let evaluated = evaluated.as_ref().map(|scores| scores[index]);
            PlayerResult {
                player: player.name.clone(),
                agent: seat.map_or(String::new(), |s| s.label.clone()),
                score: evaluated.or(late).unwrap_or(total_reward),
                total_reward,
            }
        });
        let result = TrialResult {
            trial: self.trial.name.clone(),
            label: self.trial.label.clone(),
            seed: self.trial.seed,
            env_steps: self.metrics.env_steps(),
            episodes: self.metrics.episodes(),
            players: players.collect(),
            info: self.metrics.info_totals(),
        };
        self.sinks.close()?;
        checkpoint::write_json(&self.folder.join("trial.json"), &result)?;
        Ok(Outcome::Complete(result))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use palaestra_agents::{Agent, AgentContext};
    use palaestra_envs::{sim::ActView, space::Columns};

    use super::*;
    use crate::{
        config::Config,
        episodes::{Ending, EpisodeLog},
        run::{Manifest, RunFolder, plan, run_all},
    };

    fn config(checkpoint_every_s: f64) -> Config {
        let text = format!(
            r#"
            schema = 1
            experiment = {{ name = "test", seeds = [3], total_env_steps = 4000 }}
            env = {{ id = "cartpole-v1", num_envs = 4 }}
            agents = [{{ id = "random" }}]
            train = {{ checkpoint_every_s = {checkpoint_every_s:?} }}
            eval = {{ episodes = 8, every_env_steps = 1500 }}
            "#
        );
        toml::from_str(&text).unwrap()
    }

    fn run(folder: &Path, config: Config, watch: &Watch) -> Outcome {
        let trials = plan(&[(String::new(), Arc::new(config))]);
        run_trial(&trials[0], &Registries::default(), folder, watch).unwrap()
    }

    /// Pushes to the left until it has acted so often, then fails or panics.
    struct Failing {
        left: u32,
        panics: bool,
    }

    impl Agent for Failing {
        fn act(
            &mut self,
            _: &ActView<'_>,
            _: &Selection,
            actions: &mut Columns,
        ) -> Result<(), AgentError> {
            actions.i32_mut(0).fill(0);
            self.left -= 1;
            assert!(self.left > 0 || !self.panics, "out of luck");
            let failed = || AgentError::Failed {
                agent: "failing".into(),
                reason: "out of luck".into(),
            };
            (self.left > 0).then_some(()).ok_or_else(failed)
        }

        fn save(&mut self) -> Result<Vec<u8>, AgentError> {
            Ok(Vec::new())
        }

        fn load(&mut self, _: &[u8]) -> Result<(), AgentError> {
            Ok(())
        }
    }

    #[derive(Default, Clone, Serialize, Deserialize, schemars::JsonSchema)]
    #[serde(default)]
    struct FailingArgs {
        panics: bool,
    }

    #[test]
    fn a_trial_that_fails_keeps_its_episodes_and_ends_no_other() {
        let mut registries = Registries::default();
        let build = |_: &AgentContext, args: FailingArgs| -> Result<Box<dyn Agent>, AgentError> {
            Ok(Box::new(Failing {
                left: 50,
                panics: args.panics,
            }))
        };
        registries.agents.register("failing", "Fails.", build);
        let mut config = config(1e6);
        config.agents = toml::from_str::<std::collections::BTreeMap<String, Vec<_>>>(
            r#"agents = [
                { id = "failing" },
                { id = "failing", name = "panicking", args = { panics = true } },
                { id = "random" },
            ]"#,
        )
        .unwrap()
        .remove("agents")
        .unwrap();
        let trials = plan(&[(String::new(), Arc::new(config))]);
        let place = tempfile::tempdir().unwrap();
        let manifest = Manifest::new("test", String::new(), &trials, 2);
        let mut folder =
            RunFolder::create(&place.path().join("run"), false, manifest, "", "").unwrap();
        let lock = folder.lock().unwrap();
        assert!(matches!(folder.lock(), Err(RunError::Busy(_))));
        drop(lock);
        let report = run_all(&mut folder, &trials, &registries, 2, &Watch::default()).unwrap();
        let failed: Vec<String> = (report.failures.iter())
            .map(|failure| failure.error.to_string())
            .collect();
        assert!(
            failed[0].starts_with("agent `failing` failed: out of luck\nin the step after 196 "),
            "{}",
            failed[0]
        );
        assert!(failed[1].contains("panicked: out of luck"), "{}", failed[1]);
        assert_eq!((failed.len(), report.results.len()), (2, 1));

        let log = EpisodeLog::open(&folder.trial(&trials[0].name)).unwrap();
        let steps: usize = log.episodes().iter().map(|episode| episode.length).sum();
        assert_eq!(steps, 49 * 4, "four rows, all but the failed step");
        assert!(
            log.episodes()
                .iter()
                .any(|e| e.ending == Ending::Terminated)
        );
        assert!(
            folder
                .trial(&trials[0].name)
                .join("metrics.parquet")
                .exists()
        );
    }

    /// A learning rate beyond all bounds: the first minibatch spoils the parameters for the second.
    #[test]
    fn in_context_learning_that_fails_leaves_a_checkpoint_of_before() {
        let text = r#"
            schema = 1
            experiment = { name = "test", seeds = [3], total_env_steps = 400 }
            env = { id = "memory_chain-v0", num_envs = 4 }
            train = { checkpoint_every_s = 1e6 }
            [[agents]]
            id = "ppo"
            args = { core = "gru", encoder = [8], heads = [8], rollout = 10, minibatches = 2, lr = 1e30 }
        "#;
        let trials = plan(&[(String::new(), Arc::new(toml::from_str(text).unwrap()))]);
        let place = tempfile::tempdir().unwrap();
        let registries = Registries::default();
        let error = run_trial(&trials[0], &registries, place.path(), &Watch::default());
        let error = error.unwrap_err();
        let RunError::Stopped {
            env_steps,
            checkpoint: Some(folder),
            error: cause,
        } = &error
        else {
            panic!("{error}")
        };
        assert_eq!(*env_steps, 36, "the tenth step brought the update");
        assert!(
            matches!(
                **cause,
                RunError::Agent(AgentError::Gradient { update: 0, .. })
            ),
            "{cause}"
        );
        let told = error.to_string();
        assert!(told.contains("after 36 environment steps"), "{told}");
        assert!(told.contains(&folder.display().to_string()), "{told}");
        assert!(Checkpoint::latest(place.path()).unwrap().is_none());

        let saved = Checkpoint::latest(&place.path().join("failed"));
        let saved = saved.unwrap().unwrap();
        let spec = trials[0].simulator(&registries, 3).unwrap();
        let mut seated = trials[0].seat_agents(&registries, spec.spec()).unwrap();
        seated[0].agent.load(&saved.agents[0]).unwrap();
        assert!(seated[0].agent.save().unwrap() == saved.agents[0]);
    }

    #[test]
    fn a_stopped_and_resumed_trial_writes_the_same_metrics_as_one_that_was_not_stopped() {
        let (straight, stopped) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let Outcome::Complete(expected) = run(straight.path(), config(1e6), &Watch::default())
        else {
            panic!("nobody stopped it")
        };
        // Stopped after every single step for a while.
        for _ in 0..300 {
            let watch = Watch {
                stop: true.into(),
                ..Watch::default()
            };
            run(stopped.path(), config(0.0), &watch);
        }
        let Outcome::Complete(result) = run(stopped.path(), config(1e6), &Watch::default()) else {
            panic!("nobody stopped it")
        };
        assert_eq!(result, expected);
        assert!(
            result.players[0].score > 9.0 && result.episodes > 100,
            "{result:?}"
        );
        let metrics = |folder: &Path| files::read(&folder.join("metrics.parquet")).unwrap();
        assert_eq!(metrics(stopped.path()), metrics(straight.path()));
    }

    #[test]
    fn the_returns_of_the_trials_of_an_episode_are_curves_of_their_own() {
        let text = r#"
            schema = 1
            experiment = { name = "trials", seeds = [1], total_env_steps = 1600 }
            env = { id = "multiarmed_bandit-v0", num_envs = 2, wrappers = [{ kind = "trials", trials = 4 }] }
            agents = [{ id = "random" }]
        "#;
        let trials = plan(&[(String::new(), Arc::new(toml::from_str(text).unwrap()))]);
        let mut simulator = trials[0].simulator(&Registries::default(), 1).unwrap();
        simulator.reset().unwrap();
        let mut metrics = Metrics::new(simulator.spec(), simulator.border(), 1600, 1600);
        simulator.step().unwrap();
        while !metrics.step(simulator.border(), &Selection::all(2)) {
            simulator.step().unwrap();
        }
        metrics.record_point(&[]);
        let value = |key: &str| {
            metrics
                .points()
                .iter()
                .find(|p| p.key == key)
                .unwrap()
                .value
        };
        let trials: f64 = (1..=4)
            .map(|j| value(&format!("charts/trial_return/{j}")))
            .sum();
        assert!((trials - value("charts/episodic_return")).abs() < 1e-9);
        assert!(value("charts/trial_return/1") != value("charts/trial_return/2"));
    }
}
