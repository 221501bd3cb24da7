//! A program on the other side of three pipes: lines in, lines out, and a log.
//!
//! Three threads serve the pipes, so that no pipe that runs full or dry can hold up the caller beyond its time-out.
//! At most one line waits in each direction. The program and whatever it has started form a process group, which
//! is killed when the [`Child`] is dropped; being a group of its own, a Ctrl-C at the terminal reaches Palaestra
//! alone, which can still ask the program for its state.

use std::{
    io::{self, BufRead, BufReader, Write},
    process::{ChildStdin, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, bounded};

use super::log::{Line, Log, read_line};

/// Longest line that the program may write to stdout, in bytes.
pub(super) const MAX_LINE: usize = 64 << 20;
/// Lines after `bye` that are looked at.
const MAX_PARTING_LINES: usize = 20;
/// How long a program that has closed a pipe is given to exit, so that its exit code can be told.
const GRACE: Duration = Duration::from_secs(2);

/// Why no reply came.
#[derive(Debug)]
pub(super) enum Failure {
    /// A line was there before anything was asked.
    Unasked(Vec<u8>),
    /// A line grew beyond [`MAX_LINE`].
    TooLong,
    /// The program is no more.
    Exited(ExitStatus),
    /// Its stdout ended, though it goes on running.
    ClosedStdout,
    /// Its stdin takes nothing.
    Unwritable(String),
    /// Its stdout cannot be read.
    Unreadable(String),
    /// The time is over.
    TimedOut,
}

enum Event {
    Line(Vec<u8>),
    TooLong,
    Closed,
    Unreadable(String),
    Unwritable(String),
}

/// A running program. Dropping it kills it and all it has started.
#[derive(Debug)]
pub(super) struct Child {
    process: std::process::Child,
    /// Lines for its stdin; `None` once that is to be closed.
    requests: Option<Sender<Vec<u8>>>,
    events: Receiver<Event>,
    log: Log,
    reaped: bool,
}

impl Child {
    /// Starts a program; its log is told to the present `tracing` subscriber under the name `label`.
    pub(super) fn spawn(command: &mut Command, label: &str) -> io::Result<Self> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        group::separate(command);
        let mut process = command.spawn()?;
        let pipes = (
            process.stdin.take(),
            process.stdout.take(),
            process.stderr.take(),
        );
        let (requests, to_write) = bounded(1);
        let (events_in, events) = bounded(1);
        let (log, log_writer) = Log::new();
        // From here on a failure drops the child, and with it the process.
        let child = Self {
            process,
            requests: Some(requests),
            events,
            log,
            reaped: false,
        };
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("its pipes are missing"));
        };
        let name = |role: &str| thread::Builder::new().name(format!("agent {role}"));
        let failed = events_in.clone();
        name("stdin").spawn(move || write_lines(stdin, &to_write, &failed))?;
        name("stdout").spawn(move || read_lines(BufReader::new(stdout), &events_in))?;
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let label = label.to_owned();
        name("stderr").spawn(move || {
            tracing::dispatcher::with_default(&dispatch, || {
                log_writer.follow(BufReader::new(stderr), &label);
            });
        })?;
        Ok(child)
    }

    /// Sends a line and waits for the next one.
    pub(super) fn exchange(
        &mut self,
        line: Vec<u8>,
        timeout: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let deadline = Instant::now() + timeout;
        if let Ok(event) = self.events.try_recv() {
            return Err(match event {
                Event::Line(line) => Failure::Unasked(line),
                other => self.failure(other),
            });
        }
        self.send(line, deadline)?;
        match self.events.recv_deadline(deadline) {
            Ok(Event::Line(line)) => Ok(line),
            // A program that no longer reads may have said why, or be about to exit.
            Ok(Event::Unwritable(error)) => match self.events.recv_timeout(GRACE) {
                Ok(Event::Line(line)) => Ok(line),
                Ok(other) => Err(self.failure(other)),
                Err(_) => Err(Failure::Unwritable(error)),
            },
            Ok(other) => Err(self.failure(other)),
            Err(RecvTimeoutError::Timeout) => Err(Failure::TimedOut),
            Err(RecvTimeoutError::Disconnected) => Err(self.failure(Event::Closed)),
        }
    }

    /// Sends a last line, closes stdin and waits for the program to exit. Gives the lines it still wrote.
    pub(super) fn part(&mut self, line: Vec<u8>, timeout: Duration) -> (Vec<Vec<u8>>, PartingEnd) {
        let deadline = Instant::now() + timeout;
        // A program that has already exited cannot be told; its exit code says whether that is well.
        let _ = self.send(line, deadline);
        self.requests = None;
        let mut lines = Vec::new();
        loop {
            match self.events.recv_deadline(deadline) {
                Ok(Event::Line(line)) if lines.len() < MAX_PARTING_LINES => lines.push(line),
                Ok(Event::Line(_) | Event::Unwritable(_)) => {}
                Ok(_) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => return (lines, PartingEnd::TimedOut),
            }
        }
        if self.exits_before(deadline) {
            (lines, PartingEnd::Exited(self.stop()))
        } else {
            (lines, PartingEnd::TimedOut)
        }
    }

    fn send(&mut self, line: Vec<u8>, deadline: Instant) -> Result<(), Failure> {
        let closed = || Failure::Unwritable("it is closed".into());
        let requests = self.requests.as_ref().ok_or_else(closed)?;
        requests
            .send_deadline(line, deadline)
            .map_err(|error| match error {
                SendTimeoutError::Timeout(_) => Failure::TimedOut,
                SendTimeoutError::Disconnected(_) => closed(),
            })
    }

    fn failure(&mut self, event: Event) -> Failure {
        match event {
            Event::Line(line) => Failure::Unasked(line),
            Event::TooLong => Failure::TooLong,
            Event::Unreadable(error) => Failure::Unreadable(error),
            Event::Unwritable(error) => {
                if self.exits_before(Instant::now() + GRACE) {
                    self.exit_failure()
                } else {
                    Failure::Unwritable(error)
                }
            }
            Event::Closed => {
                if self.exits_before(Instant::now() + GRACE) {
                    self.exit_failure()
                } else {
                    Failure::ClosedStdout
                }
            }
        }
    }

    fn exit_failure(&mut self) -> Failure {
        match self.stop() {
            Ok(status) => Failure::Exited(status),
            Err(error) => Failure::Unreadable(error.to_string()),
        }
    }

    fn exits_before(&mut self, deadline: Instant) -> bool {
        loop {
            if group::has_exited(&mut self.process) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Kills the program and all it has started, unless it has exited, and gives its exit status.
    pub(super) fn stop(&mut self) -> io::Result<ExitStatus> {
        if !self.reaped {
            // Before it is reaped its number cannot be another's.
            group::kill(&mut self.process);
            self.reaped = true;
        }
        self.process.wait()
    }

    /// Kills the program and gives the last lines of its log.
    pub(super) fn stop_and_tell(mut self) -> String {
        let _ = self.stop();
        self.log.tail()
    }

    /// The number of the process.
    #[cfg(test)]
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// How a conversation that was ended came to its end.
#[derive(Debug)]
pub(super) enum PartingEnd {
    /// The program exited.
    Exited(io::Result<ExitStatus>),
    /// It did not in the time given.
    TimedOut,
}

fn write_lines(mut stdin: ChildStdin, lines: &Receiver<Vec<u8>>, events: &Sender<Event>) {
    for line in lines {
        if let Err(error) = stdin.write_all(&line).and_then(|()| stdin.flush()) {
            let _ = events.send(Event::Unwritable(error.to_string()));
            return;
        }
    }
}

fn read_lines(mut stdout: impl BufRead, events: &Sender<Event>) {
    loop {
        let mut line = Vec::new();
        let event = match read_line(&mut stdout, &mut line, MAX_LINE) {
            Ok(Line::Whole) => Event::Line(line),
            Ok(Line::Cut) => Event::TooLong,
            Ok(Line::End) => Event::Closed,
            Err(error) => Event::Unreadable(error.to_string()),
        };
        let goes_on = matches!(event, Event::Line(_));
        // The receiver is gone once the agent is.
        if events.send(event).is_err() || !goes_on {
            return;
        }
    }
}

/// A program and all it has started, as one.
#[cfg(unix)]
mod group {
    use std::{
        os::unix::process::CommandExt,
        process::{Child, Command},
    };

    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

    pub(super) fn separate(command: &mut Command) {
        command.process_group(0);
    }

    /// Whether the program has exited; it is not reaped.
    pub(super) fn has_exited(process: &mut Child) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        // An error means that there is nothing to wait for.
        !matches!(
            waitid(WaitId::Pid(Pid::from_child(process)), options),
            Ok(None)
        )
    }

    pub(super) fn kill(process: &mut Child) {
        let _ = kill_process_group(Pid::from_child(process), Signal::KILL);
    }
}

/// The program alone: what it has started is told by the end of its pipes.
#[cfg(not(unix))]
mod group {
    use std::process::{Child, Command};

    pub(super) fn separate(command: &mut Command) {
        #[cfg(windows)]
        {
            /// `CREATE_NEW_PROCESS_GROUP`
            const NEW_GROUP: u32 = 0x200;
            std::os::windows::process::CommandExt::creation_flags(command, NEW_GROUP);
        }
        #[cfg(not(windows))]
        let _ = command;
    }

    pub(super) fn has_exited(process: &mut Child) -> bool {
        !matches!(process.try_wait(), Ok(None))
    }

    pub(super) fn kill(process: &mut Child) {
        let _ = process.kill();
    }
}
