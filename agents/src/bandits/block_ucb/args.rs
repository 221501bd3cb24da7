//! Arguments of the block learners, and the oracles made for them.

use palaestra_envs::{
    bandits::{ArmConfig, Instance, InstanceConfig, StartConfig},
    math::powf,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BlockUcb, Epoch, FIRST_EPOCH, Kind};
use crate::{
    AgentContext, AgentError,
    bandits::{
        Arms, LearnerSettings,
        cells::{Cells, structure},
        planning::{BlockOracle, MAX_ORACLE_SIZE, PlanError},
        setup::{LearnerArgs, check, known_horizon},
    },
};

/// Largest size of an oracle for blocks of the default length: some 100 microseconds for each block.
const QUICK_SIZE: u64 = 20_000;

/// Rounds of the longest block by default.
const LONGEST_DEFAULT: usize = 200;

/// Most idle rounds that are told apart.
const LONGEST_REACH: usize = 10_000;

/// Arguments that the block learners share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BlockUcbArgs {
    /// Rounds `d` of a block, at least 1 (not counting calibration). Default: `(N T)^(1/3)`, one more for
    /// `isi_comb_ucb1`, but no longer than a block can be found for in some 100 microseconds.
    pub block: Option<usize>,
    /// `c` in the bonus `sqrt(c ln t / n)`, at least 0. Default 1.5.
    pub exploration: f64,
    /// Whether delays from which on an arm's payoff is known to stay the same are taken together. Default false, as in
    /// the released code; true learns faster.
    pub use_caps: bool,
    /// Rounds `T` that the default of `block` is for. Default: the length of an episode or of the run,
    /// whichever is shorter; that of the run if nothing is forgotten. Where that is not known, blocks grow as rounds pass.
    pub horizon: Option<u64>,
    /// Rewards that count as 0 and as 1. Default: the environment's range if finite, else 0 and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl Default for BlockUcbArgs {
    fn default() -> Self {
        Self {
            block: None,
            exploration: 1.5,
            use_caps: false,
            horizon: None,
            reward_range: None,
            keep_across_episodes: false,
        }
    }
}

impl BlockUcbArgs {
    fn build(
        &self,
        id: &str,
        kind: Kind,
        order: Option<&[usize]>,
        context: &AgentContext,
        arms: &Arms,
    ) -> Result<BlockUcb, AgentError> {
        let structure = structure(id, context, arms)?;
        let prefix = match kind {
            Kind::Calibrated => calibration(&structure, order)?,
            Kind::Isi | Kind::Comb => Vec::new(),
        };
        let epoch = |length: usize, limit: u64| {
            let reach = (prefix.len() + length - 1).clamp(1, LONGEST_REACH) as u16;
            let structure = told_apart(&structure, reach, self.use_caps)?;
            let oracle = BlockOracle::calibrated(&structure, &prefix, length, limit)?;
            let free = match kind {
                Kind::Calibrated => Some(BlockOracle::new(&structure, length, MAX_ORACLE_SIZE)?),
                Kind::Isi | Kind::Comb => None,
            };
            Ok(Epoch {
                cells: Cells::new(&structure),
                structure,
                oracle,
                free,
                prefix: prefix.len(),
            })
        };
        let error = |error: PlanError| AgentError::argument("block", error.to_string());
        let extra = usize::from(kind == Kind::Isi);
        let shortest = 1 + extra;
        let wanted = |rounds: f64| {
            let d = powf(arms.count() as f64 * rounds, 1.0 / 3.0) as usize;
            (d + extra).clamp(shortest, LONGEST_DEFAULT)
        };
        // The longest block up to the one wanted that can be found quickly; else the shortest, if at all.
        let quick = |wanted: usize| {
            let (mut known, mut best) =
                (shortest, epoch(shortest, MAX_ORACLE_SIZE).map_err(error)?);
            let mut too_long = wanted + 1;
            while too_long - known > 1 {
                let length = usize::midpoint(known, too_long);
                match epoch(length, QUICK_SIZE) {
                    Ok(found) => (known, best) = (length, found),
                    Err(_) => too_long = length,
                }
            }
            Ok::<Epoch, AgentError>(best)
        };
        let horizon = known_horizon(context, self.horizon, self.keep_across_episodes)?;
        let (epochs, doubling) = match (self.block, horizon) {
            (Some(length), _) if length < shortest => {
                let message = format!("{length} rounds are not at least {shortest}");
                return Err(AgentError::argument("block", message));
            }
            (Some(length), _) => (vec![epoch(length, MAX_ORACLE_SIZE).map_err(error)?], false),
            (None, Some(rounds)) => (vec![quick(wanted(rounds))?], false),
            (None, None) => {
                let mut epochs: Vec<Epoch> = Vec::new();
                for doublings in 0..40 {
                    let wanted = wanted((FIRST_EPOCH << doublings) as f64);
                    let found = quick(wanted)?;
                    let at_limit = found.chosen() < wanted || wanted == LONGEST_DEFAULT;
                    epochs.push(found);
                    if at_limit {
                        break;
                    }
                }
                (epochs, true)
            }
        };
        Ok(BlockUcb {
            kind,
            exploration: check("exploration", self.exploration, 0.0.., "at least 0")?,
            rested: (0..arms.count())
                .map(|arm| structure.caps(arm))
                .map(|caps| (caps.idle, caps.period > 1))
                .collect(),
            plays: structure.plays(),
            epochs,
            doubling,
        })
    }

    fn settings(&self) -> LearnerSettings {
        LearnerSettings::new(self.reward_range, self.keep_across_episodes)
    }
}

