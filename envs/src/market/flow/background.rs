//! Who trades in the market of an environment beside its players: the value of the key `background`.
//!
//! ```toml
//! background = { zero_intelligence = { market_rate = 1.0 } }
//! background = { hawkes = {} }
//! background = { population = {} }
//! background = { replay = { file = "AAPL_2012-06-21_34200000_57600000_message_10.csv", window = 1800 } }
//! background = { execution = { side = "buy", size = 20000, until = 1800 } }
//! background = { both = { first = { population = {} }, second = { execution = { pace = { participation = 0.1 } } } } }
//! background = { hand_over = { first = { zero_intelligence = {} }, then = { population = {} }, after = 600 } }
//! ```

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Both, Execution, ExecutionConfig, HandOver, HawkesFlow, HawkesFlowConfig, OrderFlow, Recording,
    RecordingConfig, Replay, SavedFlow, Venue, ZeroIntelligence, ZeroIntelligenceConfig,
};
use crate::{
    error::EnvError,
    market::{
        book::{Ids, Resting},
        event::Event,
        kernel::{Delays, Desk, SECOND, Symbol},
        order::{OrderId, Price, Time},
        population::{Population, PopulationConfig},
    },
    stream::Stream,
};

/// Who trades beside the players.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackgroundConfig {
    /// Orders at random; see [`ZeroIntelligence`].
    ZeroIntelligence(ZeroIntelligenceConfig),
    /// Orders that excite each other; see [`HawkesFlow`].
    Hawkes(HawkesFlowConfig),
    /// Traders that react to each other; see [`Population`].
    Population(PopulationConfig),
    /// A recording; see [`Replay`].
    Replay(RecordingConfig),
    /// A large order in slices; see [`Execution`].
    Execution(ExecutionConfig),
    /// Two of them side by side.
    Both(BothConfig),
    /// One of them, and another one from some time on.
    HandOver(HandOverConfig),
}

impl Default for BackgroundConfig {
    fn default() -> Self {
        Self::ZeroIntelligence(ZeroIntelligenceConfig::default())
    }
}

/// Two flows side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BothConfig {
    /// One of them.
    pub first: Box<BackgroundConfig>,
    /// The other one, of the same tick. At most one of them has a recording in it, and those that open at some time of the day
    /// open at the same.
    pub second: Box<BackgroundConfig>,
}

/// One flow after another, which takes over the orders that rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOverConfig {
    /// Who trades first.
    pub first: Box<BackgroundConfig>,
    /// Who trades then, of the same tick.
    pub then: Box<BackgroundConfig>,
    /// Seconds from the opening until then, > 0.
    pub after: f64,
}

/// Puts the key before the path of an error.
fn within(key: &str) -> impl Fn(EnvError) -> EnvError + '_ {
    move |error| match error {
        EnvError::Argument {
            path,
            message,
            suggestion,
        } => EnvError::Argument {
            path: format!("{key}.{path}"),
            message,
            suggestion,
        },
        other => other,
    }
}

fn refused((path, range): (&str, &str)) -> EnvError {
    EnvError::argument(path, format!("must be {range}"))
}

impl BackgroundConfig {
    /// The flow, and the market that it needs.
    ///
    /// # Errors
    /// [`EnvError::Argument`] with the key that is wrong, below `background`.
    pub fn build(&self) -> Result<(Background, Venue), EnvError> {
        self.build_below().map_err(within("background"))
    }

    /// Whether it trades at whatever prices there are, and so in a market of any tick.
    fn has_no_prices(&self) -> bool {
        match self {
            Self::Execution(_) => true,
            Self::Both(both) => both.first.has_no_prices() && both.second.has_no_prices(),
            Self::HandOver(flows) => flows.first.has_no_prices() && flows.then.has_no_prices(),
            Self::ZeroIntelligence(_) | Self::Hawkes(_) | Self::Population(_) | Self::Replay(_) => {
                false
            }
        }
    }

