//! Bounds that need no search: blind, FIB, QMDP, MDP.

use palaestra_envs::pomdp::classic::{Opponent, Tag};

use super::*;

#[test]
fn simple_bounds_have_their_golden_values() {
    let golden = golden("classic_bounds");
    let mut compared = 0;
    let larger = [
        ("hallway", hallway(Building::One)),
        ("hallway2", hallway(Building::Two)),
        (
            "tag",
            compiled(&Tag {
                opponent: Opponent::Published,
                ..Tag::default()
            }),
        ),
    ];
    for (name, model) in shipped().into_iter().chain(larger) {
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
    assert_eq!(compared, 38);
}

/// The definition of Tag is not what was published, which [`Opponent::Published`] is.
#[test]
fn the_definition_of_tag_has_bounds_of_its_own() {
    let [blind, _, qmdp, mdp] = simple_bounds(&compiled(&Tag::default()));
    for (found, expected) in [(blind, -20.0), (qmdp, 0.819_274), (mdp, 2.154_262)] {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
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
