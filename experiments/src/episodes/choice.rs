//! Which episodes are logged.

use crate::config::{EpisodeChoice, LogConfig};

/// Runs of at most so many environment steps log all their episodes unless told otherwise.
const SMALL_RUN: u64 = 2_000_000;
/// Longer runs log the episodes of so many rows.
const SAMPLED_ROWS: usize = 8;

/// Which episodes of which rows are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Rows from the first on.
    rows: usize,
    numbers: Numbers,
}

/// Which of a row's episodes, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// Multiples of this.
    Every(u64),
    /// 0, 1, 4, 9, …: many of the early ones, and never none for long.
    Squares,
    /// Those below this.
    Below(u64),
}

impl Choice {
    /// As configured, for a run of `total_env_steps`: all episodes of a small run, a sample of a long one,
    /// unless the configuration says which.
    pub fn of(log: &LogConfig, total_env_steps: u64) -> Self {
        let all = match log.episodes {
            EpisodeChoice::All => true,
            EpisodeChoice::Auto => total_env_steps <= SMALL_RUN,
            EpisodeChoice::None => return Self::first(0),
        };
        let (rows, numbers) = if all {
            (usize::MAX, Numbers::Every(1))
        } else {
            (SAMPLED_ROWS, Numbers::Squares)
        };
        Self {
            rows: log.rows.unwrap_or(rows),
            numbers: log.every.map_or(numbers, |n| Numbers::Every(n.max(1))),
        }
    }

    /// The first `per_row` episodes of every row.
    pub fn first(per_row: u64) -> Self {
        Self {
            rows: usize::MAX,
            numbers: Numbers::Below(per_row),
        }
    }

    /// How many of `rows` rows log any episodes.
    pub(super) fn rows(&self, rows: usize) -> usize {
        if self.numbers == Numbers::Below(0) {
            return 0;
        }
        rows.min(self.rows)
    }

    /// Whether the `number`th episode of a row is logged, if its row is.
    pub(super) fn logs(&self, number: u64) -> bool {
        match self.numbers {
            Numbers::Every(n) => number.is_multiple_of(n),
            Numbers::Squares => number.isqrt().pow(2) == number,
            Numbers::Below(end) => number < end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(choice: Choice) -> (usize, Vec<u64>) {
        (
            choice.rows(64),
            (0..20).filter(|&n| choice.logs(n)).collect(),
        )
    }

    #[test]
    fn small_runs_log_everything_and_long_ones_a_sample() {
        let auto = LogConfig::default();
        assert_eq!(
            logged(Choice::of(&auto, 2_000_000)),
            (64, (0..20).collect())
        );
        assert_eq!(
            logged(Choice::of(&auto, 2_000_001)),
            (8, vec![0, 1, 4, 9, 16])
        );
        let rows = LogConfig {
            rows: Some(3),
            every: Some(7),
            ..LogConfig::default()
        };
        assert_eq!(logged(Choice::of(&rows, u64::MAX)), (3, vec![0, 7, 14]));
        let none = LogConfig {
            episodes: EpisodeChoice::None,
            ..rows
        };
        assert_eq!(Choice::of(&none, 10).rows(64), 0);
        assert_eq!(logged(Choice::first(2)), (64, vec![0, 1]));
    }
}
