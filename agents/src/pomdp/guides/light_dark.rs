//! Closed forms for Light-Dark.

use palaestra_envs::{
    math,
    pomdp::{
        Generative,
        classic::{LightDark, Position},
    },
};

use super::Simulated;
use crate::pomdp::{decide::Informed, planning::ScenarioBounds};

/// Reward of stopping within the goal; outside, it is paid.
const PRIZE: f64 = 10.0;
/// Moves after which the prize is not worth a thing: `0.9^64 < 0.0012`.
const FARTHEST: usize = 64;
const STOP: usize = 0;
/// Action and direction.
const MOVES: [(usize, f64); 2] = [(1, 1.0), (2, -1.0)];

/// Bounds on the values of Light-Dark.
///
/// *Above:* QMDP. Who sees where it is needs `⌊|y|⌋` moves to the goal, `V(y) = 10 γ^⌊|y|⌋`; the bound is
/// `max_a E[Q(y, a)]`.
///
/// *Below:* the best of all plans that go `j` steps one way and stop there, whatever is seen,
/// `10 γ^j (2 P(|y ± j| < 1) - 1)`, and of never stopping, 0.
#[derive(Debug, Clone, PartialEq)]
pub struct LightDarkGuide {
    /// `γ^j`.
    discounts: Vec<f64>,
}

impl Simulated for LightDark {
    type Guide = LightDarkGuide;

    fn guide(&self) -> Result<LightDarkGuide, String> {
        let discount = |j| math::powf(Generative::discount(self), j as f64);
        Ok(LightDarkGuide {
            discounts: (0..=FARTHEST).map(discount).collect(),
        })
    }
}

impl LightDarkGuide {
    /// What it is worth to be at `y` and know it.
    fn known(&self, y: f64) -> f64 {
        let moves = y.abs().floor() as usize;
        self.discounts.get(moves).map_or(0.0, |d| PRIZE * d)
    }
}

impl ScenarioBounds<Position> for LightDarkGuide {
    fn lower(&self, states: &[Position]) -> (f64, usize) {
        let mut best = (0.0, MOVES[0].0);
        let mut goals = [0u32; FARTHEST + 1];
        for (action, direction) in MOVES {
            goals.fill(0);
            for state in states {
                // All j with |y + direction · j| < 1: one or two next to each other.
                let exact = -direction * state.y;
                for j in [exact.floor(), exact.ceil()] {
                    let near = (exact - j).abs() < 1.0 && (0.0..=FARTHEST as f64).contains(&j);
                    goals[if near { j as usize } else { FARTHEST }] += u32::from(near);
                    if exact.fract() == 0.0 {
                        break;
                    }
                }
            }
            for (j, (&hits, discount)) in goals.iter().zip(&self.discounts).enumerate() {
                let hit = f64::from(hits) / states.len() as f64;
                let value = discount * PRIZE * (2.0 * hit - 1.0);
                if value > best.0 {
                    best = (value, if j == 0 { STOP } else { action });
                }
            }
        }
        best
    }

    fn upper(&self, states: &[Position]) -> f64 {
        let mean = |q: &dyn Fn(f64) -> f64| {
            states.iter().map(|s| q(s.y)).sum::<f64>() / states.len() as f64
        };
        let stop = mean(&|y| if y.abs() < 1.0 { PRIZE } else { -PRIZE });
        let moves = MOVES.map(|(_, step)| mean(&|y| self.discounts[1] * self.known(y + step)));
        moves.into_iter().fold(stop, f64::max)
    }
}

impl Informed<Position> for LightDarkGuide {
    fn informed(&self, state: &Position) -> usize {
        match state.y {
            y if y.abs() < 1.0 => STOP,
            y if y < 0.0 => 1,
            _ => 2,
        }
    }
}
