//! Recording a running batch.
//!
//! The run copies the border of each step to a block and notes where episodes end and begin; a thread of its own
//! puts the episodes together and writes them.

use std::{fs, path::Path, sync::Arc};

use palaestra_envs::sim::{Border, EnvSpec, Selection, Simulator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    block::{Block, Change, Origin, RareOrigin},
    choice::Choice,
    error::EpisodeError,
    facts::Ending,
    id::EpisodeKind,
    layout::Layout,
    listing::INDEX,
    tracks::State,
    worker::{Subject, Worker},
};
use crate::files;

/// A segment is sealed when it has so many steps,
const STEPS_PER_SEGMENT: usize = 65_536;
/// or, if steps are large, about so many bytes.
const BYTES_PER_SEGMENT: usize = 1 << 26;
/// Version of a recorder's saved state.
const STATE_VERSION: u32 = 1;

/// Records the episodes of a batch whose rows are reset in the step in which they end
/// ([`Autoreset::SameStep`](palaestra_envs::sim::Autoreset::SameStep)).
///
/// [`begin`](Self::begin) once after the first reset, [`step`](Self::step) after each step of all rows,
/// [`finish`](Self::finish) at the end.
#[derive(Debug)]
pub struct Recorder {
    subject: Subject,
    choice: Choice,
    rows: Vec<Row>,
    /// Number of rows whose running episode is logged.
    logging: usize,
    /// Steps recorded.
    clock: u64,
    /// No running episode is too long before.
    long_at: u64,
    /// Rows that ended in this step; kept for its memory.
    ended: Vec<usize>,
    block: Block,
    /// Steps after which the block is handed over.
    block_steps: usize,
    worker: Option<Worker>,
}

/// One row of the batch.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    /// Episodes begun.
    begun: u64,
    /// When the running episode, or the part of it that is not in the segment, began, if it is logged.
    since: Option<u64>,
}

/// What a checkpoint keeps.
#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    /// Episodes begun by each row.
    begun: Vec<u64>,
    /// A [`State`].
    state: Vec<u8>,
}

impl Recorder {
    /// A recorder of a batch of `rows` rows that writes to `folder`, which is created with the first segment.
    ///
    /// # Errors
    /// None at present.
    pub fn create(
        folder: &Path,
        kind: EpisodeKind,
        choice: Choice,
        spec: &Arc<EnvSpec>,
        rows: usize,
    ) -> Result<Self, EpisodeError> {
        let layout = Layout::of(spec);
        let by_bytes = BYTES_PER_SEGMENT / layout.bytes_per_step().max(1);
        let rows = choice.rows(rows);
        Ok(Self {
            choice,
            rows: vec![Row::default(); rows],
            logging: 0,
            clock: 0,
            long_at: 0,
            ended: Vec::new(),
            block: Block::new(&layout, rows),
            block_steps: Block::steps_when_full(&layout, rows),
            worker: None,
            subject: Subject {
                folder: folder.to_owned(),
                kind,
                env: spec.id.clone(),
                layout: Arc::new(layout),
                segment_steps: by_bytes.clamp(1, STEPS_PER_SEGMENT),
            },
        })
    }

    /// Seals segments after `steps` steps instead of the default.
    #[cfg(test)]
    pub(super) fn with_segment_steps(mut self, steps: usize) -> Self {
        self.subject.segment_steps = steps;
        self
    }

    /// Begins a new log: call it once, after the first reset. Segments of the same kind from an earlier attempt
    /// are removed.
    ///
    /// # Errors
    /// [`EpisodeError`].
    pub fn begin(&mut self, simulator: &Simulator) -> Result<(), EpisodeError> {
        self.begin_with_options(simulator, &[])
    }

    /// As [`begin`](Self::begin), for a batch whose rows were reset with options, one for each row from the
    /// first on.
    ///
    /// # Errors
    /// [`EpisodeError`].
    pub fn begin_with_options(
        &mut self,
        simulator: &Simulator,
        options: &[Value],
    ) -> Result<(), EpisodeError> {
        self.start(State::new(&self.subject.layout, self.rows.len()), |_| 0)?;
        for row in 0..self.rows.len() {
            self.open(simulator, row, options.get(row).unwrap_or(&Value::Null))?;
        }
        self.settle_rows();
        Ok(())
    }

    /// Records the step just made by all rows.
    ///
    /// # Errors
    /// [`EpisodeError`], also of a segment that was sealed some steps ago.
    #[inline]
    pub fn step(&mut self, simulator: &Simulator) -> Result<(), EpisodeError> {
        let rows = self.rows.len();
        if rows == 0 {
            return Ok(());
        }
        let border = simulator.border();
        if self.logging > 0 {
            self.block.push_step(&self.subject.layout, border);
            self.clock += 1;
        }
        collect_ended(border, rows, &mut self.ended);
        self.finish_step(simulator)
    }

