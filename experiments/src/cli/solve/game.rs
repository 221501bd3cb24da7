//! Solving a game: how near solvers come to an equilibrium, and a picture of it.

use super::{
    super::{CliError, Exit, output::Output, picture::Picture},
    SolveArgs,
};
use crate::{
    plot::{Axis, LinePlot, Series, line_plot},
    solve::{GameProblem, GameRequest, GameSolution, solve_game},
};

/// Iterations of each solver unless others are asked for.
const ITERATIONS: u64 = 1000;
/// Gap that stands for all below it on the logarithmic axis: they are rounding.
const ROUNDING: f64 = 1e-16;

pub(super) fn solve(
    output: &Output,
    args: &SolveArgs,
    problem: &GameProblem,
    picture: Option<&Picture<'_>>,
) -> Result<Exit, CliError> {
    let requests = if args.planners.is_empty() {
        GameRequest::defaults(&problem.form)?
    } else {
        let requests = args.planners.iter().map(|p| GameRequest::parse(p));
        requests.collect::<Result<Vec<_>, _>>()?
    };
    let iterations = args.iterations.unwrap_or(ITERATIONS);
    let solution = solve_game(problem, &requests, iterations, |_, _| {})?;
    output.text(&solution.text());
    output.document("solve-game/1", &solution);
    for note in &solution.notes {
        output.message(note);
    }
    if let Some(picture) = picture {
        let path = picture.write(line_plot(&gaps(&solution))?, "")?;
        output.message(&format!("gaps drawn to {}", path.display()));
    }
    // Where no solver has found anything, nothing was solved.
    Ok(match solution.best() {
        Some(_) => Exit::Success,
        None => Exit::CheckFailed,
    })
}

/// The gap of every solver over iterations.
fn gaps(solution: &GameSolution) -> LinePlot {
    let series = solution.planners.iter().map(|planner| Series {
        name: planner.label.clone(),
        x: planner.trace.iter().map(|p| p.iteration as f64).collect(),
        centre: planner.trace.iter().map(|p| p.gap.max(ROUNDING)).collect(),
        band: None,
    });
    let mut measures: Vec<&str> = solution.planners.iter().map(|p| p.measure).collect();
    measures.dedup();
    LinePlot {
        title: format!("{}: distance from an equilibrium", solution.game.name),
        subtitle: "what both players could gain together by responding best".into(),
        x: Axis::log("iterations"),
        y: Axis::log(measures.join(", ")),
        references: Vec::new(),
        series: series.collect(),
    }
}
