//! Online planners and the scripted player of Light-Dark: what plays on exact beliefs where there are tables, and on
//! particles where there is a simulator with a guide.

use std::sync::Arc;

use palaestra_envs::{
    pomdp::{
        Pomdp,
        classic::{LaserTag, LightDark, LightDark2d},
    },
    sim::{Environment, Model},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{at_least_one, mdp, playing, positive, solved};
use crate::{
    Agent, AgentContext, AgentError, Registry,
    pomdp::{
        agent::{hidden, model_of, sees_plainly, tracked_model, unsupported},
        decide::{DefaultAction, RolloutPolicy, ScenarioSearch, TreeSearch},
        gaussian::{BeliefLqr, Gaussian},
        go_and_look::GoAndLook,
        guides::Simulated,
        planning::{Blind, DespotSettings, PomcpSettings, Solver, TableBounds},
        track::{Exact, Particles},
    },
};

/// Arguments of an online planner's agent.
trait OnlineArgs: Serialize + DeserializeOwned + Default + JsonSchema + 'static {
    const ID: &'static str;
    const SUMMARY: &'static str;

    fn check(&self) -> Result<(), AgentError>;

    /// The agent on exact beliefs.
    fn exact(
        &self,
        model: Arc<Pomdp>,
        context: &AgentContext,
    ) -> Result<Box<dyn Agent>, AgentError>;

    /// The agent on particles.
    fn simulated<M: Simulated>(
        &self,
        model: Arc<M>,
        context: &AgentContext,
    ) -> Result<Box<dyn Agent>, AgentError>;
}

fn online<A: OnlineArgs>(registry: &mut Registry) {
    registry.register(A::ID, A::SUMMARY, |context, args: A| {
        args.check()?;
        let model = context.env.model.as_ref();
        if model.and_then(Model::get::<Pomdp>).is_some() {
            return args.exact(model_of(A::ID, context)?, context);
        }
        if let Some(model) = simulator::<LightDark>(A::ID, context)? {
            return args.simulated(model, context);
        }
        if let Some(model) = simulator::<LaserTag>(A::ID, context)? {
            return args.simulated(model, context);
        }
        let reason = "it plans with the environment's model, a POMDP with tables or a simulator that it has bounds for, which there is none of here";
        Err(unsupported(A::ID, context, reason))
    });
}

/// The model of the context's environment, if it is of type `M`.
fn simulator<M: Simulated>(
    agent: &str,
    context: &AgentContext,
) -> Result<Option<Arc<M>>, AgentError> {
    if (context.env.model.as_ref().and_then(Model::get::<M>)).is_none() {
        return Ok(None);
    }
    let model = tracked_model(&context.env, context.players[0]);
    model.map(Some).ok_or_else(|| hidden(agent, context))
}

fn guide<M: Simulated>(
    agent: &str,
    model: &M,
    context: &AgentContext,
) -> Result<M::Guide, AgentError> {
    let guide = model.guide();
    guide.map_err(|reason| unsupported(agent, context, &reason))
}

/// Particles of a belief, unless told.
const PARTICLES: usize = 2000;

/// What POMCP does outside its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rollout {
    /// The best blind policy of the present belief, or on particles the action of the guide's lower bound again and
    /// again: pessimistic, with little noise.
    #[default]
    Blind,
    /// Random actions.
    Uniform,
    /// The best action if the simulated state were known: optimistic.
    Mdp,
}

/// Arguments of `pomcp`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PomcpArgs {
    /// Simulations for each decision.
    pub simulations: u32,
    /// Steps of a simulation, at most.
    pub depth: u32,
    /// Exploration constant; half the range of the rewards if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exploration: Option<f64>,
    /// What is done outside the tree.
    pub rollout: Rollout,
    /// Particles of the belief, where the environment's model is a simulator; exact beliefs need none.
    pub particles: usize,
}

impl Default for PomcpArgs {
    fn default() -> Self {
        let PomcpSettings {
            simulations, depth, ..
        } = PomcpSettings::default();
        Self {
            simulations,
            depth,
            exploration: None,
            rollout: Rollout::Blind,
            particles: PARTICLES,
        }
    }
}

