//! The eleven stylised facts of Cont, *Empirical properties of asset returns: stylized facts and statistical issues* (Quantitative
//! Finance 1, 2001), computed as MarS (arXiv 2409.07486) reports them, with thresholds and bootstrap intervals.
//!
//! `r_t` is the logarithmic return of minute `t`. Every statistic is of all days pooled; returns do not reach over the night. The
//! intervals resample whole days, so that what hangs together within a day stays together.

use std::fmt;

use palaestra_envs::math::ln;
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{
    MinuteBars,
    moments::{Additive, Moments, Products, quantile},
};
use crate::stats::{Bootstrap, Interval, PowerLaw, StatsError};

/// Longest lag and period, in minutes.
const MAX_LAG: usize = 20;
/// Minutes of a coarse return.
const COARSE: usize = 5;
/// Lags of coarse against fine returns on each side.
const COARSE_LAGS: isize = 10;

/// How facts are computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FactSettings {
    /// Intervals.
    pub bootstrap: Bootstrap,
    /// Minutes after which the time of day repeats: the volatility of each is divided out for fact 7.
    pub day_length: u32,
}

impl Default for FactSettings {
    fn default() -> Self {
        Self {
            bootstrap: Bootstrap::with_replicates(1_000),
            day_length: 24 * 60,
        }
    }
}

/// One of the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// 1: returns do not predict returns.
    NoAutocorrelation,
    /// 2: large returns are more frequent than normal ones would be.
    HeavyTails,
    /// 3: losses and gains differ.
    GainLossAsymmetry,
    /// 4: over longer periods returns become more normal.
    AggregationalGaussianity,
    /// 5: large returns come in bursts.
    Intermittency,
    /// 6: large returns follow large returns.
    VolatilityClustering,
    /// 7: tails stay heavy, if less so, when the volatility of the time of day is divided out.
    ConditionalHeavyTails,
    /// 8: the autocorrelation of absolute returns decays slowly.
    SlowDecay,
    /// 9: returns and later volatility are related.
    Leverage,
    /// 10: volume and volatility are related.
    VolumeVolatility,
    /// 11: coarse volatility predicts fine volatility better than the other way round.
    TimescaleAsymmetry,
}

impl Fact {
    /// What it is called, and what must be so for it to hold.
    pub fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::NoAutocorrelation => (
                "no autocorrelation",
                "|corr(r_t, r_t+τ)| < 0.05 for τ from 2 on",
            ),
            Self::HeavyTails => ("heavy tails", "excess kurtosis > 1 over 1 minute"),
            Self::GainLossAsymmetry => ("gain/loss asymmetry", "reported only"),
            Self::AggregationalGaussianity => (
                "aggregational Gaussianity",
                "kurtosis over 20 minutes < over 1",
            ),
            Self::Intermittency => ("intermittency", "Fano factor of large returns per hour > 1"),
            Self::VolatilityClustering => (
                "volatility clustering",
                "corr(|r_t|, |r_t+τ|) > 0.05 for τ up to 5",
            ),
            Self::ConditionalHeavyTails => (
                "conditional heavy tails",
                "0 < conditional kurtosis < kurtosis",
            ),
            Self::SlowDecay => ("slow decay of |r|", "exponent of the decay in [0.1, 0.6]"),
            Self::Leverage => ("leverage", "reported only"),
            Self::VolumeVolatility => (
                "volume-volatility",
                "corr(volume_t, |r_t+1|) > 0 with its interval",
            ),
            Self::TimescaleAsymmetry => (
                "time-scale asymmetry",
                "mean of c(τ) - c(-τ) over τ = 1..5 < 0",
            ),
        }
    }
}

/// A statistic at a lag or period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Which statistic.
    pub statistic: String,
    /// Lag or period in minutes, where there is one.
    pub minutes: Option<i32>,
    /// Its value; `None` where it does not exist, as the correlation of what does not vary.
    pub value: Option<Interval>,
}

/// One fact of a market.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactReport {
    /// Which one.
    pub fact: Fact,
    /// Whether it holds; `None` for those that are only reported, or cannot be told.
    pub holds: Option<bool>,
    /// The statistics.
    pub points: Vec<Point>,
}

impl FactReport {
    /// A statistic by name, and by lag or period if it has one.
    pub fn get(&self, statistic: &str, minutes: Option<i32>) -> Option<Interval> {
        let mut points = self.points.iter();
        points
            .find(|p| p.statistic == statistic && p.minutes == minutes)?
            .value
    }
}

/// All eleven facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StylisedFacts {
    /// Days that they were computed from.
    pub days: usize,
    /// The facts in order.
    pub facts: Vec<FactReport>,
}

