//! The environment `market_making-v1`: quote on both sides of a limit order book.
//!
//! The player keeps one order of a fixed size on each side and chooses, once an interval, how many ticks each stands behind the
//! touch of the others. An order whose price does not change keeps its place in the queue; one that was filled is entered
//! again. Who trades beside it is the argument `background` ([`BackgroundConfig`]).
//!
//! | | |
//! |---|---|
//! | observation | `float32` Box `[10]`, see below |
//! | action | `MultiDiscrete(10, 10)`: ticks behind the best other bid, and behind the best other ask |
//! | reward | Δ(c + q·m) − φ q² Δt; at the end also − α q² |
//! | end | terminal after `steps` decisions |
//!
//! `c` is cash in currency units, `q` the inventory in shares, `m` the mid price, Δt the interval in seconds. Where a side is
//! empty, `m` is the last mid price there was. An order that would take the inventory beyond `max_inventory` is not entered;
//! with latency, whatever may still trade counts.
//!
//! Observation, each clipped to [−10, 10]:
//!
//! | | |
//! |---|---|
//! | 0 | `q / max_inventory` |
//! | 1 | share of the episode that is left |
//! | 2 | spread in ticks, divided by 10 |
//! | 3–5 | (bid − ask) / (bid + ask) of the displayed sizes in 1, 5 and 10 levels |
//! | 6 | change of the mid price since the last decision, in ticks |
//! | 7, 8 | share of the level of the own bid, ask that trades before it; −1 without one |
//! | 9 | shares that traded in the last interval, in own order sizes, divided by 10 |
//!
//! Source: reward and action as in Cartea, Jaimungal, Penalva, *Algorithmic and
//! High-Frequency Trading*, CUP 2015, chapter 10: running and terminal inventory penalties φ and α.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::orders::{How, WorkingOrders};
use super::ranges::{self, check, within};
use super::sessions::Sessions;
use super::shared::{
    Marketplace, SYMBOL, depths, imbalance, number, phase_info, tell_phase, traded,
    twice_mid_or_last,
};
use crate::error::EnvError;
use crate::market::book::Book;
use crate::market::event::{Event, Phase};
use crate::market::flow::{Background, BackgroundConfig};
use crate::market::host::{Floor, MarketSetup, MarketTask};
use crate::market::kernel::{Desk, Fees};
use crate::market::order::{OrderId, Price, Side, Size, Time, TraderId};
use crate::sim::{EnvSpec, Model, RowObservation, RowStep, no_options};
use crate::space::Space;

/// Ticks behind the touch that can be chosen, from 0.
const OFFSETS: usize = 10;
/// Width of the observation.
const WIDTH: usize = 10;

/// Arguments of `market_making-v1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MarketMakingArgs {
    /// Decisions of an episode, at least 1.
    pub steps: u32,
    /// Seconds between two decisions, > 0.
    pub interval: f64,
    /// Seconds that the flow trades before the player joins, >= 0.
    pub warm_up: f64,
    /// Shares of each quote, at least 1.
    pub size: u32,
    /// Shares that the inventory may reach on either side, at least 1.
    pub max_inventory: u32,
    /// Running penalty φ per second, in currency units for each squared share, >= 0.
    pub running_penalty: f64,
    /// Terminal penalty α, in currency units for each squared share, >= 0.
    pub terminal_penalty: f64,
    /// Milliseconds from the player to the exchange, and back, >= 0.
    pub latency: f64,
    /// Fee of trades in which the quote rested, as parts per million of their value; negative is a rebate.
    pub maker_fee: i64,
    /// Fee of trades in which it did not.
    pub taker_fee: i64,
    /// Who trades beside the player.
    pub background: BackgroundConfig,
    /// Call auctions, halts and the close of the market.
    pub sessions: Sessions,
}

impl Default for MarketMakingArgs {
    fn default() -> Self {
        Self {
            steps: 300,
            interval: 1.0,
            warm_up: 30.0,
            size: 100,
            max_inventory: 2000,
            running_penalty: 1e-8,
            terminal_penalty: 1e-6,
            latency: 0.0,
            maker_fee: 0,
            taker_fee: 0,
            background: BackgroundConfig::default(),
            sessions: Sessions::default(),
        }
    }
}

/// What a market maker that plays by a rule needs to know; the model of the specification.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MarketMakingProblem {
    /// Decisions of an episode.
    pub steps: u32,
    /// Seconds between two of them.
    pub interval: f64,
    /// Shares of a quote.
    pub size: u32,
}

/// The info field that tells the inventory.
const INVENTORY: &str = "inventory";
/// The info field that tells the spread.
const SPREAD: &str = "spread";

/// Market making in an order book.
#[derive(Debug, Clone)]
pub struct MarketMaking {
    args: MarketMakingArgs,
    market: Marketplace,
}

