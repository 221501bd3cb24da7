//! Simulated days held against a recording: the distance of every statistic of LOB-Bench (arXiv 2502.09172), and whether the two can
//! be told apart at all.
//!
//! Both are cut into windows of as many messages, of which some are kept, evenly spread. Intervals resample windows, since
//! neighbouring messages are alike. Even equal markets are some way apart in a sample: the distance of every other window of the
//! recording from the rest tells how far.

use palaestra_envs::market::{
    data::{Clock, Position, RecordedBooks, Rules, Units, published},
    event::Event,
    order::Time,
};
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    discriminator::{FEWEST, area_under_curve},
    distances::Pair,
    features::{STATISTICS, Window, Windows},
    moments::{Moments, quantile},
};
use crate::{
    market::{Format, MarketError, Recording},
    stats::{Bootstrap, Interval, StatsError, draw},
};

/// How days are compared with a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AgainstConfig {
    /// Messages of a window.
    pub window: u32,
    /// Most windows of either market.
    pub windows: u32,
    /// Replicates of the bootstrap.
    pub replicates: u32,
}

impl Default for AgainstConfig {
    fn default() -> Self {
        Self {
            window: 100,
            windows: 400,
            replicates: 500,
        }
    }
}

/// A recording in windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Its file.
    pub file: String,
    /// Its format.
    pub format: Format,
    /// Its symbol.
    pub symbol: String,
    /// Its events.
    pub events: u64,
    windows: Vec<Window>,
}

impl Reference {
    /// Reads a recording of one symbol to its end; `each` is called after every event.
    ///
    /// # Errors
    /// [`MarketError`] if it cannot be read, is about several symbols, or is too short.
    pub fn read(
        recording: &mut Recording,
        config: &AgainstConfig,
        mut each: impl FnMut(&Recording),
    ) -> Result<Self, MarketError> {
        let (length, keep) = (config.window as usize, config.windows as usize);
        let mut windows = Windows::new(length, keep, recording.units());
        let (mut symbol, mut events) = (None, 0);
        while let Some(event) = recording.next_event()? {
            each(recording);
            events += 1;
            let Some(book) = recording.books().book(event.symbol) else {
                continue;
            };
            windows.add(&event, book);
            if recording.books().num_symbols() > 1 {
                return Err(MarketError::request(
                    format!("{} is about several symbols", recording.path().display()),
                    "choose one with --symbol",
                ));
            }
            symbol = Some(event.symbol);
        }
        recording.check_symbol()?;
        let windows = windows.finish();
        if windows.len() < 2 {
            return Err(MarketError::request(
                format!(
                    "{} has {events} events: a comparison needs two or more windows of {length} messages, and they fill {}",
                    recording.path().display(),
                    windows.len()
                ),
                "take a longer recording, or shorter windows: --set against.window=20",
            ));
        }
        Ok(Self {
            file: recording.path().display().to_string(),
            format: recording.format(),
            symbol: symbol.map_or_else(String::new, |number| recording.symbol(number)),
            events,
            windows,
        })
    }
}

/// Measures a simulated day as if it had been recorded.
#[derive(Debug)]
pub struct DayWindows {
    windows: Windows,
    books: RecordedBooks,
    close: Time,
}

impl DayWindows {
    /// At most `keep` windows of `length` messages before `close`, when orders expire.
    pub fn new(length: usize, keep: usize, close: Time) -> Self {
        let units = Units {
            clock: Clock::Midnight,
            price_decimals: 4,
            size_decimals: 0,
        };
        Self {
            windows: Windows::new(length, keep, units),
            books: RecordedBooks::new(Rules::Lenient),
            close,
        }
    }

    /// Takes in an event of the exchange.
    pub fn event(&mut self, time: Time, event: &Event) {
        if time >= self.close {
            return;
        }
        let Some(mut event) = published(time, event) else {
            return;
        };
        if let Ok(book) = self.books.apply(&mut event, Position::Row(0)) {
            self.windows.add(&event, book);
        }
    }

    /// The windows of the day.
    pub fn finish(self) -> Vec<Window> {
        self.windows.finish()
    }

    /// What the events tell of the book.
    #[cfg(test)]
    pub(super) fn books(&self) -> &RecordedBooks {
        &self.books
    }
}

/// One statistic of a market.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Description {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub deviation: f64,
    /// Median.
    pub median: f64,
}

/// How one statistic of the two markets compares.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatisticDistance {
    /// Which one, of [`STATISTICS`].
    pub statistic: &'static str,
    /// In the simulated market.
    pub simulated: Description,
    /// In the recording.
    pub recorded: Description,
    /// Half the absolute difference of the histograms, 0 to 1.
    pub l1: Interval,
    /// Wasserstein distance in standard deviations of the recording; absent if that does not vary.
    pub wasserstein: Option<Interval>,
    /// `l1` between every other window of the recording and the rest.
    pub l1_within: Option<f64>,
    /// The Wasserstein distance between these.
    pub wasserstein_within: Option<f64>,
}

