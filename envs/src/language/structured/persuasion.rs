//! Persuasion as an environment: the seller speaks, the buyer buys or passes.
//!
//! | | |
//! |---|---|
//! | players | `seller`, `buyer`; turns change, with masks |
//! | observation | `Box` of [`WIDTH`](super::WIDTH) numbers, [laid out alike](super) for all families |
//! | action | seller `Discrete(2)`: no, yes; where there can be texts `Discrete(2 + 17)`, followed by the [`templates`]. Buyer `Discrete(2)`: pass, buy |
//! | reward | with the buyer's decision, over the number of rounds, so that the return is the self-gain: 1 for a sale to the seller, worth less price to the buyer; with `efficiency_weight` or `fairness_weight` also so much of these measures in the last step |
//! | end | termination after the last round |
//! | info | `efficiency`, `fairness` in the last step (NaN where not defined); `privileged.quality` |
//!
//! A text counts as a yes if it praises the quality. A new buyer each round (`myopic`) sees statistics and the message,
//! not the round and nothing of earlier rounds.
//!
//! *Anchor: GLEE, arXiv 2410.05254; the messages are Palaestra's.*

use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Due, Exchange, LAST, MESSAGE, PRIOR, Past, QUALITY, SALES, Shaping, begin, measure, numbers,
    seen, write_time,
};
use crate::{
    language::{
        ALICE, Persuasion, PersuasionConfig, PersuasionPhase, Reason, Scoring, SellerMessage,
        Signal, grid,
        templates::{self, QUALITY_PRAISE, TEMPLATES},
    },
    sim::{
        EnvSpec, Environment, InfoField, InfoKind, PlayerSpec, RowObservation, RowStep, Turns,
        no_options,
    },
    space::Space,
    stream::Stream,
};

/// Identifier.
pub(super) const ID: &str = "glee_persuasion-v1";
/// In one sentence.
pub(super) const SUMMARY: &str =
    "A seller who knows the quality talks a buyer into buying, or not, round after round (GLEE).";

const TRUTH: &str = "privileged.quality";
/// Choices before the messages.
const BITS: usize = 2;

/// Bad things of which somebody knows, and how many of them were recommended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Lies {
    low: u16,
    recommended: u16,
}

impl Lies {
    fn count(&mut self, recommended: bool) {
        self.low += 1;
        self.recommended += u16::from(recommended);
    }

    /// Estimate of the rate, with a uniform prior.
    fn rate(self) -> f32 {
        f32::from(self.recommended + 1) / f32::from(self.low + 2)
    }
}

/// What an episode is made of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pitch {
    game: Persuasion,
    /// Quality as the seller knows it.
    told: Past,
    /// Quality as far as it was revealed.
    revealed: Past,
    /// As the seller and the buyer know.
    lies: [Lies; 2],
    /// The seller's last message.
    said: u8,
}

impl Pitch {
    fn new(config: PersuasionConfig, rng: &mut Stream) -> Self {
        let mut game = Persuasion::start(config);
        draw(&mut game, rng);
        Self {
            game,
            told: Past::default(),
            revealed: Past::default(),
            lies: [Lies::default(); 2],
            said: 0,
        }
    }

    /// The game.
    pub fn game(&self) -> &Persuasion {
        &self.game
    }

    /// Ends the game for a reason outside the rules.
    pub(in crate::language) fn stop(&mut self, reason: Reason) {
        self.game.stop(reason);
    }

    /// The seller speaks: a message of [`templates`], and whether it is a yes (1), a no (0) or neither.
    pub(in crate::language) fn say(&mut self, signal: Signal, yes: f32, message: u8) {
        self.said = message;
        let exchange = Exchange {
            round: self.game.round(),
            offer: yes,
            message,
            ..Exchange::default()
        };
        self.told.push(exchange);
        self.revealed.push(exchange);
        let said = self.game.say(signal);
        debug_assert!(said.is_ok(), "{said:?}");
    }

    /// The buyer decides, and nature makes the next thing. Gives what the round gives to both, in prices.
    pub(in crate::language) fn decide(&mut self, buys: bool, rng: &mut Stream) -> [f64; 2] {
        let high = self.game.is_high();
        let revealed = self.game.is_revealed(buys);
        let pasts = [(&mut self.told, true), (&mut self.revealed, revealed)];
        for ((past, known), lies) in pasts.into_iter().zip(&mut self.lies) {
            let Some(exchange) = past.last_mut() else {
                continue;
            };
            exchange.verdict = if buys { 1 } else { -1 };
            exchange.third = match (known, high) {
                (false, _) => 0,
                (true, true) => 1,
                (true, false) => -1,
            };
            if known && !high {
                lies.count(exchange.offer > 0.5);
            }
        }
        let gains = self.game.decide(buys).unwrap_or_default();
        if self.game.outcome().is_none() {
            draw(&mut self.game, rng);
        }
        gains
    }

