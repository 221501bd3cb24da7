//! Saving and restoring what lives in a row: for planners (clone a row), checkpoints and replay.

use std::marker::PhantomData;

use bevy_ecs::{
    component::{Component, Mutable},
    prelude::{Entity, Resource, World},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Border, Lane, Lanes};
use crate::{
    error::EnvError,
    space::{ColumnData, Columns},
};

/// The entities of the rows in row order.
#[derive(Debug, Resource)]
pub(super) struct RowEntities(pub(super) Vec<Entity>);

/// The members of the rows: those of a row side by side, rows in order.
#[derive(Debug, Resource)]
pub(super) struct MemberEntities {
    pub(super) per_row: usize,
    pub(super) entities: Vec<Entity>,
}

/// Appends `value` to `out` in the compact form of saved rows.
pub fn write_value<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), EnvError> {
    let taken = std::mem::take(out);
    *out = postcard::to_extend(value, taken).map_err(|e| EnvError::Snapshot(e.to_string()))?;
    Ok(())
}

/// Reads a value written by [`write_value`] from the front of `bytes` and moves past it.
pub fn read_value<'a, T: Deserialize<'a>>(bytes: &mut &'a [u8]) -> Result<T, EnvError> {
    let (value, rest) =
        postcard::take_from_bytes(bytes).map_err(|e| EnvError::Snapshot(e.to_string()))?;
    *bytes = rest;
    Ok(value)
}

/// A resource that holds state for every row.
pub trait RowState: Resource + Component<Mutability = Mutable> {
    /// Appends row `row` to `out`, e.g. with [`write_value`].
    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError>;

    /// Reads row `row` back from the front of `bytes`, e.g. with [`read_value`].
    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError>;
}

