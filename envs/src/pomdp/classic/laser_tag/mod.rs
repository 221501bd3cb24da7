//! Laser tag: Somani, Ye, Hsu, Lee, *DESPOT: Online POMDP Planning with Regularization* (NIPS 2013), as in the
//! released DESPOT code and LaserTag.jl.
//!
//! Tag on a grid of 7 × 11 cells with 8 obstacles at random places. The robot does not know where it is: it reads
//! eight lasers, along the axes and the diagonals, which reach to the next wall, obstacle or the opponent. A reading is
//! `max(0, ⌊(clear + 1) · u − |N(0, 2.5²)|⌋)` with `u` = 1 along the axes and √2 along the diagonals; all are -1 when
//! robot and opponent are in one cell. Both start in any free cell. The opponent flees as in [`Tag`](super::Tag):
//! 0.4 along each axis, 0.2 stay. γ = 0.95. Literature (unverified): DESPOT -8.45, POMCP -19.58.
//!
//! | | |
//! |---|---|
//! | observation | `float32` Box `[8]`, readings from -2 (nothing read yet) to 16, in the order E W N S NE SE NW SW |
//! | action | `Discrete(5)`: north, south, east, west, tag |
//! | info `privileged.state` | robot's cell · 77 + opponent's cell |

mod chase;

use std::sync::Arc;

use rand::{RngExt, seq::SliceRandom};
use rand_distr::StandardNormal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    pomdp::{
        args::hidden,
        environment::PRIVILEGED_STATE,
        generative::{Generative, Observed, Outcome},
    },
    sim::{EnvSpec, Environment, Model, RowObservation, RowStep, no_options},
    space::{Columns, Space},
    stream::Stream,
};

const COLUMNS: i32 = 11;
const ROWS: i32 = 7;
const CELLS: usize = (COLUMNS * ROWS) as usize;
const OBSTACLES: usize = 8;
const TAG: usize = 4;
const NOISE: f64 = 2.5;
/// North, south, east, west.
const MOVES: [(i32, i32); 4] = [(0, 1), (0, -1), (1, 0), (-1, 0)];
/// Directions of the lasers: along the axes, then the diagonals.
const RAYS: [(i32, i32); 8] = [
    (1, 0),
    (-1, 0),
    (0, 1),
    (0, -1),
    (1, 1),
    (1, -1),
    (-1, 1),
    (-1, -1),
];
const SAME_CELL: Readings = [-1; 8];

/// One reading for each laser.
pub type Readings = [i8; 8];

/// Arguments of the environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LaserTagArgs {
    /// Seed of the obstacles' places.
    pub map_seed: u64,
    /// Steps after which an episode is truncated.
    pub horizon: u32,
}

impl Default for LaserTagArgs {
    fn default() -> Self {
        Self {
            map_seed: 0,
            horizon: 200,
        }
    }
}

/// Laser tag on one map; also the model behind its environment.
#[derive(Debug, Clone, PartialEq)]
pub struct LaserTag {
    horizon: u32,
    blocked: Vec<bool>,
    free: Vec<u8>,
    /// For each cell and laser the cells up to the next wall or obstacle.
    clear: Vec<[u8; 8]>,
    /// Likelihood of readings, `[along an axis or not][true length in steps][reading]`.
    readings: Vec<[[f64; READINGS]; READINGS]>,
}

/// Lengths of a laser in steps, and its readings, are below this.
const READINGS: usize = 12;

/// Robot and opponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LaserTagState {
    /// Cell of the robot, `y · 11 + x`.
    pub robot: u8,
    /// Cell of the opponent.
    pub opponent: u8,
    /// Whether it has been tagged.
    pub tagged: bool,
}

fn place(cell: u8) -> (i32, i32) {
    (i32::from(cell) % COLUMNS, i32::from(cell) / COLUMNS)
}

/// Length of one step of laser `ray`.
fn unit(ray: usize) -> f64 {
    if ray < 4 {
        1.0
    } else {
        std::f64::consts::SQRT_2
    }
}

/// Cumulative probability of `|N(0, NOISE²)| ≤ x`.
fn half_normal(x: f64) -> f64 {
    libm::erf(x.max(0.0) / (NOISE * std::f64::consts::SQRT_2))
}

