//! The simulator as users see it: a batch of rows, in one shard or several.

use std::{any::Any, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Border, EnvSpec, Lane, Plugin, shard::Shard, worker::Worker};
use crate::error::EnvError;

/// What happens to a row whose episode has ended (names as in Gymnasium ≥ 1.0).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Autoreset {
    /// The row is reset within the same step: its observation is the first of the next episode, the true last
    /// one is in `final_observation`.
    #[default]
    SameStep,
    /// The step returns the last observation; the next step ignores the row's action and resets it, with
    /// reward 0 and both flags down.
    NextStep,
    /// The row must be reset with [`Simulator::reset_rows`] before it is stepped again.
    Disabled,
}

/// A request to start an episode in a row.
#[derive(Debug, Clone, PartialEq)]
pub struct RowReset {
    /// Row of the batch.
    pub row: usize,
    /// Where its randomness comes from; `None` goes on to the lane's next episode.
    pub lane: Option<Lane>,
    /// Options for the environment, or JSON null.
    pub options: Value,
}

impl RowReset {
    /// The next episode of row `row`.
    pub fn next(row: usize) -> Self {
        Self {
            row,
            lane: None,
            options: Value::Null,
        }
    }

    /// The first episode of an explicit seed.
    pub fn seeded(row: usize, seed: u64) -> Self {
        Self {
            row,
            lane: Some(Lane::of_seed(seed)),
            options: Value::Null,
        }
    }
}

/// Settings of a simulator to be built; see [`Simulator::builder`].
#[must_use]
pub struct SimulatorBuilder {
    plugins: Vec<Box<dyn Plugin>>,
    rows: usize,
    shards: usize,
    seed: u64,
    autoreset: Autoreset,
    info: Vec<String>,
}

impl SimulatorBuilder {
    /// Number of environment instances; 1 unless set.
    pub fn rows(mut self, rows: usize) -> Self {
        self.rows = rows;
        self
    }

    /// Number of parts that are stepped on threads of their own; 1 unless set. Results do not depend on it. It
    /// pays from some ten thousand rows of a cheap environment.
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = shards;
        self
    }

    /// Seed of all randomness; 0 unless set.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// What happens when an episode ends; [`Autoreset::SameStep`] unless set.
    pub fn autoreset(mut self, mode: Autoreset) -> Self {
        self.autoreset = mode;
        self
    }

    /// Puts a wrapper around what has been built so far.
    pub fn wrap(mut self, wrapper: impl Plugin) -> Self {
        self.plugins.push(Box::new(wrapper));
        self
    }

    /// Asks for an info field; the environment's spec lists those it can tell.
    pub fn info(mut self, name: &str) -> Self {
        self.info.push(name.to_owned());
        self
    }

    /// Builds the simulator. Its first episodes start with [`Simulator::reset`].
    ///
    /// # Errors
    /// If a plugin refuses ([`EnvError::Incompatible`], [`EnvError::Argument`]), an info field is unknown, or
    /// there are no rows or more shards than rows.
    pub fn build(self) -> Result<Simulator, EnvError> {
        let Self {
            plugins,
            rows,
            shards,
            seed,
            autoreset,
            info,
        } = self;
        if rows == 0 {
            return Err(EnvError::Layout(
                "a simulator needs at least one row".into(),
            ));
        }
        if shards == 0 || shards > rows {
            return Err(EnvError::Layout(format!(
                "{rows} rows cannot be cut into {shards} shards"
            )));
        }
        let sizes: Vec<usize> = (0..shards)
            .map(|i| rows * (i + 1) / shards - rows * i / shards)
            .collect();
        let mut first = 0;
        let mut built = Vec::with_capacity(shards);
        for &size in &sizes {
            built.push(Shard::new(
                &plugins,
                size,
                seed,
                first as u64,
                autoreset,
                &info,
            )?);
            first += size;
        }
        let spec = built[0].spec().clone();
        if let Some(name) = info.iter().find(|name| spec.info_index(name).is_none()) {
            let known: Vec<&str> = spec.info.iter().map(|f| f.name.as_str()).collect();
            return Err(EnvError::Layout(format!(
                "`{}` has no info field `{name}`; it has: {}",
                spec.id,
                if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                }
            )));
        }
        let mut built: Vec<Box<Shard>> = built.into_iter().map(Box::new).collect();
        let joined = (shards > 1).then(|| join(&mut built));
        let workers = (1..shards).map(Worker::spawn).collect::<Result<_, _>>()?;
        Ok(Simulator {
            shards: built,
            sizes,
            rows,
            spec,
            joined,
            workers,
        })
    }
}

