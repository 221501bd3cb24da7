//! What the tests of bandit policies share: a rule without its agent, and a stationary bandit environment.

use palaestra_envs::{
    bandits::{LsdBandit, LsdBanditArgs},
    sim::{
        EnvSpec, Environment, InfoField, InfoKind, RowObservation, RowPlugin, RowStep, Selection,
        Simulator,
    },
    space::{BoxSpace, DType, Space},
    stream::Stream,
};
use rand::RngExt;
use serde_json::Value;

use super::{PAYOFFS, Play, Round, Rule};
use crate::{Agent, AgentContext, StepView};

/// A rule with one seat, to be taken through single rounds.
pub(super) struct Trial<'a, R: Rule> {
    rule: &'a R,
    arms: usize,
    rng: Stream,
    pub(super) memory: R::Memory,
    pub(super) plays: usize,
    pub(super) mask: Vec<u8>,
    pub(super) states: Vec<f64>,
    pub(super) greedy: bool,
}

impl<'a, R: Rule> Trial<'a, R> {
    pub(super) fn new(rule: &'a R, arms: usize) -> Self {
        Self {
            rule,
            arms,
            rng: Stream::new(1, 0, "test"),
            memory: rule.memory(1, arms),
            plays: 1,
            mask: Vec::new(),
            states: Vec::new(),
            greedy: false,
        }
    }

    /// The indices in round `t`.
    pub(super) fn indices(&mut self, t: u64) -> Vec<f64> {
        let mut index = vec![f64::NAN; self.arms];
        let mut round = Round {
            seat: 0,
            t,
            elapsed: 0,
            plays: self.plays,
            mask: &self.mask,
            greedy: self.greedy,
            means: &[],
            states: &self.states,
            rng: &mut self.rng,
        };
        self.rule.indices(&mut self.memory, &mut round, &mut index);
        index
    }

    /// Learns from one round.
    pub(super) fn learn(&mut self, plays: &[(usize, f64)]) {
        let plays: Vec<Play> = plays
            .iter()
            .map(|&(arm, payoff)| Play { arm, payoff })
            .collect();
        self.rule.learn(&mut self.memory, 0, &plays, &mut self.rng);
    }
}

/// Learns from one round for each play.
pub(super) fn learn_all<R: Rule>(
    rule: &R,
    memory: &mut R::Memory,
    seat: usize,
    plays: &[(usize, f64)],
) {
    let mut rng = Stream::new(2, 0, "test");
    for &(arm, payoff) in plays {
        rule.learn(memory, seat, &[Play { arm, payoff }], &mut rng);
    }
}

/// The indices of `seat` in round `t`.
pub(super) fn index_after<R: Rule>(
    rule: &R,
    memory: &mut R::Memory,
    seat: usize,
    t: u64,
    arms: usize,
) -> Vec<f64> {
    let mut index = vec![f64::NAN; arms];
    let mut round = Round {
        seat,
        t,
        elapsed: 0,
        plays: 1,
        mask: &[],
        greedy: false,
        means: &[],
        states: &[],
        rng: &mut Stream::new(1, 0, "test"),
    };
    rule.indices(memory, &mut round, &mut index);
    index
}

/// Bernoulli arms with fixed means.
#[derive(Debug, Clone)]
pub(super) struct Bernoulli {
    pub(super) means: Vec<f64>,
    pub(super) plays: usize,
    /// Whether fewer plays are allowed.
    pub(super) idle: bool,
    pub(super) horizon: u32,
    /// The mask in every state; empty for none.
    pub(super) mask: Vec<u8>,
}

impl Bernoulli {
    pub(super) fn new(means: &[f64], plays: usize, horizon: u32) -> Self {
        Self {
            means: means.to_vec(),
            plays,
            idle: false,
            horizon,
            mask: Vec::new(),
        }
    }

    fn field(&self, name: &str, kind: InfoKind) -> InfoField {
        let n = self.means.len();
        let space = Space::Box(BoxSpace {
            dtype: DType::Float64,
            shape: vec![n],
            low: vec![0.0; n],
            high: vec![1.0; n],
        });
        InfoField {
            name: name.into(),
            space,
            kind,
            summary: String::new(),
        }
    }
}

impl Environment for Bernoulli {
    type State = u32;

    fn spec(&self) -> EnvSpec {
        let n = self.means.len();
        let action = if self.plays == 1 {
            Space::discrete(n + usize::from(self.idle))
        } else {
            Space::MultiBinary {
                n,
                min_ones: if self.idle { 0 } else { self.plays },
                max_ones: self.plays,
            }
        };
        let mut spec = EnvSpec::single(
            "bernoulli-v0",
            "A stationary bandit.",
            Space::vector(1, 0.0, 1.0),
            action,
        );
        spec.info = vec![self.field(PAYOFFS, InfoKind::Sum)];
        spec.max_episode_steps = Some(self.horizon);
        spec.reward_range = (0.0, self.plays as f64);
        spec.players[0].action_mask = !self.mask.is_empty();
        spec
    }

