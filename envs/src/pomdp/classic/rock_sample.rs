//! RockSample(n, k): Smith, Simmons, *Heuristic Search Value Iteration for POMDPs* (UAI 2004).
//!
//! A rover knows its cell of an `n × n` grid with `k` rocks, each good or bad. Sampling the rock under it pays +10 if
//! good (which makes it bad) and -10 if bad; leaving the grid to the east pays +10 and ends. A long-range sensor tells
//! whether a rock is good, rightly with probability `(1 + efficiency) / 2`, where the efficiency falls with the
//! distance `d`. Leaving the grid elsewhere, or sampling where no rock is, pays -100 and ends.
//!
//! **Two sensors** are in use: `e^-d` in the instances (4,4) and (5,5) of the first paper's generator, and
//! `2^(-d/20)` in (7,8) and later ones. On (4,4) they differ by 1.1 in value.
//!
//! | instance, γ = 0.95 | sensor | optimum | QMDP = FIB = MDP | blind |
//! |---|---|---|---|---|
//! | (4,4) | e^-d | 17.9245 | 22.410072 | 8.57375 |
//! | (4,4) | 2^(-d/20) | 19.0100 to 19.0107 | 22.410072 | 8.57375 |
//! | (7,8) | 2^(-d/20) | 21.067 to 24.732; simulations in the literature say 21.47 (unverified) | | |
//!
//! RockSample.jl clamps at the walls instead ([`Walls::Clamp`]); the optimum on (4,4) is the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    error::EnvError,
    math,
    pomdp::{
        PomdpModel,
        args::within,
        check::names,
        picture::{MOST_COLUMNS, Shown, bar, grid, percent},
    },
};

/// How well the sensor sees at distance `d`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sensor {
    /// Efficiency `e^-d`.
    Exponential,
    /// Efficiency `2^(-d / half)`.
    HalfEfficiency(f64),
}

/// What happens to a rover that runs against a wall other than the eastern one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Walls {
    /// It pays 100 and the episode ends.
    #[default]
    End,
    /// It stays, at no cost.
    Clamp,
}

/// RockSample and its parameters. Cells are `(x, y)` with `0 ≤ x, y < n`; x grows to the east.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RockSample {
    /// Discount factor of planners, in `[0, 1]`.
    pub discount: f64,
    /// `n`, cells on a side.
    pub size: usize,
    /// Cells of the `k` rocks.
    pub rocks: Vec<(usize, usize)>,
    /// The rover's first cell.
    pub start: (usize, usize),
    /// The sensor.
    pub sensor: Sensor,
    /// What walls do.
    pub walls: Walls,
}

impl Default for RockSample {
    fn default() -> Self {
        Self::four_four()
    }
}

const NORTH: usize = 0;
const EAST: usize = 2;
const SOUTH: usize = 1;
const WEST: usize = 3;
const SAMPLE: usize = 4;
const CHECK: usize = 5;
/// Largest `n² 2^k` that is built as tables.
const MAX_STATES: usize = 1 << 21;

impl RockSample {
    /// RockSample(4,4) with the sensor `e^-d`.
    pub fn four_four() -> Self {
        Self {
            discount: 0.95,
            size: 4,
            rocks: vec![(3, 1), (2, 1), (1, 3), (1, 0)],
            start: (0, 2),
            sensor: Sensor::Exponential,
            walls: Walls::End,
        }
    }

    /// RockSample(7,8) with the sensor `2^(-d/20)`.
    pub fn seven_eight() -> Self {
        Self {
            discount: 0.95,
            size: 7,
            rocks: vec![
                (2, 0),
                (0, 1),
                (3, 1),
                (6, 3),
                (2, 4),
                (3, 4),
                (5, 5),
                (1, 6),
            ],
            start: (0, 3),
            sensor: Sensor::HalfEfficiency(20.0),
            walls: Walls::End,
        }
    }

