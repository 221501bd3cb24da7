//! The section of a tournament.

use super::Page;
use crate::report::{
    MetaCell, MetaGameReport,
    figures::{constant, mean},
    text::escape,
};

impl Page<'_> {
    pub(super) fn meta_game(&mut self, meta: &MetaGameReport) {
        let report = self.report;
        self.open_section("scores", "Who beats whom");
        self.paragraph(&report.score);
        if !meta.ratings.is_empty() {
            self.ratings(meta);
            self.figure(&meta.plot);
        }
        if let [rows, columns] = &meta.players[..] {
            self.paragraph(&format!(
                "Scores of `{rows}` (rows) and `{columns}` (columns), mean ± s.e. over seeds and configurations. Pairings \
                 that no player would leave for another agent are in bold."
            ));
            self.payoffs(meta);
        }
        self.close_section();
    }

    fn ratings(&mut self, meta: &MetaGameReport) {
        let mut header = vec!["Agent".to_owned()];
        let as_player = |what: &str| {
            meta.players
                .iter()
                .map(move |player| format!("{what} as {}", escape(player)))
                .collect::<Vec<_>>()
        };
        header.extend(as_player("Mean"));
        header.push("Mean".into());
        let ranked = !meta.alpha_rank.is_empty();
        if ranked {
            header.extend(as_player("α-Rank"));
        }
        let averaged = meta
            .ratings
            .iter()
            .all(|rating| rating.nash_rating.is_some());
        if averaged {
            header.extend(["Nash weight", "Nash rating"].map(str::to_owned));
        }
        let mut order: Vec<_> = meta.ratings.iter().collect();
        order.sort_by(|a, b| b.mean.total_cmp(&a.mean));
        let number = |x: &f64| format!("{x:.4}");
        let rows: Vec<_> = order
            .iter()
            .enumerate()
            .map(|(place, rating)| {
                let mut cells = vec![escape(&rating.agent)];
                cells.extend(rating.means.iter().map(number));
                cells.push(number(&rating.mean));
                cells.extend(rating.alpha_mass.iter().flatten().map(number));
                if averaged {
                    let pair = [rating.nash_weight, rating.nash_rating];
                    cells.extend(pair.iter().flatten().map(number));
                }
                (place == 0, cells)
            })
            .collect();
        self.table("", &header, &rows);
        self.small(
            "Mean: over all opponents, in each seat and of both. α-Rank: mass of the agent in its seat's population, what \
             survives selection and mutation (α = 100, 50 copies, scores divided by the largest). Nash rating: lead over \
             the most even equilibrium of all agents, in both seats; weight: its share in that equilibrium.",
        );
    }

    fn payoffs(&mut self, meta: &MetaGameReport) {
        let mut header = vec![String::new()];
        header.extend(meta.agents.iter().map(|agent| escape(agent)));
        let rows = meta.agents.iter().zip(meta.cells.chunks(meta.agents.len()));
        let rows: Vec<_> = rows
            .map(|(agent, cells)| {
                let mut row = vec![escape(agent)];
                row.extend(cells.iter().map(|cell| payoff(meta, cell)));
                (false, row)
            })
            .collect();
        self.table("matrix", &header, &rows);
        if !meta.pure_equilibria.is_empty() {
            let pairs = meta
                .pure_equilibria
                .iter()
                .map(|agents| agents.join(" vs "));
            let pairs: Vec<String> = pairs.map(|pair| format!("`{pair}`")).collect();
            self.small(&format!("Pure equilibria: {}.", pairs.join(", ")));
        }
        let range: Vec<String> = meta
            .alpha_rank
            .iter()
            .copied()
            .reduce(f64::max)
            .map(constant)
            .into_iter()
            .collect();
        if let [most] = &range[..] {
            self.small(&format!(
                "The pairing of largest α-Rank mass has {most} of it."
            ));
        }
    }
}

fn payoff(meta: &MetaGameReport, cell: &MetaCell) -> String {
    let scores: Vec<String> = cell
        .scores
        .iter()
        .map(|score| score.as_ref().map_or_else(|| "·".into(), mean))
        .collect();
    let text = scores.join("<br>");
    if meta.pure_equilibria.contains(&cell.agents) {
        format!("<td><strong>{text}</strong></td>")
    } else {
        text
    }
}
