//! Random streams: every row of a batch, and every agent, draws from a stream of its own.
//!
//! A stream is named by (seed, lane, purpose). Its generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw,
//! *Parallel Random Numbers: As Easy as 1, 2, 3*, SC 2011), a counter-based generator: block `b` of episode `e`
//! is a pure function of (key, e, b). So an episode can be generated again alone, in any order, on any thread,
//! and a reset of one row never disturbs another.
//!
//! * key (64 bits) = first 8 bytes of BLAKE3 in derive-key mode, context `palaestra stream v1`, input
//!   `seed: u64 LE ‖ lane: u64 LE ‖ purpose`.
//! * counter (128 bits) = `block: u64 ‖ episode: u64`, little end first.
//!
//! A purpose is a short fixed name (`env.dynamics`, `policy.sample`, …). A new use takes a new name.

use std::convert::Infallible;

use multiversion::multiversion;
use rand::TryRng;
use serde::{Deserialize, Serialize};

const KEY_CONTEXT: &str = "palaestra stream v1";

/// One Philox4x32-10 block: 128 random bits from a 64-bit key and a 128-bit counter.
#[inline(always)]
pub fn philox4x32(key: [u32; 2], counter: [u32; 4]) -> [u32; 4] {
    let [mut k0, mut k1] = key;
    let mut words = counter;
    for _ in 0..10 {
        (k0, k1, words) = philox_round(k0, k1, words);
    }
    words
}

/// One round: the next key and the next words.
#[inline(always)]
fn philox_round(k0: u32, k1: u32, [c0, c1, c2, c3]: [u32; 4]) -> (u32, u32, [u32; 4]) {
    let p0 = u64::from(c0) * 0xD251_1F53;
    let p1 = u64::from(c2) * 0xCD9E_8D57;
    let words = [
        (p1 >> 32) as u32 ^ c1 ^ k0,
        p1 as u32,
        (p0 >> 32) as u32 ^ c3 ^ k1,
        p0 as u32,
    ];
    (
        k0.wrapping_add(0x9E37_79B9),
        k1.wrapping_add(0xBB67_AE85),
        words,
    )
}

/// Number of blocks that [`first_blocks`] makes at once.
const LANES: usize = 16;

/// Writes block 0 of episode `episodes[row]` under `keys[row]` to `blocks[row]`, for each row of `rows`: several blocks
/// at once in the lanes of vector instructions, a few times faster than one after the other.
#[multiversion(targets("x86_64+avx2"))]
pub(crate) fn first_blocks(
    rows: &[usize],
    keys: &[StreamKey],
    episodes: &[u64],
    blocks: &mut [[u32; 4]],
) {
    let (groups, rest) = rows.as_chunks::<LANES>();
    for group in groups {
        let [mut k0, mut k1, mut c0, mut c1, mut c2, mut c3] = [[0u32; LANES]; 6];
        for (i, &row) in group.iter().enumerate() {
            [k0[i], k1[i]] = keys[row].0;
            (c2[i], c3[i]) = (episodes[row] as u32, (episodes[row] >> 32) as u32);
        }
        for _ in 0..10 {
            for i in 0..LANES {
                (k0[i], k1[i], [c0[i], c1[i], c2[i], c3[i]]) =
                    philox_round(k0[i], k1[i], [c0[i], c1[i], c2[i], c3[i]]);
            }
        }
        for (i, &row) in group.iter().enumerate() {
            blocks[row] = [c0[i], c1[i], c2[i], c3[i]];
        }
    }
    for &row in rest {
        blocks[row] = keys[row].block(episodes[row], 0);
    }
}