    /// Checks that all cells are on the grid, no rock lies on another, and the tables are of a reasonable size.
    ///
    /// # Errors
    /// [`EnvError::Argument`] names the argument.
    pub fn check(&self) -> Result<(), EnvError> {
        within("size", self.size, 1..=100)?;
        let states = (self.size * self.size).checked_shl(self.rocks.len() as u32);
        if self.rocks.len() > 20 || states.is_none_or(|n| n > MAX_STATES) {
            let message = format!(
                "{} rocks make more than {MAX_STATES} states",
                self.rocks.len()
            );
            return Err(EnvError::argument("rocks", message));
        }
        let outside = |&(x, y): &(usize, usize)| x >= self.size || y >= self.size;
        if outside(&self.start) {
            return Err(EnvError::argument(
                "start",
                format!("{:?} is not on the grid", self.start),
            ));
        }
        for (i, rock) in self.rocks.iter().enumerate() {
            if outside(rock) || self.rocks[..i].contains(rock) {
                let message = format!("{rock:?} is not on the grid, or taken by another rock");
                return Err(EnvError::argument(&format!("rocks[{i}]"), message));
            }
        }
        if let Sensor::HalfEfficiency(half) = self.sensor
            && !(half.is_finite() && half > 0.0)
        {
            return Err(EnvError::argument(
                "sensor",
                format!("{half} is not a distance above 0"),
            ));
        }
        Ok(())
    }

    fn end(&self) -> usize {
        (self.size * self.size) << self.rocks.len()
    }

    /// `(x, y)` and the set of good rocks.
    fn unpack(&self, state: usize) -> ((usize, usize), usize) {
        let k = self.rocks.len();
        let cell = state >> k;
        ((cell % self.size, cell / self.size), state & ((1 << k) - 1))
    }

    fn pack(&self, (x, y): (usize, usize), good: usize) -> usize {
        ((y * self.size + x) << self.rocks.len()) | good
    }

    fn rock_at(&self, cell: (usize, usize)) -> Option<usize> {
        self.rocks.iter().position(|&rock| rock == cell)
    }

    /// Where a move leads; `None` into a wall.
    fn moved(&self, (x, y): (usize, usize), action: usize) -> Option<(usize, usize)> {
        let last = self.size - 1;
        match action {
            NORTH if y < last => Some((x, y + 1)),
            SOUTH if y > 0 => Some((x, y - 1)),
            EAST if x < last => Some((x + 1, y)),
            WEST if x > 0 => Some((x - 1, y)),
            _ => None,
        }
    }

    /// Probability of a right reading at distance `d`.
    fn accuracy(&self, d: f64) -> f64 {
        let efficiency = match self.sensor {
            Sensor::Exponential => math::exp(-d),
            Sensor::HalfEfficiency(half) => math::powf(2.0, -d / half),
        };
        f64::midpoint(1.0, efficiency)
    }

    /// Next state, or none for the end, and reward.
    fn outcome(&self, state: usize, action: usize) -> (usize, f64) {
        if state == self.end() {
            return (state, 0.0);
        }
        let (cell, good) = self.unpack(state);
        match action {
            EAST if cell.0 + 1 == self.size => (self.end(), 10.0),
            NORTH | EAST | SOUTH | WEST => match (self.moved(cell, action), self.walls) {
                (Some(next), _) => (self.pack(next, good), 0.0),
                (None, Walls::End) => (self.end(), -100.0),
                (None, Walls::Clamp) => (state, 0.0),
            },
            SAMPLE => match self.rock_at(cell) {
                Some(rock) if good >> rock & 1 == 1 => (self.pack(cell, good & !(1 << rock)), 10.0),
                Some(_) => (state, -10.0),
                None => (self.end(), -100.0),
            },
            _ => (state, 0.0),
        }
    }
}

