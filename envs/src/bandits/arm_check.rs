//! What the parameters of an arm must satisfy, family by family.

use super::arm::{ArmConfig, ArmTable};
use super::problem::InstanceProblem;
use super::state::MAX_CAP;

impl ArmConfig {
    /// Reports every parameter that is out of range.
    pub(super) fn check(&self, check: &mut ArmCheck<'_>) {
        match self {
            Self::Constant { mean } => check.unit("mean", *mean),
            Self::Blocking { mean, delay } => {
                check.unit("mean", *mean);
                check.cap("delay", *delay, 1);
            }
            Self::ExpRecharge {
                mean,
                decay,
                max_delay,
            } => {
                check.unit("mean", *mean);
                check.unit("decay", *decay);
                check.cap("max_delay", *max_delay, 1);
            }
            Self::LinearRecharge { mean, full_delay } => {
                check.unit("mean", *mean);
                check.cap("full_delay", *full_delay, 1);
            }
            Self::LogisticRecharge {
                height,
                slope,
                center,
                max_covariate,
            } => {
                check.unit("height", *height);
                check.finite("slope", *slope);
                check.finite("center", *center);
                check.cap("max_covariate", *max_covariate, 0);
            }
            Self::GammaHump {
                shape,
                rate,
                height,
                max_covariate,
            } => {
                check.positive("shape", *shape);
                check.positive("rate", *rate);
                check.unit("height", *height);
                check.count("max_covariate", usize::from(*max_covariate), 0, 30);
            }
            Self::Geo {
                rested,
                base,
                deprivation,
                satiation,
                idle_cap,
                played_cap,
            } => {
                check.unit("rested", *rested);
                check.unit("base", *base);
                check.unit("deprivation", *deprivation);
                check.unit("satiation", *satiation);
                check.cap("idle_cap", *idle_cap, 1);
                check.cap("played_cap", *played_cap, 1);
            }
            Self::Logistic {
                low,
                high,
                center,
                width,
                idle_cap,
                played_cap,
            } => {
                check.logistic(*low, *high, *center, *width);
                check.cap("idle_cap", *idle_cap, 1);
                check.cap("played_cap", *played_cap, 1);
            }
            Self::Sigdep {
                low,
                high,
                center,
                width,
                satiation,
                idle_cap,
                played_cap,
            } => {
                check.logistic(*low, *high, *center, *width);
                check.unit("satiation", *satiation);
                check.cap("idle_cap", *idle_cap, 1);
                check.cap("played_cap", *played_cap, 1);
            }
            Self::Seasonal {
                base,
                amplitude,
                period,
                satiation,
                played_cap,
            } => {
                check.unit("base", *base);
                check.finite("amplitude", *amplitude);
                check.cap("period", *period, 1);
                check.unit("satiation", *satiation);
                check.cap("played_cap", *played_cap, 1);
            }
            Self::Spike { state, value } => {
                check.state(*state);
                check.unit("value", *value);
            }
            Self::Step { state, low, high } => {
                check.state(*state);
                check.unit("low", *low);
                check.unit("high", *high);
            }
            Self::DelayTable { payoffs } => check.list("payoffs", payoffs),
            Self::StateTable {
                rested,
                satiated,
                period,
            } => {
                check.list("rested", rested);
                check.list("satiated", satiated);
                check.count("period", usize::from(*period), 1, rested.len().max(1));
            }
        }
    }
}

/// A season may leave `[0, 1]` although each parameter is in range.
pub(super) fn check_season(arm: usize, table: &ArmTable, problems: &mut Vec<InstanceProblem>) {
    let outside = table.rested.iter().position(|p| !(0.0..=1.0).contains(p));
    if let Some(index) = outside {
        problems.push(InstanceProblem::Payoff {
            arm,
            key: "amplitude",
            state: index as i16 + 1,
            value: table.rested[index],
        });
    }
}

/// Collects the problems of one arm.
pub(super) struct ArmCheck<'a> {
    pub(super) arm: usize,
    pub(super) problems: &'a mut Vec<InstanceProblem>,
}

impl ArmCheck<'_> {
    fn real(&mut self, key: impl Into<String>, value: f64, rule: &'static str, holds: bool) {
        if !holds {
            self.problems.push(InstanceProblem::Parameter {
                arm: self.arm,
                key: key.into(),
                rule,
                value,
            });
        }
    }

    fn unit(&mut self, key: impl Into<String>, value: f64) {
        self.real(key, value, "in [0, 1]", (0.0..=1.0).contains(&value));
    }

    fn finite(&mut self, key: &'static str, value: f64) {
        self.real(key, value, "finite", value.is_finite());
    }

    fn positive(&mut self, key: &'static str, value: f64) {
        let holds = value.is_finite() && value > 0.0;
        self.real(key, value, "finite and above 0", holds);
    }

    fn logistic(&mut self, low: f64, high: f64, center: f64, width: f64) {
        self.unit("low", low);
        self.unit("high", high);
        self.finite("center", center);
        self.positive("width", width);
    }

    fn count(&mut self, key: &'static str, value: usize, low: usize, high: usize) {
        if !(low..=high).contains(&value) {
            self.problems.push(InstanceProblem::Count {
                arm: self.arm,
                key,
                low,
                high,
                value,
            });
        }
    }

    fn cap(&mut self, key: &'static str, value: u16, low: usize) {
        self.count(key, usize::from(value), low, usize::from(MAX_CAP));
    }

    fn state(&mut self, state: i16) {
        if state == 0 || state.unsigned_abs() >= MAX_CAP {
            self.problems.push(InstanceProblem::State {
                arm: self.arm,
                state,
            });
        }
    }

    fn list(&mut self, key: &'static str, payoffs: &[f64]) {
        self.count(key, payoffs.len(), 1, usize::from(MAX_CAP));
        for (index, payoff) in payoffs.iter().enumerate() {
            if !(0.0..=1.0).contains(payoff) {
                self.unit(format!("{key}[{index}]"), *payoff);
            }
        }
    }
}
