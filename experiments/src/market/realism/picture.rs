//! One day of a market, minute by minute, to be looked at.

use palaestra_envs::market::{
    event::Event,
    kernel::{SECOND, Symbol},
    order::Side,
    population::{Population, PopulationConfig},
};
use serde::Serialize;

use super::Market;

/// Steps of prices in the picture of the depth.
const PRICES: usize = 60;

/// A day, a value for each minute. Prices are in ticks; where there is none, `null`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DayPicture {
    /// Its seed.
    pub seed: u64,
    /// Minutes after the opening.
    pub minutes: Vec<f64>,
    /// Mean of the best bid and the best ask.
    pub mid: Vec<Option<f64>>,
    /// The fundamental value, when it was last asked for.
    pub fundamental: Vec<f64>,
    /// Best ask less best bid.
    pub spread: Vec<Option<f64>>,
    /// Shares that traded in the minute.
    pub volume: Vec<f64>,
    /// Lowest price of the picture of the depth.
    pub depth_from: i64,
    /// Ticks of one of its rows.
    pub depth_step: i64,
    /// Shares displayed, `[row][minute]`, rows from the lowest price up.
    pub depth: Vec<Vec<f64>>,
}

impl DayPicture {
    /// The day of `seed`.
    pub fn of(market: &mut Market<Population>, seed: u64, config: &PopulationConfig) -> Self {
        let minute = 60 * SECOND;
        let tick = config.tick;
        let mut day = Self {
            seed,
            minutes: Vec::new(),
            mid: Vec::new(),
            fundamental: Vec::new(),
            spread: Vec::new(),
            volume: Vec::new(),
            depth_from: 0,
            depth_step: 1,
            depth: Vec::new(),
        };
        let mut books: Vec<Vec<(i64, f64)>> = Vec::new();
        market.begin(seed, |_, _| {});
        // The close itself is left out: orders do not outlive it.
        for k in 1..(config.close - config.open) / minute {
            let mut volume = 0.0;
            market.run(config.open + k * minute, |_, event| {
                if let Event::Trade(trade) = event {
                    volume += trade.size as f64;
                }
            });
            let book = market.kernel().book(Symbol(0));
            let [bid, ask] = Side::BOTH.map(|side| book.best(side));
            let both = bid.zip(ask);
            day.minutes.push(k as f64);
            day.mid
                .push(both.map(|(bid, ask)| 0.5 * (bid + ask) as f64 / tick as f64));
            day.spread
                .push(both.map(|(bid, ask)| (ask - bid) as f64 / tick as f64));
            day.fundamental.push(market.flow.fundamental());
            day.volume.push(volume);
            let levels = Side::BOTH.into_iter().flat_map(|side| book.levels(side));
            let levels = levels.map(|level| (level.price / tick, level.size as f64));
            books.push(levels.collect());
        }
        day.set_depth(&books);
        day
    }

    /// Rows around all prices of the day.
    fn set_depth(&mut self, books: &[Vec<(i64, f64)>]) {
        let mids = || self.mid.iter().flatten().copied();
        let low = mids().fold(f64::INFINITY, f64::min);
        let high = mids().fold(f64::NEG_INFINITY, f64::max);
        if low > high {
            return;
        }
        let margin = f64::max(0.15 * (high - low), 10.0);
        let (low, high) = ((low - margin).floor(), (high + margin).ceil());
        let step = ((high - low) / PRICES as f64).ceil().max(1.0);
        self.depth_from = low as i64;
        self.depth_step = step as i64;
        self.depth = vec![vec![0.0; books.len()]; PRICES];
        for (minute, levels) in books.iter().enumerate() {
            for (price, size) in levels {
                let row = (price - self.depth_from).div_euclid(self.depth_step);
                if let Some(row) = usize::try_from(row).ok().filter(|row| *row < PRICES) {
                    self.depth[row][minute] += size;
                }
            }
        }
    }
}
