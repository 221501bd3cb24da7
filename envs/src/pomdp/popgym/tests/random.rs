//! Mean returns of uniformly random actions over 10,000 episodes.

use super::{DIFFICULTIES, anchors, at, mean, random_returns};

const EPISODES: usize = 10_000;

/// Checks the families called `names` in the anchors.
fn check(names: &[(&str, &str)]) {
    let anchors = anchors();
    for (name, id) in names {
        for (level, difficulty) in DIFFICULTIES.into_iter().enumerate() {
            let expected = anchors[name]["random"][level].as_f64().unwrap();
            // Of the anchor itself, which may have been simulated.
            let spread = match &anchors[name]["se"] {
                serde_json::Value::Array(list) => list[level].as_f64().unwrap(),
                other => other.as_f64().unwrap_or(0.0),
            };
            let (found, error) = mean(&random_returns(id, &at(difficulty), EPISODES));
            assert!(
                (found - expected).abs() < 4.0 * error.hypot(spread),
                "{id} {difficulty}: {found} ± {error}, expected {expected} ± {spread}"
            );
        }
    }
}

#[test]
fn of_repeat_first() {
    check(&[("RepeatFirst", "repeat_first-v0")]);
}

#[test]
fn of_card_games() {
    check(&[
        ("RepeatPrevious", "repeat_previous-v0"),
        ("Autoencode", "autoencode-v0"),
        ("CountRecall", "count_recall-v0"),
        ("HigherLower", "higher_lower-v0"),
        ("Concentration", "concentration-v0"),
    ]);
}

#[test]
fn of_boards() {
    check(&[
        ("Battleship", "battleship-v0"),
        ("MineSweeper", "mine_sweeper-v0"),
    ]);
}

#[test]
fn of_bandits() {
    check(&[("MultiarmedBandit", "multiarmed_bandit-v0")]);
}

/// The anchor is the mean length, 22.095 ± 0.21, in units of T.
#[test]
fn of_cart_poles() {
    let anchor = &anchors()["PositionOnlyCartPole"];
    let (length, spread) = (
        anchor["random_length"].as_f64().unwrap(),
        anchor["se"].as_f64().unwrap(),
    );
    for (id, steps) in [
        ("position_only_cartpole-v0", [200.0, 400.0, 600.0]),
        ("velocity_only_cartpole-v0", [200.0, 400.0, 600.0]),
        ("noisy_position_only_cartpole-v0", [200.0; 3]),
    ] {
        for (level, difficulty) in DIFFICULTIES.into_iter().enumerate() {
            let (found, error) = mean(&random_returns(id, &at(difficulty), EPISODES));
            let (found, error) = (found * steps[level], error * steps[level]);
            assert!(
                (found - length).abs() < 4.0 * error.hypot(spread),
                "{id} {difficulty}: {found} ± {error}"
            );
        }
    }
}

#[test]
fn of_pendulums() {
    let anchors = anchors();
    let anchor = &anchors["PositionOnlyPendulum"];
    let spread = anchor["se"].as_f64().unwrap();
    for (id, levels) in [
        ("position_only_pendulum-v0", [0, 1, 2]),
        ("noisy_position_only_pendulum-v0", [0; 3]),
    ] {
        for (level, difficulty) in levels.into_iter().zip(DIFFICULTIES) {
            let expected = anchor["random"][level].as_f64().unwrap();
            let (found, error) = mean(&random_returns(id, &at(difficulty), EPISODES));
            assert!(
                (found - expected).abs() < 4.0 * error.hypot(spread),
                "{id} {difficulty}: {found} ± {error}, expected {expected} ± {spread}"
            );
        }
    }
}
