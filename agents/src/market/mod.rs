//! Agents of the order-book market.
//!
//! * [`avellaneda_stoikov`], [`cartea_jaimungal`]: market makers with closed forms; [`fixed_spread`]: one without any.
//! * [`twap`], [`pov`]: executing a large order evenly in time, or as a share of the volume.

pub mod avellaneda_stoikov;
pub mod cartea_jaimungal;
mod dealer;
pub mod fixed_spread;
pub mod pov;
mod schedule;
#[cfg(test)]
mod tests;
pub mod twap;

pub use avellaneda_stoikov::{AvellanedaStoikov, AvellanedaStoikovArgs};
pub use cartea_jaimungal::{CarteaJaimungal, CarteaJaimungalArgs, CarteaJaimungalError};
pub use fixed_spread::FixedSpreadArgs;
pub use pov::PovArgs;
pub use twap::TwapArgs;

use crate::Registry;

/// Registers the agents of this family.
pub fn register(registry: &mut Registry) {
    avellaneda_stoikov::register(registry);
    cartea_jaimungal::register(registry);
    fixed_spread::register(registry);
    pov::register(registry);
    twap::register(registry);
}
