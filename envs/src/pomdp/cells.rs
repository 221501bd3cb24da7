//! Games whose hidden state is a row of small numbers: cards in a deck, squares of a board, payouts of machines.
//!
//! Palaestra's own construction, after the way [`bandits::lsd`](crate::bandits::lsd) keeps its states. The cells of a
//! shard are one dense array `[rows, cells]`; a [`CellGame`] says what happens in one row of it, and [`CellPlugin`]
//! hosts it: drawing the start, saving and restoring rows, observations, info and pictures are written here once for
//! all of them.
//!
//! The clock of a game is the border's count of steps, so a deck that is dealt card by card needs no other state: what
//! is on the table after `t` steps is card `t`.
//!
//! Observations and actions are integers: a Discrete or a `MultiDiscrete` space. A `MultiBinary` observation shows the one
//! number that the game writes as a one-hot vector, and nothing where the number is not smaller than the width.

use bevy_ecs::prelude::{Res, ResMut, Resource};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::EnvError,
    sim::{
        Border, Builder, EnvSpec, Fault, Lanes, Plugin, ResetOptions, RowState, Selection, StepSet,
        StreamId, no_options, read_value, write_value,
    },
    space::ColumnData,
    stream::Stream,
};

/// What a step is made of, beside the cells.
#[derive(Debug)]
pub struct Turn<'a> {
    /// The action: one number, or one for each element of a `MultiDiscrete` space.
    pub action: &'a [i32],
    /// Steps made in the episode before this one.
    pub time: usize,
    lanes: &'a Lanes,
    stream: StreamId,
    row: usize,
}

impl Turn<'_> {
    /// Four random words for this step; the same ones whenever they are asked for.
    #[inline(always)]
    pub fn random(&self) -> [u32; 4] {
        step_block(self.lanes, self.stream, self.row, self.time as u32 + 1)
    }
}

/// Random words for row `row` after `time` steps, apart from those that a start can use up.
#[inline(always)]
pub(super) fn step_block(lanes: &Lanes, stream: StreamId, row: usize, time: u32) -> [u32; 4] {
    lanes.block(stream, row, (u64::from(time) + 1) << 32)
}

/// A game over a row of cells for one player. `self` holds the settings, which all rows share.
pub trait CellGame: Clone + Send + Sync + 'static {
    /// One number of the hidden state.
    type Cell: Copy + Default + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Spaces, horizon, reward range, and the info fields that [`tell`](Self::tell) can fill.
    fn spec(&self) -> EnvSpec;

    /// Number of cells of a row, at least 1.
    fn cells(&self) -> usize;

    /// Starts an episode: overwrites every cell. All randomness comes from `rng`.
    fn start(&self, cells: &mut [Self::Cell], rng: &mut Stream);

    /// Advances the cells by one step. Returns the reward, and whether the episode has reached its end (a time limit
    /// is the spec's).
    fn step(&self, cells: &mut [Self::Cell], turn: &Turn<'_>) -> (f32, bool);

    /// Writes what is seen after `time` steps, one number for each element of the observation space.
    fn observe(&self, cells: &[Self::Cell], time: usize, out: &mut [i32]);

    /// Writes info field `field` of the spec.
    fn tell(&self, cells: &[Self::Cell], time: usize, field: usize, out: &mut [f64]);

    /// Whether saved cells can be those of a row, as far as the game relies on it (indices within bounds).
    fn valid(&self, cells: &[Self::Cell]) -> bool;

    /// A picture in text.
    fn render(&self, cells: &[Self::Cell], time: usize) -> String;
}

/// Hosts a [`CellGame`].
#[derive(Debug, Clone)]
pub struct CellPlugin<G>(pub G);

/// What the systems of a shard share.
#[derive(Resource)]
struct Hosted<G: CellGame> {
    game: G,
    stream: StreamId,
    /// Column of the border's info, and index in the spec, of each info field that was asked for.
    told: Vec<(usize, usize)>,
}

/// The cells of all rows, `[rows, cells]`.
#[derive(Resource)]
struct Cells<G: CellGame> {
    game: G,
    width: usize,
    data: Vec<G::Cell>,
}

impl<G: CellGame> Cells<G> {
    #[inline(always)]
    fn row(&self, row: usize) -> &[G::Cell] {
        &self.data[row * self.width..(row + 1) * self.width]
    }

    #[inline(always)]
    fn row_mut(&mut self, row: usize) -> &mut [G::Cell] {
        &mut self.data[row * self.width..(row + 1) * self.width]
    }
}

impl<G: CellGame> RowState for Cells<G> {
    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        write_value(self.row(row), out)
    }

    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        let cells: Vec<G::Cell> = read_value(bytes)?;
        if cells.len() != self.width || !self.game.valid(&cells) {
            let id = self.game.spec().id;
            return Err(EnvError::Snapshot(format!("not a state of `{id}`")));
        }
        self.row_mut(row).copy_from_slice(&cells);
        Ok(())
    }
}

