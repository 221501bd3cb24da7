//! Arguments of the environments, and their games.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{haggling::Haggling, persuasion::PersuasionGame, shaping::Shaping};
use crate::{
    error::EnvError,
    language::{
        Bargaining, BargainingConfig, HIGHEST_PRICE, Horizon, Money, Negotiation,
        NegotiationConfig, PersuasionConfig, Reveal, RuleError, SellerMessage,
    },
};

/// Where the game of an episode comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The other arguments describe it.
    #[default]
    Given,
    /// Each episode draws one of the published grid, all equally likely; other arguments than those of the grid of offers
    /// and of rewards are then refused.
    Published,
}

/// Arguments of `glee_bargaining-v1`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BargainingArgs {
    /// Where the game of an episode comes from.
    pub config: Source,
    /// What is divided, 1 to 10^12.
    pub money: f64,
    /// What a gain is worth to Alice a round later, in (0, 1].
    pub delta_alice: f64,
    /// What a gain is worth to Bob a round later, in (0, 1].
    pub delta_bob: f64,
    /// Rounds.
    pub rounds: u16,
    /// Whether players are not told the number of rounds.
    pub hidden_horizon: bool,
    /// Whether each knows the other's discount factor.
    pub complete_information: bool,
    /// Whether an offer carries one of the prepared messages.
    pub messages: bool,
    /// Whether the one who decides may walk away.
    pub walk_away: bool,
    /// Divisions to choose from: Alice's share in equal steps from 0 to 1.
    pub offers: usize,
    /// Weight of efficiency in the rewards of both, with the last step; 0 leaves self-gains.
    pub efficiency_weight: f64,
    /// Weight of fairness alike; without a deal it is 1, so that alone it teaches never to agree.
    pub fairness_weight: f64,
}

impl Default for BargainingArgs {
    fn default() -> Self {
        let game = BargainingConfig::default();
        Self {
            config: Source::Given,
            money: game.money.to_f64(),
            delta_alice: game.delta[0],
            delta_bob: game.delta[1],
            rounds: game.horizon.last(),
            hidden_horizon: false,
            complete_information: game.complete_information,
            messages: game.messages,
            walk_away: game.walk_away,
            offers: 101,
            efficiency_weight: 0.0,
            fairness_weight: 0.0,
        }
    }
}

/// Most offers to choose from.
const MOST_OFFERS: usize = 10_001;

fn argument(error: RuleError) -> EnvError {
    match error {
        RuleError::Config { key, problem } => EnvError::argument(key, problem),
        other => EnvError::argument("", other.to_string()),
    }
}

fn amount(money: f64) -> Result<Money, EnvError> {
    let problem = || format!("must be an amount from 1 to 10^12, found {money}");
    Money::from_f64(money).ok_or_else(|| EnvError::argument("money", problem()))
}

/// Refuses arguments that describe a game where the published grid does.
fn only<A: Default + Serialize>(args: &A, allowed: &[&str]) -> Result<(), EnvError> {
    let [given, default] = [args, &A::default()].map(|args| serde_json::to_value(args).ok());
    let (Some(Value::Object(given)), Some(Value::Object(default))) = (given, default) else {
        return Ok(());
    };
    let extra = given
        .iter()
        .find(|(key, value)| !allowed.contains(&key.as_str()) && default.get(*key) != Some(*value));
    let Some((key, _)) = extra else {
        return Ok(());
    };
    let problem = "is of a game that is given, and `config = \"published\"` draws games; leave one of them out";
    Err(EnvError::argument(key, problem))
}

/// Arguments that go with published games.
const BESIDE_PUBLISHED: [&str; 6] = [
    "config",
    "offers",
    "lowest",
    "highest",
    "efficiency_weight",
    "fairness_weight",
];

fn horizon(rounds: u16, hidden: bool) -> Horizon {
    if hidden {
        Horizon::Hidden { cap: rounds }
    } else {
        Horizon::Known(rounds)
    }
}