/// Pictures.
impl RockSample {
    /// The grid with the rover `R` and the rocks by number, `+` if good and `-` if bad.
    fn map(&self, state: usize) -> Option<String> {
        if self.size > MOST_COLUMNS {
            return None;
        }
        let (rover, good) = match state {
            state if state == self.end() => (None, None),
            state => {
                let (cell, good) = self.unpack(state);
                (Some(cell), Some(good))
            }
        };
        let cell = |x: usize, y: usize| {
            let here = if rover == Some((x, y)) { "R" } else { "" };
            let Some(rock) = self.rock_at((x, y)) else {
                return if here.is_empty() { "." } else { here }.to_owned();
            };
            let quality = good.map_or("", |good| if good >> rock & 1 == 1 { "+" } else { "-" });
            format!("{here}{}{quality}", rock + 1)
        };
        let width = if self.rocks.len() < 10 { 4 } else { 5 };
        let rows = (0..self.size).rev();
        let rows = rows.map(|y| (0..self.size).map(|x| cell(x, y)).collect::<Vec<_>>());
        Some(grid(rows, width))
    }

    /// The probability of each rock that it is good.
    fn rocks_picture(&self, belief: &[(usize, f64)]) -> Option<String> {
        let mut good_in = vec![0.0; self.rocks.len()];
        for &(state, p) in belief.iter().filter(|(state, _)| *state != self.end()) {
            let good = self.unpack(state).1;
            for (rock, sum) in good_in.iter_mut().enumerate() {
                *sum += if good >> rock & 1 == 1 { p } else { 0.0 };
            }
        }
        let over = belief.iter().all(|(state, _)| *state == self.end());
        if over || self.rocks.is_empty() {
            return None;
        }
        let line = |(rock, p): (usize, &f64)| {
            let line = format!("{:>4} {:>4} {}", rock + 1, percent(*p), bar(*p, 20));
            line.trim_end().to_owned()
        };
        let lines: Vec<String> = good_in.iter().enumerate().map(line).collect();
        Some(format!("rock is good in percent\n{}", lines.join("\n")))
    }
}

impl PomdpModel for RockSample {
    fn states(&self) -> Vec<String> {
        let name = |state| {
            let ((x, y), good) = self.unpack(state);
            let rocks = (0..self.rocks.len()).map(|i| if good >> i & 1 == 1 { 'g' } else { 'b' });
            format!("x{x}y{y}-{}", rocks.collect::<String>())
        };
        (0..self.end())
            .map(name)
            .chain(["end".to_owned()])
            .collect()
    }

    fn actions(&self) -> Vec<String> {
        let mut all = names(&["north", "south", "east", "west", "sample"]);
        all.extend((1..=self.rocks.len()).map(|i| format!("check{i}")));
        all
    }

    fn observations(&self) -> Vec<String> {
        names(&["none", "good", "bad"])
    }

    fn discount(&self) -> f64 {
        self.discount
    }

    fn start(&self) -> Vec<(usize, f64)> {
        let sets = 1 << self.rocks.len();
        let p = 1.0 / f64::from(sets);
        (0..sets as usize)
            .map(|good| (self.pack(self.start, good), p))
            .collect()
    }

    fn transition(&self, state: usize, action: usize) -> Vec<(usize, f64)> {
        vec![(self.outcome(state, action).0, 1.0)]
    }

    fn observation(&self, action: usize, next: usize) -> Vec<(usize, f64)> {
        if action < CHECK || next == self.end() {
            return vec![(0, 1.0)];
        }
        let ((x, y), good) = self.unpack(next);
        let rock = action - CHECK;
        let (dx, dy) = (
            x.abs_diff(self.rocks[rock].0),
            y.abs_diff(self.rocks[rock].1),
        );
        let right = self.accuracy(math::sqrt((dx * dx + dy * dy) as f64));
        let (p_good, p_bad) = if good >> rock & 1 == 1 {
            (right, 1.0 - right)
        } else {
            (1.0 - right, right)
        };
        vec![(1, p_good), (2, p_bad)]
    }

    fn reward(&self, state: usize, action: usize, _next: usize) -> f64 {
        self.outcome(state, action).1
    }

    fn picture(&self, shown: Shown<'_>) -> Option<String> {
        match shown {
            Shown::State(state) => self.map(state),
            Shown::Belief(belief) => self.rocks_picture(belief),
        }
    }
}
