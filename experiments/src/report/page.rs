//! The page: one HTML file with its style and pictures inside, laid out from the report's numbers.

mod bandit;
mod pomdp;
mod provenance;
mod regret;
mod sections;
mod text;

use std::fmt::Write as _;

use text::{escape, rich};

use super::{Report, pictures::Picture};

const STYLE: &str = include_str!("page.css");

/// Colours of the plots that follow the page's theme, with their variables.
const THEMED: [(&str, &str); 5] = [
    ("\"#222222\"", "\"var(--plot-ink)\""),
    ("\"#5F5F5F\"", "\"var(--plot-muted)\""),
    ("\"#E6E6E6\"", "\"var(--plot-grid)\""),
    ("\"#F4F4F4\"", "\"var(--plot-faint)\""),
    ("\"#FFFFFF\"", "\"var(--plot-paper)\""),
];

/// The page of `report` with its `pictures`.
pub(super) fn page(report: &Report, pictures: &[Picture]) -> String {
    let names: Vec<&str> = report.runs.iter().map(|run| run.name.as_str()).collect();
    let title = names.join(" · ");
    let mut page = Page {
        html: String::new(),
        report,
        pictures,
    };
    page.put("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.put("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.put(&format!(
        "<title>{} – Palaestra report</title>\n",
        escape(&title)
    ));
    page.put(&format!(
        "<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    ));
    page.header(&title);
    page.scores();
    page.comparison();
    page.instances();
    page.problems();
    page.regret();
    page.curves();
    page.schedules();
    page.arms();
    page.runs();
    page.method();
    page.put("</main>\n</body>\n</html>\n");
    page.html
}

/// The page in the making.
struct Page<'a> {
    html: String,
    report: &'a Report,
    pictures: &'a [Picture],
}

impl Page<'_> {
    fn put(&mut self, html: &str) {
        self.html.push_str(html);
    }

    /// A paragraph; text between backticks is set as code.
    fn paragraph(&mut self, text: &str) {
        let text = rich(text);
        let _ = writeln!(self.html, "<p>{text}</p>");
    }

    fn small(&mut self, text: &str) {
        let text = rich(text);
        let _ = writeln!(self.html, "<p class=\"small\">{text}</p>");
    }

    fn open_section(&mut self, id: &str, heading: &str) {
        let _ = writeln!(self.html, "<section id=\"{id}\">\n<h2>{heading}</h2>");
    }

    fn close_section(&mut self) {
        self.put("</section>\n");
    }

    /// A table. Cells are HTML; the first of a row is its heading.
    fn table(&mut self, class: &str, header: &[String], rows: &[(bool, Vec<String>)]) {
        let _ = writeln!(self.html, "<div class=\"wide\"><table class=\"{class}\">");
        if !header.is_empty() {
            self.put("<thead><tr>");
            for cell in header {
                let _ = write!(self.html, "<th scope=\"col\">{cell}</th>");
            }
            self.put("</tr></thead>\n");
        }
        self.put("<tbody>\n");
        for (is_best, cells) in rows {
            self.put(if *is_best {
                "<tr class=\"best\">"
            } else {
                "<tr>"
            });
            for (column, cell) in cells.iter().enumerate() {
                // A cell may bring its own tag.
                if cell.starts_with("<td") {
                    self.put(cell);
                } else if column == 0 {
                    let _ = write!(self.html, "<th scope=\"row\">{cell}</th>");
                } else {
                    let _ = write!(self.html, "<td>{cell}</td>");
                }
            }
            self.put("</tr>\n");
        }
        self.put("</tbody></table></div>\n");
    }

    /// The picture called `name`.
    fn figure(&mut self, name: &str) {
        let Some(picture) = self.pictures.iter().find(|picture| picture.name == name) else {
            return;
        };
        let class = if picture.is_map { " class=\"map\"" } else { "" };
        let mut svg = picture
            .svg
            .replace(" xmlns=\"http://www.w3.org/2000/svg\"", "");
        if !picture.is_map {
            for (colour, variable) in THEMED {
                svg = svg.replace(colour, variable);
            }
        }
        let svg = svg.trim_end();
        let _ = writeln!(self.html, "<figure{class}>\n{svg}\n</figure>");
    }
}
