//! What an environment is, seen from outside: players, spaces, rewards, horizon.

use std::{any::Any, sync::Arc};

use serde::Serialize;

use crate::space::Space;

/// The exact model behind an environment (a payoff table, transition probabilities), for planners with full
/// information. What type it has, the environment's documentation says.
#[derive(Clone)]
pub struct Model(Arc<dyn Any + Send + Sync>);

impl Model {
    /// A model to be found again by its type.
    pub fn new<M: Any + Send + Sync>(model: Arc<M>) -> Self {
        Self(model)
    }

    /// The model, if it is of type `M`.
    pub fn get<M: Any + Send + Sync>(&self) -> Option<Arc<M>> {
        self.0.clone().downcast().ok()
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Model")
    }
}

/// Two models are equal if they are of one type: environments with equal arguments have equal models.
impl PartialEq for Model {
    fn eq(&self, other: &Self) -> bool {
        (*self.0).type_id() == (*other.0).type_id()
    }
}

/// What one player of an environment sees and does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlayerSpec {
    /// Name, unique within the environment.
    pub name: String,
    /// What the player sees.
    pub observation: Space,
    /// What the player does.
    pub action: Space,
    /// Whether each state allows only some of the actions; the border then carries a mask
    /// `[rows, action.mask_width()]`.
    pub action_mask: bool,
    /// Whether actions outside a Box's bounds are accepted, because the dynamics clip them themselves (and a
    /// cost may count what was asked for). NaN never is.
    pub lenient_bounds: bool,
}

impl PlayerSpec {
    /// A player that may always take every action, within strict bounds.
    pub fn new(name: &str, observation: Space, action: Space) -> Self {
        Self {
            name: name.into(),
            observation,
            action,
            action_mask: false,
            lenient_bounds: false,
        }
    }
}

/// When the players act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Turns {
    /// All players act in every step (a single player, or a simultaneous game).
    EveryStep,
    /// Each step says who is to act next.
    Changing,
}

/// How an info field is summed up over an episode for the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InfoKind {
    /// A quantity of the transition just made, to be summed over the episode (a payoff, a cost). An element that
    /// is NaN says that there was nothing to tell in this step, and is left out of the sum.
    Sum,
    /// Hidden or auxiliary state behind the current observation, for players that are let in on it.
    State,
}

/// An extra value that an environment can tell on request, beside observation and reward.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InfoField {
    /// Name; hidden state starts with `privileged.`.
    pub name: String,
    /// What the value may be; a leaf.
    pub space: Space,
    /// What it describes.
    pub kind: InfoKind,
    /// One sentence for people.
    pub summary: String,
}

impl InfoField {
    /// Whether it tells hidden state.
    pub fn is_privileged(&self) -> bool {
        self.name.starts_with("privileged.")
    }
}

/// Static facts of an environment with its arguments and wrappers applied.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EnvSpec {
    /// Identifier with version, e.g. `cartpole-v1`.
    pub id: String,
    /// One sentence for people.
    pub summary: String,
    /// The players in order.
    pub players: Vec<PlayerSpec>,
    /// When they act.
    pub turns: Turns,
    /// Info fields it can tell.
    pub info: Vec<InfoField>,
    /// Environment steps after which an episode is truncated.
    pub max_episode_steps: Option<u32>,
    /// Smallest and largest reward of one step; may be infinite.
    pub reward_range: (f64, f64),
    /// Largest long-run mean reward per step that any policy is known to reach, where the environment can name it
    /// (its docs say from where); regret is measured against it. A wrapper that changes rewards or dynamics clears
    /// it.
    pub reference_rate: Option<f64>,
    /// The exact model, where the environment offers one. A wrapper that changes rewards or dynamics clears it.
    #[serde(skip)]
    pub model: Option<Model>,
    /// `γ` of the decision problem, where it has one: what is earned in it is judged by discounted returns.
    pub discount: Option<f64>,
    /// What those who read results should know of how it was made, in whole sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Whether two episodes with the same actions can differ (random starts, noise, chance).
    pub stochastic: bool,
    /// Wrappers applied, innermost first.
    pub wrappers: Vec<String>,
}

impl EnvSpec {
    /// A single-player environment.
    pub fn single(id: &str, summary: &str, observation: Space, action: Space) -> Self {
        Self {
            id: id.into(),
            summary: summary.into(),
            players: vec![PlayerSpec::new("player", observation, action)],
            turns: Turns::EveryStep,
            info: Vec::new(),
            max_episode_steps: None,
            reward_range: (f64::NEG_INFINITY, f64::INFINITY),
            reference_rate: None,
            model: None,
            discount: None,
            notes: Vec::new(),
            stochastic: true,
            wrappers: Vec::new(),
        }
    }

    /// Index of the info field called `name`.
    pub fn info_index(&self, name: &str) -> Option<usize> {
        self.info.iter().position(|f| f.name == name)
    }
}