/// One registered part of the rows' state.
pub(super) trait StatePart: Send + Sync {
    fn save(&self, world: &World, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError>;
    fn load(&self, world: &mut World, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError>;
}

pub(super) struct ComponentPart<C>(pub(super) PhantomData<fn() -> C>);

impl<C> StatePart for ComponentPart<C>
where
    C: Component<Mutability = Mutable> + Serialize + DeserializeOwned,
{
    fn save(&self, world: &World, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        let entity = world.resource::<RowEntities>().0[row];
        let component = world.get::<C>(entity);
        write_value(component.ok_or_else(|| missing::<C>(row))?, out)
    }

    fn load(&self, world: &mut World, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        let entity = world.resource::<RowEntities>().0[row];
        let value: C = read_value(bytes)?;
        *world
            .get_mut::<C>(entity)
            .ok_or_else(|| missing::<C>(row))? = value;
        Ok(())
    }
}

pub(super) struct MemberPart<C>(pub(super) PhantomData<fn() -> C>);

impl<C> MemberPart<C> {
    fn of_row(world: &World, row: usize) -> impl Iterator<Item = Entity> {
        let MemberEntities { per_row, entities } = world.resource::<MemberEntities>();
        entities[row * per_row..(row + 1) * per_row].iter().copied()
    }
}

impl<C> StatePart for MemberPart<C>
where
    C: Component<Mutability = Mutable> + Serialize + DeserializeOwned,
{
    fn save(&self, world: &World, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        for entity in Self::of_row(world, row) {
            write_value(
                world.get::<C>(entity).ok_or_else(|| missing::<C>(row))?,
                out,
            )?;
        }
        Ok(())
    }

    fn load(&self, world: &mut World, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        for entity in Self::of_row(world, row).collect::<Vec<_>>() {
            let value: C = read_value(bytes)?;
            let component = world.get_mut::<C>(entity);
            *component.ok_or_else(|| missing::<C>(row))? = value;
        }
        Ok(())
    }
}

/// A component of each member of a row.
pub(crate) fn row_members<C: Component + Copy>(world: &World, row: usize) -> Vec<C> {
    let members = MemberPart::<C>::of_row(world, row);
    members
        .filter_map(|entity| world.get::<C>(entity).copied())
        .collect()
}

fn missing<C>(row: usize) -> EnvError {
    EnvError::Snapshot(format!("row {row} has no {}", std::any::type_name::<C>()))
}

pub(super) struct ResourcePart<R>(pub(super) PhantomData<fn() -> R>);

impl<R: RowState> StatePart for ResourcePart<R> {
    fn save(&self, world: &World, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        world.resource::<R>().save_row(row, out)
    }

    fn load(&self, world: &mut World, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        world.resource_mut::<R>().load_row(row, bytes)
    }
}

/// Appends row `row` of `columns` to `out`.
pub(crate) fn save_columns(
    columns: &Columns,
    row: usize,
    out: &mut Vec<u8>,
) -> Result<(), EnvError> {
    for field in columns.fields() {
        let range = row * field.width..(row + 1) * field.width;
        match &field.data {
            ColumnData::F32(v) => write_value(&v[range], out)?,
            ColumnData::F64(v) => write_value(&v[range], out)?,
            ColumnData::I32(v) => write_value(&v[range], out)?,
            ColumnData::U8(v) => write_value(&v[range], out)?,
            ColumnData::Text(v) => write_value(&v[range], out)?,
        }
    }
    Ok(())
}

/// Reads one row of a field, whose length is that of `into`.
fn read_slice<T: DeserializeOwned + Clone>(
    into: &mut [T],
    bytes: &mut &[u8],
) -> Result<(), EnvError> {
    let values: Vec<T> = read_value(bytes)?;
    if values.len() != into.len() {
        return Err(EnvError::Snapshot(format!(
            "a field has {} elements instead of {}",
            values.len(),
            into.len()
        )));
    }
    into.clone_from_slice(&values);
    Ok(())
}

/// Reads row `row` of `columns` from the front of `bytes`.
pub(crate) fn load_columns(
    columns: &mut Columns,
    row: usize,
    bytes: &mut &[u8],
) -> Result<(), EnvError> {
    for field in columns.fields_mut() {
        let range = row * field.width..(row + 1) * field.width;
        match &mut field.data {
            ColumnData::F32(v) => read_slice(&mut v[range], bytes)?,
            ColumnData::F64(v) => read_slice(&mut v[range], bytes)?,
            ColumnData::I32(v) => read_slice(&mut v[range], bytes)?,
            ColumnData::U8(v) => read_slice(&mut v[range], bytes)?,
            ColumnData::Text(v) => read_slice(&mut v[range], bytes)?,
        }
    }
    Ok(())
}

impl RowState for Border {
    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        let flags = (self.terminated[row], self.truncated[row]);
        write_value(&(flags, self.elapsed[row], self.final_elapsed[row]), out)?;
        save_columns(&self.info, row, out)?;
        for p in &self.players {
            let turn = (p.acting[row], p.acted[row]);
            let sums = (p.reward[row], p.episode_return[row], p.final_return[row]);
            write_value(&(turn, sums), out)?;
            write_value(p.mask_row(row), out)?;
            let stages = p
                .observations
                .iter()
                .chain(&p.actions)
                .chain([&p.final_observation]);
            stages
                .into_iter()
                .try_for_each(|columns| save_columns(columns, row, out))?;
        }
        Ok(())
    }

    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        (
            (self.terminated[row], self.truncated[row]),
            self.elapsed[row],
            self.final_elapsed[row],
        ) = read_value(bytes)?;
        load_columns(&mut self.info, row, bytes)?;
        for p in &mut self.players {
            let turn: (bool, bool);
            let sums: (f32, f64, f64);
            (turn, sums) = read_value(bytes)?;
            (p.acting[row], p.acted[row]) = turn;
            (p.reward[row], p.episode_return[row], p.final_return[row]) = sums;
            read_slice(p.mask_row_mut(row), bytes)?;
            let stages = p.observations.iter_mut().chain(&mut p.actions);
            for columns in stages.chain([&mut p.final_observation]) {
                load_columns(columns, row, bytes)?;
            }
        }
        Ok(())
    }
}

impl RowState for Lanes {
    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        write_value(&self.lane(row), out)
    }

    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        let lane: Lane = read_value(bytes)?;
        self.set(row, lane);
        Ok(())
    }
}
