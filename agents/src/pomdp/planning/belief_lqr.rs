//! Planning in the space of Gaussian beliefs: Platt, Tedrake, Kaelbling, Lozano-Pérez, *Belief Space Planning Assuming
//! Maximum Likelihood Observations* (RSS 2010), for light-dark in the plane.
//!
//! A belief is a mean and a variance `(m, s)`, the covariance being `s I`. If every measurement is the likeliest one, the
//! mean goes where it is sent, and the variance shrinks by the light there:
//!
//! ```text
//! m' = m + u        w = ½ ((5 − m'₁)² + s) + c        s' = s w / (s + w)
//! cost = Σ_t weight(t) (|m_t|² + 2 s_t) + ½ |u_t|²
//! ```
//!
//! So beliefs move by a deterministic rule with few controls, and a cost in which the variance counts. Iterated LQR (Li,
//! Todorov, ICINCO 2004: linear dynamics and quadratic costs about the present trajectory, solved backwards, tried
//! forwards with shorter and shorter steps) finds a locally best trajectory from several first guesses; the paper plans it
//! by direct transcription. Its gains hold the belief near it, and where the mean has gone too far, the rest is planned
//! anew.
//!
//! Beside the paper: `w` is the expected noise at a place that is not known for sure; the paper's, at the mean, has `s` = 0
//! there. With it a robot that believes to be in the light would be sure of what it measures in twilight.

use palaestra_envs::pomdp::classic::LightDark2d;
use serde::{Deserialize, Serialize};

/// A Gaussian over the plane with covariance `variance · I`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GaussianBelief {
    /// Mean.
    pub mean: [f64; 2],
    /// Variance along each axis.
    pub variance: f64,
}

/// Means and variance as one vector, and what is linear in it.
type Vector = [f64; 3];
type Matrix = [Vector; 3];

impl GaussianBelief {
    /// The belief before the first step.
    pub fn start() -> Self {
        Self {
            mean: LightDark2d::START,
            variance: LightDark2d::START_VARIANCE,
        }
    }

    /// Expected variance of a measurement at the mean.
    fn noise(self, model: &LightDark2d) -> f64 {
        model.noise(self.mean[0]) + 0.5 * self.variance
    }

    /// After moving by `u`, before a measurement.
    #[must_use]
    pub fn moved(self, u: [f64; 2]) -> Self {
        Self {
            mean: [self.mean[0] + u[0], self.mean[1] + u[1]],
            ..self
        }
    }

    /// After measuring `z`: a step of the Kalman filter with the expected noise.
    #[must_use]
    pub fn measured(self, model: &LightDark2d, z: [f64; 2]) -> Self {
        let gain = self.variance / (self.variance + self.noise(model));
        Self {
            mean: std::array::from_fn(|i| self.mean[i] + gain * (z[i] - self.mean[i])),
            variance: self.variance * (1.0 - gain),
        }
    }

    /// After moving by `u` and the likeliest measurement.
    #[must_use]
    pub fn foreseen(self, model: &LightDark2d, u: [f64; 2]) -> Self {
        let moved = self.moved(u);
        moved.measured(model, moved.mean)
    }

    /// `E |x|²`.
    fn square(self) -> f64 {
        square(self.mean) + 2.0 * self.variance
    }

    fn vector(self) -> Vector {
        [self.mean[0], self.mean[1], self.variance]
    }
}

fn square([a, b]: [f64; 2]) -> f64 {
    a * a + b * b
}

/// A trajectory of beliefs with the controls that lead along it, and gains against leaving it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BeliefPlan {
    /// Beliefs, one more than controls.
    pub beliefs: Vec<GaussianBelief>,
    /// Controls.
    pub controls: Vec<[f64; 2]>,
    /// `u = control + gain (belief − planned belief)`.
    gains: Vec<[Vector; 2]>,
    /// Cost, if all goes as foreseen.
    pub cost: f64,
}

