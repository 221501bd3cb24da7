//! The systems that step markets.

use std::sync::Arc;

use bevy_ecs::prelude::{Query, Res, ResMut, Resource, World};

use super::tape::Tape;
use super::{Floor, MarketSetup, MarketTask, MarketView, Wait, picture};
use crate::error::EnvError;
use crate::market::book::{Book, BookConfigError};
use crate::market::event::{Event, EventSink, Ignore};
use crate::market::flow::{OrderFlow, SavedFlow};
use crate::market::kernel::{
    Account, Kernel, KernelConfig, KernelImage, Pause, Position, Seat, Symbol, Traders,
};
use crate::market::order::{Time, TraderId};
use crate::sim::{
    Border, Fault, Lanes, ResetOptions, RowObservation, RowState, RowStep, Selection, StreamId,
    read_value, row_members, write_value,
};

/// What the systems of a shard share; never changes.
#[derive(Debug, Resource)]
pub(super) struct Hosted<T: MarketTask> {
    pub(super) task: Arc<T>,
    pub(super) setup: MarketSetup,
    /// Traders of a row.
    pub(super) traders: usize,
    pub(super) stream: StreamId,
}

/// One row.
#[derive(Debug)]
struct Market<T: MarketTask> {
    kernel: Kernel,
    flow: T::Flow,
    state: T::State,
    /// The state of the task's own policy.
    rehearsed: T::State,
    tape: Tape,
}

/// What a task sees of its market as it runs.
struct Watch<'a, T: MarketTask> {
    task: &'a T,
    state: &'a mut T::State,
    tape: &'a mut Tape,
}

impl<T: MarketTask> EventSink for Watch<'_, T> {
    #[inline]
    fn event(&mut self, time: Time, event: Event) {
        self.tape.note(time, &event);
        self.task.watch(self.state, time, &event);
    }

    #[inline]
    fn settled(&mut self, time: Time, book: &Book) {
        self.task.look(self.state, time, book);
    }
}

/// The markets of all rows.
#[derive(Resource)]
pub(super) struct Markets<T: MarketTask>(Vec<Market<T>>);

impl<T: MarketTask> Markets<T> {
    pub(super) fn new(
        rows: usize,
        config: &KernelConfig,
        flow: &T::Flow,
    ) -> Result<Self, BookConfigError> {
        // Each made anew: a clone would not have the room that a book is made with.
        let market = || {
            Ok(Market {
                kernel: Kernel::new(config.clone())?,
                flow: flow.clone(),
                state: T::State::default(),
                rehearsed: T::State::default(),
                tape: Tape::default(),
            })
        };
        std::iter::repeat_with(market)
            .take(rows)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl<T: MarketTask> RowState for Markets<T> {
    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        let market = &self.0[row];
        write_value(&market.kernel.image(), out)?;
        market.flow.save(out)?;
        write_value(&(&market.state, &market.tape), out)
    }

    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        let market = &mut self.0[row];
        let image: KernelImage = read_value(bytes)?;
        let mut flow = market.flow.clone();
        flow.load(bytes)?;
        let (state, tape) = read_value(bytes)?;
        let restored = market.kernel.restore(&image, &flow);
        restored.map_err(EnvError::Snapshot)?;
        (market.flow, market.state, market.tape) = (flow, state, tape);
        Ok(())
    }
}

type Tables<'w, 's> = Query<
    'w,
    's,
    (
        &'static mut Account,
        &'static mut Position,
        &'static mut Seat,
    ),
>;

