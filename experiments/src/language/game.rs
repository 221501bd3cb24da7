//! What came out of a game, and the rows of the tables.

use palaestra_envs::language::{
    Bargaining, BargainingConfig, Horizon, Metrics, Money, Negotiation, NegotiationConfig, Outcome,
    Persuasion, PersuasionConfig, RuleError, Scoring, SellerMessage, Signal,
    metrics::{self, Counts, Deal},
    upstream::GameConfig,
};

use super::{Act, Action, Transcript, table::rows};

rows! {
    /// A game: configuration, players, what came out.
    Game, "games/1" {
        /// 16 letters and digits.
        game: String,
        /// The experiment it belongs to.
        experiment: String,
        /// `bargaining`, `negotiation`, `persuasion`.
        family: String,
        /// Whether a person took part.
        human: bool,
        /// Who played the first player.
        alice: String,
        /// Who played the second.
        bob: String,
        /// What is divided, the scale of prices, or the price.
        money: f64,
        /// Alice's discount factor.
        delta_alice: Option<f64>,
        /// Bob's.
        delta_bob: Option<f64>,
        /// What the thing is worth to the seller, over the scale.
        seller_value: Option<f64>,
        /// What the thing is worth to the buyer, over the scale.
        buyer_value: Option<f64>,
        /// Probability of high quality.
        p: Option<f64>,
        /// Worth of good things, in prices.
        value_high: Option<f64>,
        /// Worth of bad things.
        value_low: Option<f64>,
        /// Rounds.
        rounds: u32,
        /// Whether the players know how many.
        rounds_told: bool,
        /// Whether each knows the other's discount factor or valuation; in persuasion, whether the seller knows what
        /// things are worth.
        complete_information: bool,
        /// Whether there are free texts.
        messages: bool,
        /// Whether there is a new buyer each round.
        myopic: Option<bool>,
        /// Whether the buyer knows `p`.
        buyer_knows_p: Option<bool>,
        /// How it ended: `agreement`, `outside_option`, `rejected_at_cap`, `rounds_over`, `walk_away`.
        reason: String,
        /// In which round.
        round: u32,
        /// Alice's gain of the deal, or its price.
        terms: Option<f64>,
        /// Rounds with good things.
        high: Option<u32>,
        /// Good things bought.
        high_bought: Option<u32>,
        /// Bad things bought.
        low_bought: Option<u32>,
        /// Alice's normalised self-gain.
        alice_gain: f64,
        /// Bob's.
        bob_gain: f64,
        /// Efficiency; empty where it is not defined.
        efficiency: Option<f64>,
        /// Fairness, not clipped; empty where it is not defined.
        fairness: Option<f64>,
        /// Decisions: verdicts, recommendations, purchases.
        decisions: u32,
        /// Messages.
        messages_sent: u32,
        /// Words of them.
        words: u32,
    }
}

rows! {
    /// An action of a game.
    ActionRow, "actions/1" {
        /// The game.
        game: String,
        /// The experiment it belongs to.
        experiment: String,
        /// Number within the game, from 1.
        number: u32,
        /// Round, from 1.
        round: u32,
        /// `alice`, `bob`, `nature`.
        player: String,
        /// `quality`, `offer`, `message`, `decision`.
        kind: String,
        /// Alice's gain of an offer, or its price.
        amount: Option<f64>,
        /// `accept`, `reject`, `exit`, `yes`, `no`.
        decision: Option<String>,
        /// Whether nature made a good thing.
        high: Option<bool>,
        /// The message.
        message: Option<String>,
    }
}

impl ActionRow {
    /// Number `number` of the actions of a game.
    pub fn of(transcript: &Transcript, number: usize) -> Option<Self> {
        let action = transcript.actions.get(number)?;
        Some(Self {
            game: transcript.id.clone(),
            experiment: transcript.experiment.clone(),
            number: number as u32 + 1,
            round: action.round.into(),
            player: action.player_name().into(),
            kind: action.act.kind().into(),
            amount: action.act.amount(),
            decision: action.act.decision().map(str::to_owned),
            high: match action.act {
                Act::Quality(high) => Some(high),
                _ => None,
            },
            message: action.message.clone(),
        })
    }
}

/// Why a transcript is no game by the rules.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Breach {
    /// Which action; the number of actions if the game has no end.
    pub(super) action: usize,
    /// The column that is wrong; empty for the row as a whole.
    pub(super) column: &'static str,
    /// What is wrong.
    pub(super) problem: String,
}

/// A transcript without an end: not wrong, but not a game that can be counted.
pub(super) const UNFINISHED: &str = "the game has no end";

/// What a game came to.
struct Played {
    outcome: Outcome,
    terms: Option<f64>,
    counts: Option<Counts>,
    metrics: Metrics,
}

