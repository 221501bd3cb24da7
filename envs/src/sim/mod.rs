//! The simulator: a batch of environment instances as rows of an ECS world.
//!
//! *Anchor: batch simulation of many worlds in one ECS, as in Madrona (Shacklett et al., SIGGRAPH 2023), with
//! Gymnasium's semantics at the border.*
//!
//! A [`Simulator`] is built from an environment and wrappers, which are all [`Plugin`]s: they declare spaces,
//! register row state and add systems to the sets of a step ([`StepSet`]). There are three ways to write an
//! environment, and all look the same from outside:
//!
//! * [`Environment`]: a state struct with `reset`, `step`, `observe` for one row ([`RowPlugin`] hosts it);
//! * [`BatchEnvironment`]: kernels over column slices ([`BatchPlugin`] hosts it), declared with
//!   [`state_columns!`](crate::state_columns);
//! * a [`Plugin`] of your own, with components, resources and systems.

mod batch;
mod border;
mod builder;
mod enclosed;
mod join;
mod lanes;
mod repeat;
mod row;
mod selection;
mod shard;
mod simulator;
mod spec;
mod state;
mod worker;

pub use batch::{BatchEnvironment, BatchPlugin, BatchRows, Fault, StateColumns};
pub(crate) use border::masked_choice;
pub use border::{ActView, Border, PlayerBorder};
pub use builder::{Builder, Plugin, StepSet};
pub(crate) use enclosed::{Enclosed, Encloses, Start};
pub use lanes::{Lane, Lanes, ResetOptions, StreamId};
pub use row::{Environment, RowObservation, RowPlugin, RowStep, no_options};
pub use selection::Selection;
pub use simulator::{Autoreset, RowReset, Simulator, SimulatorBuilder};
pub use spec::{EnvSpec, InfoField, InfoKind, Model, PlayerSpec, Turns};
pub use state::{RowState, read_value, write_value};
pub(crate) use state::{load_columns, row_members, save_columns};
