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

/// Tokens with their lines.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    next: Option<(Token<'a>, usize)>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut lexer = Self {
            rest: text,
            line: 1,
            next: None,
        };
        lexer.next = lexer.scan();
        lexer
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

    /// The line of the next token, or the last line.
    pub(super) fn line(&self) -> usize {
        self.next.map_or(self.line, |(_, line)| line)
    }

    fn scan(&mut self) -> Option<(Token<'a>, usize)> {
        loop {
            let first = self.rest.chars().next()?;
            match first {
                '#' => {
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest = &self.rest[end..];
                }
                '\n' => {
                    self.rest = &self.rest[1..];
                    // The last line may end with a line break.
                    if !self.rest.is_empty() {
                        self.line += 1;
                    }
                }
                c if c.is_whitespace() => self.rest = &self.rest[c.len_utf8()..],
                ':' | '*' => {
                    self.rest = &self.rest[1..];
                    let token = if first == ':' {
                        Token::Colon
                    } else {
                        Token::Star
                    };
                    return Some((token, self.line));
                }
                _ => {
                    let ends = |c: char| c.is_whitespace() || ":*#".contains(c);
                    let end = self.rest.find(ends).unwrap_or(self.rest.len());
                    let (word, rest) = self.rest.split_at(end);
                    self.rest = rest;
                    return Some((Token::Word(word), self.line));
                }
            }
        }
    }
}
