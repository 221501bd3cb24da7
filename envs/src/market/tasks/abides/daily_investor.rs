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

use super::super::shared::{SYMBOL, check, nanoseconds, player, within};
use super::{CENT, Seen, bid_share, setup, ten_thousandths};
use crate::error::EnvError;
use crate::market::flow::{Background, BackgroundConfig, Venue};
use crate::market::host::{Floor, MarketSetup, MarketTask, Wait};
use crate::market::kernel::Desk;
use crate::market::order::{Cash, Message, NewOrder, OrderId, Side, Size, Time};
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
        }
    }
}

/// The task.
#[derive(Debug, Clone)]
pub struct AbidesDailyInvestor {
    args: AbidesDailyInvestorArgs,
    background: Background,
    venue: Venue,
    /// When the day is over.
    close: Time,
}

/// What the task remembers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Investor {
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
            (
                (1..=1_000_000_000).contains(&args.order_size),
                "order_size",
                "1 to 1,000,000,000",
            ),
            (args.cash >= 1, "cash", "at least 1"),
            (
                within(args.interval, 1e-6, 86_400.0),
                "interval",
                "0.000001 to 86,400 s",
            ),
            (
                within(args.first_wake, 0.0, 86_400.0),
                "first_wake",
                "0 to 86,400 s",
            ),
            (
                within(args.done_ratio, 0.0, 1.0) && args.done_ratio < 1.0,
                "done_ratio",
                "at least 0, below 1",
            ),
            (
                within(args.latency, 0.0, 60_000.0),
                "latency",
                "0 to 60,000 ms",
            ),
        ])?;
        let (background, venue) = args.background.build()?;
        let first = venue.opening + nanoseconds(args.first_wake);
        let close = venue.opening + nanoseconds(args.day);
        let close = venue.closing.map_or(close, |closing| closing.min(close));
        if !within(args.day, 0.0, 864_000.0) || close <= first {
            let message = "must be at most 864,000 s, and the close later than `first_wake`";
            return Err(EnvError::argument("day", message));
        }
        Ok(Self {
            args,
            background,
            venue,
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
        let first = self.venue.opening + nanoseconds(self.args.first_wake);
        let interval = nanoseconds(self.args.interval).max(1);
        let steps = (self.close - first + interval - 1) / interval;
        EnvSpec {
            max_episode_steps: Some(steps as u32),
            stochastic: self.background.is_random(),
            ..EnvSpec::single(
                "abides_daily_investor-v1",
                "Buy and sell through a day and end it richer.",
                Space::bounded(low, high),
                Space::discrete(3),
            )
        }
    }

    fn setup(&self) -> MarketSetup {
        let (first_wake, interval) = (self.args.first_wake, self.args.interval);
        let investor = player(self.args.latency, self.cash());
        setup(&self.venue, first_wake, interval, investor)
    }

    fn flow(&self) -> Background {
        self.background.clone()
    }

    fn begin(
        &self,
        state: &mut Investor,
        floor: &Floor<'_>,
        options: &Value,
    ) -> Result<(), String> {
        no_options(options)?;
        *state = Investor {
            seen: Seen::begin(floor.book(), self.venue.reference),
            now: floor.now(),
            wealth: self.cash(),
        };
        Ok(())
    }

    fn wait(&self, state: &Investor, setup: &MarketSetup) -> Wait {
        Wait::time(setup.interval.min(self.close - state.now).max(1))
    }

    fn act(&self, _: &mut Investor, _: usize, step: &RowStep<'_>, desk: &mut Desk<'_>) {
        let side = match step.discrete(0) {
            0 => Side::Buy,
            1 => return,
            _ => Side::Sell,
        };
        let size = Size::from(self.args.order_size);
        let order = NewOrder::market(OrderId::ASSIGN, desk.id_of(0), side, size);
        desk.send(SYMBOL, Message::New(order));
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
