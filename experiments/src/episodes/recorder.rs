//! Writing the log of a running batch.
//!
//! A step appends one row to the tracks of every open episode. An episode that ends moves to the segment; a
//! segment with enough steps goes to a thread that compresses and writes it while the run goes on.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
};

use palaestra_envs::{
    sim::{Border, EnvSpec, Lane, Simulator},
    space::ColumnData,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Choice, Ending, EpisodeError, EpisodeKind, index,
    layout::{Layout, Source, length},
    segment::Segment,
    table::{FORMAT, Header, Piece, Table},
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
    folder: PathBuf,
    kind: EpisodeKind,
    choice: Choice,
    env: String,
    layout: Arc<Layout>,
    /// Steps after which a segment is sealed, and a longer episode is cut into parts.
    segment_steps: usize,
    saved: State,
    /// Rows whose running episode is logged, ascending.
    logging: Vec<usize>,
    /// No open episode has more steps in its tracks.
    longest: usize,
    /// Rows that ended in this step; kept for its memory.
    ended: Vec<usize>,
    writer: Option<JoinHandle<Result<(), EpisodeError>>>,
}

/// Everything that is not in files yet; what a checkpoint keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    version: u32,
    /// Number of sealed segments.
    sealed: u32,
    /// Number of the next episode.
    next_number: u64,
    rows: Vec<Row>,
    /// Values of open episodes by column and row.
    tracks: Vec<Vec<ColumnData>>,
    segment: Segment,
}

/// One row of the batch.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Row {
    /// Episodes begun.
    begun: u64,
    /// The running episode, if it is logged.
    open: Option<Open>,
}

