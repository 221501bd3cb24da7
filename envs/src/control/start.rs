//! The reset option `state`, which every environment of this family takes: where an episode is to start.

use serde_json::Value;

use crate::{error::EnvError, sim::ResetOptions};

/// Smallest and largest value of an element of a start state.
pub(super) type Bounds = (f64, f64);

/// Any number that single precision can hold.
pub(super) const ANY: Bounds = (f32::MIN as f64, f32::MAX as f64);

/// The start state asked for in the options of row `row`: `{"state": […]}` with one number per element of the
/// environment's state, in its order and within `bounds`. None if nothing was asked for.
///
/// # Errors
/// [`EnvError::Options`] for any other option, and for a state of another length or out of bounds.
pub(super) fn start_state<const N: usize>(
    options: &ResetOptions,
    row: usize,
    bounds: &[Bounds; N],
) -> Result<Option<[f64; N]>, EnvError> {
    if options.is_empty() {
        return Ok(None);
    }
    parse(options.row(row), bounds).map_err(|message| EnvError::Options { row, message })
}

fn parse<const N: usize>(
    options: &Value,
    bounds: &[Bounds; N],
) -> Result<Option<[f64; N]>, String> {
    if options.is_null() {
        return Ok(None);
    }
    let Some(object) = options.as_object() else {
        return Err(format!("expected an object, found {options}"));
    };
    if let Some(key) = object.keys().find(|key| *key != "state") {
        return Err(format!("unknown option `{key}`; the only one is `state`"));
    }
    let Some(value) = object.get("state") else {
        return Ok(None);
    };
    let numbers: Option<Vec<f64>> = value
        .as_array()
        .and_then(|list| list.iter().map(Value::as_f64).collect());
    let state = numbers
        .and_then(|numbers| <[f64; N]>::try_from(numbers).ok())
        .ok_or_else(|| format!("`state` must be a list of {N} numbers, found {value}"))?;
    for (i, (x, (low, high))) in state.iter().zip(bounds).enumerate() {
        if !(low..=high).contains(&x) {
            return Err(format!(
                "element {i} of `state` is {x}, not within {low}..={high}"
            ));
        }
    }
    Ok(Some(state))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn start_states_are_read_or_refused_with_the_reason() {
        let bounds = [(-1.0, 1.0), ANY];
        assert_eq!(parse(&Value::Null, &bounds), Ok(None));
        assert_eq!(parse(&json!({}), &bounds), Ok(None));
        assert_eq!(
            parse(&json!({ "state": [-1, 7.5] }), &bounds),
            Ok(Some([-1.0, 7.5]))
        );
        let refused = |options: Value| parse(&options, &bounds).unwrap_err();
        assert_eq!(refused(json!([1])), "expected an object, found [1]");
        assert_eq!(
            refused(json!({ "start": 1 })),
            "unknown option `start`; the only one is `state`"
        );
        assert_eq!(
            refused(json!({ "state": [0.0] })),
            "`state` must be a list of 2 numbers, found [0.0]"
        );
        assert_eq!(
            refused(json!({ "state": [1.5, 0.0] })),
            "element 0 of `state` is 1.5, not within -1..=1"
        );
        assert!(refused(json!({ "state": [0.0, 1e300] })).starts_with("element 1 of `state` is 1"));
    }
}
