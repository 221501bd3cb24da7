//! Training curves of one trial: what is measured, and how it is written.
//!
//! Every `metrics_every_env_steps` environment steps a point is recorded for each key:
//!
//! | key | value |
//! |---|---|
//! | `charts/episodic_return`, `charts/episodic_length` | mean over the episodes that ended since the last point |
//! | `charts/episodes` | episodes ended so far |
//! | `charts/reward_per_step` | mean reward of a step since the last point |
//! | `charts/cumulative_reward` | total reward so far, mean over rows |
//! | `info/NAME` | as `charts/cumulative_reward`, for each info field with one element that is summed up |
//! | `charts/NAME/J` | element J, from 1, of a summed info field with several: mean of what was told since the last point (`charts/trial_return/2` is the mean return of second trials) |
//! | `eval/trial_return/J` | the same of evaluation episodes, as their mean |
//! | `agent/…` | whatever an agent reports |
//!
//! With several players, keys carry the player: `charts/PLAYER/…`. Nothing in here depends on the clock.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use palaestra_envs::sim::{Border, EnvSpec, InfoKind, Selection};
use serde::{Deserialize, Serialize};

/// One recorded value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricPoint {
    /// Environment steps made so far, over all rows.
    pub env_steps: u64,
    /// What is measured.
    pub key: String,
    /// The value.
    pub value: f64,
}

/// Running sums of one player.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct PlayerSums {
    /// Since the last point: ended episodes' returns, rewards of all rows.
    returns: f64,
    rewards: f64,
    /// Since the start.
    total_reward: f64,
    /// Returns of the episodes that ended in the last quarter.
    late_returns: f64,
}

/// Sum of what was told, and how often it was.
type Told = (f64, u64);

/// Collects the training curves of a trial; part of its checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    rows: usize,
    every: u64,
    next_point: u64,
    last_point: u64,
    env_steps: u64,
    prefixes: Vec<String>,
    players: Vec<PlayerSums>,
    /// Name, column in the border, running total.
    info: Vec<(String, usize, f64)>,
    /// Name, column in the border, and sums of the elements since the last point.
    elements: Vec<(String, usize, Vec<Told>)>,
    ended: u64,
    ended_total: u64,
    lengths: u64,
    /// From here on episodes count as late, and how many have.
    late_from: u64,
    late: u64,
    points: Vec<MetricPoint>,
}

/// Name, column in the border and width of the info fields that are summed up and were asked for.
pub(super) fn summed_up<'a>(
    spec: &'a EnvSpec,
    border: &'a Border,
) -> impl Iterator<Item = (&'a str, usize, usize)> {
    let summed = spec.info.iter().filter(|f| f.kind == InfoKind::Sum);
    summed.filter_map(|field| {
        let column = border.info.index_of(&field.name)?;
        Some((field.name.as_str(), column, border.info.width(column)))
    })
}

impl Metrics {
    /// Metrics of a run of `total` environment steps with a point after every `every` of them. `border` says
    /// how many rows there are and which info fields were asked for.
    pub fn new(spec: &EnvSpec, border: &Border, every: u64, total: u64) -> Self {
        let prefixes = spec.players.iter().map(|p| {
            if spec.players.len() == 1 {
                "charts".to_owned()
            } else {
                format!("charts/{}", p.name)
            }
        });
        let (mut info, mut elements) = (Vec::new(), Vec::new());
        for (field, column, width) in summed_up(spec, border) {
            match width {
                1 => info.push((field.to_owned(), column, 0.0)),
                _ => elements.push((field.to_owned(), column, vec![(0.0, 0); width])),
            }
        }
        Self {
            rows: border.rows(),
            every,
            next_point: every,
            last_point: 0,
            env_steps: 0,
            prefixes: prefixes.collect(),
            players: vec![PlayerSums::default(); spec.players.len()],
            info,
            elements,
            ended: 0,
            ended_total: 0,
            lengths: 0,
            late_from: total - total / 4,
            late: 0,
            points: Vec::new(),
        }
    }

