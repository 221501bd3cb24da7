//! A small reader of one JSON object, which knows where everything is and can be as lenient as answers need.

use super::{AnswerError, read::clipped};

/// How much is forgiven.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grammar {
    /// Whether `NaN` and `Infinity` are numbers and the last of equal keys counts, as for Python's `json`.
    pub(super) python: bool,
    /// Whether `1,000` is a number.
    pub(super) groups: bool,
    /// Whether a number may have a `$` before or after it.
    pub(super) dollars: bool,
    /// Whether a key may be given only once.
    pub(super) unique: bool,
}

/// A value of the object.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A number as written, without separators and signs of currency; `NaN`, `Infinity`, `-Infinity` for Python.
    Number(String),
    Text(String),
    Bool(bool),
    Null,
    List,
    Object,
}

impl Value {
    /// What it is, for messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::Bool(_) => "true or false",
            Self::Null => "null",
            Self::List => "a list",
            Self::Object => "an object",
        }
    }
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) key: String,
    pub(super) value: Value,
    /// Where the value begins.
    pub(super) at: usize,
}

/// Nested lists and objects go no deeper.
const DEEPEST: usize = 64;

/// Reads the object that begins with the `{` at byte `start` of `text` and must end where `text` does.
pub(super) fn object(
    text: &str,
    start: usize,
    grammar: Grammar,
) -> Result<Vec<Field>, AnswerError> {
    let mut reader = Reader {
        text,
        at: start,
        grammar,
    };
    let fields = reader.object(0)?;
    if reader.at < text.len() {
        return Err(reader.error("the object ends before this"));
    }
    Ok(fields)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    grammar: Grammar,
}

