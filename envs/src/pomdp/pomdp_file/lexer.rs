//! Splits a file into words, colons and stars.

/// A word, colon or star.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name, keyword or number.
    Word(&'a str),
    /// `:`
    Colon,
    /// `*`
    Star,
}

impl Token<'_> {
    /// The token as an error message quotes it.
    pub(super) fn quoted(&self) -> String {
        match self {
            Self::Word(word) => format!("`{}`", word.chars().take(40).collect::<String>()),
            Self::Colon => "`:`".into(),
            Self::Star => "`*`".into(),
        }
    }
}

/// A part of the text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Place {
    /// The line that it begins on, from 1.
    pub(super) fn line(self, text: &str) -> usize {
        let before = text.as_bytes().iter().take(self.start);
        1 + before.filter(|byte| **byte == b'\n').count()
    }
}

/// Tokens with their places.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    /// Where the rest begins.
    at: usize,
    next: Option<(Token<'a>, Place)>,
}

impl<'a> Lexer<'a> {
    /// A byte order mark is skipped.
    pub(super) fn new(text: &'a str) -> Self {
        let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lexer = Self {
            text,
            at: text.len() - rest.len(),
            next: None,
        };
        lexer.next = lexer.scan();
        lexer
    }

    /// The whole text.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// The next token, left where it is.
    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.next.map(|(token, _)| token)
    }

    /// The next token.
    pub(super) fn take(&mut self) -> Option<Token<'a>> {
        let (token, _) = self.next?;
        self.next = self.scan();
        Some(token)
    }

    /// The place of the next token, or the end.
    pub(super) fn place(&self) -> Place {
        let end = self.text.trim_end().len();
        self.next
            .map_or(Place { start: end, end }, |(_, place)| place)
    }

    fn scan(&mut self) -> Option<(Token<'a>, Place)> {
        loop {
            let rest = self.text.get(self.at..)?;
            let first = rest.chars().next()?;
            let length = match first {
                '#' => rest.find('\n').unwrap_or(rest.len()),
                c if c.is_whitespace() => c.len_utf8(),
                ':' | '*' => 1,
                _ => {
                    let ends = |c: char| c.is_whitespace() || ":*#".contains(c);
                    rest.find(ends).unwrap_or(rest.len())
                }
            };
            let start = self.at;
            self.at += length;
            let token = match first {
                ':' => Token::Colon,
                '*' => Token::Star,
                '#' => continue,
                c if c.is_whitespace() => continue,
                _ => Token::Word(&rest[..length]),
            };
            let end = self.at;
            return Some((token, Place { start, end }));
        }
    }
}
