//! From the curves of many days to their means with intervals.
//!
//! Every replicate of the bootstrap draws days and is then treated as the days themselves are: it finds the peaks of its own mean
//! curves and fits its own exponents.

use palaestra_envs::stream::Stream;

use super::{Day, Impact, ImpactConfig, ImpactPoint};
use crate::{
    market::realism::MarketError,
    stats::{Interval, PowerLaw, StatsError, draw},
};

/// Where the curves are looked at.
struct Marks {
    /// Looks of a curve.
    looks: usize,
    /// The last look while the order is worked.
    end: usize,
    /// The last look after each slice and before the next one, or the end.
    between: Vec<usize>,
}

/// What is told of a curve: its largest value while the order is worked, the value when it has been, the mean between slices (no
/// number without looks there), and the last value.
type Told = [f64; 4];
const LARGEST: usize = 0;
const END: usize = 1;

impl Marks {
    fn of(config: &ImpactConfig, looks: usize) -> Self {
        let (grid, every) = (config.grid.max(1), config.every.max(1));
        let last = looks - 1;
        // A look at the moment of a slice has seen it.
        let between = (1..=config.lasts / every).filter_map(|slice| {
            let look = (slice * every - 1) / grid;
            (look * grid >= (slice - 1) * every && look > 0).then_some(look as usize)
        });
        Self {
            looks,
            end: ((config.lasts / grid) as usize).min(last),
            between: between.filter(|look| *look <= last).collect(),
        }
    }

    /// Place of the largest value while the order is worked, the first of equal ones.
    fn peak(&self, curve: &[f64]) -> usize {
        let looks = (0..=self.end).rev();
        let largest = looks.max_by(|&i, &j| curve[i].total_cmp(&curve[j]));
        largest.unwrap_or(0)
    }

    fn told(&self, curve: &[f64]) -> Told {
        let between: f64 = self.between.iter().map(|look| curve[*look]).sum();
        [
            curve[self.peak(curve)],
            curve[self.end],
            between / self.between.len() as f64,
            curve[self.looks - 1],
        ]
    }
}

/// A sample of days: the mean curve of each size one after the other, and what follows from them.
struct Sample {
    curves: Vec<f64>,
    told: Vec<Told>,
    /// Power laws of the largest values and of those at the end.
    laws: [Option<PowerLaw>; 2],
}

impl Sample {
    fn of(
        config: &ImpactConfig,
        marks: &Marks,
        days: &[Day],
        mut pick: impl FnMut() -> usize,
    ) -> Self {
        let mut curves = vec![0.0; config.ratios.len() * marks.looks];
        for _ in 0..days.len() {
            let values = days[pick()].curves.iter().flatten();
            curves.iter_mut().zip(values).for_each(|(sum, x)| *sum += x);
        }
        curves.iter_mut().for_each(|sum| *sum /= days.len() as f64);
        let told = curves.chunks(marks.looks).map(|curve| marks.told(curve));
        let told: Vec<Told> = told.collect();
        let laws = [LARGEST, END].map(|which| {
            let pairs = config.ratios.iter().zip(&told);
            let above = pairs.filter(|(ratio, _)| **ratio > 0.0);
            let (x, y): (Vec<f64>, Vec<f64>) = above.map(|(x, told)| (*x, told[which])).unzip();
            PowerLaw::fit(&x, &y)
        });
        Self { curves, told, laws }
    }
}

pub(super) fn summary(config: &ImpactConfig, days: &[Day]) -> Result<Impact, MarketError> {
    let bootstrap = &config.bootstrap;
    bootstrap.check()?;
    let looks = (config.watch / config.grid.max(1)) as usize + 1;
    if days.is_empty() {
        return Err(StatsError::Empty { what: "days" }.into());
    }
    let marks = Marks::of(config, looks);
    let mut next = 0..days.len();
    let all = Sample::of(config, &marks, days, || next.next().unwrap_or(0));
    let mut rng = Stream::new(config.seed, 0, "market.impact.bootstrap");
    let samples = (0..bootstrap.replicates)
        .map(|_| Sample::of(config, &marks, days, || draw(&mut rng, days.len())));
    let samples: Vec<Sample> = samples.collect();
    let interval = |of: &dyn Fn(&Sample) -> f64| -> Interval {
        let mut values: Vec<f64> = samples.iter().map(of).collect();
        bootstrap.interval(of(&all), &mut values)
    };
    // An interval has no end if too many samples have no law.
    let exponent = |which: usize| -> Option<Interval> {
        let of = |sample: &Sample| sample.laws[which].map(|law| law.exponent);
        let mut values: Vec<f64> = samples.iter().filter_map(of).collect();
        let lost = 1.0 - values.len() as f64 / samples.len() as f64;
        let estimate = of(&all).filter(|_| lost < 0.5 * (1.0 - bootstrap.confidence))?;
        Some(bootstrap.interval(estimate, &mut values))
    };
    let mean = |of: &dyn Fn(&Day) -> f64| days.iter().map(of).sum::<f64>() / days.len() as f64;
    let points = config.ratios.iter().enumerate().map(|(k, &ratio)| {
        let places = k * looks..(k + 1) * looks;
        let [impact, end, between, after] =
            std::array::from_fn(|which| interval(&|sample| sample.told[k][which]));
        ImpactPoint {
            ratio,
            size: mean(&|day| day.sizes[k] as f64),
            peak: marks.peak(&all.curves[places.clone()]),
            curve: places
                .map(|place| interval(&|sample| sample.curves[place]))
                .collect(),
            impact,
            end,
            between: Some(between).filter(|_| !marks.between.is_empty()),
            after,
        }
    });
    Ok(Impact {
        days: config.days,
        volume: mean(&|day| day.volume as f64),
        looks: (0..looks)
            .map(|look| (look as i64 * config.grid.max(1)) as f64 / 1e9)
            .collect(),
        points: points.collect(),
        exponent: exponent(0),
        factor: all.laws[0].map(|law| law.factor),
        end_exponent: exponent(1),
    })
}

