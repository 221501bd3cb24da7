//! What a population may be made with.

use super::{LatencyConfig, MomentumConfig, NoiseConfig, PopulationConfig};

/// A parameter out of range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {message}")]
pub struct PopulationProblem {
    /// Its key, as `value.1.pause`.
    pub key: &'static str,
    /// What it must be.
    pub message: String,
}

/// Most traders of one kind.
const MOST: u32 = 1_000_000;
/// Shortest mean pause: a millisecond.
const SHORTEST: f64 = 1e6;

impl PopulationConfig {
    /// Everything that is out of range; empty if nothing is.
    pub fn problems(&self) -> Vec<PopulationProblem> {
        let mut found = Vec::new();
        let mut check = |key, holds: bool, message: &str| {
            if !holds {
                let message = message.into();
                found.push(PopulationProblem { key, message });
            }
        };
        let within = |x: f64, low: f64, high: f64| (low..=high).contains(&x);
        let day = 86_400_000_000_000;
        check("open", self.open >= 0, "must be at least 0");
        let later = self.close > self.open && self.close <= day;
        check("close", later, "must be after `open` and within the day");
        check(
            "tick",
            (1..=1_000_000).contains(&self.tick),
            "must be from 1 to 1000000",
        );
        check(
            "line",
            within(self.line, 0.0, 1e9),
            "must be from 0 to 1e9 metres",
        );
        check(
            "computation",
            (0..=day).contains(&self.computation),
            "must be from 0 to a day, in ns",
        );
        let o = &self.oracle;
        check(
            "oracle.mean",
            within(o.mean, 1.0, 1e9),
            "must be from 1 to 1e9 ticks",
        );
        for (key, value) in [
            ("oracle.reversion", o.reversion),
            ("oracle.volatility", o.volatility),
            ("oracle.shock_rate", o.shock_rate),
            ("oracle.shock_variance", o.shock_variance),
            ("value.1.reversion", self.value.1.reversion),
            (
                "value.1.observation_variance",
                self.value.1.observation_variance,
            ),
            ("value.1.shock_variance", self.value.1.shock_variance),
            ("value.1.surplus", self.value.1.surplus),
        ] {
            check(key, within(value, 0.0, 1e12), "must be from 0 to 1e12");
        }
        check(
            "oracle.shock_rate",
            o.shock_rate <= 1e-6,
            "must be at most 1e-6, a shock in a millisecond",
        );
        check(
            "oracle.shock_mean",
            within(o.shock_mean, -1e9, 1e9),
            "must be from -1e9 to 1e9 ticks",
        );
        let a = &self.activity;
        check(
            "activity.deviation",
            within(a.deviation, 0.0, 3.0),
            "must be from 0 to 3",
        );
        check(
            "activity.memory",
            a.deviation == 0.0 || within(a.memory, 1e9, 1e18),
            "must be from a second (1e9) to 1e18",
        );
        for (key, count) in [
            ("noise.0", self.noise.0),
            ("value.0", self.value.0),
            ("momentum.0", self.momentum.0),
            ("market_makers.0", self.market_makers.0),
        ] {
            check(key, count <= MOST, "must be at most 1000000");
        }
        check(
            "market_makers.1.levels",
            self.ladder_orders() <= 1 << 20,
            "must be fewer, or there must be fewer traders: a book holds 2^20 orders",
        );
        for (key, pause) in [
            ("value.1.pause", self.value.1.pause),
            ("momentum.1.pause", self.momentum.1.pause),
            ("market_makers.1.pause", self.market_makers.1.pause),
        ] {
            check(
                key,
                within(pause, SHORTEST, 1e18),
                "must be from a millisecond (1e6) to 1e18",
            );
        }
        let NoiseConfig { from, until } = self.noise.1;
        check(
            "noise.1.until",
            until > from && from >= 0 && until <= day,
            "must be after `from`, both within the day",
        );
        check(
            "value.1.aggressive",
            within(self.value.1.aggressive, 0.0, 1.0),
            "must be from 0 to 1",
        );
        check(
            "value.1.depth",
            (1..=1_000_000).contains(&self.value.1.depth),
            "must be from 1 to 1000000",
        );
        let MomentumConfig { short, long, .. } = self.momentum.1;
        check("momentum.1.short", short <= long, "must be at most `long`");
        for (key, length) in [("momentum.1.short", short), ("momentum.1.long", long)] {
            check(
                key,
                (1..=100_000).contains(&length),
                "must be from 1 to 100000",
            );
        }
        let m = &self.market_makers.1;
        check(
            "market_makers.1.levels",
            m.levels <= 1000,
            "must be at most 1000",
        );
        check(
            "market_makers.1.quote_delay",
            (0..=day).contains(&m.quote_delay),
            "must be from 0 to a day, in ns",
        );
        if let LatencyConfig::Cubic(cubic) = self.latency {
            let ranges = [
                ("latency.cubic.jitter", cubic.jitter, 0.0, 1.0),
                ("latency.cubic.clip", cubic.clip, 1e-3, 1.0),
                ("latency.cubic.unit", cubic.unit, 1e-3, 1e9),
            ];
            for (key, value, low, high) in ranges {
                let message = format!("must be from {low} to {high}");
                check(key, within(value, low, high), &message);
            }
        }
        check(
            "market_makers.1.min_size",
            (0..=1_000_000_000).contains(&m.min_size),
            "must be from 0 to 1e9",
        );
        for (key, value, high) in [
            ("market_makers.1.participation", m.participation, 1.0),
            ("market_makers.1.imbalance", m.imbalance, 1.0),
            ("market_makers.1.size_growth", m.size_growth, 1000.0),
            ("market_makers.1.level_spacing", m.level_spacing, 1e6),
            ("market_makers.1.spread_weight", m.spread_weight, 1.0),
            ("market_makers.1.initial_spread", m.initial_spread, 1e6),
            ("market_makers.1.price_skew", m.price_skew, 1e6),
        ] {
            let message = format!("must be from 0 to {high}");
            check(key, within(value, 0.0, high), &message);
        }
        found
    }
}
