//! A conversation with a program: requests and their replies, until one side ends it.

use std::{
    io::{self, ErrorKind},
    process::{Command, ExitStatus},
    time::Duration,
};

use super::{
    ProcessArgs,
    child::{Child, Failure, MAX_LINE, PartingEnd},
    message::{Reply, Request, read_error, read_reply, shorten},
};
use crate::AgentError;

/// A conversation. Whatever goes wrong ends it and kills the program.
#[derive(Debug)]
pub(super) struct Session {
    /// The command, shortened for messages.
    label: String,
    /// The program; `None` once it has failed or ended.
    child: Option<Child>,
    /// Why there is no program any more; later requests get the same error.
    ended: Option<AgentError>,
}

impl Session {
    /// Starts the program.
    ///
    /// # Errors
    /// [`AgentError::Process`] if it cannot be started.
    pub(super) fn start(args: &ProcessArgs) -> Result<Self, AgentError> {
        let label = shorten(&args.command.join(" ").replace(['\n', '\r'], " "), 80);
        let program = &args.command[0];
        let mut command = Command::new(program);
        command.args(&args.command[1..]).envs(&args.env);
        match Child::spawn(&mut command, &label) {
            Ok(child) => Ok(Self {
                label,
                child: Some(child),
                ended: None,
            }),
            Err(error) => Err(AgentError::Process {
                command: label,
                problem: format!("could not be started: {}", start_problem(program, &error)),
                log: String::new(),
            }),
        }
    }

    /// The command, shortened for messages.
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Sends a request and reads its reply.
    ///
    /// # Errors
    /// [`AgentError::Process`] for whatever the program does instead.
    pub(super) fn ask<R: Reply>(
        &mut self,
        request: &Request<'_>,
        timeout: Timeout,
    ) -> Result<R, AgentError> {
        let asked = request.name();
        let outcome = match &mut self.child {
            None => Err("is not running".into()),
            Some(child) => line_of(request).and_then(|line| {
                let reply = child
                    .exchange(line, timeout.duration)
                    .map_err(|failure| failure_words(failure, asked, timeout))?;
                read_reply(&reply, asked)
            }),
        };
        outcome.map_err(|problem| self.fail(problem))
    }

    /// Ends the conversation because of what the program did; `problem` has it as its subject.
    pub(super) fn fail(&mut self, problem: String) -> AgentError {
        let child = self.child.take();
        let log = child.map(Child::stop_and_tell).unwrap_or_default();
        let command = self.label.clone();
        self.ended
            .get_or_insert(AgentError::Process {
                command,
                problem,
                log,
            })
            .clone()
    }

    /// Says `bye` and waits for the program to exit; nothing happens if it has ended.
    ///
    /// # Errors
    /// [`AgentError::Process`] if it does not exit, or exits with an error.
    pub(super) fn finish(&mut self, timeout: Timeout) -> Result<(), AgentError> {
        let Some(child) = &mut self.child else {
            return Ok(());
        };
        let problem = match line_of(&Request::Bye) {
            Err(problem) => Some(problem),
            Ok(line) => {
                let (lines, end) = child.part(line, timeout.duration);
                lines
                    .iter()
                    .find_map(|line| read_error(line, "bye"))
                    .or_else(|| end_problem(end, timeout))
            }
        };
        if let Some(problem) = problem {
            return Err(self.fail(problem));
        }
        // What later requests are told.
        self.fail("has been sent `bye` and has ended".into());
        Ok(())
    }

    /// The number of the process.
    #[cfg(test)]
    pub(super) fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }
}

/// How long to wait, and the argument that says so.
#[derive(Clone, Copy)]
pub(super) struct Timeout {
    /// Name of the argument.
    pub(super) argument: &'static str,
    /// Its value.
    pub(super) seconds: f64,
    duration: Duration,
}

impl Timeout {
    fn new(argument: &'static str, seconds: f64) -> Self {
        Self {
            argument,
            seconds,
            duration: Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX),
        }
    }

    /// For the reply to `hello`.
    pub(super) fn handshake(args: &ProcessArgs) -> Self {
        Self::new("handshake_timeout_s", args.handshake_timeout_s)
    }

    /// For all later replies, and for the end.
    pub(super) fn step(args: &ProcessArgs) -> Self {
        Self::new("step_timeout_s", args.step_timeout_s)
    }
}

fn line_of(request: &Request<'_>) -> Result<Vec<u8>, String> {
    request
        .to_line()
        .map_err(|e| format!("cannot be sent `{}`: {e}", request.name()))
}

/// What is wrong with the end of a program, if anything.
fn end_problem(end: PartingEnd, timeout: Timeout) -> Option<String> {
    match end {
        PartingEnd::Exited(Ok(status)) if status.success() => None,
        PartingEnd::Exited(Ok(status)) => Some(format!("{} after `bye`", exit_words(status))),
        PartingEnd::Exited(Err(error)) => Some(format!("cannot be waited for: {error}")),
        PartingEnd::TimedOut => Some(format!(
            "did not exit within {} s of `bye` and was killed; end the program on `bye` or at the end of stdin, or \
             raise `{}`",
            timeout.seconds, timeout.argument
        )),
    }
}

/// Why a program could not be started and what to do.
fn start_problem(program: &str, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => format!(
            "there is no program `{program}`; check the first word of `command`, write its full path, or install it"
        ),
        ErrorKind::PermissionDenied => format!(
            "`{program}` may not be executed; make it executable, or name its interpreter first, as in \
             command = [\"python3\", \"{program}\"]"
        ),
        _ => error.to_string(),
    }
}

fn exit_words(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exited with code {code}"),
        None => format!("was ended by {status}"),
    }
}

/// A failure as the rest of a sentence whose subject is the program.
fn failure_words(failure: Failure, asked: &str, timeout: Timeout) -> String {
    match failure {
        Failure::Unasked(line) => read_error(&line, asked).unwrap_or_else(|| {
            format!(
                "wrote {:?} on stdout before it was asked anything (`{asked}` was next); send one reply to each \
                 message, and print to stderr",
                shorten(&String::from_utf8_lossy(&line), 120)
            )
        }),
        Failure::TooLong => format!(
            "wrote a line of more than {} MiB on stdout in answer to `{asked}`; end each reply with a line feed and \
             keep it within that limit",
            MAX_LINE >> 20
        ),
        Failure::Exited(status) => {
            format!("{} when it was to answer `{asked}`", exit_words(status))
        }
        Failure::ClosedStdout => format!(
            "closed its stdout when it was to answer `{asked}`, though it went on running; keep stdout open until `bye`"
        ),
        Failure::Unwritable(error) => format!(
            "does not read its stdin, where `{asked}` was sent ({error}); read it line by line until `bye`"
        ),
        Failure::Unreadable(error) => {
            format!("cannot be read from when it was to answer `{asked}`: {error}")
        }
        Failure::TimedOut => format!(
            "did not answer `{asked}` within {} s and was killed; if it needs longer raise `{}`, if it answered \
             flush stdout after every line",
            timeout.seconds, timeout.argument
        ),
    }
}
