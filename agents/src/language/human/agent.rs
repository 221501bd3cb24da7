//! The agent: what its seat observes goes to the person, what the person says is the action.

use std::sync::PoisonError;

use palaestra_envs::{
    language::{Reason, answer},
    sim::{ActView, Selection},
    space::{Columns, Space},
};
use serde_json::Value;

use super::{Chair, End, HumanArgs, ID, Reply, Scores, Turn, told};
use crate::{
    Agent, AgentContext, AgentError, StepView,
    language::{Family, Situation},
};

/// A seat that a person plays.
#[derive(Debug)]
pub struct Human {
    chair: Option<Chair>,
    seat: usize,
    /// Fields of the observation: the numbers, the chat, what is expected.
    fields: [usize; 3],
    /// What has been told of the running game: names and settings.
    known: Option<Known>,
    gains: Vec<f64>,
    left: bool,
}

#[derive(Debug, Clone)]
struct Known {
    names: [String; 2],
    game: Value,
    family: &'static str,
}

impl Human {
    /// A seat for one player in one row.
    ///
    /// # Errors
    /// [`AgentError`] for environments that are not played in words, several rows or players, and wrong arguments.
    pub fn new(
        context: &AgentContext,
        args: &HumanArgs,
        chair: Option<Chair>,
    ) -> Result<Self, AgentError> {
        let unsupported = |reason: &str| AgentError::Unsupported {
            agent: ID.into(),
            env: context.env.id.clone(),
            reason: reason.into(),
        };
        if !(0.0..=1e6).contains(&args.limit_s) {
            let problem = "must be between 0 (no limit) and 1e6 seconds";
            return Err(palaestra_envs::EnvError::argument("limit_s", problem).into());
        }
        let leaves = context.player().observation.leaves();
        let field = |name: &str| leaves.iter().position(|(leaf, _)| leaf == name);
        let (Some(state), Some(chat), Some(expects), Space::Text { .. }) = (
            field("state"),
            field("conversation"),
            field("expects"),
            &context.player().action,
        ) else {
            return Err(unsupported(
                "it plays games in words, such as glee_bargaining_text-v1",
            ));
        };
        let &[seat] = &context.players[..] else {
            return Err(unsupported(
                "a person has one seat: name it with `players = [\"NAME\"]` and give the other to another agent",
            ));
        };
        if context.rows != 1 {
            return Err(unsupported(
                "a person plays one game at a time: set env.num_envs = 1",
            ));
        }
        Ok(Self {
            chair,
            seat,
            fields: [state, chat, expects],
            known: None,
            gains: Vec::new(),
            left: false,
        })
    }

    fn failed(reason: impl Into<String>) -> AgentError {
        AgentError::Failed {
            agent: ID.into(),
            reason: reason.into(),
        }
    }

    fn unread(error: serde_json::Error) -> AgentError {
        Self::failed(format!("what the seat is told is no JSON: {error}"))
    }

    /// What row 0 asks.
    fn turn(&mut self, view: &ActView<'_>, games: u64) -> Result<Turn, AgentError> {
        let [_, chat, expects] = self.fields;
        let told = told::Told::read(&view.observation.text(chat)[0]).map_err(Self::unread)?;
        let expects: Value =
            serde_json::from_str(&view.observation.text(expects)[0]).map_err(Self::unread)?;
        let foreign = || Self::failed("the environment does not say what is due");
        let see = Situation::find(view.observation, 0).ok_or_else(foreign)?;
        let asked = told::asked(&expects, self.seat, &see).ok_or_else(foreign)?;
        let names: [String; 2] =
            serde_json::from_value(expects["names"].clone()).map_err(Self::unread)?;
        let family = match see.family {
            Family::Bargaining => "bargaining",
            Family::Negotiation => "negotiation",
            Family::Persuasion => "persuasion",
        };
        let facts = told::Facts(&expects["game"]);
        let turn = Turn {
            game: self.gains.len() as u64 + 1,
            games,
            family,
            seat: self.seat,
            names: names.each_ref().map(|name| told::harmless(name)),
            money: facts.money(),
            rules: told.rules(),
            lines: told.lines(self.seat, &names),
            earned: facts.earned(&see),
            gains: self.gains.clone(),
            asked,
        };
        self.known = Some(Known {
            names,
            game: expects["game"].clone(),
            family,
        });
        Ok(turn)
    }

