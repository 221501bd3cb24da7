//! Asks an endpoint, or a transcript instead: limits, retries, budget, ledger.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use palaestra_envs::{
    language::{
        Reason,
        answer::{Expected, Reading, read, resignation, resigned, words},
        text::LONGEST_ANSWER,
    },
    stream::Stream,
};
use rand::RngExt;
use serde_json::Value;

use super::{
    Account, Budget, Clock, Limiter, Limits, Post, Price, Record, Secret, Source, Spent, Timeouts,
    Transport, Usage,
    account::Entry,
    message::{self, Answer},
    retry,
    transcript::Transcript,
    transport::Broken,
};
use crate::AgentError;

/// How an endpoint is spoken to.
pub(crate) struct Wire {
    /// Identifier of the agent, for errors.
    pub(crate) agent: &'static str,
    /// The address.
    pub(crate) url: String,
    /// Header with the key, what stands before the key, the key.
    pub(crate) key: Option<(&'static str, &'static str, Secret)>,
    /// Name of the model, for the ledger.
    pub(crate) model: String,
    /// Longest answer, in tokens.
    pub(crate) longest: u64,
    /// Reads a reply; the number is the bytes that were sent.
    pub(crate) read: fn(&[u8], usize) -> Result<Answer, String>,
    pub(crate) timeouts: Timeouts,
    pub(crate) max_retries: u32,
    pub(crate) limits: Limits,
    pub(crate) budget: Budget,
    pub(crate) price: Price,
    pub(crate) ledger: String,
    pub(crate) transcript: String,
    pub(crate) source: Source,
}

/// An answer to ask for.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) row: usize,
    pub(crate) game: String,
    pub(crate) seat: String,
    pub(crate) round: Option<u64>,
    pub(crate) attempt: u64,
    pub(crate) prompts: String,
    pub(crate) body: Value,
    pub(crate) seed: u64,
    pub(crate) expected: Option<Expected>,
}

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

/// Asks an endpoint.
pub(crate) struct Client {
    wire: Wire,
    /// `None` where nothing may be sent.
    transport: Option<Box<dyn Transport>>,
    clock: Arc<dyn Clock>,
    limiter: Arc<Limiter>,
    account: Arc<Account>,
    transcript: Transcript,
    pub(crate) counts: Counts,
}

/// Limiters in use, by address and limits.
static LIMITERS: Mutex<BTreeMap<String, Weak<Limiter>>> = Mutex::new(BTreeMap::new());

fn limiter(url: &str, limits: &Limits) -> Arc<Limiter> {
    let key = format!("{url} {limits:?}");
    let mut limiters = LIMITERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(limiter) = limiters.get(&key).and_then(Weak::upgrade) {
        return limiter;
    }
    limiters.retain(|_, limiter| limiter.strong_count() > 0);
    let limiter = Arc::new(Limiter::new(limits.clone()));
    limiters.insert(key, Arc::downgrade(&limiter));
    limiter
}

/// What follows from a reply.
enum Verdict {
    Answered(String),
    /// To be asked again, after a wait that was asked for; for the reason `then` if not.
    Again(Option<Duration>, Reason),
    GiveUp(Reason),
    Hopeless(String),
}

/// A game's answer that was asked for, or why no other need be.
type Asked = Result<Record, String>;