impl LaserTag {
    /// The map of `args.map_seed`.
    pub fn new(args: &LaserTagArgs) -> Self {
        let mut cells: Vec<usize> = (0..CELLS).collect();
        cells.shuffle(&mut Stream::new(args.map_seed, 0, "pomdp.laser_tag.map"));
        let mut blocked = vec![false; CELLS];
        cells[..OBSTACLES]
            .iter()
            .for_each(|&cell| blocked[cell] = true);
        let free = (0..CELLS)
            .filter(|&cell| !blocked[cell])
            .map(|cell| cell as u8);
        let mut model = Self {
            horizon: args.horizon,
            free: free.collect(),
            blocked,
            clear: Vec::new(),
            readings: vec![[[0.0; READINGS]; READINGS]; 2],
        };
        let clear = |cell| std::array::from_fn(|ray| model.look(cell as u8, ray));
        model.clear = (0..CELLS).map(clear).collect();
        for (kind, table) in model.readings.iter_mut().enumerate() {
            for (steps, row) in table.iter_mut().enumerate() {
                let reach = steps as f64 * unit(4 * kind);
                for (reading, p) in row.iter_mut().enumerate() {
                    // reading ≤ reach − |noise| < reading + 1; at 0 everything below counts too.
                    let short = reach - reading as f64;
                    let most = if reading == 0 {
                        1.0
                    } else {
                        half_normal(short)
                    };
                    *p = most - half_normal(short - 1.0);
                }
            }
        }
        model
    }

    /// Free cells from `cell` along laser `ray` up to the next wall or obstacle.
    fn look(&self, cell: u8, ray: usize) -> u8 {
        let (mut at, mut clear) = (cell, 0);
        while let Some(next) = self.open(place(at), RAYS[ray]) {
            (at, clear) = (next, clear + 1);
        }
        clear
    }

    /// The cell one step from `(x, y)`, unless a wall or an obstacle is there.
    fn open(&self, (x, y): (i32, i32), (dx, dy): (i32, i32)) -> Option<u8> {
        let (x, y) = (x + dx, y + dy);
        if !((0..COLUMNS).contains(&x) && (0..ROWS).contains(&y)) {
            return None;
        }
        let cell = y * COLUMNS + x;
        (!self.blocked[cell as usize]).then_some(cell as u8)
    }

    /// Length of laser `ray` before noise, in steps: free cells up to the next wall, obstacle or the opponent, plus one.
    fn steps(&self, state: LaserTagState, ray: usize) -> u8 {
        let ((rx, ry), (ox, oy)) = (place(state.robot), place(state.opponent));
        let (dx, dy) = (ox - rx, oy - ry);
        let far = dx.abs().max(dy.abs());
        let clear = self.clear[usize::from(state.robot)][ray];
        let hit = far > 0 && (dx, dy) == (far * RAYS[ray].0, far * RAYS[ray].1);
        if hit && far <= i32::from(clear) {
            far as u8
        } else {
            clear + 1
        }
    }

    /// Where the opponent flees to.
    fn flee(&self, state: LaserTagState, rng: &mut Stream) -> u8 {
        let u: f64 = rng.random();
        let fifth = [0.2, 0.4, 0.6, 0.8].iter().filter(|&&end| u >= end).count();
        self.fled(state, fifth)
    }

    /// Where the opponent flees to in the `fifth`-th fifth of all cases: two for each axis, one where it stays.
    fn fled(&self, state: LaserTagState, fifth: usize) -> u8 {
        let ((rx, ry), (ox, oy)) = (place(state.robot), place(state.opponent));
        let away = |own: i32, other: i32| match (own - other).signum() {
            0 if fifth.is_multiple_of(2) => 1,
            0 => -1,
            sign => sign,
        };
        let step = match fifth {
            0 | 1 => (away(ox, rx), 0),
            2 | 3 => (0, away(oy, ry)),
            _ => return state.opponent,
        };
        self.open((ox, oy), step).unwrap_or(state.opponent)
    }

    fn read(&self, state: LaserTagState, rng: &mut Stream) -> Readings {
        if state.robot == state.opponent {
            return SAME_CELL;
        }
        std::array::from_fn(|ray| {
            let z: f64 = rng.sample(StandardNormal);
            let reach = f64::from(self.steps(state, ray)) * unit(ray);
            (reach - (NOISE * z).abs()).floor().max(0.0) as i8
        })
    }
}

impl Generative for LaserTag {
    type State = LaserTagState;
    type Observation = Readings;

    fn num_actions(&self) -> usize {
        5
    }

    fn discount(&self) -> f64 {
        0.95
    }

    fn sample_start(&self, rng: &mut Stream) -> LaserTagState {
        let mut draw = || self.free[rng.random_range(0..self.free.len())];
        LaserTagState {
            robot: draw(),
            opponent: draw(),
            tagged: false,
        }
    }

