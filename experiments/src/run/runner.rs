//! All trials of a run, several at a time.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, atomic::AtomicUsize, atomic::Ordering},
};

use super::{Outcome, RunError, RunFolder, RunStatus, Trial, TrialResult, Watch, run_trial};
use crate::Registries;

/// A trial that failed, and why.
#[derive(Debug)]
pub struct TrialFailure {
    /// Name of the trial.
    pub trial: String,
    /// What went wrong.
    pub error: RunError,
}

/// How a run came out.
#[derive(Debug)]
pub struct RunReport {
    /// Results of the complete trials, in the plan's order.
    pub results: Vec<TrialResult>,
    /// Trials that failed, in the plan's order.
    pub failures: Vec<TrialFailure>,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
}

/// What the panic was called with, as far as it is text.
fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("no message").to_owned()
}

/// Runs `trials`, `threads` at a time. A trial that fails does not stop the others. What a trial writes does
/// not depend on `threads`.
///
/// # Errors
/// If the manifest cannot be written; failures of trials are in the report.
pub fn run_all(
    folder: &mut RunFolder,
    trials: &[Trial],
    registries: &Registries,
    threads: usize,
    watch: &Watch,
) -> Result<RunReport, RunError> {
    folder.set_status(RunStatus::Running)?;
    let next = AtomicUsize::new(0);
    let outcomes: Vec<Mutex<Option<Result<Outcome, RunError>>>> =
        trials.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, trials.len().max(1)) {
            scope.spawn(|| {
                while let Some(index) = Some(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some(trial) = trials.get(index) else {
                        break;
                    };
                    let path = folder.trial(&trial.name);
                    let outcome = if watch.stop.load(Ordering::Relaxed) {
                        Ok(Outcome::Interrupted)
                    } else {
                        // A bug in somebody's environment or agent does not end the other trials.
                        let run = || run_trial(trial, registries, &path, watch);
                        catch_unwind(AssertUnwindSafe(run))
                            .unwrap_or_else(|panic| Err(RunError::Panic(panic_message(&*panic))))
                    };
                    if let Ok(mut slot) = outcomes[index].lock() {
                        *slot = Some(outcome);
                    }
                }
            });
        }
    });
    let mut report = RunReport {
        results: Vec::new(),
        failures: Vec::new(),
        interrupted: false,
    };
    for (trial, outcome) in trials.iter().zip(outcomes) {
        match outcome.into_inner().ok().flatten() {
            Some(Ok(Outcome::Complete(result))) => report.results.push(result),
            Some(Ok(Outcome::Interrupted)) | None => report.interrupted = true,
            Some(Err(error)) => {
                report.failures.push(TrialFailure {
                    trial: trial.name.clone(),
                    error,
                });
            }
        }
    }
    folder.set_status(if report.interrupted {
        RunStatus::Interrupted
    } else if report.failures.is_empty() {
        RunStatus::Complete
    } else {
        RunStatus::Failed
    })?;
    Ok(report)
}
