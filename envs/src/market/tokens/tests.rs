//! Golden numbers made by the original (`tests/golden/market/tokenizer.json`).

use serde_json::Value;

use super::*;
use crate::{
    market::{
        book::{Book, BookConfig, End, Snapshot},
        event::Event,
        order::{Message, NewOrder, OrderId, Price, Side, Time, TraderId},
    },
    stream::Stream,
};

const GOLDEN: &str = include_str!("../../../../tests/golden/market/tokenizer.json");
const STREAM: &str = include_str!("../../../../tests/golden/market/stream_2000.csv");

fn golden() -> Value {
    serde_json::from_str(GOLDEN).unwrap()
}

fn floats(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

fn compare(bins: &BinConverter, expected: &Value) {
    assert_eq!(bins.edges(), floats(&expected["edges"]));
    for query in expected["queries"].as_array().unwrap() {
        let [x, bin] = floats(query)[..] else {
            panic!()
        };
        assert_eq!(bins.bin(x), bin as usize, "bin of {x}");
    }
}

#[test]
fn bins_of_sizes_are_the_golden_ones() {
    let expected = &golden()["bin_fit"];
    let mut values = Vec::new();
    for pair in expected["value_counts"].as_array().unwrap() {
        let [value, count] = floats(pair)[..] else {
            panic!()
        };
        values.extend(std::iter::repeat_n(value, count as usize));
    }
    // The order of the values is of no importance.
    values.reverse();
    let bins = BinConverter::fit(&values, 32).unwrap();
    compare(&bins, expected);
    let tops = expected["bin_top_values"].as_array().unwrap();
    assert_eq!(tops.len(), bins.count());
    for (bin, top) in tops.iter().enumerate() {
        let kept: Vec<f64> = bins.values(bin).take(5).collect();
        assert_eq!(kept, floats(top));
    }
    // Drawing from a bin stays in it, and follows the frequencies.
    let mut stream = Stream::new(1, 0, "test");
    let draws: Vec<f64> = (0..2000)
        .map(|_| bins.sample(4, &mut stream).unwrap())
        .collect();
    assert!(draws.iter().all(|x| bins.bin(*x) == 4));
    let of_100 = draws.iter().filter(|x| **x == 100.0).count();
    let in_bin = values.iter().filter(|x| bins.bin(**x) == 4).count();
    let expected = values.iter().filter(|x| **x == 100.0).count() as f64 / in_bin as f64;
    // Four standard errors of a proportion.
    assert!((of_100 as f64 / 2000.0 - expected).abs() < 4.0 * (0.25f64 / 2000.0).sqrt());
}

#[test]
fn bins_of_intervals_are_the_golden_ones() {
    let expected = &golden()["bin_fit_interval"];
    let mut state = 78u64;
    let mut uniform = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    };
    let values: Vec<f64> = (0..3000)
        .map(|i| {
            let x = (-crate::math::ln(1.0 - uniform()) * 0.7 * 1e6).round() / 1e6;
            if i % 5 == 0 { 0.0 } else { x }
        })
        .collect();
    compare(&BinConverter::fit(&values, 16).unwrap(), expected);
}

#[test]
fn too_few_values_and_wrong_edges_are_errors() {
    let error = |values: &[f64], bins| BinConverter::fit(values, bins).unwrap_err();
    assert_eq!(error(&[1.0], 1), BinError::TooFewBins(1));
    assert_eq!(
        error(&[], 4),
        BinError::TooFewValues {
            distinct: 0,
            bins: 4
        }
    );
    assert_eq!(
        error(&[2.0; 9], 4),
        BinError::TooFewValues {
            distinct: 1,
            bins: 4
        }
    );
    assert!(matches!(
        error(&[1.0, 2.0, 3.0], 8),
        BinError::TooFewValues { .. }
    ));
    assert!(matches!(
        error(&[1.0, f64::NAN], 2),
        BinError::NotFinite { index: 1, .. }
    ));
    assert_eq!(
        BinConverter::with_edges(vec![0.0, 2.0, 1.0]),
        Err(BinError::Edges(2))
    );
}

#[test]
fn every_token_has_an_index_and_back() {
    for index in 0..TOKENS {
        assert_eq!(OrderToken::from_index(index).unwrap().index(), index);
    }
    assert_eq!(TOKENS, 49_152);
    assert_eq!(OrderToken::from_index(TOKENS), None);
    for row in golden()["pack"]["rows"].as_array().unwrap() {
        let [kind, price, size, interval, index] = floats(row)[..] else {
            panic!()
        };
        let kind = [OrderKind::Sell, OrderKind::Buy, OrderKind::Cancel][kind as usize];
        let [price, size, interval] = [price, size, interval].map(|x| x as u8);
        let token = OrderToken {
            kind,
            price,
            size,
            interval,
        };
        assert_eq!(token.index(), index as u32);
    }
}

/// A line of the recorded stream.
struct Line {
    seq: u64,
    time: Time,
    kind: char,
    id: OrderId,
    size: i64,
    price: Price,
    side: Side,
}