impl BeliefPlan {
    /// The control at step `at` of the plan in `belief`, within the bounds of actions.
    pub fn control(&self, at: usize, belief: GaussianBelief) -> [f64; 2] {
        let (here, there) = (belief.vector(), self.beliefs[at].vector());
        let off: Vector = std::array::from_fn(|i| here[i] - there[i]);
        bounded(std::array::from_fn(|i| {
            self.controls[at][i] + dot(self.gains[at][i], off)
        }))
    }
}

/// Iterations of LQR from one first guess, at most, and the relative gain that is too small for another one.
const ITERATIONS: usize = 100;
const PRECISION: f64 = 1e-7;
/// Halvings of a step before it is given up.
const HALVINGS: usize = 12;
/// Values of `x₁` that the first guesses go by.
const BY: [f64; 3] = [0.0, 3.0, LightDark2d::LIGHT];

/// The best trajectory found from `start` through the last `left` steps of an episode, at least one.
pub fn plan_beliefs(model: &LightDark2d, start: GaussianBelief, left: u32) -> BeliefPlan {
    let plans = BY.map(|x1| improve(model, first_guess(model, start, left, x1), left));
    let [mut best, others @ ..] = plans;
    for plan in others {
        if plan.cost < best.cost {
            best = plan;
        }
    }
    best
}

/// Goes to `(x1, 0)` in a third of the time, stays for a third, and goes to the origin.
fn first_guess(model: &LightDark2d, start: GaussianBelief, left: u32, x1: f64) -> BeliefPlan {
    let third = left / 3;
    let mut belief = start;
    let controls = (0..left).map(|t| {
        let (to, steps) = match t {
            _ if t < third => ([x1, 0.0], third - t),
            _ if t < 2 * third => ([x1, 0.0], 1),
            _ => ([0.0; 2], left - t),
        };
        let u = std::array::from_fn(|i| (to[i] - belief.mean[i]) / f64::from(steps));
        let u = bounded(u);
        belief = belief.moved(u);
        u
    });
    let controls = controls.collect();
    follow(
        model,
        start,
        left,
        controls,
        vec![[[0.0; 3]; 2]; left as usize],
    )
}

/// The plan of some controls.
fn follow(
    model: &LightDark2d,
    start: GaussianBelief,
    left: u32,
    controls: Vec<[f64; 2]>,
    gains: Vec<[Vector; 2]>,
) -> BeliefPlan {
    let (mut beliefs, mut cost) = (vec![start], 0.0);
    let mut belief = start;
    for (t, &u) in (1..).zip(&controls) {
        belief = belief.foreseen(model, u);
        cost += model.weight(model.horizon - left + t) * belief.square()
            + LightDark2d::CONTROL_COST * square(u);
        beliefs.push(belief);
    }
    BeliefPlan {
        beliefs,
        controls,
        gains,
        cost,
    }
}

/// Iterated LQR from `plan` to where it gains nothing more.
fn improve(model: &LightDark2d, mut plan: BeliefPlan, left: u32) -> BeliefPlan {
    for _ in 0..ITERATIONS {
        let (steps, gains) = backward(model, &plan, left);
        plan.gains.clone_from(&gains);
        let mut share = 1.0;
        let better = (0..HALVINGS).find_map(|_| {
            let controls = forward(model, &plan, &steps, share);
            share *= 0.5;
            let tried = follow(model, plan.beliefs[0], left, controls, gains.clone());
            (tried.cost < plan.cost).then_some(tried)
        });
        let Some(better) = better else { break };
        let gained = plan.cost - better.cost;
        plan = better;
        if gained < PRECISION * plan.cost {
            plan.gains = backward(model, &plan, left).1;
            break;
        }
    }
    plan
}

