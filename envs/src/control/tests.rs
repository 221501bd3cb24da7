//! What the golden trajectories do not show: starts, limits, arguments, options, pictures.

use serde_json::{Value, json};

use crate::{
    EnvError, registry,
    sim::{Autoreset, RowReset, Simulator},
    space::ColumnData,
};

/// Identifier, time limit, and the range from which each element of the first observation is drawn.
type Case = (&'static str, u32, &'static [(f64, f64)]);

const CASES: [Case; 6] = [
    ("cartpole-v1", 500, &[(-0.05, 0.05); 4]),
    ("cartpole_continuous-v1", 200, &[(-0.05, 0.05); 4]),
    ("pendulum-v1", 200, &[(-1.0, 1.0), (-1.0, 1.0), (-1.0, 1.0)]),
    ("mountain_car-v0", 200, &[(-0.6, -0.4), (0.0, 0.0)]),
    (
        "mountain_car_continuous-v0",
        999,
        &[(-0.6, -0.4), (0.0, 0.0)],
    ),
    (
        "acrobot-v1",
        500,
        &[
            (0.995, 1.0),
            (-0.1, 0.1),
            (0.995, 1.0),
            (-0.1, 0.1),
            (-0.1, 0.1),
            (-0.1, 0.1),
        ],
    ),
];

fn simulator(id: &str, args: Value, rows: usize) -> Simulator {
    let env = registry().build(id, &args).unwrap();
    let builder = Simulator::builder(env).rows(rows).seed(5);
    let mut simulator = builder.autoreset(Autoreset::Disabled).build().unwrap();
    simulator.reset().unwrap();
    simulator
}

fn start_at(simulator: &mut Simulator, state: &[f64]) -> Result<(), EnvError> {
    simulator.reset_rows(&[RowReset {
        options: json!({ "state": state }),
        ..RowReset::next(0)
    }])
}

/// Writes the same action in all rows.
fn act(simulator: &mut Simulator, action: f64) {
    let actions = simulator.border_mut().player_mut(0).action_mut();
    match &mut actions.fields_mut()[0].data {
        ColumnData::I32(column) => column.fill(action as i32),
        ColumnData::F32(column) => column.fill(action as f32),
        other => panic!("actions of type {}", other.type_name()),
    }
}

#[test]
fn first_observations_fill_the_range_of_the_start_and_lie_in_their_space() {
    const ROWS: usize = 4096;
    for (id, _, ranges) in CASES {
        let simulator = simulator(id, Value::Null, ROWS);
        let observations = simulator.border().player(0).observation();
        let space = &simulator.spec().players[0].observation;
        for row in 0..ROWS {
            assert_eq!(space.check_row(observations, row), Ok(()), "{id}");
        }
        for (i, &(low, high)) in ranges.iter().enumerate() {
            let column = observations.f32(0)[i..].iter().step_by(ranges.len());
            let values: Vec<f64> = column.map(|&v| f64::from(v)).collect();
            let (least, most) = values
                .iter()
                .fold((f64::MAX, f64::MIN), |(a, b), &v| (a.min(v), b.max(v)));
            // Of 4096 draws the smallest lies within 1 % of the range, except with probability e^-41.
            let margin = 0.01 * (high - low);
            assert!(
                least >= low - 1e-7 && least <= low + margin + 1e-7,
                "{id} {i}: {least}"
            );
            assert!(
                most <= high + 1e-7 && most >= high - margin - 1e-7,
                "{id} {i}: {most}"
            );
        }
    }
}

#[test]
fn starts_are_uniform() {
    // Mean and standard error of a uniform variable's mean: width / sqrt(12 n).
    const ROWS: usize = 4096;
    for (id, element, low, high) in [
        ("cartpole-v1", 2, -0.05, 0.05),
        ("pendulum-v1", 2, -1.0, 1.0),
        ("mountain_car-v0", 0, -0.6, -0.4),
        ("acrobot-v1", 5, -0.1, 0.1),
    ] {
        let simulator = simulator(id, Value::Null, ROWS);
        let column = simulator.border().player(0).observation();
        let values = column.f32(0)[element..].iter().step_by(column.width(0));
        let mean = values.map(|&v| f64::from(v)).sum::<f64>() / ROWS as f64;
        let error = (high - low) / (12.0 * ROWS as f64).sqrt();
        assert!(
            (mean - f64::midpoint(low, high)).abs() < 5.0 * error,
            "{id}: {mean}"
        );
    }
}

