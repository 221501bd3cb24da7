//! Reading the rows of an orderbook file.

use std::io::BufRead;

use super::{
    super::{DataError, Position, Problem, RecordedBook, Side, error::shown, lines::Lines},
    EMPTY_PRICE,
    message::integer,
};

/// Bytes that a line may have: 200 levels of 60 bytes and more.
const LIMIT: usize = 64 * 1024;

/// One level of one side, `None` where the book has no more.
pub type RowLevel = Option<(i64, u64)>;

/// The best levels after a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BookRow {
    /// Asks, best first.
    pub asks: Vec<RowLevel>,
    /// Bids, best first; as many as asks.
    pub bids: Vec<RowLevel>,
}

impl BookRow {
    /// The levels of a side.
    pub fn side(&self, side: Side) -> &[RowLevel] {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    /// Fills the row with the best `levels` of a book.
    pub fn fill(&mut self, book: &RecordedBook, levels: usize) {
        for (side, row) in [(Side::Sell, &mut self.asks), (Side::Buy, &mut self.bids)] {
            row.clear();
            let best = book.levels(side).take(levels);
            row.extend(best.map(|(price, level)| Some((price, level.size))));
            row.resize(levels, None);
        }
    }
}

/// Reads an orderbook file.
#[derive(Debug)]
pub struct RowReader<R> {
    lines: Lines<R>,
    /// Numbers of the first row.
    width: Option<usize>,
}

impl<R: BufRead> RowReader<R> {
    /// A reader of rows.
    pub fn new(input: R) -> Self {
        Self {
            lines: Lines::new(input, "LOBSTER orderbook", LIMIT),
            width: None,
        }
    }

    /// Reads the next row into `row`; `false` at the end.
    ///
    /// # Errors
    /// [`DataError`] with line and column.
    pub fn read(&mut self, row: &mut BookRow) -> Result<bool, DataError> {
        if !self.lines.advance(true)? {
            return Ok(false);
        }
        row.asks.clear();
        row.bids.clear();
        let filled = fill(self.lines.text(), self.width, row);
        let width = filled.map_err(|(byte, problem)| problem.at(self.lines.at(byte)))?;
        self.width = Some(width);
        Ok(true)
    }

    /// Where the row that was read last begins.
    pub fn position(&self) -> Position {
        self.lines.at(0)
    }
}

fn fill(line: &[u8], width: Option<usize>, row: &mut BookRow) -> Result<usize, (usize, Problem)> {
    let found = line.split(|&byte| byte == b',').count();
    // Without an earlier row, any number of whole levels will do.
    let expected = width.unwrap_or(found.next_multiple_of(4));
    if found != expected {
        return Err((0, Problem::Fields { expected, found }));
    }
    let mut begin = 0;
    let mut price = 0;
    for (index, text) in line.split(|&byte| byte == b',').enumerate() {
        let is_price = index % 2 == 0;
        let is_ask = index % 4 < 2;
        let field = match (is_ask, is_price) {
            (true, true) => "ask price",
            (true, false) => "ask size",
            (false, true) => "bid price",
            (false, false) => "bid size",
        };
        let wrong = |expected| {
            let found = shown(text);
            (
                begin,
                Problem::Field {
                    field,
                    expected,
                    found,
                },
            )
        };
        let value = integer(text).ok_or_else(|| wrong("a whole number"))?;
        if is_price {
            price = value;
        } else {
            let size = u64::try_from(value).map_err(|_| wrong("a size from 0"))?;
            let empty = if is_ask { EMPTY_PRICE } else { -EMPTY_PRICE };
            if (price == empty) != (size == 0) {
                return Err(wrong("0 at an empty level, more than 0 at any other"));
            }
            let side = if is_ask { &mut row.asks } else { &mut row.bids };
            side.push((size > 0).then_some((price, size)));
        }
        begin += text.len() + 1;
    }
    if let (Some(&Some((bid, _))), Some(&Some((ask, _)))) = (row.bids.first(), row.asks.first())
        && bid >= ask
    {
        return Err((0, Problem::Crossed { bid, ask }));
    }
    Ok(found)
}
