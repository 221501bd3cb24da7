//! Virtual cycles without chance: columns and phases fixed one arm after another, each as well as can be foreseen.
//!
//! The method of conditional expectations: for each arm in turn, among its columns and phases, the one with which the
//! expected sum of the `k` largest virtual values is largest, on average over the rounds of a window and over what is
//! still open. The average never falls below its first value, the guarantee `G`.

use palaestra_envs::bandits::Instance;

use super::hull::NOISE;
use super::virtual_policy::{VirtualCycle, common_multiple};
use super::virtual_values::VirtualValues;
use super::{Column, Relaxation};

/// Fixes all cycles over a window of the columns' common period, or of `max_window` rounds if that is shorter.
///
/// Time is about `N·(v·k + rounds·(k + plays of a column))` for `v` distinct values.
pub(super) fn derandomise(
    basis: &Instance,
    relaxation: &Relaxation,
    max_window: u64,
) -> Vec<Option<VirtualCycle>> {
    let arms = basis.num_arms();
    let columns = (0..arms).flat_map(|arm| relaxation.mix(arm));
    let rounds = common_multiple(columns.map(|(c, _)| c.length()), max_window);
    let values = VirtualValues::new(basis, relaxation);
    let mut open = OpenArms::new(&values, arms);
    let mut fixed = FixedArms::new(rounds as usize, basis.plays());
    let mut cycles = Vec::with_capacity(arms);
    for arm in 0..arms {
        let worth = Worth::new(&values, open.without(arm), basis.plays());
        let gain_in = |rank: usize| -> Vec<f64> {
            let rows = fixed.ranks.chunks_exact(fixed.plays);
            rows.map(|fixed| worth.gain(rank, fixed)).collect()
        };
        let (mut best, mut cycle) = (NOISE * rounds as f64, None);
        for (column, _) in relaxation.mix(arm) {
            let ranks = ranks(basis, arm, column, &values);
            // Gain of a play at each position of the column, for each residue of the round.
            let length = column.length() as usize;
            let mut by_phase = vec![0.0; length];
            for (position, rank) in ranks.iter().enumerate().filter(|(_, rank)| **rank > 0) {
                for (round, gain) in gain_in(*rank).iter().enumerate() {
                    by_phase[(position + length - round % length) % length] += gain;
                }
            }
            for (phase, gain) in by_phase.into_iter().enumerate() {
                if gain > best + NOISE {
                    let column = *column;
                    let phase = phase as u32;
                    (best, cycle) = (gain, Some((VirtualCycle { column, phase }, ranks.clone())));
                }
            }
        }
        if let Some((cycle, ranks)) = &cycle {
            fixed.add(cycle, ranks);
        }
        cycles.push(cycle.map(|(cycle, _)| cycle));
    }
    cycles
}

/// Rank of the virtual value at each position of a column; 0 where it rests.
fn ranks(basis: &Instance, arm: usize, column: &Column, values: &VirtualValues) -> Vec<usize> {
    let rank = |position| {
        let state = column.state_at(basis, arm, position);
        state.map_or(0, |state| values.rank(basis.mean(arm, state)))
    };
    (0..column.length()).map(rank).collect()
}

/// How many of the arms behind a given one reach each level, for one arm after the other. Only some of the
/// distributions are kept; those between are computed again, block by block.
struct OpenArms<'a> {
    values: &'a VirtualValues,
    arms: usize,
    block: usize,
    /// For each block, the counts of all arms behind it.
    behind_block: Vec<Vec<f64>>,
    /// For each arm of the present block, the counts of all arms behind it, the first arm's last.
    behind: Vec<Vec<f64>>,
}

impl<'a> OpenArms<'a> {
    fn new(values: &'a VirtualValues, arms: usize) -> Self {
        let block = arms.isqrt().max(1);
        let mut counts = values.nobody();
        let mut behind_block = Vec::new();
        for begin in (0..arms).step_by(block).rev() {
            behind_block.push(counts.clone());
            let members = begin..(begin + block).min(arms);
            members.for_each(|arm| values.add(arm, &mut counts));
        }
        behind_block.reverse();
        Self {
            values,
            arms,
            block,
            behind_block,
            behind: Vec::new(),
        }
    }

    /// The counts of the arms behind `arm`; to be asked for one arm after the other.
    fn without(&mut self, arm: usize) -> Vec<f64> {
        if self.behind.is_empty() {
            let mut counts = std::mem::take(&mut self.behind_block[arm / self.block]);
            let end = (arm + self.block).min(self.arms);
            for member in (arm..end).rev() {
                self.behind.push(counts.clone());
                self.values.add(member, &mut counts);
            }
        }
        self.behind.pop().unwrap_or_default()
    }
}

/// What one more value adds to the expected sum of the `k` largest, next to fixed values and open arms.
struct Worth {
    /// `[k][levels + 1]`: the worth of levels up to a rank if `c` fixed arms reach all of them.
    up_to: Vec<Vec<f64>>,
}

