//! The payoff families an arm can have, and how each becomes a table of mean payoffs over its states.
//!
//! Delay families give `p(d)`, `d ≥ 1` rounds since the last play: a replay in any satiated state pays `p(1)`, the
//! state `+n` pays `p(n + 1)`, so a cap of `max_delay` is an idle cap of `max_delay − 1`. State families give
//! `μ(s)` on both sides, with `idle_cap = D` and `played_cap = C`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arm_check::{ArmCheck, check_season};
use super::problem::InstanceProblem;
use super::state::ArmCaps;
use crate::math;

/// One arm: a payoff family and its parameters. All mean payoffs must lie in `[0, 1]`.
///
/// ```
/// use palaestra_envs::bandits::ArmConfig;
///
/// let arm: ArmConfig = serde_json::from_str(
///     r#"{"family": "exp_recharge", "mean": 0.8, "decay": 0.7, "max_delay": 16}"#,
/// )
/// .unwrap();
/// assert_eq!(arm, ArmConfig::ExpRecharge { mean: 0.8, decay: 0.7, max_delay: 16 });
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "family", rename_all = "snake_case", deny_unknown_fields)]
pub enum ArmConfig {
    /// The same mean in every state: an ordinary stationary arm.
    Constant {
        /// Mean payoff.
        mean: f64,
    },
    /// `p(d) = mean·[d ≥ delay]`: after a play the arm is blocked until `delay` rounds have passed
    /// (Basu, Sen, Sanghavi, Shakkottai 2019, arXiv 1907.11975). Blocked and "pays 0" have the same optimum.
    Blocking {
        /// Mean payoff when free.
        mean: f64,
        /// Rounds from a play to the next paying one, at least 1.
        delay: u16,
    },
    /// `p(d) = mean·(1 − decay^min(d, max_delay))`: concave recharging.
    ExpRecharge {
        /// Mean payoff after an infinitely long rest.
        mean: f64,
        /// `γ` in `[0, 1]`; small recharges fast.
        decay: f64,
        /// Delay beyond which nothing changes, at least 1.
        max_delay: u16,
    },
    /// `p(d) = mean·min(d / full_delay, 1)`: concave recharging at a constant rate.
    LinearRecharge {
        /// Mean payoff when full.
        mean: f64,
        /// Delay at which the arm is full, at least 1.
        full_delay: u16,
    },
    /// `f(z) = height / (1 + exp(−slope·(z − center)))` of the covariate `z = d − 1`
    /// (Pike-Burke and Grünewälder 2019, arXiv 1910.14354: θ0, θ1, θ2).
    LogisticRecharge {
        /// θ0, in `[0, 1]`.
        height: f64,
        /// θ1.
        slope: f64,
        /// θ2, in rounds.
        center: f64,
        /// Largest covariate, `Z`.
        max_covariate: u16,
    },
    /// `f(z) = height·x^shape·e^(−rate·x) / ((shape/rate)^shape·e^(−shape))` with `x = 31 − z`: a hump of the given
    /// height at `z = 31 − shape/rate`, not monotone (Pike-Burke and Grünewälder 2019, arXiv 1910.14354: θ2, θ0, θ1).
    GammaHump {
        /// θ0 > 0.
        shape: f64,
        /// θ1 > 0.
        rate: f64,
        /// θ2, in `[0, 1]`.
        height: f64,
        /// Largest covariate, `Z ≤ 30`.
        max_covariate: u16,
    },
    /// `μ(n) = base + (rested − base)·(1 − deprivation^n)`, `μ(−n) = base·satiation^n`.
    /// Monotone if `base ≤ rested`.
    Geo {
        /// `M`: mean payoff after an infinitely long rest.
        rested: f64,
        /// `b`: mean payoff between rest and satiation.
        base: f64,
        /// `a` in `[0, 1]`; small recovers fast.
        deprivation: f64,
        /// `r` in `[0, 1]`; small satiates fast.
        satiation: f64,
        /// `D`.
        idle_cap: u16,
        /// `C`.
        played_cap: u16,
    },
    /// `μ(s) = low + (high − low) / (1 + exp(−(s − center) / width))` on both sides. Monotone if `low ≤ high`.
    Logistic {
        /// Mean payoff of the most satiated state, in the limit.
        low: f64,
        /// Mean payoff of the most rested state, in the limit.
        high: f64,
        /// State at which half of the way is reached.
        center: f64,
        /// Width of the transition in rounds, > 0.
        width: f64,
        /// `D`.
        idle_cap: u16,
        /// `C`.
        played_cap: u16,
    },
    /// The logistic curve when rested, `μ(−n) = low·satiation^n` when satiated. Bursts of plays become optimal.
    Sigdep {
        /// Mean payoff of a barely rested arm, in the limit.
        low: f64,
        /// Mean payoff of a fully rested arm, in the limit.
        high: f64,
        /// State at which half of the way is reached.
        center: f64,
        /// Width of the transition in rounds, > 0.
        width: f64,
        /// `r` in `[0, 1]`; small satiates fast.
        satiation: f64,
        /// `D`.
        idle_cap: u16,
        /// `C`.
        played_cap: u16,
    },
    /// `μ(n) = base + amplitude·cos(2πn / period)` for ever, `μ(−n) = base·satiation^n`. Not monotone; `D = period`.
    Seasonal {
        /// `b`: mean payoff over a season.
        base: f64,
        /// `a`: half the difference between the best and the worst round of a season.
        amplitude: f64,
        /// `P`: rounds of a season, at least 1.
        period: u16,
        /// `r` in `[0, 1]`; small satiates fast.
        satiation: f64,
        /// `C`.
        played_cap: u16,
    },
    /// `value` in one state and 0 in every other.
    Spike {
        /// The state that pays; not 0.
        state: i16,
        /// Mean payoff there.
        value: f64,
    },
    /// `high` from one state on, in the order `… −2, −1, 1, 2, …`, and `low` below it.
    Step {
        /// The first state that pays `high`; not 0.
        state: i16,
        /// Mean payoff below it.
        low: f64,
        /// Mean payoff from it on.
        high: f64,
    },
    /// An arbitrary table of the delay: `payoffs[d − 1] = p(d)`; the last entry holds for all longer delays.
    DelayTable {
        /// Mean payoffs of the delays 1, 2, …
        payoffs: Vec<f64>,
    },
    /// An arbitrary table of the state: `rested[n − 1] = μ(n)`, `satiated[n − 1] = μ(−n)`; the last entries hold for
    /// all longer times, unless a `period` makes the end of `rested` repeat.
    StateTable {
        /// Mean payoffs after 1, 2, … idle rounds.
        rested: Vec<f64>,
        /// Mean payoffs after 1, 2, … consecutive plays.
        satiated: Vec<f64>,
        /// `P`: the last `P` entries of `rested` repeat for ever. Default 1: the last entry does.
        #[serde(default = "saturating", skip_serializing_if = "is_saturating")]
        period: u16,
    },
}