    fn build_below(&self) -> Result<(Background, Venue), EnvError> {
        match self {
            Self::ZeroIntelligence(config) => {
                let checked = config.check().map_err(refused);
                checked.map_err(within("zero_intelligence"))?;
                let orders = 2 * config.start_levels;
                let venue = Venue::new(config.tick, orders, 512, config.start_price);
                let flow = ZeroIntelligence::new(*config);
                Ok((Background::ZeroIntelligence(flow), venue))
            }
            Self::Hawkes(config) => {
                let flow = HawkesFlow::from_config(config).map_err(within("hawkes"))?;
                let orders = 4096 + 2 * config.start_orders;
                let venue = Venue::new(config.tick, orders, 512, config.start_price);
                Ok((Background::Hawkes(Box::new(flow)), venue))
            }
            Self::Population(config) => {
                if let Some(problem) = config.problems().into_iter().next() {
                    let error = EnvError::argument(problem.key, problem.message);
                    return Err(within("population")(error));
                }
                let reference = config.oracle.mean.round() as Price * config.tick;
                let venue = Venue {
                    opening: config.open,
                    closing: Some(config.close),
                    // The ladders of its market makers reach thousands of ticks.
                    ..Venue::new(config.tick, config.ladder_orders(), 16_384, reference)
                };
                let flow = Population::new(config.clone(), 0);
                Ok((Background::Population(Box::new(flow)), venue))
            }
            Self::Replay(config) => {
                let recording = Recording::read(config).map_err(within("replay"))?;
                let mut venue = Venue::new(config.tick, recording.most_live(), 1024, 0);
                venue.book.ids = Ids::Any;
                venue.reference = recording.price().unwrap_or(config.tick);
                venue.closing = Some(recording.length() + 1);
                venue.first_id = recording.free_id();
                let flow = Replay::of(Symbol(0), Arc::new(recording));
                Ok((Background::Replay(flow), venue))
            }
            Self::Execution(config) => {
                let flow = config.build().map_err(within("execution"))?;
                let ZeroIntelligenceConfig {
                    tick, start_price, ..
                } = ZeroIntelligenceConfig::default();
                let venue = Venue::new(tick, 0, 512, start_price);
                Ok((Background::Execution(flow), venue))
            }
            Self::Both(config) => config.build().map_err(within("both")),
            Self::HandOver(config) => config.build().map_err(within("hand_over")),
        }
    }
}

/// Refuses two flows that cannot trade in one book.
fn check_ticks(
    configs: [&BackgroundConfig; 2],
    [first, second]: [&Venue; 2],
    keys: [&str; 2],
) -> Result<(), EnvError> {
    let free = configs.iter().any(|config| config.has_no_prices());
    if !free && first.tick() != second.tick() {
        let message = format!(
            "has the tick {}, `{}` {}",
            second.tick(),
            keys[0],
            first.tick()
        );
        return Err(EnvError::argument(keys[1], message));
    }
    Ok(())
}

impl BothConfig {
    fn build(&self) -> Result<(Background, Venue), EnvError> {
        let (first, venue) = self.first.build_below().map_err(within("first"))?;
        let (second, other) = self.second.build_below().map_err(within("second"))?;
        let configs = [&*self.first, &*self.second];
        check_ticks(configs, [&venue, &other], ["first", "second"])?;
        if [&venue, &other].iter().all(|v| v.first_id != OrderId(1)) {
            let message =
                "has a recording, as `first` has: the ids of their orders could be the same";
            return Err(EnvError::argument("second", message));
        }
        // Only who knows the time of the day opens at another one than 0.
        let opening = venue.opening.max(other.opening);
        let mut closing: Option<Time> = None;
        for part in [&venue, &other] {
            if part.opening != 0 && part.opening != opening {
                let message = "opens at another time of the day than `first`";
                return Err(EnvError::argument("second", message));
            }
            let end = part.closing.map(|end| end - part.opening + opening);
            closing = closing.into_iter().chain(end).min();
        }
        let venue = Venue {
            opening,
            closing,
            ..venue.of_both(other, configs.map(BackgroundConfig::has_no_prices))
        };
        let flow = Both { first, second };
        Ok((Background::Both(Box::new(flow)), venue))
    }
}

