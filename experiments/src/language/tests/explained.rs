//! Regressions on games whose outcome was planted.

use palaestra_envs::{
    language::{grid, upstream::GameConfig},
    stream::Stream,
};
use rand::RngExt;

use super::*;

/// Effects that are planted by feature and level; levels that are not here have none.
fn planted(family: &str, feature: &str, level: &str) -> f64 {
    match (family, feature, level) {
        (_, "money", "100") => 0.03,
        (_, "money", "1000000") => -0.02,
        (_, "delta_alice", "0.8") => -0.11,
        (_, "delta_alice", "1") => 0.07,
        (_, "delta_bob", "0.95") => -0.05,
        (_, "seller_value", "1.5") => 0.2,
        (_, "buyer_value", "0.8") => -0.15,
        (_, "p", "0.3333") => -0.1,
        (_, "value_high", "4") => 0.25,
        (_, "alice", "b") => 0.04,
        (_, "bob", "c") => -0.06,
        (_, "market", market)
            if market.contains("yes, messages yes") || market.contains("texts yes") =>
        {
            0.08
        }
        (_, "pair", "b and c") => -0.3,
        _ => 0.0,
    }
}

/// Games of the published grid between three players, whose measures are planted effects and noise.
fn games(family: &str, count: usize, pairs: bool, stream: u64) -> Vec<Game> {
    let mut rng = Stream::new(11, stream, "test.planted");
    // Of standard deviation 0.3, nearly normal.
    let noise = |rng: &mut Stream| 0.3 * ((0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0);
    let mut made = Vec::with_capacity(count);
    for _ in 0..count {
        let config = match family {
            "bargaining" => {
                GameConfig::Bargaining(grid::bargaining(rng.random_range(0..grid::BARGAININGS)))
            }
            "negotiation" => {
                GameConfig::Negotiation(grid::negotiation(rng.random_range(0..grid::NEGOTIATIONS)))
            }
            _ => GameConfig::Persuasion(grid::persuasion(rng.random_range(0..grid::PERSUASIONS))),
        };
        let mut game = Game::unplayed(&config);
        game.alice = ["a", "b", "c"][rng.random_range(0..3)].into();
        game.bob = ["a", "b", "c"][rng.random_range(0..3)].into();
        let told: f64 = regression::features(family, pairs)
            .iter()
            .map(|feature| planted(family, feature.name, &feature.level(&game)))
            .sum();
        game.alice_gain = 0.4 + told + noise(&mut rng);
        made.push(game);
    }
    made
}

/// Calls `each(planted, coefficient)` for every difference that is estimated.
fn compare(family: &str, explained: &Explained, mut each: impl FnMut(f64, &Coefficient)) {
    for feature in &explained.features {
        let base = planted(family, &feature.feature, &feature.reference);
        for level in &feature.levels {
            each(
                planted(family, &feature.feature, &level.level) - base,
                level,
            );
        }
    }
}

fn alice_gain(pairs: bool) -> RegressOptions {
    RegressOptions {
        measures: vec![Measure::AliceGain],
        pairs,
        ..RegressOptions::default()
    }
}

#[test]
fn planted_effects_are_found_in_twenty_thousand_games() {
    for (family, pairs) in [
        ("bargaining", false),
        ("negotiation", false),
        ("persuasion", false),
        ("bargaining", true),
    ] {
        let made = games(family, 20_000, pairs, 0);
        let found = regress(&made, &alice_gain(pairs)).unwrap();
        let explained = &found.explained[0];
        assert_eq!((explained.games, explained.left_out), (20_000, 0));
        let (mut all, mut within, mut worst) = (0, 0, 0.0_f64);
        compare(family, explained, |planted, level| {
            let off = (level.estimate.unwrap() - planted).abs() / level.standard_error.unwrap();
            all += 1;
            within += usize::from(off <= 2.0);
            worst = worst.max(off);
        });
        assert!(all >= 14, "{all}");
        // Two standard errors hold 95 in 100.
        assert!(
            within * 100 >= 85 * all && worst < 4.0,
            "{family}: {within} of {all}, {worst}"
        );
        assert!(
            (explained.residual - 0.3).abs() < 0.006,
            "{}",
            explained.residual
        );
    }
}

#[test]
fn intervals_cover_what_they_promise() {
    let (mut all, mut covered) = (0, 0);
    for family in ["bargaining", "negotiation", "persuasion"] {
        // Sum of the errors and of their variances, effect by effect.
        let mut sums: Vec<[f64; 2]> = Vec::new();
        for stream in 1..=25 {
            let made = games(family, 20_000, false, stream);
            let found = regress(&made, &alice_gain(false)).unwrap();
            let mut place = 0;
            compare(family, &found.explained[0], |planted, level| {
                let [low, high] = level.interval.unwrap();
                all += 1;
                covered += usize::from(low <= planted && planted <= high);
                let error = level.standard_error.unwrap();
                sums.resize(sums.len().max(place + 1), [0.0; 2]);
                sums[place][0] += level.estimate.unwrap() - planted;
                sums[place][1] += error * error;
                place += 1;
            });
        }
        // The mean of the repetitions is within 3.5 of its standard errors for each of some twenty effects.
        let worst = sums
            .iter()
            .map(|[sum, variance]| sum.abs() / variance.sqrt());
        let worst = worst.fold(0.0, f64::max);
        assert!(worst < 3.5, "{family}: {worst}");
    }
    let coverage = covered as f64 / all as f64;
    assert!((0.93..=0.97).contains(&coverage), "{covered} of {all}");
}

/// The textbook solution of a small problem, by elimination on the full design.
#[test]
fn a_small_problem_is_solved_as_on_paper() {
    // Two levels each: y = 1 + 2 x + 3 z exactly but for one game.
    let mut made = Vec::new();
    for (delta, alice, y) in [
        (0.9, "a", 1.0),
        (0.8, "a", 3.0),
        (0.9, "b", 4.0),
        (0.8, "b", 6.4),
    ] {
        let mut game = games("bargaining", 1, false, 5).remove(0);
        (game.delta_alice, game.alice, game.alice_gain) = (Some(delta), alice.into(), y);
        made.push(game);
    }
    let explained = &regress(&made, &alice_gain(false)).unwrap().explained[0];
    let effect = |name: &str| {
        explained
            .features
            .iter()
            .find(|f| f.feature == name)
            .unwrap()
            .levels[0]
            .clone()
    };
    // By hand: means 2.2 and 3.2, and the intercept that goes with them; residuals ±0.1.
    assert!((effect("delta_alice").estimate.unwrap() - 2.2).abs() < 1e-12);
    assert!((effect("alice").estimate.unwrap() - 3.2).abs() < 1e-12);
    assert!((explained.intercept.estimate.unwrap() - 0.9).abs() < 1e-12);
    assert!((explained.residual - 0.2).abs() < 1e-12);
    // s² / n for a balanced two-level contrast: 0.2 · sqrt(4 / 4).
    assert!((effect("alice").standard_error.unwrap() - 0.2).abs() < 1e-12);
    assert_eq!(explained.parameters, 3);
}

#[test]
fn levels_that_say_the_same_are_told_apart_once() {
    let mut made = games("bargaining", 400, false, 3);
    for game in &mut made {
        game.bob = game.alice.clone();
        game.efficiency = None;
    }
    let found = regress(&made, &alice_gain(false)).unwrap();
    let bob = found.explained[0]
        .features
        .iter()
        .find(|f| f.feature == "bob")
        .unwrap();
    assert!(
        bob.levels
            .iter()
            .all(|level| level.estimate.is_none() && level.interval.is_none())
    );
    let nothing = RegressOptions {
        measures: vec![Measure::Efficiency],
        ..RegressOptions::default()
    };
    assert!(
        regress(&made, &nothing)
            .unwrap_err()
            .to_string()
            .contains("0 games")
    );
    assert!(regress(&[], &nothing).is_err());
    for (feature, level, expected) in [
        ("alice", "z", "has no level `z`"),
        ("alicia", "a", "no family at hand"),
    ] {
        let mut options = alice_gain(false);
        options.references.insert(feature.into(), level.into());
        let error = regress(&made, &options).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let mut options = alice_gain(false);
    options.references.insert("alice".into(), "c".into());
    let alice = &regress(&made, &options).unwrap().explained[0].features;
    assert_eq!(
        alice
            .iter()
            .find(|f| f.feature == "alice")
            .unwrap()
            .reference,
        "c"
    );
}