/// Simulated days held against a recording.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// File of the recording.
    pub file: String,
    /// Its format.
    pub format: Format,
    /// Its symbol.
    pub symbol: String,
    /// Its events.
    pub events: u64,
    /// Windows of the simulated days and of the recording.
    pub windows: [usize; 2],
    /// The statistics that both have.
    pub statistics: Vec<StatisticDistance>,
    /// Those that one of them lacks.
    pub missing: Vec<&'static str>,
    /// The probability that a window of the recording is held for recorded rather than one of the simulation; absent with fewer
    /// than eight windows of either.
    pub discriminator: Option<Interval>,
}

/// Fewest windows of a market with a discriminator.
pub const FEWEST_WINDOWS: usize = 2 * FEWEST;

/// Compares windows of simulated days, in their order, with a recording.
///
/// # Errors
/// [`StatsError`] for no windows and bad settings of the bootstrap.
pub fn compare(
    simulated: &[Window],
    reference: &Reference,
    bootstrap: &Bootstrap,
    rng: &mut impl Rng,
) -> Result<Comparison, StatsError> {
    bootstrap.check()?;
    let recorded = &reference.windows;
    if simulated.is_empty() || recorded.is_empty() {
        return Err(StatsError::Empty { what: "windows" });
    }
    let mut found = Comparison {
        file: reference.file.clone(),
        format: reference.format,
        symbol: reference.symbol.clone(),
        events: reference.events,
        windows: [simulated.len(), recorded.len()],
        statistics: Vec::new(),
        missing: Vec::new(),
        discriminator: area_under_curve(simulated, recorded, bootstrap, rng)?,
    };
    for (k, statistic) in STATISTICS.into_iter().enumerate() {
        match of_statistic(k, simulated, recorded, bootstrap, rng) {
            Some(distance) => found.statistics.push(distance),
            None => found.missing.push(statistic),
        }
    }
    Ok(found)
}

fn of_statistic(
    k: usize,
    simulated: &[Window],
    recorded: &[Window],
    bootstrap: &Bootstrap,
    rng: &mut impl Rng,
) -> Option<StatisticDistance> {
    let (sample, whole) = (groups(simulated, k), groups(recorded, k));
    let pair = Pair::new(&sample, &whole)?;
    let ones = |groups: &[&[f64]]| vec![1.0; groups.len()];
    let estimate = pair.distance([&ones(&sample), &ones(&whole)]);
    let mut drawn = |groups: usize| {
        let mut weights = vec![0.0; groups];
        (0..groups).for_each(|_| weights[draw(rng, groups)] += 1.0);
        weights
    };
    let replicates: Vec<_> = (0..bootstrap.replicates)
        .map(|_| {
            let weights = [drawn(sample.len()), drawn(whole.len())];
            pair.distance([&weights[0], &weights[1]])
        })
        .collect();
    let interval = |estimate: f64, of: &dyn Fn(&super::distances::Distance) -> f64| {
        let mut values: Vec<f64> = replicates
            .iter()
            .map(of)
            .filter(|x| x.is_finite())
            .collect();
        (estimate.is_finite() && !values.is_empty())
            .then(|| bootstrap.interval(estimate, &mut values))
    };
    let every_other = |first: usize| {
        whole
            .iter()
            .copied()
            .skip(first)
            .step_by(2)
            .collect::<Vec<_>>()
    };
    let (even, odd) = (every_other(0), every_other(1));
    let within = Pair::new(&even, &odd).map(|pair| pair.distance([&ones(&even), &ones(&odd)]));
    let finite = |x: f64| x.is_finite().then_some(x);
    Some(StatisticDistance {
        statistic: STATISTICS[k],
        simulated: describe(&sample),
        recorded: describe(&whole),
        l1: interval(estimate.l1, &|d| d.l1)?,
        wasserstein: interval(estimate.wasserstein, &|d| d.wasserstein),
        l1_within: within.and_then(|d| finite(d.l1)),
        wasserstein_within: within.and_then(|d| finite(d.wasserstein)),
    })
}

/// The values of statistic `k` in each window.
fn groups(windows: &[Window], k: usize) -> Vec<&[f64]> {
    windows.iter().map(|window| &window.values[k][..]).collect()
}

fn describe(groups: &[&[f64]]) -> Description {
    let values: Vec<f64> = groups.iter().copied().flatten().copied().collect();
    let moments = Moments::of(values.iter().copied());
    Description {
        mean: moments.mean(),
        deviation: moments.deviation(),
        median: quantile(&values, 0.5),
    }
}
