//! What arguments and hidden states of this family have in common.

use std::{fmt::Display, ops::RangeInclusive};

use crate::{
    error::EnvError,
    sim::{InfoField, InfoKind},
    space::{BoxSpace, DType, Space},
};

/// `value`, if it lies in `range`.
pub(super) fn within<T: PartialOrd + Display>(
    path: &str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<T, EnvError> {
    if range.contains(&value) {
        return Ok(value);
    }
    let (low, high) = range.into_inner();
    let message = format!("must lie in {low}..={high}, found {value}");
    Err(EnvError::argument(path, message))
}

/// A hidden part of the state, `[width]`, each element within the same bounds.
pub(super) fn hidden(name: &str, width: usize, low: f64, high: f64, summary: &str) -> InfoField {
    InfoField {
        name: format!("privileged.{name}"),
        space: Space::Box(BoxSpace {
            dtype: DType::Float64,
            shape: vec![width],
            low: vec![low; width],
            high: vec![high; width],
        }),
        kind: InfoKind::State,
        summary: summary.into(),
    }
}
