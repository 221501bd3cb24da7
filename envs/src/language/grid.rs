//! The published grid: 384 bargainings, 576 negotiations and 360 persuasions.
//!
//! *GLEE (arXiv 2410.05254), table of parameters.* A configuration is a number; its digits, the last one fastest, are the
//! choices in the order in which the lists stand below. An unknown horizon is the released code's hidden cap: 99 rounds
//! of bargaining, 30 of negotiation.

use super::{BargainingConfig, Horizon, Money, NegotiationConfig, PersuasionConfig, SellerMessage};

/// Number of bargainings.
pub const BARGAININGS: usize = 4 * 4 * 3 * 2 * 2 * 2;
/// Number of negotiations.
pub const NEGOTIATIONS: usize = 4 * 4 * 3 * 3 * 2 * 2;
/// Number of persuasions.
pub const PERSUASIONS: usize = 3 * 5 * 3 * 2 * 2 * 2;

/// Discount factors.
pub const DELTAS: [f64; 4] = [0.8, 0.9, 0.95, 1.0];
/// Valuations, as multiples of the scale.
pub const FACTORS: [f64; 4] = [0.8, 1.0, 1.2, 1.5];
/// Amounts.
pub const SCALES: [Money; 3] = [
    Money::whole(100),
    Money::whole(10_000),
    Money::whole(1_000_000),
];
/// Probabilities of high quality.
pub const PRIORS: [f64; 3] = [1.0 / 3.0, 0.5, 0.8];
/// Worth of good things; bad ones are worth nothing.
pub const WORTHS: [f64; 5] = [1.2, 1.25, 2.0, 3.0, 4.0];

/// Takes digits off a number, the last first.
struct Digits(usize);

impl Digits {
    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let digit = self.0 % choices.len();
        self.0 /= choices.len();
        choices[digit]
    }

    fn flag(&mut self) -> bool {
        self.pick(&[true, false])
    }
}

/// Bargaining number `index`, modulo [`BARGAININGS`].
pub fn bargaining(index: usize) -> BargainingConfig {
    let mut digits = Digits(index);
    let messages = digits.flag();
    let complete_information = digits.flag();
    let horizon = digits.pick(&[Horizon::Known(12), Horizon::Hidden { cap: 99 }]);
    let money = digits.pick(&SCALES);
    let bob = digits.pick(&DELTAS);
    BargainingConfig {
        money,
        delta: [digits.pick(&DELTAS), bob],
        horizon,
        complete_information,
        messages,
        walk_away: false,
        unbounded: false,
    }
}

/// Negotiation number `index`, modulo [`NEGOTIATIONS`].
pub fn negotiation(index: usize) -> NegotiationConfig {
    let mut digits = Digits(index);
    let messages = digits.flag();
    let complete_information = digits.flag();
    let horizon = digits.pick(&[
        Horizon::Known(1),
        Horizon::Known(10),
        Horizon::Hidden { cap: 30 },
    ]);
    let money = digits.pick(&SCALES);
    let buyer = digits.pick(&FACTORS);
    NegotiationConfig {
        money,
        factor: [digits.pick(&FACTORS), buyer],
        horizon,
        complete_information,
        messages,
        walk_away: false,
        unbounded: false,
    }
}

/// Persuasion number `index`, modulo [`PERSUASIONS`].
pub fn persuasion(index: usize) -> PersuasionConfig {
    let mut digits = Digits(index);
    let myopic = digits.flag();
    let seller_message = digits.pick(&[SellerMessage::Text, SellerMessage::Binary]);
    let seller_knows_values = digits.flag();
    let money = digits.pick(&SCALES);
    let value_high = digits.pick(&WORTHS);
    PersuasionConfig {
        money,
        p: digits.pick(&PRIORS),
        value_high,
        seller_message,
        seller_knows_values,
        myopic,
        rounds: 20,
        ..PersuasionConfig::default()
    }
}
