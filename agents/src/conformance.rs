//! Checks that every agent should pass, shipped or your own.

use palaestra_envs::{
    EnvError,
    conformance::{Check, Outcome, Report},
    sim::{Plugin, Selection, Simulator},
};
use serde_json::Value;

use crate::{Agent, AgentContext, AgentEntry, AgentError, StepView};

const ROWS: usize = 3;
const STEPS: usize = 200;

/// Plays an agent against an environment made by `env` and checks that its actions are legal, that equal seeds
/// give equal actions, and that an agent which was saved and loaded goes on as if nothing had happened.
pub fn check(
    entry: &AgentEntry,
    args: &Value,
    env: impl Fn() -> Result<Box<dyn Plugin>, EnvError>,
) -> Report {
    let lab = Lab {
        entry,
        args,
        env: &env,
    };
    let straight = lab.play(None);
    let legal = straight.as_ref().map(|_| ()).map_err(ToString::to_string);
    let mut checks = vec![report(
        "plays",
        "it builds, acts within its action space, and learns",
        legal,
    )];
    if let Ok(straight) = straight {
        checks.push(report(
            "deterministic",
            "the same seed gives the same actions and rewards",
            lab.play(None)
                .map_err(|e| e.to_string())
                .and_then(|again| compare(&straight, &again)),
        ));
        checks.push(report(
            "save_and_load",
            "saved in the middle and loaded into a new agent, it goes on identically",
            lab.play(Some(STEPS / 2))
                .map_err(|e| e.to_string())
                .and_then(|saved| compare(&straight, &saved)),
        ));
    }
    Report {
        env: entry.id.clone(),
        checks,
    }
}

fn report(name: &str, demand: &str, outcome: Result<(), String>) -> Check {
    let outcome = match outcome {
        Ok(()) => Outcome::Passed,
        Err(what) => Outcome::Failed {
            what,
            place: String::new(),
        },
    };
    Check {
        name: name.into(),
        demand: demand.into(),
        outcome,
    }
}

/// Every player's action, as JSON text, and reward, per step and row.
type Trace = Vec<(String, f32)>;

fn compare(expected: &Trace, found: &Trace) -> Result<(), String> {
    let differing = expected.iter().zip(found).position(|(a, b)| a != b);
    differing.map_or(Ok(()), |at| {
        Err(format!(
            "step {}, row {}: action {} and reward {} became {} and {}",
            at / ROWS,
            at % ROWS,
            expected[at].0,
            expected[at].1,
            found[at].0,
            found[at].1
        ))
    })
}

struct Lab<'a> {
    entry: &'a AgentEntry,
    args: &'a Value,
    env: &'a dyn Fn() -> Result<Box<dyn Plugin>, EnvError>,
}

impl Lab<'_> {
    /// Plays, replacing the agent before step `handover` by a new one that loads its state.
    fn play(&self, handover: Option<usize>) -> Result<Trace, AgentError> {
        let mut builder = Simulator::builder((self.env)()?).rows(ROWS).seed(5);
        for name in &self.entry.info {
            builder = builder.info(name);
        }
        let mut simulator = builder.build()?;
        let players: Vec<usize> = (0..simulator.spec().players.len()).collect();
        let context = AgentContext {
            env: simulator.spec().clone(),
            players: players.clone(),
            rows: ROWS,
            seed: 7,
            total_steps: (STEPS * ROWS) as u64,
        };
        let mut agent: Box<dyn Agent> = self.entry.build(&context, self.args)?;
        let rows = Selection::all(ROWS);
        let mut trace = Trace::new();
        simulator.reset()?;
        for step in 0..STEPS {
            if handover == Some(step) {
                let state = agent.save()?;
                agent.finish()?;
                agent = self.entry.build(&context, self.args)?;
                agent.load(&state)?;
            }
            for &player in &players {
                let (view, actions) = simulator.border_mut().act_view(player);
                agent.act(&view, &rows, actions)?;
            }
            simulator.step()?;
            for &player in &players {
                agent.observe(&StepView {
                    player,
                    rows: &rows,
                    border: simulator.border(),
                })?;
            }
            for row in 0..ROWS {
                let border = simulator.border();
                let actions = players.iter().map(|&p| {
                    let space = &simulator.spec().players[p].action;
                    let played = border.player(p).acted[row];
                    let json = || {
                        space
                            .row_to_json(border.player(p).action(), row)
                            .to_string()
                    };
                    if played { json() } else { "–".to_owned() }
                });
                trace.push((
                    actions.collect::<Vec<_>>().join(" "),
                    border.player(0).reward[row],
                ));
            }
        }
        agent.finish()?;
        Ok(trace)
    }
}