fn lines() -> Vec<Line> {
    let lines = STREAM.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |i: usize| fields[i].parse::<i64>().unwrap();
        Line {
            seq: number(0) as u64,
            time: number(1),
            kind: fields[2].chars().next().unwrap(),
            id: OrderId(number(3) as u64),
            size: number(4),
            price: number(5),
            side: if number(6) == 1 {
                Side::Buy
            } else {
                Side::Sell
            },
        }
    });
    lines.collect()
}

#[test]
fn states_are_the_golden_ones() {
    let golden = golden();
    let expected = &golden["state_vectors"];
    let converter = |name: &str| BinConverter::with_edges(floats(&expected[name])).unwrap();
    let tokenizer = Tokenizer::new(
        100,
        converter("price_level_edges"),
        converter("volume_edges"),
        converter("interval_edges"),
    );
    let mut states = OrderStates::new(tokenizer.unwrap(), 10);
    let mut book = Book::new(BookConfig::default()).unwrap();
    let mut snapshot = Snapshot::new(10);
    let mut found = Vec::new();
    for line in lines() {
        // What a market order or a cancellation is about, before it happens.
        let other = line.side.opposite();
        let resting = book.order(line.id);
        let worst = book.levels(other).last().map(|level| level.price);
        let available: i64 = book.levels(other).map(|level| level.size).sum();
        let (message, price, size) = match line.kind {
            'L' => (
                Message::New(NewOrder::limit(
                    line.id,
                    TraderId(0),
                    line.side,
                    line.size,
                    line.price,
                )),
                line.price,
                line.size,
            ),
            'M' => (
                Message::New(NewOrder::market(line.id, TraderId(0), line.side, line.size)),
                worst.unwrap_or(0),
                line.size.min(available),
            ),
            _ => {
                let message = if line.kind == 'D' {
                    Message::Cancel { id: line.id }
                } else {
                    Message::Reduce {
                        id: line.id,
                        by: line.size,
                    }
                };
                let size = resting.map_or(0, |resting| {
                    if line.kind == 'D' {
                        resting.left()
                    } else {
                        line.size
                    }
                });
                (
                    message,
                    resting.and_then(|resting| resting.price).unwrap_or(0),
                    size,
                )
            }
        };
        let mut first_trade = None;
        let outcome = book.submit(line.time, &message, &mut |_, event| {
            if let Event::Trade(trade) = event {
                first_trade = first_trade.or(Some(trade.price));
            }
        });
        // A market order on an empty side is no order to the original either.
        if matches!(outcome.end, End::Rejected(_)) || line.kind == 'M' && available == 0 {
            continue;
        }
        book.snapshot(&mut snapshot);
        let order = SeenOrder {
            time: line.time,
            kind: if matches!(line.kind, 'L' | 'M') {
                line.side.into()
            } else {
                OrderKind::Cancel
            },
            price,
            size,
            traded: outcome.traded,
            first_trade,
            trader: TraderId(0),
        };
        match states.observe(&order, &snapshot, book.last_price()) {
            Observed::Opened => {}
            Observed::Added(state) => found.push((line.seq, state)),
            Observed::Merged(state) => *found.last_mut().unwrap() = (line.seq, state),
        }
    }
    let rows = expected["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 200);
    for row in rows {
        let row: Vec<i32> = row
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_i64().unwrap() as i32)
            .collect();
        let state = found
            .iter()
            .find(|(seq, _)| *seq == row[0] as u64)
            .unwrap()
            .1;
        assert_eq!(state.to_array(), row[1..], "seq {}", row[0]);
    }
}

/// What is drawn for a token has that token again.
#[test]
fn drawn_orders_have_the_token_they_were_drawn_for() {
    let mut stream = Stream::new(2, 0, "test");
    let fit = |scale: f64, count: usize, stream: &mut Stream| {
        use rand::RngExt;
        let draw = |_| (-crate::math::ln(1.0 - stream.random::<f64>()) * scale).floor();
        let values: Vec<f64> = (0..20_000).map(draw).collect();
        BinConverter::fit(&values, count).unwrap()
    };
    let price = fit(20.0, 32, &mut stream);
    let price = price
        .edges()
        .iter()
        .map(|edge| edge * 100.0)
        .collect::<Vec<_>>();
    let offsets: Vec<f64> = price
        .iter()
        .flat_map(|edge| [edge - 100.0, *edge])
        .collect();
    let price = BinConverter::fit(&offsets, 32).unwrap();
    let size = fit(400.0, 32, &mut stream);
    let interval = fit(50.0, 16, &mut stream);
    let tokenizer = Tokenizer::new(100, price, size, interval).unwrap();
    for index in (0..TOKENS).step_by(37) {
        let token = OrderToken::from_index(index).unwrap();
        let drawn = tokenizer.draw(token, 100_000, &mut stream).unwrap();
        assert_eq!(drawn.price % 100, 0);
        let again = tokenizer.token(drawn.kind, drawn.price, 100_000, drawn.size, drawn.interval);
        assert_eq!(
            (again.kind, again.price, again.interval),
            (token.kind, token.price, token.interval)
        );
        // Size 0 cannot be entered; it becomes 1.
        assert!(again.size == token.size || drawn.size == 1);
    }
}
