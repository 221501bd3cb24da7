//! From a configuration to the trials it asks for.

use std::sync::Arc;

use palaestra_agents::{Agent, AgentContext, AgentEntry, Mode};
use palaestra_envs::{
    registry::nearest,
    sim::{Autoreset, EnvSpec, Simulator},
    stream::Stream,
};
use rand::Rng;
use serde_json::Value;

use super::{RunError, Trained};
use crate::{Registries, config::Config};

/// One independent run: a line-up of agents, a seed, a point of the sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Name of its folder below `trials/`: `LINE-UP-seedN`, with the point after the line-up in a sweep. Unique.
    pub name: String,
    /// Name in tables and plots: of the agent, or of all agents joined by ` vs `; in a sweep with the point.
    pub label: String,
    /// The configuration, with the point of the sweep applied.
    pub config: Arc<Config>,
    /// Indices into `config.agents`.
    pub agents: Vec<usize>,
    /// The seed.
    pub seed: u64,
}

/// An agent in its seat.
pub struct Seated {
    /// Name in tables and plots.
    pub label: String,
    /// The players it plays.
    pub players: Vec<usize>,
    /// The agent.
    pub agent: Box<dyn Agent>,
    /// Whether it plays as an earlier run has trained it, and learns no more.
    pub trained: bool,
}

/// The trials of `points` (label and configuration of each point of the sweep; one nameless point without
/// one), in the order point, line-up, seed.
pub fn plan(points: &[(String, Arc<Config>)]) -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut taken = Vec::new();
    for (point, config) in points {
        for agents in line_ups(config) {
            let names: Vec<&str> = agents.iter().map(|&i| config.agents[i].label()).collect();
            let line_up = names.join(" vs ");
            let label = if point.is_empty() {
                line_up
            } else {
                format!("{line_up} ({point})")
            };
            let folder = unique(&file_name(&label), &mut taken);
            for &seed in &config.experiment.seeds {
                let name = format!("{folder}-seed{seed}");
                let (label, config, agents) = (label.clone(), config.clone(), agents.clone());
                trials.push(Trial {
                    name,
                    label,
                    config,
                    agents,
                    seed,
                });
            }
        }
    }
    trials
}

/// In a tournament every combination of agents sits together, the last player's agent changing fastest. Otherwise agents
/// that name players sit together, and others are each on their own.
fn line_ups(config: &Config) -> Vec<Vec<usize>> {
    let all = 0..config.agents.len();
    if let Some(tournament) = &config.tournament {
        let seats = tournament.players.iter();
        return seats.fold(vec![Vec::new()], |line_ups, _| {
            let joined = line_ups.iter().flat_map(|line_up| {
                all.clone()
                    .map(move |agent| [&line_up[..], &[agent]].concat())
            });
            joined.collect()
        });
    }
    if config.agents.iter().any(|a| a.players.is_some()) {
        vec![all.collect()]
    } else {
        all.map(|i| vec![i]).collect()
    }
}

/// `name`, with a number if it is taken already: labels that differ (`α-greedy`, `β-greedy`) can make equal names, and
/// some file systems do not tell capitals from small letters.
fn unique(name: &str, taken: &mut Vec<String>) -> String {
    let mut free = name.to_owned();
    let mut number = 2;
    while taken.contains(&free.to_lowercase()) {
        free = format!("{name}-{number}");
        number += 1;
    }
    taken.push(free.to_lowercase());
    free
}

/// `label` with everything but letters, digits, `.`, `_` and `-` replaced, for use as a folder name.
fn file_name(label: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    label
        .chars()
        .map(|c| if keep(c) { c } else { '_' })
        .collect()
}

impl Trial {
    /// A seed derived from the trial's for another purpose (agents, evaluation).
    pub fn derived_seed(&self, purpose: &str, index: u64) -> u64 {
        Stream::new(self.seed, index, purpose).next_u64()
    }

