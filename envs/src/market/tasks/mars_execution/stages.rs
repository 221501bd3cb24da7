//! What the schedule of `mars_execution-v1` sends at the begin of a stage.
//!
//! Never more than is left of the order, whatever happens to messages on their way: shares that wait at the touch cross the spread only
//! once they are back from there.

use super::super::orders::{How, WorkingOrders, worst_price};
use super::super::shared::SYMBOL;
use super::super::twap::{Stage, Step, Twap};
use super::{MarsExecution, Schedule};
use crate::market::book::Book;
use crate::market::event::Phase;
use crate::market::kernel::Desk;
use crate::market::order::{Price, Side, Size};

impl MarsExecution {
    /// Begins a stage with the dials at these positions.
    pub(super) fn begin_stage(
        &self,
        state: &mut Schedule,
        passive: f64,
        level: usize,
        desk: &mut Desk<'_>,
    ) {
        let args = &self.args;
        let twap = Twap {
            side: args.side,
            target: args.size.into(),
            lot: args.lot.into(),
            tick: self.market.tick(),
            passive_ratio: passive,
            aggressive_ratio: 1.0,
            aggressive_price_change: 0,
            total_seconds: args.seconds(),
            passive_seconds: args.passive,
            idle_seconds: args.aggressive,
        };
        let stage = Self::stage(state);
        state.stages += 1;
        state.own.tidy(desk);
        let book = desk.book(SYMBOL);
        // What is on its way across the spread will not wait at the touch.
        let waiting = state.own.kept(book);
        let waiting = waiting.filter(|(order, _)| !WorkingOrders::is_arriving(order, book));
        state.seen.clear();
        let priced = waiting.filter_map(|(order, size)| Some((order.price?, size)));
        state.seen.extend(priced);
        state.steps.clear();
        let completed = args.side.sign() * desk.position(SYMBOL).held + state.own.arriving(book);
        match stage {
            Stage::Passive => {
                let behind = args.side.opposite();
                let best = book.best(args.side).or_else(|| {
                    let other = book.best(behind)?;
                    Some(other - args.side.sign() * twap.tick)
                });
                let best = best.or(book.last_price());
                let best = best.unwrap_or(self.market.venue.reference);
                twap.wait(completed, &state.seen, best, &mut state.steps);
            }
            Stage::Aggressive => {
                state.owed = (0, 0);
                if let Some(price) = crossing(book, args.side, level) {
                    let elapsed = (state.stages / 2 - 1) * (args.passive + args.aggressive);
                    let elapsed = elapsed + args.passive;
                    let (seen, steps) = (&state.seen, &mut state.steps);
                    twap.catch_up(completed, seen, price, elapsed, steps);
                }
            }
        }
        for i in 0..state.steps.len() {
            match (state.steps[i], stage) {
                (Step::Cancel { price, size }, _) => state.own.recall_at(desk, price, size),
                (Step::Limit { price, size }, Stage::Passive) => {
                    let room = self.room(state, desk) - state.owed.0;
                    self.send(state, desk, size.min(room), price);
                }
                (Step::Limit { price, size }, Stage::Aggressive) => {
                    state.owed = (size, price);
                    self.cross(state, desk);
                    if state.owed.0 > 0 {
                        // The player hears a round trip later that the shares are back.
                        desk.wake_at(desk.now() + 2 * desk.communication());
                    }
                }
            }
        }
    }

    /// Shares that can be sent without buying, or selling, more than the order whatever happens to those sent before.
    fn room(&self, state: &Schedule, desk: &Desk<'_>) -> Size {
        let side = self.args.side;
        let completed = side.sign() * desk.position(SYMBOL).held;
        Size::from(self.args.size) - completed - state.own.outstanding(desk, side)
    }

    fn send(&self, state: &mut Schedule, desk: &mut Desk<'_>, size: Size, price: Price) {
        if size > 0 {
            let how = How::Limit(price);
            state.own.send(desk, self.args.side, size, how);
        }
    }

    /// Sends across the spread what is owed, as much as is back.
    pub(super) fn cross(&self, state: &mut Schedule, desk: &mut Desk<'_>) {
        let (owed, price) = state.owed;
        let size = owed.min(self.room(state, desk)).max(0);
        self.send(state, desk, size, price);
        state.owed.0 -= size;
    }
}

/// The price of the level of the other side up to which an order crosses; of a book with fewer levels, of the last one. In an auction,
/// at whose price all trade, the worst price that the other side asks for. `None`: it does not cross.
fn crossing(book: &Book, side: Side, level: usize) -> Option<Price> {
    if book.phase() == Phase::Auction {
        return worst_price(book, side).filter(|_| level > 0);
    }
    let levels = book.levels(side.opposite()).take(level);
    levels.last().map(|level| level.price)
}