impl Reader<'_> {
    fn error(&self, problem: &str) -> AnswerError {
        error(self.at, problem)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn object(&mut self, depth: usize) -> Result<Vec<Field>, AnswerError> {
        if !self.take(b'{') {
            return Err(self.error("an object begins with {"));
        }
        let mut fields: Vec<Field> = Vec::new();
        self.blanks();
        if self.take(b'}') {
            return Ok(fields);
        }
        loop {
            self.blanks();
            let key_at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.error("a key in double quotes is due"));
            }
            let key = self.string()?;
            self.blanks();
            if !self.take(b':') {
                return Err(self.error("a colon is due after a key"));
            }
            self.blanks();
            let at = self.at;
            let value = self.value(depth)?;
            match fields.iter_mut().find(|field| field.key == key) {
                Some(_) if self.grammar.unique => {
                    return Err(error(
                        key_at,
                        &format!("key `{}` is given twice", clipped(&key)),
                    ));
                }
                Some(field) => (field.value, field.at) = (value, at),
                None => fields.push(Field { key, value, at }),
            }
            self.blanks();
            if self.take(b'}') {
                return Ok(fields);
            }
            if !self.take(b',') {
                return Err(self.error("a comma or } is due after a value"));
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, AnswerError> {
        if depth >= DEEPEST {
            return Err(self.error("lists and objects are nested too deeply"));
        }
        match self.peek() {
            Some(b'"') => self.string().map(Value::Text),
            Some(b'{') => self.object(depth + 1).map(|_| Value::Object),
            Some(b'[') => {
                self.at += 1;
                self.blanks();
                if self.take(b']') {
                    return Ok(Value::List);
                }
                loop {
                    self.blanks();
                    self.value(depth + 1)?;
                    self.blanks();
                    if self.take(b']') {
                        return Ok(Value::List);
                    }
                    if !self.take(b',') {
                        return Err(self.error("a comma or ] is due in a list"));
                    }
                }
            }
            Some(b'-' | b'0'..=b'9') => self.number(depth),
            Some(b'$') if self.grammar.dollars => {
                self.at += 1;
                self.blanks();
                self.number(depth)
            }
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Value, AnswerError> {
        let rest = &self.text[self.at..];
        let words = [
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("null", Value::Null),
        ];
        for (word, value) in words {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        for word in ["NaN", "Infinity"] {
            if rest.starts_with(word) {
                if !self.grammar.python {
                    return Err(self.error("numbers must be finite"));
                }
                self.at += word.len();
                return Ok(Value::Number(word.into()));
            }
        }
        Err(self.error("a value is due: a number, a text in double quotes, true, false or null"))
    }

    fn digits(&mut self, out: &mut String) -> Result<usize, AnswerError> {
        let first = self.at;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            out.push(char::from(digit));
            self.at += 1;
        }
        if self.at == first {
            return Err(self.error("a digit is due"));
        }
        Ok(self.at - first)
    }

    fn number(&mut self, depth: usize) -> Result<Value, AnswerError> {
        let mut out = String::new();
        let first = self.at;
        if self.take(b'-') {
            if self.text[self.at..].starts_with("Infinity") {
                if !self.grammar.python {
                    return Err(error(first, "numbers must be finite"));
                }
                self.at += "Infinity".len();
                return Ok(Value::Number("-Infinity".into()));
            }
            out.push('-');
        }
        let leading = self.at;
        let digits = self.digits(&mut out)?;
        if digits > 1 && self.text.as_bytes()[leading] == b'0' {
            return Err(error(leading, "a number does not begin with zeros"));
        }
        // In a list `1,000` is two numbers.
        if self.grammar.groups && depth == 0 && digits <= 3 {
            while let Some(group) = group_of_three(&self.text.as_bytes()[self.at..]) {
                out.push_str(group);
                self.at += 4;
            }
        }
        if self.take(b'.') {
            out.push('.');
            self.digits(&mut out)?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            out.push('e');
            match self.peek() {
                Some(b'-') => {
                    self.at += 1;
                    out.push('-');
                }
                Some(b'+') => self.at += 1,
                _ => {}
            }
            self.digits(&mut out)?;
        }
        if self.grammar.dollars {
            self.take(b'$');
        }
        Ok(Value::Number(out))
    }

    fn string(&mut self) -> Result<String, AnswerError> {
        let opened = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(c) = rest.chars().next() else {
                return Err(error(opened, "this text has no closing quote"));
            };
            match c {
                '"' => {
                    self.at += 1;
                    return Ok(out);
                }
                '\\' => self.escape(&mut out)?,
                '\0'..='\u{1f}' => {
                    return Err(self.error(
                        "a text may not hold a raw control character; write \\n for a line break",
                    ));
                }
                _ => {
                    out.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), AnswerError> {
        let first = self.at;
        self.at += 1;
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                let high = self.hex(first)?;
                let mut code = u32::from(high);
                if (0xd800..0xdc00).contains(&high) && self.text[self.at..].starts_with("\\u") {
                    let back = self.at;
                    self.at += 2;
                    let low = self.hex(back)?;
                    if (0xdc00..0xe000).contains(&low) {
                        code = 0x1_0000
                            + ((u32::from(high) - 0xd800) << 10)
                            + (u32::from(low) - 0xdc00);
                    } else {
                        self.at = back;
                    }
                }
                // Half a pair stands for no character.
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                return Ok(());
            }
            _ => return Err(error(first, "there is no such escape in JSON")),
        };
        self.at += 1;
        out.push(c);
        Ok(())
    }

    /// Four hexadecimal digits.
    fn hex(&mut self, escape: usize) -> Result<u16, AnswerError> {
        let digits = self.text.get(self.at..self.at + 4);
        let digits = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        self.at += 4;
        code.ok_or_else(|| error(escape, "\\u needs four hexadecimal digits"))
    }
}

/// The three digits of `,123` at the start of `bytes`, if no fourth follows.
pub(super) fn group_of_three(bytes: &[u8]) -> Option<&str> {
    let group = bytes.get(..4)?;
    let digits = &group[1..];
    let closed = bytes.get(4).is_none_or(|b| !b.is_ascii_digit());
    let group = group[0] == b',' && digits.iter().all(u8::is_ascii_digit) && closed;
    std::str::from_utf8(digits).ok().filter(|_| group)
}

fn error(position: usize, problem: &str) -> AnswerError {
    AnswerError::BadJson {
        position,
        problem: problem.into(),
    }
}
