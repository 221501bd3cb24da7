//! `market replay`

use std::{
    fmt::Write as _,
    fs::File,
    io::{BufRead, BufReader, IsTerminal},
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;
use jiff::Timestamp;
use palaestra_envs::market::data::{
    Clock, DataError, FeedEvent, Kind,
    lobster::{Verification, Verifier},
};
use serde_json::json;

use super::{
    super::{
        CliError, Exit,
        output::{Output, counted, print},
    },
    InputArgs, Progress, grouped,
    ladder::{Frame, Tape},
    stats, warn,
};
use crate::{
    files,
    market::{Format, MarketError, MarketStats, Recording, shown_time},
};

/// Between two pictures of a book that is watched.
const PICTURE: Duration = Duration::from_millis(50);
/// The longest that a quiet time is waited through.
const LONGEST_WAIT: f64 = 2.0;

/// `palaestra market replay`
#[derive(Debug, Clone, Args)]
pub(in super::super) struct ReplayArgs {
    #[command(flatten)]
    input: InputArgs,
    /// LOBSTER: the orderbook file of the pair
    #[arg(long, value_name = "FILE")]
    book: Option<PathBuf>,
    /// LOBSTER: compare every row of the orderbook file with the book that the messages make
    #[arg(long, requires = "book")]
    verify: bool,
    /// LOBSTER: the message file leaves out what does not change the rows (told from the first row, unless the book begins
    /// empty)
    #[arg(long, requires = "book")]
    limited: bool,
    /// Levels shown of each side
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    levels: u16,
    /// Show the book as it is at this time, e.g. 10:30:00.5 or 2024-05-08T13:30:00Z, and stop
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Watch the book, this many times as fast as it was recorded (on a terminal)
    #[arg(long, value_name = "TIMES", allow_negative_numbers = true, conflicts_with_all = ["verify", "step"])]
    speed: Option<f64>,
    /// Show the book after every event, and wait for Enter; begins at --at if it is given
    #[arg(long, conflicts_with = "verify")]
    step: bool,
}

/// How a file is gone through.
struct Player<'a> {
    output: &'a Output,
    args: &'a ReplayArgs,
    recording: Recording,
    verifier: Option<Verifier<BufReader<File>>>,
    stats: MarketStats,
    tape: Tape,
    /// The symbol that is followed, and the number and time of the last event.
    symbol: Option<u32>,
    events: u64,
    time_ns: u64,
    last: Option<FeedEvent>,
}

pub(in super::super) fn replay(output: &Output, args: &ReplayArgs) -> Result<Exit, CliError> {
    if args
        .speed
        .is_some_and(|speed| !(speed.is_finite() && speed > 0.0))
    {
        return Err(CliError::argument(
            "--speed must be above 0",
            "1 shows the book as fast as it was recorded, 60 a minute in a second",
        ));
    }
    let recording = args.input.open()?;
    if args.book.is_some() && recording.format() != Format::Lobster {
        return Err(CliError::argument(
            format!(
                "--book belongs to LOBSTER messages, and this is {}",
                recording.format().name()
            ),
            "leave it out",
        ));
    }
    let verifier = match &args.book {
        Some(path) => {
            let file = files::at("read", path, File::open(path))?;
            Some(Verifier::new(
                BufReader::with_capacity(1 << 18, file),
                args.limited,
            ))
        }
        None => None,
    };
    let player = Player {
        output,
        args,
        recording,
        verifier,
        stats: MarketStats::default(),
        tape: Tape::default(),
        symbol: None,
        events: 0,
        time_ns: 0,
        last: None,
    };
    player.play()
}

