//! Numbers and times for people.

use jiff::Timestamp;
use palaestra_envs::market::data::Clock;

/// An integer of 10^−`decimals` as a decimal; at least two decimals, and no zeros beyond these.
pub fn decimal(value: i128, decimals: u8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    if decimals == 0 {
        return value.to_string();
    }
    let digits = format!(
        "{:0>width$}",
        value.unsigned_abs(),
        width = usize::from(decimals) + 1
    );
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(decimals));
    let kept = fraction
        .trim_end_matches('0')
        .len()
        .max(2.min(fraction.len()));
    format!("{sign}{whole}.{}", &fraction[..kept])
}

/// A time as the clock shows it.
pub fn shown_time(time_ns: u64, clock: Clock) -> String {
    match clock {
        Clock::Midnight => {
            let (seconds, nanoseconds) = (time_ns / 1_000_000_000, time_ns % 1_000_000_000);
            let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
            format!(
                "{hours:02}:{minutes:02}:{:02}.{nanoseconds:09}",
                seconds % 60
            )
        }
        Clock::Epoch => Timestamp::from_nanosecond(i128::from(time_ns))
            .map_or_else(|_| format!("{time_ns} ns"), |time| format!("{time:.9}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_what_says_something() {
        for (value, decimals, text) in [
            (1_000_100, 4, "100.01"),
            (1_000_000, 4, "100.00"),
            (1_000_150, 4, "100.015"),
            (-50, 4, "-0.005"),
            (99_990_000_000, 9, "99.99"),
            (7, 0, "7"),
        ] {
            assert_eq!(decimal(value, decimals), text);
        }
    }

    #[test]
    fn times_are_shown_to_the_nanosecond() {
        assert_eq!(
            shown_time(34_200_008_786_756, Clock::Midnight),
            "09:30:00.008786756"
        );
        let epoch = shown_time(1_715_175_000_000_000_001, Clock::Epoch);
        assert_eq!(epoch, "2024-05-08T13:30:00.000000001Z");
    }
}