impl PomcpArgs {
    fn settings(&self, context: &AgentContext) -> PomcpSettings {
        let (low, high) = context.env.reward_range;
        PomcpSettings {
            simulations: self.simulations,
            depth: self.depth,
            exploration: self.exploration.unwrap_or((high - low) / 2.0),
            ..PomcpSettings::default()
        }
    }
}

impl OnlineArgs for PomcpArgs {
    const ID: &'static str = "pomcp";
    const SUMMARY: &'static str =
        "POMCP: Monte Carlo tree search from the exact belief, or from particles.";

    fn check(&self) -> Result<(), AgentError> {
        at_least_one("simulations", u64::from(self.simulations))?;
        at_least_one("depth", u64::from(self.depth))?;
        at_least_one("particles", self.particles as u64)?;
        match self.exploration {
            Some(c) if !(c.is_finite() && c >= 0.0) => {
                let message = format!("{c} is not a number from 0");
                Err(AgentError::argument("exploration", message))
            }
            _ => Ok(()),
        }
    }

    fn exact(
        &self,
        model: Arc<Pomdp>,
        context: &AgentContext,
    ) -> Result<Box<dyn Agent>, AgentError> {
        let rollouts = match self.rollout {
            Rollout::Uniform => RolloutPolicy::Uniform,
            Rollout::Blind => {
                let blind = Blind::new(model.clone()).map_err(|error| {
                    let reason = format!("its rollouts: {error}; give `rollout = \"uniform\"`");
                    unsupported(Self::ID, context, &reason)
                });
                let mut blind = blind?;
                blind.run(u64::MAX);
                RolloutPolicy::Blind(blind.policy())
            }
            Rollout::Mdp => RolloutPolicy::Informed(solved(Self::ID, mdp(model.clone()), context)?),
        };
        let settings = self.settings(context);
        let decider = TreeSearch { settings, rollouts };
        let tracker = Exact::new(model);
        Ok(playing(Self::ID, context, tracker, decider))
    }

    fn simulated<M: Simulated>(
        &self,
        model: Arc<M>,
        context: &AgentContext,
    ) -> Result<Box<dyn Agent>, AgentError> {
        let guide = || guide(Self::ID, &*model, context);
        let rollouts = match self.rollout {
            Rollout::Uniform => RolloutPolicy::Uniform,
            Rollout::Blind => RolloutPolicy::Blind(DefaultAction(guide()?)),
            Rollout::Mdp => RolloutPolicy::Informed(guide()?),
        };
        let settings = self.settings(context);
        let decider = TreeSearch { settings, rollouts };
        let tracker = Particles::new(model, self.particles);
        Ok(playing(Self::ID, context, tracker, decider))
    }
}

/// Arguments of `despot`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DespotArgs {
    /// Scenarios of each decision.
    pub scenarios: u32,
    /// Depth of the tree.
    pub depth: u32,
    /// Penalty for each node of a policy.
    pub regularisation: f64,
    /// Share of the root's gap at which a node is good enough.
    pub gap_share: f64,
    /// Trials for each decision, at most.
    pub trials: u32,
    /// Particles of the belief, where the environment's model is a simulator; exact beliefs need none.
    pub particles: usize,
}

impl Default for DespotArgs {
    fn default() -> Self {
        let settings = DespotSettings::default();
        Self {
            scenarios: settings.scenarios,
            depth: settings.depth,
            regularisation: settings.regularisation,
            gap_share: settings.gap_share,
            trials: settings.trials,
            particles: PARTICLES,
        }
    }
}

impl DespotArgs {
    fn settings(&self) -> DespotSettings {
        DespotSettings {
            scenarios: self.scenarios,
            depth: self.depth,
            regularisation: self.regularisation,
            gap_share: self.gap_share,
            trials: self.trials,
        }
    }
}

impl OnlineArgs for DespotArgs {
    const ID: &'static str = "despot";
    const SUMMARY: &'static str = "DESPOT: bounds on a tree of sampled scenarios.";

