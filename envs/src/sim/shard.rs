//! One world with its rows, stepped on one thread.

use std::{any::Any, ops::Range, sync::Arc};

use bevy_ecs::{
    prelude::{ResMut, World},
    schedule::Schedule,
    system::SystemState,
};
use multiversion::multiversion;
use serde_json::Value;

use super::{
    Autoreset, Border, Builder, EnvSpec, Lane, Lanes, Plugin, ResetOptions, RowState, Selection,
    Turns,
    batch::Fault,
    builder::{Renderer, Viewer},
    repeat::RepeatedAction,
    row,
    state::{StatePart, read_value, write_value},
};
use crate::error::EnvError;

/// Most rows that go through a whole step together. Few enough for their columns to stay in a core's own cache
/// from one system to the next, many enough for the cost of running the schedules not to show.
const BLOCK: usize = 4096;

/// A part of the batch: a world, its schedules, and what must happen between them.
pub(super) struct Shard {
    world: World,
    spec: Arc<EnvSpec>,
    act: Schedule,
    simulate: Schedule,
    finish: Schedule,
    reset: Schedule,
    parts: Vec<Box<dyn StatePart>>,
    carried: Vec<Box<dyn StatePart>>,
    renderer: Option<Renderer>,
    viewer: Option<Viewer>,
    autoreset: Autoreset,
    /// What an action that is repeated adds up; `None` if each action makes one step.
    repeat: Option<RepeatedAction>,
    has_act_systems: bool,
    /// The carried state of each row as it was when its running episode began.
    carried_at_start: Vec<Vec<u8>>,
    /// Rows that must be reset before they are simulated again.
    pending: Vec<bool>,
    any_pending: bool,
    started: bool,
    /// Finds border and selection in the world without looking up their types.
    access: SystemState<(ResMut<'static, Border>, ResMut<'static, Selection>)>,
    /// Scratch: rows that ended in this step, and rows that are reset in it instead of stepped.
    ended: Vec<usize>,
    waiting: Vec<usize>,
}

impl Shard {
    pub(super) fn new(
        plugins: &[Box<dyn Plugin>],
        rows: usize,
        seed: u64,
        first_lane: u64,
        autoreset: Autoreset,
        requested_info: &[String],
    ) -> Result<Self, EnvError> {
        let mut builder = Builder::new(rows, requested_info);
        builder.privileged_info = plugins.iter().any(Plugin::reads_privileged);
        for plugin in plugins {
            plugin.build(&mut builder)?;
        }
        Self::of(builder, seed, first_lane, autoreset)
    }

    /// What `builder` has collected.
    pub(super) fn of(
        builder: Builder,
        seed: u64,
        first_lane: u64,
        autoreset: Autoreset,
    ) -> Result<Self, EnvError> {
        let rows = builder.rows();
        let has_act_systems = builder.has_act_systems();
        let mut parts = builder.finish()?;
        let mut world = std::mem::take(&mut parts.world);
        world.insert_resource(Border::new(rows, &parts.spec, parts.info, &parts.stages));
        world.insert_resource(Lanes::new(seed, first_lane, rows, &parts.purposes));
        world.insert_resource(ResetOptions::default());
        world.insert_resource(Fault::default());
        let border = world.resource::<Border>();
        let repeat = (parts.action_repeat > 1)
            .then(|| RepeatedAction::new(parts.action_repeat, &parts.spec, border));
        let access = SystemState::new(&mut world);
        let mut shard = Self {
            world,
            access,
            spec: Arc::new(parts.spec),
            act: parts.act,
            simulate: parts.simulate,
            finish: parts.finish,
            reset: parts.reset,
            parts: parts.parts,
            carried: parts.carried,
            renderer: parts.renderer,
            viewer: parts.viewer,
            autoreset,
            repeat,
            has_act_systems,
            carried_at_start: vec![Vec::new(); rows],
            pending: vec![true; rows],
            any_pending: true,
            started: false,
            ended: Vec::with_capacity(rows),
            waiting: Vec::with_capacity(rows),
        };
        shard.remember_carried()?;
        Ok(shard)
    }

    pub(super) fn spec(&self) -> &Arc<EnvSpec> {
        &self.spec
    }

