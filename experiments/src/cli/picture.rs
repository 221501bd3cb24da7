//! Pictures that are asked for by the name of their file.

use std::path::{Path, PathBuf};

use super::CliError;
use crate::{files, plot::svg_to_png};

/// Pixels of a PNG for one of the picture.
const PNG_SCALE: f32 = 2.0;

/// A picture to draw.
pub(super) struct Picture<'a> {
    path: &'a Path,
    as_png: bool,
}

impl<'a> Picture<'a> {
    pub(super) fn new(path: &'a Path) -> Result<Self, CliError> {
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension {
            Some("svg" | "png") => Ok(Self {
                path,
                as_png: extension == Some("png"),
            }),
            _ => Err(CliError::argument(
                format!(
                    "--plot {}: what to draw does not show in the name",
                    path.display()
                ),
                "give a file that ends with .svg or .png",
            )),
        }
    }

    /// Writes the picture to its file, or to the one with `suffix` in its name.
    pub(super) fn write(&self, svg: String, suffix: &str) -> Result<PathBuf, CliError> {
        let bytes = if self.as_png {
            svg_to_png(&svg, PNG_SCALE)?
        } else {
            svg.into_bytes()
        };
        let mut path = self.path.to_owned();
        if !suffix.is_empty() {
            let mut name = path.file_stem().unwrap_or_default().to_owned();
            name.push(suffix);
            name.push(if self.as_png { ".png" } else { ".svg" });
            path.set_file_name(name);
        }
        files::write_atomically(&path, &bytes)?;
        Ok(path)
    }
}
