//! The fundamental value of an instrument: an Ornstein-Uhlenbeck process with rare large shocks, known only to an oracle that
//! traders can ask.

use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Activity, ActivityConfig, exponential, normal};
use crate::{
    market::order::Time,
    math::{exp, sqrt},
    stream::{Stream, StreamKey},
};

/// Parameters of the process, prices in ticks, times in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OracleConfig {
    /// `r̄`: the mean that it reverts to, and where it starts.
    pub mean: f64,
    /// `κ`: speed of the return, 1/ns.
    pub reversion: f64,
    /// Volatility, ticks per square root of a nanosecond.
    pub volatility: f64,
    /// Shocks per nanosecond.
    pub shock_rate: f64,
    /// Mean size of a shock, up or down with equal probability.
    pub shock_mean: f64,
    /// Variance of it.
    pub shock_variance: f64,
}

impl Default for OracleConfig {
    fn default() -> Self {
        Self {
            mean: 100_000.0,
            reversion: 1.67e-16,
            volatility: 5e-5,
            shock_rate: 2.777_78e-18,
            shock_mean: 1000.0,
            shock_variance: 50_000.0,
        }
    }
}

/// The process as far as it has gone: `v' ~ N(r̄ + (v - r̄) e^{-κΔ}, σ² (1 - e^{-2κΔ}) / 2κ)`, not below 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Oracle {
    config: OracleConfig,
    time: Time,
    value: f64,
    /// Time and size of the next shock.
    shock: (Time, f64),
    rng: Stream,
    shocks: Stream,
    activity: Activity,
}

impl Oracle {
    /// The process from `start` on, in the business time of `activity`.
    pub fn new(
        config: &OracleConfig,
        activity: &ActivityConfig,
        start: Time,
        key: StreamKey,
    ) -> Self {
        let mut oracle = Self {
            config: *config,
            time: start,
            value: config.mean,
            shock: (start, 0.0),
            rng: key.stream(0),
            shocks: key.stream(1),
            activity: Activity::new(activity, start, key.stream(2)),
        };
        oracle.plan_shock();
        oracle
    }

    fn plan_shock(&mut self) {
        let wait = exponential(&mut self.shocks, 1.0 / self.config.shock_rate);
        let size =
            self.config.shock_mean + sqrt(self.config.shock_variance) * normal(&mut self.shocks);
        let size = if self.shocks.random() { size } else { -size };
        // A rate of 0 gives no time at all.
        let wait = if wait < 1e18 {
            wait as Time
        } else {
            Time::MAX / 2
        };
        self.shock = (self.shock.0.saturating_add(wait), size);
    }

    /// The value when it was last asked for, in ticks.
    pub fn last(&self) -> f64 {
        self.value
    }

    /// How fast business time passes now.
    pub(super) fn speed(&mut self, now: Time) -> f64 {
        self.value(now);
        self.activity.speed()
    }

    /// The value at `time`, in ticks; of a time before the last one asked for, the value then.
    pub fn value(&mut self, time: Time) -> f64 {
        while self.shock.0 < time {
            let (at, size) = self.shock;
            self.advance(at);
            self.value = (self.value + size).max(0.0);
            self.plan_shock();
        }
        self.advance(time);
        self.value
    }

    fn advance(&mut self, time: Time) {
        if time <= self.time {
            return;
        }
        let OracleConfig {
            mean,
            reversion,
            volatility,
            ..
        } = self.config;
        let elapsed = self.activity.elapsed(self.time, time);
        let kept = exp(-reversion * elapsed);
        // (1 - e^{-2κΔ}) / 2κ, which tends to Δ; the square of `kept` has too few digits for small κΔ.
        let spread = if reversion * elapsed < 1e-5 {
            elapsed
        } else {
            (1.0 - kept * kept) / (2.0 * reversion)
        };
        let noise = volatility * sqrt(spread) * normal(&mut self.rng);
        self.value = (mean + (self.value - mean) * kept + noise).max(0.0).round();
        self.time = time;
    }

    /// The value at `time` with an error of variance `variance`, drawn from `rng`.
    pub fn observe(&mut self, time: Time, variance: f64, rng: &mut Stream) -> f64 {
        (self.value(time) + sqrt(variance) * normal(rng)).round()
    }
}
