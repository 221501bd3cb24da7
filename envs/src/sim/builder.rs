//! What a plugin can say while a simulator is built.

use std::{any::Any, marker::PhantomData};

use bevy_ecs::{
    bundle::{Bundle, NoBundleEffect},
    component::{Component, Mutable},
    prelude::{Entity, IntoScheduleConfigs, IntoSystem, Resource, World},
    schedule::{Schedule, SingleThreadedExecutor, SystemSet},
    system::BoxedSystem,
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Enclosed, EnvSpec, InfoField, RowState, Selection, StreamId,
    state::{ComponentPart, MemberEntities, MemberPart, ResourcePart, RowEntities, StatePart},
};
use crate::{
    error::EnvError,
    space::{Column, Columns, Space},
};

/// The sets of a step, in the order in which they run. After them, rows whose episode has ended are reset and
/// observed again (unless autoreset is off).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StepSet {
    /// Carry the agents' actions inwards through the wrappers, the outermost (added last) first.
    Act,
    /// Advance the state by one environment step; write rewards, `terminated` and info.
    Simulate,
    /// Change rewards on their way out. Time limit and returns have been settled before.
    Score,
    /// Write observations and masks, and carry them outwards through the wrappers. Also runs after a reset,
    /// for the rows that were reset.
    Observe,
    /// Look at the finished step, changing nothing.
    Record,
    /// Start an episode in the selected rows. Runs after a step for the rows that ended, and on demand.
    Reset,
}

/// An environment, a wrapper, or anything else that takes part in a step.
///
/// A plugin is built once per shard, so [`build`](Plugin::build) reads its settings and leaves them unchanged.
pub trait Plugin: Send + Sync + 'static {
    /// Declares spaces, state and systems.
    ///
    /// # Errors
    /// If the plugin does not fit the environment ([`EnvError::Incompatible`]) or its settings are wrong.
    fn build(&self, builder: &mut Builder) -> Result<(), EnvError>;

    /// Whether it reads the info fields with hidden state, so that these must be told even if nobody asks for them.
    fn reads_privileged(&self) -> bool {
        false
    }
}

impl Plugin for Box<dyn Plugin> {
    fn build(&self, builder: &mut Builder) -> Result<(), EnvError> {
        (**self).build(builder)
    }

    fn reads_privileged(&self) -> bool {
        (**self).reads_privileged()
    }
}

/// Several plugins as one: an environment and the wrappers around it, innermost first.
impl Plugin for Vec<Box<dyn Plugin>> {
    fn build(&self, builder: &mut Builder) -> Result<(), EnvError> {
        self.iter().try_for_each(|plugin| plugin.build(builder))
    }

    fn reads_privileged(&self) -> bool {
        self.iter().any(Plugin::reads_privileged)
    }
}

/// Order of a system within its schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, SystemSet)]
struct Slot(usize);

/// Writes a picture of row `row` in text.
pub(super) type Renderer = Box<dyn Fn(&World, usize) -> Option<String> + Send + Sync>;

/// Shows row `row` as a value of a type that the environment documents.
pub(super) type Viewer = Box<dyn Fn(&World, usize) -> Option<Box<dyn Any>> + Send + Sync>;

type Spawner = Box<dyn FnOnce(&mut World, &mut Vec<Entity>)>;

/// Collects what the plugins of one shard declare.
pub struct Builder {
    rows: usize,
    spec: Option<EnvSpec>,
    requested_info: Vec<String>,
    /// Whether all hidden state is asked for.
    pub(super) privileged_info: bool,
    world: World,
    systems: Vec<(StepSet, BoxedSystem)>,
    /// The `Observe` systems once more, for rows that were reset.
    reobserve: Vec<BoxedSystem>,
    spawners: Vec<Spawner>,
    /// Members of a row, and how they come to be.
    members: Option<(usize, Spawner)>,
    purposes: Vec<String>,
    /// What the names of purposes begin with.
    purpose_prefix: String,
    pub(super) parts: Vec<Box<dyn StatePart>>,
    pub(super) carried: Vec<Box<dyn StatePart>>,
    stages: Vec<(Vec<Space>, Vec<Space>)>,
    info: Vec<(String, Space)>,
    pub(super) action_repeat: u32,
    renderer: Option<Renderer>,
    viewer: Option<Viewer>,
}

