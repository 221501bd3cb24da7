//! Environments written for one row: the least code.

use std::sync::Arc;

use bevy_ecs::{
    change_detection::ContiguousMut,
    prelude::{Component, Query, Res, ResMut, Resource, World},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Border, Builder, EnvSpec, Lanes, Plugin, ResetOptions, Selection, StepSet, StreamId, Turns,
    batch::Fault, state::RowEntities,
};
use crate::{error::EnvError, space::Columns, stream::Stream};

/// An environment described by what happens in one row. Hosted by [`RowPlugin`]. `self` holds the settings,
/// which all rows share.
pub trait Environment: Send + Sync + 'static {
    /// Everything that changes during an episode.
    type State: Clone + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Players, spaces, horizon, reward range.
    fn spec(&self) -> EnvSpec;

    /// Starts an episode. All randomness comes from `rng`; `options` is JSON null unless given at the reset.
    ///
    /// # Errors
    /// A sentence about options that are unknown or out of range.
    fn reset(&self, rng: &mut Stream, options: &Value) -> Result<Self::State, String>;

    /// Advances the state by one step: reads the actions of the players that act, gives rewards, ends the
    /// episode.
    fn step(&self, state: &mut Self::State, step: &mut RowStep<'_>, rng: &mut Stream);

    /// Writes what `player` sees, its action mask if it has one, and info about the state.
    fn observe(&self, state: &Self::State, player: usize, out: &mut RowObservation<'_>);

    /// Whether `player` is to act in `state`; asked only if the spec says that turns change.
    fn acts(&self, state: &Self::State, player: usize) -> bool {
        let _ = (state, player);
        true
    }

    /// A picture of the state in text.
    fn render(&self, state: &Self::State) -> Option<String> {
        let _ = state;
        None
    }
}

/// One row of the border during a step.
#[derive(Debug)]
pub struct RowStep<'a> {
    border: &'a mut Border,
    row: usize,
}

/// Refuses reset options, for environments that have none.
///
/// # Errors
/// A sentence with what was given.
pub fn no_options(options: &Value) -> Result<(), String> {
    match options {
        Value::Null => Ok(()),
        Value::Object(map) if map.is_empty() => Ok(()),
        other => Err(format!(
            "this environment has no reset options, found {other}"
        )),
    }
}

impl<'a> RowStep<'a> {
    /// Row `row` before its step: no reward, no end.
    pub(crate) fn begin(border: &'a mut Border, row: usize) -> Self {
        border.terminated[row] = false;
        border.truncated[row] = false;
        for player in &mut border.players {
            player.reward[row] = 0.0;
        }
        Self { border, row }
    }

    /// Whether `player` acts in this step.
    pub fn acts(&self, player: usize) -> bool {
        self.border.players[player].acted[self.row]
    }

    /// The action of `player`, whose space is Discrete.
    ///
    /// # Panics
    /// If the space is of another kind.
    pub fn discrete(&self, player: usize) -> i32 {
        self.border.players[player].env_action().i32(0)[self.row]
    }

    /// The action of `player`, whose space is a `float32` Box, `[width]`.
    ///
    /// # Panics
    /// If the space is of another kind.
    pub fn continuous(&self, player: usize) -> &[f32] {
        let columns = self.border.players[player].env_action();
        let width = columns.width(0);
        &columns.f32(0)[self.row * width..(self.row + 1) * width]
    }

    /// The action columns of `player` and the row to read.
    pub fn action(&self, player: usize) -> (&Columns, usize) {
        (self.border.players[player].env_action(), self.row)
    }

    /// Gives `player` its reward for the step; 0 unless set.
    pub fn reward(&mut self, player: usize, reward: f32) {
        self.border.players[player].reward[self.row] = reward;
    }

    /// Ends the episode: a terminal state of the MDP.
    pub fn terminate(&mut self) {
        self.border.terminated[self.row] = true;
    }

