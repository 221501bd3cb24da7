//! Hallway and Hallway2: Littman, Cassandra, Kaelbling, *Learning Policies for Partially Observable Environments: Scaling
//! Up* (ICML 1995).
//!
//! A robot with a heading in a building of cells, 15 or 23 times four headings. It can stay, go forward, turn right, turn
//! about or turn left, and starts anywhere but at the goal, which pays 1 on arrival; whatever it does there, it is put back to
//! the start.
//!
//! * Going forward works with probability 0.8. Else the robot slips into one of the other three directions, each with 0.05,
//!   or stays. It then looks where it moved, but after half of the backward slips still where it came from. Moves into
//!   walls are stays.
//! * A turn comes out as meant with probability 0.7 and as each other one, or none, with 0.1; the turn about with 0.6, a
//!   quarter turn instead of it with 0.15 each, none with 0.1.
//! * On each of the four sides a wall is seen with probability 0.9 and imagined with 0.05. Landmarks (in Hallway, the
//!   four places from which one looks south into a niche) and the goal are seen for sure.
//!
//! | γ = 0.95 | lower and upper bound | FIB | QMDP | MDP |
//! |---|---|---|---|---|
//! | Hallway | 0.9861 to 1.2125 (SARSOP, 41 s, not converged) | 1.289371 | 1.458985 | 1.535773 |
//! | Hallway2 | 0.3101 to 0.9189 (SARSOP, 28 s, not converged) | 0.981809 | 1.140633 | 1.200664 |
//!
//! These are values of the authors' files, whose probabilities of observations have six digits; ours have all, which makes
//! no difference in the digits shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pomdp::{
    PomdpModel,
    check::names,
    picture::{Shown, grid, percent},
};

/// Which building.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Building {
    /// Hallway: 60 states, with landmarks.
    #[default]
    One,
    /// Hallway2: 92 states.
    Two,
}

/// Hallway and its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hallway {
    /// Discount factor of planners, in `[0, 1]`.
    pub discount: f64,
    /// Which building.
    pub building: Building,
}

impl Default for Hallway {
    fn default() -> Self {
        Self {
            discount: 0.95,
            building: Building::One,
        }
    }
}

const STAY: usize = 0;
const FORWARD: usize = 1;
/// North, east, south, west as `(dx, dy)` with `y` downwards: a right turn is the next.
const HEADINGS: [(i32, i32); 4] = [(0, -1), (1, 0), (0, 1), (-1, 0)];
const SOUTH: usize = 2;
/// Bits of an observation: a wall at the left, behind, at the right, in front, in right turns from the heading.
const SIDES: [usize; 4] = [3, 2, 1, 0];
const WALLS: usize = 1 << SIDES.len();
/// A wall that is there is seen.
const SEEN: f64 = 0.9;
/// A wall that is not there is seen.
const IMAGINED: f64 = 0.05;

/// What can be in a cell; any other one is plain.
const LANDMARK: char = 'L';
const GOAL: char = 'G';
const WALL: char = ' ';

impl Building {
    fn map(self) -> &'static [&'static str] {
        match self {
            Self::One => &["..L.L.L.L..", "  . . . G  "],
            Self::Two => &[" ..... ", ".. . ..", " . . . ", ".. . .G", " ..... "],
        }
    }

    /// What is in each cell, row by row, and where it lies.
    fn cells(self) -> Vec<(char, (i32, i32))> {
        let row = |(y, row): (usize, &&'static str)| {
            let cells = row.chars().enumerate();
            cells
                .map(move |(x, what)| (what, (x as i32, y as i32)))
                .collect::<Vec<_>>()
        };
        let all = self.map().iter().enumerate().flat_map(row);
        all.filter(|&(what, _)| what != WALL).collect()
    }

    /// The cell next to `cell` in a direction, if there is one.
    fn beside(self, cell: usize, direction: usize) -> Option<usize> {
        let cells = self.cells();
        let ((x, y), (dx, dy)) = (cells[cell].1, HEADINGS[direction]);
        cells
            .iter()
            .position(|&(_, place)| place == (x + dx, y + dy))
    }

    fn what(self, cell: usize) -> char {
        self.cells()[cell].0
    }

    /// The number of a landmark, if there is one in this cell.
    fn landmark(self, cell: usize) -> Option<usize> {
        let cells = self.cells();
        let before = cells[..cell].iter().filter(|&&(what, _)| what == LANDMARK);
        (cells[cell].0 == LANDMARK).then(|| before.count())
    }
}

/// Cell and heading of a state.
fn unpack(state: usize) -> (usize, usize) {
    (state / HEADINGS.len(), state % HEADINGS.len())
}

fn pack(cell: usize, heading: usize) -> usize {
    cell * HEADINGS.len() + heading % HEADINGS.len()
}

impl Hallway {
    fn landmarks(&self) -> usize {
        self.building.map().concat().matches(LANDMARK).count()
    }

    fn forward(&self, state: usize) -> Vec<(usize, f64)> {
        let (cell, heading) = unpack(state);
        let mut moves = Vec::new();
        let mut stays = 0.05;
        for (turn, p) in [(0, 0.8), (1, 0.05), (2, 0.05), (3, 0.05)] {
            match self
                .building
                .beside(cell, (heading + turn) % HEADINGS.len())
            {
                Some(next) if turn == 2 => {
                    moves.push((pack(next, heading), p / 2.0));
                    moves.push((pack(next, heading + turn), p / 2.0));
                }
                Some(next) => moves.push((pack(next, heading + turn), p)),
                None => stays += p,
            }
        }
        moves.push((state, stays));
        moves
    }