#[test]
fn episodes_are_cut_at_gymnasiums_limits() {
    for (id, limit, _) in CASES {
        assert_eq!(
            simulator(id, Value::Null, 1).spec().max_episode_steps,
            Some(limit),
            "{id}"
        );
    }
    // Nothing ends these when no force is applied.
    for (id, limit, idle) in [
        ("pendulum-v1", 200, 0.0),
        ("mountain_car-v0", 200, 1.0),
        ("mountain_car_continuous-v0", 999, 0.0),
        ("acrobot-v1", 500, 1.0),
    ] {
        let mut simulator = simulator(id, Value::Null, 1);
        act(&mut simulator, idle);
        for step in 1..=limit {
            simulator.step().unwrap();
            let border = simulator.border();
            assert!(!border.terminated[0], "{id} step {step}");
            assert_eq!(border.truncated[0], step == limit, "{id} step {step}");
        }
    }
}

#[test]
fn rewards_stay_within_the_declared_range() {
    for (id, _, _) in CASES {
        let mut simulator = simulator(id, Value::Null, 64);
        let (low, high) = simulator.spec().reward_range;
        for _ in 0..5 {
            act(&mut simulator, 1.0);
            simulator.step().unwrap();
            let rewards = &simulator.border().player(0).reward;
            assert!(
                rewards
                    .iter()
                    .all(|&r| (low..=high).contains(&f64::from(r))),
                "{id}"
            );
        }
    }
    // The worst moment of the pendulum: hanging, at full speed, with full torque.
    let mut pendulum = simulator("pendulum-v1", Value::Null, 1);
    start_at(&mut pendulum, &[-std::f64::consts::PI, 8.0]).unwrap();
    act(&mut pendulum, 2.0);
    pendulum.step().unwrap();
    assert_eq!(
        f64::from(pendulum.border().player(0).reward[0]),
        pendulum.spec().reward_range.0
    );
}

#[test]
fn sutton_and_barto_reward_only_the_end() {
    let args = json!({ "sutton_barto_reward": true });
    let mut simulator = simulator("cartpole-v1", args, 1);
    assert_eq!(simulator.spec().reward_range, (-1.0, 0.0));
    start_at(&mut simulator, &[2.3, 3.0, 0.0, 0.0]).unwrap();
    act(&mut simulator, 1.0);
    for (reward, terminated) in [(0.0, false), (-1.0, true)] {
        simulator.step().unwrap();
        assert_eq!(simulator.border().player(0).reward[0], reward);
        assert_eq!(simulator.border().terminated[0], terminated);
    }
}

#[test]
fn limits_of_the_cart_pole_are_strict() {
    for (state, terminated) in [
        ([2.4, 0.0, 0.0, 0.0], false),
        ([2.400_001, 0.0, 0.0, 0.0], true),
        ([0.0, 0.0, -0.209_439_5, 0.0], false),
        ([0.0, 0.0, -0.209_439_6, 0.0], true),
    ] {
        let mut simulator = simulator("cartpole_continuous-v1", Value::Null, 1);
        start_at(&mut simulator, &state).unwrap();
        simulator.step().unwrap();
        assert_eq!(simulator.border().terminated[0], terminated, "{state:?}");
    }
}

#[test]
fn a_goal_velocity_lets_only_fast_arrivals_count() {
    for (id, action) in [
        ("mountain_car-v0", 2.0),
        ("mountain_car_continuous-v0", 1.0),
    ] {
        for (goal_velocity, arrives) in [(0.0, true), (0.06, false)] {
            let mut simulator = simulator(id, json!({ "goal_velocity": goal_velocity }), 1);
            start_at(&mut simulator, &[0.49, 0.05]).unwrap();
            act(&mut simulator, action);
            simulator.step().unwrap();
            assert_eq!(simulator.border().terminated[0], arrives, "{id}");
        }
    }
}

#[test]
fn gravity_of_the_pendulum_is_an_argument() {
    let mut moon = simulator("pendulum-v1", json!({ "g": 1.6 }), 1);
    start_at(&mut moon, &[std::f64::consts::FRAC_PI_2, 0.0]).unwrap();
    moon.step().unwrap();
    // 3 g / 2 · Δt
    assert_eq!(moon.border().player(0).observation().f32(0)[2], 0.12);
}

#[test]
fn actions_beyond_the_bounds_are_clipped_where_the_dynamics_do_so_and_refused_elsewhere() {
    let velocity = |id: &str, action: f64| {
        let mut simulator = simulator(id, Value::Null, 1);
        start_at(&mut simulator, &[0.2, 0.0]).unwrap();
        act(&mut simulator, action);
        simulator.step().unwrap();
        let player = simulator.border().player(0);
        (
            *player.observation().f32(0).last().unwrap(),
            player.reward[0],
        )
    };
    assert_eq!(velocity("pendulum-v1", 5.0), velocity("pendulum-v1", 2.0));
    let car = "mountain_car_continuous-v0";
    assert_eq!(velocity(car, -3.0).0, velocity(car, -1.0).0);
    assert_eq!(velocity(car, -3.0).1, -0.9);
    let mut cart = simulator("cartpole_continuous-v1", Value::Null, 1);
    act(&mut cart, 1.01);
    assert!(matches!(cart.step(), Err(EnvError::InvalidAction { .. })));
}

