//! Solving a POMDP: progress, and what is written beside the result.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Args;
use indicatif::ProgressBar;
use palaestra_envs::pomdp::pomdp_file;
use serde_json::Value;

use super::{
    super::{CliError, Exit, output::Output, picture::Picture},
    SolveArgs,
    pomdp_picture::{bounds_over_time, value_function},
};
use crate::{
    files,
    plot::{envelope_plot, line_plot},
    solve::{
        PomdpOptions, PomdpPlan, PomdpPlanner, PomdpProblem, PomdpRequest, PomdpSolution,
        SavedSolver, Stop, TracePoint, Work, solve_pomdp,
    },
};

/// What belongs to POMDPs.
#[derive(Debug, Clone, Args)]
pub(super) struct PomdpArgs {
    /// POMDPs: arguments of the environment
    #[arg(long, value_name = "JSON")]
    args: Option<String>,
    /// POMDPs: seconds after which each planner stops [default: 60]
    #[arg(long, value_name = "N", value_parser = seconds, allow_negative_numbers = true)]
    seconds: Option<f64>,
    /// POMDPs: gap between the bounds that is near enough [default: 0.001]
    #[arg(long, value_name = "GAP", value_parser = precision, allow_negative_numbers = true)]
    precision: Option<f64>,
    /// POMDPs: write the policy with the best lower bound as JSON, for the agent `alpha_vectors`
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// POMDPs: write the problem as a .pomdp file
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// POMDPs: write the planner's state, to go on later
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// POMDPs: go on with a planner's saved state
    #[arg(long, value_name = "FILE", conflicts_with = "planners")]
    resume: Option<PathBuf>,
}

fn seconds(text: &str) -> Result<f64, String> {
    let value = text
        .parse()
        .ok()
        .filter(|n: &f64| n.is_finite() && *n >= 0.0);
    value.ok_or_else(|| "it must be a number from 0".into())
}

fn precision(text: &str) -> Result<f64, String> {
    let value = text
        .parse()
        .ok()
        .filter(|n: &f64| n.is_finite() && *n > 0.0);
    value.ok_or_else(|| "it must be a number above 0".into())
}

impl PomdpArgs {
    /// The arguments of the environment.
    pub(super) fn env_args(&self) -> Result<Option<Value>, CliError> {
        let parse = |text: &String| match serde_json::from_str(text) {
            Ok(value @ Value::Object(_)) => Ok(value),
            Ok(_) => Err("it is no object".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let args = self.args.as_ref().map(parse).transpose();
        args.map_err(|error| {
            CliError::argument(
                format!("--args: {error}"),
                "arguments are a JSON object, e.g. --args '{\"accuracy\": 0.9}'",
            )
        })
    }

    /// An option that is given.
    pub(super) fn given(&self) -> Option<&'static str> {
        let all = [
            ("--args", self.args.is_some()),
            ("--seconds", self.seconds.is_some()),
            ("--precision", self.precision.is_some()),
            ("--policy", self.policy.is_some()),
            ("--export", self.export.is_some()),
            ("--save", self.save.is_some()),
            ("--resume", self.resume.is_some()),
        ];
        all.iter().find(|(_, given)| *given).map(|(name, _)| *name)
    }
}

pub(super) fn solve(
    output: &Output,
    args: &SolveArgs,
    problem: &PomdpProblem,
    picture: Option<&Picture<'_>>,
) -> Result<Exit, CliError> {
    let work = work(args)?;
    if let Some(path) = &args.pomdp.export {
        let text = pomdp_file::write(&problem.model);
        files::write_atomically(path, text.as_bytes())?;
        output.message(&format!("problem written to {}", path.display()));
    }
    let defaults = PomdpOptions::default();
    let options = PomdpOptions {
        seconds: args.pomdp.seconds.unwrap_or(defaults.seconds),
        precision: args.pomdp.precision.unwrap_or(defaults.precision),
        save: args.pomdp.save.is_some(),
        interrupt: interrupt(),
    };
    let mut shower = Shower::new(output);
    let (solution, plan) = solve_pomdp(problem, &work, &options, |label, point| {
        shower.show(label, point);
    })?;
    shower.finish();
    output.text(&solution.text());
    output.document("solve-pomdp/1", &solution);
    write(output, args, problem, (&solution, &plan))?;
    if let Some(picture) = picture {
        draw(picture, output, &solution, &plan)?;
    }
    let mut stops = solution.planners.iter().map(|report| &report.stop);
    Ok(if stops.any(|stop| *stop == Stop::Interrupted) {
        Exit::Interrupted
    } else {
        Exit::Success
    })
}

fn work(args: &SolveArgs) -> Result<Work, CliError> {
    if let Some(path) = &args.pomdp.resume {
        return Ok(Work::Resume(Box::new(SavedSolver::read(path)?)));
    }
    let mut requests = Vec::new();
    for label in &args.planners {
        requests.push(PomdpRequest::parse(label)?);
    }
    if requests.is_empty() {
        requests.push(PomdpRequest {
            label: "sarsop".into(),
            planner: PomdpPlanner::sarsop(),
        });
    }
    if args.pomdp.save.is_some() && requests.len() > 1 {
        return Err(CliError::argument(
            "--save writes the state of one planner, and several are asked for",
            "give one --planner",
        ));
    }
    Ok(Work::Begin(requests))
}

/// A flag that Ctrl-C sets; a second one ends the program.
fn interrupt() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let on_interrupt = flag.clone();
    // A second handler cannot be installed; the first then goes on to serve.
    let _ = ctrlc::set_handler(move || {
        if on_interrupt.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(Exit::Interrupted as u8));
        }
    });
    flag
}

