//! The agent as a whole: acting agrees with learning, a resumed run is the run that was not stopped, what cannot go on
//! says why, and something is learned.

use palaestra_envs::{registry, sim::Simulator, wrappers::WrapperConfig};
use serde_json::{Value, json};

use super::*;
use crate::conformance;

/// A network that is built and trained in no time.
fn small(changes: Value) -> PpoArgs {
    let mut args = json!({
        "core_args": { "state": 8 },
        "layers": 2,
        "encoder": [8],
        "heads": [8],
        "rollout": 16,
        "epochs": 2,
        "minibatches": 2,
        "lr": 1e-3,
    });
    let (own, changes) = (args.as_object_mut().unwrap(), changes.as_object().unwrap());
    own.extend(changes.iter().map(|(k, v)| (k.clone(), v.clone())));
    serde_json::from_value(args).unwrap()
}

struct Play {
    simulator: Simulator,
    agent: Ppo,
    /// Returns of the episodes that ended.
    returns: Vec<f64>,
}

impl Play {
    fn new(
        env: &str,
        env_args: &Value,
        wrappers: Value,
        rows: usize,
        args: &PpoArgs,
        seed: u64,
    ) -> Self {
        let mut builder = Simulator::builder(registry().build(env, env_args).unwrap());
        let wrappers: Vec<WrapperConfig> = serde_json::from_value(wrappers).unwrap();
        for wrapper in wrappers {
            builder = builder.wrap(wrapper.plugin().unwrap());
        }
        let mut simulator = builder.rows(rows).seed(seed).build().unwrap();
        simulator.reset().unwrap();
        let agent = Ppo::new(&context(&simulator, rows, seed), args).unwrap();
        Self {
            simulator,
            agent,
            returns: Vec::new(),
        }
    }

    fn memory_chain(rows: usize, args: &PpoArgs) -> Self {
        let wrappers = json!([{ "kind": "previous_action" }]);
        Self::new(
            "memory_chain-v0",
            &json!({ "length": 5 }),
            wrappers,
            rows,
            args,
            3,
        )
    }

    fn step(&mut self) -> Result<(), AgentError> {
        let rows = Selection::all(self.simulator.rows());
        let (view, actions) = self.simulator.border_mut().act_view(0);
        self.agent.act(&view, &rows, actions)?;
        self.simulator.step()?;
        let border = self.simulator.border();
        let ended = (0..border.rows()).filter(|&row| border.ended(row));
        self.returns
            .extend(ended.map(|row| border.player(0).final_return[row]));
        self.agent.observe(&StepView {
            player: 0,
            rows: &rows,
            border,
        })
    }

    fn steps(&mut self, steps: usize) {
        for _ in 0..steps {
            self.step().unwrap();
        }
    }
}

fn context(simulator: &Simulator, rows: usize, seed: u64) -> AgentContext {
    AgentContext {
        env: simulator.spec().clone(),
        players: vec![0],
        rows,
        seed,
        total_steps: 100_000,
    }
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-4, "{found} for {expected}");
    }
}

/// Acceptance 11 and 12 of the method: what the whole sequence gives is what single steps gave, across episodes.
#[test]
fn scanning_a_rollout_repeats_what_was_acted_step_by_step() {
    for core in ["s5", "gru", "lstm"] {
        let core_args = if core == "s5" {
            json!({ "state": 8 })
        } else {
            json!({})
        };
        let args = small(json!({ "core": core, "core_args": core_args, "rollout": 24 }));
        // From the second rollout on there is something to remember at its start.
        let mut play = Play::memory_chain(4, &args);
        play.steps(24 + 23);
        let (view, actions) = play.simulator.border_mut().act_view(0);
        play.agent.act(&view, &Selection::all(4), actions).unwrap();
        let memory = values(play.agent.memory.clone()).unwrap();
        play.agent.rollout.push(&play.agent.step.clone(), &[0.0; 4]);

        let agent = &play.agent;
        assert!(agent.rollout.is_full() && agent.rollout.memory.iter().any(|&x| x != 0.0));
        let estimates = agent.rollout.estimate(&[0.0; 4], &[false; 4], 0.99, 1.0);
        let batch = agent
            .rollout
            .batch(&[0, 1, 2, 3], &estimates, &agent.device);
        let starts = batch.starts.clone().int().sum().into_scalar::<i32>();
        assert!(
            (4 * 24 / 5 - 4..4 * 24 / 5 + 4).contains(&starts),
            "{starts} resets within"
        );
        let scan = agent
            .acting
            .scan(batch.observation, batch.starts, batch.memory)
            .unwrap();
        let (log_prob, _) = agent
            .learner
            .actions
            .evaluate(scan.policy, None, batch.action, None);
        close(&values(log_prob).unwrap(), &values(batch.log_prob).unwrap());
        close(&values(scan.value).unwrap(), &values(batch.value).unwrap());
        close(&values(scan.memory).unwrap(), &memory);
    }
}

