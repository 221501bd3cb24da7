//! Observations and actions that tasks of different spaces have in common.

use super::{TaskBorder, TaskSetArgs, tasks::Task};
use crate::{
    error::EnvError,
    sim::PlayerBorder,
    space::{ColumnData, Columns, DType, Space},
    wrappers::{flat::Flat, matrix::Matrix},
};

/// How a task takes the agent's action.
enum Takes {
    /// As it is.
    Same,
    /// The same number, counted from the task's first one.
    Choice { n: usize, start: i32 },
    /// The largest element that is allowed.
    Largest { n: usize, start: i32 },
    /// A vector within -1..=1, rescaled.
    Vector { low: Vec<f64>, high: Vec<f64> },
}

/// One task's part.
struct Part {
    seen: Flat,
    takes: Takes,
}

/// The common border.
pub(super) struct Common {
    projected: bool,
    /// Width of the task's part of the observation.
    width: usize,
    /// Bounds of that part.
    bounds: (Vec<f64>, Vec<f64>),
    action: Space,
    /// Flat form of the common action.
    acted: Flat,
    masks: bool,
    parts: Vec<Part>,
}

/// A space that holds text has no flat form.
fn flat(space: &Space, task: &Task) -> Result<Flat, EnvError> {
    Flat::of(space).ok_or_else(|| {
        let message = format!("`{}` holds text, which has no flat form", task.name);
        EnvError::argument("tasks", message)
    })
}

fn action_of(task: &Task) -> &Space {
    &task.spec.players[0].action
}

/// The number of choices and the first of them.
fn choices(space: &Space) -> Option<(usize, i32)> {
    match space {
        Space::Discrete { n, start } => Some((*n, *start)),
        _ => None,
    }
}

/// How a task takes vectors.
fn from_vector(task: &Task) -> Result<Takes, EnvError> {
    match action_of(task) {
        Space::Discrete { n, start } => Ok(Takes::Largest {
            n: *n,
            start: *start,
        }),
        Space::Box(b)
            if b.dtype != DType::Uint8
                && b.low.iter().chain(&b.high).all(|bound| bound.is_finite()) =>
        {
            Ok(Takes::Vector {
                low: b.low.clone(),
                high: b.high.clone(),
            })
        }
        _ => {
            let message = format!(
                "the actions of `{}` are neither real numbers within finite bounds nor a choice",
                task.name
            );
            Err(EnvError::argument("tasks", message))
        }
    }
}

impl Takes {
    /// Elements of the vector that the task takes.
    fn width(&self) -> usize {
        match self {
            Self::Same => 0,
            Self::Choice { n, .. } | Self::Largest { n, .. } => *n,
            Self::Vector { low, .. } => low.len(),
        }
    }
}

impl Common {
    /// The border of the given tasks.
    pub(super) fn of(args: &TaskSetArgs, tasks: &[Task]) -> Result<Self, EnvError> {
        let projected = args.border == TaskBorder::Projected;
        let first = action_of(&tasks[0]);
        let same = !projected && tasks.iter().all(|task| action_of(task) == first);
        let counts: Option<Vec<(usize, i32)>> =
            tasks.iter().map(|task| choices(action_of(task))).collect();
        let counts = counts.filter(|_| !projected && !same);
        let mut parts = Vec::with_capacity(tasks.len());
        for (i, task) in tasks.iter().enumerate() {
            let takes = match &counts {
                _ if same => Takes::Same,
                Some(counts) => Takes::Choice {
                    n: counts[i].0,
                    start: counts[i].1,
                },
                None => from_vector(task)?,
            };
            let seen = flat(&task.spec.players[0].observation, task)?;
            parts.push(Part { seen, takes });
        }
        let widest = |width: fn(&Part) -> usize| parts.iter().map(width).max().unwrap_or(0);
        let action = if same {
            first.clone()
        } else if counts.is_some() {
            Space::discrete(widest(|part| part.takes.width()))
        } else if projected {
            Space::vector(args.action_dimensions, -1.0, 1.0)
        } else {
            Space::vector(widest(|part| part.takes.width()), -1.0, 1.0)
        };
        let own_masks = || tasks.iter().any(|task| task.spec.players[0].action_mask);
        let (width, bounds) = if projected {
            let width = args.observation_dimensions;
            let infinity = f64::INFINITY;
            (width, (vec![-infinity; width], vec![infinity; width]))
        } else {
            let width = widest(|part| part.seen.width);
            (width, padded_bounds(&parts, width))
        };
        Ok(Self {
            projected,
            width,
            bounds,
            acted: flat(&action, &tasks[0])?,
            masks: counts.is_some() || (same && own_masks()),
            action,
            parts,
        })
    }

    pub(super) fn action(&self) -> &Space {
        &self.action
    }

    /// Whether each task and state allows only some of the actions.
    pub(super) fn masks(&self) -> bool {
        self.masks
    }

    /// The observation; with the range of rewards also what is appended.
    pub(super) fn observation(&self, rewards: Option<(f64, f64)>) -> Space {
        let (mut low, mut high) = self.bounds.clone();
        if let Some((least, most)) = rewards {
            // Before the first action zeros stand for it.
            low.extend(self.acted.low.iter().map(|x| x.min(0.0)));
            high.extend(self.acted.high.iter().map(|x| x.max(0.0)));
            low.extend([least.min(0.0), 0.0, 0.0]);
            high.extend([most.max(0.0), 1.0, 1.0]);
        }
        Space::bounded(low, high)
    }

