//! The page of a probe.

use palaestra_world_models::probes::ProbeReport;

use super::{coefficients, scores};
use crate::report::{
    sheet::{Picture, Sheet},
    text::{escape, rich},
};

pub(super) fn page(report: &ProbeReport, pictures: &[Picture]) -> String {
    let config = &report.config;
    let mut sheet = Sheet::begin(&config.name);
    sheet.open_header(&config.name);
    if !config.description.is_empty() {
        sheet.put(&format!(
            "<p class=\"lead\">{}</p>\n",
            rich(config.description.trim())
        ));
    }
    sheet.put("</header>\n");
    sheet.open_section("scores", "What was learned");
    sheet.paragraph(match report.score {
        "accuracy" => "Shares of right answers on new examples.",
        _ => {
            "Mean squared distance of forecasts from the best possible ones on new examples, as a share of the mean \
             square of the process: 0 is perfect, 1 is as good as forecasting 0."
        }
    });
    table(&mut sheet, &scores(report));
    if let Some(found) = coefficients(report) {
        sheet.paragraph(
            "Coefficients of the process, and mean derivatives of the models' forecasts in the last values.",
        );
        table(&mut sheet, &found);
    }
    for picture in pictures {
        sheet.figure(picture);
    }
    sheet.close_section();
    sheet.open_section("method", "How to read this");
    sheet.small(&format!(
        "Means over {} seeds. Every core is trained in the same network by the same rule; parameters are those of the \
         whole network, states those of a layer. Chance is {:.3}. `report.json` has every number.",
        config.seeds.len(),
        report.chance
    ));
    let resolved = toml::to_string(config).unwrap_or_default();
    sheet.put(&format!("<pre><code>{}</code></pre>\n", escape(&resolved)));
    sheet.close_section();
    sheet.finish()
}

fn table(sheet: &mut Sheet, (header, rows): &(Vec<String>, Vec<Vec<String>>)) {
    let escaped =
        |cells: &[String]| -> Vec<String> { cells.iter().map(|cell| escape(cell)).collect() };
    let rows: Vec<_> = rows.iter().map(|row| (false, escaped(row))).collect();
    sheet.table("data", &escaped(header), &rows);
}
