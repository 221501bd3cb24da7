//! Bargaining and negotiation as environments: offers from a grid and answers, in turn.
//!
//! | | |
//! |---|---|
//! | players | `alice`, `bob`; turns change, with masks |
//! | observation | `Box` of [`WIDTH`](super::WIDTH) numbers, [laid out alike](super) for all families |
//! | action | `Discrete(offers + 3)`: an offer of the grid, then accept, reject, leave; where there are messages `MultiDiscrete([offers + 3, 17])`, the second being the message of an offer |
//! | reward | the normalised self-gain, in the last step; with `efficiency_weight` or `fairness_weight` also so much of these measures |
//! | model | [`OfferGrid`]: the offers to choose from |
//! | end | termination with a deal, a departure, or the rejection of the last offer |
//! | info | `efficiency`, `fairness`, `agreement` in the last step; `privileged.types`: discount factors or valuations |
//!
//! *Anchor: GLEE, arXiv 2410.05254; the grid and the messages are Palaestra's.*

use std::sync::Arc;

use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Due, Exchange, Haggle, LAST, MESSAGE, Past, Shaping, begin, measure, numbers, seen, write_time,
};
use crate::{
    language::{
        HIGHEST_PRICE, Money, Reason, Verdict,
        answer::Play,
        templates::{self, TEMPLATES},
    },
    sim::{
        EnvSpec, Environment, InfoField, InfoKind, Model, PlayerSpec, RowObservation, RowStep,
        Turns, no_options,
    },
    space::Space,
    stream::Stream,
};

const NAMES: [&str; 2] = ["Alice", "Bob"];
const VERDICTS: [Verdict; 3] = [Verdict::Accept, Verdict::Reject, Verdict::Exit];
const TYPES: &str = "privileged.types";

/// The offers to choose from: [`EnvSpec::model`] of these environments, for players that compute theirs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OfferGrid {
    /// How many there are, in equal steps.
    pub offers: usize,
    /// Lowest and highest, over the scale.
    pub range: [f64; 2],
}

/// What an episode is made of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Talk<G: Haggle> {
    game: G,
    past: Past,
    /// Last offer of each player, over the scale; -1 for none.
    own: [f32; 2],
    /// Last message of each player.
    said: [u8; 2],
}

impl<G: Haggle> Talk<G> {
    fn new(game: G) -> Self {
        Self {
            game,
            past: Past::default(),
            own: [-1.0; 2],
            said: [0; 2],
        }
    }

    /// The game.
    pub fn game(&self) -> &G {
        &self.game
    }

    /// Ends the game for a reason outside the rules.
    pub(in crate::language) fn stop(&mut self, reason: Reason) {
        self.game.stop(reason);
    }

    /// Puts an offer on the table, with a message of [`templates`], and remembers it.
    pub(in crate::language) fn offer(&mut self, mover: usize, amount: Money, message: u8) {
        let offer = amount.share_of(self.game.money()) as f32;
        self.past.push(Exchange {
            round: self.game.round(),
            amount,
            offer,
            verdict: 0,
            third: 1,
            message,
        });
        (self.own[mover], self.said[mover]) = (offer, message);
        self.game.play(self.game.offered(amount));
    }

    /// Answers the offer on the table, and remembers how.
    pub(in crate::language) fn decide(&mut self, verdict: Verdict) {
        if let Some(exchange) = self.past.last_mut() {
            exchange.verdict = if verdict == Verdict::Accept { 1 } else { -1 };
        }
        self.game.play(Play::Verdict(verdict));
    }

    /// What is due.
    fn due(&self) -> Due {
        match (self.game.mover(), self.game.offer()) {
            (None, _) => Due::Nothing,
            (Some(_), None) => Due::Offer,
            (Some(_), Some(_)) => Due::Decision,
        }
    }

    /// Writes what `player` sees of the game.
    pub(in crate::language) fn write(&self, player: usize, seen: &mut [f32]) {
        let game = &self.game;
        let turn = game.mover() == Some(player);
        begin(seen, G::FAMILY, player, self.due(), turn);
        write_time(seen, game.round(), game.horizon().told());
        let (types, at) = (game.types(), G::types_at());
        seen[at] = types[player] as f32;
        if game.is_complete() {
            seen[at + 1] = types[1 - player] as f32;
            seen[at + 2] = 1.0;
        }
        if let Some(last) = self.past.iter().next() {
            seen[LAST] = last.offer;
        }
        seen[LAST + 1] = self.own[player];
        self.past.write(seen);
        if self.own[1 - player] >= 0.0 && game.has_messages() {
            seen[MESSAGE + usize::from(self.said[1 - player])] = 1.0;
        }
    }