    /// Name in tables of one of its agents, which is called `agent`: with the point of the sweep.
    pub fn label_of(&self, agent: &str) -> String {
        format!("{agent}{}", self.point_in(&self.label))
    }

    /// The part of `label`, the trial's or a part of it, that tells the point of the sweep, in brackets; empty without
    /// one.
    pub fn point_in<'a>(&self, label: &'a str) -> &'a str {
        let agents = self.agents.iter();
        let names: Vec<&str> = agents.map(|&i| self.config.agents[i].label()).collect();
        label.strip_prefix(&names.join(" vs ")).unwrap_or_default()
    }

    /// The name of the agent of each player of the environment.
    ///
    /// # Errors
    /// Unknown players, players taken twice or not at all.
    pub fn agents_of_players(&self, spec: &EnvSpec) -> Result<Vec<String>, RunError> {
        let seats = seats(&self.config, &self.agents, spec)?;
        let agent_of = |player: usize| {
            let order = seats.iter().position(|players| players.contains(&player));
            let agent = order.map(|order| &self.config.agents[self.agents[order]]);
            agent.map_or_else(String::new, |agent| agent.label().to_owned())
        };
        Ok((0..spec.players.len()).map(agent_of).collect())
    }

    fn entries<'a>(&self, registries: &'a Registries) -> Result<Vec<&'a AgentEntry>, RunError> {
        let ids = self.agents.iter().map(|&i| &self.config.agents[i].id);
        Ok(ids
            .map(|id| registries.agents.get(id))
            .collect::<Result<_, _>>()?)
    }

    /// Builds the simulator with the given seed, telling all info fields that are summed up for the metrics
    /// and those that the agents need or make use of.
    ///
    /// # Errors
    /// Whatever is wrong with environment, wrappers or info fields.
    pub fn simulator(&self, registries: &Registries, seed: u64) -> Result<Simulator, RunError> {
        let env = &self.config.env;
        let probe = self.builder(registries)?.build()?;
        let mut builder = self
            .builder(registries)?
            .rows(env.num_envs)
            .shards(env.shards)
            .seed(seed);
        let mut names: Vec<String> = Vec::new();
        let summed = probe
            .spec()
            .info
            .iter()
            .filter(|f| f.kind == palaestra_envs::sim::InfoKind::Sum);
        names.extend(summed.map(|f| f.name.clone()));
        for entry in self.entries(registries)? {
            names.extend(entry.info.iter().cloned());
            // What an agent only makes use of, for any of the players; who plays whom does not matter to it here.
            let players = probe.spec().players.iter();
            let wanted = players.filter_map(|player| entry.info_for(probe.spec(), player).ok());
            names.extend(wanted.flatten());
        }
        names.sort();
        names.dedup();
        for name in &names {
            builder = builder.info(name);
        }
        Ok(builder.build()?)
    }

    /// Builds a simulator for episodes that are given one by one: without autoreset, telling the fields `info`.
    ///
    /// # Errors
    /// As [`simulator`](Self::simulator).
    pub fn replay_simulator(
        &self,
        registries: &Registries,
        rows: usize,
        info: &[&str],
    ) -> Result<Simulator, RunError> {
        let builder = self.builder(registries)?.rows(rows);
        let builder = builder.autoreset(Autoreset::Disabled);
        Ok(info
            .iter()
            .fold(builder, |builder, name| builder.info(name))
            .build()?)
    }

    fn builder(
        &self,
        registries: &Registries,
    ) -> Result<palaestra_envs::sim::SimulatorBuilder, RunError> {
        let env = &self.config.env;
        let plugin = registries
            .envs
            .build(&env.id, &Value::Object(env.args.clone()))?;
        let mut builder = Simulator::builder(plugin);
        for wrapper in &env.wrappers {
            builder = builder.wrap(wrapper.plugin()?);
        }
        Ok(builder)
    }

    /// Builds the agents for an environment.
    ///
    /// # Errors
    /// Unknown players, players taken twice or not at all, and whatever the agents refuse.
    pub fn seat_agents(
        &self,
        registries: &Registries,
        spec: &Arc<EnvSpec>,
    ) -> Result<Vec<Seated>, RunError> {
        let seats = seats(&self.config, &self.agents, spec)?;
        let orders = seats.iter().enumerate();
        orders
            .map(|(order, players)| self.seat_agent(registries, spec, order, players))
            .collect()
    }

    /// Builds each agent once, to see whether it can be built.
    ///
    /// # Errors
    /// The first error, with the key of the configuration that it is about, if it is about one.
    pub fn check_agents(
        &self,
        registries: &Registries,
        spec: &Arc<EnvSpec>,
    ) -> Result<(), (Option<String>, RunError)> {
        let seats = seats(&self.config, &self.agents, spec)
            .map_err(|error| (error.place.clone(), error.into()))?;
        for (order, players) in seats.iter().enumerate() {
            self.seat_agent(registries, spec, order, players)
                .map_err(|error| (Some(format!("agents.{}", self.agents[order])), error))?;
        }
        Ok(())
    }

    /// Builds the `order`-th agent of the line-up.
    fn seat_agent(
        &self,
        registries: &Registries,
        spec: &Arc<EnvSpec>,
        order: usize,
        players: &[usize],
    ) -> Result<Seated, RunError> {
        let config = &self.config.agents[self.agents[order]];
        let context = AgentContext {
            env: spec.clone(),
            players: players.to_vec(),
            rows: self.config.env.num_envs,
            seed: self.derived_seed("agent", order as u64),
            total_steps: match config.from {
                Some(_) => 0,
                None => self.config.experiment.total_env_steps,
            },
        };
        let entry = registries.agents.get(&config.id)?;
        let mut agent = entry.build(&context, &Value::Object(config.args.clone()))?;
        if let Some(place) = &config.from {
            let trained = Trained::find(place, Some(&config.id), config.name.as_deref())?;
            agent.adopt(&trained.state()?)?;
            agent.set_mode(Mode::Evaluate);
        }
        Ok(Seated {
            label: config.label().to_owned(),
            players: players.to_vec(),
            agent,
            trained: config.from.is_some(),
        })
    }
}

