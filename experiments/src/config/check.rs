//! What a well-formed configuration can still get wrong; all of it is reported at once.

use palaestra_agents::AgentError;
use palaestra_envs::EnvError;

use super::{Config, ConfigError, Document, Problem};
use crate::{
    Registries,
    run::{RunError, Trial, plan},
};

/// Most line-ups of a tournament.
const MOST_LINE_UPS: usize = 10_000;
/// Most rows of a batch: some gigabytes of even the smallest environment.
const MOST_ROWS: usize = 1 << 24;

impl Document {
    /// Reads and checks the configuration and every point of its sweep, down to the arguments of environment
    /// and agents, by building them once.
    ///
    /// # Errors
    /// All problems found.
    pub fn trials(&self, registries: &Registries) -> Result<Vec<Trial>, ConfigError> {
        let points = self.points()?;
        let trials = plan(&points);
        let mut problems = Vec::new();
        for (_, config) in &points {
            self.check_values(config, registries, &mut problems);
        }
        if problems.is_empty() {
            self.check_by_building(&trials, registries, &mut problems);
        }
        problems.dedup();
        if problems.is_empty() {
            Ok(trials)
        } else {
            Err(self.error(problems))
        }
    }

    fn check_values(&self, config: &Config, registries: &Registries, problems: &mut Vec<Problem>) {
        let mut add = |path: &str, message: String, help: Option<&str>| {
            problems.push(self.problem(path, &message, help.map(str::to_owned)));
        };
        if config.schema != 1 {
            let message = format!("version {} of the file format is not known", config.schema);
            add("schema", message, Some("this program reads `schema = 1`"));
        }
        let experiment = &config.experiment;
        let name = &experiment.name;
        if name.is_empty() || name.contains(['/', '\\']) || [".", ".."].contains(&name.as_str()) {
            let message = "the name becomes a folder: it may not be empty or dots, or hold a slash";
            add("experiment.name", message.into(), None);
        }
        if experiment.seeds.is_empty() {
            add(
                "experiment.seeds",
                "at least one seed is needed".into(),
                Some("e.g. seeds = [0, 1, 2]"),
            );
        }
        for (index, seed) in experiment.seeds.iter().enumerate() {
            if experiment.seeds[..index].contains(seed) {
                let message = format!("seed {seed} is listed twice; its runs would be the same");
                add(
                    &format!("experiment.seeds.{index}"),
                    message,
                    Some("remove the duplicate"),
                );
            }
        }
        if experiment.total_env_steps == 0 && config.eval.episodes == 0 {
            add(
                "experiment.total_env_steps",
                "must be at least 1".into(),
                Some("or 0 with eval.episodes, to evaluate without training"),
            );
        }
        if experiment.device != "cpu" {
            let message = format!("there is no device `{}` in this build", experiment.device);
            add("experiment.device", message, Some("use device = \"cpu\""));
        }
        let rows = config.env.num_envs;
        if !(1..=MOST_ROWS).contains(&rows) {
            let message = format!("must be between 1 and {MOST_ROWS}, found {rows}");
            add("env.num_envs", message, None);
        } else if config.env.shards == 0 || config.env.shards > rows {
            let message = format!("must be between 1 and num_envs = {rows}");
            add("env.shards", message, None);
        }
        let pause = config.train.checkpoint_every_s;
        if pause.is_nan() || !(0.0..=1e9).contains(&pause) {
            add(
                "train.checkpoint_every_s",
                "must be between 0 and 1e9 seconds".into(),
                None,
            );
        }
        for (path, value) in [
            (
                "log.metrics_every_env_steps",
                config.log.metrics_every_env_steps,
            ),
            ("log.every", config.log.every),
            ("eval.every_env_steps", config.eval.every_env_steps),
        ] {
            if value == Some(0) {
                add(path, "must be at least 1".into(), None);
            }
        }
        if let Err(error) = registries.envs.get(&config.env.id) {
            add(
                "env.id",
                error.to_string(),
                Some("`palaestra list envs` shows all"),
            );
        }
        for (index, wrapper) in config.env.wrappers.iter().enumerate() {
            if let Err(error) = wrapper.plugin() {
                let help = Some("`palaestra list wrappers` shows all");
                add(&format!("env.wrappers.{index}"), error.to_string(), help);
            }
        }
        if config.agents.is_empty() {
            add(
                "agents",
                "at least one agent is needed".into(),
                Some("add an [[agents]] section"),
            );
        }
        if let Some(tournament) = &config.tournament {
            if tournament.players.is_empty() {
                let help = Some("name the environment's players, e.g. [\"alice\", \"bob\"]");
                add("tournament.players", "must not be empty".into(), help);
            }
            let games = (0..tournament.players.len())
                .try_fold(1usize, |all, _| all.checked_mul(config.agents.len()));
            if games.is_none_or(|games| games > MOST_LINE_UPS) {
                let message = format!(
                    "{} agents as {} players are more than {MOST_LINE_UPS} line-ups",
                    config.agents.len(),
                    tournament.players.len()
                );
                add("tournament", message, None);
            }
        }
        let seated = config.agents.iter().any(|a| a.players.is_some());
        for (index, agent) in config.agents.iter().enumerate() {
            let path = format!("agents.{index}");
            if let Err(error) = registries.agents.get(&agent.id) {
                let help = Some("`palaestra list agents` shows all");
                add(&format!("{path}.id"), error.to_string(), help);
            }
            if config.agents[..index]
                .iter()
                .any(|other| other.label() == agent.label())
            {
                let message = format!("two agents are called `{}`", agent.label());
                add(&path, message, Some("give one of them a `name`"));
            }
            if agent.label().trim().is_empty() {
                add(&format!("{path}.name"), "must not be empty".into(), None);
            }
            if agent.players.is_some() && config.tournament.is_some() {
                let help =
                    Some("leave `players` out: in a tournament every agent plays all of them");
                let message = format!("`{}` names players in a tournament", agent.label());
                add(&format!("{path}.players"), message, help);
            } else if seated && agent.players.is_none() {
                let help =
                    "either every agent names its players, or none does and they are compared";
                add(
                    &path,
                    format!("`{}` names no players, but others do", agent.label()),
                    Some(help),
                );
            }
        }
    }

