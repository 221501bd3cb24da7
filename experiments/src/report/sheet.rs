//! An HTML page in the making: one file with its style and pictures inside.

use std::fmt::Write as _;

use super::text::{escape, rich};

const STYLE: &str = include_str!("page.css");

/// Colours of the plots that follow the page's theme, with their variables.
const THEMED: [(&str, &str); 5] = [
    ("\"#222222\"", "\"var(--plot-ink)\""),
    ("\"#5F5F5F\"", "\"var(--plot-muted)\""),
    ("\"#E6E6E6\"", "\"var(--plot-grid)\""),
    ("\"#F4F4F4\"", "\"var(--plot-faint)\""),
    ("\"#FFFFFF\"", "\"var(--plot-paper)\""),
];

/// A drawn picture.
#[derive(Debug)]
pub(crate) struct Picture {
    /// Its name, the stem of its files.
    pub(crate) name: String,
    /// The SVG document.
    pub(crate) svg: String,
    /// Whether its colours mean magnitudes, so that they must not be changed.
    pub(crate) is_map: bool,
}

/// The page as far as it has been written.
#[derive(Debug)]
pub(crate) struct Sheet {
    pub(crate) html: String,
}

impl Sheet {
    /// A page up to where its content begins.
    pub(crate) fn begin(title: &str) -> Self {
        let mut sheet = Self {
            html: String::new(),
        };
        sheet.put("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        sheet.put("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        sheet.put(&format!(
            "<title>{} – Palaestra report</title>\n",
            escape(title)
        ));
        sheet.put(&format!(
            "<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
        ));
        sheet
    }

    /// The whole page.
    pub(crate) fn finish(mut self) -> String {
        self.put("</main>\n</body>\n</html>\n");
        self.html
    }

    pub(crate) fn put(&mut self, html: &str) {
        self.html.push_str(html);
    }

    /// The beginning of the header, which the caller closes.
    pub(crate) fn open_header(&mut self, title: &str) {
        let _ = write!(
            self.html,
            "<header>\n<p class=\"kicker\">Palaestra report</p>\n<h1>{}</h1>\n",
            escape(title)
        );
    }

    /// A paragraph; text between backticks is set as code.
    pub(crate) fn paragraph(&mut self, text: &str) {
        let text = rich(text);
        let _ = writeln!(self.html, "<p>{text}</p>");
    }

    pub(crate) fn small(&mut self, text: &str) {
        let text = rich(text);
        let _ = writeln!(self.html, "<p class=\"small\">{text}</p>");
    }

    pub(crate) fn open_section(&mut self, id: &str, heading: &str) {
        let _ = writeln!(self.html, "<section id=\"{id}\">\n<h2>{heading}</h2>");
    }

    pub(crate) fn close_section(&mut self) {
        self.put("</section>\n");
    }

    /// A table. Cells are HTML; the first of a row is its heading.
    pub(crate) fn table(&mut self, class: &str, header: &[String], rows: &[(bool, Vec<String>)]) {
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

    /// A picture.
    pub(crate) fn figure(&mut self, picture: &Picture) {
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
