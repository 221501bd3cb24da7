//! What was run, where and when.

use std::fmt::Write as _;

use super::Page;
use crate::{
    config::{AgentConfig, Sweep},
    report::{
        RunSummary,
        figures::count,
        status_name,
        text::{escape, rich, seeds},
    },
};

impl Page<'_> {
    pub(super) fn runs(&mut self) {
        let report = self.report;
        self.open_section("run", "What was run");
        let properties: Vec<Vec<(&str, String)>> = report.runs.iter().map(properties).collect();
        let several = report.runs.len() > 1;
        let mut header = Vec::new();
        if several {
            header.push(String::new());
            header.extend(report.runs.iter().map(|run| escape(&run.name)));
        }
        let names = properties.first().map_or(&[][..], |first| &first[..]);
        let rows = names.iter().enumerate().map(|(row, (name, _))| {
            let mut cells = vec![(*name).to_owned()];
            cells.extend(properties.iter().map(|run| run[row].1.clone()));
            (false, cells)
        });
        let rows: Vec<_> = rows.collect();
        self.table("properties", &header, &rows);
        for run in &report.runs {
            let of = if several {
                format!(" of {}", run.name)
            } else {
                String::new()
            };
            let _ = writeln!(
                self.html,
                "<details><summary>Configuration{}, every key with its value</summary>\n<pre><code>{}</code></pre>\
                 </details>",
                escape(&of),
                escape(run.resolved.trim_end())
            );
        }
        self.close_section();
    }
}

/// What a reader wants to know first.
pub(super) fn facts(run: &RunSummary) -> Vec<(&'static str, String)> {
    let config = &run.config;
    let agents: Vec<&str> = config.agents.iter().map(AgentConfig::label).collect();
    vec![
        ("Environment", environment(run)),
        ("Agents", escape(&agents.join(", "))),
        ("Seeds", escape(&seeds(&run.config.experiment.seeds))),
        ("Length", length(run)),
        ("Trials", trials(run)),
        ("Started", escape(&date(run))),
    ]
}

fn environment(run: &RunSummary) -> String {
    let env = &run.config.env;
    let mut sweep = run.config.sweep.iter().flat_map(Sweep::grids);
    if sweep.any(|(_, grid)| grid.values.contains_key("env.id")) {
        return "several, as the sweep says".into();
    }
    let args = env.args.iter().map(|(name, value)| {
        let value = value.to_string();
        // A whole instance belongs in the configuration below.
        let value = if value.len() > 60 {
            "…".into()
        } else {
            value
        };
        format!("<code>{} = {}</code>", escape(name), escape(&value))
    });
    let mut text = format!("<code>{}</code>", escape(&env.id));
    for arg in args {
        let _ = write!(text, ", {arg}");
    }
    text
}

fn length(run: &RunSummary) -> String {
    let rows = run.config.env.num_envs;
    let rows = if rows == 1 {
        String::new()
    } else {
        format!(" over {} rows", count(rows as u64))
    };
    format!(
        "{} environment steps a trial{rows}",
        count(run.config.experiment.total_env_steps)
    )
}

fn trials(run: &RunSummary) -> String {
    if run.missing.is_empty() {
        return format!("{}, all complete", run.trials);
    }
    let status = status_name(run.status);
    format!(
        "{} of {} complete (run: {status})",
        run.complete, run.trials
    )
}

fn date(run: &RunSummary) -> String {
    run.started.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// All about a run; the same names for every run.
fn properties(run: &RunSummary) -> Vec<(&'static str, String)> {
    let none = || "not known".to_owned();
    let code = |text: &str| format!("<code>{}</code>", escape(text));
    let mut all = facts(run);
    all.push(("Status", status_name(run.status).into()));
    all.push((
        "Last changed",
        run.updated.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    ));
    all.push(("Configuration hash", code(&run.config_hash)));
    all.push(("Palaestra", escape(&run.palaestra)));
    all.push((
        "Git commit of the folder",
        run.commit.as_deref().map_or_else(none, code),
    ));
    all.push(("Platform", escape(&run.platform)));
    all.push((
        "Processor",
        run.processor.as_deref().map_or_else(none, escape),
    ));
    all.push(("Trials at a time", run.threads.to_string()));
    all.push(("Device", rich(&run.device)));
    all
}
