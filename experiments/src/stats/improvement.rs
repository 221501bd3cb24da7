//! Probability of improvement: the Mann-Whitney statistic, averaged over tasks.

use rand::Rng;

use super::bootstrap::draw;
use super::{Bootstrap, Interval, Scores, StatsError};

/// P(X > Y): the probability that a random run of `x` scores higher than a random run of `y` on a random task. A tie
/// counts one half, so identical score distributions give 0.5. Range [0, 1].
///
/// # Errors
/// [`StatsError::Tasks`] if the two have different numbers of tasks.
pub fn probability_of_improvement(x: &Scores, y: &Scores) -> Result<f64, StatsError> {
    Ok(Comparison::new(x, y)?.probability(|run, _| run))
}

/// P(X > Y) with its bootstrap interval; the runs of `x` and of `y` are resampled independently, per task.
///
/// Order of draws: replicate, task, runs of `x`, runs of `y`.
///
/// # Errors
/// [`StatsError::Tasks`], [`StatsError::NoReplicates`], [`StatsError::Confidence`].
pub fn probability_of_improvement_interval(
    x: &Scores,
    y: &Scores,
    bootstrap: &Bootstrap,
    rng: &mut impl Rng,
) -> Result<Interval, StatsError> {
    bootstrap.check()?;
    let mut comparison = Comparison::new(x, y)?;
    let estimate = comparison.probability(|run, _| run);
    let mut replicates: Vec<f64> = (0..bootstrap.replicates)
        .map(|_| comparison.probability(|_, runs| draw(rng, runs)))
        .collect();
    Ok(bootstrap.interval(estimate, &mut replicates))
}

/// The runs of two agents, reduced per task to the order of their scores.
struct Comparison {
    tasks: Vec<Task>,
    /// Room for the multiplicity of each distinct score: (in x, in y).
    counts: Vec<(u64, u64)>,
}

/// For each run, the place of its score among the distinct scores of the task.
struct Task {
    x: Vec<usize>,
    y: Vec<usize>,
    distinct: usize,
}

impl Comparison {
    fn new(x: &Scores, y: &Scores) -> Result<Self, StatsError> {
        if x.tasks() != y.tasks() {
            return Err(StatsError::Tasks {
                left: x.tasks(),
                right: y.tasks(),
            });
        }
        let tasks: Vec<Task> = x
            .strata()
            .zip(y.strata())
            .map(|(x, y)| {
                let mut distinct: Vec<f64> = x.iter().chain(y).copied().collect();
                // `partial_cmp` cannot fail on finite scores; it makes 0 and -0 the tie that they are.
                distinct.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
                distinct.dedup();
                let place = |score: &f64| distinct.partition_point(|other| other < score);
                Task {
                    x: x.iter().map(place).collect(),
                    y: y.iter().map(place).collect(),
                    distinct: distinct.len(),
                }
            })
            .collect();
        let room = tasks.iter().map(|task| task.distinct).max().unwrap_or(0);
        Ok(Self {
            tasks,
            counts: vec![(0, 0); room],
        })
    }

    /// P(X > Y) of the runs that `pick(position, runs)` names, in time linear in the number of runs.
    fn probability(&mut self, mut pick: impl FnMut(usize, usize) -> usize) -> f64 {
        let mut sum = 0.0;
        for task in &self.tasks {
            let counts = &mut self.counts[..task.distinct];
            counts.fill((0, 0));
            for run in 0..task.x.len() {
                counts[task.x[pick(run, task.x.len())]].0 += 1;
            }
            for run in 0..task.y.len() {
                counts[task.y[pick(run, task.y.len())]].1 += 1;
            }
            // Twice the number of pairs won: an integer, so the result does not depend on an order of summation.
            let (mut won_twice, mut below) = (0, 0);
            for (in_x, in_y) in counts.iter() {
                won_twice += in_x * (2 * below + in_y);
                below += in_y;
            }
            sum += won_twice as f64 / (2 * task.x.len() * task.y.len()) as f64;
        }
        sum / self.tasks.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use palaestra_envs::stream::Stream;
    use proptest::prelude::*;

    use super::super::aggregate::tests::{golden_x, golden_y};
    use super::*;

    #[test]
    fn golden_value() {
        let got = probability_of_improvement(&golden_x(), &golden_y()).unwrap();
        assert!((got - 0.358_333_3).abs() < 1e-6, "{got}");
    }

    /// `rliable` 1.2.0, 50,000 replicates; tolerance as for the aggregates.
    #[test]
    fn golden_interval() {
        let mut rng = Stream::new(5, 0, "bootstrap");
        let interval = probability_of_improvement_interval(
            &golden_x(),
            &golden_y(),
            &Bootstrap::default(),
            &mut rng,
        )
        .unwrap();
        let (low, high) = GOLDEN_INTERVAL;
        assert!((interval.low - low).abs() < 0.01, "{interval:?}");
        assert!((interval.high - high).abs() < 0.01, "{interval:?}");
    }

    /// Two runs of `rliable` give 0.1667 to 0.5750 and 0.1583 to 0.5833: the ends fall on neighbouring fractions.
    const GOLDEN_INTERVAL: (f64, f64) = (0.1625, 0.579);

    #[test]
    fn zeros_of_both_signs_tie() {
        let x = Scores::single_task(&[0.0]).unwrap();
        let y = Scores::single_task(&[-0.0]).unwrap();
        assert_eq!(probability_of_improvement(&x, &y), Ok(0.5));
    }

    #[test]
    fn different_tasks_are_an_error() {
        let x = Scores::new(&[1.0, 2.0], 1, 2).unwrap();
        let y = Scores::single_task(&[1.0, 2.0]).unwrap();
        assert_eq!(
            probability_of_improvement(&x, &y),
            Err(StatsError::Tasks { left: 2, right: 1 })
        );
    }

    proptest! {
        /// Against the definition, pair by pair; and P(X > Y) + P(Y > X) = 1.
        #[test]
        fn is_the_fraction_of_pairs(
            x in prop::collection::vec(-3_i8..3, 1..12),
            y in prop::collection::vec(-3_i8..3, 1..12),
        ) {
            let mut won = 0.0;
            for a in &x {
                for b in &y {
                    won += match a.cmp(b) {
                        std::cmp::Ordering::Greater => 1.0,
                        std::cmp::Ordering::Equal => 0.5,
                        std::cmp::Ordering::Less => 0.0,
                    };
                }
            }
            let expected = won / (x.len() * y.len()) as f64;
            let scores = |values: &[i8]| {
                let values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
                Scores::single_task(&values).unwrap()
            };
            let (x, y) = (scores(&x), scores(&y));
            let there = probability_of_improvement(&x, &y).unwrap();
            let back = probability_of_improvement(&y, &x).unwrap();
            prop_assert!((there - expected).abs() < 1e-12);
            prop_assert!((there + back - 1.0).abs() < 1e-12);
        }
    }
}
