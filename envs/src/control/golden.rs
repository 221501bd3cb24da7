//! Golden trajectories for the tests of the kernels. `tests/golden/README.md` tells where they come from.

use serde_json::Value;

/// A recorded episode.
pub(super) struct Trajectory {
    pub(super) name: String,
    pub(super) value: Value,
}

/// One recorded transition.
pub(super) struct Step {
    /// The action; a discrete one as a number.
    pub(super) action: Vec<f64>,
    pub(super) next_state: Vec<f64>,
    pub(super) reward: f64,
    pub(super) terminated: bool,
}

/// The trajectories of a golden file.
pub(super) fn trajectories(json: &str) -> Vec<Trajectory> {
    let file: Value = serde_json::from_str(json).unwrap();
    let list = file["trajectories"].as_array().unwrap().iter();
    let list: Vec<_> = list
        .map(|value| Trajectory {
            name: value["name"].as_str().unwrap().to_owned(),
            value: value.clone(),
        })
        .collect();
    assert!(list.len() >= 3);
    list
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().map(|v| v.as_f64().unwrap()).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

impl Trajectory {
    /// The state before the first step.
    pub(super) fn initial<const N: usize>(&self) -> [f64; N] {
        numbers(&self.value["initial_state"]).try_into().unwrap()
    }

    /// Number and content of each transition, with the states and rewards of the named columns.
    pub(super) fn steps<'a>(
        &'a self,
        states: &'a str,
        rewards: &'a str,
    ) -> impl Iterator<Item = (usize, Step)> + 'a {
        let actions = self.value["actions"].as_array().unwrap();
        actions.iter().enumerate().map(move |(i, action)| {
            let step = Step {
                action: numbers(action),
                next_state: numbers(&self.value[states][i]),
                reward: self.value[rewards][i].as_f64().unwrap(),
                terminated: self.value["terminated"][i].as_bool().unwrap(),
            };
            (i, step)
        })
    }
}

/// Fails unless `actual` equals `expected` to `tolerance`, relative where values are larger than 1.
pub(super) fn close(actual: &[f64], expected: &[f64], tolerance: f64, place: &str) {
    assert_eq!(actual.len(), expected.len(), "{place}");
    for (a, e) in actual.iter().zip(expected) {
        assert!(
            (a - e).abs() <= tolerance * e.abs().max(1.0),
            "{place}: {a} instead of {e}, {:e} apart",
            (a - e).abs()
        );
    }
}
