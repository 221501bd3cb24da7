//! Market impact: what a large order does to the price.
//!
//! Every day is simulated with the order and without it, from the same random numbers. What differs is the order's doing, and an
//! order of size 0 has exactly none. From the same question in MarS (arXiv 2409.07486), whose answer follows `σ √(Q/V)`.

use palaestra_envs::{
    market::{
        flow::{Both, Execution, OrderFlow},
        kernel::KernelConfig,
        order::{Side, Size, Time},
    },
    stream::Stream,
};
use serde::{Deserialize, Serialize};

use super::{Market, MarketError};
use crate::stats::{
    Aggregate, Bootstrap, Interval, Scores, aggregate_interval, power_law_exponent,
};

/// What is to be measured.
#[derive(Debug, Clone, PartialEq)]
pub struct ImpactConfig {
    /// Sizes of the order as shares of the volume that trades without it while it is worked.
    pub ratios: Vec<f64>,
    /// Side of the order.
    pub side: Side,
    /// Beginning of the day.
    pub open: Time,
    /// When the order begins to be worked.
    pub from: Time,
    /// When its last slice is sent at the latest.
    pub until: Time,
    /// Time between two slices.
    pub every: Time,
    /// How long the price is watched from `from` on.
    pub watch: Time,
    /// Time between two looks at the price.
    pub grid: Time,
    /// Days.
    pub days: u32,
    /// Seed of the first day; the others follow.
    pub seed: u64,
    /// Intervals.
    pub bootstrap: Bootstrap,
}

/// The impact of one size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImpactPoint {
    /// Share of the volume.
    pub ratio: f64,
    /// Shares.
    pub size: Size,
    /// Mean over days of `(mid with - mid without) / mid at the start`, in the direction of the order, at each look.
    pub curve: Vec<f64>,
    /// Place in the curve of its largest value.
    pub peak: usize,
    /// The value there.
    pub impact: Interval,
}

/// Impact by size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    /// Mean volume without the order, while it would be worked.
    pub volume: f64,
    /// One for each ratio.
    pub points: Vec<ImpactPoint>,
    /// Exponent of the impact by size, over the ratios above 0; `None` if some impact is not positive.
    pub exponent: Option<Interval>,
}

/// Measures the impact of an order in markets whose order flow `flow` makes.
///
/// # Errors
/// [`MarketError`].
pub fn impact<F: OrderFlow>(
    config: &ImpactConfig,
    kernel: &KernelConfig,
    mut flow: impl FnMut() -> F,
) -> Result<Impact, MarketError> {
    let order = |size| Execution::even(config.side, size, config.from, config.until, config.every);
    let mut market = |size| {
        let second = order(size);
        let both = Both {
            first: flow(),
            second,
        };
        Market::new(kernel.clone(), both, config.open)
    };
    let mut without = market(0)?;
    let seeds: Vec<u64> = (0..u64::from(config.days))
        .map(|day| config.seed + day)
        .collect();
    let base: Vec<Path> = seeds
        .iter()
        .map(|&seed| path(&mut without, seed, config))
        .collect::<Result<_, _>>()?;
    let volume = base.iter().map(|path| path.volume as f64).sum::<f64>() / base.len().max(1) as f64;
    let mut rng = Stream::new(config.seed, 0, "market.impact.bootstrap");
    let mut points = Vec::new();
    // For each day, the impact of each size where its curve peaks.
    let mut at_peak = vec![Vec::new(); seeds.len()];
    for &ratio in &config.ratios {
        let size = (ratio * volume).round() as Size;
        let mut with = market(size)?;
        let sign = config.side.sign() as f64;
        let mut curves = Vec::with_capacity(seeds.len());
        for (&seed, base) in seeds.iter().zip(&base) {
            let path = path(&mut with, seed, config)?;
            let pairs = path.mids.iter().zip(&base.mids);
            let curve = pairs.map(|(on, off)| sign * (on - off) / base.mids[0]);
            curves.push(curve.collect::<Vec<f64>>());
        }
        let looks = curves.first().map_or(0, Vec::len);
        let mean = |look: usize| curves.iter().map(|curve| curve[look]).sum::<f64>();
        let curve: Vec<f64> = (0..looks)
            .map(|look| mean(look) / curves.len() as f64)
            .collect();
        let peak = (0..looks)
            .max_by(|&i, &j| curve[i].total_cmp(&curve[j]))
            .unwrap_or(0);
        let values: Vec<f64> = curves.iter().map(|curve| curve[peak]).collect();
        let scores = Scores::single_task(&values)?;
        let impact = aggregate_interval(&scores, Aggregate::Mean, &config.bootstrap, &mut rng)?;
        if ratio > 0.0 {
            at_peak
                .iter_mut()
                .zip(&values)
                .for_each(|(day, value)| day.push(*value));
        }
        points.push(ImpactPoint {
            ratio,
            size,
            curve,
            peak,
            impact,
        });
    }
    let ratios: Vec<f64> = config
        .ratios
        .iter()
        .copied()
        .filter(|ratio| *ratio > 0.0)
        .collect();
    Ok(Impact {
        volume,
        exponent: power_law_exponent(&ratios, &at_peak, &config.bootstrap, &mut rng)?,
        points,
    })
}

/// The price of one day, from `from` on.
struct Path {
    mids: Vec<f64>,
    /// Shares that traded until `until`.
    volume: Size,
}

fn path<F: OrderFlow>(
    market: &mut Market<F>,
    seed: u64,
    config: &ImpactConfig,
) -> Result<Path, MarketError> {
    market.begin(seed, |_, _| {});
    // Just before the first slice.
    market.run(config.from - 1, |_, _| {});
    let (mut mids, mut volume) = (Vec::new(), 0);
    let mut last = market.mid();
    let mut look = |mid: Option<f64>, time| {
        // Between a bid that is used up and the next one, the last price stands.
        last = mid.or(last);
        last.ok_or(MarketError::NoPrice { seed, time })
    };
    mids.push(look(market.mid(), config.from)?);
    let mut time = config.from;
    while time < config.from + config.watch {
        time += config.grid.max(1);
        market.run(time, |at, event| {
            if let palaestra_envs::market::event::Event::Trade(trade) = event
                && at <= config.until
            {
                volume += trade.size;
            }
        });
        mids.push(look(market.mid(), time)?);
    }
    Ok(Path { mids, volume })
}