fn offers(offers: usize) -> Result<usize, EnvError> {
    if (2..=MOST_OFFERS).contains(&offers) {
        return Ok(offers);
    }
    let problem = format!("must be between 2 and {MOST_OFFERS}, found {offers}");
    Err(EnvError::argument("offers", problem))
}

impl BargainingArgs {
    /// The environment.
    ///
    /// # Errors
    /// [`EnvError::Argument`].
    pub fn build(&self) -> Result<Haggling<Bargaining>, EnvError> {
        if self.config == Source::Published {
            only(self, &BESIDE_PUBLISHED)?;
        }
        let config = BargainingConfig {
            money: amount(self.money)?,
            delta: [self.delta_alice, self.delta_bob],
            horizon: horizon(self.rounds, self.hidden_horizon),
            complete_information: self.complete_information,
            messages: self.messages,
            walk_away: self.walk_away,
            unbounded: false,
        };
        config.check().map_err(argument)?;
        let game = (self.config == Source::Given).then_some(config);
        let shaping = Shaping::new(self.efficiency_weight, self.fairness_weight)?;
        Ok(Haggling::new(game, offers(self.offers)?, [0.0, 1.0]).shaped(shaping))
    }
}

/// Arguments of `glee_negotiation-v1`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NegotiationArgs {
    /// Where the game of an episode comes from.
    pub config: Source,
    /// Scale of prices, 1 to 10^12.
    pub money: f64,
    /// What the thing is worth to the seller, over the scale, in [0, 10].
    pub seller_value: f64,
    /// What the thing is worth to the buyer, over the scale, in [0, 10].
    pub buyer_value: f64,
    /// Rounds; with one, the seller makes the only offer.
    pub rounds: u16,
    /// Whether players are not told the number of rounds.
    pub hidden_horizon: bool,
    /// Whether each knows the other's valuation.
    pub complete_information: bool,
    /// Whether a price carries one of the prepared messages.
    pub messages: bool,
    /// Whether leaving is called walking away; it gives 0 to both in any case.
    pub walk_away: bool,
    /// Prices to choose from, in equal steps.
    pub offers: usize,
    /// Lowest price, over the scale, at least 0.
    pub lowest: f64,
    /// Highest price, over the scale, at most 10.
    pub highest: f64,
    /// Weight of efficiency in the rewards of both, with the last step; 0 leaves self-gains.
    pub efficiency_weight: f64,
    /// Weight of fairness alike; without a deal it is 1, so that alone it teaches never to agree.
    pub fairness_weight: f64,
}

impl Default for NegotiationArgs {
    fn default() -> Self {
        let game = NegotiationConfig::default();
        Self {
            config: Source::Given,
            money: game.money.to_f64(),
            seller_value: game.factor[0],
            buyer_value: game.factor[1],
            rounds: game.horizon.last(),
            hidden_horizon: false,
            complete_information: game.complete_information,
            messages: game.messages,
            walk_away: game.walk_away,
            offers: 121,
            lowest: 0.5,
            highest: 1.7,
            efficiency_weight: 0.0,
            fairness_weight: 0.0,
        }
    }
}

impl NegotiationArgs {
    /// The environment.
    ///
    /// # Errors
    /// [`EnvError::Argument`].
    pub fn build(&self) -> Result<Haggling<Negotiation>, EnvError> {
        if self.config == Source::Published {
            only(self, &BESIDE_PUBLISHED)?;
        }
        let config = NegotiationConfig {
            money: amount(self.money)?,
            factor: [self.seller_value, self.buyer_value],
            horizon: horizon(self.rounds, self.hidden_horizon),
            complete_information: self.complete_information,
            messages: self.messages,
            walk_away: self.walk_away,
            unbounded: false,
        };
        config.check().map_err(argument)?;
        let [lowest, highest] = [self.lowest, self.highest];
        let most = HIGHEST_PRICE as f64;
        for (key, price) in [("lowest", lowest), ("highest", highest)] {
            if !(0.0..=most).contains(&price) {
                let problem = format!("must lie between 0 and {most}, found {price}");
                return Err(EnvError::argument(key, problem));
            }
        }
        if lowest >= highest {
            // The one that was given is to blame.
            let given = highest != Self::default().highest;
            let (key, problem) = if given {
                let problem = format!("must be more than `lowest`, {lowest}; found {highest}");
                ("highest", problem)
            } else {
                let problem = format!("must be less than `highest`, {highest}; found {lowest}");
                ("lowest", problem)
            };
            return Err(EnvError::argument(key, problem));
        }
        let game = (self.config == Source::Given).then_some(config);
        let range = [self.lowest, self.highest];
        let shaping = Shaping::new(self.efficiency_weight, self.fairness_weight)?;
        Ok(Haggling::new(game, offers(self.offers)?, range).shaped(shaping))
    }
}

