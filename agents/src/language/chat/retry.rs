//! When a request is sent again, and after how long.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;

/// Statuses after which a request is sent again.
const PASSING: [u16; 9] = [408, 409, 425, 429, 500, 502, 503, 504, 529];
/// Statuses that no other request of the run will be spared: the address or the key is wrong.
const HOPELESS: [u16; 3] = [401, 403, 404];
/// Longest wait before the first retry; doubled with each.
const BASE: f64 = 0.5;
/// No wait that nobody asked for is longer.
const CAP: f64 = 30.0;

/// Whether a request that got this status is sent again.
pub fn passes(status: u16) -> bool {
    PASSING.contains(&status)
}

/// Whether the status says that the endpoint cannot be used as configured.
pub fn is_hopeless(status: u16) -> bool {
    HOPELESS.contains(&status)
}

/// Seconds to wait before retry number `retry` (from 0): full jitter, `draw` being uniform in [0, 1).
pub fn backoff(retry: u32, draw: f64) -> Duration {
    let longest = (BASE * 2f64.powi(retry.min(30) as i32)).min(CAP);
    Duration::from_secs_f64(longest * draw.clamp(0.0, 1.0))
}

/// The wait that a `Retry-After` asks for, in seconds or as a date; `None` if it says neither.
pub fn asked(header: &str, now: Duration) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0)
            .then(|| Duration::from_secs_f64(seconds.min(1e9)));
    }
    let date = DateTimeParser::new().parse_timestamp(header).ok()?;
    let date = Duration::from_secs(u64::try_from(date.as_second()).ok()?);
    Some(date.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_those_asked_for_or_drawn() {
        let now = Duration::from_secs(784_111_777);
        let date = |seconds: u64| {
            asked(
                &format!("Sun, 06 Nov 1994 08:{}:37 GMT", 49 + seconds / 60),
                now,
            )
        };
        assert_eq!(date(0), Some(Duration::ZERO));
        assert_eq!(date(120), Some(Duration::from_mins(2)));
        assert_eq!(
            asked("Sun, 06 Nov 1994 07:49:37 GMT", now),
            Some(Duration::ZERO),
            "past"
        );
        assert_eq!(asked(" 1.5 ", now), Some(Duration::from_millis(1500)));
        for header in ["-1", "NaN", "soon", ""] {
            assert_eq!(asked(header, now), None, "{header}");
        }
        assert_eq!(backoff(0, 1.0), Duration::from_millis(500));
        assert_eq!(backoff(3, 0.5), Duration::from_secs(2));
        assert_eq!(backoff(40, 1.0), Duration::from_secs(30));
        for status in [408, 409, 425, 429, 500, 502, 503, 504, 529] {
            assert!(passes(status));
        }
        for status in [200, 400, 401, 403, 404, 413, 422] {
            assert!(!passes(status));
        }
    }
}
