//! Blocks: fixed lists of rounds that are played as a whole, repeated for ever or chosen anew each time.
//!
//! After Laforgue, Clerici, Cesa-Bianchi, Gilad-Bachrach, *A Last Switch Dependent Analysis of Satiation and
//! Seasonality in Bandits*, AISTATS 2022 (arXiv 2110.11819); the definitions from the paper and its released code:
//!
//! * [`best_repeated_block`]: the block of length `d` that is worth most when it is repeated for ever.
//! * [`isi_block`]: the block that is worth most whatever the states before it (initial-state-independent, ISI). The
//!   first play of each arm counts 0, because its payoff depends on the past.
//! * [`BlockOracle`]: exact maximisation of either kind of score for payoffs or indices that change from call to call,
//!   which is what learners need; also for calibrated blocks, which begin with all arms in a fixed order, so that
//!   every state is known afterwards.
//!
//! Differences, all our own derivation:
//!
//! * The released code solves an approximation (a linear program, then one position at a time). Here the maximum is
//!   exact: the score of a play depends on the block so far only through the time since each arm was last switched
//!   within it, so that dynamic programming over these times finds it.
//! * Arms that satiate (`C > 1`) are included: when a run of plays begins in the first round of a block, its length is
//!   unknown until it exceeds `C`, and its plays count 0 until then.
//! * Several plays a round are included: a choice is a set of arms.
//!
//! An ISI block loses at most `(N + k (C − 1)) / d` a round against the optimum, `N / d` if no arm satiates: at most
//! so many plays of a block are ignored, each worth at most 1 (our own derivation).

mod oracle;
#[cfg(test)]
mod tests;

pub use oracle::{BlockOracle, MAX_ORACLE_SIZE};

use palaestra_envs::bandits::{Instance, Schedule};

use super::{Plan, PlanError};

/// Most blocks that [`best_repeated_block`] looks at.
pub const MAX_BLOCKS: u64 = 1_000_000;

/// The block of `length` rounds with the largest long-run mean payoff when it is repeated for ever, by enumeration.
///
/// Blocks that are rotations of each other are worth the same, so only one of each is looked at: about
/// `choices^length / length` of them, where a choice is a set of arms that may be played (`N` for exactly one play).
/// Ties go to the block that comes first in the order of [`BlockOracle::choices`].
///
/// ```
/// use palaestra_agents::bandits::planning::best_repeated_block;
/// use palaestra_envs::bandits::InstanceConfig;
///
/// let spike5 = InstanceConfig::preset("spike5").unwrap().build().unwrap();
/// let plan = best_repeated_block(&spike5, 3).unwrap();
/// assert!((plan.value.rate - 1.25 / 3.0).abs() < 1e-12);
/// ```
///
/// # Errors
/// [`PlanError::Unsuitable`] for length 0, [`PlanError::TooLarge`] for more than [`MAX_BLOCKS`] blocks.
pub fn best_repeated_block(instance: &Instance, length: usize) -> Result<Plan, PlanError> {
    const PLANNER: &str = "best_block";
    let choices = oracle::choices(PLANNER, instance)?;
    let blocks = rotation_classes(choices.len() as u64, length);
    if length == 0 {
        return Err(empty(PLANNER));
    }
    if blocks > MAX_BLOCKS {
        return Err(PlanError::TooLarge {
            planner: PLANNER,
            what: "blocks",
            size: blocks,
            limit: MAX_BLOCKS,
            help: "take a shorter block, or `isi_block`, which looks at states instead of blocks",
        });
    }
    let mut worth = Repeated::new(instance);
    let (mut best, mut best_block) = (f64::NEG_INFINITY, Vec::new());
    necklaces(choices.len(), length, |block| {
        let total = worth.total(block.iter().map(|&c| &choices[c][..]));
        if total > best + 1e-12 {
            best = total;
            best_block = block.to_vec();
        }
    });
    let rounds = best_block.iter().map(|&c| choices[c].clone()).collect();
    repeated(PLANNER, instance, rounds, blocks)
}

/// The initial-state-independent block of `length` rounds with the largest score, repeated for ever.
///
/// Its [rate](super::PlanValue::rate) counts first plays too and so is at least the score by round on recharging arms.
///
/// # Errors
/// [`PlanError::TooLarge`] if the block has too many states; see [`BlockOracle::new`].
pub fn isi_block(instance: &Instance, length: usize) -> Result<Plan, PlanError> {
    let oracle = BlockOracle::new(instance, length, MAX_ORACLE_SIZE)?;
    let mut rounds = Vec::new();
    oracle.isi(instance, &mut rounds);
    repeated("isi_block", instance, rounds, oracle.size())
}

