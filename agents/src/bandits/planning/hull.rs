//! How much one arm can earn at a given rate of plays: the upper concave hull of its stationary patterns.
//!
//! A pattern (*column*) of one arm is a cycle: rest `τ ≥ 1` rounds, then play `n ≥ 1` rounds; or play for ever. Played
//! alone and repeated it has the play rate `x = n / (τ + n)` and the mean payoff `y = V / (τ + n)` a round. `τ ≤ D` and
//! `n ≤ C + 1` suffice, with a period too: beyond `D` an arm only comes back to payoffs it had earlier, and longer
//! bursts mix with playing for ever.
//!
//! There are `D·(C + 1) + 1` columns, but they need not be listed. The column that maximises `(V − λn) / (τ + n)` is
//! found by Dinkelbach's method (*On nonlinear fractional programming*, Management Science 13, 1967): for a guess `θ`
//! the numerator minus `θ·(τ + n)` falls into a part in `τ` and a part in `n`, to be maximised one by one. The vertices
//! of the hull follow from such maxima in ever finer directions (Eisner, Severance, *Mathematical techniques for
//! efficient record segmentation in large shared databases*, JACM 23, 1976). Time is `O(D + C)` a vertex.

use palaestra_envs::bandits::Instance;

/// Differences of payoffs below this are rounding errors.
pub(super) const NOISE: f64 = 1e-12;

/// A stationary pattern of one arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column {
    /// `τ`: rounds of rest in front, at least 1; 0 for the column that plays for ever.
    pub rest: u32,
    /// `n`: plays in a row, at least 1; 1 for the column that plays for ever.
    pub plays: u32,
    /// `V`: mean payoff of one repetition, `μ(τ) + Σ_{j=1}^{n−1} μ(−j)`, or `μ(−C)` for ever.
    pub value: f64,
}

impl Column {
    /// `τ + n`: rounds of one repetition.
    pub fn length(&self) -> u32 {
        self.rest + self.plays
    }

    /// `x`: plays a round.
    pub fn rate(&self) -> f64 {
        f64::from(self.plays) / f64::from(self.length())
    }

    /// `y`: mean payoff a round.
    pub fn mean(&self) -> f64 {
        self.value / f64::from(self.length())
    }

    /// Whether it never rests.
    pub fn is_for_ever(&self) -> bool {
        self.rest == 0
    }

    /// The state of `arm` in round `position` of the column (from 0), if that round is a play.
    pub(super) fn state_at(&self, instance: &Instance, arm: usize, position: u32) -> Option<i16> {
        if self.is_for_ever() {
            return Some(-instance.caps(arm).played);
        }
        match position.checked_sub(self.rest)? {
            0 => Some(self.rest as i16),
            earlier => Some(-(earlier as i16)),
        }
    }
}

/// A vertex of a [`Hull`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vertex {
    /// The column; none at the origin, where the arm is never played.
    pub column: Option<Column>,
    /// `x`: plays a round.
    pub rate: f64,
    /// `y`: mean payoff a round.
    pub mean: f64,
}

impl Vertex {
    const NEVER: Self = Self {
        column: None,
        rate: 0.0,
        mean: 0.0,
    };

    fn new(column: Column) -> Self {
        Self {
            column: Some(column),
            rate: column.rate(),
            mean: column.mean(),
        }
    }

    /// Slope of the segment from here to `other`.
    pub(super) fn slope_to(&self, other: &Self) -> f64 {
        (other.mean - self.mean) / (other.rate - self.rate)
    }
}

/// `R(x)`, the largest mean payoff of one arm at play rate at most `x`: the increasing part of the upper concave hull
/// of its columns and the origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Hull {
    vertices: Vec<Vertex>,
}

impl Hull {
    /// The hull of `arm`.
    ///
    /// # Panics
    /// If `arm >= instance.num_arms()`.
    pub fn new(instance: &Instance, arm: usize) -> Self {
        let columns = Columns::new(instance, arm);
        let mut vertices = vec![Vertex::NEVER];
        // The largest mean payoff of all, if any pays.
        let mut open: Vec<Vertex> = columns.highest(0.0, 0.0).into_iter().collect();
        // Vertices to the right of the last of `vertices`, the nearest last.
        while let Some(right) = open.last().copied() {
            let left = vertices[vertices.len() - 1];
            let slope = left.slope_to(&right);
            let between = |v: &Vertex| left.rate < v.rate && v.rate < right.rate;
            match columns.highest(slope, left.mean - slope * left.rate) {
                Some(vertex) if between(&vertex) => open.push(vertex),
                _ => {
                    open.pop();
                    vertices.push(right);
                }
            }
        }
        Self {
            vertices: strictly_concave(vertices),
        }
    }

