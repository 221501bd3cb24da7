//! The games of a run: its logged episodes, played again.

use std::path::Path;

use palaestra_envs::{
    language::{
        ALICE, BOB, Bargaining, Money, Negotiation, Persuasion, PersuasionPhase, Reason, Scoring,
        Signal, Verdict,
        answer::{self, Expected, Move, Play},
        structured::{Pitch, Talk},
        templates,
        upstream::{GameConfig, UpstreamConfig},
    },
    sim::Simulator,
};
use serde_json::{Value, json};

use super::{Act, Action, Game, LanguageError, Transcript};
use crate::{
    Registries,
    config::Document,
    episodes::{Ending, Episode, EpisodeLog},
    files, replay,
    run::{RunError, RunFolder, Trial},
};

/// The kind of a player of ours in configurations.
const KIND: &str = "palaestra";
/// Choices of the seller before the messages.
const BITS: usize = 2;

/// A running game of any family.
#[derive(Debug, Clone, Copy)]
enum Playing {
    Bargaining(Bargaining),
    Negotiation(Negotiation),
    Persuasion(Persuasion),
}

impl Playing {
    /// The game in row 0.
    fn of(simulator: &Simulator) -> Result<Option<Self>, RunError> {
        if let Some(talk) = simulator.row_state::<Talk<Bargaining>>(0)? {
            return Ok(Some(Self::Bargaining(*talk.game())));
        }
        if let Some(talk) = simulator.row_state::<Talk<Negotiation>>(0)? {
            return Ok(Some(Self::Negotiation(*talk.game())));
        }
        let pitch = simulator.row_state::<Pitch>(0)?;
        Ok(pitch.map(|pitch| Self::Persuasion(*pitch.game())))
    }

    fn config(&self) -> GameConfig {
        match self {
            Self::Bargaining(game) => GameConfig::Bargaining(game.config),
            Self::Negotiation(game) => GameConfig::Negotiation(game.config),
            Self::Persuasion(game) => GameConfig::Persuasion(game.config),
        }
    }

    fn mover(&self) -> Option<usize> {
        match self {
            Self::Bargaining(game) => game.mover(),
            Self::Negotiation(game) => game.mover(),
            Self::Persuasion(game) => game.mover(),
        }
    }

    fn round(&self) -> u16 {
        match self {
            Self::Bargaining(game) => game.round(),
            Self::Negotiation(game) => game.round(),
            Self::Persuasion(game) => game.round(),
        }
    }

    fn expected(&self) -> Option<Expected> {
        match self {
            Self::Bargaining(game) => game.expected(["Alice", "Bob"]),
            Self::Negotiation(game) => game.expected(),
            Self::Persuasion(game) => game.expected(),
        }
    }

    /// What nature has made, if it is for the seller to speak of it.
    fn quality(&self) -> Option<bool> {
        match self {
            Self::Persuasion(game) if game.phase() == PersuasionPhase::Seller => {
                Some(game.is_high())
            }
            _ => None,
        }
    }

    /// What was played to come from here to `after`.
    fn play_to(&self, after: &Self) -> Option<Play> {
        let verdict = |reason: Option<Reason>| match reason {
            Some(Reason::Agreement) => Verdict::Accept,
            Some(Reason::WalkAway | Reason::OutsideOption) => Verdict::Exit,
            _ => Verdict::Reject,
        };
        Some(match (self, after) {
            (Self::Bargaining(before), Self::Bargaining(after)) => match before.offer() {
                None => {
                    let alice = after.offer()?;
                    Play::Split(alice, before.config.money - alice)
                }
                Some(_) => Play::Verdict(verdict(after.outcome().map(|end| end.reason))),
            },
            (Self::Negotiation(before), Self::Negotiation(after)) => match before.offer() {
                None => Play::Price(after.offer()?),
                Some(_) => Play::Verdict(verdict(after.outcome().map(|end| end.reason))),
            },
            (Self::Persuasion(before), Self::Persuasion(after)) => match before.phase() {
                PersuasionPhase::Seller => match after.signal()? {
                    Signal::Recommend(yes) => Play::Recommend(yes),
                    Signal::Text => Play::Text,
                },
                _ => Play::Buy(after.counts().sold() > before.counts().sold()),
            },
            _ => return None,
        })
    }

