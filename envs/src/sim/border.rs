//! The border between simulator and agents: one contiguous buffer per field, `[rows, …shape]`.
//!
//! Agents read observations and write actions in place. Where wrappers change a shape there are several stages
//! of a buffer: the environment works on the innermost, agents on the outermost, and each wrapper carries
//! values from one to the next. Without such wrappers both are the same memory. A stage is written only by the
//! wrapper that added it (the innermost by the environment), so a wrapper may count on finding in it what it
//! wrote there in the last step.

use bevy_ecs::prelude::Resource;

use super::{Selection, spec::EnvSpec, spec::Turns};
use crate::{
    error::EnvError,
    space::{Buffer, Columns, Space},
};

/// The buffers of one player.
#[derive(Debug, Clone)]
pub struct PlayerBorder {
    pub(super) observations: Vec<Columns>,
    pub(super) actions: Vec<Columns>,
    /// True last observation of an episode that ended in this step, `[rows, …]`; valid where the row's
    /// `terminated` or `truncated` is set.
    pub final_observation: Columns,
    /// Reward of the step, `[rows]`.
    pub reward: Buffer<f32>,
    /// Whether the player is to act next, `[rows]`.
    pub acting: Buffer<bool>,
    /// Whether the player acted in the step just made, `[rows]`.
    pub acted: Buffer<bool>,
    /// 1 for each allowed action, `[rows, mask_width]`; empty if the player has no mask.
    pub action_mask: Buffer<u8>,
    /// Flags per row of `action_mask`; 0 without a mask.
    pub mask_width: usize,
    /// Return of the running episode so far, before any reward wrapper, `[rows]`.
    pub episode_return: Buffer<f64>,
    /// Return of the episode that ended in this step, `[rows]`; valid where the row ended.
    pub final_return: Buffer<f64>,
}

impl PlayerBorder {
    /// What the agent sees.
    #[inline]
    pub fn observation(&self) -> &Columns {
        &self.observations[self.observations.len() - 1]
    }

    /// What the agent has chosen.
    #[inline]
    pub fn action(&self) -> &Columns {
        &self.actions[self.actions.len() - 1]
    }

    /// Where the agent writes its choice.
    #[inline]
    pub fn action_mut(&mut self) -> &mut Columns {
        let last = self.actions.len() - 1;
        &mut self.actions[last]
    }

    /// Where the environment writes its observation.
    #[inline]
    pub fn env_observation_mut(&mut self) -> &mut Columns {
        &mut self.observations[0]
    }

    /// What the environment wrote.
    #[inline]
    pub fn env_observation(&self) -> &Columns {
        &self.observations[0]
    }

    /// The action that reaches the environment, and where it writes the reward.
    #[inline]
    pub fn action_and_reward(&mut self) -> (&Columns, &mut [f32]) {
        (&self.actions[0], &mut self.reward)
    }

    /// The action that reaches the environment.
    #[inline]
    pub fn env_action(&self) -> &Columns {
        &self.actions[0]
    }

    /// The action that reaches the environment, and where it writes its observation.
    #[inline]
    pub fn env_action_and_observation(&mut self) -> (&Columns, &mut Columns) {
        (&self.actions[0], &mut self.observations[0])
    }

    /// The observation of stage `stage - 1` to read and that of `stage` to write.
    ///
    /// # Panics
    /// If there is no such stage; [`Builder`](super::Builder) hands out the numbers.
    pub fn observation_stage(&mut self, stage: usize) -> (&Columns, &mut Columns) {
        let (inner, outer) = self.observations.split_at_mut(stage);
        (&inner[stage - 1], &mut outer[0])
    }

    /// The action of stage `stage`, as it was carried inwards in the step just made.
    ///
    /// # Panics
    /// If there is no such stage.
    pub fn action_at(&self, stage: usize) -> &Columns {
        &self.actions[stage]
    }

    /// The action of stage `stage` to read and that of `stage - 1`, one nearer to the environment, to write.
    ///
    /// # Panics
    /// If there is no such stage.
    pub fn action_stage(&mut self, stage: usize) -> (&Columns, &mut Columns) {
        let (inner, outer) = self.actions.split_at_mut(stage);
        (&outer[0], &mut inner[stage - 1])
    }

    /// As [`action_stage`](Self::action_stage), with row `row` of the action mask.
    ///
    /// # Panics
    /// If there is no such stage.
    pub fn action_stage_and_mask(
        &mut self,
        stage: usize,
        row: usize,
    ) -> (&Columns, &mut Columns, &[u8]) {
        let (inner, outer) = self.actions.split_at_mut(stage);
        let mask = &self.action_mask[row * self.mask_width..(row + 1) * self.mask_width];
        (&outer[0], &mut inner[stage - 1], mask)
    }

