//! A game from its folder: the configuration, and the rows of `game.csv`.
//!
//! The files are as Python's `json` and `pandas` write them: a cell without a value is empty, `None` or `nan`; which
//! columns there are depends on the game; in persuasion a buyer who changes each round is called `the buyer`.

use std::{fs::File, io::Read, path::Path};

use csv::StringRecord;
use palaestra_envs::{
    EnvError,
    language::{
        ALICE, BOB, Verdict,
        upstream::{self, GameConfig, UpstreamConfig},
    },
};

use super::{Act, Action, GameFolder, LanguageError, Transcript, error::Place};
use crate::files;

/// Neither file of a game is larger.
const LARGEST: u64 = 64 << 20;
/// Rows of a game; of the longest published one there are 99 rounds.
const MOST_ROWS: usize = 1 << 20;
/// What stands for nothing.
const NOTHING: [&str; 4] = ["", "None", "nan", "NaN"];

/// Reads the whole of a file that is not too large.
fn text(path: &Path) -> Result<String, LanguageError> {
    let file = files::at("read", path, File::open(path))?;
    let mut bytes = Vec::new();
    files::at("read", path, file.take(LARGEST + 1).read_to_end(&mut bytes))?;
    if bytes.len() as u64 > LARGEST {
        let problem = format!("is larger than {} MiB", LARGEST >> 20);
        return Err(LanguageError::data(path, None, "", problem));
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.split(|byte| *byte == b'\n').count() as u64;
        LanguageError::data(path, Some(line), "", "is no UTF-8")
    })
}

/// Reads a configuration; `path` is for messages.
///
/// # Errors
/// [`LanguageError::Data`] with the key.
pub fn read_config(path: &Path, text: &str) -> Result<UpstreamConfig, LanguageError> {
    upstream::read(text).map_err(|error| match error {
        EnvError::Argument {
            path: key,
            message,
            suggestion,
        } => {
            let near =
                suggestion.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            LanguageError::Data {
                place: Place {
                    path: path.to_owned(),
                    line: None,
                    column: key,
                },
                problem: format!("{message}{near}"),
            }
        }
        other => LanguageError::data(path, None, "", other.to_string()),
    })
}

/// Where the columns of a table are.
struct Columns {
    player: usize,
    round: usize,
    decision: Option<usize>,
    message: Option<usize>,
    price: Option<usize>,
    gains: Option<[usize; 2]>,
    quality: Option<usize>,
}

/// A row as it stands in the file.
struct Cells<'a> {
    path: &'a Path,
    record: &'a StringRecord,
    line: u64,
}

