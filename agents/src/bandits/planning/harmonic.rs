//! Harmonic periods: every arm is played at fixed intervals `b·2^j`, which pack into rounds without gaps or clashes.
//!
//! Palaestra's own construction, in the spirit of the purely periodic policies of Simchi-Levi, Zheng, Zhu, *Dynamic
//! Planning and Learning under Recovering Rewards*, ICML 2021 (arXiv 2106.14813); it is not that paper's algorithm and
//! has no proven factor.
//!
//! For each base `b`, every arm stays idle or takes a period `d` of `b, 2b, 4b, …`; the arms played must satisfy
//! `Σ 1/d_i ≤ k`, and `Σ p_i(d_i) / d_i` is maximised, `p_i(d)` being the payoff of a play every `d` rounds. The best
//! base wins. An even base is contained in its half, so that odd ones suffice.
//!
//! **Packing.** Rounds modulo `b`, times `k` plays a round, are `b·k` lanes. A period `b·2^j` takes `2^−j` of a lane:
//! a class of every `2^j`-th of its rounds. Placed from the shortest period to the longest, such dyadic parts always
//! fit as long as their sum does. So delays are exact and the schedule earns precisely what was maximised.

use palaestra_envs::bandits::{Instance, Schedule};

use super::{
    Plan, PlanError,
    delay::{longest_delay, mean_at_delay},
    filler,
};

/// Name of the planner in configs.
const NAME: &str = "harmonic";
/// The largest base by default. The 32 odd bases up to it approach every larger period to 2 percent.
pub const LARGEST_BASE: u64 = 64;
/// Periods beyond every arm's cap cost less of a lane and pay less for it; two doublings let them fill small gaps.
const DOUBLINGS_BEYOND_CAPS: u64 = 4;
/// Longest period of all. Together with the largest base it bounds the length of the schedule.
const LONGEST_PERIOD: u64 = 1 << 14;
/// Most (arm, period, capacity) triples that the exact choice of periods looks at; above, the choice is greedy.
const EXACT_LIMIT: u64 = 200_000_000;

/// The best schedule of harmonic periods.
///
/// The periods are chosen exactly (a knapsack over lane capacity) as long as that takes at most 2·10⁸ operations,
/// which covers instances of hundreds of arms; above, greedily by marginal value along the upper concave hull of each
/// arm's values. `largest_base` bounds `b`; [`LARGEST_BASE`] is plenty.
///
/// # Errors
/// As [`long_run_mean`](palaestra_envs::bandits::long_run_mean).
pub fn harmonic(instance: &Instance, largest_base: u64) -> Result<Plan, PlanError> {
    let (periods, size) = best_periods(instance, largest_base, EXACT_LIMIT);
    let rounds = pack(instance.plays(), &periods);
    let mut notes = Vec::new();
    let schedule = Schedule::new(filler::fill(instance, rounds, &mut notes));
    Plan::evaluated(NAME, instance, Box::new(schedule), size, notes)
}

/// Period of every arm, `None` for an arm that is never played.
type Periods = Vec<Option<u64>>;

/// One way to play an arm.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Choice {
    period: u64,
    /// Capacity taken, in the smallest parts of a lane.
    units: usize,
    /// Mean payoff a round.
    value: f64,
}

/// What one base has to offer.
struct Base {
    /// All lanes, in units.
    capacity: usize,
    /// For each arm its choices, from the longest period to the shortest.
    choices: Vec<Vec<Choice>>,
}

impl Base {
    fn new(instance: &Instance, base: u64, longest: u64) -> Self {
        let doublings = (longest.max(base) / base).ilog2();
        let choices = (0..instance.num_arms()).map(|arm| {
            let choice = |j: u32| {
                let period = base << j;
                Choice {
                    period,
                    units: 1 << (doublings - j),
                    value: mean_at_delay(instance, arm, period) / period as f64,
                }
            };
            (0..=doublings).rev().map(choice).collect()
        });
        Self {
            capacity: (base as usize * instance.plays()) << doublings,
            choices: choices.collect(),
        }
    }

