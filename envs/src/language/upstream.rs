//! Configuration files of the released code: JSON, read as they are and written again.
//!
//! *GLEE (eilamshapira/GLEE), `game_type`, `player_1_args`, `game_args`.* What a file says beside the game (models, keys of
//! forms, date and commit of a recorded game) is kept. A horizon of more than 20 rounds is one that players are not
//! told. Discount factors stand in `game_args` (`delta_1`, `delta_2`) or, as in older files, with the players; both are
//! read, the latter is written. In persuasion `v` is the worth of good things and `c` that of bad ones.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    BargainingConfig, Horizon, Money, NegotiationConfig, PersuasionConfig, RuleError, SellerMessage,
};
use crate::{
    error::EnvError,
    registry::{nearest, parse_args},
};

/// A game of any family.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GameConfig {
    /// Bargaining.
    Bargaining(BargainingConfig),
    /// Negotiation.
    Negotiation(NegotiationConfig),
    /// Persuasion.
    Persuasion(PersuasionConfig),
}

impl GameConfig {
    /// The family's name in files.
    pub fn family(&self) -> &'static str {
        match self {
            Self::Bargaining(_) => FAMILIES[0],
            Self::Negotiation(_) => FAMILIES[1],
            Self::Persuasion(_) => FAMILIES[2],
        }
    }

    /// Checks that this is a game.
    ///
    /// # Errors
    /// [`RuleError::Config`].
    pub fn check(&self) -> Result<(), RuleError> {
        match self {
            Self::Bargaining(config) => config.check(),
            Self::Negotiation(config) => config.check(),
            Self::Persuasion(config) => config.check(),
        }
    }
}

const FAMILIES: [&str; 3] = ["bargaining", "negotiation", "persuasion"];
/// More rounds than these are not told to players.
const LONGEST_TOLD: u16 = 20;

/// Who plays, as a file says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlayerArgs {
    /// Name that is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_name: Option<String>,
    /// Number or name of the player.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub player_id: Option<Value>,
    /// Discount factor, in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<f64>,
    /// Model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_name: Option<String>,
    /// Settings of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_kwargs: Option<Value>,
    /// Address of a player behind HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A configuration file.
#[derive(Debug, Clone, PartialEq)]
pub struct UpstreamConfig {
    /// The game.
    pub game: GameConfig,
    /// Kinds of the players: `terminal`, `litellm`, `http`, …
    pub kinds: [String; 2],
    /// The players. Discount factors are in the game.
    pub players: [PlayerArgs; 2],
    /// Name of the experiment.
    pub experiment_name: Option<String>,
    /// Whether players of a bargaining are reminded of what has melted.
    pub show_inflation_update: bool,
    /// Seconds a player has for a turn.
    pub timeout: Option<f64>,
    /// Keys of forms (`title`, `participation_fee`, …), date and commit, as they are.
    pub form: Map<String, Value>,
}

impl UpstreamConfig {
    /// A game between players of some kinds.
    pub fn new(game: GameConfig, kinds: [&str; 2]) -> Self {
        Self {
            game,
            kinds: kinds.map(str::to_owned),
            players: Default::default(),
            experiment_name: None,
            show_inflation_update: true,
            timeout: None,
            form: Map::new(),
        }
    }
}

