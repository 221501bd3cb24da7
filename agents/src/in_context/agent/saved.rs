//! What is saved of the agent, and how it is taken up again: by the agent that was stopped, or by one of other seats.

use std::collections::BTreeSet;

use burn::module::Module;
use palaestra_envs::{
    sim::{read_value, write_value},
    stream::Stream,
};
use palaestra_world_models::{SequenceCore, StackConfig};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    super::{
        optimiser::SavedMoments,
        parameters::{self, SavedParameter},
        report::Report,
        rollout::{Rollout, tensor},
    },
    Clock, ID, Ppo,
};
use crate::AgentError;

/// Everything that is saved.
#[derive(Serialize, Deserialize)]
struct Saved {
    /// The core with its arguments, as JSON.
    core: String,
    parameters: Vec<SavedParameter>,
    moments: Vec<Option<SavedMoments>>,
    memory: Vec<f32>,
    rollout: Rollout,
    streams: Vec<Stream>,
    shuffle: Stream,
    updates: u64,
    report: Report,
}

fn misfit(reason: String) -> AgentError {
    AgentError::State {
        agent: ID.into(),
        reason,
    }
}

/// What is told of two different configurations of one core: the arguments that differ.
fn differences(saved: &StackConfig, own: &StackConfig) -> String {
    let mut told = Vec::new();
    let mut tell = |name: String, saved: &Value, own: &Value| {
        if saved != own {
            told.push(format!("{name} is {saved} there and {own} here"));
        }
    };
    tell("`layers`".into(), &saved.layers.into(), &own.layers.into());
    let widths = (saved.width.into(), own.width.into());
    tell("the last width of `encoder`".into(), &widths.0, &widths.1);
    let keys = [&saved.args, &own.args]
        .into_iter()
        .filter_map(Value::as_object);
    let keys: BTreeSet<&String> = keys.flat_map(|args| args.keys()).collect();
    for key in keys {
        tell(
            format!("`core_args.{key}`"),
            &saved.args[key],
            &own.args[key],
        );
    }
    format!(
        "its core `{}` has other arguments: {}",
        own.core,
        told.join(", ")
    )
}

impl Ppo {
    /// Everything.
    pub(super) fn saved(&self) -> Result<Vec<u8>, AgentError> {
        let saved = Saved {
            core: self.core_json(),
            parameters: parameters::save(&self.acting)?,
            moments: self.learner.optimiser.save()?,
            memory: self.memories()?,
            rollout: self.rollout.clone(),
            streams: self.streams.clone(),
            shuffle: self.learner.shuffle.clone(),
            updates: self.learner.updates,
            report: self.learner.report.clone(),
        };
        let mut state = Vec::new();
        write_value(&saved, &mut state)?;
        Ok(state)
    }

    /// Takes up the parameters, of whatever rows and players they were learned from.
    pub(super) fn take_learned(&mut self, mut state: &[u8]) -> Result<(), AgentError> {
        let saved: Saved = read_value(&mut state)?;
        self.check_core(&saved.core)?;
        self.take_parameters(saved.parameters)?;
        self.acting = self.learner.model.valid();
        Ok(())
    }

    /// Takes up everything; refuses what is of another core, of other widths, or of other seats.
    pub(super) fn take_all(&mut self, mut state: &[u8]) -> Result<(), AgentError> {
        let saved: Saved = read_value(&mut state)?;
        self.check_core(&saved.core)?;
        let seats = self.context.seats();
        let width = self.acting.core.state_width();
        if saved.rollout.dims() != self.rollout.dims()
            || saved.streams.len() != seats
            || saved.memory.len() != seats * width
        {
            let [found_rows, found_steps] = saved.rollout.dims();
            return Err(misfit(format!(
                "it is of {found_rows} seats with rollouts of {found_steps} steps, not {seats} with {}",
                self.rollout.dims()[1]
            )));
        }
        self.take_parameters(saved.parameters)?;
        let learner = &mut self.learner;
        learner
            .optimiser
            .load(saved.moments, &learner.model, &self.device)?;
        self.learner.shuffle = saved.shuffle;
        self.learner.updates = saved.updates;
        self.learner.report = saved.report;
        self.acting = self.learner.model.valid();
        let rows = self.context.rows;
        let memories = saved.memory.chunks((rows * width).max(1));
        for (seats, memory) in self.seats.iter_mut().zip(memories) {
            seats.memory = tensor(memory.to_vec(), [rows, width], &self.device);
        }
        self.rollout = saved.rollout;
        self.streams = saved.streams;
        self.clock = Clock::default();
        self.stopped = None;
        Ok(())
    }

    /// Refuses what is of another core than `core`.
    fn check_core(&self, core: &str) -> Result<(), AgentError> {
        let own = self.core_json();
        if core == own {
            return Ok(());
        }
        let own = self.acting.core.config();
        let reason = match serde_json::from_str::<StackConfig>(core) {
            Err(_) => format!("it is of the core {core}"),
            Ok(saved) if saved.core != own.core => {
                format!(
                    "it is of the core `{}`, but this agent has `{}`",
                    saved.core, own.core
                )
            }
            Ok(saved) => differences(&saved, own),
        };
        Err(misfit(reason))
    }

    fn take_parameters(&mut self, saved: Vec<SavedParameter>) -> Result<(), AgentError> {
        self.learner.model = parameters::load(self.learner.model.clone(), saved)?;
        Ok(())
    }

    /// The core with all its arguments, to tell one checkpoint from another.
    fn core_json(&self) -> String {
        serde_json::to_string(self.acting.core.config()).unwrap_or_default()
    }
}
