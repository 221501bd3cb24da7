//! The environment that plays any of the families in words: attempts, corrections, chats.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{LONGEST_ANSWER, Prompts, conversation::Seat};
use crate::{
    language::{
        Money, Outcome, Reason,
        answer::{
            Attempts, Exhausted, Expected, Feedback, InvalidPolicy, Ledger, Move, Play, Reading,
            Resolution, displayed, on_one_line, read, resigned,
        },
        structured,
    },
    sim::{EnvSpec, Environment, InfoField, InfoKind, Model, PlayerSpec, RowObservation, RowStep},
    space::Space,
    stream::Stream,
};

/// Prompts and names, for what is told of a game.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    pub(super) prompts: &'a Prompts,
    pub(super) names: &'a [String; 2],
}

impl Scene<'_> {
    /// A part with the names filled in: `own` and `rival` as `seat` sees them, `alice`, `bob`, and more.
    pub(super) fn say(&self, seat: usize, part: &str, more: &[(&str, &str)]) -> String {
        let mut values = vec![
            ("own", self.names[seat].as_str()),
            ("rival", self.names[1 - seat].as_str()),
            ("alice", self.names[0].as_str()),
            ("bob", self.names[1].as_str()),
        ];
        values.extend(more);
        self.prompts.say(part, &values)
    }

    /// The rival's words, quoted so that they cannot pass for the game's.
    pub(super) fn quote(&self, seat: usize, message: &str) -> String {
        let quoted = Value::from(displayed(message)).to_string();
        self.say(seat, "message", &[("message", &quoted)])
    }
}

/// Says the parts of a family to a seat, line by line.
#[derive(Debug)]
pub struct Teller<'a> {
    scene: Scene<'a>,
    seat: usize,
    family: &'static str,
    lines: Vec<String>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(scene: Scene<'a>, seat: usize, family: &'static str) -> Self {
        Self {
            scene,
            seat,
            family,
            lines: Vec::new(),
        }
    }

    /// A part of the family.
    pub(super) fn part(&self, part: &str, values: &[(&str, &str)]) -> String {
        let name = format!("{}.{part}", self.family);
        self.scene.say(self.seat, &name, values)
    }

    /// Says a part.
    pub(super) fn tell(&mut self, part: &str, values: &[(&str, &str)]) {
        self.lines.push(self.part(part, values));
    }

    /// Passes on the rival's words, if there are any.
    pub(super) fn quote(&mut self, message: Option<&str>) {
        let quoted = message.map(|message| self.scene.quote(self.seat, message));
        self.lines.extend(quoted);
    }

    /// What was said.
    pub(super) fn text(self) -> String {
        self.lines.join("\n")
    }
}

/// What came of a move.
#[derive(Debug, Default)]
pub struct Played {
    pub(super) rewards: [f32; 2],
    /// Who is told what.
    pub(super) news: Vec<(usize, String)>,
    /// Whether somebody else takes Bob's seat.
    pub(super) newcomer: bool,
}

/// What a family is to the environment that plays it in words; the game itself is that of the environment in numbers.
pub trait Spoken: Environment {
    /// Identifier.
    const ID: &'static str;
    /// In one sentence.
    const SUMMARY: &'static str;