#[test]
fn starts_outside_of_the_state_space_are_refused() {
    for (id, state, message) in [
        (
            "pendulum-v1",
            &[0.0, 8.5][..],
            "element 1 of `state` is 8.5, not within -8..=8",
        ),
        (
            "mountain_car-v0",
            &[-1.3, 0.0],
            "element 0 of `state` is -1.3, not within -1.2..=0.6",
        ),
        (
            "acrobot-v1",
            &[0.0; 3],
            "`state` must be a list of 4 numbers, found [0.0,0.0,0.0]",
        ),
    ] {
        let error = start_at(&mut simulator(id, Value::Null, 1), state).unwrap_err();
        let expected = EnvError::Options {
            row: 0,
            message: message.into(),
        };
        assert_eq!(error, expected);
    }
}

#[test]
fn pictures_show_the_state() {
    let picture = |id: &str, state: &[f64]| {
        let mut simulator = simulator(id, Value::Null, 1);
        start_at(&mut simulator, state).unwrap();
        simulator.render(0).unwrap().unwrap()
    };
    let upright = picture("pendulum-v1", &[0.0, 0.0]);
    assert!(upright.starts_with("              *\n"), "{upright}");
    assert!(
        upright.ends_with("θ = +0.0°   ω = +0.00 rad/s"),
        "{upright}"
    );
    // θ = 90° points left, as a counter-clockwise angle from upright.
    let left = picture("pendulum-v1", &[std::f64::consts::FRAC_PI_2, 0.0]);
    assert!(left.contains("\n  ************o\n"), "{left}");

    let car = picture("mountain_car-v0", &[-0.5, 0.0]);
    assert!(car.contains('▆') && car.contains('>'), "{car}");
    assert!(car.ends_with("x = -0.5000   v = +0.0000"), "{car}");

    let hanging = picture("acrobot-v1", &[0.0; 4]);
    let column = |line: &str| line.chars().position(|c| !c.is_whitespace());
    let lines: Vec<&str> = hanging.lines().collect();
    assert!(lines[4].starts_with("-----"), "{hanging}");
    assert!(
        lines[8..17].iter().all(|line| column(line) == Some(17)),
        "{hanging}"
    );
    assert!(
        lines[8].ends_with('o') && lines[16].ends_with('+'),
        "{hanging}"
    );

    let cart = picture("cartpole-v1", &[0.0; 4]);
    assert!(cart.contains("─▆─"), "{cart}");
    let leaning = picture("cartpole_continuous-v1", &[0.0, 0.0, 0.2, 0.0]);
    assert!(leaning.contains('/'), "{leaning}");
}

#[test]
fn a_batch_too_large_for_one_pass_equals_smaller_ones() {
    const ROWS: usize = 12_000;
    for mode in [
        Autoreset::SameStep,
        Autoreset::NextStep,
        Autoreset::Disabled,
    ] {
        let build = |shards| {
            let env = registry().build("cartpole-v1", &Value::Null).unwrap();
            let builder = Simulator::builder(env).rows(ROWS).seed(2).autoreset(mode);
            let mut simulator = builder.shards(shards).build().unwrap();
            simulator.reset().unwrap();
            simulator
        };
        // Several blocks of rows in the one, a single block in each shard of the other.
        let mut simulators = [build(1), build(6)];
        for step in 0..40 {
            for simulator in &mut simulators {
                let actions = simulator.border_mut().player_mut(0).action_mut();
                for (row, action) in actions.i32_mut(0).iter_mut().enumerate() {
                    *action = ((row * 7 + step * step * 3) >> 2 & 1) as i32;
                }
                simulator.step().unwrap();
            }
            let [one, six] = simulators.each_ref().map(Simulator::border);
            let (p, q) = (one.player(0), six.player(0));
            assert_eq!(one.terminated, six.terminated);
            assert_eq!(one.elapsed, six.elapsed);
            assert_eq!(p.reward, q.reward);
            assert_eq!(p.episode_return, q.episode_return);
            assert_eq!(p.final_return, q.final_return);
            assert_eq!(p.observation(), q.observation());
            assert_eq!(p.final_observation, q.final_observation);
            let ended: Vec<_> = (0..ROWS).filter(|&row| one.ended(row)).collect();
            if mode == Autoreset::Disabled && !ended.is_empty() {
                let resets: Vec<_> = ended.iter().map(|&row| RowReset::next(row)).collect();
                for simulator in &mut simulators {
                    simulator.reset_rows(&resets).unwrap();
                }
            }
        }
        assert!(
            simulators[0]
                .border()
                .player(0)
                .final_return
                .iter()
                .any(|&r| r > 0.0)
        );
    }
}