    pub(super) fn border(&self) -> &Border {
        self.world.resource::<Border>()
    }

    pub(super) fn border_mut(&mut self) -> &mut Border {
        self.world.resource_mut::<Border>().into_inner()
    }

    pub(super) fn lane(&self, row: usize) -> Lane {
        self.world.resource::<Lanes>().lane(row)
    }

    pub(super) fn row_state<S: Send + Sync + 'static>(&self, row: usize) -> Option<&S> {
        row::state(&self.world, row)
    }

    pub(super) fn render(&self, row: usize) -> Option<String> {
        self.renderer
            .as_ref()
            .and_then(|render| render(&self.world, row))
    }

    pub(super) fn view(&self, row: usize) -> Option<Box<dyn Any>> {
        self.viewer.as_ref().and_then(|view| view(&self.world, row))
    }

    /// Starts an episode in each given row (ascending), of the given lane or the row's next one.
    pub(super) fn reset_rows(
        &mut self,
        rows: &[(usize, Option<Lane>, Value)],
    ) -> Result<(), EnvError> {
        let first = !self.started;
        let mut lanes = self.world.resource_mut::<Lanes>();
        let before: Vec<Lane> = rows.iter().map(|(row, _, _)| lanes.lane(*row)).collect();
        for (row, lane, _) in rows {
            match lane {
                Some(lane) => lanes.set(*row, *lane),
                // Before the first reset no episode has been used up.
                None if self.pending[*row] && first => {}
                None => lanes.next_episodes(&[*row]),
            }
        }
        let given = rows
            .iter()
            .filter(|(_, _, o)| !o.is_null())
            .map(|(r, _, o)| (*r, o.clone()));
        self.world.resource_mut::<ResetOptions>().0 = given.collect();
        self.world
            .resource_mut::<Selection>()
            .set(rows.iter().map(|(row, _, _)| *row));
        let border = self.world.resource_mut::<Border>().into_inner();
        for (row, _, _) in rows {
            clear_rows(border, &[*row]);
            clear_transition(border, *row);
            self.pending[*row] = false;
        }
        self.any_pending = self.pending.contains(&true);
        self.started = !self.any_pending || self.started;
        let outcome = self.run_reset();
        self.world.resource_mut::<ResetOptions>().0.clear();
        if outcome.is_err() {
            // These rows have no episode now: they wait for a reset that succeeds, of the same lanes.
            self.started &= !first;
            self.any_pending = true;
            let mut lanes = self.world.resource_mut::<Lanes>();
            for ((row, _, _), lane) in rows.iter().zip(before) {
                lanes.set(*row, lane);
                self.pending[*row] = true;
            }
        }
        outcome
    }

    /// Runs the reset systems on the selected rows.
    fn run_reset(&mut self) -> Result<(), EnvError> {
        self.remember_carried()?;
        self.reset.run(&mut self.world);
        self.world.resource_mut::<Selection>().set_all();
        self.take_fault()
    }

    /// Notes the carried state of the selected rows, whose episodes are about to begin.
    fn remember_carried(&mut self) -> Result<(), EnvError> {
        if self.carried.is_empty() {
            return Ok(());
        }
        for row in self.world.resource::<Selection>().rows() {
            let bytes = &mut self.carried_at_start[row];
            bytes.clear();
            for part in &self.carried {
                part.save(&self.world, row, bytes)?;
            }
        }
        Ok(())
    }

    /// Chooses the rows of a step, all or the given ones (ascending), and refuses wrong actions. Changes nothing: either [`advance`](Self::advance)
    /// or [`cancel`](Self::cancel) must follow.
    pub(super) fn prepare(&mut self, rows: Option<&[usize]>) -> Result<(), EnvError> {
        self.select_for_step(rows)?;
        let spec = self.spec.clone();
        let outcome = self.with_border(|border, selection| border.check_actions(&spec, selection));
        outcome.inspect_err(|_| self.cancel())
    }

    /// Takes a prepared step back.
    pub(super) fn cancel(&mut self) {
        self.world.resource_mut::<Selection>().set_all();
    }

    /// Makes the prepared step.
    pub(super) fn advance(&mut self, rows: Option<&[usize]>) -> Result<(), EnvError> {
        let total = self.pending.len();
        // Rows that wait for the next step to be reset are looked for in the whole shard.
        let waiting = self.any_pending || self.autoreset == Autoreset::NextStep;
        if total <= BLOCK || rows.is_some() || waiting {
            return self.advance_selected(rows);
        }
        let mut outcome = Ok(());
        for start in (0..total).step_by(BLOCK) {
            let block = start..(start + BLOCK).min(total);
            self.world.resource_mut::<Selection>().set_run(block);
            outcome = outcome.and(self.advance_selected(rows));
        }
        self.world.resource_mut::<Selection>().set_all();
        outcome
    }

    /// Makes one step of the selected rows.
    fn advance_selected(&mut self, asked: Option<&[usize]>) -> Result<(), EnvError> {
        self.begin_transition();
        if self.has_act_systems {
            self.act.run(&mut self.world);
        }
        if let Some(repeat) = self.repeat.take() {
            self.repeat = Some(self.simulate_repeatedly(repeat));
        } else {
            self.simulate.run(&mut self.world);
            self.settle();
        }
        self.finish.run(&mut self.world);
        let fault = self.take_fault();
        self.end_episodes(asked).and(fault)
    }

    /// What a system has reported since the last time.
    fn take_fault(&mut self) -> Result<(), EnvError> {
        let fault = self.world.resource_mut::<Fault>().into_inner();
        fault.0.take().map_or(Ok(()), Err)
    }

    /// Chooses the rows to simulate: those asked for, without those that are only reset in this step.
    fn select_for_step(&mut self, rows: Option<&[usize]>) -> Result<(), EnvError> {
        if !self.any_pending && rows.is_none() {
            return Ok(()); // Everything is selected between steps.
        }
        if !self.started {
            return Err(EnvError::StepBeforeReset);
        }
        if self.autoreset != Autoreset::NextStep && self.any_pending {
            let stepped = |row: &usize| rows.is_none_or(|rows| rows.binary_search(row).is_ok());
            let pending = self.pending.iter().enumerate();
            if let Some((row, _)) = pending.filter(|(_, p)| **p).find(|(row, _)| stepped(row)) {
                return Err(EnvError::StepAfterEnd { row });
            }
        }
        let pending = &self.pending;
        let mut selection = self.world.resource_mut::<Selection>();
        match rows {
            None => selection.set((0..pending.len()).filter(|&row| !pending[row])),
            Some(rows) => selection.set(rows.iter().copied().filter(|&row| !pending[row])),
        }
        Ok(())
    }

    /// Puts down old flags and notes who acts.
    fn begin_transition(&mut self) {
        let changing = self.spec.turns == Turns::Changing;
        self.with_border(|border, selection| {
            for run in selection.runs() {
                border.truncated[run.clone()].fill(false);
                if changing {
                    for p in &mut border.players {
                        p.acted[run.clone()].copy_from_slice(&p.acting[run.clone()]);
                    }
                }
            }
        });
    }

    /// Runs `f` on the border and the present selection, which `f` may change.
    fn with_border<T>(&mut self, f: impl FnOnce(&mut Border, &mut Selection) -> T) -> T {
        let (border, selection) = self
            .access
            .get_mut(&mut self.world)
            .expect("both were inserted when the shard was built and are never removed");
        f(border.into_inner(), selection.into_inner())
    }

    /// After each environment step: time, time limit, returns.
    fn settle(&mut self) {
        let limit = self.spec.max_episode_steps.unwrap_or(u32::MAX);
        self.with_border(|border, selection| {
            for run in selection.runs() {
                settle_flags(
                    &border.terminated[run.clone()],
                    &mut border.truncated[run.clone()],
                    &mut border.elapsed[run.clone()],
                    limit,
                );
                for p in &mut border.players {
                    add_rewards(&mut p.episode_return[run.clone()], &p.reward[run.clone()]);
                }
            }
        });
    }

    /// Repeats the action until the repeats are used up or the row's episode ends.
    fn simulate_repeatedly(&mut self, mut repeat: RepeatedAction) -> RepeatedAction {
        self.with_border(|border, selection| repeat.begin(selection, border));
        for _ in 0..repeat.times {
            self.simulate.run(&mut self.world);
            self.settle();
            let goes_on = self.with_border(|border, selection| {
                repeat.add(selection, border);
                repeat.select_running(selection, border)
            });
            if !goes_on {
                break;
            }
        }
        self.with_border(|border, selection| repeat.finish(selection, border));
        repeat
    }

    /// Settles the rows whose episode ended in this step, and starts the episodes that are due.
    fn end_episodes(&mut self, asked: Option<&[usize]>) -> Result<(), EnvError> {
        let mut ended = std::mem::take(&mut self.ended);
        ended.clear();
        self.with_border(|border, selection| {
            for run in selection.runs() {
                collect_ended(border, run.clone(), &mut ended);
            }
            for &row in &ended {
                border.final_elapsed[row] = border.elapsed[row];
            }
            for p in &mut border.players {
                let last = &p.observations[p.observations.len() - 1];
                p.final_observation.copy_rows(&ended, last);
                for &row in &ended {
                    p.final_return[row] = p.episode_return[row];
                }
            }
        });
        let outcome = match self.autoreset {
            Autoreset::SameStep => self.start_next_episodes(&ended),
            Autoreset::NextStep => {
                let due = |row: &usize| asked.is_none_or(|rows| rows.binary_search(row).is_ok());
                let mut waiting = std::mem::take(&mut self.waiting);
                waiting.clear();
                let pending = (0..self.pending.len()).filter(|&row| self.pending[row]);
                waiting.extend(pending.filter(due));
                for &row in &waiting {
                    clear_transition(self.border_mut(), row);
                    self.pending[row] = false;
                }
                let outcome = self.start_next_episodes(&waiting);
                self.waiting = waiting;
                ended.iter().for_each(|&row| self.pending[row] = true);
                self.any_pending = self.pending.contains(&true);
                outcome
            }
            Autoreset::Disabled => {
                ended.iter().for_each(|&row| self.pending[row] = true);
                self.any_pending |= !ended.is_empty();
                Ok(())
            }
        };
        self.ended = ended;
        self.world.resource_mut::<Selection>().set_all();
        outcome
    }

    fn start_next_episodes(&mut self, rows: &[usize]) -> Result<(), EnvError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut lanes = self.world.resource_mut::<Lanes>();
        lanes.next_episodes(rows);
        self.with_border(|border, selection| {
            clear_rows(border, rows);
            selection.set(rows.iter().copied());
        });
        self.run_reset()
    }

    /// Appends all state of row `row` to `out`.
    pub(super) fn save_row(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        write_value(&self.pending[row], out)?;
        write_value(&self.carried_at_start[row], out)?;
        self.world.resource::<Lanes>().save_row(row, out)?;
        self.border().save_row(row, out)?;
        self.parts
            .iter()
            .try_for_each(|part| part.save(&self.world, row, out))
    }

    /// Reads all state of row `row` from the front of `bytes`.
    pub(super) fn load_row(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        self.pending[row] = read_value(bytes)?;
        self.any_pending = self.pending.contains(&true);
        self.started |= !self.any_pending;
        self.carried_at_start[row] = read_value(bytes)?;
        self.world.resource_mut::<Lanes>().load_row(row, bytes)?;
        self.border_mut().load_row(row, bytes)?;
        self.parts
            .iter()
            .try_for_each(|part| part.load(&mut self.world, row, bytes))
    }

    /// The state of row `row` that outlives episodes, as it was when the running episode began.
    pub(super) fn carried_at_start(&self, row: usize) -> &[u8] {
        &self.carried_at_start[row]
    }

    /// Reads the state of row `row` that outlives episodes.
    pub(super) fn load_carried(&mut self, row: usize, bytes: &mut &[u8]) -> Result<(), EnvError> {
        self.carried
            .iter()
            .try_for_each(|part| part.load(&mut self.world, row, bytes))
    }

    /// Appends the state of row `row` that outlives episodes, as it is now.
    pub(super) fn save_carried(&self, row: usize, out: &mut Vec<u8>) -> Result<(), EnvError> {
        let mut carried = self.carried.iter();
        carried.try_for_each(|part| part.save(&self.world, row, out))
    }

    /// Lets rows be reset and stepped one by one, without a first reset of all.
    pub(super) fn start_without_reset(&mut self) {
        self.started = true;
    }

    /// Makes a step of the given rows (ascending), whose actions have been checked elsewhere.
    pub(super) fn step_unchecked(&mut self, rows: &[usize]) -> Result<(), EnvError> {
        self.select_for_step(Some(rows))?;
        self.advance_selected(Some(rows))
    }

    /// Where the randomness of rows comes from.
    pub(super) fn lanes_mut(&mut self) -> &mut Lanes {
        self.world.resource_mut::<Lanes>().into_inner()
    }

    /// Whether some state outlives episodes.
    pub(super) fn carries_state(&self) -> bool {
        !self.carried.is_empty()
    }
}

