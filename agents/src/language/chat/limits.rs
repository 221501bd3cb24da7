//! What an endpoint may be asked: requests and tokens in any minute, requests at a time.
//!
//! A bucket that is filled at an even rate lets twice its size through in some minute; so what was sent in the last
//! minute is kept, and the next request waits until there is room.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Clock;

/// A minute, and a little for the way from being let through to being sent.
const MINUTE: Duration = Duration::from_millis(60_250);

/// Limits of an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Most requests in any 60 seconds.
    pub requests_per_minute: Option<u32>,
    /// Most tokens in any 60 seconds: of the request, and of the longest answer until the true one is known. A request
    /// that is larger than the limit by itself waits for an empty minute.
    pub tokens_per_minute: Option<u64>,
    /// Most requests under way at a time.
    pub max_in_flight: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_minute: None,
            tokens_per_minute: None,
            max_in_flight: 8,
        }
    }
}

/// A request that was let through.
#[derive(Debug)]
struct Sent {
    number: u64,
    at: Duration,
    tokens: u64,
}

#[derive(Debug, Default)]
struct Minute {
    sent: VecDeque<Sent>,
    tokens: u64,
    count: u64,
    in_flight: usize,
}

impl Minute {
    /// Forgets what is older than a minute.
    fn forget(&mut self, now: Duration) {
        while let Some(first) = self.sent.front() {
            if first.at + MINUTE > now {
                break;
            }
            self.tokens = self.tokens.saturating_sub(first.tokens);
            self.sent.pop_front();
        }
    }

    /// How long a request must wait.
    fn wait(&self, limits: &Limits, tokens: u64, now: Duration) -> Option<Duration> {
        let mut until = None;
        if let Some(most) = limits.requests_per_minute {
            let over = (self.sent.len() + 1).saturating_sub(most.max(1) as usize);
            until = over.checked_sub(1).map(|index| self.sent[index].at);
        }
        if let Some(most) = limits.tokens_per_minute {
            let mut left = self.tokens;
            for sent in &self.sent {
                if left.saturating_add(tokens) <= most {
                    break;
                }
                left = left.saturating_sub(sent.tokens);
                until = until.max(Some(sent.at));
            }
        }
        until.map(|at| (at + MINUTE).saturating_sub(now))
    }
}

/// Lets requests through as the limits allow, in the order in which they come.
#[derive(Debug)]
pub struct Limiter {
    limits: Limits,
    minute: Mutex<Minute>,
    /// Held by the request that is next, so that a large one is not passed by small ones.
    turn: Mutex<()>,
    done: Condvar,
}

/// Leave to send one request; it ends when it is dropped.
#[derive(Debug)]
pub struct Pass<'a> {
    limiter: &'a Limiter,
    number: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept stays true whoever has panicked.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Limiter {
    /// With these limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            minute: Mutex::default(),
            turn: Mutex::new(()),
            done: Condvar::new(),
        }
    }

    /// Waits until a request of so many tokens may be sent.
    pub fn admit(&self, tokens: u64, clock: &dyn Clock) -> Pass<'_> {
        let _turn = lock(&self.turn);
        loop {
            let mut minute = lock(&self.minute);
            while minute.in_flight >= self.limits.max_in_flight.max(1) {
                minute = self
                    .done
                    .wait(minute)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            let now = clock.now();
            minute.forget(now);
            if let Some(wait) = minute.wait(&self.limits, tokens, now) {
                drop(minute);
                clock.sleep(wait.max(Duration::from_millis(1)));
                continue;
            }
            minute.count += 1;
            minute.in_flight += 1;
            minute.tokens = minute.tokens.saturating_add(tokens);
            let number = minute.count;
            minute.sent.push_back(Sent {
                number,
                at: now,
                tokens,
            });
            return Pass {
                limiter: self,
                number,
            };
        }
    }
}

impl Pass<'_> {
    /// Tells how many tokens it has been.
    pub fn settle(&self, tokens: u64) {
        let minute = &mut *lock(&self.limiter.minute);
        let sent = minute
            .sent
            .iter_mut()
            .find(|sent| sent.number == self.number);
        if let Some(sent) = sent {
            let others = minute.tokens.saturating_sub(sent.tokens);
            minute.tokens = others.saturating_add(tokens);
            sent.tokens = tokens;
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        lock(&self.limiter.minute).in_flight -= 1;
        self.limiter.done.notify_all();
    }
}
