//! Pictures of POMDPs: bounds, α-vectors, discounted returns.

use super::NOTHING;
use crate::{
    plot::{
        Axis, EnvelopeLine, EnvelopePlot, IntervalPlot, IntervalRow, LinePlot, PlotError,
        Reference, Series, envelope_plot, interval_plot, line_plot, measured,
    },
    report::{
        AlphaPicture, BoundsTrace, PomdpProblem, PomdpReport, PomdpsReport, Report,
        figures::constant,
    },
};

/// Bounds nearer than this share of what is drawn are one line.
const NEAR: f64 = 0.01;

fn known(report: &Report) -> Option<&PomdpsReport> {
    match report.pomdp.as_ref()? {
        PomdpReport::Known(known) => Some(known),
        PomdpReport::Unknown { .. } => None,
    }
}

/// Names of the pictures in the order of the page.
pub(super) fn names(report: &Report) -> Vec<String> {
    let Some(known) = known(report) else {
        return Vec::new();
    };
    let of_problem = |problem: &PomdpProblem| {
        let trace = problem.trace.as_ref().and_then(|trace| trace.plot.clone());
        let vectors = problem.vectors.as_ref().map(|vectors| vectors.plot.clone());
        [trace, vectors].into_iter().flatten().collect::<Vec<_>>()
    };
    let mut names: Vec<String> = known.problems.iter().flat_map(of_problem).collect();
    if !known.returns.rows.is_empty() {
        names.push(known.returns.plot.clone());
    }
    names
}

/// Draws the pictures of [`names`].
pub(super) fn draw(report: &Report) -> Result<Vec<String>, PlotError> {
    let mut svgs = Vec::new();
    let Some(known) = known(report) else {
        return Ok(svgs);
    };
    let several = known.problems.len() > 1;
    for problem in &known.problems {
        let of = if several {
            format!(": {}", problem.name.replace('`', ""))
        } else {
            String::new()
        };
        if let Some(trace) = problem.trace.as_ref().filter(|trace| trace.plot.is_some()) {
            svgs.push(bounds(problem, trace, &of)?);
        }
        if let Some(picture) = &problem.vectors {
            svgs.push(vectors(problem, picture, &of)?);
        }
    }
    if !known.returns.rows.is_empty() {
        svgs.push(returns(report, known)?);
    }
    Ok(svgs)
}

/// How the bounds of SARSOP close in on the optimum.
fn bounds(problem: &PomdpProblem, trace: &BoundsTrace, of: &str) -> Result<String, PlotError> {
    // There is no place for the beginning, before any iteration, on a logarithmic axis.
    let after = trace
        .iterations
        .partition_point(|iteration| *iteration == 0);
    let x: Vec<f64> = trace.iterations[after..]
        .iter()
        .map(|n| *n as f64)
        .collect();
    let series = |name: &str, values: &[f64]| Series {
        name: name.into(),
        x: x.clone(),
        centre: values[after..].to_vec(),
        band: None,
    };
    let told = ["blind", "fib", "qmdp", "mdp"].map(|id| problem.bound(id));
    let below = match told {
        [Some(blind), Some(fib), Some(qmdp), Some(mdp)] => format!(
            "value at the initial belief; blind policy {}, FIB {}, QMDP {}, MDP {}",
            short(blind),
            short(fib),
            short(qmdp),
            short(mdp)
        ),
        _ => "value at the initial belief".into(),
    };
    line_plot(&LinePlot {
        title: format!("Bounds on the optimum by SARSOP{of}"),
        subtitle: below,
        x: Axis::log("iteration"),
        y: Axis::linear("discounted return"),
        series: vec![
            series("upper bound", &trace.upper),
            series("lower bound", &trace.lower),
        ],
        references: Vec::new(),
    })
}

/// The α-vectors over the belief.
fn vectors(problem: &PomdpProblem, picture: &AlphaPicture, of: &str) -> Result<String, PlotError> {
    let mut actions: Vec<String> = Vec::new();
    for line in &picture.vectors {
        if !actions.contains(&line.action) {
            actions.push(line.action.clone());
        }
    }
    actions.sort_unstable();
    let lines = picture.vectors.iter().map(|line| EnvelopeLine {
        group: actions
            .iter()
            .position(|action| *action == line.action)
            .unwrap_or(0),
        ends: line.values,
    });
    envelope_plot(&EnvelopePlot {
        title: format!("α-vectors of the lower bound{of}"),
        subtitle: format!(
            "by SARSOP, discount {}; without the vectors that are nowhere the largest",
            constant(problem.discount)
        ),
        share_label: format!("probability of {}", picture.states[1]),
        value_label: "value".into(),
        lines: lines.collect(),
        groups: actions,
    })
}

/// What the agents earned against what can be.
fn returns(report: &Report, known: &PomdpsReport) -> Result<String, PlotError> {
    let rows = &known.returns.rows;
    let drawn = report.agents.iter().map(|agent| {
        let found = rows.iter().find(|row| row.agent == agent.name);
        IntervalRow {
            name: agent.name.clone(),
            interval: found.map_or(NOTHING, |row| row.discounted_return),
            // A single trial's mean is the estimate.
            samples: found.map_or_else(Vec::new, |row| match &row.values[..] {
                [_] => Vec::new(),
                values => values.to_vec(),
            }),
        }
    });
    let drawn: Vec<IntervalRow> = drawn.collect();
    let mut subtitle = "mean over episodes with 95 % bootstrap interval".to_owned();
    if rows.iter().any(|row| row.values.len() > 1) {
        subtitle.push_str("; dots: seeds");
    }
    let references = references(known, &drawn);
    let title = if references.is_empty() {
        "Discounted return"
    } else {
        "Discounted return against what can be earned"
    };
    interval_plot(&IntervalPlot {
        title: title.into(),
        subtitle,
        axis: Axis::linear("discounted return"),
        references,
        rows: drawn,
        one_colour: false,
    })
}

/// A bound to four digits: the table has more.
fn short(value: f64) -> String {
    measured(value, 0.0)
}

/// Lines at the bounds of SARSOP, if all played one problem.
fn references(known: &PomdpsReport, rows: &[IntervalRow]) -> Vec<Reference> {
    let [problem] = &known.problems[..] else {
        return Vec::new();
    };
    let bounds = (problem.bound("sarsop_lower"), problem.bound("sarsop_upper"));
    let (Some(lower), Some(upper)) = bounds else {
        return Vec::new();
    };
    let ends = rows
        .iter()
        .flat_map(|row| [row.interval.low, row.interval.high]);
    let ends = ends.filter(|end| end.is_finite()).chain([lower, upper]);
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), end| {
        (low.min(end), high.max(end))
    });
    let line = |value: f64, name: &str| Reference {
        value,
        label: format!("{name} {}", short(value)),
    };
    if upper - lower <= NEAR * (high - low) {
        vec![line(lower, "optimum, at least")]
    } else {
        vec![line(lower, "lower bound"), line(upper, "upper bound")]
    }
}
