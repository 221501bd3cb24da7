//! The environment `abides_daily_investor-v1`: buy and sell through a day.
//!
//! | | |
//! |---|---|
//! | observation | `float32` Box `[7]`, see below |
//! | action | 0: buy `order_size` shares with a market order; 1: hold; 2: sell as many |
//! | reward | Δ(cash + shares · last price) in cents, divided by `order_size` and by the steps of a day; with `reward = "sparse"` all of it at the end |
//! | end | terminal when the wealth is at most `done_ratio` of that at the start, or the market closes |
//!
//! | | |
//! |---|---|
//! | 0 | shares held |
//! | 1 | bid / (bid + ask) of the displayed sizes in 3 levels |
//! | 2 | spread in cents |
//! | 3 | mid price less last trade in cents |
//! | 4–6 | changes of the mid price between the last decisions in cents, the newest last |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::orders::{How, WorkingOrders};
use super::super::ranges::{self, check, within};
use super::super::sessions::Sessions;
use super::super::shared::{Marketplace, nanoseconds, phase_info, tell_phase};
use super::{CENT, Seen, bid_share, ten_thousandths};
use crate::error::EnvError;
use crate::market::event::Event;
use crate::market::flow::{Background, BackgroundConfig};
use crate::market::host::{Floor, MarketSetup, MarketTask, Wait};
use crate::market::kernel::{Desk, Fees};
use crate::market::order::{Cash, Side, Time};
use crate::market::population::PopulationConfig;
use crate::sim::{EnvSpec, RowObservation, RowStep, no_options};
use crate::space::Space;

/// Width of the observation.
const WIDTH: usize = 7;

/// When the reward is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RewardMode {
    /// In every step.
    Dense,
    /// At the end.
    Sparse,
}

/// Arguments of `abides_daily_investor-v1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AbidesDailyInvestorArgs {
    /// Shares of an order, at least 1.
    pub order_size: u32,
    /// Cash at the start in cents, at least 1; more may be borrowed.
    pub cash: u32,
    /// Seconds between two decisions, > 0.
    pub interval: f64,
    /// Seconds from the opening to the first decision, >= 0.
    pub first_wake: f64,
    /// Seconds from the opening to the close, more than `first_wake`. A background that closes earlier ends the day.
    pub day: f64,
    /// Share of the wealth at the start at which the episode ends, from 0 to 1.
    pub done_ratio: f64,
    /// When the reward is paid.
    pub reward: RewardMode,
    /// Milliseconds from the exchange to the player, and back, >= 0.
    pub latency: f64,
    /// Who trades beside the player.
    pub background: BackgroundConfig,
    /// Call auctions, halts and the close of the market, at which the day ends.
    pub sessions: Sessions,
}

impl Default for AbidesDailyInvestorArgs {
    fn default() -> Self {
        Self {
            order_size: 10,
            cash: 1_000_000,
            interval: 60.0,
            first_wake: 300.0,
            day: 23_400.0,
            done_ratio: 0.3,
            reward: RewardMode::Dense,
            latency: 0.0,
            background: BackgroundConfig::Population(PopulationConfig::default()),
            sessions: Sessions::default(),
        }
    }
}

/// The task.
#[derive(Debug, Clone)]
pub struct AbidesDailyInvestor {
    args: AbidesDailyInvestorArgs,
    market: Marketplace,
    /// When the day is over.
    close: Time,
}

/// What the task remembers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Investor {
    own: WorkingOrders,
    seen: Seen,
    /// When the player decides, in the step that runs.
    now: Time,
    wealth: Cash,
}

impl AbidesDailyInvestor {
    /// The task with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] if one is out of range.
    pub fn new(args: AbidesDailyInvestorArgs) -> Result<Self, EnvError> {
        check(&[
            ranges::shares(args.order_size, "order_size"),
            (args.cash >= 1, "cash", "at least 1"),
            ranges::interval(args.interval),
            ranges::lead(args.first_wake, "first_wake"),
            (
                within(args.done_ratio, 0.0, 1.0) && args.done_ratio < 1.0,
                "done_ratio",
                "at least 0, below 1",
            ),
            ranges::latency(args.latency),
        ])?;
        let market = Marketplace::new(
            &args.background,
            &args.sessions,
            args.first_wake,
            "first_wake",
        )?;
        let opening = market.venue.opening;
        let first = opening + nanoseconds(args.first_wake);
        let close = opening + nanoseconds(args.day);
        let close = market.close().map_or(close, |closing| closing.min(close));
        if !within(args.day, 0.0, 864_000.0) || close <= first {
            let message = "must be at most 864,000 s, and the close later than `first_wake`";
            return Err(EnvError::argument("day", message));
        }
        Ok(Self {
            args,
            market,
            close,
        })
    }

