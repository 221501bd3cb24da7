//! The states of a shard's rows and the systems that move them: pay, move, observe, reset.

use std::{ops::Range, sync::Arc};

use bevy_ecs::prelude::{Res, ResMut, Resource};
use serde_json::Value;

use super::Choice;
use crate::{
    bandits::{Instance, NoiseConfig, noise::payoff_bits},
    error::EnvError,
    sim::{
        Border, Fault, Lanes, ResetOptions, RowState, Selection, StreamId, read_value, write_value,
    },
    space::Columns,
};

/// What the systems of a shard share; never changes.
#[derive(Debug, Resource)]
pub(super) struct Hosted {
    pub(super) instance: Arc<Instance>,
    pub(super) payoff_stream: StreamId,
    pub(super) choice: Choice,
    pub(super) hide_state: bool,
    pub(super) told: Told,
}

/// The columns of the info fields that were asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) payoffs: Option<usize>,
    pub(super) expected: Option<usize>,
    pub(super) means: Option<usize>,
    pub(super) states: Option<usize>,
}

/// The states `τ` of all rows, `[rows, arms]`.
#[derive(Debug, Resource)]
pub(super) struct States {
    instance: Arc<Instance>,
    tau: Vec<i16>,
}

impl States {
    pub(super) fn new(instance: Arc<Instance>, rows: usize) -> Self {
        let tau = instance.start().repeat(rows);
        Self { instance, tau }
    }

    /// The states of row `row`, one for each arm.
    pub(super) fn row(&self, row: usize) -> &[i16] {
        let arms = self.instance.num_arms();
        &self.tau[row * arms..(row + 1) * arms]
    }

    fn row_mut(&mut self, row: usize) -> &mut [i16] {
        let arms = self.instance.num_arms();
        &mut self.tau[row * arms..(row + 1) * arms]
    }
}

impl RowState for States {
    fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        write_value(self.row(row), out)
    }

    fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        let tau: Vec<i16> = read_value(bytes)?;
        check_states(&self.instance, &tau).map_err(EnvError::Snapshot)?;
        self.row_mut(row).copy_from_slice(&tau);
        Ok(())
    }
}

/// Whether there is one state for each arm, and each is a state of its arm.
fn check_states(instance: &Instance, tau: &[i16]) -> Result<(), String> {
    let arms = instance.num_arms();
    if tau.len() != arms {
        return Err(format!("{} states for {arms} arms", tau.len()));
    }
    let caps = (0..arms).map(|arm| instance.caps(arm));
    let wrong = caps
        .zip(tau)
        .enumerate()
        .find(|(_, (caps, tau))| !caps.contains(**tau));
    match wrong {
        None => Ok(()),
        Some((arm, (caps, tau))) => Err(format!(
            "{tau} is not a state of arm {arm} (-{}..=-1 or 1..={})",
            caps.played, caps.idle
        )),
    }
}

/// Starts an episode in the selected rows.
pub(super) fn reset(
    hosted: Res<Hosted>,
    selection: Res<Selection>,
    options: Res<ResetOptions>,
    mut states: ResMut<States>,
    mut border: ResMut<Border>,
    mut fault: ResMut<Fault>,
) {
    let instance = &hosted.instance;
    for row in selection.rows() {
        states.row_mut(row).copy_from_slice(instance.start());
        if !options.is_empty() {
            match given_states(options.row(row), instance) {
                Ok(None) => {}
                Ok(Some(tau)) => states.row_mut(row).copy_from_slice(&tau),
                Err(message) => fault.report(EnvError::Options { row, message }),
            }
        }
        // What the last step of an episode paid is still told beside the next episode's first observation.
        if !border.ended(row) {
            if let Some(column) = hosted.told.payoffs {
                let arms = instance.num_arms();
                border.info.f64_mut(column)[row * arms..(row + 1) * arms].fill(f64::NAN);
            }
            if let Some(column) = hosted.told.expected {
                border.info.f64_mut(column)[row] = 0.0;
            }
        }
    }
}