fn saturating() -> u16 {
    1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_saturating(period: &u16) -> bool {
    *period == 1
}

/// Mean payoffs of one arm over its states.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ArmTable {
    /// `satiated[n − 1] = μ(−n)`, of length `C`.
    pub(super) satiated: Vec<f64>,
    /// `rested[n − 1] = μ(n)`, of length `D`.
    pub(super) rested: Vec<f64>,
    /// `P`; 1 if the arm saturates.
    pub(super) period: u16,
}

impl ArmTable {
    /// The range of states of this table.
    pub(super) fn caps(&self) -> ArmCaps {
        ArmCaps {
            played: self.satiated.len() as i16,
            idle: self.rested.len() as i16,
            period: self.period as i16,
        }
    }

    /// Payoff entries in a compiled instance, the unused one of state 0 included.
    pub(super) fn entries(&self) -> usize {
        self.satiated.len() + 1 + self.rested.len()
    }

    fn of_states(idle_cap: u16, played_cap: u16, mean: impl Fn(f64) -> f64) -> Self {
        Self {
            satiated: (1..=played_cap).map(|n| mean(-f64::from(n))).collect(),
            rested: (1..=idle_cap).map(|n| mean(f64::from(n))).collect(),
            period: 1,
        }
    }

    /// From `p(1)`, `p(2)`, … The state `+1` exists even if only `p(1)` is given; it then pays `p(1)`.
    fn of_delays(payoffs: &[f64]) -> Self {
        Self {
            satiated: payoffs[..1].to_vec(),
            rested: if payoffs.len() > 1 {
                &payoffs[1..]
            } else {
                payoffs
            }
            .to_vec(),
            period: 1,
        }
    }

    /// From `p(d)` for `d` in `1..=max_delay`.
    fn of_delay(max_delay: u16, mean: impl Fn(f64) -> f64) -> Self {
        let payoffs: Vec<f64> = (1..=max_delay).map(|d| mean(f64::from(d))).collect();
        Self::of_delays(&payoffs)
    }
}