impl Player<'_> {
    fn play(mut self) -> Result<Exit, CliError> {
        let at = self
            .args
            .at
            .as_deref()
            .map(|text| self.time(text))
            .transpose()?;
        let watched = self.args.speed.is_some() || self.args.step;
        if let Some(speed) = self.args.speed
            && std::io::stdout().is_terminal()
            && !self.output.is_json()
        {
            self.go_to(at)?;
            self.watch(speed)?;
        } else if self.args.step {
            self.go_to(at)?;
            if !self.step()? {
                return Ok(Exit::Success);
            }
        } else if at.is_some() && !watched {
            self.go_to(at)?;
            return self.still();
        }
        let mut progress = Progress::new(self.output);
        while self.next()?.is_some() {
            progress.event(&self.recording);
        }
        progress.finish();
        self.recording.check_symbol()?;
        self.summary()
    }

    /// The next event.
    fn next(&mut self) -> Result<Option<FeedEvent>, CliError> {
        let Some(event) = self.recording.next_event()? else {
            return Ok(None);
        };
        self.events += 1;
        self.time_ns = event.time_ns;
        if let Some(verifier) = &mut self.verifier {
            let checked = verifier.check(self.recording.book_mut(event.symbol));
            checked.map_err(|error| of_book(self.args, error))?;
        }
        if self.is_about_symbol(&event)? {
            self.tape.add(&event);
            self.last = Some(event);
            if let Some(book) = self.recording.books().book(event.symbol) {
                self.stats.add(&event, book);
            }
        }
        Ok(Some(event))
    }

    /// Whether the event is about the one symbol of this replay.
    fn is_about_symbol(&mut self, event: &FeedEvent) -> Result<bool, CliError> {
        // What is about the market, or only names a symbol, does not choose it.
        if event.kind == Kind::Other {
            return Ok(self.symbol == Some(event.symbol));
        }
        let first = *self.symbol.get_or_insert(event.symbol);
        if first == event.symbol {
            return Ok(true);
        }
        let (one, other) = (
            self.recording.symbol(first),
            self.recording.symbol(event.symbol),
        );
        let path = self.recording.path().display();
        Err(CliError::argument(
            format!("{path} holds several symbols: {one}, {other}, …"),
            "choose one with --symbol; `palaestra market stats` counts all of them",
        ))
    }

    /// Goes on until the next event would be after a time.
    fn go_to(&mut self, at: Option<u64>) -> Result<(), CliError> {
        let Some(at) = at else { return Ok(()) };
        let clock = self.recording.units().clock;
        while self.recording.next_time()?.is_some_and(|time| time <= at) {
            self.next()?;
        }
        if self.recording.next_time()?.is_none() && self.events > 0 {
            let end = shown_time(self.time_ns, clock);
            self.output.message(&format!("the recording ends at {end}"));
        } else {
            self.time_ns = at;
        }
        Ok(())
    }

    fn frame(&self) -> Option<Frame> {
        let number = self.symbol?;
        let book = self.recording.books().book(number)?;
        Some(Frame::new(
            self.recording.symbol(number),
            (self.time_ns, self.events),
            self.last?,
            book,
            &self.tape,
            self.args.levels.into(),
            self.recording.units(),
        ))
    }

    fn still(&self) -> Result<Exit, CliError> {
        let Some(frame) = self.frame() else {
            self.recording.check_symbol()?;
            return Err(CliError::argument(
                "nothing has happened by then",
                "give a later --at; `palaestra market stats` tells when the recording begins",
            ));
        };
        self.output.text(&frame.text());
        self.output.document("market-book/1", &frame);
        Ok(Exit::Success)
    }

    fn watch(&mut self, speed: f64) -> Result<(), CliError> {
        let mut shown = Instant::now();
        let mut last = None;
        while let Some(event) = self.next()? {
            let gap = last.map_or(0, |last| event.time_ns.saturating_sub(last));
            last = Some(event.time_ns);
            let wait = (gap as f64 / 1e9 / speed).min(LONGEST_WAIT);
            let due = shown.elapsed() >= PICTURE;
            if wait >= PICTURE.as_secs_f64() || due {
                if let Some(frame) = self.frame() {
                    // Clear the screen and go to its top.
                    print(&format!("\x1b[2J\x1b[H{}", frame.text()));
                }
                shown = Instant::now();
            }
            std::thread::sleep(Duration::from_secs_f64(wait));
        }
        Ok(())
    }

    /// Shows every event; `false` if the input ends before the recording.
    fn step(&mut self) -> Result<bool, CliError> {
        while self.next()?.is_some() {
            let Some(frame) = self.frame() else { continue };
            print(&format!("{}\n", frame.text()));
            let read = std::io::stdin().lock().read_line(&mut String::new());
            if !matches!(read, Ok(1..)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn summary(self) -> Result<Exit, CliError> {
        warn(self.output, &self.recording);
        let report = self.stats.report(&self.recording);
        let frame = self.frame();
        let verification = match self.verifier {
            Some(verifier) => {
                let finished = verifier.finish();
                Some(finished.map_err(|error| of_book(self.args, error))?)
            }
            None => None,
        };
        if let Some(verification) = verification.filter(|_| self.args.verify) {
            return Ok(told(self.output, &verification));
        }
        let text = stats::text(&report);
        let book = frame.as_ref().map(|frame| format!("\n\n{}", frame.text()));
        self.output
            .text(&format!("{text}{}", book.unwrap_or_default()));
        let document = json!({ "stats": report, "book": frame });
        self.output.document("market-replay/1", &document);
        Ok(Exit::Success)
    }

    /// A time as it is typed, on the clock of the recording.
    fn time(&self, text: &str) -> Result<u64, CliError> {
        let (parsed, example) = match self.recording.units().clock {
            Clock::Midnight => (
                since_midnight(text),
                "10:30, 10:30:00.5 or 37800.5 (seconds after midnight)",
            ),
            Clock::Epoch => {
                let time = text.parse::<Timestamp>().ok();
                let ns = time.and_then(|time| u64::try_from(time.as_nanosecond()).ok());
                (ns, "2024-05-08T13:30:00Z")
            }
        };
        parsed.ok_or_else(|| {
            let help = format!("times of this recording look like {example}");
            CliError::argument(format!("--at {text}: this is no time"), &help)
        })
    }
}

/// `10:30`, `10:30:00.5` or seconds, in nanoseconds.
fn since_midnight(text: &str) -> Option<u64> {
    let parts: Vec<&str> = text.split(':').collect();
    let (hours, minutes, seconds) = match parts[..] {
        [seconds] => ("0", "0", seconds),
        [hours, minutes] => (hours, minutes, "0"),
        [hours, minutes, seconds] => (hours, minutes, seconds),
        _ => return None,
    };
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let number = |text: &str| {
        let digits =
            !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u64>().ok()).flatten()
    };
    let minutes = 60 * number(hours)? + number(minutes)?;
    let fraction = number(fraction)? * 10u64.pow(9 - fraction.len() as u32);
    Some((60 * minutes + number(seconds)?) * 1_000_000_000 + fraction)
}

fn of_book(args: &ReplayArgs, source: DataError) -> CliError {
    let path = args.book.clone().unwrap_or_default();
    MarketError::Data { path, source }.into()
}

/// Tells what came of comparing the rows.
fn told(output: &Output, verification: &Verification) -> Exit {
    let mut text = format!("{} rows equal", grouped(verification.equal.into()));
    if verification.limited {
        text.push_str(", each checked against the one before");
    }
    if verification.entered > 0 {
        let levels = counted(verification.entered as usize, "level");
        let _ = write!(
            text,
            "; {levels} moved up into them without a message, as they do in files limited to the best levels"
        );
    }
    if let Some(difference) = &verification.difference {
        text = format!("{difference}\n{text} before that");
    }
    output.text(&text);
    let document = json!({
        "rows_equal": verification.equal,
        "limited": verification.limited,
        "levels_entered": verification.entered,
        "difference": verification.difference.as_ref().map(ToString::to_string),
    });
    output.document("market-verify/1", &document);
    if verification.difference.is_some() {
        Exit::CheckFailed
    } else {
        Exit::Success
    }
}
