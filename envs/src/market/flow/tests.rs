//! Flows in a market of their own.

use super::*;
use crate::{
    market::{
        book::BookConfig,
        event::CancelReason,
        hawkes::Hawkes,
        kernel::{Kernel, KernelConfig, SECOND, TraderTables},
        order::{Message, NewOrder, OrderId, Price, Side, Size, TraderId},
    },
    stream::Stream,
};

mod backgrounds;
mod recordings;

/// What happened in a market.
#[derive(Debug, Default, PartialEq)]
struct Counts {
    accepted: u32,
    market: u32,
    trades: u32,
    cancelled: u32,
    rejected: u32,
    bought: Size,
    /// Sum over trades of time and price, which no two runs share by chance.
    hash: i64,
}

/// Runs `flow` for `seconds`.
fn run(flow: &mut impl OrderFlow, seed: u64, seconds: Time) -> (Kernel, Counts) {
    let mut kernel = Kernel::new(KernelConfig {
        // Beyond the ids of any recording here.
        first_id: OrderId(1_000_000),
        ..KernelConfig::single(BookConfig::default())
    })
    .unwrap();
    let mut tables = TraderTables::new(flow.traders() as usize, 1);
    let mut traders = tables.view();
    let mut counts = Counts::default();
    let mut see = |time: Time, event: Event| match event {
        Event::Accepted { limit, .. } => {
            counts.accepted += 1;
            counts.market += u32::from(limit.is_none());
        }
        Event::Trade(trade) => {
            counts.trades += 1;
            counts.hash = counts
                .hash
                .wrapping_mul(31)
                .wrapping_add(time ^ trade.price);
            if trade.aggressor == Side::Buy {
                counts.bought += trade.size;
            }
        }
        Event::Cancelled {
            reason: CancelReason::Requested,
            ..
        } => counts.cancelled += 1,
        Event::Rejected { .. } => counts.rejected += 1,
        _ => {}
    };
    kernel.open(
        0,
        flow,
        Stream::new(seed, 0, "test"),
        &mut traders,
        &mut see,
    );
    kernel.run(seconds * SECOND, flow, &mut traders, &mut see);
    (kernel, counts)
}

#[test]
fn zero_intelligence_has_its_rates() {
    let config = ZeroIntelligenceConfig::default();
    let mut flow = ZeroIntelligence::new(config);
    let (kernel, counts) = run(&mut flow, 1, 1000);
    assert_eq!(counts.rejected, 0);
    // 1000 s with 10 limit and 1.2 market orders a second; four standard errors.
    let limit = f64::from(counts.accepted - counts.market - 2 * config.start_levels);
    assert!((limit - 10_000.0).abs() < 4.0 * 100.0, "{limit}");
    assert!((f64::from(counts.market) - 1200.0).abs() < 4.0 * 1200f64.sqrt());
    // In balance, as many orders leave as come.
    assert!(
        counts.cancelled > 2000 && kernel.book(Symbol(0)).live_orders() < 400,
        "{counts:?}"
    );
    assert!(
        Side::BOTH
            .iter()
            .all(|&side| kernel.book(Symbol(0)).best(side).is_some())
    );
    assert_eq!(run(&mut flow, 1, 1000).1, counts);
    assert_ne!(run(&mut flow, 2, 1000).1, counts);
}

fn lob6() -> Hawkes {
    let mut a = [0.02; 36];
    for (k, entry) in a.iter_mut().enumerate() {
        if k / 6 == k % 6 {
            *entry = 0.5;
        }
    }
    Hawkes::new(&[0.1, 0.1, 0.6, 0.6, 0.4, 0.4], &a, &[2.0; 36]).unwrap()
}

#[test]
fn hawkes_flow_has_the_rates_of_its_process() {
    let rates = lob6().stationary_rate().unwrap();
    let mut flow =
        HawkesFlow::new(Symbol(0), lob6(), Marks::default(), 100, (1_000_000, 50)).unwrap();
    let (kernel, counts) = run(&mut flow, 3, 4000);
    assert_eq!(counts.rejected, 0);
    let [market, limit, cancel] = [0, 2, 4].map(|k| 4000.0 * (rates[k] + rates[k + 1]));
    // Events come in clusters: their numbers vary more than those of Poisson events.
    let near =
        |found: u32, expected: f64| (f64::from(found) - expected).abs() < 8.0 * expected.sqrt();
    assert!(near(counts.market, market), "{counts:?} {market}");
    assert!(
        near(counts.accepted - counts.market - 100, limit),
        "{counts:?} {limit}"
    );
    assert!(near(counts.cancelled, cancel), "{counts:?} {cancel}");
    assert!(kernel.book(Symbol(0)).last_price().is_some());
    assert_eq!(run(&mut flow, 3, 4000).1, counts);
    // Five types are not six, and an unstable process is refused.
    let small = Hawkes::new(&[1.0], &[0.5], &[1.0]).unwrap();
    assert!(HawkesFlow::new(Symbol(0), small, Marks::default(), 100, (1, 1)).is_err());
    let wild = Hawkes::new(&[0.1; 6], &[1.0; 36], &[2.0; 36]).unwrap();
    assert!(HawkesFlow::new(Symbol(0), wild, Marks::default(), 100, (1, 1)).is_err());
}

