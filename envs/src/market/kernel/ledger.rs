//! Cash and holdings of traders, and what of them is promised to live orders.
//!
//! A limit order to buy reserves its limit times its size, and the largest fee, when it is accepted, and gives back the difference
//! when it trades at a better price; an order to sell reserves its size, whose fee its proceeds pay. An order to buy without a
//! limit reserves nothing: it trades at once when it comes, or when its stop price does, and is checked against the book then. So
//! what a trader has at its disposal never falls below what it may owe. Everything follows from the events of the exchange, so
//! the same rules keep the ledger of the exchange and the books of a trader who hears of things later.

use bevy_ecs::component::Component;
use serde::{Deserialize, Serialize};

use crate::market::event::Event;
use crate::market::order::{Cash, Price, Side, Size, Time, TraderId};

/// Cash of a trader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Component, Serialize, Deserialize)]
pub struct Account {
    /// All of it; negative when it is borrowed.
    pub cash: Cash,
    /// What limit orders to buy would cost at their limits, fees included.
    pub reserved: Cash,
}

impl Account {
    /// Cash that no order has a claim on.
    #[inline]
    pub fn available(&self) -> Cash {
        self.cash - self.reserved
    }
}

/// Shares of one instrument that a trader holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Component, Serialize, Deserialize)]
pub struct Position {
    /// All of them; negative when they are sold short.
    pub held: Size,
    /// What orders to sell would deliver.
    pub reserved: Size,
}

impl Position {
    /// Shares that no order has a claim on.
    #[inline]
    pub fn available(&self) -> Size {
        self.held - self.reserved
    }
}

/// How far a trader is from the exchange.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delays {
    /// From the exchange to the trader, and back, in nanoseconds.
    pub communication: Time,
    /// From a wake-up to the messages that it leads to, in nanoseconds.
    pub computation: Time,
}

/// Where a trader stands and what it may owe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Component, Serialize, Deserialize)]
pub struct Seat {
    /// How far it is from the exchange.
    pub delays: Delays,
    /// How far its available cash may fall below 0.
    pub cash_credit: Cash,
    /// How far its available shares of an instrument may fall below 0.
    pub share_credit: Size,
}

impl Default for Seat {
    /// At the exchange, with any credit.
    fn default() -> Self {
        Self {
            delays: Delays::default(),
            cash_credit: Cash::MAX,
            share_credit: Size::MAX,
        }
    }
}

/// Fees as parts per million of the value of a trade, at most all of it; a negative one is a rebate. Rounded towards the exchange.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fees {
    /// Of the order that rested.
    pub maker: i64,
    /// Of the order that came.
    pub taker: i64,
}

impl Fees {
    /// The fee for trading `size` shares at `price`.
    #[inline]
    fn of(rate: i64, price: Price, size: Size) -> Cash {
        if rate == 0 {
            return 0;
        }
        let exact = i128::from(price) * i128::from(size) * i128::from(rate);
        -((-exact).div_euclid(1_000_000)) as Cash
    }

    /// What an order that comes pays at most for a share at `price`, however it is filled: 0 of a rebate.
    #[inline]
    pub(super) fn taking(self, price: Price) -> Cash {
        Self::of(self.taker.max(0), price, 1)
    }

    /// What is reserved for a share that is bought at `limit` or less.
    #[inline]
    pub(super) fn reserved(self, limit: Price) -> Cash {
        limit.saturating_add(Self::of(self.taker.max(self.maker).max(0), limit, 1))
    }
}

/// The tables of the traders of one market; a row of each is a trader, of the positions a trader and an instrument.
#[derive(Debug)]
pub struct Traders<'a> {
    /// Cash.
    pub accounts: &'a mut [Account],
    /// Shares: those of a trader side by side, one for each instrument.
    pub positions: &'a mut [Position],
    /// Distance and credit.
    pub seats: &'a mut [Seat],
}

impl Traders<'_> {
    /// How far a trader is from the exchange; nothing for one that is none of this market.
    #[inline]
    pub(super) fn communication(&self, trader: TraderId) -> Time {
        let seat = self.seats.get(trader.0 as usize);
        seat.map_or(0, |seat| seat.delays.communication)
    }

    /// Whether a trader could pay `cost` out of what is at its disposal; one that is none of this market can pay anything.
    pub(super) fn affords(&self, trader: TraderId, cost: Cash) -> bool {
        let trader = trader.0 as usize;
        let (Some(account), Some(seat)) = (self.accounts.get(trader), self.seats.get(trader))
        else {
            return true;
        };
        account.available().saturating_sub(cost) >= seat.cash_credit.saturating_neg()
    }
}

/// Tables of traders that belong to nobody else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraderTables {
    accounts: Vec<Account>,
    positions: Vec<Position>,
    seats: Vec<Seat>,
}

impl TraderTables {
    /// `traders` traders in a market of `symbols` instruments, with nothing.
    pub fn new(traders: usize, symbols: usize) -> Self {
        Self {
            accounts: vec![Account::default(); traders],
            positions: vec![Position::default(); traders * symbols],
            seats: vec![Seat::default(); traders],
        }
    }