    /// Takes in the step just made. Returns whether a point is due.
    pub fn step(&mut self, border: &Border, rows: &Selection) -> bool {
        for (sums, player) in self.players.iter_mut().zip(&border.players) {
            for run in rows.runs() {
                let reward = player.reward[run.clone()]
                    .iter()
                    .map(|&r| f64::from(r))
                    .sum::<f64>();
                sums.rewards += reward;
                sums.total_reward += reward;
            }
        }
        for (_, column, total) in &mut self.info {
            let values = border.info.f64(*column);
            for run in rows.runs() {
                // NaN marks what a step did not reveal.
                *total += values[run.clone()]
                    .iter()
                    .filter(|v| !v.is_nan())
                    .sum::<f64>();
            }
        }
        for (_, column, elements) in &mut self.elements {
            let (values, width) = (border.info.f64(*column), elements.len());
            for run in rows.runs() {
                for row in values[run.start * width..run.end * width].chunks(width) {
                    for ((sum, told), value) in elements.iter_mut().zip(row) {
                        if !value.is_nan() {
                            *sum += value;
                            *told += 1;
                        }
                    }
                }
            }
        }
        for run in rows.runs() {
            self.env_steps += run.len() as u64;
            for row in run.clone().filter(|&row| border.ended(row)) {
                let late = self.env_steps >= self.late_from;
                self.ended += 1;
                self.late += u64::from(late);
                self.lengths += u64::from(border.final_elapsed[row]);
                for (sums, player) in self.players.iter_mut().zip(&border.players) {
                    sums.returns += player.final_return[row];
                    sums.late_returns += if late { player.final_return[row] } else { 0.0 };
                }
            }
        }
        self.env_steps >= self.next_point
    }

    /// Environment steps made so far.
    pub fn env_steps(&self) -> u64 {
        self.env_steps
    }

    /// Records a point of every key, unless no step was made since the last one. Returns the number of points
    /// before it.
    pub fn record_point(&mut self, agent_metrics: &[(String, f64)]) -> usize {
        let first = self.points.len();
        let env_steps = self.env_steps;
        if env_steps == self.last_point {
            return first;
        }
        let steps = (env_steps - self.last_point) as f64;
        let mut push = |key: String, value: f64| {
            self.points.push(MetricPoint {
                env_steps,
                key,
                value,
            });
        };
        for (prefix, sums) in self.prefixes.iter().zip(&mut self.players) {
            if self.ended > 0 {
                push(
                    format!("{prefix}/episodic_return"),
                    sums.returns / self.ended as f64,
                );
            }
            push(format!("{prefix}/reward_per_step"), sums.rewards / steps);
            push(
                format!("{prefix}/cumulative_reward"),
                sums.total_reward / self.rows as f64,
            );
            sums.returns = 0.0;
            sums.rewards = 0.0;
        }
        for (name, _, total) in &self.info {
            push(format!("info/{name}"), total / self.rows as f64);
        }
        for (name, _, elements) in &mut self.elements {
            for (j, (sum, told)) in elements.iter_mut().enumerate() {
                if *told > 0 {
                    push(format!("charts/{name}/{}", j + 1), *sum / *told as f64);
                    (*sum, *told) = (0.0, 0);
                }
            }
        }
        self.ended_total += self.ended;
        if self.ended > 0 {
            push(
                "charts/episodic_length".into(),
                self.lengths as f64 / self.ended as f64,
            );
            push("charts/episodes".into(), self.ended_total as f64);
        }
        for (key, value) in agent_metrics {
            push(format!("agent/{key}"), *value);
        }
        self.ended = 0;
        self.lengths = 0;
        self.last_point = env_steps;
        while self.next_point <= env_steps {
            self.next_point += self.every;
        }
        first
    }

    /// Records a single value at the present step.
    pub fn record(&mut self, key: &str, value: f64) {
        self.points.push(MetricPoint {
            env_steps: self.env_steps,
            key: key.to_owned(),
            value,
        });
    }

    /// Mean return of player `player` over the episodes that ended in the last quarter of the run, if any did.
    pub fn late_return(&self, player: usize) -> Option<f64> {
        (self.late > 0).then(|| self.players[player].late_returns / self.late as f64)
    }

    /// Total reward of player `player` so far, mean over rows.
    pub fn total_reward(&self, player: usize) -> f64 {
        self.players[player].total_reward / self.rows as f64
    }

    /// Episodes ended up to the last point.
    pub fn episodes(&self) -> u64 {
        self.ended_total
    }

    /// Totals of the summed info fields so far, mean over rows.
    pub fn info_totals(&self) -> Vec<(String, f64)> {
        self.info
            .iter()
            .map(|(name, _, total)| (name.clone(), total / self.rows as f64))
            .collect()
    }

    /// All points so far.
    pub fn points(&self) -> &[MetricPoint] {
        &self.points
    }

    /// All points as a table: `env_steps`, `key`, `value`.
    ///
    /// # Errors
    /// Never for columns of equal length, which these are.
    pub fn table(&self) -> Result<RecordBatch, arrow_schema::ArrowError> {
        let steps = UInt64Array::from_iter_values(self.points.iter().map(|p| p.env_steps));
        let keys = StringArray::from_iter_values(self.points.iter().map(|p| p.key.as_str()));
        let values = Float64Array::from_iter_values(self.points.iter().map(|p| p.value));
        RecordBatch::try_from_iter([
            ("env_steps", Arc::new(steps) as ArrayRef),
            ("key", Arc::new(keys) as ArrayRef),
            ("value", Arc::new(values) as ArrayRef),
        ])
    }
}
