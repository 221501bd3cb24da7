//! What a look at the folder of a log shows.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{error::EpisodeError, id::EpisodeKind};
use crate::files;

/// Name of the index.
pub(super) const INDEX: &str = "index.parquet";

/// The files of a log.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Kind, number, name and size of each segment, in order.
    pub(super) segments: Vec<(EpisodeKind, u32, String, u64)>,
    /// Segments whose writing was broken off.
    pub(super) torn: Vec<PathBuf>,
    pub(super) has_index: bool,
    /// Files that do not belong to a log.
    pub(super) strangers: Vec<PathBuf>,
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
            if name == INDEX {
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