/// What the task remembers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Quotes {
    own: WorkingOrders,
    trader: TraderId,
    /// The newest order of each side, whether it is still there or not.
    quotes: [Option<OrderId>; 2],
    /// Mid price when the player decided last, and now, times two.
    twice_mid: [Price; 2],
    /// Value of cash and inventory, times two.
    twice_wealth: i64,
    /// Shares that traded since the last decision.
    volume: Size,
    /// Decisions made.
    decisions: u32,
}

impl MarketMaking {
    /// The task with its arguments.
    ///
    /// # Errors
    /// [`EnvError::Argument`] if one is out of range.
    pub fn new(args: MarketMakingArgs) -> Result<Self, EnvError> {
        check(&[
            (args.steps >= 1, "steps", "at least 1"),
            ranges::interval(args.interval),
            ranges::lead(args.warm_up, "warm_up"),
            (
                (1..=1_000_000).contains(&args.size),
                "size",
                "1 to 1,000,000",
            ),
            ranges::shares(args.max_inventory, "max_inventory"),
            (
                within(args.running_penalty, 0.0, 1e6),
                "running_penalty",
                "0 to 1,000,000",
            ),
            (
                within(args.terminal_penalty, 0.0, 1e6),
                "terminal_penalty",
                "0 to 1,000,000",
            ),
            ranges::latency(args.latency),
            ranges::fee(args.maker_fee, "maker_fee"),
            ranges::fee(args.taker_fee, "taker_fee"),
        ])?;
        Ok(Self {
            market: Marketplace::new(&args.background, &args.sessions, args.warm_up, "warm_up")?,
            args,
        })
    }

    /// The best price of a side that is not the player's alone. An auction that began without a book has none: a tick from the
    /// price that was known last.
    fn best_of_others(&self, state: &Quotes, book: &Book, side: Side) -> Option<Price> {
        let mut levels = book.levels(side);
        // Own orders that wait in an auction's pool are in no level.
        let touch = levels.find(|level| {
            let mut queue = book.queue(side, level.price).filter(|order| !order.hidden);
            queue.any(|order| state.own.live(book).all(|own| own.id != order.id))
        });
        let tick = self.market.tick();
        let known = || {
            let ticks = state.twice_mid[1].div_euclid(2 * tick);
            (ticks - side.sign()) * tick
        };
        let in_auction = book.phase() == Phase::Auction;
        touch
            .map(|level| level.price)
            .or_else(|| in_auction.then(known))
    }

    /// Keeps the quote of a side that stands, or is on its way, or sends another one.
    fn quote(&self, state: &mut Quotes, side: Side, offset: i32, desk: &mut Desk<'_>) {
        let book = desk.book(SYMBOL);
        let quote = state.quotes[side.index()];
        let current = state
            .own
            .kept(book)
            .find(|(order, _)| Some(order.id) == quote)
            .map(|(order, size)| (order.id, order.price, size));
        let size = Size::from(self.args.size);
        // Whatever may still trade beside the quote could come first.
        let held = side.sign() * desk.position(SYMBOL).held;
        let fits = |state: &Quotes, desk: &Desk<'_>, replaced: Size| {
            let others = state.own.outstanding(desk, side) - replaced;
            held + others + size <= Size::from(self.args.max_inventory)
        };
        let room = fits(state, desk, current.map_or(0, |(.., size)| size));
        let touch = self.best_of_others(state, book, side);
        let price = touch.map(|touch| touch - side.sign() * i64::from(offset) * self.market.tick());
        let price = price.filter(|price| room && *price > 0);
        if let Some((id, standing, _)) = current {
            if standing == price {
                return;
            }
            state.own.recall(desk, id, Size::MAX);
        }
        // With latency the old quote can trade until it is back.
        let price = price.filter(|_| fits(state, desk, 0));
        state.quotes[side.index()] =
            price.and_then(|price| state.own.send(desk, side, size, How::Limit(price)));
    }
}

/// Cash and the value of the inventory, times two.
fn wealth(floor: &Floor<'_>, twice_mid: Price) -> i64 {
    2 * floor.account(0).cash + floor.position(0).held * twice_mid
}

impl MarketTask for MarketMaking {
    type Flow = Background;
    type State = Quotes;