    /// The vertices by increasing rate, from the origin on. Slopes between them are positive and decrease.
    pub fn vertices(&self) -> &[Vertex] {
        &self.vertices
    }

    /// `R(rate)`.
    pub fn mean_at(&self, rate: f64) -> f64 {
        let right = self.vertices.partition_point(|v| v.rate < rate);
        match (right.checked_sub(1), self.vertices.get(right)) {
            (Some(left), Some(to)) => {
                let from = &self.vertices[left];
                from.mean + from.slope_to(to) * (rate - from.rate)
            }
            (_, Some(at)) => at.mean,
            (_, None) => self.vertices[self.vertices.len() - 1].mean,
        }
    }

    /// `θ(λ) = max(0, max_c (V − λn) / (τ + n))`: what a round of the arm's time is worth if a play costs `price`.
    pub fn time_price(&self, price: f64) -> f64 {
        let worth = self.vertices.iter().map(|v| v.mean - price * v.rate);
        worth.fold(0.0, f64::max)
    }
}

/// Drops vertices that lie on a segment between others, and the end that does not increase.
fn strictly_concave(vertices: Vec<Vertex>) -> Vec<Vertex> {
    let mut hull: Vec<Vertex> = Vec::with_capacity(vertices.len());
    for vertex in vertices {
        while let [.., before, last] = hull[..] {
            // How far `last` is above the segment from `before` to `vertex`.
            let chord = before.mean + before.slope_to(&vertex) * (last.rate - before.rate);
            if last.mean - chord > NOISE {
                break;
            }
            hull.pop();
        }
        hull.push(vertex);
    }
    while let [.., before, last] = hull[..]
        && last.mean - before.mean <= NOISE
    {
        hull.pop();
    }
    hull
}

/// The columns of one arm.
struct Columns {
    /// `μ(τ)` for `τ = 1..=D`.
    rested: Vec<f64>,
    /// `Σ_{j=1}^{n−1} μ(−j)` for `n = 1..=C + 1`.
    burst: Vec<f64>,
    /// `μ(−C)`.
    for_ever: f64,
}

impl Columns {
    fn new(instance: &Instance, arm: usize) -> Self {
        let caps = instance.caps(arm);
        let mut total = 0.0;
        let mut burst = vec![0.0];
        for n in 1..=caps.played {
            total += instance.mean(arm, -n);
            burst.push(total);
        }
        Self {
            rested: (1..=caps.idle).map(|s| instance.mean(arm, s)).collect(),
            burst,
            for_ever: instance.mean(arm, -caps.played),
        }
    }

    /// The column with the largest `(V − price·n) / (τ + n)`, if that is above `floor`: the vertex of the hull that is
    /// farthest above the line with slope `price` through `(0, floor)`. The shortest of several.
    fn highest(&self, price: f64, floor: f64) -> Option<Vertex> {
        let mut theta = floor;
        // Dinkelbach's guesses rise until no column is above them; five or six are usual.
        loop {
            let (rest, first) = best(&self.rested, theta);
            let (plays, more) = best(&self.burst, price + theta);
            let length = f64::from(rest + plays);
            let cycle = theta + (first + more) / length;
            let for_ever = self.for_ever - price;
            let (column, reached) = if for_ever >= cycle {
                let value = self.for_ever;
                let column = Column {
                    rest: 0,
                    plays: 1,
                    value,
                };
                (column, for_ever)
            } else {
                let value = self.rested[rest as usize - 1] + self.burst[plays as usize - 1];
                let column = Column { rest, plays, value };
                (column, (value - price * f64::from(plays)) / length)
            };
            if reached - theta <= 0.1 * NOISE {
                return (theta - floor > NOISE).then(|| Vertex::new(column));
            }
            theta = reached;
        }
    }
}