    /// The sentence that was chosen with a move, where there are sentences.
    fn message(&self, mover: usize, play: Play, action: &Value) -> Option<String> {
        let (types, told) = match self {
            Self::Bargaining(game) => (game.config.delta, game.config.horizon.told()),
            Self::Negotiation(game) => (game.config.factor, game.config.horizon.told()),
            Self::Persuasion(_) => ([0.0; 2], None),
        };
        let (index, offer) = match play {
            Play::Split(alice, bob) => (action.get(1)?, Some([alice, bob][mover])),
            Play::Price(price) => (action.get(1)?, Some(price)),
            Play::Text => (action, None),
            _ => return None,
        };
        let index = index.as_u64()? as usize;
        let index = if play == Play::Text {
            index.checked_sub(BITS)?
        } else {
            index
        };
        let left = told.map(|last| last - self.round() + 1);
        Some(templates::say(
            index,
            offer,
            &types[mover].to_string(),
            left,
        ))
    }
}

fn act(play: Play) -> Act {
    match play {
        Play::Split(alice, bob) => Act::Split([alice, bob].map(Money::to_f64)),
        Play::Price(price) => Act::Price(price.to_f64()),
        Play::Verdict(verdict) => Act::Verdict(verdict),
        Play::Text => Act::Text,
        Play::Recommend(yes) => Act::Recommend(yes),
        Play::Buy(buys) => Act::Buy(buys),
    }
}

/// What happened in an episode of `trial`, by a simulator of that trial with one row. `None` for an episode that was cut.
/// What a player was shown is what it saw, as JSON; its answer is written as a chat player would.
///
/// # Errors
/// [`LanguageError::Request`] if the environment is no language game with numbers, [`LanguageError::Run`] if the episode
/// cannot be played again.
pub fn transcript_of(
    episode: &Episode,
    trial: &Trial,
    simulator: &mut Simulator,
    experiment: &str,
) -> Result<Option<Transcript>, LanguageError> {
    if episode.info.ending == Ending::Cut {
        return Ok(None);
    }
    let spec = simulator.spec().clone();
    let foreign = || {
        let why = if spec.id.starts_with("glee_") {
            "is played in words, and only games in numbers are read"
        } else {
            "is no game of bargaining, negotiation or persuasion"
        };
        LanguageError::request(
            format!("`{}` {why}", spec.id),
            "runs of glee_bargaining-v1, glee_negotiation-v1 and glee_persuasion-v1 are read",
        )
    };
    let again = |error| LanguageError::Run(RunError::Env(error));
    replay::start(simulator, 0, episode).map_err(again)?;
    let mut before = Playing::of(simulator)?.ok_or_else(foreign)?;
    let kinds = [KIND; 2];
    let mut config = UpstreamConfig::new(before.config(), kinds);
    config.experiment_name = Some(experiment.to_owned());
    let agents = trial.agents_of_players(&spec)?;
    for ((player, agent), name) in config.players.iter_mut().zip(agents).zip(["Alice", "Bob"]) {
        player.model_name = Some(agent);
        player.public_name = Some(name.into());
    }
    let mut actions = Vec::with_capacity(2 * episode.info.length);
    let nature = |actions: &mut Vec<Action>, game: &Playing| {
        if let Some(high) = game.quality() {
            actions.push(Action {
                player: None,
                round: game.round(),
                act: Act::Quality(high),
                message: None,
                prompt: String::new(),
                response: String::new(),
            });
        }
    };
    nature(&mut actions, &before);
    for step in 0..episode.info.length {
        let (Some(mover), Some(expected)) = (before.mover(), before.expected()) else {
            return Err(foreign());
        };
        replay::place_actions(simulator, 0, episode, step);
        simulator.step().map_err(again)?;
        let after = Playing::of(simulator)?.ok_or_else(foreign)?;
        let play = before.play_to(&after).ok_or_else(foreign)?;
        let logged = &episode.players[mover];
        let chosen = spec.players[mover].action.row_to_json(&logged.action, step);
        let message = before.message(mover, play, &chosen);
        let seen = spec.players[mover]
            .observation
            .row_to_json(&logged.observation, step);
        let prompt = json!({ "round": before.round(), "observation": seen }).to_string();
        // Where a sentence may go along and none was chosen, there is silence.
        let said = message.clone().or_else(|| expected_message(&expected));
        let answer = Move {
            play,
            message: said,
        };
        let response = answer::write(&answer, &expected).unwrap_or_default();
        actions.push(Action {
            player: Some(mover),
            round: before.round(),
            act: act(play),
            message: message.filter(|text| !text.is_empty()),
            prompt,
            response,
        });
        if mover == BOB {
            nature(&mut actions, &after);
        }
        before = after;
    }
    debug_assert!(
        [ALICE, BOB]
            .iter()
            .all(|player| before.mover() != Some(*player))
    );
    Ok(Some(Transcript {
        id: name_of(trial, &episode.info.id.to_string()),
        experiment: experiment.to_owned(),
        human: false,
        config,
        actions,
    }))
}

