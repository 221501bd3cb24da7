//! Market impact: what a large order does to the price.
//!
//! Every day is simulated with the order and without it, from the same random numbers. What differs is the order's doing, and an
//! order of size 0 has exactly none. From the same question in MarS (arXiv 2409.07486), whose answer follows `σ √(Q/V)`. `V` is
//! what trades on that day without the order, so that a share is a share on busy days and on quiet ones.

mod summary;

use palaestra_envs::market::{
    event::Event,
    flow::{Both, Execution, OrderFlow},
    kernel::KernelConfig,
    order::{Side, Size, Time},
};
use serde::{Deserialize, Serialize};

use super::{Market, MarketError, threads::each_day};
use crate::stats::{Bootstrap, Interval};

/// What is to be measured.
#[derive(Debug, Clone, PartialEq)]
pub struct ImpactConfig {
    /// Sizes of the order as shares of the volume that trades without it while it is worked.
    pub ratios: Vec<f64>,
    /// Side of the order.
    pub side: Side,
    /// Beginning of the day.
    pub open: Time,
    /// Time of the first slice.
    pub from: Time,
    /// How long the order is worked.
    pub lasts: Time,
    /// Time between two slices, which are equal; the last is sent so long before the end.
    pub every: Time,
    /// How long the price is watched from `from` on.
    pub watch: Time,
    /// Time between two looks at the price.
    pub grid: Time,
    /// Days.
    pub days: u32,
    /// Seed of the first day; the others follow.
    pub seed: u64,
    /// Threads; no result depends on it.
    pub threads: usize,
    /// Intervals.
    pub bootstrap: Bootstrap,
}

/// The impact of one size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImpactPoint {
    /// Share of the volume.
    pub ratio: f64,
    /// Shares, mean over days.
    pub size: f64,
    /// Mean over days of `(mid with - mid without) / mid at the start`, in the direction of the order, at each look.
    pub curve: Vec<Interval>,
    /// Place in the curve of the largest value while the order is worked.
    pub peak: usize,
    /// The largest value while the order is worked; every sample of days has its own moment for it. A largest value is above
    /// that at any fixed moment, the more so the fewer days there are.
    pub impact: Interval,
    /// Mean over the last looks before each next slice and before the end: what is left of a slice by then. Absent without looks
    /// between slices.
    pub between: Option<Interval>,
    /// The value when the order has been worked.
    pub end: Interval,
    /// The value at the last look.
    pub after: Interval,
}

/// Impact by size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    /// Days.
    pub days: u32,
    /// Mean volume without the order, while it would be worked.
    pub volume: f64,
    /// Seconds after the first slice at which the price was looked at.
    pub looks: Vec<f64>,
    /// One for each ratio.
    pub points: Vec<ImpactPoint>,
    /// Exponent of the largest impact by size, over the ratios above 0; `None` if some impact is not positive.
    pub exponent: Option<Interval>,
    /// What the law of that exponent gives for a ratio of 1.
    pub factor: Option<f64>,
    /// Exponent of the impact when the order has been worked.
    pub end_exponent: Option<Interval>,
}

impl Impact {
    /// Whether more is never cheaper: the impacts at the peaks in the order of the ratios.
    pub fn is_monotone(&self) -> bool {
        let mut points: Vec<&ImpactPoint> = self.points.iter().collect();
        points.sort_by(|x, y| x.ratio.total_cmp(&y.ratio));
        let mut pairs = points.windows(2);
        pairs.all(|pair| pair[0].impact.estimate <= pair[1].impact.estimate)
    }
}

/// One day: what traded without the order, and for each ratio the shares and the curve.
struct Day {
    volume: Size,
    sizes: Vec<Size>,
    curves: Vec<Vec<f64>>,
}

/// Measures the impact of an order in markets whose order flow `flow` makes; `done` is called after each simulated day.
///
/// # Errors
/// [`MarketError`].
pub fn impact<F: OrderFlow>(
    config: &ImpactConfig,
    kernel: &KernelConfig,
    flow: impl Fn() -> F + Sync,
    done: impl Fn() + Sync,
) -> Result<Impact, MarketError> {
    let until = config.from + (config.lasts - config.every).max(0);
    let make = || {
        let second = Execution::even(config.side, 0, config.from, until, config.every);
        let first = flow();
        Market::new(kernel.clone(), Both { first, second }, config.open)
    };
    let day = |market: &mut Market<Both<F, Execution>>, day: usize| {
        let seed = config.seed + day as u64;
        let path = |market: &mut Market<Both<F, Execution>>, size| {
            market.flow.second.size = size;
            let path = path(market, seed, config);
            done();
            path
        };
        let without = path(market, 0)?;
        let size = |ratio: &f64| (ratio * without.volume as f64).round() as Size;
        let sizes: Vec<Size> = config.ratios.iter().map(size).collect();
        let sign = config.side.sign() as f64;
        let curves = sizes.iter().map(|&size| {
            let with = path(market, size)?;
            let pairs = with.mids.iter().zip(&without.mids);
            let curve = pairs.map(|(on, off)| sign * (on - off) / without.mids[0]);
            Ok(curve.collect())
        });
        Ok(Day {
            volume: without.volume,
            curves: curves.collect::<Result<_, MarketError>>()?,
            sizes,
        })
    };
    let days = each_day(config.days as usize, config.threads, make, day)?;
    summary::summary(config, &days)
}

/// The price of one day, from `from` on.
struct Path {
    mids: Vec<f64>,
    /// Shares that traded while the order is worked.
    volume: Size,
}

fn path<F: OrderFlow>(
    market: &mut Market<F>,
    seed: u64,
    config: &ImpactConfig,
) -> Result<Path, MarketError> {
    market.begin(seed, |_, _| {});
    // Just before the first slice.
    market.run(config.from - 1, |_, _| {})?;
    let (mut mids, mut volume) = (Vec::new(), 0);
    let mut last = market.mid();
    let mut look = |mid: Option<f64>, time| {
        // Between a bid that is used up and the next one, the last price stands.
        last = mid.or(last);
        last.ok_or(MarketError::NoPrice { seed, time })
    };
    mids.push(look(market.mid(), config.from)?);
    for step in 1..=config.watch / config.grid.max(1) {
        let time = config.from + step * config.grid.max(1);
        market.run(time, |at, event| {
            if let Event::Trade(trade) = event
                && at < config.from + config.lasts
            {
                volume += trade.size;
            }
        })?;
        mids.push(look(market.mid(), time)?);
    }
    Ok(Path { mids, volume })
}
