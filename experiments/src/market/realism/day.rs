//! Days of a simulated market.

use palaestra_envs::{
    market::{
        book::BookConfigError,
        event::{CancelReason, Event},
        flow::OrderFlow,
        kernel::{Kernel, KernelConfig, Seat, Symbol, TraderTables},
        order::{Side, Time},
    },
    stream::Stream,
};

use super::{MinuteBars, Print};

/// Why a market cannot be studied.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MarketError {
    /// The configuration of a book is out of range.
    #[error(transparent)]
    Book(#[from] BookConfigError),
    /// A statistic cannot be had.
    #[error(transparent)]
    Stats(#[from] crate::stats::StatsError),
    /// A book that had no place for an order.
    #[error(
        "the order book of seed {seed} has no place for {refused} orders: make its traders keep fewer"
    )]
    Full {
        /// Seed of the day.
        seed: u64,
        /// Orders that were refused.
        refused: u64,
    },
    /// A market that never had both a bid and an ask.
    #[error(
        "the market of seed {seed} has no mid-price at {time} ns after midnight: give its order flow more time to begin"
    )]
    NoPrice {
        /// Seed of the day.
        seed: u64,
        /// When.
        time: Time,
    },
}

/// A market with its order flow, to be run for days.
#[derive(Debug)]
pub struct Market<F> {
    /// What trades.
    pub flow: F,
    kernel: Kernel,
    tables: TraderTables,
    open: Time,
    seed: u64,
}

impl<F: OrderFlow> Market<F> {
    /// A market that begins its days at `open`.
    ///
    /// # Errors
    /// [`MarketError::Book`].
    pub fn new(config: KernelConfig, flow: F, open: Time) -> Result<Self, MarketError> {
        let symbols = config.books.len();
        let mut tables = TraderTables::new(flow.traders() as usize, symbols);
        for (trader, seat) in (0..).zip(tables.view().seats) {
            *seat = Seat {
                delays: flow.delays(trader),
                ..Seat::default()
            };
        }
        Ok(Self {
            flow,
            kernel: Kernel::new(config)?,
            tables,
            open,
            seed: 0,
        })
    }

    /// The kernel, as the last day left it.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// Begins the day of `seed`.
    pub fn begin(&mut self, seed: u64, mut sink: impl FnMut(Time, Event)) {
        self.seed = seed;
        let mut traders = self.tables.view();
        // Accounts start empty every day, as positions do.
        traders.accounts.fill_with(Default::default);
        traders.positions.fill_with(Default::default);
        let stream = Stream::new(seed, 0, "market.day");
        self.kernel
            .open(self.open, &mut self.flow, stream, &mut traders, &mut sink);
    }

    /// Lets the day go on until `time`.
    ///
    /// # Errors
    /// [`MarketError::Full`]: a market that loses orders is not the one that was asked for.
    pub fn run(
        &mut self,
        time: Time,
        mut sink: impl FnMut(Time, Event),
    ) -> Result<(), MarketError> {
        let mut traders = self.tables.view();
        self.kernel
            .run(time, &mut self.flow, &mut traders, &mut sink);
        match self.kernel.overflows() {
            0 => Ok(()),
            refused => Err(MarketError::Full {
                seed: self.seed,
                refused,
            }),
        }
    }

    /// The day of `seed` until `close`, as bars; `also` sees its events, too.
    ///
    /// # Errors
    /// [`MarketError::Full`].
    pub fn bars(
        &mut self,
        seed: u64,
        close: Time,
        mut also: impl FnMut(Time, &Event),
    ) -> Result<MinuteBars, MarketError> {
        let mut recorder = Recorder::default();
        let mut sink = |time: Time, event: Event| {
            recorder.event(time, &event);
            also(time, &event);
        };
        self.begin(seed, &mut sink);
        self.run(close, &mut sink)?;
        Ok(recorder.finish())
    }

    /// Mean of best bid and ask of the first instrument.
    pub fn mid(&self) -> Option<f64> {
        let book = self.kernel.book(Symbol(0));
        let [bid, ask] = Side::BOTH.map(|side| book.best(side));
        Some(0.5 * (bid? + ask?) as f64)
    }
}

/// Makes prints from events: one for each order and each cancellation.
#[derive(Debug, Default)]
struct Recorder {
    prints: Vec<Print>,
    /// Price of the first trade of the last order that traded.
    price: f64,
    /// Whether the order that is being followed has traded.
    traded: bool,
}

impl Recorder {
    fn event(&mut self, time: Time, event: &Event) {
        match *event {
            Event::Accepted { .. }
            | Event::Cancelled {
                reason: CancelReason::Requested,
                ..
            }
            | Event::Reduced { .. } => {
                self.traded = false;
                let price = self.price;
                self.prints.push(Print {
                    time,
                    price,
                    volume: 0,
                });
            }
            Event::Trade(trade) => {
                if !self.traded {
                    (self.traded, self.price) = (true, trade.price as f64);
                }
                if let Some(print) = self.prints.last_mut() {
                    print.price = self.price;
                    print.volume += trade.size;
                }
            }
            _ => {}
        }
    }

    fn finish(self) -> MinuteBars {
        MinuteBars::of(self.prints)
    }
}
