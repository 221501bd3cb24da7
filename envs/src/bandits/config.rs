//! An LSD bandit instance as plain data, and its validation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arm::{ArmConfig, ArmTable};
use super::instance::Instance;
use super::noise::NoiseConfig;
use super::problem::{InstanceError, InstanceProblem};

/// Largest number of payoff entries of one instance, all arms together.
pub const MAX_TABLE_ENTRIES: usize = 1 << 26;

/// An LSD bandit instance, as written in an experiment config.
///
/// ```
/// use palaestra_envs::bandits::InstanceConfig;
///
/// let config: InstanceConfig = serde_json::from_str(
///     r#"{"arms": [{"family": "constant", "mean": 0.4},
///                  {"family": "blocking", "mean": 0.9, "delay": 2}],
///         "horizon": 100}"#,
/// )
/// .unwrap();
/// assert_eq!(config.plays, 1);
/// assert_eq!(config.build().unwrap().num_arms(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstanceConfig {
    /// The arms; at least one.
    pub arms: Vec<ArmConfig>,
    /// `k`: plays a round, in `1..=arms`. Default 1.
    #[serde(default = "one_play")]
    pub plays: usize,
    /// Whether exactly `plays` arms must be played a round; otherwise at most so many. Default false.
    #[serde(default)]
    pub exact: bool,
    /// States before the first round. Default: every arm fully rested.
    #[serde(default)]
    pub start: StartConfig,
    /// Payoff noise. Default Bernoulli.
    #[serde(default)]
    pub noise: NoiseConfig,
    /// Rounds of an episode, at least 1; the episode is then truncated.
    pub horizon: u32,
    /// The largest long-run mean payoff a round that any policy with full information reaches, if it is known.
    /// Regret is measured against it. The presets name their source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimal_rate: Option<f64>,
}

fn one_play() -> usize {
    1
}

/// The states of the arms before the first round.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StartConfig {
    /// Every arm at its idle cap `D`.
    #[default]
    Rested,
    /// Every arm at −1, as in the released experiments of the LSD and Recovering Bandits papers.
    JustPlayed,
    /// One state for each arm, each of them a state of its arm.
    States(Vec<i16>),
}

impl InstanceConfig {
    /// Compiles the payoff tables.
    ///
    /// # Errors
    /// Names every problem of the config at once, each with its arm and key.
    pub fn build(&self) -> Result<Instance, InstanceError> {
        let mut problems = Vec::new();
        self.check_instance(&mut problems);
        let tables = self.tables(&mut problems);
        let start = self.start_states(&tables, &mut problems);
        if problems.is_empty() {
            let tables: Vec<ArmTable> = tables.into_iter().flatten().collect();
            Ok(Instance::from_tables(self, &tables, start))
        } else {
            Err(InstanceError { problems })
        }
    }

    fn check_instance(&self, problems: &mut Vec<InstanceProblem>) {
        let arms = self.arms.len();
        if arms == 0 {
            problems.push(InstanceProblem::NoArms);
        } else if !(1..=arms).contains(&self.plays) {
            problems.push(InstanceProblem::Plays {
                plays: self.plays,
                arms,
            });
        }
        if self.horizon == 0 {
            problems.push(InstanceProblem::Horizon);
        }
        if let NoiseConfig::Gaussian { sigma } = self.noise
            && !(sigma.is_finite() && sigma >= 0.0)
        {
            problems.push(InstanceProblem::Sigma { sigma });
        }
        if let Some(rate) = self.optimal_rate
            && !(0.0..=self.plays as f64).contains(&rate)
        {
            problems.push(InstanceProblem::OptimalRate {
                rate,
                plays: self.plays,
            });
        }
    }

    /// The table of each arm, or nothing for an arm that is not valid or no longer fits.
    fn tables(&self, problems: &mut Vec<InstanceProblem>) -> Vec<Option<ArmTable>> {
        let mut entries = 0;
        let mut tables = Vec::with_capacity(self.arms.len());
        for (arm, config) in self.arms.iter().enumerate() {
            let table = config.table(arm, problems);
            entries += table.as_ref().map_or(0, ArmTable::entries);
            tables.push(table.filter(|_| entries <= MAX_TABLE_ENTRIES));
        }
        if entries > MAX_TABLE_ENTRIES {
            problems.push(InstanceProblem::TooLarge {
                entries,
                limit: MAX_TABLE_ENTRIES,
            });
        }
        tables
    }

    fn start_states(
        &self,
        tables: &[Option<ArmTable>],
        problems: &mut Vec<InstanceProblem>,
    ) -> Vec<i16> {
        match &self.start {
            StartConfig::Rested => (tables.iter().flatten())
                .map(|table| table.caps().idle)
                .collect(),
            StartConfig::JustPlayed => vec![-1; tables.len()],
            StartConfig::States(states) => {
                if states.len() != tables.len() {
                    problems.push(InstanceProblem::StartLength {
                        given: states.len(),
                        arms: tables.len(),
                    });
                }
                for (arm, (&state, table)) in states.iter().zip(tables).enumerate() {
                    // An arm that could not be compiled has no caps to compare with; its own problem is reported.
                    let Some(caps) = table.as_ref().map(ArmTable::caps) else {
                        continue;
                    };
                    if !caps.contains(state) {
                        problems.push(InstanceProblem::StartState {
                            arm,
                            state,
                            played: caps.played,
                            idle: caps.idle,
                        });
                    }
                }
                states.clone()
            }
        }
    }
}
