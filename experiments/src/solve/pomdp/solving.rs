//! Solves a POMDP with several planners, one after the other.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

use palaestra_agents::pomdp::{
    Belief,
    planning::{
        AlphaPolicy, Blind, Fib, IncrementalPruning, Informed, Pbvi, PbviSettings, Sarsop,
        SarsopSettings, Solver, SolverError, ValueIteration,
    },
};
use palaestra_envs::pomdp::Pomdp;

use super::{
    Bounds, Limits, PomdpPlanner, PomdpPlannerReport, PomdpProblem, PomdpRequest, PomdpSolution,
    SavedSolver, SolvedPomdp, Stop, TracePoint, trace,
};
use crate::solve::SolveError;

/// How long planners work.
#[derive(Debug, Clone)]
pub struct PomdpOptions {
    /// Seconds for each planner.
    pub seconds: f64,
    /// Distance of the bounds that is near enough.
    pub precision: f64,
    /// Whether solvers are to be saved.
    pub save: bool,
    /// Ends all planning when set.
    pub interrupt: Arc<AtomicBool>,
}

impl Default for PomdpOptions {
    /// A minute, to a gap of 0.001.
    fn default() -> Self {
        Self {
            seconds: 60.0,
            precision: 1e-3,
            save: false,
            interrupt: Arc::default(),
        }
    }
}

/// What came out beside the document.
#[derive(Debug, Clone)]
pub struct PomdpPlan {
    /// The policy of each planner.
    pub policies: Vec<AlphaPolicy>,
    /// The solvers, if they were to be saved.
    pub saved: Vec<SavedSolver>,
}

impl PomdpPlan {
    /// The policy of the planner with the largest lower bound; of several the first.
    pub fn best<'a>(
        &'a self,
        solution: &'a PomdpSolution,
    ) -> Option<(&'a PomdpPlannerReport, &'a AlphaPolicy)> {
        let pairs = solution.planners.iter().zip(&self.policies);
        let mut best: Option<(&PomdpPlannerReport, &AlphaPolicy)> = None;
        for pair in pairs {
            let lower = |report: &PomdpPlannerReport| report.lower.unwrap_or(f64::NEG_INFINITY);
            if best.is_none_or(|(known, _)| lower(pair.0) > lower(known)) {
                best = Some(pair);
            }
        }
        best
    }
}

/// What there is to do.
#[derive(Debug, Clone)]
pub enum Work {
    /// These planners, from their beginning.
    Begin(Vec<PomdpRequest>),
    /// This planner, from where it stopped.
    Resume(Box<SavedSolver>),
}

