//! A person in a terminal: what is new is printed, lines are read. Works as well without a terminal, through pipes.

use std::{
    io::{BufRead, Read as _, Write},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use palaestra_agents::language::human::{
    Asked, End, Entry, HumanArgs, Line, Person, Reply, Speaker, Turn, answer, harmless,
};
use palaestra_envs::language::Money;
use serde_json::json;

use super::Record;

/// Width of a line of text.
const WIDTH: usize = 78;
/// Longest line that is read, in bytes.
const LONGEST_LINE: u64 = 64 << 10;

/// What comes from the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A line, without its end.
    Line(String),
    /// The person has left: the input has ended, or it was interrupted.
    End,
}

/// Sends the lines of `from` until it ends.
pub fn lines_of(mut from: impl BufRead, to: &Sender<Input>) {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = from
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut bytes);
        let line = match read {
            Ok(0) | Err(_) => Input::End,
            Ok(_) => Input::Line(String::from_utf8_lossy(&bytes).trim_end().to_owned()),
        };
        let ended = line == Input::End;
        if to.send(line).is_err() || ended {
            return;
        }
    }
}

/// A person in a terminal.
pub struct Terminal<W> {
    out: W,
    input: Receiver<Input>,
    /// Whether lines are to be repeated, because nobody sees them being typed.
    echoes: bool,
    args: HumanArgs,
    record: Record,
    /// The game, and how many lines of its chat have been printed.
    shown: (u64, usize),
    agreed: bool,
    /// What was wrong with the last entry.
    fault: Option<String>,
}

/// What waiting for a line can end with.
enum Wait {
    Line(String),
    Late,
    Left,
}

impl<W: Write> Terminal<W> {
    /// Prints to `out` and takes lines from `input`; `echoes` if they are not seen where they are typed.
    pub fn new(
        out: W,
        input: Receiver<Input>,
        echoes: bool,
        args: HumanArgs,
        record: Record,
    ) -> Self {
        Self {
            out,
            input,
            echoes,
            agreed: args.consent.is_empty(),
            args,
            record,
            shown: (0, 0),
            fault: None,
        }
    }

    fn say(&mut self, text: &str) -> Result<(), String> {
        let said = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
        said.map_err(|error| format!("cannot write to the terminal: {error}"))
    }

    /// Asks for a line.
    fn ask(&mut self, prompt: &str, until: Option<Instant>) -> Result<Wait, String> {
        let asked = write!(self.out, "{prompt} ").and_then(|()| self.out.flush());
        asked.map_err(|error| format!("cannot write to the terminal: {error}"))?;
        let got = match until {
            Some(until) => self.input.recv_deadline(until),
            None => self
                .input
                .recv()
                .map_err(|_| RecvTimeoutError::Disconnected),
        };
        Ok(match got {
            Ok(Input::Line(line)) => {
                if self.echoes {
                    self.say(&harmless(&line))?;
                }
                Wait::Line(line)
            }
            Err(RecvTimeoutError::Timeout) => {
                self.say("\nThe time is over.")?;
                Wait::Late
            }
            Ok(Input::End) | Err(RecvTimeoutError::Disconnected) => {
                self.say("\nYou have left the game.")?;
                Wait::Left
            }
        })
    }

    /// Prints what is new in the chat.
    fn tell(&mut self, game: u64, lines: &[Line], rival: &str) -> Result<(), String> {
        let from = match self.shown {
            // A chat that has become shorter is another one: a new buyer's.
            (known, count) if known == game && count <= lines.len() => count,
            _ => 0,
        };
        let mut text = String::new();
        for line in &lines[from..] {
            match line.who {
                Speaker::Game => text += &wrapped(&line.text, ""),
                // The person has just typed it.
                Speaker::You => {}
                Speaker::Rival => {
                    let head = format!("  {rival} | ");
                    for part in line.text.split('\n') {
                        text += &wrapped(part, &head);
                    }
                }
            }
        }
        self.shown = (game, lines.len());
        self.say(text.trim_end())
    }

