//! The environment `mars_execution-v1`: turn the dials of a schedule that buys a large order in five minutes.
//!
//! The order is worked in slices, each with a passive and an aggressive stage ([`Twap`]). At the begin of a passive stage own orders
//! that do not stand at the best price of their side are taken back, and orders there are topped up to a share of the whole; at
//! that of an aggressive one, what the order is behind a straight line is sent across the spread. The player decides at each
//! stage how large that share is, and up to which level of the other side it crosses.
//!
//! | | |
//! |---|---|
//! | observation | `float32` Box `[10]`, see below |
//! | action | `MultiDiscrete(11, 6)`: tenths of the order that wait at the touch; 0: cross nothing, k: up to level k. With `continuous`: Box `[2]` in `[0, 1]`, the share itself, and a fifth of the level |
//! | reward | ∫ α dF + `price_weight` · (price advantage in basis points) · dF, over the shares F that the step has filled |
//! | end | terminal when the order is filled, or after `slices` |
//!
//! F is the filled share of the order. α is 1 up to F = 0.95 and then falls to 0 at 1, as the weight of the next share: a filled
//! order earns 0.975. The advantage of a fill at price p is s (b − p) / b · 10⁴ with s = 1 for a buyer and −1 for a seller, against
//! the benchmark b: the mid price at the arrival, or (`benchmark = "twap"`) the mean price that the same schedule gets in the
//! same market with 0.9 of the order at the touch and crossing to level 1 (L1-P0.9), simulated first.
//!
//! Observation, each clipped to [−10, 10]:
//!
//! | | |
//! |---|---|
//! | 0 | share of the time that is over |
//! | 1 | share of the order that is left |
//! | 2–4 | (bid − ask) / (bid + ask) of the displayed sizes in 1, 5 and 10 levels |
//! | 5 | spread in ticks, divided by 10 |
//! | 6 | return of the mid price since the arrival, in basis points, divided by 10 |
//! | 7 | share of its level that trades before the first own order; −1 without one |
//! | 8 | stage to come: 0 passive, 1 aggressive |
//! | 9 | own share of what traded in the last minute |
//!
//! Source: the execution task of *MarS: a Financial Market Simulation Engine Powered by Generative Foundation Model* (arXiv
//! 2409.07486). What it does not say is chosen here: the observation, the unit of the advantage, its weight, and how α applies.

mod args;
mod stages;

pub use args::{Benchmark, MarsExecutionArgs};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::execution::{self, Controls, ExecutionProblem, Standing};
use super::orders::WorkingOrders;
use super::shared::{
    Executed, LastMinute, Marketplace, depths, imbalance, nanoseconds, traded, twice_mid_or_best,
};
use super::twap::{Stage, Step};
use crate::error::EnvError;
use crate::market::book::Book;
use crate::market::event::Event;
use crate::market::flow::Background;
use crate::market::host::{Floor, MarketSetup, MarketTask, Wait};
use crate::market::kernel::{Desk, Fees};
use crate::market::order::{Price, Side, Size, Time, TraderId};
use crate::sim::{EnvSpec, RowObservation, RowStep, no_options};
use crate::space::Space;

/// Width of the observation.
const WIDTH: usize = 10;
/// Filled share up to which α is 1.
const KNEE: f64 = 0.95;

/// The task.
#[derive(Debug, Clone)]
pub struct MarsExecution {
    args: MarsExecutionArgs,
    market: Marketplace,
}

/// What the task remembers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Schedule {
    own: WorkingOrders,
    trader: TraderId,
    begin: Time,
    /// Stages begun.
    stages: u32,
    /// Shares to be sent across the spread once they are back from the touch, and up to which price.
    owed: (Size, Price),
    /// Mid price at the arrival, times two.
    twice_arrival: Price,
    /// What prices are compared with.
    benchmark: f64,
    executed: Executed,
    /// Shares that others traded with each other.
    volume: Size,
    minute: LastMinute,
    /// Buffers of a decision.
    #[serde(skip)]
    seen: Vec<(Price, Size)>,
    #[serde(skip)]
    steps: Vec<Step>,
}

/// ∫ α from 0 to a filled share.
fn fulfilment(filled: f64) -> f64 {
    let beyond = (filled.min(1.0) - KNEE).max(0.0);
    filled.min(KNEE) + beyond - beyond * beyond / (2.0 * (1.0 - KNEE))
}

