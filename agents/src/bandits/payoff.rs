//! Payoffs on the scale that bandit rules are stated for: 0 is the worst, 1 the best.

use palaestra_envs::space::Space;

use super::{Arms, PAYOFFS};
use crate::{AgentContext, AgentError};

/// Maps a payoff to `(payoff - lo) / (hi - lo)`.
///
/// `lo` and `hi` are the learner's argument `reward_range`. Without it they are the bounds that the environment
/// states for one play, if these are finite: of its info field `payoffs` where several arms are played at once,
/// or of its reward, divided by the number of plays. Failing that, they are 0 and 1. Rules that need the
/// unit interval (KL-UCB, Beta sampling, the EXP3 family) clip what falls outside; the others do not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PayoffScale {
    low: f64,
    per_unit: f64,
    clip: bool,
}

impl PayoffScale {
    /// The scale for `arms` of the context's environment.
    ///
    /// # Errors
    /// An argument error if `reward_range` is empty or not finite.
    pub fn new(
        context: &AgentContext,
        arms: &Arms,
        reward_range: Option<[f64; 2]>,
        clip: bool,
    ) -> Result<Self, AgentError> {
        let (low, high) = match reward_range {
            Some([low, high]) if low < high && (high - low).is_finite() => (low, high),
            Some([low, high]) => {
                let message =
                    format!("[{low}, {high}] is no range: give two numbers, the lower one first");
                return Err(AgentError::argument("reward_range", message));
            }
            None => stated_range(context, arms),
        };
        Ok(Self {
            low,
            per_unit: 1.0 / (high - low),
            clip,
        })
    }

    /// The payoff on the unit scale.
    #[inline]
    pub fn apply(&self, payoff: f64) -> f64 {
        let x = (payoff - self.low) * self.per_unit;
        if self.clip { x.clamp(0.0, 1.0) } else { x }
    }
}

/// The first finite range among those that the environment states.
fn stated_range(context: &AgentContext, arms: &Arms) -> (f64, f64) {
    let told = context.env.info_index(PAYOFFS).filter(|_| arms.plays() > 1);
    let of_field = match told.map(|index| &context.env.info[index].space) {
        Some(Space::Box(space)) => {
            let low = space.low.iter().copied().fold(f64::INFINITY, f64::min);
            let high = space.high.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            Some((low, high))
        }
        _ => None,
    };
    let plays = arms.plays() as f64;
    let (low, high) = context.env.reward_range;
    let ranges = of_field.into_iter().chain([(low / plays, high / plays)]);
    match ranges
        .into_iter()
        .find(|(low, high)| low.is_finite() && high.is_finite())
    {
        Some((low, high)) if low < high => (low, high),
        // A reward that never varies.
        Some((low, _)) => (low, low + 1.0),
        None => (0.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use palaestra_envs::sim::{RowPlugin, Simulator};

    use super::*;
    use crate::bandits::testbed::{Bernoulli, context};

    #[test]
    fn the_range_is_the_one_given_or_the_environments_or_the_unit_interval() {
        let env = Bernoulli::new(&[0.5; 3], 2, 9);
        let simulator = Simulator::builder(RowPlugin::new(env)).build().unwrap();
        let mut context = context(&simulator);
        let arms = Arms::new("test", &context).unwrap();
        let mut spec = (*context.env).clone();
        spec.info.clear();
        for (range, given, expected) in [
            ((-4.0, 4.0), None, 0.75),
            ((-4.0, f64::INFINITY), None, 1.0),
            ((-4.0, f64::INFINITY), Some([-1.0, 9.0]), 0.2),
            // Constant rewards of 2 for two plays.
            ((2.0, 2.0), None, 0.0),
        ] {
            spec.reward_range = range;
            context.env = std::sync::Arc::new(spec.clone());
            let scale = PayoffScale::new(&context, &arms, given, false).unwrap();
            assert!(
                (scale.apply(1.0) - expected).abs() < 1e-15,
                "{range:?} {given:?}"
            );
        }
        let clipped = PayoffScale::new(&context, &arms, Some([0.0, 2.0]), true).unwrap();
        assert_eq!([-1.0, 0.5, 7.0].map(|x| clipped.apply(x)), [0.0, 0.25, 1.0]);
    }
}