/// Calls `f` with each selected row and the tables of its traders.
fn for_each_row(
    tables: &mut Tables<'_, '_>,
    per_row: usize,
    selection: &Selection,
    mut f: impl FnMut(usize, &mut Traders<'_>),
) {
    // All traders live in one table, so there is one item.
    let Ok(tables) = tables.contiguous_iter_mut() else {
        return;
    };
    for (mut accounts, mut positions, mut seats) in tables {
        let accounts = accounts.bypass_change_detection();
        let positions = positions.bypass_change_detection();
        let seats = seats.bypass_change_detection();
        for row in selection.rows() {
            let run = row * per_row..(row + 1) * per_row;
            let mut traders = Traders {
                accounts: &mut accounts[run.clone()],
                positions: &mut positions[run.clone()],
                seats: &mut seats[run],
            };
            f(row, &mut traders);
        }
    }
}

/// Opens the markets of the selected rows and lets the players join.
pub(super) fn reset<T: MarketTask>(
    hosted: Res<Hosted<T>>,
    selection: Res<Selection>,
    lanes: Res<Lanes>,
    options: Res<ResetOptions>,
    mut markets: ResMut<Markets<T>>,
    mut fault: ResMut<Fault>,
    mut tables: Tables,
) {
    let Hosted {
        task,
        setup,
        traders: per_row,
        stream,
    } = &*hosted;
    for_each_row(&mut tables, *per_row, &selection, |row, traders| {
        let Market {
            kernel,
            flow,
            state,
            rehearsed,
            tape,
        } = &mut markets.0[row];
        let flow_traders = flow.traders();
        let options = options.row(row);
        let open = |state: &mut T::State,
                    kernel: &mut Kernel,
                    flow: &mut T::Flow,
                    traders: &mut Traders<'_>| {
            seat(setup, flow, traders);
            let opening = setup.venue.opening;
            let stream = lanes.stream(*stream, row);
            kernel.allow(u64::MAX);
            kernel.open(opening, flow, stream, traders, &mut Ignore);
            kernel.run(opening + setup.warm_up, flow, traders, &mut Ignore);
            kernel.clear_inbox();
            let floor = Floor::new(kernel, traders, flow_traders);
            task.begin(state, &floor, options)
        };
        let decisions = task.rehearsal();
        if decisions > 0 && open(rehearsed, kernel, flow, traders).is_ok() {
            for _ in 0..decisions {
                let now = kernel.now();
                let player = TraderId(flow_traders);
                let clock = now + traders.seats[player.0 as usize].delays.communication;
                task.rehearse(rehearsed, &mut kernel.desk(player, clock, traders));
                let Wait { time, messages } = task.wait(rehearsed, setup);
                kernel.allow(messages);
                let state = &mut *rehearsed;
                let mut watch = Watch {
                    task: &**task,
                    state,
                    tape,
                };
                run(kernel, now + time, flow, traders, &mut watch);
                task.follow(rehearsed, &Floor::new(kernel, traders, flow_traders));
            }
        }
        tape.clear();
        match open(state, kernel, flow, traders) {
            Ok(()) if decisions > 0 => task.compare(state, rehearsed),
            Ok(()) => {}
            Err(message) => fault.report(EnvError::Options { row, message }),
        }
        report_full(kernel, row, &mut fault);
    });
}

/// Tells of a market whose book had no place for an order.
fn report_full(kernel: &Kernel, row: usize, fault: &mut Fault) {
    let refused = kernel.overflows();
    if refused > 0 {
        let orders = kernel.book(Symbol(0)).live_orders();
        fault.report(EnvError::BookFull {
            row,
            orders,
            refused,
        });
    }
}

/// Seats everybody, with what they have at the start.
fn seat<F: OrderFlow>(setup: &MarketSetup, flow: &F, traders: &mut Traders<'_>) {
    let flow_traders = flow.traders() as usize;
    traders.accounts.fill(Account::default());
    traders.positions.fill(Position::default());
    for (trader, seat) in traders.seats.iter_mut().enumerate() {
        *seat = match trader.checked_sub(flow_traders) {
            None => Seat {
                delays: flow.delays(trader as u32),
                ..Seat::default()
            },
            Some(player) => setup.players[player].seat,
        };
    }
    for (player, setup) in setup.players.iter().enumerate() {
        traders.accounts[flow_traders + player].cash = setup.cash;
        traders.positions[flow_traders + player].held = setup.shares;
    }
}

