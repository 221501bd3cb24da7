//! The environment `jax_lob_execution-v1`: execute an order within half an hour by placing quantities at four prices, once for every
//! hundred messages of the others.
//!
//! | | |
//! |---|---|
//! | observation | `float32` Box `[6 n + 10]` with n = `messages_per_step`, see below |
//! | action | `float32` Box `[4]`: shares at the far touch, at the mid price (rounded down to a tick), at the near touch, and two ticks behind it |
//! | reward | s (revenue − vwap · shares) / 10⁴ with prices in ticks, over the fills of the step; s = 1 for a seller and −1 for a buyer |
//! | end | terminal when the order is executed or its time is over |
//!
//! Every step begins by taking back all own orders, so that places in queues are lost. Quantities are rounded to shares; if together
//! they are more than what is left, they are scaled down. In the last `market_time` seconds all that is left goes out as a
//! market order, whatever the action is. With latency, what may still trade of orders sent before is not left. `vwap` is the mean over the steps of an episode of the mean price of all trades in a
//! step; a step without trades leaves it as it was.
//!
//! Observation, each clipped to [−10, 10]; prices are in ticks from the mid price at the start, divided by 100:
//!
//! | | |
//! |---|---|
//! | 0 to 5 n | after each of the last n messages, the oldest first: n best bids, n best asks, n mid prices, n prices two ticks behind the near touch, n spreads (in ticks, divided by 100) |
//! | then 2 | time since the start in seconds, divided by 1000, and its fraction of a second |
//! | 2 | share of the time that is over, and its fraction of a minute |
//! | 1 | mid price at the start in currency units, divided by 1000 |
//! | 1 | mid price |
//! | 2 | shares of the order, shares executed, both divided by 500 |
//! | n | size at the best ask less that at the best bid after each message, divided by 100 |
//! | 2 | steps made, divided by 300; share of the time that is left |
//!
//! Source: Frey, Li, Nagy, Sapora, Lu, Zohren, Foerster, Calinescu, *JAX-LOB: A GPU-Accelerated limit order book simulator to unlock large
//! scale reinforcement learning for trading* (arXiv 2308.13289). Its flow is a LOBSTER recording in windows of 1800 s: here
//! `background = { replay = { file = …, book = …, window = 1800 } }` with `warm_up = 0`. Where it differs: the layout of the
//! observation is the original's, but its scales fit any stock, where those of the original belong to one; a buyer's reward has its
//! own sign; the last number stands for the length of a window
//! in steps, which is not known of a flow that reacts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::execution::{self, Controls, ExecutionProblem, Standing};
use super::orders::{How, WorkingOrders};
use super::ranges::{self, check, within};
use super::sessions::Sessions;
use super::shared::{Executed, Marketplace, nanoseconds, traded};
use crate::error::EnvError;
use crate::market::book::Book;
use crate::market::event::{Event, Trade};
use crate::market::flow::{Background, BackgroundConfig};
use crate::market::host::{Floor, MarketSetup, MarketTask, Wait};
use crate::market::kernel::{Desk, Fees, SECOND};
use crate::market::order::{Price, Side, Size, Time, TraderId};
use crate::sim::{EnvSpec, RowObservation, RowStep, no_options};
use crate::space::Space;

/// Ticks behind the near touch of the fourth quantity.
const BEHIND: i64 = 2;

/// Arguments of `jax_lob_execution-v1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JaxLobExecutionArgs {
    /// Side of the order.
    pub side: Side,
    /// Shares of the order, at least 1.
    pub size: u32,
    /// Largest quantity at a price, at least 1.
    pub max_quantity: u32,
    /// Seconds for the order, > 0.
    pub duration: f64,
    /// Seconds at the end in which all that is left is sent as a market order, >= 0.
    pub market_time: f64,
    /// Messages of the others in a step, 1 to 1000.
    pub messages_per_step: u32,
    /// Seconds that the others trade before the order arrives, >= 0.
    pub warm_up: f64,
    /// Milliseconds from the player to the exchange, and back, >= 0.
    pub latency: f64,
    /// Who trades beside the player.
    pub background: BackgroundConfig,
    /// Call auctions, halts and the close of the market.
    pub sessions: Sessions,
}

impl Default for JaxLobExecutionArgs {
    fn default() -> Self {
        Self {
            side: Side::Sell,
            size: 500,
            max_quantity: 100,
            duration: 1800.0,
            market_time: 60.0,
            messages_per_step: 100,
            warm_up: 30.0,
            latency: 0.0,
            background: BackgroundConfig::default(),
            sessions: Sessions::default(),
        }
    }
}

/// The task.
#[derive(Debug, Clone)]
pub struct JaxLobExecution {
    args: JaxLobExecutionArgs,
    market: Marketplace,
}

/// Best prices and what is displayed there; the last ones that were known where a side is empty, then with nothing there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Touch {
    prices: [Price; 2],
    sizes: [Size; 2],
}

