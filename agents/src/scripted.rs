//! Given actions in a circle, for any space: known inputs for tests, demonstrations and policies without feedback.

use palaestra_envs::{
    sim::{ActView, PlayerSpec, Selection, read_value, write_value},
    space::Columns,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Agent, AgentContext, AgentError, Registry, StepView, episode_clock::EpisodeClock};

/// Arguments of `scripted`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptedArgs {
    /// The actions in order, at least one; each as JSON: a number, a list, a string, or an object of these.
    pub actions: Vec<Value>,
}

/// Arguments of `constant`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConstantArgs {
    /// The action as JSON: a number, a list, a string, or an object of these.
    pub action: Value,
}

/// Plays its actions one after the other in every row, from the first with each episode, and again from the first
/// after the last. It does not look at masks: an action that is masked out is an error of the environment.
#[derive(Debug)]
pub struct Scripted {
    id: &'static str,
    context: AgentContext,
    /// The actions, one a row.
    script: Columns,
    /// The next action of each seat.
    next: Vec<u32>,
    clock: EpisodeClock,
}

impl Scripted {
    /// An agent that plays `actions`.
    ///
    /// # Errors
    /// An argument error that names the index of the first action that is not of the player's action space.
    pub fn new(context: &AgentContext, actions: &[Value]) -> Result<Self, AgentError> {
        if actions.is_empty() {
            return Err(AgentError::argument(
                "actions",
                "at least one action must be given",
            ));
        }
        let mut script = context.player().action.columns(actions.len());
        for (i, action) in actions.iter().enumerate() {
            parse_action(context.player(), &mut script, i, action)
                .map_err(|message| AgentError::argument(&format!("actions[{i}]"), message))?;
        }
        Ok(Self::of_script("scripted", context, script))
    }

    /// An agent that always plays `action`.
    ///
    /// # Errors
    /// An argument error if it is not of the player's action space.
    pub fn constant(context: &AgentContext, action: &Value) -> Result<Self, AgentError> {
        if action.is_null() {
            return Err(AgentError::argument(
                "action",
                "an action must be given, e.g. `action = 0`",
            ));
        }
        let mut script = context.player().action.columns(1);
        parse_action(context.player(), &mut script, 0, action)
            .map_err(|message| AgentError::argument("action", message))?;
        Ok(Self::of_script("constant", context, script))
    }

    fn of_script(id: &'static str, context: &AgentContext, script: Columns) -> Self {
        Self {
            id,
            script,
            next: vec![0; context.seats()],
            clock: EpisodeClock::new(context.seats()),
            context: context.clone(),
        }
    }
}

/// Reads an action into row `row` of `script`.
fn parse_action(
    player: &PlayerSpec,
    script: &mut Columns,
    row: usize,
    action: &Value,
) -> Result<(), String> {
    let space = &player.action;
    space
        .row_from_json(script, row, action)
        .map_err(|e| e.to_string())?;
    if player.lenient_bounds {
        return Ok(()); // The environment clips.
    }
    space.check_row(script, row).map_err(|e| e.to_string())
}

impl Agent for Scripted {
    fn act(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
    ) -> Result<(), AgentError> {
        let first = self.context.first_seat(view.player);
        let length = self.script.rows() as u32;
        for row in rows.rows().filter(|&row| view.acting[row]) {
            let seat = first + row;
            if self.clock.act(seat, view.elapsed[row]) {
                self.next[seat] = 0;
            }
            let next = self.next[seat] % length;
            actions.copy_row(row, &self.script, next as usize);
            self.next[seat] = (next + 1) % length;
        }
        Ok(())
    }

