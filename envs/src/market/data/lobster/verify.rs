//! Holding the book that the messages make against the orderbook file.
//!
//! When the book is empty before the first message and all messages are there, every row follows from the messages. In most
//! files neither is so: the recording begins in the midst of a day, and leaves out messages that change nothing among the
//! best levels. A level that moves up into the rows then was never announced. Such a file is *limited*: its rows are
//! checked each against the one before. Every level in both must have changed as the message says; a level may appear only beyond
//! the last one of the row before, and only if that row was full; it is then taken over into the book.

use std::{fmt, io::BufRead};

use super::{
    super::{DataError, Position, RecordedBook, Side},
    BookRow, RowLevel, RowReader,
};

/// The first place where messages and rows disagree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A level.
    Level {
        /// Row, from 1.
        row: u64,
        /// Side.
        side: Side,
        /// Level, from 1.
        level: usize,
        /// What the messages make of it.
        from_messages: RowLevel,
        /// What the row says.
        in_row: RowLevel,
    },
    /// The orderbook file has fewer rows than there are messages.
    RowsEnd {
        /// Its rows.
        rows: u64,
    },
    /// It has more.
    MessagesEnd {
        /// The messages.
        messages: u64,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |level: &RowLevel| match level {
            Some((price, size)) => format!("{size} at {price}"),
            None => "nothing".to_owned(),
        };
        match self {
            Self::Level {
                row,
                side,
                level,
                from_messages,
                in_row,
            } => {
                let side = if *side == Side::Buy { "bid" } else { "ask" };
                let (made, said) = (shown(from_messages), shown(in_row));
                write!(
                    f,
                    "row {row}, {side} {level}: the messages make it {made}, the orderbook file says {said}"
                )
            }
            Self::RowsEnd { rows } => {
                write!(
                    f,
                    "the orderbook file ends after row {rows}, the messages go on"
                )
            }
            Self::MessagesEnd { messages } => {
                write!(
                    f,
                    "the messages end after {messages}, the orderbook file goes on"
                )
            }
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verification {
    /// Rows that are as the messages make them.
    pub equal: u64,
    /// Whether the file was checked as a limited one; its first row is then where the book begins, and not counted.
    pub limited: bool,
    /// Levels that moved up into the rows of a limited file.
    pub entered: u64,
    /// The first difference.
    pub difference: Option<Difference>,
}

/// Reads an orderbook file beside the messages.
#[derive(Debug)]
pub struct Verifier<R> {
    rows: RowReader<R>,
    row: BookRow,
    messages: u64,
    /// The last price of each side of the row before (ask, bid), if more may lie beyond it.
    horizon: [Option<i64>; 2],
    result: Verification,
}

impl<R: BufRead> Verifier<R> {
    /// Holds rows against messages. With `limited`, the file is a limited one though its book is empty at first.
    pub fn new(input: R, limited: bool) -> Self {
        Self {
            rows: RowReader::new(input),
            row: BookRow::default(),
            messages: 0,
            horizon: [None; 2],
            result: Verification {
                limited,
                ..Verification::default()
            },
        }
    }

    /// Compares the next row with the book after its message. In a limited file the book then takes the row over.
    ///
    /// # Errors
    /// [`DataError`] if the row cannot be read.
    pub fn check(&mut self, book: &mut RecordedBook) -> Result<(), DataError> {
        if self.result.difference.is_some() {
            return Ok(());
        }
        self.messages += 1;
        if !self.rows.read(&mut self.row)? {
            let rows = self.messages - 1;
            self.result.difference = Some(Difference::RowsEnd { rows });
            return Ok(());
        }
        let first = self.messages == 1;
        let compared = self.compare(book);
        match compared {
            Ok(entered) => {
                self.result.equal += 1;
                self.result.entered += entered;
            }
            // What was there before the first message shows in its row.
            Err(_) if first => self.result.limited = true,
            Err(difference) => self.result.difference = Some(difference),
        }
        if self.result.limited {
            if first {
                self.result.equal = 0;
            }
            self.take_over(book);
        }
        Ok(())
    }

    /// Levels that the row has and the book could not know.
    fn compare(&self, book: &RecordedBook) -> Result<u64, Difference> {
        let mut entered = 0;
        for (side, horizon) in [Side::Sell, Side::Buy].into_iter().zip(self.horizon) {
            let beyond = |price: i64| match (horizon, side) {
                (None, _) => false,
                (Some(last), Side::Sell) => price > last,
                (Some(last), Side::Buy) => price < last,
            };
            let mut known = book.levels(side);
            for (index, in_row) in self.row.side(side).iter().enumerate() {
                let from_messages = known.next().map(|(price, level)| (price, level.size));
                if *in_row == from_messages {
                    continue;
                }
                let unknowable = from_messages.is_none_or(|(price, _)| beyond(price))
                    && in_row.is_none_or(|(price, _)| beyond(price))
                    && horizon.is_some();
                if !unknowable {
                    return Err(Difference::Level {
                        row: self.messages,
                        side,
                        level: index + 1,
                        from_messages,
                        in_row: *in_row,
                    });
                }
                entered += u64::from(in_row.is_some());
            }
        }
        Ok(entered)
    }

    fn take_over(&mut self, book: &mut RecordedBook) {
        for (side, horizon) in [Side::Sell, Side::Buy].into_iter().zip(&mut self.horizon) {
            let levels = self.row.side(side);
            book.set_side(side, levels.iter().map_while(|level| *level));
            *horizon = levels.last().copied().flatten().map(|(price, _)| price);
        }
    }

    /// The row that was read last.
    pub fn row(&self) -> &BookRow {
        &self.row
    }

    /// Where that row stands.
    pub fn position(&self) -> Position {
        self.rows.position()
    }

    /// The result, when all messages are read.
    ///
    /// # Errors
    /// [`DataError`] if a further row cannot be read.
    pub fn finish(mut self) -> Result<Verification, DataError> {
        if self.result.difference.is_none() && self.rows.read(&mut self.row)? {
            let messages = self.messages;
            self.result.difference = Some(Difference::MessagesEnd { messages });
        }
        Ok(self.result)
    }
}
