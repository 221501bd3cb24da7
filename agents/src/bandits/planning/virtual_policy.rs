//! The policy of the virtual-cycles planner: every arm has a cycle of its own, the best `k` that want to play, play.

use palaestra_envs::{
    bandits::{DeterministicPolicy, Instance},
    stream::Stream,
};
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Column, Relaxation};

/// What decides between arms that all want to play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// The payoff that the arm's own cycle promises.
    #[default]
    Virtual,
    /// The payoff that the arm would really have now. Never worse on monotone instances, and possibly a disaster on
    /// others.
    Actual,
}

/// Periods longer than this are cut off: the cycles then begin anew.
pub(super) const MAX_PERIOD: u64 = 1 << 31;

/// The cycle of one arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VirtualCycle {
    /// The column.
    pub column: Column,
    /// The position in the column at round 0, below its length.
    pub phase: u32,
}

impl VirtualCycle {
    fn position(&self, round: u64) -> u32 {
        let length = u64::from(self.column.length());
        ((round + u64::from(self.phase)) % length) as u32
    }
}

/// One cycle for each arm, or none for an arm that is never to be played.
#[derive(Debug, Clone, PartialEq)]
pub struct VirtualPolicy {
    /// Its payoffs are the scores.
    basis: Instance,
    score: Score,
    cycles: Vec<Option<VirtualCycle>>,
    period: u64,
    /// Where exactly `k` plays are due: the arms in the order in which they fill up.
    fillers: Vec<usize>,
}

impl VirtualPolicy {
    /// `cycles`: one entry for each arm of `basis`, whose payoffs decide between the arms. The cycles begin anew after
    /// `max_period` rounds if they have no shorter common period.
    pub(super) fn new(
        basis: Instance,
        score: Score,
        cycles: Vec<Option<VirtualCycle>>,
        max_period: u64,
    ) -> Self {
        let lengths = cycles.iter().flatten().map(|c| c.column.length());
        let period = common_multiple(lengths, max_period);
        Self {
            fillers: fillers(&basis, &cycles),
            basis,
            score,
            cycles,
            period,
        }
    }

    /// The cycles, `[arms]`.
    pub fn cycles(&self) -> &[Option<VirtualCycle>] {
        &self.cycles
    }

    /// Rounds after which all cycles begin anew.
    pub(super) fn rounds(&self) -> u64 {
        self.period
    }

    /// Whether the cycles fit into the period, so that none is cut off.
    pub(super) fn is_whole(&self) -> bool {
        let mut cycles = self.cycles.iter().flatten();
        cycles.all(|c| self.period.is_multiple_of(u64::from(c.column.length())))
    }

    /// Rounds of the longest cycle.
    pub(super) fn longest(&self) -> u64 {
        let lengths = self.cycles.iter().flatten().map(|c| c.column.length());
        u64::from(lengths.max().unwrap_or(1))
    }

    /// The arms that want to play in `round`, with the states that they pretend to be in.
    pub(super) fn candidates(&self, round: u64) -> impl Iterator<Item = (usize, i16)> {
        (0..self.cycles.len()).filter_map(move |arm| Some((arm, self.pretended(arm, round)?)))
    }

    /// The state that `arm` pretends to be in in `round`, if it wants to play.
    fn pretended(&self, arm: usize, round: u64) -> Option<i16> {
        let cycle = self.cycles[arm].as_ref()?;
        (cycle.column).state_at(&self.basis, arm, cycle.position(round))
    }

    /// What decides between `arm` and others that want to play in `round`; computed anew rather than kept in a list,
    /// so that a choice allocates nothing.
    fn score_of(&self, arm: usize, round: u64, tau: &[i16]) -> f64 {
        let state = match self.score {
            Score::Virtual => self.pretended(arm, round),
            Score::Actual => Some(tau[arm]),
        };
        state.map_or(0.0, |state| self.basis.mean(arm, state))
    }

    /// The sum of the `k` largest virtual values of `round`.
    pub(super) fn virtual_value(&self, round: u64) -> f64 {
        let mut values: Vec<f64> = (self.candidates(round))
            .map(|(arm, state)| self.basis.mean(arm, state))
            .collect();
        values.sort_by(|a, b| b.total_cmp(a));
        values.iter().take(self.basis.plays()).sum()
    }
}

impl DeterministicPolicy for VirtualPolicy {
    fn period(&self) -> usize {
        self.period as usize
    }

    fn choose(&self, instance: &Instance, phase: usize, tau: &[i16], chosen: &mut Vec<usize>) {
        let (plays, round) = (instance.plays(), phase as u64);
        chosen.clear();
        for (arm, _) in self.candidates(round) {
            let score = self.score_of(arm, round, tau);
            // Behind all that are as good: the lowest arm wins a tie.
            let rank = chosen.partition_point(|&other| self.score_of(other, round, tau) >= score);
            if rank < plays {
                chosen.truncate(plays - 1);
                chosen.insert(rank, arm);
            }
        }
        if instance.exact() {
            for &arm in &self.fillers {
                if chosen.len() == plays {
                    break;
                }
                if !chosen.contains(&arm) {
                    chosen.push(arm);
                }
            }
        }
    }
}

/// Whether `arm` pays the same in every state, so that playing it once more does no harm.
pub(super) fn is_stateless(instance: &Instance, arm: usize) -> bool {
    let mut means = instance.caps(arm).states().map(|s| instance.mean(arm, s));
    let first = means.next();
    means.all(|mean| Some(mean) == first)
}

