//! What was found about a game, as text for people.

use std::fmt::Write as _;

use super::super::output::{counted, table};
use crate::solve::{GamePlannerReport, GamePolicyRow, GameSolution};

/// Places of a policy that are shown.
const PLACES_SHOWN: usize = 24;
/// Actions of a place that are shown.
const ACTIONS_SHOWN: usize = 10;

impl GameSolution {
    /// The results for people.
    pub(in crate::cli) fn text(&self) -> String {
        let parts = [
            self.heading(),
            self.equilibrium_lines(),
            self.planner_rows(),
            self.trace_rows(),
            self.policy_rows(),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("\n\n")
    }

    fn heading(&self) -> String {
        let game = &self.game;
        let mut text = format!("{}: {}\n", game.name, game.summary);
        match (game.nodes, &game.sizes[..]) {
            (Some(nodes), [first, second]) => {
                let _ = write!(
                    text,
                    "2 players, {first} and {second} information sets, {nodes} nodes"
                );
            }
            (_, [first, second]) => {
                let _ = write!(text, "2 players, {first} and {second} actions");
            }
            (_, sizes) => {
                let responses = sizes.first().copied().unwrap_or_default();
                let _ = write!(
                    text,
                    "{}, a uniform reference policy",
                    counted(responses, "response")
                );
            }
        }
        text
    }

    fn equilibrium_lines(&self) -> String {
        let Some(found) = &self.equilibrium else {
            return String::new();
        };
        let unregularised = if self.game.kind == "preferences" {
            " without regularisation"
        } else {
            ""
        };
        let mut text = format!("Equilibrium{unregularised}: value {}", number(found.value));
        // Of a tree the policy below says as much.
        for row in found.policy.iter().filter(|row| row.place.is_empty()) {
            let _ = write!(text, "\n  player {}: {}", row.player, probabilities(row));
        }
        text
    }

    fn planner_rows(&self) -> String {
        let row = |planner: &GamePlannerReport| {
            vec![
                planner.label.clone(),
                planner.iterate.to_owned(),
                planner.measure.to_owned(),
                planner.iterations.to_string(),
                match &planner.problem {
                    Some(problem) if problem.starts_with("has diverged") => "diverged".into(),
                    Some(_) => "wrong".into(),
                    None => gap(planner.gap),
                },
                planner.value.map_or_else(|| "–".into(), number),
                format!("{:.3}", planner.seconds),
            ]
        };
        let rows: Vec<Vec<String>> = self.planners.iter().map(row).collect();
        let header = [
            "planner",
            "policy",
            "measure",
            "iterations",
            "gap",
            "value",
            "seconds",
        ];
        table(&header, &rows)
    }

    fn trace_rows(&self) -> String {
        let longest = self
            .planners
            .iter()
            .max_by_key(|planner| planner.trace.len());
        let Some(longest) = longest else {
            return String::new();
        };
        let mut header = vec!["gap after"];
        header.extend(self.planners.iter().map(|planner| planner.label.as_str()));
        let rows: Vec<Vec<String>> = longest
            .trace
            .iter()
            .enumerate()
            .map(|(index, point)| {
                let mut row = vec![point.iteration.to_string()];
                let gaps = self
                    .planners
                    .iter()
                    .map(|planner| planner.trace.get(index))
                    .map(|point| point.map_or_else(|| "–".into(), |point| gap(point.gap)));
                row.extend(gaps);
                row
            })
            .collect();
        table(&header, &rows)
    }

    /// The policy with the smallest gap; of several the first.
    fn policy_rows(&self) -> String {
        let Some(best) = self.best() else {
            return String::new();
        };
        let mut text = format!("Policy of {}", best.label);
        for row in best.policy.iter().take(PLACES_SHOWN) {
            let place = if row.place.is_empty() {
                String::new()
            } else {
                format!(" at `{}`", row.place)
            };
            let _ = write!(
                text,
                "\n  player {}{place}: {}",
                row.player,
                probabilities(row)
            );
        }
        if best.policy.len() > PLACES_SHOWN {
            let more = best.policy.len() - PLACES_SHOWN;
            let _ = write!(
                text,
                "\n  and {more} more information sets (--json has all)"
            );
        }
        text
    }
}

fn probabilities(row: &GamePolicyRow) -> String {
    let shown = row.probabilities.iter().take(ACTIONS_SHOWN);
    // Adding 0 makes a rounded −0 an ordinary one.
    let shown: Vec<String> = shown.map(|p| format!("{:.4}", p + 0.0)).collect();
    let more = if row.probabilities.len() > ACTIONS_SHOWN {
        " …"
    } else {
        ""
    };
    shown.join(" ") + more
}

/// Three digits; what is within rounding of 0 as such.
fn gap(gap: f64) -> String {
    if gap.abs() < 1e-14 {
        "0".into()
    } else {
        format!("{gap:.2e}")
    }
}

fn number(value: f64) -> String {
    let text = format!("{value:.6}");
    // A rounded −0.
    if text == "-0.000000" {
        "0.000000".into()
    } else {
        text
    }
}
