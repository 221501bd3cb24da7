//! What is known about a last-switch-dependent bandit: optimum or bounds, relaxation, promise, and every planner's
//! plan.

use std::time::Instant;

use palaestra_agents::bandits::planning::{
    self, Basis, Column, Optimum, PLANNERS, Plan, PlanError, PlannerConfig, Relaxation, gamma,
    guarantee, promise_basis,
};
use palaestra_envs::bandits::{Instance, InstanceConfig};
use serde::Serialize;

use super::{BanditInstance, PlannerRequest, SolveError, cycle::Cycle};

/// Optimal rates that differ by less than this are taken for the same: declared ones are rounded.
const SAME_RATE: f64 = 1e-8;
/// A plan this near below `LP` is optimal: both are sums of rounded payoffs.
const MEETING: f64 = 1e-9;

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
    fn plan(&self) -> Option<&PlanReport> {
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

/// Solves a bandit: its relaxation, its optimum if states times choices do not exceed `cap`, and what the planners of
/// `requests` earn.
///
/// # Errors
/// If not even greedy play has a value; planners that find no plan are part of the result.
pub fn solve_bandit(
    bandit: &BanditInstance,
    requests: &[PlannerRequest],
    cap: u64,
) -> Result<BanditSolution, SolveError> {
    let instance = &*bandit.instance;
    let (relaxation, seconds) = timed(|| Relaxation::new(instance));
    let lp = relaxation.value();
    let (greedy, greedy_seconds) = timed(|| planning::greedy(instance));
    let greedy = greedy?;
    let (optimum, optimum_seconds) = timed(|| planning::optimum(instance, cap));
    let report = |request: &PlannerRequest| match request.config {
        // These two are needed in any case.
        PlannerConfig::Greedy {} => planner_report(instance, request, Ok(&greedy), greedy_seconds),
        PlannerConfig::Exact { .. } => {
            let plan = optimum.as_ref().map(|optimum| &optimum.plan);
            planner_report(instance, request, plan, optimum_seconds)
        }
        _ => {
            let (plan, seconds) = timed(|| planning::plan(&request.config, instance));
            planner_report(instance, request, plan.as_ref(), seconds)
        }
    };
    let mut planners: Vec<PlannerReport> = requests.iter().map(report).collect();

    let (guarantee, g) = guarantee_report(instance);
    let proven = [g, (greedy.value.cycle_length).map(|_| greedy.value.rate)];
    let proven = proven.into_iter().flatten().fold(0.0, f64::max);
    let optimum = optimum_report(&optimum, &planners, proven, lp, instance);
    let opt = optimum.proof.map(|_| optimum.lower);
    for planner in &mut planners {
        if let Outcome::Plan(plan) = &mut planner.outcome {
            let share = |of: f64| if of > 0.0 { plan.rate / of } else { 1.0 };
            (plan.share_of_lp, plan.share_of_opt) = (share(lp), opt.map(share));
        }
    }
    let mut notes = Vec::new();
    declared(&optimum, &mut notes);
    Ok(BanditSolution {
        instance: solved(bandit),
        opt,
        lp,
        greedy: greedy.value.rate,
        g,
        is_monotone: instance.is_monotone(),
        optimum,
        relaxation: relaxation_report(instance, &relaxation, seconds),
        guarantee,
        planners,
        notes,
    })
}

/// A result and the seconds that it took.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let started = Instant::now();
    let result = work();
    (result, started.elapsed().as_secs_f64())
}

fn solved(bandit: &BanditInstance) -> Solved {
    let instance = &*bandit.instance;
    let minorant = instance.monotone_minorant();
    let falls = |arm: &usize| {
        let mut states = instance.caps(*arm).states();
        states.any(|s| instance.mean(*arm, s) - minorant.mean(*arm, s) > 1e-12)
    };
    Solved {
        kind: "lsd_bandit",
        name: bandit.name.clone(),
        summary: bandit.summary.clone(),
        source: bandit.source.clone(),
        arms: instance.num_arms(),
        plays: instance.plays(),
        exact: instance.exact(),
        start: instance.start().to_vec(),
        arms_not_monotone: (0..instance.num_arms()).filter(falls).collect(),
        config: bandit.config.clone(),
    }
}

