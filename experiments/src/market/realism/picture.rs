//! What a market looks like in time: price, spread, volume and depth, to be drawn.

use palaestra_envs::market::{
    book::Depth,
    event::Event,
    kernel::{SECOND, Symbol},
    order::{Price, Side},
    population::{Population, PopulationConfig},
};
use serde::Serialize;

use super::{Market, MarketError};

/// Steps of prices in the picture of the depth.
const PRICES: usize = 60;

/// A market at some moments. Prices are in ticks; where there is none, `null`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MarketPath {
    /// The moments; the unit is told beside.
    pub times: Vec<f64>,
    /// Mean of the best bid and the best ask.
    pub mid: Vec<Option<f64>>,
    /// Best ask less best bid.
    pub spread: Vec<Option<f64>>,
    /// Shares that traded since the moment before.
    pub volume: Vec<f64>,
    /// Lowest price of the picture of the depth.
    pub depth_from: i64,
    /// Ticks of one of its rows.
    pub depth_step: i64,
    /// Shares displayed, `[row][moment]`, rows from the lowest price up.
    pub depth: Vec<Vec<f64>>,
}

/// Collects a [`MarketPath`].
#[derive(Debug)]
pub struct PathTape {
    path: MarketPath,
    tick: Price,
    /// Price in ticks and size of all levels at each moment.
    books: Vec<Vec<(i64, f64)>>,
}

impl PathTape {
    /// Of a market whose prices are multiples of `tick`.
    pub fn new(tick: Price) -> Self {
        Self {
            path: MarketPath::default(),
            tick,
            books: Vec::new(),
        }
    }

    /// The book at a moment, levels from the best on, and what traded since the one before.
    pub fn add(
        &mut self,
        time: f64,
        volume: f64,
        bids: impl Iterator<Item = Depth>,
        asks: impl Iterator<Item = Depth>,
    ) {
        let tick = self.tick;
        let level = |level: Depth| (level.price, level.size as f64);
        let [bids, asks]: [Vec<_>; 2] = [bids.map(level).collect(), asks.map(level).collect()];
        let touch = bids.first().zip(asks.first());
        let of = |value: fn(i64, i64) -> f64| touch.map(|(b, a)| value(b.0, a.0) / tick as f64);
        self.path.times.push(time);
        self.path.mid.push(of(|bid, ask| 0.5 * (bid + ask) as f64));
        self.path.spread.push(of(|bid, ask| (ask - bid) as f64));
        self.path.volume.push(volume);
        let levels = bids.into_iter().chain(asks);
        self.books.push(
            levels
                .map(|(price, size)| (price.div_euclid(tick), size))
                .collect(),
        );
    }

    /// What was collected, with rows of depth around all prices.
    pub fn finish(self) -> MarketPath {
        let (mut path, books) = (self.path, self.books);
        path.depth_step = 1;
        let mids = || path.mid.iter().flatten().copied();
        let low = mids().fold(f64::INFINITY, f64::min);
        let high = mids().fold(f64::NEG_INFINITY, f64::max);
        if low > high {
            return path;
        }
        let margin = f64::max(0.15 * (high - low), 10.0);
        let (low, high) = ((low - margin).floor(), (high + margin).ceil());
        let step = ((high - low) / PRICES as f64).ceil().max(1.0);
        (path.depth_from, path.depth_step) = (low as i64, step as i64);
        let rows = (((high - low) / step).ceil() as usize).min(PRICES);
        path.depth = vec![vec![0.0; books.len()]; rows];
        for (moment, levels) in books.iter().enumerate() {
            for (price, size) in levels {
                let row = (price - path.depth_from).div_euclid(path.depth_step);
                if let Some(row) = usize::try_from(row)
                    .ok()
                    .and_then(|row| path.depth.get_mut(row))
                {
                    row[moment] += size;
                }
            }
        }
        path
    }
}

/// A simulated day, minutes after the opening.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DayPicture {
    /// Its seed.
    pub seed: u64,
    /// What it looks like, minute by minute.
    #[serde(flatten)]
    pub path: MarketPath,
    /// The fundamental value in ticks, when it was last asked for.
    pub fundamental: Vec<f64>,
}

impl DayPicture {
    /// The day of `seed`.
    ///
    /// # Errors
    /// [`MarketError::Full`].
    pub fn of(
        market: &mut Market<Population>,
        seed: u64,
        config: &PopulationConfig,
    ) -> Result<Self, MarketError> {
        let minute = 60 * SECOND;
        let mut tape = PathTape::new(config.tick);
        let mut fundamental = Vec::new();
        market.begin(seed, |_, _| {});
        // The close itself is left out: orders do not outlive it.
        for k in 1..(config.close - config.open) / minute {
            let mut volume = 0.0;
            market.run(config.open + k * minute, |_, event| {
                if let Event::Trade(trade) = event {
                    volume += trade.size as f64;
                }
            })?;
            let book = market.kernel().book(Symbol(0));
            let [bids, asks] = Side::BOTH.map(|side| book.levels(side));
            tape.add(k as f64, volume, bids, asks);
            fundamental.push(market.flow.fundamental());
        }
        Ok(Self {
            seed,
            path: tape.finish(),
            fundamental,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_prices_in_ticks_and_depth_around_them() {
        let level = |price, size| Depth {
            price,
            size,
            count: 1,
        };
        let mut tape = PathTape::new(100);
        tape.add(
            0.0,
            0.0,
            [level(9_900, 7)].into_iter(),
            [level(10_200, 5)].into_iter(),
        );
        tape.add(
            1.0,
            30.0,
            [].into_iter(),
            [level(10_100, 5), level(99_900, 1)].into_iter(),
        );
        let path = tape.finish();
        assert_eq!(
            (&path.mid[..], &path.spread[..]),
            (&[Some(100.5), None][..], &[Some(3.0), None][..])
        );
        assert_eq!(path.volume, [0.0, 30.0]);
        // Ten ticks around the one price there was, a row each.
        assert_eq!(
            (path.depth_from, path.depth_step, path.depth.len()),
            (90, 1, 21)
        );
        assert_eq!(
            (&path.depth[9][..], &path.depth[11][..], &path.depth[12][..]),
            (&[7.0, 0.0][..], &[0.0, 5.0][..], &[5.0, 0.0][..])
        );
        let sum: f64 = path.depth.iter().flatten().sum();
        assert_eq!(sum, 17.0);
        assert_eq!(PathTape::new(1).finish().depth_step, 1);
    }
}
