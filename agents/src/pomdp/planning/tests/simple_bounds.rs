//! Bounds that need no search: blind, FIB, QMDP, MDP.

use std::fmt::Write as _;

use palaestra_envs::pomdp::{PomdpParts, SparseRows, classic::Tag, pomdp_file};

use super::*;

#[test]
fn simple_bounds_have_their_golden_values() {
    let golden = golden("classic_bounds");
    let mut compared = 0;
    let hallways = [
        (
            "hallway",
            as_in_its_file(&hallway(Building::One), [0.017_865, 0.017_857]),
        ),
        (
            "hallway2",
            as_in_its_file(&hallway(Building::Two), [0.011_419, 0.011_363]),
        ),
    ];
    for (name, model) in shipped().into_iter().chain(hallways) {
        for (key, found) in ["blind", "fib", "qmdp", "mdp"]
            .into_iter()
            .zip(simple_bounds(&model))
        {
            if let Some(value) = golden[name][key].as_f64() {
                assert!(
                    (found - value).abs() < 1e-5,
                    "{name} {key}: {found} instead of {value}"
                );
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 35);
}

/// Hallway with the initial belief of its file, where it is rounded to six digits and the first state has the rest: that
/// moves values by 2e-5. Whatever is done at the goal leads there too.
fn as_in_its_file(model: &Pomdp, [first, other]: [f64; 2]) -> Arc<Pomdp> {
    let mut parts = model.parts().clone();
    let rounded = |(s, _): (usize, f64)| (s, if s == 0 { first } else { other });
    let start: Vec<_> = model.start().iter().map(rounded).collect();
    let is_goal = |state| model.transition(state, 0).columns == model.start().columns;
    for (action, table) in parts.transition.iter_mut().enumerate() {
        let mut rows = SparseRows::new();
        for state in 0..model.num_states() {
            rows.push(if is_goal(state) {
                start.clone()
            } else {
                model.transition(state, action).iter().collect()
            });
        }
        *table = rows;
    }
    Arc::new(Pomdp::new(PomdpParts { start, ..parts }).unwrap())
}

/// The file of Tag that is handed down differs from the definition: a failed tag holds the opponent, and four rows of
/// each move are irregular. With these differences, written in its format, the golden values come out; they are not
/// those of the definition.
#[test]
fn the_golden_values_of_tag_are_those_of_its_published_file() {
    let tag = compiled(&Tag::default());
    let mut text = pomdp_file::write(&tag);
    for robot in 0..29 {
        for opponent in (0..29).filter(|&opponent| opponent != robot) {
            let state = format!("r{robot}-o{opponent}");
            writeln!(text, "T: tag : {state} : * 0\nT: tag : {state} : {state} 1").unwrap();
        }
    }
    // Robot, opponent: where the opponent goes.
    let irregular = [
        (19, 19, vec![(9, 0.25), (18, 0.25), (19, 0.5)]),
        (25, 23, vec![(20, 0.2), (23, 0.6), (25, 0.2)]),
        (27, 24, vec![(21, 0.2), (23, 0.2), (24, 0.4), (25, 0.2)]),
        (
            27,
            27,
            vec![(24, 0.166_667), (26, 0.166_667), (27, 0.5), (28, 0.166_667)],
        ),
    ];
    let moves = ["north", "south", "east", "west"];
    for (robot, opponent, flight) in irregular {
        for (a, action) in moves.into_iter().enumerate() {
            let moved = tag.transition(robot * 30 + opponent, a).columns[0] / 30;
            writeln!(text, "T: {action} : r{robot}-o{opponent} : * 0").unwrap();
            for (to, p) in &flight {
                writeln!(
                    text,
                    "T: {action} : r{robot}-o{opponent} : r{moved}-o{to} {p}"
                )
                .unwrap();
            }
        }
    }
    let model = Arc::new(pomdp_file::read(&text).unwrap().model);
    let [blind, _, qmdp, mdp] = simple_bounds(&model);
    let golden = &golden("classic_bounds")["tag"];
    for (key, found) in [("blind", blind), ("qmdp", qmdp), ("mdp", mdp)] {
        let value = golden[key].as_f64().unwrap();
        assert!(
            (found - value).abs() < 1e-5,
            "{key}: {found} instead of {value}"
        );
    }
    let [_, _, qmdp, mdp] = simple_bounds(&tag);
    assert!(
        (qmdp - 0.819_274).abs() < 1e-5 && (mdp - 2.154_262).abs() < 1e-5,
        "{qmdp} {mdp}"
    );
}

#[test]
fn the_fast_informed_bound_is_qmdp_where_transitions_are_certain() {
    let models = shipped()
        .into_iter()
        .filter(|(name, _)| name.starts_with("rock") || name.starts_with("tmaze"));
    for (name, model) in models {
        let [_, fib, qmdp, _] = simple_bounds(&model);
        assert!((fib - qmdp).abs() < 1e-8, "{name}: {fib} {qmdp}");
    }
}
