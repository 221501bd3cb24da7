//! Minimisation of smooth functions: L-BFGS (Nocedal, *Updating quasi-Newton matrices with limited storage*, Mathematics of
//! Computation 35, 1980) with the bisection line search for the weak Wolfe conditions of Lewis and Overton, *Nonsmooth
//! optimization via quasi-Newton methods* (Mathematical Programming 141, 2013).

use std::collections::VecDeque;

/// Steps that are remembered.
const HISTORY: usize = 12;
/// Demanded share of the decrease that the slope promises.
const DECREASE: f64 = 1e-4;
/// Share of the slope that may be left.
const CURVATURE: f64 = 0.9;

/// Where a minimisation ended.
pub(super) struct Minimum {
    pub(super) x: Vec<f64>,
    pub(super) iterations: usize,
    /// Whether the largest entry of the gradient fell below the tolerance, or no step was possible any more.
    pub(super) converged: bool,
}

/// Minimises `f`, which returns its value and gradient, from `x` on. Points where the value is not finite are avoided.
pub(super) fn minimise(
    mut x: Vec<f64>,
    max_iterations: usize,
    tolerance: f64,
    mut f: impl FnMut(&[f64]) -> (f64, Vec<f64>),
) -> Minimum {
    let (mut value, mut gradient) = f(&x);
    let mut history: VecDeque<Step> = VecDeque::with_capacity(HISTORY);
    for iterations in 0..max_iterations {
        if gradient.iter().all(|g| g.abs() <= tolerance) {
            return Minimum {
                x,
                iterations,
                converged: true,
            };
        }
        let mut direction = descent(&gradient, &history);
        if dot(&direction, &gradient) >= 0.0 {
            history.clear();
            direction = descent(&gradient, &history);
        }
        let Some(next) = search(&x, value, &gradient, &direction, &mut f) else {
            // Rounding hides any further decrease.
            return Minimum {
                x,
                iterations,
                converged: true,
            };
        };
        let s: Vec<f64> = next.0.iter().zip(&x).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = next.2.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let curvature = dot(&s, &y);
        if curvature > 0.0 {
            if history.len() == HISTORY {
                history.pop_front();
            }
            history.push_back(Step { s, y, curvature });
        }
        (x, value, gradient) = next;
    }
    Minimum {
        x,
        iterations: max_iterations,
        converged: false,
    }
}

struct Step {
    s: Vec<f64>,
    y: Vec<f64>,
    /// `s · y`.
    curvature: f64,
}

/// `-H g` with the inverse Hessian `H` of the history: the two-loop recursion.
fn descent(gradient: &[f64], history: &VecDeque<Step>) -> Vec<f64> {
    let mut q = gradient.to_vec();
    let mut alphas = Vec::with_capacity(history.len());
    for step in history.iter().rev() {
        let alpha = dot(&step.s, &q) / step.curvature;
        add(&mut q, -alpha, &step.y);
        alphas.push(alpha);
    }
    // Without a history, a first step of length 1 at most.
    let scale = history.back().map_or_else(
        || 1.0 / dot(gradient, gradient).sqrt().max(1.0),
        |step| step.curvature / dot(&step.y, &step.y),
    );
    q.iter_mut().for_each(|q| *q *= scale);
    for (step, alpha) in history.iter().zip(alphas.into_iter().rev()) {
        let beta = dot(&step.y, &q) / step.curvature;
        add(&mut q, alpha - beta, &step.s);
    }
    q.iter_mut().for_each(|q| *q = -*q);
    q
}

/// A point along `direction` that fulfils the weak Wolfe conditions, with its value and gradient.
fn search(
    x: &[f64],
    value: f64,
    gradient: &[f64],
    direction: &[f64],
    f: &mut impl FnMut(&[f64]) -> (f64, Vec<f64>),
) -> Option<(Vec<f64>, f64, Vec<f64>)> {
    let slope = dot(gradient, direction);
    let (mut low, mut high, mut length) = (0.0, f64::INFINITY, 1.0);
    let mut best = None;
    for _ in 0..40 {
        let mut point = x.to_vec();
        add(&mut point, length, direction);
        let (new_value, new_gradient) = f(&point);
        // False too for a value that is no number.
        if new_value <= value + DECREASE * length * slope {
            let flat = dot(&new_gradient, direction) >= CURVATURE * slope;
            best = Some((point, new_value, new_gradient));
            if flat {
                break;
            }
            low = length;
        } else {
            high = length;
        }
        length = if high.is_finite() {
            0.5 * (low + high)
        } else {
            2.0 * low
        };
    }
    best
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// `x += scale · y`.
fn add(x: &mut [f64], scale: f64, y: &[f64]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += scale * y);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_valley_of_rosenbrock_is_followed_to_its_end() {
        let minimum = minimise(vec![-1.2, 1.0, -0.5], 200, 1e-10, |x| {
            let mut value = 0.0;
            let mut gradient = vec![0.0; 3];
            for i in 0..2 {
                let (bend, off) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
                value += 100.0 * bend * bend + off * off;
                gradient[i] -= 400.0 * bend * x[i] + 2.0 * off;
                gradient[i + 1] += 200.0 * bend;
            }
            (value, gradient)
        });
        assert!(minimum.converged && minimum.iterations < 100);
        assert!(
            minimum.x.iter().all(|x| (x - 1.0).abs() < 1e-8),
            "{:?}",
            minimum.x
        );
    }
}
