//! A policy over numbers that has played bargaining only against itself, before a rival who plays by backward induction.
//!
//! *The benchmark is the subgame-perfect division of GLEE's bargaining (arXiv 2410.05254) with a known end.*

use palaestra_agents::{Agent, AgentContext, Mode, StepView};
use palaestra_envs::{
    language::theory::bargaining_path,
    sim::{Selection, Simulator},
};
use serde_json::{Value, json};

const ROUNDS: u16 = 12;
const ROWS: usize = 64;

/// What each player gets of the subgame-perfect division, in which both agree at once.
fn benchmark(delta: [f64; 2]) -> [f64; 2] {
    let alice = bargaining_path(delta, ROUNDS)[0];
    [alice, 1.0 - alice]
}

/// A game with its players: the players of each agent, its identifier, its arguments, and the steps it is trained for.
struct Game {
    simulator: Simulator,
    agents: Vec<(Vec<usize>, Box<dyn Agent>)>,
}

impl Game {
    fn new(
        delta: [f64; 2],
        rows: usize,
        seed: u64,
        seats: &[(&[usize], &str, Value, u64)],
    ) -> Self {
        let args = json!({ "delta_alice": delta[0], "delta_bob": delta[1], "rounds": ROUNDS });
        let plugin = palaestra_envs::registry().build("glee_bargaining-v1", &args);
        let mut simulator = Simulator::builder(plugin.unwrap())
            .rows(rows)
            .seed(seed)
            .build()
            .unwrap();
        simulator.reset().unwrap();
        let registry = palaestra_agents::registry();
        let agents = seats.iter().map(|(players, id, args, total_steps)| {
            let context = AgentContext {
                env: simulator.spec().clone(),
                players: players.to_vec(),
                rows,
                seed,
                total_steps: *total_steps,
            };
            let agent = registry.get(id).unwrap().build(&context, args).unwrap();
            (players.to_vec(), agent)
        });
        Self {
            agents: agents.collect(),
            simulator,
        }
    }

    fn step(&mut self) {
        let rows = Selection::all(self.simulator.rows());
        for (players, agent) in &mut self.agents {
            for &player in &*players {
                let (view, actions) = self.simulator.border_mut().act_view(player);
                agent.act(&view, &rows, actions).unwrap();
            }
        }
        self.simulator.step().unwrap();
        for (players, agent) in &mut self.agents {
            for &player in &*players {
                let border = self.simulator.border();
                let view = StepView {
                    player,
                    rows: &rows,
                    border,
                };
                agent.observe(&view).unwrap();
            }
        }
    }

    /// The gains of one game in row 0.
    fn gains(&mut self) -> [f64; 2] {
        loop {
            self.step();
            let border = self.simulator.border();
            if border.ended(0) {
                return [0, 1].map(|player| border.player(player).final_return[0]);
            }
        }
    }
}

/// The learner of the experiment that is shipped: a small network without memory.
fn learner() -> Value {
    let file = include_str!("../../../experiments/configs/glee/self_play_bargaining.toml");
    let file: Value = toml::from_str(file).unwrap();
    file["agents"][0]["args"].clone()
}

/// The same, for a rival who does not change: less chance in what is chosen, more passes over what was seen.
fn pupil() -> Value {
    let mut args = learner();
    args["entropy_coef"] = 0.01.into();
    args["epochs"] = 4.into();
    args["minibatches"] = 4.into();
    args
}

/// Trains for `steps` environment steps over all rows, which is the whole budget, and returns what was learned.
fn train(
    delta: [f64; 2],
    steps: u64,
    seed: u64,
    seats: &[(&[usize], &str, Value, u64)],
) -> Vec<u8> {
    let mut game = Game::new(delta, ROWS, seed, seats);
    (0..steps / ROWS as u64).for_each(|_| game.step());
    game.agents[0].1.save().unwrap()
}

/// What a learner gets as `player` before a rational rival, with its most probable choices.
fn against_theory(delta: [f64; 2], player: usize, learned: &[u8]) -> f64 {
    let seats: [(&[usize], &str, Value, u64); 2] = [
        (&[player], "ppo", learner(), 0),
        (&[1 - player], "rational", json!({}), 0),
    ];
    let mut game = Game::new(delta, 1, 0, &seats);
    let agent = &mut game.agents[0].1;
    agent.adopt(learned).unwrap();
    agent.set_mode(Mode::Evaluate);
    game.gains()[player]
}

/// Check 17 of the language games, as who decides: 153,600 steps against itself (150 updates).
#[test]
fn who_has_played_only_itself_takes_what_a_rational_rival_leaves() {
    for delta in [[0.8, 0.8], [1.0, 0.8]] {
        let steps = 150 * 1024;
        let learned = train(delta, steps, 1, &[(&[0, 1], "ppo", learner(), steps)]);
        let gain = against_theory(delta, 1, &learned);
        let wanted = benchmark(delta)[1];
        assert!(gain >= 0.95 * wanted, "{delta:?}: {gain} of {wanted}");
    }
}

/// And in both seats, taught by the rational rival: 61,440 steps (60 updates) for each seat and game.
#[test]
fn who_has_played_a_rational_rival_gets_the_benchmark_in_both_seats() {
    for delta in [[0.9, 0.9], [1.0, 0.8], [0.8, 0.8]] {
        for player in [0, 1] {
            let steps = 60 * 1024;
            let seats: [(&[usize], &str, Value, u64); 2] = [
                (&[player], "ppo", pupil(), steps),
                (&[1 - player], "rational", json!({}), 0),
            ];
            let learned = train(delta, steps, 1, &seats);
            let gain = against_theory(delta, player, &learned);
            let wanted = benchmark(delta)[player];
            assert!(
                gain >= 0.95 * wanted,
                "{delta:?}, player {player}: {gain} of {wanted}"
            );
        }
    }
}
