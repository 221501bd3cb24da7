//! From what a recording tells to what a matching engine is asked for.

use std::collections::HashMap;

use super::Recording;
use crate::market::{
    data::{DataError, FeedEvent, Kind, Position, Problem},
    order::{Message, NewOrder, OrderId, Price, Side, Size, Time, TimeInForce, TraderId},
};

/// Makes messages of events.
pub(super) struct Converter {
    /// Shares left of each order of which the recording has told.
    known: HashMap<u64, Size>,
    /// The order that stood at a price before, and what is left of it.
    stood: HashMap<(Side, Price), (OrderId, Size)>,
    free_id: u64,
}

impl Converter {
    /// Gives the orders that stood before `events` their ids.
    pub(super) fn new(events: &[(FeedEvent, Position)], before: &mut [NewOrder]) -> Self {
        let ids = events
            .iter()
            .map(|(event, _)| event.order_id.max(event.new_order_id));
        let mut free_id = ids.max().unwrap_or(0) + 1;
        let mut stood = HashMap::new();
        for order in before {
            order.id = OrderId(free_id);
            free_id += 1;
            if let Some(price) = order.price {
                stood.insert((order.side, price), (order.id, order.size));
            }
        }
        Self {
            known: HashMap::new(),
            stood,
            free_id,
        }
    }

    /// The messages, and where what they say stands.
    pub(super) fn convert(
        mut self,
        events: &[(FeedEvent, Position)],
    ) -> Result<(Recording, Vec<Position>), DataError> {
        let (mut messages, mut places) = (Vec::new(), Vec::new());
        for (event, position) in events {
            let message = self.message(event).map_err(|e| e.at(*position))?;
            if let Some(message) = message {
                messages.push((event.time_ns as Time, message));
                places.push(*position);
            }
        }
        let mut recording = Recording::of_messages(messages);
        recording.free_id = self.free_id;
        Ok((recording, places))
    }

    /// What leads to `event`; nothing for one that changes no book, or tells of an order that stands nowhere.
    fn message(&mut self, event: &FeedEvent) -> Result<Option<Message>, Problem> {
        let (Some(side), Some(price)) = (event.side, event.price) else {
            return Ok(None);
        };
        let changes = [Kind::Add, Kind::Reduce, Kind::Delete, Kind::Execute];
        if !changes.contains(&event.kind) {
            return Ok(None);
        }
        if event.size == 0 {
            return Err(Problem::Incomplete {
                kind: event.kind.name(),
                what: "a size",
            });
        }
        let (id, size) = (OrderId(event.order_id), event.size as Size);
        if event.kind == Kind::Add {
            self.known.insert(id.0, size);
            let order = NewOrder::limit(id, TraderId(0), side, size, price);
            return Ok(Some(Message::New(order)));
        }
        let Some((id, taken, left)) = self.take(id, side, price, size)? else {
            return Ok(None);
        };
        Ok(Some(match event.kind {
            Kind::Execute => Message::New(NewOrder {
                tif: TimeInForce::Ioc,
                ..NewOrder::limit(OrderId::ASSIGN, TraderId(0), side.opposite(), size, price)
            }),
            _ if left == 0 => Message::Cancel { id },
            _ => Message::Reduce { id, by: taken },
        }))
    }

    /// Takes shares from an order, or from what stood at its price if it is unknown: whose they were, how many there were, and
    /// what is left. Nothing if nothing is known of the price.
    fn take(
        &mut self,
        id: OrderId,
        side: Side,
        price: Price,
        size: Size,
    ) -> Result<Option<(OrderId, Size, Size)>, Problem> {
        let (id, left) = if let Some(left) = self.known.get_mut(&id.0) {
            (id, left)
        } else if let Some((standing, left)) = self.stood.get_mut(&(side, price)) {
            if size > *left {
                return Err(Problem::TooMuch {
                    id: id.0,
                    by: size as u64,
                    left: *left as u64,
                });
            }
            (*standing, left)
        } else {
            return Ok(None);
        };
        let taken = size.min(*left);
        *left -= taken;
        Ok((taken > 0).then_some((id, taken, *left)))
    }
}
