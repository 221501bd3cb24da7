//! Every way in which a program can fail, each provoked.

use std::time::{Duration, Instant};

use super::*;

/// The problem and the log of a process error.
fn process_error(args: ProcessArgs) -> (String, String) {
    match failure(args) {
        AgentError::Process { problem, log, .. } => (problem, log),
        other => panic!("{other}"),
    }
}

/// Asserts how a program in Python fails.
fn fails(program: &str, expected: &str) {
    let (problem, log) = process_error(python(program));
    assert_eq!(problem, expected, "log: {log}");
}

/// A program that greets well and then does something else.
fn after_greeting(program: &str) -> String {
    format!("read(); send(type='ready', protocol=1)\n{program}")
}

#[test]
fn arguments_that_cannot_work_are_refused_before_anything_starts() {
    let message = refusal(ProcessArgs::default());
    assert_eq!(
        message,
        "`command`: a program is needed, e.g. command = [\"python3\", \"my_agent.py\"]"
    );
    for (seconds, words) in [(0.0, "0"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let message = refusal(ProcessArgs {
            step_timeout_s: seconds,
            ..command(&["true"])
        });
        let expected = format!(
            "`step_timeout_s`: {words} is not a number of seconds above 0 and up to 1000000000"
        );
        assert_eq!(message, expected);
    }
}

#[test]
fn a_program_that_is_not_there() {
    let (problem, _) = process_error(command(&["no-such-program", "x"]));
    assert_eq!(
        problem,
        "could not be started: there is no program `no-such-program`; check the first word of `command`, write its \
         full path, or install it"
    );
}

#[cfg(unix)]
#[test]
fn a_program_that_may_not_be_executed() {
    let (problem, _) = process_error(command(&[concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/process/mod.rs"
    )]));
    assert!(problem.contains("may not be executed"), "{problem}");
}

#[test]
fn a_program_that_exits() {
    let (problem, log) = process_error(python(&after_greeting(
        "read()\nfor i in range(30): print('line', i, file=sys.stderr)\nsys.exit(3)",
    )));
    assert_eq!(problem, "exited with code 3 when it was to answer `act`");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 20, "the last lines of stderr: {log}");
    assert_eq!((lines[0], lines[19]), ("line 10", "line 29"));
}