    /// Efficiency and fairness, once the game is over.
    pub(in crate::language) fn measured(&self) -> Option<[f64; 2]> {
        let metrics = self.game.metrics(Scoring::Paper)?;
        Some([metrics.efficiency, metrics.fairness].map(|x| x.unwrap_or(f64::NAN)))
    }

    /// First line of the picture.
    pub(in crate::language) fn heading(&self) -> String {
        let config = &self.game.config;
        format!(
            "price {}, good things ({:.4}) worth {}, bad ones {}",
            config.money, config.p, config.value_high, config.value_low
        )
    }

    /// Last line of the picture: how the game stands.
    pub(in crate::language) fn standing(&self) -> String {
        let stats = self.game.stats();
        format!(
            "{} of {} sold, {} of them good",
            stats.sold, stats.rounds, stats.sold_high
        )
    }

    /// Writes what `player` sees of the game.
    pub(in crate::language) fn write(&self, player: usize, seen: &mut [f32]) {
        let (game, config) = (&self.game, &self.game.config);
        let phase = game.phase();
        let due = match phase {
            PersuasionPhase::Seller => Due::Words,
            PersuasionPhase::Buyer => Due::Purchase,
            PersuasionPhase::Nature | PersuasionPhase::Done => Due::Nothing,
        };
        let turn = game.mover() == Some(player);
        let (seller, newcomer) = (player == ALICE, player != ALICE && config.myopic);
        begin(seen, 2, player, due, turn);
        write_time(seen, game.round(), Some(config.rounds));
        if newcomer {
            // The round is not told, but how many there are.
            (seen[super::TIME], seen[super::TIME + 1]) = (0.0, 0.0);
        }
        if seller || config.buyer_knows_p {
            (seen[PRIOR], seen[PRIOR + 2]) = (config.p as f32, 1.0);
        }
        if !seller || config.seller_knows_values {
            (seen[PRIOR + 1], seen[PRIOR + 3]) = (config.value_high as f32, 1.0);
        }
        // The words on the table, for both; what was said before only for those who were there.
        let past = if seller { &self.told } else { &self.revealed };
        let spoken = phase == PersuasionPhase::Buyer;
        if let Some(last) = past.iter().next().filter(|_| spoken || !newcomer) {
            seen[LAST] = last.offer;
            if seller {
                seen[LAST + 1] = last.offer;
            } else if config.seller_message == SellerMessage::Text {
                seen[MESSAGE + usize::from(last.message)] = 1.0;
            }
        }
        let (stats, rounds) = (game.stats(), f32::from(config.rounds));
        // How many of the things sold were good, a buyer who is not told cannot know.
        let known = seller || newcomer || game.is_revealed(true);
        let counts = [
            stats.rounds,
            stats.sold,
            if known { stats.sold_high } else { 0 },
        ];
        for (seen, count) in seen[SALES..].iter_mut().zip(counts) {
            *seen = f32::from(count) / rounds;
        }
        if !newcomer {
            past.write(seen);
            seen[SALES + 3] = self.lies[player].rate();
        }
        if seller && matches!(phase, PersuasionPhase::Seller | PersuasionPhase::Buyer) {
            seen[QUALITY] = if game.is_high() { 1.0 } else { -1.0 };
            seen[QUALITY + 1] = 1.0;
        }
    }
}

/// The game as an environment.
#[derive(Debug, Clone)]
pub struct PersuasionGame {
    /// The game of every episode; `None`: each draws one of the published grid.
    config: Option<PersuasionConfig>,
    shaping: Shaping,
}

