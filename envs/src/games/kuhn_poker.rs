//! Kuhn poker: H. W. Kuhn, *A Simplified Two-Person Poker*, in Contributions to the Theory of Games I (1950).
//!
//! Three cards; each player antes 1 and is dealt one. The first player passes or bets 1. After a pass the second
//! may pass (showdown for the antes) or bet; after a bet the other calls by betting too (showdown for 2) or
//! folds by passing. The higher card wins a showdown. Rewards are the net gain, ±1 or ±2, in the last step.
//! First player's value under best play: -1/18.
//!
//! A player sees `[own card, action 1, action 2, action 3]`, with 0 for an action not yet taken, 1 for pass and
//! 2 for bet. Both actions are always allowed, so there is no mask. Turns change. The info field `privileged.cards`
//! tells both cards, to those who are let in on them.

use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    sim::{
        EnvSpec, Environment, InfoField, InfoKind, PlayerSpec, RowObservation, RowStep, Turns,
        no_options,
    },
    space::{BoxSpace, DType, Space},
    stream::Stream,
};

/// A game can take three actions at most.
const LONGEST: usize = 3;
const CARDS: usize = 3;
const CARDS_INFO: &str = "privileged.cards";

/// The cards dealt and the actions taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deal {
    /// Card of each player, 0 (jack) to 2 (king).
    cards: [u8; 2],
    /// Actions in order: 0 not yet taken, 1 pass, 2 bet.
    history: [u8; LONGEST],
}

impl Deal {
    /// The start of a game with these two different cards, 0 (jack) to 2 (king).
    pub fn new(cards: [u8; 2]) -> Self {
        Self {
            cards,
            history: [0; LONGEST],
        }
    }

    fn taken(self) -> usize {
        self.history.iter().filter(|&&a| a != 0).count()
    }

    /// The player to act, 0 or 1; nobody after the end.
    pub fn mover(self) -> Option<usize> {
        self.gain().is_none().then_some(self.taken() % 2)
    }

    /// The game after the mover has passed (0) or bet (1); unchanged if it is over.
    #[must_use]
    pub fn after(mut self, action: u8) -> Self {
        if self.mover().is_some() {
            self.history[self.taken()] = action + 1;
        }
        self
    }

    /// Net gain of the first player, once the game is over.
    pub fn gain(self) -> Option<i8> {
        let stronger = if self.cards[0] > self.cards[1] { 1 } else { -1 };
        match self.history {
            [1, 1, 0] => Some(stronger),
            [2, 2, 0] | [1, 2, 2] => Some(2 * stronger),
            [2, 1, 0] => Some(1),
            [1, 2, 1] => Some(-1),
            _ => None,
        }
    }
}

/// Arguments of [`KuhnPoker`]: none.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KuhnPokerArgs {}

/// The game of Kuhn poker.
#[derive(Debug, Clone)]
pub struct KuhnPoker;

impl Environment for KuhnPoker {
    type State = Deal;

    fn spec(&self) -> EnvSpec {
        let seen = Space::MultiDiscrete {
            nvec: vec![CARDS, 3, 3, 3],
        };
        let player = |name| PlayerSpec::new(name, seen.clone(), Space::discrete(2));
        EnvSpec {
            players: vec![player("first"), player("second")],
            turns: Turns::Changing,
            reward_range: (-2.0, 2.0),
            info: vec![InfoField {
                name: CARDS_INFO.into(),
                space: Space::Box(BoxSpace {
                    dtype: DType::Float64,
                    shape: vec![2],
                    low: vec![0.0; 2],
                    high: vec![2.0; 2],
                }),
                kind: InfoKind::State,
                summary: "Card of each player, 0 (jack) to 2 (king).".into(),
            }],
            ..EnvSpec::single(
                "kuhn_poker-v1",
                "Poker with three cards, one card each and one bet: the smallest game of bluffing.",
                seen.clone(),
                Space::discrete(2),
            )
        }
    }

    fn reset(&self, rng: &mut Stream, options: &Value) -> Result<Deal, String> {
        no_options(options)?;
        let first = rng.random_range(0..CARDS as u8);
        // The second card is one of the two left.
        let second = (first + rng.random_range(1..CARDS as u8)) % CARDS as u8;
        Ok(Deal::new([first, second]))
    }

    fn step(&self, deal: &mut Deal, step: &mut RowStep<'_>, _: &mut Stream) {
        if let Some(mover) = deal.mover() {
            *deal = deal.after(step.discrete(mover) as u8);
        }
        if let Some(gain) = deal.gain() {
            step.reward(0, f32::from(gain));
            step.reward(1, -f32::from(gain));
            step.terminate();
        }
    }

    fn observe(&self, deal: &Deal, player: usize, out: &mut RowObservation<'_>) {
        let [a, b, c] = deal.history.map(i32::from);
        out.i32(0)
            .copy_from_slice(&[i32::from(deal.cards[player]), a, b, c]);
        out.info(CARDS_INFO, &deal.cards.map(f64::from));
    }

    fn acts(&self, deal: &Deal, player: usize) -> bool {
        deal.mover() == Some(player)
    }

