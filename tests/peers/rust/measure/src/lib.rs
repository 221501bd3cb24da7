//! What every peer of the comparison shares: its command line, the clock, cheap random bits and the
//! one JSON document it prints. The Python peers in `../../cartpole.py` follow the same protocol.

use std::error::Error;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Steps of every row before the first repetition, whatever `--warm-up` says: with fewer, all episodes are
/// still young, few rows reset, and a peer whose resets are dear would look too fast.
const MIN_WARM_UP_CALLS: u32 = 64;

/// What is asked of a peer on its command line.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Environments stepped together, at least 1.
    pub rows: usize,
    /// Wall seconds of one repetition.
    pub seconds: f64,
    /// Timed repetitions; the best one is the result.
    pub repetitions: usize,
    /// Wall seconds stepped before the first repetition and not timed.
    pub warm_up: f64,
}

impl Options {
    /// Reads `--rows N --seconds S --repetitions R --warm-up W` from the process's arguments.
    ///
    /// # Errors
    /// An unknown flag, a flag without a value, a value that does not parse, zero rows or repetitions.
    pub fn from_args() -> Result<Self, Box<dyn Error>> {
        let mut options = Self {
            rows: 1024,
            seconds: 1.0,
            repetitions: 5,
            warm_up: 1.0,
        };
        let mut args = std::env::args().skip(1);
        while let Some(flag) = args.next() {
            let value = args
                .next()
                .ok_or_else(|| format!("`{flag}` needs a value"))?;
            match flag.as_str() {
                "--rows" => options.rows = value.parse()?,
                "--seconds" => options.seconds = value.parse()?,
                "--repetitions" => options.repetitions = value.parse()?,
                "--warm-up" => options.warm_up = value.parse()?,
                _ => return Err(format!("unknown flag `{flag}`").into()),
            }
        }
        if options.rows == 0 || options.repetitions == 0 {
            return Err("`--rows` and `--repetitions` are at least 1".into());
        }
        Ok(options)
    }
}

/// Calls `step` (one step of every row) until `seconds` have passed; steps per second over all rows.
pub fn time_one(rows: usize, seconds: f64, mut step: impl FnMut()) -> f64 {
    let limit = Duration::from_secs_f64(seconds);
    let start = Instant::now();
    let mut calls = 0_u64;
    while start.elapsed() < limit {
        step();
        calls += 1;
    }
    (calls * rows as u64) as f64 / start.elapsed().as_secs_f64()
}

/// Warm-up, then `options.repetitions` timed repetitions of `step`; steps per second of each.
pub fn repeat(options: Options, mut step: impl FnMut()) -> Vec<f64> {
    for _ in 0..MIN_WARM_UP_CALLS {
        step();
    }
    time_one(options.rows, options.warm_up, &mut step);
    (0..options.repetitions)
        .map(|_| time_one(options.rows, options.seconds, &mut step))
        .collect()
}

/// The largest of `repetitions` (0 for none).
pub fn best(repetitions: &[f64]) -> f64 {
    repetitions.iter().copied().fold(0.0, f64::max)
}

/// The JSON document of one measurement, in the shape that `run.py` reads. `form` says which way of
/// stepping the peer was the fastest; `mean_episode_length` shows that it really resets.
pub fn document(
    peer: &str,
    version: &str,
    form: &str,
    options: Options,
    repetitions: &[f64],
    mean_episode_length: f64,
) -> String {
    let mut list = String::new();
    for (i, value) in repetitions.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        // Writing to a `String` cannot fail.
        let _ = write!(list, "{comma}{value:.1}");
    }
    format!(
        "{{\"peer\": \"{peer}\", \"version\": \"{version}\", \"form\": \"{form}\", \"rows\": {}, \
         \"steps_per_second\": {:.1}, \"repetitions\": [{list}], \"mean_episode_length\": {:.2}}}",
        options.rows,
        best(repetitions),
        mean_episode_length
    )
}

/// A source of fair bits: `SplitMix64` (Steele, Lea and Flood, 2014), one call for 64 random actions.
#[derive(Clone, Debug)]
pub struct Bits(u64);

impl Bits {
    /// A stream that depends on `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// The next 32 bits as a number in `[-0.05, 0.05)`: the start of every `CartPole` coordinate.
    pub fn next_start(&mut self) -> f32 {
        ((self.next_word() >> 40) as f32 / (1_u32 << 24) as f32 - 0.5) * 0.1
    }

    /// Fills `actions` with fresh fair coin flips.
    pub fn fill<T: From<u8>>(&mut self, actions: &mut [T]) {
        for block in actions.chunks_mut(64) {
            let mut word = self.next_word();
            for action in block {
                *action = T::from((word & 1) as u8);
                word >>= 1;
            }
        }
    }
}
