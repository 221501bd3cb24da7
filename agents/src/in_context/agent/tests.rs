//! The agent as a whole: acting agrees with learning, a resumed run is the run that was not stopped, what cannot go on
//! says why, and something is learned.

use palaestra_envs::{registry, sim::Simulator, wrappers::WrapperConfig};
use serde_json::{Value, json};

use super::*;
use crate::{
    conformance,
    in_context::{parameters, rollout::Batch},
};

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

/// Acceptance 11 of the method: what the whole sequence gives is what single steps gave, across episodes.
///
/// Plays the second rollout of 24 steps, so that there is something to remember at its start. Gives the batch of all
/// seats.
fn scanning_repeats_acting(play: &mut Play) -> Batch {
    play.steps(24 + 23);
    play.act().unwrap();
    let rows = play.simulator.rows();
    let seats = play.agent.context.seats();
    for position in 0..play.agent.seats.len() {
        let step = play.agent.seats[position].step.clone();
        (play.agent.rollout).put(position * rows, &step, &vec![0.0; rows]);
    }
    play.agent.rollout.advance();
    let agent = &play.agent;
    assert!(agent.rollout.is_full() && agent.rollout.memory.iter().any(|&x| x != 0.0));
    let (nothing, going_on) = (vec![0.0; seats], vec![false; seats]);
    let estimates = agent.rollout.estimate(&nothing, &going_on, 0.99, 1.0);
    let all: Vec<usize> = (0..seats).collect();
    let batch = agent.rollout.batch(&all, &estimates, &agent.device);
    let seen = batch.clone();
    let scan = (agent.acting)
        .scan(seen.observation, seen.starts, seen.memory)
        .unwrap();
    let log_std = agent.acting.log_std.as_ref().map(burn::module::Param::val);
    let mut log_prob = Vec::new();
    agent.learner.actions.differentiate(
        values(scan.policy).unwrap(),
        &log_std.map_or(Vec::new(), |x| values(x).unwrap()),
        &batch.action,
        &batch.mask,
        |step, log_p, _| {
            let acts = batch.acting.get(step) != Some(&false);
            log_prob.push(if acts { log_p } else { 0.0 });
            [0.0; 2]
        },
    );
    close(&log_prob, &batch.log_prob);
    close(&values(scan.value).unwrap(), &batch.value);
    close(&values(scan.memory).unwrap(), &agent.memories().unwrap());
    batch
}

#[test]
fn scanning_a_rollout_repeats_what_was_acted_step_by_step() {
    for core in ["s5", "gru", "lstm"] {
        let core_args = if core == "s5" {
            json!({ "state": 8 })
        } else {
            json!({})
        };
        let args = small(json!({ "core": core, "core_args": core_args, "rollout": 24 }));
        let batch = scanning_repeats_acting(&mut Play::memory_chain(4, &args));
        let starts = batch.starts.int().sum().into_scalar::<i32>();
        assert!(
            (4 * 24 / 5 - 4..4 * 24 / 5 + 4).contains(&starts),
            "{starts} resets within"
        );
    }
}