impl ArmConfig {
    /// The table of this arm, the `arm`-th of its instance. Pushes every problem found and then returns `None`.
    pub(super) fn table(
        &self,
        arm: usize,
        problems: &mut Vec<InstanceProblem>,
    ) -> Option<ArmTable> {
        let known = problems.len();
        self.check(&mut ArmCheck { arm, problems });
        if problems.len() > known {
            return None;
        }
        let table = self.evaluate();
        if let Self::Seasonal { .. } = self {
            check_season(arm, &table, problems);
        }
        (problems.len() == known).then_some(table)
    }

    /// The table, given that [`Self::check`] found nothing.
    fn evaluate(&self) -> ArmTable {
        match *self {
            Self::Constant { mean } => ArmTable::of_states(1, 1, |_| mean),
            Self::Blocking { mean, delay } => {
                let free = f64::from(delay);
                ArmTable::of_delay(delay, |d| if d >= free { mean } else { 0.0 })
            }
            Self::ExpRecharge {
                mean,
                decay,
                max_delay,
            } => ArmTable::of_delay(max_delay, |d| mean * (1.0 - math::powf(decay, d))),
            Self::LinearRecharge { mean, full_delay } => {
                let full = f64::from(full_delay);
                ArmTable::of_delay(full_delay, |d| mean * (d / full).min(1.0))
            }
            Self::LogisticRecharge {
                height,
                slope,
                center,
                max_covariate,
            } => ArmTable::of_delay(max_covariate + 1, |d| {
                height * sigmoid(slope * (d - 1.0 - center))
            }),
            Self::GammaHump {
                shape,
                rate,
                height,
                max_covariate,
            } => {
                ArmTable::of_delay(max_covariate + 1, |d| {
                    // In logarithms, so that a sharp hump does not overflow: 0 at x = shape/rate, else negative.
                    let x = 32.0 - d;
                    let log_ratio = shape * math::ln(x * rate / shape) + shape - rate * x;
                    height * math::exp(log_ratio.min(0.0))
                })
            }
            Self::Geo {
                rested,
                base,
                deprivation,
                satiation,
                idle_cap,
                played_cap,
            } => ArmTable::of_states(idle_cap, played_cap, |s| {
                if s > 0.0 {
                    base + (rested - base) * (1.0 - math::powf(deprivation, s))
                } else {
                    base * math::powf(satiation, -s)
                }
            }),
            Self::Logistic {
                low,
                high,
                center,
                width,
                idle_cap,
                played_cap,
            } => ArmTable::of_states(idle_cap, played_cap, |s| {
                low + (high - low) * sigmoid((s - center) / width)
            }),
            Self::Sigdep {
                low,
                high,
                center,
                width,
                satiation,
                idle_cap,
                played_cap,
            } => ArmTable::of_states(idle_cap, played_cap, |s| {
                if s > 0.0 {
                    low + (high - low) * sigmoid((s - center) / width)
                } else {
                    low * math::powf(satiation, -s)
                }
            }),
            Self::Seasonal {
                base,
                amplitude,
                period,
                satiation,
                played_cap,
            } => {
                let season = f64::from(period);
                let mut table = ArmTable::of_states(period, played_cap, |s| {
                    if s > 0.0 {
                        base + amplitude * math::cos(std::f64::consts::TAU * s / season)
                    } else {
                        base * math::powf(satiation, -s)
                    }
                });
                table.period = period;
                table
            }
            Self::Spike { state, value } => {
                // One state beyond the spike on its side, so that the spike does not saturate.
                let (idle_cap, played_cap) = caps_around(state, 1);
                let at = f64::from(state);
                ArmTable::of_states(idle_cap, played_cap, |s| if s == at { value } else { 0.0 })
            }
            Self::Step { state, low, high } => {
                let (idle_cap, played_cap) = caps_around(state, i16::from(state < 0));
                let from = f64::from(state);
                ArmTable::of_states(idle_cap, played_cap, |s| if s >= from { high } else { low })
            }
            Self::DelayTable { ref payoffs } => ArmTable::of_delays(payoffs),
            Self::StateTable {
                ref rested,
                ref satiated,
                period,
            } => ArmTable {
                satiated: satiated.clone(),
                rested: rested.clone(),
                period,
            },
        }
    }
}

/// `(D, C)` that reach `beyond` states past `state` on its side and one state on the other.
fn caps_around(state: i16, beyond: i16) -> (u16, u16) {
    let reach = (state.abs() + beyond).unsigned_abs();
    if state > 0 { (reach, 1) } else { (1, reach) }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + math::exp(-x))
}
