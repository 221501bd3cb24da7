//! A recording that is followed event by event.

use std::{
    fs,
    io::BufRead,
    path::{Path, PathBuf},
};

use palaestra_envs::market::data::{
    DataError, FeedEvent, FeedReader, Kind, Position, Problem, RecordedBook, RecordedBooks,
    RecordedOrder, Rules, Units,
    binance::DepthReader,
    dbn::DbnReader,
    itch::ItchReader,
    lobster::{FileName, MessageReader},
};

use super::{
    MarketError,
    format::Format,
    input::{self, Count},
    table::TableReader,
};

/// Bytes by which formats are told apart.
const SNIFFED: usize = 512;

/// What to read, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The format, where the file does not tell.
    pub format: Option<Format>,
    /// Only this symbol.
    pub symbol: Option<String>,
    /// What to do about records in conflict with earlier ones.
    pub rules: Rules,
}

/// An open recording and the books that it describes.
pub struct Recording {
    path: PathBuf,
    format: Format,
    reader: Box<dyn FeedReader>,
    books: RecordedBooks,
    symbol: Option<String>,
    /// Number of the wanted symbol, once known.
    wanted: Option<u32>,
    before: Option<RecordedOrder>,
    /// An event that was read, and not applied yet.
    ahead: Option<FeedEvent>,
    count: Count,
    length: u64,
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Recording");
        shown
            .field("path", &self.path)
            .field("format", &self.format);
        shown.finish_non_exhaustive()
    }
}

impl Recording {
    /// Opens a file.
    ///
    /// # Errors
    /// [`MarketError`] if it cannot be read, its format cannot be told, or its beginning is not that of its format.
    pub fn open(path: &Path, options: &Options) -> Result<Self, MarketError> {
        let count = Count::default();
        let mut bytes = input::open(path, &count)?;
        // The file could be read already; what fails here is decompressing it.
        let data = |source| MarketError::Data {
            path: path.to_owned(),
            source,
        };
        let begin = bytes.fill_buf();
        let begin = begin.map_err(|error| data(Problem::Io(error).at(Position::Byte(0))))?;
        let begin = &begin[..begin.len().min(SNIFFED)];
        let format = match options.format {
            Some(format) => format,
            None => told(path, begin)?,
        };
        // A LOBSTER file holds one stock, which its name tells, or else the caller.
        let ticker = file_name(path).map(|name| name.ticker);
        let ticker = ticker.or_else(|| options.symbol.clone());
        let ticker = ticker.unwrap_or_else(|| stem(path));
        let reader: Box<dyn FeedReader> = match format {
            Format::Lobster => Box::new(MessageReader::new(bytes, ticker)),
            Format::Itch => Box::new(ItchReader::new(bytes)),
            Format::Dbn => Box::new(DbnReader::new(bytes).map_err(data)?),
            Format::Binance => Box::new(DepthReader::new(bytes)),
            Format::Parquet => Box::new(TableReader::open(path)?),
        };
        Ok(Self {
            path: path.to_owned(),
            format,
            reader,
            books: RecordedBooks::new(options.rules),
            symbol: options.symbol.clone(),
            wanted: None,
            before: None,
            ahead: None,
            count,
            length: fs::metadata(path).map_or(0, |data| data.len()),
        })
    }

    /// The next event about the wanted symbol, applied to its book.
    ///
    /// # Errors
    /// [`MarketError::Data`] with the position.
    pub fn next_event(&mut self) -> Result<Option<FeedEvent>, MarketError> {
        let Some(mut event) = self.take_event()? else {
            return Ok(None);
        };
        self.before = match event.kind {
            Kind::Execute | Kind::Replace | Kind::Modify => {
                let book = self.books.book(event.symbol);
                book.and_then(|book| book.order(event.order_id))
            }
            _ => None,
        };
        match self.books.apply(&mut event, self.reader.position()) {
            Ok(_) => Ok(Some(event)),
            Err(error) => Err(self.data(error)),
        }
    }

