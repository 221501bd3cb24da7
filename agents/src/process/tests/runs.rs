//! What goes well: whole runs, saving and loading, and nothing left behind.

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use palaestra_envs::registry::parse_args;
use serde_json::json;

use super::*;
use crate::Mode;

/// A learner that can be saved; it notes the messages it is sent in its metrics and its log.
const COUNTER: &str = "
hello = read()
send(type='ready', protocol=1, name=hello['options']['name'], save=True)
state = {'acts': 0, 'big': 2**127 + 1, 'ended': 0}
for line in sys.stdin:
    message = json.loads(line)
    print(line.strip(), file=sys.stderr, flush=True)
    kind = message['type']
    if kind == 'act':
        state['acts'] += 1
        send(type='actions', actions=[(state['acts'] + row) % 2 for row in message['rows']])
    elif kind == 'observe':
        state['ended'] += sum(message['terminated'])
        send(type='ok', metrics={'acts': state['acts'], 'ended': state['ended'], 'odd': 'NaN'})
    elif kind == 'save': send(type='state', state=state)
    elif kind == 'load':
        state = message['state']
        assert state['big'] == 2**127 + 1, state
        send(type='ok')
    elif kind == 'bye': sys.exit(0)
";

fn counter() -> ProcessArgs {
    ProcessArgs {
        options: json!({ "name": "counter" }),
        ..python(COUNTER)
    }
}

fn metrics(agent: &mut ProcessAgent) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    agent.metrics(&mut |name, value| found.push((name.to_owned(), value)));
    found
}

#[test]
fn two_runs_are_equal_and_end_well() {
    let traces = [(), ()].map(|()| {
        let mut task = Task::cartpole(3);
        let mut agent = task.agent(counter()).unwrap();
        assert_eq!((agent.name(), agent.saves()), (Some("counter"), true));
        let trace = task.play(&mut agent, 60).unwrap();
        let found = metrics(&mut agent);
        assert_eq!(found[0], ("acts".into(), 60.0));
        assert!(found[1].1 > 2.0, "episodes end: {found:?}");
        assert!(found[2].1.is_nan());
        assert!(metrics(&mut agent).is_empty(), "reported once");
        agent.finish().unwrap();
        let error = task.act(&mut agent).unwrap_err().to_string();
        assert!(error.contains("has been sent `bye`"), "{error}");
        trace
    });
    assert_eq!(traces[0], traces[1]);
}

#[test]
fn the_registry_builds_it_and_refuses_misspelt_arguments() {
    let task = Task::cartpole(1);
    let registry = crate::registry();
    let entry = registry.get("process").unwrap();
    let args = json!({ "command": python(COUNTER).command, "options": { "name": "x" } });
    entry.build(&task.context, &args).unwrap().finish().unwrap();
    let error = parse_args::<ProcessArgs>(&json!({ "comand": ["x"] })).unwrap_err();
    assert!(error.to_string().contains("comand"), "{error}");
}

#[test]
fn the_program_is_told_all_it_needs() {
    // It answers with what it was told, as the text of an error.
    let tell = |script: &str| match failure(ProcessArgs {
        options: json!([1, "two"]),
        env: [("FAVOURITE".to_owned(), "blue".to_owned())].into(),
        ..python(script)
    }) {
        AgentError::Process { problem, .. } => {
            let text = problem.split_once("with an error: ").unwrap().1.to_owned();
            serde_json::from_str::<Value>(&text).unwrap()
        }
        other => panic!("{other}"),
    };
    let space = |space| serde_json::to_value(space).unwrap();
    let task = Task::cartpole(2);
    let player = task.context.player();
    assert_eq!(
        tell("send(type='error', message=json.dumps([read(), os.environ['FAVOURITE']]))"),
        json!([
            {
                "type": "hello", "protocol": 1, "env": "cartpole-v1", "players": ["player"], "num_envs": 2,
                "observation_space": space(&player.observation), "action_space": space(&player.action),
                "action_mask": false, "max_episode_steps": 500, "seed": 11, "total_steps": 1000,
                "options": [1, "two"],
            },
            "blue"
        ])
    );
    let observation = |task: &Task, row| {
        let observation = task.simulator.border().player(0).observation();
        player.observation.row_to_json(observation, row)
    };
    let greeting = "read(); send(type='ready', protocol=1)\n";
    let act = format!("{greeting}send(type='error', message=json.dumps(read()))");
    assert_eq!(
        tell(&act),
        json!({
            "type": "act", "player": "player", "mode": "train", "rows": [0, 1],
            "observations": [observation(&task, 0), observation(&task, 1)], "elapsed": [0, 0],
        })
    );
    let observe = format!(
        "{greeting}read(); send(type='actions', actions=[0, 1])\nsend(type='error', message=json.dumps(read()))"
    );
    assert_eq!(
        tell(&observe),
        json!({
            "type": "observe", "player": "player", "mode": "train", "rows": [0, 1], "rewards": [1.0, 1.0],
            "terminated": [false, false], "truncated": [false, false], "final_observations": [null, null],
        })
    );
}

