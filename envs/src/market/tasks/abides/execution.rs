//! The environment `abides_execution-v1`: execute a parent order within ten minutes, a child order a minute.
//!
//! | | |
//! |---|---|
//! | observation | `float32` Box `[11]`, see below |
//! | action | 0: take back everything and send a market order of `order_size`; 1: take back everything and send a limit order at the own touch; 2: nothing |
//! | reward | Σ s (entry − price) · size / `parent_size` in cents over the fills of the step, s = 1 for a buyer and −1 for a seller; in the last step also −1000 for each share that is missing, divided by `parent_size` |
//! | end | terminal when the parent order is executed or its window is over |
//!
//! `entry` is the mid price at the first decision, `first_wake` seconds after trading begins.
//!
//! | | |
//! |---|---|
//! | 0 | share of the parent order that is executed |
//! | 1 | share of the window that is over |
//! | 2 | 0 less 1 |
//! | 3, 4 | bid / (bid + ask) of the displayed sizes, in all levels and in 5 |
//! | 5 | ln(mid / entry), of its other sign for a seller |
//! | 6 | spread in cents |
//! | 7 | mid price less last trade in cents |
//! | 8–10 | changes of the mid price between the last decisions in cents, the newest last |
//!
//! Where it differs from ABIDES-Gym: a seller's executed share and missing shares are counted as a buyer's (there a seller's holdings
//! are negative, and its penalty counts them as such). An order is no larger than what is left of the parent order, less what may
//! still trade of orders sent before, so that there is never a share too many, for which the original takes 100 cents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::execution::{self as problem, Controls, ExecutionProblem, Standing};
use super::super::orders::{How, WorkingOrders};
use super::super::ranges::{self, check, within};
use super::super::sessions::Sessions;
use super::super::shared::{Executed, Marketplace, SYMBOL, nanoseconds, traded};
use super::{CENT, Seen, bid_share, ten_thousandths};
use crate::error::EnvError;
use crate::market::event::Event;
use crate::market::flow::{Background, BackgroundConfig};
use crate::market::host::{Floor, MarketSetup, MarketTask, Wait};
use crate::market::kernel::{Desk, Fees};
use crate::market::order::{Cash, Side, Size, Time, TraderId};
use crate::market::population::PopulationConfig;
use crate::math::ln;
use crate::sim::{EnvSpec, RowObservation, RowStep, no_options};
use crate::space::Space;

/// Cents for each share that is missing at the end.
const MISSING: f64 = 1000.0;

/// Arguments of `abides_execution-v1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AbidesExecutionArgs {
    /// Side of the order.
    pub side: Side,
    /// Shares of the parent order, at least 1.
    pub parent_size: u32,
    /// Shares of a child order, at least 1.
    pub order_size: u32,
    /// Seconds for the parent order, > 0.
    pub window: f64,
    /// Seconds between two decisions, > 0.
    pub interval: f64,
    /// Seconds from the opening to the first decision, >= 0.
    pub first_wake: f64,
    /// Cash at the start in cents; the order may cost more.
    pub cash: u32,
    /// Milliseconds from the exchange to the player, and back, >= 0.
    pub latency: f64,
    /// Who trades beside the player.
    pub background: BackgroundConfig,
    /// Call auctions, halts and the close of the market.
    pub sessions: Sessions,
}

impl Default for AbidesExecutionArgs {
    fn default() -> Self {
        Self {
            side: Side::Buy,
            parent_size: 1000,
            order_size: 10,
            window: 600.0,
            interval: 60.0,
            first_wake: 30.0,
            cash: 1_000_000,
            latency: 0.0,
            background: BackgroundConfig::Population(PopulationConfig::default()),
            sessions: Sessions::default(),
        }
    }
}

/// The task.
#[derive(Debug, Clone)]
pub struct AbidesExecution {
    args: AbidesExecutionArgs,
    market: Marketplace,
}

/// What the task remembers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Parent {
    own: WorkingOrders,
    trader: TraderId,
    begin: Time,
    /// When the player decides, in the step that runs.
    now: Time,
    /// Mid price at the begin, in ten-thousandths.
    entry: f64,
    seen: Seen,
    executed: Executed,
    /// Shares that others traded with each other.
    volume: Size,
}

impl AbidesExecution {
    /// The task with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] if one is out of range.
    pub fn new(args: AbidesExecutionArgs) -> Result<Self, EnvError> {
        check(&[
            ranges::shares(args.parent_size, "parent_size"),
            ranges::shares(args.order_size, "order_size"),
            ranges::interval(args.interval),
            (
                within(args.window, args.interval, 86_400.0),
                "window",
                "at least `interval`, at most 86,400 s",
            ),
            ranges::lead(args.first_wake, "first_wake"),
            ranges::latency(args.latency),
        ])?;
        Ok(Self {
            market: Marketplace::new(
                &args.background,
                &args.sessions,
                args.first_wake,
                "first_wake",
            )?,
            args,
        })
    }

    fn problem(&self) -> ExecutionProblem {
        ExecutionProblem {
            side: self.args.side,
            size: self.args.parent_size.into(),
            controls: Controls::Orders(self.args.order_size.into()),
        }
    }

