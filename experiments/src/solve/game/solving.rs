//! Runs solvers of games and measures how near they come.

use std::{sync::Arc, time::Instant};

use palaestra_agents::equilibrium::{
    Apo, BimatrixGame, Cfr, CfrVariant, Egpo, ExtensiveFictitiousPlay, ExtensiveGame,
    FictitiousPlay, HalvingEgpo, IpoMd, Iterate, McSampling, Mccfr, NashMd, PreferenceGame,
    PreferenceLearner, RegretMatching, RegretVariant, Rule, Solver, SolverError, Sppo, StepSize,
    Updates, lp_nash, sequence_form,
};

use super::{
    super::SolveError, GameEquilibrium, GameForm, GamePlanner, GamePlannerReport, GamePoint,
    GamePolicyRow, GameProblem, GameRequest, GameSolution, SolvedGame,
};

/// Games up to this many actions, or information sets, get a linear program.
const PROGRAM_SIZE: usize = 300;
/// Gaps within this of zero are rounding.
const SOLVED: f64 = 1e-12;
/// A gap is not negative but for rounding, of tiny temperatures included; below this it is wrong.
const LEAST_GAP: f64 = -1e-9;

/// Solves `problem` by each of `requests` for `iterations` iterations. `on_progress` sees every point of a trace, with
/// the label of its solver.
///
/// # Errors
/// If a solver is for games of another form, or a parameter is outside its range.
pub fn solve_game(
    problem: &GameProblem,
    requests: &[GameRequest],
    iterations: u64,
    mut on_progress: impl FnMut(&str, &GamePoint),
) -> Result<GameSolution, SolveError> {
    let (mut planners, mut notes) = (Vec::with_capacity(requests.len()), Vec::new());
    for request in requests {
        let mut work = work(&problem.form, request)?;
        if work.gap().abs() < SOLVED {
            notes.push(format!(
                "`{}` starts at a solution of this game, the even policy, so that its gap says nothing of how fast it \
                 gets there.",
                request.label
            ));
        }
        let found = run(request, &mut *work, iterations, &mut on_progress);
        let problem = found.problem.as_ref();
        notes.extend(problem.map(|problem| format!("`{}` {problem}.", found.label)));
        planners.push(found);
    }
    Ok(GameSolution {
        game: solved(problem),
        equilibrium: equilibrium(&problem.form)?,
        planners,
        notes,
    })
}

fn solved(problem: &GameProblem) -> SolvedGame {
    let (sizes, nodes) = match &problem.form {
        GameForm::Extensive(game) => {
            let count = |player| {
                game.infosets()
                    .iter()
                    .filter(|s| s.player == player)
                    .count()
            };
            (vec![count(0), count(1)], Some(game.len()))
        }
        GameForm::Normal(game) => (game.actions().to_vec(), None),
        GameForm::Preferences(game) => (vec![game.len()], None),
    };
    SolvedGame {
        kind: problem.form.id(),
        name: problem.name.clone(),
        summary: problem.summary.clone(),
        sizes,
        nodes,
    }
}

fn equilibrium(form: &GameForm) -> Result<Option<GameEquilibrium>, SolveError> {
    let failed = |error| SolveError::Game {
        planner: "linear program".into(),
        error,
    };
    Ok(match form {
        GameForm::Extensive(game) => {
            if !game.is_zero_sum() || game.infosets().len() > PROGRAM_SIZE {
                return Ok(None);
            }
            let found = sequence_form(game).map_err(failed)?;
            Some(GameEquilibrium {
                value: found.value,
                policy: Shown::rows(&**game, &found.policy),
            })
        }
        GameForm::Normal(game) => {
            if !game.is_zero_sum() || game.actions().iter().any(|n| *n > PROGRAM_SIZE) {
                return Ok(None);
            }
            let found = lp_nash(game).map_err(failed)?;
            Some(GameEquilibrium {
                value: found.value,
                policy: sides(&found.profile),
            })
        }
        GameForm::Preferences(game) => {
            if game.len() > PROGRAM_SIZE {
                return Ok(None);
            }
            let found = lp_nash(&BimatrixGame::of_preferences(game)).map_err(failed)?;
            Some(GameEquilibrium {
                // Payoffs 2 P - 1 in the units of P.
                value: 0.5 + 0.5 * found.value,
                policy: sides(&found.profile[..1]),
            })
        }
    })
}

fn sides(policies: &[Vec<f64>]) -> Vec<GamePolicyRow> {
    let row = |(player, policy): (usize, &Vec<f64>)| GamePolicyRow {
        player,
        place: String::new(),
        probabilities: policy.clone(),
    };
    policies.iter().enumerate().map(row).collect()
}

