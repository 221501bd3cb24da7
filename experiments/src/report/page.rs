//! The page of a report on runs, laid out from the report's numbers.

mod bandit;
pub(crate) mod language;
mod market;
mod meta_game;
mod pomdp;
mod provenance;
mod regret;
mod sections;

use std::ops::{Deref, DerefMut};

use super::{
    Report,
    sheet::{Picture, Sheet},
};

/// The page of `report` with its `pictures`.
pub(super) fn page(report: &Report, pictures: &[Picture]) -> String {
    let names: Vec<&str> = report.runs.iter().map(|run| run.name.as_str()).collect();
    let title = names.join(" · ");
    let mut page = Page {
        sheet: Sheet::begin(&title),
        report,
        pictures,
    };
    page.header(&title);
    match (&report.meta_game, &report.tasks) {
        (Some(meta_game), _) => page.meta_game(meta_game),
        (None, Some(tasks)) => page.tasks(tasks),
        (None, None) => page.scores(),
    }
    page.comparison();
    page.instances();
    page.problems();
    page.games();
    page.regret();
    page.curves();
    page.schedules();
    page.arms();
    page.market();
    page.runs();
    page.method();
    page.sheet.finish()
}

/// The page in the making.
struct Page<'a> {
    sheet: Sheet,
    report: &'a Report,
    pictures: &'a [Picture],
}

impl Page<'_> {
    /// The picture called `name`.
    fn figure(&mut self, name: &str) {
        if let Some(picture) = self.pictures.iter().find(|picture| picture.name == name) {
            self.sheet.figure(picture);
        }
    }
}

impl Deref for Page<'_> {
    type Target = Sheet;

    fn deref(&self) -> &Sheet {
        &self.sheet
    }
}

impl DerefMut for Page<'_> {
    fn deref_mut(&mut self) -> &mut Sheet {
        &mut self.sheet
    }
}
