//! Agents of the order-book market.
//!
//! * [`avellaneda_stoikov`], [`cartea_jaimungal`]: market makers with closed forms.

pub mod avellaneda_stoikov;
pub mod cartea_jaimungal;
mod dealer;
#[cfg(test)]
mod tests;

pub use avellaneda_stoikov::{AvellanedaStoikov, AvellanedaStoikovArgs};
pub use cartea_jaimungal::{CarteaJaimungal, CarteaJaimungalArgs, CarteaJaimungalError};

use crate::Registry;

/// Registers the agents of this family.
pub fn register(registry: &mut Registry) {
    avellaneda_stoikov::register(registry);
    cartea_jaimungal::register(registry);
}
