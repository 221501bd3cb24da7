//! What virtual cycles with random phases earn on average, exactly where that is possible.

use palaestra_envs::{
    bandits::{EvaluationError, Instance, long_run_mean, total_mean},
    stream::Stream,
};

use super::virtual_policy::{
    MAX_PERIOD, Score, VirtualCycle, VirtualPolicy, common_multiple, draw,
};
use super::{Column, PlanError, Relaxation};

/// The mean long-run payoff a round of the virtual-cycles planner over its random columns and phases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PhaseMean {
    /// The mean.
    pub mean: f64,
    /// 0 if all combinations of columns and phases were evaluated; else the standard error of a mean over draws. It
    /// does not tell about draws that were followed for a limited number of rounds.
    pub standard_error: f64,
    /// Combinations or draws evaluated.
    pub evaluated: u64,
}

/// Draws that stand in for the exact mean where it is out of reach.
const DRAWS: u64 = 1000;
/// Rounds that such a draw is followed if it has no shorter cycle.
const DRAW_ROUNDS: u64 = 20_000;

/// The mean over all columns (with their weights in the relaxation of `instance`) and phases, if that takes at most
/// `max_rounds` rounds of play altogether; else over 1000 draws from `rng`.
///
/// `instance` itself is planned for, monotone or not.
///
/// # Errors
/// Only if the policies could break the instance's rules, which they do not.
pub fn phase_mean(
    instance: &Instance,
    score: Score,
    max_rounds: u64,
    rng: &mut Stream,
) -> Result<PhaseMean, PlanError> {
    let relaxation = Relaxation::new(instance);
    let combinations = column_combinations(&relaxation, max_rounds);
    let rounds = combinations.as_ref().map(|all| {
        let of_columns = |(columns, _): &(Vec<Option<Column>>, f64)| {
            let (phases, period) = phases_and_period(columns);
            phases.saturating_mul(period)
        };
        all.iter().map(of_columns).fold(0, u64::saturating_add)
    });
    match (combinations, rounds) {
        (Some(combinations), Some(rounds)) if rounds <= max_rounds => {
            over_all(instance, score, &combinations)
        }
        _ => over_draws(instance, score, &relaxation, rng),
    }
}

/// Every choice of a column for each arm with its probability; none if there are more than `limit`.
fn column_combinations(
    relaxation: &Relaxation,
    limit: u64,
) -> Option<Vec<(Vec<Option<Column>>, f64)>> {
    let mut all = vec![(Vec::new(), 1.0)];
    for arm in 0..relaxation.hulls().len() {
        let mix = relaxation.mix(arm);
        let never = 1.0 - mix.iter().map(|(_, weight)| weight).sum::<f64>();
        let mut options: Vec<(Option<Column>, f64)> = mix
            .iter()
            .map(|(column, weight)| (Some(*column), *weight))
            .collect();
        if never > 1e-12 || options.is_empty() {
            options.push((None, never));
        }
        if all.len() as u64 * options.len() as u64 > limit {
            return None;
        }
        all = (all.iter())
            .flat_map(|(columns, p): &(Vec<Option<Column>>, f64)| {
                let longer = |option: &(Option<Column>, f64)| {
                    ([&columns[..], &[option.0]].concat(), p * option.1)
                };
                options.iter().map(longer).collect::<Vec<_>>()
            })
            .collect();
    }
    Some(all)
}

fn lengths(columns: &[Option<Column>]) -> impl Iterator<Item = u32> {
    columns.iter().flatten().map(Column::length)
}

/// The arm whose phase can be held at 0, because only differences of phases matter: one with the longest column.
fn anchor(columns: &[Option<Column>]) -> usize {
    let length = |arm: &usize| columns[*arm].map_or(0, |c| c.length());
    (0..columns.len()).max_by_key(length).unwrap_or(0)
}

/// Number of combinations of phases with one arm held, and the common period; `u64::MAX` stands for more.
fn phases_and_period(columns: &[Option<Column>]) -> (u64, u64) {
    let product = lengths(columns).fold(1_u64, |p, length| p.saturating_mul(u64::from(length)));
    let longest = lengths(columns).max().unwrap_or(1);
    let period = common_multiple(lengths(columns), u64::MAX);
    (product / u64::from(longest), period)
}

