//! Amounts in JSON as numbers of units; in `f64` every hundredth that an amount can be is apart from the next.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

use crate::language::Money;

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
pub(super) fn serialize<S: Serializer>(money: &Money, to: S) -> Result<S::Ok, S::Error> {
    if money.minor() % 100 == 0 {
        to.serialize_i64(money.minor() / 100)
    } else {
        to.serialize_f64(money.to_f64())
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Money, D::Error> {
    let units = f64::deserialize(from)?;
    Money::from_f64(units).ok_or_else(|| D::Error::custom(format!("{units} is no amount of money")))
}
