//! The trials of each row: when one ends and how the next begins.

use serde_json::Value;

use super::TrialStart;
use crate::{
    error::EnvError,
    sim::{
        Border, Enclosed, InfoField, InfoKind, Lane, Lanes, Selection, Start, read_value,
        write_value,
    },
    space::{BoxSpace, DType, Space},
};

/// The info fields of episodes of `trials` trials: how many have ended, and their returns.
pub(crate) fn trial_info(trials: u32, players: usize) -> [InfoField; 2] {
    let field = |name: &str, width: usize, low: f64, high: f64, kind, summary: &str| InfoField {
        name: name.into(),
        space: Space::Box(BoxSpace {
            dtype: DType::Float64,
            shape: vec![width],
            low: vec![low; width],
            high: vec![high; width],
        }),
        kind,
        summary: summary.into(),
    };
    let (width, most) = (trials as usize * players, f64::from(trials));
    let infinity = f64::INFINITY;
    [
        field(
            "privileged.trial",
            1,
            0.0,
            most,
            InfoKind::State,
            "Trials of the episode that have ended.",
        ),
        field(
            "trial_return",
            width,
            -infinity,
            infinity,
            InfoKind::Sum,
            "Return of each trial, in the step that ends it.",
        ),
    ]
}

/// The trials of all rows of a shard.
pub(crate) struct TrialRows {
    trials: u32,
    start: TrialStart,
    /// Trials of the running episode that have ended, `[rows]`.
    ended: Vec<u32>,
    /// Whether a trial has ended in the last step, `[rows]`.
    just_ended: Vec<bool>,
    /// Options of the episode's reset, which hold for all its trials, `[rows]`.
    options: Vec<Value>,
    /// Columns of the two info fields, where they were asked for.
    pub(crate) tell_trial: Option<usize>,
    pub(crate) tell_return: Option<usize>,
}

impl TrialRows {
    pub(crate) fn new(trials: u32, start: TrialStart, rows: usize) -> Self {
        Self {
            trials,
            start,
            ended: vec![0; rows],
            just_ended: vec![false; rows],
            options: vec![Value::Null; rows],
            tell_trial: None,
            tell_return: None,
        }
    }

    /// The first trial of an episode of lane `lane`.
    pub(crate) fn first(&mut self, row: usize, lane: Lane, options: &Value) -> Start {
        (self.ended[row], self.just_ended[row]) = (0, false);
        self.options[row].clone_from(options);
        self.start_of(row, lane)
    }

    /// The row's next trial.
    fn start_of(&self, row: usize, lane: Lane) -> Start {
        // No lane has 2⁴⁰ episodes, so no two trials share a number.
        let own = lane.episode.wrapping_add(u64::from(self.ended[row]) << 40);
        let episode = match self.start {
            TrialStart::Same => lane.episode,
            TrialStart::New => own,
        };
        Start {
            row,
            lane: Lane { episode, ..lane },
            later: own,
            options: self.options[row].clone(),
        }
    }

    /// Steps the given rows of `inner` with the actions in its border, writes rewards and ends of episodes to `border`,
    /// and begins the trials that are due.
    pub(crate) fn step(
        &mut self,
        inner: &mut Enclosed,
        rows: &[usize],
        lanes: &Lanes,
        border: &mut Border,
    ) -> Result<(), EnvError> {
        inner.step(rows)?;
        let own = inner.border();
        let mut starts = Vec::new();
        for &row in rows {
            for (player, own) in border.players.iter_mut().zip(&own.players) {
                player.reward[row] = own.reward[row];
            }
            let over = own.ended(row);
            if let Some(column) = self.tell_return {
                let width = border.info.width(column);
                let out = &mut border.info.f64_mut(column)[row * width..(row + 1) * width];
                out.fill(f64::NAN);
                if over {
                    let curves = out.chunks_exact_mut(self.trials as usize);
                    for (curve, own) in curves.zip(&own.players) {
                        curve[self.ended[row] as usize] = own.final_return[row];
                    }
                }
            }
            self.ended[row] += u32::from(over);
            self.just_ended[row] = over;
            border.terminated[row] = self.ended[row] >= self.trials;
            if over && !border.terminated[row] {
                starts.push(self.start_of(row, lanes.lane(row)));
            }
        }
        inner.reset(starts)
    }

    /// Whether a trial has ended in the last step.
    pub(crate) fn has_just_ended(&self, row: usize) -> bool {
        self.just_ended[row]
    }

    /// Tells how many trials have ended.
    pub(crate) fn tell(&self, selection: &Selection, border: &mut Border) {
        if let Some(column) = self.tell_trial {
            let out = border.info.f64_mut(column);
            for row in selection.rows() {
                out[row] = f64::from(self.ended[row]);
            }
        }
    }

    /// The running trial in words.
    pub(crate) fn caption(&self, row: usize) -> String {
        let running = (self.ended[row] + 1).min(self.trials);
        format!("trial {running} of {}", self.trials)
    }

    pub(crate) fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        let options = self.options[row].to_string();
        write_value(&(self.ended[row], self.just_ended[row], options), out)
    }

    pub(crate) fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        let (ended, just_ended, options): (u32, bool, &str) = read_value(bytes)?;
        if ended > self.trials {
            let message = format!("{ended} of {} trials have ended", self.trials);
            return Err(EnvError::Snapshot(message));
        }
        let options = serde_json::from_str(options);
        self.options[row] = options.map_err(|e| EnvError::Snapshot(e.to_string()))?;
        (self.ended[row], self.just_ended[row]) = (ended, just_ended);
        Ok(())
    }
}
