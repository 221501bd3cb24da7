//! The page of a study.

use super::{
    super::{Impact, RealismReport},
    against, essentials, law,
};
use crate::report::{
    figures::{constant, count},
    sheet::{Picture, Sheet},
    text::{escape, interval, rich},
};

pub(super) fn page(report: &RealismReport, pictures: &[Picture]) -> String {
    let config = &report.config;
    let mut sheet = Sheet::begin(&config.name);
    sheet.open_header(&config.name);
    if !config.description.is_empty() {
        sheet.put(&format!(
            "<p class=\"lead\">{}</p>\n",
            rich(config.description.trim())
        ));
    }
    sheet.paragraph(&format!(
        "{} shares trade in a minute; returns of a minute have a standard deviation of {:.2} basis points.",
        count(report.volume_a_minute.round() as u64),
        1e4 * report.volatility
    ));
    sheet.put("</header>\n");
    sheet.open_section("facts", "Stylised facts");
    facts(&mut sheet, report);
    figures(&mut sheet, pictures, &["returns", "volatility", "tails"]);
    sheet.close_section();
    if let Some(found) = &report.against {
        against::section(&mut sheet, found, pictures);
    }
    if let Some(impact) = &report.impact {
        sheet.open_section("impact", "Market impact");
        sizes(&mut sheet, impact);
        figures(&mut sheet, pictures, &["impact", "impact_in_time"]);
        sheet.close_section();
    }
    sheet.open_section("day", "A day");
    figures(
        &mut sheet,
        pictures,
        &["price", "spread", "volume", "depth"],
    );
    sheet.close_section();
    sheet.open_section("method", "How to read this");
    sheet.small(
        "The eleven facts are those of Cont (2001), computed from bars of a minute as MarS does it (arXiv 2409.07486); intervals resample whole days. An impact is the difference between the same day with the order and without it, from the same random numbers, divided by the price at its beginning. `report.json` has every number.",
    );
    let resolved = toml::to_string(config).unwrap_or_default();
    sheet.put(&format!("<pre><code>{}</code></pre>\n", escape(&resolved)));
    sheet.close_section();
    sheet.finish()
}

fn figures(sheet: &mut Sheet, pictures: &[Picture], names: &[&str]) {
    for name in names {
        if let Some(picture) = pictures.iter().find(|picture| picture.name == *name) {
            sheet.figure(picture);
        }
    }
}

fn facts(sheet: &mut Sheet, report: &RealismReport) {
    sheet.paragraph(&format!("{} days.", report.facts.days));
    let header = ["", "holds", "if", "statistics"].map(ToOwned::to_owned);
    let rows = report.facts.facts.iter().enumerate().map(|(k, found)| {
        let (name, rule) = found.fact.describe();
        let holds = match found.holds {
            Some(true) => "yes",
            Some(false) => "<strong>no</strong>",
            None => "–",
        };
        let told = essentials(found.fact)
            .into_iter()
            .filter_map(|(statistic, minutes)| {
                let value = interval(&found.get(statistic, minutes)?, report.facts.days);
                let at = minutes.map_or(String::new(), |m| format!(" at {m} min"));
                Some(format!("{}{at}: {value}", escape(statistic)))
            });
        let cells = vec![
            format!("{} {}", k + 1, escape(name)),
            holds.to_owned(),
            escape(rule),
            told.collect::<Vec<_>>().join("<br>"),
        ];
        (false, cells)
    });
    let rows: Vec<_> = rows.collect();
    sheet.table("data", &header, &rows);
}

fn sizes(sheet: &mut Sheet, impact: &Impact) {
    sheet.paragraph(&format!(
        "{} days; {} shares trade on average while the order is worked. In the law impact ∝ share of the volume to the power of an exponent: {}.",
        count(impact.days.into()),
        count(impact.volume.round() as u64),
        law(impact)
    ));
    let header = [
        "share",
        "shares",
        "largest impact (bp)",
        "at (s)",
        "between slices (bp)",
        "at the end (bp)",
        "at the last look (bp)",
    ];
    let rows = impact.points.iter().map(|point| {
        let bp = |i: &crate::stats::Interval| {
            let scaled = crate::stats::Interval {
                estimate: 1e4 * i.estimate,
                low: 1e4 * i.low,
                high: 1e4 * i.high,
            };
            interval(&scaled, impact.days as usize)
        };
        let cells = vec![
            format!("{} %", constant(100.0 * point.ratio)),
            count(point.size.round() as u64),
            bp(&point.impact),
            constant(impact.looks.get(point.peak).copied().unwrap_or(0.0)),
            point.between.as_ref().map_or("–".to_owned(), bp),
            bp(&point.end),
            bp(&point.after),
        ];
        (false, cells)
    });
    let rows: Vec<_> = rows.collect();
    sheet.table("data", &header.map(ToOwned::to_owned), &rows);
    let watched = impact.looks.last().copied().unwrap_or(0.0);
    sheet.small(&format!(
        "Intervals resample days, and every sample finds the moment of its own largest impact. Between slices: the mean of the last looks before each next slice and before the end, what is left of a slice by then. The last look is {} minutes after the first slice.",
        constant(watched / 60.0)
    ));
}
