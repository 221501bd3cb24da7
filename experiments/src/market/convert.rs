//! From one format to another.

mod output;
mod scale;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use palaestra_envs::market::data::{Clock, FeedEvent, Kind, RecordedOrder, Side};
use serde::Serialize;

use self::{
    output::Output,
    scale::{Scale, units_of},
};
use super::{Format, MarketError, Options, Recording, recording::file_name, units::shown_time};

/// How to convert.
#[derive(Debug, Clone, Default)]
pub struct ConvertOptions {
    /// What to read.
    pub read: Options,
    /// The format to write, where the name does not tell.
    pub to: Option<Format>,
    /// Levels of LOBSTER's orderbook file.
    pub levels: usize,
    /// Midnight at the exchange, in nanoseconds since 1970.
    pub midnight_ns: Option<i64>,
}

/// What was written, and what was not.
#[derive(Debug, Clone, Serialize)]
pub struct Conversion {
    /// The recording.
    pub from: Format,
    /// What was made of it.
    pub to: Format,
    /// The files.
    pub files: Vec<PathBuf>,
    /// Events read.
    pub read: u64,
    /// Events of these that are in the new file.
    pub written: u64,
    /// Those that are not, by reason.
    pub lost: BTreeMap<String, u64>,
    /// What was changed in others, by what was done.
    pub changed: BTreeMap<&'static str, u64>,
    /// What else there is to know.
    pub notes: Vec<String>,
    /// What no event carries over between these formats.
    pub not_kept: Vec<&'static str>,
}

/// Converts a recording. The file appears under its name when it is complete.
///
/// # Errors
/// [`MarketError`]; events that the other format cannot hold are no error, but counted.
pub fn convert(
    input: &Path,
    output: &Path,
    options: &ConvertOptions,
    mut progress: impl FnMut(&Recording),
) -> Result<Conversion, MarketError> {
    let to = options
        .to
        .or_else(|| Format::of_name(output))
        .ok_or_else(|| {
            MarketError::request(
                format!("{}: the name does not tell what to write", output.display()),
                "end it with .csv (LOBSTER), .itch, .dbn or .parquet, or give --to",
            )
        })?;
    let mut recording = Recording::open(input, &options.read)?;
    let from = recording.format();
    if to == Format::Binance || (from == Format::Binance && to != Format::Parquet) {
        return Err(MarketError::request(
            format!("{} cannot be made of {}", to.name(), from.name()),
            "depth without orders only fits into .parquet, and nothing is written as Binance depth",
        ));
    }
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if same(input, output) {
        return Err(MarketError::request(
            "input and output are the same file",
            "write to another name",
        ));
    }
    let mut converter = Converter {
        to,
        scale: None,
        one_symbol: None,
        output: None,
        options,
        path: output,
        conversion: Conversion {
            from,
            to,
            files: Vec::new(),
            read: 0,
            written: 0,
            lost: BTreeMap::new(),
            changed: BTreeMap::new(),
            notes: Vec::new(),
            not_kept: not_kept(from, to),
        },
    };
    while let Some(event) = recording.next_event()? {
        converter.take(&recording, event)?;
        if converter.conversion.read.is_multiple_of(1 << 16) {
            progress(&recording);
        }
    }
    recording.check_symbol()?;
    converter.finish(&recording)
}

/// What the events of one format say and those of another cannot.
fn not_kept(from: Format, to: Format) -> Vec<&'static str> {
    let mut not_kept = Vec::new();
    if from == to {
        not_kept.push("what is not in events: see the table of formats in docs/market-data.md");
    }
    match from {
        Format::Itch => not_kept.extend(["attributions", "numbers of trades", "tracking numbers"]),
        Format::Dbn => {
            not_kept.extend(["times of receipt", "flags", "channels", "sequence numbers"]);
        }
        Format::Lobster | Format::Binance | Format::Parquet => {}
    }
    if to == Format::Dbn {
        not_kept.push("which trades were auctions, and which executions did not print");
    }
    not_kept
}