    fn check(&self) -> Result<(), AgentError> {
        at_least_one("scenarios", u64::from(self.scenarios))?;
        at_least_one("depth", u64::from(self.depth))?;
        at_least_one("particles", self.particles as u64)?;
        if !(self.regularisation.is_finite() && self.regularisation >= 0.0) {
            return Err(AgentError::argument(
                "regularisation",
                format!("{} is not a number from 0", self.regularisation),
            ));
        }
        positive("gap_share", self.gap_share)
    }

    fn exact(
        &self,
        model: Arc<Pomdp>,
        context: &AgentContext,
    ) -> Result<Box<dyn Agent>, AgentError> {
        let decider = ScenarioSearch {
            settings: self.settings(),
            bounds: solved(Self::ID, TableBounds::new(&model), context)?,
        };
        let tracker = Exact::new(model);
        Ok(playing(Self::ID, context, tracker, decider))
    }

    fn simulated<M: Simulated>(
        &self,
        model: Arc<M>,
        context: &AgentContext,
    ) -> Result<Box<dyn Agent>, AgentError> {
        let decider = ScenarioSearch {
            settings: self.settings(),
            bounds: guide(Self::ID, &*model, context)?,
        };
        let tracker = Particles::new(model, self.particles);
        Ok(playing(Self::ID, context, tracker, decider))
    }
}

/// Arguments of `go_and_look`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GoAndLookArgs {
    /// Standard deviation of the position, below which it goes for the goal.
    pub certainty: f64,
    /// Particles of the belief.
    pub particles: usize,
}

impl Default for GoAndLookArgs {
    fn default() -> Self {
        Self {
            certainty: 0.1,
            particles: PARTICLES,
        }
    }
}

const GO_AND_LOOK: &str = "go_and_look";

/// Arguments of `belief_lqr`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BeliefLqrArgs {
    /// Distance of the mean from the plan, beyond which it is planned again.
    pub tolerance: f64,
}

impl Default for BeliefLqrArgs {
    fn default() -> Self {
        Self { tolerance: 0.1 }
    }
}

const BELIEF_LQR: &str = "belief_lqr";

fn belief_lqr(context: &AgentContext, args: &BeliefLqrArgs) -> Result<Box<dyn Agent>, AgentError> {
    positive("tolerance", args.tolerance)?;
    let model = (context.env.model.as_ref()).and_then(Model::get::<LightDark2d>);
    let reason = "it plays `light_dark_2d-v1` only";
    let model = model.ok_or_else(|| unsupported(BELIEF_LQR, context, reason))?;
    let own = model.spec();
    let (sees, does) = (&own.players[0].observation, &own.players[0].action);
    if !sees_plainly(&context.env, context.players[0], sees, does) {
        return Err(hidden(BELIEF_LQR, context));
    }
    let decider = BeliefLqr {
        tolerance: args.tolerance,
    };
    let tracker = Gaussian(model);
    Ok(playing(BELIEF_LQR, context, tracker, decider))
}

/// Registers what plays on particles, and what on Gaussians.
pub(super) fn register(registry: &mut Registry) {
    online::<PomcpArgs>(registry);
    online::<DespotArgs>(registry);
    registry.register(
        GO_AND_LOOK,
        "Goes to the light until it knows where it is, then to the goal; for Light-Dark only.",
        |context, args: GoAndLookArgs| {
            positive("certainty", args.certainty)?;
            at_least_one("particles", args.particles as u64)?;
            let model = simulator::<LightDark>(GO_AND_LOOK, context)?;
            let model = model.ok_or_else(|| {
                unsupported(GO_AND_LOOK, context, "it plays `light_dark-v1` only")
            })?;
            let decider = GoAndLook {
                certainty: args.certainty,
            };
            let tracker = Particles::new(model, args.particles);
            Ok(playing(GO_AND_LOOK, context, tracker, decider))
        },
    );
    registry.register(
        BELIEF_LQR,
        "Belief-space LQR: plans how certain it will be; for light-dark in the plane.",
        |context, args: BeliefLqrArgs| belief_lqr(context, &args),
    );
}
