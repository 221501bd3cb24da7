//! What was found about a POMDP, as text for people.

use std::fmt::Write as _;

use super::super::output::{counted, table, wrapped};
use crate::solve::{PomdpPlannerReport, PomdpSolution, Stop};

impl PomdpSolution {
    /// The results for people.
    pub(in crate::cli) fn text(&self) -> String {
        let parts = [
            self.heading(),
            self.bound_lines(),
            self.planner_rows(),
            self.note_lines(),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("\n\n")
    }

    fn heading(&self) -> String {
        let solved = &self.problem;
        let mut text = match &solved.summary {
            Some(summary) => format!("{}: {summary}", solved.name),
            None => solved.name.clone(),
        };
        let _ = write!(
            text,
            "\nSource: {}\n{}, {}, {}, discount {}, {}",
            solved.source,
            counted(solved.states, "state"),
            counted(solved.actions, "action"),
            counted(solved.observations, "observation"),
            solved.discount,
            match solved.start_states {
                1 => "a known start".to_owned(),
                n => format!("a start in one of {n} states"),
            }
        );
        text
    }

    fn bound_lines(&self) -> String {
        let planner = |value: Option<f64>, of: fn(&PomdpPlannerReport) -> Option<f64>| {
            let owner = self.planners.iter().find(|planner| of(planner) == value);
            owner.map_or("", |owner| owner.label.as_str())
        };
        let bounds = &self.bounds;
        let meaning = |name: &str| match name {
            "blind" => "the best single action for ever".to_owned(),
            "lower" => format!(
                "a policy earns this: {}",
                named(planner(bounds.lower, |p| p.lower), "blind")
            ),
            "upper" => format!(
                "no policy earns more: {}{}",
                named(planner(bounds.upper, |p| p.upper), "FIB"),
                bounds
                    .gap()
                    .map_or_else(String::new, |gap| format!("; gap {}", small(gap)))
            ),
            "FIB" => "the fast informed bound".to_owned(),
            "QMDP" => "if the state were known after one step".to_owned(),
            _ => "if the state were always known".to_owned(),
        };
        let chain = bounds.chain();
        let cells: Vec<String> = chain.iter().map(|(_, value)| number(*value)).collect();
        let width = cells.iter().map(String::len).max().unwrap_or(0);
        let mut lines: Vec<String> = chain
            .iter()
            .zip(&cells)
            .map(|((name, _), cell)| format!("{name:<5}  {cell:>width$}  {}", meaning(name)))
            .collect();
        if !chain.is_empty() {
            lines.insert(
                0,
                "Discounted return from the start, each bound at most the next:".into(),
            );
        }
        if !self.chain_holds {
            lines.push("The bounds contradict each other: please report this.".into());
        }
        lines.join("\n")
    }

    fn planner_rows(&self) -> String {
        let none = || "–".to_owned();
        let row = |planner: &PomdpPlannerReport| {
            let stop = match planner.stop {
                Stop::Converged => "converged",
                Stop::Seconds => "time is over",
                Stop::Iterations => "iterations done",
                Stop::Interrupted => "interrupted",
                Stop::Stuck(_) => "cannot go on",
            };
            vec![
                planner.label.clone(),
                planner.lower.map_or_else(none, number),
                planner.upper.map_or_else(none, number),
                planner.iterations.to_string(),
                planner.vectors.to_string(),
                planner.beliefs.map_or_else(none, |n| n.to_string()),
                stop.to_owned(),
                format!("{:.3}", planner.seconds),
            ]
        };
        let rows: Vec<Vec<String>> = self.planners.iter().map(row).collect();
        let header = [
            "planner",
            "lower",
            "upper",
            "iterations",
            "vectors",
            "beliefs",
            "stopped",
            "seconds",
        ];
        table(&header, &rows)
    }

    fn note_lines(&self) -> String {
        if self.notes.is_empty() {
            return String::new();
        }
        let notes: Vec<String> = self.notes.iter().map(|note| wrapped("", note)).collect();
        format!("Notes\n{}", notes.join("\n"))
    }
}

fn named<'a>(owner: &'a str, otherwise: &'a str) -> &'a str {
    if owner.is_empty() { otherwise } else { owner }
}

/// With a few digits, however small.
fn small(gap: f64) -> String {
    if gap >= 0.001 || gap <= 0.0 {
        format!("{gap:.4}")
    } else {
        format!("{gap:.1e}")
    }
}

fn number(value: f64) -> String {
    let text = format!("{value:.6}");
    // What rounds to zero has no sign.
    match text.strip_prefix('-') {
        Some("0.000000") => "0.000000".into(),
        _ => text,
    }
}