/// Keys at the top that are kept and not looked at; and all that begin with `qualification`.
const FORM: [&str; 8] = [
    "name",
    // Null in the published games.
    "game",
    "display_name",
    "title",
    "description",
    "participation_fee",
    "date",
    "commit",
];

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Top {
    game_type: String,
    player_1_type: String,
    player_2_type: String,
    #[serde(default)]
    player_1_args: PlayerArgs,
    #[serde(default)]
    player_2_args: PlayerArgs,
    game_args: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    experiment_name: Option<String>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BargainingArgs {
    money_to_divide: f64,
    max_rounds: u16,
    complete_information: bool,
    messages_allowed: bool,
    #[serde(default = "yes")]
    show_inflation_update: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delta_1: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delta_2: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<f64>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NegotiationArgs {
    seller_value: f64,
    buyer_value: f64,
    product_price_order: f64,
    max_rounds: u16,
    complete_information: bool,
    messages_allowed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<f64>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PersuasionArgs {
    is_myopic: bool,
    product_price: f64,
    p: f64,
    c: f64,
    v: f64,
    #[serde(default = "twenty")]
    total_rounds: u16,
    is_seller_know_cv: bool,
    #[serde(default = "yes")]
    is_buyer_know_p: bool,
    seller_message_type: SellerMessage,
    #[serde(default)]
    allow_buyer_message: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<f64>,
}

fn yes() -> bool {
    true
}

fn twenty() -> u16 {
    20
}

fn horizon(rounds: u16) -> Horizon {
    if rounds <= LONGEST_TOLD {
        Horizon::Known(rounds)
    } else {
        Horizon::Hidden { cap: rounds }
    }
}

/// Reads a configuration file.
///
/// # Errors
/// [`EnvError::Argument`] with the path of the key, for an unknown key with the nearest known one.
pub fn read(text: &str) -> Result<UpstreamConfig, EnvError> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| EnvError::argument("", format!("not JSON: {error}")))?;
    let Value::Object(mut object) = value else {
        return Err(EnvError::argument("", "a configuration is a JSON object"));
    };
    let mut form = Map::new();
    let kept = |key: &String| FORM.contains(&key.as_str()) || key.starts_with("qualification");
    let keys: Vec<String> = object.keys().filter(|key| kept(key)).cloned().collect();
    for key in keys {
        if let Some(value) = object.shift_remove(&key) {
            form.insert(key, value);
        }
    }
    let top: Top = parse_args(&Value::Object(object))?;
    let args = Value::Object(top.game_args);
    let players = [top.player_1_args, top.player_2_args];
    let (mut show_inflation_update, timeout) = (true, None);
    let (game, timeout) = match top.game_type.as_str() {
        "bargaining" => {
            let args: BargainingArgs = within("game_args", parse_args(&args))?;
            show_inflation_update = args.show_inflation_update;
            let delta = |given: Option<f64>, player: usize| {
                given.or(players[player].delta).ok_or_else(|| {
                    let key = format!("game_args.delta_{}", player + 1);
                    let problem = format!(
                        "is missing, and so is `delta` of `player_{}_args`",
                        player + 1
                    );
                    EnvError::argument(&key, problem)
                })
            };
            let game = GameConfig::Bargaining(BargainingConfig {
                money: money("money_to_divide", args.money_to_divide)?,
                delta: [delta(args.delta_1, 0)?, delta(args.delta_2, 1)?],
                horizon: horizon(args.max_rounds),
                complete_information: args.complete_information,
                messages: args.messages_allowed,
                ..BargainingConfig::default()
            });
            (game, args.timeout.or(timeout))
        }
        "negotiation" => {
            let args: NegotiationArgs = within("game_args", parse_args(&args))?;
            let game = GameConfig::Negotiation(NegotiationConfig {
                money: money("product_price_order", args.product_price_order)?,
                factor: [args.seller_value, args.buyer_value],
                horizon: horizon(args.max_rounds),
                complete_information: args.complete_information,
                messages: args.messages_allowed,
                ..NegotiationConfig::default()
            });
            (game, args.timeout)
        }
        "persuasion" => {
            let args: PersuasionArgs = within("game_args", parse_args(&args))?;
            let game = GameConfig::Persuasion(PersuasionConfig {
                money: money("product_price", args.product_price)?,
                p: args.p,
                value_high: args.v,
                value_low: args.c,
                rounds: args.total_rounds,
                seller_knows_values: args.is_seller_know_cv,
                buyer_knows_p: args.is_buyer_know_p,
                seller_message: args.seller_message_type,
                buyer_message: args.allow_buyer_message,
                myopic: args.is_myopic,
                ..PersuasionConfig::default()
            });
            (game, args.timeout)
        }
        other => {
            return Err(EnvError::Argument {
                path: "game_type".into(),
                message: format!(
                    "there is no game `{other}`; there are {}",
                    FAMILIES.join(", ")
                ),
                suggestion: nearest(other, FAMILIES),
            });
        }
    };
    game.check()
        .map_err(|error| EnvError::argument("game_args", error.to_string()))?;
    let players = players.map(|player| PlayerArgs {
        delta: None,
        ..player
    });
    Ok(UpstreamConfig {
        game,
        kinds: [top.player_1_type, top.player_2_type],
        players,
        experiment_name: top.experiment_name,
        show_inflation_update,
        timeout,
        form,
    })
}

/// Puts the path of an error within `key`.
fn within<T>(key: &str, result: Result<T, EnvError>) -> Result<T, EnvError> {
    result.map_err(|error| match error {
        EnvError::Argument {
            path,
            message,
            suggestion,
        } => EnvError::Argument {
            path: if path.is_empty() {
                key.into()
            } else {
                format!("{key}.{path}")
            },
            message,
            suggestion,
        },
        other => other,
    })
}

fn money(key: &str, amount: f64) -> Result<Money, EnvError> {
    Money::from_f64(amount)
        .ok_or_else(|| EnvError::argument(&format!("game_args.{key}"), "is no amount of money"))
}

/// Writes a configuration file.
///
/// # Errors
/// [`EnvError::Argument`] for a game that the files have no words for: walking away, a quality that is not always
/// revealed.
pub fn write(config: &UpstreamConfig) -> Result<String, EnvError> {
    let mut players = config.players.clone();
    let foreign =
        |what: &str| EnvError::argument("game_args", format!("files have no key for {what}"));
    let args = match &config.game {
        GameConfig::Bargaining(game) => {
            if game.walk_away {
                return Err(foreign("walking away"));
            }
            for (player, delta) in players.iter_mut().zip(game.delta) {
                player.delta = Some(delta);
            }
            to_value(&BargainingArgs {
                money_to_divide: game.money.to_f64(),
                max_rounds: rounds(game.horizon)?,
                complete_information: game.complete_information,
                messages_allowed: game.messages,
                show_inflation_update: config.show_inflation_update,
                delta_1: None,
                delta_2: None,
                timeout: config.timeout,
            })
        }
        GameConfig::Negotiation(game) => {
            if game.walk_away {
                return Err(foreign("walking away"));
            }
            to_value(&NegotiationArgs {
                seller_value: game.factor[0],
                buyer_value: game.factor[1],
                product_price_order: game.money.to_f64(),
                max_rounds: rounds(game.horizon)?,
                complete_information: game.complete_information,
                messages_allowed: game.messages,
                timeout: config.timeout,
            })
        }
        GameConfig::Persuasion(game) => {
            if game.reveal != super::Reveal::Always {
                return Err(foreign("a quality that is not always revealed"));
            }
            to_value(&PersuasionArgs {
                is_myopic: game.myopic,
                product_price: game.money.to_f64(),
                p: game.p,
                c: game.value_low,
                v: game.value_high,
                total_rounds: game.rounds,
                is_seller_know_cv: game.seller_knows_values,
                is_buyer_know_p: game.buyer_knows_p,
                seller_message_type: game.seller_message,
                allow_buyer_message: game.buyer_message,
                timeout: config.timeout,
            })
        }
    };
    let [player_1_type, player_2_type] = config.kinds.clone();
    let [player_1_args, player_2_args] = players;
    let top = Top {
        game_type: config.game.family().into(),
        player_1_type,
        player_2_type,
        player_1_args,
        player_2_args,
        game_args: match args {
            Value::Object(args) => args,
            _ => Map::new(),
        },
        experiment_name: config.experiment_name.clone(),
    };
    let mut value = to_value(&top);
    if let Value::Object(object) = &mut value {
        let form = config.form.iter();
        object.extend(form.map(|(key, value)| (key.clone(), value.clone())));
    }
    Ok(format!("{value:#}"))
}

/// The number of rounds, if players are told of it where the files say so.
fn rounds(given: Horizon) -> Result<u16, EnvError> {
    let rounds = given.last();
    if horizon(rounds) == given {
        return Ok(rounds);
    }
    let problem = format!(
        "files tell players of up to {LONGEST_TOLD} rounds and of no more; {rounds} cannot be written the other way round"
    );
    Err(EnvError::argument("game_args.max_rounds", problem))
}

/// As JSON, whole numbers without a point.
fn to_value(args: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(args).unwrap_or_default();
    if let Value::Object(object) = &mut value {
        for (_, value) in object.iter_mut() {
            let whole = value
                .as_f64()
                .filter(|x| value.is_f64() && x.fract() == 0.0);
            if let Some(whole) = whole {
                *value = Value::from(whole as i64);
            }
        }
    }
    value
}