impl Touch {
    fn of(book: &Book, before: Self) -> Self {
        let mut touch = Self {
            sizes: [0; 2],
            ..before
        };
        for side in Side::BOTH {
            if let Some(level) = book.touch(side) {
                touch.prices[side.index()] = level.price;
                touch.sizes[side.index()] = level.size;
            }
        }
        touch
    }

    /// The mid price, rounded down to a tick.
    fn mid(&self, tick: Price) -> Price {
        (self.prices[0] + self.prices[1]).div_euclid(2 * tick) * tick
    }
}

/// What the task remembers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Window {
    own: WorkingOrders,
    trader: TraderId,
    begin: Time,
    /// When the player decides, in the step that runs.
    now: Time,
    /// Mid price at the start.
    start: Price,
    /// After each of the last messages, a ring.
    touches: Vec<Touch>,
    /// Where the next one goes: the oldest.
    next: usize,
    steps: u32,
    executed: Executed,
    /// Shares that others traded with each other.
    volume: Size,
    /// Shares and money of all trades of the step.
    traded: (Size, i64),
    /// Mean over the steps of the mean price, in ticks.
    vwap: f64,
}

impl Window {
    fn touch(&self) -> Touch {
        let newest = (self.next + self.touches.len() - 1) % self.touches.len();
        self.touches[newest]
    }
}

impl JaxLobExecution {
    /// The task with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] if one is out of range.
    pub fn new(args: JaxLobExecutionArgs) -> Result<Self, EnvError> {
        check(&[
            ranges::shares(args.size, "size"),
            ranges::shares(args.max_quantity, "max_quantity"),
            (
                within(args.duration, 1e-3, 86_400.0),
                "duration",
                "0.001 to 86,400 s",
            ),
            (
                within(args.market_time, 0.0, args.duration),
                "market_time",
                "0 s to `duration`",
            ),
            (
                (1..=1000).contains(&args.messages_per_step),
                "messages_per_step",
                "1 to 1000",
            ),
            ranges::lead(args.warm_up, "warm_up"),
            ranges::latency(args.latency),
        ])?;
        Ok(Self {
            market: Marketplace::new(&args.background, &args.sessions, args.warm_up, "warm_up")?,
            args,
        })
    }

    fn problem(&self) -> ExecutionProblem {
        ExecutionProblem {
            side: self.args.side,
            size: self.args.size.into(),
            controls: Controls::Quantities(self.args.max_quantity.into()),
        }
    }

    fn duration(&self) -> Time {
        nanoseconds(self.args.duration)
    }

    /// The prices of the four quantities.
    fn prices(&self, touch: Touch) -> [Price; 4] {
        let (side, tick) = (self.args.side, self.market.tick());
        let near = touch.prices[side.index()];
        let far = touch.prices[side.opposite().index()];
        let behind = near - side.sign() * BEHIND * tick;
        [far, touch.mid(tick), near, behind]
    }
}

impl MarketTask for JaxLobExecution {
    type Flow = Background;
    type State = Window;

    fn spec(&self) -> EnvSpec {
        EnvSpec {
            stochastic: self.market.background.is_random(),
            info: ExecutionProblem::info(),
            model: Some(self.problem().model()),
            ..EnvSpec::single(
                "jax_lob_execution-v1",
                "Execute an order by placing quantities at four prices, once for every hundred messages.",
                Space::vector(6 * self.args.messages_per_step as usize + 10, -10.0, 10.0),
                Space::vector(4, 0.0, self.args.max_quantity.into()),
            )
        }
    }

    fn setup(&self) -> MarketSetup {
        let args = &self.args;
        let (lead, latency) = (args.warm_up, args.latency);
        self.market
            .setup(Fees::default(), lead, args.duration, latency, 0)
    }

    fn flow(&self) -> Background {
        self.market.background.clone()
    }

    fn begin(&self, state: &mut Window, floor: &Floor<'_>, options: &Value) -> Result<(), String> {
        no_options(options)?;
        let reference = self.market.venue.reference;
        let unknown = Touch {
            prices: [reference; 2],
            sizes: [0; 2],
        };
        let touch = Touch::of(floor.book(), unknown);
        let mut own = std::mem::take(&mut state.own);
        own.clear();
        let mut touches = std::mem::take(&mut state.touches);
        touches.clear();
        touches.resize(self.args.messages_per_step as usize, touch);
        let start = touch.mid(self.market.tick());
        *state = Window {
            own,
            trader: floor.trader(0),
            begin: floor.now(),
            now: floor.now(),
            start,
            touches,
            vwap: start as f64 / self.market.tick() as f64,
            ..Window::default()
        };
        Ok(())
    }

    fn wait(&self, state: &Window, _: &MarketSetup) -> Wait {
        Wait {
            time: (state.begin + self.duration() - state.now).max(1),
            messages: self.args.messages_per_step.into(),
        }
    }