/// Computes the bounds of a model that need no planning, and runs planners. `on_progress` sees the planner's label and
/// how far it is, after every iteration.
///
/// # Errors
/// [`SolveError::Refused`] if no planner can work on the model, [`SolveError::Foreign`] for a solver of another model.
pub fn solve_pomdp(
    problem: &PomdpProblem,
    work: &Work,
    options: &PomdpOptions,
    mut on_progress: impl FnMut(&str, &TracePoint),
) -> Result<(PomdpSolution, PomdpPlan), SolveError> {
    let model = &problem.model;
    let mut notes = problem.warnings.clone();
    let hash = match work {
        Work::Begin(_) if !options.save => String::new(),
        _ => model.digest(),
    };
    let resumed = match work {
        Work::Begin(_) => None,
        Work::Resume(saved) if saved.model != hash => {
            return Err(SolveError::Foreign(problem.name.clone()));
        }
        Work::Resume(saved) => Some(PomdpRequest {
            label: saved.label.clone(),
            planner: saved.planner,
        }),
    };
    let begin = Instant::now();
    let informed = Informed::new(model);
    let starting = begin.elapsed().as_secs_f64();
    if let Err(error) = &informed {
        notes.push(format!("there are no bounds without planning: {error}"));
    }
    let jobs: Vec<Job<'_>> = match (work, &resumed) {
        (Work::Resume(saved), Some(request)) => vec![(request, Some(&**saved))],
        (Work::Begin(requests), _) => requests.iter().map(|request| (request, None)).collect(),
        (Work::Resume(_), None) => Vec::new(),
    }
    .into_iter()
    .map(|(request, saved)| Job {
        model,
        request,
        saved,
        options,
        informed: informed.as_ref(),
        starting,
        hash: &hash,
    })
    .collect();
    let (mut reports, mut refused) = (Vec::new(), Vec::new());
    let mut plan = PomdpPlan {
        policies: Vec::new(),
        saved: Vec::new(),
    };
    for job in jobs {
        let label = &job.request.label;
        match job.run(&mut |point| on_progress(label, point)) {
            Ok(done) => {
                notes.extend(done.note.map(|note| format!("{label}: {note}")));
                if let Stop::Stuck(reason) = &done.report.stop {
                    notes.push(format!("{label} cannot go on: {reason}"));
                }
                reports.push(done.report);
                plan.policies.push(done.policy);
                plan.saved.extend(done.saved);
            }
            Err(error) => refused.push((job.request, error)),
        }
    }
    if reports.is_empty() && !refused.is_empty() {
        let (request, error) = refused.swap_remove(0);
        return Err(SolveError::Refused {
            planner: request.planner.id(),
            error,
        });
    }
    let refused = refused.iter();
    notes.extend(refused.map(|(request, error)| format!("{} did not run: {error}", request.label)));
    let bounds = Bounds::new(informed.ok().map(|known| known.bounds), &reports);
    let solution = PomdpSolution {
        problem: SolvedPomdp::new(problem),
        chain_holds: bounds.holds(),
        bounds,
        planners: reports,
        notes: notes.iter().map(|note| sentence(note)).collect(),
    };
    Ok((solution, plan))
}

/// With a capital letter, unless it begins with a name, and a full stop.
fn sentence(text: &str) -> String {
    let end = if text.ends_with('.') { "" } else { "." };
    match text.strip_prefix("th") {
        Some(rest) => format!("Th{rest}{end}"),
        None => format!("{text}{end}"),
    }
}

/// One planner's work.
struct Job<'a> {
    model: &'a Arc<Pomdp>,
    request: &'a PomdpRequest,
    saved: Option<&'a SavedSolver>,
    options: &'a PomdpOptions,
    /// The bounds that search begins with, or why there are none.
    informed: Result<&'a Informed, &'a SolverError>,
    /// Seconds that they took.
    starting: f64,
    hash: &'a str,
}

/// What one planner leaves.
struct Done {
    report: PomdpPlannerReport,
    policy: AlphaPolicy,
    saved: Option<SavedSolver>,
    note: Option<String>,
}

/// What a solver tells beside its bounds: how many beliefs it visits, and a remark.
type Look = (Option<usize>, Option<String>);

