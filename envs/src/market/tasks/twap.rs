//! Executing a large order in equal slices of time (time-weighted average price), as the trading agent of MarS (*MarS: a
//! Financial Market Simulation Engine Powered by Generative Foundation Model*, arXiv 2409.07486, appendix on market impact).
//!
//! A cycle has two stages. In the *passive* one the trader keeps orders at its own side's best price only, and tops them up to a
//! share of the target; in the *aggressive* one it crosses the spread for whatever it is behind a straight line that is complete
//! at the end. Sizes are rounded up to lots.

use serde::{Deserialize, Serialize};

use crate::market::order::{Price, Side, Size};

/// The two stages of a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Waiting at the best price of the own side.
    Passive,
    /// Catching up at the other side's.
    Aggressive,
}

/// How to execute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Twap {
    /// Side of the whole order.
    pub side: Side,
    /// Shares in all.
    pub target: Size,
    /// Sizes are rounded up to multiples of it, > 0.
    pub lot: Size,
    /// Distance of two prices, > 0.
    pub tick: Price,
    /// Largest part of the target in passive orders at a time, 0 to 1.
    pub passive_ratio: f64,
    /// Largest part of the target in one aggressive order, 0 to 1.
    pub aggressive_ratio: f64,
    /// How far beyond the best price an aggressive order goes, ≥ 0.
    pub aggressive_price_change: Price,
    /// Seconds for the whole order, > 0.
    pub total_seconds: u32,
    /// Seconds from a passive stage to the aggressive one.
    pub passive_seconds: u32,
    /// Seconds from an aggressive stage to the passive one.
    pub idle_seconds: u32,
}

/// What the trader sees of the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// Best bid.
    pub bid: Option<Price>,
    /// Best ask.
    pub ask: Option<Price>,
    /// Last price, which stands in where both sides are empty.
    pub last: Price,
}

impl Touch {
    /// Best price of a side; a side that is empty is taken to be a tick behind the other.
    fn best(&self, side: Side, tick: Price) -> Price {
        let (own, other) = match side {
            Side::Buy => (self.bid, self.ask),
            Side::Sell => (self.ask, self.bid),
        };
        let behind = other.map(|price| price - side.sign() * tick);
        own.or(behind).unwrap_or(self.last)
    }
}

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Take away `size` shares of own orders at `price`, the oldest first.
    Cancel {
        /// Price of the orders.
        price: Price,
        /// Shares.
        size: Size,
    },
    /// Enter a limit order on the own side.
    Limit {
        /// Limit.
        price: Price,
        /// Shares; 0 is left out by the caller.
        size: Size,
    },
}

impl Twap {
    /// What to do, and the seconds to wait after it. `own` are price and size of the live own orders in order of entry,
    /// `elapsed` the seconds since the start, before the end. Writes into `steps` what it had not.
    pub fn decide(
        &self,
        stage: Stage,
        completed: Size,
        own: &[(Price, Size)],
        touch: &Touch,
        elapsed: u32,
        steps: &mut Vec<Step>,
    ) -> u32 {
        steps.clear();
        match stage {
            Stage::Passive => {
                self.wait(completed, own, touch.best(self.side, self.tick), steps);
                self.passive_seconds
            }
            Stage::Aggressive => {
                let best = touch.best(self.side.opposite(), self.tick);
                let price = best + self.side.sign() * self.aggressive_price_change;
                self.catch_up(completed, own, price, elapsed, steps);
                self.idle_seconds
            }
        }
    }

    /// Everything that is left of the own orders is taken back.
    pub fn finish(own: &[(Price, Size)], steps: &mut Vec<Step>) {
        steps.clear();
        cancel(own.iter().copied(), Size::MAX, steps);
    }

    /// The passive stage: orders at `best` only, up to their share of the target.
    pub(super) fn wait(
        &self,
        completed: Size,
        own: &[(Price, Size)],
        best: Price,
        steps: &mut Vec<Step>,
    ) {
        let elsewhere = own.iter().copied().filter(|(price, _)| *price != best);
        cancel(elsewhere, Size::MAX, steps);
        let kept = own.iter().copied().filter(|(price, _)| *price == best);
        let present: Size = kept.clone().map(|(_, size)| size).sum();
        let wanted = self.share(self.passive_ratio);
        if present < wanted {
            let left = self.target - completed - present;
            let size = self.round_up(wanted - present).min(left).max(0);
            steps.push(Step::Limit { price: best, size });
        } else if present - wanted >= self.lot {
            cancel(kept, present - wanted, steps);
        }
    }

