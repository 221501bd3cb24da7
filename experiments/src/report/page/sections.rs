//! The sections of the page, in their order.

use std::fmt::Write as _;

use super::{Page, provenance::facts};
use crate::{
    plot::series_colour,
    report::{
        AgentSummary, ArmsReport, PomdpReport, RegretReport, TasksReport, TasksRow,
        figures::{count, mean},
        pictures::{IMPROVEMENT, SCORES},
        text::{escape, interval},
    },
    stats::Interval,
};

impl Page<'_> {
    pub(super) fn header(&mut self, title: &str) {
        let report = self.report;
        self.open_header(title);
        let mut told: Vec<&str> = Vec::new();
        for run in &report.runs {
            let description = run.config.experiment.description.trim();
            if !description.is_empty() && !told.contains(&description) {
                let _ = writeln!(self.html, "<p class=\"lead\">{}</p>", escape(description));
                told.push(description);
            }
        }
        if !report.notes.is_empty() {
            self.put("<div class=\"note\" role=\"note\">\n");
            for note in &report.notes {
                self.paragraph(note);
            }
            self.put("</div>\n");
        }
        if let [run] = &report.runs[..] {
            self.put("<dl class=\"facts\">\n");
            for (name, value) in facts(run) {
                let _ = writeln!(self.html, "<dt>{name}</dt><dd>{value}</dd>");
            }
            self.put("</dl>\n");
        }
        self.navigation();
        self.put("</header>\n");
    }

    fn navigation(&mut self) {
        let report = self.report;
        let sections = [
            (report.meta_game.is_none(), "scores", "Final scores"),
            (report.meta_game.is_some(), "scores", "Who beats whom"),
            (report.improvement.is_some(), "comparison", "Who beats whom"),
            (
                report.bandit.is_some() || report.pomdp.is_some(),
                "instance",
                (report.pomdp.as_ref()).map_or("What can be earned", PomdpReport::heading),
            ),
            (report.language.is_some(), "games", "Offers and outcomes"),
            (
                (report.language.as_ref()).is_some_and(|language| !language.matches.is_empty()),
                "theory",
                "Theory and play",
            ),
            (report.regret.is_some(), "regret", "Regret"),
            (true, "curves", "Curves"),
            (report.bandit.is_some(), "schedules", "Schedules"),
            (report.arms.is_some(), "arms", "Arms"),
            (report.market.is_some(), "market", "Order books"),
            (true, "run", "What was run"),
            (true, "method", "How to read this"),
        ];
        self.put("<nav>");
        for (_, id, heading) in sections.iter().filter(|section| section.0) {
            let _ = write!(self.html, "<a href=\"#{id}\">{heading}</a> ");
        }
        self.put("</nav>\n");
    }

    pub(super) fn scores(&mut self) {
        let report = self.report;
        let agents = &report.agents;
        self.open_section("scores", "Final scores");
        self.paragraph(&report.score);
        // The total says nothing new where it is the score.
        let total = report.total_is_not_the_score();
        let mut info: Vec<&str> = Vec::new();
        for field in agents.iter().flat_map(|agent| &agent.info) {
            if !info.contains(&field.name.as_str()) {
                info.push(&field.name);
            }
        }
        let notion = match &report.regret {
            Some(RegretReport::Known(regret)) => regret.drawn_notion(),
            _ => None,
        };
        let seeds = report.seeds();
        let counted = if report.seeds_are_games {
            "Games"
        } else {
            "Seeds"
        };
        let mut header = vec!["Agent".to_owned(), counted.into()];
        let several_seeds = agents.iter().any(|agent| agent.seeds.len() > 1);
        let score = if several_seeds {
            "Score, mean ± s.e."
        } else {
            "Score"
        };
        header.push(score.into());
        header.extend(
            several_seeds
                .then(|| "IQM <span class=\"interval\">[95&nbsp;% interval]</span>".into()),
        );
        header.extend(total.then(|| "Total reward".into()));
        header.extend(
            info.iter()
                .map(|name| format!("<code>{}</code>", escape(name))),
        );
        header.extend(notion.map(|notion| format!("<code>{}</code>", notion.id)));
        let best = best(agents);
        let rows = agents.iter().enumerate().map(|(index, agent)| {
            let none = || "–".to_owned();
            let finite = agent.scores.iter().flatten().count();
            let mut cells = vec![self.name(&agent.name), agent.seeds.len().to_string()];
            cells.push(agent.score.as_ref().map_or_else(none, mean));
            let iqm = || agent.iqm.map_or_else(none, |iqm| interval(&iqm, finite));
            cells.extend(several_seeds.then(iqm));
            if total {
                cells.push(agent.total_reward.as_ref().map_or_else(none, mean));
            }
            for name in &info {
                let field = agent.info.iter().find(|field| field.name == *name);
                cells.push(field.map_or_else(none, |field| mean(&field.total)));
            }
            if let Some(notion) = notion {
                let row = notion.rows.iter().find(|row| row.agent == agent.name);
                cells.push(row.map_or_else(none, |row| mean(&row.regret)));
            }
            (best == Some(index), cells)
        });
        let rows: Vec<_> = rows.collect();
        self.table("", &header, &rows);
        let mut legend = String::new();
        if several_seeds {
            let _ = write!(
                legend,
                "s.e.: standard error of the mean over {seeds}. IQM: interquartile mean, the mean of the middle half \
                 of the {seeds}. "
            );
            if report.seeds_are_games {
                legend.push_str(
                    "The games are fixed: errors and intervals tell how different they are, not what chance does. ",
                );
            }
        }
        if best.is_some() {
            let what = if several_seeds { "IQM" } else { "score" };
            let _ = write!(legend, "The highest {what} is in bold.");
        }
        self.small(&legend);
        self.figure(SCORES);
        self.close_section();
    }

    pub(super) fn tasks(&mut self, tasks: &TasksReport) {
        self.open_section("scores", "Final scores");
        let report = self.report;
        self.paragraph(&report.score);
        let mut header = vec!["Agent".to_owned()];
        header.extend(
            tasks
                .tasks
                .iter()
                .map(|task| format!("<code>{}</code>", escape(task))),
        );
        header.push("All <span class=\"interval\">[95&nbsp;% interval]</span>".into());
        let best = |row: &TasksRow| {
            let all = tasks.rows.iter().filter_map(|row| row.all);
            let highest = all
                .map(|all| all.estimate)
                .fold(f64::NEG_INFINITY, f64::max);
            row.all.is_some_and(|all| all.estimate >= highest)
        };
        let rows = tasks.rows.iter().map(|row| {
            let cells = row.cells.iter().chain([&row.all]);
            let cells = cells
                .map(|cell| cell.map_or_else(|| "–".to_owned(), |cell| interval(&cell, row.runs)));
            (
                best(row),
                [self.name(&row.agent)].into_iter().chain(cells).collect(),
            )
        });
        let rows: Vec<_> = rows.collect();
        self.table("", &header, &rows);
        self.small(&tasks.meaning);
        self.figure(&tasks.plot);
        self.close_section();
    }

    pub(super) fn comparison(&mut self) {
        let report = self.report;
        let Some(improvement) = &report.improvement else {
            return;
        };
        self.open_section("comparison", "Who beats whom");
        let task = match report.tasks {
            None => "",
            Some(_) => "both on one random task and ",
        };
        self.paragraph(&format!(
            "The probability that a run of the agent in the row scores higher than a run of the agent in the column, \
             {task}each with a random seed; ties count one half."
        ));
        let mut header = vec!["P(row &gt; column)".to_owned()];
        header.extend((1..=improvement.agents.len()).map(|number| number.to_string()));
        let rows = improvement.agents.iter().zip(&improvement.probability);
        let rows = rows.enumerate().map(|(index, (name, row))| {
            let mut cells = vec![format!("{} {}", index + 1, self.name(name))];
            cells.extend(row.iter().map(|cell| probability(cell.as_ref())));
            (false, cells)
        });
        let rows: Vec<_> = rows.collect();
        self.table("matrix", &header, &rows);
        self.figure(IMPROVEMENT);
        self.close_section();
    }

    pub(super) fn curves(&mut self) {
        let report = self.report;
        self.open_section("curves", "Curves");
        if report.curves.is_empty() && report.values.is_empty() {
            self.paragraph("There is no quantity with a curve of its own to tell.");
        }
        for plot in &report.curves {
            self.figure(&plot.plot);
            self.keys(&plot.keys);
        }
        for plot in &report.values {
            self.figure(&plot.plot);
            self.keys(&plot.keys);
        }
        if !report.left_out.is_empty() {
            let reasons = report.left_out.iter();
            let reasons = reasons.map(|left| format!("{} ({})", left.quantity, left.reason));
            let reasons: Vec<String> = reasons.collect();
            self.small(&format!("Not drawn: {}.", reasons.join("; ")));
        }
        self.small(
            "All metrics, also those that agents report about themselves, are in `metrics.parquet` of each trial.",
        );
        self.close_section();
    }

    fn keys(&mut self, keys: &[String]) {
        let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
        self.small(&format!("From {}.", keys.join(", ")));
    }

    pub(super) fn arms(&mut self) {
        let report = self.report;
        let Some(arms) = &report.arms else {
            return;
        };
        self.open_section("arms", "Arms");
        match arms {
            ArmsReport::Unknown { reason } => self.paragraph(reason),
            ArmsReport::Counted(arms) => {
                self.paragraph(&arms.basis);
                self.figure(&arms.plot);
                for agent in &arms.agents {
                    self.figure(&agent.plot);
                }
            }
        }
        self.close_section();
    }

    pub(super) fn method(&mut self) {
        let statistics = &self.report.statistics;
        let text = format!(
            "A seed is one independent run. Final scores, interquartile means and their intervals follow Agarwal et \
             al., NeurIPS 2021: the interval is the {:.0} % percentile bootstrap over seeds ({} replicates; {} for \
             probabilities of improvement, normalised scores and exponents, {} for the bands of curves, which hold at each point by itself). An interval \
             over few seeds is too narrow: ten or more are customary.",
            100.0 * statistics.confidence,
            count(statistics.replicates.into()),
            count(statistics.comparison_replicates.into()),
            count(statistics.curve_replicates.into()),
        );
        self.open_section("method", "How to read this");
        self.paragraph(&text);
        self.paragraph(
            "Curves are drawn at the steps where all seeds of an agent have a value, and keep it until the next one. \
             Agents have one order and one colour everywhere.",
        );
        self.small("Every number of this page and its pictures is in `report.json` beside it.");
        self.close_section();
    }

    /// An agent's name with its colour.
    pub(super) fn name(&self, name: &str) -> String {
        let place = self
            .report
            .agents
            .iter()
            .position(|agent| agent.name == name);
        let [r, g, b] = series_colour(place.unwrap_or(0));
        format!(
            "<span class=\"swatch\" style=\"background:#{r:02x}{g:02x}{b:02x}\"></span>{}",
            escape(name)
        )
    }
}

/// The agent with the highest interquartile mean, if there are several.
fn best(agents: &[AgentSummary]) -> Option<usize> {
    if agents.len() < 2 {
        return None;
    }
    let scored = agents
        .iter()
        .enumerate()
        .filter_map(|(index, agent)| Some((index, agent.iqm?)));
    let best = scored.fold(
        None,
        |best: Option<(usize, Interval)>, (index, iqm)| match best {
            Some((_, highest)) if highest.estimate >= iqm.estimate => best,
            _ => Some((index, iqm)),
        },
    );
    best.map(|(index, _)| index)
}

/// A cell of the matrix, coloured by how far it is from an even chance.
fn probability(cell: Option<&Interval>) -> String {
    let Some(cell) = cell else {
        return "<td>·</td>".into();
    };
    let colour = if cell.estimate >= 0.5 { "win" } else { "lose" };
    let share = (cell.estimate - 0.5).abs() * 90.0;
    format!(
        "<td style=\"background:color-mix(in srgb, var(--{colour}) {share:.0}%, transparent)\">{:.2}\
         <span class=\"interval\">{:.2}–{:.2}</span></td>",
        cell.estimate, cell.low, cell.high
    )
}
