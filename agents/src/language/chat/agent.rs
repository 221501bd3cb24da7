//! The player: reads what its rows are told, asks for answers, writes them as actions.

use std::time::Duration;

use palaestra_envs::{
    language::answer::Expected,
    sim::{ActView, Selection, read_value, write_value},
    space::{Columns, Space},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{asker::Job, client::Client};
use crate::{Agent, AgentContext, AgentError, Mode, Pending, StepView};

/// What a seat is told.
pub(crate) struct Told<'a> {
    /// The chat.
    pub(crate) chat: Value,
    /// What is due.
    pub(crate) expects: &'a Value,
    /// The numbers, where there are any.
    pub(crate) state: &'a [f32],
    /// The seed of its answer.
    pub(crate) seed: u64,
}

/// Makes the body of a request.
pub(crate) type Body = Box<dyn Fn(Told<'_>) -> Value + Send>;

/// Someone at the other end of a connection who is told everything a seat is told, and answers in words.
pub struct Correspondent {
    client: Client,
    asks: Asks,
}

/// What it makes questions of.
struct Asks {
    id: &'static str,
    context: AgentContext,
    /// Names of its players.
    seats: Vec<String>,
    /// Fields of the observation: the chat, and what is expected.
    fields: [usize; 2],
    /// Field of the numbers.
    state: Option<usize>,
    body: Body,
    count: Count,
    mode: Mode,
}

/// What tells games apart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Count {
    /// Episodes that each seat has ended, `[players, rows]`.
    episodes: Vec<u64>,
    /// Evaluations so far.
    evaluations: u64,
}

impl Correspondent {
    pub(crate) fn new(
        id: &'static str,
        context: &AgentContext,
        client: Client,
        body: Body,
    ) -> Result<Self, AgentError> {
        let player = context.player();
        let leaves = player.observation.leaves();
        let field = |name: &str| {
            let is = |(leaf, space): &(String, &Space)| {
                leaf == name && matches!(space, Space::Text { .. })
            };
            leaves.iter().position(is)
        };
        let (Some(chat), Some(expects), Space::Text { .. }) =
            (field("conversation"), field("expects"), &player.action)
        else {
            return Err(AgentError::Unsupported {
                agent: id.into(),
                env: context.env.id.clone(),
                reason: "it plays games in words, such as glee_bargaining_text-v1".into(),
            });
        };
        let seats = context
            .players
            .iter()
            .map(|&p| context.env.players[p].name.clone());
        let asks = Asks {
            id,
            seats: seats.collect(),
            fields: [chat, expects],
            state: leaves.iter().position(|(leaf, _)| leaf == "state"),
            body,
            count: Count {
                episodes: vec![0; context.seats()],
                evaluations: 0,
            },
            mode: Mode::Train,
            context: context.clone(),
        };
        Ok(Self { client, asks })
    }
}

impl Asks {
    /// What a row asks.
    fn job(&self, view: &ActView<'_>, row: usize) -> Result<Job, AgentError> {
        let [chat, expects] = self.fields.map(|field| &view.observation.text(field)[row]);
        let read = |text: &str| {
            serde_json::from_str::<Value>(text).map_err(|error| AgentError::Failed {
                agent: self.id.into(),
                reason: format!("row {row}: what it is told is no JSON: {error}"),
            })
        };
        let (chat, expects) = (read(chat)?, read(expects)?);
        let at = self.context.first_seat(view.player) + row;
        let seat = &self.seats[at / self.context.rows];
        let part = match self.mode {
            Mode::Train => "train".into(),
            Mode::Evaluate => format!("eval{}", self.count.evaluations),
        };
        let seed = self.context.seed;
        let game = format!("{seed:016x}-{part}-{row}-{}", self.count.episodes[at]);
        // Where buyers change, two questions of a game can be the same; the answers need not be.
        let seed = seed_of(&game, seat, view.elapsed[row]);
        let state = self.state.map_or(&[][..], |field| {
            let width = view.observation.width(field);
            &view.observation.f32(field)[row * width..(row + 1) * width]
        });
        let told = Told {
            chat,
            expects: &expects,
            state,
            seed,
        };
        Ok(Job {
            seat: seat.clone(),
            round: expects["round"].as_u64(),
            attempt: expects["attempt"].as_u64().unwrap_or(1),
            prompts: expects["prompts"].as_str().unwrap_or_default().into(),
            body: (self.body)(told),
            expected: serde_json::from_value::<Expected>(expects).ok(),
            seed,
            game,
        })
    }
}

