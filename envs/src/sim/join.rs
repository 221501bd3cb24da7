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
    /// While a shard works on its border, the whole may not be in use, and the other way round; and neither is used
    /// again after others could write to one of them unless [`is_joined_with`](Self::is_joined_with) says so of all
    /// shards.
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

    /// Whether all that [`join`](Self::join) made of a shard's border is still in its place in both: others may write to
    /// buffers, but what they move elsewhere would be used out of turn.
    pub(super) fn is_joined_with(&self, shard: &Self) -> bool {
        let Self {
            rows: _,
            players,
            terminated,
            truncated,
            elapsed,
            final_elapsed,
            info,
        } = self;
        players.len() == shard.players.len()
            && players
                .iter()
                .zip(&shard.players)
                .all(|(whole, part)| whole.is_joined_with(part))
            && terminated.shares(&shard.terminated)
            && truncated.shares(&shard.truncated)
            && elapsed.shares(&shard.elapsed)
            && final_elapsed.shares(&shard.final_elapsed)
            && info.shares(&shard.info)
    }
}

impl PlayerBorder {
    fn is_joined_with(&self, part: &Self) -> bool {
        let Self {
            observations: _,
            actions: _,
            final_observation,
            reward,
            acting,
            acted,
            action_mask,
            mask_width: _,
            episode_return,
            final_return,
        } = self;
        self.observation().shares(part.observation())
            && self.action().shares(part.action())
            && final_observation.shares(&part.final_observation)
            && reward.shares(&part.reward)
            && acting.shares(&part.acting)
            && acted.shares(&part.acted)
            && action_mask.shares(&part.action_mask)
            && episode_return.shares(&part.episode_return)
            && final_return.shares(&part.final_return)
    }
}

/// The stage that agents see.
fn outermost(stages: &mut [Columns]) -> &mut Columns {
    let last = stages.len() - 1;
    &mut stages[last]
}

#[cfg(test)]
mod tests {
    use std::{
        mem::{swap, take},
        panic::{AssertUnwindSafe, catch_unwind},
        sync::Mutex,
    };

    use bevy_ecs::prelude::ResMut;

    use crate::{
        EnvError, registry,
        sim::{Border, Builder, Plugin, Simulator, StepSet},
        space::Buffer,
    };

    /// Four cart-poles in two shards that move, panicking or stealing within a step as asked.
    fn simulator(mischief: impl Fn(&mut Border) + Copy + Send + Sync + 'static) -> Simulator {
        struct Wrapper<F>(F);
        impl<F: Fn(&mut Border) + Copy + Send + Sync + 'static> Plugin for Wrapper<F> {
            fn build(&self, builder: &mut Builder) -> Result<(), EnvError> {
                let mischief = self.0;
                builder.add_system(StepSet::Record, move |mut border: ResMut<'_, Border>| {
                    mischief(&mut border);
                });
                Ok(())
            }
        }
        let cartpole = registry()
            .build("cartpole-v1", &serde_json::Value::Null)
            .unwrap();
        let builder = Simulator::builder(cartpole).rows(4).shards(2);
        let mut simulator = builder.wrap(Wrapper(mischief)).build().unwrap();
        simulator.reset().unwrap();
        simulator
    }

    fn refused<T: std::fmt::Debug>(result: Result<T, EnvError>) -> bool {
        matches!(result, Err(EnvError::Layout(_)))
    }

    #[test]
    fn a_moved_buffer_is_never_written_by_shards() {
        let mut one = simulator(|_| ());
        let mut moved = take(&mut one.border_mut().player_mut(0).reward);
        assert!(refused(one.step()) && refused(one.step_rows(&[3])));
        assert!(refused(one.save_row(0)) && refused(one.reset()));
        assert_eq!(moved, [0.0; 4]);
        // Its like from another simulator will not do, and itself will.
        let mut other = simulator(|_| ());
        swap(&mut moved, &mut other.border_mut().player_mut(0).reward);
        swap(&mut moved, &mut one.border_mut().player_mut(0).reward);
        assert!(refused(one.step()) && refused(other.step()));
        let of_one = take(&mut other.border_mut().player_mut(0).reward);
        one.border_mut().player_mut(0).reward = of_one;
        one.step().unwrap();
        assert_eq!(one.border().player(0).reward, [1.0; 4]);
        one.border_mut().terminated.to_mut();
        assert!(refused(one.step()));
    }

    #[test]
    fn the_whole_is_gone_when_a_shard_has_lost_a_buffer_or_panicked() {
        static STOLEN: Mutex<Vec<Buffer<f32>>> = Mutex::new(Vec::new());
        let mut robbed = simulator(|border| {
            let reward = take(&mut border.player_mut(0).reward);
            if reward.len() == 2 {
                STOLEN.lock().unwrap().push(reward);
            }
        });
        assert!(refused(robbed.step()));
        assert_eq!(robbed.border().rows(), 2, "the first shard's own");
        assert!(refused(robbed.step()) && refused(robbed.render(0)));
        assert_eq!(STOLEN.lock().unwrap().len(), 2);

        let mut failing = simulator(|border| assert!(border.elapsed[0] < 3, "a bug"));
        failing.step().unwrap();
        failing.step().unwrap();
        // The other shard may still be at work when the panic is caught.
        assert!(catch_unwind(AssertUnwindSafe(|| failing.step())).is_err());
        assert_eq!(failing.border().rows(), 2, "the first shard's own");
        assert!(refused(failing.step()) && refused(failing.reset()));
    }
}
