//! An agent of your own with Palaestra's whole command line: a complete program.
//!
//! ```text
//! cargo run --release -p palaestra --example custom_agent -- run experiments/configs/custom_agents.toml
//! cargo run --release -p palaestra --example custom_agent -- check agent sticky_greedy --env lsd_bandit-v1
//! ```
//!
//! In a crate of your own the dependencies are `palaestra`, `palaestra-agents`, `palaestra-envs`, `schemars`
//! and `serde`.

use std::process::ExitCode;

use palaestra_agents::{Agent, AgentContext, AgentError, StepView};
use palaestra_envs::{
    sim::{ActView, Selection, read_value, write_value},
    space::{Columns, Space},
    stream::Stream,
};
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Arguments, as they appear under `args` in an experiment file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Args {
    /// Rounds an action is kept before another is tried.
    patience: u32,
}

impl Default for Args {
    fn default() -> Self {
        Self { patience: 10 }
    }
}

/// Keeps an action for some rounds, then moves to the best so far or, half of the time, to a random one.
struct StickyGreedy {
    patience: u32,
    actions: usize,
    first_seat: Vec<(usize, usize)>,
    seats: Vec<Seat>,
}

/// What one player in one row has learned.
#[derive(Clone, Serialize, Deserialize)]
struct Seat {
    rng: Stream,
    sums: Vec<f64>,
    counts: Vec<f64>,
    action: usize,
    rounds_left: u32,
}

impl StickyGreedy {
    fn new(context: &AgentContext, args: &Args) -> Result<Self, AgentError> {
        let Space::Discrete { n, .. } = context.player().action else {
            return Err(AgentError::Unsupported {
                agent: "sticky_greedy".into(),
                env: context.env.id.clone(),
                reason: "it chooses among finitely many actions".into(),
            });
        };
        let seat = |index: usize| Seat {
            rng: Stream::new(context.seed, index as u64, "policy.sample"),
            sums: vec![0.0; n],
            counts: vec![0.0; n],
            action: 0,
            rounds_left: 0,
        };
        Ok(Self {
            patience: args.patience,
            actions: n,
            first_seat: context
                .players
                .iter()
                .map(|&p| (p, context.first_seat(p)))
                .collect(),
            seats: (0..context.seats()).map(seat).collect(),
        })
    }

    fn seat(&mut self, player: usize, row: usize) -> &mut Seat {
        let first = self
            .first_seat
            .iter()
            .find(|(p, _)| *p == player)
            .map_or(0, |(_, first)| *first);
        &mut self.seats[first + row]
    }
}

impl Agent for StickyGreedy {
    fn act(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
    ) -> Result<(), AgentError> {
        let (patience, n) = (self.patience, self.actions);
        for row in rows.rows().filter(|&row| view.acting[row]) {
            let seat = self.seat(view.player, row);
            if seat.rounds_left == 0 {
                let mean = |action: usize| seat.sums[action] / seat.counts[action].max(1.0);
                let best = (0..n)
                    .max_by(|&a, &b| mean(a).total_cmp(&mean(b)))
                    .unwrap_or(0);
                seat.action = if seat.rng.random() {
                    best
                } else {
                    seat.rng.random_range(0..n)
                };
                seat.rounds_left = patience;
            }
            seat.rounds_left -= 1;
            actions.i32_mut(0)[row] = seat.action as i32;
        }
        Ok(())
    }

    fn observe(&mut self, view: &StepView<'_>) -> Result<(), AgentError> {
        for row in view.rows.rows().filter(|&row| view.own().acted[row]) {
            let reward = f64::from(view.own().reward[row]);
            let seat = self.seat(view.player, row);
            seat.sums[seat.action] += reward;
            seat.counts[seat.action] += 1.0;
        }
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>, AgentError> {
        let mut state = Vec::new();
        write_value(&self.seats, &mut state)?;
        Ok(state)
    }

    fn load(&mut self, mut state: &[u8]) -> Result<(), AgentError> {
        self.seats = read_value(&mut state)?;
        Ok(())
    }
}

fn main() -> ExitCode {
    let mut registries = palaestra::Registries::default();
    registries.agents.register(
        "sticky_greedy",
        "Keeps an action for some rounds, then plays the best so far or a random one.",
        |context, args: Args| Ok(Box::new(StickyGreedy::new(context, &args)?)),
    );
    palaestra::cli::main(registries)
}