impl Job<'_> {
    fn run(&self, on_progress: &mut dyn FnMut(&TracePoint)) -> Result<Done, SolverError> {
        let model = || self.model.clone();
        match self.request.planner {
            PomdpPlanner::Sarsop {
                sampling,
                gap_share,
                ..
            } => {
                let settings = SarsopSettings {
                    precision: self.precision(),
                    gap_share,
                    sampling,
                };
                let make = || Ok(Sarsop::from_bounds(model(), settings, self.informed()?));
                let tune = |solver: &mut Sarsop| solver.set_precision(settings.precision);
                self.go(
                    make,
                    tune,
                    |solver| (Some(solver.sizes().0), None),
                    on_progress,
                )
            }
            PomdpPlanner::Pbvi {
                sweeps,
                max_beliefs,
                seed,
                ..
            } => {
                let settings = PbviSettings {
                    sweeps,
                    max_beliefs,
                    seed,
                };
                let make = || Ok(Pbvi::from_bounds(model(), settings, self.informed()?));
                let look = |solver: &Pbvi| (Some(solver.beliefs()), None);
                self.go(make, |_| {}, look, on_progress)
            }
            PomdpPlanner::IncrementalPruning { .. } => {
                let make = || IncrementalPruning::from_bounds(model(), self.informed.ok());
                let look = |solver: &IncrementalPruning| {
                    let progress = solver.progress();
                    let far = progress.upper - progress.lower > self.precision();
                    let (steps, value) = (progress.iteration, solver.value());
                    let note = || format!("the optimal value of {steps} steps is {value:.6}");
                    (None, far.then(note))
                };
                self.go(make, |_| {}, look, on_progress)
            }
            PomdpPlanner::Qmdp {} => {
                let make = || ValueIteration::new(model());
                let mut done = self.go(make, |_| {}, nothing, on_progress)?;
                // The trace is of the MDP's value; one step of uncertainty makes the bound tighter.
                done.report.upper = done.policy.value(&Belief::start(self.model));
                Ok(done)
            }
            PomdpPlanner::Fib {} => self.go(|| Fib::new(model()), |_| {}, nothing, on_progress),
            PomdpPlanner::Blind {} => self.go(|| Blind::new(model()), |_| {}, nothing, on_progress),
        }
    }

    fn informed(&self) -> Result<&Informed, SolverError> {
        self.informed.map_err(Clone::clone)
    }

    fn precision(&self) -> f64 {
        match self.request.planner {
            PomdpPlanner::Sarsop {
                precision: Some(own),
                ..
            } => own,
            _ => self.options.precision,
        }
    }

    fn go<S: Solver>(
        &self,
        make: impl FnOnce() -> Result<S, SolverError>,
        tune: impl FnOnce(&mut S),
        look: impl FnOnce(&S) -> Look,
        on_progress: &mut dyn FnMut(&TracePoint),
    ) -> Result<Done, SolverError> {
        let begin = Instant::now();
        let mut solver = match self.saved {
            Some(saved) => S::load(self.model.clone(), &saved.state)?,
            None => make()?,
        };
        tune(&mut solver);
        // What was spent before: until it was saved, or on the bounds that it starts from.
        let before = match self.saved {
            Some(saved) => saved.seconds,
            None if self.request.planner.starts_from_bounds() => self.starting,
            None => 0.0,
        };
        let most = self.saved.map_or(0.0, |saved| saved.seconds) + self.options.seconds;
        let limits = Limits {
            seconds: most,
            iterations: self.request.planner.iterations().unwrap_or(u64::MAX),
            precision: Some(self.precision()),
            spent: before + begin.elapsed().as_secs_f64(),
            interrupt: self.options.interrupt.clone(),
        };
        let traced = trace(&mut solver, &limits, |_, point| on_progress(point));
        let mut points = self
            .saved
            .map_or_else(Vec::new, |saved| saved.points.clone());
        let known = usize::from(!points.is_empty());
        points.extend(&traced.points[known..]);
        let seconds = before + begin.elapsed().as_secs_f64();
        let policy = solver.policy();
        let (beliefs, note) = look(&solver);
        let progress = solver.progress();
        let finite = |bound: f64| bound.is_finite().then_some(bound);
        let saved = if self.options.save {
            Some(SavedSolver {
                label: self.request.label.clone(),
                planner: self.request.planner,
                model: self.hash.into(),
                seconds,
                points: points.clone(),
                state: solver.save()?,
            })
        } else {
            None
        };
        Ok(Done {
            report: PomdpPlannerReport {
                label: self.request.label.clone(),
                config: self.request.planner,
                lower: finite(progress.lower),
                upper: finite(progress.upper),
                iterations: progress.iteration,
                seconds,
                vectors: policy.len(),
                beliefs,
                stop: traced.stop,
                trace: points,
            },
            policy,
            saved,
            note,
        })
    }
}

fn nothing<S>(_: &S) -> Look {
    (None, None)
}
