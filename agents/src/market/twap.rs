//! Executing a large order in equal slices of time (time-weighted average price), as the trading agent of MarS (*MarS: a
//! Financial Market Simulation Engine Powered by Generative Foundation Model*, arXiv 2409.07486, appendix on market impact).
//!
//! A cycle has two stages. In the *passive* one the trader keeps orders at its own side's best price only, and tops them up to a
//! share of the target; in the *aggressive* one it crosses the spread for whatever it is behind a straight line that is complete
//! at the end. Sizes are rounded up to lots.

use palaestra_envs::market::order::{Price, Side, Size};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// `elapsed` the seconds since the start, before the end.
    pub fn decide(
        &self,
        stage: Stage,
        completed: Size,
        own: &[(Price, Size)],
        touch: &Touch,
        elapsed: u32,
    ) -> (Vec<Step>, u32) {
        match stage {
            Stage::Passive => (self.wait(completed, own, touch), self.passive_seconds),
            Stage::Aggressive => (
                self.catch_up(completed, own, touch, elapsed),
                self.idle_seconds,
            ),
        }
    }

    /// Everything that is left of the own orders is taken back.
    pub fn finish(own: &[(Price, Size)]) -> Vec<Step> {
        cancel(own.iter().copied(), Size::MAX)
    }

    fn wait(&self, completed: Size, own: &[(Price, Size)], touch: &Touch) -> Vec<Step> {
        let best = touch.best(self.side, self.tick);
        let mut steps = cancel(
            own.iter().copied().filter(|(price, _)| *price != best),
            Size::MAX,
        );
        let kept = own.iter().copied().filter(|(price, _)| *price == best);
        let present: Size = kept.clone().map(|(_, size)| size).sum();
        let wanted = self.share(self.passive_ratio);
        if present < wanted {
            let left = self.target - completed - present;
            let size = self.round_up(wanted - present).min(left).max(0);
            steps.push(Step::Limit { price: best, size });
        } else if present - wanted >= self.lot {
            steps.extend(cancel(kept, present - wanted));
        }
        steps
    }

    fn catch_up(
        &self,
        completed: Size,
        own: &[(Price, Size)],
        touch: &Touch,
        elapsed: u32,
    ) -> Vec<Step> {
        // The product first: it is exact, and only the division rounds.
        let due = (self.target * i64::from(elapsed + self.idle_seconds)) as f64
            / f64::from(self.total_seconds);
        let behind = due.round_ties_even() as Size - completed;
        if behind <= 0 {
            return Vec::new();
        }
        let wanted = self.round_up(behind).min(self.share(self.aggressive_ratio));
        let present: Size = own.iter().map(|(_, size)| size).sum();
        let free = self.target - completed - present;
        let mut steps = Vec::new();
        let mut size = wanted;
        if free < wanted {
            // What waits in passive orders is needed now.
            steps = cancel(own.iter().copied(), wanted - free);
            size = free + (wanted - free).min(present);
        }
        if size > 0 {
            let best = touch.best(self.side.opposite(), self.tick);
            let price = best + self.side.sign() * self.aggressive_price_change;
            steps.push(Step::Limit { price, size });
        }
        steps
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
fn cancel(orders: impl Iterator<Item = (Price, Size)>, size: Size) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut left = size;
    for (price, size) in orders {
        let taken = size.min(left);
        left -= taken;
        if taken == 0 {
            break;
        }
        let same = steps.iter_mut().find_map(|step| match step {
            Step::Cancel { price: at, size } if *at == price => Some(size),
            _ => None,
        });
        match same {
            Some(sum) => *sum += taken,
            None => steps.push(Step::Cancel { price, size: taken }),
        }
    }
    steps
}