/// Agents that cannot be seated.
struct Misseated {
    /// The key that is wrong, if it is one.
    place: Option<String>,
    message: String,
}

impl From<Misseated> for RunError {
    fn from(error: Misseated) -> Self {
        Self::Config(error.message)
    }
}

impl From<String> for Misseated {
    fn from(message: String) -> Self {
        Self {
            place: None,
            message,
        }
    }
}

/// No player of the environment is called so.
fn no_player(name: &str, place: String, spec: &EnvSpec) -> Misseated {
    let known = || spec.players.iter().map(|p| p.name.as_str());
    let all = known().collect::<Vec<_>>().join("`, `");
    let message = match nearest(name, known()) {
        Some(near) => {
            format!("there is no player `{name}`; did you mean `{near}`? There are `{all}`")
        }
        None => format!("there is no player `{name}`; there are `{all}`"),
    };
    Misseated {
        place: Some(place),
        message,
    }
}

/// The players of each agent of a line-up.
fn seats(config: &Config, agents: &[usize], spec: &EnvSpec) -> Result<Vec<Vec<usize>>, Misseated> {
    let mut taken: Vec<Option<&str>> = vec![None; spec.players.len()];
    let mut seats = Vec::with_capacity(agents.len());
    for (order, &index) in agents.iter().enumerate() {
        let agent = &config.agents[index];
        let tournament = config.tournament.as_ref();
        let (named, place) = match tournament.and_then(|tournament| tournament.players.get(order)) {
            Some(player) => (
                Some(std::slice::from_ref(player)),
                format!("tournament.players.{order}"),
            ),
            None => (agent.players.as_deref(), String::new()),
        };
        let place = |at: usize| match place.as_str() {
            "" => format!("agents.{index}.players.{at}"),
            place => place.to_owned(),
        };
        let players: Vec<usize> = match named {
            None => (0..spec.players.len()).collect(),
            Some(names) => names
                .iter()
                .enumerate()
                .map(|(at, name)| {
                    let found = spec.players.iter().position(|p| p.name == *name);
                    found.ok_or_else(|| no_player(name, place(at), spec))
                })
                .collect::<Result<_, _>>()?,
        };
        for &player in &players {
            if let Some(other) = taken[player].replace(agent.label()) {
                let name = &spec.players[player].name;
                let message = format!(
                    "player `{name}` is taken by both `{other}` and `{}`",
                    agent.label()
                );
                return Err(message.into());
            }
        }
        let spaces = |p: usize| (&spec.players[p].observation, &spec.players[p].action);
        if players.iter().any(|&p| spaces(p) != spaces(players[0])) {
            let message = format!(
                "agent `{}` cannot play several players whose spaces differ; seat an agent for each with \
                 `players = [\"NAME\"]`",
                agent.label()
            );
            return Err(message.into());
        }
        seats.push(players);
    }
    if let Some(free) = taken.iter().position(Option::is_none) {
        return Err(format!("nobody plays player `{}`", spec.players[free].name).into());
    }
    Ok(seats)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(agents: &str) -> Arc<Config> {
        let text = format!(
            "schema = 1
            experiment = {{ name = \"test\", seeds = [0, 7], total_env_steps = 10 }}
            env = {{ id = \"tic_tac_toe-v1\" }}
            agents = [{agents}]"
        );
        Arc::new(toml::from_str(&text).unwrap())
    }

    #[test]
    fn no_two_trials_share_a_folder() {
        let agents = ["α-greedy", "β-greedy", "UCB 1", "UCB_1", "ucb_1"];
        let agents = agents.map(|name| format!("{{ id = \"random\", name = \"{name}\" }}"));
        let trials = plan(&[(String::new(), config(&agents.join(", ")))]);
        let names: Vec<&str> = trials.iter().step_by(2).map(|t| &*t.name).collect();
        let expected = [
            "_-greedy-seed0",
            "_-greedy-2-seed0",
            "UCB_1-seed0",
            "UCB_1-2-seed0",
            "ucb_1-3-seed0",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn tournaments_seat_everyone_everywhere() {
        let agents = r#"{ id = "random" }, { id = "random", name = "r" }"#;
        let mut config = Config::clone(&config(agents));
        let players = ["o", "x"].map(str::to_owned).to_vec();
        config.tournament = Some(crate::config::TournamentConfig { players });
        let trials = plan(&[(String::new(), config.into())]);
        let labels: Vec<&str> = trials
            .iter()
            .step_by(2)
            .map(|trial| &*trial.label)
            .collect();
        assert_eq!(
            labels,
            ["random vs random", "random vs r", "r vs random", "r vs r"]
        );
        let registries = Registries::default();
        let simulator = trials[2].replay_simulator(&registries, 1, &[]).unwrap();
        // The environment's first player is `x`, the tournament's second.
        let seated = trials[2].agents_of_players(simulator.spec()).unwrap();
        assert_eq!(seated, ["r", "random"]);
    }

    #[test]
    fn agents_in_one_game_keep_the_point_of_the_sweep() {
        let agents = r#"{ id = "random", players = ["x"] }, { id = "uniform", name = "u", players = ["o"] }"#;
        let trials = plan(&[("epsilon=0.1".into(), config(agents))]);
        assert_eq!(trials[0].label, "random vs u (epsilon=0.1)");
        assert_eq!(trials[0].label_of("u"), "u (epsilon=0.1)");
    }
}
