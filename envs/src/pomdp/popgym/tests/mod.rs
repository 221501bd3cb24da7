//! The suite against its specification: spaces, players, random returns, defects, determinism.

mod conformance;
mod determinism;
mod facts;
mod parity;
mod players;
mod random;

use serde_json::{Value, json};

use crate::{
    registry,
    sim::{Border, Simulator},
    stream::Stream,
};

const DIFFICULTIES: [&str; 3] = ["easy", "medium", "hard"];

/// The anchors computed outside: random and best returns, lengths.
fn anchors() -> Value {
    let json = include_str!("../../../../../tests/golden/pomdp/popgym_anchors.json");
    serde_json::from_str(json).unwrap()
}

/// A reset simulator that tells all info fields.
fn simulator(id: &str, args: &Value, rows: usize, seed: u64) -> Simulator {
    let registry = registry();
    let env = || registry.build(id, args).unwrap();
    let fields = Simulator::builder(env())
        .build()
        .unwrap()
        .spec()
        .info
        .clone();
    let mut builder = Simulator::builder(env()).rows(rows).seed(seed);
    for field in &fields {
        builder = builder.info(&field.name);
    }
    let mut simulator = builder.build().unwrap();
    simulator.reset().unwrap();
    simulator
}

fn at(difficulty: &str) -> Value {
    json!({ "difficulty": difficulty })
}

/// Row `row` of an info field.
fn info<'a>(border: &'a Border, name: &str, row: usize) -> &'a [f64] {
    let column = border.info.index_of(name).unwrap();
    let width = border.info.width(column);
    &border.info.f64(column)[row * width..(row + 1) * width]
}

/// Row `row` of the observation, whose space is of integers.
fn seen(border: &Border, row: usize) -> &[i32] {
    let columns = border.player(0).observation();
    let width = columns.width(0);
    &columns.i32(0)[row * width..(row + 1) * width]
}

/// Lengths and returns of the first `episodes` episodes of every row, in which the player acts as `act(border, row,
/// action)` says.
fn play(
    simulator: &mut Simulator,
    episodes: usize,
    mut act: impl FnMut(&Border, usize, &mut [i32]),
) -> Vec<(u32, f64)> {
    let rows = simulator.rows();
    let width = simulator.spec().players[0].action.width();
    let mut actions = vec![0; rows * width];
    let (mut outcomes, mut played) = (Vec::new(), vec![0; rows]);
    while outcomes.len() < rows * episodes {
        for row in 0..rows {
            let action = &mut actions[row * width..(row + 1) * width];
            act(simulator.border(), row, action);
        }
        let border = simulator.border_mut();
        border
            .player_mut(0)
            .action_mut()
            .i32_mut(0)
            .copy_from_slice(&actions);
        simulator.step().unwrap();
        let border = simulator.border();
        for (row, played) in played.iter_mut().enumerate() {
            if border.ended(row) && *played < episodes {
                *played += 1;
                let total = border.player(0).final_return[row];
                outcomes.push((border.final_elapsed[row], total));
            }
        }
    }
    outcomes
}

/// Returns of `rows` random episodes, one a row.
fn random_returns(id: &str, args: &Value, rows: usize) -> Vec<f64> {
    let mut simulator = simulator(id, args, rows, 11);
    let spec = simulator.spec().clone();
    let mut rng = Stream::new(5, 0, "test.actions");
    let mut returns = vec![None; rows];
    while returns.contains(&None) {
        let actions = simulator.border_mut().player_mut(0).action_mut();
        for row in 0..rows {
            spec.players[0]
                .action
                .sample_row(actions, row, &[], &mut rng)
                .unwrap();
        }
        simulator.step().unwrap();
        let border = simulator.border();
        for (row, sum) in returns.iter_mut().enumerate() {
            if border.ended(row) && sum.is_none() {
                *sum = Some(border.player(0).final_return[row]);
            }
        }
    }
    returns.into_iter().flatten().collect()
}

/// Mean and its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}
