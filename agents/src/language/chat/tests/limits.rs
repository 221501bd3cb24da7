//! Check 11: limits, waits and budgets, on a clock that need not be waited for.

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use palaestra_envs::{
    language::{Reason, answer::resignation},
    stream::Stream,
};
use rand::RngExt;
use serde_json::Value;

use super::{Files, Table, Virtual, bargaining};
use crate::language::chat::{
    Account, Broken, Budget, Cap, Clock, Entry, Limiter, Limits, Post, Price, Reply, Spent,
    Transport, Usage,
    mock::{completion, obedient},
};

/// A request: when, and of how many tokens.
type Log = Arc<Mutex<Vec<(Duration, u64)>>>;

/// Answers at once, or after a while on the virtual clock.
struct Simulated {
    clock: Arc<Virtual>,
    log: Log,
    draws: Mutex<Stream>,
    slow: bool,
}

impl Transport for Simulated {
    fn post(&self, post: &Post<'_>) -> Result<Reply, Broken> {
        let body: Value = serde_json::from_str(post.body).unwrap();
        let (seconds, tokens) = {
            let mut draws = self.draws.lock().unwrap();
            (draws.random_range(0.0..2.0), draws.random_range(20..400))
        };
        self.log.lock().unwrap().push((self.clock.now(), tokens));
        if self.slow {
            self.clock.sleep(Duration::from_secs_f64(seconds));
        }
        let mut reply = completion(&obedient(&body, 1));
        reply["usage"] = serde_json::json!({"prompt_tokens": tokens - 10, "completion_tokens": 10});
        Ok(Reply {
            status: 200,
            retry_after: None,
            body: reply.to_string().into_bytes(),
        })
    }
}

fn simulated(slow: bool) -> (Arc<Virtual>, Log, Box<dyn Transport>) {
    let (clock, log) = (Arc::new(Virtual::default()), Log::default());
    let transport = Simulated {
        clock: clock.clone(),
        log: log.clone(),
        draws: Mutex::new(Stream::new(7, 0, "test.reply")),
        slow,
    };
    (clock, log, Box::new(transport))
}

#[test]
fn no_minute_holds_more_than_the_limits_allow() {
    for (requests, tokens, slow) in [
        (Some(30), None, true),
        (None, Some(20_000), false),
        // Of these now one binds, now the other.
        (Some(50), Some(11_000), true),
    ] {
        let files = Files::new();
        let (clock, log, transport) = simulated(slow);
        let mut args = files.args(&format!("http://limits.{requests:?}.{tokens:?}.test"));
        args.max_tokens = 100;
        args.limits = Limits {
            requests_per_minute: requests,
            tokens_per_minute: tokens,
            max_in_flight: 1,
        };
        let mut table = Table::new(bargaining(), 25, args, Some(transport), clock).unwrap();
        for _ in 0..40 {
            table.step().unwrap();
        }
        let log = log.lock().unwrap();
        assert_eq!(log.len(), 1000);
        let mut fullest = (0, 0);
        for (first, &(start, _)) in log.iter().enumerate() {
            let minute = log[first..]
                .iter()
                .take_while(|(at, _)| at.saturating_sub(start) < Duration::from_mins(1));
            let (count, sum) = minute.fold((0, 0), |(count, sum), (_, tokens)| {
                (count + 1, sum + tokens)
            });
            assert!(
                requests.is_none_or(|most| count <= most),
                "{count} from {start:?}"
            );
            assert!(
                tokens.is_none_or(|most| sum <= most),
                "{sum} from {start:?}"
            );
            fullest = (fullest.0.max(count), fullest.1.max(sum));
        }
        // The limits bind, and are made use of.
        assert!(
            requests.is_none_or(|most| most == fullest.0)
                && tokens.is_none_or(|most| fullest.1 > most / 4 * 3),
            "{fullest:?}"
        );
    }
}

