//! The agent as a whole: acting agrees with learning, a resumed run is the run that was not stopped, what cannot go on
//! says why, and something is learned.

use palaestra_envs::{registry, sim::Simulator, wrappers::WrapperConfig};
use serde_json::{Value, json};

use super::*;
use crate::{conformance, in_context::parameters};

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
        self.act()?;
        self.simulator.step()?;
        let border = self.simulator.border();
        let ended = (0..border.rows()).filter(|&row| border.ended(row));
        self.returns
            .extend(ended.map(|row| border.player(0).final_return[row]));
        (0..border.players.len()).try_for_each(|player| {
            self.agent.observe(&StepView {
                player,
                rows: &rows,
                border,
            })
        })
    }

    /// All players choose.
    fn act(&mut self) -> Result<(), AgentError> {
        let rows = Selection::all(self.simulator.rows());
        (0..self.simulator.spec().players.len()).try_for_each(|player| {
            let (view, actions) = self.simulator.border_mut().act_view(player);
            self.agent.act(&view, &rows, actions)
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
        players: (0..simulator.spec().players.len()).collect(),
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
        let memory = play.agent.memories().unwrap();
        play.agent
            .rollout
            .put(0, &play.agent.seats[0].step, &[0.0; 4]);
        play.agent.rollout.advance();

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
    for env in [
        "memory_chain-v0",
        "pendulum-v1",
        "battleship-v0",
        "kuhn_poker-v1",
        "repeated_matrix_game-v1",
        "glee_persuasion-v1",
    ] {
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

    let text = registry().build("glee_bargaining_text-v1", &Value::Null);
    let text = Simulator::builder(text.unwrap()).build().unwrap();
    let text = Ppo::new(&context(&text, 1, 0), &small(json!({ "minibatches": 1 })));
    assert!(matches!(text, Err(AgentError::Unsupported { .. })));

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
        .put(0, &play.agent.seats[0].step, &[f32::NAN; 4]);
    play.agent.rollout.advance();
    play.simulator.step().unwrap();
    play.agent.stopped = play.agent.learn(play.simulator.border()).err();
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

/// Both players of a game of turns, by one network.
fn against_itself(env: &str, rows: usize, changes: Value) -> Play {
    Play::new(env, &Value::Null, json!([]), rows, &small(changes), 5)
}

/// A field of the rollout, a row for each seat.
fn told<T: serde::de::DeserializeOwned>(play: &Play, field: &str) -> Vec<Vec<T>> {
    let rollout = serde_json::to_value(&play.agent.rollout).unwrap();
    let found = rollout.get(field).unwrap_or(&rollout["fields"][field]);
    let all: Vec<Value> = serde_json::from_value(found.clone()).unwrap();
    let [seats, steps] = play.agent.rollout.dims();
    let width = all.len() / (seats * steps);
    all.chunks(width * steps)
        .map(|seat| serde_json::from_value(seat.into()).unwrap())
        .collect()
}

#[test]
fn seats_see_each_step_and_are_paid_in_it_whoever_moved() {
    let mut play = against_itself("kuhn_poker-v1", 3, json!({ "rollout": 40 }));
    let mut paid = vec![Vec::new(); 6];
    let mut moved = vec![Vec::new(); 6];
    for _ in 0..39 {
        play.step().unwrap();
        for player in 0..2 {
            let border = play.simulator.border().player(player);
            for row in 0..3 {
                paid[player * 3 + row].push(border.reward[row]);
                moved[player * 3 + row].push(border.acted[row]);
            }
        }
    }
    let (reward, acting) = (told::<f32>(&play, "reward"), told::<bool>(&play, "acting"));
    let log_prob = told::<f32>(&play, "log_prob");
    let mut from_the_rival = 0;
    for seat in 0..6 {
        assert_eq!(reward[seat][..39], paid[seat]);
        assert_eq!(acting[seat][..39], moved[seat]);
        for t in 0..39 {
            assert_ne!(acting[seat][t], acting[(seat + 3) % 6][t], "one moves");
            assert_eq!(acting[seat][t], log_prob[seat][t] != 0.0);
            from_the_rival += usize::from(!acting[seat][t] && reward[seat][t] != 0.0);
        }
    }
    assert!(from_the_rival > 10, "{from_the_rival}");
}

/// As for one player that acts in every step, with both players' memories, and nothing said of steps without a choice.
#[test]
fn scanning_repeats_what_both_players_of_a_game_did() {
    let changes = json!({ "core": "gru", "core_args": {}, "rollout": 24 });
    let mut play = against_itself("kuhn_poker-v1", 2, changes);
    play.steps(24 + 23);
    play.act().unwrap();
    for position in 0..2 {
        let step = play.agent.seats[position].step.clone();
        play.agent.rollout.put(position * 2, &step, &[0.0; 2]);
    }
    play.agent.rollout.advance();
    let agent = &play.agent;
    let estimates = agent.rollout.estimate(&[0.0; 4], &[false; 4], 0.99, 1.0);
    let batch = (agent.rollout).batch(&[0, 1, 2, 3], &estimates, &agent.device);
    let scan = agent
        .acting
        .scan(batch.observation, batch.starts, batch.memory)
        .unwrap();
    let (log_prob, _) =
        (agent.learner.actions).evaluate(scan.policy, None, batch.action, batch.forbidden);
    let choices = batch.choices.unwrap();
    let log_prob = log_prob.mask_fill(choices.forced, 0.0);
    close(&values(log_prob).unwrap(), &values(batch.log_prob).unwrap());
    close(&values(scan.value).unwrap(), &values(batch.value).unwrap());
    close(
        &values(scan.memory).unwrap(),
        &play.agent.memories().unwrap(),
    );

    // Half of the steps are choices, and advantages are normalised over them.
    let weight = values(choices.weight).unwrap();
    let chosen: Vec<usize> = (0..96).filter(|&i| weight[i] > 0.0).collect();
    assert_eq!(chosen.len(), 48);
    assert!(
        chosen
            .iter()
            .all(|&i| (weight[i] - 1.0 / 48.0).abs() < 1e-7)
    );
    let advantage = values(batch.advantage).unwrap();
    let mean = chosen.iter().map(|&i| advantage[i]).sum::<f32>() / 48.0;
    let square = chosen.iter().map(|&i| advantage[i].powi(2)).sum::<f32>() / 48.0;
    assert!(
        mean.abs() < 1e-5 && (square - 1.0).abs() < 1e-4,
        "{mean}, {square}"
    );
}

#[test]
fn only_rows_that_are_asked_remember_when_it_is_evaluated() {
    let changes = json!({ "core": "gru", "core_args": {} });
    let mut play = against_itself("kuhn_poker-v1", 3, changes);
    play.agent.set_mode(Mode::Evaluate);
    play.steps(3);
    let before = play.agent.memories().unwrap();
    let width = before.len() / 6;
    let (view, actions) = play.simulator.border_mut().act_view(1);
    let mut some = Selection::all(3);
    some.set([1]);
    play.agent.act(&view, &some, actions).unwrap();
    let after = play.agent.memories().unwrap();
    let changed = |seat: usize| before[seat * width..][..width] != after[seat * width..][..width];
    assert_eq!(
        [0, 1, 2, 3, 4, 5].map(changed),
        [false, false, false, false, true, false]
    );

    play.agent.set_mode(Mode::Train);
    let (view, actions) = play.simulator.border_mut().act_view(1);
    let refused = play.agent.act(&view, &some, actions).unwrap_err();
    assert!(refused.to_string().contains("all rows"), "{refused}");
}

#[test]
fn a_game_against_itself_can_be_resumed() {
    let args = json!({ "core": "gru", "core_args": {} });
    let mut straight = against_itself("tic_tac_toe-v1", 3, args.clone());
    straight.steps(60);
    let mut first = against_itself("tic_tac_toe-v1", 3, args.clone());
    first.steps(41);
    let agent = first.agent.save().unwrap();
    let rows: Vec<_> = (0..3)
        .map(|row| first.simulator.save_row(row).unwrap())
        .collect();
    let mut resumed = against_itself("tic_tac_toe-v1", 3, args);
    for (row, bytes) in rows.iter().enumerate() {
        resumed.simulator.load_row(row, bytes).unwrap();
    }
    resumed.agent.load(&agent).unwrap();
    resumed.steps(19);
    assert!(resumed.agent.save().unwrap() == straight.agent.save().unwrap());
}
