//! Can the two markets be told apart? The discriminator of LOB-Bench (arXiv 2502.09172) as a logistic regression.
//!
//! LOB-Bench trains a network on raw messages; this one sees each window in numbers ([`Window::summary`]) and is linear in them,
//! so that it needs a few dozen windows instead of thousands. It can prove that a simulated market is different, not that it is
//! the same. Windows of one half of each market are scored by a regression on those of the other half; the area under the curve
//! of true against false positives is 0.5 if it cannot tell, 1 if it always can.

use palaestra_envs::math::{exp, ln, sqrt};
use rand::Rng;

use super::features::Window;
use crate::stats::{Bootstrap, Interval, Scores, StatsError, probability_of_improvement_interval};

/// Fewest windows of a half.
pub const FEWEST: usize = 4;
/// Weight of the squared coefficients against the mean loss.
const RIDGE: f64 = 0.01;
/// Newton steps; some ten are enough.
const STEPS: usize = 30;
/// Standardised numbers beyond this are cut: a single odd window must not decide.
const FARTHEST: f64 = 5.0;

/// The probability that a window of `recorded` is held for more likely recorded than one of `simulated`, with its interval over
/// windows; `None` with fewer than twice [`FEWEST`] windows of one of them. Both are in order of time.
///
/// # Errors
/// [`StatsError`] for bad settings of the bootstrap.
pub fn area_under_curve(
    simulated: &[Window],
    recorded: &[Window],
    bootstrap: &Bootstrap,
    rng: &mut impl Rng,
) -> Result<Option<Interval>, StatsError> {
    let numbers =
        |windows: &[Window]| -> Vec<Vec<f64>> { windows.iter().map(Window::summary).collect() };
    let (simulated, recorded) = (numbers(simulated), numbers(recorded));
    let half = |all: &[Vec<f64>]| all.len() / 2;
    let (s, r) = (half(&simulated), half(&recorded));
    if s.min(r) < FEWEST {
        return Ok(None);
    }
    // An odd window belongs to neither half, so that both weigh the same.
    let simulated = [&simulated[..s], &simulated[simulated.len() - s..]];
    let recorded = [&recorded[..r], &recorded[recorded.len() - r..]];
    let (mut real, mut made) = (Vec::new(), Vec::new());
    for fold in 0..2 {
        let machine = Regression::fit(recorded[1 - fold], simulated[1 - fold]);
        let score = |window: &Vec<f64>| machine.score(window);
        real.extend(recorded[fold].iter().map(score));
        made.extend(simulated[fold].iter().map(score));
    }
    let (real, made) = (
        Scores::new(&by_fold(&real, r), r, 2)?,
        Scores::new(&by_fold(&made, s), s, 2)?,
    );
    probability_of_improvement_interval(&real, &made, bootstrap, rng).map(Some)
}

/// Values in the order of runs and tasks, given task by task.
fn by_fold(values: &[f64], runs: usize) -> Vec<f64> {
    (0..runs)
        .flat_map(|run| [values[run], values[runs + run]])
        .collect()
}

/// A logistic regression on standardised numbers.
struct Regression {
    means: Vec<f64>,
    deviations: Vec<f64>,
    /// The constant first.
    weights: Vec<f64>,
}

impl Regression {
    /// Both classes weigh the same, however many windows they have.
    fn fit(positive: &[Vec<f64>], negative: &[Vec<f64>]) -> Self {
        let width = positive[0].len();
        let column = |k: usize| {
            let all = positive.iter().chain(negative).map(move |row| row[k]);
            all.filter(|x| x.is_finite())
        };
        let mean = |k: usize| column(k).sum::<f64>() / (column(k).count().max(1) as f64);
        let means: Vec<f64> = (0..width).map(mean).collect();
        let deviation = |k: usize| {
            let squares = column(k).map(|x| (x - means[k]) * (x - means[k]));
            sqrt(squares.sum::<f64>() / (column(k).count().max(1) as f64))
        };
        let mut found = Self {
            deviations: (0..width).map(deviation).collect(),
            means,
            weights: vec![0.0; width + 1],
        };
        let class = |rows: &[Vec<f64>], label: f64| {
            let weight = 0.5 / rows.len() as f64;
            let rows = rows.iter().map(|row| (found.standard(row), label, weight));
            rows.collect::<Vec<_>>()
        };
        let rows = [class(positive, 1.0), class(negative, 0.0)].concat();
        let mut loss = Self::loss(&found.weights, &rows);
        for _ in 0..STEPS {
            let step = found.newton(&rows);
            // Half as far, and so on, until it goes down.
            let tries = (0..STEPS as i32)
                .map(|half| 0.5f64.powi(half))
                .map(|share| {
                    let moved = found.weights.iter().zip(&step).map(|(w, s)| w - share * s);
                    moved.collect::<Vec<f64>>()
                });
            let mut tries = tries.map(|weights| (Self::loss(&weights, &rows), weights));
            let Some((less, weights)) = tries.find(|(less, _)| *less < loss) else {
                break;
            };
            (loss, found.weights) = (less, weights);
        }
        found
    }

    /// Mean logarithm of the probabilities of the true classes, with its sign changed, and the ridge.
    fn loss(weights: &[f64], rows: &[(Vec<f64>, f64, f64)]) -> f64 {
        let squares = 0.5 * RIDGE * dot(weights, weights);
        let losses = rows.iter().map(|(x, label, weight)| {
            let margin = (2.0 * label - 1.0) * dot(weights, x);
            // ln(1 + e^-m), without overflow.
            weight * ((-margin).max(0.0) + ln(1.0 + exp(-margin.abs())))
        });
        losses.sum::<f64>() + squares
    }

