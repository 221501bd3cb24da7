//! The scripted player of Light-Dark, as in POMDPModels.jl: go to the light until it is clear where one is, then to the
//! goal. It does not plan, and is what planners should not fall short of.

use palaestra_envs::{math, pomdp::classic::LightDark, stream::Stream};

use super::{
    decide::Decide,
    track::{Particles, Track},
};

/// Where the light is.
const LIGHT: f64 = 5.0;

/// Steers to the light while the particles' standard deviation is above `certainty`, else to 0, and stops there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GoAndLook {
    /// Standard deviation of the position that is small enough.
    pub certainty: f64,
}

impl Decide<Particles<LightDark>> for GoAndLook {
    type Memory = ();

    fn memory(&self, _: &Particles<LightDark>) {}

    fn decide(
        &self,
        _: &Particles<LightDark>,
        belief: &<Particles<LightDark> as Track>::Belief,
        (): &mut (),
        _: &mut Stream,
    ) -> usize {
        let mean: f64 = belief.particles().map(|(s, w)| w * s.y).sum();
        let squares = belief
            .particles()
            .map(|(s, w)| w * (s.y - mean) * (s.y - mean));
        let sure = math::sqrt(squares.sum()) < self.certainty;
        let target = if sure { 0.0 } else { LIGHT };
        match mean {
            _ if sure && mean.abs() < 0.5 => 0,
            _ if mean < target => 1,
            _ => 2,
        }
    }
}