impl PersuasionGame {
    /// With a configuration that has been checked, or the published grid.
    pub(super) fn new(config: Option<PersuasionConfig>) -> Self {
        Self {
            config,
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

    /// Choices of the seller.
    fn choices(&self) -> usize {
        match self.config.map(|config| config.seller_message) {
            Some(SellerMessage::Binary) => BITS,
            Some(SellerMessage::Text) | None => BITS + TEMPLATES,
        }
    }
}

impl Environment for PersuasionGame {
    type State = Pitch;

    fn spec(&self) -> EnvSpec {
        let seller = Space::discrete(self.choices());
        let player = |name: &str, action: Space| PlayerSpec {
            action_mask: true,
            ..PlayerSpec::new(name, seen(), action)
        };
        let [high, low, rounds] = self.config.map_or([grid::WORTHS[4], 0.0, 20.0], |config| {
            let [high, low] = [config.value_high, config.value_low];
            [high, low, f64::from(config.rounds)]
        });
        let single = |x: f64| f64::from((x / rounds) as f32);
        let mut spec = EnvSpec {
            players: vec![
                player("seller", seller.clone()),
                player("buyer", Space::discrete(BITS)),
            ],
            turns: Turns::Changing,
            reward_range: (single((low - 1.0).min(0.0)), single((high - 1.0).max(1.0))),
            info: vec![
                measure(
                    "efficiency",
                    0.0,
                    "Share of the good things that were bought, in the last step; NaN if there were none.",
                ),
                measure(
                    "fairness",
                    0.0,
                    "Share of the bad things that were not bought, in the last step; NaN if there were none.",
                ),
                InfoField {
                    name: TRUTH.into(),
                    space: numbers(1, 0.0, 1.0),
                    kind: InfoKind::State,
                    summary: "Whether the thing of this round is good.".into(),
                },
            ],
            stochastic: self
                .config
                .is_none_or(|config| config.p > 0.0 && config.p < 1.0),
            ..EnvSpec::single(ID, SUMMARY, seen(), seller)
        };
        self.shaping.widen(&mut spec);
        spec
    }

    fn reset(&self, rng: &mut Stream, options: &Value) -> Result<Pitch, String> {
        no_options(options)?;
        let config = match self.config {
            Some(config) => config,
            None => grid::persuasion(rng.random_range(0..grid::PERSUASIONS)),
        };
        Ok(Pitch::new(config, rng))
    }

    fn step(&self, pitch: &mut Pitch, step: &mut RowStep<'_>, rng: &mut Stream) {
        let mut told = [f64::NAN; 2];
        match pitch.game.phase() {
            PersuasionPhase::Seller => {
                let choice = step.discrete(0) as usize;
                // The simulator has checked the action against the mask.
                match choice.checked_sub(BITS) {
                    None => pitch.say(Signal::Recommend(choice == 1), choice as f32, pitch.said),
                    Some(message) => {
                        let yes = f32::from(u8::from(message == QUALITY_PRAISE));
                        pitch.say(Signal::Text, yes, message as u8);
                    }
                }
            }
            PersuasionPhase::Buyer => {
                let gains = pitch.decide(step.discrete(1) == 1, rng);
                let rounds = f64::from(pitch.game.config.rounds);
                let mut bonus = 0.0;
                if let Some(measured) = pitch.measured() {
                    step.terminate();
                    told = measured;
                    bonus = self.shaping.bonus(told[0], told[1]);
                }
                for (player, gain) in gains.into_iter().enumerate() {
                    step.reward(player, (gain / rounds + bonus) as f32);
                }
            }
            PersuasionPhase::Nature | PersuasionPhase::Done => {}
        }
        for (name, value) in ["efficiency", "fairness"].iter().zip(told) {
            step.info(name, &[value]);
        }
    }

    fn observe(&self, pitch: &Pitch, player: usize, out: &mut RowObservation<'_>) {
        let (game, config) = (&pitch.game, &pitch.game.config);
        pitch.write(player, out.f32(0));
        let (turn, seller) = (game.mover() == Some(player), player == ALICE);
        let texts = config.seller_message == SellerMessage::Text;
        let (bits, messages) = out.mask().split_at_mut(BITS);
        bits.fill(u8::from(turn && !(seller && texts)));
        messages.fill(u8::from(turn && texts));
        out.info(TRUTH, &[f64::from(u8::from(game.is_high()))]);
    }

    fn acts(&self, pitch: &Pitch, player: usize) -> bool {
        pitch.game.mover() == Some(player)
    }

    fn render(&self, pitch: &Pitch) -> Option<String> {
        use std::fmt::Write as _;
        let config = &pitch.game.config;
        let mut out = pitch.heading();
        out.push('\n');
        if pitch.told.forgotten() > 0 {
            out += "…\n";
        }
        for exchange in pitch.told.iter().rev() {
            let words = match config.seller_message {
                SellerMessage::Text => {
                    templates::say(usize::from(exchange.message), None, "", None)
                }
                SellerMessage::Binary if exchange.offer > 0.5 => "buy it".into(),
                SellerMessage::Binary => "leave it".into(),
            };
            let decision = match exchange.verdict {
                0 => "",
                1 => "  bought",
                _ => "  passed",
            };
            let quality = match exchange.third {
                0 => "",
                1 => "  (good)",
                _ => "  (bad)",
            };
            let _ = writeln!(out, "{:>3}  “{words}”{decision}{quality}", exchange.round);
        }
        out += &pitch.standing();
        Some(out)
    }
}

/// Nature makes the next thing.
fn draw(game: &mut Persuasion, rng: &mut Stream) {
    let drawn = game.draw(rng.random::<f64>() < game.config.p);
    debug_assert!(drawn.is_ok(), "{drawn:?}");
}
