//! Any explicit POMDP as an environment for one player.
//!
//! | | |
//! |---|---|
//! | observation | `Discrete(O + 1)`: the observation made on arriving, or `O` at the start, where nothing has been seen yet |
//! | action | `Discrete(A)` |
//! | reward | `R(a, s, s', o)` |
//! | end | termination in a terminal state, truncation after `horizon` steps |
//! | info `privileged.state` | `[1]`: index of the hidden state |
//! | reset option | `{"state": name or index}`: the state to start in |
//!
//! Wrappers that flatten show the observation one-hot, and `full_information` shows the state. [`EnvSpec::model`] is the [`Pomdp`], for planners
//! that track the belief.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Generative, ModelError, Observed, Pomdp, args::hidden, picture::Shown};
use crate::{
    error::EnvError,
    sim::{EnvSpec, Environment, Model, RowObservation, RowStep},
    space::Space,
    stream::Stream,
};

/// Name of the info field with the hidden state.
pub const PRIVILEGED_STATE: &str = "privileged.state";

/// An explicit POMDP behind the border.
#[derive(Debug, Clone)]
pub struct PomdpEnvironment {
    id: String,
    summary: String,
    horizon: u32,
    model: Arc<Pomdp>,
    notes: Vec<String>,
}

/// Where an episode stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    state: u32,
    /// The last observation; the number of observations if there is none yet.
    seen: u32,
}

impl PomdpEnvironment {
    /// An environment called `id` on `model`, whose episodes are truncated after `horizon` steps.
    pub fn new(id: &str, summary: &str, horizon: u32, model: Arc<Pomdp>) -> Self {
        Self {
            id: id.into(),
            summary: summary.into(),
            horizon,
            model,
            notes: Vec::new(),
        }
    }

    /// With [notes](EnvSpec::notes) for those who read results.
    #[must_use]
    pub fn with_notes(self, notes: Vec<String>) -> Self {
        Self { notes, ..self }
    }

    /// The model.
    pub fn model(&self) -> &Arc<Pomdp> {
        &self.model
    }

    fn start(&self, state: u32) -> Hidden {
        Hidden {
            state,
            seen: self.model.num_observations() as u32,
        }
    }

    /// The state that reset options name.
    fn chosen(&self, options: &Value) -> Result<Option<u32>, String> {
        let states = self.model.num_states();
        let object = match options {
            Value::Null => return Ok(None),
            Value::Object(object) => object,
            other => return Err(format!("expected an object with `state`, found {other}")),
        };
        if let Some(stranger) = object.keys().find(|key| *key != "state") {
            return Err(format!(
                "there is no reset option `{stranger}`, only `state`"
            ));
        }
        let index = match object.get("state") {
            None => return Ok(None),
            Some(Value::String(name)) => self.model.state_index(name),
            Some(value) => value.as_u64().map(|i| i as usize).filter(|&i| i < states),
        };
        let index = index.ok_or_else(|| {
            format!(
                "`state` must be the name of a state or its index below {states}, found {}",
                object["state"]
            )
        })?;
        if self.model.is_terminal(index) {
            return Err(format!(
                "state {index} is terminal; an episode cannot start there"
            ));
        }
        Ok(Some(index as u32))
    }
}

impl Environment for PomdpEnvironment {
    type State = Hidden;

    fn spec(&self) -> EnvSpec {
        let model = &self.model;
        let states = model.num_states();
        EnvSpec {
            max_episode_steps: Some(self.horizon),
            reward_range: model.reward_range(),
            model: Some(Model::new(model.clone())),
            discount: Some(model.discount()),
            notes: self.notes.clone(),
            stochastic: model.is_stochastic(),
            info: vec![hidden(
                "state",
                1,
                0.0,
                (states - 1) as f64,
                "Index of the hidden state.",
            )],
            ..EnvSpec::single(
                &self.id,
                &self.summary,
                model.observation_space(),
                Space::discrete(model.num_actions()),
            )
        }
    }

    fn reset(&self, rng: &mut Stream, options: &Value) -> Result<Hidden, String> {
        let drawn = self.model.sample_start(rng);
        Ok(self.start(self.chosen(options)?.unwrap_or(drawn)))
    }

    fn step(&self, hidden: &mut Hidden, step: &mut RowStep<'_>, rng: &mut Stream) {
        let action = step.discrete(0) as usize;
        let outcome = self.model.step(&hidden.state, action, rng);
        step.reward(0, outcome.reward as f32);
        if outcome.terminal {
            step.terminate();
        }
        *hidden = Hidden {
            state: outcome.next,
            seen: outcome.observation,
        };
    }

    fn observe(&self, hidden: &Hidden, _player: usize, out: &mut RowObservation<'_>) {
        out.i32(0)[0] = hidden.seen as i32;
        out.info(PRIVILEGED_STATE, &[f64::from(hidden.state)]);
    }

    fn render(&self, hidden: &Hidden) -> Option<String> {
        let parts = self.model.parts();
        let seen = parts.observations.get(hidden.seen as usize);
        let seen = seen.map_or("nothing yet", String::as_str);
        let state = &parts.states[hidden.state as usize];
        let told = format!("state {state}, seen {seen}");
        let picture = self.model.picture(Shown::State(hidden.state as usize));
        Some(picture.map_or(told.clone(), |picture| format!("{picture}\n{told}")))
    }
}

/// A model that cannot be is an error of the arguments that describe it.
impl From<ModelError> for EnvError {
    fn from(error: ModelError) -> Self {
        Self::argument("", error.to_string())
    }
}