/// The ratio is 1 in the first minibatch, so nothing is clipped and the distance is nil.
#[test]
fn the_first_minibatch_is_on_policy() {
    let args = small(json!({ "epochs": 1, "minibatches": 1 }));
    let mut play = Play::memory_chain(4, &args);
    play.steps(16);
    let mut told = std::collections::BTreeMap::new();
    play.agent.metrics(&mut |name, value| {
        told.insert(name.to_owned(), value);
    });
    assert!(told["losses/approx_kl"].abs() < 1e-6, "{told:?}");
    assert_eq!(told["losses/clip_fraction"], 0.0);
    assert!(
        told["losses/policy_loss"].abs() < 1e-5,
        "advantages have mean 0: {told:?}"
    );
    assert!((told["losses/entropy"] - 2.0_f64.ln()).abs() < 1e-2);
    assert_eq!(told["charts/learning_rate"], 1e-3);
    play.agent
        .metrics(&mut |name, _| panic!("{name} is told twice"));
}

#[test]
fn a_resumed_run_is_the_run_that_was_not_stopped() {
    let args = small(json!({ "lr_schedule": "linear" }));
    let mut straight = Play::memory_chain(4, &args);
    straight.steps(100);
    let expected = straight.agent.save().unwrap();

    // Within a rollout, and right after an update.
    for at in [40, 48] {
        let mut first = Play::memory_chain(4, &args);
        first.steps(at);
        let agent = first.agent.save().unwrap();
        let rows: Vec<_> = (0..4)
            .map(|row| first.simulator.save_row(row).unwrap())
            .collect();
        let mut resumed = Play::memory_chain(4, &args);
        for (row, bytes) in rows.iter().enumerate() {
            resumed.simulator.load_row(row, bytes).unwrap();
        }
        resumed.agent.load(&agent).unwrap();
        resumed.steps(100 - at);
        assert_eq!(resumed.agent.learner.updates, 6);
        assert!(
            resumed.agent.save().unwrap() == expected,
            "stopped after {at} steps"
        );
    }
}

#[test]
fn it_passes_the_checks_of_all_agents_with_any_kind_of_action() {
    let registry = registry();
    let agents = crate::registry();
    let args = json!({
        "core": "gru", "encoder": [8], "heads": [8], "rollout": 16, "epochs": 1, "minibatches": 3
    });
    for env in ["memory_chain-v0", "pendulum-v1", "battleship-v0"] {
        let build = || registry.build(env, &Value::Null);
        let report = conformance::check(agents.get(ID).unwrap(), &args, build);
        assert!(report.passed(), "{env}: {report:?}");
    }
}

#[test]
fn what_does_not_fit_is_an_error_that_says_so() {
    let simulator = Simulator::builder(registry().build("cartpole-v1", &Value::Null).unwrap())
        .rows(6)
        .build()
        .unwrap();
    let error = |changes: Value| {
        let context = context(&simulator, 6, 0);
        Ppo::new(&context, &small(changes)).unwrap_err().to_string()
    };
    let minibatches = error(json!({ "minibatches": 4 }));
    assert!(
        minibatches.contains("`minibatches`") && minibatches.contains("divisor of 6"),
        "{minibatches}"
    );
    let core = error(json!({ "core": "abacus", "core_args": {} }));
    assert!(
        core.contains("`core`") && core.contains("no sequence core `abacus`"),
        "{core}"
    );
    let state = error(json!({ "core_args": { "state": 7 } }));
    assert!(state.contains("core_args.state"), "{state}");
    assert!(error(json!({ "gamma": 1.5 })).contains("[0, 1]"));

    let poker = Simulator::builder(registry().build("kuhn_poker-v1", &Value::Null).unwrap())
        .build()
        .unwrap();
    let turns = Ppo::new(&context(&poker, 1, 0), &small(json!({ "minibatches": 1 })));
    assert!(matches!(turns, Err(AgentError::Unsupported { .. })));

    let mut other = Play::memory_chain(4, &small(json!({ "core": "gru", "core_args": {} })));
    let saved = other.agent.save().unwrap();
    let refused = Play::memory_chain(4, &small(json!({})))
        .agent
        .load(&saved)
        .unwrap_err();
    assert!(
        matches!(&refused, AgentError::State { reason, .. } if reason.contains("gru")),
        "{refused}"
    );
    let wider = small(json!({ "core": "gru", "core_args": {}, "heads": [9] }));
    let refused = Play::memory_chain(4, &wider)
        .agent
        .load(&saved)
        .unwrap_err();
    assert!(refused.to_string().contains("actor.0.weight"), "{refused}");
}