/// The seed of an answer: 31 bits, which every endpoint takes.
fn seed_of(game: &str, seat: &str, step: u32) -> u64 {
    let digest = Sha256::digest(format!("{game}\n{seat}\n{step}").as_bytes());
    let bits = digest
        .iter()
        .take(4)
        .fold(0, |bits, &byte| bits << 8 | u64::from(byte));
    bits >> 1
}

impl Agent for Correspondent {
    fn act(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
    ) -> Result<(), AgentError> {
        let mut pending = Pending::new(self.asks.context.rows);
        let mut missing = rows.clone();
        loop {
            self.poll(view, &missing, actions, &mut pending)?;
            if pending.is_empty() {
                return Ok(());
            }
            missing.set(pending.rows());
            pending.clear();
            pending.bell().wait(Duration::MAX);
        }
    }

    fn is_slow(&self) -> bool {
        true
    }

    fn poll(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
        pending: &mut Pending,
    ) -> Result<(), AgentError> {
        self.client.collect()?;
        let first = self.asks.context.first_seat(view.player);
        for row in rows.rows().filter(|&row| view.acting[row]) {
            let Self { client, asks, .. } = self;
            let job = || asks.job(view, row);
            match client.answer(first + row, job, pending.bell())? {
                Some(answer) => actions.text_mut(0)[row] = answer,
                None => pending.mark(row),
            }
        }
        Ok(())
    }

    fn observe(&mut self, view: &StepView<'_>) -> Result<(), AgentError> {
        let first = self.asks.context.first_seat(view.player);
        for row in view.rows.rows().filter(|&row| view.ended(row)) {
            self.asks.count.episodes[first + row] += 1;
        }
        Ok(())
    }

    fn set_mode(&mut self, mode: Mode) {
        // Counted on the way out, and never counted back: no two evaluations are the same games.
        self.asks.count.evaluations +=
            u64::from(self.asks.mode == Mode::Evaluate && mode == Mode::Train);
        self.asks.mode = mode;
    }

    fn metrics(&mut self, record: &mut dyn FnMut(&str, f64)) {
        let (counts, spent) = (self.client.counts, self.client.spent());
        let values = [
            ("answers", counts.answers as f64),
            ("replayed", counts.replayed as f64),
            ("invalid", counts.invalid as f64),
            ("given_up", counts.given_up as f64),
            ("requests", counts.requests as f64),
            ("tokens", counts.tokens as f64),
            ("seconds", counts.seconds),
            ("account_usd", spent.usd),
        ];
        for (name, value) in values {
            record(&format!("{}/{name}", self.asks.id), value);
        }
    }

    fn save(&mut self) -> Result<Vec<u8>, AgentError> {
        let mut state = Vec::new();
        write_value(&self.asks.count, &mut state)?;
        Ok(state)
    }

    fn load(&mut self, mut state: &[u8]) -> Result<(), AgentError> {
        self.client.forget();
        let count: Count = read_value(&mut state)?;
        if count.episodes.len() != self.asks.context.seats() {
            return Err(AgentError::State {
                agent: self.asks.id.into(),
                reason: format!(
                    "it is of {} seats, here are {}",
                    count.episodes.len(),
                    self.asks.context.seats()
                ),
            });
        }
        self.asks.count = Count {
            evaluations: count.evaluations.max(self.asks.count.evaluations),
            ..count
        };
        Ok(())
    }

    fn finish(&mut self) -> Result<(), AgentError> {
        self.client.finish()
    }
}
