//! Markets as a batch of environments: a row is a market.
//!
//! A [`MarketTask`] says which market that is, who trades in it, what players see and do and what they are paid for;
//! [`MarketPlugin`] hosts it. Players sit on seats behind the traders of the flow. They decide all at once, after an interval of
//! time or so many messages as the task says ([`Wait`]): their messages go into the market, it runs on, and they are shown what
//! has become of it. With delays they
//! see the market of one communication delay ago, and their messages arrive later, as those of any trader. A task can follow up
//! a decision before the next one ([`MarketTask::wake`]).
//!
//! The traders of all rows are the members of the rows in one table ([`Builder::spawn_members`]): a column each for accounts,
//! positions and seats, in which a row's traders are a slice. Book and kernel of a row, its flow and the state of its task are
//! in a resource. Nothing is shared between rows.

mod picture;
mod systems;
mod tape;
mod view;

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::book::Book;
use super::event::Event;
use super::flow::{OrderFlow, SavedFlow, Venue};
use super::kernel::{
    Account, Calendar, Desk, Fees, Kernel, KernelConfig, Position, Seat, Symbol, Traders,
};
use super::order::{Time, TraderId};
use crate::error::EnvError;
use crate::sim::{Builder, EnvSpec, Plugin, RowObservation, RowStep, StepSet};
use systems::{Hosted, Markets};

pub use view::MarketView;

/// The market of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct MarketSetup {
    /// What the flow needs.
    pub venue: Venue,
    /// Phases of the day; without any, trading is continuous.
    pub calendar: Option<Calendar>,
    /// Fees.
    pub fees: Fees,
    /// How long it trades before the players join, in nanoseconds.
    pub warm_up: Time,
    /// Time between two decisions of the players, > 0, in nanoseconds.
    pub interval: Time,
    /// Where each player sits.
    pub players: Vec<PlayerSetup>,
}

/// Until when players wait for their next decision: whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Time that passes, in nanoseconds.
    pub time: Time,
    /// Messages of the flow that reach the exchange, > 0.
    pub messages: u64,
}

impl Wait {
    /// For a time.
    pub fn time(time: Time) -> Self {
        Self {
            time,
            messages: u64::MAX,
        }
    }
}

/// Where a player sits, and what it has when it joins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlayerSetup {
    /// Distance and credit.
    pub seat: Seat,
    /// Cash.
    pub cash: i64,
    /// Shares.
    pub shares: i64,
}

/// What a market is for.
pub trait MarketTask: Send + Sync + 'static {
    /// Who trades beside the players.
    type Flow: SavedFlow + Clone + 'static;
    /// What the task remembers of an episode.
    type State: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Players, spaces, horizon.
    fn spec(&self) -> EnvSpec;

    /// The market.
    fn setup(&self) -> MarketSetup;

    /// The flow, before its first reset.
    fn flow(&self) -> Self::Flow;

    /// An episode begins: the market has warmed up, the players have joined. `state` is that of an earlier episode, or the default:
    /// all of it must be set anew, in the memory that it has. `options` is JSON null unless given at the reset.
    ///
    /// # Errors
    /// A sentence about options that are unknown or out of range.
    fn begin(
        &self,
        state: &mut Self::State,
        floor: &Floor<'_>,
        options: &Value,
    ) -> Result<(), String>;

    /// Decisions of a policy of the task's own that plays the market of every episode first, in the place of player 0, for the
    /// players to be compared with: same seed, same flow. 0: none does.
    fn rehearsal(&self) -> u32 {
        0
    }

    /// That policy decides.
    fn rehearse(&self, state: &mut Self::State, desk: &mut Desk<'_>) {
        let _ = (state, desk);
    }

    /// Its episode is over, and another one, of which `state` is, begins for the players.
    fn compare(&self, state: &mut Self::State, rehearsed: &Self::State) {
        let _ = (state, rehearsed);
    }

    /// An interval of it is over.
    fn follow(&self, state: &mut Self::State, floor: &Floor<'_>) {
        let _ = (state, floor);
    }

    /// When the players decide again.
    fn wait(&self, state: &Self::State, setup: &MarketSetup) -> Wait {
        let _ = state;
        Wait::time(setup.interval)
    }

    /// Turns the action of `player` into messages.
    fn act(&self, state: &mut Self::State, player: usize, step: &RowStep<'_>, desk: &mut Desk<'_>);

    /// `player` has asked to be woken ([`Desk::wake_at`]) before it decides again, for what follows from an earlier decision.
    fn wake(&self, state: &mut Self::State, player: usize, desk: &mut Desk<'_>) {
        let _ = (state, player, desk);
    }

    /// Sees every event of the market.
    fn watch(&self, state: &mut Self::State, time: Time, event: &Event) {
        let _ = (state, time, event);
    }

    /// Sees the book after each message.
    fn look(&self, state: &mut Self::State, time: Time, book: &Book) {
        let _ = (state, time, book);
    }

    /// An interval is over: gives rewards, ends the episode.
    fn settle(&self, state: &mut Self::State, floor: &Floor<'_>, step: &mut RowStep<'_>);

    /// Writes what `player` sees.
    fn observe(
        &self,
        state: &Self::State,
        player: usize,
        floor: &Floor<'_>,
        out: &mut RowObservation<'_>,
    );

    /// Says in a line how things stand, below the picture of the market.
    fn tell(&self, state: &Self::State, floor: &Floor<'_>, out: &mut String) {
        let _ = (state, floor, out);
    }
}

