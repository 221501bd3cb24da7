//! Answers from a transcript or from an endpoint, without waiting for them.

use std::{collections::BTreeMap, sync::Arc};

use palaestra_envs::language::answer::resigned;

use super::{
    Clock, Record, Source, Spent, Transport, Wire,
    asker::{Asker, Job, missed},
    message,
    pool::{Outcome, Pool, Question},
    transcript::Transcript,
};
use crate::{AgentError, Bell};

/// Counts since the client was made, for the metrics.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) answers: u64,
    pub(crate) replayed: u64,
    pub(crate) invalid: u64,
    pub(crate) given_up: u64,
    pub(crate) requests: u64,
    pub(crate) tokens: u64,
    pub(crate) seconds: f64,
}

/// Asks an endpoint, or looks up what it has said.
pub(crate) struct Client {
    asker: Arc<Asker>,
    pool: Pool,
    transcript: Transcript,
    /// The question under way in each seat.
    waiting: BTreeMap<usize, u64>,
    /// Answers that nobody has fetched yet, by question.
    answers: BTreeMap<u64, String>,
    /// Number of the next question.
    next: u64,
    pub(crate) counts: Counts,
}

impl Client {
    pub(crate) fn new(
        wire: Wire,
        transport: Option<Box<dyn Transport>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AgentError> {
        let transcript = Transcript::open(&wire.transcript, wire.source)
            .map_err(|problem| AgentError::argument("transcript", problem))?;
        let asker = Arc::new(Asker::new(wire, transport, clock)?);
        Ok(Self {
            pool: Pool::new(asker.clone()),
            asker,
            transcript,
            waiting: BTreeMap::new(),
            answers: BTreeMap::new(),
            next: 0,
            counts: Counts::default(),
        })
    }

    /// What has been spent from the account.
    pub(crate) fn spent(&self) -> Spent {
        self.asker.account.spent()
    }

    fn failed(&self, reason: String) -> AgentError {
        AgentError::Failed {
            agent: self.asker.wire.agent.into(),
            reason,
        }
    }

    /// The answer for a seat: from the transcript, or what has come of its question. Asks the question that `job` makes if
    /// none is under way, and has `bell` rung when there is an answer. `None` until then.
    pub(crate) fn answer(
        &mut self,
        seat: usize,
        job: impl FnOnce() -> Result<Job, AgentError>,
        bell: &Bell,
    ) -> Result<Option<String>, AgentError> {
        if let Some(question) = self.waiting.get(&seat) {
            let answer = self.answers.remove(question);
            if answer.is_some() {
                self.waiting.remove(&seat);
            }
            return Ok(answer);
        }
        let job = job()?;
        let wire = &self.asker.wire;
        let hash = message::hash(&wire.url, &job.body, job.attempt, job.seed);
        let found = self.transcript.find(&hash).filter(|_| wire.source.reads());
        if let Some(found) = found {
            self.counts.answers += 1;
            self.counts.replayed += 1;
            return Ok(Some(found.to_owned()));
        }
        if wire.source == Source::Strict {
            return Err(self.failed(missed(&job, &wire.transcript, &hash)));
        }
        let question = Question {
            id: self.next,
            job,
            hash,
            bell: bell.clone(),
        };
        let asked = self.pool.ask(question);
        asked.map_err(|error| self.failed(format!("no thread can be had: {error}")))?;
        self.waiting.insert(seat, self.next);
        self.next += 1;
        Ok(None)
    }

    /// Takes in the answers that have come.
    ///
    /// # Errors
    /// If an endpoint cannot be used as configured, or a file cannot be written. Then nothing is asked any more, and what
    /// was under way is in the transcript.
    pub(crate) fn collect(&mut self) -> Result<(), AgentError> {
        let outcomes = self.pool.outcomes();
        let taken = self.take(outcomes);
        if taken.is_err() {
            // The first error is the one to tell.
            let _ = self.finish();
        }
        taken
    }

    /// Lets go of all questions. Answers to those that have been sent still go to the transcript.
    pub(crate) fn forget(&mut self) {
        self.waiting.clear();
        self.answers.clear();
    }

    /// Ends: waits for what is under way, which has been paid for, and asks nothing more.
    ///
    /// # Errors
    /// As [`collect`](Self::collect).
    pub(crate) fn finish(&mut self) -> Result<(), AgentError> {
        let outcomes = self.pool.end();
        let taken = self.take(outcomes);
        self.forget();
        taken
    }

    fn take(&mut self, outcomes: Vec<Outcome>) -> Result<(), AgentError> {
        let (mut records, mut fault) = (Vec::with_capacity(outcomes.len()), None);
        for (question, asked) in outcomes {
            match asked {
                Some(Ok(record)) => {
                    self.count(&record);
                    if self.waiting.values().any(|&waiting| waiting == question) {
                        self.answers.insert(question, record.answer.clone());
                    }
                    records.push(record);
                }
                Some(Err(problem)) => fault = fault.or(Some(problem)),
                None => {}
            }
        }
        let path = &self.asker.wire.transcript;
        let added = self.transcript.add(&records);
        added.map_err(|error| self.failed(format!("{path}: {error}")))?;
        match fault {
            Some(problem) => Err(self.failed(problem)),
            None => Ok(()),
        }
    }

    fn count(&mut self, record: &Record) {
        let counts = &mut self.counts;
        counts.answers += 1;
        counts.requests += u64::from(record.requests);
        counts.tokens += record.usage.total();
        counts.seconds += record.seconds;
        let given_up = resigned(&record.answer).is_some();
        counts.given_up += u64::from(given_up);
        counts.invalid += u64::from(!given_up && record.read != "ok");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Nobody is left to be told of an error; what was paid for is kept if it can be.
        let _ = self.finish();
    }
}