    /// The argument by which rewards are more than self-gains, if they are.
    fn shaped_by(&self) -> Option<&'static str>;
    /// Names of the measures, in their order.
    fn measures() -> &'static [&'static str];
    /// What the next move must be.
    fn expected(game: &Self::State, names: &[String; 2]) -> Option<Expected>;
    /// What is played for a seat without a valid move.
    fn fallback(game: &Self::State) -> Option<Play>;
    /// The offer that is to be decided on: Alice's gain, or the price.
    fn on_the_table(game: &Self::State) -> Option<Money> {
        let _ = game;
        None
    }
    /// Whose turn it is.
    fn mover(game: &Self::State) -> Option<usize>;
    /// How it ended.
    fn outcome(game: &Self::State) -> Option<Outcome>;
    /// Ends it for a reason outside the rules.
    fn stop(game: &mut Self::State, reason: Reason);
    /// The measures, once it is over.
    fn measured(game: &Self::State) -> Option<Vec<f64>>;
    /// Plays a move that is expected.
    fn play(game: &mut Self::State, action: &Move, scene: Scene<'_>, rng: &mut Stream) -> Played;
    /// The numbers that `player` sees.
    fn write(game: &Self::State, player: usize, seen: &mut [f32]);
    /// Tells the info fields about the state.
    fn tell(game: &Self::State, out: &mut RowObservation<'_>);
    /// The rules as `seat` is told them.
    fn rules(game: &Self::State, seat: usize, scene: Scene<'_>) -> String;
    /// The question to whose turn it is; `message` is what the rival has said with the move before.
    fn question(game: &Self::State, message: Option<&str>, scene: Scene<'_>) -> String;
    /// The round, if `seat` is told.
    fn round(game: &Self::State, seat: usize) -> Option<u16>;
    /// The settings that `seat` knows, under the names that the released code tells them to programs.
    fn facts(game: &Self::State, seat: usize) -> Value;
    /// First and last line of the picture.
    fn frame(game: &Self::State) -> [String; 2];
    /// A move in words, for the picture.
    fn words(game: &Self::State, play: Play) -> String;
}

/// Choices of players that choose from a grid, told to them with what is due.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Grid {
    /// Number of offers, in equal steps.
    pub offers: usize,
    /// Lowest, over the scale.
    pub lowest: f64,
    /// Highest, over the scale.
    pub highest: f64,
}

/// The same game in numbers, with its grid of offers: [`EnvSpec::model`] of a game in words, for players that choose from
/// numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct InNumbers(pub Arc<EnvSpec>);

/// A family as an environment in words.
#[derive(Debug, Clone)]
pub struct InWords<E> {
    pub(super) game: E,
    pub(super) invalid: InvalidPolicy,
    pub(super) reading: Reading,
    pub(super) names: [String; 2],
    pub(super) prompts: Prompts,
    pub(super) grid: Option<Grid>,
    pub(super) numbers: InNumbers,
}

/// What an episode is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table<S> {
    game: S,
    seats: [Seat; 2],
    /// What was said with the last move.
    message: Option<String>,
    attempts: Attempts,
    /// What happened, for the picture.
    events: Vec<String>,
}

impl<S> Table<S> {
    /// The game.
    pub fn game(&self) -> &S {
        &self.game
    }
}

impl<E: Spoken> InWords<E> {
    fn scene(&self) -> Scene<'_> {
        Scene {
            prompts: &self.prompts,
            names: &self.names,
        }
    }

    /// Asks whoever is to move.
    fn ask(&self, table: &mut Table<E::State>) {
        table.attempts = Attempts::new(self.invalid);
        if let Some(mover) = E::mover(&table.game) {
            let message = table.message.as_deref();
            let question = E::question(&table.game, message, self.scene());
            table.seats[mover].ask(question);
        }
    }

    fn note(&self, table: &mut Table<E::State>, mover: usize, what: &str) {
        let round = match E::outcome(&table.game) {
            Some(outcome) => Some(outcome.round),
            // The seat of the first player always knows.
            None => E::round(&table.game, 0),
        };
        let round = round.unwrap_or_default();
        // Whatever a player has written, an event is one line of the picture.
        let what = on_one_line(what);
        let event = format!("{round:>3}  {}: {what}", self.names[mover]);
        table.events.push(event);
    }

    fn make(
        &self,
        table: &mut Table<E::State>,
        mover: usize,
        action: Move,
        step: &mut RowStep<'_>,
        rng: &mut Stream,
    ) {
        let mut what = E::words(&table.game, action.play);
        if let Some(message) = &action.message {
            let gap = if what.is_empty() { "" } else { "  " };
            what = format!("{what}{gap}“{message}”");
        }
        self.note(table, mover, &what);
        let played = E::play(&mut table.game, &action, self.scene(), rng);
        table.message = action.message;
        for (player, reward) in played.rewards.into_iter().enumerate() {
            step.reward(player, reward);
        }
        if played.newcomer {
            table.seats[1].forget();
        }
        for (seat, news) in played.news {
            table.seats[seat].hear(news);
        }
        self.ask(table);
    }

    /// Takes in an answer. Gives the attempts it cost, and whether the episode is cut.
    fn answer(
        &self,
        table: &mut Table<E::State>,
        mover: usize,
        answer: &str,
        step: &mut RowStep<'_>,
        rng: &mut Stream,
    ) -> (Ledger, bool) {
        let mut ledger = Ledger::default();
        if let Some(reason) = resigned(answer) {
            self.note(table, mover, &format!("({reason:?})"));
            E::stop(&mut table.game, reason);
            return (ledger, true);
        }
        let Some(expected) = E::expected(&table.game, &self.names) else {
            return (ledger, false);
        };
        let read = read(answer, &expected, &self.reading);
        if let Err(error) = &read {
            self.note(table, mover, &format!("({error})"));
        }
        let fault = read.as_ref().err().map(ToString::to_string);
        match table.attempts.take(read, &mut ledger) {
            Resolution::Play(action) => {
                table.seats[mover].answer(answer);
                self.make(table, mover, action, step, rng);
            }
            Resolution::Again { correction } => {
                if let Some(problem) = correction {
                    let told = self.prompts.say("correction", &[("problem", &problem)]);
                    table.seats[mover].answer(answer);
                    table.seats[mover].ask(told);
                }
            }
            Resolution::Over(Exhausted::Fallback) => {
                // The cautious move is always legal; where there is none, nobody was asked.
                if let Some(play) = E::fallback(&table.game) {
                    let told = [("move", E::words(&table.game, play))];
                    let told = told.each_ref().map(|(name, value)| (*name, value.as_str()));
                    let told = self.prompts.say("fallback", &told);
                    if self.invalid.feedback == Feedback::ErrorText && fault.is_some() {
                        table.seats[mover].answer(answer);
                    }
                    table.seats[mover].hear(told);
                    let action = Move {
                        play,
                        message: None,
                    };
                    self.make(table, mover, action, step, rng);
                }
            }
            Resolution::Over(then) => {
                E::stop(&mut table.game, Reason::InvalidMoves);
                return (ledger, then == Exhausted::Abort);
            }
        }
        (ledger, false)
    }
}

