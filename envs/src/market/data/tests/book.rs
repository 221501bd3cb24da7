use super::super::{FeedEvent, Kind, Position, RecordedBooks, Rules, Side};

fn event(time_ns: u64, kind: Kind, order_id: u64, size: u64, price: i64) -> FeedEvent {
    FeedEvent {
        kind,
        order_id,
        size,
        side: Some(Side::Buy),
        price: Some(price),
        ..FeedEvent::other(time_ns, 1)
    }
}

fn play(rules: Rules, events: &[FeedEvent]) -> (RecordedBooks, Option<String>) {
    let mut books = RecordedBooks::new(rules);
    for (index, event) in events.iter().enumerate() {
        let mut event = *event;
        if let Err(error) = books.apply(&mut event, Position::Row(index as u64 + 1)) {
            return (books, Some(error.to_string()));
        }
    }
    (books, None)
}

#[test]
fn replacements_and_changes_move_orders() {
    let mut replace = event(2, Kind::Replace, 1, 70, 11);
    replace.new_order_id = 2;
    replace.side = None;
    let (books, error) = play(
        Rules::Strict,
        &[
            event(1, Kind::Add, 1, 100, 10),
            replace,
            event(3, Kind::Modify, 2, 50, 12),
            event(4, Kind::Add, 3, 5, 12),
            event(5, Kind::Reduce, 2, 20, 0),
        ],
    );
    assert_eq!(error, None);
    let book = books.book(1).unwrap();
    let levels: Vec<_> = book
        .levels(Side::Buy)
        .map(|(p, l)| (p, l.size, l.orders))
        .collect();
    assert_eq!(levels, [(12, 35, 2)]);
    assert_eq!((book.num_orders(), books.tally().unknown_orders), (2, 0));
}

#[test]
fn orders_from_before_the_recording_are_counted_and_their_levels_lose() {
    let mut books = RecordedBooks::new(Rules::Strict);
    books.book_mut(1).set_level(Side::Buy, 10, 100);
    for mut event in [
        event(1, Kind::Execute, 7, 30, 10),
        event(2, Kind::Delete, 7, 20, 10),
        event(3, Kind::Delete, 8, 1, 99),
    ] {
        books.apply(&mut event, Position::Row(1)).unwrap();
    }
    assert_eq!(
        books.book(1).unwrap().level(Side::Buy, 10).unwrap().size,
        50
    );
    assert_eq!(books.tally().unknown_orders, 3);
}

#[test]
fn conflicts_end_the_reading_or_are_counted() {
    let events = [
        event(5, Kind::Add, 1, 100, 10),
        event(4, Kind::Add, 2, 100, 10),
        event(5, Kind::Add, 1, 60, 11),
        event(6, Kind::Reduce, 1, 90, 11),
    ];
    let (_, error) = play(Rules::Strict, &events[..2]);
    assert_eq!(error.unwrap(), "row 2: time goes back by 1 ns, to 4 ns");
    let (_, error) = play(Rules::Strict, &[events[0], events[2]]);
    assert_eq!(
        error.unwrap(),
        "row 2: order 1 is added, but rests in the book already"
    );
    let (_, error) = play(
        Rules::Strict,
        &[events[0], event(6, Kind::Execute, 1, 101, 10)],
    );
    assert_eq!(error.unwrap(), "row 2: order 1 loses 101, but has only 100");
    let (books, error) = play(Rules::Lenient, &events);
    assert_eq!(error, None);
    let tally = books.tally();
    assert_eq!(
        (tally.back_in_time, tally.duplicates, tally.too_much),
        (1, 1, 1)
    );
    let levels: Vec<_> = books.book(1).unwrap().levels(Side::Buy).collect();
    assert_eq!(
        levels.iter().map(|(p, l)| (*p, l.size)).collect::<Vec<_>>(),
        [(10, 100)]
    );
}

#[test]
fn an_addition_needs_side_and_price() {
    let mut add = event(1, Kind::Add, 1, 1, 1);
    add.side = None;
    assert_eq!(
        play(Rules::Lenient, &[add]).1.unwrap(),
        "row 1: add without a side"
    );
    add = event(1, Kind::SetLevel, 0, 1, 1);
    add.price = None;
    assert_eq!(
        play(Rules::Strict, &[add]).1.unwrap(),
        "row 1: set_level without a price"
    );
}