#[test]
fn the_end_of_an_episode_comes_with_its_last_observation() {
    let program = "
read(); send(type='ready', protocol=1)
for line in sys.stdin:
    message = json.loads(line)
    if message['type'] == 'act': send(type='actions', actions=[1, 1])
    elif True not in message['terminated']: send(type='ok')
    else: send(type='error', message=json.dumps(message))
";
    let mut task = Task::cartpole(2);
    let mut agent = task.agent(python(program)).unwrap();
    let error = task.play(&mut agent, 100).unwrap_err().to_string();
    let text = error.split_once("with an error: ").unwrap().1;
    let message: Value = serde_json::from_str(text).unwrap();
    let border = task.simulator.border();
    let ended = (0..2).find(|&row| border.terminated[row]).unwrap();
    let space = &task.context.player().observation;
    let last = space.row_to_json(&border.player(0).final_observation, ended);
    assert_eq!(message["final_observations"][ended], last);
    // Pushed right until it fell left: the pole leans beyond 12 degrees.
    assert!(last[2].as_f64().unwrap() < -0.2094, "{last}");
}

#[test]
fn players_that_are_not_to_act_are_not_asked() {
    let program = "
read(); send(type='ready', protocol=1, observe=False)
for line in sys.stdin:
    message = json.loads(line)
    if message['type'] == 'bye': break
    assert message['type'] == 'act', message
    print(message['player'], message['rows'], file=sys.stderr, flush=True)
    send(type='actions', actions=[mask.index(1) for mask in message['action_masks']])
time.sleep(0.05); sys.exit(4)
";
    let mut task = Task::named("tic_tac_toe-v1", 2);
    let mut agent = task.agent(python(program)).unwrap();
    task.play(&mut agent, 4).unwrap();
    let AgentError::Process { log, .. } = agent.finish().unwrap_err() else {
        panic!()
    };
    assert_eq!(log, "x [0, 1]\no [0, 1]\nx [0, 1]\no [0, 1]");
}

#[test]
fn a_loaded_agent_goes_on_as_the_saved_one() {
    let mut task = Task::cartpole(2);
    let mut agent = task.agent(counter()).unwrap();
    task.play(&mut agent, 13).unwrap();
    let saved = agent.save().unwrap();
    assert_eq!(agent.save().unwrap(), saved, "saving changes nothing");
    let rows: Vec<Vec<u8>> = (0..2)
        .map(|row| task.simulator.save_row(row).unwrap())
        .collect();
    let expected = task.play(&mut agent, 20).unwrap();
    let expected_metrics = format!("{:?}", metrics(&mut agent));

    let mut agent = task.agent(counter()).unwrap();
    agent.load(&saved).unwrap();
    assert_eq!(agent.save().unwrap(), saved, "unreported metrics included");
    for (row, bytes) in rows.iter().enumerate() {
        task.simulator.load_row(row, bytes).unwrap();
    }
    assert_eq!(task.play(&mut agent, 20).unwrap(), expected);
    assert_eq!(format!("{:?}", metrics(&mut agent)), expected_metrics);
}