/// The border of a batch in several shards.
#[expect(unsafe_code, reason = "shards write their rows of one border in place")]
fn join(shards: &mut [Box<Shard>]) -> Border {
    let mut borders: Vec<&mut Border> = shards.iter_mut().map(|s| s.border_mut()).collect();
    // SAFETY: shards work only within `Simulator::with_shards`, which holds the simulator exclusively and keeps the whole
    // out of reach, also of those who catch a panic: then the whole is gone. Before a shard works or is read, and before
    // the whole is used after that, all parts and wholes are found in their places, so that nobody else has one.
    unsafe { Border::join(&mut borders) }
}

/// A batch of environment instances.
///
/// ```
/// use palaestra_envs::{registry, sim::Simulator};
///
/// let cartpole = registry().build("cartpole-v1", &serde_json::Value::Null)?;
/// let mut simulator = Simulator::builder(cartpole).rows(8).seed(1).build()?;
/// simulator.reset()?;
/// simulator.border_mut().player_mut(0).action_mut().i32_mut(0).fill(1);
/// simulator.step()?;
/// let player = simulator.border().player(0);
/// assert_eq!(player.observation().f32(0).len(), 8 * 4);
/// assert_eq!(player.reward, [1.0; 8]);
/// # Ok::<(), palaestra_envs::EnvError>(())
/// ```
pub struct Simulator {
    shards: Vec<Box<Shard>>,
    sizes: Vec<usize>,
    rows: usize,
    spec: Arc<EnvSpec>,
    /// The border of the whole batch, where there are several shards, whose borders are parts of it. `None` for ever
    /// if one of them panicked or lost a buffer.
    joined: Option<Border>,
    /// One for each shard but the first, which is stepped on the calling thread.
    workers: Vec<Worker>,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulator")
            .field("env", &self.spec.id)
            .field("rows", &self.rows)
            .field("shards", &self.shards.len())
            .finish_non_exhaustive()
    }
}

impl Simulator {
    /// Starts building a simulator of `environment`.
    pub fn builder(environment: impl Plugin) -> SimulatorBuilder {
        SimulatorBuilder {
            plugins: vec![Box::new(environment)],
            rows: 1,
            shards: 1,
            seed: 0,
            autoreset: Autoreset::SameStep,
            info: Vec::new(),
        }
    }

    /// What is simulated, wrappers included.
    pub fn spec(&self) -> &Arc<EnvSpec> {
        &self.spec
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The buffers between simulator and agents.
    #[inline]
    pub fn border(&self) -> &Border {
        self.joined
            .as_ref()
            .unwrap_or_else(|| self.shards[0].border())
    }

    /// The buffers between simulator and agents, to write actions. They must be written in place: a simulator of several
    /// shards from which a buffer was moved away or exchanged works no more ([`EnvError::Layout`]).
    #[inline]
    pub fn border_mut(&mut self) -> &mut Border {
        match &mut self.joined {
            Some(border) => border,
            None => self.shards[0].border_mut(),
        }
    }

    /// The lane of row `row`'s running episode.
    ///
    /// # Errors
    /// [`EnvError::NoSuchRow`].
    pub fn lane(&self, row: usize) -> Result<Lane, EnvError> {
        let (shard, local) = self.locate(row)?;
        Ok(self.shards[shard].lane(local))
    }

    /// Whether the borders of whole and shards are joined as they were built.
    fn is_joined(&self) -> bool {
        let shards = || self.shards.iter().map(|shard| shard.border());
        self.sizes.len() == 1
            || self.shards.len() == self.sizes.len()
                && (self.joined.as_ref())
                    .is_some_and(|whole| shards().all(|shard| whole.is_joined_with(shard)))
    }

    fn check_joined(&self) -> Result<(), EnvError> {
        if self.is_joined() {
            return Ok(());
        }
        let message = "a shard failed earlier, or a buffer of the border was moved or exchanged \
                       instead of written";
        Err(EnvError::Layout(message.into()))
    }

    /// Lets shards work, with the whole border out of reach.
    fn with_shards<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, EnvError>,
    ) -> Result<T, EnvError> {
        self.check_joined()?;
        let whole = self.joined.take();
        let outcome = work(self);
        self.joined = whole;
        let joined = self.check_joined();
        if joined.is_err() {
            self.joined = None;
        }
        outcome.and_then(|outcome| joined.map(|()| outcome))
    }

    fn locate(&self, row: usize) -> Result<(usize, usize), EnvError> {
        let mut local = row;
        for (shard, &size) in self.sizes.iter().enumerate() {
            if local < size {
                self.check_joined()?;
                return Ok((shard, local));
            }
            local -= size;
        }
        Err(EnvError::NoSuchRow {
            row,
            rows: self.rows,
        })
    }

