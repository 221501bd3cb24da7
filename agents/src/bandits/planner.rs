//! An agent that plays a plan: made before the first round from the environment's exact model.
//!
//! It shows what full information is worth, as an upper reference for learners. It needs an environment that offers
//! its [`Instance`] as [`EnvSpec::model`](palaestra_envs::sim::EnvSpec::model) (`lsd_bandit-v1`) and tells the states
//! of the arms. Round `t` of an episode is phase `t mod period` of the plan, which begins in the instance's starting
//! states. A row that was reset to other states follows the same plan from there: its rate is then that of the plan
//! only in so far as the plan runs into the same cycle. An arm that a mask forbids is left out of its round.

use std::sync::Arc;

use palaestra_envs::{bandits::Instance, sim::Model};
use serde::{Deserialize, Serialize};

use super::{
    Arms, IndexPolicy, LearnerSettings, Memory, Round, Rule, STATES,
    planning::{self, Plan, PlannerConfig},
};
use crate::{AgentContext, AgentError, Registry};

const ID: &str = "planner";

/// Plays what a plan says for the phase of the episode and the states of the arms.
#[derive(Debug)]
pub struct Planner {
    instance: Arc<Instance>,
    plan: Plan,
}

/// Room to work in; nothing is remembered.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Scratch {
    #[serde(skip)]
    tau: Vec<i16>,
    #[serde(skip)]
    chosen: Vec<usize>,
}

impl Memory for Scratch {
    fn lengths(&self) -> Vec<usize> {
        Vec::new()
    }

    fn forget(&mut self, _seat: usize) {}
}

impl Planner {
    /// The player of the plan that `config` makes of the environment's model.
    ///
    /// # Errors
    /// [`AgentError::Unsupported`] if the environment has no such model, or none that fits its actions, or if the
    /// planner finds no plan for it.
    pub fn new(context: &AgentContext, config: &PlannerConfig) -> Result<Self, AgentError> {
        let unsupported = |reason: String| AgentError::Unsupported {
            agent: ID.into(),
            env: context.env.id.clone(),
            reason,
        };
        let arms = Arms::new(ID, context)?;
        let model = context.env.model.as_ref().and_then(Model::get::<Instance>);
        let instance = model.ok_or_else(|| {
            let reason = "it plans with the exact model of a bandit, which this environment does not offer, or which a \
                          wrapper has made untrue";
            unsupported(reason.into())
        })?;
        if (instance.num_arms(), instance.plays()) != (arms.count(), arms.plays()) {
            return Err(unsupported(format!(
                "its actions are {} arms and {} plays, but its model has {} and {}",
                arms.count(),
                arms.plays(),
                instance.num_arms(),
                instance.plays(),
            )));
        }
        let plan = planning::plan(config, &instance);
        let plan = plan.map_err(|error| unsupported(format!("there is no plan: {error}")))?;
        for note in &plan.notes {
            tracing::info!(planner = plan.planner, "{note}");
        }
        Ok(Self { instance, plan })
    }
}

impl Rule for Planner {
    type Memory = Scratch;
    const NEEDS_STATES: bool = true;

    fn memory(&self, _seats: usize, _arms: usize) -> Scratch {
        Scratch::default()
    }

    fn indices(&self, scratch: &mut Scratch, round: &mut Round<'_>, index: &mut [f64]) {
        let Scratch { tau, chosen } = scratch;
        tau.clear();
        tau.extend(round.states.iter().map(|&state| state as i16));
        let policy = &self.plan.policy;
        let phase = round.elapsed as usize % policy.period().max(1);
        policy.choose(&self.instance, phase, tau, chosen);
        // `-inf`: left out, unless the environment insists on more plays than the plan makes.
        index.fill(f64::NEG_INFINITY);
        chosen.iter().for_each(|&arm| index[arm] = 1.0);
    }

    fn metrics(&self, _: &Scratch, _rounds: &[u64], record: &mut dyn FnMut(&str, f64)) {
        record("planner/rate", self.plan.value.rate);
        if let Some(certified) = self.plan.value.certified {
            record("planner/certified", certified);
        }
    }
}

/// Registers `planner`.
pub(super) fn register(registry: &mut Registry) {
    registry
        .register(
            ID,
            "Plays a plan made with the environment's exact model: the best schedule that a planner finds.",
            |context, config: PlannerConfig| {
                let planner = Planner::new(context, &config)?;
                IndexPolicy::boxed(ID, context, planner, LearnerSettings::default())
            },
        )
        .needs_info(STATES);
}
