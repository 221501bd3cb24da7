//! The market maker of Cartea, Jaimungal and Penalva, *Algorithmic and High-Frequency Trading* (2015), section 10.2: the greatest
//! expected wealth less a running penalty `φ ∫ q²` and a terminal penalty `α q_T²` on the inventory, which is kept within `±N`.
//!
//! Market orders come at the rates `λ⁺` (buys, which take the ask) and `λ⁻` (sells) and take a quote at distance `δ` with
//! probability `e^{-κδ}`. With `ω(t) = e^{A (T - t)} z`, `z_q = e^{-ακq²}` and the tridiagonal matrix `A_qq = -φκq²`,
//! `A_{q,q-1} = λ⁺/e`, `A_{q,q+1} = λ⁻/e`, the value of the inventory is `h = ln ω / κ`, and the optimal distances are
//!
//! ```text
//! δ^b = 1/κ + h_q - h_{q+1}   unless q = N         δ^a = 1/κ + h_q - h_{q-1}   unless q = -N
//! ```

use palaestra_envs::math::{exp, ln};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dealer::{Dealer, Market, Quotes, needs, problem};
use crate::{AgentError, Registry, matrix::exponential};

const ID: &str = "cartea_jaimungal";

/// The problem.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CarteaJaimungal {
    /// `κ > 0`, per unit of price.
    pub fill_exponent: f64,
    /// `φ ≥ 0`.
    pub running_penalty: f64,
    /// `α ≥ 0`.
    pub terminal_penalty: f64,
    /// `λ⁺ > 0`: market buy orders per unit of time.
    pub buy_rate: f64,
    /// `λ⁻ > 0`: market sell orders per unit of time.
    pub sell_rate: f64,
    /// `N ≥ 1`: largest position, long or short.
    pub max_inventory: u32,
}

/// A parameter out of its range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error(
    "`{name}` is {value}; rates and the fill exponent must be positive, penalties at least 0, all finite, and the inventory 1 to 1000"
)]
pub struct CarteaJaimungalError {
    /// The parameter.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
}

/// The solution at equally spaced times.
#[derive(Debug, Clone, PartialEq)]
pub struct CarteaJaimungalSolution {
    problem: CarteaJaimungal,
    /// `h`, `[times][2N + 1]`, by steps before the end and `q + N`.
    values: Vec<Vec<f64>>,
}

impl CarteaJaimungal {
    /// The solution at the end and each `step` before it, `steps` times.
    ///
    /// # Errors
    /// [`CarteaJaimungalError`].
    pub fn solve(
        &self,
        step: f64,
        steps: u32,
    ) -> Result<CarteaJaimungalSolution, CarteaJaimungalError> {
        self.check(step)?;
        let (n, kappa) = (self.positions(), self.fill_exponent);
        let square = |k: usize| {
            let q = k as f64 - f64::from(self.max_inventory);
            q * q
        };
        let mut a = vec![0.0; n * n];
        for k in 0..n {
            a[k * n + k] = -self.running_penalty * kappa * square(k);
            if k > 0 {
                a[k * n + k - 1] = self.buy_rate * exp(-1.0);
            }
            if k + 1 < n {
                a[k * n + k + 1] = self.sell_rate * exp(-1.0);
            }
        }
        let passage = exponential(&a, n, step);
        let mut omega: Vec<f64> = (0..n)
            .map(|k| exp(-self.terminal_penalty * kappa * square(k)))
            .collect();
        // `ω` grows exponentially: it is kept at a largest entry of 1, and the logarithm of the scale apart.
        let mut log_scale = 0.0;
        let mut values = Vec::with_capacity(steps as usize + 1);
        loop {
            values.push(omega.iter().map(|x| (ln(*x) + log_scale) / kappa).collect());
            if values.len() > steps as usize {
                break;
            }
            let row = |k: usize| passage[k * n..(k + 1) * n].iter().zip(&omega);
            omega = (0..n).map(|k| row(k).map(|(p, x)| p * x).sum()).collect();
            let scale = omega.iter().copied().fold(0.0, f64::max);
            omega.iter_mut().for_each(|x| *x /= scale);
            log_scale += ln(scale);
        }
        Ok(CarteaJaimungalSolution {
            problem: *self,
            values,
        })
    }