#[test]
fn a_program_that_cannot_save_goes_on_after_an_evaluation_but_not_in_another_run() {
    let program = "
read(); send(type='ready', protocol=1)
for line in sys.stdin:
    message = json.loads(line)
    if message['type'] == 'act': send(type='actions', actions=[0])
    elif message['type'] == 'observe': send(type='ok')
";
    let mut task = Task::cartpole(1);
    let mut agent = task.agent(python(program)).unwrap();
    let saved = agent.save().unwrap();
    agent.set_mode(Mode::Evaluate);
    task.play(&mut agent, 3).unwrap();
    agent.set_mode(Mode::Train);
    agent.load(&saved).unwrap();
    task.play(&mut agent, 3).unwrap();

    let mut fresh = task.agent(python(program)).unwrap();
    assert_eq!(
        fresh.load(&saved).unwrap_err().to_string(),
        "saved state does not fit agent `process`: its program could not save (it did not announce `\"save\": \
         true`), so it cannot go on from here; start anew, or teach it `save` and `load`"
    );
    let saved = task.agent(counter()).unwrap().save().unwrap();
    let error = fresh.load(&saved).unwrap_err().to_string();
    assert!(
        error.contains("does not announce `\"save\": true`"),
        "{error}"
    );
    for garbage in [&[][..], &[1, 200], &[saved.clone(), vec![0]].concat()] {
        let error = task.agent(counter()).unwrap().load(garbage).unwrap_err();
        assert!(matches!(error, AgentError::State { .. }), "{error}");
    }
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn its_stderr_goes_to_the_log() {
    // With a single subscriber about, `tracing` lets the thread that first reaches a log statement decide whether
    // anybody wants it, and here that may be another test's. With two it asks both. (Programs have one for all
    // threads, set at the start.)
    let silent = tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR);
    let _second = tracing::Dispatch::new(silent.finish());
    let captured = Captured::default();
    let sink = captured.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || sink.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let mut task = Task::cartpole(1);
        let mut agent = task.agent(counter()).unwrap();
        task.play(&mut agent, 1).unwrap();
        agent.finish().unwrap();
    });
    let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    let line = text
        .lines()
        .find(|line| line.contains("{\"type\":\"bye\"}"));
    let line = line.unwrap_or_else(|| panic!("{text}"));
    assert!(
        line.contains("INFO") && line.contains("agent=\"python3 -c"),
        "{line}"
    );
}

/// Whether a process is there, be it as a zombie.
#[cfg(unix)]
fn exists(id: u32) -> bool {
    let pid = rustix::process::Pid::from_raw(id as i32).unwrap();
    rustix::process::test_kill_process(pid).is_ok()
}

#[cfg(unix)]
#[test]
fn nothing_outlives_the_agent() {
    let hang = "read(); send(type='ready', protocol=1); time.sleep(600)";
    // Dropped in the middle, with a hang.
    let agent = Task::cartpole(1).agent(python(hang)).unwrap();
    let id = agent.process_id().unwrap();
    assert!(exists(id));
    drop(agent);
    assert!(!exists(id), "killed and reaped");
    // Ended by a failure, while the agent lives on.
    let mut task = Task::cartpole(1);
    let args = ProcessArgs {
        step_timeout_s: 0.2,
        ..python(hang)
    };
    let mut agent = task.agent(args).unwrap();
    let id = agent.process_id().unwrap();
    task.act(&mut agent).unwrap_err();
    assert!(!exists(id));
    // Ended in peace.
    let mut agent = task.agent(counter()).unwrap();
    let id = agent.process_id().unwrap();
    agent.finish().unwrap();
    assert!(!exists(id));
}

#[cfg(unix)]
#[test]
fn what_the_program_has_started_does_not_outlive_the_agent_either() {
    // A shell that waits for the real program, as `uv run` and others do. The grandchild holds a lock that can be
    // had again only when it is gone.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let program = format!(
        "{PRELUDE}
import fcntl
lock = open(sys.argv[1], 'w'); fcntl.flock(lock, fcntl.LOCK_EX)
read(); send(type='ready', protocol=1); time.sleep(600)"
    );
    let args = command(&[
        "sh",
        "-c",
        "python3 -c \"$0\" \"$1\"; exit 0",
        &program,
        path.to_str().unwrap(),
    ]);
    let agent = Task::cartpole(1).agent(args).unwrap();
    let lock = std::fs::File::open(&path).unwrap();
    assert!(lock.try_lock().is_err(), "the grandchild runs");
    drop(agent);
    let deadline = Instant::now() + Duration::from_secs(20);
    while lock.try_lock().is_err() {
        assert!(Instant::now() < deadline, "the grandchild still runs");
        std::thread::sleep(Duration::from_millis(5));
    }
}