impl Client {
    pub(crate) fn new(
        wire: Wire,
        transport: Option<Box<dyn Transport>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AgentError> {
        let transcript = Transcript::open(&wire.transcript, wire.source)
            .map_err(|problem| AgentError::argument("transcript", problem))?;
        Ok(Self {
            limiter: limiter(&wire.url, &wire.limits),
            account: Account::open(&wire.ledger)?,
            transport: transport.filter(|_| wire.source != Source::Strict),
            wire,
            clock,
            transcript,
            counts: Counts::default(),
        })
    }

    /// What has been spent from the account.
    pub(crate) fn spent(&self) -> Spent {
        self.account.spent()
    }

    fn failed(&self, reason: String) -> AgentError {
        AgentError::Failed {
            agent: self.wire.agent.into(),
            reason,
        }
    }

    /// The answers to all jobs, in their order. Those that are not in the transcript are asked for at the same time.
    pub(crate) fn ask_all(&mut self, jobs: &[Job]) -> Result<Vec<String>, AgentError> {
        let url = &self.wire.url;
        let hash = |job: &Job| message::hash(url, &job.body, job.attempt, job.seed);
        let hashes: Vec<String> = jobs.iter().map(hash).collect();
        let reads = self.wire.source.reads();
        let found = hashes.iter().map(|hash| self.transcript.find(hash));
        let mut answers: Vec<Option<String>> = found
            .map(|found| found.filter(|_| reads).map(str::to_owned))
            .collect();
        let missing: Vec<usize> = (0..jobs.len()).filter(|&i| answers[i].is_none()).collect();
        self.counts.replayed += (jobs.len() - missing.len()) as u64;
        self.counts.answers += jobs.len() as u64;
        if let (Source::Strict, Some(&first)) = (self.wire.source, missing.first()) {
            return Err(self.failed(missed(&jobs[first], &self.wire.transcript, &hashes[first])));
        }
        let asked = self.ask(jobs, &hashes, &missing);
        let mut records = Vec::with_capacity(asked.len());
        let mut fault = None;
        for (&index, asked) in missing.iter().zip(asked) {
            match asked {
                Some(Ok(record)) => {
                    answers[index] = Some(record.answer.clone());
                    self.count(&record);
                    records.push(record);
                }
                Some(Err(problem)) => fault = fault.or(Some(problem)),
                None => {}
            }
        }
        self.transcript
            .add(&records)
            .map_err(|error| self.failed(format!("{}: {error}", self.wire.transcript)))?;
        match fault {
            Some(problem) => Err(self.failed(problem)),
            None => Ok(answers.into_iter().flatten().collect()),
        }
    }

    fn count(&mut self, record: &Record) {
        let counts = &mut self.counts;
        counts.requests += u64::from(record.requests);
        counts.tokens += record.usage.total();
        counts.seconds += record.seconds;
        let given_up = resigned(&record.answer).is_some();
        counts.given_up += u64::from(given_up);
        counts.invalid += u64::from(!given_up && record.read != "ok");
    }

    /// Asks for the missing answers; `None` for those that were no longer asked for after another had failed for good.
    fn ask(&self, jobs: &[Job], hashes: &[String], missing: &[usize]) -> Vec<Option<Asked>> {
        let workers = self
            .wire
            .limits
            .max_in_flight
            .clamp(1, 64)
            .min(missing.len());
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let slots: Vec<Mutex<Option<Asked>>> = missing.iter().map(|_| Mutex::default()).collect();
        let work = || {
            while !stop.load(Ordering::Relaxed) {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(&index) = missing.get(at) else {
                    break;
                };
                let asked = self.turn(&jobs[index], &hashes[index]);
                stop.fetch_or(asked.is_err(), Ordering::Relaxed);
                *slots[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(asked);
            }
        };
        if workers == 1 {
            work();
        } else {
            std::thread::scope(|scope| {
                for _ in 0..workers {
                    scope.spawn(work);
                }
            });
        }
        let slots = slots.into_iter().map(Mutex::into_inner);
        slots
            .map(|slot| slot.unwrap_or_else(PoisonError::into_inner))
            .collect()
    }

    /// Asks for one answer until there is one, or there will be none.
    fn turn(&self, job: &Job, hash: &str) -> Asked {
        let wire = &self.wire;
        let Some(transport) = &self.transport else {
            return Err(missed(job, &wire.transcript, hash));
        };
        let body = job.body.to_string();
        // A token is a byte at least; around a message there are a few more.
        let messages = job.body["messages"].as_array().map_or(0, Vec::len) as u64;
        let bound = Usage {
            prompt: body.len() as u64 + 16 * messages,
            completion: wire.longest,
            ..Usage::default()
        };
        let most = Spent {
            usd: bound.cost(wire.price),
            tokens: bound.total(),
            requests: 1,
        };
        let mut jitter = Stream::new(job.seed, job.attempt, "chat.retry");
        let begun = self.clock.now();
        let mut record = Record {
            game: job.game.clone(),
            seat: job.seat.clone(),
            round: job.round,
            attempt: job.attempt,
            hash: hash.into(),
            prompts: job.prompts.clone(),
            request: job.body.clone(),
            response: Value::Null,
            answer: String::new(),
            read: String::new(),
            requests: 0,
            time: self.clock.since_epoch().as_secs_f64(),
            seconds: 0.0,
            usage: Usage::default(),
        };
        let mut used = Duration::ZERO;
        let ending = loop {
            let reserved = self
                .account
                .reserve(&wire.budget, &job.game, &job.seat, most);
            let Some(reservation) = reserved else {
                break Err(Reason::BudgetExhausted);
            };
            let pass = self.limiter.admit(bound.total(), &*self.clock);
            let sent = self.clock.now();
            let left = wire.timeouts.turn().saturating_sub(used);
            let call = Duration::from_secs_f64(wire.timeouts.call_s);
            let reply = transport.post(&Post {
                url: &wire.url,
                key: (wire.key.as_ref()).map(|(name, before, key)| (*name, *before, key)),
                body: &body,
                time: call.min(left),
            });
            let took = self.clock.now().saturating_sub(sent);
            used += took;
            record.requests += 1;
            let mut entry = Entry {
                game: job.game.clone(),
                seat: job.seat.clone(),
                round: job.round,
                attempt: job.attempt,
                request: record.requests,
                model: wire.model.clone(),
                seconds: took.as_secs_f64(),
                ..Entry::default()
            };
            let verdict = self.judge(reply, body.len(), &mut entry, &mut record);
            if entry.usage.total() > 0 {
                pass.settle(entry.usage.total());
            }
            drop(pass);
            entry.usd = entry.usage.cost(wire.price);
            record.usage = entry.usage;
            if let Err(error) = reservation.settle(&entry) {
                return Err(format!("{}: {error}", wire.ledger));
            }
            let (wait, reason) = match verdict {
                Verdict::Answered(answer) => break Ok(answer),
                Verdict::GiveUp(reason) => break Err(reason),
                Verdict::Hopeless(problem) => return Err(problem),
                Verdict::Again(wait, reason) => (wait, reason),
            };
            if record.requests > wire.max_retries {
                break Err(reason);
            }
            let wait = wait.unwrap_or_else(|| retry::backoff(record.requests - 1, jitter.random()));
            if used + wait >= wire.timeouts.turn() {
                break Err(Reason::Timeout);
            }
            self.clock.sleep(wait);
            used += wait;
        };
        record.seconds = self.clock.now().saturating_sub(begun).as_secs_f64();
        (record.answer, record.read) = match ending {
            Ok(answer) => {
                let read = job
                    .expected
                    .as_ref()
                    .map(|due| read(&answer, due, &Reading::default()));
                let kind = match read {
                    None | Some(Ok(_)) => "ok",
                    Some(Err(error)) => error.kind(),
                };
                (answer, kind.into())
            }
            Err(reason) => {
                tracing::warn!(game = job.game, seat = job.seat, "gives up: {reason:?}");
                let answer = resignation(reason).unwrap_or_default();
                (answer, format!("{reason:?}"))
            }
        };
        Ok(record)
    }

    /// What a reply means; fills in what the ledger and the transcript keep of it.
    fn judge(
        &self,
        reply: Result<super::Reply, Broken>,
        sent: usize,
        entry: &mut Entry,
        record: &mut Record,
    ) -> Verdict {
        let reply = match reply {
            Ok(reply) => reply,
            Err(broken) => {
                let text = self.scrub(broken.to_string());
                tracing::debug!(game = entry.game, seat = entry.seat, "no reply: {text}");
                let (outcome, reason) = match broken {
                    Broken::Timeout(_) => ("timeout", Reason::Timeout),
                    Broken::Connection(_) => ("connection", Reason::EndpointFailed),
                };
                entry.outcome = outcome.into();
                record.response = Value::Null;
                return Verdict::Again(None, reason);
            }
        };
        entry.status = reply.status;
        let text = self.scrub(String::from_utf8_lossy(&reply.body).into_owned());
        if !(200..300).contains(&reply.status) {
            tracing::debug!(
                game = entry.game,
                seat = entry.seat,
                status = reply.status,
                "refused"
            );
            entry.outcome = "refused".into();
            let excerpt: String = text
                .chars()
                .take(300)
                .flat_map(char::escape_debug)
                .collect();
            record.response = kept(text);
            if retry::is_hopeless(reply.status) {
                let (url, status) = (&self.wire.url, reply.status);
                return Verdict::Hopeless(format!(
                    "{url} answers with status {status}; check the address, the model and the key: {excerpt}"
                ));
            }
            if retry::passes(reply.status) {
                let now = self.clock.since_epoch();
                let wait = reply
                    .retry_after
                    .and_then(|header| retry::asked(&header, now));
                return Verdict::Again(wait, Reason::EndpointFailed);
            }
            return Verdict::GiveUp(Reason::EndpointFailed);
        }
        let answer = (self.wire.read)(&reply.body, sent);
        record.response = kept(text);
        match answer {
            Ok(Answer { words: said, usage }) => {
                entry.outcome = "answered".into();
                entry.usage = usage;
                let said: String = words(&said).chars().take(LONGEST_ANSWER).collect();
                Verdict::Answered(self.scrub(said))
            }
            Err(problem) => {
                tracing::debug!(game = entry.game, seat = entry.seat, "{problem}");
                entry.outcome = "malformed".into();
                Verdict::Again(None, Reason::EndpointFailed)
            }
        }
    }

    fn scrub(&self, text: String) -> String {
        match &self.wire.key {
            Some((_, _, key)) => key.scrub(text),
            None => text,
        }
    }
}

/// A reply as a transcript keeps it.
fn kept(text: String) -> Value {
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// That a transcript does not hold an answer.
fn missed(job: &Job, transcript: &str, hash: &str) -> String {
    let round = job
        .round
        .map_or_else(|| "unknown".into(), |round| round.to_string());
    format!(
        "{transcript} has no answer for game {}, seat {}, round {round}, attempt {} (request {hash}); play the recorded configuration, or use source = \"replay\" to ask the endpoint for what is missing",
        job.game, job.seat, job.attempt
    )
}
