//! The choices of one round: which sets of arms may be played.

use palaestra_envs::bandits::Instance;

/// Number of legal choices a round: sets of at most (or exactly) `k` of `N` arms. `u64::MAX` stands for more.
pub(super) fn num_choices(instance: &Instance) -> u64 {
    let (arms, plays) = (instance.num_arms() as u64, instance.plays() as u64);
    let (mut of_size, mut total) = (1_u64, 0_u64);
    for size in 0..=plays {
        if size > 0 {
            // C(N, s) = C(N, s − 1)·(N − s + 1) / s, without a remainder.
            let Some(product) = of_size.checked_mul(arms - size + 1) else {
                return u64::MAX;
            };
            of_size = product / size;
        }
        if size == plays || !instance.exact() {
            total = total.saturating_add(of_size);
        }
    }
    total
}

/// All legal choices of a round, small sets first, then in lexicographic order: the first of several that pay the same
/// has the fewest and lowest arms. Look at [`num_choices`] first.
pub(super) fn choices(instance: &Instance) -> Vec<Vec<usize>> {
    let (arms, plays) = (instance.num_arms(), instance.plays());
    let least = if instance.exact() { plays } else { 0 };
    let mut all = Vec::new();
    for size in least..=plays {
        let mut set: Vec<usize> = (0..size).collect();
        loop {
            all.push(set.clone());
            // The next set of this size: move the last arm that can move, and put the others right behind it.
            let Some(i) = (0..size).rev().find(|&i| set[i] < arms - size + i) else {
                break;
            };
            set[i] += 1;
            for j in i + 1..size {
                set[j] = set[j - 1] + 1;
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use palaestra_envs::bandits::InstanceConfig;

    use super::*;

    #[test]
    fn choices_come_small_sets_first() {
        let mut config = InstanceConfig::big(3, 2);
        let at_most = config.build().unwrap();
        let expected: [&[usize]; 7] = [&[], &[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2]];
        assert_eq!(choices(&at_most), expected);
        config.exact = true;
        assert_eq!(choices(&config.build().unwrap()), expected[4..]);
    }

    #[test]
    fn the_number_of_choices_is_that_of_the_list() {
        for arms in 1..=7 {
            for plays in 1..=arms {
                for exact in [false, true] {
                    let config = InstanceConfig {
                        exact,
                        ..InstanceConfig::big(arms, plays)
                    };
                    let instance = config.build().unwrap();
                    assert_eq!(num_choices(&instance), choices(&instance).len() as u64);
                }
            }
        }
        // C(200, 100) is about 9e58.
        let many = InstanceConfig::big(200, 100).build().unwrap();
        assert_eq!(num_choices(&many), u64::MAX);
    }
}
