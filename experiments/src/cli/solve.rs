//! `solve`: what is the most that can be earned, and who comes how near?

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;
use palaestra_agents::bandits::planning::graph::MAX_EDGES;

use super::{CliError, Exit, output::Output, picture::Picture};
use crate::{
    Registries,
    plot::{Strip, StripPlot, strips},
    solve::{
        BanditInstance, BanditSolution, Cycle, PlanReport, PlannerReport, PlannerRequest, Subject,
        solve_bandit,
    },
};

mod game;
mod game_text;
mod pomdp;
mod pomdp_picture;
mod pomdp_text;
mod text;

/// Rounds that a short cycle is repeated to fill.
const FEW_ROUNDS: usize = 46;
/// Rounds and arms beyond which a picture is cut.
const MOST_ROUNDS: usize = 240;
const MOST_ARMS: usize = 500;

/// `palaestra solve`
#[derive(Debug, Clone, Args)]
pub(super) struct SolveArgs {
    /// POMDP: a .pomdp file, or an environment with an explicit model (tiger-v1). Bandit: a .toml or .json file, or a
    /// name (`palaestra list instances`). Game: a name (`palaestra list games`)
    instance: String,
    /// Use this planner instead of SARSOP, of all for a bandit, or of a few for a game: NAME, or NAME={JSON} with
    /// parameters; may be given several times (`palaestra list planners`)
    #[arg(long = "planner", value_name = "NAME")]
    planners: Vec<String>,
    /// Draw the bounds over time, and α-vectors of two states beside it, or the cycle of a bandit's best plan, or the
    /// gaps of a game's solvers, to this .svg or .png file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Bandits: largest number of states times choices for which the optimum is computed; above it, bounds are given
    /// [default: 2000000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    cap: Option<u64>,
    /// Games: iterations of each solver [default: 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    iterations: Option<u64>,
    #[command(flatten)]
    pomdp: pomdp::PomdpArgs,
}

impl SolveArgs {
    /// Refuses options of other kinds of problems.
    fn only_for(&self, found: Kind) -> Result<(), CliError> {
        let kinds = [Kind::Bandit, Kind::Pomdp, Kind::Game];
        for kind in kinds.into_iter().filter(|kind| *kind != found) {
            let given = match kind {
                Kind::Bandit => self.cap.map(|_| "--cap"),
                Kind::Pomdp => self.pomdp.given(),
                Kind::Game => self.iterations.map(|_| "--iterations"),
            };
            if let Some(option) = given {
                return Err(CliError::argument(
                    format!(
                        "{option} is for {}s, and this is a {}",
                        kind.name(),
                        found.name()
                    ),
                    "leave it out; `palaestra solve --help` shows what belongs to which",
                ));
            }
        }
        Ok(())
    }
}

/// What there is to solve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bandit,
    Pomdp,
    Game,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Bandit => "bandit",
            Self::Pomdp => "POMDP",
            Self::Game => "game",
        }
    }
}

pub(super) fn solve(
    registries: &Registries,
    output: &Output,
    args: &SolveArgs,
) -> Result<Exit, CliError> {
    let picture = args.plot.as_deref().map(Picture::new).transpose()?;
    let env_args = args.pomdp.env_args()?;
    match Subject::find(&args.instance, env_args.as_ref(), &registries.envs)? {
        Subject::Bandit(bandit) => {
            args.only_for(Kind::Bandit)?;
            solve_a_bandit(output, args, &bandit, picture.as_ref())
        }
        Subject::Pomdp(problem) => {
            args.only_for(Kind::Pomdp)?;
            pomdp::solve(output, args, &problem, picture.as_ref())
        }
        Subject::Game(problem) => {
            args.only_for(Kind::Game)?;
            game::solve(output, args, &problem, picture.as_ref())
        }
    }
}

fn solve_a_bandit(
    output: &Output,
    args: &SolveArgs,
    bandit: &BanditInstance,
    picture: Option<&Picture<'_>>,
) -> Result<Exit, CliError> {
    let requests = if args.planners.is_empty() {
        PlannerRequest::all()
    } else {
        let requests = args.planners.iter().map(|p| PlannerRequest::parse(p));
        requests.collect::<Result<Vec<_>, _>>()?
    };
    let solution = solve_bandit(bandit, &requests, args.cap.unwrap_or(MAX_EDGES))?;
    output.text(&solution.text());
    output.document("solve/1", &solution);
    if let Some(picture) = picture {
        draw_cycle(picture, output, &solution)?;
    }
    Ok(Exit::Success)
}

fn draw_cycle(
    picture: &Picture<'_>,
    output: &Output,
    solution: &BanditSolution,
) -> Result<(), CliError> {
    let shown = solution.best().and_then(|(planner, plan)| {
        let cycle = plan.cycle.as_ref()?;
        Some(schedule(solution, planner, plan, cycle))
    });
    let Some(plot) = shown else {
        output.message("nothing is drawn: no planner found a cycle short enough to show");
        return Ok(());
    };
    let path = picture.write(strips(&plot)?, "")?;
    output.message(&format!("cycle drawn to {}", path.display()));
    Ok(())
}

fn schedule(
    solution: &BanditSolution,
    planner: &PlannerReport,
    plan: &PlanReport,
    cycle: &Cycle,
) -> StripPlot {
    let (what, of) = match (planner.label.as_str(), plan.share_of_opt) {
        ("exact", _) => ("optimal cycle".to_owned(), String::new()),
        (label, Some(share)) => (
            format!("cycle of {label}"),
            format!(", {:.2} % of the optimum", 100.0 * share),
        ),
        (label, None) => (
            format!("cycle of {label}"),
            format!(", {:.2} % of the upper bound", 100.0 * plan.share_of_lp),
        ),
    };
    let rounds = cycle.arms.len();
    let rows = solution.instance.arms.min(MOST_ARMS);
    // A short cycle is shown several times over, so that one sees how it goes on.
    let columns = (rounds * (FEW_ROUNDS / rounds).max(1)).min(MOST_ROUNDS);
    let mut values = vec![None; rows * columns];
    for column in 0..columns {
        let plays = cycle.arms[column % rounds].iter();
        for (&arm, &payoff) in plays.zip(&cycle.payoffs[column % rounds]) {
            if arm < rows {
                values[arm * columns + column] = Some(payoff);
            }
        }
    }
    let mut remark = String::new();
    if columns < rounds {
        remark = format!("its first {columns} rounds");
    }
    if rows < solution.instance.arms {
        let _ = write!(remark, " and the first {rows} arms");
    }
    StripPlot {
        title: format!("{}: {what}", solution.instance.name),
        subtitle: format!(
            "{rounds} {}, repeated for ever; {:.6} a round{of}",
            if rounds == 1 { "round" } else { "rounds" },
            plan.rate
        ),
        row_label: "arm".into(),
        column_label: "round".into(),
        value_label: "payoff".into(),
        strips: vec![Strip {
            name: planner.label.clone(),
            remark: remark.trim_start_matches(" and ").to_owned(),
            first: 1,
            rows,
            period: Some(rounds),
            values,
        }],
    }
}
