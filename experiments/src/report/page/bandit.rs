//! The sections on bandits: what can be earned, and schedules.

use super::Page;
use crate::report::{
    BanditInstance, BanditReport, SchedulesReport, Told,
    figures::{constant, count},
    text::{interval, rich},
};

impl Page<'_> {
    pub(super) fn instances(&mut self) {
        let report = self.report;
        let Some(bandit) = &report.bandit else {
            return;
        };
        self.open_section("instance", "What can be earned");
        for instance in &bandit.instances {
            self.instance(instance, bandit.instances.len() > 1);
        }
        self.normalised(bandit);
        self.close_section();
    }

    fn instance(&mut self, instance: &BanditInstance, several: bool) {
        let plays = match (instance.exact, instance.plays) {
            (true, plays) => format!("exactly {plays} played in every round"),
            (false, plays) => format!("at most {plays} played in every round"),
        };
        let order = if instance.monotone {
            "more rest never pays less, and more plays in a row never pay more (monotone)"
        } else {
            "payoffs are not monotone: some arms pay less after more rest, or more after more plays in a row"
        };
        let of = if several {
            format!(" Played by {}.", instance.agents.join(", "))
        } else {
            String::new()
        };
        self.paragraph(&format!(
            "Instance {}: {} arms, {plays}; {order}.{of}",
            instance.name,
            count(instance.arms as u64)
        ));
        let row = |symbol: &str, what: &str, told: &Told| {
            let value = told.value.map_or_else(|| "–".into(), constant);
            let provenance = rich(&told.provenance);
            let cells = vec![
                format!("{symbol} <span class=\"interval\">{what}</span>"),
                value,
                format!("<td class=\"words\">{provenance}</td>"),
            ];
            (false, cells)
        };
        let rows = [
            row("<i>LP</i>", "upper bound", &instance.lp),
            row("<i>OPT</i>", "optimum", &instance.opt),
            row("<i>ρ</i>", "planner", &instance.planner),
            row("<i>G</i>", "certified", &instance.g),
            row("<i>γ<sub>k</sub></i>", "share of LP", &instance.gamma),
        ];
        let header = [
            "Per round",
            "Value",
            "<span class=\"words\">Where it is from</span>",
        ];
        self.table("provenance", &header.map(str::to_owned), &rows);
    }

    fn normalised(&mut self, bandit: &BanditReport) {
        let scores = &bandit.normalised;
        self.paragraph(&scores.meaning);
        let with_interval = "<span class=\"interval\">[95&nbsp;% interval]</span>";
        let header = [
            "Agent".to_owned(),
            "Seeds".into(),
            format!("Last quarter {with_interval}"),
            format!("Whole run {with_interval}"),
        ];
        let rows = scores.rows.iter().map(|row| {
            let seeds = row.late_values.len();
            let cells = vec![
                self.name(&row.agent),
                seeds.to_string(),
                interval(&row.late, seeds),
                interval(&row.whole, seeds),
            ];
            (false, cells)
        });
        let rows: Vec<_> = rows.collect();
        self.table("", &header, &rows);
        self.figure(&scores.plot);
    }

    pub(super) fn schedules(&mut self) {
        let report = self.report;
        let Some(bandit) = &report.bandit else {
            return;
        };
        self.open_section("schedules", "Schedules");
        match &bandit.schedules {
            SchedulesReport::Unknown { reason } => self.paragraph(reason),
            SchedulesReport::Shown(schedules) => {
                self.paragraph(&schedules.meaning);
                self.figure(&schedules.plot);
            }
        }
        self.close_section();
    }
}