/// The schedules of a shard and what goes with them.
pub(super) struct Parts {
    pub(super) world: World,
    pub(super) spec: EnvSpec,
    pub(super) act: Schedule,
    pub(super) simulate: Schedule,
    pub(super) finish: Schedule,
    pub(super) reset: Schedule,
    pub(super) parts: Vec<Box<dyn StatePart>>,
    pub(super) carried: Vec<Box<dyn StatePart>>,
    pub(super) stages: Vec<(Vec<Space>, Vec<Space>)>,
    pub(super) info: Columns,
    pub(super) purposes: Vec<String>,
    pub(super) action_repeat: u32,
    pub(super) renderer: Option<Renderer>,
    pub(super) viewer: Option<Viewer>,
}

impl Builder {
    pub(crate) fn new(rows: usize, requested_info: &[String]) -> Self {
        Self {
            rows,
            spec: None,
            requested_info: requested_info.to_vec(),
            privileged_info: false,
            world: World::new(),
            systems: Vec::new(),
            reobserve: Vec::new(),
            spawners: Vec::new(),
            members: None,
            purposes: Vec::new(),
            purpose_prefix: String::new(),
            parts: Vec::new(),
            carried: Vec::new(),
            stages: Vec::new(),
            info: Vec::new(),
            action_repeat: 1,
            renderer: None,
            viewer: None,
        }
    }

    /// Rows of this shard.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Says what the environment is. The environment does this first, once. The info fields of `spec` are offered
    /// with it: one that somebody asked for has a column of its name in [`Border::info`](super::Border::info).
    pub fn environment(&mut self, mut spec: EnvSpec) {
        let offered = std::mem::take(&mut spec.info);
        self.stages = spec
            .players
            .iter()
            .map(|p| (vec![p.observation.clone()], vec![p.action.clone()]))
            .collect();
        self.spec = Some(spec);
        for field in offered {
            self.offer_info(field);
        }
    }

    /// The environment as built so far.
    ///
    /// # Panics
    /// If the environment has not been declared, which is so only for a wrapper used as an environment.
    pub fn spec(&self) -> &EnvSpec {
        self.spec
            .as_ref()
            .expect("the first plugin declares an environment")
    }

    /// The environment as built so far, for a wrapper to change (names, horizon, reward range). Spaces are
    /// changed with [`add_observation_stage`](Self::add_observation_stage) and
    /// [`add_action_stage`](Self::add_action_stage).
    ///
    /// # Panics
    /// As [`spec`](Self::spec).
    pub fn spec_mut(&mut self) -> &mut EnvSpec {
        self.spec
            .as_mut()
            .expect("the first plugin declares an environment")
    }

    /// Puts a new observation space around player `player`'s present one; returns the number of the new
    /// stage, to be filled by an `Observe` system from the stage before it.
    pub fn add_observation_stage(&mut self, player: usize, space: Space) -> usize {
        self.spec_mut().players[player].observation = space.clone();
        self.stages[player].0.push(space);
        self.stages[player].0.len() - 1
    }

    /// Puts a new action space around player `player`'s present one; returns the number of the new stage,
    /// from which an `Act` system fills the stage before it.
    pub fn add_action_stage(&mut self, player: usize, space: Space) -> usize {
        self.spec_mut().players[player].action = space.clone();
        self.stages[player].1.push(space);
        self.stages[player].1.len() - 1
    }

    /// The outermost action stage of player `player` so far: what the next wrapper outwards writes.
    pub fn action_stage(&self, player: usize) -> usize {
        self.stages[player].1.len() - 1
    }

    /// Offers an info field. Returns its column in [`Border::info`](super::Border::info) if somebody asked for it.
    pub fn offer_info(&mut self, field: InfoField) -> Option<usize> {
        let wanted = self.requested_info.contains(&field.name)
            || self.privileged_info && field.is_privileged();
        if wanted {
            self.info.push((field.name.clone(), field.space.clone()));
        }
        self.spec_mut().info.push(field);
        wanted.then(|| self.info.len() - 1)
    }

    /// Column of an info field in [`Border::info`](super::Border::info), if somebody asked for it.
    pub fn info_column(&self, name: &str) -> Option<usize> {
        self.info.iter().position(|(known, _)| known == name)
    }