/// The best block of all arms in turn, `k` at a time from arm 0 on, and `length` free rounds after them, repeated for
/// ever. The first rounds are the price of knowing every state at the first free round, whatever came before.
///
/// # Errors
/// As [`isi_block`].
pub fn calibrated_block(instance: &Instance, length: usize) -> Result<Plan, PlanError> {
    let (arms, plays) = (instance.num_arms(), instance.plays());
    // Where exactly `k` must be played, the last round is filled up with the first arms.
    let end = if instance.exact() {
        arms.next_multiple_of(plays)
    } else {
        arms
    };
    let turns: Vec<usize> = (0..end).map(|i| i % arms).collect();
    let prefix: Vec<Vec<usize>> = turns.chunks(plays).map(<[usize]>::to_vec).collect();
    let oracle = BlockOracle::calibrated(instance, &prefix, length, MAX_ORACLE_SIZE)?;
    let mut rounds = Vec::new();
    oracle.isi(instance, &mut rounds);
    repeated("calibrated_block", instance, rounds, oracle.size())
}

fn empty(planner: &'static str) -> PlanError {
    PlanError::Unsuitable {
        planner,
        reason: "a block has at least one round".into(),
    }
}

fn repeated(
    planner: &'static str,
    instance: &Instance,
    rounds: Vec<Vec<usize>>,
    size: u64,
) -> Result<Plan, PlanError> {
    let policy = Box::new(Schedule::new(rounds));
    Plan::evaluated(planner, instance, policy, size, Vec::new())
}

/// Number of words of `length` letters up to rotation, `(1/d) Σ_g φ(d/g) letters^g`, or nearly so if that overflows.
fn rotation_classes(letters: u64, length: usize) -> u64 {
    let d = length as u64;
    let gcd = |mut a: u64, mut b: u64| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let words = |g: u64| u128::from(letters).saturating_pow(g.min(u64::from(u32::MAX)) as u32);
    // Burnside: the mean number of words that a rotation leaves as they are. Longer words are too many anyway.
    let rotations = 1..=d.min(64);
    let total = rotations.fold(0_u128, |sum, r| sum.saturating_add(words(gcd(r, d))));
    u64::try_from(total / u128::from(d.clamp(1, 64))).unwrap_or(u64::MAX)
}

/// Calls `visit` with the smallest word of each rotation class, in lexicographic order.
///
/// Fredricksen, Kessler, Maiorana, as in Ruskey, Savage, Wang, *Generating necklaces*, J. Algorithms 13, 1992.
fn necklaces(letters: usize, length: usize, mut visit: impl FnMut(&[usize])) {
    let mut word = vec![0; length];
    visit(&word);
    loop {
        let Some(last) = word.iter().rposition(|&letter| letter + 1 < letters) else {
            return;
        };
        word[last] += 1;
        let prefix = last + 1;
        for i in prefix..length {
            word[i] = word[i - prefix];
        }
        // A prenecklace whose prefix repeats a whole number of times is a necklace.
        if length.is_multiple_of(prefix) {
            visit(&word);
        }
    }
}

/// Worth of repeated blocks, with scratch that is used for all of them.
struct Repeated<'a> {
    instance: &'a Instance,
    satiated: Vec<i16>,
    tau: Vec<i16>,
    played: Vec<bool>,
}

impl<'a> Repeated<'a> {
    fn new(instance: &'a Instance) -> Self {
        let n = instance.num_arms();
        Self {
            instance,
            satiated: (0..n).map(|arm| -instance.caps(arm).played).collect(),
            tau: vec![0; n],
            played: vec![false; n],
        }
    }

    /// Total mean payoff of one pass in the steady state.
    ///
    /// After one pass the state of an arm that is played and idles in the block follows from the block, and an arm that
    /// is played in all rounds is at `−C` in the long run: so the first pass starts there and is not counted.
    fn total<'b>(&mut self, block: impl Iterator<Item = &'b [usize]> + Clone) -> f64 {
        self.tau.copy_from_slice(&self.satiated);
        let mut total = 0.0;
        for counts in [0.0, 1.0] {
            for choice in block.clone() {
                self.played.fill(false);
                for &arm in choice {
                    total += counts * self.instance.mean(arm, self.tau[arm]);
                    self.played[arm] = true;
                }
                let played = &self.played;
                (self.instance).play_row(&mut self.tau, |arm| played[arm], |_, _| ());
            }
        }
        total
    }
}
