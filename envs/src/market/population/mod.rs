//! A population of traders that react to each other: the reference market `rmsc04` of ABIDES.
//!
//! Value traders watch a noisy fundamental value, market makers quote around the mid-price, momentum traders follow it, noise
//! traders come once; they see each other only through the book, after a delay. From *ABIDES: Towards High-Fidelity Market
//! Simulation for AI Research* (Byrd, Hybinette, Balch, arXiv 1904.12066) and the configuration `rmsc04` of ABIDES-JPMC (*ABIDES-Gym*,
//! Amrouni et al., arXiv 2110.14771), whose parameters are the defaults. [`Preset`] has others.
//!
//! What differs from it: a trader looks at the book when it wakes up instead of asking for it with a message and waiting for the
//! answer, so that one delay lies between what it saw and what it does, not three; and a value trader's belief forgets as its
//! formula says, where ABIDES rounds 1 - κ to the nearest number it has.
//!
//! Every trader draws from a stream of its own for each of its wake-ups. So two runs with the same seed, one with a player and one
//! without, differ only by what the player sets off (common random numbers).

mod activity;
mod check;
mod draw;
mod imbalance;
mod latency;
mod market_maker;
mod momentum;
mod noise;
mod oracle;
mod presets;
mod saved;
mod sizes;
mod tape;
#[cfg(test)]
mod tests;
mod value;

pub use activity::ActivityConfig;
pub use check::PopulationProblem;
pub use latency::{CubicLatency, LatencyConfig};
pub use market_maker::{MarketMaker, MarketMakerConfig};
pub use momentum::{Momentum, MomentumConfig};
pub use noise::NoiseConfig;
pub use oracle::{Oracle, OracleConfig};
pub use presets::Preset;
pub use sizes::order_size;
pub use value::{Value, ValueConfig};

use activity::Activity;
pub(crate) use draw::{exponential, normal};
use imbalance::Imbalance;
use tape::Tape;

use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    book::Resting,
    event::Event,
    flow::{OrderFlow, OwnOrders},
    kernel::{Delays, Desk, Symbol, clock},
    order::{Message, NewOrder, OrderId, Price, Side, Size, Time},
};
use crate::stream::{Stream, StreamKey};

/// The instrument that a population trades.
const SYMBOL: Symbol = Symbol(0);
/// Metres that light travels in a nanosecond.
const METRES_PER_NANOSECOND: f64 = 0.299_792_458;

/// Who trades, and in what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PopulationConfig {
    /// When trading begins, ns after midnight.
    pub open: Time,
    /// When it ends.
    pub close: Time,
    /// Distance of two prices, in ten-thousandths: a cent. Every price below is in ticks.
    pub tick: Price,
    /// The fundamental value.
    pub oracle: OracleConfig,
    /// How busy the market is, which the fundamental value and all traders but those who come once follow.
    pub activity: ActivityConfig,
    /// Number of noise traders, and what they do.
    pub noise: (u32, NoiseConfig),
    /// Number of value traders, and what they do.
    pub value: (u32, ValueConfig),
    /// Number of momentum traders, and what they do.
    pub momentum: (u32, MomentumConfig),
    /// Number of market makers, and what they do.
    pub market_makers: (u32, MarketMakerConfig),
    /// Length of the line that traders sit on, m; the exchange is somewhere on it too.
    pub line: f64,
    /// Time that a trader takes to think, ns. Until it has, it does nothing else: a wake-up that comes meanwhile waits.
    pub computation: Time,
    /// What is added to the time that messages take on the line: `"deterministic"`, nothing, or `{ cubic = {} }`.
    pub latency: LatencyConfig,
}

impl PopulationConfig {
    /// Orders of the traders that keep some in the book: value traders one each, market makers a ladder on each side.
    pub fn ladder_orders(&self) -> u32 {
        let ladders = self.market_makers.0.saturating_mul(2);
        let ladders = ladders.saturating_mul(self.market_makers.1.levels);
        ladders.saturating_add(self.value.0)
    }

    /// The traders at the start, in the order of their numbers.
    fn traders(&self) -> impl Iterator<Item = Trader> {
        let value = Trader::Value(Value::new(self.oracle.mean));
        let maker = Trader::MarketMaker(MarketMaker::new(&self.market_makers.1));
        let momentum = Trader::Momentum(Momentum::new(&self.momentum.1));
        [
            (self.noise.0, Trader::Noise),
            (self.value.0, value),
            (self.market_makers.0, maker),
            (self.momentum.0, momentum),
        ]
        .into_iter()
        .flat_map(|(count, trader)| std::iter::repeat_n(trader, count as usize))
    }
}

