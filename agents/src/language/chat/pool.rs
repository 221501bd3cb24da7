//! Threads that ask, so that whoever plays need not wait.
//!
//! Questions are taken in the order in which they came. A seat has one question at a time, so no game is passed twice by
//! another one. How many are asked at a time is the [`Limiter`](super::Limiter)'s to say: there are more threads than that, so that a
//! question which waits to be asked again holds up no other.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::{
    Place,
    asker::{Asked, Asker, Job},
};
use crate::Bell;

/// Most threads.
const THREADS: usize = 64;

/// What comes of a question unless something else does.
const PANICKED: &str = "the thread that asked has panicked";

/// A question on its way.
pub(super) struct Question {
    pub(super) id: u64,
    pub(super) job: Job,
    /// Its key in the transcript.
    pub(super) hash: String,
    /// Rung when there is an answer.
    pub(super) bell: Bell,
}

/// What came of a question; `None` if it was given up because nobody waits any more.
pub(super) type Outcome = (u64, Option<Asked>);

#[derive(Default)]
struct Line {
    questions: VecDeque<Question>,
    /// Threads that wait for one.
    idle: usize,
}

#[derive(Default)]
struct Shared {
    line: Mutex<Line>,
    more: Condvar,
    stop: AtomicBool,
}

impl Shared {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next question, when there is one, with its place in the line of requests; `None` at the end.
    fn next<'a>(&self, asker: &'a Asker) -> Option<(Question, Place<'a>)> {
        let mut line = self.line();
        line.idle += 1;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            if let Some(question) = line.questions.pop_front() {
                line.idle -= 1;
                // While no other thread can take a question, so that places are in the order of questions.
                return Some((question, asker.line_up()));
            }
            line = self.more.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
        line.idle -= 1;
        None
    }
}

/// Threads that ask.
pub(super) struct Pool {
    asker: Arc<Asker>,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    send: Sender<Outcome>,
    outcomes: Receiver<Outcome>,
}

/// Sees to it that something comes of a question, even if the thread panics.
struct Promise {
    id: u64,
    bell: Bell,
    send: Sender<Outcome>,
    /// What came of it so far.
    outcome: Option<Asked>,
}

impl Drop for Promise {
    fn drop(&mut self) {
        // Nobody may be left who waits.
        let _ = self.send.send((self.id, self.outcome.take()));
        self.bell.ring();
    }
}

impl Pool {
    pub(super) fn new(asker: Arc<Asker>) -> Self {
        let (send, outcomes) = unbounded();
        Self {
            asker,
            shared: Arc::default(),
            threads: Vec::new(),
            send,
            outcomes,
        }
    }

    /// Takes a question.
    pub(super) fn ask(&mut self, question: Question) -> std::io::Result<()> {
        let spare = {
            let mut line = self.shared.line();
            line.questions.push_back(question);
            line.idle >= line.questions.len()
        };
        if !spare && self.threads.len() < THREADS {
            let (asker, shared, send) =
                (self.asker.clone(), self.shared.clone(), self.send.clone());
            let log = tracing::dispatcher::get_default(Clone::clone);
            let work = move || {
                tracing::dispatcher::with_default(&log, || {
                    while let Some((question, place)) = shared.next(&asker) {
                        let mut promise = Promise {
                            id: question.id,
                            bell: question.bell.clone(),
                            send: send.clone(),
                            outcome: Some(Err(PANICKED.into())),
                        };
                        let Question { job, hash, .. } = &question;
                        promise.outcome = asker.turn(job, hash, place, &shared.stop);
                    }
                });
            };
            let number = self.threads.len();
            let thread = std::thread::Builder::new().name(format!("chat-{number}"));
            match thread.spawn(work) {
                Ok(thread) => self.threads.push(thread),
                // Those there are will do.
                Err(_) if number > 0 => {}
                Err(error) => return Err(error),
            }
        }
        self.shared.more.notify_one();
        Ok(())
    }

    /// What has come of questions so far.
    pub(super) fn outcomes(&self) -> Vec<Outcome> {
        self.outcomes.try_iter().collect()
    }

    /// Asks no more: questions that have not been sent are given up, replies that are under way are waited for. Gives what
    /// has come of questions since it was last asked for.
    pub(super) fn end(&mut self) -> Vec<Outcome> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.line().questions.clear();
        self.shared.more.notify_all();
        for thread in self.threads.drain(..) {
            // A thread that has panicked has said so.
            let _ = thread.join();
        }
        self.shared = Arc::default();
        self.outcomes()
    }
}
