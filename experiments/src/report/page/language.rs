//! The section on language games.

use super::Page;
use crate::report::{
    BenchmarkCell, LanguageReport, Matched,
    figures::constant,
    text::{escape, rich},
};

impl Page<'_> {
    pub(super) fn games(&mut self) {
        let report = self.report;
        let Some(language) = &report.language else {
            return;
        };
        self.open_section("games", "Offers and outcomes");
        self.paragraph(&language.meaning);
        if !language.players.is_empty() {
            self.faring(language);
        }
        for plot in language.paths.iter().map(|paths| &paths.plot) {
            self.figure(plot);
        }
        for plot in language.acceptance.iter().map(|curves| &curves.plot) {
            self.figure(plot);
        }
        if let Some(outcomes) = &language.outcomes {
            self.figure(&outcomes.plot);
            self.small(
                "Where nothing is agreed on fairness is 1 by definition. An efficiency below 1 is what waiting, or a \
                 missed trade, cost. Colours in these pictures are their own.",
            );
        }
        self.close_section();
        self.theory(language);
    }

    fn faring(&mut self, language: &LanguageReport) {
        let number = |value: Option<f64>| value.map_or_else(|| "–".into(), decimals);
        let talks = language.players.iter().any(|player| player.lies.is_some());
        let words =
            (language.players.iter()).any(|player| player.invalid.is_some() || player.stopped > 0);
        let mut header: Vec<String> = ["Player", "Games", "Agreement", "Share", "Round", "Gain"]
            .map(str::to_owned)
            .to_vec();
        header.extend(["Efficiency".to_owned(), "Fairness".into()]);
        header.extend(talks.then(|| "Lies".into()));
        let of_words = ["Stopped", "Invalid", "Fallbacks"].map(str::to_owned);
        header.extend(of_words.into_iter().filter(|_| words));
        let rows = language.players.iter().map(|player| {
            let mut cells = vec![
                self.name(&player.agent),
                player.games.to_string(),
                number(player.agreement),
                number(player.share),
                player
                    .rounds
                    .map_or_else(|| "–".into(), |rounds| format!("{rounds:.2}")),
                number(player.gain),
                number(player.efficiency),
                number(player.fairness),
            ];
            cells.extend(talks.then(|| number(player.lies)));
            if words {
                cells.push(player.stopped.to_string());
                cells.extend([player.invalid, player.fallbacks].map(number));
            }
            (false, cells)
        });
        let rows: Vec<_> = rows.collect();
        self.table("", &header, &rows);
        let mut legend = "Agreement: share of the games that end in a deal, or of the things that are sold. Share and \
                          round: of those deals; of a negotiation the share of the gains from trade. Gain: normalised \
                          self-gain, over all games."
            .to_owned();
        if talks {
            legend.push_str(" Lies: how often bad things are recommended.");
        }
        if words {
            legend.push_str(
                " Stopped: games beside these in which a player gave no valid move, or gave up. Invalid, fallbacks: \
                 answers that were no moves, and moves played for the player, per game, stopped ones included.",
            );
        }
        self.small(&legend);
    }

    fn theory(&mut self, language: &LanguageReport) {
        if language.matches.is_empty() {
            return;
        }
        self.open_section("theory", "Theory and play");
        self.paragraph(
            "Theory is what two rational players do who know all but what is said not to be known: the subgame-perfect \
             division, and Rubinstein's where nobody knows the end; all gains from trade to the last offer, and one \
             posted price under the prior over the published valuations; sales per round of a seller who can commit \
             itself. Played is the mean of what was agreed on. Play is as theory if it is that value to 0.01 (sales: or \
             to three standard errors) with a deal in every game, in a bargaining at once unless time costs nobody \
             anything.",
        );
        let header = [
            "Line-up",
            "Compared",
            "Games",
            "As theory",
            "Mean distance",
            "Largest",
        ];
        let rows = language.matches.iter().map(|matched| {
            let number = |value: Option<f64>| value.map_or_else(|| "–".into(), small);
            let cells = vec![
                escape(&matched.name),
                escape(&matched.quantity),
                matched.cells.len().to_string(),
                as_theory(matched),
                number(matched.mean_difference),
                number(matched.largest_difference),
            ];
            (false, cells)
        });
        let rows: Vec<_> = rows.collect();
        self.table("", &header.map(str::to_owned), &rows);
        self.small("Distances are over the games with a deal of which theory names one value.");
        for matched in &language.matches {
            self.matched(matched);
        }
        self.close_section();
    }

    fn matched(&mut self, matched: &Matched) {
        // The tables of who plays itself are there at once, the others for who asks.
        let open = if matched.with_itself { " open" } else { "" };
        self.put(&format!(
            "<details{open}><summary>{}: {} by game</summary>\n",
            escape(&matched.name),
            escape(&matched.quantity)
        ));
        let names = match matched.family.as_str() {
            "bargaining" => ["δ<sub>A</sub>", "δ<sub>B</sub>"],
            "negotiation" => ["F<sub>A</sub>", "F<sub>B</sub>"],
            _ => ["p", "v"],
        };
        let mut header: Vec<String> = names.map(str::to_owned).to_vec();
        let variants = variants(&matched.cells);
        let deals = matched.family != "persuasion";
        let columns = 3 + usize::from(deals);
        for (rounds, complete) in &variants {
            let last =
                rounds.map_or_else(|| "no known end".into(), |rounds| format!("T = {rounds}"));
            let told = if *complete { "" } else { ", own type only" };
            header.push(rich(&format!("{last}{told}: theory")));
            header.push("played".into());
            header.push("difference".into());
            header.extend(deals.then(|| "deals".into()));
        }
        let mut types: Vec<[f64; 2]> = Vec::new();
        for cell in &matched.cells {
            if !types.contains(&cell.types) {
                types.push(cell.types);
            }
        }
        let rows = types.iter().map(|pair| {
            let mut cells: Vec<String> = pair.map(constant).to_vec();
            for variant in &variants {
                let found = matched
                    .cells
                    .iter()
                    .find(|cell| cell.types == *pair && (cell.rounds, cell.complete) == *variant);
                cells.extend(found.map_or_else(|| vec![String::new(); columns], compared));
            }
            (false, cells)
        });
        let rows: Vec<_> = rows.collect();
        self.table("", &header, &rows);
        self.put("</details>\n");
    }
}