    /// Builds a simulator of one row, and the agents for all rows, of one trial per line-up: agents may ask for a certain
    /// number of rows.
    fn check_by_building(
        &self,
        trials: &[Trial],
        registries: &Registries,
        problems: &mut Vec<Problem>,
    ) {
        for (index, trial) in trials.iter().enumerate() {
            if trials[..index]
                .iter()
                .any(|t| t.agents == trial.agents && t.config == trial.config)
            {
                continue;
            }
            let mut small = trial.clone();
            let mut config = Config::clone(&small.config);
            config.env.num_envs = 1;
            config.env.shards = 1;
            small.config = config.into();
            let outcome = small
                .simulator(registries, 0)
                .map_err(|error| ("env".to_owned(), error));
            let outcome = outcome.and_then(|simulator| {
                let path = || match small.agents[..] {
                    [agent] => format!("agents.{agent}"),
                    _ => "agents".into(),
                };
                trial
                    .check_agents(registries, simulator.spec())
                    .map_err(|(place, error)| (place.unwrap_or_else(path), error))
            });
            if let Err((section, error)) = outcome {
                let problem = self.explain(&section, &error);
                // Games of a sweep are wrong alike.
                let told = |known: &Problem| {
                    (&known.path, &known.message) == (&problem.path, &problem.message)
                };
                if !problems.iter().any(told) {
                    problems.push(problem);
                }
            }
        }
    }

    /// Translates an error of building `section` to the key it is about.
    fn explain(&self, section: &str, error: &RunError) -> Problem {
        let argument = match error {
            RunError::Env(error) | RunError::Agent(AgentError::Env(error)) => error,
            other => {
                return Problem {
                    plugin_failed: matches!(
                        other,
                        RunError::Agent(AgentError::Process { .. } | AgentError::Failed { .. })
                    ),
                    ..self.problem(section, &other.to_string(), None)
                };
            }
        };
        let EnvError::Argument {
            path,
            message,
            suggestion,
        } = argument
        else {
            return self.problem(section, &argument.to_string(), None);
        };
        let dotted = path.replace('[', ".").replace(']', "");
        let path = if dotted.is_empty() {
            format!("{section}.args")
        } else {
            format!("{section}.args.{dotted}")
        };
        let help = suggestion.as_ref().map(|s| format!("did you mean `{s}`?"));
        self.problem(&path, message, help)
    }
}