    fn begin(&mut self, turn: &Turn) -> Result<bool, String> {
        if !self.agreed {
            let text = wrapped(&harmless(&self.args.consent), "");
            self.say(text.trim_end())?;
            let Wait::Line(line) = self.ask("Do you agree? yes or no:", None)? else {
                return Ok(false);
            };
            self.agreed = ["y", "yes"].contains(&line.trim().to_lowercase().as_str());
            self.record
                .write("consent", &[("agreed", self.agreed.into())])?;
            if !self.agreed {
                self.say("You did not agree; nothing is played.")?;
                return Ok(false);
            }
        }
        if self.shown.0 != turn.game {
            let who = &turn.names[turn.seat];
            let head = format!(
                "\n=== {} · game {} of {} · you are {who} ===",
                turn.family, turn.game, turn.games
            );
            let mut text = head + "\n\n";
            for line in turn.rules.lines() {
                text += &wrapped(line, "");
            }
            text += "\nEnd the input (Ctrl-D) or press Ctrl-C to leave the game.\n";
            self.say(&text)?;
            self.shown = (turn.game, 0);
        }
        Ok(true)
    }

    fn questions(
        &mut self,
        turn: &Turn,
        until: Option<Instant>,
    ) -> Result<Result<Entry, Reply>, String> {
        let asked = &turn.asked;
        let mut entry = Entry::default();
        for prompt in prompts(asked) {
            let line = match self.ask(&prompt.text, until)? {
                Wait::Line(line) => line,
                Wait::Late => return Ok(Err(Reply::Late)),
                Wait::Left => return Ok(Err(Reply::Left)),
            };
            match prompt.of {
                Part::Amount => entry.amount = line,
                Part::Choice => entry.choice = line,
                Part::Message => entry.message = line,
            }
            // What is wrong already need not be gone on with.
            if prompt.of != Part::Message && answer(asked, turn.seat, &entry).is_err() {
                break;
            }
        }
        Ok(Ok(entry))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Amount,
    Choice,
    Message,
}

struct Prompt {
    of: Part,
    text: String,
}

/// What is asked for, line by line.
fn prompts(asked: &Asked) -> Vec<Prompt> {
    let mut prompts = Vec::new();
    if let Some(amount) = &asked.amount {
        let what = if amount.divides {
            "Your part"
        } else {
            "Your price"
        };
        let text = format!(
            "{what}, {} to {}:",
            money(amount.lowest),
            money(amount.highest)
        );
        prompts.push(Prompt {
            of: Part::Amount,
            text,
        });
    }
    if !asked.choices.is_empty() {
        let all: Vec<String> = (asked.choices.iter())
            .map(|choice| format!("{} = {}", choice.key, choice.label))
            .collect();
        prompts.push(Prompt {
            of: Part::Choice,
            text: format!("Your choice ({}):", all.join(", ")),
        });
    }
    if asked.message {
        let text = format!(
            "A message, up to {} characters, or nothing:",
            asked.longest_message
        );
        prompts.push(Prompt {
            of: Part::Message,
            text,
        });
    }
    prompts
}

impl<W: Write + Send> Person for Terminal<W> {
    fn answer(&mut self, turn: &Turn) -> Result<Reply, String> {
        if !self.begin(turn)? {
            return Ok(Reply::Left);
        }
        let asked = &turn.asked;
        if asked.attempt == 1 {
            self.fault = None;
        }
        match self.fault.take() {
            // Said in the person's terms; the game's line speaks of JSON.
            Some(fault) => {
                let left = asked.attempts + 1 - asked.attempt;
                let tries = if left == 1 {
                    "1 try is".into()
                } else {
                    format!("{left} tries are")
                };
                self.shown.1 = turn.lines.len();
                self.say(&format!("{fault}\n{tries} left."))?;
            }
            None => self.tell(turn.game, &turn.lines, &turn.names[1 - turn.seat])?,
        }
        if let Some(standing) = standing(turn) {
            self.say(&standing)?;
        }
        self.record.write("shown", &[("turn", json!(turn))])?;
        let began = Instant::now();
        let limit = self.args.limit_s;
        let until = (limit > 0.0).then(|| began + Duration::from_secs_f64(limit));
        let entry = match self.questions(turn, until)? {
            Ok(entry) => entry,
            Err(reply) => {
                self.record
                    .write("left", &[("late", (reply == Reply::Late).into())])?;
                return Ok(reply);
            }
        };
        let words = match answer(asked, turn.seat, &entry) {
            Ok(words) => words,
            Err(fault) => {
                self.fault = Some(fault);
                let given = [&entry.amount, &entry.choice, &entry.message];
                let given = given.iter().find(|part| !part.is_empty());
                given.map_or_else(String::new, |part| (*part).clone())
            }
        };
        let took = (began.elapsed().as_secs_f64() * 1e3).round() / 1e3;
        let what = [
            ("game", json!(turn.game)),
            ("round", json!(asked.round)),
            ("attempt", json!(asked.attempt)),
            ("answer", json!(words)),
            ("latency_s", json!(took)),
        ];
        self.record.write("answer", &what)?;
        Ok(Reply::Words(words))
    }