/// A solver at work, whatever it solves.
trait AtWork {
    fn advance(&mut self, iterations: u64);
    fn iteration(&self) -> u64;
    fn has_diverged(&self) -> bool;
    fn gap(&mut self) -> f64;
    fn value(&self) -> Option<f64>;
    fn rows(&self) -> Vec<GamePolicyRow>;
    /// Which policy is judged, and by what.
    fn judged(&self) -> (&'static str, &'static str);
}

/// What it takes to show a policy of a kind of game.
trait Shown<P> {
    fn value(&self, policy: &P) -> Option<f64>;
    fn rows(&self, policy: &P) -> Vec<GamePolicyRow>;
}

impl Shown<Vec<f64>> for ExtensiveGame {
    fn value(&self, policy: &Vec<f64>) -> Option<f64> {
        Some(ExtensiveGame::value(self, policy)[0])
    }

    fn rows(&self, policy: &Vec<f64>) -> Vec<GamePolicyRow> {
        let row = |set: &palaestra_agents::equilibrium::extensive::InfoSet| GamePolicyRow {
            player: set.player,
            place: set.key.clone(),
            probabilities: policy[set.actions.clone()].to_vec(),
        };
        self.infosets().iter().map(row).collect()
    }
}

impl Shown<[Vec<f64>; 2]> for BimatrixGame {
    fn value(&self, [x, y]: &[Vec<f64>; 2]) -> Option<f64> {
        let mut values = vec![0.0; x.len()];
        self.values(0, y, &mut values);
        Some(x.iter().zip(&values).map(|(p, v)| p * v).sum())
    }

    fn rows(&self, policy: &[Vec<f64>; 2]) -> Vec<GamePolicyRow> {
        sides(policy)
    }
}

impl Shown<Vec<f64>> for PreferenceGame {
    fn value(&self, _: &Vec<f64>) -> Option<f64> {
        None
    }

    fn rows(&self, policy: &Vec<f64>) -> Vec<GamePolicyRow> {
        sides(std::slice::from_ref(policy))
    }
}

struct Work<S: Solver> {
    game: Arc<S::Game>,
    solver: S,
    which: Iterate,
    measure: &'static str,
}

impl<S: Solver> AtWork for Work<S>
where
    S::Game: Shown<S::Policy>,
{
    fn advance(&mut self, iterations: u64) {
        self.solver.run(iterations);
    }

    fn iteration(&self) -> u64 {
        self.solver.iteration()
    }

    fn has_diverged(&self) -> bool {
        self.solver.has_diverged()
    }

    fn gap(&mut self) -> f64 {
        self.solver.gap(self.which)
    }

    fn value(&self) -> Option<f64> {
        self.game.value(&self.solver.policy(self.which))
    }

    fn rows(&self) -> Vec<GamePolicyRow> {
        self.game.rows(&self.solver.policy(self.which))
    }

    fn judged(&self) -> (&'static str, &'static str) {
        let iterate = match self.which {
            Iterate::Last => "last",
            Iterate::Average => "average",
        };
        (iterate, self.measure)
    }
}

fn averaged<S>(game: &Arc<S::Game>, solver: S) -> Box<dyn AtWork>
where
    S: Solver + 'static,
    S::Game: Shown<S::Policy>,
{
    Box::new(Work {
        game: game.clone(),
        solver,
        which: Iterate::Average,
        measure: "NashConv",
    })
}

fn learner<R: Rule + 'static>(
    game: &Arc<PreferenceGame>,
    rule: R,
) -> Result<Box<dyn AtWork>, SolverError> {
    let (which, measure) = if rule.temperature() == 0.0 {
        (Iterate::Average, "preference gap")
    } else {
        (Iterate::Last, "regularised gap")
    };
    Ok(Box::new(Work {
        game: game.clone(),
        solver: PreferenceLearner::new(game.clone(), rule)?,
        which,
        measure,
    }))
}

fn work(form: &GameForm, request: &GameRequest) -> Result<Box<dyn AtWork>, SolveError> {
    let made = match form {
        GameForm::Extensive(game) => extensive(game, request.planner),
        GameForm::Normal(game) => normal(game, request.planner),
        GameForm::Preferences(game) => preferences(game, request.planner),
    };
    match made {
        Ok(Some(work)) => Ok(work),
        Ok(None) => Err(SolveError::Planner {
            message: format!(
                "`{}` does not solve games of this form ({})",
                request.label,
                form.id()
            ),
            help: "`palaestra list planners` shows what is for which".into(),
        }),
        Err(error) => Err(SolveError::Game {
            planner: request.label.clone(),
            error,
        }),
    }
}