impl Default for PopulationConfig {
    fn default() -> Self {
        Self {
            open: clock(9, 30, 0),
            close: clock(16, 0, 0),
            tick: 100,
            oracle: OracleConfig::default(),
            activity: ActivityConfig::default(),
            noise: (1000, NoiseConfig::default()),
            value: (102, ValueConfig::default()),
            momentum: (12, MomentumConfig::default()),
            market_makers: (2, MarketMakerConfig::default()),
            line: 3_866_660.0,
            computation: 50,
            latency: LatencyConfig::Deterministic,
        }
    }
}

/// What every trader of a population can do beside looking at the book.
struct Floor<'a, 'b> {
    desk: &'a mut Desk<'b>,
    /// The trader's randomness for this wake-up.
    rng: Stream,
    /// The trader's way to the exchange.
    way: Time,
    /// How much later than others what is sent now is sent.
    after: Time,
    oracle: &'a mut Oracle,
    tape: &'a mut Tape,
    config: &'a PopulationConfig,
}

impl Floor<'_, '_> {
    /// Best bid and ask in ticks, as far as there are any.
    fn touch(&self) -> [Option<i64>; 2] {
        let book = self.desk.book(SYMBOL);
        Side::BOTH.map(|side| book.best(side).map(|price| price / self.config.tick))
    }

    /// Sends a limit order; `tick` is its price. Returns its id.
    fn limit(&mut self, side: Side, size: Size, tick: i64) -> OrderId {
        let id = self.desk.new_id();
        let trader = self.desk.id_of(self.desk.trader());
        let order = NewOrder::limit(id, trader, side, size, tick.max(1) * self.config.tick);
        self.send(Message::New(order));
        id
    }

    fn send(&mut self, message: Message) {
        let late = self.config.latency.late(self.way, &mut self.rng);
        self.desk.send_later(SYMBOL, message, self.after + late);
    }

    /// Takes an order back, if it is still there.
    fn cancel(&mut self, id: OrderId) {
        if self.desk.book(SYMBOL).order(id).is_some() {
            self.send(Message::Cancel { id });
        }
    }

    /// Wakes the trader again after `delay` in business time, unless the market is closed then.
    fn sleep(&mut self, delay: Time) {
        let now = self.desk.now();
        let delay = if self.config.activity.deviation > 0.0 {
            (delay as f64 / self.oracle.speed(now)) as Time
        } else {
            delay
        };
        let at = now + delay.max(1);
        if at < self.config.close {
            self.desk.wake_at(at);
        }
    }
}

/// A trader and its place.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Trader {
    Noise,
    Value(Value),
    Momentum(Momentum),
    MarketMaker(MarketMaker),
}

/// The population as an order flow.
#[derive(Debug, Clone)]
pub struct Population {
    config: PopulationConfig,
    traders: Vec<Trader>,
    /// The way from each trader to the exchange, ns.
    ways: Vec<Time>,
    /// Stream of each trader, and how often it woke up.
    streams: Vec<(StreamKey, u64)>,
    /// Until when each trader thinks.
    busy: Vec<Time>,
    oracle: Oracle,
    tape: Tape,
    imbalance: Imbalance,
    /// Orders taken over from another flow.
    adopted: OwnOrders,
}

impl Population {
    /// A population; where its traders sit follows from `places`, and stays.
    pub fn new(config: PopulationConfig, places: u64) -> Self {
        let mut rng = Stream::new(places, 0, "market.population.places");
        let exchange = config.line * rng.random::<f64>();
        let counts = [
            config.noise.0,
            config.value.0,
            config.market_makers.0,
            config.momentum.0,
        ];
        let way = |_| {
            let metres = (config.line * rng.random::<f64>() - exchange).abs();
            (metres / METRES_PER_NANOSECOND) as Time
        };
        Self {
            ways: (0..counts.iter().sum()).map(way).collect(),
            traders: Vec::new(),
            streams: Vec::new(),
            busy: Vec::new(),
            imbalance: Imbalance::default(),
            oracle: Oracle::new(
                &config.oracle,
                &config.activity,
                config.open,
                StreamKey::default(),
            ),
            tape: Tape::with_room(),
            adopted: OwnOrders::default(),
            config,
        }
    }

    /// The fundamental value at the last time that somebody asked for it, in ticks.
    pub fn fundamental(&self) -> f64 {
        self.oracle.last()
    }
}

impl OrderFlow for Population {
    fn traders(&self) -> u32 {
        self.ways.len() as u32
    }

    fn delays(&self, trader: u32) -> Delays {
        Delays {
            communication: self.ways.get(trader as usize).copied().unwrap_or(0),
            computation: self.config.computation,
        }
    }