#[test]
fn a_program_that_fails_with_a_traceback() {
    let error = failure(python(&after_greeting("{}['lost']")));
    let text = error.to_string();
    assert!(
        text.starts_with("agent process `python3 -c  import json"),
        "{text}"
    );
    assert!(
        text.contains("exited with code 1 when it was to answer `act`"),
        "{text}"
    );
    assert!(text.ends_with("KeyError: 'lost'"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_program_that_is_killed() {
    let (problem, _) = process_error(python(&after_greeting("read(); os.kill(os.getpid(), 9)")));
    assert_eq!(
        problem,
        "was ended by signal: 9 (SIGKILL) when it was to answer `act`"
    );
}

#[test]
fn a_program_that_prints() {
    fails(
        "read(); print('loading \"weights\"', flush=True); time.sleep(60)",
        "wrote \"loading \\\"weights\\\"\" on stdout in answer to `hello`, which is no message (expected value at \
         line 1 column 1); stdout carries the protocol alone: print to stderr (in Python: `print(…, \
         file=sys.stderr)`)",
    );
    let (problem, _) = process_error(python("print(1)"));
    assert!(
        problem.contains("invalid type: integer `1`, expected an object"),
        "{problem}"
    );
    let (problem, _) = process_error(python("read(); print('x' * 5000)"));
    assert!(
        problem.contains(&format!("wrote \"{}…\" on stdout", "x".repeat(120))),
        "{problem}"
    );
    fails(
        &after_greeting("read(); print('{\"type\": \"actions\", \"actions\": [NaN, 0]}')"),
        "wrote \"{\\\"type\\\": \\\"actions\\\", \\\"actions\\\": [NaN, 0]}\" on stdout in answer to `act`, which is \
         no message (expected value at line 1 column 33); JSON has no such numbers: write the strings \"NaN\", \
         \"inf\", \"-inf\"",
    );
}

#[test]
fn a_program_that_speaks_out_of_turn() {
    fails(
        "send(type='hey'); time.sleep(60)",
        "answered `hello` with a message of type `hey`; `ready` was due",
    );
    // Two lines too many, seen before the next message is sent or taken for its reply: wrong either way.
    let (problem, _) = process_error(python(&after_greeting(
        "read(); print('{\"type\": \"actions\", \"actions\": [0, 0]}\\n{\"type\": \"ok\"}\\n{\"type\": \"ok\"}', \
         flush=True)\nread(); time.sleep(60)",
    )));
    let seen = "wrote \"{\\\"type\\\": \\\"ok\\\"}\" on stdout before it was asked anything (`observe` was next); \
                send one reply to each message, and print to stderr";
    let taken = "answered `act` with a message of type `ok`; `actions` was due";
    assert!(
        problem == seen || problem == seen.replace("observe", "act") || problem == taken,
        "{problem}"
    );
    fails(
        &after_greeting("read(); send(type='ok')"),
        "answered `act` with a message of type `ok`; `actions` was due",
    );
    fails(
        &after_greeting("read(); send(type='actions', action=[0, 0])"),
        "answered `act` with a wrong `actions`: unknown field `action`, expected `type` or `actions` at line 1 \
         column 28",
    );
    fails(
        &after_greeting(
            "read(); send(type='actions', actions=[0, 0])\nread(); send(type='ok', metrics={'loss': 'high'})",
        ),
        "reports \"high\" as its metric `loss`; a metric is a number, or \"NaN\", \"inf\", \"-inf\"",
    );
}

#[test]
fn a_program_of_another_protocol_version() {
    fails(
        "read(); send(type='ready', protocol=2, shape='new')",
        "speaks version 2 of the agent protocol, but only version 1 is spoken here; use a release of the program or \
         of Palaestra that fits the other",
    );
    fails(
        "read(); send(type='ready')",
        "answered `hello` with a wrong `ready`: missing field `protocol` at line 1 column 17",
    );
}

#[test]
fn a_program_that_reports_an_error() {
    fails(
        "read(); send(type='error', message='I play bandits only'); sys.exit(1)",
        "answered `hello` with an error: I play bandits only",
    );
    // Said at once and then gone: the reason is told, not the broken pipe.
    fails(
        &after_greeting("send(type='error', message='no memory left'); sys.exit(1)"),
        "answered `act` with an error: no memory left",
    );
}

#[test]
fn a_program_that_chooses_wrong_actions() {
    fails(
        &after_greeting("read(); send(type='actions', actions=[0, 1, 1])"),
        "answered `act` with 3 actions for 2 rows; send one for each of `rows`, in their order",
    );
    fails(
        &after_greeting("read(); send(type='actions', actions=[0, 2])"),
        "answered `act` with an action for row 1 that is not allowed: element 0 is 2, not one of 0..=1, in 2",
    );
    fails(
        &after_greeting("read(); send(type='actions', actions=['left', 0])"),
        "answered `act` with an action for row 0 that is not allowed: expected an integer, found \"left\"",
    );
}

#[test]
fn a_program_that_chooses_a_masked_action() {
    let program = "
read(); send(type='ready', protocol=1)
for line in sys.stdin:
    message = json.loads(line)
    if message['type'] == 'act': send(type='actions', actions=[4] * len(message['rows']))
    else: send(type='ok')
";
    let mut task = Task::named("tic_tac_toe-v1", 2);
    let mut agent = task.agent(python(program)).unwrap();
    let error = task.play(&mut agent, 3).unwrap_err().to_string();
    assert!(
        error.contains(
            "answered `act` with an action for row 0 that is not allowed: 4 is masked out, allowed are 0, 1, 2, 3, 5"
        ),
        "{error}"
    );
}

#[test]
fn a_program_that_hangs() {
    let start = Instant::now();
    let (problem, log) = process_error(ProcessArgs {
        handshake_timeout_s: 0.3,
        ..python("print('thinking', file=sys.stderr, flush=True); time.sleep(600)")
    });
    assert_eq!(
        problem,
        "did not answer `hello` within 0.3 s and was killed; if it needs longer raise `handshake_timeout_s`, if it \
         answered flush stdout after every line"
    );
    // Python may need longer than that to start on a loaded machine.
    assert!(log.is_empty() || log == "thinking", "{log}");
    let (problem, _) = process_error(ProcessArgs {
        step_timeout_s: 0.3,
        ..python(&after_greeting("read(); time.sleep(600)"))
    });
    assert!(
        problem.starts_with("did not answer `act` within 0.3 s and was killed"),
        "{problem}"
    );
    assert!(start.elapsed() < Duration::from_mins(1));
}

#[test]
fn a_program_that_neither_reads_nor_answers() {
    // Far more than a pipe holds, so that writing blocks.
    let mut task = Task::cartpole(20_000);
    let args = ProcessArgs {
        step_timeout_s: 0.3,
        ..python(&after_greeting("time.sleep(600)"))
    };
    let mut agent = task.agent(args).unwrap();
    let error = task.act(&mut agent).unwrap_err().to_string();
    assert!(
        error.contains("did not answer `act` within 0.3 s"),
        "{error}"
    );
}

#[test]
fn a_program_that_writes_without_end() {
    fails(
        &after_greeting("read()\nwhile True: sys.stdout.write('x' * 65536)"),
        "wrote a line of more than 64 MiB on stdout in answer to `act`; end each reply with a line feed and keep it \
         within that limit",
    );
}

#[test]
fn a_program_that_fills_its_log_without_end() {
    let (problem, log) = process_error(python(&after_greeting(
        "sys.stderr.write('y' * 50_000_000); read(); send(type='oh')",
    )));
    assert_eq!(
        problem,
        "answered `act` with a message of type `oh`; `actions` was due"
    );
    assert_eq!(log, format!("{}…", "y".repeat(2001)));
}

#[test]
fn a_program_that_closes_its_stdout() {
    fails(
        &after_greeting("os.close(1); time.sleep(60)"),
        "closed its stdout when it was to answer `act`, though it went on running; keep stdout open until `bye`",
    );
}

#[test]
fn a_program_that_closes_its_stdin() {
    // The time-out is not waited for: the broken pipe is noticed.
    let start = Instant::now();
    let (problem, _) = process_error(python(
        "read(); os.close(0); send(type='ready', protocol=1); time.sleep(600)",
    ));
    assert!(
        problem.starts_with("does not read its stdin, where `act` was sent ("),
        "{problem}"
    );
    assert!(start.elapsed() < Duration::from_secs(50));
}

#[test]
fn a_program_that_does_not_end_well() {
    let finish = |program: &str, step_timeout_s: f64| {
        let args = ProcessArgs {
            step_timeout_s,
            ..python(&after_greeting(program))
        };
        let mut agent = Task::cartpole(1).agent(args).unwrap();
        let outcome = agent.finish();
        agent.finish().unwrap();
        match outcome {
            Err(AgentError::Process { problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        finish("read(); sys.exit(7)", 60.0),
        "exited with code 7 after `bye`"
    );
    assert_eq!(
        finish("read(); send(type='error', message='disk full')", 60.0),
        "answered `bye` with an error: disk full"
    );
    assert_eq!(
        finish("time.sleep(600)", 0.3),
        "did not exit within 0.3 s of `bye` and was killed; end the program on `bye` or at the end of stdin, or \
         raise `step_timeout_s`"
    );
}
