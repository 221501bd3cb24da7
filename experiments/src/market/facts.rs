//! The stylised facts of a recording, where it is long enough.

use palaestra_envs::{
    market::data::{Clock, FeedEvent, Kind, Side},
    stream::Stream,
};
use serde::Serialize;

use super::realism::{BarBuilder, FactSettings, MinuteBars, Print, StylisedFacts};
use crate::stats::Bootstrap;

const DAY_NS: u64 = 86_400_000_000_000;
/// Fewest bars of a minute of a part: MarS's report (arXiv 2409.07486) asks for as many rows. The longest lag is 20.
const FEWEST_BARS: usize = 26;
/// Days from which on intervals resample days instead of hours.
const FEWEST_DAYS: usize = 5;
/// Replicates of the bootstrap.
const REPLICATES: u32 = 1000;

/// What is told of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordedFacts {
    /// They could be computed.
    Computed {
        /// What intervals resample.
        parts: Parts,
        /// Minutes with bars.
        minutes: usize,
        /// The facts; [`StylisedFacts::days`] counts the parts.
        facts: StylisedFacts,
    },
    /// Why not.
    Missing {
        /// In a sentence.
        reason: String,
    },
}

/// What the intervals of facts resample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Parts {
    /// Whole days.
    Days,
    /// Hours, of fewer than five days.
    Hours,
}

impl Parts {
    /// Their name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Days => "days",
            Self::Hours => "hours",
        }
    }
}

/// Makes bars of a recording as it goes by; memory grows with its minutes.
#[derive(Debug, Default)]
pub struct FactsTape {
    days: Vec<MinuteBars>,
    today: Option<(u64, BarBuilder)>,
    price: f64,
    /// Time and side of the order whose trades go by.
    taking: Option<(u64, Option<Side>)>,
    /// The print of that order.
    print: Option<Print>,
    trades: bool,
    symbol: Option<u32>,
    several: bool,
}

impl FactsTape {
    /// Takes in an event on this clock.
    pub fn add(&mut self, event: &FeedEvent, clock: Clock) {
        if event.kind == Kind::Other {
            return;
        }
        self.several |= *self.symbol.get_or_insert(event.symbol) != event.symbol;
        if self.several {
            // There will be no facts: a file of thousands of symbols is not kept in minutes.
            return;
        }
        let day = match clock {
            Clock::Midnight => 0,
            Clock::Epoch => event.time_ns / DAY_NS,
        };
        if self.today.as_ref().is_some_and(|(today, _)| *today != day) {
            self.turn();
        }
        let (_, bars) = self
            .today
            .get_or_insert_with(|| (day, BarBuilder::default()));
        let time = (event.time_ns - day * DAY_NS) as i64;
        match event.kind {
            // The trades of one order are those of one moment with orders of one side.
            Kind::Execute | Kind::Hidden | Kind::Cross => {
                self.trades = true;
                let key = Some((event.time_ns, event.side));
                if self.taking != key {
                    self.taking = key;
                    self.print
                        .take()
                        .into_iter()
                        .for_each(|print| bars.add(print));
                    self.price = event.price.map_or(self.price, |price| price as f64);
                }
                let price = self.price;
                let print = self.print.get_or_insert(Print {
                    time,
                    price,
                    volume: 0,
                });
                print.volume += event.size as i64;
            }
            Kind::Add | Kind::Reduce | Kind::Delete | Kind::Replace | Kind::Modify => {
                self.taking = None;
                self.print
                    .take()
                    .into_iter()
                    .for_each(|print| bars.add(print));
                let price = self.price;
                bars.add(Print {
                    time,
                    price,
                    volume: 0,
                });
            }
            _ => {}
        }
    }

    /// A day is over.
    fn turn(&mut self) {
        if let Some((_, mut bars)) = self.today.take() {
            self.print
                .take()
                .into_iter()
                .for_each(|print| bars.add(print));
            self.days.push(bars.finish());
        }
        // Prices do not reach over the night.
        (self.price, self.taking) = (0.0, None);
    }

    /// The facts of all that went by.
    pub fn finish(mut self) -> RecordedFacts {
        self.turn();
        let missing = |reason: String| RecordedFacts::Missing { reason };
        if self.several {
            return missing("facts are of one symbol: choose it with --symbol".into());
        }
        if !self.trades {
            return missing("there are no trades".into());
        }
        let minutes: usize = self.days.iter().map(MinuteBars::len).sum();
        let long = |bars: &MinuteBars| bars.len() >= FEWEST_BARS;
        let mut days = self.days;
        days.retain(long);
        let (parts, bars) = if days.len() >= FEWEST_DAYS {
            (Parts::Days, days)
        } else {
            (
                Parts::Hours,
                days.iter().flat_map(hours).filter(long).collect(),
            )
        };
        if bars.len() < 2 {
            let plural = if minutes == 1 { "" } else { "s" };
            return missing(format!(
                "it is too short: {minutes} bar{plural} of a minute, and facts need two hours with {FEWEST_BARS} or more each"
            ));
        }
        let settings = FactSettings {
            bootstrap: Bootstrap::with_replicates(REPLICATES),
            ..FactSettings::default()
        };
        let mut rng = Stream::new(0, 0, "facts.bootstrap");
        match StylisedFacts::of(&bars, &settings, &mut rng) {
            Ok(facts) => RecordedFacts::Computed {
                parts,
                minutes: bars.iter().map(MinuteBars::len).sum(),
                facts,
            },
            Err(error) => missing(error.to_string()),
        }
    }
}

