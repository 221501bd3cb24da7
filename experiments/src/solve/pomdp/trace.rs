//! Runs a solver under limits and keeps how its bounds moved.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use palaestra_agents::pomdp::planning::{Progress, Solver};
use serde::{Deserialize, Serialize};

/// How far a solver was at some time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TracePoint {
    /// Seconds from the start of solving.
    pub seconds: f64,
    /// Iterations done.
    pub iteration: u64,
    /// The optimal value at the initial belief is at least this; none if the solver does not say.
    pub lower: Option<f64>,
    /// The optimal value at the initial belief is at most this; none if the solver does not say.
    pub upper: Option<f64>,
}

impl TracePoint {
    fn new(seconds: f64, progress: Progress) -> Self {
        let finite = |bound: f64| bound.is_finite().then_some(bound);
        Self {
            seconds,
            iteration: progress.iteration,
            lower: finite(progress.lower),
            upper: finite(progress.upper),
        }
    }

    /// Distance of the bounds, if there are both.
    pub fn gap(&self) -> Option<f64> {
        Some(self.upper? - self.lower?)
    }
}

/// When to stop a solver that has not converged.
#[derive(Debug, Clone)]
pub struct Limits {
    /// No iteration begins after this many seconds.
    pub seconds: f64,
    /// No iteration begins after this many, those before a solver was saved included.
    pub iterations: u64,
    /// The bounds are near enough at this distance; none leaves that to the solver.
    pub precision: Option<f64>,
    /// Seconds spent already: on making the solver, or before it was saved.
    pub spent: f64,
    /// No iteration begins after somebody has set this.
    pub interrupt: Arc<AtomicBool>,
}

impl Limits {
    /// A limit on the time alone.
    pub fn seconds(seconds: f64) -> Self {
        Self {
            seconds,
            iterations: u64::MAX,
            precision: None,
            spent: 0.0,
            interrupt: Arc::default(),
        }
    }
}

/// Why a solver has stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The bounds have met, or more iterations would change nothing that matters.
    Converged,
    /// The time is over.
    Seconds,
    /// The iterations are done.
    Iterations,
    /// From outside, as by Ctrl-C.
    Interrupted,
    /// It cannot go on, for this reason.
    Stuck(String),
}

/// How the bounds of a solver moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The first point, before any iteration, the last one, and at most [`MAX_POINTS`] between them.
    pub points: Vec<TracePoint>,
    /// Why it ended.
    pub stop: Stop,
}

/// Points kept of a trace. Of more, every second one is dropped, again and again.
pub const MAX_POINTS: usize = 1000;

/// Steps `solver` until it has converged or meets a limit. `on_progress` sees the solver and the point before the first
/// iteration and after each one.
///
/// ```
/// use std::sync::Arc;
///
/// use palaestra::solve::{Limits, Stop, trace};
/// use palaestra_agents::pomdp::planning::{Sarsop, SarsopSettings};
/// use palaestra_envs::pomdp::{Pomdp, classic::Tiger};
///
/// let model = Arc::new(Pomdp::compile(&Tiger::default())?);
/// let mut solver = Sarsop::new(model, SarsopSettings::default())?;
/// let trace = trace(&mut solver, &Limits::seconds(10.0), |_, _| {});
/// assert_eq!(trace.stop, Stop::Converged);
/// assert!((trace.points.last().unwrap().lower.unwrap() - 19.371368).abs() < 1e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn trace<S: Solver>(
    solver: &mut S,
    limits: &Limits,
    mut on_progress: impl FnMut(&S, &TracePoint),
) -> Trace {
    let begin = Instant::now();
    let now = || limits.spent + begin.elapsed().as_secs_f64();
    let mut point = TracePoint::new(now(), solver.progress());
    on_progress(solver, &point);
    let mut kept = Kept {
        points: vec![point],
        stride: 1,
        count: 0,
    };
    let stop = loop {
        let near = |precision| point.gap().is_some_and(|gap| gap <= precision);
        if solver.converged() || limits.precision.is_some_and(near) {
            break Stop::Converged;
        }
        if limits.interrupt.load(Ordering::Relaxed) {
            break Stop::Interrupted;
        }
        if let Some(reason) = solver.stuck() {
            break Stop::Stuck(reason);
        }
        if point.iteration >= limits.iterations {
            break Stop::Iterations;
        }
        if now() >= limits.seconds {
            break Stop::Seconds;
        }
        let progress = solver.step();
        point = TracePoint::new(now(), progress);
        on_progress(solver, &point);
        kept.add(point);
    };
    if kept.points.last() != Some(&point) {
        kept.points.push(point);
    }
    Trace {
        points: kept.points,
        stop,
    }
}

/// Points at even distances in iterations.
struct Kept {
    points: Vec<TracePoint>,
    stride: u64,
    count: u64,
}

impl Kept {
    fn add(&mut self, point: TracePoint) {
        self.count += 1;
        if !self.count.is_multiple_of(self.stride) {
            return;
        }
        self.points.push(point);
        if self.points.len() > MAX_POINTS {
            let mut index = 0;
            self.points.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.stride *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use palaestra_agents::pomdp::planning::{Blind, ValueIteration};
    use palaestra_envs::pomdp::{Pomdp, classic::Tiger};

    use super::*;

    #[test]
    fn long_traces_keep_first_and_last_and_stay_short() {
        let tiger = Tiger {
            discount: 0.9999,
            ..Tiger::default()
        };
        let model = Arc::new(Pomdp::compile(&tiger).unwrap());
        // The MDP's value is where value iteration begins: it would be done at once.
        let mut solver = Blind::new(model).unwrap();
        let mut seen = Vec::new();
        let limits = Limits {
            iterations: 5001,
            ..Limits::seconds(60.0)
        };
        let trace = trace(&mut solver, &limits, |_, point| seen.push(*point));
        assert_eq!(trace.stop, Stop::Iterations);
        assert_eq!(seen.len(), 5002);
        let iterations: Vec<u64> = trace.points.iter().map(|p| p.iteration).collect();
        assert!(iterations.len() <= MAX_POINTS + 2);
        assert_eq!((iterations[0], iterations.last()), (0, Some(&5001)));
        let strides: Vec<u64> = iterations.windows(2).map(|p| p[1] - p[0]).collect();
        assert!(
            strides[..strides.len() - 1]
                .iter()
                .all(|&s| s == strides[0])
        );
    }

    #[test]
    fn every_limit_stops() {
        let model = Arc::new(Pomdp::compile(&Tiger::default()).unwrap());
        let stop = |limits: Limits| {
            let mut solver = ValueIteration::new(model.clone()).unwrap();
            trace(&mut solver, &limits, |_, _| {}).stop
        };
        assert_eq!(stop(Limits::seconds(60.0)), Stop::Converged);
        assert_eq!(stop(Limits::seconds(0.0)), Stop::Seconds);
        let spent = Limits {
            spent: 61.0,
            ..Limits::seconds(60.0)
        };
        assert_eq!(stop(spent), Stop::Seconds);
        let limits = Limits::seconds(60.0);
        limits.interrupt.store(true, Ordering::Relaxed);
        assert_eq!(stop(limits), Stop::Interrupted);
    }
}