#[cfg(test)]
mod tests {
    use palaestra_envs::market::{kernel::SECOND, order::Side};

    use super::*;
    use crate::stats::Bootstrap;

    /// Slices at 0 and 20 s, looks every 5 s, watched for 60 s.
    fn config(replicates: u32) -> ImpactConfig {
        ImpactConfig {
            ratios: vec![0.0, 0.1, 0.4],
            side: Side::Buy,
            open: 0,
            from: SECOND,
            lasts: 40 * SECOND,
            every: 20 * SECOND,
            watch: 60 * SECOND,
            grid: 5 * SECOND,
            days: 2,
            seed: 1,
            threads: 1,
            bootstrap: Bootstrap::with_replicates(replicates),
        }
    }

    /// A day whose impact is `height` at look `peak`, an eighth of it in between and at the end, a sixteenth at last.
    fn day(peak: usize, height: f64) -> Day {
        let curve = |height: f64| {
            let mut curve = vec![0.0; 13];
            curve[peak] = height;
            for look in [3, 7, 8] {
                curve[look] = height / 8.0;
            }
            curve[12] = height / 16.0;
            curve
        };
        Day {
            volume: 1000,
            sizes: vec![0, 100, 400],
            curves: vec![curve(0.0), curve(height), curve(2.0 * height)],
        }
    }

    #[test]
    fn the_curve_is_told_at_its_peak_between_slices_at_the_end_and_after() {
        let found = summary(&config(50), &[day(4, 0.16), day(4, 0.16)]).unwrap();
        let point = &found.points[1];
        assert_eq!((point.peak, point.impact.estimate), (4, 0.16));
        assert_eq!(point.between.unwrap().estimate, 0.02);
        assert_eq!(point.end.estimate, 0.02);
        assert_eq!(point.after.estimate, 0.01);
        assert_eq!(found.points[2].between.unwrap().high, 0.04);
        // Four times the size, twice the impact.
        for exponent in [found.exponent, found.end_exponent] {
            let exponent = exponent.unwrap();
            for end in [exponent.estimate, exponent.low, exponent.high] {
                assert!((end - 0.5).abs() < 1e-12, "{exponent:?}");
            }
        }
        let nothing = &found.points[0];
        for i in [
            nothing.impact,
            nothing.end,
            nothing.between.unwrap(),
            nothing.after,
        ] {
            assert_eq!((i.estimate, i.low, i.high), (0.0, 0.0, 0.0));
        }
    }

    #[test]
    fn every_sample_finds_its_own_peak() {
        // Two days that peak at different moments: their mean has half of either, a sample that draws one twice has all of it.
        let days = [day(1, 0.16), day(5, 0.16)];
        let found = summary(&config(200), &days).unwrap();
        let point = &found.points[1];
        assert_eq!((point.peak, point.impact.estimate), (1, 0.08));
        assert_eq!((point.impact.low, point.impact.high), (0.08, 0.16));
        // At the fixed moment of the peak the interval reaches down to a day without any impact.
        assert_eq!((point.curve[1].low, point.curve[1].high), (0.0, 0.16));
    }

    #[test]
    fn no_days_and_no_looks_between_slices_are_told() {
        assert!(summary(&config(10), &[]).is_err());
        let coarse = ImpactConfig {
            grid: 60 * SECOND,
            ..config(10)
        };
        let curves = vec![vec![0.0, 0.0]; 3];
        let day = Day {
            curves,
            ..day(4, 0.16)
        };
        let found = summary(&coarse, &[day]).unwrap();
        assert_eq!(found.points[1].between, None);
        assert_eq!(found.exponent, None);
    }
}
