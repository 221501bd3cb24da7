//! Leduc poker: Southey et al., *Bayes' Bluff: Opponent Modelling in Poker* (UAI 2005, arXiv 1207.1411).
//!
//! Six cards, three ranks twice; each player antes 1 and is dealt one. A round of betting with raises of 2, then a
//! public card and a round with raises of 4; two raises at most in each round, and the first player begins both.
//! Folding is possible only when there is a raise to answer. Who pairs the public card wins, else the higher rank;
//! equal ranks share. Rewards are the net gain, at most 13, in the last step. First player's value under best play:
//! about -0.0856.
//!
//! A player sees `[own rank, public rank, actions of the first round, actions of the second]`: ranks 0 (jack) to 2
//! (king), the public one 3 while it is hidden; four places for each round with 0 for an action not yet taken, 1 for
//! fold, 2 for call, 3 for raise. Actions are fold, call and raise; a mask leaves those that are possible. Turns change.
//! The info field `privileged.cards` tells all three ranks, to those who are let in on them.

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

const CARDS: u8 = 6;
const RANKS: usize = 3;
/// A round can take four actions at most: call, raise, raise, call.
const LONGEST: usize = 4;
const MOST_RAISES: usize = 2;
/// What a raise adds in each round.
const RAISES: [i8; 2] = [2, 4];
const CARDS_INFO: &str = "privileged.cards";

/// What a player can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeducAction {
    /// Give up; possible only when there is a raise to answer.
    Fold,
    /// Put in as much as the other player has, or pass.
    Call,
    /// Put in more; possible twice a round.
    Raise,
}

impl LeducAction {
    /// All, in the order of the action space.
    pub const ALL: [Self; 3] = [Self::Fold, Self::Call, Self::Raise];
}

/// The cards dealt and the actions taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeducHand {
    /// First player's, second player's and the public card, 0 to 5; the rank is half of it.
    cards: [u8; 3],
    /// Actions of both rounds in order.
    history: [[Option<LeducAction>; LONGEST]; 2],
}

impl LeducHand {
    /// The start of a game with these three different cards, 0 to 5: the first player's, the second's, the public one.
    /// The rank of a card is half of it, 0 (jack) to 2 (king).
    pub fn new(cards: [u8; 3]) -> Self {
        Self {
            cards,
            history: [[None; LONGEST]; 2],
        }
    }

    /// The cards, in the order of [`new`](Self::new).
    pub fn cards(self) -> [u8; 3] {
        self.cards
    }

    /// Actions taken in a round, 0 or 1.
    pub fn line(&self, round: usize) -> impl Iterator<Item = LeducAction> {
        self.history[round].iter().flatten().copied()
    }

    /// Whether a round is over, because both have answered the last raise, or passed, or one has folded.
    fn round_is_over(self, round: usize) -> bool {
        let mut line = self.history[round].iter().flatten();
        match line.next_back() {
            Some(LeducAction::Fold) => true,
            // A call ends the round unless it was the first action.
            Some(LeducAction::Call) => line.next().is_some(),
            Some(LeducAction::Raise) | None => false,
        }
    }

    /// The round that is played, 0 or 1; 1 after the end, if the public card was reached.
    pub fn round(self) -> usize {
        usize::from(self.round_is_over(0) && self.folder().is_none_or(|(round, _)| round == 1))
    }

    /// Who has folded, in which round.
    fn folder(self) -> Option<(usize, usize)> {
        (0..2).find_map(|round| {
            let place = self.history[round]
                .iter()
                .position(|a| *a == Some(LeducAction::Fold))?;
            Some((round, place % 2))
        })
    }

    /// Chips that each player has put in, the ante included.
    fn bets(self) -> [i8; 2] {
        let mut bets = [1, 1];
        for (line, raise) in self.history.iter().zip(RAISES) {
            for (place, action) in line.iter().flatten().enumerate() {
                let (me, other) = (place % 2, 1 - place % 2);
                match action {
                    LeducAction::Fold => {}
                    LeducAction::Call => bets[me] = bets[other],
                    LeducAction::Raise => bets[me] = bets[other] + raise,
                }
            }
        }
        bets
    }

    /// The player to act, 0 or 1; nobody after the end.
    pub fn mover(self) -> Option<usize> {
        let over = self.folder().is_some() || self.round_is_over(1);
        (!over).then(|| self.line(self.round()).count() % 2)
    }

    /// Whether the mover can do this; nothing is possible after the end.
    pub fn allows(self, action: LeducAction) -> bool {
        let Some(mover) = self.mover() else {
            return false;
        };
        match action {
            LeducAction::Fold => self.bets()[mover] < self.bets()[1 - mover],
            LeducAction::Call => true,
            LeducAction::Raise => {
                let raises = self.line(self.round()).filter(|a| *a == LeducAction::Raise);
                raises.count() < MOST_RAISES
            }
        }
    }

