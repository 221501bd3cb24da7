//! The environment against the pure engine, through the public border.

mod border;
mod conformance;
mod engine;
mod randomness;

use serde_json::Value;

use crate::{
    registry,
    sim::{Border, Simulator, SimulatorBuilder},
    stream::Stream,
};

const INFO: [&str; 4] = [
    "payoffs",
    "expected_payoff",
    "privileged.means",
    "privileged.state",
];

fn builder(args: Value) -> SimulatorBuilder {
    Simulator::builder(registry().build("lsd_bandit-v1", &args).unwrap())
}

/// A simulator that tells all info fields.
fn telling(args: Value, rows: usize, seed: u64) -> Simulator {
    let builder = builder(args).rows(rows).seed(seed);
    INFO.into_iter()
        .fold(builder, SimulatorBuilder::info)
        .build()
        .unwrap()
}

/// Row `row` of an info field.
fn info<'a>(border: &'a Border, name: &str, row: usize) -> &'a [f64] {
    let column = border.info.index_of(name).unwrap();
    let width = border.info.width(column);
    &border.info.f64(column)[row * width..(row + 1) * width]
}

fn observation(border: &Border, row: usize) -> &[f32] {
    let columns = border.player(0).observation();
    let width = columns.width(0);
    &columns.f32(0)[row * width..(row + 1) * width]
}

/// Writes a random legal action into every row, drawn from that row's own stream.
fn act_randomly(simulator: &mut Simulator, streams: &mut [Stream]) {
    let spec = simulator.spec().clone();
    let (view, actions) = simulator.border_mut().act_view(0);
    for (row, stream) in streams.iter_mut().enumerate() {
        spec.players[0]
            .action
            .sample_row(actions, row, view.mask_row(row), stream)
            .unwrap();
    }
}

fn action_streams(rows: usize) -> Vec<Stream> {
    (0..rows as u64)
        .map(|row| Stream::new(99, row, "test.actions"))
        .collect()
}
