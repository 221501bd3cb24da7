//! The rounds in which ETC-LSD visits every state of every arm.
//!
//! To see an arm at rest `L − 1` it is played every `L`-th round; up to `k·L` arms take turns in one period. For the
//! satiated states, each arm is played `C + 1` times in a row.

use palaestra_envs::bandits::Instance;

/// Repetitions beyond which a state counts as out of reach: with exactly `k` plays some are.
const SPARE: u64 = 2;

/// A list of rounds to be repeated, and how often.
#[derive(Debug, Clone, PartialEq)]
struct Segment {
    rounds: Vec<Vec<usize>>,
    repeats: u64,
}

impl Segment {
    fn length(&self) -> u64 {
        self.rounds.len() as u64 * self.repeats
    }
}

/// All rounds of exploration, from the starting states of an instance on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Exploration {
    segments: Vec<Segment>,
    /// The round after each segment, from 0.
    ends: Vec<u64>,
}

impl Exploration {
    /// Visits every state of every arm at least `samples` times, if it can be reached.
    pub(super) fn new(structure: &Instance, samples: u64) -> Self {
        let mut tau = structure.start().to_vec();
        let mut segments = Vec::new();
        for visit in visits(structure) {
            segments.extend(visit.segments(structure, &mut tau, samples));
        }
        let ends = segments.iter().scan(0, |end, segment: &Segment| {
            *end += segment.length();
            Some(*end)
        });
        Self {
            ends: ends.collect(),
            segments,
        }
    }

    /// Number of rounds.
    pub(super) fn length(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The arms to play in `round`, from 0; none after the end.
    pub(super) fn arms(&self, round: u64) -> &[usize] {
        let segment = self.ends.partition_point(|end| *end <= round);
        let Some(Segment { rounds, .. }) = self.segments.get(segment) else {
            return &[];
        };
        let begin = segment.checked_sub(1).map_or(0, |before| self.ends[before]);
        &rounds[((round - begin) % rounds.len() as u64) as usize]
    }
}

/// Rounds that visit each state of every arm once, apart from the way there: `Σ_L L·⌈N / kL⌉ + (C + 1)·⌈N / k⌉` with
/// `L = 2..=D + 1`, if plays may be left out.
pub(super) fn cost_per_sample(structure: &Instance) -> u64 {
    let visits = visits(structure);
    visits.iter().map(|visit| visit.rounds.len() as u64).sum()
}

/// A period, and the states that it visits once each time it is repeated.
struct Visit {
    rounds: Vec<Vec<usize>>,
    cells: Vec<(usize, i16)>,
}

fn visits(structure: &Instance) -> Vec<Visit> {
    let (arms, plays) = (structure.num_arms(), structure.plays());
    let caps = |arm| structure.caps(arm);
    let mut visits = Vec::new();
    let longest = (0..arms).map(|arm| caps(arm).idle).max().unwrap_or(0);
    for rest in 1..=longest {
        let length = rest as usize + 1;
        let slots = length * plays;
        // With exactly k plays, what is left open is filled by k arms from outside the group.
        let most = if structure.exact() && arms < slots {
            arms - plays
        } else {
            slots
        };
        let members: Vec<usize> = (0..arms).filter(|&arm| rest <= caps(arm).idle).collect();
        for group in members.chunks(most.max(1)) {
            if most == 0 {
                break;
            }
            let mut rounds = vec![Vec::new(); length];
            for (i, &arm) in group.iter().enumerate() {
                rounds[i % length].push(arm);
            }
            fill(structure, &mut rounds);
            let cells = group.iter().map(|&arm| (arm, rest)).collect();
            visits.push(Visit { rounds, cells });
        }
    }
    let mut rounds = Vec::new();
    let mut cells = Vec::new();
    let all: Vec<usize> = (0..arms).collect();
    for group in all.chunks(plays) {
        let burst = group.iter().map(|&arm| caps(arm).played).max().unwrap_or(0) as usize + 1;
        rounds.extend(std::iter::repeat_n(group.to_vec(), burst));
        for &arm in group {
            cells.extend((1..=caps(arm).played).map(|n| (arm, -n)));
        }
    }
    if arms <= plays && !structure.exact() {
        // A round of rest, or the next burst would only continue this one.
        rounds.push(Vec::new());
    }
    fill(structure, &mut rounds);
    visits.push(Visit { rounds, cells });
    visits
}

/// Fills rounds up to exactly `k` plays, if that is required, with arms that are in no round where possible.
fn fill(structure: &Instance, rounds: &mut [Vec<usize>]) {
    if !structure.exact() {
        return;
    }
    let mut busy = vec![false; structure.num_arms()];
    rounds.iter().flatten().for_each(|&arm| busy[arm] = true);
    let mut order: Vec<usize> = (0..structure.num_arms()).collect();
    order.sort_by_key(|&arm| busy[arm]);
    for round in rounds {
        for &arm in &order {
            if round.len() == structure.plays() {
                break;
            }
            if !round.contains(&arm) {
                round.push(arm);
            }
        }
    }
}

impl Visit {
    /// The shortest way to `samples` visits from states `tau`, which are moved along: some rounds of rest, so that the
    /// first visits count, then repetitions.
    fn segments(&self, structure: &Instance, tau: &mut Vec<i16>, samples: u64) -> Vec<Segment> {
        let most_rests = if structure.exact() {
            0
        } else {
            self.rounds.len()
        };
        let ways = (0..=most_rests).map(|rests| {
            let mut tau = tau.clone();
            (0..rests).for_each(|_| structure.idle_row(&mut tau));
            let repeats = self.repeats(structure, &mut tau, samples);
            let total = rests as u64 + repeats * self.rounds.len() as u64;
            (total, rests, repeats, tau)
        });
        let Some((_, rests, repeats, after)) = ways.min_by_key(|way| way.0) else {
            return Vec::new();
        };
        *tau = after;
        let rest = Segment {
            rounds: vec![Vec::new()],
            repeats: rests as u64,
        };
        let visit = Segment {
            rounds: self.rounds.clone(),
            repeats,
        };
        [rest, visit]
            .into_iter()
            .filter(|s| s.repeats > 0)
            .collect()
    }

