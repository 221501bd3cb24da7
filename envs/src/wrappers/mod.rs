//! Wrappers: changes to what agents see, do and earn, each a plugin that works on every environment for which it
//! has a meaning, and says so when there is none.
//!
//! A simulator applies its wrappers in the order in which they are given, the first nearest to the environment,
//! as nested calls would. Each observation wrapper reads the stage of the observation before it and writes one of
//! its own, and each action wrapper does so in the other direction, so what the agent wrote stays readable. A
//! wrapper concerns all players unless it is given the names of some.
//!
//! Random wrappers draw from streams of their own, `wrapper.NAME#K` of the row's lane (`K` counts wrapped players
//! of that kind from the inside), at a place that depends on the episode and the time within it alone. So adding
//! one leaves the environment's own randomness as it was, and a row gives the same numbers in any batch.
//!
//! ```
//! use palaestra_envs::{registry, sim::Simulator, wrappers::WrapperConfig};
//!
//! let sticky: WrapperConfig = serde_json::from_str(r#"{ "kind": "sticky_actions", "probability": 0.25 }"#)?;
//! let cartpole = registry().build("cartpole-v1", &serde_json::Value::Null)?;
//! let simulator = Simulator::builder(cartpole).wrap(sticky.plugin()?).build()?;
//! assert_eq!(simulator.spec().wrappers, ["sticky_actions(probability=0.25)"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod action_noise;
mod action_repeat;
mod box_actions;
mod delay_observation;
mod distractors;
pub(crate) mod flat;
mod frame_stack;
mod full_information;
mod layer;
pub(crate) mod leaves;
pub(crate) mod matrix;
mod normalize_observation;
mod normalize_reward;
mod observation_noise;
mod previous_action;
mod projection;
pub(crate) mod random;
mod reward;
mod sticky_actions;
#[cfg(test)]
mod tests;
mod time_aware;
mod time_limit;
pub(crate) mod trials;
mod welford;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use action_noise::ActionNoise;
pub use action_repeat::ActionRepeat;
pub use box_actions::{ClipAction, RescaleAction};
pub use delay_observation::DelayObservation;
pub use distractors::Distractors;
pub use flat::Flat;
pub use frame_stack::FrameStack;
pub use full_information::{FullInformation, InformationLevel};
pub use matrix::MapDistribution;
pub use normalize_observation::NormalizeObservation;
pub use normalize_reward::NormalizeReward;
pub use observation_noise::ObservationNoise;
pub use previous_action::{ActionLayout, FlagMode, PreviousAction};
pub use projection::{ProjectAction, ProjectObservation};
pub use reward::{RewardClip, RewardScale};
pub use sticky_actions::StickyActions;
pub use time_aware::TimeAwareObservation;
pub use time_limit::TimeLimit;
pub use trials::{TrialLayout, TrialStart, Trials};

use crate::{
    error::EnvError,
    sim::{Builder, Plugin},
};

/// A wrapper: a [`Plugin`] with a name and settings that can be written down. Its fields are the keys of its
/// config.
pub trait Wrapper: Serialize + Send + Sync + 'static {
    /// Name, as in a config's `kind`.
    const NAME: &'static str;
    /// What it does, in one sentence for people.
    const SUMMARY: &'static str;

    /// Whether rewards and dynamics stay as they are (only what the agent sees, or how long it plays, changes). If not,
    /// the environment's reference rate and model are no longer true, and are taken from its spec.
    const KEEPS_PROBLEM: bool = false;

    /// Whether it reads the info fields with hidden state.
    const READS_PRIVILEGED: bool = false;

    /// Checks the settings by themselves.
    ///
    /// # Errors
    /// [`EnvError::Argument`] for a value out of range.
    fn check(&self) -> Result<(), EnvError>;

    /// Declares stages, state and systems. The settings have been checked.
    ///
    /// # Errors
    /// [`EnvError::Incompatible`] if the wrapper has no meaning for the environment.
    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError>;
}

impl<W: Wrapper> Plugin for W {
    fn reads_privileged(&self) -> bool {
        W::READS_PRIVILEGED
    }

    fn build(&self, builder: &mut Builder) -> Result<(), EnvError> {
        self.check()?;
        self.apply(builder)?;
        if !W::KEEPS_PROBLEM {
            builder.spec_mut().reference_rate = None;
            builder.spec_mut().model = None;
        }
        builder.spec_mut().wrappers.push(description(self));
        Ok(())
    }
}

/// The wrapper's name and settings in a line of text, without those that are not set.
fn description<W: Wrapper>(wrapper: &W) -> String {
    let settings = serde_json::to_value(wrapper).unwrap_or(Value::Null);
    let given = settings.as_object().into_iter().flatten();
    let given = given.filter(|(_, value)| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(list) => !list.is_empty(),
        _ => true,
    });
    let words: Vec<String> = given
        .map(|(key, value)| match value {
            Value::String(text) => format!("{key}={text}"),
            other => format!("{key}={other}"),
        })
        .collect();
    format!("{}({})", W::NAME, words.join(", "))
}

/// A kind of wrapper, for listings.
#[derive(Debug, Clone)]
pub struct WrapperEntry {
    /// Name, as in a config's `kind`.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// JSON Schema of its keys, `kind` aside.
    pub schema: Schema,
}

/// Makes one variant of the config, and one entry of the listing, for each wrapper.
macro_rules! wrappers {
    ($($wrapper:ident),* $(,)?) => {
        /// A wrapper with its settings, as a config file has it: `kind` names the wrapper, the other keys are the
        /// fields of the type of that name.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
        pub enum WrapperConfig {
            $(
                #[doc = concat!("See [`", stringify!($wrapper), "`].")]
                #[schemars(extend("description" = <$wrapper as Wrapper>::SUMMARY))]
                $wrapper($wrapper),
            )*
        }

        impl WrapperConfig {
            /// The wrapper, its settings checked.
            ///
            /// # Errors
            /// [`EnvError::Argument`] for a value out of range.
            pub fn plugin(&self) -> Result<Box<dyn Plugin>, EnvError> {
                match self {
                    $(Self::$wrapper(wrapper) => {
                        wrapper.check()?;
                        Ok(Box::new(wrapper.clone()))
                    })*
                }
            }

            /// Name of the wrapper.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$wrapper(_) => $wrapper::NAME,)*
                }
            }
        }

        /// All wrappers of this crate.
        pub fn list() -> Vec<WrapperEntry> {
            vec![$(WrapperEntry {
                name: $wrapper::NAME,
                summary: $wrapper::SUMMARY,
                schema: schemars::schema_for!($wrapper),
            },)*]
        }
    };
}

wrappers![
    TimeLimit,
    ActionRepeat,
    StickyActions,
    ActionNoise,
    ClipAction,
    RescaleAction,
    ProjectAction,
    ObservationNoise,
    NormalizeObservation,
    FrameStack,
    DelayObservation,
    PreviousAction,
    FullInformation,
    TimeAwareObservation,
    Distractors,
    ProjectObservation,
    RewardScale,
    RewardClip,
    NormalizeReward,
    Trials,
];
