mod exact;
mod online;
mod point_based;
mod policies;
mod resume;
mod simple_bounds;

use std::sync::Arc;

use palaestra_envs::pomdp::{
    Pomdp, PomdpModel,
    classic::{Building, CryingBaby, Hallway, MazeStart, RockSample, Sensor, TMaze, Tiger, Walls},
};
use serde_json::Value;

use super::*;
use crate::pomdp::Belief;

fn compiled(model: &impl PomdpModel) -> Arc<Pomdp> {
    Arc::new(Pomdp::compile(model).unwrap())
}

fn golden(file: &str) -> Value {
    let path = format!(
        "{}/../tests/golden/pomdp/{file}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn tiger(discount: f64) -> Arc<Pomdp> {
    compiled(&Tiger {
        discount,
        ..Tiger::default()
    })
}

fn four_four(sensor: Sensor, walls: Walls) -> Arc<Pomdp> {
    compiled(&RockSample {
        sensor,
        walls,
        ..RockSample::four_four()
    })
}

fn maze(start: MazeStart) -> Arc<Pomdp> {
    compiled(&TMaze {
        start,
        ..TMaze::default()
    })
}

fn hallway(building: Building) -> Arc<Pomdp> {
    compiled(&Hallway {
        building,
        ..Hallway::default()
    })
}

const TWENTY: Sensor = Sensor::HalfEfficiency(20.0);

/// The models of the golden bounds, by their names there.
fn shipped() -> Vec<(&'static str, Arc<Pomdp>)> {
    vec![
        ("tiger_0.95", tiger(0.95)),
        ("tiger_0.75", tiger(0.75)),
        ("crying_baby_0.9", compiled(&CryingBaby::default())),
        ("tmaze10_uniform_0.99", maze(MazeStart::Anywhere)),
        ("tmaze10_start_0.99", maze(MazeStart::FirstCell)),
        (
            "rocksample_4_4_exp",
            four_four(Sensor::Exponential, Walls::End),
        ),
        (
            "rocksample_4_4_exp_clamped_walls",
            four_four(Sensor::Exponential, Walls::Clamp),
        ),
        ("rocksample_4_4_d20", four_four(TWENTY, Walls::End)),
    ]
}

/// Blind, FIB, QMDP and MDP values at the initial belief.
fn simple_bounds(model: &Arc<Pomdp>) -> [f64; 4] {
    let start = Belief::start(model);
    let mut mdp = ValueIteration::new(model.clone()).unwrap();
    let mut fib = Fib::new(model.clone()).unwrap();
    let mut blind = Blind::new(model.clone()).unwrap();
    [
        blind.run(u64::MAX).lower,
        fib.run(u64::MAX).upper,
        {
            mdp.run(u64::MAX);
            mdp.qmdp().value(&start).unwrap()
        },
        mdp.progress().upper,
    ]
}

/// Three machine states, tested at a price or replaced.
const MACHINE: &str = "discount: 0.9\nvalues: reward\nstates: good worn broken\nactions: run test replace\n\
    observations: fine faulty\nstart: good\nT: run\n0.8 0.15 0.05\n0 0.7 0.3\n0 0 1\nT: test identity\n\
    T: replace : * : good 1\nO: run uniform\nO: test\n0.9 0.1\n0.6 0.4\n0.1 0.9\nO: replace uniform\n\
    R: run : good : * : * 2\nR: run : worn : * : * 1\nR: run : broken : * : * -3\nR: test : * : * : * -0.2\n\
    R: replace : * : * : * -2\n";