    /// Row `row` of the action mask; empty without a mask.
    #[inline]
    pub fn mask_row(&self, row: usize) -> &[u8] {
        &self.action_mask[row * self.mask_width..(row + 1) * self.mask_width]
    }

    /// Row `row` of the action mask, mutable.
    #[inline]
    pub fn mask_row_mut(&mut self, row: usize) -> &mut [u8] {
        &mut self.action_mask[row * self.mask_width..(row + 1) * self.mask_width]
    }
}

/// What a player sees when it is to act.
#[derive(Debug, Clone, Copy)]
pub struct ActView<'a> {
    /// Index of the player.
    pub player: usize,
    /// Observations, `[rows, …]`.
    pub observation: &'a Columns,
    /// Whether the player is to act, `[rows]`.
    pub acting: &'a [bool],
    /// 1 for each allowed action, `[rows, mask_width]`; empty without a mask.
    pub action_mask: &'a [u8],
    /// Flags per row of `action_mask`.
    pub mask_width: usize,
    /// Environment steps made in the running episode, `[rows]`.
    pub elapsed: &'a [u32],
    /// Info fields asked for at build.
    pub info: &'a Columns,
}

impl<'a> ActView<'a> {
    /// Row `row` of the action mask; empty without a mask.
    #[inline]
    pub fn mask_row(&self, row: usize) -> &'a [u8] {
        &self.action_mask[row * self.mask_width..(row + 1) * self.mask_width]
    }
}

/// All buffers between a batch of environments and its agents.
#[derive(Debug, Clone, Resource)]
pub struct Border {
    pub(super) rows: usize,
    /// The players' buffers, in the order of the spec.
    pub players: Vec<PlayerBorder>,
    /// Whether the episode reached an end of the MDP in this step, `[rows]`.
    pub terminated: Buffer<bool>,
    /// Whether the episode was cut from outside in this step (time limit), `[rows]`; never with `terminated`.
    pub truncated: Buffer<bool>,
    /// Environment steps made in the running episode, `[rows]`.
    pub elapsed: Buffer<u32>,
    /// Length of the episode that ended in this step, `[rows]`; valid where the row ended.
    pub final_elapsed: Buffer<u32>,
    /// Info fields asked for at build, in the spec's order.
    pub info: Columns,
}

impl Border {
    /// A border of its own for `rows` rows, without info fields, to be filled by hand: for whoever shows an agent another
    /// environment than the one that is played.
    pub fn detached(spec: &EnvSpec, rows: usize) -> Self {
        let spaces = spec.players.iter();
        let stages: Vec<_> = spaces
            .map(|player| {
                (
                    vec![player.observation.clone()],
                    vec![player.action.clone()],
                )
            })
            .collect();
        Self::new(rows, spec, Columns::default(), &stages)
    }

    pub(super) fn new(
        rows: usize,
        spec: &EnvSpec,
        info: Columns,
        stages: &[(Vec<Space>, Vec<Space>)],
    ) -> Self {
        let players = spec
            .players
            .iter()
            .zip(stages)
            .map(|(player, (observations, actions))| {
                let mask_width = if player.action_mask {
                    player.action.mask_width()
                } else {
                    0
                };
                PlayerBorder {
                    observations: observations.iter().map(|s| s.columns(rows)).collect(),
                    actions: actions.iter().map(|s| s.columns(rows)).collect(),
                    final_observation: player.observation.columns(rows),
                    reward: vec![0.0; rows].into(),
                    acting: vec![true; rows].into(),
                    acted: vec![true; rows].into(),
                    action_mask: vec![1; rows * mask_width].into(),
                    mask_width,
                    episode_return: vec![0.0; rows].into(),
                    final_return: vec![0.0; rows].into(),
                }
            })
            .collect();
        Self {
            rows,
            players,
            terminated: vec![false; rows].into(),
            truncated: vec![false; rows].into(),
            elapsed: vec![0; rows].into(),
            final_elapsed: vec![0; rows].into(),
            info,
        }
    }

    /// Number of rows.
    #[inline]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether row `row`'s episode ended in the last step.
    #[inline]
    pub fn ended(&self, row: usize) -> bool {
        self.terminated[row] | self.truncated[row]
    }

    /// The player's buffers.
    #[inline]
    pub fn player(&self, player: usize) -> &PlayerBorder {
        &self.players[player]
    }

    /// The player's buffers, to write.
    #[inline]
    pub fn player_mut(&mut self, player: usize) -> &mut PlayerBorder {
        &mut self.players[player]
    }

