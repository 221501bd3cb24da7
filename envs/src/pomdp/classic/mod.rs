//! The classic problems of the literature, from their definitions.
//!
//! | problem | states × actions × observations | environment |
//! |---|---|---|
//! | [`Tiger`] | 2 × 3 × 2 | `tiger-v1` |
//! | [`CryingBaby`] | 2 × 2 × 2 | `crying_baby-v1` |
//! | [`TMaze`] | 2(n + 1) + 1 × 4 × 5 | `t_maze-v1` |
//! | [`RockSample`] | n² 2^k + 1 × 5 + k × 3 | `rock_sample-v1` |
//! | [`Tag`] | 870 × 5 × 30 | `tag-v1` |
//! | [`Hallway`] | 60 × 5 × 21, or 92 × 5 × 17 | `hallway-v1` |
//! | [`LightDark`] | real line × 3 × real line | `light_dark-v1` |
//! | [`LightDark2d`] | plane × plane × plane | `light_dark_2d-v1` |
//! | [`LaserTag`] | 7 · 11 cells twice × 5 × 8 readings | `laser_tag-v1` |
//!
//! All but the last three are [`PomdpModel`](super::PomdpModel)s, whose tables are exact; those can only be simulated.

mod crying_baby;
mod hallway;
mod laser_tag;
mod light_dark;
mod light_dark_2d;
mod rock_sample;
mod t_maze;
mod tag;
mod tiger;

pub use crying_baby::CryingBaby;
pub use hallway::{Building, Hallway};
pub use laser_tag::{LaserTag, LaserTagArgs, LaserTagState, Readings};
pub use light_dark::{LightDark, LightDarkArgs, Position};
pub use light_dark_2d::{LightDark2d, LightDark2dArgs, Place};
pub use rock_sample::{RockSample, Sensor, Walls};
pub use t_maze::{MazeStart, TMaze};
pub use tag::{Opponent, Tag};
pub use tiger::Tiger;