    /// Efficiency, fairness and agreement, once the game is over.
    pub(in crate::language) fn measured(&self) -> Option<[f64; 3]> {
        let (outcome, metrics) = (self.game.outcome()?, self.game.measures()?);
        let [efficiency, fairness] =
            [metrics.efficiency, metrics.fairness].map(|x| x.unwrap_or(f64::NAN));
        let agreed = f64::from(u8::from(outcome.reason == Reason::Agreement));
        // Gains that use up everything may add up to a little more in floating point.
        Some([efficiency.min(1.0), fairness, agreed])
    }

    /// First line of the picture.
    pub(in crate::language) fn heading(&self) -> String {
        let [alice, bob] = self.game.types();
        let kind = ["discount factors", "valuations"][G::FAMILY];
        format!("scale {}, {kind} {alice} and {bob}", self.game.money())
    }

    /// An offer in words.
    pub(in crate::language) fn words(&self, amount: Money) -> String {
        if G::FAMILY == 0 {
            format!("Alice {amount}, Bob {}", self.game.money() - amount)
        } else {
            format!("price {amount}")
        }
    }

    /// Last line of the picture: how the game stands.
    pub(in crate::language) fn standing(&self) -> String {
        let game = &self.game;
        match (game.outcome(), game.mover()) {
            (Some(outcome), _) => {
                let gains = game.measures().map_or([0.0; 2], |m| [m.alice, m.bob]);
                format!(
                    "{:?} in round {}: gains {:.4} and {:.4}",
                    outcome.reason, outcome.round, gains[0], gains[1]
                )
            }
            (None, Some(mover)) => {
                let due = if game.offer().is_some() {
                    "answer"
                } else {
                    "offer"
                };
                format!("round {}: {} is to {due}", game.round(), NAMES[mover])
            }
            (None, None) => String::new(),
        }
    }
}

/// A game of offers and answers as an environment.
#[derive(Debug, Clone)]
pub struct Haggling<G: Haggle> {
    /// The game of every episode; `None`: each draws one of the published grid.
    game: Option<G>,
    /// Number of offers.
    offers: usize,
    /// Lowest and highest offer, over the scale.
    range: [f64; 2],
    shaping: Shaping,
}

impl<G: Haggle> Haggling<G> {
    /// With a configuration that has been checked, or the published grid; at least two offers.
    pub(super) fn new(config: Option<G::Config>, offers: usize, range: [f64; 2]) -> Self {
        Self {
            game: config.map(G::start),
            offers,
            range,
            shaping: Shaping::default(),
        }
    }

    /// With measures that count in rewards.
    pub(super) fn shaped(mut self, shaping: Shaping) -> Self {
        self.shaping = shaping;
        self
    }

    /// The argument by which measures count in rewards, if they do.
    pub(in crate::language) fn shaped_by(&self) -> Option<&'static str> {
        self.shaping.argument()
    }

    /// With offers of any amount within the rules, as players who write them make.
    pub(in crate::language) fn with_any_amount(mut self) -> Self {
        self.range = if G::FAMILY == 0 {
            [0.0, 1.0]
        } else {
            [0.0, HIGHEST_PRICE as f64]
        };
        self
    }

    /// Whether actions have a message.
    fn talks(&self) -> bool {
        self.game.is_none_or(|game| game.has_messages())
    }

    /// Offer number `index` of the grid.
    #[inline]
    fn amount(&self, game: &G, index: usize) -> Money {
        let [low, high] = self.range;
        let part = low + (high - low) * (index as f64 / (self.offers - 1) as f64);
        game.money().times(part).unwrap_or_default()
    }
}

impl<G: Haggle> Environment for Haggling<G> {
    type State = Talk<G>;

    fn spec(&self) -> EnvSpec {
        let (id, summary) = G::names();
        let choices = self.offers + VERDICTS.len();
        let action = if self.talks() {
            Space::MultiDiscrete {
                nvec: vec![choices, TEMPLATES],
            }
        } else {
            Space::discrete(choices)
        };
        let player = |name: &str| PlayerSpec {
            action_mask: true,
            ..PlayerSpec::new(name, seen(), action.clone())
        };
        let [types, rewards] = G::bounds(self.game.as_ref(), self.range);
        let mut spec = EnvSpec {
            players: vec![player("alice"), player("bob")],
            turns: Turns::Changing,
            // In single precision, as rewards are, and a little wider than rounding can take them.
            reward_range: (
                f64::from((rewards[0] - 1e-6).min(0.0) as f32),
                f64::from((rewards[1] + 1e-6) as f32),
            ),
            info: vec![
                measure(
                    "efficiency",
                    0.0,
                    "Share of the possible gains that was realised, in the last step.",
                ),
                measure(
                    "fairness",
                    f64::NEG_INFINITY,
                    "1 - 4 times the squared distance from an equal division, in the last step; 1 without a deal.",
                ),
                measure(
                    "agreement",
                    0.0,
                    "Whether there was a deal, in the last step.",
                ),
                InfoField {
                    name: TYPES.into(),
                    space: numbers(2, types[0], types[1]),
                    kind: InfoKind::State,
                    summary: "Discount factors, or valuations over the scale, of both players."
                        .into(),
                },
            ],
            stochastic: self.game.is_none(),
            model: Some(Model::new(Arc::new(OfferGrid {
                offers: self.offers,
                range: self.range,
            }))),
            ..EnvSpec::single(id, summary, seen(), action.clone())
        };
        self.shaping.widen(&mut spec);
        spec
    }