struct Converter<'a> {
    to: Format,
    scale: Option<Scale>,
    /// The symbol, for formats that hold only one.
    one_symbol: Option<u32>,
    output: Option<Output>,
    options: &'a ConvertOptions,
    path: &'a Path,
    conversion: Conversion,
}

impl Converter<'_> {
    fn take(&mut self, recording: &Recording, mut event: FeedEvent) -> Result<(), MarketError> {
        self.conversion.read += 1;
        if self.to == Format::Parquet {
            let written = self.output(recording, &event)?.write(
                &event,
                &recording.symbol(event.symbol),
                None,
            );
            return self.note(written.map(|()| 1));
        }
        if event.kind == Kind::Other {
            self.lose("neither a trade nor a change of a book".to_owned());
            return Ok(());
        }
        if event.kind == Kind::Clear && self.conversion.written == 0 {
            self.change(NOTHING);
            return Ok(());
        }
        if self.to == Format::Lobster {
            self.check_single(recording, &event)?;
        }
        let scale = self.scale(recording, &event)?;
        let mut before = recording.before().map(|order| FeedEvent {
            kind: Kind::Delete,
            order_id: event.order_id,
            new_order_id: 0,
            side: Some(order.side),
            price: Some(order.price),
            size: order.size,
            ..event
        });
        let scaled = scale
            .apply(&mut event)
            .and_then(|()| before.as_mut().map_or(Ok(()), |before| scale.apply(before)));
        if let Err(reason) = scaled {
            self.lose(format!("`{}`: {reason}", event.kind.name()));
            return Ok(());
        }
        let mut symbol = recording.symbol(event.symbol);
        if self.to == Format::Itch && symbol.len() > ITCH_NAME {
            symbol = symbol
                .chars()
                .filter(char::is_ascii)
                .take(ITCH_NAME)
                .collect();
            self.change("names of symbols were cut to eight letters");
        }
        let steps = self.lowered(&event, before.as_ref());
        let before = before.map(|order| RecordedOrder {
            side: order.side.unwrap_or(Side::Buy),
            price: order.price.unwrap_or(0),
            size: order.size,
        });
        let mut written = 0;
        for step in steps.into_iter().flatten() {
            let output = self.output(recording, &step)?;
            match output.write(&step, &symbol, before) {
                Ok(()) => written = 1,
                Err(error) => return self.note(Err(error)),
            }
        }
        if written == 0 {
            self.change(NOTHING);
        }
        self.note(Ok(written))
    }

    /// The event in the words of the other format.
    fn lowered(&mut self, event: &FeedEvent, before: Option<&FeedEvent>) -> [Option<FeedEvent>; 2] {
        let orders = matches!(self.to, Format::Lobster | Format::Itch);
        match event.kind {
            Kind::Replace if self.to == Format::Lobster => {
                self.change("replacements became a deletion and an addition");
                let add = FeedEvent {
                    kind: Kind::Add,
                    order_id: event.new_order_id,
                    new_order_id: 0,
                    ..*event
                };
                [before.copied(), event.side.map(|_| add)]
            }
            Kind::Modify if orders => {
                self.change("changes of orders became reductions, or a deletion and an addition");
                let add = (event.size > 0).then_some(FeedEvent {
                    kind: Kind::Add,
                    ..*event
                });
                match before {
                    Some(old)
                        if old.price == event.price && event.size > 0 && event.size <= old.size =>
                    {
                        let less = FeedEvent {
                            kind: Kind::Reduce,
                            size: old.size - event.size,
                            ..*event
                        };
                        [(less.size > 0).then_some(less), None]
                    }
                    old => [old.copied(), add],
                }
            }
            Kind::ExecuteUnprinted if self.to == Format::Lobster => {
                self.change("executions that did not print became ordinary ones");
                let execute = FeedEvent {
                    kind: Kind::Execute,
                    ..*event
                };
                [Some(execute), None]
            }
            _ => [Some(*event), None],
        }
    }

    fn check_single(
        &mut self,
        recording: &Recording,
        event: &FeedEvent,
    ) -> Result<(), MarketError> {
        let first = *self.one_symbol.get_or_insert(event.symbol);
        if first == event.symbol {
            return Ok(());
        }
        let (one, other) = (recording.symbol(first), recording.symbol(event.symbol));
        Err(MarketError::request(
            format!(
                "LOBSTER files hold one symbol, and this recording has {one}, {other} and perhaps more"
            ),
            format!("choose one: --symbol {one}"),
        ))
    }

    fn scale(&mut self, recording: &Recording, first: &FeedEvent) -> Result<Scale, MarketError> {
        if let Some(scale) = self.scale {
            return Ok(scale);
        }
        let (from, to) = (recording.units(), units_of(self.to));
        let shift_ns = match (from.clock, to.clock) {
            (Clock::Midnight, Clock::Epoch) => i128::from(self.midnight(recording)?),
            (Clock::Epoch, Clock::Midnight) => {
                let utc = first.time_ns / DAY_NS * DAY_NS;
                if self.options.midnight_ns.is_none() {
                    let midnight = shown_time(utc, Clock::Epoch);
                    self.conversion.notes.push(format!(
                        "times count from {midnight}; --midnight chooses another midnight"
                    ));
                }
                let chosen = self.options.midnight_ns.map(i128::from);
                -chosen.unwrap_or(i128::from(utc))
            }
            _ => 0,
        };
        let scale = Scale::new(from, to, shift_ns);
        self.scale = Some(scale);
        Ok(scale)
    }

    fn midnight(&self, recording: &Recording) -> Result<i64, MarketError> {
        self.options.midnight_ns.ok_or_else(|| {
            let date =
                file_name(recording.path()).map_or("2024-05-08".to_owned(), |name| name.date);
            MarketError::request(
                format!(
                    "{} counts time from midnight, {} from 1970",
                    recording.format().name(),
                    self.to.name()
                ),
                format!(
                    "say when midnight was at the exchange, e.g. --midnight {date}T00:00-04:00"
                ),
            )
        })
    }

    fn output(
        &mut self,
        recording: &Recording,
        first: &FeedEvent,
    ) -> Result<&mut Output, MarketError> {
        // Begun late, for DBN wants to know the instruments, which other formats tell as they go.
        let output = match self.output.take() {
            Some(output) => output,
            None => Output::begin(self.to, self.path, self.options, recording, first.time_ns)?,
        };
        Ok(self.output.insert(output))
    }

    fn note(&mut self, written: Result<u64, output::Failure>) -> Result<(), MarketError> {
        match written {
            Ok(count) => self.conversion.written += count,
            Err(output::Failure::Lost(reason)) => self.lose(reason),
            Err(output::Failure::Fatal(error)) => return Err(error),
        }
        Ok(())
    }

    fn lose(&mut self, reason: String) {
        *self.conversion.lost.entry(reason).or_default() += 1;
    }

    fn change(&mut self, what: &'static str) {
        *self.conversion.changed.entry(what).or_default() += 1;
    }

    fn finish(mut self, recording: &Recording) -> Result<Conversion, MarketError> {
        let output = match self.output.take() {
            Some(output) => output,
            None => Output::begin(self.to, self.path, self.options, recording, 0)?,
        };
        self.conversion.files = output.finish()?;
        Ok(self.conversion)
    }
}

/// What is done about events that say what is so already.
const NOTHING: &str = "needed no message: an empty book was cleared, or an order set to what it is";
/// Letters of a symbol's name in ITCH.
const ITCH_NAME: usize = 8;
const DAY_NS: u64 = 86_400_000_000_000;

/// The day of a time as a number like 20120621, in universal time, and the day after it.
fn days(time_ns: u64) -> (u32, u32) {
    let day = |time_ns: u64| {
        let time = Timestamp::from_nanosecond(i128::from(time_ns)).unwrap_or_default();
        let date = time.to_zoned(jiff::tz::TimeZone::UTC).date();
        date.year() as u32 * 10_000 + date.month() as u32 * 100 + date.day() as u32
    };
    (day(time_ns), day(time_ns.saturating_add(DAY_NS)))
}
