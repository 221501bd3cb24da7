//! Games of two players in normal form: each chooses an action without seeing the other's.

use serde::{Deserialize, Serialize};

use super::{GameError, PreferenceGame, simplex};

/// A normal-form game of two players; row player first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BimatrixGame {
    rows: usize,
    columns: usize,
    /// The row player's payoffs, `[rows * columns]` row by row.
    first: Vec<f64>,
    /// The column player's payoffs, likewise.
    second: Vec<f64>,
}

/// How far sums of payoffs may be from 0 in a zero-sum game.
const SLACK: f64 = 1e-12;

impl BimatrixGame {
    /// The game with these payoffs, both `[rows * columns]` row by row.
    ///
    /// # Errors
    /// [`GameError::Shape`] for another number of payoffs, [`GameError::Payoff`] if one is not finite.
    pub fn new(
        rows: usize,
        columns: usize,
        first: Vec<f64>,
        second: Vec<f64>,
    ) -> Result<Self, GameError> {
        for payoffs in [&first, &second] {
            if rows == 0 || columns == 0 || payoffs.len() != rows * columns {
                return Err(GameError::Shape {
                    what: "payoff matrix",
                    found: payoffs.len(),
                    expected: rows * columns,
                });
            }
            if let Some(k) = payoffs.iter().position(|p| !p.is_finite()) {
                return Err(GameError::Payoff {
                    row: k / columns,
                    column: k % columns,
                    value: payoffs[k],
                });
            }
        }
        Ok(Self {
            rows,
            columns,
            first,
            second,
        })
    }

    /// The game in which the column player pays what the row player gets.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn zero_sum(rows: usize, columns: usize, payoffs: Vec<f64>) -> Result<Self, GameError> {
        let second = payoffs.iter().map(|p| -p).collect();
        Self::new(rows, columns, payoffs, second)
    }

    /// The game in which both players have the same actions, and `payoffs[i][j]` is what playing `i` against `j` gives.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn symmetric(actions: usize, payoffs: Vec<f64>) -> Result<Self, GameError> {
        let second = (0..payoffs.len())
            .map(|k| {
                let mirrored = k % actions * actions + k / actions;
                payoffs.get(mirrored).copied().unwrap_or(f64::NAN)
            })
            .collect();
        Self::new(actions, actions, payoffs, second)
    }

    /// The zero-sum game `2 P - 1` of a preference game.
    pub fn of_preferences(game: &PreferenceGame) -> Self {
        let first: Vec<f64> = game.wins().iter().map(|p| 2.0 * p - 1.0).collect();
        Self {
            rows: game.len(),
            columns: game.len(),
            second: first.iter().map(|p| -p).collect(),
            first,
        }
    }

    /// Actions of each player.
    pub fn actions(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    /// What `player` gets if the row player plays `row` and the column player `column`.
    pub fn payoff(&self, player: usize, row: usize, column: usize) -> f64 {
        let payoffs = if player == 0 {
            &self.first
        } else {
            &self.second
        };
        payoffs[row * self.columns + column]
    }

    /// Whether one player pays what the other gets.
    pub fn is_zero_sum(&self) -> bool {
        self.first
            .iter()
            .zip(&self.second)
            .all(|(a, b)| (a + b).abs() <= SLACK)
    }

    /// Largest payoff of either player in absolute terms.
    pub(super) fn largest_payoff(&self) -> f64 {
        let payoffs = self.first.iter().chain(&self.second);
        payoffs.fold(0.0, |most, p| most.max(p.abs()))
    }

    /// Writes what each action of `player` is worth against `opponent`, `[actions of the other player]`; weights need
    /// not sum to 1.
    pub fn values(&self, player: usize, opponent: &[f64], out: &mut [f64]) {
        if player == 0 {
            for (o, row) in out.iter_mut().zip(self.first.chunks_exact(self.columns)) {
                *o = simplex::dot(row, opponent);
            }
        } else {
            out.fill(0.0);
            for (x, row) in opponent.iter().zip(self.second.chunks_exact(self.columns)) {
                for (o, p) in out.iter_mut().zip(row) {
                    *o += x * p;
                }
            }
        }
    }

    /// What both players together could gain by responding best: 0 iff `profile` is a Nash equilibrium.
    pub fn nash_conv(&self, profile: &[Vec<f64>; 2]) -> f64 {
        let gain = |player: usize| {
            let mut values = vec![0.0; self.actions()[player]];
            self.values(player, &profile[1 - player], &mut values);
            simplex::best(&values).1 - simplex::dot(&profile[player], &values)
        };
        gain(0) + gain(1)
    }

    /// The game with these actions only.
    pub(super) fn restricted(&self, rows: &[usize], columns: &[usize]) -> Self {
        let part = |player: usize| {
            let row = |&i: &usize| columns.iter().map(move |&j| self.payoff(player, i, j));
            rows.iter().flat_map(row).collect()
        };
        Self {
            rows: rows.len(),
            columns: columns.len(),
            first: part(0),
            second: part(1),
        }
    }

    /// Rock, paper, scissors with payoffs -1, 0 and 1.
    pub fn rock_paper_scissors() -> Self {
        Self::of_antisymmetric([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
    }

    /// Rock, paper, scissors with unequal stakes; its equilibrium is (1/16, 5/8, 5/16).
    pub fn biased_rps() -> Self {
        Self::of_antisymmetric([[0.0, -0.25, 0.5], [0.25, 0.0, -0.05], [-0.5, 0.05, 0.0]])
    }

    fn of_antisymmetric<const N: usize>(payoffs: [[f64; N]; N]) -> Self {
        let first = payoffs.as_flattened().to_vec();
        Self {
            rows: N,
            columns: N,
            second: first.iter().map(|p| -p).collect(),
            first,
        }
    }

    /// Matching pennies: the row player wants the same side, the column player the other.
    pub fn matching_pennies() -> Self {
        Self {
            rows: 2,
            columns: 2,
            first: vec![1.0, -1.0, -1.0, 1.0],
            second: vec![-1.0, 1.0, 1.0, -1.0],
        }
    }
}
