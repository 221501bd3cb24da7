//! A study of how real a simulated market looks, as a file asks for it: the facts of many days, the impact of orders of several
//! sizes, and one day to look at.

use std::time::Instant;

use palaestra_envs::{
    market::{
        book::{BookConfig, Rules},
        kernel::{Calendar, KernelConfig, SECOND},
        order::Side,
        population::{Population, PopulationConfig, Preset},
    },
    math::{ln, sqrt},
    stream::Stream,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    DayPicture, FactSettings, Impact, ImpactConfig, Market, MarketError, MinuteBars, StylisedFacts,
    against::{AgainstConfig, Comparison, DayWindows, Reference, compare},
    features::{Window, evenly},
    impact,
    threads::each_day,
};
use crate::{
    config::{ConfigError, Document},
    stats::Bootstrap,
};

/// Most days of a study.
const MOST_DAYS: u32 = 1_000_000;

/// What a file asks for. Keys of the population that it leaves out are those of its preset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RealismConfig {
    /// Name of the study.
    pub name: String,
    /// What it is, in a line or two.
    #[serde(default)]
    pub description: String,
    /// The population that [`population`](Self::population) changes.
    #[serde(default)]
    pub preset: Preset,
    /// Seed of the first day; the others follow.
    #[serde(default)]
    pub seed: u64,
    /// The facts.
    #[serde(default)]
    pub facts: FactsConfig,
    /// Market impact; left out if the file has no such table.
    #[serde(default)]
    pub impact: Option<ImpactSettings>,
    /// How the days are compared with a recording, if there is one.
    #[serde(default)]
    pub against: AgainstConfig,
    /// Who trades.
    pub population: PopulationConfig,
}

/// How the facts are computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FactsConfig {
    /// Days.
    pub days: u32,
    /// Replicates of the bootstrap.
    pub replicates: u32,
}

impl Default for FactsConfig {
    fn default() -> Self {
        Self {
            days: 200,
            replicates: 1000,
        }
    }
}

/// How impact is measured. The defaults are MarS's pace: five minutes in slices of half a minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ImpactSettings {
    /// Days.
    pub days: u32,
    /// Whether the order sells.
    pub sell: bool,
    /// Sizes of the order as shares of what trades without it while it is worked.
    pub ratios: Vec<f64>,
    /// Time of the first slice, minutes after the opening.
    pub begin_minutes: f64,
    /// How long the order is worked, s.
    pub lasts_seconds: f64,
    /// Time between two slices, s.
    pub every_seconds: f64,
    /// How long the price is watched from the first slice on, s.
    pub watch_seconds: f64,
    /// Time between two looks at the price, s.
    pub look_seconds: f64,
    /// Replicates of the bootstrap.
    pub replicates: u32,
}

impl Default for ImpactSettings {
    fn default() -> Self {
        Self {
            days: 200,
            sell: false,
            ratios: vec![0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3],
            begin_minutes: 30.0,
            lasts_seconds: 300.0,
            every_seconds: 30.0,
            watch_seconds: 600.0,
            look_seconds: 5.0,
            replicates: 2000,
        }
    }
}

/// The keys that decide how the others are read.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    preset: Preset,
}

