//! Random stacks of wrappers on several environments: whatever they are, rows stay independent of their
//! neighbours, of shards and of saving, and everything lies in its space.

use proptest::prelude::*;
use rand::RngExt;
use serde_json::{Value, json};

use super::probe::{choose, config, env, probe, probe_with};
use crate::{
    error::EnvError,
    sim::{Autoreset, EnvSpec, Lane, Plugin, RowReset, Simulator, Turns},
    space::Space,
    stream::Stream,
};

const ROWS: usize = 5;

/// Environments with few and many steps, integers and real numbers, one player and two, masks and turns.
fn environment(index: usize) -> Box<dyn Plugin> {
    match index {
        0 => env("cartpole-v1"),
        1 => env("pendulum-v1"),
        2 => probe(6),
        3 => probe_with(
            4,
            Space::MultiBinary {
                n: 3,
                min_ones: 1,
                max_ones: 2,
            },
        ),
        4 => env("repeated_matrix_game-v1"),
        5 => env("kuhn_poker-v1"),
        _ => env("tic_tac_toe-v1"),
    }
}

const ENVIRONMENTS: usize = 7;

/// Wrappers with arguments to draw from.
fn wrappers() -> Vec<Value> {
    vec![
        json!({ "kind": "time_limit", "max_episode_steps": 9 }),
        json!({ "kind": "action_repeat", "times": 2 }),
        json!({ "kind": "sticky_actions", "probability": 0.5 }),
        json!({ "kind": "action_noise", "sigma": 0.3 }),
        json!({ "kind": "action_noise", "epsilon": 0.5 }),
        json!({ "kind": "clip_action" }),
        json!({ "kind": "rescale_action", "low": -3, "high": 2 }),
        json!({ "kind": "project_action", "dimensions": 3, "seed": 4 }),
        json!({ "kind": "observation_noise", "sigma": 0.1 }),
        json!({ "kind": "normalize_observation" }),
        json!({ "kind": "normalize_observation", "clip": 0.7 }),
        json!({ "kind": "frame_stack", "frames": 3 }),
        json!({ "kind": "delay_observation", "delay": 2 }),
        json!({ "kind": "previous_action" }),
        json!({ "kind": "previous_action", "layout": "dict" }),
        json!({ "kind": "previous_action", "flag_mode": "reference" }),
        json!({ "kind": "full_information" }),
        json!({ "kind": "full_information", "level": "both" }),
        json!({ "kind": "time_aware_observation", "normalize": false }),
        json!({ "kind": "distractors", "dimensions": 5 }),
        json!({ "kind": "project_observation", "dimensions": 6 }),
        json!({ "kind": "project_observation", "dimensions": 6, "each_episode": true }),
        json!({ "kind": "project_action", "dimensions": 3, "distribution": "orthogonal", "each_episode": true }),
        json!({ "kind": "reward_scale", "factor": -0.5 }),
        json!({ "kind": "reward_clip" }),
        json!({ "kind": "normalize_reward" }),
        json!({ "kind": "trials", "trials": 3 }),
        json!({ "kind": "trials", "trials": 2, "start": "new", "layout": "dict" }),
        json!({ "kind": "trials", "trials": 3, "layout": "plain" }),
    ]
}

/// A way to build equal simulators of any size.
struct Stack {
    environment: usize,
    wrappers: Vec<Value>,
    mode: Autoreset,
    seed: u64,
}

impl Stack {
    /// The wrappers among `chosen` that fit, in order.
    fn new(environment: usize, chosen: &[usize], mode: Autoreset, seed: u64) -> Self {
        let mut stack = Self {
            environment,
            wrappers: Vec::new(),
            mode,
            seed,
        };
        for &index in chosen {
            stack.wrappers.push(wrappers()[index].clone());
            match stack.build(1, 1) {
                Ok(_) => {}
                Err(EnvError::Incompatible { .. }) => drop(stack.wrappers.pop()),
                Err(other) => panic!("{:?}: {other}", stack.wrappers),
            }
        }
        stack
    }

    fn build(&self, rows: usize, shards: usize) -> Result<Simulator, EnvError> {
        let builder = Simulator::builder(environment(self.environment));
        let wrap = |b: crate::sim::SimulatorBuilder, c: &Value| {
            b.wrap(config(c).plugin().unwrap_or_else(|e| panic!("{c}: {e}")))
        };
        let builder = self.wrappers.iter().fold(builder, wrap);
        let builder = builder.rows(rows).shards(shards).seed(self.seed);
        builder.autoreset(self.mode).build()
    }

    /// What the innermost buffers of the border belong to: the environment, or the last trials of it.
    fn innermost(&self) -> EnvSpec {
        let trials = self.wrappers.iter().rposition(|w| w["kind"] == "trials");
        let inner = Self {
            wrappers: self.wrappers[..trials.map_or(0, |at| at + 1)].to_vec(),
            ..*self
        };
        (**inner.build(1, 1).unwrap().spec()).clone()
    }