    /// The tables.
    #[inline]
    pub fn view(&mut self) -> Traders<'_> {
        Traders {
            accounts: &mut self.accounts,
            positions: &mut self.positions,
            seats: &mut self.seats,
        }
    }
}

/// The change that one event makes for one side of it.
#[derive(Debug, Clone, Copy)]
struct Change {
    trader: TraderId,
    side: Side,
    /// Shares that traded, and their price.
    traded: Size,
    price: Price,
    /// Shares that are promised from now on, less those that no longer are.
    promised: Size,
    /// What is reserved for each that is to be bought; `None` if nothing is.
    reserved: Option<Cash>,
    fee: Cash,
}

impl Change {
    fn promise(trader: TraderId, side: Side, promised: Size, reserved: Option<Cash>) -> Self {
        Self {
            trader,
            side,
            traded: 0,
            price: 0,
            promised,
            reserved,
            fee: 0,
        }
    }

    fn apply(&self, account: &mut Account, position: &mut Position) {
        // What could overflow, a kernel does not let in; a recording might.
        let value = self.price.saturating_mul(self.traded);
        let sign = self.side.sign();
        account.cash = account
            .cash
            .saturating_sub((value * sign).saturating_add(self.fee));
        position.held = position.held.saturating_add(sign * self.traded);
        match (self.side, self.reserved) {
            (Side::Buy, Some(each)) => {
                let value = each.saturating_mul(self.promised);
                account.reserved = account.reserved.saturating_add(value);
            }
            (Side::Buy, None) => {}
            (Side::Sell, _) => position.reserved += self.promised,
        }
    }
}

/// Calls `f` with every change of an account that `event` makes.
#[inline]
fn changes(event: &Event, fees: Fees, mut f: impl FnMut(Change)) {
    let each = |limit: Option<Price>| limit.map(|limit| fees.reserved(limit));
    match *event {
        Event::Accepted {
            trader,
            side,
            size,
            limit,
            ..
        } => f(Change::promise(trader, side, size, each(limit))),
        Event::Cancelled {
            trader,
            side,
            limit,
            size,
            ..
        }
        | Event::Reduced {
            trader,
            side,
            limit,
            size,
            ..
        } => f(Change::promise(trader, side, -size, each(limit))),
        Event::Modified {
            trader,
            side,
            old_price,
            old_size,
            price,
            size,
            ..
        }
        | Event::Replaced {
            trader,
            side,
            old_price,
            old_size,
            price,
            size,
            ..
        } => {
            f(Change::promise(
                trader,
                side,
                -old_size,
                each(Some(old_price)),
            ));
            f(Change::promise(trader, side, size, each(Some(price))));
        }
        Event::Trade(trade) => {
            let change = |trader, side, limit, rate| Change {
                trader,
                side,
                traded: trade.size,
                price: trade.price,
                promised: -trade.size,
                reserved: each(limit),
                fee: Fees::of(rate, trade.price, trade.size),
            };
            let (maker, taker) = (trade.aggressor.opposite(), trade.aggressor);
            f(change(
                trade.taker_trader,
                taker,
                trade.taker_limit,
                fees.taker,
            ));
            f(change(
                trade.maker_trader,
                maker,
                Some(trade.price),
                fees.maker,
            ));
        }
        Event::AuctionFill {
            trader,
            side,
            limit,
            price,
            size,
            ..
        } => f(Change {
            trader,
            side,
            traded: size,
            price,
            promised: -size,
            reserved: each(Some(limit)),
            fee: Fees::of(fees.taker, price, size),
        }),
        Event::Rested { .. }
        | Event::Refilled { .. }
        | Event::Held { .. }
        | Event::Triggered { .. }
        | Event::AuctionPrint { .. }
        | Event::Phase(_)
        | Event::Rejected { .. } => {}
    }
}

impl Account {
    /// Books what `event` means for `trader`, whose account this is and whose shares of the instrument `position` counts.
    /// Of a trade of a trader with itself it books both sides.
    pub fn hear(&mut self, position: &mut Position, trader: TraderId, event: &Event, fees: Fees) {
        changes(event, fees, |change| {
            if change.trader == trader {
                change.apply(self, position);
            }
        });
    }
}

impl Traders<'_> {
    /// Books what `event` means for everybody. `symbol` is the instrument, one of `symbols`. Returns the fees.
    #[inline]
    pub fn settle(&mut self, event: &Event, fees: Fees, symbol: usize, symbols: usize) -> Cash {
        let mut paid = 0;
        changes(event, fees, |change| {
            let trader = change.trader.0 as usize;
            let account = self.accounts.get_mut(trader);
            let position = self.positions.get_mut(trader * symbols + symbol);
            // Orders of a recording may belong to somebody who is no trader of this market.
            if let (Some(account), Some(position)) = (account, position) {
                change.apply(account, position);
                paid += change.fee;
            }
        });
        paid
    }
}