    /// Starts an episode in every row: the first one after building, the lane's next one later.
    ///
    /// # Errors
    /// Only what an environment's reset may refuse.
    pub fn reset(&mut self) -> Result<(), EnvError> {
        let rows: Vec<RowReset> = (0..self.rows).map(RowReset::next).collect();
        self.reset_rows(&rows)
    }

    /// Starts an episode in the given rows; the others keep state and observation.
    ///
    /// # Errors
    /// [`EnvError::NoSuchRow`], [`EnvError::Options`], or [`EnvError::Layout`] if a row is given twice.
    pub fn reset_rows(&mut self, resets: &[RowReset]) -> Result<(), EnvError> {
        let mut parts: Vec<Vec<(usize, Option<Lane>, Value)>> = vec![Vec::new(); self.shards.len()];
        for reset in resets {
            let (shard, local) = self.locate(reset.row)?;
            parts[shard].push((local, reset.lane, reset.options.clone()));
        }
        for part in &mut parts {
            part.sort_by_key(|(row, _, _)| *row);
            if let Some(pair) = part.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return Err(EnvError::Layout(format!(
                    "row {} is to be reset twice",
                    pair[0].0
                )));
            }
        }
        self.with_shards(|simulator| {
            let parts = simulator.shards.iter_mut().zip(&parts);
            (parts.filter(|(_, part)| !part.is_empty()))
                .try_for_each(|(shard, part)| shard.reset_rows(part))
        })
    }

    /// Makes one step of every row with the actions in the border.
    ///
    /// # Errors
    /// [`EnvError::InvalidAction`] and [`EnvError::MaskedAction`] before anything has changed in any row,
    /// [`EnvError::StepBeforeReset`], [`EnvError::StepAfterEnd`] with autoreset disabled.
    pub fn step(&mut self) -> Result<(), EnvError> {
        self.with_shards(Self::step_shards)
    }

    fn step_shards(&mut self) -> Result<(), EnvError> {
        // All shards check their actions before one of them moves, so that a refused action changes nothing.
        let mut start = 0;
        for (shard, size) in self.shards.iter_mut().zip(&self.sizes) {
            if let Err(error) = shard.prepare(None) {
                self.shards.iter_mut().for_each(|shard| shard.cancel());
                return Err(at_offset(error, start));
            }
            start += size;
        }
        for (worker, shard) in self.workers.iter_mut().zip(self.shards.drain(1..)) {
            worker.start(shard);
        }
        let mut outcome = self.shards[0].advance(None);
        let mut start = self.sizes[0];
        for (worker, size) in self.workers.iter_mut().zip(&self.sizes[1..]) {
            let (shard, of_shard) = worker.finish();
            outcome = outcome.and(of_shard.map_err(|e| at_offset(e, start)));
            self.shards.push(shard);
            start += size;
        }
        outcome
    }

    /// Makes one step of the given rows (ascending) and leaves the others as they are, their buffers too. For
    /// players that answer late: the rows that are ready go on.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn step_rows(&mut self, rows: &[usize]) -> Result<(), EnvError> {
        if let Some(&row) = rows.iter().find(|&&row| row >= self.rows) {
            return Err(EnvError::NoSuchRow {
                row,
                rows: self.rows,
            });
        }
        if rows.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(EnvError::Layout("rows to step must ascend".into()));
        }
        let starts = offsets(&self.sizes);
        let local: Vec<Vec<usize>> = starts
            .iter()
            .zip(&self.sizes)
            .map(|(&start, &size)| {
                let here = rows
                    .iter()
                    .filter(|&&row| row >= start && row < start + size);
                here.map(|row| row - start).collect()
            })
            .collect();
        self.with_shards(|simulator| simulator.step_rows_of_shards(&starts, &local))
    }

    /// Steps the given rows, `local` to each shard, whose first rows are `starts`.
    fn step_rows_of_shards(
        &mut self,
        starts: &[usize],
        local: &[Vec<usize>],
    ) -> Result<(), EnvError> {
        let mut parts: Vec<_> = self.shards.iter_mut().zip(starts).zip(local).collect();
        parts.retain(|(_, local)| !local.is_empty());
        for ((shard, start), local) in &mut parts {
            if let Err(error) = shard.prepare(Some(local)) {
                let error = at_offset(error, **start);
                parts.iter_mut().for_each(|((shard, _), _)| shard.cancel());
                return Err(error);
            }
        }
        let advance = parts.iter_mut().map(|((shard, start), local)| {
            shard
                .advance(Some(local))
                .map_err(|e| at_offset(e, **start))
        });
        advance.fold(Ok(()), Result::and)
    }

    /// All state of row `row`: a planner's copy, or part of a checkpoint. Also holds the row's border.
    ///
    /// # Errors
    /// [`EnvError::NoSuchRow`].
    pub fn save_row(&self, row: usize) -> Result<Vec<u8>, EnvError> {
        let (shard, local) = self.locate(row)?;
        let mut bytes = Vec::new();
        self.shards[shard].save_row(local, &mut bytes)?;
        Ok(bytes)
    }

    /// Puts a saved row into row `row` of this simulator, which must be built alike (rows and seed may differ).
    /// The row then goes on exactly as the saved one would have.
    ///
    /// # Errors
    /// [`EnvError::Snapshot`] if the bytes are of another kind of simulator, [`EnvError::NoSuchRow`].
    pub fn load_row(&mut self, row: usize, mut bytes: &[u8]) -> Result<(), EnvError> {
        let (shard, local) = self.locate(row)?;
        self.with_shards(|simulator| simulator.shards[shard].load_row(local, &mut bytes))?;
        nothing_left(bytes)
    }

    /// The state of row `row` that outlives its episodes (running statistics of wrappers), as it was when the
    /// running episode began, just before its first observation; empty if there is none. With it and the
    /// [`lane`](Self::lane), the episode can be made again alone.
    ///
    /// # Errors
    /// [`EnvError::NoSuchRow`].
    pub fn save_carried(&self, row: usize) -> Result<Vec<u8>, EnvError> {
        let (shard, local) = self.locate(row)?;
        Ok(self.shards[shard].carried_at_start(local).to_vec())
    }

    /// Puts back what [`save_carried`](Self::save_carried) gave, before the row is reset.
    ///
    /// # Errors
    /// [`EnvError::Snapshot`], [`EnvError::NoSuchRow`].
    pub fn load_carried(&mut self, row: usize, mut bytes: &[u8]) -> Result<(), EnvError> {
        let (shard, local) = self.locate(row)?;
        self.with_shards(|simulator| simulator.shards[shard].load_carried(local, &mut bytes))?;
        nothing_left(bytes)
    }

    /// Whether some state outlives episodes, so that replaying one needs [`load_carried`](Self::load_carried).
    pub fn carries_state(&self) -> bool {
        self.shards[0].carries_state()
    }

    /// The state of row `row`, if the environment is an [`Environment`](super::Environment) whose rows are `S`es;
    /// `None` for another one, and before the first reset.
    ///
    /// # Errors
    /// [`EnvError::NoSuchRow`].
    pub fn row_state<S: Send + Sync + 'static>(&self, row: usize) -> Result<Option<&S>, EnvError> {
        let (shard, local) = self.locate(row)?;
        Ok(self.shards[shard].row_state(local))
    }

    /// A picture of row `row` in text, if the environment draws one.
    ///
    /// # Errors
    /// [`EnvError::NoSuchRow`].
    pub fn render(&self, row: usize) -> Result<Option<String>, EnvError> {
        let (shard, local) = self.locate(row)?;
        Ok(self.shards[shard].render(local))
    }

    /// Row `row` as a value of type `V`; `None` where the environment shows no such thing. Environments in order books show a
    /// [`MarketView`](crate::market::host::MarketView).
    ///
    /// # Errors
    /// [`EnvError::NoSuchRow`].
    pub fn view<V: Any>(&self, row: usize) -> Result<Option<V>, EnvError> {
        let (shard, local) = self.locate(row)?;
        let view = self.shards[shard].view(local);
        Ok(view.and_then(|view| view.downcast().ok().map(|view| *view)))
    }
}