    fn positions(&self) -> usize {
        2 * self.max_inventory as usize + 1
    }

    fn check(&self, step: f64) -> Result<(), CarteaJaimungalError> {
        let values = [
            (
                "fill_exponent",
                self.fill_exponent,
                self.fill_exponent > 0.0,
            ),
            (
                "running_penalty",
                self.running_penalty,
                self.running_penalty >= 0.0,
            ),
            (
                "terminal_penalty",
                self.terminal_penalty,
                self.terminal_penalty >= 0.0,
            ),
            ("buy_rate", self.buy_rate, self.buy_rate > 0.0),
            ("sell_rate", self.sell_rate, self.sell_rate > 0.0),
            (
                "max_inventory",
                f64::from(self.max_inventory),
                (1..=1000).contains(&self.max_inventory),
            ),
            ("step", step, step > 0.0),
        ];
        let wrong = values
            .into_iter()
            .find(|(_, value, fine)| !(*fine && value.is_finite()));
        wrong.map_or(Ok(()), |(name, value, _)| {
            Err(CarteaJaimungalError { name, value })
        })
    }
}

impl CarteaJaimungalSolution {
    /// `h` of a position, `steps_left` steps before the end; `None` outside of the table.
    pub fn value(&self, steps_left: u32, inventory: i32) -> Option<f64> {
        let k = i64::from(inventory) + i64::from(self.problem.max_inventory);
        let row = self.values.get(steps_left as usize)?;
        row.get(usize::try_from(k).ok()?).copied()
    }

    /// Optimal distances of bid and ask from the mid-price; `None` where there is no quote on that side.
    pub fn depths(&self, steps_left: u32, inventory: i32) -> (Option<f64>, Option<f64>) {
        let depth = |next: i32| {
            let here = self.value(steps_left, inventory)?;
            Some(1.0 / self.problem.fill_exponent + here - self.value(steps_left, next)?)
        };
        (depth(inventory + 1), depth(inventory - 1))
    }
}

/// Arguments of `cartea_jaimungal`; everything else is known from the environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CarteaJaimungalArgs {
    /// `φ ≥ 0`: running penalty on the squared inventory, per unit of time.
    pub running_penalty: f64,
    /// `α ≥ 0`: penalty on the squared inventory at the end.
    pub terminal_penalty: f64,
    /// `N`: largest position, long or short, 1 to 1000.
    pub max_inventory: u32,
}

impl Default for CarteaJaimungalArgs {
    fn default() -> Self {
        Self {
            running_penalty: 0.01,
            terminal_penalty: 0.001,
            max_inventory: 20,
        }
    }
}

/// So far from the mid-price that nobody trades.
const NO_QUOTE: f64 = 1e6;

struct Table {
    solution: CarteaJaimungalSolution,
    steps: u32,
}

impl Quotes for Table {
    fn depths(&self, step: u32, inventory: f64) -> (f64, f64) {
        let (bid, ask) = self
            .solution
            .depths(self.steps.saturating_sub(step), inventory as i32);
        (bid.unwrap_or(NO_QUOTE), ask.unwrap_or(NO_QUOTE))
    }
}

/// Registers `cartea_jaimungal`.
pub(super) fn register(registry: &mut Registry) {
    let entry = registry.register(
        ID,
        "Quotes by the value of each position: Cartea and Jaimungal's optimum under penalties on the squared inventory.",
        |context, args: CarteaJaimungalArgs| {
            let problem = problem(ID, context)?;
            let solution = CarteaJaimungal {
                fill_exponent: problem.fill_exponent,
                running_penalty: args.running_penalty,
                terminal_penalty: args.terminal_penalty,
                buy_rate: problem.arrival_rate,
                sell_rate: problem.arrival_rate,
                max_inventory: args.max_inventory,
            }
            .solve(problem.step_length(), problem.steps)
            .map_err(|error| AgentError::argument(error.name, error.to_string()))?;
            let quotes = Table {
                solution,
                steps: problem.steps,
            };
            Ok(Box::new(Dealer {
                id: ID,
                market: Market::Model(problem),
                quotes,
            }))
        },
    );
    needs(entry);
}
