//! The point-based backup that PBVI and SARSOP share: a new α-vector at a belief from vectors of the beliefs after it.

use palaestra_envs::pomdp::Pomdp;

use super::Blocks;

/// Vectors that a backup may refer to: `values(block, vector)` over the states of the block.
pub(super) trait Vectors {
    /// The vector to follow an observation that leads to `block` and was given no vector of its own.
    fn default_of(&self, block: usize) -> u32;
    /// The values of a vector.
    fn values(&self, vector: u32) -> &[f64];
}

/// No vector chosen.
pub(super) const NONE: u32 = u32::MAX;

/// `α(s) = r(s, a) + γ Σ_s' T(s' | s, a) Σ_o O(o | a, s') α_o(s')` for all states of `block`, where `after[o]` is the
/// vector to follow observation `o`.
pub(super) fn alpha(
    model: &Pomdp,
    blocks: &Blocks,
    vectors: &impl Vectors,
    block: usize,
    action: usize,
    after: &[u32],
) -> Vec<f64> {
    let gamma = model.discount();
    let value = |&state: &u32| {
        let state = state as usize;
        let mut future = 0.0;
        for (next, p) in model.transition(state, action).iter() {
            let (next_block, index) = blocks.place(next as u32);
            let mut expected = 0.0;
            for (o, q) in model.observation(action, next).iter() {
                let chosen = after[o];
                let chosen = if chosen == NONE {
                    vectors.default_of(next_block as usize)
                } else {
                    chosen
                };
                expected += q * vectors.values(chosen)[index as usize];
            }
            future += p * expected;
        }
        model.reward(state, action) + gamma * future
    };
    blocks.members(block).iter().map(value).collect()
}
