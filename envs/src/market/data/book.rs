//! The book that a recording describes.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasherDefault, Hasher},
};

use super::{DataError, FeedEvent, Kind, Position, Problem, Side};

/// Spreads order ids, which are mostly consecutive, over the bits that a hash table looks at.
#[derive(Debug, Clone, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        let mixed = (self.0 ^ id).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }
}

type ById<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// A price of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Level {
    /// All that rests there.
    pub size: u64,
    /// The orders that are known; 0 for levels of recordings without orders.
    pub orders: u32,
}

/// An order in the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedOrder {
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price: i64,
    /// What is left of it.
    pub size: u64,
}

/// The orders and levels of one symbol as the events tell them.
#[derive(Debug, Clone, Default)]
pub struct RecordedBook {
    orders: ById<u64, RecordedOrder>,
    bids: BTreeMap<i64, Level>,
    asks: BTreeMap<i64, Level>,
    active: bool,
}

impl RecordedBook {
    /// The levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = (i64, Level)> + '_ {
        let (bids, asks) = match side {
            Side::Buy => (Some(self.bids.iter().rev()), None),
            Side::Sell => (None, Some(self.asks.iter())),
        };
        let bids = bids.into_iter().flatten();
        let asks = asks.into_iter().flatten();
        bids.chain(asks).map(|(price, level)| (*price, *level))
    }

    /// The best level of a side.
    pub fn best(&self, side: Side) -> Option<(i64, Level)> {
        let best = match side {
            Side::Buy => self.bids.last_key_value(),
            Side::Sell => self.asks.first_key_value(),
        };
        best.map(|(price, level)| (*price, *level))
    }

    /// What rests at a price.
    pub fn level(&self, side: Side, price: i64) -> Option<Level> {
        self.side(side).get(&price).copied()
    }

    /// An order whose beginning was seen.
    pub fn order(&self, id: u64) -> Option<RecordedOrder> {
        self.orders.get(&id).copied()
    }

    /// Orders whose beginning was seen and whose end was not.
    pub fn num_orders(&self) -> usize {
        self.orders.len()
    }

    /// Puts `size` at a price, whatever was there; 0 removes the level.
    pub fn set_level(&mut self, side: Side, price: i64, size: u64) {
        let levels = self.side_mut(side);
        if size == 0 {
            levels.remove(&price);
        } else {
            levels.entry(price).or_default().size = size;
        }
    }

    /// Makes `levels`, best first, all that is known of a side.
    pub fn set_side(&mut self, side: Side, levels: impl Iterator<Item = (i64, u64)>) {
        let mut known = BTreeMap::new();
        for (price, size) in levels {
            let orders = self.level(side, price).map_or(0, |level| level.orders);
            known.insert(price, Level { size, orders });
        }
        *self.side_mut(side) = known;
    }

    fn side(&self, side: Side) -> &BTreeMap<i64, Level> {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut BTreeMap<i64, Level> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    fn add(&mut self, id: u64, order: RecordedOrder) {
        let level = self.side_mut(order.side).entry(order.price).or_default();
        level.size = level.size.saturating_add(order.size);
        level.orders += 1;
        self.orders.insert(id, order);
    }

    /// Takes from a level, and the level away when nothing is left.
    fn take(&mut self, side: Side, price: i64, size: u64, orders: u32) {
        let levels = self.side_mut(side);
        if let Some(level) = levels.get_mut(&price) {
            level.size = level.size.saturating_sub(size);
            level.orders = level.orders.saturating_sub(orders);
            if level.size == 0 {
                levels.remove(&price);
            }
        }
    }

    fn remove(&mut self, id: u64) -> Option<RecordedOrder> {
        let order = self.orders.remove(&id)?;
        self.take(order.side, order.price, order.size, 1);
        Some(order)
    }
}

/// How strict to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rules {
    /// A record in conflict with earlier ones ends the reading.
    #[default]
    Strict,
    /// Such records are counted, and the newer one is believed.
    Lenient,
}

/// What was counted on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Events by kind, in the order of [`Kind::ALL`].
    pub kinds: [u64; Kind::ALL.len()],
    /// Events about orders whose beginning the recording does not hold.
    pub unknown_orders: u64,
    /// Records older than the one before ([`Rules::Lenient`]).
    pub back_in_time: u64,
    /// Orders added a second time ([`Rules::Lenient`]).
    pub duplicates: u64,
    /// Orders that lost more than they had ([`Rules::Lenient`]).
    pub too_much: u64,
}

impl Tally {
    /// Events of a kind.
    pub fn of(&self, kind: Kind) -> u64 {
        self.kinds[kind as usize]
    }

    /// All events.
    pub fn events(&self) -> u64 {
        self.kinds.iter().sum()
    }
}

/// The books of all symbols of a recording. Memory grows with what rests, not with what happened.
#[derive(Debug, Default)]
pub struct RecordedBooks {
    books: ById<u32, RecordedBook>,
    /// Books of symbols that more happened to than being named.
    active: usize,
    rules: Rules,
    last_ns: u64,
    tally: Tally,
}