    /// The building with a text for each cell.
    fn draw(&self, width: usize, cell: impl Fn(usize) -> String) -> String {
        let cells = self.building.cells();
        let row = |(y, row): (usize, &&'static str)| {
            let at = |x: usize| {
                let place = (x as i32, y as i32);
                let found = cells.iter().position(|&(_, other)| other == place);
                found.map_or_else(String::new, &cell)
            };
            (0..row.len()).map(at).collect::<Vec<_>>()
        };
        grid(self.building.map().iter().enumerate().map(row), width)
    }

    fn empty(&self, cell: usize) -> String {
        let what = self.building.what(cell);
        if what == GOAL { "G" } else { "." }.into()
    }
}

impl PomdpModel for Hallway {
    fn states(&self) -> Vec<String> {
        let cells = 0..self.building.cells().len();
        let of_cell = |cell| ["n", "e", "s", "w"].map(|heading| format!("c{cell}-{heading}"));
        cells.flat_map(of_cell).collect()
    }

    fn actions(&self) -> Vec<String> {
        names(&["stay", "forward", "turn-right", "turn-about", "turn-left"])
    }

    fn observations(&self) -> Vec<String> {
        let walls = (0..WALLS).map(|walls| {
            let letters = ["l", "b", "r", "f"].into_iter().enumerate();
            let seen = letters.filter(|(bit, _)| walls >> bit & 1 == 1);
            let seen: String = seen.map(|(_, letter)| letter).collect();
            if seen.is_empty() {
                "no-wall".into()
            } else {
                format!("walls-{seen}")
            }
        });
        let landmarks = (0..self.landmarks()).map(|i| format!("landmark{i}"));
        walls.chain(landmarks).chain(["goal".into()]).collect()
    }

    fn discount(&self) -> f64 {
        self.discount
    }

    fn start(&self) -> Vec<(usize, f64)> {
        let cells = self.building.cells();
        let states = (0..cells.len() * HEADINGS.len()).filter(|s| cells[unpack(*s).0].0 != GOAL);
        let states: Vec<usize> = states.collect();
        // As in the authors' files: six digits, and the first state has the rest. It moves values by 2e-5.
        let p = (1e6 / states.len() as f64).floor() / 1e6;
        let first = 1.0 - p * (states.len() - 1) as f64;
        let weight = |state| (state, if state == states[0] { first } else { p });
        states.iter().copied().map(weight).collect()
    }

    fn transition(&self, state: usize, action: usize) -> Vec<(usize, f64)> {
        let (cell, heading) = unpack(state);
        if self.building.what(cell) == GOAL {
            return self.start();
        }
        // Probability of each turn: none, right, about, left.
        let turns = match action {
            STAY => return vec![(state, 1.0)],
            FORWARD => return self.forward(state),
            2 => [0.1, 0.7, 0.1, 0.1],
            3 => [0.1, 0.15, 0.6, 0.15],
            _ => [0.1, 0.1, 0.1, 0.7],
        };
        let turned = turns.into_iter().enumerate();
        turned
            .map(|(turn, p)| (pack(cell, heading + turn), p))
            .collect()
    }

    fn observation(&self, _action: usize, next: usize) -> Vec<(usize, f64)> {
        let (cell, heading) = unpack(next);
        if self.building.what(cell) == GOAL {
            return vec![(WALLS + self.landmarks(), 1.0)];
        }
        if let (Some(landmark), SOUTH) = (self.building.landmark(cell), heading) {
            return vec![(WALLS + landmark, 1.0)];
        }
        let sides = SIDES.map(|turn| {
            let side = (heading + turn) % HEADINGS.len();
            let sees_wall = if self.building.beside(cell, side).is_some() {
                IMAGINED
            } else {
                SEEN
            };
            [1.0 - sees_wall, sees_wall]
        });
        let probability = |walls: usize| {
            let sides = sides.iter().enumerate();
            sides.map(|(bit, p)| p[walls >> bit & 1]).product::<f64>()
        };
        (0..WALLS)
            .map(|walls| (walls, probability(walls)))
            .collect()
    }

    fn reward(&self, _state: usize, _action: usize, next: usize) -> f64 {
        f64::from(u8::from(self.building.what(unpack(next).0) == GOAL))
    }

    fn picture(&self, shown: Shown<'_>) -> Option<String> {
        Some(match shown {
            Shown::State(state) => {
                let (robot, heading) = unpack(state);
                self.draw(2, |cell| {
                    if cell == robot {
                        ["^", ">", "v", "<"][heading].into()
                    } else {
                        self.empty(cell)
                    }
                })
            }
            Shown::Belief(belief) => {
                let mut cells = vec![0.0; self.building.cells().len()];
                belief
                    .iter()
                    .for_each(|&(state, p)| cells[unpack(state).0] += p);
                let cell = |cell: usize| match percent(cells[cell]) {
                    none if none == "." => self.empty(cell),
                    some => some,
                };
                format!("robot in percent\n{}", self.draw(4, cell))
            }
        })
    }
}
