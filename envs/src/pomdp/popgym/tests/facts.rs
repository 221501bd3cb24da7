//! Spaces, rewards, lengths and names of all 48.

use serde_json::{Value, json};

use super::{DIFFICULTIES, at, random_returns, simulator};
use crate::{pomdp::popgym::NAMES, registry, sim::Simulator, space::Space};

/// What one setting of a family must look like: observation, action, limit, smallest and largest reward.
type Facts = (Space, Space, u32, f64, f64);

fn multi(nvec: Vec<usize>) -> Space {
    Space::MultiDiscrete { nvec }
}

fn expected(id: &str, level: usize) -> Facts {
    let d = Space::discrete;
    let pick = |of: [usize; 3]| of[level];
    let pick_f = |of: [f64; 3]| of[level];
    let signed = |observation: Space, action: Space, steps: usize, pays: usize| {
        (
            observation,
            action,
            steps as u32,
            -1.0 / pays as f64,
            1.0 / pays as f64,
        )
    };
    let infinity = f64::INFINITY;
    let positions = || {
        let high = vec![4.8, f64::from(24.0 * std::f32::consts::PI / 180.0)];
        Space::bounded(high.iter().map(|x| -x).collect(), high)
    };
    let pole = |space: Space, steps: usize| {
        let reward = 1.0 / steps as f64;
        (space, d(2), steps as u32, reward, reward)
    };
    let rod = |steps: usize| {
        let share = 1.0 / steps as f64;
        (
            Space::vector(2, -1.0, 1.0),
            Space::vector(1, -2.0, 2.0),
            steps as u32,
            -share,
            share,
        )
    };
    match id {
        "repeat_first-v0" => {
            let n = pick([52, 416, 832]);
            signed(d(4), d(4), n - 1, n - 1)
        }
        "repeat_previous-v0" => {
            let n = pick([52, 104, 156]);
            signed(d(4), d(4), n - 1, n - pick([4, 32, 64]))
        }
        "autoencode-v0" => {
            let n = pick([52, 104, 156]);
            signed(multi(vec![2, 4]), d(4), 2 * n - 1, n)
        }
        "count_recall-v0" => {
            let (kinds, choices, n) = (pick([2, 4, 13]), pick([27, 27, 17]), pick([52, 104, 208]));
            signed(multi(vec![kinds; 2]), d(choices), n - 1, n - 1)
        }
        "higher_lower-v0" => {
            let n = pick([52, 104, 156]);
            signed(d(13), d(2), n - 1, n)
        }
        "battleship-v0" => {
            let n = pick([8, 10, 12]);
            let squares = n * n;
            (
                d(2),
                multi(vec![n; 2]),
                squares as u32,
                -1.0 / (squares - 12) as f64,
                1.0 / 12.0,
            )
        }
        "concentration-v0" => {
            let (n, kinds, steps) = (pick([52, 104, 52]), pick([2, 2, 13]), pick([104, 208, 104]));
            (
                multi(vec![kinds + 1; n]),
                d(n),
                steps as u32,
                -2.0 / steps as f64,
                2.0 / n as f64,
            )
        }
        "mine_sweeper-v0" => {
            let (n, seen, steps) = (pick([4, 6, 8]), pick([3, 7, 10]), pick([14, 30, 54]));
            let share = 1.0 / steps as f64;
            (
                d(seen),
                multi(vec![n; 2]),
                steps as u32,
                -0.5 - share,
                share,
            )
        }
        "multiarmed_bandit-v0" => {
            let steps = pick([200, 400, 600]);
            signed(d(2), d(pick([10, 20, 30])), steps, steps)
        }
        "position_only_cartpole-v0" => pole(positions(), pick([200, 400, 600])),
        "noisy_position_only_cartpole-v0" => pole(positions(), 200),
        "velocity_only_cartpole-v0" => {
            pole(Space::vector(2, -infinity, infinity), pick([200, 400, 600]))
        }
        "position_only_pendulum-v0" => rod(pick([200, 150, 100])),
        "noisy_position_only_pendulum-v0" => rod(200),
        "labyrinth_escape-v0" => (
            multi(vec![5; 10]),
            d(4),
            1023,
            -1.0 / 1024.0,
            1.0 - 1.0 / 1024.0,
        ),
        "labyrinth_explore-v0" => (
            multi(vec![5; 10]),
            d(4),
            1023,
            -1.0 / 1024.0,
            pick_f([1.0; 3]),
        ),
        other => panic!("{other}"),
    }
}

/// Whether two spaces are of one kind and size, with bounds equal in single precision.
fn alike(a: &Space, b: &Space) -> bool {
    let close = |a: &[f64], b: &[f64]| {
        a.len() == b.len()
            && a.iter()
                .zip(b)
                .all(|(a, b)| (*a as f32 - *b as f32).abs() < 1e-6 || a == b)
    };
    match (a, b) {
        (Space::Box(a), Space::Box(b)) => {
            a.dtype == b.dtype && close(&a.low, &b.low) && close(&a.high, &b.high)
        }
        _ => a == b,
    }
}