    /// The aggressive stage: an order at `price` for what is missing.
    pub(super) fn catch_up(
        &self,
        completed: Size,
        own: &[(Price, Size)],
        price: Price,
        elapsed: u32,
        steps: &mut Vec<Step>,
    ) {
        // The product first: it is exact, and only the division rounds.
        let due = (self.target * i64::from(elapsed + self.idle_seconds)) as f64
            / f64::from(self.total_seconds);
        let behind = due.round_ties_even() as Size - completed;
        if behind <= 0 {
            return;
        }
        let wanted = self.round_up(behind).min(self.share(self.aggressive_ratio));
        let present: Size = own.iter().map(|(_, size)| size).sum();
        let free = self.target - completed - present;
        let mut size = wanted;
        if free < wanted {
            // What waits in passive orders is needed now.
            cancel(own.iter().copied(), wanted - free, steps);
            size = free + (wanted - free).min(present);
        }
        if size > 0 {
            steps.push(Step::Limit { price, size });
        }
    }

    /// A share of the target, in whole lots.
    fn share(&self, ratio: f64) -> Size {
        self.round_up((self.target as f64 * ratio) as Size)
    }

    fn round_up(&self, size: Size) -> Size {
        (size + self.lot - 1).div_euclid(self.lot) * self.lot
    }
}

/// Takes `size` shares from `orders`, the first first; one step for each price.
fn cancel(orders: impl Iterator<Item = (Price, Size)>, size: Size, steps: &mut Vec<Step>) {
    let before = steps.len();
    let mut left = size;
    for (price, size) in orders {
        let taken = size.min(left);
        left -= taken;
        if taken == 0 {
            break;
        }
        let same = steps[before..].iter_mut().find_map(|step| match step {
            Step::Cancel { price: at, size } if *at == price => Some(size),
            _ => None,
        });
        match same {
            Some(sum) => *sum += taken,
            None => steps.push(Step::Cancel { price, size: taken }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const GOLDEN: &str = include_str!("../../../../tests/golden/market/twap_decisions.json");

    #[test]
    fn twap_decides_as_the_original() {
        let golden: Value = serde_json::from_str(GOLDEN).unwrap();
        let integer = |value: &Value| value.as_i64().unwrap();
        let pairs = |value: &Value| -> Vec<(i64, i64)> {
            let list = value.as_array().unwrap().iter();
            list.map(|pair| (integer(&pair[0]), integer(&pair[1])))
                .collect()
        };
        let decisions = golden["rows"].as_array().unwrap();
        assert_eq!(decisions.len(), 160);
        let mut steps = Vec::new();
        for row in decisions {
            let side = if row[0] == "B" { Side::Buy } else { Side::Sell };
            let lob = &golden["lobs"][row[1].as_str().unwrap()];
            let touch = Touch {
                bid: pairs(&lob["bids"]).first().map(|level| level.0),
                ask: pairs(&lob["asks"]).first().map(|level| level.0),
                last: integer(&lob["last"]),
            };
            let stage = if row[2] == "passive" {
                Stage::Passive
            } else {
                Stage::Aggressive
            };
            let twap = Twap {
                side,
                target: integer(&row[3]),
                lot: 100,
                tick: 100,
                passive_ratio: row[6].as_f64().unwrap(),
                aggressive_ratio: 1.0,
                aggressive_price_change: 0,
                total_seconds: 300,
                passive_seconds: 20,
                idle_seconds: 10,
            };
            let elapsed = integer(&row[7]) as u32;
            let own = pairs(&row[5]);
            let wait = twap.decide(stage, integer(&row[4]), &own, &touch, elapsed, &mut steps);
            let told: Vec<Value> = steps
                .iter()
                .map(|step| match *step {
                    Step::Cancel { price, size } => json!(["C", price, size]),
                    Step::Limit { price, size } => json!([row[0], price, size]),
                })
                .collect();
            assert_eq!(Value::from(told), row[8], "{row}");
            assert_eq!(i64::from(wait), integer(&row[9]));
        }
    }
}
