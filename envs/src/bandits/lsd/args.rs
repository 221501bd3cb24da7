//! Arguments of the environment, and the instance they describe.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    bandits::{Instance, InstanceConfig, NoiseConfig, StartConfig, presets::PRESETS},
    error::EnvError,
};

/// The instance if none is named.
const DEFAULT_PRESET: &str = "spike5";

/// Arguments of [`LsdBandit`](super::LsdBandit): an instance by name or in full, and what to change about it.
///
/// ```
/// use palaestra_envs::bandits::{LsdBandit, LsdBanditArgs, NoiseConfig};
///
/// let args: LsdBanditArgs = serde_json::from_str(r#"{"preset": "geo3", "noise": "none"}"#).unwrap();
/// assert_eq!(LsdBandit::new(&args).unwrap().instance().noise(), NoiseConfig::None);
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LsdBanditArgs {
    /// A named instance; `spike5` if there is no `instance` either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// An instance in full, instead of a named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceConfig>,
    /// Plays a round, instead of the instance's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plays: Option<usize>,
    /// Whether exactly so many arms must be played, instead of the instance's own rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<bool>,
    /// Rounds of an episode, instead of the instance's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub horizon: Option<u32>,
    /// States before the first round, instead of the instance's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<StartConfig>,
    /// Payoff noise, instead of the instance's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseConfig>,
    /// The optimal long-run mean payoff a round, instead of the instance's own. The instance's own is dropped where
    /// `plays` or `exact` changes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optimal_rate: Option<f64>,
    /// Whether the player sees nothing of the states.
    pub hide_state: bool,
    /// Whether arms that would pay nothing (blocked ones) are masked out.
    pub mask_unavailable: bool,
}

impl LsdBanditArgs {
    /// The instance as plain data, with the overrides applied.
    ///
    /// # Errors
    /// [`EnvError::Argument`] if the preset is unknown, or given beside an instance.
    pub fn config(&self) -> Result<InstanceConfig, EnvError> {
        let mut config = match (&self.preset, &self.instance) {
            (Some(_), Some(_)) => {
                return Err(EnvError::argument(
                    "instance",
                    "give either `preset` or `instance`, not both",
                ));
            }
            (None, Some(instance)) => instance.clone(),
            (preset, None) => named(preset.as_deref().unwrap_or(DEFAULT_PRESET))?,
        };
        let rules = (config.plays, config.exact);
        config.plays = self.plays.unwrap_or(config.plays);
        config.exact = self.exact.unwrap_or(config.exact);
        config.horizon = self.horizon.unwrap_or(config.horizon);
        config.noise = self.noise.unwrap_or(config.noise);
        if let Some(start) = &self.start {
            config.start = start.clone();
        }
        // Other rules have another optimum. Noise and start do not matter to it: any state can be reached again
        // from any other, as far as it matters for payoffs.
        let unchanged = (config.plays, config.exact) == rules;
        let own_rate = config.optimal_rate.filter(|_| unchanged);
        config.optimal_rate = self.optimal_rate.or(own_rate);
        Ok(config)
    }

    /// The compiled instance.
    ///
    /// # Errors
    /// As [`config`](Self::config), or if the instance is not valid.
    pub fn instance(&self) -> Result<Instance, EnvError> {
        let path = if self.instance.is_some() {
            "instance"
        } else {
            ""
        };
        self.config()?
            .build()
            .map_err(|error| EnvError::argument(path, error.to_string()))
    }
}

fn named(id: &str) -> Result<InstanceConfig, EnvError> {
    InstanceConfig::preset(id).map_err(|unknown| {
        let known: Vec<&str> = PRESETS.iter().map(|preset| preset.id).collect();
        EnvError::Argument {
            path: "preset".into(),
            message: format!(
                "there is no bandit instance `{id}`; there are {}, and big{{N}}_{{k}} of any size",
                known.join(", ")
            ),
            suggestion: Some(unknown.nearest.to_owned()),
        }
    })
}
