//! Answers that come late: rows that have theirs go on, and what was asked is not lost.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use super::{Files, Table, Virtual, bargaining, http};
use crate::{
    Agent as _, AgentError, Pending, StepView,
    language::chat::{
        Broken, Clock as _, Limits, Post, Reply, Source, Transport,
        mock::{Act, Endpoint, completion, obedient},
    },
};

/// Much longer than anything here takes.
const LONG: Duration = Duration::from_mins(2);

/// A table whose rows go on as soon as they can.
struct Race {
    table: Table,
    pending: Pending,
    /// By player and row.
    answered: [Vec<bool>; 2],
    /// Steps of each row.
    steps: Vec<usize>,
    /// Rows in the order of their questions, and those whose question is under way.
    order: Vec<usize>,
    waiting: Vec<bool>,
}

impl Race {
    fn new(table: Table) -> Self {
        let rows = table.simulator.rows();
        Self {
            table,
            pending: Pending::new(rows),
            answered: [vec![false; rows], vec![false; rows]],
            steps: vec![0; rows],
            order: Vec::new(),
            waiting: vec![false; rows],
        }
    }

    /// Polls once, and steps what can be stepped, up to `most` steps of each row.
    fn pass(&mut self, most: usize) -> Result<(), AgentError> {
        let rows = self.steps.len();
        for player in 0..2 {
            let missing = |row: &usize| !self.answered[player][*row] && self.steps[*row] < most;
            let asked: Vec<usize> = (0..rows).filter(missing).collect();
            self.table.rows.set(asked.iter().copied());
            self.pending.clear();
            let (view, actions) = self.table.simulator.border_mut().act_view(player);
            self.table
                .agent
                .poll(&view, &self.table.rows, actions, &mut self.pending)?;
            for row in asked {
                let waits = self.pending.contains(row);
                self.answered[player][row] = !waits;
                if waits && !self.waiting[row] {
                    self.order.push(row);
                    self.waiting[row] = true;
                }
            }
        }
        let ready = |row: &usize| self.answered.iter().all(|answered| answered[*row]);
        let ready: Vec<usize> = (0..rows).filter(ready).collect();
        if ready.is_empty() {
            self.pending.bell().wait(LONG);
            return Ok(());
        }
        self.table.simulator.step_rows(&ready).unwrap();
        self.table.rows.set(ready.iter().copied());
        for player in 0..2 {
            self.table.agent.observe(&StepView {
                player,
                rows: &self.table.rows,
                border: self.table.simulator.border(),
            })?;
        }
        for row in ready {
            self.steps[row] += 1;
            self.waiting[row] = false;
            self.answered
                .iter_mut()
                .for_each(|answered| answered[row] = false);
        }
        Ok(())
    }
}

/// A door that is shut until it is opened.
#[derive(Default)]
struct Door(Mutex<bool>, Condvar);

impl Door {
    fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    fn pass(&self) {
        let shut = self.0.lock().unwrap();
        let waited = self.1.wait_timeout_while(shut, LONG, |open| !*open);
        assert!(!waited.unwrap().1.timed_out(), "nobody opened");
    }
}

/// Steps of each row.
const STEPS: usize = 12;

/// The endpoint keeps one row waiting; the others play all their games, and then that row does.
#[test]
fn a_slow_row_holds_up_no_other() {
    let files = Files::new();
    let door = Arc::new(Door::default());
    let held = door.clone();
    let endpoint = Endpoint::start(move |request| {
        if request.number == 0 {
            held.pass();
        }
        Act::Say(obedient(&request.body, 0))
    })
    .unwrap();
    let args = files.args(&endpoint.url());
    let table = Table::new(bargaining(), 5, args, http(), Arc::new(Virtual::default())).unwrap();
    assert!(table.agent.is_slow());
    let mut race = Race::new(table);
    while race.steps.iter().filter(|&&steps| steps == STEPS).count() < 4 {
        race.pass(STEPS).unwrap();
    }
    let behind = race.steps.iter().filter(|&&steps| steps == 0).count();
    assert_eq!(behind, 1, "{:?}", race.steps);
    assert_eq!(endpoint.received().len(), 4 * STEPS + 1);
    door.open();
    while race.steps.iter().any(|&steps| steps < STEPS) {
        race.pass(STEPS).unwrap();
    }
    assert_eq!(files.records().len(), 5 * STEPS);
    // In the games nothing has changed by that: in step with each other, rows find all their answers in the transcript.
    let mut args = files.args("http://192.0.2.1:9/v1");
    args.source = Source::Strict;
    let mut table = Table::new(bargaining(), 5, args, None, Arc::new(Virtual::default())).unwrap();
    for _ in 0..STEPS {
        table.step().unwrap();
    }
    for row in 0..5 {
        let rows = [&table, &race.table].map(|table| table.simulator.save_row(row).unwrap());
        assert!(rows[0] == rows[1], "row {row}");
    }
}

