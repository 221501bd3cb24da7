//! The border of a batch in several shards: actions go out to the shards, everything else comes back.

use super::{Border, PlayerBorder};
use crate::space::ColumnsMut;

/// A run of rows of a border, borrowed for writing.
pub(super) struct BorderPart<'a> {
    players: Vec<PlayerPart<'a>>,
    terminated: &'a mut [bool],
    truncated: &'a mut [bool],
    elapsed: &'a mut [u32],
    final_elapsed: &'a mut [u32],
    info: ColumnsMut<'a>,
}

struct PlayerPart<'a> {
    observation: ColumnsMut<'a>,
    final_observation: ColumnsMut<'a>,
    reward: &'a mut [f32],
    acting: &'a mut [bool],
    acted: &'a mut [bool],
    action_mask: &'a mut [u8],
    episode_return: &'a mut [f64],
    final_return: &'a mut [f64],
}

impl Border {
    /// A border for `rows` rows with the fields that agents see: one stage of each buffer.
    pub(super) fn with_rows(&self, rows: usize) -> Self {
        let players = self.players.iter().map(|p| PlayerBorder {
            observations: vec![p.observation().with_rows(rows)],
            actions: vec![p.action().with_rows(rows)],
            final_observation: p.final_observation.with_rows(rows),
            reward: vec![0.0; rows],
            acting: vec![true; rows],
            acted: vec![true; rows],
            action_mask: vec![1; rows * p.mask_width],
            mask_width: p.mask_width,
            episode_return: vec![0.0; rows],
            final_return: vec![0.0; rows],
        });
        Self {
            players: players.collect(),
            terminated: vec![false; rows],
            truncated: vec![false; rows],
            elapsed: vec![0; rows],
            final_elapsed: vec![0; rows],
            info: self.info.with_rows(rows),
            rows,
        }
    }

    /// Copies the actions of this shard's rows, which start at `start` in `batch`.
    pub(super) fn take_actions(&mut self, batch: &Self, start: usize) {
        for (own, all) in self.players.iter_mut().zip(&batch.players) {
            own.action_mut().copy_rows_from(all.action(), start);
        }
    }

    /// Cuts the border into parts of `sizes` rows.
    pub(super) fn split(&mut self, sizes: &[usize]) -> Vec<BorderPart<'_>> {
        let mut players: Vec<_> = self
            .players
            .iter_mut()
            .map(|p| split_player(p, sizes).into_iter())
            .collect();
        let mut terminated = cut(&mut self.terminated, sizes, 1).into_iter();
        let mut truncated = cut(&mut self.truncated, sizes, 1).into_iter();
        let mut elapsed = cut(&mut self.elapsed, sizes, 1).into_iter();
        let mut final_elapsed = cut(&mut self.final_elapsed, sizes, 1).into_iter();
        let info = self.info.split_rows_mut(sizes);
        info.into_iter()
            .map_while(|info| {
                Some(BorderPart {
                    players: players
                        .iter_mut()
                        .map(Iterator::next)
                        .collect::<Option<_>>()?,
                    terminated: terminated.next()?,
                    truncated: truncated.next()?,
                    elapsed: elapsed.next()?,
                    final_elapsed: final_elapsed.next()?,
                    info,
                })
            })
            .collect()
    }
}

fn split_player<'a>(p: &'a mut PlayerBorder, sizes: &[usize]) -> Vec<PlayerPart<'a>> {
    let last = p.observations.len() - 1;
    let mut final_observation = p.final_observation.split_rows_mut(sizes).into_iter();
    let mut reward = cut(&mut p.reward, sizes, 1).into_iter();
    let mut acting = cut(&mut p.acting, sizes, 1).into_iter();
    let mut acted = cut(&mut p.acted, sizes, 1).into_iter();
    let mut action_mask = cut(&mut p.action_mask, sizes, p.mask_width).into_iter();
    let mut episode_return = cut(&mut p.episode_return, sizes, 1).into_iter();
    let mut final_return = cut(&mut p.final_return, sizes, 1).into_iter();
    p.observations[last]
        .split_rows_mut(sizes)
        .into_iter()
        .map_while(|observation| {
            Some(PlayerPart {
                observation,
                final_observation: final_observation.next()?,
                reward: reward.next()?,
                acting: acting.next()?,
                acted: acted.next()?,
                action_mask: action_mask.next()?,
                episode_return: episode_return.next()?,
                final_return: final_return.next()?,
            })
        })
        .collect()
}

/// Cuts `[rows, width]` into parts of `sizes` rows.
fn cut<'a, T>(mut rest: &'a mut [T], sizes: &[usize], width: usize) -> Vec<&'a mut [T]> {
    sizes
        .iter()
        .map(|size| {
            let (head, tail) = std::mem::take(&mut rest).split_at_mut(size * width);
            rest = tail;
            head
        })
        .collect()
}

impl BorderPart<'_> {
    /// Copies everything that agents read from a shard's border.
    pub(super) fn copy_from(&mut self, shard: &Border) {
        self.terminated.copy_from_slice(&shard.terminated);
        self.truncated.copy_from_slice(&shard.truncated);
        self.elapsed.copy_from_slice(&shard.elapsed);
        self.final_elapsed.copy_from_slice(&shard.final_elapsed);
        self.info.copy_from(&shard.info);
        for (part, p) in self.players.iter_mut().zip(&shard.players) {
            part.observation.copy_from(p.observation());
            part.final_observation.copy_from(&p.final_observation);
            part.reward.copy_from_slice(&p.reward);
            part.acting.copy_from_slice(&p.acting);
            part.acted.copy_from_slice(&p.acted);
            part.action_mask.copy_from_slice(&p.action_mask);
            part.episode_return.copy_from_slice(&p.episode_return);
            part.final_return.copy_from_slice(&p.final_return);
        }
    }
}