impl<E: Spoken> Environment for InWords<E> {
    type State = Table<E::State>;

    fn spec(&self) -> EnvSpec {
        let mut spec = self.game.spec();
        let observation = Space::Dict(vec![
            ("state".into(), structured::seen()),
            ("conversation".into(), Space::text(super::LONGEST_TEXT)),
            ("expects".into(), Space::text(super::LONGEST_TEXT)),
        ]);
        for player in &mut spec.players {
            let action = Space::text(LONGEST_ANSWER);
            *player = PlayerSpec::new(&player.name, observation.clone(), action);
        }
        let counted = |name: &str, width, summary: &str| InfoField {
            name: name.into(),
            space: structured::numbers(width, 0.0, 1.0),
            kind: InfoKind::Sum,
            summary: summary.into(),
        };
        spec.info.extend([
            counted("invalid", 2, "Answers that were no moves, by seat."),
            counted(
                "fallbacks",
                2,
                "Moves that were played for a seat that gave none, by seat.",
            ),
            counted(
                "stopped",
                1,
                "Whether the game ended for a reason outside the rules, in the last step.",
            ),
        ]);
        spec.model = Some(Model::new(Arc::new(self.numbers.clone())));
        spec.id = E::ID.into();
        spec.summary = E::SUMMARY.into();
        spec
    }

    fn reset(&self, rng: &mut Stream, options: &Value) -> Result<Self::State, String> {
        let mut table = Table {
            game: self.game.reset(rng, options)?,
            seats: [Seat::default(), Seat::default()],
            message: None,
            attempts: Attempts::new(self.invalid),
            events: Vec::new(),
        };
        self.ask(&mut table);
        Ok(table)
    }

