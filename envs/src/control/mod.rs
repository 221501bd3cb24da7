//! Classic control: the environments of Gymnasium's classic-control family and a continuous cart-pole.

mod cartpole;

pub use cartpole::{CartPole, CartPoleArgs};

use serde_json::Value;

use crate::{
    error::EnvError,
    registry::Registry,
    sim::{BatchPlugin, ResetOptions},
};

/// Registers the environments of this family.
pub fn register(registry: &mut Registry) {
    registry.register(
        "cartpole-v1",
        "control",
        "Balance a pole on a cart by pushing it left or right (Gymnasium's CartPole-v1).",
        |args: CartPoleArgs| Ok(Box::new(BatchPlugin(CartPole::new(&args)))),
    );
}

/// The reset option `state`: a list of `N` numbers to start from, in the order of the environment's state.
fn start_state<const N: usize>(
    options: &ResetOptions,
    row: usize,
) -> Result<Option<[f64; N]>, EnvError> {
    if options.is_empty() {
        return Ok(None);
    }
    parse_start_state(options.row(row)).map_err(|message| EnvError::Options { row, message })
}

/// As [`start_state`], from the options of one row.
fn parse_start_state<const N: usize>(options: &Value) -> Result<Option<[f64; N]>, String> {
    let Some(object) = options.as_object() else {
        return if options.is_null() {
            Ok(None)
        } else {
            Err(format!("expected an object, found {options}"))
        };
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
    numbers
        .and_then(|numbers| <[f64; N]>::try_from(numbers).ok())
        .map(Some)
        .ok_or_else(|| format!("`state` must be a list of {N} numbers, found {value}"))
}