    /// Cuts the episode from outside; ignored if it has also terminated.
    pub fn truncate(&mut self) {
        self.border.truncated[self.row] = true;
    }

    /// Tells an info field about the transition ([`InfoKind::Sum`](super::InfoKind::Sum)), if it was asked for.
    /// `name` must be offered in the spec, with a `float64` space.
    pub fn info(&mut self, name: &str, values: &[f64]) {
        tell(&mut self.border.info, self.row, name, values);
    }
}

/// Writes an info field, if it was asked for.
fn tell(info: &mut Columns, row: usize, name: &str, values: &[f64]) {
    if let Some(index) = info.index_of(name) {
        let width = values.len();
        info.f64_mut(index)[row * width..(row + 1) * width].copy_from_slice(values);
    }
}

/// One player's observation and mask in one row, to be written.
#[derive(Debug)]
pub struct RowObservation<'a> {
    columns: &'a mut Columns,
    mask: &'a mut [u8],
    info: &'a mut Columns,
    row: usize,
}

impl<'a> RowObservation<'a> {
    /// What `player` sees in row `row`.
    pub(crate) fn of(border: &'a mut Border, player: usize, row: usize) -> Self {
        let Border { players, info, .. } = border;
        let player = &mut players[player];
        let width = player.mask_width;
        Self {
            columns: &mut player.observations[0],
            mask: &mut player.action_mask[row * width..(row + 1) * width],
            info,
            row,
        }
    }

    /// Field `index` of a `float32` space, `[width]`.
    ///
    /// # Panics
    /// If the field is of another type.
    pub fn f32(&mut self, index: usize) -> &mut [f32] {
        let width = self.columns.width(index);
        &mut self.columns.f32_mut(index)[self.row * width..(self.row + 1) * width]
    }

    /// Field `index` of a `float64` space, `[width]`.
    ///
    /// # Panics
    /// If the field is of another type.
    pub fn f64(&mut self, index: usize) -> &mut [f64] {
        let width = self.columns.width(index);
        &mut self.columns.f64_mut(index)[self.row * width..(self.row + 1) * width]
    }

    /// Field `index` of an integer space, `[width]`.
    ///
    /// # Panics
    /// If the field is of another type.
    pub fn i32(&mut self, index: usize) -> &mut [i32] {
        let width = self.columns.width(index);
        &mut self.columns.i32_mut(index)[self.row * width..(self.row + 1) * width]
    }

    /// Field `index` of a byte space, `[width]`.
    ///
    /// # Panics
    /// If the field is of another type.
    pub fn u8(&mut self, index: usize) -> &mut [u8] {
        let width = self.columns.width(index);
        &mut self.columns.u8_mut(index)[self.row * width..(self.row + 1) * width]
    }

    /// Field `index` of a text space.
    ///
    /// # Panics
    /// If the field is of another type.
    pub fn text(&mut self, index: usize) -> &mut String {
        &mut self.columns.text_mut(index)[self.row]
    }

    /// The action mask, `[mask_width]`, 1 = allowed; empty if the player has none.
    pub fn mask(&mut self) -> &mut [u8] {
        self.mask
    }

    /// Tells an info field about the state ([`InfoKind::State`](super::InfoKind::State)), if it was asked for.
    /// `name` must be offered in the spec, with a `float64` space. One player's turn to observe is enough.
    pub fn info(&mut self, name: &str, values: &[f64]) {
        tell(self.info, self.row, name, values);
    }
}

/// Hosts an [`Environment`].
#[derive(Debug, Clone)]
pub struct RowPlugin<E>(Arc<E>);

impl<E: Environment> RowPlugin<E> {
    /// A plugin around `env`.
    pub fn new(env: E) -> Self {
        Self(Arc::new(env))
    }
}

#[derive(Resource)]
struct Hosted<E>(Arc<E>, StreamId);

/// State and randomness of a row; `None` before the first reset.
#[derive(Component, Clone, Serialize, Deserialize)]
struct Instance<S: Send + Sync + 'static>(Option<(S, Stream)>);

