//! `TICKER_DATE_START_END_message_LEVEL.csv`.

use std::fmt;

/// What the name of a LOBSTER file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName {
    /// The stock.
    pub ticker: String,
    /// `YYYY-MM-DD`.
    pub date: String,
    /// First millisecond after midnight.
    pub start_ms: u64,
    /// Last millisecond after midnight.
    pub end_ms: u64,
    /// Whether it is the orderbook file of the pair.
    pub is_book: bool,
    /// Levels of the book.
    pub levels: usize,
}

impl FileName {
    /// Reads a name, without folder.
    pub fn parse(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".csv")?;
        let mut parts = stem.rsplitn(6, '_');
        let levels = parts.next()?.parse().ok()?;
        let is_book = match parts.next()? {
            "message" => false,
            "orderbook" => true,
            _ => return None,
        };
        let end_ms = parts.next()?.parse().ok()?;
        let start_ms = parts.next()?.parse().ok()?;
        let date = parts.next()?.to_owned();
        let is_date = date.len() == 10
            && date.bytes().enumerate().all(|(index, byte)| match index {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let ticker = parts.next().filter(|t| !t.is_empty())?.to_owned();
        is_date.then_some(Self {
            ticker,
            date,
            start_ms,
            end_ms,
            is_book,
            levels,
        })
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_book { "orderbook" } else { "message" };
        write!(
            f,
            "{}_{}_{}_{}_{kind}_{}.csv",
            self.ticker, self.date, self.start_ms, self.end_ms, self.levels
        )
    }
}
