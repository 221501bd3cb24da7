//! What bargaining and negotiation are to the environment that plays either.

use serde::{Serialize, de::DeserializeOwned};

use super::{DELTA, VALUE};
use crate::language::{
    Bargaining, BargainingConfig, HIGHEST_PRICE, Horizon, Metrics, Money, Negotiation,
    NegotiationConfig, Outcome, Reason, Scoring, answer::Play, grid,
};

/// Identifier and summary of bargaining.
pub(super) const BARGAINING: (&str, &str) = (
    "glee_bargaining-v1",
    "Two players divide an amount by alternating offers while it melts (GLEE).",
);
/// Identifier and summary of negotiation.
pub(super) const NEGOTIATION: (&str, &str) = (
    "glee_negotiation-v1",
    "A seller and a buyer haggle over a price, and can go to somebody else (GLEE).",
);

/// The rules of a game of offers and answers, as the environment needs them.
pub trait Haggle: Copy + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its configuration.
    type Config: Copy + Send + Sync + 'static;
    /// Number of the family.
    const FAMILY: usize;
    /// Games of the published grid.
    const PUBLISHED: usize;

    /// Identifier and summary.
    fn names() -> (&'static str, &'static str);
    /// A game; the configuration has been checked.
    fn start(config: Self::Config) -> Self;
    /// A game of the published grid.
    fn published(index: usize) -> Self;
    /// The play of offering an amount.
    fn offered(&self, amount: Money) -> Play;
    /// Plays what is due; anything else changes nothing.
    fn play(&mut self, play: Play);
    /// Ends it for a reason outside the rules.
    fn stop(&mut self, reason: Reason);
    /// The round, from 1.
    fn round(&self) -> u16;
    /// The offer on the table.
    fn offer(&self) -> Option<Money>;
    /// Who moves.
    fn mover(&self) -> Option<usize>;
    /// How it ended.
    fn outcome(&self) -> Option<Outcome>;
    /// The measures, once it is over.
    fn measures(&self) -> Option<Metrics>;
    /// Scale of amounts.
    fn money(&self) -> Money;
    /// Rounds.
    fn horizon(&self) -> Horizon;
    /// Whether each knows the other's type.
    fn is_complete(&self) -> bool;
    /// Whether offers carry messages.
    fn has_messages(&self) -> bool;
    /// Whether the one who decides may leave.
    fn has_exit(&self) -> bool;
    /// Discount factors or valuations, over the scale.
    fn types(&self) -> [f64; 2];
    /// Bounds of types, and of rewards if offers are within `range`.
    fn bounds(game: Option<&Self>, range: [f64; 2]) -> [[f64; 2]; 2];
    /// Where types stand in the observation.
    fn types_at() -> usize;
}

/// The methods that both families have under the same names.
macro_rules! same_for_both {
    ($config:ty) => {
        type Config = $config;

        fn start(config: Self::Config) -> Self {
            Self::start(config)
        }
        fn play(&mut self, play: Play) {
            let played = self.play(play);
            debug_assert!(played.is_ok(), "{played:?}");
        }
        fn stop(&mut self, reason: Reason) {
            self.stop(reason);
        }
        fn round(&self) -> u16 {
            self.round()
        }
        fn offer(&self) -> Option<Money> {
            self.offer()
        }
        fn mover(&self) -> Option<usize> {
            self.mover()
        }
        fn outcome(&self) -> Option<Outcome> {
            self.outcome()
        }
        fn measures(&self) -> Option<Metrics> {
            self.metrics(Scoring::Paper)
        }
        fn money(&self) -> Money {
            self.config.money
        }
        fn horizon(&self) -> Horizon {
            self.config.horizon
        }
        fn is_complete(&self) -> bool {
            self.config.complete_information
        }
        fn has_messages(&self) -> bool {
            self.config.messages
        }
    };
}

impl Haggle for Bargaining {
    same_for_both!(BargainingConfig);
    const FAMILY: usize = 0;
    const PUBLISHED: usize = grid::BARGAININGS;

    fn names() -> (&'static str, &'static str) {
        BARGAINING
    }
    fn published(index: usize) -> Self {
        Self::start(grid::bargaining(index))
    }
    fn offered(&self, amount: Money) -> Play {
        Play::Split(amount, self.config.money - amount)
    }
    fn has_exit(&self) -> bool {
        self.config.walk_away
    }
    fn types(&self) -> [f64; 2] {
        self.config.delta
    }
    fn bounds(_: Option<&Self>, _: [f64; 2]) -> [[f64; 2]; 2] {
        [[0.0, 1.0]; 2]
    }
    fn types_at() -> usize {
        DELTA
    }
}

impl Haggle for Negotiation {
    same_for_both!(NegotiationConfig);
    const FAMILY: usize = 1;
    const PUBLISHED: usize = grid::NEGOTIATIONS;

    fn names() -> (&'static str, &'static str) {
        NEGOTIATION
    }
    fn published(index: usize) -> Self {
        Self::start(grid::negotiation(index))
    }
    fn offered(&self, amount: Money) -> Play {
        Play::Price(amount)
    }
    fn has_exit(&self) -> bool {
        true
    }
    fn types(&self) -> [f64; 2] {
        self.config.factor
    }
    fn bounds(game: Option<&Self>, [low, high]: [f64; 2]) -> [[f64; 2]; 2] {
        let [least, most] = game.map_or([grid::FACTORS[0], grid::FACTORS[3]], |game| {
            let [a, b] = game.config.factor;
            [a.min(b), a.max(b)]
        });
        // Prices are rounded to the hundredth, on a scale of at least 1.
        let (low, high) = (low - 0.01, high + 0.01);
        let rewards = [
            (low - most).min(least - high),
            (high - least).max(most - low),
        ];
        [[0.0, HIGHEST_PRICE as f64], rewards]
    }
    fn types_at() -> usize {
        VALUE
    }
}
