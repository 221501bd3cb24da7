//! What has been spent: the ledger, the prices, and the caps that end a game.
//!
//! A ledger file is an account: whoever names the same file spends from the same budget, and what it says when a run
//! begins has been spent already.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::AgentError;

/// What may be spent; nothing said is no cap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cap {
    /// US dollars, by the table of prices.
    pub usd: Option<f64>,
    /// Tokens, of requests and answers.
    pub tokens: Option<u64>,
    /// Requests, those that failed included.
    pub requests: Option<u64>,
}

/// Caps of a run, of each game, of each seat in a game.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Everything that the ledger holds.
    pub run: Cap,
    /// One game, both seats.
    pub game: Cap,
    /// One seat in one game.
    pub seat: Cap,
}

impl Budget {
    fn caps(&self) -> [Cap; 3] {
        [self.run, self.game, self.seat]
    }

    /// Whether dollars are capped.
    pub fn needs_prices(&self) -> bool {
        self.caps().iter().any(|cap| cap.usd.is_some())
    }
}

/// What a million tokens cost, in US dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Tokens of requests.
    pub prompt: f64,
    /// Tokens of requests that the endpoint had in its cache; as those of requests if not said.
    #[serde(default)]
    pub cached: Option<f64>,
    /// Tokens of answers, reasoning included.
    pub completion: f64,
}

/// Tokens of a request and its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Of the request.
    pub prompt: u64,
    /// Of the answer.
    pub completion: u64,
    /// Of those of the request, from a cache.
    pub cached: u64,
    /// Of those of the answer, not shown.
    pub reasoning: u64,
    /// Whether the endpoint did not say, so that bytes were counted.
    pub estimated: bool,
}

impl Usage {
    /// All tokens.
    pub fn total(&self) -> u64 {
        self.prompt.saturating_add(self.completion)
    }

    /// What they cost, in US dollars.
    pub fn cost(&self, price: Price) -> f64 {
        let cached = self.cached.min(self.prompt);
        let cost = (self.prompt - cached) as f64 * price.prompt
            + cached as f64 * price.cached.unwrap_or(price.prompt)
            + self.completion as f64 * price.completion;
        cost / 1e6
    }
}

/// What has been spent in one scope.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// US dollars.
    pub usd: f64,
    /// Tokens.
    pub tokens: u64,
    /// Requests.
    pub requests: u64,
}

impl Spent {
    fn add(&mut self, other: Self) {
        self.usd += other.usd;
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.requests = self.requests.saturating_add(other.requests);
    }

    fn take(&mut self, other: Self) {
        self.usd -= other.usd;
        self.tokens = self.tokens.saturating_sub(other.tokens);
        self.requests = self.requests.saturating_sub(other.requests);
    }

    /// Whether the cap is reached.
    fn reaches(&self, cap: Cap) -> bool {
        cap.usd.is_some_and(|most| self.usd >= most)
            || cap.tokens.is_some_and(|most| self.tokens >= most)
            || cap.requests.is_some_and(|most| self.requests >= most)
    }

    /// Whether it is over the cap.
    fn passes(&self, cap: Cap) -> bool {
        cap.usd.is_some_and(|most| self.usd > most)
            || cap.tokens.is_some_and(|most| self.tokens > most)
            || cap.requests.is_some_and(|most| self.requests > most)
    }
}

/// What was spent and what requests under way may still cost.
#[derive(Debug, Clone, Copy, Default)]
struct Scope {
    spent: Spent,
    reserved: Spent,
}

/// A line of the ledger: one request, however it ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    /// The game.
    pub game: String,
    /// The seat.
    pub seat: String,
    /// The round, if the seat is told.
    pub round: Option<u64>,
    /// Which answer of the turn is asked for, from 1.
    pub attempt: u64,
    /// How often it has been asked for, from 1.
    pub request: u32,
    /// The model that was asked.
    pub model: String,
    /// What the endpoint says which model has answered.
    pub answered_by: String,
    /// Status of HTTP; 0 without a reply.
    pub status: u16,
    /// How it ended.
    pub outcome: String,
    /// Tokens.
    pub usage: Usage,
    /// Cost in US dollars.
    pub usd: f64,
    /// Seconds until it ended.
    pub seconds: f64,
}

const HEADER: &str = "game,seat,round,attempt,request,model,answered_by,status,outcome,prompt_tokens,completion_tokens,cached_tokens,reasoning_tokens,estimated,usd,seconds\n";

impl Entry {
    fn line(&self) -> String {
        let round = self
            .round
            .map(|round| round.to_string())
            .unwrap_or_default();
        let Usage {
            prompt,
            completion,
            cached,
            reasoning,
            estimated,
        } = self.usage;
        format!(
            "{},{},{round},{},{},{},{},{},{},{prompt},{completion},{cached},{reasoning},{estimated},{},{:.3}\n",
            field(&self.game),
            field(&self.seat),
            self.attempt,
            self.request,
            field(&self.model),
            field(&self.answered_by),
            self.status,
            field(&self.outcome),
            self.usd,
            self.seconds
        )
    }
}

/// A field of CSV.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.into()
}

/// What has been spent, by game and seat, and the file that says so.
#[derive(Debug, Default)]
struct Books {
    run: Scope,
    games: BTreeMap<String, Scope>,
    seats: BTreeMap<(String, String), Scope>,
    file: Option<File>,
}

/// An account of requests.
#[derive(Debug, Default)]
pub struct Account {
    books: Mutex<Books>,
    settled: Condvar,
}