    fn reset(&mut self, mut stream: Stream) {
        let seed = stream.random();
        let config = &self.config;
        let key = StreamKey::new(seed, u64::MAX, "market.population");
        self.oracle = Oracle::new(&config.oracle, &config.activity, config.open, key);
        self.tape.trades.clear();
        let keys =
            (0..self.ways.len() as u64).map(|i| StreamKey::new(seed, i, "market.population"));
        self.streams.clear();
        self.streams.extend(keys.map(|key| (key, 0)));
        self.busy.clear();
        self.busy.resize(self.ways.len(), Time::MIN);
        self.imbalance = Imbalance::default();
        self.adopted.clear();
        if self.traders.is_empty() {
            self.traders.extend(config.traders());
        }
        for trader in &mut self.traders {
            match trader {
                Trader::Noise => {}
                Trader::Value(trader) => *trader = Value::new(config.oracle.mean),
                Trader::Momentum(trader) => trader.restart(),
                Trader::MarketMaker(trader) => trader.restart(&config.market_makers.1),
            }
        }
    }

    fn adopt(&mut self, symbol: Symbol, order: &Resting) {
        if symbol == SYMBOL {
            self.adopted.push(order.trader, order.id);
        }
    }

    fn takes_over(&self) -> bool {
        true
    }

    fn start(&mut self, desk: &mut Desk<'_>) {
        let open = self.config.open.max(desk.now());
        for (i, trader) in self.traders.iter().enumerate() {
            // Episode 0 of a trader's stream is for the time of its first wake-up.
            let rng = &mut self.streams[i].0.stream(0);
            let first = match trader {
                Trader::Noise => self.config.noise.1.arrival(rng).max(open),
                Trader::Value(_) => open + self.config.value.1.pause(rng),
                Trader::Momentum(_) => open + self.config.momentum.1.pause(rng),
                Trader::MarketMaker(_) => open + self.config.market_makers.1.pause(rng),
            };
            if first < self.config.close {
                desk.wake_trader_at(i as u32, first);
            }
        }
    }

    fn wake(&mut self, trader: u32, desk: &mut Desk<'_>) {
        let place = trader as usize;
        let (Some(awake), Some((key, wakes)), Some(busy)) = (
            self.traders.get_mut(place),
            self.streams.get_mut(place),
            self.busy.get_mut(place),
        ) else {
            return;
        };
        if desk.now() < *busy {
            desk.wake_at(*busy);
            return;
        }
        *wakes += 1;
        let mut floor = Floor {
            desk,
            rng: key.stream(*wakes),
            way: self.ways[place],
            after: 0,
            oracle: &mut self.oracle,
            tape: &mut self.tape,
            config: &self.config,
        };
        match awake {
            Trader::Noise => noise::wake(&mut floor),
            Trader::Value(trader) => trader.wake(&mut floor),
            Trader::Momentum(trader) => trader.wake(&mut floor),
            Trader::MarketMaker(trader) => trader.wake(&mut floor),
        }
        *busy = floor.desk.now() + self.config.computation + floor.after;
        // Who takes back orders of its own takes back one of those, too, that came from another flow. After everything else, so
        // that what it has drawn before is what it would draw without them.
        if matches!(awake, Trader::Value(_) | Trader::MarketMaker(_)) {
            let Floor { rng, desk, .. } = &mut floor;
            while self.adopted.len() > 0 && !self.adopted.cancel_one(SYMBOL, rng, desk) {}
        }
    }

    fn observe(&mut self, time: Time, symbol: Symbol, event: &Event) {
        if symbol != SYMBOL {
            return;
        }
        self.imbalance.note(event);
        if let Event::Trade(trade) = event {
            self.tape.note(time, trade.aggressor.sign() * trade.size);
        }
    }

    fn follows_book(&self) -> bool {
        let (makers, config) = &self.config.market_makers;
        *makers > 0 && config.imbalance < 1.0
    }

    fn settled(&mut self, symbol: Symbol, desk: &mut Desk<'_>) {
        if symbol != SYMBOL || !self.follows_book() {
            return;
        }
        let side = self.imbalance.side(self.config.market_makers.1.imbalance);
        if side == self.imbalance.told {
            return;
        }
        self.imbalance.told = side;
        if side.is_none() {
            return;
        }
        let first = (self.config.noise.0 + self.config.value.0) as usize;
        for place in first..first + self.config.market_makers.0 as usize {
            let heard = desk.now() + self.ways[place];
            if let Some(Trader::MarketMaker(trader)) = self.traders.get_mut(place)
                && trader.hear(heard)
            {
                desk.wake_trader_at(place as u32, heard);
            }
        }
    }
}
