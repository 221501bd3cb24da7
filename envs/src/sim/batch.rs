//! Environments as kernels over column slices: the fast way for small state.

use std::ops::Range;

use bevy_ecs::{
    change_detection::DetectChangesMut,
    prelude::{Query, Res, ResMut, Resource},
    query::QueryData,
    system::SystemParam,
};
use multiversion::multiversion;

use super::{Border, Builder, EnvSpec, Lanes, Plugin, ResetOptions, Selection, StepSet, StreamId};
use crate::error::EnvError;

/// The state of a batch environment as columns of scalars; implemented by
/// [`state_columns!`](crate::state_columns).
pub trait StateColumns: Send + Sync + 'static {
    /// The ECS query for all columns.
    type Query: QueryData + 'static;
    /// One mutable slice per column, with as many elements as there are rows in the run.
    type Slices<'a>;

    /// Spawns the columns and registers them as row state.
    fn register(builder: &mut Builder);

    /// The same slices for a shorter while.
    fn reborrow<'a>(slices: &'a mut Self::Slices<'_>) -> Self::Slices<'a>;

    /// Calls `f` with the slices of each run in turn.
    fn for_each_run(
        query: &mut Query<'_, '_, Self::Query>,
        runs: &[Range<usize>],
        f: impl FnMut(Range<usize>, Self::Slices<'_>),
    );
}

