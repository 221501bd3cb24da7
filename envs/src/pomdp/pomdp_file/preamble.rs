//! Reads what stands before the tables: discount, values, names, start.

use super::{
    error::FileProblem,
    lexer::Token,
    parser::{
        Kind, Parsed, Parser, SECTION, SECTIONS, as_number, bad_name, error_at, once, unexpected,
    },
    tables::MAX_ROWS,
};
use crate::pomdp::{
    check::{KEYWORDS, name_problem},
    model::{EXACT_TOLERANCE, SUM_TOLERANCE},
};

impl Parser<'_> {
    pub(super) fn discount(&mut self) -> Parsed<()> {
        let head = self.head()?;
        let here = self.lexer.place();
        let value = self.number("the discount, a number")?;
        once("discount", head, &mut self.discount, value)?;
        if (0.0..=1.0).contains(&value) {
            return Ok(());
        }
        Err(unexpected(
            here,
            "a discount in [0, 1]",
            Some(Token::Word(&value.to_string())),
        ))
    }

    pub(super) fn values(&mut self) -> Parsed<()> {
        let head = self.head()?;
        let here = self.lexer.place();
        let sign = match self.lexer.take() {
            Some(Token::Word("reward")) => 1.0,
            Some(Token::Word("cost")) => -1.0,
            other => return Err(unexpected(here, "`reward` or `cost`", other)),
        };
        once("values", head, &mut self.sign, sign)
    }

    pub(super) fn declare(&mut self, kind: Kind) -> Parsed<()> {
        let here = self.head()?;
        let mut names = Vec::new();
        let first = self.lexer.peek();
        if let Some(Token::Word(word)) = first
            && word.starts_with(|c: char| c.is_ascii_digit())
        {
            let here = self.lexer.place();
            self.lexer.take();
            let count = word.parse().ok().filter(|n| (1..=MAX_ROWS).contains(n));
            let expected = format!("names, or a number of {} in 1..={MAX_ROWS}", kind.section());
            let count = count.ok_or_else(|| unexpected(here, &expected, first))?;
            names = (0..count).map(|i: usize| i.to_string()).collect();
        } else {
            let mut last = None;
            while let Some(Token::Word(word)) = self.lexer.peek()
                && !SECTIONS.contains(&word)
            {
                let here = self.lexer.place();
                last = Some((here, word));
                self.lexer.take();
                if let Some(reason) = name_problem(word) {
                    return Err(error_at(here, bad_name(word, reason)));
                }
                names.push(word.to_owned());
            }
            if names.is_empty() {
                let expected = format!("names, or the number of {}", kind.section());
                return Err(unexpected(self.lexer.place(), &expected, self.lexer.peek()));
            }
            if let (Some((place, word)), Some(Token::Colon)) = (last, self.lexer.peek()) {
                return Err(unexpected(place, SECTION, Some(Token::Word(word))));
            }
            let mut sorted: Vec<&String> = names.iter().collect();
            sorted.sort_unstable();
            if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(error_at(here, bad_name(pair[0], "it is declared twice")));
            }
        }
        // Numbers are found without.
        if !names[0].starts_with(|c: char| c.is_ascii_digit()) {
            let indices = names.iter().cloned().zip(0..);
            self.indices[kind as usize].extend(indices);
        }
        once(kind.section(), here, &mut self.names[kind as usize], names)?;
        let size = |kind: Kind| self.names[kind as usize].as_ref().map_or(1, Vec::len);
        if size(Kind::State).saturating_mul(size(Kind::Action)) > MAX_ROWS {
            let problem = format!("states times actions are more than {MAX_ROWS}");
            return Err(error_at(here, FileProblem::TooLarge(problem)));
        }
        Ok(())
    }

    pub(super) fn start(&mut self) -> Parsed<()> {
        let here = self.lexer.place();
        if self.has_reset {
            return Err(error_at(here, FileProblem::LateStart));
        }
        let states = self.count(Kind::State, true)?;
        self.lexer.take();
        let chosen = match self.lexer.take() {
            Some(Token::Colon) => None,
            Some(Token::Word("include")) => Some(true),
            Some(Token::Word("exclude")) => Some(false),
            other => {
                return Err(unexpected(
                    here,
                    "`:`, `include` or `exclude` after `start`",
                    other,
                ));
            }
        };
        let uniform_over = |list: Vec<usize>| {
            let p = 1.0 / list.len() as f64;
            list.into_iter().map(|s| (s, p)).collect::<Vec<_>>()
        };
        let belief = if let Some(include) = chosen {
            self.colon()?;
            let listed = self.listed_states(states)?;
            let list: Vec<usize> = (0..states).filter(|&s| listed[s] == include).collect();
            if list.is_empty() {
                let (what, problem) = ("start".into(), "no state is left".into());
                return Err(error_at(here, FileProblem::Distribution { what, problem }));
            }
            uniform_over(list)
        } else {
            match self.lexer.peek() {
                Some(Token::Word("uniform")) => {
                    self.lexer.take();
                    uniform_over((0..states).collect())
                }
                Some(Token::Word(word)) if as_number(word).is_some() => {
                    self.start_numbers(states)?
                }
                Some(Token::Word(_)) => {
                    let listed = self.listed_states(states)?;
                    uniform_over((0..states).filter(|&s| listed[s]).collect())
                }
                other => {
                    let expected = "probabilities, `uniform` or a state";
                    return Err(unexpected(self.lexer.place(), expected, other));
                }
            }
        };
        once("start", here, &mut self.start, belief)
    }

    /// Whether each state is among those that come next.
    fn listed_states(&mut self, states: usize) -> Parsed<Vec<bool>> {
        let mut listed = vec![false; states];
        while let Some(Token::Word(word)) = self.lexer.peek()
            && !KEYWORDS.contains(&word)
        {
            let here = self.lexer.place();
            self.lexer.take();
            listed[self.index(Kind::State, word, here)?] = true;
        }
        Ok(listed)
    }

    /// One index, or a probability for each state.
    fn start_numbers(&mut self, states: usize) -> Parsed<Vec<(usize, f64)>> {
        let here = self.lexer.place();
        let mut words = Vec::new();
        while let Some(Token::Word(word)) = self.lexer.peek()
            && let Some(number) = as_number(word)
        {
            self.lexer.take();
            words.push((word, number));
        }
        if words.len() == 1 && states > 1 {
            return Ok(vec![(self.index(Kind::State, words[0].0, here)?, 1.0)]);
        }
        let distribution = |problem| {
            let what = "start".to_owned();
            error_at(here, FileProblem::Distribution { what, problem })
        };
        if words.len() != states {
            let problem = format!(
                "{} probabilities are given for {states} states",
                words.len()
            );
            return Err(distribution(problem));
        }
        if let Some((word, _)) = words.iter().find(|(_, p)| *p < 0.0) {
            return Err(distribution(format!("{word} is not a probability")));
        }
        let sum: f64 = words.iter().map(|(_, p)| p).sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(distribution(format!(
                "the probabilities sum to {sum} instead of 1"
            )));
        }
        let exact = (sum - 1.0).abs() <= EXACT_TOLERANCE;
        if !exact {
            let error = (sum - 1.0).abs();
            self.warnings.push(format!(
                "the start on line {} does not sum to 1 by {error:e}; it was divided by its sum",
                here.line(self.lexer.text())
            ));
        }
        let divisor = if exact { 1.0 } else { sum };
        Ok(words
            .iter()
            .enumerate()
            .map(|(s, (_, p))| (s, p / divisor))
            .collect())
    }
}
