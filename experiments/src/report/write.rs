//! Writing a report to its folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Report, ReportError, page::page, pictures, sheet::Picture};
use crate::{files, plot::svg_to_png};

/// Image pixels per CSS pixel.
const PNG_SCALE: f32 = 2.0;

/// What an earlier report in the same folder left behind.
#[derive(Deserialize)]
struct Earlier {
    plots: Vec<String>,
}

/// Writes `report.html`, `report.json` and `plots/` to `folder`, which is created if it is missing. Pictures of an
/// earlier report there that this one does not have are removed. Returns the path of the page.
///
/// # Errors
/// [`ReportError::File`], [`ReportError::Plot`].
pub fn write(report: &Report, folder: &Path) -> Result<PathBuf, ReportError> {
    let plots = folder.join("plots");
    files::create_folder(&plots)?;
    let json_path = folder.join("report.json");
    if let Ok(earlier) = files::read(&json_path) {
        remove_stale(&plots, &earlier, &report.plots)?;
    }
    let pictures = pictures::draw(report)?;
    write_pictures(&pictures, &plots)?;
    let mut json = serde_json::to_string_pretty(report)?;
    json.push('\n');
    files::write_atomically(&json_path, json.as_bytes())?;
    let html_path = folder.join("report.html");
    files::write_atomically(&html_path, page(report, &pictures).as_bytes())?;
    Ok(html_path)
}

/// Writes `page` as `report.html`, the numbers of `report` as `report.json` under the name `schema`, and `plots/` to `folder`,
/// which is created if it is missing. Pictures of an earlier report there are removed. Returns the path of the page.
///
/// # Errors
/// [`ReportError::File`], [`ReportError::Plot`], [`ReportError::Json`].
pub(crate) fn write_page(
    schema: &str,
    report: &impl Serialize,
    page: &str,
    pictures: &[Picture],
    folder: &Path,
) -> Result<PathBuf, ReportError> {
    let (plots, json_path) = (folder.join("plots"), folder.join("report.json"));
    if json_path.exists() && plots.exists() {
        files::at("remove", &plots, fs::remove_dir_all(&plots))?;
    }
    files::create_folder(&plots)?;
    write_pictures(pictures, &plots)?;
    let mut document = serde_json::to_value(report)?;
    if let Some(object) = document.as_object_mut() {
        object.shift_insert(0, "schema".into(), schema.into());
    }
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    files::write_atomically(&json_path, text.as_bytes())?;
    let html_path = folder.join("report.html");
    files::write_atomically(&html_path, page.as_bytes())?;
    Ok(html_path)
}

/// Writes each picture to `folder`, as SVG and as PNG.
///
/// # Errors
/// [`ReportError::File`], [`ReportError::Plot`].
fn write_pictures(pictures: &[Picture], folder: &Path) -> Result<(), ReportError> {
    for picture in pictures {
        let path = |extension| folder.join(format!("{}.{extension}", picture.name));
        files::write_atomically(&path("svg"), picture.svg.as_bytes())?;
        files::write_atomically(&path("png"), &svg_to_png(&picture.svg, PNG_SCALE)?)?;
    }
    Ok(())
}

/// Removes the pictures that an earlier report lists and the new one does not have.
fn remove_stale(plots: &Path, earlier: &[u8], names: &[String]) -> Result<(), ReportError> {
    let Ok(earlier) = serde_json::from_slice::<Earlier>(earlier) else {
        return Ok(());
    };
    // Names of ours hold no separator, so nothing outside the folder can be meant.
    let is_name = |name: &String| !name.contains(['/', '\\', ':']) && !name.starts_with('.');
    let stale = earlier
        .plots
        .iter()
        .filter(|name| is_name(name) && !names.contains(name));
    for name in stale {
        for extension in ["svg", "png"] {
            let path = plots.join(format!("{name}.{extension}"));
            if path.is_file() {
                files::at("remove", &path, fs::remove_file(&path))?;
            }
        }
    }
    Ok(())
}