    /// Elements of the whole observation.
    pub(super) fn observation_width(&self, context: bool) -> usize {
        self.width + if context { self.acted.width + 3 } else { 0 }
    }

    /// Sizes `(outputs, inputs)` of a task's maps of observations and actions; none if there are no maps.
    pub(super) fn map_sizes(&self, task: usize) -> Option<[(usize, usize); 2]> {
        let part = &self.parts[task];
        self.projected.then(|| {
            [
                (self.width, part.seen.width),
                (part.takes.width(), self.action.width()),
            ]
        })
    }

    /// Writes the task's part of the observation of row `row`, and what is appended, to `out`.
    pub(super) fn show(
        &self,
        (task, row): (usize, usize),
        seen: &Columns,
        map: &Matrix,
        scratch: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        let flat = &self.parts[task].seen;
        let (out, _) = out.split_at_mut(self.width);
        if self.projected {
            scratch.resize(flat.width, 0.0);
            flat.write(seen, row, scratch);
            map.multiply(scratch, out);
        } else {
            let (head, padding) = out.split_at_mut(flat.width);
            flat.write(seen, row, head);
            padding.fill(0.0);
        }
    }

    /// Writes the last action (none before the first), last reward and flags after the task's part.
    pub(super) fn append(
        &self,
        row: usize,
        action: Option<&Columns>,
        reward: f32,
        flags: [bool; 2],
        out: &mut [f32],
    ) {
        let (_, out) = out.split_at_mut(self.width);
        let (last, rest) = out.split_at_mut(self.acted.width);
        match action {
            Some(action) => self.acted.write(action, row, last),
            None => last.fill(0.0),
        }
        let [ended, start] = flags.map(|flag| f32::from(u8::from(flag)));
        rest.copy_from_slice(&[reward, ended, start]);
    }

    /// Writes the mask of row `row`.
    pub(super) fn mask(&self, task: usize, own: &[u8], out: &mut [u8]) {
        let allowed = if own.is_empty() {
            self.parts[task].takes.width()
        } else {
            own.len()
        };
        let (head, rest) = match self.parts[task].takes {
            Takes::Same if own.is_empty() => (out, &mut [][..]),
            _ => out.split_at_mut(allowed),
        };
        if own.is_empty() {
            head.fill(1);
        } else {
            head.copy_from_slice(own);
        }
        rest.fill(0);
    }

    /// Hands the agent's action in row `row` on to the task's own border.
    pub(super) fn act(
        &self,
        (task, row): (usize, usize),
        action: &Columns,
        map: &Matrix,
        scratch: &mut Vec<f32>,
        own: &mut PlayerBorder,
    ) {
        let takes = &self.parts[task].takes;
        match takes {
            Takes::Same => own.action_mut().copy_row(row, action, row),
            Takes::Choice { start, .. } => {
                own.action_mut().i32_mut(0)[row] = action.i32(0)[row] + start;
            }
            Takes::Largest { .. } | Takes::Vector { .. } => {
                let width = self.action.width();
                let chosen = &action.f32(0)[row * width..(row + 1) * width];
                scratch.clear();
                if self.projected {
                    scratch.resize(takes.width(), 0.0);
                    map.multiply(chosen, scratch);
                } else {
                    scratch.extend_from_slice(&chosen[..takes.width()]);
                }
                take(takes, row, scratch, own);
            }
        }
    }
}

/// Writes the vector `values` as the task takes it.
fn take(takes: &Takes, row: usize, values: &[f32], own: &mut PlayerBorder) {
    match takes {
        Takes::Largest { start, .. } => {
            let mask = own.mask_row(row);
            let allowed = |i: usize| mask.get(i).is_none_or(|&bit| bit == 1);
            let best = (0..values.len()).filter(|&i| allowed(i));
            let best = best.reduce(|a, b| if values[b] > values[a] { b } else { a });
            own.action_mut().i32_mut(0)[row] = best.unwrap_or(0) as i32 + start;
        }
        Takes::Vector { low, high } => {
            let column = &mut own.action_mut().fields_mut()[0];
            for (i, at) in (row * column.width..(row + 1) * column.width).enumerate() {
                let share = 0.5 * (f64::from(values[i].clamp(-1.0, 1.0)) + 1.0);
                let value = low[i] + share * (high[i] - low[i]);
                match &mut column.data {
                    ColumnData::F32(v) => {
                        v[at] = (value as f32).max(low[i] as f32).min(high[i] as f32);
                    }
                    ColumnData::F64(v) => v[at] = value.max(low[i]).min(high[i]),
                    ColumnData::I32(_) | ColumnData::U8(_) | ColumnData::Text(_) => {}
                }
            }
        }
        Takes::Same | Takes::Choice { .. } => {}
    }
}

/// The bounds within which the elements of every task lie, zeros after its own included.
fn padded_bounds(parts: &[Part], width: usize) -> (Vec<f64>, Vec<f64>) {
    let hull = |start: f64, nearer: fn(f64, f64) -> f64, of: fn(&Part) -> &[f64]| -> Vec<f64> {
        let element = |i: usize| {
            let bounds = parts
                .iter()
                .map(|part| of(part).get(i).copied().unwrap_or(0.0));
            bounds.fold(start, nearer)
        };
        (0..width).map(element).collect()
    };
    (
        hull(f64::INFINITY, f64::min, |part| &part.seen.low),
        hull(f64::NEG_INFINITY, f64::max, |part| &part.seen.high),
    )
}
