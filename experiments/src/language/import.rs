//! A tree of games as two tables.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use palaestra_envs::language::{Scoring, upstream::GameConfig};
use serde::Serialize;

use super::{
    Act, ActionRow, Game, GameFolder, LanguageError, Place, TableWriter, Transcript, Walk,
    game::UNFINISHED,
    read::{Found, read_game},
};
use crate::files;

/// How to import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Counts games that cannot be read, or are none by the rules, instead of stopping at the first.
    pub lenient: bool,
    /// Whose formulas measure the games.
    pub scoring: Scoring,
}

/// What was imported, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Imported {
    /// The tables of games and of actions.
    pub files: Vec<PathBuf>,
    /// Folders with a game.
    pub read: u64,
    /// Games in the table.
    pub games: u64,
    /// Actions in the table.
    pub actions: u64,
    /// What came out, by family.
    pub families: BTreeMap<String, FamilySummary>,
    /// Games that were left out, by reason.
    pub left_out: BTreeMap<&'static str, u64>,
    /// Games that could not be read, with `--lenient`.
    pub refused: u64,
    /// The first of them.
    pub problems: Vec<Refused>,
}

/// A game that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Where it went wrong.
    pub place: Place,
    /// What is wrong.
    pub problem: String,
}

/// What came out in a family.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FamilySummary {
    /// Games.
    pub games: u64,
    /// Decisions.
    pub decisions: u64,
    /// Messages.
    pub messages: u64,
    /// Words of them.
    pub words: u64,
    /// Mean of Alice's normalised self-gain.
    pub alice_gain: f64,
    /// Mean of Bob's.
    pub bob_gain: f64,
    /// Mean efficiency, over the games where it is defined.
    pub efficiency: Option<f64>,
    /// Mean fairness, not clipped, over the games where it is defined.
    pub fairness: Option<f64>,
    /// Games in which efficiency is defined.
    pub with_efficiency: u64,
    /// Games in which fairness is defined.
    pub with_fairness: u64,
}

impl FamilySummary {
    /// Adds a game. Until [`finish`](Self::finish) means are sums.
    fn add(&mut self, game: &Game) {
        self.games += 1;
        self.decisions += u64::from(game.decisions);
        self.messages += u64::from(game.messages_sent);
        self.words += u64::from(game.words);
        self.alice_gain += game.alice_gain;
        self.bob_gain += game.bob_gain;
        for (sum, count, value) in [
            (
                &mut self.efficiency,
                &mut self.with_efficiency,
                game.efficiency,
            ),
            (&mut self.fairness, &mut self.with_fairness, game.fairness),
        ] {
            if let Some(value) = value {
                *sum = Some(sum.unwrap_or_default() + value);
                *count += 1;
            }
        }
    }

    fn finish(&mut self) {
        let games = self.games.max(1) as f64;
        self.alice_gain /= games;
        self.bob_gain /= games;
        self.efficiency = self.efficiency.map(|sum| sum / self.with_efficiency as f64);
        self.fairness = self.fairness.map(|sum| sum / self.with_fairness as f64);
    }
}

/// Problems that are told one by one.
const SHOWN: usize = 20;

/// Imports the games below `folder` to `games.parquet` and `actions.parquet` in `out`. Both appear when they are complete.
/// `progress` hears of each folder.
///
/// # Errors
/// [`LanguageError`] for the first game that cannot be read, unless they are to be counted; and for the files written.
pub fn import(
    folder: &Path,
    out: &Path,
    options: ImportOptions,
    mut progress: impl FnMut(u64, &GameFolder),
) -> Result<Imported, LanguageError> {
    files::create_folder(out)?;
    let mut games = TableWriter::<Game>::create(&out.join("games.parquet"))?;
    let mut rows = TableWriter::<ActionRow>::create(&out.join("actions.parquet"))?;
    let mut imported = Imported::default();
    for place in Walk::new(folder) {
        let place = place?;
        progress(imported.read, &place);
        imported.read += 1;
        let found = read_game(&place).and_then(|found| judged(&place, found, options.scoring));
        let (transcript, game) = match found {
            Ok(Judged::Game(transcript, game)) => (transcript, game),
            Ok(Judged::LeftOut(reason)) => {
                *imported.left_out.entry(reason).or_default() += 1;
                continue;
            }
            Err(LanguageError::Data { place, problem }) if options.lenient => {
                imported.refused += 1;
                if imported.problems.len() < SHOWN {
                    imported.problems.push(Refused { place, problem });
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        games.write(&game)?;
        for number in 0..transcript.actions.len() {
            if let Some(row) = ActionRow::of(&transcript, number) {
                rows.write(&row)?;
            }
        }
        let family = imported.families.entry(game.family.clone()).or_default();
        family.add(&game);
    }
    if imported.read == 0 {
        return Err(LanguageError::request(
            format!("there are no games below {}", folder.display()),
            "a game is a folder with config.json and game.csv",
        ));
    }
    imported
        .families
        .values_mut()
        .for_each(FamilySummary::finish);
    (imported.games, imported.actions) = (games.rows(), rows.rows());
    imported.files = vec![games.finish()?, rows.finish()?];
    Ok(imported)
}

enum Judged {
    Game(Box<Transcript>, Box<Game>),
    LeftOut(&'static str),
}

/// Whether a game counts; what came out of it.
fn judged(folder: &GameFolder, found: Found, scoring: Scoring) -> Result<Judged, LanguageError> {
    let (transcript, lines) = match found {
        Found::Game(transcript, lines) => (transcript, lines),
        Found::NoTable => return Ok(Judged::LeftOut("not finished: there is no game.csv")),
    };
    if let Some(reason) = filtered(&transcript) {
        return Ok(Judged::LeftOut(reason));
    }
    match Game::of(&transcript, scoring) {
        Ok(game) => Ok(Judged::Game(transcript, Box::new(game))),
        Err(breach) if breach.problem == UNFINISHED => Ok(Judged::LeftOut(
            "not finished: the last row does not end the game",
        )),
        Err(breach) => {
            let line = lines.get(breach.action).copied();
            let table = folder.path.join("game.csv");
            Err(LanguageError::data(
                &table,
                line,
                breach.column,
                breach.problem,
            ))
        }
    }
}

/// Why the released scripts leave a game out: negotiations with more messages than decisions, and those of models alone
/// with more decisions than rounds.
fn filtered(transcript: &Transcript) -> Option<&'static str> {
    let GameConfig::Negotiation(_) = transcript.config.game else {
        return None;
    };
    let actions = &transcript.actions;
    let messages = actions
        .iter()
        .filter(|action| action.message.is_some())
        .count();
    let decided = actions
        .iter()
        .filter(|action| matches!(action.act, Act::Verdict(_)));
    let decisions = decided.count();
    let rounds = actions.last().map_or(0, |action| usize::from(action.round));
    if messages > decisions && messages > 1 {
        return Some("a negotiation with more messages than decisions");
    }
    if decisions > rounds && !transcript.human {
        return Some("a negotiation with more decisions than rounds");
    }
    None
}
