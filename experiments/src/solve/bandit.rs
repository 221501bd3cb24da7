//! What is known about a last-switch-dependent bandit: optimum or bounds, relaxation, promise, and every planner's
//! plan.

use std::time::Instant;

use palaestra_agents::bandits::planning::{
    self, Basis, Column, Optimum, PLANNERS, Plan, PlanError, PlannerConfig, Relaxation, gamma,
    guarantee, promise_basis,
};
use palaestra_envs::bandits::Instance;

use super::{
    BanditInstance, BanditSolution, ColumnReport, GuaranteeReport, OptimumReport, Outcome,
    PlanReport, PlannerReport, PlannerRequest, RelaxationReport, SolveError, Solved, cycle::Cycle,
};

/// Optimal rates that differ by less than this are taken for the same: declared ones are rounded.
const SAME_RATE: f64 = 1e-8;
/// A plan this near below `LP` is optimal: both are sums of rounded payoffs.
const MEETING: f64 = 1e-9;

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