impl<G: CellGame> Plugin for CellPlugin<G> {
    fn build(&self, builder: &mut Builder) -> Result<(), EnvError> {
        let game = &self.0;
        let mut spec = game.spec();
        let offered = std::mem::take(&mut spec.info);
        builder.environment(spec);
        let told = offered.into_iter().enumerate();
        let told = told.filter_map(|(field, info)| Some((builder.offer_info(info)?, field)));
        let told: Vec<(usize, usize)> = told.collect();
        let hosted = Hosted {
            game: game.clone(),
            stream: builder.stream("env.dynamics"),
            told,
        };
        let width = game.cells();
        let cells = Cells {
            game: game.clone(),
            width,
            data: vec![G::Cell::default(); builder.rows() * width],
        };
        builder.add_system(StepSet::Reset, reset::<G>);
        builder.add_system(StepSet::Simulate, step::<G>);
        builder.add_system(StepSet::Observe, observe::<G>);
        if !hosted.told.is_empty() {
            builder.add_system(StepSet::Observe, tell::<G>);
        }
        builder.insert_resource(hosted);
        builder.insert_row_resource(cells);
        let game = game.clone();
        builder.set_renderer(move |world, row| {
            let time = world.get_resource::<Border>()?.elapsed[row] as usize;
            Some(game.render(world.get_resource::<Cells<G>>()?.row(row), time))
        });
        Ok(())
    }
}

fn reset<G: CellGame>(
    hosted: Res<Hosted<G>>,
    selection: Res<Selection>,
    lanes: Res<Lanes>,
    options: Res<ResetOptions>,
    mut cells: ResMut<Cells<G>>,
    mut fault: ResMut<Fault>,
) {
    for row in selection.rows() {
        if !options.is_empty()
            && let Err(message) = no_options(options.row(row))
        {
            fault.report(EnvError::Options { row, message });
        }
        let mut rng = lanes.stream(hosted.stream, row);
        hosted.game.start(cells.row_mut(row), &mut rng);
    }
}

fn step<G: CellGame>(
    hosted: Res<Hosted<G>>,
    selection: Res<Selection>,
    lanes: Res<Lanes>,
    mut cells: ResMut<Cells<G>>,
    border: ResMut<Border>,
) {
    let border = border.into_inner();
    let (elapsed, terminated) = (&border.elapsed, &mut border.terminated);
    let (actions, reward) = border.players[0].action_and_reward();
    let (width, actions) = (actions.width(0), actions.i32(0));
    for row in selection.rows() {
        let turn = Turn {
            action: &actions[row * width..(row + 1) * width],
            time: elapsed[row] as usize,
            lanes: &lanes,
            stream: hosted.stream,
            row,
        };
        (reward[row], terminated[row]) = hosted.game.step(cells.row_mut(row), &turn);
    }
}

fn observe<G: CellGame>(
    hosted: Res<Hosted<G>>,
    selection: Res<Selection>,
    cells: Res<Cells<G>>,
    border: ResMut<Border>,
) {
    let border = border.into_inner();
    let elapsed = &border.elapsed;
    let out = &mut border.players[0].env_observation_mut().fields_mut()[0];
    let width = out.width;
    match &mut out.data {
        ColumnData::I32(out) => {
            for row in selection.rows() {
                let out = &mut out[row * width..(row + 1) * width];
                let time = elapsed[row] as usize;
                hosted.game.observe(cells.row(row), time, out);
            }
        }
        ColumnData::U8(out) => {
            for row in selection.rows() {
                let mut symbol = [0];
                let time = elapsed[row] as usize;
                hosted.game.observe(cells.row(row), time, &mut symbol);
                let bits = out[row * width..(row + 1) * width].iter_mut();
                for (bit, place) in bits.zip(0..) {
                    *bit = u8::from(place == symbol[0]);
                }
            }
        }
        // Spaces of these games have integer columns.
        ColumnData::F32(_) | ColumnData::F64(_) | ColumnData::Text(_) => {}
    }
}

fn tell<G: CellGame>(
    hosted: Res<Hosted<G>>,
    selection: Res<Selection>,
    cells: Res<Cells<G>>,
    border: ResMut<Border>,
) {
    let border = border.into_inner();
    for &(column, field) in &hosted.told {
        let width = border.info.width(column);
        let out = border.info.f64_mut(column);
        for row in selection.rows() {
            let out = &mut out[row * width..(row + 1) * width];
            let time = border.elapsed[row] as usize;
            hosted.game.tell(cells.row(row), time, field, out);
        }
    }
}
