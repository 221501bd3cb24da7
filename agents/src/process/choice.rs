//! Reads the actions of a reply and refuses those that are not allowed.

use palaestra_envs::{
    sim::PlayerSpec,
    space::{Columns, Space},
};
use serde_json::Value;

use super::message::shorten;

/// Allowed choices that an error message lists.
const LISTED: usize = 20;

/// What a player may do.
#[derive(Debug)]
pub(super) struct Choice {
    action: Space,
    /// The space to check against: bounds of boxes are left out where the environment clips actions itself.
    checked: Space,
}

impl Choice {
    pub(super) fn new(player: &PlayerSpec) -> Self {
        let mut checked = player.action.clone();
        if player.lenient_bounds {
            unbound(&mut checked);
        }
        Self {
            action: player.action.clone(),
            checked,
        }
    }

    /// Writes `value` into row `row` of `actions`. `mask` is the row's mask, or empty.
    ///
    /// # Errors
    /// What is wrong with it and what is allowed.
    pub(super) fn take(
        &self,
        value: &Value,
        actions: &mut Columns,
        row: usize,
        mask: &[u8],
    ) -> Result<(), String> {
        self.action
            .row_from_json(actions, row, value)
            .map_err(|e| e.to_string())?;
        self.checked
            .check_row(actions, row)
            .map_err(|e| format!("{e}, in {}", shorten(&value.to_string(), 60)))?;
        self.check_mask(actions, row, mask)
    }

    fn check_mask(&self, actions: &Columns, row: usize, mask: &[u8]) -> Result<(), String> {
        if mask.is_empty() {
            return Ok(());
        }
        match &self.action {
            Space::Discrete { start, .. } => {
                let choice = actions.i32(0)[row];
                check_one((choice - start) as usize, *start, mask)
                    .map_err(|allowed| format!("{choice} is masked out, allowed are {allowed}"))
            }
            Space::MultiDiscrete { nvec } => {
                let choices = &actions.i32(0)[row * nvec.len()..(row + 1) * nvec.len()];
                let mut first = 0;
                for (i, (&choice, &n)) in choices.iter().zip(nvec).enumerate() {
                    let part = &mask[first..first + n];
                    first += n;
                    check_one(choice as usize, 0, part).map_err(|allowed| {
                        format!(
                            "element {i} is {choice}, which is masked out, allowed are {allowed}"
                        )
                    })?;
                }
                Ok(())
            }
            Space::MultiBinary { n, .. } => {
                let bits = &actions.u8(0)[row * n..(row + 1) * n];
                match bits.iter().zip(mask).position(|(bit, m)| bit > m) {
                    None => Ok(()),
                    Some(i) => Err(format!(
                        "bit {i} is set though it is masked out, allowed are bits {}",
                        list(0, mask)
                    )),
                }
            }
            // The other spaces have no mask.
            _ => Ok(()),
        }
    }
}

/// Whether choice `index` is allowed; else the list of those that are, counted from `start`.
fn check_one(index: usize, start: i32, mask: &[u8]) -> Result<(), String> {
    if mask[index] != 0 {
        Ok(())
    } else {
        Err(list(start, mask))
    }
}

fn list(start: i32, mask: &[u8]) -> String {
    let allowed = mask
        .iter()
        .zip(i64::from(start)..)
        .filter(|(m, _)| **m != 0);
    let mut words: Vec<String> = allowed.map(|(_, choice)| choice.to_string()).collect();
    if words.is_empty() {
        return "none".into();
    }
    if words.len() > LISTED {
        words.truncate(LISTED);
        words.push("…".into());
    }
    words.join(", ")
}

/// Takes the bounds off all boxes.
fn unbound(space: &mut Space) {
    match space {
        Space::Box(b) => {
            b.low.fill(f64::NEG_INFINITY);
            b.high.fill(f64::INFINITY);
        }
        Space::Dict(fields) => fields.iter_mut().for_each(|(_, s)| unbound(s)),
        Space::Tuple(items) => items.iter_mut().for_each(unbound),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(space: Space, lenient: bool, value: &Value, mask: &[u8]) -> Option<String> {
        let mut player = PlayerSpec::new("player", Space::discrete(1), space);
        player.lenient_bounds = lenient;
        let mut actions = player.action.columns(2);
        Choice::new(&player)
            .take(value, &mut actions, 1, mask)
            .err()
    }

    #[test]
    fn wrong_actions_are_refused_with_what_is_allowed() {
        let choice = || Space::Discrete { n: 4, start: 1 };
        let cases = [
            (
                choice(),
                json!("left"),
                vec![],
                "expected an integer, found \"left\"",
            ),
            (
                choice(),
                json!(2.5),
                vec![],
                "expected an integer, found 2.5",
            ),
            (
                choice(),
                json!(null),
                vec![],
                "expected an integer, found null",
            ),
            (
                choice(),
                json!(7),
                vec![],
                "element 0 is 7, not one of 1..=4, in 7",
            ),
            (
                choice(),
                json!(2),
                vec![1, 0, 0, 1],
                "2 is masked out, allowed are 1, 4",
            ),
            (
                choice(),
                json!(2),
                vec![0; 4],
                "2 is masked out, allowed are none",
            ),
            (
                Space::MultiDiscrete { nvec: vec![2, 3] },
                json!([0, 2]),
                vec![1, 1, 1, 1, 0],
                "element 1 is 2, which is masked out, allowed are 0, 1",
            ),
            (
                Space::multi_binary(3),
                json!([1, 1, 0]),
                vec![1, 0, 1],
                "bit 1 is set though it is masked out, allowed are bits 0, 2",
            ),
            (
                Space::vector(2, -1.0, 1.0),
                json!([0.0, "inf"]),
                vec![],
                "element 1 is inf, not within -1..=1, in [0.0,\"inf\"]",
            ),
        ];
        for (space, value, mask, expected) in cases {
            let found = refusal(space, false, &value, &mask);
            assert_eq!(found.as_deref(), Some(expected), "{value}");
        }
    }

    #[test]
    fn allowed_actions_pass() {
        let choice = Space::Discrete { n: 4, start: 1 };
        assert_eq!(refusal(choice.clone(), false, &json!(4), &[]), None);
        assert_eq!(refusal(choice, false, &json!(4), &[0, 0, 0, 1]), None);
        let bits = Space::multi_binary(3);
        assert_eq!(refusal(bits, false, &json!([1, 0, 0]), &[1, 0, 1]), None);
    }

    #[test]
    fn an_environment_that_clips_takes_all_but_nan() {
        let torque = Space::vector(1, -2.0, 2.0);
        assert_eq!(refusal(torque.clone(), true, &json!(9.0), &[]), None);
        assert!(refusal(torque.clone(), false, &json!(9.0), &[]).is_some());
        let refused = refusal(torque, true, &json!("NaN"), &[]).unwrap();
        assert!(refused.contains("NaN"), "{refused}");
    }
}
