//! The tasks as enclosed environments, and what each row plays.

use bevy_ecs::prelude::{Res, ResMut, Resource};
use rand::RngExt;

use super::{TaskGroup, TaskSetArgs, border::Common};
use crate::{
    error::EnvError,
    sim::{
        Border, Enclosed, Encloses, Fault, Lanes, ResetOptions, RowState, Selection, Start,
        StreamId, no_options, read_value, write_value,
    },
    stream::Stream,
    wrappers::{MapDistribution, matrix::Matrix, trials::TrialRows},
};

/// What a row plays.
#[derive(Debug, Clone, Default)]
struct RowTask {
    task: usize,
    /// Maps of observations and actions; empty if there are none.
    maps: [Matrix; 2],
    last_reward: f32,
}

/// How maps are drawn.
struct MapSource {
    distribution: MapDistribution,
    /// Number of maps for each task, the seed that draws them, and the purpose of that.
    finite: Option<(u32, u64, &'static str)>,
}

/// All tasks and rows of a shard.
#[derive(Resource)]
pub(super) struct TaskNest {
    inner: Vec<Enclosed>,
    names: Vec<String>,
    common: Common,
    trials: TrialRows,
    rows: Vec<RowTask>,
    source: MapSource,
    context: bool,
    stream: StreamId,
    pub(super) tell_task: Option<usize>,
    /// Rows of the running pass by task.
    groups: Vec<Vec<usize>>,
    scratch: Vec<f32>,
}

impl TaskNest {
    pub(super) fn new(
        args: &TaskSetArgs,
        (inner, names): (Vec<Enclosed>, Vec<String>),
        common: Common,
        trials: TrialRows,
        stream: StreamId,
        rows: usize,
    ) -> Self {
        let purpose = match args.set {
            TaskGroup::Train | TaskGroup::All => "task_set.maps",
            TaskGroup::HeldOut => "task_set.maps.held_out",
        };
        Self {
            groups: vec![Vec::new(); inner.len()],
            inner,
            names,
            common,
            trials,
            rows: vec![RowTask::default(); rows],
            source: MapSource {
                distribution: args.distribution,
                finite: args.maps.map(|n| (n, args.split_seed, purpose)),
            },
            context: args.context,
            stream,
            tell_task: None,
            scratch: Vec::new(),
        }
    }

    /// Draws what row `row` plays.
    fn draw(&mut self, row: usize, mut rng: Stream) {
        let task = rng.random_range(0..self.inner.len());
        let maps = self.common.map_sizes(task).map(|sizes| {
            let distribution = self.source.distribution;
            if let Some((count, seed, purpose)) = self.source.finite {
                let lane = (task as u64) << 32 | u64::from(rng.random_range(0..count));
                rng = Stream::new(seed, lane, purpose);
            }
            sizes.map(|(outputs, inputs)| Matrix::draw(distribution, outputs, inputs, &mut rng))
        });
        self.rows[row] = RowTask {
            task,
            maps: maps.unwrap_or_default(),
            last_reward: 0.0,
        };
    }

