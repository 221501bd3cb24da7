//! Classic control: the environments of Gymnasium's classic-control family and a continuous cart-pole.
//!
//! Each is a batch environment whose module opens with its equations. All take the reset option `state`, a list
//! of numbers to start from in the order of the environment's state, and draw themselves as text. The cart-poles
//! hold their state in single precision, as Gymnasium's vectorised `CartPole`; the others in double precision.

mod acrobot;
mod canvas;
pub(crate) mod cartpole;
mod cartpole_continuous;
mod cartpole_plain;
#[cfg(test)]
mod golden;
mod mountain_car;
mod mountain_car_continuous;
pub(crate) mod pendulum;
mod start;
#[cfg(test)]
mod tests;

pub use acrobot::{Acrobot, AcrobotArgs};
pub use cartpole::{CartPole, CartPoleArgs};
pub use cartpole_continuous::{CartPoleContinuous, CartPoleContinuousArgs};
pub use cartpole_plain::CartPolePlainLoop;
pub use mountain_car::{MountainCar, MountainCarArgs};
pub use mountain_car_continuous::{MountainCarContinuous, MountainCarContinuousArgs};
pub use pendulum::{Pendulum, PendulumArgs};

use crate::{registry::Registry, sim::BatchPlugin};

/// Registers the environments of this family.
pub fn register(registry: &mut Registry) {
    registry.register(
        "cartpole-v1",
        "control",
        "Balance a pole on a cart by pushing it left or right (Gymnasium's CartPole-v1).",
        |args: CartPoleArgs| Ok(Box::new(BatchPlugin(CartPole::new(&args)))),
    );
    registry.register(
        "cartpole_continuous-v1",
        "control",
        "Balance a pole on a cart with a push of any size up to 10 N.",
        |_: CartPoleContinuousArgs| Ok(Box::new(BatchPlugin(CartPoleContinuous))),
    );
    registry.register(
        "pendulum-v1",
        "control",
        "Swing a rod up and hold it there with a weak motor (Gymnasium's Pendulum-v1).",
        |args: PendulumArgs| Ok(Box::new(BatchPlugin(Pendulum::new(&args)?))),
    );
    registry.register(
        "mountain_car-v0",
        "control",
        "Rock a weak car out of a valley, pushing left, right or not at all (Gymnasium's MountainCar-v0).",
        |args: MountainCarArgs| Ok(Box::new(BatchPlugin(MountainCar::new(&args)?))),
    );
    registry.register(
        "mountain_car_continuous-v0",
        "control",
        "Rock a weak car out of a valley with a throttle that costs energy (Gymnasium's \
         MountainCarContinuous-v0).",
        |args: MountainCarContinuousArgs| {
            Ok(Box::new(BatchPlugin(MountainCarContinuous::new(&args)?)))
        },
    );
    registry.register(
        "acrobot-v1",
        "control",
        "Swing the tip of a two-link arm above a line with a motor at its elbow (Gymnasium's Acrobot-v1).",
        |_: AcrobotArgs| Ok(Box::new(BatchPlugin(Acrobot))),
    );
}
