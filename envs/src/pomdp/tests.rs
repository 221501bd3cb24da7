use std::path::Path;

use rand::RngExt;
use serde_json::json;

use super::{
    classic::{
        Building, CryingBaby, Hallway, LaserTag, LaserTagArgs, LightDark, LightDarkArgs, MazeStart,
        Opponent, RockSample, Sensor, TMaze, Tag, Tiger, Walls,
    },
    *,
};
use crate::{
    conformance::{self, CheckOptions},
    registry::{EnvEntry, registry},
    sim::{RowReset, Simulator},
    stream::Stream,
};

/// Every explicit classic problem by name.
pub(super) fn classics() -> Vec<(&'static str, Pomdp)> {
    let twenty = Sensor::HalfEfficiency(20.0);
    let four = RockSample::four_four();
    vec![
        ("tiger", Pomdp::compile(&Tiger::default()).unwrap()),
        (
            "crying_baby",
            Pomdp::compile(&CryingBaby::default()).unwrap(),
        ),
        ("tmaze", Pomdp::compile(&TMaze::default()).unwrap()),
        (
            "tmaze_start",
            Pomdp::compile(&TMaze {
                start: MazeStart::FirstCell,
                ..TMaze::default()
            })
            .unwrap(),
        ),
        ("rocksample_4_4", Pomdp::compile(&four).unwrap()),
        (
            "rocksample_4_4_d20",
            Pomdp::compile(&RockSample {
                sensor: twenty,
                ..four.clone()
            })
            .unwrap(),
        ),
        (
            "rocksample_4_4_clamp",
            Pomdp::compile(&RockSample {
                walls: Walls::Clamp,
                ..four
            })
            .unwrap(),
        ),
        (
            "rocksample_7_8",
            Pomdp::compile(&RockSample::seven_eight()).unwrap(),
        ),
        ("tag", Pomdp::compile(&Tag::default()).unwrap()),
        ("hallway", Pomdp::compile(&Hallway::default()).unwrap()),
        (
            "hallway2",
            Pomdp::compile(&Hallway {
                building: Building::Two,
                ..Hallway::default()
            })
            .unwrap(),
        ),
        (
            "tag_modified",
            Pomdp::compile(&Tag {
                opponent: Opponent::Modified,
                ..Tag::default()
            })
            .unwrap(),
        ),
    ]
}

pub(super) fn instances() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../experiments/instances/pomdp")
}

#[test]
fn the_classics_have_their_published_sizes() {
    let sizes: Vec<_> = classics()
        .iter()
        .map(|(name, m)| (*name, m.num_states(), m.num_actions(), m.num_observations()))
        .collect();
    assert_eq!(sizes[0], ("tiger", 2, 3, 2));
    assert_eq!(sizes[1], ("crying_baby", 2, 2, 2));
    assert_eq!(sizes[2], ("tmaze", 23, 4, 5));
    assert_eq!(sizes[4], ("rocksample_4_4", 257, 9, 3));
    assert_eq!(sizes[7], ("rocksample_7_8", 12_545, 13, 3));
    assert_eq!(sizes[8], ("tag", 870, 5, 30));
    assert_eq!(sizes[9], ("hallway", 60, 5, 21));
    assert_eq!(sizes[10], ("hallway2", 92, 5, 17));
}

#[test]
fn every_environment_with_a_model_conforms() {
    let registry = registry();
    let options = CheckOptions {
        episodes: 60,
        max_steps: 6_000,
        ..CheckOptions::default()
    };
    let has_model = |entry: &&EnvEntry| {
        let plugin = entry.build(&serde_json::Value::Null).unwrap();
        let simulator = Simulator::builder(plugin).build().unwrap();
        entry.family == FAMILY && simulator.spec().model.is_some()
    };
    let with_model: Vec<_> = registry.iter().filter(has_model).collect();
    assert_eq!(with_model.len(), 10);
    for entry in with_model {
        let report = conformance::check(entry, &serde_json::Value::Null, &options);
        assert!(report.passed(), "{}: {report}", entry.id);
    }
}