    /// As [`step`](Self::step), for a step of the rows of `stepped`. The others are not recorded; of their episodes, no more may
    /// be logged.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn step_rows(
        &mut self,
        simulator: &Simulator,
        stepped: &Selection,
    ) -> Result<(), EpisodeError> {
        let rows = self.rows.len();
        if rows == 0 {
            return Ok(());
        }
        let border = simulator.border();
        if self.logging > 0 {
            self.block.push_step(&self.subject.layout, border);
            self.clock += 1;
        }
        self.ended.clear();
        let in_step = stepped.rows().take_while(|&row| row < rows);
        self.ended.extend(in_step.filter(|&row| border.ended(row)));
        self.finish_step(simulator)
    }

    /// What follows from the step that the block holds and the rows that ended in it.
    #[inline]
    fn finish_step(&mut self, simulator: &Simulator) -> Result<(), EpisodeError> {
        if !self.ended.is_empty() || (self.clock >= self.long_at && self.logging > 0) {
            self.mark(simulator)?;
        }
        if self.block.steps >= self.block_steps {
            self.hand_over()?;
        }
        Ok(())
    }

    /// Everything that is not sealed yet, for a checkpoint; waits until all that is sealed is on disk.
    ///
    /// # Errors
    /// [`EpisodeError`] if a segment could not be written.
    pub fn save(&mut self) -> Result<Vec<u8>, EpisodeError> {
        let state = if self.worker.is_some() {
            self.hand_over()?;
            match self.worker.as_ref().and_then(Worker::save) {
                Some(state) => state,
                None => return Err(self.broken_off()),
            }
        } else {
            postcard::to_allocvec(&State::new(&self.subject.layout, self.rows.len()))
        };
        let saved = Saved {
            version: STATE_VERSION,
            begun: self.rows.iter().map(|row| row.begun).collect(),
            state: state.map_err(|e| EpisodeError::State(e.to_string()))?,
        };
        postcard::to_allocvec(&saved).map_err(|e| EpisodeError::State(e.to_string()))
    }

    /// Goes on from what [`save`](Self::save) gave, instead of [`begin`](Self::begin). Segments that were sealed
    /// after that are removed: their episodes come again.
    ///
    /// # Errors
    /// [`EpisodeError::State`] if the bytes are damaged or of another environment or batch.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), EpisodeError> {
        let unreadable = |e: postcard::Error| EpisodeError::State(e.to_string());
        let saved: Saved = postcard::from_bytes(bytes).map_err(unreadable)?;
        if saved.version != STATE_VERSION {
            let other = "it was saved by another version of palaestra";
            return Err(EpisodeError::State(other.into()));
        }
        let state: State = postcard::from_bytes(&saved.state).map_err(unreadable)?;
        let rows = self.rows.len();
        let check = state.check(&self.subject.layout, rows);
        check.map_err(|reason| EpisodeError::State(reason.into()))?;
        if saved.begun.len() != rows {
            let other = "it was saved with another number of rows";
            return Err(EpisodeError::State(other.into()));
        }
        self.start(state, |row| saved.begun[row])
    }

    /// Seals the rest, with the episodes under way marked as cut, and writes the index if this is the end of
    /// training or there is one.
    ///
    /// # Errors
    /// [`EpisodeError`].
    pub fn finish(&mut self) -> Result<(), EpisodeError> {
        self.hand_over()?;
        let index = match self.worker.take() {
            Some(worker) => worker.finish()?,
            None => self.subject.index()?,
        };
        let is_train = self.subject.kind == EpisodeKind::Train;
        if is_train || self.subject.folder.join(INDEX).exists() {
            index.write()?;
        }
        Ok(())
    }

    /// Starts the thread with what it has to go on from.
    fn start(&mut self, state: State, begun: impl Fn(usize) -> u64) -> Result<(), EpisodeError> {
        if let Some(worker) = self.worker.take() {
            worker.join()?;
        }
        self.remove_segments_from(state.sealed)?;
        let steps = state.open_steps(&self.subject.layout);
        self.clock = steps.iter().flatten().max().map_or(0, |&most| most as u64);
        for ((index, row), steps) in self.rows.iter_mut().enumerate().zip(steps) {
            row.begun = begun(index);
            row.since = steps.map(|steps| self.clock - steps as u64);
        }
        self.block.clear();
        self.settle_rows();
        if !self.rows.is_empty() {
            let worker = Worker::start(self.subject.clone(), state, self.rows.len())?;
            self.worker = Some(worker);
        }
        Ok(())
    }

    /// Starts the episode that row `row` has just been reset to, if it is logged.
    fn open(
        &mut self,
        simulator: &Simulator,
        row: usize,
        options: &Value,
    ) -> Result<(), EpisodeError> {
        let state = &mut self.rows[row];
        let number = state.begun;
        state.begun += 1;
        state.since = self.choice.logs(number).then_some(self.clock);
        if state.since.is_none() {
            return Ok(());
        }
        let mut rare = RareOrigin::default();
        if !options.is_null() {
            rare.options = options.to_string();
        }
        if simulator.carries_state() {
            rare.carried = simulator.save_carried(row)?;
        }
        let has_rare = !rare.options.is_empty() || !rare.carried.is_empty();
        let origin = Origin {
            lane: simulator.lane(row)?,
            rare: has_rare.then(|| rare.into()),
        };
        let (layout, border) = (&self.subject.layout, simulator.border());
        self.block.mark(layout, border, row, Change::Begins(origin));
        Ok(())
    }

    /// Notes which episodes have ended and begun in this step, and which are too long.
    fn mark(&mut self, simulator: &Simulator) -> Result<(), EpisodeError> {
        let border = simulator.border();
        let ended = std::mem::take(&mut self.ended);
        let mut logging_changes = false;
        for &row in &ended {
            let logged = self.rows[row].since.is_some();
            if logged {
                let ending = if border.terminated[row] {
                    Ending::Terminated
                } else {
                    Ending::Truncated
                };
                let layout = &self.subject.layout;
                self.block.mark(layout, border, row, Change::Ends(ending));
            }
            self.open(simulator, row, &Value::Null)?;
            logging_changes |= logged != self.rows[row].since.is_some();
        }
        self.ended = ended;
        let long = self.clock >= self.long_at;
        if long {
            for row in 0..self.rows.len() {
                let since = &mut self.rows[row].since;
                let limit = self.clock.checked_sub(self.subject.segment_steps as u64);
                if since.is_some_and(|since| limit.is_some_and(|limit| since <= limit)) {
                    *since = Some(self.clock);
                    let layout = &self.subject.layout;
                    self.block.mark(layout, border, row, Change::IsLong);
                }
            }
        }
        if logging_changes || long {
            self.settle_rows();
        }
        Ok(())
    }

    /// Finds out how many rows are logging, and when one may be too long.
    fn settle_rows(&mut self) {
        let since = self.rows.iter().filter_map(|row| row.since);
        self.logging = since.clone().count();
        let first = since.min().unwrap_or(self.clock);
        self.long_at = first.saturating_add(self.subject.segment_steps as u64);
    }

    /// Hands the block to the thread, and takes an empty one.
    fn hand_over(&mut self) -> Result<(), EpisodeError> {
        let Some(worker) = &self.worker else {
            return Ok(());
        };
        let Some(empty) = worker.empty_block() else {
            return Err(self.broken_off());
        };
        let full = std::mem::replace(&mut self.block, empty);
        if worker.take(full) {
            return Ok(());
        }
        Err(self.broken_off())
    }

    /// Why the thread has broken off.
    fn broken_off(&mut self) -> EpisodeError {
        let result = self.worker.take().map(Worker::join);
        match result {
            Some(Err(error)) => error,
            _ => EpisodeError::Writer,
        }
    }

    /// Removes the segments of this kind from number `first` on, and what is left of unfinished writing. The
    /// index goes with them: it would speak of files that are not there.
    fn remove_segments_from(&self, first: u32) -> Result<(), EpisodeError> {
        if !self.subject.folder.exists() {
            return Ok(());
        }
        let mut doomed = Vec::new();
        for entry in files::at(
            "list",
            &self.subject.folder,
            fs::read_dir(&self.subject.folder),
        )? {
            let entry = files::at("list", &self.subject.folder, entry)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let segment = name.strip_suffix(".tmp").unwrap_or(&name);
            let ours = EpisodeKind::of_file(segment)
                .is_some_and(|(kind, number)| kind == self.subject.kind && number >= first);
            if ours {
                doomed.push(entry.path());
            }
        }
        let index = self.subject.folder.join(INDEX);
        if index.exists() && (!doomed.is_empty() || self.subject.kind == EpisodeKind::Train) {
            doomed.push(index);
        }
        for path in doomed {
            files::at("remove", &path, fs::remove_file(&path))?;
        }
        Ok(())
    }
}

impl Drop for Recorder {
    /// Lets the segment that is being written be finished, so that nobody finds half of it.
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            // Nobody is left to be told of a failure; the file is then absent, as after a kill.
            drop(worker.join());
        }
    }
}

/// Collects the first `rows` rows whose episode ended. Few have, so the flags are looked at eight at a time.
fn collect_ended(border: &Border, rows: usize, ended: &mut Vec<usize>) {
    ended.clear();
    let (terminated, last) = border.terminated[..rows].as_chunks::<8>();
    let (truncated, _) = border.truncated[..rows].as_chunks::<8>();
    let word = |flags: &[bool; 8]| u64::from_le_bytes(flags.map(u8::from));
    for (eight, (terminated, truncated)) in terminated.iter().zip(truncated).enumerate() {
        let mut flags = word(terminated) | word(truncated);
        while flags != 0 {
            ended.push(eight * 8 + flags.trailing_zeros() as usize / 8);
            flags &= flags - 1;
        }
    }
    ended.extend((rows - last.len()..rows).filter(|&row| border.ended(row)));
}