/// The arms with the idle states `1..=reach`; with `use_caps` no more than they have. Seasonal arms stay as they are.
fn told_apart(structure: &Instance, reach: u16, use_caps: bool) -> Result<Instance, PlanError> {
    let arm = |arm| {
        let caps = structure.caps(arm);
        let own = caps.idle as u16;
        let idle = match caps.period {
            1 if use_caps => reach.min(own),
            1 => reach,
            _ => own,
        };
        ArmConfig::StateTable {
            rested: vec![0.0; idle as usize],
            satiated: vec![0.0; caps.played as usize],
            period: caps.period as u16,
        }
    };
    let config = InstanceConfig {
        arms: (0..structure.num_arms()).map(arm).collect(),
        plays: structure.plays(),
        exact: structure.exact(),
        start: StartConfig::default(),
        noise: structure.noise(),
        horizon: structure.horizon(),
        optimal_rate: None,
    };
    config.build().map_err(|error| PlanError::Unsuitable {
        planner: "block_oracle",
        reason: error.to_string(),
    })
}

/// The rounds in which all arms are played in `order` (default: from the first to the last), `k` at a time. Where
/// exactly `k` must be played, the last round is filled up from the front.
fn calibration(
    structure: &Instance,
    order: Option<&[usize]>,
) -> Result<Vec<Vec<usize>>, AgentError> {
    let (n, k) = (structure.num_arms(), structure.plays());
    let order: Vec<usize> = order.map_or((0..n).collect(), <[usize]>::to_vec);
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..n) {
        let message = format!("must name each of the arms 0..={} once", n - 1);
        return Err(AgentError::argument("order", message));
    }
    let mut rounds: Vec<Vec<usize>> = order.chunks(k).map(<[usize]>::to_vec).collect();
    if let Some(last) = rounds.last_mut().filter(|_| structure.exact()) {
        let missing = k - last.len();
        last.extend_from_slice(&order[..missing]);
    }
    Ok(rounds)
}

/// Arguments of `isi_comb_ucb1`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct IsiCombUcb1Args(pub BlockUcbArgs);

impl LearnerArgs for IsiCombUcb1Args {
    type Rule = BlockUcb;
    const ID: &'static str = "isi_comb_ucb1";
    const SUMMARY: &'static str =
        "ISI-CombUCB1: blocks by upper confidence bounds, whatever the states before them.";

    fn settings(&self) -> LearnerSettings {
        self.0.settings()
    }

    fn rule(&self, context: &AgentContext, arms: &Arms) -> Result<BlockUcb, AgentError> {
        self.0.build(Self::ID, Kind::Isi, None, context, arms)
    }
}

/// Arguments of `comb_ucb1`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CombUcb1Args(pub BlockUcbArgs);

impl LearnerArgs for CombUcb1Args {
    type Rule = BlockUcb;
    const ID: &'static str = "comb_ucb1";
    const SUMMARY: &'static str =
        "CombUCB1: blocks by upper confidence bounds from the present states.";

    fn settings(&self) -> LearnerSettings {
        self.0.settings()
    }

    fn rule(&self, context: &AgentContext, arms: &Arms) -> Result<BlockUcb, AgentError> {
        self.0.build(Self::ID, Kind::Comb, None, context, arms)
    }
}

/// Arguments of `calibrated_comb_ucb1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CalibratedCombUcb1Args {
    /// All arms, in the order in which every block begins. Default: from the first to the last.
    pub order: Option<Vec<usize>>,
    /// Rounds `d` of a block after its calibration, at least 1. Default: `(N T)^(1/3)`, but no longer than a block can
    /// be found for in some 100 microseconds.
    pub block: Option<usize>,
    /// `c` in the bonus `sqrt(c ln t / n)`, at least 0. Default 1.5.
    pub exploration: f64,
    /// Whether delays from which on an arm's payoff is known to stay the same are taken together. Default false, as in
    /// the released code; true learns faster.
    pub use_caps: bool,
    /// Rounds `T` that the default of `block` is for. Default: the length of an episode or of the run,
    /// whichever is shorter; that of the run if nothing is forgotten. Where that is not known, blocks grow as rounds pass.
    pub horizon: Option<u64>,
    /// Rewards that count as 0 and as 1. Default: the environment's range if finite, else 0 and 1.
    pub reward_range: Option<[f64; 2]>,
    /// Whether to keep what was learned when a new episode begins. Default false.
    pub keep_across_episodes: bool,
}

impl Default for CalibratedCombUcb1Args {
    fn default() -> Self {
        let BlockUcbArgs {
            block,
            exploration,
            use_caps,
            horizon,
            reward_range,
            keep_across_episodes,
        } = BlockUcbArgs::default();
        Self {
            order: None,
            block,
            exploration,
            use_caps,
            horizon,
            reward_range,
            keep_across_episodes,
        }
    }
}

impl CalibratedCombUcb1Args {
    fn shared(&self) -> BlockUcbArgs {
        BlockUcbArgs {
            block: self.block,
            exploration: self.exploration,
            use_caps: self.use_caps,
            horizon: self.horizon,
            reward_range: self.reward_range,
            keep_across_episodes: self.keep_across_episodes,
        }
    }
}

impl LearnerArgs for CalibratedCombUcb1Args {
    type Rule = BlockUcb;
    const ID: &'static str = "calibrated_comb_ucb1";
    const SUMMARY: &'static str = "CombUCB1 with blocks that begin with all arms in a fixed order.";

    fn settings(&self) -> LearnerSettings {
        self.shared().settings()
    }

    fn rule(&self, context: &AgentContext, arms: &Arms) -> Result<BlockUcb, AgentError> {
        let order = self.order.as_deref();
        (self.shared()).build(Self::ID, Kind::Calibrated, order, context, arms)
    }
}
