//! The log of a trial: which episodes there are, and reading one.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use palaestra_envs::sim::Lane;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Episode, EpisodeError, EpisodeId, EpisodeKind, LoadedSegment,
    index::{self, Index},
    read::{assemble, read_header},
    table::Piece,
};
use crate::files;

/// How an episode ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// In a terminal state.
    Terminated,
    /// Cut by the environment, as by a time limit.
    Truncated,
    /// Not at all: the run was over.
    Cut,
}

impl Ending {
    /// Whether it is [`Terminated`](Self::Terminated).
    pub fn terminated(self) -> bool {
        self == Self::Terminated
    }

    /// Whether it is [`Truncated`](Self::Truncated).
    pub fn truncated(self) -> bool {
        self == Self::Truncated
    }

    /// Whether the episode went on to its own end.
    pub fn complete(self) -> bool {
        self != Self::Cut
    }

    pub(super) fn letter(self) -> char {
        match self {
            Self::Terminated => 'T',
            Self::Truncated => 'R',
            Self::Cut => 'C',
        }
    }

    pub(super) fn of_letter(letter: char) -> Option<Self> {
        [Self::Terminated, Self::Truncated, Self::Cut]
            .into_iter()
            .find(|ending| ending.letter() == letter)
    }
}

/// Where an episode came from, how it ended, and where it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EpisodeInfo {
    /// Its name within the trial.
    pub id: EpisodeId,
    /// Row of the batch in which it was played.
    pub row: usize,
    /// Where its randomness came from.
    pub lane: Lane,
    /// Options given at the reset, or null.
    pub options: Value,
    /// State that the row carried over from earlier episodes, for
    /// [`load_carried`](palaestra_envs::sim::Simulator::load_carried); mostly empty.
    #[serde(skip)]
    pub carried: Vec<u8>,
    /// Number of steps.
    pub length: usize,
    /// Sum of the logged rewards of each player, in order.
    pub returns: Vec<f64>,
    /// How it ended.
    pub ending: Ending,
    /// The files that hold it; more than one for an episode longer than a segment.
    pub parts: Vec<Part>,
}

/// A part of an episode in a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Name of the segment.
    pub file: String,
    /// Its first row in there.
    pub first_row: u64,
}

/// The episode log of a trial, open for reading.
#[derive(Debug)]
pub struct EpisodeLog {
    folder: PathBuf,
    players: Vec<String>,
    episodes: Vec<EpisodeInfo>,
    problems: Vec<EpisodeError>,
    torn: Vec<PathBuf>,
    unfinished: Vec<EpisodeId>,
}

/// What a look at the folder shows.
#[derive(Default)]
pub(super) struct Listing {
    /// Kind, number, name and size of each segment, in order.
    pub(super) segments: Vec<(EpisodeKind, u32, String, u64)>,
    torn: Vec<PathBuf>,
    has_index: bool,
    strangers: Vec<PathBuf>,
}

impl Listing {
    pub(super) fn of(folder: &Path) -> Result<Self, EpisodeError> {
        let mut listing = Self::default();
        if !folder.exists() {
            return Ok(listing);
        }
        for entry in files::at("list", folder, fs::read_dir(folder))? {
            let entry = files::at("list", folder, entry)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == index::FILE {
                listing.has_index = true;
            } else if entry.path().extension().is_some_and(|e| e == "tmp") {
                listing.torn.push(entry.path());
            } else if let Some((kind, number)) = EpisodeKind::of_file(&name) {
                let size = files::at("read", &entry.path(), entry.metadata())?.len();
                listing.segments.push((kind, number, name, size));
            } else {
                listing.strangers.push(entry.path());
            }
        }
        listing.segments.sort();
        listing.torn.sort();
        listing.strangers.sort();
        Ok(listing)
    }
}

impl EpisodeLog {
    /// Opens the log of the trial in `trial`. Damaged files do not hinder the reading of others: they are
    /// among the [`problems`](Self::problems). A trial without a log has no episodes.
    ///
    /// # Errors
    /// [`EpisodeError::File`] if the folder cannot be listed.
    pub fn open(trial: &Path) -> Result<Self, EpisodeError> {
        let folder = trial.join("episodes");
        let listing = Listing::of(&folder)?;
        let mut problems = Vec::new();
        if listing.has_index {
            match Index::read(&folder) {
                Ok(index) if index.is_of(&listing) => {
                    let mut log = Self::new(folder, listing);
                    log.episodes = index.episodes;
                    log.players = index.players;
                    return Ok(log);
                }
                Ok(index) => problems.extend(index.missing(&folder, &listing)),
                Err(error) => problems.push(error),
            }
        }
        let mut log = Self::scan(folder, listing);
        log.problems.append(&mut problems);
        Ok(log)
    }

    fn new(folder: PathBuf, listing: Listing) -> Self {
        let stranger = "its name is not that of a segment";
        let strangers = listing.strangers.iter();
        Self {
            problems: strangers
                .map(|path| EpisodeError::foreign(path, stranger))
                .collect(),
            folder,
            players: Vec::new(),
            episodes: Vec::new(),
            torn: listing.torn,
            unfinished: Vec::new(),
        }
    }

