//! What games are measured by: both self-gains, efficiency and fairness.
//!
//! *Definitions: GLEE (Shapira et al., arXiv 2410.05254), section on metrics.* [`Scoring::UpstreamScripts`] keeps what
//! the released analysis scripts compute instead, for comparison with the published tables.

use serde::{Deserialize, Serialize};

use super::rules::power;

/// Whose formulas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scoring {
    /// Those of the paper.
    #[default]
    Paper,
    /// Those of the released scripts. They differ where a bargaining fails (efficiency `δ_B^(T-1)`, fairness 0), where
    /// a price lies outside both valuations (efficient if Bob's is not below Alice's), and in persuasion, where they
    /// count low and *not* bought against the buyer and take 20 rounds and worthless bad things for granted.
    UpstreamScripts,
}

/// The measures of a game.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Alice's normalised self-gain.
    pub alice: f64,
    /// Bob's.
    pub bob: f64,
    /// Efficiency; `None` where it is not defined (leave it out of means).
    pub efficiency: Option<f64>,
    /// Fairness; at most 1, and in a negotiation not bounded below. `None` where it is not defined.
    pub fairness: Option<f64>,
}

impl Metrics {
    /// Efficiency and fairness clipped to [0, 1], as the paper's analysis does.
    #[must_use]
    pub fn clipped(self) -> Self {
        let clip = |x: Option<f64>| x.map(|x| x.clamp(0.0, 1.0));
        Self {
            efficiency: clip(self.efficiency),
            fairness: clip(self.fairness),
            ..self
        }
    }
}

/// An agreement of a bargaining.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deal {
    /// Alice's undiscounted share.
    pub share: f64,
    /// In which round, from 1.
    pub round: u16,
}

/// One less four times the squared distance.
fn closeness(x: f64, middle: f64) -> f64 {
    1.0 - 4.0 * (x - middle) * (x - middle)
}

/// Of a bargaining with discount factors `delta` and `last` rounds; `deal` is `None` if there was none.
pub fn bargaining(deal: Option<Deal>, delta: [f64; 2], last: u16, scoring: Scoring) -> Metrics {
    let Some(Deal { share, round }) = deal else {
        let (efficiency, fairness) = match scoring {
            Scoring::Paper => (0.0, 1.0),
            Scoring::UpstreamScripts => (power(delta[1], last - 1), 0.0),
        };
        return Metrics {
            alice: 0.0,
            bob: 0.0,
            efficiency: Some(efficiency),
            fairness: Some(fairness),
        };
    };
    let alice = power(delta[0], round - 1) * share;
    let bob = power(delta[1], round - 1) * (1.0 - share);
    Metrics {
        alice,
        bob,
        efficiency: Some(alice + bob),
        fairness: Some(closeness(share, 0.5)),
    }
}

/// Of a negotiation with the factors of seller and buyer; `price` is that of the trade over the scale.
pub fn negotiation(price: Option<f64>, factor: [f64; 2], scoring: Scoring) -> Metrics {
    let [seller, buyer] = factor;
    let efficient = match (price, scoring) {
        (Some(price), Scoring::Paper) => seller <= price && price <= buyer,
        (Some(_), Scoring::UpstreamScripts) => seller <= buyer,
        (None, _) => seller >= buyer,
    };
    let (alice, bob) = price.map_or((0.0, 0.0), |price| (price - seller, buyer - price));
    let fairness = price.map_or(1.0, |price| closeness(price, f64::midpoint(seller, buyer)));
    Metrics {
        alice,
        bob,
        efficiency: Some(f64::from(u8::from(efficient))),
        fairness: Some(fairness),
    }
}

/// How often what happened in a game of persuasion.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Counts {
    /// Rounds played.
    pub rounds: u16,
    /// Good things, `n`.
    pub high: u16,
    /// Good things bought, `k`.
    pub high_bought: u16,
    /// Bad things bought.
    pub low_bought: u16,
}

impl Counts {
    /// Counts a round.
    pub fn count(&mut self, high: bool, bought: bool) {
        self.rounds += 1;
        self.high += u16::from(high);
        self.high_bought += u16::from(high && bought);
        self.low_bought += u16::from(!high && bought);
    }

    /// Things sold.
    pub fn sold(self) -> u16 {
        self.high_bought + self.low_bought
    }

    /// Bad things, not bought, `r`.
    pub fn low_passed(self) -> u16 {
        self.rounds - self.high - self.low_bought
    }
}

/// Of a game of persuasion of `rounds` rounds, with the worth `[high, low]` of things in prices.
pub fn persuasion(counts: Counts, rounds: u16, worth: [f64; 2], scoring: Scoring) -> Metrics {
    let ratio = |part: u16, all: f64| (all > 0.0).then(|| f64::from(part) / all);
    let [high, low] = worth;
    let kept = f64::from(counts.high_bought) * (high - 1.0);
    let (length, lost) = match scoring {
        Scoring::Paper => (
            f64::from(rounds),
            f64::from(counts.low_bought) * (low - 1.0),
        ),
        Scoring::UpstreamScripts => (20.0, -f64::from(counts.low_passed())),
    };
    Metrics {
        alice: f64::from(counts.sold()) / length,
        bob: (kept + lost) / length,
        efficiency: ratio(counts.high_bought, f64::from(counts.high)),
        fairness: ratio(counts.low_passed(), length - f64::from(counts.high)),
    }
}
