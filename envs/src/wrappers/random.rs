//! Randomness of wrappers: a function of the row's lane, its episode and the time within it, so there is nothing
//! to save, and a reset of one row never disturbs another.

use crate::{
    math::{ln_f32, sin_cos_f32},
    sim::{Lanes, StreamId},
    stream::{Stream, unit_f64},
};

/// Block `i` of row `row`'s stream after `time` environment steps: each time has 2³² blocks of its own.
#[inline]
fn block(lanes: &Lanes, id: StreamId, row: usize, time: u32, i: u32) -> [u32; 4] {
    lanes.block(id, row, u64::from(time) << 32 | u64::from(i))
}

/// Uniform in `[0, 1)`, for row `row` after `time` environment steps.
#[inline]
pub(super) fn uniform(lanes: &Lanes, id: StreamId, row: usize, time: u32) -> f64 {
    let [low, high, ..] = block(lanes, id, row, time, 0);
    unit_f64(low, high)
}

/// A sequence of random numbers for row `row` after `time` environment steps.
pub(super) fn stream(lanes: &Lanes, id: StreamId, row: usize, time: u32) -> Stream {
    let key = lanes.key(id, row);
    key.stream_from(lanes.episode(row), u64::from(time) << 32)
}

/// Fills `out` with standard normal numbers, for row `row` after `time` environment steps.
#[inline]
pub(super) fn normals(lanes: &Lanes, id: StreamId, row: usize, time: u32, out: &mut [f32]) {
    for (i, four) in out.chunks_mut(4).enumerate() {
        let draws = normals_of(block(lanes, id, row, time, i as u32));
        four.copy_from_slice(&draws[..four.len()]);
    }
}

/// Four standard normal numbers from a block, by the method of Box and Muller (1958). With 32-bit uniforms the
/// largest is 6.8 in size.
#[inline]
pub(crate) fn normals_of(words: [u32; 4]) -> [f32; 4] {
    const UNIT: f32 = 1.0 / 4_294_967_296.0;
    let pair = |a: u32, b: u32| {
        let radius = (-2.0 * ln_f32((a as f32 + 0.5) * UNIT)).sqrt();
        let (sin, cos) = sin_cos_f32(std::f32::consts::TAU * (b as f32 * UNIT));
        (radius * cos, radius * sin)
    };
    let (a, b) = pair(words[0], words[1]);
    let (c, d) = pair(words[2], words[3]);
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::StreamKey;

    #[test]
    fn normals_have_the_moments_and_tails_of_the_normal_distribution() {
        let key = StreamKey::new(5, 0, "test");
        let n = 400_000;
        let draws: Vec<f64> = (0..n / 4)
            .flat_map(|i| normals_of(key.block(0, i)))
            .map(f64::from)
            .collect();
        let n = n as f64;
        let moment = |k: i32| draws.iter().map(|x| x.powi(k)).sum::<f64>() / n;
        // Five standard errors: Var(xᵏ) = E[x²ᵏ] - E[xᵏ]² = 1, 2, 15, 96.
        assert!(
            moment(1).abs() < 5.0 * (1.0 / n).sqrt(),
            "mean {}",
            moment(1)
        );
        assert!(
            (moment(2) - 1.0).abs() < 5.0 * (2.0 / n).sqrt(),
            "variance {}",
            moment(2)
        );
        assert!(
            moment(3).abs() < 5.0 * (15.0 / n).sqrt(),
            "skew {}",
            moment(3)
        );
        assert!(
            (moment(4) - 3.0).abs() < 5.0 * (96.0 / n).sqrt(),
            "kurtosis {}",
            moment(4)
        );
        // P(|x| > 2) = 0.0455003, within five standard errors.
        let beyond = draws.iter().filter(|x| x.abs() > 2.0).count() as f64 / n;
        assert!(
            (beyond - 0.045_500_3).abs() < 5.0 * (0.0455 * 0.9545 / n).sqrt(),
            "{beyond}"
        );
        // The two of a pair are uncorrelated.
        let pairs = draws.chunks(2).map(|p| p[0] * p[1]).sum::<f64>() / (n / 2.0);
        assert!(pairs.abs() < 5.0 * (2.0 / n).sqrt(), "correlation {pairs}");
    }

    #[test]
    fn extreme_words_give_finite_numbers() {
        for words in [[0; 4], [u32::MAX; 4], [0, u32::MAX, u32::MAX, 0]] {
            assert!(
                normals_of(words)
                    .iter()
                    .all(|x| x.is_finite() && x.abs() < 7.0)
            );
        }
    }
}
