//! Planners by name, with their arguments.

use std::{path::PathBuf, sync::Arc};

use palaestra_envs::pomdp::Pomdp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Belief,
    agent::{Decider, PomdpAgent, RolloutPolicy, model_of},
    planning::{
        AlphaPolicy, Blind, DespotSettings, Fib, IncrementalPruning, MostLikelyState, Pbvi,
        PbviSettings, PomcpSettings, Sampling, Sarsop, SarsopSettings, Solver, SolverError,
        TableBounds, ValueIteration,
    },
};
use crate::{AgentContext, AgentError, Registry};

/// Arguments of a planner's agent, from which its way to decide is made.
trait PlannerArgs: Serialize + DeserializeOwned + Default + JsonSchema + 'static {
    const ID: &'static str;
    const SUMMARY: &'static str;

    fn decider(&self, model: &Arc<Pomdp>, context: &AgentContext) -> Result<Decider, AgentError>;
}

fn planner<A: PlannerArgs>(registry: &mut Registry) {
    registry.register(A::ID, A::SUMMARY, |context, args: A| {
        let model = model_of(A::ID, context)?;
        let decider = args.decider(&model, context)?;
        Ok(Box::new(PomdpAgent::new(A::ID, context, model, decider)))
    });
}

/// A solver that cannot work on the environment's model.
fn solved<A: PlannerArgs, T>(
    result: Result<T, SolverError>,
    context: &AgentContext,
) -> Result<T, AgentError> {
    result.map_err(|error| AgentError::Unsupported {
        agent: A::ID.into(),
        env: context.env.id.clone(),
        reason: error.to_string(),
    })
}

fn positive(path: &str, value: f64) -> Result<(), AgentError> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(AgentError::argument(
        path,
        format!("{value} is not a number above 0"),
    ))
}

fn at_least_one(path: &str, value: u64) -> Result<(), AgentError> {
    if value > 0 {
        return Ok(());
    }
    Err(AgentError::argument(path, "must be at least 1"))
}

/// Planners without arguments.
macro_rules! simple {
    ($($args:ident, $id:literal, $summary:literal, $model:ident, $make:expr;)*) => {$(
        #[doc = concat!("Arguments of `", $id, "`: none.")]
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $args {}

        impl PlannerArgs for $args {
            const ID: &'static str = $id;
            const SUMMARY: &'static str = $summary;

            fn decider(&self, model: &Arc<Pomdp>, context: &AgentContext) -> Result<Decider, AgentError> {
                let $model = model.clone();
                solved::<Self, _>($make, context)
            }
        }
    )*};
}

/// Runs a solver to its end.
fn vectors<S: Solver>(solver: Result<S, SolverError>) -> Result<Decider, SolverError> {
    let mut solver = solver?;
    solver.run(u64::MAX);
    Ok(Decider::Vectors(solver.policy()))
}

/// The blind policy that is worth most at the start, and stays with its action.
fn best_blind(model: Arc<Pomdp>) -> Result<Decider, SolverError> {
    let mut solver = Blind::new(model.clone())?;
    solver.run(u64::MAX);
    let mut policy = solver.policy();
    let action = policy.action(&Belief::start(&model));
    for vectors in &mut policy.vectors {
        vectors.retain(|vector| vector.action as usize == action);
    }
    Ok(Decider::Vectors(policy))
}

fn mdp(model: Arc<Pomdp>) -> Result<MostLikelyState, SolverError> {
    let mut solver = ValueIteration::new(model)?;
    solver.run(u64::MAX);
    Ok(MostLikelyState::new(&solver.state().q))
}

simple! {
    QmdpArgs, "qmdp", "The QMDP policy: acts as if the state were known after the next step.", model,
        vectors(ValueIteration::new(model));
    FibArgs, "fib", "Greedy on the fast informed bound.", model, vectors(Fib::new(model));
    BlindArgs, "blind", "The best single action for ever, whatever is seen.", model, best_blind(model);
    MostLikelyStateArgs, "most_likely_state", "The MDP's best action in the most likely state.", model,
        mdp(model).map(Decider::MostLikely);
}

