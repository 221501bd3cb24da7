//! Messages and phases of every kind for an order book, from whatever chooses numbers.

use palaestra_envs::market::event::Phase;
use palaestra_envs::market::order::{
    Message, NewOrder, OrderId, Price, Side, TimeInForce, TraderId,
};

/// Something that a test does to both books.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// A message.
    Submit(Message),
    /// A phase begins; one that is not an auction ends an auction with this reference price.
    Phase(Phase, Price),
}

/// The next step of a test; `below(n)` chooses a number below `n`, `ids` is the number of ids used so far. Every kind of order
/// comes, most prices lie within 20 ticks of 1,000 ticks, a few far away or beside the ticks, and a few messages are wrong.
pub(crate) fn step(below: &mut impl FnMut(u32) -> u32, ids: &mut u64, tick: Price) -> Step {
    let price = |below: &mut dyn FnMut(u32) -> u32| {
        let ticks = match below(64) {
            0 => below(3000),
            1 => below(30),
            _ => 980 + below(41),
        };
        let beside = i64::from(below(128) == 0);
        i64::from(ticks) * tick + beside
    };
    if below(400) == 0 {
        let phase = match below(10) {
            0 | 1 => Phase::Auction,
            2 => Phase::Halted,
            3 => Phase::Closed,
            _ => Phase::Continuous,
        };
        return Step::Phase(phase, price(below));
    }
    let old = OrderId(ids.saturating_sub(below(300).into()));
    let size = i64::from(1 + below(20));
    let kind = below(20);
    if kind < 11 {
        *ids += u64::from(below(64) != 0);
        let side = if below(2) == 0 { Side::Buy } else { Side::Sell };
        let trader = TraderId(below(6));
        let mut order = NewOrder::limit(OrderId(*ids), trader, side, size, price(below));
        match below(16) {
            0 | 1 => order = NewOrder::market(order.id, trader, side, size),
            2 => order.tif = TimeInForce::Ioc,
            3 => order.tif = TimeInForce::Fok,
            4 => order.post_only = true,
            5 => order.hidden = true,
            6 => order.display = i64::from(1 + below(6)),
            7 => order.stop = Some(price(below)),
            8 => {
                order = NewOrder::market(order.id, trader, side, size);
                order.stop = Some(price(below));
            }
            9 => {
                order.stop = Some(price(below));
                order.display = i64::from(below(4));
                order.hidden = below(2) == 0;
                order.tif =
                    [TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok][below(3) as usize];
            }
            _ => {}
        }
        return Step::Submit(Message::New(order));
    }
    Step::Submit(match kind {
        11..16 => Message::Cancel { id: old },
        16 => Message::Reduce {
            id: old,
            by: size - 1,
        },
        17 | 18 => Message::Modify {
            id: old,
            size: (below(2) == 0).then_some(size - 1),
            price: (below(2) == 0).then(|| price(below)),
        },
        _ => {
            *ids += 1;
            Message::Replace {
                id: old,
                new_id: OrderId(*ids),
                size,
                price: price(below),
            }
        }
    })
}
