//! The agent of belief-space LQR: a Kalman filter, and the plans of [`plan_beliefs`].

use std::sync::Arc;

use palaestra_envs::{pomdp::classic::LightDark2d, space::Columns, stream::Stream};
use serde::{Deserialize, Serialize};

use super::{
    decide::Decide,
    planning::{BeliefPlan, GaussianBelief, plan_beliefs},
    track::{BorderAction, Track},
};

/// An action of a Box with two `float32` elements.
impl BorderAction for [f64; 2] {
    fn read(columns: &Columns, row: usize) -> Self {
        let action: [f32; 2] = columns.f32(0).as_chunks().0[row];
        action.map(f64::from)
    }

    fn write(self, columns: &mut Columns, row: usize) {
        columns.f32_mut(0).as_chunks_mut().0[row] = self.map(|x| x as f32);
    }
}

/// Gaussian beliefs in light-dark in the plane.
#[derive(Debug)]
pub struct Gaussian(pub Arc<LightDark2d>);

impl Track for Gaussian {
    type Belief = GaussianBelief;
    type Action = [f64; 2];
    type Seen = ();

    fn start(&self, _: &mut Stream) -> GaussianBelief {
        GaussianBelief::start()
    }

    fn update(
        &mut self,
        belief: &mut GaussianBelief,
        action: [f64; 2],
        (columns, row): (&Columns, usize),
        _: &mut Stream,
    ) -> Result<(), String> {
        let [x, y, there, _]: [f32; 4] = columns.f32(0).as_chunks().0[row];
        if there != 1.0 {
            return Err(
                "nothing was measured, which the environment's model does not know of".into(),
            );
        }
        let moved = belief.moved(action);
        *belief = moved.measured(&self.0, [f64::from(x), f64::from(y)]);
        Ok(())
    }

    fn fits(&self, belief: &GaussianBelief) -> bool {
        belief.variance > 0.0 && belief.mean.iter().all(|x| x.is_finite())
    }
}

/// Follows a plan of beliefs, and plans again where the mean has left it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BeliefLqr {
    /// Distance of the mean from the plan, beyond which it is planned again.
    pub tolerance: f64,
}

/// The plan of an episode and how far it has come.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct UnderWay {
    /// Steps made.
    steps: u32,
    /// The step that the plan begins with, and the plan.
    plan: Option<(u32, BeliefPlan)>,
}

impl Decide<Gaussian> for BeliefLqr {
    type Memory = UnderWay;

    fn memory(&self, _: &Gaussian) -> UnderWay {
        UnderWay::default()
    }

    fn decide(
        &self,
        tracker: &Gaussian,
        belief: &GaussianBelief,
        way: &mut UnderWay,
        _: &mut Stream,
    ) -> [f64; 2] {
        let now = way.steps;
        if let Some((from, plan)) = &way.plan {
            let at = (now - from) as usize;
            if let Some(planned) = plan.beliefs.get(at).filter(|_| at < plan.controls.len()) {
                let off = belief
                    .mean
                    .iter()
                    .zip(planned.mean)
                    .map(|(x, y)| (x - y) * (x - y));
                if off.sum::<f64>() <= self.tolerance * self.tolerance {
                    return plan.control(at, *belief);
                }
            }
        }
        let left = tracker.0.horizon.saturating_sub(now).max(1);
        let plan = plan_beliefs(&tracker.0, *belief, left);
        let control = plan.control(0, *belief);
        way.plan = Some((now, plan));
        control
    }

    fn advance(&self, way: &mut UnderWay, _: [f64; 2], (): &()) {
        way.steps += 1;
    }
}