    /// Names a purpose of randomness (`env.reset`, `wrapper.sticky_actions`, …); every row gets a stream for it.
    pub fn stream(&mut self, purpose: &str) -> StreamId {
        let purpose = format!("{}{purpose}", self.purpose_prefix);
        let known = self.purposes.iter().position(|p| *p == purpose);
        StreamId(known.unwrap_or_else(|| {
            self.purposes.push(purpose);
            self.purposes.len() - 1
        }))
    }

    /// What has been built so far as an environment of its own, within the one that is now to be declared.
    pub(crate) fn enclose(&mut self) -> Result<Enclosed, EnvError> {
        let mut outer = Self::new(self.rows, &self.requested_info);
        outer.purpose_prefix.clone_from(&self.purpose_prefix);
        outer.privileged_info = self.privileged_info;
        outer.keep_streams_apart();
        Enclosed::new(std::mem::replace(self, outer))
    }

    /// Lets all streams named from now on differ from those that environments within this one use, which are of the
    /// same lanes.
    pub(crate) fn keep_streams_apart(&mut self) {
        self.purpose_prefix.push_str("outer.");
    }

    /// Environment steps made for each action of an agent.
    pub fn set_action_repeat(&mut self, times: u32) {
        self.action_repeat *= times;
    }

    /// Draws rows as text.
    pub fn set_renderer(
        &mut self,
        render: impl Fn(&World, usize) -> Option<String> + Send + Sync + 'static,
    ) {
        self.renderer = Some(Box::new(render));
    }

    /// Shows rows as values, for [`Simulator::view`](super::Simulator::view). The type is the environment's own.
    pub fn set_viewer<V: Any>(
        &mut self,
        view: impl Fn(&World, usize) -> Option<V> + Send + Sync + 'static,
    ) {
        self.viewer = Some(Box::new(move |world, row| {
            view(world, row).map(|view| Box::new(view) as Box<dyn Any>)
        }));
    }

    /// Adds a resource that holds no state of rows (settings, tables).
    pub fn insert_resource(&mut self, resource: impl Resource) {
        self.world.insert_resource(resource);
    }

    /// A resource that was inserted before, to add to it: plugins of one kind may share one.
    pub fn resource_mut<R: Resource + Component<Mutability = Mutable>>(
        &mut self,
    ) -> Option<&mut R> {
        let resource = self.world.get_resource_mut::<R>()?;
        Some(resource.into_inner())
    }

    /// Adds a resource that holds state of rows; it is saved and restored with them.
    pub fn insert_row_resource<R: RowState>(&mut self, resource: R) {
        self.world.insert_resource(resource);
        self.parts.push(Box::new(ResourcePart::<R>(PhantomData)));
    }

    /// As [`insert_row_resource`](Self::insert_row_resource), for state that outlives episodes (running
    /// statistics). The episode log keeps it with each episode, so that one can be replayed alone.
    pub fn insert_carried_resource<R: RowState>(&mut self, resource: R) {
        self.insert_row_resource(resource);
        self.carried.push(Box::new(ResourcePart::<R>(PhantomData)));
    }

    /// Gives every row the components of `bundle`. Register each with [`row_component`](Self::row_component).
    pub fn spawn_rows<B>(&mut self, bundle: B)
    where
        B: Bundle<Effect: NoBundleEffect> + Clone,
    {
        let rows = self.rows;
        self.spawners.push(Box::new(move |world, entities| {
            if entities.is_empty() {
                entities.extend(world.spawn_batch((0..rows).map(|_| bundle.clone())));
            } else {
                // Inserted in row order, so that table order stays row order.
                for entity in entities {
                    world.entity_mut(*entity).insert(bundle.clone());
                }
            }
        }));
    }

    /// Makes component `C` part of a row's state, saved and restored with it.
    pub fn row_component<C>(&mut self)
    where
        C: Component<Mutability = Mutable> + Serialize + DeserializeOwned,
    {
        self.parts.push(Box::new(ComponentPart::<C>(PhantomData)));
    }

