use proptest::prelude::*;

use super::super::metrics::Workspace;
use super::*;

fn payoffs(rows: usize, columns: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-3.0f64..3.0, rows * columns)
}

fn policy(n: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.001f64..1.0, n).prop_map(|mut p| {
        simplex::normalise(&mut p);
        p
    })
}

/// Action probabilities of every information set of Kuhn poker.
fn kuhn_policy() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.0f64..=1.0, 12)
        .prop_map(|bets| bets.iter().flat_map(|p| [1.0 - p, *p]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn gaps_are_not_negative_and_vanish_at_the_equilibrium(
        seed in 1u32..100_000,
        n in 2usize..12,
        tau in 0.02f64..3.0,
        logits in prop::collection::vec(-3.0f64..3.0, 12),
    ) {
        let game = PreferenceGame::random(n, seed).with_reference_logits(&logits[..n]).unwrap();
        let shifted: Vec<f64> = logits[..n].iter().map(|v| v * v).collect();
        let gap = metrics::regularised_gap(&game, tau, &shifted, &mut Workspace::default());
        prop_assert!(gap > -1e-13);
        let found = RegularisedNash::solve(&game, tau, 1e-12).unwrap();
        prop_assert!(found.gap(&game, tau).abs() < 1e-11);
        prop_assert!(found.unregularised_gap(&game) > -1e-13);
    }

    #[test]
    fn linear_programs_leave_no_gap(
        (rows, columns, first) in (1usize..7, 1usize..7)
            .prop_flat_map(|(r, c)| (Just(r), Just(c), payoffs(r, c))),
        // Coarse payoffs make ties and degenerate programs likely.
        coarse in any::<bool>(),
    ) {
        let first = if coarse { first.iter().map(|p| p.round()).collect() } else { first };
        let game = BimatrixGame::zero_sum(rows, columns, first).unwrap();
        let found = lp_nash(&game).unwrap();
        let gap = game.nash_conv(&found.profile);
        prop_assert!(gap.abs() < 1e-9, "{}", gap);
        let mut oracle = Psro::new(Arc::new(game), MetaSolver::LpNash).unwrap();
        while oracle.step().unwrap() {}
        prop_assert!(oracle.gap() < 1e-8, "{}", oracle.gap());
    }

    #[test]
    fn rankings_are_distributions(first in payoffs(3, 4), second in payoffs(3, 4), alpha in 0.01f64..200.0) {
        let game = BimatrixGame::new(3, 4, first, second).unwrap();
        let selection = Selection::Finite { alpha, population: 30 };
        let found = alpha_rank(&game, selection).unwrap();
        let sum: f64 = found.mass.iter().sum();
        prop_assert!((sum - 1.0).abs() < 1e-9);
        prop_assert!(found.mass.iter().all(|p| *p >= 0.0));
        prop_assert!(!found.sinks.is_empty());
    }

    #[test]
    fn dynamics_stay_policies(first in payoffs(4, 4), x in policy(4), y in policy(4), floor in 0.0f64..0.2) {
        let game = BimatrixGame::symmetric(4, first).unwrap();
        let mut solver = Replicator::new(Arc::new(game), [x, y], 0.01, floor).unwrap();
        solver.run(200);
        for policy in solver.policy(Iterate::Last) {
            prop_assert!((policy.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(policy.iter().all(|p| *p >= floor - 1e-12));
        }
    }

    #[test]
    fn responses_in_kuhn_poker_are_best(policy in kuhn_policy(), reply in kuhn_policy()) {
        let game = ExtensiveGame::kuhn_poker().unwrap();
        let mut response = BestResponse::default();
        for player in 0..2 {
            let best = response.value(&game, player, &policy);
            // Another reply against the same opponent gains no more.
            let mut mixed = policy.clone();
            for set in game.infosets().iter().filter(|set| set.player == player) {
                mixed[set.actions.clone()].copy_from_slice(&reply[set.actions.clone()]);
            }
            prop_assert!(game.value(&mixed)[player] <= best + 1e-12);
            // The best reply that was found gains exactly that.
            for (set, choice) in game.infosets().iter().zip(response.choices()) {
                if set.player == player {
                    mixed[set.actions.clone()].fill(0.0);
                    mixed[set.actions.start + choice] = 1.0;
                }
            }
            prop_assert!((game.value(&mixed)[player] - best).abs() < 1e-12);
        }
        prop_assert!(response.nash_conv(&game, &policy) > -1e-12);
    }
}
