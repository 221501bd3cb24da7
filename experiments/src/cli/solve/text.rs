//! The results as tables for people.

use std::fmt::Write as _;

use palaestra_envs::bandits::StartConfig;

use super::super::output::{counted, table, wrapped};
use crate::solve::{BanditSolution, ColumnReport, Outcome, PlanReport, PlannerReport};

/// Arms of which the relaxation is shown.
const ARMS_SHOWN: usize = 12;
/// Rounds of a cycle that are shown.
const ROUNDS_SHOWN: usize = 40;

impl BanditSolution {
    /// The results for people.
    pub(in crate::cli) fn text(&self) -> String {
        let parts = [
            self.heading(),
            self.bounds(),
            self.planner_table(),
            self.cycle_line(),
            self.arm_table(),
            self.remarks(),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("\n\n")
    }

    fn heading(&self) -> String {
        let solved = &self.instance;
        let mut text = match &solved.summary {
            Some(summary) => format!("{}: {summary}", solved.name),
            None => solved.name.clone(),
        };
        if let Some(source) = &solved.source {
            let _ = write!(text, "\nSource: {source}");
        }
        let rule = if solved.exact { "exactly" } else { "at most" };
        let start = match solved.config.start {
            StartConfig::Rested => "all rested",
            StartConfig::JustPlayed => "all just played",
            StartConfig::States(_) => "given states",
        };
        let monotone = if self.is_monotone {
            "monotone"
        } else {
            "not monotone"
        };
        let _ = write!(
            text,
            "\n{}, {rule} {} a round, {start} at the start, {monotone}",
            counted(solved.arms, "arm"),
            counted(solved.plays, "play")
        );
        text
    }

    fn bounds(&self) -> String {
        let optimum = &self.optimum;
        let reason = optimum.reason.as_deref().unwrap_or_default();
        let opt = match (self.opt, optimum.states) {
            (Some(opt), Some(states)) => {
                let gap = (optimum.upper - optimum.lower).max(1e-9);
                let states = counted(states, "reachable state");
                (
                    rate(opt),
                    format!("the optimum, proven to {gap:.0e} over {states}"),
                )
            }
            (Some(opt), None) => (
                rate(opt),
                "the optimum, since a plan reaches LP; there are too many states to search (--cap)"
                    .into(),
            ),
            (None, _) => (
                format!("{} … {}", rate(optimum.lower), rate(optimum.upper)),
                format!("bounds only: {reason} (--cap)"),
            ),
        };
        let opt = vec!["OPT".into(), opt.0, opt.1];
        let promise = &self.guarantee;
        let g = match self.g {
            Some(g) => vec![
                "G".into(),
                rate(g),
                format!(
                    "promised by virtual cycles (our own proof): at least γ = {:.4} of {}",
                    promise.gamma,
                    if self.is_monotone {
                        "LP".to_owned()
                    } else {
                        format!("{:.6}, the minorant's LP", promise.lp)
                    }
                ),
            ],
            None => vec![
                "G".into(),
                "–".into(),
                "nothing is promised here, as the notes say".into(),
            ],
        };
        let lp = vec![
            "LP".into(),
            rate(self.lp),
            format!(
                "no policy earns more in the long run; price of a play λ = {:.6}",
                self.relaxation.lambda
            ),
        ];
        let greedy = vec![
            "greedy".into(),
            rate(self.greedy),
            "the arms that pay most now".into(),
        ];
        let rows = [opt, lp, greedy, g];
        let widths = [0, 1].map(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        });
        let line = |row: &Vec<String>| {
            format!(
                "{:<2$}  {:<3$}  {4}",
                row[0], row[1], widths[0], widths[1], row[2]
            )
        };
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn planner_table(&self) -> String {
        let known = self.opt.is_some();
        let mut header = vec!["planner", "a round", "of LP"];
        if known {
            header.push("of OPT");
        }
        header.extend(["cycle", "certified", "size", "seconds"]);
        let none = || "–".to_owned();
        let row = |(planner, plan): &(&PlannerReport, &PlanReport)| {
            let mut row = vec![
                planner.label.clone(),
                rate(plan.rate),
                percent(plan.share_of_lp),
            ];
            if known {
                row.push(plan.share_of_opt.map_or_else(none, percent));
            }
            row.extend([
                plan.cycle_length.map_or_else(none, |n| n.to_string()),
                plan.certified.map_or_else(none, rate),
                plan.size.to_string(),
                seconds(planner.seconds),
            ]);
            row
        };
        let rows: Vec<Vec<String>> = self.plans().iter().map(row).collect();
        if rows.is_empty() {
            return String::new();
        }
        table(&header, &rows)
    }

    fn cycle_line(&self) -> String {
        let Some((planner, cycle)) = self
            .best()
            .and_then(|(planner, plan)| Some((planner, plan.cycle.as_ref()?)))
        else {
            return String::new();
        };
        let rounds = cycle.arms.len();
        let line = cycle.line();
        let shown: Vec<&str> = line.split(' ').take(ROUNDS_SHOWN).collect();
        let more = if rounds > ROUNDS_SHOWN { " …" } else { "" };
        let other = match self.plans().first() {
            Some((best, _)) if best.label != planner.label => {
                ", the best short enough to be listed"
            }
            _ => "",
        };
        let name = if planner.label == "exact" {
            "Optimal cycle".to_owned()
        } else {
            format!("Cycle of {}{}", planner.label, other)
        };
        format!(
            "{name}, {}:\n{}{more}",
            counted(rounds, "round"),
            wrapped("", &shown.join(" "))
        )
    }

    fn arm_table(&self) -> String {
        let relaxation = &self.relaxation;
        let arms = relaxation.rates.len();
        let row = |arm: usize| {
            let columns: Vec<String> = relaxation.columns[arm].iter().map(column).collect();
            let pattern = if columns.is_empty() {
                "never".to_owned()
            } else {
                columns.join(", ")
            };
            vec![
                format!("{arm:<5}{pattern}"),
                format!("{:.6}", relaxation.rates[arm]),
                format!("{:.6}", relaxation.theta[arm]),
            ]
        };
        let rows: Vec<Vec<String>> = (0..arms.min(ARMS_SHOWN)).map(row).collect();
        let mut text = String::from("How the relaxation behind LP plays each arm:\n");
        text += &table(&["arm  pattern", "plays a round", "θ"], &rows);
        if arms > ARMS_SHOWN {
            let _ = write!(text, "\n… and {} more arms", arms - ARMS_SHOWN);
        }
        text
    }

    /// What there is to say about planners, each remark once with all the planners that it is about.
    fn planner_notes(&self) -> Vec<(Vec<&str>, String)> {
        let mut notes: Vec<(Vec<&str>, String)> = Vec::new();
        let mut add =
            |planner, note: String| match notes.iter_mut().find(|(_, known)| *known == note) {
                Some((planners, _)) => planners.push(planner),
                None => notes.push((vec![planner], note)),
            };
        for planner in &self.planners {
            match &planner.outcome {
                Outcome::Plan(plan) => {
                    let known = &self.guarantee.notes;
                    for note in plan.notes.iter().filter(|note| !known.contains(note)) {
                        add(planner.label.as_str(), impersonal(note));
                    }
                }
                Outcome::Refused(reason) => add(&planner.label, format!("No plan: {reason}.")),
            }
        }
        notes
    }

    fn remarks(&self) -> String {
        let mut lines: Vec<String> = self.notes.iter().map(|n| wrapped("", n)).collect();
        if !self.is_monotone {
            let arms = &self.instance.arms_not_monotone;
            let names: Vec<String> = arms.iter().take(10).map(ToString::to_string).collect();
            let more = if arms.len() > 10 { ", …" } else { "" };
            lines.push(wrapped(
                "",
                &format!(
                    "Not monotone (arms {}{more}): OPT and LP hold as they are; the promise γ·LP does not, only that for the monotone minorant.",
                    names.join(", ")
                ),
            ));
        }
        lines.extend(self.guarantee.notes.iter().map(|n| wrapped("", n)));
        for (planners, note) in self.planner_notes() {
            lines.push(wrapped(&format!("{}: ", planners.join(", ")), &note));
        }
        if lines.is_empty() {
            return String::new();
        }
        format!("Notes\n{}", lines.join("\n"))
    }
}

/// "`rotation` is only safe where …" as "Only safe where …": the name stands in front.
fn impersonal(note: &str) -> String {
    let rest = note
        .strip_prefix('`')
        .and_then(|note| note.split_once("` is "));
    let Some((_, rest)) = rest else {
        return note.to_owned();
    };
    let mut letters = rest.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

fn seconds(seconds: f64) -> String {
    if seconds < 0.1 {
        format!("{seconds:.4}")
    } else {
        format!("{seconds:.2}")
    }
}

fn rate(value: f64) -> String {
    format!("{value:.10}")
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// `rest 3, play 1 (40 %)`.
fn column(column: &ColumnReport) -> String {
    let pattern = if column.rest == 0 {
        "play for ever".to_owned()
    } else {
        format!("rest {} play {}", column.rest, column.plays)
    };
    if column.weight > 1.0 - 1e-9 {
        pattern
    } else {
        format!("{pattern} ({:.1} %)", 100.0 * column.weight)
    }
}
