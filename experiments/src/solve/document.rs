//! The document `solve/1` of a bandit: what [`solve_bandit`](super::solve_bandit) finds.

use palaestra_agents::bandits::planning::PlannerConfig;
use palaestra_envs::bandits::InstanceConfig;
use serde::Serialize;

use super::cycle::Cycle;

/// The document `solve/1` of a bandit.
#[derive(Debug, Clone, Serialize)]
pub struct BanditSolution {
    /// What was solved.
    pub instance: Solved,
    /// `OPT`: the largest long-run mean payoff a round; `null` where [`optimum`](Self::optimum) says why.
    pub opt: Option<f64>,
    /// `LP`: no policy earns more a round in the long run.
    pub lp: f64,
    /// What oracle greedy earns a round.
    pub greedy: f64,
    /// `G`: what the virtual-cycles planner earns a round at least; `null` where [`guarantee`](Self::guarantee) says
    /// why.
    pub g: Option<f64>,
    /// Whether every arm pays the more the more rested it is.
    pub is_monotone: bool,
    /// What is known about `OPT`.
    pub optimum: OptimumReport,
    /// The linear program behind `LP`.
    pub relaxation: RelaxationReport,
    /// What `G` is a promise about.
    pub guarantee: GuaranteeReport,
    /// What each planner found, in the order asked for.
    pub planners: Vec<PlannerReport>,
    /// What a reader must know to read the numbers. Whole sentences.
    pub notes: Vec<String>,
}

/// The instance.
#[derive(Debug, Clone, Serialize)]
pub struct Solved {
    /// Kind of the problem: `lsd_bandit`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What it is.
    pub summary: Option<String>,
    /// Where its parameters come from.
    pub source: Option<String>,
    /// Number of arms, `N`.
    pub arms: usize,
    /// Plays a round, `k`.
    pub plays: usize,
    /// Whether exactly so many.
    pub exact: bool,
    /// States before the first round, `[arms]`.
    pub start: Vec<i16>,
    /// Arms that pay less after a longer rest, or more after more plays.
    pub arms_not_monotone: Vec<usize>,
    /// In full.
    pub config: InstanceConfig,
}

/// What is known about the optimum.
#[derive(Debug, Clone, Serialize)]
pub struct OptimumReport {
    /// How it is known: `all reachable states` were searched, or `a plan reaches LP`; `null` if there are only bounds.
    pub proof: Option<&'static str>,
    /// No more than the optimum: a rate that a plan reaches or a promise.
    pub lower: f64,
    /// No less than the optimum.
    pub upper: f64,
    /// Why not all states were searched.
    pub reason: Option<String>,
    /// Reachable states, where they were counted.
    pub states: Option<usize>,
    /// Legal choices of a round, where they were listed.
    pub choices: Option<usize>,
    /// The optimum that the instance itself declares.
    pub declared: Option<f64>,
}

/// The solved relaxation.
#[derive(Debug, Clone, Serialize)]
pub struct RelaxationReport {
    /// `λ`: what one more play a round would be worth.
    pub lambda: f64,
    /// `θ_i`: price of a round of each arm's time, `[arms]`; `LP = kλ + Σ θ_i`.
    pub theta: Vec<f64>,
    /// Plays a round of each arm, `[arms]`.
    pub rates: Vec<f64>,
    /// The columns that each arm mixes, `[arms][columns]`.
    pub columns: Vec<Vec<ColumnReport>>,
    /// Upper bound on the expected total payoff of the instance's horizon.
    pub horizon_bound: f64,
    /// Seconds to solve it.
    pub seconds: f64,
}

/// A stationary pattern of one arm with its share of the arm's time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ColumnReport {
    /// `τ`: rounds of rest; 0 if it is played for ever.
    pub rest: u32,
    /// `n`: plays in a row after it; 1 if it is played for ever.
    pub plays: u32,
    /// Mean payoff of one repetition.
    pub value: f64,
    /// Share of the arm's time.
    pub weight: f64,
}

/// What the virtual-cycles planner, our own reconstruction, is proven to earn.
#[derive(Debug, Clone, Serialize)]
pub struct GuaranteeReport {
    /// `γ_k`: the share of [`lp`](Self::lp) that `G` reaches at least.
    pub gamma: f64,
    /// Whether the promise holds.
    pub holds: bool,
    /// `instance`, or `monotone minorant`: what was planned for.
    pub planned_for: &'static str,
    /// The relaxation's value of what was planned for.
    pub lp: f64,
    /// What no longer holds, and why.
    pub notes: Vec<String>,
}

/// What a planner found.
#[derive(Debug, Clone, Serialize)]
pub struct PlannerReport {
    /// As asked for: its name, with parameters if there were any.
    pub label: String,
    /// Its name and all its parameters.
    pub config: PlannerConfig,
    /// Where the planner comes from, and how well that is established.
    pub provenance: &'static str,
    /// Wall-clock seconds to plan and to value the plan.
    pub seconds: f64,
    /// The plan, or why there is none.
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl PlannerReport {
    /// The plan, if there is one.
    pub fn plan(&self) -> Option<&PlanReport> {
        match &self.outcome {
            Outcome::Plan(plan) => Some(plan),
            Outcome::Refused(_) => None,
        }
    }
}

/// A plan, or why there is none.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A plan.
    Plan(Box<PlanReport>),
    /// Why there is none.
    Refused(String),
}

/// A plan.
#[derive(Debug, Clone, Serialize)]
pub struct PlanReport {
    /// Mean payoff a round.
    pub rate: f64,
    /// How the rate was found: `exact mean of a cycle`, or `mean of a long run`.
    pub kind: &'static str,
    /// Share of `LP`.
    pub share_of_lp: f64,
    /// Share of `OPT`, where it is known.
    pub share_of_opt: Option<f64>,
    /// Rounds of the cycle.
    pub cycle_length: Option<u64>,
    /// A proven rate: a lower bound, or the expected rate of the randomised planner.
    pub certified: Option<f64>,
    /// States, columns or sequences looked at.
    pub size: u64,
    /// The cycle, if it is not too long.
    pub cycle: Option<Cycle>,
    /// What a reader must know about it.
    pub notes: Vec<String>,
}

impl BanditSolution {
    /// The plan to show: the best whose cycle is listed.
    pub fn best(&self) -> Option<(&PlannerReport, &PlanReport)> {
        self.plans()
            .into_iter()
            .find(|(_, plan)| plan.cycle.is_some())
    }

    /// All plans, best first; of those that earn the same the optimal one first, then in the order asked for.
    pub fn plans(&self) -> Vec<(&PlannerReport, &PlanReport)> {
        let planners = self.planners.iter();
        let mut plans: Vec<_> = planners.filter_map(|p| Some((p, p.plan()?))).collect();
        // Cycles that begin elsewhere are added up in another order.
        let tenths = |plan: &PlanReport| (plan.rate * 1e10).round() as i64;
        plans.sort_by_key(|(p, plan)| (-tenths(plan), p.label != "exact"));
        plans
    }
}