    /// A constant, then the numbers over their deviations; what is missing or never varies is the mean.
    fn standard(&self, row: &[f64]) -> Vec<f64> {
        let numbers = row.iter().zip(&self.means).zip(&self.deviations);
        let numbers = numbers.map(|((x, mean), deviation)| {
            let z = (x - mean) / deviation;
            if z.is_finite() {
                z.clamp(-FARTHEST, FARTHEST)
            } else {
                0.0
            }
        });
        std::iter::once(1.0).chain(numbers).collect()
    }

    /// The step from the weights to the minimum of the quadratic at them.
    fn newton(&self, rows: &[(Vec<f64>, f64, f64)]) -> Vec<f64> {
        let width = self.weights.len();
        let mut gradient: Vec<f64> = self.weights.iter().map(|w| RIDGE * w).collect();
        let mut curvature = vec![0.0; width * width];
        (0..width).for_each(|k| curvature[k * width + k] = RIDGE);
        for (x, label, weight) in rows {
            let p = sigmoid(dot(&self.weights, x));
            let (slope, bend) = (weight * (p - label), weight * p * (1.0 - p));
            for i in 0..width {
                gradient[i] += slope * x[i];
                for j in 0..=i {
                    curvature[i * width + j] += bend * x[i] * x[j];
                }
            }
        }
        solve(&mut curvature, gradient)
    }

    fn score(&self, row: &[f64]) -> f64 {
        dot(&self.weights, &self.standard(row))
    }
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

/// Solves `a·x = b` for a positive definite `a`, of which the lower triangle is given and overwritten by its Cholesky factor.
fn solve(a: &mut [f64], mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let known = dot(&a[i * n..i * n + j], &a[j * n..j * n + j]);
            let rest = a[i * n + j] - known;
            a[i * n + j] = if i == j {
                sqrt(rest)
            } else {
                rest / a[j * n + j]
            };
        }
        b[i] = (b[i] - dot(&a[i * n..i * n + i], &b[..i])) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| a[j * n + i] * b[j]).sum();
        b[i] = (b[i] - known) / a[i * n + i];
    }
    b
}

#[cfg(test)]
mod tests {
    use palaestra_envs::stream::Stream;
    use rand::RngExt;

    use super::*;

    /// Windows whose spreads lie around `centre`.
    fn windows(seed: u64, count: usize, centre: f64) -> Vec<Window> {
        let mut rng = Stream::new(seed, 0, "test");
        let mut window = || {
            let mut window = Window::default();
            window.values[0] = (0..20).map(|_| centre + rng.random::<f64>()).collect();
            window.values[1] = (0..20).map(|_| rng.random::<f64>()).collect();
            window
        };
        (0..count).map(|_| window()).collect()
    }

    fn area(simulated: &[Window], recorded: &[Window]) -> Option<Interval> {
        let bootstrap = Bootstrap::with_replicates(200);
        let mut rng = Stream::new(1, 0, "bootstrap");
        area_under_curve(simulated, recorded, &bootstrap, &mut rng).unwrap()
    }

    #[test]
    fn equal_markets_cannot_be_told_apart_and_others_can() {
        // A single comparison has a standard error of about 0.04.
        let same = (0..20).map(|seed| {
            let recorded = windows(100 + seed, 81, 0.0);
            area(&windows(200 + seed, 200, 0.0), &recorded)
                .unwrap()
                .estimate
        });
        let mean = same.sum::<f64>() / 20.0;
        assert!((mean - 0.5).abs() < 0.03, "{mean}");
        let recorded = windows(1, 81, 0.0);
        let near = area(&windows(2, 200, 0.1), &recorded).unwrap();
        assert!(near.low > 0.7 && near.estimate < 1.0, "{near:?}");
        let far = area(&windows(2, 60, 3.0), &recorded).unwrap();
        assert_eq!((far.estimate, far.low), (1.0, 1.0));
        assert_eq!(area(&windows(2, 7, 0.0), &recorded), None);
    }

    #[test]
    fn the_regression_is_the_minimum_of_its_loss() {
        let rows = |label: f64, centre: f64| -> Vec<Vec<f64>> {
            let numbers = windows(3 + label as u64, 30, centre);
            numbers.iter().map(Window::summary).collect()
        };
        let (positive, negative) = (rows(1.0, 0.1), rows(0.0, 0.0));
        let found = Regression::fit(&positive, &negative);
        let loss = |machine: &Regression| {
            let class = |rows: &[Vec<f64>], sign: f64| -> f64 {
                let losses = rows
                    .iter()
                    .map(|row| -sigmoid(sign * machine.score(row)).ln());
                losses.sum::<f64>() / rows.len() as f64
            };
            let squares: f64 = machine.weights.iter().map(|w| w * w).sum();
            0.5 * (class(&positive, 1.0) + class(&negative, -1.0)) + 0.5 * RIDGE * squares
        };
        let least = loss(&found);
        for place in 0..4 {
            for by in [-1e-3, 1e-3] {
                let mut other = Regression::fit(&positive, &negative);
                other.weights[place] += by;
                assert!(loss(&other) > least, "{place} {by}");
            }
        }
    }

    #[test]
    fn equations_are_solved() {
        // [4 2; 2 3] x = [2 5] has the solution [-0.5, 2].
        let found = solve(&mut [4.0, 0.0, 2.0, 3.0], vec![2.0, 5.0]);
        assert!((found[0] + 0.5).abs() < 1e-12 && (found[1] - 2.0).abs() < 1e-12);
    }
}