    pub(super) fn render(&self, row: usize) -> Option<String> {
        let task = self.rows.get(row)?.task;
        let picture = self.inner[task].render(row)?;
        let (name, caption) = (&self.names[task], self.trials.caption(row));
        Some(format!("{picture}\n{name}, {caption}"))
    }
}

pub(super) fn reset(
    mut nest: ResMut<TaskNest>,
    selection: Res<Selection>,
    lanes: Res<Lanes>,
    options: Res<ResetOptions>,
    mut fault: ResMut<Fault>,
) {
    let nest = &mut *nest;
    let stream = nest.stream;
    let mut starts: Vec<Vec<Start>> = vec![Vec::new(); nest.inner.len()];
    for row in selection.rows() {
        if let Err(message) = no_options(options.row(row)) {
            fault.report(EnvError::Options { row, message });
        }
        nest.draw(row, lanes.stream(stream, row));
        let start = nest
            .trials
            .first(row, lanes.lane(row), &serde_json::Value::Null);
        starts[nest.rows[row].task].push(start);
    }
    for (inner, starts) in nest.inner.iter_mut().zip(starts) {
        if let Err(error) = inner.reset(starts) {
            fault.report(error);
        }
    }
}

pub(super) fn simulate(
    mut nest: ResMut<TaskNest>,
    selection: Res<Selection>,
    lanes: Res<Lanes>,
    border: ResMut<Border>,
    mut fault: ResMut<Fault>,
) {
    let border = border.into_inner();
    let TaskNest {
        inner,
        common,
        trials,
        rows,
        groups,
        scratch,
        ..
    } = &mut *nest;
    groups.iter_mut().for_each(Vec::clear);
    for row in selection.rows() {
        groups[rows[row].task].push(row);
    }
    for (task, (inner, group)) in inner.iter_mut().zip(groups).enumerate() {
        if group.is_empty() {
            continue;
        }
        let action = border.players[0].env_action();
        let own = inner.border_mut().player_mut(0);
        for &row in &*group {
            let [_, map] = &rows[row].maps;
            common.act((task, row), action, map, scratch, own);
        }
        if let Err(error) = trials.step(inner, group, &lanes, border) {
            fault.report(error);
        }
        for &row in &*group {
            rows[row].last_reward = border.players[0].reward[row];
        }
    }
}

pub(super) fn observe(
    mut nest: ResMut<TaskNest>,
    selection: Res<Selection>,
    border: ResMut<Border>,
) {
    let border = border.into_inner();
    let TaskNest {
        inner,
        common,
        trials,
        rows,
        context,
        tell_task,
        scratch,
        ..
    } = &mut *nest;
    let width = common.observation_width(*context);
    let player = &mut border.players[0];
    for row in selection.rows() {
        let RowTask {
            task,
            maps,
            last_reward,
        } = &rows[row];
        let own = inner[*task].border().player(0);
        if common.masks() {
            common.mask(*task, own.mask_row(row), player.mask_row_mut(row));
        }
        let (action, seen) = player.env_action_and_observation();
        let out = &mut seen.f32_mut(0)[row * width..(row + 1) * width];
        common.show((*task, row), own.observation(), &maps[0], scratch, out);
        if *context {
            let start = border.elapsed[row] == 0;
            let flags = [trials.has_just_ended(row), start];
            common.append(row, (!start).then_some(action), *last_reward, flags, out);
        }
        if let Some(column) = *tell_task {
            border.info.f64_mut(column)[row] = *task as f64;
        }
    }
    trials.tell(&selection, border);
}

impl RowState for TaskNest {
    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        let RowTask {
            task,
            maps,
            last_reward,
        } = &self.rows[row];
        write_value(&(task, last_reward), out)?;
        for map in maps {
            write_value(&map.transposed, out)?;
        }
        self.trials.save_row(row, out)?;
        let mut inner = self.inner.iter();
        inner.try_for_each(|inner| inner.save_row(row, out))
    }

    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        let (task, last_reward): (usize, f32) = read_value(bytes)?;
        if task >= self.inner.len() {
            let message = format!("there are {} tasks, not {task}", self.inner.len());
            return Err(EnvError::Snapshot(message));
        }
        let elements: [Vec<f32>; 2] = [read_value(bytes)?, read_value(bytes)?];
        let sizes = self.common.map_sizes(task);
        let mut maps = <[Matrix; 2]>::default();
        for (i, elements) in elements.into_iter().enumerate() {
            let (outputs, inputs) = sizes.map_or((0, 0), |sizes| sizes[i]);
            // A row that was never reset has no maps yet.
            if !elements.is_empty() {
                maps[i] = Matrix::from_elements(outputs, inputs, elements)
                    .ok_or_else(|| EnvError::Snapshot("a map of another size".into()))?;
            }
        }
        self.rows[row] = RowTask {
            task,
            maps,
            last_reward,
        };
        self.trials.load_row(row, bytes)?;
        let mut inner = self.inner.iter_mut();
        inner.try_for_each(|inner| inner.load_row(row, bytes))
    }
}

impl Encloses for TaskNest {
    fn enclosed(&self) -> &[Enclosed] {
        &self.inner
    }

    fn enclosed_mut(&mut self) -> &mut [Enclosed] {
        &mut self.inner
    }
}
