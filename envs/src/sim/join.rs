//! The border of a batch in several shards: one whole, of which each shard's border is a run of rows.

#![expect(
    unsafe_code,
    reason = "passes on what `Buffer::join` asks of its caller"
)]

use super::{Border, PlayerBorder};
use crate::space::{Buffer, Columns, join_columns};

impl Border {
    /// Joins what agents see of the shards' borders: afterwards what a shard writes stands in its rows of the border
    /// returned, and the actions written there reach it. What lies within wrappers stays with the shard.
    ///
    /// # Safety
    /// While a shard works on its border, the whole may not be in use, and the other way round.
    pub(super) unsafe fn join(shards: &mut [&mut Self]) -> Self {
        /// The same field of all shards.
        macro_rules! each {
            (|$border:ident| $field:expr) => {
                &mut shards.iter_mut().map(|$border| $field).collect::<Vec<_>>()
            };
        }
        // SAFETY: in all of the following, the caller keeps the promise.
        unsafe {
            let mut players = Vec::new();
            for p in 0..shards[0].players.len() {
                players.push(PlayerBorder {
                    observations: vec![join_columns(each!(|b| outermost(
                        &mut b.players[p].observations
                    )))],
                    actions: vec![join_columns(each!(|b| outermost(
                        &mut b.players[p].actions
                    )))],
                    final_observation: join_columns(each!(|b| &mut b.players[p].final_observation)),
                    reward: Buffer::join(each!(|b| &mut b.players[p].reward)),
                    acting: Buffer::join(each!(|b| &mut b.players[p].acting)),
                    acted: Buffer::join(each!(|b| &mut b.players[p].acted)),
                    action_mask: Buffer::join(each!(|b| &mut b.players[p].action_mask)),
                    mask_width: shards[0].players[p].mask_width,
                    episode_return: Buffer::join(each!(|b| &mut b.players[p].episode_return)),
                    final_return: Buffer::join(each!(|b| &mut b.players[p].final_return)),
                });
            }
            Self {
                players,
                terminated: Buffer::join(each!(|b| &mut b.terminated)),
                truncated: Buffer::join(each!(|b| &mut b.truncated)),
                elapsed: Buffer::join(each!(|b| &mut b.elapsed)),
                final_elapsed: Buffer::join(each!(|b| &mut b.final_elapsed)),
                info: join_columns(each!(|b| &mut b.info)),
                rows: shards.iter().map(|b| b.rows).sum(),
            }
        }
    }
}

/// The stage that agents see.
fn outermost(stages: &mut [Columns]) -> &mut Columns {
    let last = stages.len() - 1;
    &mut stages[last]
}
