//! The T-maze: Bakker, *Reinforcement Learning with Long Short-Term Memory* (NIPS 2001), as in POMDPModels.jl.
//!
//! A corridor of `n` cells ends in a junction whose north or south arm holds the goal; the first two cells show which.
//! At the junction the right turn pays +4 and ends, the wrong turn pays -0.1 and ends, and going on east or back west
//! pays -0.1 too; bumping into the corridor's walls north and south costs 0.1. Moves are certain.
//!
//! | n, γ | start | optimum | FIB = QMDP | MDP | blind |
//! |---|---|---|---|---|---|
//! | 10, 0.99 | any cell, junction included | 3.486190 | 3.793154 | 3.805882 | -0.009091 |
//! | 10, 0.99 | first cell | 3.617528 = 4 · 0.99¹⁰ | 3.617528 | 3.617528 | |

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pomdp::{
    PomdpModel,
    check::names,
    picture::{MOST_COLUMNS, Shown, grid, percent},
};

/// Where an episode starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MazeStart {
    /// Any cell of the corridor or the junction, as in POMDPModels.jl.
    #[default]
    Anywhere,
    /// The first cell.
    FirstCell,
}

/// The T-maze and its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TMaze {
    /// Discount factor of planners, in `[0, 1]`.
    pub discount: f64,
    /// Cells of the corridor before the junction, at least 1.
    pub length: usize,
    /// Where an episode starts.
    pub start: MazeStart,
}

impl Default for TMaze {
    fn default() -> Self {
        Self {
            discount: 0.99,
            length: 10,
            start: MazeStart::Anywhere,
        }
    }
}

const NORTH: usize = 0;
const EAST: usize = 1;
const SOUTH: usize = 2;
const SIDES: [&str; 2] = ["north", "south"];

impl TMaze {
    fn end(&self) -> usize {
        2 * (self.length + 1)
    }

    /// The corridor with its junction and the arms north and south of it.
    fn map(&self, width: usize, cell: impl Fn(usize) -> String, arms: [String; 2]) -> String {
        let [north, south] = arms;
        let arm = |arm: String| {
            let corridor = std::iter::repeat_n(String::new(), self.length);
            corridor.chain([arm]).collect::<Vec<_>>()
        };
        let corridor = (0..=self.length).map(cell).collect();
        grid([arm(north), corridor, arm(south)], width)
    }

    fn state_picture(&self, state: usize) -> String {
        let over = state == self.end();
        let cell = |x| if !over && x == state / 2 { "R" } else { "." };
        let arm = |side| if !over && side == state % 2 { "G" } else { "." }.to_owned();
        self.map(2, |x| cell(x).to_owned(), [arm(0), arm(1)])
    }

    /// Where the robot is, and in which arm the goal, in percent.
    fn belief_picture(&self, belief: &[(usize, f64)]) -> String {
        let (mut cells, mut arms) = (vec![0.0; self.length + 1], [0.0; 2]);
        for &(state, p) in belief.iter().filter(|(state, _)| *state != self.end()) {
            cells[state / 2] += p;
            arms[state % 2] += p;
        }
        let map = self.map(4, |x| percent(cells[x]), arms.map(percent));
        format!("robot, and goal in the arms, in percent\n{map}")
    }
}

impl PomdpModel for TMaze {
    fn states(&self) -> Vec<String> {
        let cells = (0..=self.length).flat_map(|x| SIDES.map(|side| format!("x{x}-{side}")));
        cells.chain(["end".to_owned()]).collect()
    }

    fn actions(&self) -> Vec<String> {
        names(&["north", "east", "south", "west"])
    }

    fn observations(&self) -> Vec<String> {
        names(&["goal-north", "goal-south", "corridor", "junction", "over"])
    }

    fn discount(&self) -> f64 {
        self.discount
    }

    fn start(&self) -> Vec<(usize, f64)> {
        let states = match self.start {
            MazeStart::Anywhere => self.end(),
            MazeStart::FirstCell => 2,
        };
        (0..states).map(|s| (s, 1.0 / states as f64)).collect()
    }

    fn transition(&self, state: usize, action: usize) -> Vec<(usize, f64)> {
        let (x, goal) = (state / 2, state % 2);
        let next = if state == self.end() {
            state
        } else if action == NORTH || action == SOUTH {
            if x == self.length { self.end() } else { state }
        } else if action == EAST {
            2 * (x + 1).min(self.length) + goal
        } else {
            2 * x.saturating_sub(1) + goal
        };
        vec![(next, 1.0)]
    }

    fn observation(&self, _action: usize, next: usize) -> Vec<(usize, f64)> {
        let x = next / 2;
        let seen = if next == self.end() {
            4
        } else if x < 2.min(self.length) {
            next % 2
        } else if x < self.length {
            2
        } else {
            3
        };
        vec![(seen, 1.0)]
    }

    fn reward(&self, state: usize, action: usize, _next: usize) -> f64 {
        let (x, goal) = (state / 2, state % 2);
        if state == self.end() {
            0.0
        } else if x == self.length {
            let right = [NORTH, SOUTH][goal];
            if action == right { 4.0 } else { -0.1 }
        } else if action == NORTH || action == SOUTH {
            -0.1
        } else {
            0.0
        }
    }

    fn picture(&self, shown: Shown<'_>) -> Option<String> {
        (self.length < MOST_COLUMNS).then(|| match shown {
            Shown::State(state) => self.state_picture(state),
            Shown::Belief(belief) => self.belief_picture(belief),
        })
    }
}