/// Uniform in `[0, 1)` from the top 24 bits of `word`.
#[inline]
pub fn unit_f32(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// Uniform in `[0, 1)` from the top 53 bits of two words, the first being the low half.
#[inline]
pub fn unit_f64(low: u32, high: u32) -> f64 {
    let bits = u64::from(low) | u64::from(high) << 32;
    (bits >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

/// The key of a stream: everything about it except the position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StreamKey([u32; 2]);

impl StreamKey {
    /// Derives the key of (seed, lane, purpose).
    pub fn new(seed: u64, lane: u64, purpose: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(KEY_CONTEXT);
        hasher.update(&seed.to_le_bytes());
        hasher.update(&lane.to_le_bytes());
        hasher.update(purpose.as_bytes());
        let hash = hasher.finalize();
        let b = hash.as_bytes();
        Self([
            u32::from_le_bytes([b[0], b[1], b[2], b[3]]),
            u32::from_le_bytes([b[4], b[5], b[6], b[7]]),
        ])
    }

    /// Block `block` of episode `episode`: four words, without any state.
    #[inline(always)]
    pub fn block(self, episode: u64, block: u64) -> [u32; 4] {
        philox4x32(
            self.0,
            [
                block as u32,
                (block >> 32) as u32,
                episode as u32,
                (episode >> 32) as u32,
            ],
        )
    }

    /// Fills `flips` with 0 and 1, fairly: 128 from each block of `episode`, from `*block` on, which moves past
    /// those used.
    pub fn coin_flips(self, episode: u64, block: &mut u64, flips: &mut [i32]) {
        coin_flips(self, episode, block, flips);
    }

    /// A sequential stream from the start of `episode`.
    pub fn stream(self, episode: u64) -> Stream {
        self.stream_from(episode, 0)
    }

    /// A sequential stream from block `block` of `episode`.
    pub fn stream_from(self, episode: u64, block: u64) -> Stream {
        Stream {
            key: self,
            episode,
            block,
            buffer: [0; 4],
            used: 4,
        }
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn coin_flips(key: StreamKey, episode: u64, block: &mut u64, flips: &mut [i32]) {
    for flips in flips.chunks_mut(128) {
        let words = key.block(episode, *block);
        *block += 1;
        for (word, flips) in words.into_iter().zip(flips.chunks_mut(32)) {
            for (flip, bit) in flips.iter_mut().zip(0..) {
                *flip = (word >> bit & 1) as i32;
            }
        }
    }
}

/// A sequential generator over the blocks of one episode; implements [`rand::Rng`].
///
/// ```
/// use palaestra_envs::stream::Stream;
/// use rand::RngExt;
///
/// let mut stream = Stream::new(7, 0, "example");
/// let first: f64 = stream.random();
/// assert_eq!(first, Stream::new(7, 0, "example").random::<f64>());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    key: StreamKey,
    episode: u64,
    block: u64,
    buffer: [u32; 4],
    used: u8,
}

impl Stream {
    /// The stream of (seed, lane, purpose), at the start of episode 0.
    pub fn new(seed: u64, lane: u64, purpose: &str) -> Self {
        StreamKey::new(seed, lane, purpose).stream(0)
    }

    #[inline]
    fn next_word(&mut self) -> u32 {
        // A stream that was read from a file may hold any number.
        if self.used >= 4 {
            self.buffer = self.key.block(self.episode, self.block);
            self.block += 1;
            self.used = 0;
        }
        let word = self.buffer[usize::from(self.used)];
        self.used += 1;
        word
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next_word())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let low = self.next_word();
        Ok(u64::from(low) | u64::from(self.next_word()) << 32)
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        for chunk in destination.chunks_mut(4) {
            chunk.copy_from_slice(&self.next_word().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, RngExt};

    use super::*;

    /// Known answers published with Random123 for `philox4x32` with 10 rounds.
    #[test]
    fn philox_reproduces_the_published_known_answers() {
        assert_eq!(
            philox4x32([0; 2], [0; 4]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox4x32([u32::MAX; 2], [u32::MAX; 4]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox4x32(
                [0xa409_3822, 0x299f_31d0],
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn a_stream_reads_its_blocks_in_order() {
        let key = StreamKey::new(3, 5, "test");
        let mut stream = key.stream(2);
        let words: Vec<u32> = (0..8).map(|_| stream.next_u32()).collect();
        assert_eq!(words[..4], key.block(2, 0));
        assert_eq!(words[4..], key.block(2, 1));
    }

    #[test]
    fn first_blocks_are_those_of_their_rows() {
        let keys: Vec<StreamKey> = (0..70).map(|lane| StreamKey::new(1, lane, "a")).collect();
        let episodes: Vec<u64> = (0..70).map(|row| row << (row % 50)).collect();
        // Three groups and some more; the other rows are left alone.
        let rows: Vec<usize> = (0..70).filter(|row| row % 4 != 1).collect();
        let mut blocks = vec![[9; 4]; 70];
        first_blocks(&rows, &keys, &episodes, &mut blocks);
        for (row, &block) in blocks.iter().enumerate() {
            let expected = if rows.contains(&row) {
                keys[row].block(episodes[row], 0)
            } else {
                [9; 4]
            };
            assert_eq!(block, expected);
        }
    }

    #[test]
    fn coin_flips_are_the_bits_of_the_blocks() {
        let key = StreamKey::new(3, 5, "test");
        let (mut block, mut flips) = (7, [0; 300]);
        key.coin_flips(1, &mut block, &mut flips);
        assert_eq!(block, 10);
        for (i, &flip) in flips.iter().enumerate() {
            let word = key.block(1, 7 + i as u64 / 128)[i % 128 / 32];
            assert_eq!(flip, (word >> (i % 32) & 1) as i32);
        }
    }

    #[test]
    fn streams_of_other_lanes_seeds_episodes_and_purposes_differ() {
        let reference = StreamKey::new(1, 2, "a").block(0, 0);
        assert_ne!(reference, StreamKey::new(2, 2, "a").block(0, 0));
        assert_ne!(reference, StreamKey::new(1, 3, "a").block(0, 0));
        assert_ne!(reference, StreamKey::new(1, 2, "b").block(0, 0));
        assert_ne!(reference, StreamKey::new(1, 2, "a").block(1, 0));
    }

    #[test]
    fn uniforms_have_the_mean_and_variance_of_the_unit_interval() {
        let mut stream = Stream::new(11, 0, "test");
        let n = 100_000;
        let draws: Vec<f64> = (0..n).map(|_| stream.random::<f64>()).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(n);
        let variance = draws.iter().map(|u| (u - mean).powi(2)).sum::<f64>() / f64::from(n);
        // Five standard errors of each.
        assert!(
            (mean - 0.5).abs() < 5.0 * (1.0f64 / 12.0 / f64::from(n)).sqrt(),
            "mean {mean}"
        );
        assert!((variance - 1.0 / 12.0).abs() < 5.0 * (1.0f64 / 180.0 / f64::from(n)).sqrt());
    }
}