    fn reset(&self, rng: &mut Stream, options: &Value) -> Result<Talk<G>, String> {
        no_options(options)?;
        let drawn = || G::published(rng.random_range(0..G::PUBLISHED));
        Ok(Talk::new(self.game.unwrap_or_else(drawn)))
    }

    fn step(&self, talk: &mut Talk<G>, step: &mut RowStep<'_>, _: &mut Stream) {
        let Some(mover) = talk.game.mover() else {
            return;
        };
        let (columns, row) = step.action(mover);
        let width = columns.width(0);
        let action = &columns.i32(0)[row * width..(row + 1) * width];
        let choice = action[0] as usize;
        // The simulator has checked the action against the mask.
        if choice < self.offers {
            let message = action.get(1).map_or(0, |&message| message as u8);
            talk.offer(mover, self.amount(&talk.game, choice), message);
        } else {
            talk.decide(VERDICTS[(choice - self.offers).min(2)]);
        }
        let mut told = [f64::NAN; 3];
        if let (Some(metrics), Some(measured)) = (talk.game.measures(), talk.measured()) {
            let bonus = self.shaping.bonus(measured[0], measured[1]);
            step.reward(0, (metrics.alice + bonus) as f32);
            step.reward(1, (metrics.bob + bonus) as f32);
            step.terminate();
            told = measured;
        }
        for (name, value) in ["efficiency", "fairness", "agreement"].iter().zip(told) {
            step.info(name, &[value]);
        }
    }

    fn observe(&self, talk: &Talk<G>, player: usize, out: &mut RowObservation<'_>) {
        let game = &talk.game;
        talk.write(player, out.f32(0));
        let (turn, due) = (game.mover() == Some(player), talk.due());
        let mask = out.mask();
        let (choices, messages) = mask.split_at_mut(self.offers + VERDICTS.len());
        let (offers, verdicts) = choices.split_at_mut(self.offers);
        let [offering, deciding] = [Due::Offer, Due::Decision].map(|d| u8::from(turn && due == d));
        offers.fill(offering);
        verdicts.copy_from_slice(&[deciding, deciding, deciding & u8::from(game.has_exit())]);
        if let Some((silence, words)) = messages.split_first_mut() {
            *silence = u8::from(turn);
            words.fill(offering & u8::from(game.has_messages()));
        }
        out.info(TYPES, &game.types());
    }

    fn acts(&self, talk: &Talk<G>, player: usize) -> bool {
        talk.game.mover() == Some(player)
    }

    fn render(&self, talk: &Talk<G>) -> Option<String> {
        use std::fmt::Write as _;
        let game = &talk.game;
        let mut out = talk.heading();
        out.push('\n');
        if talk.past.forgotten() > 0 {
            out += "…\n";
        }
        for exchange in talk.past.iter().rev() {
            let proposer = usize::from(exchange.round % 2 == 0);
            let (amount, rest) = (exchange.amount, game.money() - exchange.amount);
            let divides = G::FAMILY == 0;
            let own = if divides && proposer == 1 {
                rest
            } else {
                amount
            };
            let offer = talk.words(amount);
            let value = format!("{}", game.types()[proposer]);
            let left = game.horizon().told().map(|last| last - exchange.round + 1);
            let words = if usize::from(exchange.message) == templates::SILENT {
                String::new()
            } else {
                let text = templates::say(usize::from(exchange.message), Some(own), &value, left);
                format!("  “{text}”")
            };
            let verdict = match exchange.verdict {
                0 => String::new(),
                1 => format!("  {} accepts", NAMES[1 - proposer]),
                _ => format!("  {} declines", NAMES[1 - proposer]),
            };
            let _ = writeln!(
                out,
                "{:>3}  {}: {}{words}{verdict}",
                exchange.round, NAMES[proposer], offer
            );
        }
        out += &talk.standing();
        Some(out)
    }
}
