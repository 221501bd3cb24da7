//! Several trials of an environment as one episode, for agents that learn within an episode.
//!
//! *Duan et al., RL²: Fast Reinforcement Learning via Slow Reinforcement Learning, 2016, arXiv 1611.02779; Lu et al.,
//! Structured State Space Models for In-Context Reinforcement Learning, `NeurIPS` 2023, arXiv 2303.03982, whose meta
//! cart-pole has the flags that are shown here.*

pub(crate) mod rows;

use bevy_ecs::prelude::{Res, ResMut, Resource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use rows::{TrialRows, trial_info};

use super::{
    Wrapper,
    flat::{Flat, flat_observation},
    layer::incompatible,
};
use crate::{
    error::EnvError,
    sim::{
        Border, Builder, Enclosed, Encloses, Fault, Lanes, ResetOptions, RowState, Selection,
        StepSet,
    },
    space::Space,
};

/// How a trial after the first begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrialStart {
    /// As the first one did: what the environment draws at a reset (a start state, a maze, the payouts of a bandit)
    /// is drawn once for all trials of an episode. What it draws later differs from trial to trial.
    #[default]
    Same,
    /// With draws of its own.
    New,
}

/// What is shown beside the environment's observation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrialLayout {
    /// One `float32` vector: observation, whether a trial has just ended, whether the episode has just begun.
    #[default]
    Flat,
    /// A Dict with the fields `observation`, `trial_ended` and `start`.
    Dict,
    /// Nothing: the observation stays as it is.
    Plain,
}

/// Plays several trials of the environment, with the wrappers inside this one, as one episode, which terminates with
/// its last trial. A trial ends where the environment's episode would, by termination or by its time limit; the
/// observation is then the first one of the next trial, and after the last trial the environment's last one.
///
/// Wrappers inside see each trial as an episode of its own; wrappers outside see the trials as one. Two info fields
/// are told on request: `privileged.trial`, how many trials have ended, and `trial_return`, of which element j is the
/// return of trial j in the step that ends it, and NaN in all others (elements for each player in turn). Summed over
/// an episode it is the adaptation curve.
///
/// The first trial is the episode that the environment would play without this wrapper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trials {
    /// Trials of an episode, 1 to 10,000.
    pub trials: u32,
    /// How later trials begin; `same` unless set.
    #[serde(default)]
    pub start: TrialStart,
    /// What is shown beside the observation; `flat` unless set.
    #[serde(default)]
    pub layout: TrialLayout,
}

/// Most trials of an episode.
pub(crate) const MOST_TRIALS: u32 = 10_000;

/// How a player's observation is put together.
enum Shown {
    Flat(Flat),
    Dict,
    Plain,
}

/// The environment within, and the trials of all rows.
#[derive(Resource)]
struct Nest {
    inner: Enclosed,
    trials: TrialRows,
    shown: Vec<Shown>,
    /// Rows of the running pass.
    rows: Vec<usize>,
}

impl RowState for Nest {
    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        self.inner.save_row(row, out)?;
        self.trials.save_row(row, out)
    }

    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        self.inner.load_row(row, bytes)?;
        self.trials.load_row(row, bytes)
    }
}

impl Encloses for Nest {
    fn enclosed(&self) -> &[Enclosed] {
        std::slice::from_ref(&self.inner)
    }

    fn enclosed_mut(&mut self) -> &mut [Enclosed] {
        std::slice::from_mut(&mut self.inner)
    }
}

fn reset(
    mut nest: ResMut<Nest>,
    selection: Res<Selection>,
    lanes: Res<Lanes>,
    options: Res<ResetOptions>,
    mut fault: ResMut<Fault>,
) {
    let Nest { inner, trials, .. } = &mut *nest;
    let starts = selection.rows();
    let starts = starts.map(|row| trials.first(row, lanes.lane(row), options.row(row)));
    if let Err(error) = inner.reset(starts.collect()) {
        fault.report(error);
    }
}

fn simulate(
    mut nest: ResMut<Nest>,
    selection: Res<Selection>,
    lanes: Res<Lanes>,
    border: ResMut<Border>,
    mut fault: ResMut<Fault>,
) {
    let border = border.into_inner();
    let Nest {
        inner,
        trials,
        rows,
        ..
    } = &mut *nest;
    rows.clear();
    rows.extend(selection.rows());
    for (outer, own) in border.players.iter().zip(&mut inner.border_mut().players) {
        own.action_mut().copy_rows(rows, outer.env_action());
    }
    if let Err(error) = trials.step(inner, rows, &lanes, border) {
        fault.report(error);
    }
}

