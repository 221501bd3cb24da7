//! Planners by name, with their arguments.

mod online;

use std::{path::PathBuf, sync::Arc};

pub use online::{BeliefLqrArgs, DespotArgs, GoAndLookArgs, PomcpArgs, Rollout};

use palaestra_envs::pomdp::Pomdp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Belief,
    agent::{PomdpAgent, model_of, unsupported},
    decide::Decide,
    planning::{
        AlphaPolicy, Blind, Fib, IncrementalPruning, MostLikelyState, Pbvi, PbviSettings, Sampling,
        Sarsop, SarsopSettings, Solver, SolverError, ValueIteration,
    },
    track::{Exact, Track},
};
use crate::{Agent, AgentContext, AgentError, Registry};

/// Arguments of a planner's agent, from which its way to decide is made.
trait PlannerArgs: Serialize + DeserializeOwned + Default + JsonSchema + 'static {
    const ID: &'static str;
    const SUMMARY: &'static str;
    type Decider: Decide<Exact> + 'static;

    fn decider(
        &self,
        model: &Arc<Pomdp>,
        context: &AgentContext,
    ) -> Result<Self::Decider, AgentError>;
}

fn planner<A: PlannerArgs>(registry: &mut Registry) {
    registry.register(A::ID, A::SUMMARY, |context, args: A| {
        let model = model_of(A::ID, context)?;
        let decider = args.decider(&model, context)?;
        Ok(playing(A::ID, context, Exact::new(model), decider))
    });
}

/// The agent that plays by what `tracker` believes and `decider` makes of it.
fn playing<T: Track + 'static, D: Decide<T> + 'static>(
    id: &'static str,
    context: &AgentContext,
    tracker: T,
    decider: D,
) -> Box<dyn Agent> {
    Box::new(PomdpAgent::new(id, context, tracker, decider))
}

/// A solver that cannot work on the environment's model.
fn solved<T>(
    agent: &str,
    result: Result<T, SolverError>,
    context: &AgentContext,
) -> Result<T, AgentError> {
    result.map_err(|error| unsupported(agent, context, &error.to_string()))
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
    ($($args:ident, $id:literal, $summary:literal, $decider:ty, $model:ident, $make:expr;)*) => {$(
        #[doc = concat!("Arguments of `", $id, "`: none.")]
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $args {}

        impl PlannerArgs for $args {
            const ID: &'static str = $id;
            const SUMMARY: &'static str = $summary;
            type Decider = $decider;

            fn decider(&self, model: &Arc<Pomdp>, context: &AgentContext) -> Result<$decider, AgentError> {
                let $model = model.clone();
                solved(Self::ID, $make, context)
            }
        }
    )*};
}

/// Runs a solver to its end.
fn vectors<S: Solver>(solver: Result<S, SolverError>) -> Result<AlphaPolicy, SolverError> {
    let mut solver = solver?;
    solver.run(u64::MAX);
    Ok(solver.policy())
}

/// The blind policy that is worth most at the start, and stays with its action.
fn best_blind(model: Arc<Pomdp>) -> Result<AlphaPolicy, SolverError> {
    let mut solver = Blind::new(model.clone())?;
    solver.run(u64::MAX);
    let mut policy = solver.policy();
    let action = policy.action(&Belief::start(&model));
    for vectors in &mut policy.vectors {
        vectors.retain(|vector| vector.action as usize == action);
    }
    Ok(policy)
}

fn mdp(model: Arc<Pomdp>) -> Result<MostLikelyState, SolverError> {
    let mut solver = ValueIteration::new(model)?;
    solver.run(u64::MAX);
    Ok(MostLikelyState::new(&solver.state().q))
}

simple! {
    QmdpArgs, "qmdp", "The QMDP policy: acts as if the state were known after the next step.", AlphaPolicy, model,
        vectors(ValueIteration::new(model));
    FibArgs, "fib", "Greedy on the fast informed bound.", AlphaPolicy, model,
        vectors(Fib::new(model));
    BlindArgs, "blind", "The best single action for ever, whatever is seen.", AlphaPolicy, model,
        best_blind(model);
    MostLikelyStateArgs, "most_likely_state", "The MDP's best action in the most likely state.", MostLikelyState, model,
        mdp(model);
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
    type Decider = AlphaPolicy;

    fn decider(
        &self,
        model: &Arc<Pomdp>,
        context: &AgentContext,
    ) -> Result<AlphaPolicy, AgentError> {
        at_least_one("horizon", self.horizon)?;
        let mut solver = solved(Self::ID, IncrementalPruning::new(model.clone()), context)?;
        solver.run(self.horizon);
        if let Some(reason) = solver.stuck() {
            return Err(AgentError::Unsupported {
                agent: Self::ID.into(),
                env: context.env.id.clone(),
                reason: format!("{reason}; give a smaller `horizon`"),
            });
        }
        Ok(solver.policy())
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
    type Decider = AlphaPolicy;

    fn decider(
        &self,
        model: &Arc<Pomdp>,
        context: &AgentContext,
    ) -> Result<AlphaPolicy, AgentError> {
        at_least_one("iterations", self.iterations)?;
        let settings = PbviSettings {
            sweeps: self.sweeps,
            max_beliefs: self.max_beliefs,
            seed: context.seed,
        };
        let mut solver = solved(Self::ID, Pbvi::new(model.clone(), settings), context)?;
        solver.run(self.iterations);
        Ok(solver.policy())
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
    type Decider = AlphaPolicy;

    fn decider(
        &self,
        model: &Arc<Pomdp>,
        context: &AgentContext,
    ) -> Result<AlphaPolicy, AgentError> {
        positive("precision", self.precision)?;
        let settings = SarsopSettings {
            precision: self.precision,
            sampling: self.sampling,
            ..SarsopSettings::default()
        };
        let mut solver = solved(Self::ID, Sarsop::new(model.clone(), settings), context)?;
        solver.run(self.iterations);
        Ok(solver.policy())
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
    type Decider = AlphaPolicy;

    fn decider(&self, model: &Arc<Pomdp>, _: &AgentContext) -> Result<AlphaPolicy, AgentError> {
        let problem = |what: String| {
            AgentError::argument("policy", format!("{}: {what}", self.policy.display()))
        };
        let text = std::fs::read_to_string(&self.policy).map_err(|e| problem(e.to_string()))?;
        AlphaPolicy::from_json(&text, model).map_err(|e| problem(e.to_string()))
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
    online::register(registry);
}