/// A market between two decisions, with the tables of its traders.
#[derive(Debug)]
pub struct Floor<'a> {
    kernel: &'a Kernel,
    accounts: &'a [Account],
    positions: &'a [Position],
    /// Traders of the flow; the players come after them.
    flow_traders: u32,
}

impl<'a> Floor<'a> {
    fn new(kernel: &'a Kernel, traders: &'a Traders<'_>, flow_traders: u32) -> Self {
        Self {
            kernel,
            accounts: traders.accounts,
            positions: traders.positions,
            flow_traders,
        }
    }

    /// The time.
    pub fn now(&self) -> Time {
        self.kernel.now()
    }

    /// The market.
    pub fn kernel(&self) -> &'a Kernel {
        self.kernel
    }

    /// The book.
    pub fn book(&self) -> &'a Book {
        self.kernel.book(Symbol(0))
    }

    /// The trader that a player is.
    pub fn trader(&self, player: usize) -> TraderId {
        TraderId(self.flow_traders + player as u32)
    }

    /// Account of a player.
    ///
    /// # Panics
    /// If there is no such player.
    pub fn account(&self, player: usize) -> Account {
        self.accounts[self.trader(player).0 as usize]
    }

    /// Shares of a player.
    ///
    /// # Panics
    /// If there is no such player.
    pub fn position(&self, player: usize) -> Position {
        self.positions[self.trader(player).0 as usize]
    }
}

/// Hosts a [`MarketTask`].
#[derive(Debug)]
pub struct MarketPlugin<T>(Arc<T>);

impl<T: MarketTask> MarketPlugin<T> {
    /// A plugin around `task`.
    pub fn new(task: T) -> Self {
        Self(Arc::new(task))
    }
}

impl<T: MarketTask> Plugin for MarketPlugin<T> {
    fn build(&self, builder: &mut Builder) -> Result<(), EnvError> {
        builder.environment(self.0.spec());
        let setup = self.0.setup();
        let flow = self.0.flow();
        let market = KernelConfig {
            books: vec![setup.venue.book],
            calendar: setup.calendar.clone(),
            references: vec![setup.venue.reference],
            fees: setup.fees,
            first_id: setup.venue.first_id,
        };
        let traders = flow.traders() as usize + setup.players.len();
        let rows = builder.rows();
        let markets = Markets::<T>::new(rows, &market, &flow);
        let markets = markets.map_err(|e| EnvError::Layout(e.to_string()))?;
        builder.insert_row_resource(markets);
        builder.spawn_members(
            traders,
            (Account::default(), Position::default(), Seat::default()),
        );
        builder.member_component::<Account>();
        builder.member_component::<Position>();
        builder.member_component::<Seat>();
        let stream = builder.stream("market.flow");
        builder.insert_resource(Hosted {
            task: self.0.clone(),
            setup,
            traders,
            stream,
        });
        builder.add_system(StepSet::Reset, systems::reset::<T>);
        builder.add_system(StepSet::Simulate, systems::simulate::<T>);
        builder.add_system(StepSet::Observe, systems::observe::<T>);
        builder.set_renderer(|world, row| systems::render::<T>(world, row));
        builder.set_viewer(|world, row| systems::view::<T>(world, row));
        Ok(())
    }
}
