//! The agent: turns the border into messages and replies into actions.

use std::collections::BTreeMap;

use palaestra_envs::{
    sim::{ActView, Selection, read_value, write_value},
    space::Columns,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use super::{
    ID, PROTOCOL, ProcessArgs,
    choice::Choice,
    message::{Actions, Done, Ready, Request, State, read_number, shorten, write_number},
    session::{Session, Timeout},
};
use crate::{Agent, AgentContext, AgentError, Mode, StepView};

/// An agent that is a program of its own.
#[derive(Debug)]
pub struct ProcessAgent {
    context: AgentContext,
    args: ProcessArgs,
    choice: Choice,
    session: Session,
    name: Option<String>,
    saves: bool,
    observes: bool,
    /// Whether the program has been asked to act, so that it is no longer as it was started.
    acted: bool,
    mode: Mode,
    /// The program's metrics that have not been reported yet.
    metrics: BTreeMap<String, f64>,
}

/// What a checkpoint holds.
#[derive(Serialize, Deserialize)]
struct Saved {
    /// The program's state as JSON text; `None` if it cannot save.
    state: Option<String>,
    metrics: BTreeMap<String, f64>,
}

impl ProcessAgent {
    /// Starts the program and introduces it to its task.
    ///
    /// # Errors
    /// [`AgentError::Env`] for wrong arguments; [`AgentError::Process`] if the program cannot be started, does
    /// not answer, or refuses.
    pub fn new(context: &AgentContext, args: ProcessArgs) -> Result<Self, AgentError> {
        super::check(&args)?;
        let session = Session::start(&args)?;
        let mut agent = Self {
            choice: Choice::new(context.player()),
            context: context.clone(),
            args,
            session,
            name: None,
            saves: false,
            observes: true,
            acted: false,
            mode: Mode::default(),
            metrics: BTreeMap::new(),
        };
        agent.greet()?;
        Ok(agent)
    }

    /// What the program calls itself, if it says.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether the program can save its state, so that a run with it can be resumed.
    pub fn saves(&self) -> bool {
        self.saves
    }

    /// The number of the process.
    #[cfg(test)]
    pub(super) fn process_id(&self) -> Option<u32> {
        self.session.id()
    }

    fn greet(&mut self) -> Result<(), AgentError> {
        let AgentContext { env, players, .. } = &self.context;
        let player = self.context.player();
        let hello = Request::Hello {
            protocol: PROTOCOL,
            env: &env.id,
            players: players
                .iter()
                .map(|&p| env.players[p].name.as_str())
                .collect(),
            num_envs: self.context.rows,
            observation_space: &player.observation,
            action_space: &player.action,
            action_mask: player.action_mask,
            max_episode_steps: env.max_episode_steps,
            seed: self.context.seed,
            total_steps: self.context.total_steps,
            options: &self.args.options,
        };
        let ready: Ready = self.session.ask(&hello, Timeout::handshake(&self.args))?;
        tracing::debug!(agent = self.session.label(), name = ready.name, "ready");
        self.name = ready.name;
        self.saves = ready.save;
        self.observes = ready.observe;
        Ok(())
    }

    fn take_metrics(&mut self, metrics: BTreeMap<String, Value>) -> Result<(), AgentError> {
        for (name, value) in metrics {
            let Some(number) = read_number(&value) else {
                let value = shorten(&value.to_string(), 40);
                return Err(self.session.fail(format!(
                    "reports {value} as its metric `{name}`; a metric is a number, or \"NaN\", \"inf\", \"-inf\""
                )));
            };
            self.metrics.insert(name, number);
        }
        Ok(())
    }

    /// Sends a request that is answered by `ok`.
    fn tell(&mut self, request: &Request<'_>) -> Result<(), AgentError> {
        let timeout = Timeout::step(&self.args);
        let done: Done = self.session.ask(request, timeout)?;
        self.take_metrics(done.metrics)
    }
}

impl Agent for ProcessAgent {
    fn act(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
    ) -> Result<(), AgentError> {
        let rows: Vec<usize> = rows.rows().filter(|&row| view.acting[row]).collect();
        if rows.is_empty() {
            return Ok(());
        }
        self.acted = true;
        let player = &self.context.env.players[view.player];
        let each = || rows.iter().copied();
        let request = Request::Act {
            player: &player.name,
            mode: mode_name(self.mode),
            rows: &rows,
            observations: each()
                .map(|row| player.observation.row_to_json(view.observation, row))
                .collect(),
            action_masks: (view.mask_width > 0)
                .then(|| each().map(|row| view.mask_row(row)).collect()),
            elapsed: each().map(|row| view.elapsed[row]).collect(),
        };
        let reply: Actions = self.session.ask(&request, Timeout::step(&self.args))?;
        if reply.actions.len() != rows.len() {
            return Err(self.session.fail(format!(
                "answered `act` with {} actions for {} rows; send one for each of `rows`, in their order",
                reply.actions.len(),
                rows.len()
            )));
        }
        for (&row, value) in rows.iter().zip(&reply.actions) {
            if let Err(problem) = self.choice.take(value, actions, row, view.mask_row(row)) {
                return Err(self.session.fail(format!(
                    "answered `act` with an action for row {row} that is not allowed: {problem}"
                )));
            }
        }
        Ok(())
    }

    fn observe(&mut self, view: &StepView<'_>) -> Result<(), AgentError> {
        let rows: Vec<usize> = view.rows.rows().collect();
        if !self.observes || rows.is_empty() {
            return Ok(());
        }
        let (border, own) = (view.border, view.own());
        let env = self.context.env.clone();
        let player = &env.players[view.player];
        let each = || rows.iter().copied();
        let final_observation = |row| {
            if border.ended(row) {
                player.observation.row_to_json(&own.final_observation, row)
            } else {
                Value::Null
            }
        };
        self.tell(&Request::Observe {
            player: &player.name,
            mode: mode_name(self.mode),
            rows: &rows,
            rewards: each()
                .map(|row| write_number(f64::from(own.reward[row])))
                .collect(),
            terminated: each().map(|row| border.terminated[row]).collect(),
            truncated: each().map(|row| border.truncated[row]).collect(),
            final_observations: each().map(final_observation).collect(),
        })
    }

    fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    fn metrics(&mut self, record: &mut dyn FnMut(&str, f64)) {
        for (name, value) in std::mem::take(&mut self.metrics) {
            record(&name, value);
        }
    }

    fn save(&mut self) -> Result<Vec<u8>, AgentError> {
        let state = if self.saves {
            let reply: State = self
                .session
                .ask(&Request::Save, Timeout::step(&self.args))?;
            Some(reply.state.get().to_owned())
        } else {
            None
        };
        let saved = Saved {
            state,
            metrics: self.metrics.clone(),
        };
        let mut bytes = Vec::new();
        write_value(&saved, &mut bytes)?;
        Ok(bytes)
    }

    fn load(&mut self, mut state: &[u8]) -> Result<(), AgentError> {
        let misfit = |reason: String| AgentError::State {
            agent: ID.into(),
            reason,
        };
        let saved: Saved = read_value(&mut state).map_err(|e| misfit(e.to_string()))?;
        if !state.is_empty() {
            return Err(misfit(format!("{} bytes are left over", state.len())));
        }
        let Some(text) = saved.state else {
            // Around an evaluation a program that cannot save goes on as it is; its messages say which steps are
            // not for learning. A program just started is not the one that was saved.
            if self.acted && !self.saves {
                self.metrics = saved.metrics;
                return Ok(());
            }
            return Err(misfit(
                "its program could not save (it did not announce `\"save\": true`), so it cannot go on from \
                 here; start anew, or teach it `save` and `load`"
                    .into(),
            ));
        };
        if !self.saves {
            return Err(misfit(format!(
                "the state was saved by a program that can load it, but `{}` does not announce `\"save\": true`",
                self.session.label()
            )));
        }
        if text.contains('\n') {
            return Err(misfit("it is not on one line".into()));
        }
        let raw = RawValue::from_string(text).map_err(|e| misfit(e.to_string()))?;
        self.tell(&Request::Load { state: &raw })?;
        self.metrics = saved.metrics;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), AgentError> {
        self.session.finish(Timeout::step(&self.args))
    }
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Train => "train",
        Mode::Evaluate => "evaluate",
    }
}
