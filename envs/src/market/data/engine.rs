//! What an outsider sees of the exchange of this crate.

use super::{FeedEvent, Kind};
use crate::market::{
    event::{Event, Phase},
    order::{OrderId, Price, Side, Size, Time},
};

/// The event that a feed of the market would publish for an event of the exchange, in the units of LOBSTER; `None` for what
/// nobody sees: requests, refusals, hidden orders and reserves.
///
/// A tranche of an iceberg order shows as an order of its own, under the same id.
pub fn published(time: Time, event: &Event) -> Option<FeedEvent> {
    let seen = |kind, id: OrderId, side: Side, size: Size, price: Option<Price>| {
        (size > 0).then_some(FeedEvent {
            kind,
            side: Some(side),
            order_id: id.0,
            size: size as u64,
            price,
            ..FeedEvent::other(time.max(0) as u64, 0)
        })
    };
    match *event {
        Event::Rested {
            id,
            side,
            price,
            displayed,
            ..
        }
        | Event::Refilled {
            id,
            side,
            price,
            displayed,
        } => seen(Kind::Add, id, side, displayed, Some(price)),
        Event::Trade(trade) => {
            let (kind, id) = if trade.hidden {
                (Kind::Hidden, OrderId(0))
            } else {
                (Kind::Execute, trade.maker)
            };
            let side = trade.aggressor.opposite();
            seen(kind, id, side, trade.size, Some(trade.price))
        }
        Event::Cancelled {
            id,
            side,
            limit,
            displayed,
            ..
        } => seen(Kind::Delete, id, side, displayed, limit),
        Event::Reduced {
            id,
            side,
            limit,
            displayed,
            ..
        } => seen(Kind::Reduce, id, side, displayed, limit),
        Event::Modified {
            id,
            side,
            old_price,
            old_displayed,
            ..
        }
        | Event::Replaced {
            id,
            side,
            old_price,
            old_displayed,
            ..
        } => seen(Kind::Delete, id, side, old_displayed, Some(old_price)),
        Event::AuctionPrint { price, volume, .. } => {
            let print = seen(Kind::Cross, OrderId(0), Side::Buy, volume, Some(price))?;
            Some(FeedEvent {
                side: None,
                ..print
            })
        }
        Event::AuctionFill {
            id,
            side,
            limit,
            displayed,
            ..
        } => seen(Kind::ExecuteUnprinted, id, side, displayed, Some(limit)),
        Event::Phase(phase) => Some(FeedEvent {
            kind: match phase {
                Phase::Closed | Phase::Halted => Kind::Halt,
                Phase::Auction => Kind::Quote,
                Phase::Continuous => Kind::Resume,
            },
            ..FeedEvent::other(time.max(0) as u64, 0)
        }),
        Event::Accepted { .. }
        | Event::Held { .. }
        | Event::Triggered { .. }
        | Event::Rejected { .. } => None,
    }
}
