//! A market as data, for pictures and for counting.

use super::tape::Tape;
use crate::market::book::Depth;
use crate::market::kernel::{Kernel, Symbol};
use crate::market::order::{Side, Size, Time};

/// What [`Simulator::view`](crate::sim::Simulator::view) shows of an environment in an order book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketView {
    /// Time at the exchange, ns.
    pub now: Time,
    /// Prices are multiples of this, in ten-thousandths.
    pub tick: i64,
    /// Bid levels, the best first.
    pub bids: Vec<Depth>,
    /// Ask levels, the best first.
    pub asks: Vec<Depth>,
    /// Trades since the players decided last.
    pub trades: usize,
    /// Their shares.
    pub volume: Size,
    /// Messages that have reached the exchange since the row was made, warm-ups and earlier episodes included.
    pub messages: u64,
}

impl MarketView {
    pub(super) fn of(kernel: &Kernel, tape: &Tape) -> Self {
        let book = kernel.book(Symbol(0));
        let (trades, volume) = tape.sums();
        Self {
            now: kernel.now(),
            tick: book.config().rules.tick,
            bids: book.levels(Side::Buy).collect(),
            asks: book.levels(Side::Sell).collect(),
            trades,
            volume,
            messages: kernel.messages(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry;
    use crate::sim::Simulator;

    #[test]
    fn a_market_shows_its_book_and_counts_what_reached_it() {
        let args = json!({ "interval": 2.0, "steps": 5 });
        let plugin = registry().build("market_making-v1", &args).unwrap();
        let builder = Simulator::builder(plugin).rows(3).shards(2).seed(1);
        let mut simulator = builder.build().unwrap();
        simulator.reset().unwrap();
        let look = |simulator: &Simulator, row| -> MarketView {
            simulator.view(row).unwrap().expect("a market")
        };
        let before = look(&simulator, 2);
        // It has warmed up, and no player has decided.
        assert!(before.messages > 0);
        assert_eq!((before.trades, before.volume), (0, 0));
        assert!(before.bids.is_sorted_by(|a, b| a.price > b.price));
        assert!(before.asks.is_sorted_by(|a, b| a.price < b.price));
        assert!(before.bids[0].price < before.asks[0].price);
        assert_eq!(before.asks[0].price % before.tick, 0);
        let mut seen = before.messages;
        // Through the end of an episode: what was done before still counts.
        for _ in 0..7 {
            simulator.step().unwrap();
            let messages = look(&simulator, 2).messages;
            assert!(messages > seen, "{messages} after {seen}");
            seen = messages;
        }
        assert!(look(&simulator, 0).now > before.now);
        assert_eq!(simulator.view::<u8>(0).unwrap(), None);
        assert!(simulator.view::<MarketView>(3).is_err());
    }

    #[test]
    fn what_is_no_market_shows_none() {
        let plugin = registry().build("cartpole-v1", &json!(null)).unwrap();
        let mut simulator = Simulator::builder(plugin).rows(1).build().unwrap();
        simulator.reset().unwrap();
        assert_eq!(simulator.view::<MarketView>(0).unwrap(), None);
    }
}
