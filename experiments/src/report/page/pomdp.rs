//! The section on POMDPs: what can be earned.

use super::Page;
use crate::report::{
    PomdpProblem, PomdpReport, PomdpsReport,
    figures::{constant, count},
    text::{interval, rich},
};

impl Page<'_> {
    pub(super) fn problems(&mut self) {
        let report = self.report;
        let Some(pomdp) = &report.pomdp else {
            return;
        };
        self.open_section("instance", pomdp.heading());
        match pomdp {
            PomdpReport::Unknown { reason } => self.paragraph(reason),
            PomdpReport::Known(known) => {
                for problem in &known.problems {
                    self.problem(problem, known.problems.len() > 1);
                }
                self.discounted(known);
            }
        }
        self.close_section();
    }

    fn problem(&mut self, problem: &PomdpProblem, several: bool) {
        let of = if several {
            format!(" Played by {}.", problem.agents.join(", "))
        } else {
            String::new()
        };
        let number = |n: usize, what: &str| {
            let plural = if n == 1 { "" } else { "s" };
            format!("{} {what}{plural}", count(n as u64))
        };
        self.paragraph(&format!(
            "Problem {}: {}, {}, {}; discount {}.{of}",
            problem.name,
            number(problem.states, "state"),
            number(problem.actions, "action"),
            number(problem.observations, "observation"),
            constant(problem.discount),
        ));
        if let Some(remark) = &problem.remark {
            self.paragraph(remark);
        }
        if !problem.bounds.is_empty() {
            let rows = problem.bounds.iter().map(|bound| {
                let name = match bound.id {
                    "sarsop_upper" => "SARSOP, upper",
                    "sarsop_lower" => "SARSOP, lower",
                    "mdp" => "MDP",
                    "qmdp" => "QMDP",
                    "fib" => "FIB",
                    _ => "Blind",
                };
                let cells = vec![
                    name.to_owned(),
                    constant(bound.value),
                    format!("<td class=\"words\">{}</td>", rich(&bound.provenance)),
                ];
                (false, cells)
            });
            let rows: Vec<_> = rows.collect();
            let header = [
                "Bound",
                "Value",
                "<span class=\"words\">What it is, and where it is from</span>",
            ];
            self.table("provenance", &header.map(str::to_owned), &rows);
            self.small(
                "Bounds on the largest expected discounted return of an endless episode, at the initial belief.",
            );
        }
        if let Some(plot) = problem.trace.as_ref().and_then(|trace| trace.plot.as_ref()) {
            self.figure(plot);
        }
        if let Some(vectors) = &problem.vectors {
            self.figure(&vectors.plot);
            self.small(
                "The lower bound of SARSOP is the largest of its α-vectors at each belief, and its policy does the action \
                 of that vector. Faint: where another one is larger.",
            );
        }
    }

    fn discounted(&mut self, known: &PomdpsReport) {
        let returns = &known.returns;
        self.paragraph(&returns.meaning);
        if returns.rows.is_empty() {
            return;
        }
        let header = [
            "Agent".to_owned(),
            "Episodes".into(),
            "Cut".into(),
            "Discounted return <span class=\"interval\">[95&nbsp;% interval]</span>".into(),
        ];
        let rows = returns.rows.iter().map(|row| {
            let cells = vec![
                self.name(&row.agent),
                count(row.episodes as u64),
                count(row.truncated as u64),
                interval(&row.discounted_return, row.episodes),
            ];
            (false, cells)
        });
        let rows: Vec<_> = rows.collect();
        self.table("", &header, &rows);
        self.figure(&returns.plot);
    }
}