    /// Reads what there is from the segments themselves.
    pub(super) fn scan(folder: PathBuf, mut listing: Listing) -> Self {
        let segments = std::mem::take(&mut listing.segments);
        let mut log = Self::new(folder, listing);
        let mut found: BTreeMap<EpisodeId, Vec<(Part, Piece)>> = BTreeMap::new();
        let mut expected = None;
        for (kind, number, name, _) in segments {
            let first = match expected {
                Some((k, next)) if k == kind => next,
                _ => 0,
            };
            log.problems
                .extend((first..number).map(|gap| EpisodeError::Missing {
                    path: log.folder.join(kind.file_name(gap)),
                    what: format!("episodes before those of {name}"),
                }));
            expected = Some((kind, number + 1));
            match read_header(&log.folder.join(&name)) {
                Ok((header, pieces)) => {
                    if log.players.is_empty() {
                        log.players = header.players.into_iter().map(|p| p.name).collect();
                    }
                    let mut first_row = 0;
                    for piece in pieces {
                        let id = EpisodeId {
                            kind: header.kind,
                            number: piece.number,
                        };
                        let part = Part {
                            file: name.clone(),
                            first_row,
                        };
                        first_row += piece.rows();
                        found.entry(id).or_default().push((part, piece));
                    }
                }
                Err(error) => log.problems.push(error),
            }
        }
        for (id, parts) in found {
            match join(id, parts) {
                Some(info) => log.episodes.push(info),
                None => log.unfinished.push(id),
            }
        }
        log
    }

    /// The episodes: training before evaluations, each in the order in which they ended.
    pub fn episodes(&self) -> &[EpisodeInfo] {
        &self.episodes
    }

    /// Names of the players; none if there are no episodes.
    pub fn players(&self) -> &[String] {
        &self.players
    }

    /// What is wrong with files of the log.
    pub fn problems(&self) -> &[EpisodeError] {
        &self.problems
    }

    /// Files that were being written when the program was killed. `palaestra resume` writes them anew.
    pub fn torn(&self) -> &[PathBuf] {
        &self.torn
    }

    /// Long episodes of which only the beginning is in the log, because the run was killed or a file is damaged.
    pub fn unfinished(&self) -> &[EpisodeId] {
        &self.unfinished
    }

    /// The folder of the log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Facts about the episode `id`.
    ///
    /// # Errors
    /// [`EpisodeError::Unknown`].
    pub fn info(&self, id: EpisodeId) -> Result<&EpisodeInfo, EpisodeError> {
        let at = self.episodes.binary_search_by_key(&id, |info| info.id);
        let at = at.map_err(|_| EpisodeError::Unknown {
            id,
            folder: self.folder.clone(),
        })?;
        Ok(&self.episodes[at])
    }

    /// Reads the episode `id`.
    ///
    /// # Errors
    /// [`EpisodeError::Unknown`], or what is wrong with its file.
    pub fn read(&self, id: EpisodeId) -> Result<Episode, EpisodeError> {
        let info = self.info(id)?;
        let segments = info
            .parts
            .iter()
            .map(|part| self.segment(&part.file))
            .collect::<Result<Vec<_>, _>>()?;
        let segments: Vec<&LoadedSegment> = segments.iter().collect();
        assemble(info, &segments).ok_or_else(|| self.not_there(info))
    }

    /// Reads the segment called `file`.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn segment(&self, file: &str) -> Result<LoadedSegment, EpisodeError> {
        LoadedSegment::read(&self.folder.join(file))
    }

    /// The index and the segments contradict each other.
    fn not_there(&self, info: &EpisodeInfo) -> EpisodeError {
        let file = info.parts.first().map_or("", |part| part.file.as_str());
        let reason = format!(
            "it does not hold episode `{}` as {} says; delete the index",
            info.id,
            index::FILE
        );
        EpisodeError::foreign(&self.folder.join(file), reason)
    }

    /// Every episode in the log's order, each segment read once, and in between what could not be read.
    pub fn read_all(&self) -> impl Iterator<Item = Result<Episode, EpisodeError>> + '_ {
        let mut open: Option<(String, LoadedSegment)> = None;
        let mut broken: Option<String> = None;
        self.episodes.iter().filter_map(move |info| {
            let [part] = info.parts.as_slice() else {
                return Some(self.read(info.id));
            };
            if broken.as_ref() == Some(&part.file) {
                return None;
            }
            if open.as_ref().is_none_or(|(file, _)| *file != part.file) {
                match self.segment(&part.file) {
                    Ok(segment) => open = Some((part.file.clone(), segment)),
                    Err(error) => {
                        broken = Some(part.file.clone());
                        return Some(Err(error));
                    }
                }
            }
            let (_, segment) = open.as_ref()?;
            Some(segment.episode(info).ok_or_else(|| self.not_there(info)))
        })
    }
}

/// One episode from its parts, if they are all there.
fn join(id: EpisodeId, parts: Vec<(Part, Piece)>) -> Option<EpisodeInfo> {
    let mut length = 0;
    for (_, piece) in &parts {
        if piece.first_step != length {
            return None;
        }
        length = length.saturating_add(piece.length);
    }
    let (_, last) = parts.last()?;
    Some(EpisodeInfo {
        id,
        row: last.row as usize,
        lane: last.lane,
        options: last.options.clone(),
        carried: last.carried.clone(),
        length: usize::try_from(length).ok()?,
        returns: last.returns.clone(),
        ending: last.ending?,
        parts: parts.into_iter().map(|(part, _)| part).collect(),
    })
}