    /// What player `player` needs to choose its actions, and where to write them.
    pub fn act_view(&mut self, player: usize) -> (ActView<'_>, &mut Columns) {
        let Self {
            players,
            elapsed,
            info,
            ..
        } = self;
        let PlayerBorder {
            observations,
            actions,
            acting,
            action_mask,
            mask_width,
            ..
        } = &mut players[player];
        let (observation, action) = (observations.len() - 1, actions.len() - 1);
        let view = ActView {
            player,
            observation: &observations[observation],
            acting,
            action_mask,
            mask_width: *mask_width,
            elapsed,
            info,
        };
        (view, &mut actions[action])
    }

    /// The observation that followed the last step in row `row`: the final one if the episode ended there
    /// (and the row was reset at once), else the current one. Returns columns and says where to read.
    pub fn next_observation(&self, player: usize, row: usize) -> &Columns {
        let p = &self.players[player];
        if self.ended(row) {
            &p.final_observation
        } else {
            p.observation()
        }
    }

    /// Checks the actions of the players that are to act in the selected rows.
    pub(super) fn check_actions(
        &self,
        spec: &EnvSpec,
        selection: &Selection,
    ) -> Result<(), EnvError> {
        for (player, p) in spec.players.iter().zip(&self.players) {
            let quick = spec.turns == Turns::EveryStep && p.mask_width == 0 && selection.is_all();
            if quick && all_valid(&player.action, p.action(), player.lenient_bounds) {
                continue;
            }
            for row in selection.rows().filter(|&row| p.acting[row]) {
                check_action(player, p, row)?;
            }
        }
        Ok(())
    }
}

/// Whether every row is in a single-leaf space; a fast test without a report.
fn all_valid(space: &Space, actions: &Columns, lenient: bool) -> bool {
    match space {
        // The commonest case, of which nothing but the highest bits need be looked at.
        Space::Discrete { n, start: 0 } if n.is_power_of_two() => {
            let all = actions.i32(0).iter().fold(0, |all, &a| all | a);
            (all as u32) < *n as u32
        }
        Space::Discrete { n, start } => {
            let n = *n as u32;
            !actions
                .i32(0)
                .iter()
                .fold(false, |bad, &a| bad | (a.wrapping_sub(*start) as u32 >= n))
        }
        Space::Box(b) if lenient && b.dtype == crate::space::DType::Float32 => !actions
            .f32(0)
            .iter()
            .fold(false, |bad, &a| bad | a.is_nan()),
        Space::Box(b)
            if b.dtype == crate::space::DType::Float32
                && b.low.iter().all(|x| *x == b.low[0])
                && b.high.iter().all(|x| *x == b.high[0]) =>
        {
            let (low, high) = (b.low[0] as f32, b.high[0] as f32);
            actions
                .f32(0)
                .iter()
                .fold(true, |good, &a| good & (a >= low) & (a <= high))
        }
        _ => false,
    }
}

fn check_action(
    player: &super::spec::PlayerSpec,
    border: &PlayerBorder,
    row: usize,
) -> Result<(), EnvError> {
    let action = border.action();
    let invalid = |violation| EnvError::InvalidAction {
        row,
        player: player.name.clone(),
        violation,
    };
    let within = if player.lenient_bounds {
        player.action.check_row_leniently(action, row)
    } else {
        player.action.check_row(action, row)
    };
    within.map_err(invalid)?;
    let mask = border.mask_row(row);
    match masked_choice(&player.action, action, row, mask) {
        None => Ok(()),
        Some(action) => Err(EnvError::MaskedAction {
            row,
            player: player.name.clone(),
            action,
        }),
    }
}

/// The choice (for bits: the index of the bit) in row `row` of `action`, a value of `space`, that `mask`
/// forbids; `None` if it is allowed.
pub(crate) fn masked_choice(
    space: &Space,
    action: &Columns,
    row: usize,
    mask: &[u8],
) -> Option<i64> {
    if mask.is_empty() {
        return None;
    }
    match space {
        Space::Discrete { start, .. } => {
            let choice = action.i32(0)[row];
            (mask[(choice - start) as usize] == 0).then_some(i64::from(choice))
        }
        Space::MultiBinary { n, .. } => {
            let bits = &action.u8(0)[row * n..(row + 1) * n];
            bits.iter()
                .zip(mask)
                .position(|(&bit, &m)| bit > m)
                .map(|i| i as i64)
        }
        Space::MultiDiscrete { nvec } => {
            let choices = &action.i32(0)[row * nvec.len()..(row + 1) * nvec.len()];
            let mut first = 0;
            choices.iter().zip(nvec).find_map(|(&choice, &n)| {
                let allowed = mask[first + choice as usize] != 0;
                first += n;
                (!allowed).then_some(i64::from(choice))
            })
        }
        _ => None,
    }
}
