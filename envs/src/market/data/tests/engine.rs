use super::{
    super::{
        Position, RecordedBooks, Rules, Side,
        lobster::{BookRow, write_message, write_row},
        published,
    },
    MESSAGES, ROWS,
};
use crate::market::{
    book::{Book, BookConfig},
    order::{Message, NewOrder, OrderId, TraderId},
};

/// The golden pair was made from this stream of requests by another program; here our exchange matches them.
#[test]
fn the_exchange_writes_the_golden_pair_byte_for_byte() {
    let stream = include_str!("../../../../../tests/golden/market/stream_2000.csv");
    let mut exchange = Book::new(BookConfig::default()).unwrap();
    let mut books = RecordedBooks::new(Rules::Strict);
    let (mut messages, mut rows, mut row) = (Vec::new(), Vec::new(), BookRow::default());
    for line in stream.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |index: usize| fields[index].parse::<i64>().unwrap();
        let id = OrderId(number(3) as u64);
        let (size, price) = (number(4), number(5));
        let side = if number(6) == 1 {
            Side::Buy
        } else {
            Side::Sell
        };
        let message = match fields[2] {
            "L" => Message::New(NewOrder::limit(id, TraderId(0), side, size, price)),
            "M" => Message::New(NewOrder::market(id, TraderId(0), side, size)),
            "X" => Message::Reduce { id, by: size },
            "D" => Message::Cancel { id },
            other => panic!("kind {other}"),
        };
        let mut told = Vec::new();
        exchange.submit(number(1), &message, &mut |time, event| {
            told.extend(published(time, &event));
        });
        for mut event in told {
            let book = books.apply(&mut event, Position::Row(1)).unwrap();
            row.fill(book, 10);
            write_message(&mut messages, &event).unwrap();
            write_row(&mut rows, &row).unwrap();
        }
    }
    assert!(messages == MESSAGES.as_bytes(), "messages differ");
    assert!(rows == ROWS.as_bytes(), "rows differ");
}