/// Arguments of `incremental_pruning`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IncrementalPruningArgs {
    /// Steps to look ahead, at most; fewer are made if that is exact to 1e-8.
    pub horizon: u64,
}

impl Default for IncrementalPruningArgs {
    fn default() -> Self {
        Self { horizon: 100 }
    }
}

impl PlannerArgs for IncrementalPruningArgs {
    const ID: &'static str = "incremental_pruning";
    const SUMMARY: &'static str = "Exact value iteration, for problems with a handful of states.";

    fn decider(&self, model: &Arc<Pomdp>, context: &AgentContext) -> Result<Decider, AgentError> {
        at_least_one("horizon", self.horizon)?;
        let mut solver = solved::<Self, _>(IncrementalPruning::new(model.clone()), context)?;
        solver.run(self.horizon);
        if let Some(reason) = solver.stuck() {
            return Err(AgentError::Unsupported {
                agent: Self::ID.into(),
                env: context.env.id.clone(),
                reason: format!("{reason}; give a smaller `horizon`"),
            });
        }
        Ok(Decider::Vectors(solver.policy()))
    }
}

/// Arguments of `pbvi`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PbviArgs {
    /// Expansions of the set of beliefs.
    pub iterations: u64,
    /// Backups of every belief after each expansion.
    pub sweeps: u32,
    /// Beliefs after which the set no longer grows.
    pub max_beliefs: usize,
}

impl Default for PbviArgs {
    fn default() -> Self {
        let PbviSettings {
            sweeps,
            max_beliefs,
            ..
        } = PbviSettings::default();
        Self {
            iterations: 20,
            sweeps,
            max_beliefs,
        }
    }
}

impl PlannerArgs for PbviArgs {
    const ID: &'static str = "pbvi";
    const SUMMARY: &'static str = "Point-based value iteration on a growing set of beliefs.";

    fn decider(&self, model: &Arc<Pomdp>, context: &AgentContext) -> Result<Decider, AgentError> {
        at_least_one("iterations", self.iterations)?;
        let settings = PbviSettings {
            sweeps: self.sweeps,
            max_beliefs: self.max_beliefs,
            seed: context.seed,
        };
        let mut solver = solved::<Self, _>(Pbvi::new(model.clone(), settings), context)?;
        solver.run(self.iterations);
        Ok(Decider::Vectors(solver.policy()))
    }
}

/// Arguments of `sarsop`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SarsopArgs {
    /// Gap between the bounds at the initial belief that is good enough.
    pub precision: f64,
    /// Sampled paths, at most.
    pub iterations: u64,
    /// How paths are sampled.
    pub sampling: Sampling,
}

impl Default for SarsopArgs {
    fn default() -> Self {
        Self {
            precision: SarsopSettings::default().precision,
            iterations: 500,
            sampling: Sampling::default(),
        }
    }
}

impl PlannerArgs for SarsopArgs {
    const ID: &'static str = "sarsop";
    const SUMMARY: &'static str =
        "SARSOP: point-based near the beliefs that optimal policies reach.";

    fn decider(&self, model: &Arc<Pomdp>, context: &AgentContext) -> Result<Decider, AgentError> {
        positive("precision", self.precision)?;
        let settings = SarsopSettings {
            precision: self.precision,
            sampling: self.sampling,
            ..SarsopSettings::default()
        };
        let mut solver = solved::<Self, _>(Sarsop::new(model.clone(), settings), context)?;
        solver.run(self.iterations);
        Ok(Decider::Vectors(solver.policy()))
    }
}

/// Arguments of `alpha_vectors`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlphaVectorsArgs {
    /// A file with a policy as JSON, as [`AlphaPolicy::to_json`] writes it.
    pub policy: PathBuf,
}

impl PlannerArgs for AlphaVectorsArgs {
    const ID: &'static str = "alpha_vectors";
    const SUMMARY: &'static str = "A policy of α-vectors from a file that a solver has written.";

