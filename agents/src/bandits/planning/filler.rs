//! Rounds that a schedule leaves free, where the instance asks for exactly `k` plays.

use palaestra_envs::bandits::Instance;

use super::delay::mean_at_delay;

/// Fills every round up to `k` arms if the instance asks for exactly `k` plays, and says so in `notes`; otherwise
/// leaves the rounds as they are.
///
/// The arms that the schedule plays least come first, of these the ones that pay most when played for ever, then the
/// lowest: an extra play spoils the rest that an arm was meant to have, which does no harm to an arm without one.
pub(super) fn fill(
    instance: &Instance,
    mut rounds: Vec<Vec<usize>>,
    notes: &mut Vec<String>,
) -> Vec<Vec<usize>> {
    let plays = instance.plays();
    if rounds.is_empty() {
        rounds.push(Vec::new());
    }
    if !instance.exact() || rounds.iter().all(|round| round.len() >= plays) {
        return rounds;
    }
    let mut counts = vec![0_u64; instance.num_arms()];
    rounds.iter().flatten().for_each(|&arm| counts[arm] += 1);
    let always: Vec<f64> = (0..counts.len())
        .map(|arm| mean_at_delay(instance, arm, 1))
        .collect();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by(|&a, &b| {
        counts[a]
            .cmp(&counts[b])
            .then(always[b].total_cmp(&always[a]))
    });
    for round in &mut rounds {
        for &arm in &order {
            if round.len() >= plays {
                break;
            }
            if !round.contains(&arm) {
                round.push(arm);
            }
        }
    }
    notes.push(format!(
        "The instance asks for exactly {plays} plays a round; rounds that the planner leaves free are filled with the \
         arms that it plays least."
    ));
    rounds
}

#[cfg(test)]
mod tests {
    use palaestra_envs::bandits::InstanceConfig;

    use super::*;

    #[test]
    fn free_rounds_go_to_the_arms_played_least() {
        let mut config = InstanceConfig::preset("stat3").unwrap();
        let rounds = vec![vec![0], vec![], vec![0], vec![1]];
        let mut notes = Vec::new();
        let loose = config.build().unwrap();
        assert_eq!(fill(&loose, rounds.clone(), &mut notes), rounds);
        assert!(notes.is_empty());
        config.exact = true;
        let exact = config.build().unwrap();
        assert_eq!(fill(&exact, rounds, &mut notes), [[0], [2], [0], [1]]);
        assert_eq!(notes.len(), 1);
        config.plays = 2;
        let two = config.build().unwrap();
        assert_eq!(
            fill(&two, vec![vec![0], vec![2]], &mut notes),
            [[0, 1], [2, 1]]
        );
        assert_eq!(fill(&two, Vec::new(), &mut notes), [[0, 1]]);
    }
}