    /// A batch of `ROWS` after its first reset.
    fn batch(&self, shards: usize) -> Simulator {
        let mut batch = self.build(ROWS, shards).unwrap();
        batch.reset().unwrap();
        batch
    }

    /// Row `row` of the batch, alone.
    fn alone(&self, row: usize) -> Simulator {
        let mut single = self.build(1, 1).unwrap();
        let lane = Some(Lane {
            seed: self.seed,
            lane: row as u64,
            episode: 0,
        });
        let reset = RowReset {
            lane,
            ..RowReset::next(0)
        };
        single.reset_rows(&[reset]).unwrap();
        single
    }
}

/// Whether observations, and the final ones where the episode has ended, lie in their spaces, and whether rewards
/// lie within their range.
fn check_border(simulator: &Simulator, row: usize) -> Result<(), TestCaseError> {
    let (spec, border) = (simulator.spec(), simulator.border());
    for (player, p) in spec.players.iter().zip(&border.players) {
        let space = &player.observation;
        prop_assert_eq!(space.check_row(p.observation(), row), Ok(()));
        if border.ended(row) {
            prop_assert_eq!(space.check_row(&p.final_observation, row), Ok(()));
        }
        let (low, high) = spec.reward_range;
        let reward = f64::from(p.reward[row]);
        // The range is told in double, rewards in single precision. After a reset the reward is 0.
        let slack = 1e-5 * (1.0 + reward.abs());
        prop_assert!(
            reward == 0.0 || (low - slack..=high + slack).contains(&reward),
            "reward {} not within {}..={}",
            reward,
            low,
            high
        );
    }
    Ok(())
}

/// Whether what reached the environment lies in its action space.
fn check_inner_action(simulator: &Simulator, inner: &EnvSpec) -> Result<(), TestCaseError> {
    for (player, p) in inner.players.iter().zip(&simulator.border().players) {
        if p.acted[0] && !player.lenient_bounds {
            prop_assert_eq!(player.action.check_row(p.env_action(), 0), Ok(()));
        }
    }
    Ok(())
}

/// The rows of a simulator with autoreset off that must be reset before the next step.
fn rows_to_reset(mode: Autoreset, simulator: &Simulator, rows: &[usize]) -> Vec<usize> {
    let ended = |row: &usize| mode == Autoreset::Disabled && simulator.border().ended(*row);
    rows.iter().copied().filter(ended).collect()
}

