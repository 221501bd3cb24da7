//! Reads the grammar.

use std::{collections::BTreeMap, ops::Range};

use super::{
    PomdpFile,
    error::{Fault, FileProblem},
    lexer::{Lexer, Place, Token},
    rewards::RewardRules,
    tables::{MAX_ENTRIES, Table},
};
use crate::{
    pomdp::{Pomdp, PomdpParts},
    registry::nearest,
};

pub(super) type Parsed<T> = Result<T, Fault>;

/// The words that begin a section.
pub(super) const SECTIONS: [&str; 9] = [
    "discount",
    "values",
    "states",
    "actions",
    "observations",
    "start",
    "T",
    "O",
    "R",
];
pub(super) const SECTION: &str =
    "a section (discount, values, states, actions, observations, start, T, O, R)";

/// What is named in a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    State,
    Action,
    Observation,
}

impl Kind {
    pub(super) fn section(self) -> &'static str {
        ["states", "actions", "observations"][self as usize]
    }

    pub(super) fn one(self) -> &'static str {
        ["state", "action", "observation"][self as usize]
    }
}

/// The state of reading.
pub(super) struct Parser<'a> {
    pub(super) lexer: Lexer<'a>,
    pub(super) discount: Option<f64>,
    /// -1 for costs.
    pub(super) sign: Option<f64>,
    pub(super) names: [Option<Vec<String>>; 3],
    pub(super) indices: [BTreeMap<String, usize>; 3],
    pub(super) start: Option<Vec<(usize, f64)>>,
    tables: Option<(Table, Table)>,
    /// Whether `reset` has been read.
    pub(super) has_reset: bool,
    rewards: RewardRules,
    entries: usize,
    pub(super) warnings: Vec<String>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            lexer: Lexer::new(text),
            discount: None,
            sign: None,
            names: [None, None, None],
            indices: Default::default(),
            start: None,
            tables: None,
            has_reset: false,
            rewards: RewardRules::default(),
            entries: 0,
            warnings: Vec::new(),
        }
    }

    /// Reads the whole file.
    pub(super) fn file(mut self) -> Parsed<PomdpFile> {
        while let Some(token) = self.lexer.peek() {
            let here = self.lexer.place();
            match token {
                Token::Word("discount") => self.discount()?,
                Token::Word("values") => self.values()?,
                Token::Word("states") => self.declare(Kind::State)?,
                Token::Word("actions") => self.declare(Kind::Action)?,
                Token::Word("observations") => self.declare(Kind::Observation)?,
                Token::Word("start") => self.start()?,
                Token::Word("T") => self.probabilities(Kind::State)?,
                Token::Word("O") => self.probabilities(Kind::Observation)?,
                Token::Word("R") => self.reward()?,
                other => {
                    return Err(unexpected(here, SECTION, Some(other)));
                }
            }
        }
        self.finish()
    }

    fn finish(mut self) -> Parsed<PomdpFile> {
        let last = self.lexer.place();
        let missing = |section, early| error_at(last, FileProblem::Missing { section, early });
        let discount = self.discount.ok_or_else(|| missing("discount", false))?;
        self.sign.ok_or_else(|| missing("values", false))?;
        for kind in [Kind::State, Kind::Action, Kind::Observation] {
            self.count(kind, false)?;
        }
        let (t, o) = self.tables.take().ok_or_else(|| missing("T", false))?;
        for (section, table) in [("T", &t), ("O", &o)] {
            if table.is_empty() {
                return Err(missing(section, false));
            }
        }
        let [states, actions, observations] = self.names.map(Option::unwrap_or_default);
        let names = (actions.as_slice(), states.as_slice());
        let text = self.lexer.text();
        let transition = t.finish(names, (text, last), &mut self.warnings)?;
        let observation = o.finish(names, (text, last), &mut self.warnings)?;
        let n = states.len();
        let rewards = self.rewards.finish(&transition, &observation);
        let rewards = rewards.ok_or_else(|| {
            let problem = format!("R tells of more than {MAX_ENTRIES} outcomes apart");
            error_at(last, FileProblem::TooLarge(problem))
        })?;
        let uniform = || (0..n).map(|s| (s, 1.0 / n as f64)).collect();
        let parts = PomdpParts {
            rewards,
            start: self.start.unwrap_or_else(uniform),
            states,
            actions,
            observations,
            discount,
            transition,
            observation,
        };
        let model = Pomdp::new(parts);
        let model = model.map_err(|error| error_at(last, FileProblem::Model(error)))?;
        Ok(PomdpFile {
            model,
            warnings: self.warnings,
        })
    }

    pub(super) fn colon(&mut self) -> Parsed<()> {
        let here = self.lexer.place();
        match self.lexer.take() {
            Some(Token::Colon) => Ok(()),
            other => Err(unexpected(here, "`:`", other)),
        }
    }

    /// Takes a keyword and its colon.
    pub(super) fn head(&mut self) -> Parsed<Place> {
        let here = self.lexer.place();
        self.lexer.take();
        self.colon()?;
        Ok(here)
    }

    pub(super) fn number(&mut self, what: &str) -> Parsed<f64> {
        let here = self.lexer.place();
        match self.lexer.take() {
            Some(Token::Word(word)) => {
                let number = as_number(word);
                number.ok_or_else(|| unexpected(here, what, Some(Token::Word(word))))
            }
            other => Err(unexpected(here, what, other)),
        }
    }

    /// The number of a whole entry. Some writers put a colon before it too.
    fn last_number(&mut self, what: &str) -> Parsed<f64> {
        if self.lexer.peek() == Some(Token::Colon) {
            self.lexer.take();
        }
        self.number(what)
    }

    /// Takes the word `reset`, if it comes next.
    fn reset(&mut self) -> bool {
        let comes = self.lexer.peek() == Some(Token::Word("reset"));
        if comes {
            self.lexer.take();
            self.has_reset = true;
        }
        comes
    }

    /// Rows of `T` in which everything begins anew.
    fn set_to_start(
        &mut self,
        actions: Range<usize>,
        states: Range<usize>,
        count: usize,
        here: Place,
    ) -> Parsed<()> {
        let mut row = vec![1.0 / count as f64; count];
        if let Some(start) = &self.start {
            row.fill(0.0);
            for (s, p) in start {
                row[*s] = *p;
            }
        }
        let table = table_of(&mut self.tables, Kind::State);
        for at in actions.flat_map(|a| states.clone().map(move |s| (a, s))) {
            table.set_row(at, &row, here)?;
        }
        Ok(())
    }

    fn numbers(&mut self, count: usize, what: &str) -> Parsed<Vec<f64>> {
        let mut all = Vec::new();
        while all.len() < count {
            all.push(self.number(&format!("number {} of {count} {what}", all.len() + 1))?);
        }
        Ok(all)
    }

    /// How many there are.
    pub(super) fn count(&self, kind: Kind, early: bool) -> Parsed<usize> {
        let names = self.names[kind as usize].as_ref().map(Vec::len);
        names.ok_or_else(|| {
            error_at(
                self.lexer.place(),
                FileProblem::Missing {
                    section: kind.section(),
                    early,
                },
            )
        })
    }

    /// The index that a name or number stands for.
    pub(super) fn index(&self, kind: Kind, word: &str, here: Place) -> Parsed<usize> {
        let names = self.names[kind as usize].as_deref().unwrap_or(&[]);
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            let index = word.parse().ok().filter(|&i: &usize| i < names.len());
            return index.ok_or_else(|| {
                error_at(
                    here,
                    FileProblem::Index {
                        what: kind.one(),
                        index: word.to_owned(),
                        count: names.len(),
                    },
                )
            });
        }
        let found = self.indices[kind as usize].get(word);
        found.copied().ok_or_else(|| {
            error_at(
                here,
                FileProblem::UnknownName {
                    what: kind.one(),
                    name: word.to_owned(),
                    suggestion: nearest(word, names.iter().map(String::as_str)),
                },
            )
        })
    }

    /// A name, an index, or `*`.
    fn place(&mut self, kind: Kind) -> Parsed<Option<usize>> {
        let here = self.lexer.place();
        match self.lexer.take() {
            Some(Token::Star) => Ok(None),
            Some(Token::Word(word)) => self.index(kind, word, here).map(Some),
            other => Err(unexpected(
                here,
                &format!("{} or `*`", article(kind)),
                other,
            )),
        }
    }

    /// What must be known before the first entry of a table.
    fn sizes(&mut self) -> Parsed<(usize, usize, usize)> {
        let (s, a, o) = (
            self.count(Kind::State, true)?,
            self.count(Kind::Action, true)?,
            self.count(Kind::Observation, true)?,
        );
        if self.sign.is_none() {
            return Err(error_at(
                self.lexer.place(),
                FileProblem::Missing {
                    section: "values",
                    early: true,
                },
            ));
        }
        if self.tables.is_none() {
            self.tables = Some((Table::new("T", a, s, s), Table::new("O", a, s, o)));
        }
        Ok((s, a, o))
    }

    /// `T` (columns are states) or `O` (columns are observations).
    fn probabilities(&mut self, columns: Kind) -> Parsed<()> {
        let (s, a, o) = self.sizes()?;
        let width = if matches!(columns, Kind::State) { s } else { o };
        let here = self.head()?;
        let actions = span(self.place(Kind::Action)?, a);
        if self.lexer.peek() != Some(Token::Colon) {
            return self.matrix(columns, actions, s, width, here);
        }
        self.colon()?;
        let states = span(self.place(Kind::State)?, s);
        let mut cell = None;
        if self.lexer.peek() == Some(Token::Colon) {
            self.colon()?;
            cell = Some((self.place(columns)?, self.last_number("a probability")?));
        }
        if cell.is_none() && matches!(columns, Kind::State) && self.reset() {
            return self.set_to_start(actions, states, s, here);
        }
        let uniform = self.lexer.peek() == Some(Token::Word("uniform")) && cell.is_none();
        if uniform {
            self.lexer.take();
            cell = Some((None, 1.0 / width as f64));
        }
        let row = if cell.is_none() {
            self.numbers(width, "of this row, or `uniform`")?
        } else {
            Vec::new()
        };
        let table = table_of(&mut self.tables, columns);
        for at in actions.flat_map(|a| states.clone().map(move |s| (a, s))) {
            match cell {
                Some((column, p)) => table.set(at, column, p, here)?,
                None => table.set_row(at, &row, here)?,
            }
        }
        Ok(())
    }

    fn matrix(
        &mut self,
        columns: Kind,
        actions: Range<usize>,
        states: usize,
        width: usize,
        here: Place,
    ) -> Parsed<()> {
        let square = matches!(columns, Kind::State);
        if square && self.reset() {
            return self.set_to_start(actions, 0..states, states, here);
        }
        let word = self.lexer.peek();
        if word == Some(Token::Word("identity")) && square {
            self.lexer.take();
            let table = table_of(&mut self.tables, columns);
            for (a, s) in actions.flat_map(|a| (0..states).map(move |s| (a, s))) {
                table.set((a, s), None, 0.0, here)?;
                table.set((a, s), Some(s), 1.0, here)?;
            }
        } else if word == Some(Token::Word("uniform")) {
            self.lexer.take();
            let table = table_of(&mut self.tables, columns);
            for at in actions.flat_map(|a| (0..states).map(move |s| (a, s))) {
                table.set(at, None, 1.0 / width as f64, here)?;
            }
        } else {
            let words = if square {
                "`uniform` or `identity`"
            } else {
                "or `uniform`"
            };
            for s in 0..states {
                let here = self.lexer.place();
                let row = self.numbers(width, &format!("of row {s} of this matrix, {words}"))?;
                let table = table_of(&mut self.tables, columns);
                for a in actions.clone() {
                    table.set_row((a, s), &row, here)?;
                }
            }
        }
        Ok(())
    }

    fn reward(&mut self) -> Parsed<()> {
        let (s, _, o) = self.sizes()?;
        let here = self.head()?;
        let action = self.place(Kind::Action)?;
        self.colon()?;
        let state = self.place(Kind::State)?;
        if self.lexer.peek() != Some(Token::Colon) {
            for next in 0..s {
                let what = format!("of row {next} of this matrix of rewards");
                let row = self.numbers(o, &what)?;
                for (seen, r) in row.into_iter().enumerate() {
                    self.pay([action, state, Some(next), Some(seen)], r, here)?;
                }
            }
            return Ok(());
        }
        self.colon()?;
        let next = self.place(Kind::State)?;
        if self.lexer.peek() != Some(Token::Colon) {
            let row = self.numbers(o, "of this row of rewards")?;
            for (seen, r) in row.into_iter().enumerate() {
                self.pay([action, state, next, Some(seen)], r, here)?;
            }
            return Ok(());
        }
        self.colon()?;
        let seen = self.place(Kind::Observation)?;
        let r = self.last_number("a reward")?;
        self.pay([action, state, next, seen], r, here)
    }

    fn pay(&mut self, pattern: [Option<usize>; 4], reward: f64, here: Place) -> Parsed<()> {
        if self.rewards.len() > MAX_ENTRIES {
            let problem = format!("R has more than {MAX_ENTRIES} entries");
            return Err(error_at(here, FileProblem::TooLarge(problem)));
        }
        self.entries += 1;
        let sign = self.sign.unwrap_or(1.0);
        // Not a product with -1, which would make a negative zero.
        let value = if sign < 0.0 { 0.0 - reward } else { reward };
        self.rewards.add(pattern, value, self.entries);
        Ok(())
    }
}

