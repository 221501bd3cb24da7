//! The games of a run: its logged episodes, played again.

use std::path::Path;

use palaestra_envs::{
    language::{
        ALICE, BOB, Bargaining, Money, Negotiation, Outcome, Persuasion, PersuasionPhase, Reason,
        Scoring, Signal, Verdict,
        answer::{self, Expected, Move, Play, Reading},
        structured::{Pitch, Talk},
        templates,
        text::Table,
        upstream::{GameConfig, UpstreamConfig},
    },
    sim::{PlayerSpec, Simulator},
    space::ColumnData,
};
use serde_json::{Value, json};

use super::{Act, Action, Game, LanguageError, Transcript};
use crate::{
    Registries,
    config::Document,
    episodes::{Ending, Episode, EpisodeLog, PlayerEpisode},
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
    /// The game in row 0, in numbers or in words.
    fn of(simulator: &Simulator) -> Result<Option<Self>, RunError> {
        if let Some(game) = simulator.row_state::<Talk<Bargaining>>(0)? {
            return Ok(Some(Self::Bargaining(*game.game())));
        }
        if let Some(table) = simulator.row_state::<Table<Talk<Bargaining>>>(0)? {
            return Ok(Some(Self::Bargaining(*table.game().game())));
        }
        if let Some(game) = simulator.row_state::<Talk<Negotiation>>(0)? {
            return Ok(Some(Self::Negotiation(*game.game())));
        }
        if let Some(table) = simulator.row_state::<Table<Talk<Negotiation>>>(0)? {
            return Ok(Some(Self::Negotiation(*table.game().game())));
        }
        if let Some(table) = simulator.row_state::<Table<Pitch>>(0)? {
            return Ok(Some(Self::Persuasion(*table.game().game())));
        }
        let pitch = simulator.row_state::<Pitch>(0)?;
        Ok(pitch.map(|pitch| Self::Persuasion(*pitch.game())))
    }

    fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Bargaining(game) => game.outcome(),
            Self::Negotiation(game) => game.outcome(),
            Self::Persuasion(game) => game.outcome(),
        }
    }

    /// Whether a move leads from here to `after`; an answer that was no move leaves the turn where it is.
    fn goes_on_to(&self, after: &Self) -> bool {
        let turn = |game: &Self| (game.mover(), game.round(), game.outcome().is_some());
        turn(self) != turn(after)
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

/// What a player was shown before a move, and how it answered.
struct Logged<'a> {
    spec: &'a PlayerSpec,
    /// Fields of the observation in words: the chat, and what is due.
    words: Option<[usize; 2]>,
    episode: &'a PlayerEpisode,
}

impl<'a> Logged<'a> {
    fn of(spec: &'a PlayerSpec, episode: &'a PlayerEpisode) -> Self {
        let seen = &episode.observation;
        let field = |name: &str| {
            let is_text = |&at: &usize| matches!(seen.fields()[at].data, ColumnData::Text(_));
            seen.index_of(name).filter(is_text)
        };
        let words = field("conversation").zip(field("expects"));
        Self {
            spec,
            words: words.map(|(chat, due)| [chat, due]),
            episode,
        }
    }

    /// What is due in step `step`, as the player was told; null in numbers.
    fn due(&self, step: usize) -> Value {
        let due = self
            .words
            .map(|[_, due]| &self.episode.observation.text(due)[step]);
        due.and_then(|due| serde_json::from_str(due).ok())
            .unwrap_or_default()
    }

    /// The answer in words of step `step`; none in numbers.
    fn answer(&self, step: usize) -> Option<&str> {
        self.words
            .map(|_| self.episode.action.text(0)[step].as_str())
    }

    /// What the player saw in step `step`, as JSON: the chat, or the numbers.
    fn prompt(&self, step: usize, round: u16) -> String {
        let seen = &self.episode.observation;
        if let Some([chat, _]) = self.words {
            return seen.text(chat)[step].clone();
        }
        let seen = self.spec.observation.row_to_json(seen, step);
        json!({ "round": round, "observation": seen }).to_string()
    }
}

/// A move as it is recorded: what was played, what was said with it, and the answer.
struct Recorded {
    play: Play,
    message: Option<String>,
    response: String,
}

impl Logged<'_> {
    /// The move of step `step` that led from `before` to `after`; `None` if it cannot be one of them.
    fn recorded(&self, step: usize, before: &Playing, after: &Playing) -> Option<Recorded> {
        let play = before.play_to(after)?;
        let Some(words) = self.answer(step) else {
            let expected = before.expected()?;
            let chosen = self.spec.action.row_to_json(&self.episode.action, step);
            let message = before.message(before.mover()?, play, &chosen);
            // Where a sentence may go along and none was chosen, there is silence.
            let said = message.clone().or_else(|| expected_message(&expected));
            let answer = Move {
                play,
                message: said,
            };
            return Some(Recorded {
                play,
                message,
                response: answer::write(&answer, &expected).unwrap_or_default(),
            });
        };
        let expected: Expected = serde_json::from_value(self.due(step)).ok()?;
        if let Ok(read) = answer::read(words, &expected, &Reading::default()) {
            return Some(Recorded {
                play,
                message: read.message,
                response: words.to_owned(),
            });
        }
        // The cautious move that was made for who gave none.
        let message = expected_message(&expected);
        let answer = Move { play, message };
        Some(Recorded {
            play,
            message: None,
            response: answer::write(&answer, &expected).unwrap_or_default(),
        })
    }
}

/// What happened in an episode of `trial`, by a simulator of that trial with one row. `None` for an episode that was cut, and
/// for a game in words that its players did not bring to an end. What a player was shown is what it saw, as JSON; its
/// answer stands as it was given in words, or is written as a chat player would. Answers that were no moves are left out.
///
/// # Errors
/// [`LanguageError::Request`] if the environment is no language game, [`LanguageError::Run`] if the episode cannot be
/// played again.
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
        LanguageError::request(
            format!(
                "`{}` is no game of bargaining, negotiation or persuasion",
                spec.id
            ),
            "these are the episodes of glee_bargaining-v1, glee_negotiation-v1, glee_persuasion-v1 and of the same games in words",
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
    let logged: Vec<Logged<'_>> = (spec.players.iter().zip(&episode.players))
        .map(|(spec, episode)| Logged::of(spec, episode))
        .collect();
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
        let mover = before.mover().ok_or_else(foreign)?;
        let seat = logged.get(mover).ok_or_else(foreign)?;
        replay::place_actions(simulator, 0, episode, step);
        simulator.step().map_err(again)?;
        let after = Playing::of(simulator)?.ok_or_else(foreign)?;
        if after
            .outcome()
            .is_some_and(|end| !end.reason.is_by_the_rules())
        {
            return Ok(None);
        }
        if !before.goes_on_to(&after) {
            continue;
        }
        // Who is called otherwise in the game is so in the file.
        if let Some(name) = seat.due(step)["game"]["public_name"].as_str() {
            config.players[mover].public_name = Some(name.into());
        }
        let recorded = seat.recorded(step, &before, &after).ok_or_else(foreign)?;
        actions.push(Action {
            player: Some(mover),
            round: before.round(),
            act: act(recorded.play),
            message: recorded.message.filter(|text| !text.is_empty()),
            prompt: seat.prompt(step, before.round()),
            response: recorded.response,
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