    /// The game after the mover has done this; unchanged if it is not possible.
    #[must_use]
    pub fn after(mut self, action: LeducAction) -> Self {
        if self.allows(action) {
            let line = &mut self.history[self.round()];
            if let Some(free) = line.iter_mut().find(|a| a.is_none()) {
                *free = Some(action);
            }
        }
        self
    }

    /// Net gain of the first player, once the game is over.
    pub fn gain(self) -> Option<i8> {
        if self.mover().is_some() {
            return None;
        }
        let bets = self.bets();
        Some(match self.folder() {
            Some((_, 0)) => -bets[0],
            Some(_) => bets[1],
            None => {
                let rank = |index: usize| self.cards[index] / 2;
                let strength = |player: usize| (rank(player) == rank(2), rank(player));
                match strength(0).cmp(&strength(1)) {
                    std::cmp::Ordering::Greater => bets[1],
                    std::cmp::Ordering::Less => -bets[0],
                    std::cmp::Ordering::Equal => 0,
                }
            }
        })
    }
}

/// Arguments of [`LeducPoker`]: none.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LeducPokerArgs {}

/// The game of Leduc poker.
#[derive(Debug, Clone)]
pub struct LeducPoker;

impl Environment for LeducPoker {
    type State = LeducHand;

    fn spec(&self) -> EnvSpec {
        let mut nvec = vec![RANKS, RANKS + 1];
        nvec.extend([4; 2 * LONGEST]);
        let seen = Space::MultiDiscrete { nvec };
        let player = |name| PlayerSpec {
            action_mask: true,
            ..PlayerSpec::new(name, seen.clone(), Space::discrete(3))
        };
        EnvSpec {
            players: vec![player("first"), player("second")],
            turns: Turns::Changing,
            reward_range: (-13.0, 13.0),
            info: vec![InfoField {
                name: CARDS_INFO.into(),
                space: Space::Box(BoxSpace {
                    dtype: DType::Float64,
                    shape: vec![3],
                    low: vec![0.0; 3],
                    high: vec![2.0; 3],
                }),
                kind: InfoKind::State,
                summary: "Rank of each player's and of the public card, 0 (jack) to 2 (king)."
                    .into(),
            }],
            ..EnvSpec::single(
                "leduc_poker-v1",
                "Poker with six cards in three ranks, two rounds of betting and a public card.",
                seen.clone(),
                Space::discrete(3),
            )
        }
    }

    fn reset(&self, rng: &mut Stream, options: &Value) -> Result<LeducHand, String> {
        no_options(options)?;
        let mut deck = [0, 1, 2, 3, 4, 5];
        for place in 0..3 {
            deck.swap(place, rng.random_range(place..CARDS as usize));
        }
        Ok(LeducHand::new([deck[0], deck[1], deck[2]]))
    }

    fn step(&self, hand: &mut LeducHand, step: &mut RowStep<'_>, _: &mut Stream) {
        if let Some(mover) = hand.mover() {
            // The simulator has checked the action against the mask.
            *hand = hand.after(LeducAction::ALL[step.discrete(mover) as usize]);
        }
        if let Some(gain) = hand.gain() {
            step.reward(0, f32::from(gain));
            step.reward(1, -f32::from(gain));
            step.terminate();
        }
    }

    fn observe(&self, hand: &LeducHand, player: usize, out: &mut RowObservation<'_>) {
        let seen = out.i32(0);
        seen[0] = i32::from(hand.cards[player] / 2);
        seen[1] = if hand.round() == 1 {
            i32::from(hand.cards[2] / 2)
        } else {
            RANKS as i32
        };
        for (cell, action) in seen[2..].iter_mut().zip(hand.history.as_flattened()) {
            *cell = action.map_or(0, |action| action as i32 + 1);
        }
        let acts = self.acts(hand, player);
        for (cell, action) in out.mask().iter_mut().zip(LeducAction::ALL) {
            *cell = u8::from(acts && hand.allows(action));
        }
        out.info(CARDS_INFO, &hand.cards.map(|card| f64::from(card / 2)));
    }

    fn acts(&self, hand: &LeducHand, player: usize) -> bool {
        hand.mover() == Some(player)
    }

