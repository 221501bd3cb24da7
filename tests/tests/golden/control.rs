//! The classic-control environments against trajectories of Gymnasium, through the simulator as users see it.
//!
//! The state in double precision is compared by tests beside the kernels; here it is what comes out of the
//! border: observations, rewards, `terminated`.

use palaestra_envs::{
    registry,
    sim::{Autoreset, RowReset, Simulator},
    space::{ColumnData, Columns},
};
use serde_json::{Value, json};

/// A golden file of `tests/golden/control`.
macro_rules! golden {
    ($name:literal) => {
        trajectories(include_str!(concat!(
            "../../golden/control/",
            $name,
            ".json"
        )))
    };
}

fn trajectories(text: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).unwrap();
    file["trajectories"].as_array().unwrap().clone()
}

/// A number or a list of numbers.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().map(|v| v.as_f64().unwrap()).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn simulator(id: &str, rows: usize) -> Simulator {
    let env = registry().build(id, &Value::Null).unwrap();
    Simulator::builder(env)
        .rows(rows)
        .autoreset(Autoreset::Disabled)
        .build()
        .unwrap()
}

fn start_at(row: usize, state: &Value) -> RowReset {
    RowReset {
        options: json!({ "state": state }),
        ..RowReset::next(row)
    }
}

fn write_action(actions: &mut Columns, row: usize, action: &Value) {
    let action = numbers(action);
    match &mut actions.fields_mut()[0].data {
        ColumnData::I32(column) => column[row] = action[0] as i32,
        ColumnData::F32(column) => column[row] = action[0] as f32,
        other => panic!("actions of type {}", other.type_name()),
    }
}

/// The difference, relative where values are larger than 1.
fn difference(actual: f64, expected: f64) -> f64 {
    (actual - expected).abs() / expected.abs().max(1.0)
}

/// What to compare a replay with, and how closely.
struct Expected<'a> {
    /// Name of the column with the states.
    states: &'a str,
    /// Name of the column with the observations.
    observations: &'a str,
    /// Largest difference of an observation after `n` steps.
    observation: &'a dyn Fn(usize) -> f64,
    /// Name of the column with the rewards.
    rewards: &'a str,
    /// Largest difference of a reward.
    reward: f64,
}

/// Replays every trajectory in a simulator of one row, from its initial state with its actions.
fn replay(id: &str, trajectories: &[Value], expected: &Expected<'_>) {
    for t in trajectories {
        let mut simulator = simulator(id, 1);
        simulator
            .reset_rows(&[start_at(0, &t["initial_state"])])
            .unwrap();
        let actions = t["actions"].as_array().unwrap();
        for (i, action) in actions.iter().enumerate() {
            write_action(simulator.border_mut().player_mut(0).action_mut(), 0, action);
            simulator.step().unwrap();
            let place = format!("{id}, {} step {i}", t["name"]);
            let border = simulator.border();
            let observation = border.player(0).observation().f32(0);
            let golden = numbers(&t[expected.observations][i]);
            assert_eq!(observation.len(), golden.len(), "{place}");
            for (&o, g) in observation.iter().zip(golden) {
                let d = difference(f64::from(o), g);
                let tolerance = (expected.observation)(i + 1);
                assert!(
                    d <= tolerance,
                    "{place}: {o} instead of {g}, {d:e} > {tolerance:e}"
                );
            }
            let (reward, golden) = (border.player(0).reward[0], &t[expected.rewards][i]);
            let d = difference(f64::from(reward), golden.as_f64().unwrap());
            assert!(
                d <= expected.reward,
                "{place}: reward {reward} instead of {golden}"
            );
            assert_eq!(border.terminated[0], t["terminated"][i], "{place}");
            assert!(!border.truncated[0], "{place}");
            if border.terminated[0] && i + 1 < actions.len() {
                // The recorded environment was stepped on; here that is the start of another episode.
                let state = &t[expected.states][i];
                simulator.reset_rows(&[start_at(0, state)]).unwrap();
            }
        }
    }
}