impl RealismConfig {
    /// Reads a file with its overrides.
    ///
    /// # Errors
    /// All problems with their places.
    pub fn read(document: &Document) -> Result<Self, ConfigError> {
        let Head { preset } = document.read_as()?;
        let mut document = document.clone();
        let defaults = toml::Value::try_from(preset.config())
            .map_err(|e| document.error(vec![document.problem("", &e.to_string(), None)]))?;
        document.fill("population", defaults);
        let config: Self = document.read_as()?;
        let problems: Vec<_> = config
            .problems()
            .into_iter()
            .map(|(key, message)| document.problem(&key, &message, None))
            .collect();
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(document.error(problems))
        }
    }

    /// What is out of range, by key.
    fn problems(&self) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        let mut check = |key: &str, holds: bool, message: &str| {
            if !holds {
                found.push((key.into(), message.into()));
            }
        };
        let days = |days: u32| (1..=MOST_DAYS).contains(&days);
        let replicates = |replicates: u32| (1..=MOST_DAYS).contains(&replicates);
        check(
            "facts.days",
            days(self.facts.days),
            "must be from 1 to 1000000",
        );
        check(
            "facts.replicates",
            replicates(self.facts.replicates),
            "must be from 1 to 1000000",
        );
        if let Some(impact) = &self.impact {
            check(
                "impact.days",
                days(impact.days),
                "must be from 1 to 1000000",
            );
            check(
                "impact.replicates",
                replicates(impact.replicates),
                "must be from 1 to 1000000",
            );
            check(
                "impact.ratios",
                !impact.ratios.is_empty() && impact.ratios.iter().all(|r| (0.0..=10.0).contains(r)),
                "must be one or more shares from 0 to 10",
            );
            for (key, seconds) in [
                ("impact.lasts_seconds", impact.lasts_seconds),
                ("impact.every_seconds", impact.every_seconds),
                ("impact.look_seconds", impact.look_seconds),
            ] {
                check(
                    key,
                    (0.001..=86_400.0).contains(&seconds),
                    "must be from 0.001 to 86400",
                );
            }
            check(
                "impact.every_seconds",
                impact.every_seconds <= impact.lasts_seconds,
                "must be at most `lasts_seconds`",
            );
            check(
                "impact.watch_seconds",
                impact.watch_seconds >= impact.lasts_seconds,
                "must be at least `lasts_seconds`",
            );
            check(
                "impact.look_seconds",
                impact.watch_seconds / impact.look_seconds <= 100_000.0,
                "must leave at most 100000 looks",
            );
            let open = (self.population.close - self.population.open) as f64 / SECOND as f64;
            let end = impact.begin_minutes * 60.0 + impact.watch_seconds;
            check(
                "impact.begin_minutes",
                impact.begin_minutes > 0.0 && end <= open,
                "must be above 0, and the time that is watched must end before the close",
            );
        }
        check(
            "against.window",
            (1..=1_000_000).contains(&self.against.window),
            "must be from 1 to 1000000",
        );
        check(
            "against.windows",
            (2..=100_000).contains(&self.against.windows),
            "must be from 2 to 100000",
        );
        check(
            "against.replicates",
            replicates(self.against.replicates),
            "must be from 1 to 1000000",
        );
        for problem in self.population.problems() {
            found.push((format!("population.{}", problem.key), problem.message));
        }
        found
    }

    /// Days to simulate: for the facts, for every size of an order and without it, and one to look at.
    pub fn simulated_days(&self) -> u64 {
        let impact = self.impact.as_ref().map_or(0, |impact| {
            u64::from(impact.days) * (impact.ratios.len() as u64 + 1)
        });
        u64::from(self.facts.days) + impact + 1
    }

    pub(super) fn kernel(&self) -> KernelConfig {
        let PopulationConfig { open, close, .. } = self.population;
        KernelConfig {
            calendar: Some(Calendar::continuous(open, close)),
            ..KernelConfig::single(BookConfig {
                rules: Rules {
                    tick: self.population.tick,
                    ..Rules::default()
                },
                capacity: self.population.ladder_orders().saturating_add(1 << 16),
                grows_to: 1 << 20,
                ..BookConfig::default()
            })
        }
    }

    pub(super) fn market(&self) -> Result<Market<Population>, MarketError> {
        Market::new(
            self.kernel(),
            Population::new(self.population.clone(), 0),
            self.population.open,
        )
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RealismReport {
    /// What was asked, in full.
    pub config: RealismConfig,
    /// Events that the kernels worked through on the days of the facts.
    pub events: u64,
    /// Seconds that these days took, intervals not counted.
    #[serde(skip)]
    pub seconds: f64,
    /// Shares that trade in a minute, mean over minutes and days.
    pub volume_a_minute: f64,
    /// Standard deviation of the returns of a minute.
    pub volatility: f64,
    /// The eleven facts.
    pub facts: StylisedFacts,
    /// Market impact, if it was asked for.
    pub impact: Option<Impact>,
    /// The days held against a recording, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Comparison>,
    /// The day of the first seed.
    pub day: DayPicture,
}

/// Carries out a study on `threads` threads, and compares its days with `reference` if there is one; `done` is called after each simulated day. The result does not depend on `threads`.
///
/// # Errors
/// [`MarketError`].
pub fn study(
    config: &RealismConfig,
    reference: Option<&Reference>,
    threads: usize,
    done: impl Fn() + Sync,
) -> Result<RealismReport, MarketError> {
    let close = config.population.close;
    let asked = &config.against;
    // So many windows of each day that there are enough in all.
    let of_a_day = asked.windows.div_ceil(config.facts.days) as usize;
    let begin = Instant::now();
    let days = each_day(
        config.facts.days as usize,
        threads,
        || config.market(),
        |market, day| {
            let seed = config.seed + day as u64;
            let mut measured =
                reference.map(|_| DayWindows::new(asked.window as usize, of_a_day, close));
            let bars = match &mut measured {
                None => market.bars(seed, close, |_, _| {})?,
                Some(measured) => {
                    market.bars(seed, close, |at, event| measured.event(at, event))?
                }
            };
            done();
            let windows = measured.map_or_else(Vec::new, DayWindows::finish);
            Ok((bars, market.kernel().events(), windows))
        },
    )?;
    let seconds = begin.elapsed().as_secs_f64();
    let events = days.iter().map(|(_, events, _)| events).sum();
    let mut windows = Vec::new();
    let keep = |(bars, _, found): (MinuteBars, u64, Vec<Window>)| {
        windows.extend(found);
        bars
    };
    let bars: Vec<MinuteBars> = days.into_iter().map(keep).collect();
    let against = match reference {
        None => None,
        Some(reference) => {
            let bootstrap = Bootstrap::with_replicates(asked.replicates);
            let mut rng = Stream::new(config.seed, 0, "market.against.bootstrap");
            let windows = evenly(windows, asked.windows as usize);
            Some(compare(&windows, reference, &bootstrap, &mut rng)?)
        }
    };
    let settings = FactSettings {
        bootstrap: Bootstrap::with_replicates(config.facts.replicates),
        ..FactSettings::default()
    };
    let mut rng = Stream::new(config.seed, 0, "facts.bootstrap");
    let facts = StylisedFacts::of(&bars, &settings, &mut rng)?;
    let minutes: usize = bars.iter().map(MinuteBars::len).sum();
    let volume: f64 = bars.iter().flat_map(|day| &day.volume).sum();
    let pairs = bars.iter().flat_map(|day| day.last.windows(2));
    let squares = pairs.map(|pair| ln(pair[1] / pair[0]));
    let (sum, count) = squares.fold((0.0, 0.0), |(sum, count), r| (sum + r * r, count + 1.0));
    let found = match &config.impact {
        None => None,
        Some(asked) => {
            let flow = || Population::new(config.population.clone(), 0);
            let order = order(config, asked, threads);
            Some(impact(&order, &config.kernel(), flow, &done)?)
        }
    };
    let day = DayPicture::of(&mut config.market()?, config.seed, &config.population)?;
    done();
    Ok(RealismReport {
        events,
        seconds,
        volume_a_minute: volume / minutes.max(1) as f64,
        volatility: sqrt(sum / f64::max(count, 1.0)),
        config: config.clone(),
        facts,
        impact: found,
        against,
        day,
    })
}

fn order(config: &RealismConfig, asked: &ImpactSettings, threads: usize) -> ImpactConfig {
    let ns = |seconds: f64| (seconds * SECOND as f64).round() as i64;
    ImpactConfig {
        ratios: asked.ratios.clone(),
        side: if asked.sell { Side::Sell } else { Side::Buy },
        open: config.population.open,
        from: config.population.open + ns(60.0 * asked.begin_minutes),
        lasts: ns(asked.lasts_seconds),
        every: ns(asked.every_seconds),
        watch: ns(asked.watch_seconds),
        grid: ns(asked.look_seconds),
        days: asked.days,
        seed: config.seed,
        threads,
        bootstrap: Bootstrap::with_replicates(asked.replicates),
    }
}