/// Controls that go `share` of the way that `steps` says, with the plan's gains.
fn forward(
    model: &LightDark2d,
    plan: &BeliefPlan,
    steps: &[[f64; 2]],
    share: f64,
) -> Vec<[f64; 2]> {
    let mut belief = plan.beliefs[0];
    let tried = steps.iter().enumerate().map(|(t, step)| {
        let u = plan.control(t, belief);
        let u = bounded(std::array::from_fn(|i| u[i] + share * step[i]));
        belief = belief.foreseen(model, u);
        u
    });
    tried.collect()
}

/// The quadratic value along a plan, from its end: changes of the controls, and gains.
fn backward(
    model: &LightDark2d,
    plan: &BeliefPlan,
    left: u32,
) -> (Vec<[f64; 2]>, Vec<[Vector; 2]>) {
    let length = plan.controls.len();
    let (mut steps, mut gains) = (vec![[0.0; 2]; length], vec![[[0.0; 3]; 2]; length]);
    // Gradient and curvature of the cost that is still to come.
    let (mut slope, mut bend): (Vector, Matrix) = ([0.0; 3], [[0.0; 3]; 3]);
    for t in (0..length).rev() {
        let weight = model.weight(model.horizon - left + t as u32 + 1);
        let next = plan.beliefs[t + 1];
        for i in 0..2 {
            slope[i] += 2.0 * weight * next.mean[i];
            bend[i][i] += 2.0 * weight;
        }
        slope[2] += 2.0 * weight;
        // By the state, and by the control, which enters as the mean does.
        let along = linear(model, plan.beliefs[t].moved(plan.controls[t]));
        let q_slope = transposed(along, slope);
        let half: Matrix = std::array::from_fn(|i| transposed(along, bend[i]));
        let q_bend: Matrix = std::array::from_fn(|i| {
            std::array::from_fn(|j| (0..3).map(|k| along[k][i] * half[k][j]).sum())
        });
        let r = 2.0 * LightDark2d::CONTROL_COST;
        let u = plan.controls[t];
        let u_slope = [q_slope[0] + r * u[0], q_slope[1] + r * u[1]];
        let (a, b, d) = (q_bend[0][0] + r, q_bend[0][1], q_bend[1][1] + r);
        let determinant = a * d - b * b;
        let solve = |v: [f64; 2]| {
            [
                (d * v[0] - b * v[1]) / determinant,
                (a * v[1] - b * v[0]) / determinant,
            ]
        };
        let step = solve(u_slope).map(|x| -x);
        let mut gain = [[0.0; 3]; 2];
        for j in 0..3 {
            let column = solve([q_bend[0][j], q_bend[1][j]]);
            (gain[0][j], gain[1][j]) = (-column[0], -column[1]);
        }
        slope =
            std::array::from_fn(|j| q_slope[j] + q_bend[j][0] * step[0] + q_bend[j][1] * step[1]);
        bend = std::array::from_fn(|i| {
            std::array::from_fn(|j| {
                q_bend[i][j] + q_bend[i][0] * gain[0][j] + q_bend[i][1] * gain[1][j]
            })
        });
        (steps[t], gains[t]) = (step, gain);
    }
    (steps, gains)
}

/// Derivative of the belief after the likeliest measurement by that before it.
fn linear(model: &LightDark2d, moved: GaussianBelief) -> Matrix {
    let (s, w) = (moved.variance, moved.noise(model));
    let sum = (s + w) * (s + w);
    let by_noise = s * s / sum;
    [
        [1.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [
            by_noise * (moved.mean[0] - LightDark2d::LIGHT),
            0.0,
            w * w / sum + 0.5 * by_noise,
        ],
    ]
}

fn transposed(matrix: Matrix, v: Vector) -> Vector {
    std::array::from_fn(|i| (0..3).map(|k| matrix[k][i] * v[k]).sum())
}

fn dot(a: Vector, b: Vector) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn bounded(u: [f64; 2]) -> [f64; 2] {
    u.map(|u| u.clamp(-LightDark2d::FARTHEST, LightDark2d::FARTHEST))
}
