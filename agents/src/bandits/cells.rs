//! The pairs of an arm and its state, for learners that estimate a payoff for each.

use palaestra_envs::bandits::{ArmCaps, Instance};

use super::Arms;
use crate::{AgentContext, AgentError};

/// How the arms of the context's environment recover: their number, caps, plays and noise. Its payoffs are 0: a learner
/// is not told them.
///
/// # Errors
/// [`AgentError::Unsupported`] if the environment does not say.
pub(super) fn structure(
    agent: &str,
    context: &AgentContext,
    arms: &Arms,
) -> Result<Instance, AgentError> {
    let model = context.env.model.as_ref();
    let instance = model.and_then(palaestra_envs::sim::Model::get::<Instance>);
    match instance.filter(|instance| instance.num_arms() == arms.count()) {
        Some(instance) => Ok(instance.with_means(|_, _| 0.0)),
        None => Err(AgentError::Unsupported {
            agent: agent.into(),
            env: context.env.id.clone(),
            reason: "it must know which states an arm has and how plays change them; play `lsd_bandit-v1` without \
                     wrappers that change its actions, or take a learner for stationary arms such as `ucb1`"
                .into(),
        }),
    }
}

/// Numbers the pairs of an arm and its state from 0: by arm, then from the most satiated state to the most rested.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cells {
    caps: Vec<ArmCaps>,
    /// Where the cells of each arm begin, `[N + 1]`.
    offsets: Vec<usize>,
}

impl Cells {
    pub(super) fn new(structure: &Instance) -> Self {
        let arms = 0..structure.num_arms();
        let caps: Vec<ArmCaps> = arms.map(|arm| structure.caps(arm)).collect();
        let mut offsets = vec![0];
        for caps in &caps {
            offsets.push(offsets[offsets.len() - 1] + (caps.played + caps.idle) as usize);
        }
        Self { caps, offsets }
    }

    /// Number of pairs.
    pub(super) fn count(&self) -> usize {
        self.offsets[self.caps.len()]
    }

    /// `N`.
    pub(super) fn arms(&self) -> usize {
        self.caps.len()
    }

    pub(super) fn caps(&self, arm: usize) -> ArmCaps {
        self.caps[arm]
    }

    /// The cells of `arm`.
    pub(super) fn of(&self, arm: usize) -> std::ops::Range<usize> {
        self.offsets[arm]..self.offsets[arm + 1]
    }

    /// The most states of one arm.
    pub(super) fn most_states(&self) -> usize {
        let arms = 0..self.arms();
        arms.map(|arm| self.of(arm).len()).max().unwrap_or(1)
    }

    /// The cell of `arm` in `state`; a state beyond the caps counts as the cap.
    #[inline]
    pub(super) fn cell(&self, arm: usize, state: i16) -> usize {
        let caps = self.caps[arm];
        let from_floor = (state.clamp(-caps.played, caps.idle) + caps.played) as usize;
        // There is no state 0.
        self.offsets[arm] + from_floor - usize::from(state > 0)
    }

    /// [`Self::cell`] of a state as environments tell it.
    #[inline]
    pub(super) fn told(&self, arm: usize, state: f64) -> usize {
        self.cell(arm, state as i16)
    }
}

#[cfg(test)]
mod tests {
    use palaestra_envs::bandits::InstanceConfig;

    use super::*;

    #[test]
    fn every_state_has_a_cell_of_its_own() {
        for id in ["log3", "spike5", "sea3", "stat3"] {
            let instance = InstanceConfig::preset(id).unwrap().build().unwrap();
            let cells = Cells::new(&instance);
            let mut next = 0;
            for arm in 0..cells.arms() {
                assert_eq!(cells.of(arm).start, next);
                for tau in instance.caps(arm).states() {
                    assert_eq!(cells.told(arm, f64::from(tau)), next, "{id} {arm} {tau}");
                    next += 1;
                }
            }
            assert_eq!(cells.count(), next);
            assert_eq!(cells.cell(0, 99), cells.of(0).end - 1);
        }
    }
}
