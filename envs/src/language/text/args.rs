//! Arguments: those of the game in numbers, and what words need.

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error},
};
use serde_json::{Map, Value};

use super::{
    Prompts,
    spoken::{Grid, InNumbers, InWords, Spoken},
};
use crate::{
    error::EnvError,
    language::{
        Bargaining, Negotiation,
        answer::{InvalidPolicy, Reading, gain_key},
        structured::{BargainingArgs, Haggling, NegotiationArgs, PersuasionArgs, PersuasionGame},
    },
    sim::Environment,
};

/// Arguments of a game that is played in words.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(default)]
pub struct TextArgs<A: Default + Serialize> {
    /// The game. Its grid of offers is told to players that choose from one; any amount can be offered.
    #[serde(flatten)]
    pub game: A,
    /// How answers that are no moves are treated.
    pub invalid: InvalidPolicy,
    /// How answers are read.
    pub reading: Reading,
    /// What the players are called. The keys of a division follow from it.
    pub names: [String; 2],
    /// A file with other words than the built-in English ones; empty for those.
    pub prompts: String,
}

impl<A: Default + Serialize> Default for TextArgs<A> {
    fn default() -> Self {
        Self {
            game: A::default(),
            invalid: InvalidPolicy::default(),
            reading: Reading::default(),
            names: ["Alice".into(), "Bob".into()],
            prompts: String::new(),
        }
    }
}

/// The keys of its own are taken out, so that the game can refuse those it does not know.
impl<'de, A: DeserializeOwned + Default + Serialize> Deserialize<'de> for TextArgs<A> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut given = Map::deserialize(from)?;
        let mut args = Self::default();
        take(&mut given, "invalid", &mut args.invalid)?;
        take(&mut given, "reading", &mut args.reading)?;
        take(&mut given, "names", &mut args.names)?;
        take(&mut given, "prompts", &mut args.prompts)?;
        args.game = read("", Value::Object(given))?;
        Ok(args)
    }
}

fn take<T: DeserializeOwned, E: Error>(
    given: &mut Map<String, Value>,
    key: &str,
    into: &mut T,
) -> Result<(), E> {
    if let Some(value) = given.shift_remove(key) {
        *into = read(key, value)?;
    }
    Ok(())
}

/// Reads a value; an error names the key.
fn read<T: DeserializeOwned, E: Error>(key: &str, value: Value) -> Result<T, E> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let inner = error.path().to_string();
        let dot = if key.is_empty() || inner == "." {
            ""
        } else {
            "."
        };
        let inner = if inner == "." { "" } else { &inner };
        E::custom(format!("`{key}{dot}{inner}`: {}", error.inner()))
    })
}

/// A game in numbers whose rules can be played in words.
pub trait Wordable: Default + Serialize {
    /// The game.
    type Game: Spoken;

    /// The game in which any amount can be offered, the grid of those who choose from one, and the game in numbers.
    ///
    /// # Errors
    /// [`EnvError::Argument`].
    fn game(&self) -> Result<(Self::Game, Option<Grid>, InNumbers), EnvError>;
}

impl Wordable for BargainingArgs {
    type Game = Haggling<Bargaining>;

    fn game(&self) -> Result<(Self::Game, Option<Grid>, InNumbers), EnvError> {
        let grid = Grid {
            offers: self.offers,
            lowest: 0.0,
            highest: 1.0,
        };
        let game = self.build()?;
        let numbers = InNumbers(game.spec().into());
        Ok((game.with_any_amount(), Some(grid), numbers))
    }
}

impl Wordable for NegotiationArgs {
    type Game = Haggling<Negotiation>;

    fn game(&self) -> Result<(Self::Game, Option<Grid>, InNumbers), EnvError> {
        let grid = Grid {
            offers: self.offers,
            lowest: self.lowest,
            highest: self.highest,
        };
        let game = self.build()?;
        let numbers = InNumbers(game.spec().into());
        Ok((game.with_any_amount(), Some(grid), numbers))
    }
}

impl Wordable for PersuasionArgs {
    type Game = PersuasionGame;

    fn game(&self) -> Result<(Self::Game, Option<Grid>, InNumbers), EnvError> {
        let game = self.with_replies()?;
        let numbers = InNumbers(game.spec().into());
        Ok((game, None, numbers))
    }
}

/// Longest name, in characters.
const LONGEST_NAME: usize = 60;

impl<A: Wordable> TextArgs<A> {
    /// The environment.
    ///
    /// # Errors
    /// [`EnvError::Argument`].
    pub fn build(&self) -> Result<InWords<A::Game>, EnvError> {
        let (game, grid, numbers) = self.game.game()?;
        if let Some(weight) = game.shaped_by() {
            let problem = "is for the games in numbers: here rewards are self-gains";
            return Err(EnvError::argument(weight, problem));
        }
        for name in &self.names {
            let length = name.trim().chars().count();
            if length == 0 || length > LONGEST_NAME || name.chars().any(char::is_control) {
                let problem = format!("{name:?} is not a line of 1 to {LONGEST_NAME} characters");
                return Err(EnvError::argument("names", problem));
            }
        }
        let keys = self.names.each_ref().map(|name| gain_key(name));
        if keys[0] == keys[1] {
            let problem = format!("both players would answer with the key `{}`", keys[0]);
            return Err(EnvError::argument("names", problem));
        }
        if self.invalid.max_attempts == 0 {
            return Err(EnvError::argument(
                "invalid.max_attempts",
                "must be at least 1",
            ));
        }
        Ok(InWords {
            game,
            invalid: self.invalid,
            reading: self.reading,
            names: self.names.clone(),
            prompts: Prompts::load(&self.prompts)?,
            grid,
            numbers,
        })
    }
}