impl StylisedFacts {
    /// Computes them.
    ///
    /// # Errors
    /// [`StatsError`] for no days, prices that are not positive, and bad settings of the bootstrap.
    pub fn of(
        days: &[MinuteBars],
        settings: &FactSettings,
        rng: &mut impl Rng,
    ) -> Result<Self, StatsError> {
        settings.bootstrap.check()?;
        if days.is_empty() {
            return Err(StatsError::Empty { what: "days" });
        }
        for day in days {
            for prices in [&day.last, &day.mean] {
                if let Some(index) = prices.iter().position(|x| !(*x > 0.0 && x.is_finite())) {
                    let (what, value) = ("prices", prices[index]);
                    return Err(StatsError::NotPositive { what, index, value });
                }
            }
        }
        let mut study = Study {
            returns: days.iter().map(Returns::of).collect(),
            days,
            settings,
            rng,
        };
        Ok(Self {
            days: days.len(),
            facts: study.facts(),
        })
    }

    /// One of the facts.
    pub fn get(&self, fact: Fact) -> Option<&FactReport> {
        self.facts.iter().find(|report| report.fact == fact)
    }
}

/// Returns of one day.
struct Returns {
    last: Vec<f64>,
    mean: Vec<f64>,
    absolute: Vec<f64>,
}

impl Returns {
    fn of(day: &MinuteBars) -> Self {
        let last = log_returns(&day.last, 1);
        Self {
            absolute: last.iter().map(|r| r.abs()).collect(),
            mean: log_returns(&day.mean, 1),
            last,
        }
    }
}

/// Returns over `period` minutes, from every minute on.
fn log_returns(prices: &[f64], period: usize) -> Vec<f64> {
    let ends = prices.get(period..).unwrap_or_default();
    prices
        .iter()
        .zip(ends)
        .map(|(start, end)| ln(end / start))
        .collect()
}

struct Study<'a, R> {
    days: &'a [MinuteBars],
    returns: Vec<Returns>,
    settings: &'a FactSettings,
    rng: &'a mut R,
}

