//! An environment within another one: rows that the outer environment resets and steps as it likes.

use std::{marker::PhantomData, sync::Arc};

use bevy_ecs::prelude::World;
use serde_json::Value;

use super::{
    Autoreset, Border, Builder, EnvSpec, Lane, Plugin, RowState, shard::Shard, state::StatePart,
};
use crate::error::EnvError;

/// As many rows of an environment as the outer one has, without resets of their own.
pub(crate) struct Enclosed(Box<Shard>);

/// How an episode of a row begins.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    /// Row of the shard.
    pub(crate) row: usize,
    /// Where the start is drawn from.
    pub(crate) lane: Lane,
    /// Number of the episode within the lane from which all that happens later is drawn.
    pub(crate) later: u64,
    /// Reset options, or JSON null.
    pub(crate) options: Value,
}

impl Enclosed {
    /// What `builder` has collected.
    pub(super) fn new(builder: Builder) -> Result<Self, EnvError> {
        let mut shard = Shard::of(builder, 0, 0, Autoreset::Disabled)?;
        shard.start_without_reset();
        // A row that was never reset must not differ from others of its kind.
        let rows = shard.border().rows();
        let lanes = shard.lanes_mut();
        (0..rows).for_each(|row| lanes.set(row, Lane::of_seed(0)));
        Ok(Self(Box::new(shard)))
    }

    /// An environment and its wrappers, for the rows of `outer`.
    pub(crate) fn of(plugins: &[Box<dyn Plugin>], outer: &Builder) -> Result<Self, EnvError> {
        let mut builder = Builder::new(outer.rows(), &[]);
        for plugin in plugins {
            plugin.build(&mut builder)?;
        }
        Self::new(builder)
    }

    pub(crate) fn spec(&self) -> &Arc<EnvSpec> {
        self.0.spec()
    }

    pub(crate) fn border(&self) -> &Border {
        self.0.border()
    }

    pub(crate) fn border_mut(&mut self) -> &mut Border {
        self.0.border_mut()
    }

    pub(crate) fn render(&self, row: usize) -> Option<String> {
        self.0.render(row)
    }

    /// Starts an episode in each of some rows (ascending).
    pub(crate) fn reset(&mut self, starts: Vec<Start>) -> Result<(), EnvError> {
        if starts.is_empty() {
            return Ok(());
        }
        let later = |s: &Start| {
            let episode = s.later;
            (s.row, Lane { episode, ..s.lane })
        };
        let repeated = starts.iter().filter(|s| s.later != s.lane.episode);
        let repeated: Vec<(usize, Lane)> = repeated.map(later).collect();
        let numbers = repeated.iter().map(|(row, lane)| (*row, lane.episode));
        self.0.lanes_mut().set_repeated(numbers.collect());
        let resets = starts.into_iter().map(|s| (s.row, Some(s.lane), s.options));
        let outcome = self.0.reset_rows(&resets.collect::<Vec<_>>());
        let lanes = self.0.lanes_mut();
        lanes.set_repeated(Vec::new());
        for (row, lane) in repeated {
            lanes.set(row, lane);
        }
        outcome
    }

    /// Makes one step of the given rows (ascending), with the actions in the border.
    pub(crate) fn step(&mut self, rows: &[usize]) -> Result<(), EnvError> {
        self.0.step_unchecked(rows)
    }

    pub(crate) fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        self.0.save_row(row, out)
    }

    pub(crate) fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        self.0.load_row(row, bytes)
    }
}

/// Row state that holds environments.
pub(crate) trait Encloses: RowState {
    fn enclosed(&self) -> &[Enclosed];
    fn enclosed_mut(&mut self) -> &mut [Enclosed];
}

/// The state within enclosed environments that outlives their episodes.
struct CarriedWithin<R>(PhantomData<fn() -> R>);

impl<R: Encloses> StatePart for CarriedWithin<R> {
    fn save(&self, world: &World, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        let mut within = world.resource::<R>().enclosed().iter();
        within.try_for_each(|env| env.0.save_carried(row, out))
    }

    fn load(&self, world: &mut World, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        let resource = world.resource_mut::<R>().into_inner();
        let mut within = resource.enclosed_mut().iter_mut();
        within.try_for_each(|env| env.0.load_carried(row, bytes))
    }
}

impl Builder {
    /// As [`insert_row_resource`](Self::insert_row_resource), for state that holds environments.
    pub(crate) fn insert_enclosing_resource<R: Encloses>(&mut self, resource: R) {
        let carries = resource.enclosed().iter().any(|env| env.0.carries_state());
        self.insert_row_resource(resource);
        if carries {
            self.carried.push(Box::new(CarriedWithin::<R>(PhantomData)));
        }
    }
}
