//! Asks an endpoint one question until there is an answer, or there will be none: limits, budget, retries, other models.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use palaestra_envs::{
    language::{
        Reason,
        answer::{Expected, Reading, read, resignation, words},
        text::LONGEST_ANSWER,
    },
    stream::Stream,
};
use rand::RngExt;
use serde_json::Value;

use super::{
    Account, Budget, Clock, Limiter, Limits, Place, Post, Price, Record, Reply, Secret, Source,
    Spent, Timeouts, Transport, Usage,
    account::Entry,
    message::{self, Answer},
    retry, stream,
    transport::Broken,
};
use crate::AgentError;

/// Longest sleep before it is looked whether anybody still waits.
const NAP: Duration = Duration::from_millis(250);

/// How an endpoint is spoken to.
pub(crate) struct Wire {
    /// Identifier of the agent, for errors.
    pub(crate) agent: &'static str,
    /// The address.
    pub(crate) url: String,
    /// Header with the key, what stands before the key, the key.
    pub(crate) key: Option<(&'static str, &'static str, Secret)>,
    /// Name of the model; empty where there is none to choose.
    pub(crate) model: String,
    /// Models that are asked when the one before has failed.
    pub(crate) fallbacks: Vec<String>,
    /// The same, for a chat that is too long for it.
    pub(crate) context_window_fallbacks: Vec<String>,
    /// Longest answer, in tokens.
    pub(crate) longest: u64,
    /// Reads a reply; the number is the bytes that were sent.
    pub(crate) read: fn(&[u8], usize) -> Result<Answer, String>,
    pub(crate) timeouts: Timeouts,
    pub(crate) max_retries: u32,
    pub(crate) limits: Limits,
    pub(crate) budget: Budget,
    /// By model.
    pub(crate) prices: BTreeMap<String, Price>,
    pub(crate) ledger: String,
    pub(crate) transcript: String,
    pub(crate) source: Source,
}

/// An answer to ask for.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) game: String,
    pub(crate) seat: String,
    pub(crate) round: Option<u64>,
    pub(crate) attempt: u64,
    pub(crate) prompts: String,
    pub(crate) body: Value,
    pub(crate) seed: u64,
    pub(crate) expected: Option<Expected>,
}

/// A game's answer that was asked for, or why no other need be.
pub(super) type Asked = Result<Record, String>;

/// Asks an endpoint.
pub(super) struct Asker {
    pub(super) wire: Wire,
    /// `None` where nothing may be sent.
    transport: Option<Box<dyn Transport>>,
    clock: Arc<dyn Clock>,
    limiter: Arc<Limiter>,
    pub(super) account: Arc<Account>,
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
    /// This model will not answer.
    Refused,
    /// The chat is too long for this model.
    TooLong,
    /// There is no such model or address.
    Missing(String),
    /// No model will answer.
    Hopeless(String),
}

/// A model, and those that are asked after it.
struct Chain<'a> {
    model: &'a str,
    fallbacks: std::slice::Iter<'a, String>,
    larger: std::slice::Iter<'a, String>,
}

impl Chain<'_> {
    /// Goes on to the next model, one for long chats if this one is too long and there is one.
    fn next(&mut self, too_long: bool) -> bool {
        let larger = too_long.then(|| self.larger.next()).flatten();
        match larger.or_else(|| self.fallbacks.next()) {
            Some(model) => {
                self.model = model;
                true
            }
            None => false,
        }
    }
}

/// A request to one of the models.
struct Draft {
    body: String,
    /// What it may come to.
    bound: Usage,
    most: Spent,
    price: Price,
}

impl Asker {
    pub(super) fn new(
        wire: Wire,
        transport: Option<Box<dyn Transport>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AgentError> {
        Ok(Self {
            limiter: limiter(&wire.url, &wire.limits),
            account: Account::open(&wire.ledger)?,
            transport: transport.filter(|_| wire.source != Source::Strict),
            wire,
            clock,
        })
    }

    /// A place in the line of requests.
    pub(super) fn line_up(&self) -> Place<'_> {
        self.limiter.line_up()
    }