    fn act(&self, state: &mut Window, _: usize, step: &RowStep<'_>, desk: &mut Desk<'_>) {
        let (args, side) = (&self.args, self.args.side);
        state.traded = (0, 0);
        state.own.tidy(desk);
        state.own.recall_all(desk);
        let left = Size::from(args.size) - state.executed.size;
        let left = left - state.own.outstanding(desk, side);
        if left <= 0 {
            return;
        }
        if state.begin + self.duration() - state.now <= nanoseconds(args.market_time) {
            state.own.send(desk, side, left, How::Market);
            return;
        }
        let mut quantities = [0; 4];
        for (quantity, asked) in quantities.iter_mut().zip(step.continuous(0)) {
            *quantity = asked.round() as Size;
        }
        let sum: Size = quantities.iter().sum();
        let prices = self.prices(state.touch());
        for (quantity, price) in quantities.into_iter().zip(prices) {
            let quantity = if sum > left {
                quantity * left / sum
            } else {
                quantity
            };
            if quantity > 0 && price > 0 {
                state.own.send(desk, side, quantity, How::Limit(price));
            }
        }
    }

    fn watch(&self, state: &mut Window, _: Time, event: &Event) {
        state.own.hear(event);
        let (all, own) = traded(event, state.trader);
        state.volume += all - own;
        if let Event::Trade(Trade { price, .. }) | Event::AuctionPrint { price, .. } = event {
            let (size, sum) = state.traded;
            let value = price.saturating_mul(all);
            state.traded = (size + all, sum.saturating_add(value));
        }
    }

    fn look(&self, state: &mut Window, _: Time, book: &Book) {
        let touch = Touch::of(book, state.touch());
        let next = state.next;
        state.touches[next] = touch;
        state.next = (next + 1) % state.touches.len();
    }

    fn settle(&self, state: &mut Window, floor: &Floor<'_>, step: &mut RowStep<'_>) {
        let args = &self.args;
        let tick = self.market.tick() as f64;
        state.now = floor.now();
        let executed = Executed::of(floor, args.side, 0);
        let filled = executed.since(state.executed);
        state.executed = executed;
        let (size, value) = state.traded;
        let steps = f64::from(state.steps);
        if size > 0 {
            let mean = value as f64 / size as f64 / tick;
            state.vwap = (state.vwap * steps + mean) / (steps + 1.0);
        }
        state.steps += 1;
        let gain = filled.gain(args.side, state.vwap * tick) / tick;
        step.reward(0, (gain / 1e4) as f32);
        let is_over = state.now >= state.begin + self.duration();
        if is_over || executed.size >= args.size.into() {
            step.terminate();
        }
    }

    fn observe(&self, state: &Window, _: usize, floor: &Floor<'_>, out: &mut RowObservation<'_>) {
        let n = state.touches.len();
        let tick = self.market.tick();
        let from_start = |price: Price| (price - state.start) as f32 / tick as f32 / 100.0;
        let elapsed = execution::elapsed(floor, state.begin, self.duration());
        let seconds = (floor.now() - state.begin) as f64 / SECOND as f64;
        let fraction = seconds.fract() as f32;
        let all = out.f32(0);
        let (prices, rest) = all.split_at_mut(5 * n);
        let (numbers, rest) = rest.split_at_mut(8);
        let (sizes, counts) = rest.split_at_mut(n);
        for (i, size) in sizes.iter_mut().enumerate() {
            let touch = state.touches[(state.next + i) % n];
            let [bid, ask] = touch.prices;
            prices[i] = from_start(bid);
            prices[n + i] = from_start(ask);
            prices[2 * n + i] = from_start(touch.mid(tick));
            prices[3 * n + i] = from_start(self.prices(touch)[3]);
            prices[4 * n + i] = (ask - bid) as f32 / tick as f32 / 100.0;
            *size = (touch.sizes[1] - touch.sizes[0]) as f32 / 100.0;
        }
        numbers.copy_from_slice(&[
            seconds as f32 / 1000.0,
            fraction,
            elapsed as f32,
            (seconds / 60.0).fract() as f32,
            state.start as f32 / 1e7,
            from_start(state.touch().mid(tick)),
            self.args.size as f32 / 500.0,
            state.executed.size as f32 / 500.0,
        ]);
        counts.copy_from_slice(&[state.steps as f32 / 300.0, 1.0 - elapsed as f32]);
        for value in all {
            *value = value.clamp(-10.0, 10.0);
        }
        let standing = Standing {
            executed: state.executed.size,
            elapsed,
            volume: state.volume,
            own: &state.own,
        };
        execution::tell(out, floor, &standing);
    }

    fn tell(&self, state: &Window, _: &Floor<'_>, out: &mut String) {
        use std::fmt::Write as _;
        let _ = write!(
            out,
            "executed {} of {}, vwap {:.4}",
            state.executed.size,
            self.args.size,
            state.vwap * self.market.tick() as f64 / 1e4
        );
    }
}
