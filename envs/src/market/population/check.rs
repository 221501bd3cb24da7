//! What a population may be made with.

use super::PopulationConfig;

impl PopulationConfig {
    /// Whether all values are in their ranges.
    ///
    /// # Errors
    /// The path of the first that is not, and what it may be.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let Self {
            oracle,
            noise,
            value,
            momentum,
            market_makers: makers,
            ..
        } = self;
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let at_least_zero = |x: f64| x.is_finite() && x >= 0.0;
        let traders = [noise.0, value.0, momentum.0, makers.0];
        let checks = [
            (self.open >= 0, "open", "at least 0"),
            (
                self.close > self.open && self.close <= 1 << 53,
                "close",
                "after open, and at most 2^53",
            ),
            ((1..=100_000).contains(&self.tick), "tick", "1 to 100,000"),
            (at_least_zero(self.line), "line", ">= 0"),
            (
                (0..=1 << 40).contains(&self.computation),
                "computation",
                "0 to 2^40",
            ),
            (
                traders.iter().all(|&count| count <= 1_000_000),
                "noise",
                "at most 1,000,000 traders of a kind",
            ),
            (positive(oracle.mean), "oracle.mean", "> 0"),
            (at_least_zero(oracle.reversion), "oracle.reversion", ">= 0"),
            (
                at_least_zero(oracle.volatility),
                "oracle.volatility",
                ">= 0",
            ),
            (
                at_least_zero(oracle.shock_rate),
                "oracle.shock_rate",
                ">= 0",
            ),
            (
                oracle.shock_mean.is_finite(),
                "oracle.shock_mean",
                "a number",
            ),
            (
                at_least_zero(oracle.shock_variance),
                "oracle.shock_variance",
                ">= 0",
            ),
            (noise.1.from < noise.1.until, "noise.1.until", "after from"),
            (positive(value.1.pause), "value.1.pause", "> 0"),
            (positive(momentum.1.pause), "momentum.1.pause", "> 0"),
            (
                (1..=momentum.1.long).contains(&momentum.1.short) && momentum.1.long <= 100_000,
                "momentum.1.long",
                "at least short, which is at least 1, and at most 100,000",
            ),
            (positive(makers.1.pause), "market_makers.1.pause", "> 0"),
            (
                makers.1.levels <= 1000,
                "market_makers.1.levels",
                "at most 1000",
            ),
            (
                makers.1.min_size >= 1,
                "market_makers.1.min_size",
                "at least 1",
            ),
        ];
        match checks.into_iter().find(|(fine, ..)| !fine) {
            None => Ok(()),
            Some((_, path, range)) => Err((path, range)),
        }
    }
}