    fn render(&self, deal: &Deal) -> Option<String> {
        let card = |player: usize| ["J", "Q", "K"][usize::from(deal.cards[player])];
        let line: Vec<&str> = deal
            .history
            .iter()
            .filter(|&&a| a != 0)
            .map(|&a| if a == 1 { "pass" } else { "bet" })
            .collect();
        let outcome = match (deal.mover(), deal.gain()) {
            (Some(0), _) => "first to act".into(),
            (Some(_), _) => "second to act".into(),
            (None, gain) => format!("first gains {:+}", gain.unwrap_or(0)),
        };
        Some(format!(
            "cards {} {}   {}\n{outcome}",
            card(0),
            card(1),
            if line.is_empty() {
                "no action yet".to_owned()
            } else {
                line.join(", ")
            }
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{RowPlugin, RowReset, Simulator};

    /// Probability of betting in an information set: own card and history.
    type Policy<'a> = &'a dyn Fn(u8, [u8; LONGEST]) -> f64;

    fn deals() -> impl Iterator<Item = Deal> {
        (0..3u8)
            .flat_map(|a| (0..3).map(move |b| [a, b]))
            .filter(|[a, b]| a != b)
            .map(Deal::new)
    }

    /// Expected gain of the first player.
    fn value(deal: Deal, policies: [Policy<'_>; 2]) -> f64 {
        let Some(mover) = deal.mover() else {
            return f64::from(deal.gain().unwrap());
        };
        let bet = policies[mover](deal.cards[mover], deal.history);
        bet * value(deal.after(1), policies) + (1.0 - bet) * value(deal.after(0), policies)
    }

    fn expected(policies: [Policy<'_>; 2]) -> f64 {
        deals().map(|deal| value(deal, policies)).sum::<f64>() / 6.0
    }

    /// Kuhn's family of equilibria: the first player bluffs with the jack with probability `alpha`.
    fn first(alpha: f64) -> impl Fn(u8, [u8; LONGEST]) -> f64 {
        move |card, history| match (card, history) {
            (0, [0, ..]) => alpha,
            (2, [0, ..]) => 3.0 * alpha,
            (1, [1, 2, _]) => alpha + 1.0 / 3.0,
            (2, [1, 2, _]) => 1.0,
            _ => 0.0,
        }
    }

    fn second(card: u8, history: [u8; LONGEST]) -> f64 {
        match (card, history) {
            (0, [1, ..]) | (1, [2, ..]) => 1.0 / 3.0,
            (2, _) => 1.0,
            _ => 0.0,
        }
    }

    /// All pure policies of a player, by the bits of `index`: its six information sets.
    fn pure(player: usize, index: u32) -> impl Fn(u8, [u8; LONGEST]) -> f64 {
        move |card, history| {
            let late = match (player, history) {
                (0, [0, ..]) | (1, [1, ..]) => 0,
                _ => 1,
            };
            f64::from(index >> (2 * u32::from(card) + late) & 1)
        }
    }

    #[test]
    fn the_known_equilibria_have_the_known_value_and_no_better_reply() {
        for alpha in [0.0, 0.1, 1.0 / 3.0] {
            let first = first(alpha);
            // Exact rationals up to rounding.
            assert!((expected([&first, &second]) + 1.0 / 18.0).abs() < 1e-12);
            for index in 0..64 {
                let reply = expected([&pure(0, index), &second]);
                assert!(reply < -1.0 / 18.0 + 1e-12, "first gains {reply}");
                let reply = expected([&first, &pure(1, index)]);
                assert!(reply > -1.0 / 18.0 - 1e-12, "second gains {}", -reply);
            }
        }
    }

    #[test]
    fn all_six_deals_are_equally_likely() {
        let plugin = RowPlugin::new(KuhnPoker);
        let mut simulator = Simulator::builder(plugin).rows(6000).build().unwrap();
        simulator.reset().unwrap();
        let mut counts = [[0u32; 3]; 3];
        for row in 0..6000 {
            let card = |p| simulator.border().player(p).observation().i32(0)[row * 4] as usize;
            counts[card(0)][card(1)] += 1;
        }
        for (a, line) in counts.iter().enumerate() {
            for (b, &count) in line.iter().enumerate() {
                // Five standard deviations of a binomial with 6000 trials of probability 1/6.
                let wanted = if a == b { 0.0 } else { 1000.0 };
                let spread = if a == b { 0.0 } else { 5.0 * 28.9 };
                assert!((f64::from(count) - wanted).abs() <= spread, "{counts:?}");
            }
        }
    }

    #[test]
    fn bets_and_folds_are_paid() {
        let plugin = RowPlugin::new(KuhnPoker);
        let mut simulator = Simulator::builder(plugin).build().unwrap();
        for (actions, pay) in [
            (&[0, 0][..], None),
            (&[0, 1, 0], Some(-1.0)),
            (&[1, 0], Some(1.0)),
            (&[1, 1], None),
            (&[0, 1, 1], None),
        ] {
            simulator.reset_rows(&[RowReset::seeded(0, 3)]).unwrap();
            let card = |s: &Simulator, p| s.border().player(p).observation().i32(0)[0];
            let first_is_higher = card(&simulator, 0) > card(&simulator, 1);
            for (i, &action) in actions.iter().enumerate() {
                assert!(!simulator.border().terminated[0] || i == 0);
                let border = simulator.border_mut();
                border.player_mut(i % 2).action_mut().i32_mut(0)[0] = action;
                simulator.step().unwrap();
            }
            assert!(simulator.border().terminated[0]);
            let stake = if actions.contains(&1) { 2.0 } else { 1.0 };
            let showdown = if first_is_higher { stake } else { -stake };
            let rewards = [0, 1].map(|p| simulator.border().player(p).reward[0]);
            assert_eq!(rewards[0], pay.unwrap_or(showdown), "{actions:?}");
            assert_eq!(rewards[1], -rewards[0]);
        }
    }
}