    /// The time of the next event, which stays the next one.
    ///
    /// # Errors
    /// [`MarketError::Data`] with the position.
    pub fn next_time(&mut self) -> Result<Option<u64>, MarketError> {
        self.ahead = self.take_event()?;
        Ok(self.ahead.map(|event| event.time_ns))
    }

    /// The next event about the wanted symbol.
    fn take_event(&mut self) -> Result<Option<FeedEvent>, MarketError> {
        if let Some(event) = self.ahead.take() {
            return Ok(Some(event));
        }
        loop {
            let read = self.reader.read().map_err(|error| self.data(error))?;
            match read {
                Some(event) if !self.wants(event.symbol) => {}
                read => return Ok(read),
            }
        }
    }

    fn wants(&mut self, number: u32) -> bool {
        let Some(name) = &self.symbol else {
            return true;
        };
        if let Some(wanted) = self.wanted {
            return wanted == number;
        }
        let is_it = self.reader.symbol(number) == Some(name);
        if is_it {
            self.wanted = Some(number);
        }
        is_it
    }

    /// An error of this file.
    pub fn data(&self, source: DataError) -> MarketError {
        MarketError::Data {
            path: self.path.clone(),
            source,
        }
    }

    /// At the end: whether the wanted symbol was there at all.
    ///
    /// # Errors
    /// [`MarketError::Request`] if not.
    pub fn check_symbol(&self) -> Result<(), MarketError> {
        let (Some(name), None) = (&self.symbol, self.wanted) else {
            return Ok(());
        };
        let mut known: Vec<String> = self.reader.symbols().into_iter().map(|(_, n)| n).collect();
        known.sort_by_key(|known| strsim::damerau_levenshtein(known, name));
        let count = known.len();
        known.truncate(8);
        let dots = if count > known.len() { ", …" } else { "" };
        Err(MarketError::request(
            format!("{}: no event is about {name}", self.path.display()),
            format!("it has {}{dots}", known.join(", ")),
        ))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Its units.
    pub fn units(&self) -> Units {
        self.reader.units()
    }

    /// All books.
    pub fn books(&self) -> &RecordedBooks {
        &self.books
    }

    /// The book of a symbol, empty at first.
    pub fn book_mut(&mut self, symbol: u32) -> &mut RecordedBook {
        self.books.book_mut(symbol)
    }

    /// The order that the last event replaced, changed or executed, as it was before.
    pub fn before(&self) -> Option<RecordedOrder> {
        self.before
    }

    /// The name of a symbol, or its number.
    pub fn symbol(&self, number: u32) -> String {
        let name = self.reader.symbol(number);
        name.map_or_else(|| format!("#{number}"), str::to_owned)
    }

    /// All names told so far.
    pub fn symbols(&self) -> Vec<(u32, String)> {
        self.reader.symbols()
    }

    /// Where the last event stands.
    pub fn position(&self) -> Position {
        self.reader.position()
    }

    /// Bytes of the file read, and in all.
    pub fn progress(&self) -> (u64, u64) {
        (self.count.get(), self.length)
    }

    /// At the end: what makes the whole doubtful.
    pub fn doubt(&self) -> Option<&'static str> {
        self.reader.doubt()
    }
}

fn told(path: &Path, begin: &[u8]) -> Result<Format, MarketError> {
    let name = path.display();
    let is_book = |text: &str| text.contains("orderbook");
    if path
        .file_name()
        .and_then(|n| n.to_str())
        .is_some_and(is_book)
    {
        return Err(MarketError::request(
            format!("{name} is the orderbook file of a LOBSTER pair"),
            "give the message file, and this one with --book",
        ));
    }
    if begin.is_empty() {
        return Err(MarketError::request(
            format!("{name} is empty"),
            "check that it was copied whole",
        ));
    }
    Format::of_content(begin)
        .or_else(|| Format::of_name(path))
        .ok_or_else(|| {
            MarketError::request(
                format!("{name}: the format cannot be told from its beginning or name"),
                "say which it is: --format lobster, itch, dbn, binance or parquet",
            )
        })
}

/// What the name of a LOBSTER file says.
pub(super) fn file_name(path: &Path) -> Option<FileName> {
    FileName::parse(path.file_name()?.to_str()?)
}

fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}