    fn observe(&mut self, view: &StepView<'_>) -> Result<(), AgentError> {
        let first = self.context.first_seat(view.player);
        for row in view.rows.rows() {
            let elapsed = view.border.elapsed[row];
            self.clock.step(first + row, elapsed, view.ended(row));
        }
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>, AgentError> {
        let mut state = Vec::new();
        write_value(&(&self.next, &self.clock), &mut state)?;
        Ok(state)
    }

    fn load(&mut self, mut state: &[u8]) -> Result<(), AgentError> {
        let (next, clock): (Vec<u32>, EpisodeClock) = read_value(&mut state)?;
        let seats = self.next.len();
        if next.len() != seats || clock.seats() != seats {
            return Err(AgentError::State {
                agent: self.id.into(),
                reason: format!(
                    "it was saved for {} seats (players times rows), not {seats}",
                    next.len()
                ),
            });
        }
        (self.next, self.clock) = (next, clock);
        Ok(())
    }
}

/// Registers `scripted` and `constant`.
pub fn register(registry: &mut Registry) {
    registry.register(
        "scripted",
        "Given actions in a circle, in every row the same.",
        |context, args: ScriptedArgs| Ok(Box::new(Scripted::new(context, &args.actions)?)),
    );
    registry.register(
        "constant",
        "Always the same action.",
        |context, args: ConstantArgs| Ok(Box::new(Scripted::constant(context, &args.action)?)),
    );
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use palaestra_envs::sim::Simulator;
    use serde_json::json;

    use super::*;

    fn cartpole(rows: usize) -> (Simulator, AgentContext) {
        let env = palaestra_envs::registry()
            .build("cartpole-v1", &Value::Null)
            .unwrap();
        let mut simulator = Simulator::builder(env).rows(rows).build().unwrap();
        simulator.reset().unwrap();
        let context = AgentContext {
            env: simulator.spec().clone(),
            players: vec![0],
            rows,
            seed: 0,
            total_steps: 0,
        };
        (simulator, context)
    }

    fn step(agent: &mut dyn Agent, simulator: &mut Simulator) -> Vec<i32> {
        let rows = Selection::all(simulator.rows());
        let (view, actions) = simulator.border_mut().act_view(0);
        agent.act(&view, &rows, actions).unwrap();
        let played = actions.i32(0).to_vec();
        simulator.step().unwrap();
        let (rows, border) = (&rows, simulator.border());
        let view = StepView {
            player: 0,
            rows,
            border,
        };
        agent.observe(&view).unwrap();
        played
    }

    #[test]
    fn actions_go_round_and_start_over_with_each_episode() {
        let (mut simulator, context) = cartpole(2);
        let args = json!({ "actions": [1, 1, 0] });
        let registry = crate::registry();
        let entry = registry.get("scripted").unwrap();
        let mut agent = entry.build(&context, &args).unwrap();
        let mut played = Vec::new();
        for _ in 0..4 {
            played.extend(step(&mut *agent, &mut simulator));
        }
        assert_eq!(played, [1, 1, 1, 1, 0, 0, 1, 1]);
        // Saved and loaded, it goes on; a row that is reset starts over.
        let state = agent.save().unwrap();
        let mut agent = entry.build(&context, &args).unwrap();
        agent.load(&state).unwrap();
        let resets = [palaestra_envs::sim::RowReset::next(1)];
        simulator.reset_rows(&resets).unwrap();
        assert_eq!(step(&mut *agent, &mut simulator), [1, 1]);
        assert_eq!(step(&mut *agent, &mut simulator), [0, 1]);
        assert_eq!(step(&mut *agent, &mut simulator), [1, 0]);
        assert!(matches!(
            entry.build(&cartpole(3).1, &args).unwrap().load(&state),
            Err(AgentError::State { .. })
        ));
    }

    #[test]
    fn wrong_actions_are_named_by_their_index() {
        let (_, context) = cartpole(1);
        let registry = crate::registry();
        let message = |id: &str, args: Value| {
            let built = registry.get(id).unwrap().build(&context, &args);
            built.err().unwrap().to_string()
        };
        assert_eq!(
            message("scripted", json!({ "actions": [0, 2] })),
            "`actions[1]`: element 0 is 2, not one of 0..=1"
        );
        assert_eq!(
            message("scripted", json!({ "actions": [0, 1, "left"] })),
            "`actions[2]`: expected an integer, found \"left\""
        );
        assert_eq!(
            message("scripted", Value::Null),
            "`actions`: at least one action must be given"
        );
        assert_eq!(
            message("constant", Value::Null),
            "`action`: an action must be given, e.g. `action = 0`"
        );
    }

    #[test]
    fn spaces_of_every_kind_are_read() {
        use palaestra_envs::space::Space;
        let mut context = cartpole(1).1;
        let mut env = (*context.env).clone();
        env.players[0].action = Space::Dict(vec![
            ("price".into(), Space::vector(1, 0.0, 1.0)),
            ("words".into(), Space::text(9)),
        ]);
        context.env = Arc::new(env);
        let action = json!({ "price": [0.5], "words": "deal" });
        let agent = Scripted::constant(&context, &action).unwrap();
        assert_eq!(
            context.player().action.row_to_json(&agent.script, 0),
            action
        );
        let too_long = json!({ "price": [0.5], "words": "a long reply" });
        let error = Scripted::constant(&context, &too_long).unwrap_err();
        assert!(error.to_string().contains("`words`"), "{error}");
    }
}