/// The hours of a day, as the clock has them.
fn hours(day: &MinuteBars) -> Vec<MinuteBars> {
    let first = day.first_minute as usize;
    let mut hours = Vec::new();
    let mut begin = 0;
    while begin < day.len() {
        let left = 60 - (first + begin) % 60;
        let end = (begin + left).min(day.len());
        hours.push(day.part(begin..end));
        begin = end;
    }
    hours
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::realism::Fact;

    fn event(seconds: u64, kind: Kind, side: Side, size: u64, price: i64) -> FeedEvent {
        FeedEvent {
            kind,
            side: Some(side),
            order_id: 1,
            size,
            price: Some(price),
            ..FeedEvent::other(seconds * 1_000_000_000, 3)
        }
    }

    fn facts(events: impl IntoIterator<Item = FeedEvent>, clock: Clock) -> RecordedFacts {
        let mut tape = FactsTape::default();
        events.into_iter().for_each(|event| tape.add(&event, clock));
        tape.finish()
    }

    /// A trade every ten seconds from second `from` on, at prices that go up and down by turns of a minute.
    fn trades(from: u64, minutes: u64) -> impl Iterator<Item = FeedEvent> {
        (0..6 * minutes).map(move |k| {
            let minute = k / 6;
            let price = 10_000 + (minute % 2 * 10 + minute % 7) as i64;
            event(from + 10 * k, Kind::Execute, Side::Buy, 100, price)
        })
    }

    #[test]
    fn hours_of_few_days_are_parts_and_days_of_many() {
        let RecordedFacts::Computed {
            parts,
            minutes,
            facts: found,
        } = facts(trades(34_200, 200), Clock::Midnight)
        else {
            panic!("it is long enough");
        };
        // 09:31 to 09:59, 10, 11, and 12:00 to 12:50: the last trade is nearer to that.
        assert_eq!((parts, minutes, found.days), (Parts::Hours, 200, 4));
        let mean_reverting = found.get(Fact::NoAutocorrelation).unwrap();
        let rho = mean_reverting.get("corr(r_t, r_t+τ) of last prices", Some(1));
        assert!(rho.unwrap().estimate < -0.5, "{rho:?}");
        let days = (0..6).flat_map(|day| trades(86_400 * (20_000 + day) + 50_000, 60));
        let RecordedFacts::Computed {
            parts,
            facts: found,
            ..
        } = facts(days, Clock::Epoch)
        else {
            panic!("it is long enough");
        };
        assert_eq!((parts, found.days), (Parts::Days, 6));
    }

    #[test]
    fn the_trades_of_an_order_are_one_print() {
        let mut tape = FactsTape::default();
        for (seconds, kind, side, size, price) in [
            (34_200, Kind::Add, Side::Buy, 1, 90),
            (34_210, Kind::Execute, Side::Sell, 10, 100),
            // The next order walks through two levels, and counts once, at the first.
            (34_260, Kind::Execute, Side::Sell, 10, 110),
            (34_260, Kind::Execute, Side::Sell, 20, 120),
            (34_261, Kind::Execute, Side::Buy, 30, 130),
        ] {
            tape.add(&event(seconds, kind, side, size, price), Clock::Midnight);
        }
        tape.turn();
        let [bars] = &tape.days[..] else {
            panic!("one day");
        };
        assert_eq!(
            (&bars.last[..], &bars.mean[..], &bars.volume[..]),
            (&[130.0][..], &[120.0][..], &[60.0][..])
        );
    }

    #[test]
    fn what_is_too_short_or_has_no_trades_is_told() {
        let reason = |found| match found {
            RecordedFacts::Missing { reason } => reason,
            RecordedFacts::Computed { .. } => panic!("{found:?}"),
        };
        let short = reason(facts(trades(34_200, 40), Clock::Midnight));
        assert!(short.contains("40 bars of a minute"), "{short}");
        let none = reason(facts(
            [event(1, Kind::SetLevel, Side::Buy, 1, 1)],
            Clock::Epoch,
        ));
        assert_eq!(none, "there are no trades");
        let other = FeedEvent {
            symbol: 4,
            ..event(40_000, Kind::Execute, Side::Buy, 1, 1)
        };
        let several = reason(facts(trades(34_200, 40).chain([other]), Clock::Midnight));
        assert!(several.contains("--symbol"), "{several}");
        assert_eq!(reason(facts([], Clock::Epoch)), "there are no trades");
    }
}