    fn work(&self) -> u64 {
        let choices: usize = self.choices.iter().map(Vec::len).sum();
        (choices * self.capacity) as u64
    }

    /// The choice of largest total value, exactly: `best[c]` is the largest value within capacity `c` of the arms
    /// looked at so far.
    fn exact(&self) -> Vec<Option<Choice>> {
        const IDLE: u8 = u8::MAX;
        let width = self.capacity + 1;
        let mut best = vec![0.0_f64; width];
        let mut taken = vec![IDLE; self.choices.len() * width];
        for (choices, taken) in self.choices.iter().zip(taken.chunks_exact_mut(width)) {
            // From the full capacity down, so that `best[c - units]` is still that of the arms before.
            for c in (0..width).rev() {
                let fitting = choices.iter().take_while(|choice| choice.units <= c);
                let mut top = best[c];
                for (j, choice) in fitting.enumerate() {
                    let value = best[c - choice.units] + choice.value;
                    // Strictly: where nothing is gained the arm takes less, or rests.
                    if value > top {
                        (top, taken[c]) = (value, j as u8);
                    }
                }
                best[c] = top;
            }
        }
        let mut left = self.capacity;
        let mut chosen = vec![None; self.choices.len()];
        for (arm, choices) in self.choices.iter().enumerate().rev() {
            let choice = choices.get(usize::from(taken[arm * width + left])).copied();
            left -= choice.map_or(0, |choice| choice.units);
            chosen[arm] = choice;
        }
        chosen
    }

    /// Steps along each arm's upper concave hull, the steepest first, as long as they fit; then whatever still fits
    /// and gains most.
    fn greedy(&self) -> Vec<Option<Choice>> {
        let mut steps = Vec::new();
        for (arm, choices) in self.choices.iter().enumerate() {
            let mut from = (0, 0.0);
            for choice in hull(choices) {
                let slope = (choice.value - from.1) / (choice.units - from.0) as f64;
                steps.push((slope, arm, choice));
                from = (choice.units, choice.value);
            }
        }
        // Stable, so ties go to the lowest arm, and an arm's own steps stay in order.
        steps.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut left = self.capacity;
        let mut chosen: Vec<Option<Choice>> = vec![None; self.choices.len()];
        let mut take = |chosen: &mut Option<Choice>, choice: Choice| {
            let more = choice.units - chosen.map_or(0, |choice| choice.units);
            let fits = more <= left;
            if fits {
                left -= more;
                *chosen = Some(choice);
            }
            fits
        };
        let mut stuck = vec![false; self.choices.len()];
        for (_, arm, choice) in steps {
            if !stuck[arm] {
                stuck[arm] = !take(&mut chosen[arm], choice);
            }
        }
        let gain = |now: Option<Choice>, choice: &Choice| {
            choice.value - now.map_or(0.0, |choice| choice.value)
        };
        let mut rest: Vec<(f64, usize, Choice)> = Vec::new();
        for (arm, choices) in self.choices.iter().enumerate() {
            let now = chosen[arm];
            let more = choices
                .iter()
                .filter(|c| c.units > now.map_or(0, |c| c.units));
            rest.extend(more.map(|choice| (gain(now, choice), arm, *choice)));
        }
        rest.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (_, arm, choice) in rest {
            let now = chosen[arm];
            let larger = choice.units > now.map_or(0, |c| c.units);
            if larger && gain(now, &choice) > 0.0 {
                take(&mut chosen[arm], choice);
            }
        }
        chosen
    }
}

