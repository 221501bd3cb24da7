//! Players by rules, in their seats.

use palaestra_envs::{
    language::structured::{OfferGrid, WIDTH},
    sim::{ActView, Model, Selection, read_value, write_value},
    space::{ColumnData, Columns},
    stream::Stream,
};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    decision::{Decision, Encoding, Seen},
    sight::Situation,
};
use crate::{Agent, AgentContext, AgentError, Registry};

/// Field of the numbers where there are words as well.
const STATE: &str = "state";
/// Field that says what is due, where there are words.
const EXPECTS: &str = "expects";

/// What a player can play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seats {
    /// Everything.
    All,
    /// Both seats of bargaining and negotiation.
    Haggling,
    /// The seller of persuasion.
    Seller,
    /// The buyer of persuasion.
    Buyer,
}

impl Seats {
    /// Whether the seat called `name` is one of them.
    fn has(self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Haggling => matches!(name, "alice" | "bob"),
            Self::Seller => name == "seller",
            Self::Buyer => name == "buyer",
        }
    }

    fn said(self) -> &'static str {
        match self {
            Self::All => "all seats of the language games",
            Self::Haggling => "bargaining and negotiation, in both seats",
            Self::Seller => "the seller of persuasion: `players = [\"seller\"]`",
            Self::Buyer => "the buyer of persuasion: `players = [\"buyer\"]`",
        }
    }
}

/// A player whose decisions follow from what it sees, and from chance.
pub trait Player: Send + 'static {
    /// What it can play.
    const SEATS: Seats;

    /// Decides what is due.
    fn decide(&self, see: &Situation, draws: &mut Stream) -> Decision;
}

/// A player in its seats.
struct Seated<P> {
    id: &'static str,
    player: P,
    context: AgentContext,
    encoding: Encoding,
    /// Field of the observation that holds the numbers.
    state: usize,
    /// One stream per seat.
    draws: Vec<Stream>,
}

/// Registers a player that is its own arguments, or is made of them by `make`.
pub(super) fn register<A, P>(
    registry: &mut Registry,
    id: &'static str,
    summary: &str,
    make: fn(A) -> Result<P, AgentError>,
) where
    A: Serialize + DeserializeOwned + Default + JsonSchema + 'static,
    P: Player,
{
    registry.register(id, summary, move |context, args: A| {
        Ok(Box::new(Seated::new(id, context, make(args)?)?))
    });
}

/// An argument that must lie in [0, 1].
pub(super) fn share(name: &str, value: f64) -> Result<f64, AgentError> {
    if (0.0..=1.0).contains(&value) {
        return Ok(value);
    }
    Err(AgentError::argument(
        name,
        format!("must be from 0 to 1, not {value}"),
    ))
}

impl<P: Player> Seated<P> {
    fn new(id: &'static str, context: &AgentContext, player: P) -> Result<Self, AgentError> {
        let unsupported = |reason: String| AgentError::Unsupported {
            agent: id.into(),
            env: context.env.id.clone(),
            reason,
        };
        let spec = context.player();
        let fields = spec.observation.columns(1);
        let state = fields.index_of(STATE).unwrap_or(0);
        let sees = fields
            .fields()
            .get(state)
            .is_some_and(|field| field.width == WIDTH && matches!(field.data, ColumnData::F32(_)));
        if !context.env.id.starts_with("glee_") || !sees {
            return Err(unsupported(
                "it plays the language games (`glee_bargaining-v1` and alike) without wrappers that change what is seen"
                    .into(),
            ));
        }
        let mut seats = context
            .players
            .iter()
            .map(|&p| &context.env.players[p].name);
        if let Some(name) = seats.find(|name| !P::SEATS.has(name)) {
            return Err(unsupported(format!(
                "it plays {}, and was seated as `{name}`",
                P::SEATS.said()
            )));
        }
        let haggles = matches!(spec.name.as_str(), "alice" | "bob");
        let grid = context.env.model.as_ref().and_then(Model::get::<OfferGrid>);
        let encoding = match (fields.index_of(EXPECTS), haggles, grid) {
            (Some(expects), _, _) => Encoding::Words(expects),
            (None, true, Some(grid)) => Encoding::Haggling(*grid),
            (None, true, None) => {
                return Err(unsupported(
                    "it must know what offers there are, which a wrapper that changes rewards or dynamics hides".into(),
                ));
            }
            (None, false, _) => Encoding::Persuasion,
        };
        let draws = (0..context.seats() as u64)
            .map(|seat| Stream::new(context.seed, seat, "policy.sample"))
            .collect();
        Ok(Self {
            id,
            player,
            context: context.clone(),
            encoding,
            state,
            draws,
        })
    }
}

impl<P: Player> Agent for Seated<P> {
    fn act(
        &mut self,
        view: &ActView<'_>,
        rows: &Selection,
        actions: &mut Columns,
    ) -> Result<(), AgentError> {
        let first = self.context.first_seat(view.player);
        let seen = view.observation.f32(self.state);
        for row in rows.rows().filter(|&row| view.acting[row]) {
            let see = Situation::read(&seen[row * WIDTH..(row + 1) * WIDTH]);
            let strange = || AgentError::Failed {
                agent: self.id.into(),
                reason: format!("row {row} does not show what is due in a language game"),
            };
            let see = see.ok_or_else(strange)?;
            let decision = self.player.decide(&see, &mut self.draws[first + row]);
            let seen = Seen {
                situation: &see,
                observation: view.observation,
                mask: view.mask_row(row),
                row,
            };
            let written = self.encoding.write(decision, &seen, actions);
            written.ok_or_else(strange)?;
        }
        Ok(())
    }

    fn save(&mut self) -> Result<Vec<u8>, AgentError> {
        let mut state = Vec::new();
        write_value(&self.draws, &mut state)?;
        Ok(state)
    }

    fn load(&mut self, mut state: &[u8]) -> Result<(), AgentError> {
        self.draws = read_value(&mut state)?;
        Ok(())
    }
}