    fn spec(&self) -> EnvSpec {
        EnvSpec {
            max_episode_steps: Some(self.args.steps),
            stochastic: self.market.background.is_random(),
            model: Some(Model::new(Arc::new(MarketMakingProblem {
                steps: self.args.steps,
                interval: self.args.interval,
                size: self.args.size,
            }))),
            info: vec![
                number(
                    INVENTORY,
                    f64::NEG_INFINITY,
                    f64::INFINITY,
                    "Shares held; negative when short.",
                ),
                number(
                    SPREAD,
                    0.0,
                    f64::INFINITY,
                    "Distance of the best prices in ticks; 100 where a side is empty.",
                ),
                phase_info(),
            ],
            ..EnvSpec::single(
                "market_making-v1",
                "Quote on both sides of an order book without piling up an inventory.",
                Space::vector(WIDTH, -10.0, 10.0),
                Space::MultiDiscrete {
                    nvec: vec![OFFSETS; 2],
                },
            )
        }
    }

    fn setup(&self) -> MarketSetup {
        let args = &self.args;
        let fees = Fees {
            maker: args.maker_fee,
            taker: args.taker_fee,
        };
        self.market
            .setup(fees, args.warm_up, args.interval, args.latency, 0)
    }

    fn flow(&self) -> Background {
        self.market.background.clone()
    }

    fn begin(&self, state: &mut Quotes, floor: &Floor<'_>, options: &Value) -> Result<(), String> {
        no_options(options)?;
        let mid = twice_mid_or_last(floor.book(), 2 * self.market.venue.reference);
        let mut own = std::mem::take(&mut state.own);
        own.clear();
        *state = Quotes {
            own,
            trader: floor.trader(0),
            twice_mid: [mid; 2],
            twice_wealth: wealth(floor, mid),
            ..Quotes::default()
        };
        Ok(())
    }

    fn act(&self, state: &mut Quotes, _: usize, step: &RowStep<'_>, desk: &mut Desk<'_>) {
        state.volume = 0;
        state.own.tidy(desk);
        let (actions, row) = step.action(0);
        let offsets = &actions.i32(0)[2 * row..2 * row + 2];
        for side in Side::BOTH {
            self.quote(state, side, offsets[side.index()], desk);
        }
    }

    fn watch(&self, state: &mut Quotes, _: Time, event: &Event) {
        state.own.hear(event);
        state.volume += traded(event, state.trader).0;
    }

    fn settle(&self, state: &mut Quotes, floor: &Floor<'_>, step: &mut RowStep<'_>) {
        let args = &self.args;
        state.decisions += 1;
        state.twice_mid = [
            state.twice_mid[1],
            twice_mid_or_last(floor.book(), state.twice_mid[1]),
        ];
        let wealth = wealth(floor, state.twice_mid[1]);
        let gain = (wealth - state.twice_wealth) as f64 / 2e4;
        state.twice_wealth = wealth;
        let q = floor.position(0).held as f64;
        let mut penalty = args.running_penalty * q * q * args.interval;
        if state.decisions >= args.steps {
            penalty += args.terminal_penalty * q * q;
            step.terminate();
        }
        step.reward(0, (gain - penalty) as f32);
    }

    fn observe(
        &self,
        state: &Quotes,
        player: usize,
        floor: &Floor<'_>,
        out: &mut RowObservation<'_>,
    ) {
        let (args, book) = (&self.args, floor.book());
        let tick = self.market.tick() as f64;
        let best = Side::BOTH.map(|side| book.best(side));
        let spread = match best {
            [Some(bid), Some(ask)] => (ask - bid) as f64 / tick,
            _ => 100.0,
        };
        let [bids, asks] = depths(book);
        let ahead = |side: Side| {
            let id = state.quotes[side.index()]?;
            let order = book.order(id)?;
            let level: Size = book.queue(side, order.price?).map(|other| other.open).sum();
            Some(book.ahead(id)? as f64 / level as f64)
        };
        let values = [
            floor.position(player).held as f64 / f64::from(args.max_inventory),
            1.0 - f64::from(state.decisions) / f64::from(args.steps),
            spread / 10.0,
            imbalance(bids[0], asks[0]),
            imbalance(bids[1], asks[1]),
            imbalance(bids[2], asks[2]),
            (state.twice_mid[1] - state.twice_mid[0]) as f64 / (2.0 * tick),
            ahead(Side::Buy).unwrap_or(-1.0),
            ahead(Side::Sell).unwrap_or(-1.0),
            state.volume as f64 / f64::from(args.size) / 10.0,
        ];
        for (out, value) in out.f32(0).iter_mut().zip(values) {
            *out = value.clamp(-10.0, 10.0) as f32;
        }
        out.info(INVENTORY, &[floor.position(player).held as f64]);
        out.info(SPREAD, &[spread]);
        tell_phase(out, book);
    }

    fn tell(&self, state: &Quotes, floor: &Floor<'_>, out: &mut String) {
        use std::fmt::Write as _;
        let _ = write!(
            out,
            "holds {} shares, wealth {:+.2}",
            floor.position(0).held,
            state.twice_wealth as f64 / 2e4
        );
    }
}