fn observe(nest: Res<Nest>, selection: Res<Selection>, border: ResMut<Border>) {
    let border = border.into_inner();
    let (inner, elapsed) = (nest.inner.border(), &border.elapsed);
    for ((player, own), shown) in border
        .players
        .iter_mut()
        .zip(&inner.players)
        .zip(&nest.shown)
    {
        for row in selection.rows() {
            player.acting[row] = own.acting[row];
            player.mask_row_mut(row).copy_from_slice(own.mask_row(row));
            let flags = [nest.trials.has_just_ended(row), elapsed[row] == 0];
            let (seen, out) = (own.observation(), player.env_observation_mut());
            match shown {
                Shown::Plain => out.copy_row(row, seen, row),
                Shown::Dict => {
                    out.copy_row(row, seen, row);
                    let first = seen.fields().len();
                    for (i, flag) in flags.into_iter().enumerate() {
                        out.i32_mut(first + i)[row] = i32::from(flag);
                    }
                }
                Shown::Flat(flat) => {
                    let width = flat.width + 2;
                    let out = &mut out.f32_mut(0)[row * width..(row + 1) * width];
                    let (head, tail) = out.split_at_mut(flat.width);
                    flat.write(seen, row, head);
                    tail.copy_from_slice(&flags.map(|flag| f32::from(u8::from(flag))));
                }
            }
        }
    }
    for row in selection.rows() {
        border.info.copy_row_at(row, 0, &inner.info, row);
    }
    nest.trials.tell(&selection, border);
}

impl Trials {
    /// What player `player` sees.
    fn compose(&self, builder: &Builder, player: usize) -> Result<(Space, Shown), EnvError> {
        let observation = &builder.spec().players[player].observation;
        Ok(match self.layout {
            TrialLayout::Plain => (observation.clone(), Shown::Plain),
            TrialLayout::Dict => {
                let fields = vec![
                    ("observation".to_owned(), observation.clone()),
                    ("trial_ended".to_owned(), Space::discrete(2)),
                    ("start".to_owned(), Space::discrete(2)),
                ];
                (Space::Dict(fields), Shown::Dict)
            }
            TrialLayout::Flat => {
                let flat = flat_observation(builder, player, Self::NAME)?;
                let low = [&flat.low[..], &[0.0; 2]].concat();
                let high = [&flat.high[..], &[1.0; 2]].concat();
                (Space::bounded(low, high), Shown::Flat(flat))
            }
        })
    }
}

impl Wrapper for Trials {
    const NAME: &'static str = "trials";
    const SUMMARY: &'static str = "Play several trials of the environment as one episode.";

    fn check(&self) -> Result<(), EnvError> {
        if (1..=MOST_TRIALS).contains(&self.trials) {
            return Ok(());
        }
        let message = format!("must lie in 1..={MOST_TRIALS}, found {}", self.trials);
        Err(EnvError::argument("trials", message))
    }

    fn apply(&self, builder: &mut Builder) -> Result<(), EnvError> {
        let [trial, trial_return] = trial_info(self.trials, builder.spec().players.len());
        if builder.spec().info_index(&trial.name).is_some() {
            let reason = "its episodes consist of trials already";
            return Err(incompatible(builder, Self::NAME, 0, reason));
        }
        let players = 0..builder.spec().players.len();
        let (spaces, shown): (Vec<_>, Vec<_>) = players
            .map(|player| self.compose(builder, player))
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .unzip();
        let inner = builder.enclose()?;
        let mut spec = (**inner.spec()).clone();
        for (player, space) in spec.players.iter_mut().zip(spaces) {
            player.observation = space;
        }
        let limit = spec.max_episode_steps;
        spec.max_episode_steps = limit.and_then(|steps| steps.checked_mul(self.trials));
        // First the environment's own fields, in its order.
        let offered = std::mem::take(&mut spec.info);
        builder.environment(spec);
        for field in offered {
            builder.offer_info(field);
        }
        let mut trials = TrialRows::new(self.trials, self.start, builder.rows());
        trials.tell_trial = builder.offer_info(trial);
        trials.tell_return = builder.offer_info(trial_return);
        builder.add_system(StepSet::Reset, reset);
        builder.add_system(StepSet::Simulate, simulate);
        builder.add_system(StepSet::Observe, observe);
        builder.set_renderer(|world, row| {
            let nest = world.get_resource::<Nest>()?;
            let picture = nest.inner.render(row)?;
            Some(format!("{picture}\n{}", nest.trials.caption(row)))
        });
        builder.insert_enclosing_resource(Nest {
            inner,
            trials,
            shown,
            rows: Vec::new(),
        });
        Ok(())
    }
}