impl<R: Rng> Study<'_, R> {
    fn facts(&mut self) -> Vec<FactReport> {
        let lags = |range: std::ops::RangeInclusive<usize>| {
            range.map(|lag| lag as i32).collect::<Vec<_>>()
        };
        let correlations = |sums: &Vec<Products>| sums.iter().map(Products::correlation).collect();
        let (short, long) = (lags(1..=10), lags(1..=MAX_LAG));

        let last = self.lagged(&short, |r| (&r.last, &r.last));
        let last = self.points(
            "corr(r_t, r_t+τ) of last prices",
            &short,
            &last,
            correlations,
        );
        let mean = self.lagged(&short, |r| (&r.mean, &r.mean));
        let mean = self.points(
            "corr(r_t, r_t+τ) of mean prices",
            &short,
            &mean,
            correlations,
        );
        let none = all(&last[1..], |rho| rho.abs() < 0.05);
        let first = report(Fact::NoAutocorrelation, none, [last, mean].concat());

        let kurtoses = self.periods(0.5);
        let kurtoses = self.points(
            "excess kurtosis",
            &long,
            &kurtoses,
            |sums: &Vec<Moments>| sums.iter().map(Moments::kurtosis).collect(),
        );
        let [kappa, coarse] = [0, MAX_LAG - 1].map(|k| estimate(&kurtoses[k]));
        let skews = self.periods(0.05);
        let skews = self.points("skewness", &long, &skews, |sums: &Vec<Moments>| {
            sums.iter().map(Moments::skewness).collect()
        });
        let heavy = kappa.map(|kappa| kappa > 1.0);
        let aggregated = kappa.zip(coarse).map(|(fine, coarse)| coarse < fine);

        let fano = self.fano();
        let fano = self.points("Fano factor", &[], &fano, |sums: &Moments| {
            vec![sums.dispersion()]
        });
        let bursts = estimate(&fano[0]).map(|fano| fano > 1.0);

        let clustering = self.lagged(&long, |r| (&r.absolute, &r.absolute));
        let decay = |sums: &Vec<Products>| vec![decay(sums)];
        let exponent = self.points("exponent of decay", &[], &clustering, decay);
        let slow = estimate(&exponent[0]).map(|beta| (0.1..=0.6).contains(&beta));
        let name = "corr(|r_t|, |r_t+τ|)";
        let clustering = self.points(name, &long, &clustering, correlations);
        let clustered = all(&clustering[..5], |rho| rho > 0.05);

        let conditional = self.conditional();
        let conditional = self.points(
            "conditional kurtosis",
            &[],
            &conditional,
            |sums: &Moments| vec![sums.kurtosis()],
        );
        let less = estimate(&conditional[0])
            .zip(kappa)
            .map(|(c, kappa)| 0.0 < c && c < kappa);

        let leverage = self.lagged(&long, |r| (&r.last, &r.absolute));
        let leverage = self.points("corr(r_t, |r_t+τ|)", &long, &leverage, correlations);

        let from_zero = lags(0..=MAX_LAG);
        let volume = self.days.iter().zip(&self.returns);
        let volume = volume
            .map(|(day, r)| lagged(&from_zero, &day.volume, &r.absolute))
            .collect::<Vec<_>>();
        let volume = self.points("corr(volume_t, |r_t+τ|)", &from_zero, &volume, correlations);
        let related = volume[1].value.map(|interval| interval.low > 0.0);

        let (points, asymmetry) = self.coarse_and_fine();
        vec![
            first,
            report(Fact::HeavyTails, heavy, kurtoses[..1].to_vec()),
            report(Fact::GainLossAsymmetry, None, skews),
            report(Fact::AggregationalGaussianity, aggregated, kurtoses),
            report(Fact::Intermittency, bursts, fano),
            report(Fact::VolatilityClustering, clustered, clustering),
            report(Fact::ConditionalHeavyTails, less, conditional),
            report(Fact::SlowDecay, slow, exponent),
            report(Fact::Leverage, None, leverage),
            report(Fact::VolumeVolatility, related, volume),
            report(Fact::TimescaleAsymmetry, asymmetry, points),
        ]
    }

    /// Statistics of the pooled days with intervals: one point for each of `minutes`, or one without.
    fn points<A: Additive>(
        &mut self,
        statistic: &str,
        minutes: &[i32],
        days: &[A],
        values: impl Fn(&A) -> Vec<f64>,
    ) -> Vec<Point> {
        let mut total = A::zero();
        days.iter().for_each(|day| total.add(day));
        let estimates = values(&total);
        let mut replicates = vec![Vec::new(); estimates.len()];
        for _ in 0..self.settings.bootstrap.replicates {
            let mut total = A::zero();
            for _ in 0..days.len() {
                total.add(&days[crate::stats::draw(self.rng, days.len())]);
            }
            let values = values(&total).into_iter().filter(|x| x.is_finite());
            replicates
                .iter_mut()
                .zip(values)
                .for_each(|(list, value)| list.push(value));
        }
        let point = |(k, (estimate, mut replicates)): (usize, (f64, Vec<f64>))| Point {
            statistic: statistic.into(),
            minutes: minutes.get(k).copied(),
            value: (estimate.is_finite() && !replicates.is_empty())
                .then(|| self.settings.bootstrap.interval(estimate, &mut replicates)),
        };
        estimates
            .into_iter()
            .zip(replicates)
            .enumerate()
            .map(point)
            .collect()
    }

    fn lagged(
        &self,
        lags: &[i32],
        pair: impl Fn(&Returns) -> (&Vec<f64>, &Vec<f64>),
    ) -> Vec<Vec<Products>> {
        let of_day = |r: &Returns| {
            let (x, y) = pair(r);
            lagged(lags, x, y)
        };
        self.returns.iter().map(of_day).collect()
    }

    /// Moments of returns over 1 to 20 minutes that are smaller than `limit`.
    fn periods(&self, limit: f64) -> Vec<Vec<Moments>> {
        let of_period = |day: &MinuteBars, period| {
            let returns = log_returns(&day.last, period);
            Moments::of(returns.into_iter().filter(|r| r.abs() < limit))
        };
        let of_day = |day| (1..=MAX_LAG).map(|period| of_period(day, period)).collect();
        self.days.iter().map(of_day).collect()
    }

    /// Moments of the numbers, per hour, of absolute returns above their 99 % quantile.
    fn fano(&self) -> Vec<Moments> {
        let pooled: Vec<f64> = self
            .returns
            .iter()
            .flat_map(|r| &r.absolute)
            .copied()
            .collect();
        let limit = if pooled.is_empty() {
            0.0
        } else {
            quantile(&pooled, 0.99)
        };
        let of_day = |(day, r): (&MinuteBars, &Returns)| {
            let mut hours: Vec<f64> = Vec::new();
            let first = day.first_minute as usize / 60;
            for (i, r) in r.absolute.iter().enumerate() {
                let hour = (day.first_minute as usize + i) / 60 - first;
                hours.resize(hour + 1, 0.0);
                hours[hour] += f64::from(u8::from(*r > limit));
            }
            Moments::of(hours.into_iter())
        };
        self.days.iter().zip(&self.returns).map(of_day).collect()
    }

    /// Moments of returns over the standard deviation of their time of day.
    fn conditional(&self) -> Vec<Moments> {
        let length = self.settings.day_length.max(1) as usize;
        let minute = |day: &MinuteBars, i: usize| (day.first_minute as usize + i) % length;
        let mut by_minute = vec![Moments::zero(); length];
        for (day, r) in self.days.iter().zip(&self.returns) {
            for (i, r) in r.last.iter().enumerate() {
                by_minute[minute(day, i)].add(&Moments::of(std::iter::once(*r)));
            }
        }
        let deviations: Vec<f64> = by_minute.iter().map(Moments::deviation).collect();
        let of_day = |(day, r): (&MinuteBars, &Returns)| {
            let scaled = r
                .last
                .iter()
                .enumerate()
                .map(|(i, r)| r / deviations[minute(day, i)]);
            Moments::of(scaled.filter(|r| r.is_finite()))
        };
        self.days.iter().zip(&self.returns).map(of_day).collect()
    }

    /// Correlations of fine with later coarse volatility, their asymmetry, and whether it is negative.
    fn coarse_and_fine(&mut self) -> (Vec<Point>, Option<bool>) {
        let lags: Vec<i32> = (-COARSE_LAGS..=COARSE_LAGS).map(|lag| lag as i32).collect();
        let of_day = |r: &Returns| {
            let coarse: Vec<f64> = r
                .last
                .windows(COARSE)
                .map(|w| w.iter().sum::<f64>().abs())
                .collect();
            let fine: Vec<f64> = r.absolute.windows(COARSE).map(|w| w.iter().sum()).collect();
            lagged(&lags, &fine, &coarse)
        };
        let sums: Vec<_> = self.returns.iter().map(of_day).collect();
        let correlations =
            |sums: &Vec<Products>| -> Vec<f64> { sums.iter().map(Products::correlation).collect() };
        let differences = |sums: &Vec<Products>| -> Vec<f64> {
            let c = correlations(sums);
            let middle = c.len() / 2;
            (1..=middle)
                .map(|lag| c[middle + lag] - c[middle - lag])
                .collect()
        };
        let mut points = self.points(
            "c(τ) = corr(fine_t, coarse_t+τ)",
            &lags,
            &sums,
            correlations,
        );
        let right: Vec<i32> = (1..=COARSE_LAGS as i32).collect();
        points.extend(self.points("c(τ) - c(-τ)", &right, &sums, differences));
        let mean = |sums: &Vec<Products>| vec![differences(sums)[..5].iter().sum::<f64>() / 5.0];
        let mean = self.points("mean of c(τ) - c(-τ), τ = 1..5", &[], &sums, mean);
        let holds = estimate(&mean[0]).map(|mean| mean < 0.0);
        points.extend(mean);
        (points, holds)
    }
}

