//! Text files, a line at a time.

use std::io::BufRead;

use super::{DataError, Position, Problem};

/// Lines of a text file, in a buffer that is used again.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    format: &'static str,
    /// Bytes a line may have.
    limit: usize,
    line: Vec<u8>,
    /// Number of the line in the buffer.
    pub(super) number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R, format: &'static str, limit: usize) -> Self {
        Self {
            input,
            format,
            limit,
            line: Vec::new(),
            number: 0,
        }
    }

    /// Reads the next line; `false` at the end. With `complete`, the last line must end with a newline, for without one
    /// nothing tells whether digits are missing.
    pub(super) fn advance(&mut self, complete: bool) -> Result<bool, DataError> {
        self.line.clear();
        self.number += 1;
        let limit = self.limit as u64 + 1;
        let read = std::io::Read::take(&mut self.input, limit).read_until(b'\n', &mut self.line);
        if let Err(error) = read {
            return Err(Problem::Io(error).at(self.at(0)));
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
            if self.line.last() == Some(&b'\r') {
                self.line.pop();
            }
            return Ok(true);
        }
        if self.line.len() > self.limit {
            let (format, limit) = (self.format, self.limit);
            return Err(Problem::LongLine { format, limit }.at(self.at(0)));
        }
        if self.line.is_empty() {
            self.number -= 1;
            return Ok(false);
        }
        if complete {
            return Err(Problem::NoNewline.at(self.at(self.line.len())));
        }
        Ok(true)
    }

    /// The line, without its end.
    pub(super) fn text(&self) -> &[u8] {
        &self.line
    }

    /// The place of a byte of the line.
    pub(super) fn at(&self, byte: usize) -> Position {
        Position::Line {
            line: self.number,
            column: byte as u64 + 1,
        }
    }
}