/// An episode under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Open {
    lane: Lane,
    /// JSON text.
    options: String,
    carried: Vec<u8>,
    /// For a long episode, what has already left the tracks: its number, steps, returns.
    left: Option<(u64, u64, Vec<f64>)>,
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
        Ok(Self {
            folder: folder.to_owned(),
            kind,
            choice,
            env: spec.id.clone(),
            segment_steps: by_bytes.clamp(1, STEPS_PER_SEGMENT),
            saved: State::new(&layout, choice.rows(rows)),
            layout: Arc::new(layout),
            logging: Vec::new(),
            longest: 0,
            ended: Vec::new(),
            writer: None,
        })
    }

    /// Seals segments after `steps` steps instead of the default.
    #[cfg(test)]
    pub(super) fn with_segment_steps(mut self, steps: usize) -> Self {
        self.segment_steps = steps;
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
        self.saved = State::new(&self.layout, self.saved.rows.len());
        self.remove_segments_from(0)?;
        for row in 0..self.saved.rows.len() {
            let options = options.get(row).unwrap_or(&Value::Null);
            self.open(simulator, row, options)?;
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
        let rows = self.saved.rows.len();
        if rows == 0 {
            return Ok(());
        }
        let border = simulator.border();
        for (column, tracks) in self.layout.columns.iter().zip(&mut self.saved.tracks) {
            column.append(border, &self.logging, tracks);
        }
        self.longest += 1;
        collect_ended(border, rows, &mut self.ended);
        if self.ended.is_empty() && self.longest < self.segment_steps {
            return Ok(());
        }
        self.end_episodes(simulator)
    }

    /// Everything that is not sealed yet, for a checkpoint; waits until all that is sealed is on disk.
    ///
    /// # Errors
    /// [`EpisodeError`] if a segment could not be written.
    pub fn save(&mut self) -> Result<Vec<u8>, EpisodeError> {
        self.wait()?;
        postcard::to_allocvec(&self.saved).map_err(|e| EpisodeError::State(e.to_string()))
    }

    /// Goes on from what [`save`](Self::save) gave, instead of [`begin`](Self::begin). Segments that were sealed
    /// after that are removed: their episodes come again.
    ///
    /// # Errors
    /// [`EpisodeError::State`] if the bytes are damaged or of another environment or batch.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), EpisodeError> {
        let state: State =
            postcard::from_bytes(bytes).map_err(|e| EpisodeError::State(e.to_string()))?;
        state
            .check(&self.layout, self.saved.rows.len())
            .map_err(|reason| EpisodeError::State(reason.into()))?;
        self.wait()?;
        self.remove_segments_from(state.sealed)?;
        self.saved = state;
        self.settle_rows();
        Ok(())
    }

    /// Seals the rest, with the episodes under way marked as cut, and writes the index if this is the end of
    /// training or there is one.
    ///
    /// # Errors
    /// [`EpisodeError`].
    pub fn finish(&mut self) -> Result<(), EpisodeError> {
        for row in 0..self.saved.rows.len() {
            let begun = self.steps_in_tracks(row) > 0;
            let open = self.saved.rows[row].open.as_ref();
            if open.is_some_and(|open| begun || open.left.is_some()) {
                self.take(row, Some(Ending::Cut))?;
            }
        }
        if !self.saved.segment.pieces.is_empty() {
            self.seal()?;
        }
        self.wait()?;
        if self.kind == EpisodeKind::Train || self.folder.join(index::FILE).exists() {
            index::write(&self.folder)?;
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
        let state = &mut self.saved.rows[row];
        let number = state.begun;
        state.begun += 1;
        state.open = None;
        if !self.choice.logs(number) {
            return Ok(());
        }
        let carried = if simulator.carries_state() {
            simulator.save_carried(row)?
        } else {
            Vec::new()
        };
        state.open = Some(Open {
            lane: simulator.lane(row)?,
            options: options.to_string(),
            carried,
            left: None,
        });
        for (column, tracks) in self.layout.columns.iter().zip(&mut self.saved.tracks) {
            if column.is_observation() {
                column.append(simulator.border(), &[row], tracks);
            }
        }
        Ok(())
    }

    /// Settles the rows that ended, begins their next episodes, and cuts what is too long.
    fn end_episodes(&mut self, simulator: &Simulator) -> Result<(), EpisodeError> {
        let border = simulator.border();
        let ended = std::mem::take(&mut self.ended);
        let mut logging_changes = false;
        for &row in &ended {
            let logged = self.saved.rows[row].open.is_some();
            if logged {
                for (column, tracks) in self.layout.columns.iter().zip(&mut self.saved.tracks) {
                    column.correct_last(border, row, &mut tracks[row]);
                }
                let ending = if border.terminated[row] {
                    Ending::Terminated
                } else {
                    Ending::Truncated
                };
                self.take(row, Some(ending))?;
            }
            self.open(simulator, row, &Value::Null)?;
            logging_changes |= logged != self.saved.rows[row].open.is_some();
        }
        self.ended = ended;
        if logging_changes {
            self.settle_rows();
        }
        if self.longest >= self.segment_steps {
            for row in 0..self.saved.rows.len() {
                if self.steps_in_tracks(row) >= self.segment_steps {
                    self.take(row, None)?;
                }
            }
            self.settle_rows();
        }
        Ok(())
    }

    /// Moves an open episode from its tracks to the segment: all of it with its ending, or the steps so far.
    fn take(&mut self, row: usize, ending: Option<Ending>) -> Result<(), EpisodeError> {
        let steps = self.steps_in_tracks(row);
        let Some(open) = &mut self.saved.rows[row].open else {
            return Ok(());
        };
        let next_number = self.saved.next_number;
        let (number, first_step, mut returns) = open.left.take().unwrap_or_else(|| {
            let returns = vec![0.0; self.layout.players.len()];
            (next_number, 0, returns)
        });
        self.saved.next_number = next_number.max(number + 1);
        let columns = self.layout.columns.iter().enumerate();
        for ((index, column), tracks) in columns.zip(&mut self.saved.tracks) {
            let track = &mut tracks[row];
            if let (Source::Reward, ColumnData::F32(rewards)) = (column.source, &*track) {
                for &reward in rewards {
                    returns[column.player] += f64::from(reward);
                }
            }
            let segment = &mut self.saved.segment;
            segment.take(index, column, track, steps, ending.is_some());
        }
        self.saved.segment.push(Piece {
            number,
            row: row as u32,
            lane: open.lane,
            options: serde_json::from_str(&open.options).unwrap_or_default(),
            carried: open.carried.clone(),
            first_step,
            length: steps as u64,
            returns: returns.clone(),
            ending,
        });
        if ending.is_some() {
            self.saved.rows[row].open = None;
        } else {
            open.left = Some((number, first_step + steps as u64, returns));
        }
        if self.saved.segment.steps >= self.segment_steps as u64 {
            self.seal()?;
        }
        Ok(())
    }

    /// Steps of row `row`'s open episode that are in its tracks.
    fn steps_in_tracks(&self, row: usize) -> usize {
        self.saved.steps_in_tracks(&self.layout, row)
    }

    /// Finds out which rows are logging, and how long their tracks are.
    fn settle_rows(&mut self) {
        let rows = self.saved.rows.iter().enumerate();
        self.logging = rows
            .filter(|(_, r)| r.open.is_some())
            .map(|(i, _)| i)
            .collect();
        let steps = self.logging.iter().map(|&row| self.steps_in_tracks(row));
        self.longest = steps.max().unwrap_or(0);
    }

    /// Hands the segment to a thread that writes it, after the one before it has been written.
    fn seal(&mut self) -> Result<(), EpisodeError> {
        self.wait()?;
        let number = self.saved.sealed;
        self.saved.sealed += 1;
        let empty = Segment::new(&self.layout);
        let segment = std::mem::replace(&mut self.saved.segment, empty);
        let layout = self.layout.clone();
        let header = Header {
            format: FORMAT,
            env: self.env.clone(),
            kind: self.kind,
            segment: number,
            turns_change: layout.turns_change,
            players: layout.players.clone(),
            episodes: Table::of(&segment.pieces, layout.players.len()),
        };
        let folder = self.folder.clone();
        let path = folder.join(self.kind.file_name(number));
        let write = move || {
            files::create_folder(&folder)?;
            segment.write(&layout, &header, &path)
        };
        let thread = std::thread::Builder::new().name("episodes".into());
        self.writer = Some(files::at("write", &self.folder, thread.spawn(write))?);
        Ok(())
    }

    /// Waits until the sealed segments are on disk.
    fn wait(&mut self) -> Result<(), EpisodeError> {
        match self.writer.take() {
            Some(writer) => writer.join().unwrap_or(Err(EpisodeError::Writer)),
            None => Ok(()),
        }
    }

    /// Removes the segments of this kind from number `first` on, and what is left of unfinished writing. The
    /// index goes with them: it would speak of files that are not there.
    fn remove_segments_from(&self, first: u32) -> Result<(), EpisodeError> {
        if !self.folder.exists() {
            return Ok(());
        }
        let mut doomed = Vec::new();
        for entry in files::at("list", &self.folder, fs::read_dir(&self.folder))? {
            let entry = files::at("list", &self.folder, entry)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let segment = name.strip_suffix(".tmp").unwrap_or(&name);
            let ours = EpisodeKind::of_file(segment)
                .is_some_and(|(kind, number)| kind == self.kind && number >= first);
            if ours {
                doomed.push(entry.path());
            }
        }
        let index = self.folder.join(index::FILE);
        if index.exists() && (!doomed.is_empty() || self.kind == EpisodeKind::Train) {
            doomed.push(index);
        }
        for path in doomed {
            files::at("remove", &path, fs::remove_file(&path))?;
        }
        Ok(())
    }
}

