//! Uniformly random actions of any space, respecting masks.

use palaestra_envs::{
    sim::{ActView, Selection, read_value, write_value},
    space::{Columns, Space},
    stream::Stream,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Agent, AgentContext, AgentError, Registry};

/// The random agent has no arguments.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RandomArgs {}

/// Draws every action uniformly from its space (see [`Space::sample_row`]).
#[derive(Debug)]
pub struct Random {
    context: AgentContext,
    space: Space,
    /// One stream per seat.
    streams: Vec<Stream>,
}

impl Random {
    /// A random agent for the context's players.
    pub fn new(context: &AgentContext) -> Self {
        let streams = (0..context.seats() as u64)
            .map(|seat| Stream::new(context.seed, seat, "policy.sample"))
            .collect();
        Self {
            context: context.clone(),
            space: context.player().action.clone(),
            streams,
        }
    }
}

impl Agent for Random {
    fn act(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
    ) -> Result<(), AgentError> {
        let first = self.context.first_seat(view.player);
        for row in rows.rows().filter(|&row| view.acting[row]) {
            let rng = &mut self.streams[first + row];
            self.space
                .sample_row(actions, row, view.mask_row(row), rng)
                .map_err(|empty| AgentError::Unsupported {
                    agent: "random".into(),
                    env: self.context.env.id.clone(),
                    reason: format!("in row {row} {empty}"),
                })?;
        }
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>, AgentError> {
        let mut state = Vec::new();
        write_value(&self.streams, &mut state)?;
        Ok(state)
    }

    fn load(&mut self, mut state: &[u8]) -> Result<(), AgentError> {
        self.streams = read_value(&mut state)?;
        Ok(())
    }
}

/// Registers the agent.
pub fn register(registry: &mut Registry) {
    registry.register(
        "random",
        "Uniformly random actions of any space.",
        |context, _: RandomArgs| Ok(Box::new(Random::new(context))),
    );
}