impl MarsExecution {
    /// The task with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] if one is out of range.
    pub fn new(args: MarsExecutionArgs) -> Result<Self, EnvError> {
        args.check()?;
        Ok(Self {
            market: Marketplace::new(&args.background, &args.sessions, args.warm_up, "warm_up")?,
            args,
        })
    }

    fn problem(&self) -> ExecutionProblem {
        ExecutionProblem {
            side: self.args.side,
            size: self.args.size.into(),
            controls: if self.args.continuous {
                Controls::ContinuousDials
            } else {
                Controls::Dials
            },
        }
    }

    fn stage(state: &Schedule) -> Stage {
        if state.stages.is_multiple_of(2) {
            Stage::Passive
        } else {
            Stage::Aggressive
        }
    }

    /// Takes in what was executed in an interval, and returns it.
    fn take_in(&self, state: &mut Schedule, floor: &Floor<'_>) -> Executed {
        let executed = Executed::of(floor, self.args.side, 0);
        let filled = executed.since(state.executed);
        state.executed = executed;
        filled
    }
}

impl MarketTask for MarsExecution {
    type Flow = Background;
    type State = Schedule;

    fn spec(&self) -> EnvSpec {
        let action = if self.args.continuous {
            Space::vector(2, 0.0, 1.0)
        } else {
            Space::MultiDiscrete { nvec: vec![11, 6] }
        };
        EnvSpec {
            max_episode_steps: Some(2 * self.args.slices),
            stochastic: self.market.background.is_random(),
            info: ExecutionProblem::info(),
            model: Some(self.problem().model()),
            ..EnvSpec::single(
                "mars_execution-v1",
                "Turn the dials of a schedule that executes a large order in slices.",
                Space::vector(WIDTH, -10.0, 10.0),
                action,
            )
        }
    }

    fn setup(&self) -> MarketSetup {
        let fees = Fees {
            maker: self.args.maker_fee,
            taker: self.args.taker_fee,
        };
        let (lead, latency) = (self.args.warm_up, self.args.latency);
        let passive = self.args.passive.into();
        self.market.setup(fees, lead, passive, latency, 0)
    }

    fn flow(&self) -> Background {
        self.market.background.clone()
    }

    fn begin(
        &self,
        state: &mut Schedule,
        floor: &Floor<'_>,
        options: &Value,
    ) -> Result<(), String> {
        no_options(options)?;
        let last = floor
            .book()
            .last_price()
            .unwrap_or(self.market.venue.reference);
        let twice_arrival = twice_mid_or_best(floor.book(), last);
        let mut own = std::mem::take(&mut state.own);
        own.clear();
        *state = Schedule {
            own,
            trader: floor.trader(0),
            begin: floor.now(),
            twice_arrival,
            benchmark: twice_arrival as f64 / 2.0,
            seen: std::mem::take(&mut state.seen),
            steps: std::mem::take(&mut state.steps),
            ..Schedule::default()
        };
        Ok(())
    }

    fn rehearsal(&self) -> u32 {
        match self.args.benchmark {
            Benchmark::Arrival => 0,
            Benchmark::Twap => 2 * self.args.slices,
        }
    }

    fn rehearse(&self, state: &mut Schedule, desk: &mut Desk<'_>) {
        self.begin_stage(state, 0.9, 1, desk);
    }

    fn follow(&self, state: &mut Schedule, floor: &Floor<'_>) {
        self.take_in(state, floor);
    }

    fn compare(&self, state: &mut Schedule, rehearsed: &Schedule) {
        let Executed { size, value } = rehearsed.executed;
        if size > 0 {
            state.benchmark = value as f64 / size as f64;
        }
    }

    fn wait(&self, state: &Schedule, _: &MarketSetup) -> Wait {
        // The stage that has just begun.
        let seconds = match Self::stage(state) {
            Stage::Aggressive => self.args.passive,
            Stage::Passive => self.args.aggressive,
        };
        Wait::time(nanoseconds(seconds.into()))
    }

    fn act(&self, state: &mut Schedule, _: usize, step: &RowStep<'_>, desk: &mut Desk<'_>) {
        let (passive, level) = if self.args.continuous {
            let dials = step.continuous(0);
            (f64::from(dials[0]), (dials[1] * 5.0).round() as usize)
        } else {
            let (actions, row) = step.action(0);
            let dials = &actions.i32(0)[2 * row..2 * row + 2];
            (f64::from(dials[0]) / 10.0, dials[1] as usize)
        };
        self.begin_stage(state, passive, level, desk);
    }

