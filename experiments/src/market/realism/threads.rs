//! Days on several threads. Each thread has a market of its own; a day's result depends on its seed alone, and results are in the
//! order of the days, so that nothing depends on the number of threads.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use super::MarketError;

/// What `work` finds for each of the days `0..days`, with a market that `make` makes for each of at most `threads` threads.
///
/// # Errors
/// That of the first day that has one; later days are then not begun.
pub(super) fn each_day<M, T: Send>(
    days: usize,
    threads: usize,
    make: impl Fn() -> Result<M, MarketError> + Sync,
    work: impl Fn(&mut M, usize) -> Result<T, MarketError> + Sync,
) -> Result<Vec<T>, MarketError> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::with_capacity(days));
    let run = || {
        let mut market = None;
        loop {
            let day = next.fetch_add(1, Ordering::Relaxed);
            if day >= days {
                return;
            }
            let result = match &mut market {
                Some(market) => work(market, day),
                None => make().and_then(|made| work(market.insert(made), day)),
            };
            if result.is_err() {
                next.store(days, Ordering::Relaxed);
            }
            // Earlier days than a failed one have been begun, and are finished.
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.push((day, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(days) {
            scope.spawn(run);
        }
        run();
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(day, _)| *day);
    found.into_iter().map(|(_, result)| result).collect()
}