    fn draft(&self, job: &Job, model: &str, record: &mut Record) -> Draft {
        if model != self.wire.model {
            record.request["model"] = model.into();
        }
        record.model = model.into();
        let body = record.request.to_string();
        // A token is a byte at least; around a message there are a few more.
        let messages = job.body["messages"].as_array().map_or(0, Vec::len) as u64;
        let bound = Usage {
            prompt: body.len() as u64 + 16 * messages,
            completion: self.wire.longest,
            ..Usage::default()
        };
        let price = self.wire.prices.get(model).copied().unwrap_or_default();
        let most = Spent {
            usd: bound.cost(price),
            tokens: bound.total(),
            requests: 1,
        };
        Draft {
            body,
            bound,
            most,
            price,
        }
    }

    /// Asks for one answer until there is one, or there will be none; `None` if it is to `stop` before that.
    pub(super) fn turn(
        &self,
        job: &Job,
        hash: &str,
        place: Place<'_>,
        stop: &AtomicBool,
    ) -> Option<Asked> {
        let wire = &self.wire;
        let Some(transport) = &self.transport else {
            return Some(Err(missed(job, &wire.transcript, hash)));
        };
        let mut jitter = Stream::new(job.seed, job.attempt, "chat.retry");
        let begun = self.clock.now();
        let mut record = self.record(job, hash);
        let mut chain = Chain {
            model: &wire.model,
            fallbacks: wire.fallbacks.iter(),
            larger: wire.context_window_fallbacks.iter(),
        };
        let mut draft = self.draft(job, chain.model, &mut record);
        let (mut used, mut tries) = (Duration::ZERO, 0);
        let mut place = Some(place);
        let ending = loop {
            let place = place.take().unwrap_or_else(|| self.line_up());
            let pass = place.admit(draft.bound.total(), &*self.clock, stop)?;
            // After the wait in the line, which nobody leaves who others would have to wait for.
            let reserved = self
                .account
                .reserve(&wire.budget, &job.game, &job.seat, draft.most);
            let Some(reservation) = reserved else {
                pass.cancel();
                break Err(Reason::BudgetExhausted);
            };
            let sent = self.clock.now();
            let left = wire.timeouts.turn().saturating_sub(used);
            let call = Duration::from_secs_f64(wire.timeouts.call_s);
            let reply = transport.post(&Post {
                url: &wire.url,
                key: (wire.key.as_ref()).map(|(name, before, key)| (*name, *before, key)),
                body: &draft.body,
                time: call.min(left),
            });
            let took = self.clock.now().saturating_sub(sent);
            used += took;
            record.requests += 1;
            tries += 1;
            let mut entry = Entry {
                game: job.game.clone(),
                seat: job.seat.clone(),
                round: job.round,
                attempt: job.attempt,
                request: record.requests,
                model: chain.model.into(),
                seconds: took.as_secs_f64(),
                ..Entry::default()
            };
            let verdict = self.judge(reply, draft.body.len(), &mut entry, &mut record);
            if entry.usage.total() > 0 {
                pass.settle(entry.usage.total());
            }
            drop(pass);
            entry.usd = entry.usage.cost(draft.price);
            record.usage = entry.usage;
            record.answered_by.clone_from(&entry.answered_by);
            if let Err(error) = reservation.settle(&entry) {
                return Some(Err(format!("{}: {error}", wire.ledger)));
            }
            let mut reason = Reason::EndpointFailed;
            match &verdict {
                Verdict::Answered(answer) => break Ok(answer.clone()),
                Verdict::Hopeless(problem) => return Some(Err(problem.clone())),
                Verdict::Again(wait, why) => {
                    reason = *why;
                    if tries <= wire.max_retries {
                        let wait =
                            wait.unwrap_or_else(|| retry::backoff(tries - 1, jitter.random()));
                        if used + wait < wire.timeouts.turn() {
                            self.rest(wait, stop)?;
                            used += wait;
                            continue;
                        }
                        reason = Reason::Timeout;
                    }
                }
                Verdict::Refused | Verdict::TooLong | Verdict::Missing(_) => {}
            }
            let too_long = matches!(verdict, Verdict::TooLong);
            if used < wire.timeouts.turn() && chain.next(too_long) {
                tracing::warn!(
                    game = job.game,
                    seat = job.seat,
                    "{} does not answer, {} is asked",
                    record.model,
                    chain.model
                );
                draft = self.draft(job, chain.model, &mut record);
                tries = 0;
                continue;
            }
            if let Verdict::Missing(problem) = verdict {
                return Some(Err(problem));
            }
            break Err(reason);
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
        Some(Ok(record))
    }

    fn record(&self, job: &Job, hash: &str) -> Record {
        Record {
            game: job.game.clone(),
            seat: job.seat.clone(),
            round: job.round,
            attempt: job.attempt,
            hash: hash.into(),
            prompts: job.prompts.clone(),
            request: job.body.clone(),
            response: Value::Null,
            model: String::new(),
            answered_by: String::new(),
            answer: String::new(),
            read: String::new(),
            requests: 0,
            time: self.clock.since_epoch().as_secs_f64(),
            seconds: 0.0,
            usage: Usage::default(),
        }
    }

    /// Waits; `None` if it is to stop.
    fn rest(&self, time: Duration, stop: &AtomicBool) -> Option<()> {
        let mut left = time;
        while !left.is_zero() {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            let nap = left.min(NAP);
            self.clock.sleep(nap);
            left -= nap;
        }
        Some(())
    }

    /// What a reply means; fills in what the ledger and the transcript keep of it.
    fn judge(
        &self,
        reply: Result<Reply, Broken>,
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
        record.response = self.kept(&reply.body);
        if !(200..300).contains(&reply.status) {
            entry.outcome = "refused".into();
            return self.refused(&reply, entry, &record.response);
        }
        let answer = (self.wire.read)(&reply.body, sent);
        match answer {
            Ok(Answer {
                words: said,
                usage,
                model,
            }) => {
                entry.outcome = "answered".into();
                entry.usage = usage;
                entry.answered_by = self.scrub(model);
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

    /// What a status that is no success means.
    fn refused(&self, reply: &Reply, entry: &Entry, kept: &Value) -> Verdict {
        let status = reply.status;
        let text = match kept {
            Value::String(text) => text.clone(),
            json => json.to_string(),
        };
        tracing::debug!(game = entry.game, seat = entry.seat, status, "refused");
        let excerpt: String = text
            .chars()
            .take(300)
            .flat_map(char::escape_debug)
            .collect();
        let too_long = message::is_too_long(status, &text);
        if retry::is_hopeless(status) {
            let problem = format!(
                "{} answers with status {status}; check the address, the model and the key: {excerpt}",
                self.wire.url
            );
            return if status == 404 {
                Verdict::Missing(problem)
            } else {
                Verdict::Hopeless(problem)
            };
        }
        if retry::passes(status) {
            let now = self.clock.since_epoch();
            let asked = reply.retry_after.as_deref();
            let wait = asked.and_then(|header| retry::asked(header, now));
            return Verdict::Again(wait, Reason::EndpointFailed);
        }
        if too_long {
            return Verdict::TooLong;
        }
        Verdict::Refused
    }

    /// A reply as a transcript keeps it: JSON, what a stream comes to, or a text; without the key, however it is written.
    fn kept(&self, body: &[u8]) -> Value {
        let text = String::from_utf8_lossy(body);
        let json = serde_json::from_str(&text).ok();
        let json = json.or_else(|| stream::completion(&text).ok());
        let kept = json.unwrap_or_else(|| Value::String(text.into_owned()));
        match &self.wire.key {
            Some((_, _, key)) => key.scrub_json(kept),
            None => kept,
        }
    }

    fn scrub(&self, text: String) -> String {
        match &self.wire.key {
            Some((_, _, key)) => key.scrub(text),
            None => text,
        }
    }
}

/// That a transcript does not hold an answer.
pub(super) fn missed(job: &Job, transcript: &str, hash: &str) -> String {
    let round = job
        .round
        .map_or_else(|| "unknown".into(), |round| round.to_string());
    format!(
        "{transcript} has no answer for game {}, seat {}, round {round}, attempt {} (request {hash}); play the recorded configuration, or use source = \"replay\" to ask the endpoint for what is missing",
        job.game, job.seat, job.attempt
    )
}