/// The corners of the upper concave hull of (units, value) from (0, 0) on, as far as it rises.
fn hull(choices: &[Choice]) -> Vec<Choice> {
    let mut hull: Vec<Choice> = Vec::new();
    for &choice in choices {
        if choice.value <= hull.last().map_or(0.0, |last| last.value) {
            continue;
        }
        while let Some(last) = hull.last() {
            let before = hull.iter().nth_back(1);
            let (x, y) = before.map_or((0.0, 0.0), |b| (b.units as f64, b.value));
            let into = (last.value - y) / (last.units as f64 - x);
            let past = (choice.value - y) / (choice.units as f64 - x);
            if into > past {
                break;
            }
            hull.pop();
        }
        hull.push(choice);
    }
    hull
}

/// The best periods over all bases, and how many combinations were looked at.
fn best_periods(instance: &Instance, largest_base: u64, exact_limit: u64) -> (Periods, u64) {
    let longest_delay = longest_delay(instance);
    let longest = (DOUBLINGS_BEYOND_CAPS * longest_delay).min(LONGEST_PERIOD);
    let bases = (1..=largest_base.clamp(1, longest_delay).min(LONGEST_PERIOD)).step_by(2);
    let work = |base| Base::new(instance, base, longest).work();
    let exact = bases.clone().map(work).sum::<u64>() <= exact_limit;

    let (mut best, mut size) = ((0.0, vec![None; instance.num_arms()]), 0);
    for base in bases {
        let base = Base::new(instance, base, longest);
        let chosen = if exact { base.exact() } else { base.greedy() };
        size += if exact {
            base.work()
        } else {
            base.choices.iter().map(Vec::len).sum::<usize>() as u64
        };
        let value: f64 = chosen.iter().flatten().map(|choice| choice.value).sum();
        if value > best.0 {
            let periods = chosen.iter().map(|choice| choice.map(|c| c.period));
            best = (value, periods.collect());
        }
    }
    (best.1, size)
}

/// The rounds of a schedule in which arm `i` is played every `periods[i]` rounds, at most `plays` arms a round.
///
/// The periods are `b·2^j` with one `b`, and the sum of their inverses is at most `plays`.
fn pack(plays: usize, periods: &Periods) -> Vec<Vec<usize>> {
    let mut arms: Vec<(u64, usize)> = (periods.iter().enumerate())
        .filter_map(|(arm, period)| period.map(|period| (period, arm)))
        .collect();
    arms.sort_unstable();
    let (Some(&(shortest, _)), Some(&(longest, _))) = (arms.first(), arms.last()) else {
        return Vec::new();
    };
    let base = shortest >> shortest.trailing_zeros();
    // The parts of one lane, of which the longest period takes one.
    let parts = longest / base;
    let mut rounds = vec![Vec::new(); longest as usize];
    let mut next = 0;
    for (period, arm) in arms {
        // Shorter periods came first, so `next` is a multiple of the parts that this one takes.
        let (lane, part) = (next / parts, next % parts);
        debug_assert!(lane < base * plays as u64, "periods do not fit");
        // A lane's rounds split by the lowest binary digit first: the parts in order are the digits reversed.
        let classes = period / base;
        let class = reversed(part * classes / parts, classes.trailing_zeros());
        let first = lane % base + base * class;
        for round in (first..longest).step_by(period as usize) {
            rounds[round as usize].push(arm);
        }
        next += parts / classes;
    }
    rounds
}

