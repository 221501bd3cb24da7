//! Business time: how busy the market is, a speed at which everything in it happens.
//!
//! News moves the fundamental value and brings traders to the market, so that both run on one clock that is sometimes fast and
//! sometimes slow: *A subordinated stochastic process model with finite variance for speculative prices* (Clark, Econometrica 41,
//! 1973) and *The price variability-volume relationship on speculative markets* (Tauchen and Pitts, Econometrica 51, 1983). The
//! logarithm of the speed is an autoregression, as the log-volatility of Taylor's *Modelling Financial Time Series* (1986).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::normal;
use crate::{
    market::order::Time,
    math::{exp, sqrt},
    stream::Stream,
};

/// The speed stays for so long, ns.
const STEP: Time = 10_000_000_000;

/// How the speed varies. By default it does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ActivityConfig {
    /// Standard deviation of the logarithm of the speed; with 0 the speed is always 1.
    pub deviation: f64,
    /// Time after which the logarithm has forgotten all but `1/e` of where it was, ns.
    pub memory: f64,
}

/// The speed as far as it is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Activity {
    config: ActivityConfig,
    rng: Stream,
    /// Begin of the step that `level` and `speed` are of.
    from: Time,
    /// Logarithm of the speed in standard deviations, around 0.
    level: f64,
    speed: f64,
}

impl Activity {
    pub(super) fn new(config: &ActivityConfig, start: Time, mut rng: Stream) -> Self {
        let mut activity = Self {
            config: *config,
            level: normal(&mut rng),
            rng,
            from: start,
            speed: 1.0,
        };
        activity.set_speed();
        activity
    }

    /// The speed has mean 1.
    fn set_speed(&mut self) {
        let deviation = self.config.deviation;
        self.speed = exp(deviation * self.level - 0.5 * deviation * deviation);
    }

    /// The speed at the last time that it was asked for.
    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    /// Business time, ns, from `since` to `until`; both no earlier than the last call's `until`.
    pub(super) fn elapsed(&mut self, since: Time, until: Time) -> f64 {
        if self.config.deviation <= 0.0 {
            return (until - since) as f64;
        }
        let kept = exp(-(STEP as f64) / self.config.memory.max(1.0));
        let (mut at, mut sum) = (since, 0.0);
        while self.from + STEP <= until {
            let end = self.from + STEP;
            sum += self.speed * (end - at).max(0) as f64;
            at = at.max(end);
            self.from = end;
            self.level = kept * self.level + sqrt(1.0 - kept * kept) * normal(&mut self.rng);
            self.set_speed();
        }
        sum + self.speed * (until - at) as f64
    }
}