    fn cash(&self) -> Cash {
        ten_thousandths(self.args.cash)
    }

    fn window(&self) -> Time {
        nanoseconds(self.args.window)
    }
}

impl MarketTask for AbidesExecution {
    type Flow = Background;
    type State = Parent;

    fn spec(&self) -> EnvSpec {
        let most = f64::from(f32::MAX);
        let high = [2.0, 2.0, 4.0, 1.0, 1.0, most, most, most, most, most, most];
        let low = [
            -2.0, -2.0, -4.0, 0.0, 0.0, -most, -most, -most, -most, -most, -most,
        ];
        EnvSpec {
            max_episode_steps: Some((self.args.window / self.args.interval).ceil() as u32),
            stochastic: self.market.background.is_random(),
            info: ExecutionProblem::info(),
            model: Some(self.problem().model()),
            ..EnvSpec::single(
                "abides_execution-v1",
                "Execute a parent order within a window, with market orders, with limit orders or by waiting.",
                Space::bounded(low.to_vec(), high.to_vec()),
                Space::discrete(3),
            )
        }
    }

    fn setup(&self) -> MarketSetup {
        let args = &self.args;
        let (lead, latency) = (args.first_wake, args.latency);
        self.market
            .setup(Fees::default(), lead, args.interval, latency, self.cash())
    }

    fn flow(&self) -> Background {
        self.market.background.clone()
    }

    fn begin(&self, state: &mut Parent, floor: &Floor<'_>, options: &Value) -> Result<(), String> {
        no_options(options)?;
        let seen = Seen::begin(floor.book(), self.market.venue.reference);
        let mut own = std::mem::take(&mut state.own);
        own.clear();
        *state = Parent {
            own,
            trader: floor.trader(0),
            begin: floor.now(),
            now: floor.now(),
            entry: seen.twice_mid() as f64 / 2.0,
            seen,
            ..Parent::default()
        };
        Ok(())
    }

    fn wait(&self, state: &Parent, setup: &MarketSetup) -> Wait {
        // The last step is as long as the window still is.
        let left = state.begin + self.window() - state.now;
        Wait::time(setup.interval.min(left).max(1))
    }

    fn act(&self, state: &mut Parent, _: usize, step: &RowStep<'_>, desk: &mut Desk<'_>) {
        let side = self.args.side;
        state.own.tidy(desk);
        let how = match step.discrete(0) {
            0 => How::Market,
            1 => {
                let touch = desk.book(SYMBOL).best(side);
                How::Limit(touch.unwrap_or(state.seen.last))
            }
            _ => return,
        };
        state.own.recall_all(desk);
        let left = Size::from(self.args.parent_size) - state.executed.size;
        let left = left - state.own.outstanding(desk, side);
        let size = left.min(self.args.order_size.into());
        if size > 0 {
            state.own.send(desk, side, size, how);
        }
    }

    fn watch(&self, state: &mut Parent, _: Time, event: &Event) {
        state.own.hear(event);
        let (all, own) = traded(event, state.trader);
        state.volume += all - own;
    }

    fn settle(&self, state: &mut Parent, floor: &Floor<'_>, step: &mut RowStep<'_>) {
        let args = &self.args;
        state.now = floor.now();
        state.seen.look(floor.book());
        let executed = Executed::of(floor, args.side, self.cash());
        let filled = executed.since(state.executed);
        state.executed = executed;
        let parent = f64::from(args.parent_size);
        let mut reward = filled.gain(args.side, state.entry) / CENT / parent;
        let left = Size::from(args.parent_size) - executed.size;
        if left <= 0 || floor.now() >= state.begin + self.window() {
            reward -= MISSING * left as f64 / parent;
            step.terminate();
        }
        step.reward(0, reward as f32);
    }

    fn observe(&self, state: &Parent, _: usize, floor: &Floor<'_>, out: &mut RowObservation<'_>) {
        let (seen, book) = (&state.seen, floor.book());
        let executed = state.executed.size as f64 / f64::from(self.args.parent_size);
        let elapsed = problem::elapsed(floor, state.begin, self.window());
        let impact = ln(seen.twice_mid() as f64 / 2.0 / state.entry);
        let [third, second, first] = seen.returns();
        let values = [
            executed.clamp(-2.0, 2.0),
            elapsed.min(2.0),
            (executed - elapsed).clamp(-4.0, 4.0),
            bid_share(book, usize::MAX),
            bid_share(book, 5),
            self.args.side.sign() as f64 * impact,
            seen.spread(book),
            seen.direction(),
            third,
            second,
            first,
        ];
        for (out, value) in out.f32(0).iter_mut().zip(values) {
            *out = value as f32;
        }
        let standing = Standing {
            executed: state.executed.size,
            elapsed,
            volume: state.volume,
            own: &state.own,
        };
        problem::tell(out, floor, &standing);
    }

    fn tell(&self, state: &Parent, _: &Floor<'_>, out: &mut String) {
        use std::fmt::Write as _;
        let _ = write!(
            out,
            "executed {} of {}, entry {:.4}",
            state.executed.size,
            self.args.parent_size,
            state.entry / 1e4
        );
    }
}
