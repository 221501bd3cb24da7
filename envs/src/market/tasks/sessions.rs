//! The phases of a day in a task: the value of the key `sessions`.
//!
//! ```toml
//! sessions = { auctions = [[0, 300], [23100, 23400]], halts = [[7200, 12600]], close = 23400 }
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ranges::{Range, check, within};
use super::shared::nanoseconds;
use crate::error::EnvError;
use crate::market::event::Phase;
use crate::market::kernel::Calendar;
use crate::market::order::Time;

/// When trading is not continuous. Intervals are `[begin, end]` in seconds after the market opens, half-open: what comes at the
/// end belongs to what follows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    /// Call auctions: limit orders are collected, and clear at one price at the end.
    pub auctions: Vec<[f64; 2]>,
    /// Halts: orders can be cancelled but not entered.
    pub halts: Vec<[f64; 2]>,
    /// When the market closes: every message is refused from then on.
    pub close: Option<f64>,
}

/// Longest day, in seconds.
const DAY: f64 = 864_000.0;

impl Sessions {
    /// The phases of a market that opens at `opening`; `None` if trading is continuous throughout.
    ///
    /// # Errors
    /// [`EnvError::Argument`] with the key of an interval that is empty, out of range, or overlaps another one.
    pub(super) fn calendar(&self, opening: Time) -> Result<Option<Calendar>, EnvError> {
        if *self == Self::default() {
            return Ok(None);
        }
        let end = self.close.unwrap_or(DAY);
        let close: Range = (
            within(end, 1e-3, DAY),
            "sessions.close",
            "0.001 to 864,000 s",
        );
        check(&[close])?;
        let of_kind = |intervals: &[[f64; 2]], phase, key| {
            let named = |(i, &interval): (usize, &[f64; 2])| {
                (interval, phase, format!("sessions.{key}[{i}]"))
            };
            intervals.iter().enumerate().map(named).collect::<Vec<_>>()
        };
        let mut intervals = of_kind(&self.auctions, Phase::Auction, "auctions");
        intervals.extend(of_kind(&self.halts, Phase::Halted, "halts"));
        for ([begin, until], _, key) in &intervals {
            if !(within(*begin, 0.0, end) && within(*until, *begin, end) && begin < until) {
                let message = format!(
                    "must begin at 0 s or later and end later, at most at {end} s, when the market closes; it is from {begin} \
                     to {until}"
                );
                return Err(EnvError::argument(key, message));
            }
        }
        intervals.sort_by(|a, b| a.0[0].total_cmp(&b.0[0]));
        for pair in intervals.windows(2) {
            let ([_, until], phase, first) = &pair[0];
            let ([begin, _], other, second) = &pair[1];
            // Two auctions without anything between them would be one.
            let is_one = *phase == Phase::Auction && phase == other;
            if begin < until || (is_one && begin == until) {
                let how = if begin < until { "overlaps" } else { "touches" };
                return Err(EnvError::argument(second, format!("{how} `{first}`")));
            }
        }
        let at = |seconds: f64| opening.saturating_add(nanoseconds(seconds));
        let mut changes = vec![(opening, Phase::Continuous)];
        let mut change = |time: Time, phase: Phase| {
            if changes.last().is_some_and(|last| last.0 == time) {
                changes.pop();
            }
            changes.push((time, phase));
        };
        for ([begin, until], phase, _) in &intervals {
            change(at(*begin), *phase);
            change(at(*until), Phase::Continuous);
        }
        if self.close.is_some() {
            change(at(end), Phase::Closed);
        }
        let calendar = Calendar::new(changes);
        let calendar = calendar.map_err(|index| {
            EnvError::argument("sessions", format!("phase {index} is shorter than 1 ns"))
        })?;
        Ok(Some(calendar))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::kernel::SECOND;

    #[test]
    fn a_phase_ends_where_the_next_one_begins() {
        let sessions = Sessions {
            auctions: vec![[1500.0, 1800.0], [0.0, 300.0]],
            halts: vec![[300.0, 400.0]],
            close: Some(1800.0),
        };
        let calendar = sessions.calendar(7).unwrap().unwrap();
        let seconds = |time: i64| 7 + time * SECOND;
        let expected = [
            (seconds(0), Phase::Auction),
            (seconds(300), Phase::Halted),
            (seconds(400), Phase::Continuous),
            (seconds(1500), Phase::Auction),
            (seconds(1800), Phase::Closed),
        ];
        assert_eq!(calendar.changes(), expected);
        assert_eq!(Sessions::default().calendar(7).unwrap(), None);
    }

    #[test]
    fn an_interval_that_cannot_be_is_named() {
        for (auctions, halts, close, key) in [
            (
                vec![[0.0, 300.0]],
                vec![[200.0, 400.0]],
                None,
                "sessions.halts[0]",
            ),
            (
                vec![[100.0, 200.0], [50.0, 100.0]],
                vec![],
                None,
                "sessions.auctions[0]",
            ),
            (
                vec![[0.0, 1.0], [5.0, 5.0]],
                vec![],
                None,
                "sessions.auctions[1]",
            ),
            (vec![], vec![[0.0, 300.0]], Some(200.0), "sessions.halts[0]"),
            (vec![], vec![[-1.0, 300.0]], None, "sessions.halts[0]"),
            (
                vec![],
                vec![[f64::NAN, 300.0]],
                Some(900.0),
                "sessions.halts[0]",
            ),
            (vec![], vec![], Some(0.0), "sessions.close"),
        ] {
            let sessions = Sessions {
                auctions,
                halts,
                close,
            };
            let error = sessions.calendar(0).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{key}`")), "{error}");
        }
    }
}
