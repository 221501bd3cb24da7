//! Flows by their configurations.

use serde_json::{Value, json};

use super::*;

fn build(config: Value) -> Result<(Background, Venue), EnvError> {
    serde_json::from_value::<BackgroundConfig>(config)
        .unwrap()
        .build()
}

/// A market of a background, which has run for some seconds.
fn market(config: Value, seconds: Time) -> (Background, Kernel, TraderTables) {
    let (mut flow, venue) = build(config).unwrap();
    let mut kernel = Kernel::new(KernelConfig {
        first_id: venue.first_id,
        ..KernelConfig::single(venue.book)
    })
    .unwrap();
    let mut tables = TraderTables::new(flow.traders() as usize, 1);
    let mut view = tables.view();
    let stream = Stream::new(1, 0, "test");
    kernel.open(venue.opening, &mut flow, stream, &mut view, &mut |_, _| {});
    kernel.run(
        venue.opening + seconds * SECOND,
        &mut flow,
        &mut view,
        &mut |_, _| {},
    );
    (flow, kernel, tables)
}

/// Both flows trade, in one book, whose prices are those of the one that has some.
#[test]
fn an_execution_trades_beside_another_flow() {
    let execution = json!({ "execution": { "side": "sell", "size": 900, "from": 30, "until": 110, "every": 10 } });
    let zero = json!({ "zero_intelligence": { "tick": 50, "start_price": 500_000 } });
    for (first, second, seller) in [(&zero, &execution, 1), (&execution, &zero, 0)] {
        let config = json!({ "both": { "first": first, "second": second } });
        let (flow, venue) = build(config.clone()).unwrap();
        assert_eq!(
            (flow.traders(), venue.tick(), venue.reference),
            (2, 50, 500_000)
        );
        assert!(flow.is_random());
        let (_, _, mut tables) = market(config.clone(), 75);
        assert_eq!(tables.view().positions[seller].held, -500);
        let (_, _, mut tables) = market(config, 300);
        assert_eq!(tables.view().positions[seller].held, -900);
    }
    // Alone it has nobody to trade with, but a player.
    let (flow, kernel, _) = market(execution, 300);
    assert!(!flow.is_random());
    assert_eq!(kernel.book(Symbol(0)).live_orders(), 0);
}

/// Times of an execution count from when it begins, those of a population from midnight.
#[test]
fn both_open_when_the_one_with_a_clock_does() {
    let config = json!({ "both": {
        "first": { "execution": { "size": 60, "until": 50, "every": 10 } },
        "second": { "population": { "value": [40, { "pause": 1e9 }] } },
    } });
    let (_, venue) = build(config.clone()).unwrap();
    assert_eq!(venue.opening, crate::market::kernel::clock(9, 30, 0));
    assert_eq!(venue.closing, Some(crate::market::kernel::clock(16, 0, 0)));
    let config = json!({ "hand_over": { "first": { "zero_intelligence": { "start_price": 10_000_000 } }, "then": config, "after": 60 } });
    let (_, venue) = build(config.clone()).unwrap();
    assert_eq!(venue.opening, crate::market::kernel::clock(9, 29, 0));
    let (flow, kernel, mut tables) = market(config, 200);
    // Behind the trader of the first flow; what that left is taken back by the one of both that can.
    assert_eq!(tables.view().positions[1].held, 60);
    assert!(flow.takes_over());
    let book = kernel.book(Symbol(0));
    let orders = Side::BOTH.into_iter().flat_map(|side| book.resting(side));
    assert_eq!(
        orders.filter(|order| order.trader == TraderId(0)).count(),
        0
    );
}

#[test]
fn flows_that_do_not_fit_are_refused_with_their_key() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/market");
    let replay = json!({ "replay": { "file": format!("{folder}/lobster_message_10.csv") } });
    let zero = json!({ "zero_intelligence": {} });
    let coarse = json!({ "hawkes": { "tick": 200 } });
    let population = json!({ "population": {} });
    let early = json!({ "population": { "open": 1_000_000_000 } });
    let both =
        |first: &Value, second: &Value| json!({ "both": { "first": first, "second": second } });
    let after = |then: &Value, after: f64| json!({ "hand_over": { "first": zero, "then": then, "after": after } });
    for (config, key, what) in [
        (both(&zero, &coarse), "background.both.second", "tick 200"),
        (
            both(&replay, &replay),
            "background.both.second",
            "recording",
        ),
        (
            both(&population, &early),
            "background.both.second",
            "another time",
        ),
        (
            json!({ "execution": { "until": -1 } }),
            "background.execution.until",
            "1,000,000",
        ),
        (
            json!({ "execution": { "pace": { "participation": 0.0 } } }),
            "background.execution.pace.participation",
            "above 0",
        ),
        (
            both(&json!({ "execution": { "every": 0 } }), &zero),
            "background.both.first.execution.every",
            "0.001",
        ),
        (after(&coarse, 1.0), "background.hand_over.then", "tick 200"),
        (
            after(&both(&zero, &replay), 1.0),
            "background.hand_over.then",
            "recording",
        ),
        // The opening would be before midnight.
        (
            after(&population, 40_000.0),
            "background.hand_over.after",
            "34200 s after midnight",
        ),
        (
            json!({ "hand_over": { "first": population, "then": population, "after": 600.0 } }),
            "background.hand_over.first",
            "by the clock",
        ),
        (
            json!({ "zero_intelligence": { "start_levels": 200_000, "start_price": 100_000_000 } }),
            "background.zero_intelligence.start_levels",
            "100,000",
        ),
        (
            json!({ "zero_intelligence": { "limit_rate": 1e9 } }),
            "background.zero_intelligence.limit_rate",
            "1,000,000",
        ),
        (
            json!({ "hawkes": { "marks": { "offsets": [[], [1], []], "sizes": [[], [100]] } } }),
            "background.hawkes.marks.sizes",
            "at least",
        ),
        (
            json!({ "population": { "market_makers": [1000, { "levels": 1000 }] } }),
            "background.population.market_makers.1.levels",
            "2^20",
        ),
    ] {
        let error = build(config).unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{key}`: ")), "{error}");
        assert!(error.contains(what), "{error}");
    }
}

/// A book makes room for what a flow leaves in it.
#[test]
fn a_background_that_cancels_nothing_is_not_cut_off() {
    let config = json!({ "zero_intelligence": { "cancel_rate": 0.0, "limit_rate": 100.0, "market_rate": 1.0 } });
    let (flow, kernel, _) = market(config, 100);
    assert!(kernel.book(Symbol(0)).live_orders() > 15_000);
    assert_eq!(kernel.overflows(), 0);
    // It keeps no list of what it will never take back.
    let mut saved = Vec::new();
    flow.save(&mut saved).unwrap();
    assert!(saved.len() < 100, "{}", saved.len());
}

/// Cancellations are so rare that nearly all orders trade before.
#[test]
fn orders_that_are_gone_are_not_kept_in_mind() {
    let rare = json!({ "cancel_rate": 1e-7, "limit_rate": 100.0, "market_rate": 110.0 });
    let (flow, kernel, _) = market(json!({ "zero_intelligence": rare }), 300);
    let mut saved = Vec::new();
    flow.save(&mut saved).unwrap();
    assert!(kernel.book(Symbol(0)).live_orders() < 4000);
    // Sixty thousand were sent; an id takes three bytes.
    assert!(saved.len() < 3 * 24_000, "{}", saved.len());
}