    /// How often the period must be repeated from states `tau`, which are moved along.
    fn repeats(&self, structure: &Instance, tau: &mut [i16], samples: u64) -> u64 {
        let mut missing = vec![samples; self.cells.len()];
        let mut repeats = 0;
        while repeats < samples + SPARE && missing.iter().any(|m| *m > 0) {
            for round in &self.rounds {
                for (&(arm, state), missing) in self.cells.iter().zip(&mut missing) {
                    if tau[arm] == state && round.contains(&arm) {
                        *missing = missing.saturating_sub(1);
                    }
                }
                structure.play_row(tau, |arm| round.contains(&arm), |_, _| ());
            }
            repeats += 1;
        }
        repeats
    }
}

#[cfg(test)]
mod tests {
    use palaestra_envs::bandits::{InstanceConfig, StartConfig};

    use super::*;

    /// Visits of every state in all rounds of exploration.
    fn counts(instance: &Instance, samples: u64) -> Vec<((usize, i16), u64)> {
        let exploration = Exploration::new(instance, samples);
        let mut tau = instance.start().to_vec();
        let mut counts: Vec<((usize, i16), u64)> = (0..instance.num_arms())
            .flat_map(|arm| instance.caps(arm).states().map(move |s| ((arm, s), 0)))
            .collect();
        for round in 0..exploration.length() {
            let arms = exploration.arms(round);
            assert!(arms.len() <= instance.plays());
            assert!(!instance.exact() || arms.len() == instance.plays());
            for (cell, count) in &mut counts {
                *count += u64::from(arms.contains(&cell.0) && tau[cell.0] == cell.1);
            }
            instance.play_row(&mut tau, |arm| arms.contains(&arm), |_, _| ());
        }
        assert!(exploration.arms(exploration.length()).is_empty());
        counts
    }

    #[test]
    fn every_state_is_visited_as_often_as_was_asked() {
        for id in [
            "log3", "burst2", "geo5k2", "sea3", "stat3", "block237", "spike5",
        ] {
            for start in [StartConfig::Rested, StartConfig::JustPlayed] {
                let config = InstanceConfig {
                    start,
                    ..InstanceConfig::preset(id).unwrap()
                };
                let instance = config.build().unwrap();
                for samples in [1, 2, 7] {
                    for (cell, count) in counts(&instance, samples) {
                        assert!(count >= samples, "{id}: {cell:?} {count} < {samples}");
                    }
                }
            }
        }
        // One arm, and as many plays as arms.
        for (arms, plays) in [(1, 1), (3, 3), (4, 3)] {
            let instance = InstanceConfig::big(arms, plays).build().unwrap();
            assert!(counts(&instance, 2).iter().all(|(_, count)| *count >= 2));
        }
    }

    #[test]
    fn states_out_of_reach_are_given_up() {
        // Both of two arms in every round: nothing ever rests.
        let config = InstanceConfig {
            exact: true,
            ..InstanceConfig::big(2, 2)
        };
        let instance = config.build().unwrap();
        for ((_, state), count) in counts(&instance, 3) {
            // Each satiated state is passed once, until the last.
            let expected = u64::from(state < 0 || state == 64);
            assert!(count >= expected && (count == expected || state == -16));
        }
    }

    #[test]
    fn the_cost_of_a_sample_is_that_of_the_formula() {
        // log3: Σ_{L=2}^{9} L·⌈3/L⌉ + 3·5 = 2·2 + 3 + 4 + … + 9 + 15.
        let log3 = InstanceConfig::preset("log3").unwrap().build().unwrap();
        assert_eq!(cost_per_sample(&log3), 61);
        // Many samples cost little more.
        let length = Exploration::new(&log3, 100).length();
        assert!((6100..6200).contains(&length), "{length}");
    }
}