fn table_of(tables: &mut Option<(Table, Table)>, columns: Kind) -> &mut Table {
    let (t, o) = tables.get_or_insert_with(|| (Table::new("T", 0, 0, 0), Table::new("O", 0, 0, 0)));
    if matches!(columns, Kind::State) { t } else { o }
}

fn span(place: Option<usize>, count: usize) -> Range<usize> {
    place.map_or(0..count, |i| i..i + 1)
}

/// A finite number; words such as `inf` are none.
pub(super) fn as_number(word: &str) -> Option<f64> {
    let starts = word.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    let number = word.parse().ok().filter(|_| starts);
    number.filter(|x: &f64| x.is_finite())
}

fn article(kind: Kind) -> &'static str {
    ["a state", "an action", "an observation"][kind as usize]
}

/// Keeps the value of a section, unless it has one.
pub(super) fn once<T>(
    section: &'static str,
    here: Place,
    place: &mut Option<T>,
    value: T,
) -> Parsed<()> {
    if place.is_some() {
        return Err(error_at(here, FileProblem::Duplicate(section)));
    }
    *place = Some(value);
    Ok(())
}

pub(super) fn error_at(here: Place, problem: FileProblem) -> Fault {
    Fault {
        place: here,
        problem,
    }
}

pub(super) fn bad_name(name: &str, reason: &str) -> FileProblem {
    FileProblem::Name {
        name: name.to_owned(),
        reason: reason.to_owned(),
    }
}

pub(super) fn unexpected(here: Place, expected: &str, found: Option<Token<'_>>) -> Fault {
    let found = found.map_or_else(|| "the end of the file".into(), |token| token.quoted());
    let expected = expected.to_owned();
    error_at(here, FileProblem::Unexpected { expected, found })
}
