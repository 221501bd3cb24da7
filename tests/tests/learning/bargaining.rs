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