fn lagged(lags: &[i32], x: &[f64], y: &[f64]) -> Vec<Products> {
    lags.iter()
        .map(|&lag| Products::lagged(x, y, lag as isize))
        .collect()
}

/// The exponent of the power law through the positive autocorrelations; no number with fewer than three of them.
fn decay(sums: &[Products]) -> f64 {
    let lags = (1..=sums.len()).map(|lag| lag as f64);
    let points = lags.zip(sums.iter().map(Products::correlation));
    let (x, y): (Vec<f64>, Vec<f64>) = points.filter(|(_, rho)| *rho > 0.0).unzip();
    if x.len() < 3 {
        return f64::NAN;
    }
    PowerLaw::fit(&x, &y).map_or(f64::NAN, |law| -law.exponent)
}

fn estimate(point: &Point) -> Option<f64> {
    point.value.map(|interval| interval.estimate)
}

/// Whether the values of all points fulfil something; `None` if one does not exist.
fn all(points: &[Point], holds: impl Fn(f64) -> bool) -> Option<bool> {
    let values: Option<Vec<f64>> = points.iter().map(estimate).collect();
    values.map(|values| values.into_iter().all(holds))
}

fn report(fact: Fact, holds: Option<bool>, points: Vec<Point>) -> FactReport {
    FactReport {
        fact,
        holds,
        points,
    }
}

impl fmt::Display for StylisedFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "stylised facts of {} days", self.days)?;
        for (number, report) in self.facts.iter().enumerate() {
            let (name, rule) = report.fact.describe();
            let verdict = match report.holds {
                Some(true) => "holds",
                Some(false) => "does not hold",
                None => "-",
            };
            writeln!(f, "{:>2}. {name}: {verdict}   ({rule})", number + 1)?;
            for point in &report.points {
                let minutes = point
                    .minutes
                    .map_or(String::new(), |m| format!(" at {m} min"));
                let value = point.value.map_or("none".to_owned(), |i| {
                    format!("{:+.4} [{:+.4}, {:+.4}]", i.estimate, i.low, i.high)
                });
                writeln!(f, "      {}{minutes}: {value}", point.statistic)?;
            }
        }
        Ok(())
    }
}
