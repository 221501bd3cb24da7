//! What names and distributions of a model must satisfy.

use super::{
    model::{ModelError, SUM_TOLERANCE},
    sparse::SparseRow,
};

/// Names from literals.
pub(super) fn names(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

pub(super) fn distribution(what: &str, problem: &str) -> ModelError {
    ModelError::Distribution {
        what: what.into(),
        problem: problem.into(),
    }
}

pub(super) fn check_distribution(
    row: SparseRow<'_>,
    width: usize,
    what: impl Fn() -> String,
) -> Result<(), ModelError> {
    let problem = if row
        .columns
        .last()
        .is_some_and(|&last| last as usize >= width)
    {
        format!(
            "index {} is not below {width}",
            row.columns.last().copied().unwrap_or(0)
        )
    } else if let Some(p) = row.values.iter().find(|p| !(p.is_finite() && **p >= 0.0)) {
        format!("{p} is not a probability")
    } else {
        let sum: f64 = row.values.iter().sum();
        if (sum - 1.0).abs() <= SUM_TOLERANCE {
            return Ok(());
        }
        format!("the probabilities sum to {sum} instead of 1")
    };
    Err(distribution(&what(), &problem))
}

/// Words of the file format, which cannot be names.
pub(super) const KEYWORDS: [&str; 15] = [
    "discount",
    "values",
    "reward",
    "cost",
    "states",
    "actions",
    "observations",
    "start",
    "include",
    "exclude",
    "uniform",
    "identity",
    "T",
    "O",
    "R",
];

/// Whether `name` can stand in a file where a name is expected.
pub(super) fn name_problem(name: &str) -> Option<&'static str> {
    let starts_well = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let stranger = |c: char| !(c.is_alphanumeric() || "_-.".contains(c));
    if !starts_well {
        Some("a name starts with a letter")
    } else if name.contains(stranger) {
        Some("a name is made of letters, digits, `_`, `-` and `.`")
    } else if KEYWORDS.contains(&name) {
        Some("it is a word of the .pomdp format")
    } else {
        None
    }
}

/// Names are words, or the numbers from 0.
pub(super) fn check_names(what: &'static str, names: &[String]) -> Result<(), ModelError> {
    if names.is_empty() {
        return Err(ModelError::Empty { what });
    }
    if names
        .iter()
        .enumerate()
        .all(|(i, name)| *name == i.to_string())
    {
        return Ok(());
    }
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    let twice = sorted.windows(2).find(|pair| pair[0] == pair[1]);
    let twice = twice.map(|pair| (pair[0], "it is used twice"));
    let strange = || {
        names
            .iter()
            .find_map(|name| Some((name, name_problem(name)?)))
    };
    twice.or_else(strange).map_or(Ok(()), |(name, reason)| {
        Err(ModelError::Name {
            what,
            name: name.clone(),
            reason,
        })
    })
}