impl HandOverConfig {
    fn build(&self) -> Result<(Background, Venue), EnvError> {
        let (first, venue) = self.first.build_below().map_err(within("first"))?;
        let (then, other) = self.then.build_below().map_err(within("then"))?;
        let configs = [&*self.first, &*self.then];
        check_ticks(configs, [&venue, &other], ["first", "then"])?;
        if other.first_id != OrderId(1) {
            let message = "a recording comes first, or alone: it knows its orders only";
            return Err(EnvError::argument("then", message));
        }
        if !(self.after > 0.0 && self.after <= 1e6) {
            return Err(EnvError::argument(
                "after",
                "must be above 0, at most 1,000,000 s",
            ));
        }
        // The second trades by its clock: a population opens and closes when it does.
        let after = (self.after * SECOND as f64) as Time;
        let opening = match other.closing {
            Some(_) => other.opening - after,
            None => venue.opening,
        };
        if opening < 0 {
            let most = other.opening as f64 / SECOND as f64;
            let message = format!(
                "`then` opens {most} s after midnight, and no day begins before: must be at most that"
            );
            return Err(EnvError::argument("after", message));
        }
        // So does the first, and would wait for its own opening until it is gone.
        if venue.opening != 0 && venue.opening != opening {
            let message = "both trade by the clock, and `first` would open when it ends";
            return Err(EnvError::argument("first", message));
        }
        let venue = Venue {
            opening,
            closing: other.closing,
            ..venue.of_both(other, configs.map(BackgroundConfig::has_no_prices))
        };
        let flow = HandOver::new(first, then, opening + after);
        Ok((Background::HandOver(Box::new(flow)), venue))
    }
}

/// A flow of any of the kinds that can be configured.
#[derive(Debug, Clone)]
pub enum Background {
    /// Orders at random.
    ZeroIntelligence(ZeroIntelligence),
    /// Orders that excite each other.
    Hawkes(Box<HawkesFlow>),
    /// Traders that react to each other.
    Population(Box<Population>),
    /// A recording.
    Replay(Replay),
    /// A large order in slices.
    Execution(Execution),
    /// Two of them side by side.
    Both(Box<Both<Background, Background>>),
    /// One of them after another.
    HandOver(Box<HandOver<Background, Background>>),
}

/// Calls a method of whichever flow it is.
macro_rules! of_flow {
    ($background:expr, $flow:ident => $call:expr) => {
        match $background {
            Background::ZeroIntelligence($flow) => $call,
            Background::Hawkes($flow) => $call,
            Background::Population($flow) => $call,
            Background::Replay($flow) => $call,
            Background::Execution($flow) => $call,
            Background::Both($flow) => $call,
            Background::HandOver($flow) => $call,
        }
    };
}

impl Background {
    /// Whether two resets with different streams can lead to different markets.
    pub fn is_random(&self) -> bool {
        match self {
            Self::Replay(replay) => replay.recording().windows() > 1,
            Self::Execution(_) => false,
            Self::Both(both) => both.first.is_random() || both.second.is_random(),
            Self::HandOver(flows) => {
                let (first, then) = flows.flows();
                first.is_random() || then.is_random()
            }
            Self::ZeroIntelligence(_) | Self::Hawkes(_) | Self::Population(_) => true,
        }
    }
}

impl OrderFlow for Background {
    fn traders(&self) -> u32 {
        of_flow!(self, flow => flow.traders())
    }

    fn delays(&self, trader: u32) -> Delays {
        of_flow!(self, flow => flow.delays(trader))
    }

    fn reset(&mut self, stream: Stream) {
        of_flow!(self, flow => flow.reset(stream));
    }

    fn start(&mut self, desk: &mut Desk<'_>) {
        of_flow!(self, flow => flow.start(desk));
    }

    fn adopt(&mut self, symbol: Symbol, order: &Resting) {
        of_flow!(self, flow => flow.adopt(symbol, order));
    }

    fn takes_over(&self) -> bool {
        of_flow!(self, flow => flow.takes_over())
    }

    fn wake(&mut self, trader: u32, desk: &mut Desk<'_>) {
        of_flow!(self, flow => flow.wake(trader, desk));
    }

    fn notice(&mut self, trader: u32, symbol: Symbol, event: &Event, desk: &mut Desk<'_>) {
        of_flow!(self, flow => flow.notice(trader, symbol, event, desk));
    }

    fn wants_notices(&self) -> bool {
        of_flow!(self, flow => flow.wants_notices())
    }

    fn follows_book(&self) -> bool {
        of_flow!(self, flow => flow.follows_book())
    }

    fn settled(&mut self, symbol: Symbol, desk: &mut Desk<'_>) {
        of_flow!(self, flow => flow.settled(symbol, desk));
    }

    fn observe(&mut self, time: Time, symbol: Symbol, event: &Event) {
        of_flow!(self, flow => flow.observe(time, symbol, event));
    }
}

impl SavedFlow for Background {
    fn save(&self, out: &mut Vec<u8>) -> Result<(), EnvError> {
        of_flow!(self, flow => flow.save(out))
    }

    fn load(&mut self, bytes: &mut &[u8]) -> Result<(), EnvError> {
        of_flow!(self, flow => flow.load(bytes))
    }
}