impl Worth {
    /// `open`: `[levels, k]`, see [`VirtualValues::nobody`].
    fn new(values: &VirtualValues, open: Vec<f64>, plays: usize) -> Self {
        let of_count = |count: usize| {
            let mut total = 0.0;
            let mut up_to = vec![0.0];
            for (step, counts) in values.steps().zip(open.chunks_exact(plays)) {
                // One more counts if fewer than k of the fixed and the open reach this level.
                let room: f64 = counts[..plays - count].iter().sum();
                total += step * room;
                up_to.push(total);
            }
            up_to
        };
        Self {
            up_to: (0..plays).map(of_count).collect(),
        }
    }

    /// The worth of a value of rank `rank`; `fixed` are the `k` largest fixed ranks, falling.
    fn gain(&self, rank: usize, fixed: &[u32]) -> f64 {
        let mut total = 0.0;
        let mut above = rank;
        for (up_to, &next) in self.up_to.iter().zip(fixed) {
            // Between `next` and `above`, as many fixed arms reach the level as were passed so far.
            let below = rank.min(next as usize);
            total += up_to[above] - up_to[below];
            above = below;
        }
        total
    }
}

/// The `k` largest ranks of the fixed arms in each round, `[rounds, k]`, falling; 0 for none.
struct FixedArms {
    plays: usize,
    ranks: Vec<u32>,
}

impl FixedArms {
    fn new(rounds: usize, plays: usize) -> Self {
        Self {
            plays,
            ranks: vec![0; rounds * plays],
        }
    }

    fn add(&mut self, cycle: &VirtualCycle, ranks: &[usize]) {
        for (round, row) in self.ranks.chunks_exact_mut(self.plays).enumerate() {
            let rank = ranks[(round + cycle.phase as usize) % ranks.len()] as u32;
            let place = row.partition_point(|other| *other >= rank);
            if place < row.len() {
                row[place..].rotate_right(1);
                row[place] = rank;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::guarantee;
    use super::super::testbed::{Shape, preset, random_instance};
    use super::super::virtual_policy::{Score, VirtualPolicy};
    use super::*;

    fn virtual_mean(instance: &Instance, cycles: Vec<Option<VirtualCycle>>) -> f64 {
        let policy = VirtualPolicy::new(instance.clone(), Score::Virtual, cycles, 1 << 40);
        let rounds = policy.rounds();
        (0..rounds).map(|t| policy.virtual_value(t)).sum::<f64>() / rounds as f64
    }

    #[test]
    fn the_virtual_values_are_never_below_the_guarantee() {
        for seed in 0..300 {
            let instance = random_instance(seed, Shape::MONOTONE, 6, 5);
            let relaxation = Relaxation::new(&instance);
            let cycles = derandomise(&instance, &relaxation, u64::MAX);
            let mean = virtual_mean(&instance, cycles);
            let promised = guarantee(&instance, &relaxation);
            assert!(mean >= promised - 1e-9, "seed {seed}: {mean} < {promised}");
        }
    }

    #[test]
    fn ten_equal_arms_fall_into_step() {
        let instance = preset("depr10");
        let cycles = derandomise(&instance, &Relaxation::new(&instance), 20_000);
        assert!((virtual_mean(&instance, cycles) - 1.0).abs() < 1e-12);
    }

    /// The gains as their definition has them: expectations over all that is open.
    #[test]
    fn gains_are_differences_of_conditional_expectations() {
        let instance = preset("geo5k2");
        let relaxation = Relaxation::new(&instance);
        let values = VirtualValues::new(&instance, &relaxation);
        let mut open = OpenArms::new(&values, 5);
        let levels: Vec<f64> = values
            .steps()
            .scan(0.0, |level, step| {
                *level += step;
                Some(*level)
            })
            .collect();
        for arm in 0..5 {
            let counts = open.without(arm);
            let mut expected_counts = values.nobody();
            (arm + 1..5).for_each(|a| values.add(a, &mut expected_counts));
            for (count, expected) in counts.iter().zip(&expected_counts) {
                assert!((count - expected).abs() < 1e-15);
            }
            let worth = Worth::new(&values, counts.clone(), 2);
            for (rank, fixed) in [
                (1, [0, 0]),
                (3, [2, 1]),
                (2, [3, 0]),
                (levels.len(), [2, 2]),
            ] {
                let expected: f64 = (0..rank)
                    .map(|level| {
                        let reach = fixed.iter().filter(|f| **f > level as u32).count();
                        let room = 2_usize.saturating_sub(reach);
                        let step = levels[level] - if level > 0 { levels[level - 1] } else { 0.0 };
                        step * counts[2 * level..2 * level + room].iter().sum::<f64>()
                    })
                    .sum();
                assert!((worth.gain(rank, &fixed) - expected).abs() < 1e-12);
            }
        }
    }
}