    fn step(&self, table: &mut Self::State, step: &mut RowStep<'_>, rng: &mut Stream) {
        let Some(mover) = E::mover(&table.game) else {
            return;
        };
        let (columns, row) = step.action(mover);
        let answer = columns.text(0)[row].clone();
        let (ledger, cut) = self.answer(table, mover, &answer, step, rng);
        let by_seat = |count: u64| {
            let mut counts = [0.0; 2];
            counts[mover] = count as f64;
            counts
        };
        step.info("invalid", &by_seat(ledger.invalid));
        step.info("fallbacks", &by_seat(ledger.fallbacks));
        let (mut stopped, mut measured) = (f64::NAN, None);
        if let Some(outcome) = E::outcome(&table.game) {
            for seat in &mut table.seats {
                seat.hear(self.prompts.say("over", &[]));
            }
            if cut {
                step.truncate();
            } else {
                step.terminate();
            }
            let by_the_rules = outcome.reason.is_by_the_rules();
            stopped = f64::from(u8::from(!by_the_rules));
            // Means leave out what the players did not bring about.
            measured = E::measured(&table.game).filter(|_| by_the_rules);
        }
        step.info("stopped", &[stopped]);
        for (index, name) in E::measures().iter().enumerate() {
            let value = measured.as_ref().map_or(f64::NAN, |values| values[index]);
            step.info(name, &[value]);
        }
    }

    fn observe(&self, table: &Self::State, player: usize, out: &mut RowObservation<'_>) {
        E::write(&table.game, player, out.f32(0));
        let due = E::mover(&table.game).filter(|&mover| mover == player);
        let due = due.and_then(|_| E::expected(&table.game, &self.names));
        let mut rules = E::rules(&table.game, player, self.scene());
        if let Some(due) = &due {
            rules += "\n\n";
            rules += &format_of(due, &self.prompts);
        }
        *out.text(1) = table.seats[player].write(rules);
        let round = E::round(&table.game, player);
        let mut expects = self.expects(due.as_ref(), round, table.attempts);
        if due.is_some() {
            expects["names"] = json!(self.names);
            if let Some(offer) = E::on_the_table(&table.game) {
                expects["offer"] = offer.to_f64().into();
            }
            let mut facts = E::facts(&table.game, player);
            facts["public_name"] = self.names[player].as_str().into();
            facts["player_id"] = (player + 1).into();
            expects["game"] = facts;
        }
        *out.text(2) = expects.to_string();
        E::tell(&table.game, out);
    }

    fn acts(&self, table: &Self::State, player: usize) -> bool {
        E::mover(&table.game) == Some(player)
    }

    fn render(&self, table: &Self::State) -> Option<String> {
        let [first, last] = E::frame(&table.game);
        let mut out = first;
        for line in table.events.iter().chain([&last]) {
            out.push('\n');
            out += line;
        }
        Some(out)
    }
}

impl<E: Spoken> InWords<E> {
    /// What is due, for programs: null if nothing is.
    fn expects(&self, due: Option<&Expected>, round: Option<u16>, attempts: Attempts) -> Value {
        let Some(due) = due else {
            return Value::Null;
        };
        let mut expects = serde_json::to_value(due).unwrap_or_default();
        expects["round"] = json!(round);
        expects["attempt"] = (attempts.used() + 1).into();
        expects["attempts"] = self.invalid.max_attempts.max(1).into();
        if let (Some(grid), Expected::Split { .. } | Expected::Price { .. }) = (self.grid, due) {
            expects["grid"] = json!(grid);
        }
        expects["prompts"] = self.prompts.hash().into();
        expects["schema"] = due.schema(self.reading.longest_message);
        expects
    }
}

/// How the answer that is due is to be written.
fn format_of(due: &Expected, prompts: &Prompts) -> String {
    match due {
        Expected::Split {
            money,
            keys,
            message,
        } => {
            let part = ["answer.split", "answer.split_message"][usize::from(*message)];
            let money = money.to_string();
            let values = [
                ("alice_key", keys[0].as_str()),
                ("bob_key", &keys[1]),
                ("money", &money),
            ];
            prompts.say(part, &values)
        }
        Expected::Price { message, .. } => {
            let part = ["answer.price", "answer.price_message"][usize::from(*message)];
            prompts.say(part, &[])
        }
        Expected::SellerText => prompts.say("answer.text", &[]),
        Expected::Purchase { message: true } => prompts.say(
            "answer.decision_message",
            &[("words", &due.offered_words())],
        ),
        _ => prompts.say("answer.decision", &[("words", &due.offered_words())]),
    }
}