/// Lets a market run until a time. Nobody waits for the notices to players.
fn run<T: MarketTask>(
    kernel: &mut Kernel,
    until: Time,
    flow: &mut T::Flow,
    traders: &mut Traders<'_>,
    watch: &mut Watch<'_, T>,
) {
    // Players decide when an interval is over; meanwhile a task may let them follow up what they have decided.
    while let Pause::Awake(trader, clock) = kernel.run(until, flow, traders, watch) {
        let player = (trader.0 - flow.traders()) as usize;
        let mut desk = kernel.desk(trader, clock, traders);
        watch.task.wake(watch.state, player, &mut desk);
    }
    kernel.clear_inbox();
}

/// Lets the players act and an interval pass.
pub(super) fn simulate<T: MarketTask>(
    hosted: Res<Hosted<T>>,
    selection: Res<Selection>,
    mut markets: ResMut<Markets<T>>,
    mut fault: ResMut<Fault>,
    border: ResMut<Border>,
    mut tables: Tables,
) {
    let task = &hosted.task;
    let border = border.into_inner();
    for_each_row(&mut tables, hosted.traders, &selection, |row, traders| {
        let Market {
            kernel,
            flow,
            state,
            tape,
            ..
        } = &mut markets.0[row];
        let mut step = RowStep::begin(border, row);
        let flow_traders = flow.traders();
        let now = kernel.now();
        for player in 0..hosted.setup.players.len() {
            let trader = TraderId(flow_traders + player as u32);
            let clock = now + traders.seats[trader.0 as usize].delays.communication;
            task.act(
                state,
                player,
                &step,
                &mut kernel.desk(trader, clock, traders),
            );
        }
        tape.clear();
        let Wait { time, messages } = task.wait(state, &hosted.setup);
        kernel.allow(messages);
        let mut watch = Watch {
            task: &**task,
            state,
            tape,
        };
        run(kernel, now + time, flow, traders, &mut watch);
        report_full(kernel, row, &mut fault);
        let floor = Floor::new(kernel, traders, flow_traders);
        task.settle(state, &floor, &mut step);
    });
}

/// Shows the players their markets.
pub(super) fn observe<T: MarketTask>(
    hosted: Res<Hosted<T>>,
    selection: Res<Selection>,
    markets: Res<Markets<T>>,
    border: ResMut<Border>,
    mut tables: Tables,
) {
    let border = border.into_inner();
    for_each_row(&mut tables, hosted.traders, &selection, |row, traders| {
        let market = &markets.0[row];
        let floor = Floor::new(&market.kernel, traders, market.flow.traders());
        for player in 0..hosted.setup.players.len() {
            let mut out = RowObservation::of(border, player, row);
            hosted.task.observe(&market.state, player, &floor, &mut out);
        }
    });
}

/// A picture of a row's market.
pub(super) fn render<T: MarketTask>(world: &World, row: usize) -> Option<String> {
    let markets = world.get_resource::<Markets<T>>()?;
    let hosted = world.get_resource::<Hosted<T>>()?;
    let market = &markets.0[row];
    let (accounts, positions) = (row_members(world, row), row_members(world, row));
    let floor = Floor {
        kernel: &market.kernel,
        accounts: &accounts,
        positions: &positions,
        flow_traders: market.flow.traders(),
    };
    let mut text = String::new();
    picture::draw(&floor, &market.tape, floor.flow_traders, &mut text);
    hosted.task.tell(&market.state, &floor, &mut text);
    Some(text)
}

/// A row's market as data.
pub(super) fn view<T: MarketTask>(world: &World, row: usize) -> Option<MarketView> {
    let market = world.get_resource::<Markets<T>>()?.0.get(row)?;
    Some(MarketView::of(&market.kernel, &market.tape))
}
