//! Arguments of the Gaussian process learners.

use palaestra_envs::bandits::{Instance, NoiseConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Exploration, Posterior, Prior, Rgp};
use crate::{
    AgentContext, AgentError,
    bandits::{
        Arms, LearnerSettings,
        cells::{Cells, structure},
        setup::{LearnerArgs, check},
    },
};

/// Most covariances of all seats together: 1 GiB.
const MAX_COVARIANCES: u64 = 1 << 27;

/// Deepest look-ahead.
const MAX_LOOKAHEAD: usize = 64;

/// Variance of one payoff around its mean, on the scale that `reward_range` makes of it: that of the stated Gaussian
/// noise; for Bernoulli payoffs 1/4, the most it can be.
pub(in crate::bandits) fn noise_variance(
    structure: &Instance,
    reward_range: Option<[f64; 2]>,
) -> f64 {
    let raw = match structure.noise() {
        NoiseConfig::Gaussian { sigma } => sigma * sigma,
        NoiseConfig::Bernoulli => 0.25,
        NoiseConfig::None => 0.0,
    };
    let width = reward_range.map_or(1.0, |[low, high]| high - low);
    raw / (width * width)
}

/// Arguments of `rgp_ucb`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RgpUcbArgs {
    /// Rounds `d` that are planned and played as a whole, in 1..=64; above 1 only with one play a round. Default 1.
    pub lookahead: usize,
    /// Length scale `l` of the process in rounds, above 0. Default 5; the paper's experiments take 2.5, 5 and 7.5.
    pub length_scale: f64,
    /// Variance `v` of a mean payoff before any play, on the scale of `reward_range`, above 0. Default 1.
    pub prior_variance: f64,
    /// Variance of a payoff around its mean, on the scale of `reward_range`, above 0. Default: the environment's if it
    /// states Gaussian noise, 1/4 for Bernoulli payoffs, and a millionth without noise.
    pub noise_variance: Option<f64>,
    /// Factor on the widths of the confidence bounds, at least 0. Default 1.
    pub confidence: f64,
    /// Beginnings of sequences to look at before the best sequence so far is taken, at least 1. Default 100000.
    pub max_nodes: u64,
    /// Rewards that count as 0 and as 1. Default: the environment's range if finite, else 0 and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl Default for RgpUcbArgs {
    fn default() -> Self {
        Self {
            lookahead: 1,
            length_scale: 5.0,
            prior_variance: 1.0,
            noise_variance: None,
            confidence: 1.0,
            max_nodes: 100_000,
            reward_range: None,
            keep_across_episodes: false,
        }
    }
}

impl RgpUcbArgs {
    fn build(
        &self,
        id: &str,
        exploration: Exploration,
        context: &AgentContext,
        arms: &Arms,
    ) -> Result<Rgp, AgentError> {
        let structure = structure(id, context, arms)?;
        let cells = Cells::new(&structure);
        let unsupported = |reason: String| AgentError::Unsupported {
            agent: id.into(),
            env: context.env.id.clone(),
            reason,
        };
        if !(1..=MAX_LOOKAHEAD).contains(&self.lookahead) {
            let message = format!("{} is not in 1..={MAX_LOOKAHEAD}", self.lookahead);
            return Err(AgentError::argument("lookahead", message));
        }
        if self.lookahead > 1 && arms.plays() > 1 {
            return Err(unsupported(format!(
                "it looks several rounds ahead only with one play a round, and here are {}; set `lookahead` to 1",
                arms.plays()
            )));
        }
        let covariances = Posterior::pairs(&cells).saturating_mul(context.seats() as u64);
        if covariances > MAX_COVARIANCES {
            return Err(unsupported(format!(
                "the covariances of all states of an arm, {covariances} numbers for {} rows, are above the limit of \
                 {MAX_COVARIANCES}; take fewer rows, arms with smaller caps, or `ucb_z`",
                context.rows
            )));
        }
        let positive = |path: &str, value: f64| check(path, value, f64::MIN_POSITIVE.., "above 0");
        let noise = match self.noise_variance {
            Some(variance) => positive("noise_variance", variance)?,
            None => noise_variance(&structure, self.reward_range).max(1e-6),
        };
        if self.max_nodes == 0 {
            return Err(AgentError::argument("max_nodes", "0 is not at least 1"));
        }
        Ok(Rgp {
            exploration,
            confidence: check("confidence", self.confidence, 0.0.., "at least 0")?,
            lookahead: self.lookahead,
            max_nodes: self.max_nodes,
            prior: Prior {
                length_scale: positive("length_scale", self.length_scale)?,
                variance: positive("prior_variance", self.prior_variance)?,
                noise_variance: noise,
            },
            exact: structure.exact(),
            cells,
        })
    }
}

impl LearnerArgs for RgpUcbArgs {
    type Rule = Rgp;
    const ID: &'static str = "rgp_ucb";
    const SUMMARY: &'static str =
        "RGP-UCB: upper confidence bounds of Gaussian processes over rest times.";

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }

    fn rule(&self, context: &AgentContext, arms: &Arms) -> Result<Rgp, AgentError> {
        self.build(Self::ID, Exploration::Ucb, context, arms)
    }
}

/// Arguments of `rgp_ts`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RgpTsArgs {
    /// Rounds `d` that are planned and played as a whole, in 1..=64; above 1 only with one play a round. Default 1.
    pub lookahead: usize,
    /// Length scale `l` of the process in rounds, above 0. Default 5; the paper's experiments take 2.5, 5 and 7.5.
    pub length_scale: f64,
    /// Variance `v` of a mean payoff before any play, on the scale of `reward_range`, above 0. Default 1.
    pub prior_variance: f64,
    /// Variance of a payoff around its mean, on the scale of `reward_range`, above 0. Default: the environment's if it
    /// states Gaussian noise, 1/4 for Bernoulli payoffs, and a millionth without noise.
    pub noise_variance: Option<f64>,
    /// Beginnings of sequences to look at before the best sequence so far is taken, at least 1. Default 100000.
    pub max_nodes: u64,
    /// Rewards that count as 0 and as 1. Default: the environment's range if finite, else 0 and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl Default for RgpTsArgs {
    fn default() -> Self {
        let ucb = RgpUcbArgs::default();
        Self {
            lookahead: ucb.lookahead,
            length_scale: ucb.length_scale,
            prior_variance: ucb.prior_variance,
            noise_variance: ucb.noise_variance,
            max_nodes: ucb.max_nodes,
            reward_range: ucb.reward_range,
            keep_across_episodes: ucb.keep_across_episodes,
        }
    }
}

impl LearnerArgs for RgpTsArgs {
    type Rule = Rgp;
    const ID: &'static str = "rgp_ts";
    const SUMMARY: &'static str =
        "RGP-TS: posterior samples of Gaussian processes over rest times.";

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }

    fn rule(&self, context: &AgentContext, arms: &Arms) -> Result<Rgp, AgentError> {
        let shared = RgpUcbArgs {
            lookahead: self.lookahead,
            length_scale: self.length_scale,
            prior_variance: self.prior_variance,
            noise_variance: self.noise_variance,
            max_nodes: self.max_nodes,
            ..RgpUcbArgs::default()
        };
        let shared = RgpUcbArgs {
            reward_range: self.reward_range,
            ..shared
        };
        shared.build(Self::ID, Exploration::Thompson, context, arms)
    }
}