/// Arguments of `glee_persuasion-v1`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PersuasionArgs {
    /// Where the game of an episode comes from.
    pub config: Source,
    /// Price of a thing, 1 to 10^12.
    pub money: f64,
    /// Probability of high quality, in [0, 1].
    pub p: f64,
    /// Worth of good things to the buyer, in prices, 1 to 1000.
    pub value_high: f64,
    /// Worth of bad things to the buyer, in prices, in [0, 1].
    pub value_low: f64,
    /// Rounds.
    pub rounds: u16,
    /// Whether the seller knows what things are worth to the buyer.
    pub seller_knows_values: bool,
    /// Whether the buyer knows `p`.
    pub buyer_knows_p: bool,
    /// How the seller speaks: `binary` recommendations, or one of the prepared messages as `text`.
    pub seller_message: SellerMessage,
    /// Whether a message goes with the buyer's decision; only where the game is played in words.
    pub buyer_message: bool,
    /// Whether there is a new buyer each round, who is told statistics only.
    pub myopic: bool,
    /// When the buyer is told the quality.
    pub reveal: Reveal,
    /// Weight of efficiency in the rewards of both, with the last step; 0 leaves self-gains.
    pub efficiency_weight: f64,
    /// Weight of fairness alike; it is how many of the bad things were not bought.
    pub fairness_weight: f64,
}

impl Default for PersuasionArgs {
    fn default() -> Self {
        let game = PersuasionConfig::default();
        Self {
            config: Source::Given,
            money: game.money.to_f64(),
            p: game.p,
            value_high: game.value_high,
            value_low: game.value_low,
            rounds: game.rounds,
            seller_knows_values: game.seller_knows_values,
            buyer_knows_p: game.buyer_knows_p,
            seller_message: game.seller_message,
            buyer_message: game.buyer_message,
            myopic: game.myopic,
            reveal: game.reveal,
            efficiency_weight: 0.0,
            fairness_weight: 0.0,
        }
    }
}

impl PersuasionArgs {
    /// The environment.
    ///
    /// # Errors
    /// [`EnvError::Argument`].
    pub fn build(&self) -> Result<PersuasionGame, EnvError> {
        if self.buyer_message {
            let problem = "is for glee_persuasion_text-v1; here buyers have no words";
            return Err(EnvError::argument("buyer_message", problem));
        }
        self.with_replies()
    }

    /// The game, whatever the buyer may say.
    pub(in crate::language) fn with_replies(&self) -> Result<PersuasionGame, EnvError> {
        if self.config == Source::Published {
            only(self, &BESIDE_PUBLISHED)?;
        }
        let config = PersuasionConfig {
            money: amount(self.money)?,
            p: self.p,
            value_high: self.value_high,
            value_low: self.value_low,
            rounds: self.rounds,
            seller_knows_values: self.seller_knows_values,
            buyer_knows_p: self.buyer_knows_p,
            seller_message: self.seller_message,
            buyer_message: self.buyer_message,
            myopic: self.myopic,
            reveal: self.reveal,
        };
        config.check().map_err(argument)?;
        let game = (self.config == Source::Given).then_some(config);
        let shaping = Shaping::new(self.efficiency_weight, self.fairness_weight)?;
        Ok(PersuasionGame::new(game).shaped(shaping))
    }
}