    fn wake(&self, state: &mut Schedule, _: usize, desk: &mut Desk<'_>) {
        state.own.tidy(desk);
        self.cross(state, desk);
    }

    fn watch(&self, state: &mut Schedule, time: Time, event: &Event) {
        state.own.hear(event);
        let (all, own) = traded(event, state.trader);
        if all != own {
            state.volume += all - own;
        }
        if all + own > 0 {
            state.minute.note(time, all, own);
        }
    }

    fn settle(&self, state: &mut Schedule, floor: &Floor<'_>, step: &mut RowStep<'_>) {
        let args = &self.args;
        let before = state.executed;
        let filled = self.take_in(state, floor);
        let share = |size: Size| size as f64 / f64::from(args.size);
        let fulfilled = fulfilment(share(state.executed.size)) - fulfilment(share(before.size));
        let gain = filled.gain(args.side, state.benchmark);
        let advantage = 1e4 * gain / (state.benchmark * f64::from(args.size));
        step.reward(0, (fulfilled + args.price_weight * advantage) as f32);
        let is_over = state.stages >= 2 * args.slices;
        if is_over || state.executed.size >= args.size.into() {
            step.terminate();
        }
    }

    fn observe(&self, state: &Schedule, _: usize, floor: &Floor<'_>, out: &mut RowObservation<'_>) {
        let (args, book) = (&self.args, floor.book());
        let tick = self.market.tick() as f64;
        let spread = match Side::BOTH.map(|side| book.best(side)) {
            [Some(bid), Some(ask)] => (ask - bid) as f64 / tick,
            _ => 100.0,
        };
        let [bids, asks] = depths(book);
        let last = state.twice_arrival / 2;
        let drift = twice_mid_or_best(book, last) as f64 / state.twice_arrival as f64 - 1.0;
        let elapsed =
            execution::elapsed(floor, state.begin, nanoseconds(self.args.seconds().into()));
        let executed = state.executed.size;
        let values = [
            elapsed,
            1.0 - executed as f64 / f64::from(args.size),
            imbalance(bids[0], asks[0]),
            imbalance(bids[1], asks[1]),
            imbalance(bids[2], asks[2]),
            spread / 10.0,
            1e3 * drift,
            ahead(book, state).unwrap_or(-1.0),
            f64::from(u8::from(Self::stage(state) == Stage::Aggressive)),
            state.minute.share(floor.now()),
        ];
        for (out, value) in out.f32(0).iter_mut().zip(values) {
            *out = value.clamp(-10.0, 10.0) as f32;
        }
        let standing = Standing {
            executed,
            elapsed,
            volume: state.volume,
            own: &state.own,
        };
        execution::tell(out, floor, &standing);
    }

    fn tell(&self, state: &Schedule, _: &Floor<'_>, out: &mut String) {
        use std::fmt::Write as _;
        let Executed { size, value } = state.executed;
        let _ = write!(
            out,
            "{} {size} of {}",
            if self.args.side == Side::Buy {
                "bought"
            } else {
                "sold"
            },
            self.args.size
        );
        if size > 0 {
            let mean = value as f64 / size as f64;
            let _ = write!(
                out,
                " at {:.4}, compared with {:.4}",
                mean / 1e4,
                state.benchmark / 1e4
            );
        }
    }
}

/// Share of its level that trades before the first own order.
fn ahead(book: &Book, state: &Schedule) -> Option<f64> {
    let order = state.own.live(book).next()?;
    let queue = book.queue(order.side, order.price?);
    let level: Size = queue.map(|other| other.open).sum();
    Some(book.ahead(order.id)? as f64 / level as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weight_of_a_share_falls_from_the_knee_on() {
        assert_eq!(fulfilment(0.0), 0.0);
        assert_eq!(fulfilment(0.95), 0.95);
        assert!((fulfilment(1.0) - 0.975).abs() < 1e-12);
        // Half way down the slope α is a half.
        let slope = (fulfilment(0.9751) - fulfilment(0.9749)) / 0.0002;
        assert!((slope - 0.5).abs() < 1e-6);
    }
}
