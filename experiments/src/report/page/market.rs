//! The section on order books.

use super::Page;
use crate::report::{figures::constant, text::escape};

impl Page<'_> {
    pub(super) fn market(&mut self) {
        let report = self.report;
        let Some(episodes) = &report.market else {
            return;
        };
        self.open_section("market", "Order books");
        self.small(
            "One logged episode of each agent, simulated again: the first of its last evaluation, or else of its training. `palaestra replay RUN --trial TRIAL --episode EPISODE` shows it step by step, with the agent's own orders.",
        );
        for episode in episodes {
            let returns = episode.returns.iter().map(|x| constant(*x));
            let returns: Vec<String> = returns.collect();
            self.put(&format!("<h3>{}</h3>\n", escape(&episode.agent)));
            self.small(&format!(
                "Episode `{}` of trial `{}`, return {}.",
                episode.episode,
                episode.trial,
                returns.join(", ")
            ));
            for plot in &episode.plots {
                self.figure(plot);
            }
        }
        self.close_section();
    }
}