    fn step(
        &self,
        state: &LaserTagState,
        action: usize,
        rng: &mut Stream,
    ) -> Outcome<LaserTagState, Readings> {
        let mut next = *state;
        let met = state.robot == state.opponent;
        let reward = match action {
            _ if state.tagged => 0.0,
            TAG if met => {
                next.tagged = true;
                10.0
            }
            TAG => -10.0,
            _ => -1.0,
        };
        if !next.tagged {
            next.opponent = self.flee(*state, rng);
            if action != TAG {
                let to = self.open(place(state.robot), MOVES[action]);
                next.robot = to.unwrap_or(state.robot);
            }
        }
        Outcome {
            observation: self.read(next, rng),
            reward,
            terminal: next.tagged,
            next,
        }
    }

    fn is_terminal(&self, state: &LaserTagState) -> bool {
        state.tagged
    }

    fn likelihood(&self, _action: usize, next: &LaserTagState, seen: &Readings) -> f64 {
        if next.robot == next.opponent || *seen == SAME_CELL {
            return f64::from(u8::from(next.robot == next.opponent && *seen == SAME_CELL));
        }
        let one = |ray: usize| {
            let steps = usize::from(self.steps(*next, ray));
            let reading = usize::try_from(seen[ray]).unwrap_or(READINGS);
            let row = &self.readings[ray / 4][steps];
            row.get(reading).copied().unwrap_or(0.0)
        };
        (0..8).map(one).product()
    }
}

/// Width of the cells into which search trees sort readings.
const GRID: i8 = 4;

impl Observed for LaserTag {
    /// Each reading divided by 4 and rounded down; -1 for all where robot and opponent are in one cell.
    type Key = Readings;

    fn observation_space(&self) -> Space {
        Space::vector(8, -2.0, 16.0)
    }

    fn read(&self, columns: &Columns, row: usize) -> Option<Readings> {
        let readings: &[f32; 8] = &columns.f32(0).as_chunks().0[row];
        (readings[0] > -2.0).then(|| readings.map(|r| r as i8))
    }

    fn key(&self, observation: &Readings) -> Readings {
        observation.map(|reading| reading.div_euclid(GRID))
    }

    fn holds(&self, state: &LaserTagState) -> bool {
        [state.robot, state.opponent]
            .iter()
            .all(|cell| self.free.contains(cell))
    }
}

impl Environment for LaserTag {
    type State = (LaserTagState, Readings);

    fn spec(&self) -> EnvSpec {
        EnvSpec {
            max_episode_steps: Some(self.horizon),
            reward_range: (-10.0, 10.0),
            model: Some(Model::new(Arc::new(self.clone()))),
            discount: Some(self.discount()),
            info: vec![hidden(
                "state",
                1,
                0.0,
                (CELLS * CELLS - 1) as f64,
                "Robot's cell · 77 + opponent's cell.",
            )],
            ..EnvSpec::single(
                "laser_tag-v1",
                "Find and tag a fleeing opponent by eight noisy lasers, without knowing where one is.",
                self.observation_space(),
                Space::discrete(5),
            )
        }
    }

    fn reset(&self, rng: &mut Stream, options: &Value) -> Result<Self::State, String> {
        no_options(options)?;
        Ok((self.sample_start(rng), [-2; 8]))
    }

    fn step(&self, state: &mut Self::State, step: &mut RowStep<'_>, rng: &mut Stream) {
        let action = step.discrete(0) as usize;
        let outcome = Generative::step(self, &state.0, action, rng);
        step.reward(0, outcome.reward as f32);
        if outcome.terminal {
            step.terminate();
        }
        *state = (outcome.next, outcome.observation);
    }

    fn observe(&self, state: &Self::State, _player: usize, out: &mut RowObservation<'_>) {
        out.f32(0).copy_from_slice(&state.1.map(f32::from));
        let (robot, opponent) = (usize::from(state.0.robot), usize::from(state.0.opponent));
        out.info(PRIVILEGED_STATE, &[(robot * CELLS + opponent) as f64]);
    }

    fn render(&self, state: &Self::State) -> Option<String> {
        let glyph = |cell: usize| {
            let (robot, opponent) = (usize::from(state.0.robot), usize::from(state.0.opponent));
            match cell {
                _ if self.blocked[cell] => '#',
                _ if cell == robot && cell == opponent => '*',
                _ if cell == robot => 'R',
                _ if cell == opponent => 'o',
                _ => '.',
            }
        };
        let row = |y: i32| {
            (0..COLUMNS)
                .map(|x| glyph((y * COLUMNS + x) as usize))
                .collect()
        };
        let rows: Vec<String> = (0..ROWS).rev().map(row).collect();
        Some(rows.join("\n"))
    }
}
