//! Pictures of a solved POMDP: bounds over time, and α-vectors over the belief of two states.

use palaestra_agents::pomdp::planning::{AlphaPolicy, AlphaVector};

use crate::{
    plot::{Axis, EnvelopeLine, EnvelopePlot, LinePlot, Reference, Series},
    solve::{PomdpPlannerReport, PomdpSolution, TracePoint},
};

/// Time that stands for all before it on the logarithmic axis, in seconds.
const SOONEST: f64 = 1e-4;

/// Lower and upper bound of every planner over time.
pub(super) fn bounds_over_time(solution: &PomdpSolution) -> LinePlot {
    // Simple bounds are lines of their own, and begin far away; they are curves only where there is nothing else.
    let simple =
        |planner: &PomdpPlannerReport| matches!(planner.config.id(), "qmdp" | "fib" | "blind");
    let mut planners: Vec<&PomdpPlannerReport> = solution.planners.iter().collect();
    if !planners.iter().all(|planner| simple(planner)) {
        planners.retain(|planner| !simple(planner));
    }
    let several = planners.len() > 1;
    let mut series = Vec::new();
    for planner in planners {
        let name = |bound: &str| {
            if several {
                format!("{} {bound}", planner.label)
            } else {
                bound.to_owned()
            }
        };
        series.extend(curve(planner, name("upper"), |point| point.upper));
        series.extend(curve(planner, name("lower"), |point| point.lower));
    }
    let bounds = &solution.bounds;
    let drawn = series.iter().flat_map(|s| &s.centre);
    let (low, high) = drawn.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| {
        (low.min(v), high.max(v))
    });
    // Bounds that are far away would take all the room from those that move.
    let room = 0.5 * (high - low);
    let references = bounds.chain().into_iter().filter_map(|(name, value)| {
        let near = (low - room..=high + room).contains(&value);
        let moves = matches!(name, "lower" | "upper");
        (near && !moves).then(|| Reference {
            value,
            label: name.into(),
        })
    });
    LinePlot {
        title: format!("{}: bounds on the optimal value", solution.problem.name),
        subtitle: subtitle(solution),
        x: Axis::log("seconds"),
        y: Axis::linear("discounted return from the start"),
        references: references.collect(),
        series,
    }
}

fn subtitle(solution: &PomdpSolution) -> String {
    let bounds = &solution.bounds;
    match (bounds.lower, bounds.upper) {
        (Some(lower), Some(upper)) => {
            format!("at the end between {lower:.6} and {upper:.6}").replace('-', "−")
        }
        _ => String::new(),
    }
}

fn curve(
    planner: &PomdpPlannerReport,
    name: String,
    bound: fn(&TracePoint) -> Option<f64>,
) -> Option<Series> {
    let points = planner.trace.iter();
    let known: Vec<(f64, f64)> = points
        .filter_map(|point| Some((point.seconds.max(SOONEST), bound(point)?)))
        .collect();
    (!known.is_empty()).then(|| Series {
        name,
        x: known.iter().map(|(x, _)| *x).collect(),
        centre: known.iter().map(|(_, y)| *y).collect(),
        band: None,
    })
}

/// The α-vectors of a policy over the beliefs of two states, by their actions.
pub(super) fn value_function(
    solution: &PomdpSolution,
    planner: &PomdpPlannerReport,
    policy: &AlphaPolicy,
) -> Option<EnvelopePlot> {
    let [vectors] = policy.vectors.as_slice() else {
        return None;
    };
    let line = |vector: &AlphaVector| match vector.values[..] {
        [first, second] => Some(EnvelopeLine {
            group: vector.action as usize,
            ends: [first, second],
        }),
        _ => None,
    };
    let lines = vectors.iter().map(line).collect::<Option<Vec<_>>>()?;
    Some(EnvelopePlot {
        title: format!("{}: value of every belief", solution.problem.name),
        subtitle: format!(
            "{} α-vectors of {}, by their actions; faint where another one is better",
            lines.len(),
            planner.label
        ),
        share_label: format!("probability of {}", solution.problem.last_state),
        value_label: "value".into(),
        groups: solution.problem.action_names.clone(),
        lines,
    })
}