fn any_mode() -> impl Strategy<Value = Autoreset> {
    prop_oneof![
        Just(Autoreset::SameStep),
        Just(Autoreset::NextStep),
        Just(Autoreset::Disabled)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// A batch in one shard, a batch in two, and each row alone, stepped in the same random subsets and reset at
    /// the same moments, hold the same state in every byte: border, wrappers, statistics, randomness.
    #[test]
    fn rows_depend_on_nothing_but_themselves(
        environment in 0..ENVIRONMENTS,
        chosen in prop::collection::vec(0..wrappers().len(), 0..5),
        mode in any_mode(),
        seed: u64,
    ) {
        let stack = Stack::new(environment, &chosen, mode, seed);
        let inner = stack.innermost();
        let (mut one, mut two) = (stack.batch(1), stack.batch(2));
        let mut alone: Vec<Simulator> = (0..ROWS).map(|row| stack.alone(row)).collect();
        let mut agents: Vec<Stream> =
            (0..ROWS).map(|row| Stream::new(seed, row as u64, "test.agent")).collect();
        let mut schedule = Stream::new(seed, 0, "test.schedule");

        for step in 0..40 {
            let everyone = schedule.random_bool(0.5);
            let rows: Vec<usize> =
                (0..ROWS).filter(|_| everyone || schedule.random_bool(0.5)).collect();
            let mut resets = rows_to_reset(mode, &one, &rows);
            if step % 11 == 10 && !rows.is_empty() && !resets.contains(&rows[0]) {
                resets.push(rows[0]);
            }
            let requests: Vec<RowReset> = resets.iter().map(|&row| RowReset::next(row)).collect();
            one.reset_rows(&requests).unwrap();
            two.reset_rows(&requests).unwrap();
            for &row in &resets {
                alone[row].reset_rows(&[RowReset::next(0)]).unwrap();
            }

            for &row in &rows {
                let before = agents[row].clone();
                choose(&mut one, row, &mut agents[row]);
                choose(&mut two, row, &mut before.clone());
                choose(&mut alone[row], 0, &mut before.clone());
                alone[row].step().unwrap();
                check_inner_action(&alone[row], &inner)?;
            }
            if everyone {
                one.step().unwrap();
                two.step().unwrap();
            } else {
                one.step_rows(&rows).unwrap();
                two.step_rows(&rows).unwrap();
            }

            for (row, single) in alone.iter().enumerate() {
                let expected = single.save_row(0).unwrap();
                prop_assert!(one.save_row(row).unwrap() == expected, "row {row}, step {step}, {:?}", stack.wrappers);
                prop_assert!(two.save_row(row).unwrap() == expected, "row {row}, step {step}, two shards");
                check_border(&one, row)?;
                for player in 0..inner.players.len() {
                    let (a, b) = (one.border().player(player), two.border().player(player));
                    prop_assert!(a.observation().row_bits_equal(row, b.observation(), row));
                    prop_assert!(a.final_observation.row_bits_equal(row, &b.final_observation, row));
                    prop_assert_eq!(a.reward[row].to_bits(), b.reward[row].to_bits());
                }
            }
        }
    }

    /// A saved row goes on in another simulator, at another place, as it would have where it was.
    #[test]
    fn saved_rows_go_on_as_if_nothing_had_happened(
        environment in 0..ENVIRONMENTS,
        chosen in prop::collection::vec(0..wrappers().len(), 0..5),
        mode in any_mode(),
        seed: u64,
        moment in 0..30usize,
    ) {
        let stack = Stack::new(environment, &chosen, mode, seed);
        let mut original = stack.alone(3);
        let mut agent = Stream::new(seed, 0, "test.agent");
        let go = |simulator: &mut Simulator, row: usize, agent: &mut Stream| {
            if !rows_to_reset(mode, simulator, &[row]).is_empty() {
                simulator.reset_rows(&[RowReset::next(row)]).unwrap();
            }
            choose(simulator, row, agent);
            simulator.step_rows(&[row]).unwrap();
        };
        for _ in 0..moment {
            go(&mut original, 0, &mut agent);
        }
        let saved = original.save_row(0).unwrap();
        let mut copy = stack.batch(2);
        copy.load_row(4, &saved).unwrap();
        prop_assert!(copy.save_row(4).unwrap() == saved);
        for step in 0..30 {
            let mut same = agent.clone();
            go(&mut original, 0, &mut agent);
            go(&mut copy, 4, &mut same);
            prop_assert!(
                copy.save_row(4).unwrap() == original.save_row(0).unwrap(),
                "step {} after the copy, {:?}", step, stack.wrappers
            );
        }
        // Bytes that end too early are refused.
        prop_assert!(copy.load_row(4, &saved[..saved.len() - 1]).is_err());
    }

    /// Any episode can be made again alone, from its lane, its actions, and what was carried into it.
    #[test]
    fn an_episode_can_be_replayed_from_what_was_carried_into_it(
        environment in 0..ENVIRONMENTS,
        chosen in prop::collection::vec(0..wrappers().len(), 0..5),
        seed: u64,
    ) {
        let stack = Stack::new(environment, &chosen, Autoreset::SameStep, seed);
        let mut original = stack.alone(2);
        let mut agent = Stream::new(seed, 0, "test.agent");
        // The third episode, or however far 100 steps go.
        for _ in 0..100 {
            if original.lane(0).unwrap().episode == 2 && original.border().elapsed[0] == 0 {
                break;
            }
            choose(&mut original, 0, &mut agent);
            original.step().unwrap();
        }
        let lane = original.lane(0).unwrap();
        prop_assume!(original.border().elapsed[0] == 0);

        let mut replay = stack.build(3, 1).unwrap();
        replay.reset().unwrap();
        replay.load_carried(1, &original.save_carried(0).unwrap()).unwrap();
        replay.reset_rows(&[RowReset { lane: Some(lane), ..RowReset::next(1) }]).unwrap();
        for step in 0..50 {
            for (a, b) in replay.border().players.iter().zip(&original.border().players) {
                prop_assert!(
                    a.observation().row_bits_equal(1, b.observation(), 0),
                    "step {}, {:?}", step, stack.wrappers
                );
                prop_assert!(step == 0 || a.reward[1].to_bits() == b.reward[0].to_bits());
            }
            choose(&mut original, 0, &mut agent.clone());
            choose(&mut replay, 1, &mut agent);
            original.step().unwrap();
            replay.step_rows(&[1]).unwrap();
        }
    }
}

#[test]
fn the_wrappers_of_the_property_tests_cover_all_kinds() {
    let known = wrappers();
    for entry in crate::wrappers::list() {
        assert!(
            known.iter().any(|w| w["kind"] == entry.name),
            "{} is not among the wrappers of the property tests",
            entry.name
        );
    }
    let changing = (0..ENVIRONMENTS).map(|i| {
        Stack::new(i, &[], Autoreset::SameStep, 0)
            .build(1, 1)
            .unwrap()
    });
    assert!(
        changing
            .into_iter()
            .any(|s| s.spec().turns == Turns::Changing)
    );
}
