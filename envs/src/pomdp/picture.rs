//! Pictures of states and beliefs in text.
//!
//! A problem draws itself by [`PomdpModel::picture`]; whoever shows an episode asks its [`Pomdp`](super::Pomdp) and
//! need not know the problem.

use std::{fmt, sync::Arc};

use super::PomdpModel;

/// What is to be drawn.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'a> {
    /// A state.
    State(usize),
    /// A belief: states with their probabilities. What is drawn are marginals, which a list of states does not show:
    /// where somebody is, whether a rock is good.
    Belief(&'a [(usize, f64)]),
}

type Draw = dyn Fn(Shown<'_>) -> Option<String> + Send + Sync;

/// How a compiled model is drawn. It is no part of the problem: all of them are equal.
#[derive(Clone, Default)]
pub(super) struct Picture(Option<Arc<Draw>>);

impl Picture {
    pub(super) fn of(model: impl PomdpModel + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(move |shown| model.picture(shown))))
    }

    pub(super) fn draw(&self, shown: Shown<'_>) -> Option<String> {
        self.0.as_ref()?(shown)
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Picture")
    }
}

impl PartialEq for Picture {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Columns of cells that fit beside a list of states on a terminal.
pub(super) const MOST_COLUMNS: usize = 20;

/// Rows of cells, each `width` characters wide with its text at the right.
pub(super) fn grid(rows: impl IntoIterator<Item = Vec<String>>, width: usize) -> String {
    let line = |row: Vec<String>| {
        let cells = row.iter().map(|cell| format!("{cell:>width$}"));
        cells.collect::<String>().trim_end().to_owned()
    };
    rows.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A probability in percent, or a dot where it is next to nothing.
pub(super) fn percent(probability: f64) -> String {
    if probability < 0.005 {
        ".".into()
    } else {
        format!("{:.0}", 100.0 * probability)
    }
}

/// A bar of at most `width` characters, whose length is `share` of that to an eighth of a character.
pub fn bar(share: f64, width: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * (8 * width) as f64).round() as usize;
    "█".repeat(eighths / 8) + PARTS[eighths % 8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grids_and_percents() {
        assert_eq!(bar(0.5, 3), "█▌");
        assert_eq!((bar(1.0, 2).as_str(), bar(7.0, 2).as_str()), ("██", "██"));
        assert_eq!(bar(f64::NAN, 2), "");
        let row = |cells: &[&str]| cells.iter().map(|&cell| cell.to_owned()).collect();
        assert_eq!(grid([row(&["a", "b"]), row(&["", ""])], 2), " a b\n");
        assert_eq!(
            [0.0, 0.0049, 0.126, 1.0].map(percent),
            [".", ".", "13", "100"]
        );
    }
}