fn write(
    output: &Output,
    args: &SolveArgs,
    problem: &PomdpProblem,
    (solution, plan): (&PomdpSolution, &PomdpPlan),
) -> Result<(), CliError> {
    if let Some(path) = &args.pomdp.policy
        && let Some((report, policy)) = plan.best(solution)
    {
        let text = policy.to_json(&problem.model).map_err(|error| {
            CliError::argument(
                format!("the policy cannot be written: {error}"),
                "its values are not finite; leave --policy out",
            )
        })?;
        files::write_atomically(path, text.as_bytes())?;
        output.message(&format!(
            "policy of {} with {} α-vectors written to {}",
            report.label,
            report.vectors,
            path.display()
        ));
    }
    if let Some(path) = &args.pomdp.save {
        for saved in &plan.saved {
            saved.write(path)?;
            let place = path.display();
            let own = args.pomdp.args.as_ref();
            let own = own.map_or_else(String::new, |json| format!(" --args '{json}'"));
            output.message(&format!(
                "state of {} written to {place}; `palaestra solve {}{own} --resume {place}` goes on",
                saved.label, args.instance
            ));
        }
    }
    Ok(())
}

fn draw(
    picture: &Picture<'_>,
    output: &Output,
    solution: &PomdpSolution,
    plan: &PomdpPlan,
) -> Result<(), CliError> {
    let path = picture.write(line_plot(&bounds_over_time(solution))?, "")?;
    output.message(&format!("bounds drawn to {}", path.display()));
    if let Some((report, policy)) = plan.best(solution)
        && let Some(plot) = value_function(solution, report, policy)
    {
        let path = picture.write(envelope_plot(&plot)?, "-vectors")?;
        output.message(&format!("α-vectors drawn to {}", path.display()));
    }
    Ok(())
}

/// Shows how far planners are: one changing line on a terminal, lines at growing distances elsewhere.
struct Shower<'a> {
    output: &'a Output,
    bar: Option<ProgressBar>,
    label: String,
    /// Seconds from which a line is due.
    due: f64,
    drawn: Option<Instant>,
}

impl<'a> Shower<'a> {
    fn new(output: &'a Output) -> Self {
        Self {
            output,
            bar: output.draws_progress().then(ProgressBar::new_spinner),
            label: String::new(),
            due: FIRST_LINE,
            drawn: None,
        }
    }

    fn show(&mut self, label: &str, point: &TracePoint) {
        if self.label != label {
            label.clone_into(&mut self.label);
            self.due = point.seconds + FIRST_LINE;
        }
        if let Some(bar) = &self.bar {
            let recent = |drawn: Instant| drawn.elapsed() < Duration::from_millis(100);
            if !self.drawn.is_some_and(recent) {
                bar.set_message(line(label, point));
                bar.tick();
                self.drawn = Some(Instant::now());
            }
        } else if !self.output.is_json() && point.seconds >= self.due {
            self.output.message(&line(label, point));
            self.due = 1.5 * point.seconds;
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Seconds after which the first line is written.
const FIRST_LINE: f64 = 1.0;

fn line(label: &str, point: &TracePoint) -> String {
    let bound = |bound: Option<f64>| bound.map_or_else(|| "–".into(), |b| format!("{b:.6}"));
    format!(
        "{label}: {:.1} s, iteration {}, lower {}, upper {}",
        point.seconds,
        point.iteration,
        bound(point.lower),
        bound(point.upper)
    )
}