    fn over(&mut self, end: &End) -> Result<bool, String> {
        if let Some(fault) = self.fault.take() {
            self.shown.1 = end.lines.len().saturating_sub(1);
            self.say(&fault)?;
        }
        self.tell(end.game, &end.lines, &end.names[1 - end.seat])?;
        self.record.write("shown", &[("end", json!(end))])?;
        self.say(&result(end))?;
        Ok(true)
    }
}

/// What the person has, and what the offer is worth to it.
fn standing(turn: &Turn) -> Option<String> {
    let asked = &turn.asked;
    if let Some(earned) = turn.earned {
        return Some(format!("You have earned {} so far.", money(earned)));
    }
    let offer = asked.offer?;
    let gain = match (asked.value, turn.seat) {
        (Some(value), 0) => offer - value,
        (Some(value), _) => value - offer,
        (None, _) => offer * asked.worth,
    };
    let verb = if gain < 0.0 { "cost" } else { "earn" };
    Some(format!("To accept would {verb} you {}.", money(gain.abs())))
}

/// The result of a game.
fn result(end: &End) -> String {
    let (own, rival) = (&end.names[end.seat], &end.names[1 - end.seat]);
    let mut rows = Vec::new();
    if end.stopped {
        rows.push("The game was not played to its end.".to_owned());
    }
    rows.push(format!("You ({own}) gained {}.", money(end.gain)));
    if let Some(scores) = &end.scores {
        rows.push(format!("{rival} gained {}.", money(scores.rival)));
        for (name, value) in [
            ("Efficiency", scores.efficiency),
            ("Fairness", scores.fairness),
        ] {
            if let Some(value) = value {
                rows.push(format!("{name}: {value:.2}"));
            }
        }
    } else {
        rows.push(format!(
            "What {rival} gained is not told yet; `palaestra report` shows it in the end."
        ));
    }
    if end.games > 1 {
        let all: f64 = end.gains.iter().sum();
        rows.push(format!(
            "In {} of {} games you gained {}.",
            end.game,
            end.games,
            money(all)
        ));
    }
    format!(
        "\n--- Result of game {} ---\n{}\n",
        end.game,
        rows.join("\n")
    )
}

fn money(amount: f64) -> String {
    Money::from_f64(amount).unwrap_or_default().to_string()
}

/// Words in lines, each with `head` before it and ended. A word that is longer than a line is broken.
fn wrapped(text: &str, head: &str) -> String {
    let room = WIDTH.saturating_sub(head.chars().count()).max(10);
    let (mut out, mut line, mut width) = (String::new(), String::new(), 0);
    for word in text.split([' ', '\n']) {
        let letters: Vec<char> = word.chars().collect();
        for (index, part) in letters.chunks(room).enumerate() {
            let gap = usize::from(width > 0);
            if width > 0 && (index > 0 || width + gap + part.len() > room) {
                out.extend([head, &line, "\n"]);
                line.clear();
                width = 0;
            } else if width > 0 {
                line.push(' ');
                width += 1;
            }
            line.extend(part);
            width += part.len();
        }
    }
    out.extend([head, &line, "\n"]);
    out
}