    fn reset(&self, _rng: &mut Stream, _options: &Value) -> Result<u32, String> {
        Ok(0)
    }

    fn step(&self, round: &mut u32, step: &mut RowStep<'_>, rng: &mut Stream) {
        *round += 1;
        // One draw for every arm, played or not.
        let draws: Vec<f64> = (self.means.iter())
            .map(|m| f64::from(u8::from(rng.random::<f64>() < *m)))
            .collect();
        let n = draws.len();
        let (columns, row) = step.action(0);
        let played = |arm: usize| {
            if self.plays == 1 {
                columns.i32(0)[row] as usize == arm
            } else {
                columns.u8(0)[row * n + arm] == 1
            }
        };
        let payoffs: Vec<f64> = (draws.iter().enumerate())
            .map(|(arm, x)| if played(arm) { *x } else { f64::NAN })
            .collect();
        let reward: f64 = payoffs.iter().filter(|x| !x.is_nan()).sum();
        step.reward(0, reward as f32);
        step.info(PAYOFFS, &payoffs);
    }

    fn observe(&self, _round: &u32, _player: usize, out: &mut RowObservation<'_>) {
        out.f32(0)[0] = 0.0;
        out.mask().copy_from_slice(&self.mask);
    }
}

/// An agent and the simulator it plays in.
pub(super) struct Match {
    pub(super) agent: Box<dyn Agent>,
    pub(super) simulator: Simulator,
}

impl Match {
    /// Agent `id` in `rows` rows of `env`, with the info fields that it asks for.
    pub(super) fn new(env: &Bernoulli, id: &str, args: &Value, rows: usize) -> Self {
        let registry = crate::registry();
        let entry = registry.get(id).unwrap();
        let spec = env.spec();
        let info = entry.info_for(&spec, &spec.players[0]).unwrap();
        let plugin = RowPlugin::new(env.clone());
        let mut builder = Simulator::builder(plugin).rows(rows).seed(7);
        for name in &info {
            builder = builder.info(name);
        }
        let mut simulator = builder.build().unwrap();
        simulator.reset().unwrap();
        let agent = entry.build(&context(&simulator), args).unwrap();
        Self { agent, simulator }
    }

    /// Agent `id` in `rows` rows of `lsd_bandit-v1`, with the info fields that it asks for and `expected_payoff`.
    pub(super) fn lsd(env: &LsdBanditArgs, id: &str, args: &Value, rows: usize) -> Self {
        let registry = crate::registry();
        let entry = registry.get(id).unwrap();
        let env = LsdBandit::new(env).unwrap();
        let spec = Simulator::builder(env.clone()).build().unwrap();
        let spec = spec.spec();
        let mut builder = Simulator::builder(env).rows(rows).info("expected_payoff");
        for name in entry.info_for(spec, &spec.players[0]).unwrap() {
            builder = builder.info(&name);
        }
        let mut simulator = builder.build().unwrap();
        simulator.reset().unwrap();
        let agent = entry.build(&context(&simulator), args).unwrap();
        Self { agent, simulator }
    }

    /// Plays one episode; the total reward of each row.
    pub(super) fn episode(&mut self) -> Vec<f64> {
        let mut totals = vec![0.0; self.simulator.rows()];
        for _ in 0..self.simulator.spec().max_episode_steps.unwrap() {
            for (total, reward) in totals.iter_mut().zip(self.step()) {
                *total += f64::from(reward);
            }
        }
        totals
    }

    /// Acts, steps and observes once; returns the rewards.
    pub(super) fn step(&mut self) -> Vec<f32> {
        self.act();
        self.simulator.step().unwrap();
        let rows = Selection::all(self.simulator.rows());
        let view = StepView {
            player: 0,
            rows: &rows,
            border: self.simulator.border(),
        };
        self.agent.observe(&view).unwrap();
        self.simulator.border().player(0).reward.to_vec()
    }

    /// Writes the agent's actions.
    pub(super) fn act(&mut self) {
        let rows = Selection::all(self.simulator.rows());
        let (view, actions) = self.simulator.border_mut().act_view(0);
        self.agent.act(&view, &rows, actions).unwrap();
    }

    /// The arms that row `row` played last.
    pub(super) fn played(&self, row: usize) -> Vec<usize> {
        let player = self.simulator.border().player(0);
        let json = (self.simulator.spec().players[0].action).row_to_json(player.action(), row);
        match json {
            Value::Array(bits) => (0..bits.len()).filter(|&i| bits[i] == 1).collect(),
            arm => arm.as_u64().into_iter().map(|arm| arm as usize).collect(),
        }
    }
}

/// The context of an agent that plays player 0 in all rows of `simulator`.
pub(super) fn context(simulator: &Simulator) -> AgentContext {
    AgentContext {
        env: simulator.spec().clone(),
        players: vec![0],
        rows: simulator.rows(),
        seed: 3,
        total_steps: 0,
    }
}