#[test]
fn a_gradient_that_is_no_number_ends_learning_and_changes_nothing() {
    let mut play = Play::memory_chain(4, &small(json!({})));
    play.steps(16 + 15);
    let before = parameters::save(&play.agent.learner.model);
    // As if the environment had paid it.
    let (view, actions) = play.simulator.border_mut().act_view(0);
    play.agent.act(&view, &Selection::all(4), actions).unwrap();
    play.agent
        .rollout
        .push(&play.agent.step.clone(), &[f32::NAN; 4]);
    play.simulator.step().unwrap();
    let view = StepView {
        player: 0,
        rows: &Selection::all(4),
        border: play.simulator.border(),
    };
    play.agent.stopped = play.agent.learn(&view).err();
    let Some(AgentError::Gradient {
        update,
        epoch,
        minibatch,
        tensor,
        ..
    }) = &play.agent.stopped
    else {
        panic!("{:?}", play.agent.stopped);
    };
    assert_eq!((*update, *epoch, *minibatch), (1, 0, 0));
    assert_eq!(tensor, "encoder.0.weight");
    assert!(parameters::save(&play.agent.learner.model) == before);
    assert!(
        matches!(play.step(), Err(AgentError::Gradient { .. })),
        "it does not go on"
    );
}

/// Where time runs out, the value of what was seen last stands for the rest, except in the released code.
#[test]
fn an_episode_that_was_cut_is_worth_what_its_last_observation_is() {
    let rewards = |parity: bool| {
        let limit = json!([{ "kind": "time_limit", "max_episode_steps": 3 }]);
        let args = small(json!({ "parity": parity, "minibatches": 1 }));
        let mut play = Play::new("pendulum-v1", &Value::Null, limit, 1, &args, 3);
        let mut paid = Vec::new();
        for _ in 0..7 {
            play.step().unwrap();
            paid.push(play.simulator.border().player(0).reward[0]);
        }
        let rollout = serde_json::to_value(&play.agent.rollout).unwrap();
        let stored: Vec<f32> = serde_json::from_value(rollout["reward"].clone()).unwrap();
        (0..7).map(|t| stored[t] - paid[t]).collect::<Vec<_>>()
    };
    assert_eq!(rewards(true), [0.0; 7]);
    let added = rewards(false);
    let cut: Vec<usize> = (0..7).filter(|&t| added[t] != 0.0).collect();
    assert_eq!(cut, [2, 5], "{added:?}");
}

/// The bit must be kept for ten steps; without memory the mean return is 0.
#[test]
fn it_learns_to_remember() {
    let args = small(json!({
        "core_args": { "state": 16 }, "layers": 1, "encoder": [32], "heads": [32],
        "rollout": 40, "epochs": 4, "minibatches": 2, "lr": 3e-3, "gamma": 1.0,
    }));
    for seed in [1, 2] {
        let wrappers = json!([{ "kind": "previous_action" }]);
        let mut play = Play::new(
            "memory_chain-v0",
            &json!({ "length": 10 }),
            wrappers,
            32,
            &args,
            seed,
        );
        play.steps(40 * 40);
        let last = &play.returns[play.returns.len() - 640..];
        let mean = last.iter().sum::<f64>() / last.len() as f64;
        assert!(mean > 0.9, "seed {seed}: mean return {mean}");
    }
}