impl<E: Environment> Plugin for RowPlugin<E> {
    fn build(&self, builder: &mut Builder) -> Result<(), EnvError> {
        let spec = self.0.spec();
        builder.insert_resource(TurnsChange(spec.turns == Turns::Changing));
        builder.environment(spec);
        let stream = builder.stream("env.dynamics");
        builder.insert_resource(Hosted(self.0.clone(), stream));
        builder.spawn_rows(Instance::<E::State>(None));
        builder.row_component::<Instance<E::State>>();
        builder.add_system(StepSet::Reset, reset::<E>);
        builder.add_system(StepSet::Simulate, step::<E>);
        builder.add_system(StepSet::Observe, observe::<E>);
        let env = self.0.clone();
        builder.set_renderer(move |world, row| {
            let entity = world.resource::<RowEntities>().0[row];
            let instance = world.get::<Instance<E::State>>(entity)?;
            env.render(&instance.0.as_ref()?.0)
        });
        Ok(())
    }
}

/// The state of a row, if it is hosted here and of this type.
pub(super) fn state<S: Send + Sync + 'static>(world: &World, row: usize) -> Option<&S> {
    let entity = *world.get_resource::<RowEntities>()?.0.get(row)?;
    Some(&world.get::<Instance<S>>(entity)?.0.as_ref()?.0)
}

/// The instances of all rows, in row order.
fn instances<'a, S: Send + Sync + 'static>(
    query: &'a mut Query<&mut Instance<S>>,
) -> &'a mut [Instance<S>] {
    let tables = query.contiguous_iter_mut().ok();
    let rows = tables.and_then(|mut tables| tables.next());
    rows.map_or(&mut [], |rows| {
        ContiguousMut::bypass_change_detection_split(rows).0
    })
}

fn reset<E: Environment>(
    hosted: Res<Hosted<E>>,
    selection: Res<Selection>,
    lanes: Res<Lanes>,
    options: Res<ResetOptions>,
    mut fault: ResMut<Fault>,
    mut query: Query<&mut Instance<E::State>>,
) {
    let instances = instances(&mut query);
    for row in selection.rows() {
        let mut rng = lanes.stream(hosted.1, row);
        match hosted.0.reset(&mut rng, options.row(row)) {
            Ok(state) => {
                let rng = lanes.stream_after_start(hosted.1, row, rng);
                instances[row].0 = Some((state, rng));
            }
            Err(message) => {
                fault.report(EnvError::Options { row, message });
            }
        }
    }
}

fn step<E: Environment>(
    hosted: Res<Hosted<E>>,
    selection: Res<Selection>,
    border: ResMut<Border>,
    mut query: Query<&mut Instance<E::State>>,
) {
    let instances = instances(&mut query);
    let border = border.into_inner();
    for row in selection.rows() {
        let mut step = RowStep::begin(border, row);
        if let Some((state, rng)) = &mut instances[row].0 {
            hosted.0.step(state, &mut step, rng);
        }
        border.truncated[row] &= !border.terminated[row];
    }
}

fn observe<E: Environment>(
    hosted: Res<Hosted<E>>,
    selection: Res<Selection>,
    border: ResMut<Border>,
    mut query: Query<&mut Instance<E::State>>,
    turns: Res<TurnsChange>,
) {
    let instances = instances(&mut query);
    let border = border.into_inner();
    for player in 0..border.players.len() {
        for row in selection.rows() {
            let Some((state, _)) = &instances[row].0 else {
                continue;
            };
            if turns.0 {
                border.players[player].acting[row] = hosted.0.acts(state, player);
            }
            let mut out = RowObservation::of(border, player, row);
            hosted.0.observe(state, player, &mut out);
        }
    }
}

/// Whether the environment's turns change, so that `acting` must be written.
#[derive(Debug, Resource)]
struct TurnsChange(bool);