impl Game {
    /// Plays a transcript by the rules.
    pub(super) fn of(transcript: &Transcript, scoring: Scoring) -> Result<Self, Breach> {
        let actions = &transcript.actions;
        let config = transcript.config.game;
        let result = match config {
            GameConfig::Bargaining(config) => bargaining(config, actions, scoring)?,
            GameConfig::Negotiation(config) => negotiation(config, actions, scoring)?,
            GameConfig::Persuasion(config) => persuasion(config, actions, scoring)?,
        };
        let reason = serde_json::to_value(result.outcome.reason).unwrap_or_default();
        let decided = actions.iter().filter(|a| a.act.decision().is_some());
        let messages = || actions.iter().filter_map(|a| a.message.as_deref());
        let words: usize = messages().map(|text| text.split_whitespace().count()).sum();
        let counts = result.counts;
        let game = Self {
            game: transcript.id.clone(),
            experiment: transcript.experiment.clone(),
            human: transcript.human,
            alice: transcript.identity(0),
            bob: transcript.identity(1),
            reason: reason.as_str().unwrap_or_default().to_owned(),
            round: result.outcome.round.into(),
            terms: result.terms,
            high: counts.map(|c| c.high.into()),
            high_bought: counts.map(|c| c.high_bought.into()),
            low_bought: counts.map(|c| c.low_bought.into()),
            alice_gain: result.metrics.alice,
            bob_gain: result.metrics.bob,
            efficiency: result.metrics.efficiency,
            fairness: result.metrics.fairness,
            decisions: decided.count() as u32,
            messages_sent: messages().count() as u32,
            words: words as u32,
            ..Self::blank(config.family())
        };
        Ok(game.configured(&config))
    }

    fn blank(family: &str) -> Self {
        Self {
            game: String::new(),
            experiment: String::new(),
            family: family.into(),
            human: false,
            alice: String::new(),
            bob: String::new(),
            money: 0.0,
            delta_alice: None,
            delta_bob: None,
            seller_value: None,
            buyer_value: None,
            p: None,
            value_high: None,
            value_low: None,
            rounds: 0,
            rounds_told: true,
            complete_information: false,
            messages: false,
            myopic: None,
            buyer_knows_p: None,
            reason: String::new(),
            round: 0,
            terms: None,
            high: None,
            high_bought: None,
            low_bought: None,
            alice_gain: 0.0,
            bob_gain: 0.0,
            efficiency: None,
            fairness: None,
            decisions: 0,
            messages_sent: 0,
            words: 0,
        }
    }

    /// With the columns of a configuration.
    pub(super) fn configured(self, config: &GameConfig) -> Self {
        let told = |horizon: Horizon| horizon.told().is_some();
        match config {
            GameConfig::Bargaining(config) => Self {
                money: config.money.to_f64(),
                delta_alice: Some(config.delta[0]),
                delta_bob: Some(config.delta[1]),
                rounds: config.horizon.last().into(),
                rounds_told: told(config.horizon),
                complete_information: config.complete_information,
                messages: config.messages,
                ..self
            },
            GameConfig::Negotiation(config) => Self {
                money: config.money.to_f64(),
                seller_value: Some(config.factor[0]),
                buyer_value: Some(config.factor[1]),
                rounds: config.horizon.last().into(),
                rounds_told: told(config.horizon),
                complete_information: config.complete_information,
                messages: config.messages,
                ..self
            },
            GameConfig::Persuasion(config) => Self {
                money: config.money.to_f64(),
                p: Some(config.p),
                value_high: Some(config.value_high),
                value_low: Some(config.value_low),
                rounds: config.rounds.into(),
                rounds_told: true,
                complete_information: config.seller_knows_values,
                messages: config.seller_message == SellerMessage::Text,
                myopic: Some(config.myopic),
                buyer_knows_p: Some(config.buyer_knows_p),
                ..self
            },
        }
    }

    /// A game of a configuration in which nothing has happened, for games that are made up.
    #[cfg(test)]
    pub(super) fn unplayed(config: &GameConfig) -> Self {
        Self::blank(config.family()).configured(config)
    }
}

/// Whether the action is in turn; else what is wrong with it.
fn in_turn(index: usize, action: &Action, mover: Option<usize>, round: u16) -> Result<(), Breach> {
    let wrong = |column: &'static str, problem: String| {
        Err(Breach {
            action: index,
            column,
            problem,
        })
    };
    if action.round != round {
        let problem = format!("is {}, but this is round {round}", action.round);
        return wrong("round", problem);
    }
    if action.player != mover {
        let name = |player| ["Alice", "Bob"].get(player).copied().unwrap_or("nature");
        let due = mover.map_or("nature", name);
        let problem = format!(
            "is {}, but it is the turn of {due}",
            action.player.map_or("nature", name)
        );
        return wrong("player", problem);
    }
    Ok(())
}

fn after_the_end(index: usize) -> Breach {
    Breach {
        action: index,
        column: "",
        problem: "comes after the end of the game".into(),
    }
}

