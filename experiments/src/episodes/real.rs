//! Real numbers in JSON.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number that may be infinite or NaN, for which JSON has no number but a name. All NaN are one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Real(pub(super) f64);

impl Real {
    pub(super) fn of(x: f64) -> Self {
        Self(if x.is_nan() { f64::NAN } else { x })
    }
}

impl Serialize for Real {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() {
            out.serialize_f64(self.0)
        } else {
            out.collect_str(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Real;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or its name")
            }
            fn visit_f64<E: de::Error>(self, x: f64) -> Result<Real, E> {
                Ok(Real(x))
            }
            fn visit_u64<E: de::Error>(self, x: u64) -> Result<Real, E> {
                Ok(Real(x as f64))
            }
            fn visit_i64<E: de::Error>(self, x: i64) -> Result<Real, E> {
                Ok(Real(x as f64))
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Real, E> {
                name.parse().map(Real).map_err(E::custom)
            }
        }
        input.deserialize_any(Visitor)
    }
}
