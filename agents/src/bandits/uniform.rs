//! The uniform policy: every set of arms that may be played is as likely as any other.

use palaestra_envs::stream::Stream;
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{IndexPolicy, LearnerSettings, Round, Rule};
use crate::Registry;

/// Plays as many arms as may be played, uniformly drawn among those that the mask allows.
///
/// Unlike the agent `random` it never plays fewer: idling is no arm.
#[derive(Debug, Clone, PartialEq)]
pub struct Uniform;

impl Rule for Uniform {
    type Memory = ();

    fn memory(&self, _seats: usize, _arms: usize) {}

    fn indices(&self, _memory: &mut (), round: &mut Round<'_>, index: &mut [f64]) {
        draw_uniformly(round, index);
    }
}

/// Writes 1 for a uniform choice among the arms allowed and 0 for the rest.
pub(super) fn draw_uniformly(round: &mut Round<'_>, index: &mut [f64]) {
    if round.plays == 1 && round.mask.is_empty() {
        let arm = below(index.len(), round.rng);
        index.fill(0.0);
        index[arm] = 1.0;
        return;
    }
    // Selection sampling (Knuth, algorithm S): each arm is taken with probability wanted / left.
    let mut left = (0..index.len()).filter(|&arm| round.allows(arm)).count();
    let mut wanted = round.plays.min(left);
    for (arm, x) in index.iter_mut().enumerate() {
        *x = 0.0;
        if wanted > 0 && round.allows(arm) {
            let taken = below(left, round.rng) < wanted;
            *x = f64::from(u8::from(taken));
            wanted -= usize::from(taken);
            left -= 1;
        }
    }
}

/// Uniform in `0..n`.
fn below(n: usize, rng: &mut Stream) -> usize {
    rng.random_range(0..n)
}

/// Arguments of `uniform`: none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UniformArgs {}

/// Registers `uniform`.
pub(super) fn register(registry: &mut Registry) {
    registry.register(
        "uniform",
        "Uniformly random arms, always as many as may be played.",
        |context, _: UniformArgs| {
            IndexPolicy::boxed("uniform", context, Uniform, LearnerSettings::default())
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bandits::testbed::Trial;

    /// Share of each set within 5 standard errors.
    #[test]
    fn every_allowed_set_is_equally_likely() {
        let mut trial = Trial::new(&Uniform, 4);
        trial.plays = 2;
        trial.mask = vec![1, 1, 0, 1];
        let n = 30_000;
        let mut counts = [0.0; 3];
        for t in 1..=n {
            match trial.indices(t)[..] {
                [1.0, 1.0, 0.0, 0.0] => counts[0] += 1.0,
                [1.0, 0.0, 0.0, 1.0] => counts[1] += 1.0,
                [0.0, 1.0, 0.0, 1.0] => counts[2] += 1.0,
                ref other => panic!("{other:?}"),
            }
        }
        for count in counts {
            let error = (2.0 / 9.0 / n as f64).sqrt();
            assert!((count / n as f64 - 1.0 / 3.0).abs() < 5.0 * error);
        }
    }

    #[test]
    fn it_plays_all_that_is_left_if_that_is_less() {
        let mut trial = Trial::new(&Uniform, 3);
        trial.plays = 2;
        trial.mask = vec![0, 0, 1];
        assert_eq!(trial.indices(1), [0.0, 0.0, 1.0]);
    }
}
