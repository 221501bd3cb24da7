mod explained;
mod runs;
mod trees;

use std::{fs, path::Path};

use super::*;

/// The rows of a table.
fn rows<R: Row>(path: &Path) -> Vec<R> {
    TableReader::<R>::open(path)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// Writes a game's files to its folder below `experiment`.
fn put(experiment: &Path, family: &str, id: &str, files: &[(&str, &str)]) {
    let folder = experiment
        .join(family)
        .join(&id[..1])
        .join(&id[1..2])
        .join(&id[2..3])
        .join(id);
    fs::create_dir_all(&folder).unwrap();
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}
