//! How wrappers live in a simulator: as layers, each for one player, that share a resource per kind.

use bevy_ecs::prelude::{Res, ResMut, Resource};

use crate::{
    error::EnvError,
    registry::nearest,
    sim::{Border, Builder, Lanes, RowState, Selection, StepSet, StreamId},
};

/// What a layer's system works with. It reads and writes the selected rows only.
pub(super) struct Pass<'a> {
    pub(super) selection: &'a Selection,
    pub(super) lanes: &'a Lanes,
    pub(super) border: &'a mut Border,
}

/// Settings and row state of a wrapper around one player.
pub(super) trait Layer: Send + Sync + 'static {
    /// Whether the state of rows outlives their episodes.
    const CARRIED: bool = false;

    /// Appends the state of row `row`; most layers have none.
    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        let _ = (row, out);
        Ok(())
    }

    /// Reads the state of row `row`.
    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        let _ = (row, bytes);
        Ok(())
    }
}

/// All layers of one kind, innermost first.
#[derive(Resource)]
struct Layers<L: Layer>(Vec<L>);

impl<L: Layer> RowState for Layers<L> {
    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        self.0.iter().try_for_each(|layer| layer.save_row(row, out))
    }

    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        let mut layers = self.0.iter_mut();
        layers.try_for_each(|layer| layer.load_row(row, bytes))
    }
}

/// What a layer does in one set of a step.
pub(super) type Work<L> = fn(&mut L, &mut Pass<'_>);

/// Adds `layer` to the simulator, to be run in the given sets.
pub(super) fn add<L: Layer>(builder: &mut Builder, layer: L, work: &[(StepSet, Work<L>)]) {
    let index = count::<L>(builder);
    if let Some(layers) = builder.resource_mut::<Layers<L>>() {
        layers.0.push(layer);
    } else if L::CARRIED {
        builder.insert_carried_resource(Layers(vec![layer]));
    } else {
        builder.insert_row_resource(Layers(vec![layer]));
    }
    for &(set, work) in work {
        builder.add_system(
            set,
            move |selection: Res<Selection>,
                  lanes: Res<Lanes>,
                  border: ResMut<Border>,
                  mut layers: ResMut<Layers<L>>| {
                let mut pass = Pass {
                    selection: &selection,
                    lanes: &lanes,
                    border: border.into_inner(),
                };
                work(&mut layers.0[index], &mut pass);
            },
        );
    }
}

/// Layers of kind `L` so far.
fn count<L: Layer>(builder: &mut Builder) -> usize {
    builder.resource_mut::<Layers<L>>().map_or(0, |l| l.0.len())
}

/// The stream of the next layer of kind `L`: `wrapper.NAME#K` for the `K`-th from the inside, so that layers of
/// one kind draw different numbers, and other wrappers change nothing.
pub(super) fn stream<L: Layer>(builder: &mut Builder, name: &str) -> StreamId {
    let index = count::<L>(builder);
    builder.stream(&format!("wrapper.{name}#{index}"))
}

/// The players called `names`; all of them if there are no names.
pub(super) fn players(builder: &Builder, names: &[String]) -> Result<Vec<usize>, EnvError> {
    let players = &builder.spec().players;
    if names.is_empty() {
        return Ok((0..players.len()).collect());
    }
    let known = || players.iter().map(|p| p.name.as_str());
    let mut chosen = Vec::with_capacity(names.len());
    for name in names {
        let index = known().position(|n| n == name).ok_or_else(|| {
            let list: Vec<&str> = known().collect();
            EnvError::Argument {
                path: "players".into(),
                message: format!(
                    "`{}` has no player `{name}`; it has: {}",
                    builder.spec().id,
                    list.join(", ")
                ),
                suggestion: nearest(name, known()),
            }
        })?;
        if chosen.contains(&index) {
            return Err(EnvError::argument(
                "players",
                format!("`{name}` is named twice"),
            ));
        }
        chosen.push(index);
    }
    Ok(chosen)
}

/// A refusal to wrap player `player`.
pub(super) fn incompatible(
    builder: &Builder,
    wrapper: &'static str,
    player: usize,
    reason: &str,
) -> EnvError {
    let spec = builder.spec();
    let reason = if spec.players.len() == 1 {
        reason.to_owned()
    } else {
        format!("player `{}`: {reason}", spec.players[player].name)
    };
    EnvError::Incompatible {
        wrapper,
        env: spec.id.clone(),
        reason,
    }
}

/// Refuses `value` unless it lies in `0..=1`.
pub(super) fn check_probability(path: &str, value: f64) -> Result<(), EnvError> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(EnvError::argument(
        path,
        format!("must lie in 0..=1, found {value}"),
    ))
}

/// Refuses `value` unless it is finite and at least 0.
pub(super) fn check_size(path: &str, value: f64) -> Result<(), EnvError> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(EnvError::argument(
        path,
        format!("must be finite and at least 0, found {value}"),
    ))
}

/// Refuses a size of 0, and sizes that can only be a slip of the pen.
pub(super) fn check_width(path: &str, value: usize) -> Result<(), EnvError> {
    const MOST: usize = 1 << 16;
    if (1..=MOST).contains(&value) {
        return Ok(());
    }
    Err(EnvError::argument(
        path,
        format!("must lie in 1..={MOST}, found {value}"),
    ))
}

/// Refuses a count of 0.
pub(super) fn check_count(path: &str, value: u32) -> Result<(), EnvError> {
    if value >= 1 {
        return Ok(());
    }
    Err(EnvError::argument(path, "must be at least 1, found 0"))
}