#[test]
fn spaces_rewards_and_limits_are_those_of_the_reference() {
    let registry = registry();
    for (_, id) in NAMES {
        for (level, difficulty) in DIFFICULTIES.into_iter().enumerate() {
            let env = registry.build(id, &at(difficulty)).unwrap();
            let spec = Simulator::builder(env).build().unwrap().spec().clone();
            let (observation, action, steps, low, high) = expected(id, level);
            let place = format!("{id} {difficulty}");
            let player = &spec.players[0];
            assert!(
                alike(&player.observation, &observation),
                "{place}: {:?}",
                player.observation
            );
            assert!(
                alike(&player.action, &action),
                "{place}: {:?}",
                player.action
            );
            assert_eq!(spec.max_episode_steps, Some(steps), "{place}");
            let (found_low, found_high) = spec.reward_range;
            assert!((found_low - low).abs() < 1e-6, "{place}: {found_low}");
            assert!((found_high - high).abs() < 1e-6, "{place}: {found_high}");
        }
    }
}

#[test]
fn the_names_of_popgym_are_aliases() {
    let registry = registry();
    assert_eq!(registry.aliases().count(), 48);
    let entry = registry.get("popgym-RepeatPreviousHard-v0").unwrap();
    assert_eq!(entry.id, "repeat_previous-v0");
    assert_eq!(entry.defaults["difficulty"], "hard");
    let limit = |args: Value| {
        let env = registry
            .build("popgym-RepeatPreviousHard-v0", &args)
            .unwrap();
        let simulator = Simulator::builder(env).build().unwrap();
        simulator.spec().max_episode_steps.unwrap()
    };
    assert_eq!(limit(Value::Null), 155);
    assert_eq!(limit(json!({ "decks": 5 })), 259);
    assert_eq!(limit(json!({ "difficulty": "easy" })), 51);
    let misspelt = registry
        .get("popgym-RepeatPreviusHard-v0")
        .unwrap_err()
        .to_string();
    assert!(
        misspelt.contains("`popgym-RepeatPreviousHard-v0`"),
        "{misspelt}"
    );
    let unknown = registry.build("popgym-AutoencodeEasy-v0", &json!({ "deck": 1 }));
    assert!(
        unknown
            .err()
            .unwrap()
            .to_string()
            .contains("unknown field `deck`")
    );
}

#[test]
fn impossible_arguments_are_refused() {
    let registry = registry();
    for (id, args, message) in [
        (
            "repeat_first-v0",
            json!({ "decks": 0 }),
            "`decks`: must lie in 1..=64, found 0",
        ),
        (
            "repeat_previous-v0",
            json!({ "k": 52 }),
            "`k`: must lie in 1..=51, found 52",
        ),
        (
            "concentration-v0",
            json!({ "kind": "suits" }),
            "13 cards of each suit",
        ),
        (
            "battleship-v0",
            json!({ "n": 4 }),
            "`n`: must lie in 7..=100, found 4",
        ),
        (
            "mine_sweeper-v0",
            json!({ "mines": 14 }),
            "`mines`: must lie in 1..=13",
        ),
        ("multiarmed_bandit-v0", json!({ "arms": 0 }), "`arms`"),
        (
            "noisy_position_only_cartpole-v0",
            json!({ "sigma": -0.1 }),
            "`sigma`",
        ),
        (
            "labyrinth_escape-v0",
            json!({ "dims": 11 }),
            "`dims`: must be even, found 11",
        ),
        (
            "autoencode-v0",
            json!({ "difficulty": "extreme" }),
            "there is no `extreme` here",
        ),
    ] {
        let error = registry.build(id, &args).err().unwrap().to_string();
        assert!(error.contains(message), "{id}: {error}");
    }
}

/// Settings beyond the three difficulties work too.
#[test]
fn single_settings_can_be_swept() {
    for (id, args) in [
        ("repeat_previous-v0", json!({ "decks": 4, "k": 96 })),
        ("repeat_previous-v0", json!({ "k": 1 })),
        ("count_recall-v0", json!({ "decks": 64, "kind": "colors" })),
        ("concentration-v0", json!({ "decks": 2, "kind": "suits" })),
        ("battleship-v0", json!({ "n": 7 })),
        ("mine_sweeper-v0", json!({ "n": 2, "mines": 1 })),
        ("multiarmed_bandit-v0", json!({ "arms": 50, "steps": 1 })),
        ("labyrinth_explore-v0", json!({ "dims": 4 })),
    ] {
        let returns = random_returns(id, &args, 8);
        assert!(returns.iter().all(|r| r.is_finite()), "{id}");
    }
}

/// Rows that start alike look alike, and pictures show the secret.
#[test]
fn pictures_are_drawn() {
    for (_, id) in NAMES {
        let simulator = simulator(id, &Value::Null, 1, 3);
        let picture = simulator.render(0).unwrap().unwrap();
        assert!(picture.chars().count() > 8, "{id}: {picture}");
    }
}
