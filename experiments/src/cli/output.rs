//! What the program prints. Nothing else in the workspace writes to stdout or stderr.

#![expect(clippy::print_stderr, reason = "the one module that prints")]

use std::{
    fmt::Write as _,
    io::{IsTerminal, Write as _},
};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report,
};
use serde::Serialize;
use serde_json::json;

use super::{CliError, Colour, Global};
use crate::{config::ConfigError, solve::SolveError};

/// Where results, messages and errors go.
#[derive(Debug, Clone)]
pub(super) struct Output {
    json: bool,
    quiet: bool,
    colour: bool,
}

impl Output {
    pub(super) fn new(global: &Global) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|v| v != "0" && !v.is_empty());
        let colour = match global.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => !set("NO_COLOR") && (forced || std::io::stderr().is_terminal()),
        };
        let level = match global.verbose {
            0 => tracing::Level::WARN,
            1 => tracing::Level::INFO,
            _ => tracing::Level::DEBUG,
        };
        // Fails only if a program of the user's has installed a subscriber of its own, which then stays.
        let _ = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(colour)
            .with_writer(std::io::stderr)
            .without_time()
            .with_target(false)
            .try_init();
        Self {
            json: global.json,
            quiet: global.quiet,
            colour,
        }
    }

    /// Whether stdout carries JSON.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether progress may be drawn on stderr.
    pub(super) fn draws_progress(&self) -> bool {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        !self.quiet && !self.json && !dumb && std::io::stderr().is_terminal()
    }

    /// Whether messages are wanted.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A result for people; nothing with `--json`.
    pub(super) fn text(&self, text: &str) {
        if !self.json {
            print(text);
        }
    }

    /// The result for programs; nothing without `--json`. `schema` names the form of the document.
    pub(super) fn document(&self, schema: &str, value: &impl Serialize) {
        if self.json {
            let mut document = serde_json::to_value(value).unwrap_or_default();
            if let Some(object) = document.as_object_mut() {
                object.shift_insert(0, "schema".into(), json!(schema));
            }
            let text = serde_json::to_string_pretty(&document).unwrap_or_default();
            print(&text);
        }
    }

    /// A message on stderr about what is going on.
    pub(super) fn message(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Reports an error on stderr: what, where, and what to do.
    pub(super) fn error(&self, error: &CliError) {
        match error {
            CliError::Config(error) | CliError::Solve(SolveError::Config(error)) => {
                self.config_error(error);
            }
            other => {
                let help = match other {
                    CliError::Argument { help, .. } => help.clone(),
                    CliError::Solve(error) => error.help(),
                    CliError::Market(error) => error.help(),
                    CliError::Language(error) => error.help(),
                    _ => None,
                };
                self.report(&full_message(other), help, None);
            }
        }
    }

    fn config_error(&self, error: &ConfigError) {
        for problem in &error.problems {
            let message = if problem.path.is_empty() || problem.span.is_some() {
                problem.message.clone()
            } else {
                format!("`{}`: {}", problem.path, problem.message)
            };
            let source = problem.span.as_ref().map(|span| {
                let named = NamedSource::new(&error.name, printable(&error.source_text));
                let label = if problem.path.is_empty() {
                    "here"
                } else {
                    problem.path.as_str()
                };
                (
                    named,
                    LabeledSpan::new_with_span(Some(label.to_owned()), span.clone()),
                )
            });
            let message = if source.is_none() {
                format!("{}: {message}", error.name)
            } else {
                message
            };
            self.report(&message, problem.help.clone(), source);
        }
    }

    fn report(
        &self,
        message: &str,
        help: Option<String>,
        source: Option<(NamedSource<String>, LabeledSpan)>,
    ) {
        let mut diagnostic = MietteDiagnostic::new(printable(message));
        diagnostic.help = help.map(|help| printable(&help));
        let report = match source {
            Some((named, label)) => {
                diagnostic.labels = Some(vec![label]);
                Report::new(diagnostic).with_source_code(named)
            }
            None => Report::new(diagnostic),
        };
        let theme = if self.colour {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_links(false)
            .with_width(100);
        let mut text = String::new();
        if handler.render_report(&mut text, report.as_ref()).is_err() {
            message.clone_into(&mut text);
        }
        eprintln!("error:{}", text.trim_end().trim_start_matches("  ×"));
    }
}

/// Text of a file without what would move a terminal's cursor or colours; of the same length in bytes, so that places
/// in it stay.
fn printable(text: &str) -> String {
    let harmless = |c: char| match c {
        '\n' | '\r' | '\t' => c,
        c if c.is_ascii_control() => '?',
        c if c.is_control() => '¿',
        c => c,
    };
    text.chars().map(harmless).collect()
}

/// Prints a result. A reader that has gone away (`| head`) is no error.
pub(super) fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
}

/// The error's message followed by those of its causes that it does not already contain.
fn full_message(error: &CliError) -> String {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            let _ = write!(message, ": {text}");
        }
        cause = error.source();
    }
    message
}

/// `1 file`, `2 files`.
pub(super) fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A table for people: the first column and those with words to the left, numbers to the right.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        let of_words = (rows.iter().filter_map(|row| row.get(index)))
            .any(|cell| cell.starts_with(char::is_alphabetic));
        column.set_cell_alignment(if index == 0 || of_words {
            CellAlignment::Left
        } else {
            CellAlignment::Right
        });
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// Words in lines of 100 characters, those after the first indented.
pub(super) fn wrapped(head: &str, text: &str) -> String {
    let mut lines = String::from("  ") + head;
    let mut width = lines.chars().count();
    for (index, word) in text.split_whitespace().enumerate() {
        let length = word.chars().count();
        if index > 0 && width + 1 + length > 100 {
            lines += "\n    ";
            width = 4;
        } else if index > 0 {
            lines.push(' ');
            width += 1;
        }
        lines += word;
        width += length;
    }
    lines
}