type Made = Result<Option<Box<dyn AtWork>>, SolverError>;

fn extensive(game: &Arc<ExtensiveGame>, planner: GamePlanner) -> Made {
    let cfr = |variant, updates| -> Made {
        Ok(Some(averaged(
            game,
            Cfr::new(game.clone(), variant, updates)?,
        )))
    };
    let sampled = |sampling, seed| -> Made {
        Ok(Some(averaged(
            game,
            Mccfr::new(game.clone(), sampling, seed)?,
        )))
    };
    match planner {
        GamePlanner::Cfr { simultaneous } => cfr(
            CfrVariant::Vanilla,
            if simultaneous {
                Updates::Simultaneous
            } else {
                Updates::Alternating
            },
        ),
        GamePlanner::CfrPlus {} => cfr(CfrVariant::Plus, Updates::Alternating),
        GamePlanner::DiscountedCfr { alpha, beta, gamma } => cfr(
            CfrVariant::Discounted { alpha, beta, gamma },
            Updates::Alternating,
        ),
        GamePlanner::ExternalSampling { seed } => sampled(McSampling::External, seed),
        GamePlanner::OutcomeSampling { epsilon, seed } => {
            sampled(McSampling::Outcome { epsilon }, seed)
        }
        GamePlanner::FictitiousPlay {} => Ok(Some(averaged(
            game,
            ExtensiveFictitiousPlay::new(game.clone()),
        ))),
        _ => Ok(None),
    }
}

fn normal(game: &Arc<BimatrixGame>, planner: GamePlanner) -> Made {
    let regrets = |variant| -> Made {
        Ok(Some(averaged(
            game,
            RegretMatching::new(game.clone(), variant)?,
        )))
    };
    match planner {
        GamePlanner::RegretMatching {} => regrets(RegretVariant::Matching),
        GamePlanner::RegretMatchingPlus {} => regrets(RegretVariant::MatchingPlus),
        GamePlanner::Hedge { eta } => regrets(RegretVariant::Hedge(eta)),
        GamePlanner::FictitiousPlay {} => {
            Ok(Some(averaged(game, FictitiousPlay::new(game.clone()))))
        }
        _ => Ok(None),
    }
}

fn preferences(game: &Arc<PreferenceGame>, planner: GamePlanner) -> Made {
    let made = match planner {
        GamePlanner::NashMd { tau, eta } => {
            let step = eta.map_or(StepSize::Decaying, StepSize::Fixed);
            learner(game, NashMd { tau, step })
        }
        GamePlanner::Egpo { tau, eta, halve } => {
            let egpo = Egpo { beta: tau, eta };
            let made = if halve {
                learner(game, HalvingEgpo::new(egpo))
            } else {
                learner(game, egpo)
            };
            // The method's own name of the temperature is not that of the parameter.
            made.map_err(|error| match error {
                SolverError::Setting { name, value, range } => SolverError::Setting {
                    name: match name {
                        "beta" => "tau",
                        "eta * beta" => "eta * tau",
                        other => other,
                    },
                    value,
                    range,
                },
                other => other,
            })
        }
        GamePlanner::IpoMd { tau, eta, mixture } => learner(game, IpoMd { tau, eta, mixture }),
        GamePlanner::Sppo { eta } => learner(game, Sppo { eta }),
        GamePlanner::Apo { eta, alpha } => learner(game, Apo::new(eta, alpha)),
        _ => return Ok(None),
    };
    made.map(Some)
}

fn run(
    request: &GameRequest,
    work: &mut dyn AtWork,
    iterations: u64,
    on_progress: &mut impl FnMut(&str, &GamePoint),
) -> GamePlannerReport {
    let mut trace: Vec<GamePoint> = Vec::new();
    let mut seconds = 0.0;
    let mut problem = None;
    for next in checkpoints(iterations) {
        let begin = Instant::now();
        work.advance(next - work.iteration());
        seconds += begin.elapsed().as_secs_f64();
        let gap = work.gap();
        let done = work.iteration();
        if work.has_diverged() || !gap.is_finite() {
            let advice = "a shorter step, or a higher temperature, may help";
            problem = Some(format!("has diverged by iteration {done}; {advice}"));
            break;
        }
        if gap < LEAST_GAP {
            problem = Some(format!(
                "has a gap of {gap:e} after {done} iterations, and no gap is below 0: this is a defect of the program"
            ));
        }
        let point = GamePoint {
            iteration: next,
            gap,
        };
        on_progress(&request.label, &point);
        trace.push(point);
    }
    let (iterate, measure) = work.judged();
    GamePlannerReport {
        label: request.label.clone(),
        config: request.planner,
        iterate,
        measure,
        iterations: work.iteration(),
        gap: match (&problem, trace.last()) {
            (None, Some(point)) => point.gap,
            _ => f64::NAN,
        },
        problem,
        value: work.value(),
        seconds,
        trace,
        policy: work.rows(),
    }
}