/// Real actions, several integers, and masks.
fn of_other_actions(rollout: usize) -> [(&'static str, Play); 3] {
    let args = small(json!({ "rollout": rollout, "epochs": 1, "minibatches": 1 }));
    let limit = json!([{ "kind": "time_limit", "max_episode_steps": 7 }]);
    ["pendulum-v1", "battleship-v0", "tic_tac_toe-v1"].map(|env| {
        let wrappers = match env {
            "tic_tac_toe-v1" => json!([]),
            _ => limit.clone(),
        };
        (env, Play::new(env, &Value::Null, wrappers, 4, &args, 5))
    })
}

#[test]
fn scanning_repeats_acting_with_any_kind_of_action() {
    for (env, mut play) in of_other_actions(24) {
        let batch = scanning_repeats_acting(&mut play);
        let starts = batch.starts.int().sum().into_scalar::<i32>();
        assert!(starts > 4, "{env}: {starts} resets within");
        let width = batch.action.len() / batch.value.len();
        assert_eq!(width, if env == "battleship-v0" { 2 } else { 1 });
        assert_eq!(play.agent.acting.log_std.is_some(), env == "pendulum-v1");
        let forbidden = batch
            .mask
            .iter()
            .map(|&m| usize::from(m == 0))
            .sum::<usize>();
        assert_eq!(forbidden > 0, env == "tic_tac_toe-v1", "{env}: {forbidden}");
    }
}

/// Acceptance 12 of the method: the ratio is 1 in the first minibatch, so nothing is clipped and the distance is nil.
fn first_minibatch(env: &str, play: &mut Play) -> std::collections::BTreeMap<String, f64> {
    play.steps(16);
    let mut told = std::collections::BTreeMap::new();
    play.agent.metrics(&mut |name, value| {
        told.insert(name.to_owned(), value);
    });
    assert!(told["losses/approx_kl"].abs() < 1e-6, "{env}: {told:?}");
    assert_eq!(told["losses/clip_fraction"], 0.0, "{env}");
    assert!(
        told["losses/policy_loss"].abs() < 1e-5,
        "{env}: advantages have mean 0: {told:?}"
    );
    told
}

#[test]
fn the_first_minibatch_is_on_policy() {
    let args = small(json!({ "epochs": 1, "minibatches": 1 }));
    let mut play = Play::memory_chain(4, &args);
    let told = first_minibatch("memory_chain-v0", &mut play);
    assert!((told["losses/entropy"] - 2.0_f64.ln()).abs() < 1e-2);
    assert_eq!(told["charts/learning_rate"], 1e-3);
    play.agent
        .metrics(&mut |name, _| panic!("{name} is told twice"));
    for (env, mut play) in of_other_actions(16) {
        first_minibatch(env, &mut play);
    }
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
    assert!(
        state.contains("`core_args.state`: of the core `s5`"),
        "{state}"
    );
    let state = error(json!({ "core_args": { "state": "x" } }));
    assert!(state.contains("`core_args.state`"), "{state}");
    let unknown = error(json!({ "core": "gru" }));
    assert!(
        unknown.contains("`core_args.state`: of the core `gru`: unknown"),
        "{unknown}"
    );
    let wild = error(json!({
        "core": "lssl", "core_args": { "state": 16, "alpha": 0.0, "min_step": 0.5, "max_step": 0.5 }
    }));
    assert!(
        wild.starts_with("`core_args`") && wild.contains("modulus"),
        "{wild}"
    );
    let rate = error(json!({ "lr": null }));
    assert!(
        rate.contains("`lr`: is NaN; give a positive number"),
        "{rate}"
    );
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
    let reason = "it is of the core `gru`, but this agent has `s5`";
    assert!(
        matches!(&refused, AgentError::State { reason: told, .. } if told == reason),
        "{refused}"
    );
    let s5 = |changes| Play::memory_chain(4, &small(changes)).agent;
    let saved_s5 = s5(json!({ "parity": true })).save().unwrap();
    let refused = s5(json!({ "layers": 1 })).load(&saved_s5).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "saved state does not fit agent `ppo`: its core `s5` has other arguments: `layers` is 2 there and 1 here, \
         `core_args.clip_eigenvalues` is false there and true here"
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
    let before = parameters::save(&play.agent.learner.model).unwrap();
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
    assert!(parameters::save(&play.agent.learner.model).unwrap() == before);
    assert!(
        matches!(play.step(), Err(AgentError::Gradient { .. })),
        "it does not go on"
    );
}

/// The first minibatch is learned from, and spoils what the second is to learn from.
#[test]
fn an_update_that_fails_is_undone_and_its_rollout_dropped() {
    let mut play = Play::memory_chain(4, &small(json!({ "lr": 1e30 })));
    let before = play.agent.save().unwrap();
    let parameters = parameters::save(&play.agent.learner.model).unwrap();
    play.steps(15);
    let Err(AgentError::Gradient {
        update: 0,
        epoch,
        minibatch,
        ..
    }) = play.step()
    else {
        panic!("{:?}", play.agent.stopped)
    };
    assert!(epoch + minibatch > 0, "something was learned before");
    let learner = &play.agent.learner;
    assert!(parameters::save(&learner.model).unwrap() == parameters);
    let fresh = Play::memory_chain(4, &small(json!({ "lr": 1e30 })));
    assert_eq!(
        learner.optimiser.save().unwrap(),
        fresh.agent.learner.optimiser.save().unwrap()
    );
    assert_eq!(learner.report, fresh.agent.learner.report);
    assert!(learner.shuffle == fresh.agent.learner.shuffle && learner.updates == 0);
    assert!(play.agent.rollout.is_empty());

    // There is room for what comes next, until it fails again.
    let stopped = play.agent.save().unwrap();
    assert!(stopped != before);
    play.agent.load(&stopped).unwrap();
    play.steps(15);
    assert!(matches!(play.step(), Err(AgentError::Gradient { .. })));
}

#[test]
fn a_run_without_room_for_a_rollout_is_refused_where_something_is_to_be_learned() {
    let simulator = Simulator::builder(registry().build("cartpole-v1", &Value::Null).unwrap())
        .rows(4)
        .build()
        .unwrap();
    let build = |rollout: usize, total_steps: u64| {
        let mut context = context(&simulator, 4, 0);
        context.total_steps = total_steps;
        Ppo::new(&context, &small(json!({ "rollout": rollout })))
    };
    assert!(build(25, 100).is_ok());
    let error = build(26, 100).unwrap_err().to_string();
    for part in ["`rollout`: is 26", "needs 104 ", "has 100 ", "at most 25"] {
        assert!(error.contains(part), "{error}");
    }
    let error = build(usize::MAX / 2, 100).unwrap_err().to_string();
    assert!(error.contains("more than can be counted"), "{error}");
    assert!(build(usize::MAX / 2, 0).is_ok(), "it only plays");
}

/// Where time runs out, γ·V of what was seen last, with what was remembered then, stands for the rest, except in the
/// released code. Poles that have fallen leave nothing to stand for.
#[test]
fn an_episode_that_was_cut_is_worth_what_its_last_observation_is() {
    for parity in [true, false] {
        let limit = json!([{ "kind": "time_limit", "max_episode_steps": 12 }]);
        let args = small(json!({ "parity": parity, "rollout": 100, "gamma": 0.9 }));
        let mut play = Play::new("cartpole-v1", &Value::Null, limit, 4, &args, 3);
        let (mut expected, mut some, mut fallen) = (vec![Vec::new(); 4], 0, 0);
        for _ in 0..60 {
            play.step().unwrap();
            let border = play.simulator.border();
            let agent = &play.agent;
            let mut last = vec![0.0; 4 * agent.observations.width];
            for (row, out) in last.chunks_mut(agent.observations.width).enumerate() {
                (agent.observations).write(&border.player(0).final_observation, row, out);
            }
            // As nothing is learned yet, the network and what it remembers are those of before.
            let memory = agent.seats[0].memory.clone();
            let value = agent.predict(&last, &[false; 4], memory).unwrap().value;
            let value = values(value).unwrap();
            for row in 0..4 {
                let cut = border.truncated[row] && !parity;
                let rest = if cut { 0.9 * value[row] } else { 0.0 };
                expected[row].push(border.player(0).reward[row] + rest);
            }
            let cut = border.truncated.iter().filter(|&&cut| cut).count();
            some += usize::from(cut > 0 && cut < 4);
            fallen += border.terminated.iter().filter(|&&fallen| fallen).count();
        }
        assert!(some > 2 && fallen > 2, "{some}, {fallen}");
        for (stored, expected) in told::<f32>(&play, "reward").iter().zip(&expected) {
            for (stored, expected) in stored.iter().zip(expected) {
                assert!((stored - expected).abs() < 1e-5, "{stored} for {expected}");
            }
            assert!(parity || expected.iter().any(|reward| (reward - 1.0).abs() > 1e-3));
        }
    }
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

/// With both players' memories, and nothing said of steps without a choice.
#[test]
fn scanning_repeats_what_both_players_of_a_game_did() {
    let changes = json!({ "core": "gru", "core_args": {}, "rollout": 24 });
    let mut play = against_itself("kuhn_poker-v1", 2, changes);
    let batch = scanning_repeats_acting(&mut play);

    // Half of the steps are choices, and advantages are normalised over them.
    let chosen: Vec<usize> = (0..96).filter(|&i| batch.acting[i]).collect();
    assert_eq!(chosen.len(), 48);
    let advantage = batch.advantage;
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

#[test]
fn without_layers_it_learns_without_a_memory() {
    let mut play = Play::memory_chain(4, &small(json!({ "layers": 0 })));
    let before = parameters::save(&play.agent.learner.model).unwrap();
    play.steps(17);
    assert!(parameters::save(&play.agent.learner.model).unwrap() != before);
    assert_eq!(play.agent.memories().unwrap().len(), 0);
}

/// All rows see the same at first.
#[test]
fn evaluated_it_does_what_is_most_probable_or_draws() {
    let chosen = |evaluated: &str| {
        let args = small(json!({ "evaluated": evaluated }));
        let mut play = Play::new("multiarmed_bandit-v0", &json!({}), json!([]), 64, &args, 1);
        play.agent.set_mode(Mode::Evaluate);
        play.steps(1);
        let mut arms = play.agent.seats[0].step.action.clone();
        arms.sort_by(f32::total_cmp);
        arms.dedup();
        arms.len()
    };
    assert_eq!(chosen("most_probable"), 1);
    assert!(chosen("drawn") > 5);
}