/// The lowest `digits` binary digits of `number` in reverse.
fn reversed(number: u64, digits: u32) -> u64 {
    number
        .reverse_bits()
        .checked_shr(u64::BITS - digits)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use palaestra_envs::bandits::InstanceConfig;

    use super::*;

    fn preset(id: &str) -> Instance {
        InstanceConfig::preset(id).unwrap().build().unwrap()
    }

    /// Values and periods of an independent implementation.
    #[test]
    fn the_golden_instances_have_the_known_periods_and_values() {
        let none: &[u64] = &[];
        for (id, rate, periods) in [
            ("block236", 0.775, &[2, 4, 8][..]),
            ("block237", 0.8625, none),
            ("lin4", 0.808_333_333_3, &[3, 3, 6, 6]),
            ("geo3", 0.7, &[3, 3, 3]),
            ("log3", 0.652_418_958_7, &[4, 4, 2]),
            ("burst2", 0.440_733_653_4, none),
            ("sea3", 0.5625, none),
            ("stat3", 0.5, &[1]),
        ] {
            let instance = preset(id);
            let plan = harmonic(&instance, 64).unwrap();
            assert!((plan.value.rate - rate).abs() < 1e-9, "{id}: {plan:?}");
            if !periods.is_empty() {
                let (found, _) = best_periods(&instance, 64, EXACT_LIMIT);
                let found: Vec<u64> = found.into_iter().flatten().collect();
                assert_eq!(found, periods, "{id}");
            }
        }
    }

    /// What the planner maximises, for given periods.
    fn promised(instance: &Instance, periods: &Periods) -> f64 {
        let value = |(arm, period): (usize, &Option<u64>)| {
            period.map_or(0.0, |d| mean_at_delay(instance, arm, d) / d as f64)
        };
        periods.iter().enumerate().map(value).sum()
    }

    #[test]
    fn delays_are_exact() {
        for id in [
            "lin4",
            "geo5k2",
            "sea3",
            "pb_gamma10",
            "big20_3",
            "big7_7",
            "depr10",
        ] {
            let mut config = InstanceConfig::preset(id).unwrap();
            config.exact = false;
            let instance = config.build().unwrap();
            for limit in [EXACT_LIMIT, 0] {
                let (periods, _) = best_periods(&instance, 64, limit);
                let rounds = pack(instance.plays(), &periods);
                assert!(rounds.iter().all(|round| round.len() <= instance.plays()));
                for (arm, period) in periods.iter().enumerate() {
                    let plays: Vec<usize> = (0..rounds.len())
                        .filter(|&t| rounds[t].contains(&arm))
                        .collect();
                    let Some(period) = period.map(|d| d as usize) else {
                        assert!(plays.is_empty());
                        continue;
                    };
                    assert_eq!(plays.len() * period, rounds.len(), "{id} {arm}");
                    assert!(
                        plays.windows(2).all(|p| p[1] - p[0] == period),
                        "{id} {arm}"
                    );
                }
                let schedule = Schedule::new(rounds);
                let value = palaestra_envs::bandits::long_run_mean(&instance, &schedule, 1 << 20);
                let value = value.unwrap().mean;
                assert!(
                    (value - promised(&instance, &periods)).abs() < 1e-12,
                    "{id}"
                );
            }
        }
    }

    #[test]
    fn the_greedy_choice_is_legal_and_near_the_exact_one() {
        for id in [
            "lin4", "geo3", "geo5k2", "exp3", "pb_log10", "big30_2", "block236",
        ] {
            let instance = preset(id);
            let (exact, _) = best_periods(&instance, 64, EXACT_LIMIT);
            let (greedy, _) = best_periods(&instance, 64, 0);
            let used: f64 = greedy.iter().flatten().map(|d| 1.0 / *d as f64).sum();
            assert!(used <= instance.plays() as f64 + 1e-12, "{id}");
            let (exact, greedy) = (promised(&instance, &exact), promised(&instance, &greedy));
            assert!(
                greedy <= exact + 1e-12 && greedy >= 0.95 * exact,
                "{id}: {greedy} {exact}"
            );
        }
    }

    #[test]
    fn exactly_k_plays_are_filled_up() {
        let plan = harmonic(&preset("spike5"), 64).unwrap();
        // 0.95 every 3 rounds, 0.96 every 12, and 0.15 in between.
        let least = 0.95 / 3.0 + 0.96 / 12.0 + 0.15 * 7.0 / 12.0;
        assert!(plan.value.rate >= least - 1e-12, "{plan:?}");
        let mut config = InstanceConfig::preset("block244").unwrap();
        config.exact = true;
        config.arms.truncate(2);
        let plan = harmonic(&config.build().unwrap(), 64).unwrap();
        assert_eq!(plan.notes.len(), 1, "{plan:?}");
    }
}