thread_local! {
    /// What this thread was told of the time last.
    static LAST: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// The virtual clock, which remembers what each thread was told: the time at which a request was let through, whatever
/// other threads do until it is sent.
struct Remembered(Virtual);

impl Clock for Remembered {
    fn now(&self) -> Duration {
        let now = self.0.now();
        LAST.set(now);
        now
    }

    fn sleep(&self, time: Duration) {
        self.0.sleep(time);
    }

    fn since_epoch(&self) -> Duration {
        self.0.since_epoch()
    }
}

/// Eight at a time: no minute holds more than the limits allow, whoever is let through first.
#[test]
fn no_minute_holds_more_when_many_ask() {
    const ASKING: usize = 8;
    const EACH: usize = 125;
    const LONGEST: u64 = 400;
    for (most_requests, most_tokens) in [
        (Some(30), None),
        (None, Some(9_000)),
        (Some(40), Some(9_000)),
    ] {
        let most_in_flight = 5;
        let limiter = Limiter::new(Limits {
            requests_per_minute: most_requests,
            tokens_per_minute: most_tokens,
            max_in_flight: most_in_flight,
        });
        let clock = Remembered(Virtual::default());
        let (log, under_way) = (Log::default(), AtomicUsize::new(0));
        let never = &AtomicBool::new(false);
        std::thread::scope(|scope| {
            for thread in 0..ASKING {
                let (limiter, clock, log, under_way) = (&limiter, &clock, &log, &under_way);
                scope.spawn(move || {
                    let mut draws = Stream::new(7, thread as u64, "test.ask");
                    for _ in 0..EACH {
                        let place = limiter.line_up();
                        let pass = place.admit(LONGEST, clock, never).unwrap();
                        let at = LAST.get();
                        let others = under_way.fetch_add(1, Ordering::SeqCst);
                        assert!(others < most_in_flight, "{others}");
                        let tokens = draws.random_range(20..=LONGEST);
                        clock.sleep(Duration::from_secs_f64(draws.random_range(0.0..1.0)));
                        log.lock().unwrap().push((at, tokens));
                        pass.settle(tokens);
                        under_way.fetch_sub(1, Ordering::SeqCst);
                        drop(pass);
                        if draws.random::<f64>() < 0.1 {
                            std::thread::yield_now();
                        }
                    }
                });
            }
        });
        let mut log = log.lock().unwrap();
        assert_eq!(log.len(), ASKING * EACH);
        log.sort_unstable();
        for (first, &(start, _)) in log.iter().enumerate() {
            let minute = log[first..]
                .iter()
                .take_while(|(at, _)| at.saturating_sub(start) < Duration::from_mins(1));
            let (count, sum) = minute.fold((0, 0), |(count, sum), (_, tokens)| {
                (count + 1, sum + tokens)
            });
            assert!(most_requests.is_none_or(|most| count <= most), "{count}");
            assert!(most_tokens.is_none_or(|most| sum <= most), "{sum}");
        }
    }
}

/// Counts that no endpoint can mean do not wrap around, so that they end a budget and do not pass it.
#[test]
fn absurd_counts_of_tokens_do_not_wrap() {
    let usage = Usage {
        prompt: u64::MAX,
        completion: 2,
        ..Usage::default()
    };
    assert_eq!(usage.total(), u64::MAX);
    let budget = Budget {
        run: Cap {
            tokens: Some(1000),
            ..Cap::default()
        },
        ..Budget::default()
    };
    let files = Files::new();
    let most = Spent {
        tokens: 10,
        requests: 1,
        ..Spent::default()
    };
    let account = Account::open(&files.path("ledger.csv")).unwrap();
    for _ in 0..2 {
        let entry = Entry {
            game: "game".into(),
            seat: "seat".into(),
            usage,
            ..Entry::default()
        };
        let reservation = account.reserve(&Budget::default(), "game", "seat", most);
        reservation.unwrap().settle(&entry).unwrap();
        assert_eq!(account.spent().tokens, u64::MAX);
    }
    assert!(account.reserve(&budget, "game", "seat", most).is_none());
    // So does the file, when it is read again.
    drop(account);
    let account = Account::open(&files.path("ledger.csv")).unwrap();
    assert_eq!(account.spent().tokens, u64::MAX);
    assert!(account.reserve(&budget, "other", "seat", most).is_none());
    let limiter = Limiter::new(Limits {
        tokens_per_minute: Some(1000),
        ..Limits::default()
    });
    let clock = Virtual::default();
    for _ in 0..3 {
        let pass = limiter.line_up().admit(10, &clock, &AtomicBool::new(false));
        pass.unwrap().settle(u64::MAX);
    }
    assert!(clock.now() >= Duration::from_mins(2), "{:?}", clock.now());
}

#[test]
fn a_budget_ends_games_with_at_most_one_request_too_many() {
    let cap = |requests, tokens, usd| Cap {
        usd,
        tokens,
        requests,
    };
    let none = Cap::default();
    let cases = [
        Budget {
            run: cap(Some(17), None, None),
            ..Budget::default()
        },
        Budget {
            run: cap(None, Some(5_000), None),
            ..Budget::default()
        },
        Budget {
            run: cap(None, None, Some(0.004)),
            ..Budget::default()
        },
        Budget {
            game: cap(Some(3), None, None),
            ..Budget::default()
        },
        Budget {
            seat: cap(None, Some(700), None),
            run: none,
            game: none,
        },
    ];
    for (number, budget) in cases.into_iter().enumerate() {
        for workers in [1, 4] {
            let files = Files::new();
            let (clock, log, transport) = simulated(false);
            let mut args = files.args(&format!("http://budget.{number}.{workers}.test"));
            args.budget = budget;
            args.max_tokens = 100;
            args.limits.max_in_flight = workers;
            let price = Price {
                prompt: 2.0,
                cached: None,
                completion: 8.0,
            };
            args.prices.insert("mock".into(), price);
            let mut table = Table::new(
                bargaining(),
                4,
                args.clone(),
                Some(transport),
                clock.clone(),
            )
            .unwrap();
            let mut given_up = 0;
            for _ in 0..8 {
                let answers = table.step().unwrap();
                given_up += answers
                    .iter()
                    .filter(|a| Some((*a).clone()) == resignation(Reason::BudgetExhausted))
                    .count();
            }
            assert!(given_up > 0, "{budget:?}");
            let log = log.lock().unwrap();
            let ledger = files.ledger();
            assert_eq!(ledger.len(), log.len(), "the ledger has them all");
            // What each scope has spent, and had spent before its last request.
            let mut scopes = std::collections::BTreeMap::<String, Vec<[f64; 3]>>::new();
            for line in &ledger {
                let tokens = line[9].parse::<f64>().unwrap() + line[10].parse::<f64>().unwrap();
                let spent = [1.0, tokens, line[14].parse::<f64>().unwrap()];
                for scope in [
                    "run".into(),
                    format!("game {}", line[0]),
                    format!("seat {} {}", line[0], line[1]),
                ] {
                    scopes.entry(scope).or_default().push(spent);
                }
            }
            for (scope, spent) in scopes {
                let cap = match scope.as_bytes()[0] {
                    b'r' => budget.run,
                    b'g' => budget.game,
                    _ => budget.seat,
                };
                let most = [
                    cap.requests.map(|n| n as f64),
                    cap.tokens.map(|n| n as f64),
                    cap.usd,
                ];
                for (kind, most) in most.into_iter().enumerate() {
                    let Some(most) = most else { continue };
                    let total: f64 = spent.iter().map(|spent| spent[kind]).sum();
                    let largest = spent.iter().map(|spent| spent[kind]).fold(0.0, f64::max);
                    assert!(
                        total - largest < most,
                        "{scope}: {total}, at most one over {most}"
                    );
                }
            }
            // A ledger is a budget: who goes on with it has spent what it says.
            if budget.run != none {
                drop(table);
                let (_, again, transport) = simulated(false);
                let mut table = Table::new(bargaining(), 1, args, Some(transport), clock).unwrap();
                let answers = table.step().unwrap();
                assert_eq!(
                    Some(answers[0].clone()),
                    resignation(Reason::BudgetExhausted)
                );
                assert_eq!(again.lock().unwrap().len(), 0);
            }
        }
    }
}

#[test]
fn dollars_need_a_price_and_files_must_be_ledgers() {
    let files = Files::new();
    let mut args = files.args("http://prices.test");
    args.budget.run.usd = Some(1.0);
    let table = |args| Table::new(bargaining(), 1, args, None, Arc::new(Virtual::default()));
    let error = table(args).err().unwrap().to_string();
    assert!(error.contains("prices"), "{error}");
    std::fs::write(files.path("ledger.csv"), "a,b\n").unwrap();
    let error = table(files.args("http://prices.test"))
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("is no ledger"), "{error}");
}
