//! Lines of bounded length, and the last ones of a program's stderr.

use std::{
    collections::VecDeque,
    io::{self, BufRead, Read},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded};

/// Lines of the log that are kept for error messages.
const LOG_LINES: usize = 20;
/// Longest line of the log that is kept whole, in bytes.
const MAX_LOG_LINE: usize = 2000;

/// What [`read_line`] found.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    /// A line, without its line feed.
    Whole,
    /// The beginning of a line longer than the limit.
    Cut,
    /// The end; the line was not finished.
    End,
}

/// Reads up to the next line feed or just beyond `limit` bytes.
pub(super) fn read_line(
    reader: &mut impl BufRead,
    line: &mut Vec<u8>,
    limit: usize,
) -> io::Result<Line> {
    reader.take(limit as u64 + 1).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
        Ok(Line::Whole)
    } else if line.len() > limit {
        Ok(Line::Cut)
    } else {
        Ok(Line::End)
    }
}

/// The last lines of the program's stderr.
#[derive(Debug)]
pub(super) struct Log {
    lines: Arc<Mutex<VecDeque<String>>>,
    /// Disconnected when stderr has ended.
    ended: Receiver<()>,
}

/// Where [`Log`] gets its lines from.
pub(super) struct LogWriter {
    lines: Arc<Mutex<VecDeque<String>>>,
    _ended: Sender<()>,
}

impl Log {
    /// An empty log and its other end, for the thread that reads stderr.
    pub(super) fn new() -> (Self, LogWriter) {
        let lines = Arc::new(Mutex::new(VecDeque::with_capacity(LOG_LINES)));
        let (sender, ended) = bounded(0);
        let writer = LogWriter {
            lines: lines.clone(),
            _ended: sender,
        };
        (Self { lines, ended }, writer)
    }

    /// The last lines, once stderr has ended or nobody can be bothered to wait longer.
    pub(super) fn tail(&self) -> String {
        let _ = self.ended.recv_timeout(Duration::from_millis(500));
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl LogWriter {
    /// Reads stderr to its end.
    pub(super) fn follow(self, mut stderr: impl BufRead, label: &str) {
        let mut line = Vec::new();
        loop {
            line.clear();
            let Ok(end) = read_line(&mut stderr, &mut line, MAX_LOG_LINE) else {
                return;
            };
            if end == Line::End && line.is_empty() {
                return;
            }
            let mut text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if end == Line::Cut {
                text.push('…');
            }
            tracing::info!(agent = label, "{text}");
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() == LOG_LINES {
                lines.pop_front();
            }
            lines.push_back(text);
            drop(lines);
            if end == Line::Cut && stderr.skip_until(b'\n').is_err() {
                return;
            }
        }
    }
}