fn expected_message(expected: &Expected) -> Option<String> {
    let has = match expected {
        Expected::Split { message, .. }
        | Expected::Price { message, .. }
        | Expected::Purchase { message } => *message,
        Expected::SellerText => true,
        _ => false,
    };
    has.then(String::new)
}

/// 16 letters and digits that are the same for the same episode of the same trial.
fn name_of(trial: &Trial, episode: &str) -> String {
    const LETTERS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let text = format!("{}/{}/{episode}", trial.config.experiment.name, trial.name);
    let hash = blake3::hash(text.as_bytes());
    let mut number = u128::from_le_bytes(std::array::from_fn(|i| hash.as_bytes()[i]));
    let mut name = String::with_capacity(16);
    for _ in 0..16 {
        name.push(LETTERS[(number % 36) as usize].into());
        number /= 36;
    }
    name
}

/// What came out of a transcript of ours.
///
/// # Errors
/// [`LanguageError::Request`] if it is no game by the rules; that of an episode always is.
pub fn game_of(transcript: &Transcript) -> Result<Game, LanguageError> {
    Game::of(transcript, Scoring::Paper).map_err(|breach| {
        LanguageError::request(
            format!(
                "game {}: action {}: {}",
                transcript.id, breach.action, breach.problem
            ),
            "report this: an episode is a game by the rules",
        )
    })
}

/// Calls `each` with every game in the episode logs of `trials`, in their order.
///
/// # Errors
/// As [`transcript_of`], and those of `each`.
pub fn games_of(
    registries: &Registries,
    folder: &RunFolder,
    trials: &[Trial],
    mut each: impl FnMut(&Transcript, &Trial) -> Result<(), LanguageError>,
) -> Result<(), LanguageError> {
    for trial in trials {
        let log = EpisodeLog::open(&folder.trial(&trial.name))?;
        let mut simulator = trial.replay_simulator(registries, 1, &[])?;
        for episode in log.read_all() {
            let experiment = folder.manifest.name.as_str();
            if let Some(transcript) = transcript_of(&episode?, trial, &mut simulator, experiment)? {
                each(&transcript, trial)?;
            }
        }
    }
    Ok(())
}

/// What came out of the logged games of the run in `path`.
///
/// # Errors
/// As [`games_of`]; [`LanguageError::Request`] if the run's configuration cannot be read.
pub fn games_of_run(registries: &Registries, path: &Path) -> Result<Vec<Game>, LanguageError> {
    let folder = RunFolder::open(path)?;
    let resolved = path.join("resolved.toml");
    let text = String::from_utf8_lossy(&files::read(&resolved)?).into_owned();
    let trials = Document::parse(&resolved.display().to_string(), &text)
        .and_then(|document| document.trials(registries))
        .map_err(|error| {
            LanguageError::request(error.to_string(), "the run was made by another version")
        })?;
    let mut games = Vec::new();
    games_of(registries, &folder, &trials, |transcript, _| {
        games.push(game_of(transcript)?);
        Ok(())
    })?;
    Ok(games)
}
