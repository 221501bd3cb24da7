//! The section on regret.

use std::fmt::Write as _;

use super::Page;
use crate::{
    report::{
        Regret, RegretNotion, RegretReport,
        figures::{count, mean},
        text::{escape, interval, rich},
    },
    stats::Interval,
};

impl Page<'_> {
    pub(super) fn regret(&mut self) {
        let report = self.report;
        let Some(regret) = &report.regret else {
            return;
        };
        self.open_section("regret", "Regret");
        match regret {
            RegretReport::Unknown { reason } => self.paragraph(reason),
            RegretReport::Known(regret) => {
                self.notions(regret);
                self.regret_table(regret);
                self.small(&regret.growth.meaning);
                for plot in regret.growth.plot.iter().chain(&regret.plots) {
                    self.figure(plot);
                }
                self.small(
                    "On logarithmic axes a straight line of slope one is regret that grows in proportion to time; \
                     values at or below zero have no place there and leave gaps.",
                );
            }
        }
        self.close_section();
    }

    /// What each notion means.
    fn notions(&mut self, regret: &Regret) {
        self.put("<dl class=\"terms\">\n");
        for notion in &regret.notions {
            let _ = writeln!(
                self.html,
                "<dt><code>{}</code> <span class=\"interval\">{}</span></dt><dd>{}</dd>",
                notion.id,
                escape(notion.formula),
                rich(&notion.meaning)
            );
        }
        self.put("</dl>\n");
    }

    /// Regret at the end of the run in all notions, and the exponents.
    fn regret_table(&mut self, regret: &Regret) {
        let all = regret.notions.iter().flat_map(|notion| &notion.rows);
        let mut lengths: Vec<u64> = all.map(|row| row.rounds as u64).collect();
        lengths.sort_unstable();
        lengths.dedup();
        let differ = lengths.len() > 1;
        let mut header = vec!["Agent".to_owned()];
        header.extend(differ.then(|| "Rounds".into()));
        header.extend(
            regret
                .notions
                .iter()
                .map(|notion| format!("<code>{}</code>", notion.id)),
        );
        header.push(format!("Exponent of <code>{}</code>", regret.drawn));
        let none = || "–".to_owned();
        let mut reasons: Vec<String> = Vec::new();
        let rows = self.report.agents.iter().map(|agent| {
            let of = |notion: &RegretNotion| {
                let row = notion.rows.iter().find(|row| row.agent == agent.name);
                row.map(|row| (row.rounds, mean(&row.regret)))
            };
            let mut cells = vec![self.name(&agent.name)];
            if differ {
                let rounds = regret.notions.iter().find_map(of);
                cells.push(rounds.map_or_else(none, |(rounds, _)| count(rounds as u64)));
            }
            let told = regret
                .notions
                .iter()
                .map(|notion| of(notion).map(|cell| cell.1));
            cells.extend(told.map(|cell| cell.unwrap_or_else(none)));
            let growth = regret
                .growth
                .rows
                .iter()
                .find(|row| row.agent == agent.name);
            let exponent = growth.and_then(|row| Some((row.exponent?, row.seeds)));
            cells.push(
                exponent.map_or_else(none, |(exponent, seeds)| exponent_text(&exponent, seeds)),
            );
            if let Some(reason) = growth.and_then(|row| row.reason.as_ref()) {
                let of = format!("{}: {reason}", agent.name);
                reasons.push(of);
            }
            (false, cells)
        });
        let rows: Vec<_> = rows.collect();
        self.table("", &header, &rows);
        let after = match lengths[..] {
            [rounds] => format!(" after {} rounds", count(rounds)),
            _ => String::new(),
        };
        self.small(&format!(
            "Regret{after}: mean over seeds ± its standard error. Exponent: with its 95 % interval."
        ));
        if !reasons.is_empty() {
            self.small(&format!("No exponent: {}.", reasons.join("; ")));
        }
    }
}

/// An exponent to two digits, which is all that a fit over so few points is worth.
fn exponent_text(exponent: &Interval, seeds: usize) -> String {
    if exponent.high - exponent.low > 0.02 {
        return interval(exponent, seeds);
    }
    let text = format!("{:.2}", exponent.estimate);
    if seeds > 1 {
        format!(
            "{text} <span class=\"interval\">[{:.2}, {:.2}]</span>",
            exponent.low, exponent.high
        )
    } else {
        text
    }
}
