//! Playing the execution tasks by a rule that looks only at what is executed, what is left and what others trade.

use std::sync::Arc;

use palaestra_envs::{
    market::{
        order::Size,
        tasks::{ARRIVING, ELAPSED, EXECUTED, ExecutionProblem, VOLUME},
    },
    sim::{ActView, Model, Selection},
    space::Columns,
};

use crate::{Agent, AgentContext, AgentError};

/// The info fields that such agents need.
pub(super) const NEEDED: [&str; 4] = [EXECUTED, ELAPSED, VOLUME, ARRIVING];

/// How an order stands when a decision is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    /// Shares executed, those on their way across the spread counted as if they were, and left.
    pub(super) executed: Size,
    pub(super) left: Size,
    /// Share of the time that will be over at the next decision, as far as is known.
    pub(super) next: f64,
    /// Shares that others traded.
    pub(super) volume: Size,
}

/// A rule.
pub(super) trait Rule: Send + 'static {
    /// Shares to send across the spread now, and shares that may wait at the touch beside them.
    fn decide(&self, problem: &ExecutionProblem, progress: Progress) -> (Size, Size);
}

/// The task that `context` is about.
///
/// # Errors
/// [`AgentError::Unsupported`] unless it is one of executing an order.
pub(super) fn problem(
    id: &str,
    context: &AgentContext,
) -> Result<Arc<ExecutionProblem>, AgentError> {
    let model = context.env.model.as_ref();
    model
        .and_then(Model::get)
        .ok_or_else(|| AgentError::Unsupported {
            agent: id.into(),
            env: context.env.id.clone(),
            reason: "it needs a task of executing an order, such as `jax_lob_execution-v1`, without wrappers that change \
                     rewards or dynamics"
                .into(),
        })
}

/// An agent that plays by a rule; it learns nothing and has no state.
pub(super) struct Schedule<R> {
    pub(super) id: &'static str,
    pub(super) problem: Arc<ExecutionProblem>,
    /// Decisions of an episode, where they are known.
    pub(super) decisions: Option<u32>,
    pub(super) rule: R,
}

impl<R: Rule> Agent for Schedule<R> {
    fn act(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
    ) -> Result<(), AgentError> {
        let mut columns = [0; NEEDED.len()];
        for (column, name) in columns.iter_mut().zip(NEEDED) {
            *column = view.info.index_of(name).ok_or_else(|| AgentError::Failed {
                agent: self.id.into(),
                reason: format!("the info field `{name}` was not asked for"),
            })?;
        }
        let [executed, elapsed, volume, arriving] = columns.map(|column| view.info.f64(column));
        for row in rows.rows().filter(|&row| view.acting[row]) {
            let done = (executed[row] + arriving[row]) as Size;
            let next = match self.decisions {
                Some(decisions) => f64::from(view.elapsed[row] + 1) / f64::from(decisions),
                None => elapsed[row],
            };
            let left = self.problem.size - done;
            let progress = Progress {
                executed: done,
                left,
                next: next.min(1.0),
                volume: volume[row] as Size,
            };
            let (now, waiting) = self.rule.decide(&self.problem, progress);
            let now = now.clamp(0, left.max(0));
            let waiting = waiting.clamp(0, left.max(0) - now);
            self.problem.write_action(actions, row, now, waiting);
        }
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>, AgentError> {
        Ok(Vec::new())
    }

    fn load(&mut self, _: &[u8]) -> Result<(), AgentError> {
        Ok(())
    }
}
