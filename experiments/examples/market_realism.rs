//! How real the population of traders looks: the stylised facts of its days, and the impact of orders of several sizes.
//!
//! ```sh
//! cargo run --release -p palaestra --example market_realism -- 200
//! ```

#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::time::Instant;

use palaestra::{
    market::realism::{FactSettings, ImpactConfig, Market, StylisedFacts, impact},
    stats::Bootstrap,
};
use palaestra_envs::{
    market::{
        book::BookConfig,
        kernel::{Calendar, KernelConfig, SECOND, clock},
        order::Side,
        population::{Population, PopulationConfig},
    },
    stream::Stream,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let days = std::env::args()
        .nth(1)
        .map_or(Ok(200), |days| days.parse())?;
    let kernel = KernelConfig {
        calendar: Some(Calendar::new_york()),
        ..KernelConfig::single(BookConfig::default())
    };
    let population = || Population::new(PopulationConfig::default(), 0);
    let (open, close) = (clock(9, 30, 0), clock(16, 0, 0));
    let mut market = Market::new(kernel.clone(), population(), open)?;
    let begin = Instant::now();
    let mut events = 0;
    let mut bars = Vec::new();
    for seed in 0..u64::from(days) {
        bars.push(market.bars(seed, close));
        events += market.kernel().events();
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{days} days, {events} kernel events in {seconds:.2} s: {:.0} a second",
        events as f64 / seconds
    );
    let mut rng = Stream::new(0, 0, "facts.bootstrap");
    println!(
        "{}",
        StylisedFacts::of(&bars, &FactSettings::default(), &mut rng)?
    );

    let config = ImpactConfig {
        ratios: vec![0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3],
        side: Side::Buy,
        open,
        from: clock(10, 0, 0),
        until: clock(10, 30, 0),
        every: 30 * SECOND,
        watch: 3600 * SECOND,
        grid: 60 * SECOND,
        days,
        seed: 0,
        bootstrap: Bootstrap::with_replicates(2_000),
    };
    let found = impact(&config, &kernel, population)?;
    println!(
        "impact of buying a share of {:.0} shares in half an hour",
        found.volume
    );
    for point in &found.points {
        let i = point.impact;
        println!(
            "{:>4.0} %  {:>6} shares  {:+.3} bp [{:+.3}, {:+.3}] after {} min",
            100.0 * point.ratio,
            point.size,
            1e4 * i.estimate,
            1e4 * i.low,
            1e4 * i.high,
            point.peak
        );
    }
    println!("exponent {:?}", found.exponent);
    Ok(())
}
