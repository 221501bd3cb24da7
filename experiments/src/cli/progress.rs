//! A bar with rate and time left on a terminal, a plain line now and then elsewhere.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use super::output::Output;
use crate::run::Watch;

/// Shows the steps of `watch`, which count `unit`, against `total` while `work` runs.
pub(super) fn with_progress<T: Send>(
    output: &Output,
    watch: &Watch,
    total: u64,
    unit: &str,
    work: impl FnOnce() -> T + Send,
) -> T {
    let finished = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let shower = scope.spawn(|| show(output, watch, total, unit, &finished));
        let result = work();
        finished.store(true, Ordering::Relaxed);
        shower.thread().unpark();
        result
    })
}

fn show(output: &Output, watch: &Watch, total: u64, unit: &str, finished: &AtomicBool) {
    let steps = || watch.env_steps.load(Ordering::Relaxed).min(total);
    if output.draws_progress() {
        let style = format!(
            "{{wide_bar:.cyan/dim}} {{human_pos}}/{{human_len}} {unit}  {{per_sec}}  {{eta}} left"
        );
        let bar = ProgressBar::new(total);
        if let Ok(style) = ProgressStyle::with_template(&style) {
            bar.set_style(style.progress_chars("━━─"));
        }
        while !finished.load(Ordering::Relaxed) {
            bar.set_position(steps());
            std::thread::park_timeout(Duration::from_millis(100));
        }
        bar.finish_and_clear();
        return;
    }
    if output.is_quiet() || output.is_json() {
        return;
    }
    let started = Instant::now();
    let mut next = Duration::from_secs(10);
    while !finished.load(Ordering::Relaxed) {
        std::thread::park_timeout(Duration::from_millis(200));
        let elapsed = started.elapsed();
        if elapsed >= next {
            let done = steps();
            let mut line = format!("{} of {} {unit}", HumanCount(done), HumanCount(total));
            if done > 0 {
                let rate = done as f64 / elapsed.as_secs_f64();
                let left = Duration::from_secs_f64((total - done) as f64 / rate);
                let (rate, left) = (HumanCount(rate as u64), HumanDuration(left));
                let _ = write!(line, ", {rate} a second, {left} left");
            }
            output.message(&line);
            next += Duration::from_secs(10).max(elapsed / 4);
        }
    }
}