/// What was asked when a state was loaded or the player was no longer needed is in the transcript, and need not be paid twice.
#[test]
fn answers_that_nobody_waits_for_are_kept() {
    let files = Files::new();
    let (door, asked) = (Arc::new(Door::default()), Arc::new(Door::default()));
    let (held, told) = (door.clone(), asked.clone());
    let endpoint = Endpoint::start(move |request| {
        if request.number == 2 {
            told.open();
        }
        held.pass();
        Act::Say(obedient(&request.body, 0))
    })
    .unwrap();
    let mut args = files.args(&endpoint.url());
    args.source = Source::Replay;
    let new = || {
        let clock = Arc::new(Virtual::default());
        Race::new(Table::new(bargaining(), 3, args.clone(), http(), clock).unwrap())
    };
    let mut race = new();
    let state = race.table.agent.save().unwrap();
    let (view, actions) = race.table.simulator.border_mut().act_view(0);
    let rows = race.table.rows.clone();
    let mut pending = Pending::new(3);
    race.table
        .agent
        .poll(&view, &rows, actions, &mut pending)
        .unwrap();
    assert_eq!(pending.rows().collect::<Vec<_>>(), [0, 1, 2]);
    asked.pass();
    race.table.agent.load(&state).unwrap();
    door.open();
    race.table.agent.finish().unwrap();
    assert_eq!((files.records().len(), endpoint.received().len()), (3, 3));
    let mut again = new();
    while again.steps.iter().any(|&steps| steps < 1) {
        again.pass(1).unwrap();
    }
    assert_eq!(endpoint.received().len(), 3, "asked once, and found again");
    drop(race);
    assert_eq!(files.records().len(), 3);
}

/// Counts who is asked, and how many at a time.
#[derive(Default)]
struct Counting {
    games: Mutex<Vec<u64>>,
    times: Mutex<Vec<Duration>>,
    under_way: Mutex<usize>,
    too_many: AtomicBool,
}

struct Counted(Arc<Counting>, usize, Arc<Virtual>);

impl Transport for Counted {
    fn post(&self, post: &Post<'_>) -> Result<Reply, Broken> {
        let body: Value = serde_json::from_str(post.body).unwrap();
        let mut under_way = self.0.under_way.lock().unwrap();
        *under_way += 1;
        if *under_way > self.1 {
            self.0.too_many.store(true, Ordering::Relaxed);
        }
        drop(under_way);
        self.0
            .games
            .lock()
            .unwrap()
            .push(body["seed"].as_u64().unwrap());
        self.0.times.lock().unwrap().push(self.2.now());
        std::thread::yield_now();
        *self.0.under_way.lock().unwrap() -= 1;
        Ok(Reply {
            status: 200,
            retry_after: None,
            body: completion(&obedient(&body, 0)).to_string().into_bytes(),
        })
    }
}

/// Limits hold for rows that go on by themselves, and requests are sent in the order of questions: no game is passed.
#[test]
fn games_take_turns_within_the_limits() {
    for in_flight in [1, 3] {
        let files = Files::new();
        let counting = Arc::new(Counting::default());
        let mut args = files.args(&format!("http://turns.{in_flight}.test"));
        args.send_seed = true;
        args.limits = Limits {
            requests_per_minute: Some(20),
            tokens_per_minute: None,
            max_in_flight: in_flight,
        };
        let clock = Arc::new(Virtual::default());
        let transport = Box::new(Counted(counting.clone(), in_flight, clock.clone()));
        let table = Table::new(bargaining(), 6, args, Some(transport), clock).unwrap();
        let mut race = Race::new(table);
        while race.steps.iter().any(|&steps| steps < 20) {
            race.pass(20).unwrap();
        }
        assert!(!counting.too_many.load(Ordering::Relaxed));
        let rows: BTreeMap<u64, usize> = files
            .records()
            .iter()
            .map(|record| {
                let row = record.game.split('-').nth(2).unwrap();
                let seed = record.request["seed"].as_u64().unwrap();
                (seed, row.parse().unwrap())
            })
            .collect();
        let games = counting.games.lock().unwrap();
        let sent: Vec<usize> = games.iter().map(|seed| rows[seed]).collect();
        assert_eq!(sent.len(), 6 * 20);
        // Several under way need not be sent in the order in which they have leave to.
        assert!(
            in_flight > 1 || sent == race.order,
            "{sent:?} {:?}",
            race.order
        );
        // Where several are under way, others may set the clock forward between leave to send and sending.
        if in_flight == 1 {
            let times = counting.times.lock().unwrap();
            for (index, &from) in times.iter().enumerate() {
                let minute = times[index..]
                    .iter()
                    .take_while(|&&at| at < from + Duration::from_mins(1));
                assert!(minute.count() <= 20, "{from:?}");
            }
        }
    }
}

/// An endpoint that cannot be used ends the run while other rows wait; it can be asked again when it is mended.
#[test]
fn an_error_is_told_while_others_wait() {
    let files = Files::new();
    let endpoint = Endpoint::start(|request| match request.number {
        2 => Act::Status(401, Vec::new(), json!({"error": "no"}).to_string()),
        _ => Act::Say(obedient(&request.body, 0)),
    })
    .unwrap();
    let mut args = files.args(&endpoint.url());
    args.limits.max_in_flight = 1;
    let table = Table::new(bargaining(), 4, args, http(), Arc::new(Virtual::default())).unwrap();
    let mut race = Race::new(table);
    let error = loop {
        if let Err(error) = race.pass(5) {
            break error.to_string();
        }
    };
    assert!(error.contains("401; check the address"), "{error}");
    let sent = endpoint.received().len();
    assert_eq!(files.records().len(), sent - 1, "what was answered is kept");
    while race.steps.iter().any(|&steps| steps < 5) {
        race.pass(5).unwrap();
    }
}
