//! The log of a trial: which episodes there are, and reading one.

use std::path::{Path, PathBuf};

use super::{
    catalog::Catalog,
    error::EpisodeError,
    facts::EpisodeInfo,
    id::EpisodeId,
    index::Index,
    listing::{INDEX, Listing},
    read::{Episode, LoadedSegment, assemble, read_header},
};

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
    fn scan(folder: PathBuf, mut listing: Listing) -> Self {
        let segments = std::mem::take(&mut listing.segments);
        let mut log = Self::new(folder, listing);
        let mut catalog = Catalog::default();
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
            expected = Some((kind, number.saturating_add(1)));
            let path = log.folder.join(&name);
            match read_header(&path) {
                Ok(header) if header.kind != kind => {
                    let reason = "its name is that of another kind of episodes";
                    log.problems.push(EpisodeError::foreign(&path, reason));
                }
                Ok(header) => {
                    if log.players.is_empty() {
                        log.players = header.players.into_iter().map(|p| p.name).collect();
                    }
                    if let Err(reason) = catalog.add(kind, number, &header.episodes) {
                        log.problems.push(EpisodeError::foreign(&path, reason));
                    }
                }
                Err(error) => log.problems.push(error),
            }
        }
        log.episodes = catalog.infos();
        log.unfinished = catalog.unfinished();
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
            id: id.to_string(),
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
            info.id, INDEX
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
