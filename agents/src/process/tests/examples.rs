//! The programs that readers are told to copy.

use palaestra_envs::{
    sim::{EnvSpec, Environment, PlayerSpec, RowObservation, RowPlugin, RowStep},
    space::{BoxSpace, DType, Space},
    stream::Stream,
};
use rand::RngExt;
use serde_json::json;

use super::*;

fn example(file: &str) -> ProcessArgs {
    let path = format!(
        "{}/../experiments/examples/agents/{file}",
        env!("CARGO_MANIFEST_DIR")
    );
    command(&["python3", &path])
}

/// A bandit with Bernoulli arms: arm `i` of `n` pays with probability `(i + 1) / (n + 1)`. With a mask, the arm
/// pulled last is forbidden. Or, with any other action space, a place to act in.
struct Playground {
    action: Space,
    mask: bool,
}

impl Environment for Playground {
    type State = Option<usize>;

    fn spec(&self) -> EnvSpec {
        let observation = Space::Dict(vec![
            (
                "noise".into(),
                Space::vector(1, f64::NEG_INFINITY, f64::INFINITY),
            ),
            ("words".into(), Space::text(8)),
        ]);
        let mut spec = EnvSpec::single(
            "playground-v1",
            "A test.",
            Space::discrete(1),
            Space::discrete(1),
        );
        spec.players[0] = PlayerSpec::new("player", observation, self.action.clone());
        spec.players[0].action_mask = self.mask;
        spec.max_episode_steps = Some(200);
        spec
    }

    fn reset(&self, _: &mut Stream, _: &Value) -> Result<Self::State, String> {
        Ok(None)
    }

    fn step(&self, last: &mut Self::State, step: &mut RowStep<'_>, rng: &mut Stream) {
        if let Space::Discrete { n, start } = self.action {
            let arm = (step.discrete(0) - start) as usize;
            *last = Some(arm);
            let pays = rng.random::<f64>() < (arm + 1) as f64 / (n + 1) as f64;
            step.reward(0, f32::from(u8::from(pays)));
        }
    }

    fn observe(&self, last: &Self::State, _: usize, out: &mut RowObservation<'_>) {
        out.f32(0)[0] = f32::NAN;
        "né".clone_into(out.text(1));
        out.mask().fill(1);
        if let (Some(arm), true) = (last, self.mask) {
            out.mask()[*arm] = 0;
        }
    }
}

fn playground(action: Space, mask: bool, rows: usize) -> Task {
    Task::new(RowPlugin::new(Playground { action, mask }), rows)
}

fn total_reward(task: &mut Task, agent: &mut ProcessAgent, steps: usize) -> f32 {
    let mut total = 0.0;
    for _ in 0..steps {
        task.play(agent, 1).unwrap();
        total += task.simulator.border().player(0).reward.iter().sum::<f32>();
    }
    total
}

#[test]
fn epsilon_greedy_learns_the_best_arm() {
    let arms = Space::Discrete { n: 3, start: 5 };
    let mut task = playground(arms, false, 8);
    let mut agent = task.agent(example("epsilon_greedy.py")).unwrap();
    // The arms pay 1/4, 1/2, 3/4; exploring a tenth of the time gives 0.725. 1600 pulls: standard error 0.011.
    let mean = total_reward(&mut task, &mut agent, 200) / 1600.0;
    assert!((0.66..0.77).contains(&mean), "{mean}");
    agent.finish().unwrap();
}

#[test]
fn epsilon_greedy_respects_masks_and_options() {
    let mut task = playground(Space::discrete(3), true, 8);
    let args = ProcessArgs {
        options: json!({ "epsilon": 0.0 }),
        ..example("epsilon_greedy.py")
    };
    let mut agent = task.agent(args).unwrap();
    // Without exploring it alternates between the two best arms, (1/2 + 3/4) / 2, unless it is misled early.
    let mean = total_reward(&mut task, &mut agent, 200) / 1600.0;
    assert!((0.45..0.66).contains(&mean), "{mean}");
}

#[test]
fn epsilon_greedy_refuses_what_it_cannot_play() {
    let task = playground(Space::vector(1, -1.0, 1.0), false, 1);
    let error = task.agent(example("epsilon_greedy.py")).unwrap_err();
    assert!(
        error.to_string().contains("needs a Discrete action space"),
        "{error}"
    );
}

#[test]
fn the_examples_pass_what_every_agent_should() {
    let registry = crate::registry();
    let entry = registry.get("process").unwrap();
    let cases = [
        ("epsilon_greedy.py", "lsd_bandit-v1"),
        ("random_agent.py", "tic_tac_toe-v1"),
    ];
    for (file, env) in cases {
        let args = serde_json::to_value(example(file)).unwrap();
        let env = || palaestra_envs::registry().build(env, &Value::Null);
        let report = crate::conformance::check(entry, &args, env);
        assert_eq!(report.checks.len(), 3, "{report:?}");
        assert!(report.passed(), "{file}: {report:?}");
    }
}

#[test]
fn the_random_agent_plays_any_space() {
    let mut leaves = vec![
        Space::Discrete { n: 3, start: -1 },
        Space::MultiDiscrete { nvec: vec![2, 5] },
        Space::MultiBinary {
            n: 6,
            min_ones: 1,
            max_ones: 2,
        },
        Space::Text {
            min_length: 1,
            max_length: 5,
            charset: "äb".into(),
        },
        Space::text(100),
        Space::bounded(
            vec![0.1, 0.5, f64::NEG_INFINITY, f64::NEG_INFINITY],
            vec![0.1, f64::INFINITY, 2.5, f64::INFINITY],
        ),
    ];
    for dtype in [DType::Uint8, DType::Float64] {
        leaves.push(Space::Box(BoxSpace {
            dtype,
            shape: vec![1, 2],
            low: vec![3.0; 2],
            high: vec![200.0; 2],
        }));
    }
    let nested = Space::Dict(vec![
        ("first".into(), Space::Tuple(leaves.clone())),
        ("second".into(), Space::text(3)),
    ]);
    for space in leaves.into_iter().chain([nested]) {
        let mut task = playground(space.clone(), false, 4);
        let mut agent = task.agent(example("random_agent.py")).unwrap();
        // Every action is checked on its way.
        task.play(&mut agent, 10)
            .unwrap_or_else(|e| panic!("{space:?}: {e}"));
        agent.finish().unwrap();
    }
    let masked = [
        Space::discrete(3),
        Space::multi_binary(4),
        Space::MultiDiscrete { nvec: vec![2, 3] },
    ];
    for space in masked {
        let mut task = playground(space.clone(), true, 2);
        let width = space.mask_width();
        let mut agent = task.agent(example("random_agent.py")).unwrap();
        for _ in 0..20 {
            // Every second flag is down, which leaves something of each.
            let own = task.simulator.border_mut().player_mut(0);
            let flags = (0..width)
                .cycle()
                .take(2 * width)
                .map(|i| u8::from(i % 2 == 0));
            own.action_mask = flags.collect::<Vec<u8>>().into();
            task.act(&mut agent)
                .unwrap_or_else(|e| panic!("{space:?}: {e}"));
        }
    }
    let mut task = Task::named("tic_tac_toe-v1", 2);
    let mut agent = task.agent(example("random_agent.py")).unwrap();
    task.play(&mut agent, 40).unwrap();
}