/// Counts a step of each row, and truncates those that have reached `limit`. A slice kernel, compiled as those of
/// [`batch`](super::batch) are.
#[multiversion(targets("x86_64+avx2"))]
fn settle_flags(terminated: &[bool], truncated: &mut [bool], elapsed: &mut [u32], limit: u32) {
    for ((elapsed, truncated), terminated) in elapsed.iter_mut().zip(truncated).zip(terminated) {
        *elapsed += 1;
        *truncated = (*truncated | (*elapsed >= limit)) & !*terminated;
    }
}

/// Adds the rewards of a step to the rows' returns.
#[multiversion(targets("x86_64+avx2"))]
fn add_rewards(returns: &mut [f64], rewards: &[f32]) {
    for (sum, reward) in returns.iter_mut().zip(rewards) {
        *sum += f64::from(*reward);
    }
}

/// Forgets the last episode of the given rows.
fn clear_rows(border: &mut Border, rows: &[usize]) {
    for &row in rows {
        border.elapsed[row] = 0;
    }
    for p in &mut border.players {
        for &row in rows {
            p.episode_return[row] = 0.0;
        }
    }
}

/// Puts down the flags of a row and takes back its rewards: no step has led to its situation.
fn clear_transition(border: &mut Border, row: usize) {
    border.terminated[row] = false;
    border.truncated[row] = false;
    border.players.iter_mut().for_each(|p| p.reward[row] = 0.0);
}