impl RecordedBooks {
    /// No books yet.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            ..Self::default()
        }
    }

    /// What was counted.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Symbols that more happened to than [`Kind::Other`].
    pub fn num_symbols(&self) -> usize {
        self.active
    }

    /// The book of a symbol.
    pub fn book(&self, symbol: u32) -> Option<&RecordedBook> {
        self.books.get(&symbol)
    }

    /// The book of a symbol, to put something into it before the events.
    pub fn book_mut(&mut self, symbol: u32) -> &mut RecordedBook {
        self.books.entry(symbol).or_default()
    }

    /// Applies an event that stands at `position`, fills in what it leaves to the book (side, price and size of the order
    /// it is about), and returns the book.
    ///
    /// # Errors
    /// [`DataError`] if it is in conflict with earlier events, or lacks what its kind needs.
    pub fn apply(
        &mut self,
        event: &mut FeedEvent,
        position: Position,
    ) -> Result<&RecordedBook, DataError> {
        let fail = |problem: Problem| problem.at(position);
        if event.time_ns < self.last_ns {
            self.tally.back_in_time += 1;
            if self.rules == Rules::Strict {
                let by = self.last_ns - event.time_ns;
                let now = event.time_ns;
                return Err(fail(Problem::BackInTime { now, by }));
            }
        } else {
            self.last_ns = event.time_ns;
        }
        let book = self.books.entry(event.symbol).or_default();
        if event.kind != Kind::Other && !book.active {
            book.active = true;
            self.active += 1;
        }
        let mut change = Change {
            book,
            tally: &mut self.tally,
            rules: self.rules,
        };
        change.apply(event).map_err(fail)?;
        self.tally.kinds[event.kind as usize] += 1;
        Ok(book)
    }
}

/// One event on its way into a book.
struct Change<'a> {
    book: &'a mut RecordedBook,
    tally: &'a mut Tally,
    rules: Rules,
}

impl Change<'_> {
    fn apply(&mut self, event: &mut FeedEvent) -> Result<(), Problem> {
        match event.kind {
            Kind::Add => self.add(event.order_id, event)?,
            Kind::Reduce | Kind::Execute | Kind::ExecuteUnprinted => self.reduce(event)?,
            Kind::Delete => self.delete(event),
            Kind::Replace => self.replace(event)?,
            Kind::Modify => self.modify(event)?,
            Kind::SetLevel => {
                let (side, price) = place(event)?;
                self.book.set_level(side, price, event.size);
            }
            Kind::Clear => {
                *self.book = RecordedBook {
                    active: true,
                    ..RecordedBook::default()
                };
            }
            Kind::Hidden | Kind::Cross | Kind::Halt | Kind::Quote | Kind::Resume | Kind::Other => {}
        }
        Ok(())
    }

    fn add(&mut self, id: u64, event: &FeedEvent) -> Result<(), Problem> {
        let (side, price) = place(event)?;
        if self.book.orders.contains_key(&id) {
            self.tally.duplicates += 1;
            if self.rules == Rules::Strict {
                return Err(Problem::DuplicateOrder { id });
            }
            self.book.remove(id);
        }
        let size = event.size;
        self.book.add(id, RecordedOrder { side, price, size });
        Ok(())
    }

    fn reduce(&mut self, event: &mut FeedEvent) -> Result<(), Problem> {
        let id = event.order_id;
        let Some(order) = self.book.orders.get_mut(&id) else {
            self.unknown(event);
            return Ok(());
        };
        let mut by = event.size;
        if by > order.size {
            self.tally.too_much += 1;
            if self.rules == Rules::Strict {
                let left = order.size;
                return Err(Problem::TooMuch { id, by, left });
            }
            by = order.size;
        }
        order.size -= by;
        let order = *order;
        if order.size == 0 {
            self.book.orders.remove(&id);
        }
        let gone = u32::from(order.size == 0);
        self.book.take(order.side, order.price, by, gone);
        event.side = Some(order.side);
        event.price = event.price.or(Some(order.price));
        // Formats that only know cancellations of some size mean this one by it.
        if event.kind == Kind::Reduce && order.size == 0 {
            event.kind = Kind::Delete;
        }
        Ok(())
    }

    fn delete(&mut self, event: &mut FeedEvent) {
        let Some(order) = self.book.orders.remove(&event.order_id) else {
            self.unknown(event);
            return;
        };
        event.side = Some(order.side);
        event.price = Some(order.price);
        // A recording that says the size knows it better: the order may have changed where the recording did not look.
        if event.size == 0 {
            event.size = order.size;
        }
        self.book.take(order.side, order.price, event.size, 1);
    }

    /// An order from before the recording: where its level is known, the level loses what the event says.
    fn unknown(&mut self, event: &FeedEvent) {
        self.tally.unknown_orders += 1;
        if let (Some(side), Some(price)) = (event.side, event.price) {
            self.book.take(side, price, event.size, 0);
        }
    }

    fn replace(&mut self, event: &mut FeedEvent) -> Result<(), Problem> {
        match self.book.remove(event.order_id) {
            Some(order) => event.side = Some(order.side),
            None => self.tally.unknown_orders += 1,
        }
        if event.side.is_some() {
            self.add(event.new_order_id, event)?;
        }
        Ok(())
    }

    fn modify(&mut self, event: &FeedEvent) -> Result<(), Problem> {
        if self.book.remove(event.order_id).is_none() {
            self.tally.unknown_orders += 1;
        }
        if event.size > 0 {
            self.add(event.order_id, event)?;
        }
        Ok(())
    }
}

fn place(event: &FeedEvent) -> Result<(Side, i64), Problem> {
    let kind = event.kind.name();
    let lacks = |what| Problem::Incomplete { kind, what };
    let side = event.side.ok_or_else(|| lacks("a side"))?;
    let price = event.price.ok_or_else(|| lacks("a price"))?;
    Ok((side, price))
}
