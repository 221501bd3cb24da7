//! The folders of a tree of games, in the order of their names.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::LanguageError;
use crate::files::FileError;

/// A folder with a game in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GameFolder {
    /// The folder.
    pub path: PathBuf,
    /// Its name.
    pub id: String,
    /// Name of the folder that holds the family.
    pub experiment: String,
}

/// Folders with a `config.json`, deepest first by name. What is held in memory are the names in one folder per level.
///
/// Links are not followed; `.partial` folders, in which unfinished games are kept, and folders that an interrupted export has
/// left (`.tmp`) are passed over.
#[derive(Debug)]
pub struct Walk {
    root: PathBuf,
    /// Folders still to visit, level by level, the next one last.
    levels: Vec<Vec<PathBuf>>,
}

/// Folders below the experiment: family, three letters, the game.
const LEVELS: usize = 5;
/// Trees are not deeper than this.
const DEEPEST: usize = 64;

impl Walk {
    /// The games below `root`, which may be a whole collection, an experiment or a single game.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            levels: vec![vec![root.to_owned()]],
        }
    }

    fn visit(&mut self, folder: &Path) -> Result<Option<GameFolder>, FileError> {
        let failed = |source| FileError {
            action: "read",
            path: folder.to_owned(),
            source,
        };
        let mut inside = Vec::new();
        let mut is_game = false;
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name() == "config.json" {
                is_game = true;
            } else if entry.file_type().map_err(failed)?.is_dir() && !is_unfinished(&entry.path()) {
                inside.push(entry.path());
            }
        }
        if is_game {
            return Ok(Some(self.game(folder)));
        }
        inside.sort_unstable_by(|a, b| b.cmp(a));
        if self.levels.len() < DEEPEST {
            self.levels.push(inside);
        }
        Ok(None)
    }

    fn game(&self, folder: &Path) -> GameFolder {
        let name = |path: &Path| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        };
        let inside = folder.strip_prefix(&self.root).unwrap_or(Path::new(""));
        let experiment = folder.ancestors().nth(LEVELS).filter(|_| {
            // Above the root nothing is known to be an experiment, but the root itself may be one.
            inside.components().count() + 1 >= LEVELS
        });
        GameFolder {
            path: folder.to_owned(),
            id: name(folder),
            experiment: name(experiment.unwrap_or(&self.root)),
        }
    }
}

/// Whether a folder holds what was not written to its end.
fn is_unfinished(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default();
    name == ".partial" || Path::new(name).extension().is_some_and(|end| end == "tmp")
}

impl Iterator for Walk {
    type Item = Result<GameFolder, LanguageError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(folder) = self.levels.last_mut()?.pop() else {
                self.levels.pop();
                continue;
            };
            match self.visit(&folder) {
                Ok(None) => {}
                Ok(Some(game)) => return Some(Ok(game)),
                Err(error) => return Some(Err(error.into())),
            }
        }
    }
}