#[test]
fn marks_follow_what_was_seen() {
    let mut marks = Marks::empty();
    marks.limit(1, 3, 700);
    marks.market(50);
    let process = lob6();
    let mut flow = HawkesFlow::new(Symbol(0), process, marks, 100, (1_000_000, 20)).unwrap();
    let (kernel, counts) = run(&mut flow, 1, 20);
    let book = kernel.book(Symbol(0));
    assert!(counts.bought % 50 == 0 && counts.bought > 0);
    // Every limit order lay three ticks behind: the sides never come nearer than they began.
    let (bid, ask) = (
        book.best(Side::Buy).unwrap(),
        book.best(Side::Sell).unwrap(),
    );
    assert!(ask - bid >= 800, "{bid} {ask}");
}

#[test]
fn a_replay_is_what_was_recorded() {
    let order = |id, side, size, price: Price| {
        Message::New(NewOrder::limit(OrderId(id), TraderId(0), side, size, price))
    };
    let messages = vec![
        (3 * SECOND, order(12, Side::Buy, 30, 10_000)),
        (2 * SECOND, order(11, Side::Sell, 50, 10_000)),
        (2 * SECOND, order(10, Side::Sell, 20, 10_000)),
        (9 * SECOND, Message::Cancel { id: OrderId(10) }),
    ];
    let mut flow = Replay::new(Symbol(0), messages);
    let (kernel, counts) = run(&mut flow, 0, 5);
    assert_eq!((counts.accepted, counts.trades, counts.bought), (3, 1, 30));
    assert_eq!(kernel.book(Symbol(0)).ahead(OrderId(10)), Some(20));
    assert_eq!(flow.remaining(), 1);
    assert_eq!(run(&mut flow, 0, 10).1.cancelled, 1);
}

#[test]
fn an_execution_trades_its_size_in_even_slices() {
    let second = Execution::even(Side::Buy, 1000, 100 * SECOND, 190 * SECOND, 10 * SECOND);
    let first = ZeroIntelligence::new(ZeroIntelligenceConfig::default());
    let mut both = Both { first, second };
    let mut kernel = Kernel::new(KernelConfig::single(BookConfig::default())).unwrap();
    let mut tables = TraderTables::new(2, 1);
    let mut traders = tables.view();
    let mut slices = Vec::new();
    let mut see = |time: Time, event: Event| {
        if let Event::Accepted {
            trader: TraderId(1),
            size,
            ..
        } = event
        {
            slices.push((time / SECOND, size));
        }
    };
    kernel.open(
        0,
        &mut both,
        Stream::new(1, 0, "test"),
        &mut traders,
        &mut see,
    );
    kernel.run(300 * SECOND, &mut both, &mut traders, &mut see);
    let expected: Vec<(i64, Size)> = (0..10).map(|i| (100 + 10 * i, 100)).collect();
    assert_eq!(slices, expected);
    assert_eq!(tables.view().positions[1].held, 1000);
}

#[test]
fn a_participating_execution_takes_its_share() {
    let pace = Pace::Participation(0.2);
    let even = Execution::even(Side::Sell, 1_000_000, 0, 4000 * SECOND, 60 * SECOND);
    let first = ZeroIntelligence::new(ZeroIntelligenceConfig::default());
    let mut second = even;
    second.pace = pace;
    let mut both = Both { first, second };
    let mut kernel = Kernel::new(KernelConfig::single(BookConfig::default())).unwrap();
    let mut tables = TraderTables::new(2, 1);
    let mut traders = tables.view();
    let mut others = 0;
    let mut see = |_, event: Event| {
        if let Event::Trade(trade) = event {
            others += if trade.taker_trader == TraderId(0) {
                trade.size
            } else {
                0
            };
        }
    };
    kernel.open(
        0,
        &mut both,
        Stream::new(1, 0, "test"),
        &mut traders,
        &mut see,
    );
    kernel.run(4000 * SECOND, &mut both, &mut traders, &mut see);
    let sold = -tables.view().positions[1].held as f64;
    assert!(
        (sold / others as f64 - 0.2).abs() < 0.01,
        "{sold} of {others}"
    );
}

/// A population takes back the orders that it took over from another flow.
#[test]
fn a_population_takes_back_what_it_adopted() {
    use crate::market::population::{Population, PopulationConfig, ValueConfig};
    let value = ValueConfig {
        pause: 1e9,
        ..ValueConfig::default()
    };
    let config = PopulationConfig {
        open: 0,
        close: 1000 * SECOND,
        value: (20, value),
        ..PopulationConfig::default()
    };
    let second = Population::new(config, 0);
    let zero = ZeroIntelligenceConfig {
        start_price: 10_000_000,
        ..ZeroIntelligenceConfig::default()
    };
    let mut flow = HandOver::new(ZeroIntelligence::new(zero), second, 20 * SECOND);
    let adopted = |kernel: &Kernel| {
        let book = kernel.book(Symbol(0));
        let orders = Side::BOTH.into_iter().flat_map(|side| book.resting(side));
        orders.filter(|order| order.trader == TraderId(0)).count()
    };
    let (before, _) = run(&mut flow, 3, 20);
    let (after, _) = run(&mut flow, 3, 100);
    assert!(adopted(&before) > 40, "{}", adopted(&before));
    assert_eq!(adopted(&after), 0);
    assert!(after.book(Symbol(0)).live_orders() > 10);
}