/// The reset option `state`: a state for each arm.
fn given_states(options: &Value, instance: &Instance) -> Result<Option<Vec<i16>>, String> {
    let Some(object) = options.as_object() else {
        return if options.is_null() {
            Ok(None)
        } else {
            Err(format!("expected an object, found {options}"))
        };
    };
    if let Some(key) = object.keys().find(|key| *key != "state") {
        return Err(format!("unknown option `{key}`; the only one is `state`"));
    }
    let Some(value) = object.get("state") else {
        return Ok(None);
    };
    let tau: Option<Vec<i16>> = value
        .as_array()
        .and_then(|list| list.iter().map(whole_number).collect());
    let tau = tau.ok_or_else(|| {
        let arms = instance.num_arms();
        format!("`state` must be a list of {arms} whole numbers, found {value}")
    })?;
    check_states(instance, &tau).map_err(|problem| format!("`state`: {problem}"))?;
    Ok(Some(tau))
}

/// A whole number, also if it is written as `3.0`, as an observation is.
fn whole_number(value: &Value) -> Option<i16> {
    let number = value.as_f64().filter(|x| x.fract() == 0.0)?;
    (i16::try_from(number as i64)).ok()
}

/// Calls `f(row, arm)` for each play of the rows `run`, in order.
#[inline(always)]
fn for_each_play(
    choice: Choice,
    actions: &Columns,
    arms: usize,
    run: Range<usize>,
    mut f: impl FnMut(usize, usize),
) {
    match choice {
        Choice::Arm | Choice::ArmOrIdle => {
            for (row, &arm) in run.clone().zip(&actions.i32(0)[run]) {
                // Idling is the number after the last arm.
                if (arm as usize) < arms {
                    f(row, arm as usize);
                }
            }
        }
        Choice::Subset => {
            let bits = &actions.u8(0)[run.start * arms..run.end * arms];
            for (row, bits) in run.zip(bits.chunks_exact(arms)) {
                for (arm, _) in bits.iter().enumerate().filter(|(_, bit)| **bit != 0) {
                    f(row, arm);
                }
            }
        }
    }
}

/// Tells the sum of the mean payoffs of the arms that are about to be played.
pub(super) fn tell_expected_payoff(
    hosted: Res<Hosted>,
    selection: Res<Selection>,
    states: Res<States>,
    border: ResMut<Border>,
) {
    let Some(column) = hosted.told.expected else {
        return;
    };
    let border = border.into_inner();
    let expected = border.info.f64_mut(column);
    let actions = border.players[0].env_action();
    let instance = &*hosted.instance;
    for run in selection.runs() {
        expected[run.clone()].fill(0.0);
        for_each_play(
            hosted.choice,
            actions,
            instance.num_arms(),
            run.clone(),
            |row, arm| {
                expected[row] += instance.mean(arm, states.row(row)[arm]);
            },
        );
    }
}

/// Pays the arms played, in the states before they move.
pub(super) fn pay(
    hosted: Res<Hosted>,
    selection: Res<Selection>,
    lanes: Res<Lanes>,
    states: Res<States>,
    border: ResMut<Border>,
) {
    // One kernel for each kind of noise: the kind is known within the loop.
    let border = border.into_inner();
    let (hosted, selection, lanes, states) = (&*hosted, &*selection, &*lanes, &*states);
    match hosted.instance.noise() {
        NoiseConfig::None => pay_rows(hosted, selection, lanes, states, border, |mean, _| mean),
        NoiseConfig::Bernoulli => {
            pay_rows(hosted, selection, lanes, states, border, |mean, draw| {
                NoiseConfig::Bernoulli.payoff(mean, draw.bits())
            });
        }
        noise @ NoiseConfig::Gaussian { .. } => {
            pay_rows(hosted, selection, lanes, states, border, |mean, draw| {
                noise.payoff(mean, draw.bits())
            });
        }
    }
}

/// Where the randomness of one payoff comes from.
struct Draw<'a> {
    lanes: &'a Lanes,
    hosted: &'a Hosted,
    row: usize,
    round: u32,
    arm: usize,
}

impl Draw<'_> {
    #[inline(always)]
    fn bits(&self) -> [u32; 4] {
        let key = self.lanes.key(self.hosted.payoff_stream, self.row);
        payoff_bits(
            key,
            self.lanes.episode(self.row),
            self.round,
            self.arm as u32,
        )
    }
}