/// Accounts in use by the path of their ledger.
static OPEN: Mutex<BTreeMap<PathBuf, Weak<Account>>> = Mutex::new(BTreeMap::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leave to spend up to an amount.
#[derive(Debug)]
pub struct Reservation<'a> {
    account: &'a Account,
    game: String,
    seat: String,
    most: Spent,
}

impl Account {
    /// The account of a ledger file; one of its own if `path` is empty.
    ///
    /// # Errors
    /// [`AgentError`] for `ledger`: the file is not a ledger, or cannot be written.
    pub fn open(path: &str) -> Result<Arc<Self>, AgentError> {
        if path.is_empty() {
            return Ok(Arc::default());
        }
        let fault = |problem: String| AgentError::argument("ledger", format!("{path}: {problem}"));
        let key = std::path::absolute(path).map_err(|error| fault(error.to_string()))?;
        let mut open = lock(&OPEN);
        if let Some(account) = open.get(&key).and_then(Weak::upgrade) {
            return Ok(account);
        }
        let books = Books::read(&key).map_err(fault)?;
        let account = Arc::new(Self {
            books: Mutex::new(books),
            settled: Condvar::new(),
        });
        open.retain(|_, account| account.strong_count() > 0);
        open.insert(key, Arc::downgrade(&account));
        Ok(account)
    }

    /// What has been spent in all.
    pub fn spent(&self) -> Spent {
        lock(&self.books).run.spent
    }

    /// Asks for leave to spend up to `most`; `None` if a cap is reached. A request that might go over a cap waits for
    /// those under way that count towards it, so that no more than one can.
    pub fn reserve(
        &self,
        budget: &Budget,
        game: &str,
        seat: &str,
        most: Spent,
    ) -> Option<Reservation<'_>> {
        let mut books = lock(&self.books);
        loop {
            let scopes = books.scopes(game, seat);
            let caps = budget.caps();
            if (scopes.iter().zip(caps)).any(|(scope, cap)| scope.spent.reaches(cap)) {
                return None;
            }
            let waits = scopes.iter().zip(caps).any(|(scope, cap)| {
                let mut total = scope.spent;
                total.add(scope.reserved);
                total.add(most);
                total.passes(cap) && scope.reserved.requests > 0
            });
            if !waits {
                break;
            }
            books = self
                .settled
                .wait(books)
                .unwrap_or_else(PoisonError::into_inner);
        }
        books.each(game, seat, |scope| scope.reserved.add(most));
        Some(Reservation {
            account: self,
            game: game.into(),
            seat: seat.into(),
            most,
        })
    }
}

impl Reservation<'_> {
    /// Enters what the request came to.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub fn settle(self, entry: &Entry) -> std::io::Result<()> {
        let spent = Spent {
            usd: entry.usd,
            tokens: entry.usage.total(),
            requests: 1,
        };
        let books = &mut *lock(&self.account.books);
        books.each(&self.game, &self.seat, |scope| scope.spent.add(spent));
        match &mut books.file {
            Some(file) => file.write_all(entry.line().as_bytes()),
            None => Ok(()),
        }
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let most = self.most;
        lock(&self.account.books).each(&self.game, &self.seat, |scope| scope.reserved.take(most));
        self.account.settled.notify_all();
    }
}

impl Books {
    /// Opens a ledger, and adds up what it holds.
    fn read(path: &Path) -> Result<Self, String> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(|error| error.to_string())?;
        let mut text = String::new();
        file.read_to_string(&mut text)
            .map_err(|error| error.to_string())?;
        let mut books = Self::default();
        if text.is_empty() {
            file.write_all(HEADER.as_bytes())
                .map_err(|error| error.to_string())?;
        } else {
            let Some(lines) = text.strip_prefix(HEADER) else {
                return Err("this file is no ledger; name another".into());
            };
            for (number, line) in lines.lines().enumerate() {
                let bad = || format!("line {}: {line:?} is no entry of a ledger", number + 2);
                let (game, seat, spent) = entered(line).ok_or_else(bad)?;
                books.each(&game, &seat, |scope| scope.spent.add(spent));
            }
        }
        books.file = Some(file);
        Ok(books)
    }

    fn scopes(&self, game: &str, seat: &str) -> [Scope; 3] {
        let of_seat = self.seats.get(&(game.to_owned(), seat.to_owned()));
        [
            self.run,
            self.games.get(game).copied().unwrap_or_default(),
            of_seat.copied().unwrap_or_default(),
        ]
    }

    fn each(&mut self, game: &str, seat: &str, mut change: impl FnMut(&mut Scope)) {
        change(&mut self.run);
        change(self.games.entry(game.into()).or_default());
        change(self.seats.entry((game.into(), seat.into())).or_default());
    }
}

/// Game, seat and amount of a line. No field before them has a comma in it.
fn entered(line: &str) -> Option<(String, String, Spent)> {
    let mut front = line.split(',');
    let (game, seat) = (front.next()?, front.next()?);
    // Counted from the end, where no field can hold a comma.
    let mut back = line.rsplit(',');
    let (_, usd, _) = (back.next()?, back.next()?, back.next()?);
    let (_, _, completion, prompt) = (back.next()?, back.next()?, back.next()?, back.next()?);
    let spent = Spent {
        usd: usd.parse().ok()?,
        tokens: (prompt.parse::<u64>().ok()?).saturating_add(completion.parse().ok()?),
        requests: 1,
    };
    Some((game.into(), seat.into(), spent))
}