/// Checks every transition alone: one row for each, set to the golden state before it.
fn each_transition(id: &str, trajectories: &[Value], tolerance: f64) {
    for t in trajectories {
        let actions = t["actions"].as_array().unwrap();
        let next = t["next_states"].as_array().unwrap();
        let before = std::iter::once(&t["initial_state"]).chain(next);
        let resets: Vec<_> = before
            .take(actions.len())
            .enumerate()
            .map(|(row, state)| start_at(row, state))
            .collect();
        let mut simulator = simulator(id, actions.len());
        simulator.reset_rows(&resets).unwrap();
        for (row, action) in actions.iter().enumerate() {
            write_action(
                simulator.border_mut().player_mut(0).action_mut(),
                row,
                action,
            );
        }
        simulator.step().unwrap();
        let border = simulator.border();
        for (row, golden) in next.iter().enumerate() {
            let place = format!("{id}, {} step {row}", t["name"]);
            let golden = numbers(golden);
            let width = golden.len();
            let observation = &border.player(0).observation().f32(0)[row * width..][..width];
            for (&o, g) in observation.iter().zip(golden) {
                let d = difference(f64::from(o), g);
                assert!(d <= tolerance, "{place}: {o} instead of {g}, {d:e} apart");
            }
            assert_eq!(border.terminated[row], t["terminated"][row], "{place}");
        }
    }
}

/// Rounding errors of single precision, ε at each step, grow by the unstable mode of the pole, a factor e^(λΔt)
/// with λ² = g / (l (4/3 - m/M)), λΔt = 0.0796 at the upright.
fn cart_pole_error(steps: usize) -> f64 {
    const EPSILON: f64 = 3e-7;
    const GROWTH: f64 = 0.0796;
    EPSILON * ((GROWTH * steps as f64).exp() - 1.0) / GROWTH
}

#[test]
fn cartpole() {
    let trajectories = golden!("cartpole_v1");
    each_transition("cartpole-v1", &trajectories, 2e-6);
    let expected = Expected {
        states: "next_states",
        observations: "observations_f32",
        observation: &cart_pole_error,
        rewards: "rewards",
        reward: 0.0,
    };
    replay("cartpole-v1", &trajectories, &expected);
}

#[test]
fn cartpole_continuous() {
    let trajectories = golden!("cartpole_continuous");
    each_transition("cartpole_continuous-v1", &trajectories, 2e-6);
    let expected = Expected {
        states: "next_states",
        observations: "next_states",
        observation: &cart_pole_error,
        rewards: "rewards",
        reward: 0.0,
    };
    replay("cartpole_continuous-v1", &trajectories, &expected);
}

#[test]
fn pendulum() {
    // The border carries actions in single precision: those of one trajectory were recorded so, the others
    // are rounded.
    let (single, double): (Vec<Value>, _) = golden!("pendulum_v1")
        .into_iter()
        .partition(|t| t["action_dtype"] == "float32");
    assert!(!single.is_empty() && !double.is_empty());
    for (trajectories, tolerance) in [(single, 6e-8), (double, 1e-6)] {
        let expected = Expected {
            states: "next_states",
            observations: "observations_f32",
            observation: &|_| tolerance,
            rewards: "rewards",
            reward: 1e-6,
        };
        replay("pendulum-v1", &trajectories, &expected);
    }
}

#[test]
fn mountain_car() {
    let expected = Expected {
        states: "next_states",
        observations: "observations_f32",
        observation: &|_| 6e-8,
        rewards: "rewards",
        reward: 0.0,
    };
    replay("mountain_car-v0", &golden!("mountaincar_v0"), &expected);
}

#[test]
fn mountain_car_continuous() {
    let trajectories = golden!("mountaincarcontinuous_v0");
    // Gymnasium rounds its state to single precision after every step.
    let gymnasium = Expected {
        states: "next_states_gym",
        observations: "next_states_gym",
        observation: &|steps| 2e-7 * steps as f64,
        rewards: "rewards",
        reward: 1e-6,
    };
    replay("mountain_car_continuous-v0", &trajectories, &gymnasium);
    // The same formulas in double precision; only actions and observations are rounded.
    let double = Expected {
        states: "next_states_f64",
        observations: "next_states_f64",
        observation: &|_| 1e-7,
        rewards: "rewards_f64",
        reward: 1e-6,
    };
    replay("mountain_car_continuous-v0", &trajectories, &double);
}

#[test]
fn acrobot() {
    let expected = Expected {
        states: "next_states",
        observations: "observations_f32",
        observation: &|_| 6e-8,
        rewards: "rewards",
        reward: 0.0,
    };
    replay("acrobot-v1", &golden!("acrobot_v1"), &expected);
}