#[inline(always)]
fn pay_rows(
    hosted: &Hosted,
    selection: &Selection,
    lanes: &Lanes,
    states: &States,
    border: &mut Border,
    payoff: impl Fn(f32, &Draw<'_>) -> f32,
) {
    let instance = &*hosted.instance;
    let arms = instance.num_arms();
    let elapsed = &border.elapsed;
    let mut payoffs = hosted
        .told
        .payoffs
        .map(|column| border.info.f64_mut(column));
    let (actions, reward) = border.players[0].action_and_reward();
    for run in selection.runs() {
        reward[run.clone()].fill(0.0);
        if let Some(payoffs) = &mut payoffs {
            payoffs[run.start * arms..run.end * arms].fill(f64::NAN);
        }
        for_each_play(hosted.choice, actions, arms, run.clone(), |row, arm| {
            let mean = instance.mean_f32(arm, states.row(row)[arm]);
            let draw = Draw {
                lanes,
                hosted,
                row,
                round: elapsed[row],
                arm,
            };
            let paid = payoff(mean, &draw);
            reward[row] += paid;
            if let Some(payoffs) = &mut payoffs {
                payoffs[row * arms + arm] = f64::from(paid);
            }
        });
    }
}

/// Moves the states by one round.
pub(super) fn move_states(
    hosted: Res<Hosted>,
    selection: Res<Selection>,
    mut states: ResMut<States>,
    border: Res<Border>,
) {
    let instance = &*hosted.instance;
    let arms = instance.num_arms();
    let actions = border.players[0].env_action();
    for run in selection.runs() {
        let tau = &mut states.tau[run.start * arms..run.end * arms];
        match hosted.choice {
            Choice::Arm | Choice::ArmOrIdle => {
                let plays = &actions.i32(0)[run.clone()];
                for (tau, &arm) in tau.chunks_exact_mut(arms).zip(plays) {
                    if (arm as usize) < arms {
                        instance.play_one(tau, arm as usize);
                    } else {
                        instance.idle_row(tau);
                    }
                }
            }
            Choice::Subset => {
                let bits = &actions.u8(0)[run.start * arms..run.end * arms];
                for (tau, bits) in tau.chunks_exact_mut(arms).zip(bits.chunks_exact(arms)) {
                    instance.play_row(tau, |arm| bits[arm] != 0, |_, _| ());
                }
            }
        }
    }
}

/// Shows the states. With hidden states there is nothing to write: the observation is 0 from the beginning.
pub(super) fn observe(
    hosted: Res<Hosted>,
    selection: Res<Selection>,
    states: Res<States>,
    mut border: ResMut<Border>,
) {
    if hosted.hide_state {
        return;
    }
    let arms = hosted.instance.num_arms();
    let observation = border.players[0].env_observation_mut().f32_mut(0);
    for run in selection.runs() {
        let run = run.start * arms..run.end * arms;
        for (shown, &tau) in observation[run.clone()].iter_mut().zip(&states.tau[run]) {
            *shown = f32::from(tau);
        }
    }
}

/// Masks the arms that would pay nothing.
pub(super) fn mask(
    hosted: Res<Hosted>,
    selection: Res<Selection>,
    states: Res<States>,
    mut border: ResMut<Border>,
) {
    let instance = &*hosted.instance;
    let player = &mut border.players[0];
    for row in selection.rows() {
        let (tau, mask) = (states.row(row), player.mask_row_mut(row));
        if hosted.choice == Choice::ArmOrIdle {
            // Idling, the last entry, is always allowed, so that all arms may be masked at once.
            for (arm, (mask, &tau)) in mask.iter_mut().zip(tau).enumerate() {
                *mask = u8::from(instance.mean_f32(arm, tau) > 0.0);
            }
        } else {
            instance.available_row(tau, mask);
        }
    }
}

/// Tells the states and what a play of each arm would pay on average.
pub(super) fn tell_state(
    hosted: Res<Hosted>,
    selection: Res<Selection>,
    states: Res<States>,
    mut border: ResMut<Border>,
) {
    let instance = &*hosted.instance;
    let arms = instance.num_arms();
    for run in selection.runs() {
        let run = run.start * arms..run.end * arms;
        let tau = &states.tau[run.clone()];
        if let Some(column) = hosted.told.means {
            let means = &mut border.info.f64_mut(column)[run.clone()];
            for (means, tau) in means.chunks_exact_mut(arms).zip(tau.chunks_exact(arms)) {
                for (arm, (mean, &tau)) in means.iter_mut().zip(tau).enumerate() {
                    *mean = instance.mean(arm, tau);
                }
            }
        }
        if let Some(column) = hosted.told.states {
            for (told, &tau) in border.info.f64_mut(column)[run].iter_mut().zip(tau) {
                *told = f64::from(tau);
            }
        }
    }
}
