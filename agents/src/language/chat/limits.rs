//! What an endpoint may be asked: requests and tokens in any minute, requests at a time.
//!
//! A bucket that is filled at an even rate lets twice its size through in some minute; so what was sent in the last
//! minute is kept, and the next request waits until there is room.

use std::{
    collections::VecDeque,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Clock;

/// A minute, and a little for the way from being let through to being sent.
const MINUTE: Duration = Duration::from_millis(60_250);
/// Longest sleep before it is looked whether anybody still waits.
const NAP: Duration = Duration::from_millis(250);

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
    /// Those who wait, in the order in which they came, so that nobody is passed: a large request not by small ones, a game
    /// not by another that asks more often.
    line: VecDeque<u64>,
    /// Number of the next who comes.
    tickets: u64,
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
    done: Condvar,
}

/// A place in the line of those who wait; it is given up when it is dropped.
#[derive(Debug)]
pub struct Place<'a> {
    limiter: &'a Limiter,
    ticket: u64,
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
            done: Condvar::new(),
        }
    }

    /// A place in the line, behind all others.
    pub fn line_up(&self) -> Place<'_> {
        let minute = &mut *lock(&self.minute);
        let ticket = minute.tickets;
        minute.tickets += 1;
        minute.line.push_back(ticket);
        Place {
            limiter: self,
            ticket,
        }
    }
}

impl<'a> Place<'a> {
    /// Waits until it is next and a request of so many tokens may be sent; `None` if it is to `stop` before that.
    pub fn admit(self, tokens: u64, clock: &dyn Clock, stop: &AtomicBool) -> Option<Pass<'a>> {
        let limiter = self.limiter;
        let mut minute = lock(&limiter.minute);
        loop {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            let is_next = minute.line.front() == Some(&self.ticket);
            if !is_next || minute.in_flight >= limiter.limits.max_in_flight.max(1) {
                let waited = limiter.done.wait_timeout(minute, NAP);
                minute = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let now = clock.now();
            minute.forget(now);
            let Some(wait) = minute.wait(&limiter.limits, tokens, now) else {
                break;
            };
            drop(minute);
            clock.sleep(wait.clamp(Duration::from_millis(1), NAP));
            minute = lock(&limiter.minute);
        }
        minute.count += 1;
        minute.in_flight += 1;
        minute.tokens = minute.tokens.saturating_add(tokens);
        let number = minute.count;
        minute.sent.push_back(Sent {
            number,
            at: clock.now(),
            tokens,
        });
        Some(Pass { limiter, number })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        lock(&self.limiter.minute)
            .line
            .retain(|&ticket| ticket != self.ticket);
        self.limiter.done.notify_all();
    }
}

impl Pass<'_> {
    /// Tells that nothing has been sent.
    pub fn cancel(self) {
        let minute = &mut *lock(&self.limiter.minute);
        if let Some(at) = minute
            .sent
            .iter()
            .position(|sent| sent.number == self.number)
        {
            let tokens = minute.sent.remove(at).map_or(0, |sent| sent.tokens);
            minute.tokens = minute.tokens.saturating_sub(tokens);
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::chat::Wall;

    /// Whoever has waited longest is next, and who gives up is not waited for.
    #[test]
    fn nobody_is_passed() {
        let limiter = Limiter::new(Limits {
            max_in_flight: 1,
            ..Limits::default()
        });
        let clock = Wall::default();
        let (never, stopped) = (AtomicBool::new(false), AtomicBool::new(true));
        let first = limiter.line_up().admit(1, &clock, &never).unwrap();
        let order = Mutex::new(Vec::new());
        let places: Vec<Place<'_>> = (0..5).map(|_| limiter.line_up()).collect();
        std::thread::scope(|scope| {
            // Those at the end of the line come first to ask.
            for (number, place) in places.into_iter().enumerate().rev() {
                let stop = if number == 1 { &stopped } else { &never };
                let (clock, order) = (&clock, &order);
                scope.spawn(move || {
                    if let Some(pass) = place.admit(1, clock, stop) {
                        lock(order).push(number);
                        drop(pass);
                    }
                });
            }
            drop(first);
        });
        assert_eq!(*lock(&order), [0, 2, 3, 4]);
        assert!(lock(&limiter.minute).line.is_empty());
    }

    #[test]
    fn what_was_not_sent_does_not_count() {
        let limiter = Limiter::new(Limits {
            requests_per_minute: Some(1),
            tokens_per_minute: Some(10),
            max_in_flight: 1,
        });
        let (clock, never) = (Wall::default(), AtomicBool::new(false));
        for _ in 0..3 {
            let pass = limiter.line_up().admit(10, &clock, &never).unwrap();
            pass.cancel();
        }
        let minute = lock(&limiter.minute);
        assert_eq!(
            (minute.tokens, minute.sent.len(), minute.in_flight),
            (0, 0, 0)
        );
    }
}
