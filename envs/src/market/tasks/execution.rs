//! What the tasks of executing a large order tell agents that play by a rule, whatever their actions are.

use std::sync::Arc;

use super::orders::WorkingOrders;
use super::shared::{number, phase_info, tell_phase};
use crate::market::host::Floor;
use crate::market::order::{Side, Size, Time};
use crate::sim::{InfoField, Model, RowObservation};
use crate::space::Columns;

/// Shares executed until now.
pub const EXECUTED: &str = "executed";
/// Share of the time that is over, from 0 to 1.
pub const ELAPSED: &str = "elapsed";
/// Shares that others traded with each other since the start.
pub const VOLUME: &str = "volume";

/// Shares sent across the spread that have not arrived at the exchange, or wait there for an auction.
pub const ARRIVING: &str = "arriving";

/// A task of executing an order, as the model of its specification.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExecutionProblem {
    /// Side of the order.
    pub side: Side,
    /// Shares in all.
    pub size: Size,
    /// What an action is.
    pub controls: Controls,
}

/// What an action of an execution task is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Controls {
    /// The dials of a schedule that the task follows by itself: `MultiDiscrete(11, 6)`, tenths of the order that wait, and the level
    /// that is crossed to.
    Dials,
    /// The same as `Box [2]` in `[0, 1]`.
    ContinuousDials,
    /// `Discrete(3)`: a market order of this size, a limit order at the touch, or nothing.
    Orders(Size),
    /// `Box [4]` in shares up to this number: at the far touch, at the mid price, at the near touch, behind it.
    Quantities(Size),
}

impl ExecutionProblem {
    /// The info fields of such a task.
    pub(super) fn info() -> Vec<InfoField> {
        vec![
            number(EXECUTED, 0.0, f64::INFINITY, "Shares executed until now."),
            number(ELAPSED, 0.0, 1.0, "Share of the time that is over."),
            number(
                VOLUME,
                0.0,
                f64::INFINITY,
                "Shares that others traded with each other since the start.",
            ),
            number(
                ARRIVING,
                0.0,
                f64::INFINITY,
                "Shares sent across the spread that have not arrived, or wait for an auction.",
            ),
            phase_info(),
        ]
    }

    /// It, to be found by agents.
    pub(super) fn model(self) -> Model {
        Model::new(Arc::new(self))
    }

    /// Writes an action that sends `now` shares across the spread and lets `waiting` shares stand at the own touch, as nearly as
    /// the task can.
    ///
    /// Tasks with dials send by a schedule of their own and take from `now` only whether anything is sent.
    pub fn write_action(&self, actions: &mut Columns, row: usize, now: Size, waiting: Size) {
        let tenths = (10 * waiting.clamp(0, self.size) + self.size / 2) / self.size.max(1);
        let crosses = i32::from(now > 0);
        match self.controls {
            Controls::Dials => {
                let out = &mut actions.i32_mut(0)[2 * row..2 * row + 2];
                out.copy_from_slice(&[tenths as i32, crosses]);
            }
            Controls::ContinuousDials => {
                let out = &mut actions.f32_mut(0)[2 * row..2 * row + 2];
                out.copy_from_slice(&[tenths as f32 / 10.0, crosses as f32 / 5.0]);
            }
            Controls::Orders(size) => {
                actions.i32_mut(0)[row] = if 2 * now >= size.max(1) {
                    0
                } else if 2 * waiting >= size.max(1) {
                    1
                } else {
                    2
                };
            }
            Controls::Quantities(most) => {
                let out = &mut actions.f32_mut(0)[4 * row..4 * row + 4];
                let shares = |size: Size| size.clamp(0, most) as f32;
                out.copy_from_slice(&[shares(now), 0.0, shares(waiting), 0.0]);
            }
        }
    }
}

/// How the execution of an order stands.
pub(super) struct Standing<'a> {
    pub(super) executed: Size,
    pub(super) elapsed: f64,
    /// Shares that others traded with each other.
    pub(super) volume: Size,
    pub(super) own: &'a WorkingOrders,
}

/// Tells the info fields.
pub(super) fn tell(out: &mut RowObservation<'_>, floor: &Floor<'_>, standing: &Standing<'_>) {
    out.info(EXECUTED, &[standing.executed.max(0) as f64]);
    out.info(ELAPSED, &[standing.elapsed.clamp(0.0, 1.0)]);
    out.info(VOLUME, &[standing.volume as f64]);
    out.info(ARRIVING, &[standing.own.arriving(floor.book()) as f64]);
    tell_phase(out, floor.book());
}

/// The share of `[begin, begin + length]` that is over.
pub(super) fn elapsed(floor: &Floor<'_>, begin: Time, length: Time) -> f64 {
    (floor.now() - begin) as f64 / length.max(1) as f64
}
