//! A person in a browser: a page, and a few endpoints that it speaks to.
//!
//! | | |
//! |---|---|
//! | `GET /` | the page, which holds nothing of a game; its script and style beside it |
//! | `GET /api/state?after=N` | what the page shows, once it is newer than `N` or after a while |
//! | `POST /api/respond` | an [`Entry`] with the version it answers, and what happened in the page until then |
//! | `POST /api/consent`, `/api/next`, `/api/leave`, `/api/away` | the person agrees or not, goes on, leaves, has closed the page |
//!
//! Requests to `/api` carry the token of the session in `X-Palaestra-Token`; it is compared in constant time. `Host` must be
//! an address or `localhost` with our port, so that no other site can make its name point here, and an `Origin` must be
//! our own. The page may load nothing and speak to nobody else (`Content-Security-Policy`), and puts every text into the page as
//! a text.

use std::{
    net::IpAddr,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use palaestra_agents::language::{
    chat::Secret,
    http::{Incoming, Response},
    human::{Asked, End, Entry, HumanArgs, Person, Reply, Turn, answer, harmless},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Record;

const PAGE: &str = include_str!("../../assets/play/index.html");
const SCRIPT: &str = include_str!("../../assets/play/play.js");
const STYLE: &str = include_str!("../../assets/play/play.css");
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";
/// Largest body of a request, in bytes.
const LARGEST_BODY: usize = 256 << 10;
/// Most events of a turn that are kept.
const MOST_EVENTS: usize = 2000;
/// How long a question for something newer waits.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a page that was closed may take to come back: it may be loading again.
const GRACE: Duration = Duration::from_secs(5);
/// How long the last result waits for a page to fetch it.
const FAREWELL: Duration = Duration::from_secs(5);

/// What stands on the desk.
struct Table {
    /// Counts what is shown.
    version: u64,
    view: Value,
    /// What is asked, and the seat.
    asked: Option<(Asked, usize)>,
    entered: Option<(String, Vec<Value>)>,
    agreed: Option<bool>,
    goes_on: bool,
    left: bool,
    /// When the page was closed.
    away: Option<Instant>,
    /// The newest version that has been fetched.
    fetched: u64,
    closed: bool,
}

/// Where the person and the games meet.
#[derive(Clone)]
pub struct Desk {
    table: Arc<(Mutex<Table>, Condvar)>,
    args: Arc<HumanArgs>,
    record: Record,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

/// What a wait has ended with.
enum Wait<T> {
    Got(T),
    Late,
    Left,
}

impl Desk {
    /// An empty desk.
    pub fn new(args: HumanArgs, record: Record) -> Self {
        let table = Table {
            version: 0,
            view: json!({ "phase": "waiting" }),
            asked: None,
            entered: None,
            agreed: args.consent.is_empty().then_some(true),
            goes_on: false,
            left: false,
            away: None,
            fetched: 0,
            closed: false,
        };
        let desk = Self {
            table: Arc::new((Mutex::new(table), Condvar::new())),
            args: Arc::new(args),
            record,
        };
        let consent = harmless(&desk.args.consent);
        let first = if consent.is_empty() {
            json!({ "phase": "waiting" })
        } else {
            json!({ "phase": "consent", "text": consent })
        };
        desk.put(&mut desk.table(), first);
        desk
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts something on the desk. Everything that is ever sent to a page of a game passes here.
    fn put(&self, table: &mut Table, mut view: Value) {
        table.version += 1;
        view["version"] = table.version.into();
        table.view = view;
        self.table.1.notify_all();
    }

    /// Waits until `done` gives something, the time is over, or the person has left.
    fn wait<T>(
        &self,
        until: Option<Instant>,
        mut done: impl FnMut(&mut Table) -> Option<T>,
    ) -> Wait<T> {
        let mut table = self.table();
        loop {
            if let Some(got) = done(&mut table) {
                return Wait::Got(got);
            }
            let now = Instant::now();
            table.left |= table.away.is_some_and(|since| now >= since + GRACE);
            if table.left {
                return Wait::Left;
            }
            if until.is_some_and(|until| now >= until) {
                return Wait::Late;
            }
            let ends = [until, table.away.map(|since| since + GRACE)];
            let next = ends.into_iter().flatten().min();
            let pause = next.map_or(PATIENCE, |next| next.saturating_duration_since(now));
            let waited = self.table.1.wait_timeout(table, pause);
            table = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The person leaves.
    pub fn leave(&self) {
        self.table().left = true;
        self.table.1.notify_all();
    }

    /// Says that it is all over, and waits a little for the page to hear it.
    pub fn close(&self) {
        let mut table = self.table();
        let mut view = table.view.clone();
        view["closed"] = true.into();
        self.put(&mut table, view);
        let last = table.version;
        let until = Instant::now() + FAREWELL;
        // A page that was never opened is not waited for.
        while (1..last).contains(&table.fetched) && table.away.is_none() && Instant::now() < until {
            let pause = until.saturating_duration_since(Instant::now());
            let waited = self.table.1.wait_timeout(table, pause);
            table = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        table.closed = true;
        self.table.1.notify_all();
    }

    /// What the page shows, once it is newer than `after`.
    fn state(&self, after: u64) -> Value {
        let until = Instant::now() + PATIENCE;
        let mut table = self.table();
        table.away = None;
        // A page that is ahead is of another session.
        while table.version == after && !table.closed {
            let pause = until.saturating_duration_since(Instant::now());
            if pause.is_zero() {
                break;
            }
            let waited = self.table.1.wait_timeout(table, pause);
            table = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        table.fetched = table.version;
        self.table.1.notify_all();
        table.view.clone()
    }
}

impl Person for Desk {
    fn answer(&mut self, turn: &Turn) -> Result<Reply, String> {
        match self.wait(None, |table| table.agreed) {
            Wait::Got(true) => {}
            _ => return Ok(Reply::Left),
        }
        let mut view = json!({ "phase": "turn", "turn": turn });
        let limit = self.args.limit_s;
        let began = Instant::now();
        if limit > 0.0 {
            view["limit_s"] = limit.into();
        }
        {
            let mut table = self.table();
            table.asked = Some((turn.asked.clone(), turn.seat));
            table.entered = None;
            self.put(&mut table, view);
            self.record
                .write("shown", &[("page", table.view.clone())])?;
        }
        let until = (limit > 0.0).then(|| began + Duration::from_secs_f64(limit));
        let got = self.wait(until, |table| table.entered.take());
        let mut waiting = json!({ "phase": "waiting", "turn": turn });
        let entry = match got {
            Wait::Got(entered) => entered,
            late_or_left => {
                let late = matches!(late_or_left, Wait::Late);
                self.record.write("left", &[("late", late.into())])?;
                self.table().asked = None;
                return Ok(if late { Reply::Late } else { Reply::Left });
            }
        };
        let (words, events) = entry;
        let took = (began.elapsed().as_secs_f64() * 1e3).round() / 1e3;
        let what = [
            ("game", json!(turn.game)),
            ("round", json!(turn.asked.round)),
            ("attempt", json!(turn.asked.attempt)),
            ("answer", json!(words)),
            ("latency_s", json!(took)),
            ("events", events.into()),
        ];
        self.record.write("answer", &what)?;
        let own = palaestra_agents::language::human::readable(&words, turn.seat, &turn.names);
        waiting["said"] = harmless(&own).into();
        let mut table = self.table();
        table.asked = None;
        self.put(&mut table, waiting);
        self.record
            .write("shown", &[("page", table.view.clone())])?;
        Ok(Reply::Words(words))
    }

    fn over(&mut self, end: &End) -> Result<bool, String> {
        let last = end.game >= end.games;
        let more = {
            let mut table = self.table();
            table.goes_on = false;
            let more = !last && !table.left;
            self.put(
                &mut table,
                json!({ "phase": "over", "end": end, "more": more }),
            );
            self.record
                .write("shown", &[("page", table.view.clone())])?;
            more
        };
        if !more {
            return Ok(last);
        }
        let goes_on = self.wait(None, |table| table.goes_on.then_some(()));
        let stays = matches!(goes_on, Wait::Got(()));
        if stays {
            let mut table = self.table();
            self.put(&mut table, json!({ "phase": "waiting" }));
        }
        Ok(stays)
    }
}

/// What is sent by `POST /api/respond`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Responded {
    version: u64,
    #[serde(default)]
    entry: Entry,
    #[serde(default)]
    events: Vec<Value>,
}

/// The desk as a site.
#[derive(Debug, Clone)]
pub struct Site {
    desk: Desk,
    token: Secret,
    port: u16,
}

impl Site {
    /// A site at a port, whose visitors must have the token.
    pub fn new(desk: Desk, token: Secret, port: u16) -> Self {
        Self { desk, token, port }
    }

    /// Answers a request.
    pub fn respond(&self, request: Incoming<'_>) -> Response {
        let mut response = self.answer(request).unwrap_or_else(|refusal| refusal);
        let always = [
            ("content-security-policy", POLICY),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cache-control", "no-store"),
        ];
        let always = always.map(|(name, value)| (name, value.to_owned()));
        response.headers.extend(always);
        response
    }

    /// Whether a `Host` or the end of an `Origin` is ours: an address, or `localhost`, with our port.
    fn is_own(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port),
            _ => (host, "80"),
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let address = name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok();
        address && port == self.port.to_string()
    }

    fn answer(&self, mut request: Incoming<'_>) -> Result<Response, Response> {
        let host = request.header("host").unwrap_or_default().to_owned();
        if !self.is_own(&host) {
            let problem =
                "the header Host names another site; use the address that the program has printed";
            return Err(Response::problem(421, problem));
        }
        let path = request.path.clone();
        let get = request.method == "GET";
        if get && path == "/favicon.ico" {
            return Ok(Response::new(204, "image/x-icon", ""));
        }
        if get {
            let (content_type, body) = match path.as_str() {
                "/" => ("text/html; charset=utf-8", PAGE),
                "/play.js" => ("text/javascript; charset=utf-8", SCRIPT),
                "/play.css" => ("text/css; charset=utf-8", STYLE),
                _ => ("", ""),
            };
            if !content_type.is_empty() {
                return Ok(Response::new(200, content_type, body));
            }
        }
        if !path.starts_with("/api/") {
            return Err(Response::problem(404, "there is no such page"));
        }
        let origin = request.header("origin").unwrap_or_default();
        if !origin.is_empty() && origin != format!("http://{host}") {
            return Err(Response::problem(
                403,
                "the request comes from another site",
            ));
        }
        let token = Secret::new(request.header("x-palaestra-token").unwrap_or_default());
        if token != self.token {
            let problem =
                "the token is missing or wrong; open the address that the program has printed";
            return Err(Response::problem(401, problem));
        }
        if get && path == "/api/state" {
            let after = request.query.strip_prefix("after=").unwrap_or("0");
            let after = after.parse().unwrap_or(0);
            return Ok(Response::json(200, &self.desk.state(after)));
        }
        if request.method != "POST" {
            return Err(Response::problem(405, "send GET /api/state, or POST"));
        }
        let body = request.body(LARGEST_BODY)?;
        self.posted(&path, &body)
    }

    fn posted(&self, path: &str, body: &[u8]) -> Result<Response, Response> {
        let desk = &self.desk;
        let unread = |error: serde_json::Error| {
            Response::problem(400, &format!("the body is not what is due: {error}"))
        };
        match path {
            "/api/respond" => {
                let given: Responded = serde_json::from_slice(body).map_err(unread)?;
                let mut table = desk.table();
                let waits = given.version == table.version && table.entered.is_none();
                let Some((asked, seat)) = table.asked.clone().filter(|_| waits) else {
                    let problem = "this has been answered already";
                    return Err(Response::problem(409, problem));
                };
                let words = answer(&asked, seat, &given.entry)
                    .map_err(|fault| Response::problem(422, &fault))?;
                let mut events = given.events;
                events.truncate(MOST_EVENTS);
                table.asked = None;
                table.entered = Some((words, events));
            }
            "/api/consent" => {
                #[derive(Deserialize)]
                struct Agreed {
                    agreed: bool,
                }
                let Agreed { agreed } = serde_json::from_slice(body).map_err(unread)?;
                let mut table = desk.table();
                if table.agreed.is_none() {
                    table.agreed = Some(agreed);
                    table.left |= !agreed;
                    let what = [("agreed", agreed.into())];
                    desk.record
                        .write("consent", &what)
                        .map_err(|problem| Response::problem(503, &problem))?;
                    desk.put(&mut table, json!({ "phase": "waiting" }));
                }
            }
            "/api/next" => desk.table().goes_on = true,
            "/api/leave" => desk.table().left = true,
            "/api/away" => desk.table().away = Some(Instant::now()),
            _ => return Err(Response::problem(404, "there is no such page")),
        }
        desk.table.1.notify_all();
        Ok(Response::json(200, &json!({ "ok": true })))
    }
}
