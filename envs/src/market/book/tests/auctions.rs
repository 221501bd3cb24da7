//! Call auctions against worked-out cases.

use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::market::event::{EventLog, Ignore};

#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    reference_price: Price,
    orders: Vec<(u64, Value, Price, Size)>,
    expect: Expect,
}

#[derive(Debug, Deserialize)]
struct Expect {
    price: Option<Price>,
    volume: Size,
    imbalance: Size,
    fills: std::collections::BTreeMap<u64, Size>,
    book: Queues,
}

#[derive(Debug, Deserialize)]
struct Queues {
    bids: Vec<(Price, u64, Size)>,
    asks: Vec<(Price, u64, Size)>,
}

#[test]
fn every_auction_clears_as_it_should() {
    let file: Value = serde_json::from_str(include_str!(
        "../../../../../tests/golden/market/auction.json"
    ))
    .unwrap();
    let cases: Vec<Case> = serde_json::from_value(file["cases"].clone()).unwrap();
    assert_eq!(cases.len(), 12);
    for case in cases {
        let name = case.name;
        let mut book = book(SelfTrade::Allow);
        book.set_phase(0, Phase::Auction, &mut Ignore);
        for (id, side, price, size) in case.orders {
            let message = if let Some(side) = side.as_i64() {
                let side = if side == 1 { Side::Buy } else { Side::Sell };
                Message::New(NewOrder::limit(OrderId(id), TraderId(0), side, size, price))
            } else {
                // In a cancellation, the target stands where the price does.
                let id = OrderId(price as u64);
                Message::Reduce { id, by: size }
            };
            let outcome = book.submit(id as Time, &message, &mut Ignore);
            let new = matches!(message, Message::New(_));
            assert_eq!(outcome.end == End::Pooled, new, "{name}");
            assert!(!matches!(outcome.end, End::Rejected(_)), "{name}");
        }
        let mut log = EventLog::default();
        let print = book.uncross(1000, case.reference_price, &mut log);
        assert_eq!(print.map(|print| print.price), case.expect.price, "{name}");
        if let Some(print) = print {
            assert_eq!(print.volume, case.expect.volume, "{name}");
            assert_eq!(print.imbalance, case.expect.imbalance, "{name}");
        }
        let fills = log.entries.iter().filter_map(|(_, event)| match event {
            Event::AuctionFill { id, size, .. } => Some((id.0, *size)),
            _ => None,
        });
        assert_eq!(
            fills.collect::<std::collections::BTreeMap<_, _>>(),
            case.expect.fills,
            "{name}"
        );
        for (side, expected) in [
            (Side::Buy, case.expect.book.bids),
            (Side::Sell, case.expect.book.asks),
        ] {
            let queue = book.resting(side);
            let ours: Vec<_> = queue.map(|o| (o.price.unwrap(), o.id.0, o.open)).collect();
            assert_eq!(ours, expected, "{name}");
        }
    }
}

#[test]
fn a_closing_auction_takes_the_book_along_and_stops_wait_for_its_price() {
    let mut book = book(SelfTrade::Allow);
    let limit = |id, side, size, price| {
        Message::New(NewOrder::limit(
            OrderId(id),
            TraderId(id as u32),
            side,
            size,
            price,
        ))
    };
    book.submit(0, &limit(1, Side::Buy, 10, 990), &mut Ignore);
    book.submit(1, &limit(2, Side::Sell, 10, 1010), &mut Ignore);
    book.set_phase(2, Phase::Auction, &mut Ignore);
    let mut stop = NewOrder::market(OrderId(3), TraderId(3), Side::Sell, 4);
    stop.stop = Some(1000);
    assert_eq!(
        book.submit(3, &Message::New(stop), &mut Ignore).end,
        End::Held
    );
    let market = Message::New(NewOrder::market(OrderId(4), TraderId(4), Side::Buy, 4));
    let refused = book.submit(3, &market, &mut Ignore).end;
    assert_eq!(refused, End::Rejected(Reject::Auction));
    // Crosses the resting bid; half of it trades, at the one price where it can.
    book.submit(4, &limit(5, Side::Sell, 20, 990), &mut Ignore);
    // A resting order can still leave; one that changes its price waits as the others do.
    let modify = Message::Modify {
        id: OrderId(2),
        size: None,
        price: Some(1005),
    };
    assert_eq!(book.submit(5, &modify, &mut Ignore).end, End::Pooled);
    let print = book.uncross(6, 1000, &mut Ignore).unwrap();
    assert_eq!((print.price, print.volume, print.imbalance), (990, 10, -10));
    // Released at 990, the stop order found no bid.
    assert_eq!(book.stops(Side::Sell).count(), 0);
    assert_eq!(book.last_price(), Some(990));
    let asks: Vec<_> = book
        .resting(Side::Sell)
        .map(|o| (o.price.unwrap(), o.id.0, o.open))
        .collect();
    assert_eq!(asks, [(990, 5, 10), (1005, 2, 10)]);
    assert_eq!(book.resting(Side::Buy).count(), 0);
}