impl<'a> Cells<'a> {
    /// What is in a column, if anything.
    fn get(&self, column: Option<usize>) -> Option<&'a str> {
        let cell = self.record.get(column?)?;
        (!NOTHING.contains(&cell.trim())).then_some(cell)
    }

    fn wrong(&self, column: &str, problem: impl Into<String>) -> LanguageError {
        LanguageError::data(self.path, Some(self.line), column, problem)
    }

    fn number(&self, column: usize, name: &str) -> Result<Option<f64>, LanguageError> {
        let Some(cell) = self.get(Some(column)) else {
            return Ok(None);
        };
        let digits = cell.trim();
        let number = digits.strip_prefix('$').unwrap_or(digits).parse::<f64>();
        match number {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(self.wrong(name, format!("`{}` is no number", shortened(cell)))),
        }
    }

    fn yes_or_no(&self, cell: &str) -> Result<bool, LanguageError> {
        match cell.trim() {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err(self.wrong(
                "decision",
                format!("`{}` is not yes or no", shortened(cell)),
            )),
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The rows of `game.csv`; `path` is for messages.
///
/// # Errors
/// [`LanguageError::Data`] with line and column.
pub fn read_rows(
    path: &Path,
    text: &str,
    config: &UpstreamConfig,
) -> Result<(Vec<Action>, Vec<u64>), LanguageError> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let broken = |error: &csv::Error| {
        let line = error.position().map(csv::Position::line);
        LanguageError::data(path, line, "", format!("is no CSV: {error}"))
    };
    let names = reader.headers().map_err(|error| broken(&error))?.clone();
    let columns = columns(path, &names, config)?;
    let mut record = StringRecord::new();
    let (mut actions, mut lines) = (Vec::new(), Vec::new());
    while reader
        .read_record(&mut record)
        .map_err(|error| broken(&error))?
    {
        let cells = Cells {
            path,
            record: &record,
            line: record.position().map_or(0, csv::Position::line),
        };
        if actions.len() == MOST_ROWS {
            return Err(cells.wrong("", format!("a game has at most {MOST_ROWS} rows")));
        }
        actions.push(action(&cells, &columns, config)?);
        lines.push(cells.line);
    }
    Ok((actions, lines))
}

fn columns(
    path: &Path,
    names: &StringRecord,
    config: &UpstreamConfig,
) -> Result<Columns, LanguageError> {
    let find = |name: &str| names.iter().position(|known| known.trim() == name);
    let need = |name: &str| {
        find(name).ok_or_else(|| {
            let known: Vec<&str> = names
                .iter()
                .filter(|name| !name.trim().is_empty())
                .collect();
            let problem = if known.is_empty() {
                "there is no such column: the file is empty".to_owned()
            } else {
                format!("there is no such column; there are {}", known.join(", "))
            };
            LanguageError::data(path, Some(1), name, shortened_list(&problem))
        })
    };
    // Keys are named after the players, with blanks made `_`.
    let gain = |player: usize| {
        let name = config.players[player].public_name.as_deref();
        let own = name.map(|name| format!("{}_gain", name.to_lowercase().replace(' ', "_")));
        let plain = ["alice_gain", "bob_gain"][player];
        match own.and_then(|own| find(&own)) {
            Some(column) => Ok(column),
            None => need(plain),
        }
    };
    let (mut gains, mut price, mut quality) = (None, None, None);
    match config.game {
        GameConfig::Bargaining(_) => gains = Some([gain(ALICE)?, gain(BOB)?]),
        GameConfig::Negotiation(_) => price = Some(need("product_price")?),
        GameConfig::Persuasion(_) => quality = Some(need("round_quality")?),
    }
    Ok(Columns {
        player: need("player")?,
        round: need("round")?,
        decision: find("decision"),
        message: find("message"),
        price,
        gains,
        quality,
    })
}

fn shortened_list(text: &str) -> String {
    text.chars().take(200).collect()
}

fn action(
    cells: &Cells<'_>,
    columns: &Columns,
    config: &UpstreamConfig,
) -> Result<Action, LanguageError> {
    let player = player(cells, columns, config)?;
    let round = cells.get(Some(columns.round)).unwrap_or_default();
    // `3.0` where a table has had holes.
    let round = round
        .trim()
        .parse::<f64>()
        .ok()
        .filter(|round| round.fract() == 0.0 && (1.0..=65_535.0).contains(round))
        .ok_or_else(|| cells.wrong("round", format!("`{}` is no round", shortened(round))))?;
    let message = cells.get(columns.message).map(str::to_owned);
    let decision = cells.get(columns.decision);
    let act = match config.game {
        GameConfig::Bargaining(_) => {
            let [alice, bob] = columns.gains.unwrap_or_default();
            let gains = [
                cells.number(alice, "alice_gain")?,
                cells.number(bob, "bob_gain")?,
            ];
            match (gains, decision) {
                ([Some(alice), Some(bob)], None) => Act::Split([alice, bob]),
                ([None, None], Some(word)) => Act::Verdict(match word.trim() {
                    "accept" => Verdict::Accept,
                    "reject" => Verdict::Reject,
                    "walkaway" => Verdict::Exit,
                    _ => return Err(unknown(cells, word, "accept, reject, walkaway")),
                }),
                _ => return Err(cells.wrong("", "is neither an offer nor a decision")),
            }
        }
        GameConfig::Negotiation(_) => {
            let price = cells.number(columns.price.unwrap_or_default(), "product_price")?;
            match (price, decision) {
                (Some(price), None) => Act::Price(price),
                (None, Some(word)) => Act::Verdict(match word.trim() {
                    "AcceptOffer" => Verdict::Accept,
                    "RejectOffer" => Verdict::Reject,
                    "SellToJhon" | "BuyFromJhon" | "DealWithJhon" | "WalkAway" => Verdict::Exit,
                    _ => {
                        let known = "AcceptOffer, RejectOffer, SellToJhon, BuyFromJhon, DealWithJhon, WalkAway";
                        return Err(unknown(cells, word, known));
                    }
                }),
                _ => return Err(cells.wrong("", "is neither a price nor a decision")),
            }
        }
        GameConfig::Persuasion(_) => match (player, cells.get(columns.quality), decision) {
            (None, Some(quality), _) => Act::Quality(match quality.trim() {
                "high-quality" => true,
                "low-quality" => false,
                _ => {
                    let problem = format!(
                        "`{}` is not high-quality or low-quality",
                        shortened(quality)
                    );
                    return Err(cells.wrong("round_quality", problem));
                }
            }),
            (Some(ALICE), None, Some(word)) => Act::Recommend(cells.yes_or_no(word)?),
            (Some(ALICE), None, None) => Act::Text,
            (Some(_), None, Some(word)) => Act::Buy(cells.yes_or_no(word)?),
            _ => return Err(cells.wrong("", "is no quality, recommendation, message or purchase")),
        },
    };
    Ok(Action {
        player,
        round: round as u16,
        act,
        message,
        prompt: String::new(),
        response: String::new(),
    })
}

fn unknown(cells: &Cells<'_>, word: &str, known: &str) -> LanguageError {
    cells.wrong(
        "decision",
        format!("`{}` is none of {known}", shortened(word)),
    )
}

/// Whose row it is: players by their public names, `Alice`, `Bob`, `the buyer`, and `Nature`.
fn player(
    cells: &Cells<'_>,
    columns: &Columns,
    config: &UpstreamConfig,
) -> Result<Option<usize>, LanguageError> {
    let cell = cells.get(Some(columns.player)).unwrap_or_default();
    let name = cell.trim();
    let is = |known: Option<&str>| known.is_some_and(|known| known.eq_ignore_ascii_case(name));
    for (player, plain) in [ALICE, BOB].into_iter().zip(["Alice", "Bob"]) {
        if is(config.players[player].public_name.as_deref()) {
            return Ok(Some(player));
        }
        if is(Some(plain)) && config.players[1 - player].public_name.as_deref() != Some(plain) {
            return Ok(Some(player));
        }
    }
    if is(Some("the buyer")) {
        return Ok(Some(BOB));
    }
    if is(Some("Nature")) {
        return Ok(None);
    }
    let shown = |player: usize, plain: &'static str| {
        config.players[player]
            .public_name
            .clone()
            .unwrap_or_else(|| plain.into())
    };
    let problem = format!(
        "`{}` is none of {}, {}, Nature",
        shortened(cell),
        shown(ALICE, "Alice"),
        shown(BOB, "Bob")
    );
    Err(cells.wrong("player", problem))
}

/// What a folder holds.
#[derive(Debug)]
pub(super) enum Found {
    /// A game, with the lines of its actions.
    Game(Box<Transcript>, Vec<u64>),
    /// A configuration without `game.csv`: the game was not finished.
    NoTable,
}

/// Reads the game in a folder.
pub(super) fn read_game(folder: &GameFolder) -> Result<Found, LanguageError> {
    let path = folder.path.join("config.json");
    let config = read_config(&path, &text(&path)?)?;
    let table = folder.path.join("game.csv");
    if !table.exists() {
        return Ok(Found::NoTable);
    }
    let (actions, lines) = read_rows(&table, &text(&table)?, &config)?;
    let otree = config.kinds.iter().any(|kind| kind == "otree");
    Ok(Found::Game(
        Box::new(Transcript {
            id: folder.id.clone(),
            experiment: folder.experiment.clone(),
            human: otree || folder.experiment == "human_vs_llm",
            config,
            actions,
        }),
        lines,
    ))
}