    /// How the game that has just ended came out.
    fn end(&mut self, view: &StepView<'_>, games: u64) -> Result<End, AgentError> {
        let rival = 1 - self.seat;
        let border = view.border;
        let chat = &border.next_observation(self.seat, 0).text(self.fields[1])[0];
        let told = told::Told::read(chat).map_err(Self::unread)?;
        // A seat that was never asked knows nothing but the chat.
        let known = self.known.take().unwrap_or_else(|| Known {
            names: ["Alice".into(), "Bob".into()],
            game: Value::Null,
            family: "",
        });
        let facts = told::Facts(&known.game);
        let scale = facts.money() * facts.rounds();
        let amount = |player: usize| {
            let gain = border.player(player).final_return[0] * scale;
            (gain * 100.0).round() / 100.0
        };
        let gain = amount(self.seat);
        self.gains.push(gain);
        let game = self.gains.len() as u64;
        let told_of = |name: &str| {
            let info = &border.info;
            let value = info.index_of(name).map(|field| info.f64(field)[0]);
            value.filter(|value| value.is_finite())
        };
        let may_know = facts.is_complete() || game >= games || self.left;
        Ok(End {
            game,
            games,
            family: known.family,
            seat: self.seat,
            money: facts.money(),
            rules: told.rules(),
            lines: told.lines(self.seat, &known.names),
            names: known.names.each_ref().map(|name| told::harmless(name)),
            gain,
            gains: self.gains.clone(),
            stopped: told_of("stopped") == Some(1.0),
            scores: may_know.then(|| Scores {
                rival: amount(rival),
                efficiency: told_of("efficiency"),
                fairness: told_of("fairness"),
            }),
        })
    }

    fn chair(&self) -> Result<Chair, AgentError> {
        let nobody = "nobody sits here: `palaestra play FILE` seats a person";
        self.chair.clone().ok_or_else(|| Self::failed(nobody))
    }
}

impl Agent for Human {
    fn act(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
    ) -> Result<(), AgentError> {
        if !view.acting[0] || rows.rows().next().is_none() {
            return Ok(());
        }
        let chair = self.chair()?;
        let reply = if self.left {
            Reply::Left
        } else {
            let turn = self.turn(view, chair.games)?;
            let mut person = chair.person.lock().unwrap_or_else(PoisonError::into_inner);
            person.answer(&turn).map_err(Self::failed)?
        };
        let given_up = |reason| answer::resignation(reason).unwrap_or_default();
        actions.text_mut(0)[0] = match reply {
            Reply::Words(words) => answer::words(&words),
            Reply::Late => given_up(Reason::Timeout),
            Reply::Left => {
                self.left = true;
                given_up(Reason::Left)
            }
        };
        Ok(())
    }

    fn observe(&mut self, view: &StepView<'_>) -> Result<(), AgentError> {
        if !view.ended(0) {
            return Ok(());
        }
        let chair = self.chair()?;
        let end = self.end(view, chair.games)?;
        let mut person = chair.person.lock().unwrap_or_else(PoisonError::into_inner);
        let stays = person.over(&end).map_err(Self::failed)?;
        self.left |= !stays;
        Ok(())
    }

    fn has_left(&self) -> bool {
        self.left
    }

    fn save(&mut self) -> Result<Vec<u8>, AgentError> {
        // Nothing is learned, and a game is not left to be gone on with.
        Ok(Vec::new())
    }

    fn load(&mut self, _: &[u8]) -> Result<(), AgentError> {
        Ok(())
    }
}