    fn cash(&self) -> Cash {
        ten_thousandths(self.args.cash)
    }

    /// Cents as they are paid.
    fn reward(&self, gain: Cash) -> f32 {
        let steps = self.args.day / self.args.interval;
        (gain as f64 / CENT / f64::from(self.args.order_size) / steps) as f32
    }
}

impl MarketTask for AbidesDailyInvestor {
    type Flow = Background;
    type State = Investor;

    fn spec(&self) -> EnvSpec {
        let most = f64::from(f32::MAX);
        let mut high = vec![most; WIDTH];
        let mut low = vec![-most; WIDTH];
        (low[1], high[1]) = (0.0, 1.0);
        let first = self.market.venue.opening + nanoseconds(self.args.first_wake);
        let interval = nanoseconds(self.args.interval).max(1);
        let steps = (self.close - first + interval - 1) / interval;
        EnvSpec {
            max_episode_steps: Some(steps as u32),
            stochastic: self.market.background.is_random(),
            info: vec![phase_info()],
            ..EnvSpec::single(
                "abides_daily_investor-v1",
                "Buy and sell through a day and end it richer.",
                Space::bounded(low, high),
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

    fn begin(
        &self,
        state: &mut Investor,
        floor: &Floor<'_>,
        options: &Value,
    ) -> Result<(), String> {
        no_options(options)?;
        let mut own = std::mem::take(&mut state.own);
        own.clear();
        *state = Investor {
            own,
            seen: Seen::begin(floor.book(), self.market.venue.reference),
            now: floor.now(),
            wealth: self.cash(),
        };
        Ok(())
    }

    fn wait(&self, state: &Investor, setup: &MarketSetup) -> Wait {
        Wait::time(setup.interval.min(self.close - state.now).max(1))
    }

    fn act(&self, state: &mut Investor, _: usize, step: &RowStep<'_>, desk: &mut Desk<'_>) {
        state.own.tidy(desk);
        let side = match step.discrete(0) {
            0 => Side::Buy,
            1 => return,
            _ => Side::Sell,
        };
        let size = self.args.order_size.into();
        state.own.send(desk, side, size, How::Market);
    }

    fn watch(&self, state: &mut Investor, _: Time, event: &Event) {
        state.own.hear(event);
    }

    fn settle(&self, state: &mut Investor, floor: &Floor<'_>, step: &mut RowStep<'_>) {
        state.now = floor.now();
        state.seen.look(floor.book());
        let wealth = floor.account(0).cash + floor.position(0).held * state.seen.last;
        let ruined = wealth as f64 <= self.args.done_ratio * self.cash() as f64;
        let is_over = ruined || floor.now() >= self.close;
        match self.args.reward {
            RewardMode::Dense => step.reward(0, self.reward(wealth - state.wealth)),
            RewardMode::Sparse if is_over => step.reward(0, self.reward(wealth - self.cash())),
            RewardMode::Sparse => {}
        }
        state.wealth = wealth;
        if is_over {
            step.terminate();
        }
    }

    fn observe(&self, state: &Investor, _: usize, floor: &Floor<'_>, out: &mut RowObservation<'_>) {
        let (seen, book) = (&state.seen, floor.book());
        let [third, second, first] = seen.returns();
        let values = [
            floor.position(0).held as f64,
            bid_share(book, 3),
            seen.spread(book),
            seen.direction(),
            third,
            second,
            first,
        ];
        for (out, value) in out.f32(0).iter_mut().zip(values) {
            *out = value as f32;
        }
        tell_phase(out, book);
    }

    fn tell(&self, state: &Investor, floor: &Floor<'_>, out: &mut String) {
        use std::fmt::Write as _;
        let _ = write!(
            out,
            "holds {} shares, wealth {:.2} of {:.2} at the start",
            floor.position(0).held,
            state.wealth as f64 / 1e4,
            self.cash() as f64 / 1e4
        );
    }
}
