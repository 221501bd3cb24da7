//! Our agents behind a [`Server`](super::Server): a request becomes what a seat is told, an action its answer.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use palaestra_envs::{
    language::{answer::resigned, structured::WIDTH},
    registry::Registry,
    sim::{ActView, Selection, Simulator},
    space::Columns,
};
use serde_json::Value;

use super::Request;
use crate::{Agent, AgentContext, AgentEntry, AgentError};

/// The games, and the setting of the released code that only they have.
const GAMES: [(&str, &str); 3] = [
    ("glee_bargaining_text-v1", "money_to_divide"),
    ("glee_negotiation_text-v1", "product_price_order"),
    ("glee_persuasion_text-v1", "product_price"),
];
/// Agents that do without the numbers of a seat.
const READERS: [&str; 3] = ["chat", "http", "process"];

/// An agent in one seat of one game.
struct Seat {
    agent: Box<dyn Agent>,
    player: usize,
    observation: Columns,
    actions: Columns,
}

/// Answers requests by an agent, which sits in each seat of each game that it can play. It learns nothing: each question
/// is one by itself.
pub struct Desk {
    id: String,
    seats: BTreeMap<(&'static str, usize), Mutex<Seat>>,
}

impl Desk {
    /// With an agent built from its arguments.
    ///
    /// # Errors
    /// [`AgentError`] if the agent can play no game, or an argument is wrong.
    pub fn new(
        registry: &Registry,
        entry: &AgentEntry,
        args: &Value,
        seed: u64,
    ) -> Result<Self, AgentError> {
        let mut seats = BTreeMap::new();
        let mut unsupported = None;
        for (id, setting) in GAMES {
            let simulator = Simulator::builder(registry.build(id, &Value::Null)?).build()?;
            for player in 0..2 {
                let context = AgentContext {
                    env: simulator.spec().clone(),
                    players: vec![player],
                    rows: 1,
                    seed,
                    total_steps: 0,
                };
                let agent = match entry.build(&context, args) {
                    Ok(agent) => agent,
                    Err(error @ AgentError::Unsupported { .. }) => {
                        unsupported = Some(error);
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let seat = Seat {
                    agent,
                    player,
                    observation: context.player().observation.columns(1),
                    actions: context.player().action.columns(1),
                };
                seats.insert((setting, player), Mutex::new(seat));
            }
        }
        match unsupported {
            Some(error) if seats.is_empty() => Err(error),
            _ => Ok(Self {
                id: entry.id.clone(),
                seats,
            }),
        }
    }

    /// The agent's answer.
    ///
    /// # Errors
    /// A sentence for whoever asks.
    pub fn answer(&self, request: Request) -> Result<String, String> {
        let params = &request.game_params;
        let known = |(_, setting): &&(&str, &str)| !params[*setting].is_null();
        let Some((_, setting)) = GAMES.iter().find(known) else {
            let settings = GAMES.map(|(_, setting)| setting).join(", ");
            return Err(format!(
                "`game_params` names no game: it has none of {settings}"
            ));
        };
        let player = usize::from(params["player_id"] == 2);
        let Some(seat) = self.seats.get(&(*setting, player)) else {
            return Err(format!("agent `{}` does not play this game", self.id));
        };
        if !request.messages.is_array() {
            return Err("`messages` must be a list".into());
        }
        let seat = &mut *seat.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut seat.observation.f32_mut(0)[..WIDTH];
        match params["state"].as_array() {
            Some(given) if given.len() == WIDTH => {
                for (number, given) in state.iter_mut().zip(given) {
                    let given = given.as_f64();
                    *number = given.ok_or("`state` must hold numbers")? as f32;
                }
            }
            _ if READERS.contains(&self.id.as_str()) => state.fill(0.0),
            _ => {
                return Err(format!(
                    "agent `{}` plays by numbers: `game_params.state` must hold the {WIDTH} of the seat",
                    self.id
                ));
            }
        }
        seat.observation.text_mut(1)[0] = request.messages.to_string();
        seat.observation.text_mut(2)[0] = params["expects"].to_string();
        // What a seat has answered so far tells its questions apart, as time does in a game of ours.
        let answered = request.messages.as_array().into_iter().flatten();
        let answered = answered.filter(|message| message["role"] == "assistant");
        let view = ActView {
            player: seat.player,
            observation: &seat.observation,
            acting: &[true],
            action_mask: &[],
            mask_width: 0,
            elapsed: &[answered.count() as u32],
            info: &Columns::default(),
        };
        let acted = seat.agent.act(&view, &Selection::all(1), &mut seat.actions);
        acted.map_err(|error| error.to_string())?;
        let answer = &seat.actions.text(0)[0];
        match resigned(answer) {
            // What ends a game of ours is no answer in somebody else's.
            Some(reason) => Err(format!("agent `{}` gives up: {reason:?}", self.id)),
            None => Ok(answer.clone()),
        }
    }
}
