//! A game as a folder, as the released code keeps it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use palaestra_envs::language::{
    ALICE, BOB,
    upstream::{self, GameConfig},
};

use super::{Act, LanguageError, Transcript};
use crate::files;

/// Writes a game to its folder below `root`: `EXPERIMENT/FAMILY/A/B/C/ABC…/`. The folder appears when it is complete; one
/// that is there is replaced.
///
/// # Errors
/// [`LanguageError::Unwritable`] for a game that the files have no words for, [`LanguageError::File`].
pub fn write_game(root: &Path, transcript: &Transcript) -> Result<PathBuf, LanguageError> {
    let config =
        upstream::write(&transcript.config).map_err(|error| LanguageError::Unwritable {
            episode: transcript.id.clone(),
            problem: error.to_string(),
        })?;
    let mut above = root
        .join(&transcript.experiment)
        .join(transcript.config.game.family());
    for letter in transcript.id.chars().take(3) {
        above.push(letter.to_string());
    }
    files::create_folder(&above)?;
    let folder = above.join(&transcript.id);
    let making = files::temporary_name(&folder);
    for old in [&making, &folder] {
        if old.exists() {
            files::at("replace", old, fs::remove_dir_all(old))?;
        }
    }
    files::create_folder(&making)?;
    let put = |name: &str, text: &str| {
        let path = making.join(name);
        files::at("write", &path, fs::write(&path, text))
    };
    put("config.json", &config)?;
    put("game.csv", &table(transcript))?;
    for (player, name) in [(ALICE, "log_player_1.csv"), (BOB, "log_player_2.csv")] {
        put(name, &log(transcript, player))?;
    }
    files::at("write", &folder, fs::rename(&making, &folder))?;
    Ok(folder)
}

/// The rows of all actions.
fn table(transcript: &Transcript) -> String {
    let game = &transcript.config.game;
    let talks = transcript
        .actions
        .iter()
        .any(|action| action.message.is_some());
    let mut names: Vec<&str> = match game {
        GameConfig::Bargaining(_) => vec!["alice_gain", "bob_gain"],
        GameConfig::Negotiation(_) => vec!["product_price"],
        GameConfig::Persuasion(_) => vec!["round_quality", "product_worth"],
    };
    names.extend(talks.then_some("message"));
    names.extend(["player", "round", "decision"]);
    let mut out = Lines::default();
    out.put(names.iter().map(|name| (*name).to_owned()));
    let negotiates = matches!(game, GameConfig::Negotiation(_));
    for action in &transcript.actions {
        let number = |x: f64| format!("{x:?}");
        let mut cells = match (game, action.act) {
            (_, Act::Split(gains)) => gains.map(number).to_vec(),
            (_, Act::Price(price)) => vec![number(price)],
            (GameConfig::Persuasion(config), Act::Quality(high)) => {
                let (word, worth) = if high {
                    ("high-quality", config.value_high)
                } else {
                    ("low-quality", config.value_low)
                };
                vec![word.to_owned(), number(worth * config.money.to_f64())]
            }
            _ => vec![String::new(); if negotiates { 1 } else { 2 }],
        };
        cells.extend(talks.then(|| action.message.clone().unwrap_or_default()));
        cells.push(name(transcript, action.player));
        cells.push(action.round.to_string());
        cells.push(
            action
                .act
                .upstream_word(negotiates, action.player)
                .unwrap_or_default()
                .into(),
        );
        out.put(cells);
    }
    out.finish()
}

/// What a player was shown, and its answers.
fn log(transcript: &Transcript, player: usize) -> String {
    let mut out = Lines::default();
    out.put(["prompt", "response"].map(str::to_owned));
    let own = transcript
        .actions
        .iter()
        .filter(|action| action.player == Some(player));
    for action in own {
        out.put([action.prompt.clone(), action.response.clone()]);
    }
    out.finish()
}

/// The player's public name; a buyer who changes each round has none.
fn name(transcript: &Transcript, player: Option<usize>) -> String {
    let config = &transcript.config;
    match (player, &config.game) {
        (None, _) => "Nature".into(),
        (Some(BOB), GameConfig::Persuasion(game)) if game.myopic => "the buyer".into(),
        (Some(player), _) => {
            let given = config.players[player].public_name.clone();
            given.unwrap_or_else(|| if player == ALICE { "Alice" } else { "Bob" }.into())
        }
    }
}

/// CSV in memory; nothing can go wrong there.
struct Lines(csv::Writer<Vec<u8>>);

impl Default for Lines {
    fn default() -> Self {
        Self(csv::Writer::from_writer(Vec::new()))
    }
}

impl Lines {
    fn put(&mut self, cells: impl IntoIterator<Item = String>) {
        let written = self.0.write_record(cells);
        debug_assert!(written.is_ok(), "{written:?}");
    }

    fn finish(self) -> String {
        let bytes = self.0.into_inner().unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}