    fn render(&self, hand: &LeducHand) -> Option<String> {
        let card = |index: usize| ["J", "Q", "K"][usize::from(hand.cards[index] / 2)];
        let line = |round: usize| {
            let words = hand.line(round).map(|action| match action {
                LeducAction::Fold => "fold",
                LeducAction::Call => "call",
                LeducAction::Raise => "raise",
            });
            let words: Vec<&str> = words.collect();
            if words.is_empty() {
                "no action yet".to_owned()
            } else {
                words.join(", ")
            }
        };
        let second = if hand.round() == 1 {
            format!("\npublic {}    {}", card(2), line(1))
        } else {
            String::new()
        };
        let outcome = match (hand.mover(), hand.gain()) {
            (Some(0), _) => "first to act".into(),
            (Some(_), _) => "second to act".into(),
            (None, gain) => format!("first gains {:+}", gain.unwrap_or(0)),
        };
        Some(format!(
            "cards {} {}   {}{second}\n{outcome}",
            card(0),
            card(1),
            line(0)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{RowPlugin, RowReset, Simulator};

    fn played(cards: [u8; 3], line: &str) -> LeducHand {
        line.chars().fold(LeducHand::new(cards), |hand, c| {
            let action = match c {
                'f' => LeducAction::Fold,
                'c' => LeducAction::Call,
                _ => LeducAction::Raise,
            };
            assert!(hand.allows(action), "{line} at {c}");
            hand.after(action)
        })
    }

    #[test]
    fn hands_are_paid_by_the_rules() {
        // King, jack, and a public queen; ranks are halves.
        let high = [4, 0, 2];
        for (line, gain) in [
            ("cccc", 1),
            ("rf", 1),
            ("crf", -1),
            ("rrf", -3),
            ("rccc", 3),
            ("rrccc", 5),
            ("rrcrrc", 13),
            ("ccrf", 1),
            ("ccrrf", -5),
            ("ccrrc", 9),
            ("crrccrc", 9),
        ] {
            assert_eq!(played(high, line).gain(), Some(gain), "{line}");
            // The other way round, where nobody folds.
            if !line.ends_with('f') {
                assert_eq!(played([0, 4, 2], line).gain(), Some(-gain));
            }
        }
        // A pair beats a higher rank, and equal ranks share.
        assert_eq!(played([0, 4, 1], "cccc").gain(), Some(1));
        assert_eq!(played([4, 5, 0], "rcrc").gain(), Some(0));
    }

    #[test]
    fn raises_and_folds_are_limited() {
        let start = LeducHand::new([0, 1, 2]);
        assert!(!start.allows(LeducAction::Fold));
        let raised = played([0, 1, 2], "rr");
        assert!(raised.allows(LeducAction::Fold) && !raised.allows(LeducAction::Raise));
        // A new round, new raises, and the first player begins.
        let second = played([0, 1, 2], "rrc");
        assert_eq!((second.round(), second.mover()), (1, Some(0)));
        assert!(second.allows(LeducAction::Raise));
        let folded = played([0, 1, 2], "rf");
        assert_eq!((folded.round(), folded.mover()), (0, None));
        assert_eq!(folded.after(LeducAction::Call), folded);
    }

    #[test]
    fn the_public_card_is_hidden_in_the_first_round() {
        let plugin = RowPlugin::new(LeducPoker);
        let mut simulator = Simulator::builder(plugin).build().unwrap();
        simulator.reset_rows(&[RowReset::seeded(0, 3)]).unwrap();
        let seen = |s: &Simulator, p| s.border().player(p).observation().i32(0).to_vec();
        assert_eq!(seen(&simulator, 0)[1], 3);
        for player in [0, 1] {
            let border = simulator.border_mut();
            border.player_mut(player).action_mut().i32_mut(0)[0] = 1;
            simulator.step().unwrap();
        }
        for player in [0, 1] {
            let seen = seen(&simulator, player);
            assert!((0..3).contains(&seen[1]));
            assert_eq!(seen[2..], [2, 2, 0, 0, 0, 0, 0, 0]);
        }
    }

    #[test]
    fn all_cards_are_equally_likely() {
        let plugin = RowPlugin::new(LeducPoker);
        let mut simulator = Simulator::builder(plugin).rows(9000).build().unwrap();
        simulator.reset().unwrap();
        let mut counts = [[0u32; 3]; 3];
        for row in 0..9000 {
            let rank = |p| simulator.border().player(p).observation().i32(0)[row * 10] as usize;
            counts[rank(0)][rank(1)] += 1;
        }
        for (a, line) in counts.iter().enumerate() {
            for (b, &count) in line.iter().enumerate() {
                // Equal ranks: 1/3 · 1/5; others 1/3 · 2/5. Five standard deviations.
                let p: f64 = if a == b { 1.0 / 15.0 } else { 2.0 / 15.0 };
                let spread = 5.0 * (9000.0 * p * (1.0 - p)).sqrt();
                assert!((f64::from(count) - 9000.0 * p).abs() < spread, "{counts:?}");
            }
        }
    }
}