/// 1, 2, 5, 10, … below `last`, and `last`.
fn checkpoints(last: u64) -> Vec<u64> {
    let mut found = Vec::new();
    let mut unit = 1u64;
    'units: loop {
        for step in [1, 2, 5] {
            let next = unit.saturating_mul(step);
            if next >= last {
                break 'units;
            }
            found.push(next);
        }
        unit = unit.saturating_mul(10);
    }
    found.push(last);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_end_with_the_last_iteration() {
        assert_eq!(checkpoints(1), [1]);
        assert_eq!(checkpoints(10), [1, 2, 5, 10]);
        assert_eq!(checkpoints(60), [1, 2, 5, 10, 20, 50, 60]);
        assert_eq!(checkpoints(u64::MAX).last(), Some(&u64::MAX));
    }

    #[test]
    fn every_form_is_solved_by_its_defaults() {
        for (name, within) in [
            ("kuhn_poker", 0.02),
            ("biased_rps", 0.02),
            ("biased_cycle", 0.3),
        ] {
            let problem = GameProblem::named(name).unwrap().unwrap();
            let requests = GameRequest::defaults(&problem.form).unwrap();
            let mut seen = 0;
            let found = solve_game(&problem, &requests, 1000, |_, _| seen += 1).unwrap();
            assert_eq!(seen, 10 * requests.len());
            for planner in &found.planners {
                assert!(planner.gap < within, "{name}: {planner:?}");
                assert_eq!(planner.iterations, 1000);
            }
        }
    }

    #[test]
    fn who_diverges_is_not_the_best() {
        let problem = GameProblem::named("biased_cycle").unwrap().unwrap();
        let requests = ["sppo={\"eta\": 1e308}", "egpo"].map(|p| GameRequest::parse(p).unwrap());
        let found = solve_game(&problem, &requests, 100, |_, _| {}).unwrap();
        let [wild, tame] = &found.planners[..] else {
            panic!("{found:?}");
        };
        assert!(wild.problem.as_ref().unwrap().contains("has diverged"));
        assert!(wild.gap.is_nan() && wild.trace.len() < tame.trace.len());
        assert_eq!(found.best().unwrap().label, "egpo");
        assert!(found.notes[0].contains("sppo"), "{:?}", found.notes);
        let alone = solve_game(&problem, &requests[..1], 100, |_, _| {}).unwrap();
        assert!(alone.best().is_none());
        // Steps that no game survives are refused.
        for wild in ["egpo={\"eta\": 50}", "ipo_md={\"eta\": 1000}"] {
            let requests = [GameRequest::parse(wild).unwrap()];
            let refused = solve_game(&problem, &requests, 100, |_, _| {}).unwrap_err();
            assert!(refused.to_string().contains("`eta * tau`"), "{refused}");
        }
    }

    #[test]
    fn a_start_at_the_solution_is_told() {
        for (game, solved) in [
            ("extreme_rps", true),
            ("rps", true),
            ("biased_cycle", false),
        ] {
            let problem = GameProblem::named(game).unwrap().unwrap();
            let requests = GameRequest::defaults(&problem.form).unwrap();
            let found = solve_game(&problem, &requests, 10, |_, _| {}).unwrap();
            let told = found.notes.iter();
            let told = told.filter(|note| note.contains("starts at a solution"));
            assert_eq!(told.count() > 0, solved, "{game}: {:?}", found.notes);
        }
    }

    #[test]
    fn solvers_of_other_forms_are_refused() {
        let kuhn = GameProblem::named("kuhn_poker").unwrap().unwrap();
        let egpo = [GameRequest::parse("egpo").unwrap()];
        let refused = solve_game(&kuhn, &egpo, 10, |_, _| {}).unwrap_err();
        assert!(refused.to_string().contains("extensive"), "{refused}");
        let cycle = GameProblem::named("biased_cycle").unwrap().unwrap();
        let wild = [GameRequest::parse("egpo={\"tau\": -1}").unwrap()];
        let refused = solve_game(&cycle, &wild, 10, |_, _| {}).unwrap_err();
        let told = refused.to_string();
        assert!(
            told.contains("`tau` is -1") && told.contains("positive"),
            "{told}"
        );
    }
}