fn over_all(
    instance: &Instance,
    score: Score,
    combinations: &[(Vec<Option<Column>>, f64)],
) -> Result<PhaseMean, PlanError> {
    let (mut mean, mut evaluated) = (0.0, 0);
    for (columns, probability) in combinations {
        let (phases, period) = phases_and_period(columns);
        let held = anchor(columns);
        let mut total = 0.0;
        for mut number in 0..phases {
            // The phases of the other arms are the digits of a number in mixed radix.
            let cycle = |(arm, column): (usize, &Option<Column>)| {
                let column = (*column)?;
                let length = u64::from(column.length());
                let phase = if arm == held { 0 } else { number % length };
                if arm != held {
                    number /= length;
                }
                let phase = phase as u32;
                Some(VirtualCycle { column, phase })
            };
            let cycles = columns.iter().enumerate().map(cycle).collect();
            let policy = VirtualPolicy::new(instance.clone(), score, cycles, period);
            // States fall into step within a period, or saturate; the search takes a few times as long.
            let max_rounds = period.saturating_mul(8).saturating_add(1 << 20);
            total += long_run_mean(instance, &policy, max_rounds)?.mean;
        }
        mean += probability * total / phases as f64;
        evaluated += phases;
    }
    Ok(PhaseMean {
        mean,
        standard_error: 0.0,
        evaluated,
    })
}

fn over_draws(
    instance: &Instance,
    score: Score,
    relaxation: &Relaxation,
    rng: &mut Stream,
) -> Result<PhaseMean, PlanError> {
    let mut rates = Vec::with_capacity(DRAWS as usize);
    for _ in 0..DRAWS {
        let cycles = draw(relaxation, rng);
        let policy = VirtualPolicy::new(instance.clone(), score, cycles, MAX_PERIOD);
        rates.push(match long_run_mean(instance, &policy, DRAW_ROUNDS) {
            Ok(cycle) => cycle.mean,
            Err(EvaluationError::NoCycle { .. }) => {
                // The second half of the rounds, without what the start gives.
                let half = DRAW_ROUNDS / 2;
                let all = total_mean(instance, &policy, DRAW_ROUNDS)?;
                (all - total_mean(instance, &policy, half)?) / half as f64
            }
            Err(error) => return Err(error.into()),
        });
    }
    let n = DRAWS as f64;
    let mean = rates.iter().sum::<f64>() / n;
    let variance = rates.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>() / (n - 1.0);
    Ok(PhaseMean {
        mean,
        standard_error: (variance / n).sqrt(),
        evaluated: DRAWS,
    })
}

#[cfg(test)]
mod tests {
    use palaestra_envs::bandits::InstanceConfig;

    use super::super::guarantee;
    use super::super::testbed::preset;
    use super::*;

    fn mean(instance: &Instance, score: Score, max_rounds: u64) -> PhaseMean {
        phase_mean(instance, score, max_rounds, &mut Stream::new(1, 0, "test")).unwrap()
    }

    #[test]
    fn the_golden_instances_have_the_known_mean() {
        for (id, expected, tolerance) in [
            ("stat3", 0.5, 1e-8),
            ("stat3 k=2", 0.9, 1e-8),
            ("block244", 0.571_875, 1e-8),
            ("block236", 0.666_667, 5e-7),
            ("block237", 0.709_524, 5e-7),
            ("exp3", 0.520_716_166_1, 1e-8),
            ("lin4", 0.61, 1e-8),
            ("geo3", 0.527_392_794_4, 1e-8),
            ("log3", 0.509_948_889_9, 1e-8),
            ("burst2", 0.434_470_647_4, 1e-8),
            ("geo5k2", 1.103_069_833_3, 1e-8),
        ] {
            let instance = preset(id);
            let value = mean(&instance, Score::Virtual, 10_000_000);
            assert_eq!(value.standard_error, 0.0);
            assert!((value.mean - expected).abs() < tolerance, "{id}: {value:?}");
            let promised = guarantee(&instance, &Relaxation::new(&instance));
            assert!(value.mean >= promised - 1e-9, "{id}");
        }
        let actual = mean(&preset("geo5k2"), Score::Actual, 10_000_000).mean;
        assert!((actual - 1.1075).abs() < 5e-4, "{actual}");
    }

    #[test]
    fn step2_has_the_known_mean_where_it_may_idle() {
        let config = InstanceConfig {
            exact: false,
            ..InstanceConfig::preset("step2").unwrap()
        };
        let value = mean(&config.build().unwrap(), Score::Virtual, 1000);
        assert!((value.mean - 0.4875).abs() < 1e-8, "{value:?}");
        // Where it must play, the harmless arm fills the other rounds.
        let value = mean(&preset("step2"), Score::Virtual, 1000);
        assert!((value.mean - 0.5).abs() < 1e-8, "{value:?}");
    }

    #[test]
    fn draws_stand_in_with_an_honest_error() {
        let instance = preset("exp3");
        let exact = mean(&instance, Score::Virtual, 10_000_000).mean;
        let drawn = mean(&instance, Score::Virtual, 10);
        assert_eq!(drawn.evaluated, DRAWS);
        assert!(drawn.standard_error > 0.0);
        assert!(
            (drawn.mean - exact).abs() < 5.0 * drawn.standard_error,
            "{drawn:?}"
        );
    }
}