/// The `i` in `1..=len` with the largest `values[i − 1] − i·price`, the smallest of those equal up to rounding.
fn best(values: &[f64], price: f64) -> (u32, f64) {
    let (mut index, mut most) = (1, f64::NEG_INFINITY);
    for (i, value) in (1_u32..).zip(values) {
        let worth = value - f64::from(i) * price;
        if worth > most + 0.1 * NOISE {
            (index, most) = (i, worth);
        }
    }
    (index, most)
}

#[cfg(test)]
mod tests {
    use super::super::testbed::{Shape, preset, random_instance};
    use super::*;

    /// Every column of an arm, listed.
    fn all_columns(instance: &Instance, arm: usize) -> Vec<Column> {
        let caps = instance.caps(arm);
        let mut all = vec![Column {
            rest: 0,
            plays: 1,
            value: instance.mean(arm, -caps.played),
        }];
        for rest in 1..=caps.idle {
            let mut value = instance.mean(arm, rest);
            for plays in 1..=caps.played + 1 {
                all.push(Column {
                    rest: rest as u32,
                    plays: plays as u32,
                    value,
                });
                value += instance.mean(arm, -plays.min(caps.played));
            }
        }
        all
    }

    #[test]
    fn the_hull_is_that_of_all_columns_on_random_arms() {
        for seed in 0..300 {
            let shape = Shape {
                monotone: seed % 2 == 0,
                wraps: true,
                exact: false,
            };
            let instance = random_instance(seed, shape, 3, 12);
            for arm in 0..instance.num_arms() {
                let hull = Hull::new(&instance, arm);
                let columns = all_columns(&instance, arm);
                for column in &columns {
                    assert!(column.mean() <= hull.mean_at(column.rate()) + 1e-12);
                }
                for pair in hull.vertices().windows(2) {
                    let column = pair[1].column.unwrap();
                    assert!(columns.iter().any(|c| {
                        (c.rest, c.plays) == (column.rest, column.plays)
                            && (c.value - column.value).abs() < 1e-12
                    }));
                    assert!(pair[1].rate > pair[0].rate && pair[1].mean > pair[0].mean);
                    // No shorter column has the same rate and mean.
                    assert!(!columns.iter().any(|c| {
                        c.rate() == column.rate()
                            && c.mean() > column.mean() - 1e-13
                            && c.length() < column.length()
                    }));
                }
                for three in hull.vertices().windows(3) {
                    assert!(three[0].slope_to(&three[1]) > three[1].slope_to(&three[2]));
                }
            }
        }
    }

    #[test]
    fn columns_know_the_state_of_each_play() {
        let instance = preset("burst2");
        let column = Column {
            rest: 5,
            plays: 3,
            value: 0.0,
        };
        let states: Vec<_> = (0..8).map(|p| column.state_at(&instance, 0, p)).collect();
        let plays = [None, None, None, None, None, Some(5), Some(-1), Some(-2)];
        assert_eq!(states, plays);
        let for_ever = Hull::new(&preset("stat3"), 0).vertices()[1].column.unwrap();
        assert!(for_ever.is_for_ever());
        assert_eq!(for_ever.state_at(&preset("stat3"), 0, 0), Some(-1));
    }

    #[test]
    fn large_caps_are_no_burden() {
        // 64 million columns.
        let json = r#"{"arms": [{"family": "geo", "rested": 1.0, "base": 0.5, "deprivation": 0.999,
            "satiation": 0.99, "idle_cap": 8000, "played_cap": 8000}], "horizon": 10}"#;
        let config: palaestra_envs::bandits::InstanceConfig = serde_json::from_str(json).unwrap();
        let instance = config.build().unwrap();
        let hull = Hull::new(&instance, 0);
        let mean = |rest: i16, plays: i16| {
            let burst: f64 = (1..plays).map(|j| instance.mean(0, -j)).sum();
            (instance.mean(0, rest) + burst) / f64::from(rest + plays)
        };
        for (rest, plays) in [(1, 1), (100, 3), (5000, 1), (77, 900), (8000, 8000)] {
            let rate = f64::from(plays) / f64::from(i32::from(rest) + i32::from(plays));
            if i32::from(rest) + i32::from(plays) < i32::from(i16::MAX) {
                assert!(mean(rest, plays) <= hull.mean_at(rate) + 1e-12);
            }
        }
        assert!(hull.vertices().len() > 10);
    }
}