/// Declares the state of a [`BatchEnvironment`]: one `#[repr(transparent)]` component per scalar, each a dense
/// table column, and a struct of slices over them.
///
/// ```
/// palaestra_envs::state_columns! {
///     /// Position and speed.
///     pub struct CarState / CarSlices {
///         /// Position, m.
///         position: Position(f64),
///         /// Speed, m per step.
///         velocity: Velocity(f64),
///     }
/// }
/// ```
#[macro_export]
macro_rules! state_columns {
    ($(#[$doc:meta])* $vis:vis struct $state:ident / $slices:ident {
        $($(#[$field_doc:meta])* $field:ident: $component:ident($scalar:ty)),+ $(,)?
    }) => {
        $(
            $(#[$field_doc])*
            #[derive(
                Debug, Clone, Copy, Default, PartialEq,
                $crate::reexport::bevy_ecs::component::Component,
                $crate::reexport::serde::Serialize,
                $crate::reexport::serde::Deserialize,
            )]
            #[serde(crate = "palaestra_envs::reexport::serde")]
            #[repr(transparent)]
            $vis struct $component(pub $scalar);
        )+

        $(#[$doc])*
        #[derive(Debug)]
        $vis struct $state;

        $(#[$doc])*
        #[derive(Debug)]
        $vis struct $slices<'a> {
            $($(#[$field_doc])* pub $field: &'a mut [$component],)+
        }

        impl $crate::sim::StateColumns for $state {
            type Query = ($(&'static mut $component,)+);
            type Slices<'a> = $slices<'a>;

            fn register(builder: &mut $crate::sim::Builder) {
                builder.spawn_rows(($($component::default(),)+));
                $(builder.row_component::<$component>();)+
            }

            #[inline]
            fn reborrow<'a>(slices: &'a mut $slices<'_>) -> $slices<'a> {
                $slices { $($field: &mut *slices.$field,)+ }
            }

            #[inline]
            fn for_each_run(
                query: &mut $crate::reexport::bevy_ecs::prelude::Query<'_, '_, Self::Query>,
                runs: &[::std::ops::Range<usize>],
                mut f: impl FnMut(::std::ops::Range<usize>, Self::Slices<'_>),
            ) {
                // All rows live in one table, so there is one item, and its slices are in row order.
                let Ok(tables) = query.contiguous_iter_mut() else { return };
                for ($(mut $field,)+) in tables {
                    $(let $field = $field.bypass_change_detection();)+
                    for run in runs {
                        f(run.clone(), $slices { $($field: &mut $field[run.clone()],)+ });
                    }
                }
            }
        }
    };
}

/// What a kernel works with beside its state: the run of rows, the border, and randomness.
#[derive(Debug)]
pub struct BatchRows<'a> {
    /// The rows of this run; element `i` of a state slice belongs to row `range.start + i`.
    pub range: Range<usize>,
    /// All buffers, of all rows; write those of `range` only.
    pub border: &'a mut Border,
    /// Lanes and streams of all rows.
    pub lanes: &'a Lanes,
    /// The environment's stream, purpose `env.dynamics`.
    pub stream: StreamId,
    /// Options of an explicit reset; none in any other pass.
    pub options: &'a ResetOptions,
}

impl BatchRows<'_> {
    /// Block `block` of row `row`'s stream in its running episode: four random words, without state.
    #[inline(always)]
    pub fn random_block(&self, row: usize, block: u64) -> [u32; 4] {
        self.lanes.block(self.stream, row, block)
    }
}

/// An environment whose state is a few scalars per row, stepped as slices. Hosted by [`BatchPlugin`].
pub trait BatchEnvironment: Send + Sync + 'static {
    /// The state columns.
    type State: StateColumns;

    /// Spaces, horizon, reward range.
    fn spec(&self) -> EnvSpec;

    /// Starts an episode in each row of the run.
    ///
    /// # Errors
    /// [`EnvError::Options`] if reset options are wrong.
    fn reset(
        &self,
        state: <Self::State as StateColumns>::Slices<'_>,
        rows: &mut BatchRows<'_>,
    ) -> Result<(), EnvError>;

    /// Advances each row of the run by one step: reads [`env_action`](super::PlayerBorder::env_action), writes
    /// `reward` and `terminated`.
    fn step(&self, state: <Self::State as StateColumns>::Slices<'_>, rows: &mut BatchRows<'_>);

    /// Writes the observations of the run
    /// ([`env_observation_mut`](super::PlayerBorder::env_observation_mut)).
    fn observe(&self, state: <Self::State as StateColumns>::Slices<'_>, rows: &mut BatchRows<'_>);

    /// A picture of one row in text, from its observation.
    fn render(&self, border: &Border, row: usize) -> Option<String> {
        let _ = (border, row);
        None
    }
}

/// Hosts a [`BatchEnvironment`].
#[derive(Debug, Clone)]
pub struct BatchPlugin<E>(pub E);

/// The environment's settings and stream within a shard.
#[derive(Debug, Resource)]
struct Hosted<E> {
    env: E,
    stream: StreamId,
}

/// The first error of a pass; systems cannot return one.
#[derive(Debug, Default, Resource)]
pub struct Fault(pub(super) Option<EnvError>);

impl Fault {
    /// Reports what keeps a `Reset` system from starting an episode, or a system of a step from going on. The reset or the step then
    /// returns the first error reported.
    pub fn report(&mut self, error: EnvError) {
        self.0.get_or_insert(error);
    }
}

impl<E: BatchEnvironment + Clone> Plugin for BatchPlugin<E> {
    fn build(&self, builder: &mut Builder) -> Result<(), EnvError> {
        builder.environment(self.0.spec());
        E::State::register(builder);
        let stream = builder.stream("env.dynamics");
        builder.insert_resource(Hosted {
            env: self.0.clone(),
            stream,
        });
        builder.add_system(StepSet::Reset, reset::<E>);
        builder.add_system(StepSet::Simulate, step::<E>);
        builder.add_system_of_steps(StepSet::Observe, observe::<E>);
        let env = self.0.clone();
        builder.set_renderer(move |world, row| env.render(world.resource::<Border>(), row));
        Ok(())
    }
}

/// What the three systems of a batch environment work with.
#[derive(SystemParam)]
struct Pass<'w, 's, E: BatchEnvironment> {
    hosted: Res<'w, Hosted<E>>,
    selection: Res<'w, Selection>,
    lanes: Res<'w, Lanes>,
    options: Res<'w, ResetOptions>,
    border: ResMut<'w, Border>,
    query: Query<'w, 's, <<E as BatchEnvironment>::State as StateColumns>::Query>,
}

impl<E: BatchEnvironment> Pass<'_, '_, E> {
    /// Calls `f` on each run of the selection.
    #[inline(always)]
    fn for_each_run(
        &mut self,
        mut f: impl FnMut(&E, <E::State as StateColumns>::Slices<'_>, &mut BatchRows<'_>),
    ) {
        let Self {
            hosted,
            selection,
            lanes,
            options,
            border,
            query,
        } = self;
        let border = border.bypass_change_detection();
        E::State::for_each_run(query, selection.runs(), |range, state| {
            let stream = hosted.stream;
            f(
                &hosted.env,
                state,
                &mut BatchRows {
                    range,
                    border,
                    lanes,
                    stream,
                    options,
                },
            );
        });
    }
}

/// Also observes: rows that are reset are few and apart, and each run of them costs something to find.
fn reset<E: BatchEnvironment>(mut pass: Pass<E>, mut fault: ResMut<Fault>) {
    pass.for_each_run(|env, mut state, rows| {
        match env.reset(E::State::reborrow(&mut state), rows) {
            Ok(()) => env.observe(state, rows),
            Err(error) => fault.report(error),
        }
    });
}

fn step<E: BatchEnvironment>(mut pass: Pass<E>) {
    pass.for_each_run(step_run);
}

fn observe<E: BatchEnvironment>(mut pass: Pass<E>) {
    pass.for_each_run(observe_run);
}

/// [`BatchEnvironment::step`], compiled for vectors of 256 bits as well. No operation is fused or reordered by that, so
/// the results are the same bits.
#[multiversion(targets("x86_64+avx2"))]
fn step_run<E: BatchEnvironment>(
    env: &E,
    state: <E::State as StateColumns>::Slices<'_>,
    rows: &mut BatchRows<'_>,
) {
    env.step(state, rows);
}

/// [`BatchEnvironment::observe`], compiled as [`step_run`] is.
#[multiversion(targets("x86_64+avx2"))]
fn observe_run<E: BatchEnvironment>(
    env: &E,
    state: <E::State as StateColumns>::Slices<'_>,
    rows: &mut BatchRows<'_>,
) {
    env.observe(state, rows);
}
