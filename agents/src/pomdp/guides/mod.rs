//! What online planners know of a problem that can only be simulated, beyond its simulator: bounds on its values, and
//! what to do if its state were seen.
//!
//! A problem of your own is played by `Simulated` with a guide of its own, and a line in the planners' registration.

mod laser_tag;
mod light_dark;

use std::fmt::Debug;

pub use laser_tag::LaserTagGuide;
pub use light_dark::LightDarkGuide;
use palaestra_envs::pomdp::Observed;
use serde::{Serialize, de::DeserializeOwned};

use super::{decide::Informed, planning::ScenarioBounds};

/// A simulator that agents plan with on beliefs of particles.
pub trait Simulated:
    Observed<State: Debug + Serialize + DeserializeOwned + Send, Key: Debug + Send>
    + Send
    + Sync
    + 'static
{
    /// What is known of its values.
    type Guide: ScenarioBounds<Self::State> + Informed<Self::State> + Debug + 'static;

    /// Works out what is known of its values.
    ///
    /// # Errors
    /// Why that cannot be done.
    fn guide(&self) -> Result<Self::Guide, String>;
}