/// Refuses a saved state that is longer than what was read.
fn nothing_left(bytes: &[u8]) -> Result<(), EnvError> {
    if bytes.is_empty() {
        return Ok(());
    }
    Err(EnvError::Snapshot(format!(
        "{} bytes left over",
        bytes.len()
    )))
}

fn offsets(sizes: &[usize]) -> Vec<usize> {
    let starts = sizes.iter().scan(0, |next, size| {
        *next += size;
        Some(*next - size)
    });
    starts.collect()
}

/// Translates a row of a shard to a row of the batch.
fn at_offset(error: EnvError, start: usize) -> EnvError {
    match error {
        EnvError::InvalidAction {
            row,
            player,
            violation,
        } => EnvError::InvalidAction {
            row: row + start,
            player,
            violation,
        },
        EnvError::MaskedAction {
            row,
            player,
            action,
        } => EnvError::MaskedAction {
            row: row + start,
            player,
            action,
        },
        EnvError::BookFull {
            row,
            orders,
            refused,
        } => EnvError::BookFull {
            row: row + start,
            orders,
            refused,
        },
        EnvError::StepAfterEnd { row } => EnvError::StepAfterEnd { row: row + start },
        EnvError::Options { row, message } => EnvError::Options {
            row: row + start,
            message,
        },
        other => other,
    }
}