#[test]
fn arguments_are_checked_with_their_names() {
    for (id, args, message) in [
        (
            "tiger-v1",
            json!({"discount": 1.5}),
            "`discount`: must lie in 0..=1, found 1.5",
        ),
        (
            "tiger-v1",
            json!({"accuracy": -0.5}),
            "`accuracy`: must lie in 0..=1, found -0.5",
        ),
        (
            "t_maze-v1",
            json!({"length": 0}),
            "`length`: must lie in 1..=10000, found 0",
        ),
        (
            "rock_sample-v1",
            json!({"start": [4, 0]}),
            "`start`: (4, 0) is not on the grid",
        ),
        (
            "rock_sample-v1",
            json!({"rocks": [[0, 0], [0, 0]]}),
            "`rocks[1]`: (0, 0) is not on the grid, or taken by another rock",
        ),
        (
            "rock_sample-v1",
            json!({"sensor": {"half_efficiency": 0.0}}),
            "`sensor`: 0 is not a distance above 0",
        ),
        (
            "pomdp_file-v1",
            json!({"text": "discount: 2"}),
            "`text`: line 1: expected a discount in [0, 1], found `2`",
        ),
    ] {
        let error = registry().build(id, &args).err().unwrap();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn the_environment_offers_its_model_and_tells_the_hidden_state() {
    let env = registry()
        .build("t_maze-v1", &json!({"start": "first_cell"}))
        .unwrap();
    let mut simulator = Simulator::builder(env)
        .rows(2)
        .info(PRIVILEGED_STATE)
        .build()
        .unwrap();
    let model = simulator
        .spec()
        .model
        .as_ref()
        .unwrap()
        .get::<Pomdp>()
        .unwrap();
    let options = json!({"state": "x0-south"});
    let resets = [0, 1].map(|row| RowReset {
        options: options.clone(),
        ..RowReset::next(row)
    });
    simulator.reset_rows(&resets).unwrap();
    // Nothing seen, then the sign, the corridor, the junction; south in row 0, north in row 1.
    let mut seen = vec![simulator.border().player(0).observation().i32(0)[0]];
    for step in 0..11 {
        let actions = if step == 10 { [2, 0] } else { [1, 1] };
        simulator
            .border_mut()
            .player_mut(0)
            .action_mut()
            .i32_mut(0)
            .copy_from_slice(&actions);
        simulator.step().unwrap();
        seen.push(simulator.border().next_observation(0, 0).i32(0)[0]);
        let state = simulator.border().info.f64(0)[0] as usize;
        if step < 10 {
            assert_eq!(model.parts().states[state], format!("x{}-south", step + 1));
        }
    }
    assert_eq!(seen, [5, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 4]);
    assert_eq!(simulator.border().terminated[..], [true, true]);
    assert_eq!(simulator.border().player(0).reward[..], [4.0, -0.1]);
}

#[test]
fn an_unusable_reset_option_is_refused() {
    let env = registry()
        .build("t_maze-v1", &serde_json::Value::Null)
        .unwrap();
    let mut simulator = Simulator::builder(env).build().unwrap();
    for (options, message) in [
        (json!({"state": "end"}), "state 22 is terminal"),
        (
            json!({"state": 99}),
            "`state` must be the name of a state or its index below 23, found 99",
        ),
        (
            json!({"place": 1}),
            "there is no reset option `place`, only `state`",
        ),
    ] {
        let reset = RowReset {
            options,
            ..RowReset::next(0)
        };
        let error = simulator.reset_rows(&[reset]).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn simulated_frequencies_are_those_of_the_tables() {
    let model = Pomdp::compile(&Tag::default()).unwrap();
    let mut rng = Stream::new(1, 0, "test");
    let (state, action, n) = (12 * 30 + 7, 2, 20_000);
    let mut counts = vec![0u32; model.num_states()];
    for _ in 0..n {
        let outcome = model.step(&state, action, &mut rng);
        counts[outcome.next as usize] += 1;
        assert_eq!(
            model.likelihood(action, &outcome.next, &outcome.observation),
            1.0
        );
    }
    let mut seen = 0;
    for (next, p) in model.transition(state as usize, action).iter() {
        let (found, deviation) = (
            f64::from(counts[next]),
            (f64::from(n) * p * (1.0 - p)).sqrt(),
        );
        assert!(
            (found - f64::from(n) * p).abs() < 5.0 * deviation,
            "{next}: {found} for {p}"
        );
        seen += counts[next];
    }
    assert_eq!(seen, n);
}

#[test]
fn the_start_is_drawn_from_the_initial_belief() {
    let text = "discount: 1\nvalues: reward\nstates: 4\nactions: 1\nobservations: 1\nstart: 0.5 0 0.2 0.3\n\
                T: 0 identity\nO: 0 uniform\n";
    let model = pomdp_file::read(text).unwrap().model;
    let (mut rng, mut counts) = (Stream::new(2, 0, "test"), [0u32; 4]);
    (0..20_000).for_each(|_| counts[model.sample_start(&mut rng) as usize] += 1);
    assert_eq!(counts[1], 0);
    for (count, p) in counts.into_iter().zip(model.start_belief()) {
        assert!(
            (f64::from(count) - 20_000.0 * p).abs() < 350.0,
            "{count} for {p}"
        );
    }
}

#[test]
fn readings_of_lasers_have_the_likelihood_that_is_claimed() {
    let model = LaserTag::new(&LaserTagArgs::default());
    let mut rng = Stream::new(3, 0, "test");
    for _ in 0..5 {
        let start = model.sample_start(&mut rng);
        if start.robot == start.opponent {
            continue;
        }
        // Each laser's readings apart: frequencies against the likelihood, which factorises.
        let n = 20_000;
        let draws: Vec<_> = (0..n).map(|_| model.step(&start, 4, &mut rng)).collect();
        let next = draws[0].next;
        let same: Vec<_> = draws
            .iter()
            .filter(|d| d.next == next && next.robot != next.opponent)
            .collect();
        let base = same.first().map(|d| d.observation);
        let Some(base) = base else { continue };
        let normaliser = |ray: usize| -> f64 {
            (0..20)
                .map(|r| {
                    let mut o = base;
                    o[ray] = r;
                    model.likelihood(4, &next, &o)
                })
                .sum()
        };
        for ray in 0..8 {
            let total = normaliser(ray);
            for reading in 0..4 {
                let mut o = base;
                o[ray] = reading;
                let p = model.likelihood(4, &next, &o) / total;
                let found = same
                    .iter()
                    .filter(|d| d.observation[ray] == reading)
                    .count() as f64;
                let (m, deviation) = (
                    same.len() as f64,
                    (same.len() as f64 * p * (1.0 - p)).sqrt(),
                );
                assert!(
                    (found - m * p).abs() <= 5.0 * deviation + 1e-9,
                    "ray {ray}: {found} of {m} for {p}"
                );
            }
        }
    }
}

#[test]
fn going_to_the_light_pays_in_light_dark() {
    // The heuristic of POMDPModels.jl on the exact Gaussian belief (a Kalman filter at the estimated position).
    let model = LightDark::new(&LightDarkArgs::default());
    let mut rng = Stream::new(4, 0, "test");
    let (mut total, mut blind, n) = (0.0, 0.0, 400);
    for _ in 0..n {
        let mut state = model.sample_start(&mut rng);
        let (mut mean, mut variance, mut discount) = (2.0f64, 9.0f64, 1.0);
        blind += if state.y.abs() < 1.0 { 10.0 } else { -10.0 };
        for _ in 0..60 {
            let uncertain = variance.sqrt() > 0.1;
            let target = if uncertain { 5.0 } else { 0.0 };
            let action = if !uncertain && mean.abs() < 0.5 {
                0
            } else if mean < target {
                1
            } else {
                2
            };
            let outcome = model.step(&state, action, &mut rng);
            total += discount * outcome.reward;
            if outcome.terminal {
                break;
            }
            discount *= model.discount;
            mean += outcome.next.y - state.y;
            let noise = LightDark::noise(mean).powi(2).max(1e-4);
            let gain = variance / (variance + noise);
            mean += gain * (outcome.observation - mean);
            variance *= 1.0 - gain;
            state = outcome.next;
        }
    }
    let (total, blind) = (total / f64::from(n), blind / f64::from(n));
    assert!(total > 1.0 && blind < -4.0, "{total} against {blind}");
    assert!(rng.random::<f64>() < 1.0);
}