/// The kinds of games of a table, in the order in which they come first.
fn variants(cells: &[BenchmarkCell]) -> Vec<(Option<u16>, bool)> {
    let mut variants = Vec::new();
    for cell in cells {
        let variant = (cell.rounds, cell.complete);
        if !variants.contains(&variant) {
            variants.push(variant);
        }
    }
    variants
}

/// Theory, play, difference and, but for persuasion, deals as text.
pub(crate) fn compared(cell: &BenchmarkCell) -> Vec<String> {
    let theory = match (cell.theory, cell.open) {
        (Some(value), _) => format!("{value:.4}"),
        (None, true) => "open".into(),
        (None, false) => "no trade".into(),
    };
    let played = cell
        .played
        .map_or_else(|| "no deal".into(), |value| format!("{value:.4}"));
    let difference = cell.difference.map_or_else(|| "–".into(), small);
    let mut texts = vec![theory, played, difference];
    // Persuasion has sales in place of deals.
    texts.extend(cell.value_low.is_none().then(|| match cell.agreed_in {
        None => "none".into(),
        Some(round) if cell.agreement == 1.0 => format!("all, round {}", tenths(round)),
        Some(round) => format!("{:.0} %, round {}", 100.0 * cell.agreement, tenths(round)),
    }));
    texts
}

/// Cells as theory of those of which it says something.
pub(crate) fn as_theory(matched: &Matched) -> String {
    match matched.compared {
        0 => "theory is silent".into(),
        compared => format!("{} of {compared}", matched.as_theory),
    }
}

/// A whole number as it is, and one decimal of any other.
fn tenths(value: f64) -> String {
    if value.fract() == 0.0 {
        format!("{value}")
    } else {
        format!("{value:.1}")
    }
}

/// Three decimals.
fn decimals(value: f64) -> String {
    format!("{value:.3}").replace('-', "−")
}

/// Five decimals, which tell steps of offers apart.
pub(crate) fn small(value: f64) -> String {
    let text = format!("{value:.5}");
    if text == "-0.00000" {
        return "0.00000".into();
    }
    text.replace('-', "−")
}