    /// Gives every row `per_row` entities beside its own, its members (traders, instruments), with the components of
    /// `bundle`. They are a table of their own in which the members of a row are neighbours and rows are in order, so
    /// that a row's members are a slice of each column. There is one kind of member.
    pub fn spawn_members<B>(&mut self, per_row: usize, bundle: B)
    where
        B: Bundle<Effect: NoBundleEffect> + Clone,
    {
        let members = self.rows * per_row;
        let spawn: Spawner = Box::new(move |world, entities| {
            entities.extend(world.spawn_batch((0..members).map(|_| bundle.clone())));
        });
        self.members = Some((per_row, spawn));
    }

    /// Makes component `C` of the members part of their row's state, saved and restored with it.
    pub fn member_component<C>(&mut self)
    where
        C: Component<Mutability = Mutable> + Serialize + DeserializeOwned,
    {
        self.parts.push(Box::new(MemberPart::<C>(PhantomData)));
    }

    /// Adds a system to a set. Systems of a set run in the order they are added, except in
    /// [`Act`](StepSet::Act), where the last added runs first. A system takes the
    /// [`Selection`] and works on those rows only.
    pub fn add_system<M, S>(&mut self, set: StepSet, system: S)
    where
        S: IntoSystem<(), (), M> + Copy,
    {
        self.systems
            .push((set, Box::new(IntoSystem::into_system(system))));
        if set == StepSet::Observe {
            self.reobserve
                .push(Box::new(IntoSystem::into_system(system)));
        }
    }

    /// As [`add_system`](Self::add_system), for an `Observe` system that need not run after a reset, because the
    /// `Reset` system observes.
    pub(super) fn add_system_of_steps<M, S>(&mut self, set: StepSet, system: S)
    where
        S: IntoSystem<(), (), M>,
    {
        self.systems
            .push((set, Box::new(IntoSystem::into_system(system))));
    }

    pub(super) fn has_act_systems(&self) -> bool {
        self.systems.iter().any(|(set, _)| *set == StepSet::Act)
    }

    pub(super) fn finish(mut self) -> Result<Parts, EnvError> {
        let spec = self.spec.take().ok_or_else(|| {
            EnvError::Layout("the first plugin of a simulator must be an environment".into())
        })?;
        let mut entities = Vec::with_capacity(self.rows);
        for spawn in self.spawners {
            spawn(&mut self.world, &mut entities);
        }
        self.world.insert_resource(RowEntities(entities));
        if let Some((per_row, spawn)) = self.members {
            let mut entities = Vec::with_capacity(self.rows * per_row);
            spawn(&mut self.world, &mut entities);
            self.world
                .insert_resource(MemberEntities { per_row, entities });
        }
        self.world.insert_resource(Selection::all(self.rows));

        let (mut act, mut simulate, mut finish, mut reset) = (vec![], vec![], vec![], vec![]);
        self.systems.sort_by_key(|(set, _)| *set);
        for (set, system) in self.systems {
            match set {
                StepSet::Act => act.push(system),
                StepSet::Simulate => simulate.push(system),
                StepSet::Score | StepSet::Observe | StepSet::Record => finish.push(system),
                StepSet::Reset => reset.push(system),
            }
        }
        act.reverse();
        reset.append(&mut self.reobserve);

        let columns = self.info.into_iter().map(|(name, space)| {
            let mut field: Column = space.columns(self.rows).fields()[0].clone();
            field.name = name;
            field
        });
        Ok(Parts {
            info: Columns::new(self.rows, columns.collect()),
            world: self.world,
            spec,
            act: chain(act),
            simulate: chain(simulate),
            finish: chain(finish),
            reset: chain(reset),
            parts: self.parts,
            carried: self.carried,
            stages: self.stages,
            purposes: self.purposes,
            action_repeat: self.action_repeat,
            renderer: self.renderer,
            viewer: self.viewer,
        })
    }
}

/// A schedule that runs `systems` one after the other on the calling thread.
fn chain(systems: Vec<BoxedSystem>) -> Schedule {
    let mut schedule = Schedule::default();
    schedule.set_executor(SingleThreadedExecutor::new());
    for (i, system) in systems.into_iter().enumerate() {
        schedule.add_systems(system.in_set(Slot(i)));
        if i > 0 {
            schedule.configure_sets(Slot(i).after(Slot(i - 1)));
        }
    }
    schedule
}