    fn decider(&self, model: &Arc<Pomdp>, _: &AgentContext) -> Result<Decider, AgentError> {
        let problem = |what: String| {
            AgentError::argument("policy", format!("{}: {what}", self.policy.display()))
        };
        let text = std::fs::read_to_string(&self.policy).map_err(|e| problem(e.to_string()))?;
        let policy = AlphaPolicy::from_json(&text, model).map_err(|e| problem(e.to_string()))?;
        Ok(Decider::Vectors(policy))
    }
}

/// What POMCP does outside its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rollout {
    /// The best blind policy of the present belief: pessimistic, with little noise.
    #[default]
    Blind,
    /// Random actions.
    Uniform,
    /// The MDP's best action in the simulated state: optimistic, as it knows the state.
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
    /// Exploration constant; half the range of the model's rewards if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exploration: Option<f64>,
    /// What is done outside the tree.
    pub rollout: Rollout,
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
        }
    }
}

impl PlannerArgs for PomcpArgs {
    const ID: &'static str = "pomcp";
    const SUMMARY: &'static str = "POMCP: Monte Carlo tree search from the exact belief.";

    fn decider(&self, model: &Arc<Pomdp>, context: &AgentContext) -> Result<Decider, AgentError> {
        at_least_one("simulations", u64::from(self.simulations))?;
        at_least_one("depth", u64::from(self.depth))?;
        let (low, high) = model.reward_range();
        let exploration = self.exploration.unwrap_or((high - low) / 2.0);
        if !(exploration.is_finite() && exploration >= 0.0) {
            return Err(AgentError::argument(
                "exploration",
                format!("{exploration} is not a number from 0"),
            ));
        }
        let settings = PomcpSettings {
            simulations: self.simulations,
            depth: self.depth,
            exploration,
            ..PomcpSettings::default()
        };
        let rollout = match self.rollout {
            Rollout::Uniform => RolloutPolicy::Uniform,
            Rollout::Blind => {
                let mut blind = solved::<Self, _>(Blind::new(model.clone()), context)?;
                blind.run(u64::MAX);
                RolloutPolicy::Blind(blind.policy())
            }
            Rollout::Mdp => RolloutPolicy::Mdp(solved::<Self, _>(mdp(model.clone()), context)?),
        };
        Ok(Decider::Pomcp(settings, rollout))
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
        }
    }
}

impl PlannerArgs for DespotArgs {
    const ID: &'static str = "despot";
    const SUMMARY: &'static str = "DESPOT: bounds on a tree of sampled scenarios.";

    fn decider(&self, model: &Arc<Pomdp>, context: &AgentContext) -> Result<Decider, AgentError> {
        at_least_one("scenarios", u64::from(self.scenarios))?;
        at_least_one("depth", u64::from(self.depth))?;
        if !(self.regularisation.is_finite() && self.regularisation >= 0.0) {
            return Err(AgentError::argument(
                "regularisation",
                format!("{} is not a number from 0", self.regularisation),
            ));
        }
        positive("gap_share", self.gap_share)?;
        let settings = DespotSettings {
            scenarios: self.scenarios,
            depth: self.depth,
            regularisation: self.regularisation,
            gap_share: self.gap_share,
            trials: self.trials,
        };
        let bounds = solved::<Self, _>(TableBounds::new(model), context)?;
        Ok(Decider::Despot(settings, bounds))
    }
}

/// Registers all planners.
pub fn register(registry: &mut Registry) {
    planner::<QmdpArgs>(registry);
    planner::<FibArgs>(registry);
    planner::<BlindArgs>(registry);
    planner::<MostLikelyStateArgs>(registry);
    planner::<IncrementalPruningArgs>(registry);
    planner::<PbviArgs>(registry);
    planner::<SarsopArgs>(registry);
    planner::<AlphaVectorsArgs>(registry);
    planner::<PomcpArgs>(registry);
    planner::<DespotArgs>(registry);
}
