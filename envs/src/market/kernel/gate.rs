//! The gate of the exchange: who sends a message, under which id, and whether that trader may.

use super::{Kernel, Traders};
use crate::market::event::Reject;
use crate::market::order::{Message, NewOrder, OrderId, Price, Side, Size, TraderId};

impl Kernel {
    /// A message as the exchange takes it: with the true sender, and an id.
    #[inline]
    pub(super) fn complete(&mut self, trader: TraderId, message: &Message) -> Message {
        let mut assign = |id: OrderId| {
            if id != OrderId::ASSIGN {
                return id;
            }
            let id = OrderId(self.next_id);
            self.next_id += 1;
            id
        };
        let mut message = *message;
        match &mut message {
            Message::New(order) => {
                order.trader = trader;
                order.id = assign(order.id);
            }
            Message::Replace { new_id, .. } => *new_id = assign(*new_id),
            Message::Cancel { .. } | Message::Reduce { .. } | Message::Modify { .. } => {}
        }
        message
    }

    /// Why a trader may not do this, if so: for want of money, shares, or because the order is another's.
    #[inline]
    pub(super) fn refusal(
        &self,
        trader: TraderId,
        symbol: usize,
        message: &Message,
        traders: &Traders<'_>,
    ) -> Option<Reject> {
        let Some(book) = self.books.get(symbol) else {
            return Some(Reject::UnknownSymbol);
        };
        let (side, size, limit, freed) = match *message {
            // What it costs is known when it is released, and asked for then (`EventSink::affords`).
            Message::New(NewOrder {
                side: Side::Buy,
                price: None,
                stop: Some(_),
                ..
            }) => return None,
            Message::New(NewOrder {
                side, size, price, ..
            }) => (side, size, price, None),
            Message::Cancel { id }
            | Message::Reduce { id, .. }
            | Message::Modify { id, .. }
            | Message::Replace { id, .. } => {
                let order = book.order(id)?;
                if order.trader != trader {
                    return Some(Reject::NotOwner);
                }
                let (size, limit) = match *message {
                    Message::Modify { size, price, .. } => {
                        (size.unwrap_or(order.left()), price.or(order.price))
                    }
                    Message::Replace { size, price, .. } => (size, Some(price)),
                    _ => return None,
                };
                (order.side, size, limit, Some((order.left(), order.price)))
            }
        };
        // The book says what is wrong with a size that is none.
        if size <= 0 {
            return None;
        }
        let fees = self.wire.fees;
        let value = |limit: Option<Price>, size: Size| {
            limit
                .map_or(0, |limit| fees.reserved(limit))
                .checked_mul(size)
                .filter(|value| value.abs() < 1 << 56)
        };
        let Some(value_now) = value(limit, size) else {
            return Some(Reject::Size);
        };
        let seat = traders.seats.get(trader.0 as usize)?;
        let unlimited = seat.cash_credit == i64::MAX && seat.share_credit == i64::MAX;
        if unlimited && !book.config().rules.odd_lot_sells {
            return None;
        }
        let freed_size = freed.map_or(0, |(size, _)| size);
        match side {
            Side::Buy => {
                let freed = freed
                    .and_then(|(size, limit)| value(limit, size))
                    .unwrap_or(0);
                let cost = match limit {
                    Some(_) => value_now,
                    None => book.cost(trader, Side::Buy, size, |price| fees.taking(price)),
                };
                let affordable = traders.affords(trader, cost.saturating_sub(freed));
                (!affordable).then_some(Reject::Cash)
            }
            Side::Sell => {
                let position = traders.positions[trader.0 as usize * self.books.len() + symbol];
                let available = position.available().saturating_add(freed_size);
                let lot = book.config().rules.lot;
                if size % lot != 0 && size % lot != available % lot {
                    return Some(Reject::Lot);
                }
                let after = available.saturating_sub(size);
                (after < seat.share_credit.saturating_neg()).then_some(Reject::Holdings)
            }
        }
    }
}