impl Drop for Recorder {
    /// Lets the last segment be written, so that nobody finds half of it.
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            // Nobody is left to be told of a failure; the file is then absent, as after a kill.
            drop(writer.join());
        }
    }
}

impl State {
    fn new(layout: &Layout, rows: usize) -> Self {
        let tracks = |empty: &ColumnData| vec![empty.clone(); rows];
        Self {
            version: STATE_VERSION,
            sealed: 0,
            next_number: 0,
            rows: vec![Row::default(); rows],
            tracks: layout.columns.iter().map(|c| tracks(&c.empty)).collect(),
            segment: Segment::new(layout),
        }
    }

    fn steps_in_tracks(&self, layout: &Layout, row: usize) -> usize {
        let mut columns = layout.columns.iter().zip(&self.tracks);
        let reward = columns.find(|(column, _)| column.source == Source::Reward);
        reward.map_or(0, |(_, tracks)| length(&tracks[row]))
    }

    /// Whether this is the state of a recorder with `layout` and `rows`.
    fn check(&self, layout: &Layout, rows: usize) -> Result<(), &'static str> {
        if self.version != STATE_VERSION {
            return Err("it was saved by another version of palaestra");
        }
        let same_type = |a: &ColumnData, b: &ColumnData| a.type_name() == b.type_name();
        let columns = layout.columns.len();
        let row_counts = self.tracks.iter().map(Vec::len).chain([self.rows.len()]);
        if [self.tracks.len(), self.segment.columns.len()] != [columns; 2]
            || row_counts.into_iter().any(|n| n != rows)
        {
            return Err("it was saved with another environment or number of rows");
        }
        let segment_rows = self.segment.pieces.iter().map(Piece::rows);
        let segment_rows = segment_rows.fold(0, u64::saturating_add) as usize;
        for (index, column) in layout.columns.iter().enumerate() {
            let data = &self.segment.columns[index];
            if !same_type(data, &column.empty) || length(data) != segment_rows * column.width {
                return Err("its columns are not those of this environment");
            }
            for (row, track) in self.tracks[index].iter().enumerate() {
                let open = usize::from(self.rows[row].open.is_some() && column.is_observation());
                let steps = self.steps_in_tracks(layout, row);
                let expected = (steps + open) * column.width;
                if !same_type(track, &column.empty) || length(track) != expected {
                    return Err("its open episodes are not those of this environment");
                }
            }
        }
        let players = layout.players.len();
        let left = self
            .rows
            .iter()
            .filter_map(|r| r.open.as_ref()?.left.as_ref());
        let returns = left.map(|(_, _, returns)| returns.len());
        let pieces = self.segment.pieces.iter().map(|p| p.returns.len());
        if returns.chain(pieces).any(|n| n != players) {
            return Err("its returns are not one per player");
        }
        Ok(())
    }
}

/// Collects the first `rows` rows whose episode ended. Few have, so the flags are tested in blocks first.
fn collect_ended(border: &Border, rows: usize, ended: &mut Vec<usize>) {
    const BLOCK: usize = 32;
    ended.clear();
    let flags = border.terminated[..rows]
        .chunks(BLOCK)
        .zip(border.truncated[..rows].chunks(BLOCK));
    for (block, (terminated, truncated)) in flags.enumerate() {
        let pairs = terminated.iter().zip(truncated);
        if pairs.fold(false, |any, (a, b)| any | a | b) {
            let start = block * BLOCK;
            ended.extend((start..start + terminated.len()).filter(|&row| border.ended(row)));
        }
    }
}
