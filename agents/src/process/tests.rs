//! Conversations with real programs, most of them a few lines of Python.

mod examples;
mod failures;
mod runs;

use palaestra_envs::{
    EnvError,
    sim::{Plugin, Selection, Simulator},
};
use serde_json::Value;

use super::{ProcessAgent, ProcessArgs};
use crate::{Agent, AgentContext, AgentError, StepView};

/// Python that every test program starts with.
const PRELUDE: &str = "
import json, os, sys, time
def read(): return json.loads(sys.stdin.readline())
def send(**message): print(json.dumps(message), flush=True)
";

/// Arguments for a program in Python.
fn python(program: &str) -> ProcessArgs {
    let program = format!("{PRELUDE}{program}");
    command(&["python3", "-c", &program])
}

fn command(words: &[&str]) -> ProcessArgs {
    ProcessArgs {
        command: words.iter().map(|&word| word.to_owned()).collect(),
        // A machine may be busy.
        handshake_timeout_s: 60.0,
        ..ProcessArgs::default()
    }
}

/// An environment with an agent that plays it.
struct Task {
    simulator: Simulator,
    context: AgentContext,
}

impl Task {
    fn new(environment: impl Plugin, rows: usize) -> Self {
        let mut simulator = Simulator::builder(environment)
            .rows(rows)
            .seed(5)
            .build()
            .unwrap();
        simulator.reset().unwrap();
        let context = AgentContext {
            env: simulator.spec().clone(),
            players: (0..simulator.spec().players.len()).collect(),
            rows,
            seed: 11,
            total_steps: 1000,
        };
        Self { simulator, context }
    }

    fn cartpole(rows: usize) -> Self {
        Self::named("cartpole-v1", rows)
    }

    fn named(id: &str, rows: usize) -> Self {
        let environment = palaestra_envs::registry().build(id, &Value::Null);
        Self::new(environment.unwrap(), rows)
    }

    fn agent(&self, args: ProcessArgs) -> Result<ProcessAgent, AgentError> {
        ProcessAgent::new(&self.context, args)
    }

    fn act(&mut self, agent: &mut ProcessAgent) -> Result<(), AgentError> {
        let rows = Selection::all(self.context.rows);
        for &player in &self.context.players {
            let (view, actions) = self.simulator.border_mut().act_view(player);
            agent.act(&view, &rows, actions)?;
        }
        Ok(())
    }

    fn observe(&self, agent: &mut ProcessAgent) -> Result<(), AgentError> {
        let rows = Selection::all(self.context.rows);
        self.context.players.iter().try_for_each(|&player| {
            agent.observe(&StepView {
                player,
                rows: &rows,
                border: self.simulator.border(),
            })
        })
    }

    /// Makes steps and writes down what was done in each and what it brought.
    fn play(&mut self, agent: &mut ProcessAgent, steps: usize) -> Result<Vec<String>, AgentError> {
        let mut trace = Vec::new();
        for _ in 0..steps {
            self.act(agent)?;
            self.simulator.step()?;
            self.observe(agent)?;
            let border = self.simulator.border();
            let done: Vec<String> = (border.players.iter())
                .map(|p| format!("{:?} {:?}", p.action(), p.reward))
                .collect();
            trace.push(format!("{done:?} {:?}", border.terminated));
        }
        Ok(trace)
    }
}

/// What goes wrong with a program on two rows of `cartpole-v1`, within two steps.
fn failure(args: ProcessArgs) -> AgentError {
    let mut task = Task::cartpole(2);
    let mut agent = match task.agent(args) {
        Ok(agent) => agent,
        Err(error) => return error,
    };
    let error = task.play(&mut agent, 2).unwrap_err();
    let again = task.act(&mut agent).unwrap_err();
    assert_eq!(error, again, "a failed agent goes on failing alike");
    agent.finish().unwrap();
    error
}

/// Whether `args` are refused, and how.
fn refusal(args: ProcessArgs) -> String {
    match Task::cartpole(1).agent(args).unwrap_err() {
        AgentError::Env(error @ EnvError::Argument { .. }) => error.to_string(),
        other => panic!("{other}"),
    }
}
