//! The chat player against an endpoint with every fault, against a clock that need not be waited for, against its own
//! transcripts.

mod fallbacks;
mod faults;
mod hidden;
mod late;
mod limits;
mod replay;
mod secrets;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use palaestra_envs::sim::{Autoreset, Selection, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ChatArgs, Clock, Correspondent, Format, Http, Record, Transport, build_with};
use crate::{Agent, AgentContext, AgentError, StepView};

const BARGAINING: &str = "glee_bargaining_text-v1";

/// A clock that is set forward by who waits on it.
#[derive(Debug, Default)]
struct Virtual(Mutex<Duration>);

impl Clock for Virtual {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }

    /// From the sixth of November 1994, 08:49:37.
    fn since_epoch(&self) -> Duration {
        Duration::from_secs(784_111_777) + self.now()
    }
}

/// A player of both seats at a table of games.
struct Table {
    simulator: Simulator,
    agent: Correspondent,
    rows: Selection,
}

impl Table {
    fn new(
        (id, args): (&str, Value),
        rows: usize,
        chat: ChatArgs,
        transport: Option<Box<dyn Transport>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AgentError> {
        let env = palaestra_envs::registry().build(id, &args).unwrap();
        let mut simulator = Simulator::builder(env)
            .rows(rows)
            .seed(3)
            .autoreset(Autoreset::SameStep)
            .info("invalid")
            .info("stopped")
            .build()
            .unwrap();
        let context = AgentContext {
            env: simulator.spec().clone(),
            players: vec![0, 1],
            rows,
            seed: 5,
            total_steps: 1000,
        };
        simulator.reset().unwrap();
        Ok(Self {
            agent: build_with(&context, chat, transport, clock)?,
            simulator,
            rows: Selection::all(rows),
        })
    }

    /// One step of all rows. Gives the answers of those who were to move.
    fn step(&mut self) -> Result<Vec<String>, AgentError> {
        let mut answers = Vec::new();
        for player in [0, 1] {
            let (view, actions) = self.simulator.border_mut().act_view(player);
            let acting = view.acting.to_vec();
            self.agent.act(&view, &self.rows, actions)?;
            let said = acting
                .iter()
                .zip(actions.text(0))
                .filter(|(acting, _)| **acting);
            answers.extend(said.map(|(_, answer)| answer.clone()));
        }
        self.simulator.step().unwrap();
        for player in [0, 1] {
            self.agent.observe(&StepView {
                player,
                rows: &self.rows,
                border: self.simulator.border(),
            })?;
        }
        Ok(answers)
    }
}

/// Files of a player in a folder that goes away.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().into()
    }

    fn args(&self, url: &str) -> ChatArgs {
        ChatArgs {
            base_url: url.into(),
            model: "mock".into(),
            response_format: Format::JsonSchema,
            transcript: self.path("transcript.jsonl"),
            ledger: self.path("ledger.csv"),
            source: super::Source::Record,
            ..ChatArgs::default()
        }
    }

    fn records(&self) -> Vec<Record> {
        let text = std::fs::read_to_string(self.path("transcript.jsonl")).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Lines of the ledger, split at commas, without the header.
    fn ledger(&self) -> Vec<Vec<String>> {
        let text = std::fs::read_to_string(self.path("ledger.csv")).unwrap();
        let lines = text.lines().skip(1);
        lines
            .map(|line| line.split(',').map(str::to_owned).collect())
            .collect()
    }
}

#[allow(clippy::unnecessary_wraps, reason = "tables take a transport or none")]
fn http() -> Option<Box<dyn Transport>> {
    Some(Box::new(Http::new(
        Duration::from_secs(5),
        Duration::from_secs(5),
    )))
}

/// Bargaining without messages.
fn bargaining() -> (&'static str, Value) {
    (BARGAINING, json!({}))
}