/// Appends the rows of `run` whose episode has ended.
fn collect_ended(border: &Border, run: Range<usize>, ended: &mut Vec<usize>) {
    let (terminated, last_terminated) = border.terminated[run.clone()].as_chunks::<64>();
    let (truncated, last_truncated) = border.truncated[run.clone()].as_chunks::<64>();
    let mut start = run.start;
    for (terminated, truncated) in terminated.iter().zip(truncated) {
        let mut bits = bits_of_either(terminated, truncated);
        // Whether a single row has ended cannot be foreseen, so a branch for each would often be mispredicted;
        // the number of those that have in 64 rows is mispredicted once.
        while bits != 0 {
            ended.push(start + bits.trailing_zeros() as usize);
            bits &= bits - 1; // Clears the lowest set bit.
        }
        start += 64;
    }
    let last = last_terminated.iter().zip(last_truncated).zip(start..);
    ended.extend(last.filter(|((a, b), _)| **a | **b).map(|(_, row)| row));
}

/// Bit `i` is set where `a[i]` or `b[i]` is.
fn bits_of_either(a: &[bool; 64], b: &[bool; 64]) -> u64 {
    let (a, b) = (a.as_chunks::<8>().0, b.as_chunks::<8>().0);
    let bytes = a.iter().zip(b).map(|(a, b)| {
        let bytes = u64::from_le_bytes(a.map(u8::from)) | u64::from_le_bytes(b.map(u8::from));
        // Eight bytes of 0 or 1: the product has byte i's bit at place 56 + i, and nothing else up there.
        bytes.wrapping_mul(0x0102_0408_1020_4080) >> 56
    });
    bytes
        .zip(0..)
        .fold(0, |bits, (byte, i)| bits | byte << (8 * i))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_become_bits_at_their_places() {
        let (mut a, mut b) = ([false; 64], [false; 64]);
        let mut expected = 0;
        for i in [0, 1, 7, 8, 13, 31, 32, 40, 62, 63] {
            (if i % 2 == 0 { &mut a } else { &mut b })[i] = true;
            expected |= 1 << i;
            assert_eq!(bits_of_either(&a, &b), expected);
        }
        assert_eq!(bits_of_either(&[true; 64], &a), u64::MAX);
    }
}