fn planner_report(
    instance: &Instance,
    request: &PlannerRequest,
    plan: Result<&Plan, &PlanError>,
    seconds: f64,
) -> PlannerReport {
    let id = request.label.split('=').next().unwrap_or_default();
    let known = PLANNERS.iter().find(|planner| planner.id == id);
    let outcome = match plan {
        Ok(plan) => Outcome::Plan(Box::new(PlanReport {
            rate: plan.value.rate,
            kind: match plan.value.cycle_length {
                Some(_) => "exact mean of a cycle",
                None => "mean of a long run",
            },
            share_of_lp: f64::NAN,
            share_of_opt: None,
            cycle_length: plan.value.cycle_length,
            certified: plan.value.certified,
            size: plan.cost.size,
            cycle: Cycle::of(instance, plan),
            notes: plan.notes.clone(),
        })),
        Err(error) => Outcome::Refused(reason(error)),
    };
    PlannerReport {
        label: request.label.clone(),
        config: request.config.clone(),
        provenance: known.map_or("", |planner| planner.provenance),
        seconds,
        outcome,
    }
}

/// The error without the planner's name, which stands beside it.
fn reason(error: &PlanError) -> String {
    match error {
        PlanError::TooLarge {
            what,
            size,
            limit,
            help,
            ..
        } => format!("{}; {help}", too_large(what, *size, *limit)),
        PlanError::Unsuitable { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}

fn too_large(what: &str, size: u64, limit: u64) -> String {
    let size = if size < 1_000_000_000_000 {
        size.to_string()
    } else {
        format!("{:.1e}", size as f64)
    };
    format!("at least {size} {what}, above the limit of {limit}")
}

fn optimum_report(
    optimum: &Result<Optimum, PlanError>,
    planners: &[PlannerReport],
    proven: f64,
    lp: f64,
    instance: &Instance,
) -> OptimumReport {
    let declared = instance.optimal_rate();
    let error = match optimum {
        Ok(optimum) => {
            return OptimumReport {
                proof: Some("all reachable states"),
                lower: optimum.plan.value.rate,
                upper: optimum.upper.max(optimum.plan.value.rate),
                reason: None,
                states: Some(optimum.states),
                choices: Some(optimum.choices),
                declared,
            };
        }
        Err(error) => error,
    };
    // The mean of a long run proves nothing; that of a cycle and a promise do.
    let reached = planners.iter().filter_map(PlannerReport::plan);
    let reached = reached.flat_map(|plan| {
        let of_cycle = plan.cycle_length.map(|_| plan.rate);
        [of_cycle, plan.certified].into_iter().flatten()
    });
    let lower = reached.fold(proven, f64::max);
    let meets = lower > lp - MEETING;
    OptimumReport {
        proof: meets.then_some("a plan reaches LP"),
        lower,
        upper: lp.max(lower),
        reason: Some(match error {
            PlanError::TooLarge {
                what, size, limit, ..
            } => too_large(what, *size, *limit),
            other => reason(other),
        }),
        states: None,
        choices: None,
        declared,
    }
}

/// Compares the optimum with what the instance declares.
fn declared(optimum: &OptimumReport, notes: &mut Vec<String>) {
    let Some(rate) = optimum.declared else {
        return;
    };
    if rate < optimum.lower - SAME_RATE || rate > optimum.upper + SAME_RATE {
        notes.push(format!(
            "The instance declares the optimal rate {rate}, which is wrong: the optimum lies between {:.10} and \
             {:.10}. Regret measured against the declared rate is wrong too.",
            optimum.lower, optimum.upper
        ));
    }
}

fn relaxation_report(
    instance: &Instance,
    relaxation: &Relaxation,
    seconds: f64,
) -> RelaxationReport {
    let column = |(column, weight): &(Column, f64)| ColumnReport {
        rest: column.rest,
        plays: column.plays,
        value: column.value,
        weight: *weight,
    };
    let arms = 0..instance.num_arms();
    RelaxationReport {
        lambda: relaxation.play_price(),
        theta: relaxation.time_prices().to_vec(),
        // An arm that is never played has an empty sum, −0.
        rates: relaxation.rates().iter().map(|rate| rate + 0.0).collect(),
        columns: arms
            .map(|arm| relaxation.mix(arm).iter().map(column).collect())
            .collect(),
        horizon_bound: relaxation.finite_horizon(instance, u64::from(instance.horizon())),
        seconds,
    }
}

fn guarantee_report(instance: &Instance) -> (GuaranteeReport, Option<f64>) {
    let mut notes = Vec::new();
    let (basis, holds) = promise_basis(instance, Basis::Monotone, &mut notes);
    let relaxation = Relaxation::new(&basis);
    let g = holds.then(|| guarantee(&basis, &relaxation));
    let report = GuaranteeReport {
        gamma: gamma(instance.plays()),
        holds,
        planned_for: if instance.is_monotone() {
            "instance"
        } else {
            "monotone minorant"
        },
        lp: relaxation.value(),
        notes,
    };
    (report, g)
}