/// All arms: first those that do no harm when they are played, best first, then those that are not to be played
/// anyway, then the rest.
fn fillers(instance: &Instance, cycles: &[Option<VirtualCycle>]) -> Vec<usize> {
    let mut arms: Vec<usize> = (0..cycles.len()).collect();
    let harm = |arm: &usize| {
        let stateless = is_stateless(instance, *arm);
        (!stateless, stateless || cycles[*arm].is_some())
    };
    let mean = |arm: usize| instance.mean(arm, 1);
    arms.sort_by(|a, b| harm(a).cmp(&harm(b)).then(mean(*b).total_cmp(&mean(*a))));
    arms
}

/// Cycles drawn at random: for each arm a column with its weight in `relaxation` as probability, and a phase.
pub(super) fn draw(relaxation: &Relaxation, rng: &mut Stream) -> Vec<Option<VirtualCycle>> {
    let arms = relaxation.hulls().len();
    let draw_one = |arm: usize| {
        let mut left: f64 = rng.random();
        let column = (relaxation.mix(arm).iter()).find(|(_, weight)| {
            left -= weight;
            left < 0.0
        });
        // A draw for the phase of every arm, so that arms do not shift each other's numbers.
        let share: f64 = rng.random();
        column.map(|(column, _)| VirtualCycle {
            column: *column,
            phase: (share * f64::from(column.length())) as u32,
        })
    };
    (0..arms).map(draw_one).collect()
}

/// The least common multiple of `lengths`, or `limit` if it is larger.
pub(super) fn common_multiple(lengths: impl Iterator<Item = u32>, limit: u64) -> u64 {
    let mut multiple = 1_u64;
    for length in lengths.map(u64::from) {
        multiple = match multiple.checked_mul(length / gcd(multiple, length)) {
            Some(larger) if larger <= limit => larger,
            _ => return limit,
        };
    }
    multiple
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::super::testbed::{Shape, preset, random_instance};
    use super::*;

    fn random_policy(instance: &Instance, score: Score, seed: u64) -> VirtualPolicy {
        let relaxation = Relaxation::new(instance);
        let cycles = draw(&relaxation, &mut Stream::new(seed, 0, "test"));
        VirtualPolicy::new(instance.clone(), score, cycles, MAX_PERIOD)
    }

    /// On monotone instances with a rested start, an arm never pays less than its cycle promises.
    #[test]
    fn true_payoffs_dominate_virtual_payoffs() {
        for seed in 0..300 {
            // Every third seed would start elsewhere.
            let instance = random_instance(seed, Shape::MONOTONE, 6, 8);
            let rested: Vec<i16> = (0..instance.num_arms())
                .map(|arm| instance.caps(arm).idle)
                .collect();
            let instance = instance.with_start(&rested);
            for score in [Score::Virtual, Score::Actual] {
                let policy = random_policy(&instance, score, seed);
                let mut tau = rested.clone();
                let mut chosen = Vec::new();
                for round in 0..200 {
                    for (arm, state) in policy.candidates(round) {
                        let (real, promised) =
                            (instance.mean(arm, tau[arm]), instance.mean(arm, state));
                        assert!(real >= promised, "seed {seed}, round {round}, arm {arm}");
                    }
                    let phase = (round % policy.rounds()) as usize;
                    policy.choose(&instance, phase, &tau, &mut chosen);
                    let paid: f64 = chosen.iter().map(|&a| instance.mean(a, tau[a])).sum();
                    assert!(paid >= policy.virtual_value(round) - 1e-12);
                    instance.play_row(&mut tau, |arm| chosen.contains(&arm), |_, _| ());
                }
            }
        }
    }

    #[test]
    fn draws_follow_the_weights_and_all_phases() {
        let instance = preset("log3");
        let relaxation = Relaxation::new(&instance);
        let mut rng = Stream::new(1, 0, "test");
        let draws = 20_000;
        // Arm 1 mixes (3, 1) with 0.4 and (2, 1) with 0.6.
        let mut counts = [[0_u32; 4]; 2];
        for _ in 0..draws {
            let cycle = draw(&relaxation, &mut rng)[1].unwrap();
            counts[cycle.column.rest as usize - 2][cycle.phase as usize] += 1;
        }
        for (counts, expected) in [(&counts[0][..3], 0.2), (&counts[1][..], 0.1)] {
            for count in counts {
                let share = f64::from(*count) / f64::from(draws);
                let error = (expected * (1.0 - expected) / f64::from(draws)).sqrt();
                assert!((share - expected).abs() < 5.0 * error, "{counts:?}");
            }
        }
        assert_eq!(counts[0][3], 0);
    }

    #[test]
    fn exactly_k_plays_are_filled_up_with_arms_that_do_no_harm() {
        // Arm 0 of step2 pays 0.05 in every state; arm 1 rests every other round.
        let instance = preset("step2");
        let policy = random_policy(&instance, Score::Virtual, 0);
        assert_eq!(policy.fillers, [0, 1]);
        let mut chosen = Vec::new();
        for phase in 0..2 {
            policy.choose(&instance, phase, &[1, 1], &mut chosen);
            assert_eq!(chosen.len(), 1);
        }
    }

    #[test]
    fn common_multiples_stop_at_the_limit() {
        assert_eq!(common_multiple([4, 6, 10].into_iter(), 1000), 60);
        assert_eq!(common_multiple([4, 6, 10].into_iter(), 59), 59);
        assert_eq!(common_multiple(1..100, MAX_PERIOD), MAX_PERIOD);
        assert_eq!(common_multiple(std::iter::empty(), 10), 1);
    }
}