fn unfinished(actions: &[Action]) -> Breach {
    Breach {
        action: actions.len(),
        column: "",
        problem: UNFINISHED.into(),
    }
}

/// An action that is none of this family, or that the rules refuse.
fn refused(index: usize, column: &'static str, problem: impl ToString) -> Breach {
    Breach {
        action: index,
        column,
        problem: problem.to_string(),
    }
}

fn money(index: usize, column: &'static str, amount: f64) -> Result<Money, Breach> {
    Money::from_f64(amount)
        .ok_or_else(|| refused(index, column, format!("{amount} is no amount of money")))
}

/// The offers and answers of a bargaining.
fn bargaining(
    config: BargainingConfig,
    actions: &[Action],
    scoring: Scoring,
) -> Result<Played, Breach> {
    // As the released code, which takes any division that adds up.
    let mut game = Bargaining::new(BargainingConfig {
        unbounded: true,
        ..config
    })
    .map_err(|error| refused(0, "", error))?;
    let mut offered = 0.0;
    for (index, action) in actions.iter().enumerate() {
        if game.outcome().is_some() {
            return Err(after_the_end(index));
        }
        in_turn(index, action, game.mover(), game.round())?;
        match action.act {
            Act::Split([alice, bob]) => {
                offered = alice;
                let gains = [
                    money(index, "alice_gain", alice)?,
                    money(index, "bob_gain", bob)?,
                ];
                game.propose(gains[0], gains[1])
                    .map_err(|error| refused(index, "alice_gain", error))?;
            }
            Act::Verdict(verdict) => game
                .decide(verdict)
                .map_err(|error: RuleError| refused(index, "decision", error))?,
            other => {
                return Err(refused(
                    index,
                    "",
                    format!("a {} in a bargaining", other.kind()),
                ));
            }
        }
    }
    let outcome = game.outcome().ok_or_else(|| unfinished(actions))?;
    // The share as it was written, which may be finer than a hundredth.
    let terms = outcome.terms.map(|_| offered);
    let deal = terms.map(|alice| Deal {
        share: alice / config.money.to_f64(),
        round: outcome.round,
    });
    Ok(Played {
        outcome,
        terms,
        counts: None,
        metrics: metrics::bargaining(deal, config.delta, config.horizon.last(), scoring),
    })
}

/// The prices and answers of a negotiation.
fn negotiation(
    config: NegotiationConfig,
    actions: &[Action],
    scoring: Scoring,
) -> Result<Played, Breach> {
    let mut game = Negotiation::new(NegotiationConfig {
        unbounded: true,
        ..config
    })
    .map_err(|error| refused(0, "", error))?;
    let mut offered = 0.0;
    for (index, action) in actions.iter().enumerate() {
        if game.outcome().is_some() {
            return Err(after_the_end(index));
        }
        in_turn(index, action, game.mover(), game.round())?;
        match action.act {
            Act::Price(price) => {
                offered = price;
                game.propose(money(index, "product_price", price)?)
                    .map_err(|error| refused(index, "product_price", error))?;
            }
            Act::Verdict(verdict) => game
                .decide(verdict)
                .map_err(|error: RuleError| refused(index, "decision", error))?,
            other => {
                return Err(refused(
                    index,
                    "",
                    format!("a {} in a negotiation", other.kind()),
                ));
            }
        }
    }
    let outcome = game.outcome().ok_or_else(|| unfinished(actions))?;
    let terms = outcome.terms.map(|_| offered);
    let price = terms.map(|price| price / config.money.to_f64());
    Ok(Played {
        outcome,
        terms,
        counts: None,
        metrics: metrics::negotiation(price, config.factor, scoring),
    })
}

/// The rounds of a persuasion.
fn persuasion(
    config: PersuasionConfig,
    actions: &[Action],
    scoring: Scoring,
) -> Result<Played, Breach> {
    let mut game = Persuasion::new(config).map_err(|error| refused(0, "", error))?;
    for (index, action) in actions.iter().enumerate() {
        if game.outcome().is_some() {
            return Err(after_the_end(index));
        }
        in_turn(index, action, game.mover(), game.round())?;
        let (column, played) = match action.act {
            Act::Quality(high) => ("round_quality", game.draw(high)),
            Act::Recommend(yes) => ("decision", game.say(Signal::Recommend(yes))),
            Act::Text => ("message", game.say(Signal::Text)),
            Act::Buy(buys) => ("decision", game.decide(buys).map(|_| ())),
            other => {
                return Err(refused(
                    index,
                    "",
                    format!("a {} in a persuasion", other.kind()),
                ));
            }
        };
        played.map_err(|error| refused(index, column, error))?;
    }
    let outcome = game.outcome().ok_or_else(|| unfinished(actions))?;
    let worth = [config.value_high, config.value_low];
    Ok(Played {
        outcome,
        terms: None,
        counts: Some(game.counts()),
        metrics: metrics::persuasion(game.counts(), config.rounds, worth, scoring),
    })
}
