//! What learners remember: flat arrays over seats and arms.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::Play;

/// Everything that a rule remembers of all seats.
pub trait Memory: Serialize + DeserializeOwned + Send + 'static {
    /// Lengths of all its arrays. A saved memory with other lengths belongs to another problem.
    fn lengths(&self) -> Vec<usize>;

    /// Back to a blank memory of one seat.
    fn forget(&mut self, seat: usize);
}

impl Memory for () {
    fn lengths(&self) -> Vec<usize> {
        Vec::new()
    }

    fn forget(&mut self, _seat: usize) {}
}

/// One number per seat and arm, `[seats, arms]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    arms: usize,
    values: Vec<f64>,
}

impl Table {
    /// Zeros.
    pub fn new(seats: usize, arms: usize) -> Self {
        Self {
            arms,
            values: vec![0.0; seats * arms],
        }
    }

    /// The numbers of one seat, `[arms]`.
    #[inline]
    pub fn row(&self, seat: usize) -> &[f64] {
        &self.values[seat * self.arms..(seat + 1) * self.arms]
    }

    /// The numbers of one seat, `[arms]`, mutable.
    #[inline]
    pub fn row_mut(&mut self, seat: usize) -> &mut [f64] {
        &mut self.values[seat * self.arms..(seat + 1) * self.arms]
    }

    /// All rows in order of the seats.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.arms)
    }
}

impl Memory for Table {
    fn lengths(&self) -> Vec<usize> {
        vec![self.arms, self.values.len()]
    }

    fn forget(&mut self, seat: usize) {
        self.row_mut(seat).fill(0.0);
    }
}

/// A pair of memories is a memory.
impl<A: Memory, B: Memory> Memory for (A, B) {
    fn lengths(&self) -> Vec<usize> {
        [self.0.lengths(), self.1.lengths()].concat()
    }

    fn forget(&mut self, seat: usize) {
        self.0.forget(seat);
        self.1.forget(seat);
    }
}

/// Plays `n_i` and mean payoff `m_i` of every arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Averages {
    plays: Table,
    mean: Table,
}

impl Averages {
    /// No plays.
    pub fn new(seats: usize, arms: usize) -> Self {
        Self {
            plays: Table::new(seats, arms),
            mean: Table::new(seats, arms),
        }
    }

    /// Counts one play.
    #[inline]
    pub fn add(&mut self, seat: usize, arm: usize, payoff: f64) {
        let n = &mut self.plays.row_mut(seat)[arm];
        *n += 1.0;
        let m = &mut self.mean.row_mut(seat)[arm];
        *m += (payoff - *m) / *n;
    }

    /// Counts the plays of one round.
    #[inline]
    pub fn add_all(&mut self, seat: usize, plays: &[Play]) {
        for play in plays {
            self.add(seat, play.arm, play.payoff);
        }
    }

    /// `N`: number of arms.
    pub fn num_arms(&self) -> usize {
        self.plays.arms
    }

    /// `(n_i, m_i)` of every arm; `m_i` is 0 before the first play.
    #[inline]
    pub fn arms(&self, seat: usize) -> impl Iterator<Item = (f64, f64)> {
        let pairs = self.plays.row(seat).iter().zip(self.mean.row(seat));
        pairs.map(|(&n, &m)| (n, m))
    }

    /// Writes `index(n_i, m_i)` for every arm that was played and `unplayed` for the rest.
    #[inline]
    pub fn write(
        &self,
        seat: usize,
        index: &mut [f64],
        unplayed: f64,
        formula: impl Fn(f64, f64) -> f64,
    ) {
        for (index, (n, m)) in index.iter_mut().zip(self.arms(seat)) {
            *index = if n > 0.0 { formula(n, m) } else { unplayed };
        }
    }

    /// Writes `m_i` for every arm, the least number for arms never played: what is best as far as is known.
    #[inline]
    pub fn greedy(&self, seat: usize, index: &mut [f64]) {
        self.write(seat, index, f64::MIN, |_, m| m);
    }
}

impl Memory for Averages {
    fn lengths(&self) -> Vec<usize> {
        [self.plays.lengths(), self.mean.lengths()].concat()
    }

    fn forget(&mut self, seat: usize) {
        self.plays.forget(seat);
        self.mean.forget(seat);
    }
}
