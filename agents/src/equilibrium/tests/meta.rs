//! Games of several populations, ratings, and games in language as trees.

use palaestra_envs::language::{
    BargainingConfig, Horizon, Money, NegotiationConfig, PersuasionConfig, RuleError, theory,
};
use proptest::prelude::*;

use super::super::extensive::{BargainingRules, NegotiationRules, PersuasionRules};
use super::*;

#[test]
fn several_populations_are_ranked_like_two() {
    let golden = golden("alpharank_replicator");
    for case in list(&golden, "multi") {
        let game = BimatrixGame::new(2, 2, flat(&case["A"]), flat(&case["B"])).unwrap();
        // A third player whose actions change nothing: the law is that of the two, spread evenly over the third's.
        let own = |player: usize| -> Vec<f64> {
            (0..8)
                .map(|profile| {
                    if player == 2 {
                        1.0
                    } else {
                        game.payoff(player, profile / 4, profile / 2 % 2)
                    }
                })
                .collect()
        };
        let three = NormalFormGame::new(vec![2, 2, 2], vec![own(0), own(1), own(2)]).unwrap();
        let selection = Selection::Finite {
            alpha: number(&case["alpha"]),
            population: number(&case["m"]) as u32,
        };
        let found = alpha_rank_populations(&three, selection).unwrap();
        let pairs: Vec<f64> = found.mass.chunks(2).map(|pair| pair[0] + pair[1]).collect();
        assert_near(&pairs, &numbers(&case["pi"]), 1e-8);
        for pair in found.mass.chunks(2) {
            assert!((pair[0] - pair[1]).abs() <= 1e-9, "{pair:?}");
        }
        let both = alpha_rank(&game, selection).unwrap();
        assert_near(&both.mass, &numbers(&case["pi"]), 1e-8);
    }
}

#[test]
fn stationary_laws_of_populations_are_stationary() {
    // Three players with 2, 3 and 2 actions and payoffs out of a hat; the chain written down in plain arithmetic.
    let hat = PreferenceGame::random(7, 5);
    let payoffs: Vec<Vec<f64>> = (0..3)
        .map(|k| hat.wins()[12 * k..12 * (k + 1)].to_vec())
        .collect();
    let game = NormalFormGame::new(vec![2, 3, 2], payoffs).unwrap();
    let (alpha, m) = (2.0, 20.0);
    let selection = Selection::Finite {
        alpha,
        population: 20,
    };
    let found = alpha_rank_populations(&game, selection).unwrap();
    let mut flow = vec![0.0; 12];
    for from in 0..12 {
        for player in 0..3 {
            for action in 0..game.actions()[player] {
                let to = game.with(from, player, action);
                if to == from {
                    continue;
                }
                let u: f64 = alpha * (game.payoff(player, to) - game.payoff(player, from));
                let rate = if u.abs() < 1e-14 {
                    1.0 / m
                } else {
                    (1.0 - (-u).exp()) / (1.0 - (-m * u).exp())
                };
                flow[to] += rate * found.mass[from];
                flow[from] -= rate * found.mass[from];
            }
        }
    }
    assert_near(&flow, &[0.0; 12], 1e-12);
    assert!((found.mass.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    // Sinks of single profiles are the strict pure equilibria.
    for profile in game.pure_equilibria(0.0) {
        assert!(found.sinks.contains(&vec![profile]));
    }
    let large = NormalFormGame::new(vec![11; 3], vec![vec![0.0; 1331]; 3]).unwrap();
    assert!(alpha_rank_populations(&large, selection).is_err());
    assert!(NormalFormGame::new(vec![2, 0], vec![vec![]; 2]).is_err());
    assert!(NormalFormGame::new(vec![2], vec![vec![0.0, f64::NAN]]).is_err());
}

#[test]
fn pure_equilibria_are_found() {
    let dilemma = BimatrixGame::symmetric(2, vec![3.0, 0.0, 5.0, 1.0]).unwrap();
    assert_eq!(NormalFormGame::from(&dilemma).pure_equilibria(0.0), [3]);
    let battle =
        BimatrixGame::new(2, 2, vec![3.0, 0.0, 0.0, 2.0], vec![2.0, 0.0, 0.0, 3.0]).unwrap();
    assert_eq!(NormalFormGame::from(&battle).pure_equilibria(0.0), [0, 3]);
    let pennies = NormalFormGame::from(&BimatrixGame::matching_pennies());
    assert!(pennies.pure_equilibria(0.0).is_empty());
}

#[test]
fn nash_averages_are_even_and_fair() {
    let rps = [0.0, -1.0, 1.0, 1.0, 0.0, -1.0, -1.0, 1.0, 0.0];
    let found = nash_average(3, &rps).unwrap();
    assert_near(&found.weights, &[1.0 / 3.0; 3], 1e-12);
    assert_near(&found.ratings, &[0.0; 3], 1e-12);
    // A copy shares its original's weight, and changes no rating.
    let copied = [
        0.0, 0.0, -1.0, 1.0, 0.0, 0.0, -1.0, 1.0, 1.0, 1.0, 0.0, -1.0, -1.0, -1.0, 1.0, 0.0,
    ];
    let found = nash_average(4, &copied).unwrap();
    assert_near(
        &found.weights,
        &[1.0 / 6.0, 1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0],
        1e-9,
    );
    assert_near(&found.ratings, &[0.0; 4], 1e-9);
    // Where one beats all, it is the equilibrium, and the others are rated by what they lose to it.
    let found = nash_average(3, &[0.0, 2.0, 3.0, -2.0, 0.0, 1.0, -3.0, -1.0, 0.0]).unwrap();
    assert_near(&found.weights, &[1.0, 0.0, 0.0], 1e-12);
    assert_near(&found.ratings, &[0.0, -2.0, -3.0], 1e-12);
    let nothing = nash_average(3, &[0.0; 9]).unwrap();
    assert_near(&nothing.weights, &[1.0 / 3.0; 3], 0.0);
    // Two equals, and a third that beats one by 2 and loses to the other by 1: it keeps the first below a third.
    let held = [0.0, 0.0, -2.0, 0.0, 0.0, 1.0, 2.0, -1.0, 0.0];
    let found = nash_average(3, &held).unwrap();
    assert_near(&found.weights, &[1.0 / 3.0, 2.0 / 3.0, 0.0], 1e-9);
    assert!(nash_average(2, &[0.0, 1.0, 1.0, 0.0]).is_err());
    assert!(nash_average(2, &[0.0; 3]).is_err());
    assert!(nash_average(2, &[0.0, f64::NAN, 0.0, 0.0]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn nash_averages_are_equilibria_of_largest_entropy(n in 1usize..9, seed in 0u32..10_000, coarse in any::<bool>()) {
        let game = PreferenceGame::random(n, seed);
        // Coarse advantages have ties, and so many equilibria.
        let advantage = |p: f64| if coarse { (2.0 * (2.0 * p - 1.0)).round() } else { 2.0 * p - 1.0 };
        let mut table = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..i {
                let a = advantage(game.win(i, j));
                (table[i * n + j], table[j * n + i]) = (a, -a);
            }
        }
        let found = nash_average(n, &table).unwrap();
        prop_assert!((found.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        prop_assert!(found.weights.iter().all(|p| *p >= 0.0));
        prop_assert!(found.ratings.iter().all(|r| *r <= 1e-8), "{:?}", found);
        // No other equilibrium at hand is more even: nor is any mixture of it with this one.
        let other = lp_nash(&BimatrixGame::zero_sum(n, n, table).unwrap()).unwrap();
        for own in other.profile {
            for part in [0.01, 0.5, 1.0] {
                let mixed: Vec<f64> = own.iter().zip(&found.weights).map(|(a, b)| part * a + (1.0 - part) * b).collect();
                prop_assert!(entropy(&mixed) <= entropy(&found.weights) + 1e-6);
            }
        }
    }
}

#[test]
fn steps_that_are_too_long_are_halved() {
    // Ten random responses at a small temperature: EGPO with a step of 6 does not converge there.
    let game = Arc::new(PreferenceGame::random(10, 7));
    let long = Egpo {
        beta: 0.01,
        eta: 6.0,
    };
    let mut plain = PreferenceLearner::new(game.clone(), long.clone()).unwrap();
    plain.run(5000);
    let mut halving = PreferenceLearner::new(game.clone(), HalvingEgpo::new(long)).unwrap();
    halving.run(5000);
    assert!(
        plain.gap(Iterate::Last) > 1e-3,
        "{}",
        plain.gap(Iterate::Last)
    );
    assert!(
        halving.gap(Iterate::Last) < 1e-8,
        "{}",
        halving.gap(Iterate::Last)
    );
    assert!(halving.state().rule.egpo.eta < 6.0);
    // A step that is short enough stays, to the last bit.
    let short = Egpo::default();
    let mut plain = PreferenceLearner::new(game.clone(), short.clone()).unwrap();
    let mut halving = PreferenceLearner::new(game.clone(), HalvingEgpo::new(short)).unwrap();
    plain.run(300);
    halving.run(300);
    assert_eq!(plain.logits(), halving.logits());
    let mut resumed =
        PreferenceLearner::<HalvingEgpo>::load(game, &halving.save().unwrap()).unwrap();
    halving.run(75);
    resumed.run(75);
    assert_eq!(halving.state(), resumed.state());
}

#[test]
fn comparisons_without_probabilities_teach_as_well_with_more_noise() {
    let game = Arc::new(PreferenceGame::biased_cycle());
    let gap = |labels, rate| {
        let worst = (0..5).map(|seed| {
            let rule = SampledEgpo {
                rate,
                labels,
                ..SampledEgpo::new(seed)
            };
            let mut learner = PreferenceLearner::new(game.clone(), rule).unwrap();
            learner.run(5000);
            learner.gap(Iterate::Last)
        });
        worst.fold(0.0, f64::max)
    };
    let exact = gap(Labels::Probability, 0.003);
    let drawn = gap(Labels::Bernoulli, 0.003);
    assert!(
        exact < 2e-3 && drawn > exact && drawn < 1e-2,
        "{exact} and {drawn}"
    );
    // Noise sets the floor: a smaller rate lowers it.
    let careful = gap(Labels::Bernoulli, 0.001);
    assert!(careful < drawn, "{careful} and {drawn}");
}

fn bargain(delta: [f64; 2], rounds: u16) -> BargainingConfig {
    BargainingConfig {
        delta,
        horizon: Horizon::Known(rounds),
        money: Money::whole(1_000_000),
        ..BargainingConfig::default()
    }
}

#[test]
fn bargaining_on_a_grid_is_solved_by_backward_induction() {
    for delta in [[0.9, 0.9], [0.8, 0.95], [0.95, 0.8]] {
        for (rounds, parts) in [(4, 10), (2, 100), (1, 100)] {
            let config = bargain(delta, rounds);
            let rules = BargainingRules::new(config, &[], parts, 1).unwrap();
            let game = ExtensiveGame::build(&rules).unwrap();
            let (policy, value) = backward_induction(&game).unwrap();
            assert!(BestResponse::default().nash_conv(&game, &policy).abs() < 1e-12);
            assert_eq!(game.value(&policy), value);
            // One grid step a round from the closed form.
            let exact = theory::bargaining_path(delta, rounds)[0];
            let off = (value[0] - exact).abs();
            assert!(off <= f64::from(rounds) / f64::from(parts) + 1e-12, "{off}");
            // And what walking through the rules finds.
            let walked = theory::bargaining_tree(config, parts).unwrap();
            assert_near(&value, &walked.gains[0], 1e-9);
        }
        // 101 shares over four rounds are too many for a tree that remembers all; the rules are walked instead.
        let walked = theory::bargaining_tree(bargain(delta, 4), 100).unwrap();
        let exact = theory::bargaining_path(delta, 4)[0];
        assert!((walked.gains[0][0] - exact).abs() <= 0.04 + 1e-12);
    }
}

#[test]
fn negotiations_on_a_grid_give_the_surplus_to_the_last_offer() {
    let prices: Vec<Money> = (8..=15).map(|p| Money::whole(1000 * p)).collect();
    for (rounds, expected) in [(1, [0.4, 0.0]), (2, [0.0, 0.4])] {
        let config = NegotiationConfig {
            horizon: Horizon::Known(rounds),
            ..NegotiationConfig::default()
        };
        let rules = NegotiationRules::new(config, &[], prices.clone(), 1).unwrap();
        let game = ExtensiveGame::build(&rules).unwrap();
        let (_, value) = backward_induction(&game).unwrap();
        assert_near(&value, &expected, 1e-12);
        let walked = theory::negotiation_tree(config, &prices).unwrap();
        assert_near(&value, &walked.gains[0], 1e-12);
    }
}

#[test]
fn hidden_types_make_sets_of_positions() {
    let config = BargainingConfig {
        complete_information: false,
        ..bargain([0.9; 2], 2)
    };
    let types = [[0.8, 0.8], [0.8, 1.0], [1.0, 0.8], [1.0, 1.0]];
    let rules = BargainingRules::new(config, &types, 4, 2).unwrap();
    let game = Arc::new(ExtensiveGame::build(&rules).unwrap());
    // Alice cannot tell Bob's types apart at her first offer: two sets, of two positions and ten actions each.
    let first: Vec<_> = game
        .infosets()
        .iter()
        .filter(|set| set.player == 0 && !set.key.contains(' '))
        .collect();
    assert_eq!(first.len(), 2);
    assert!(
        first
            .iter()
            .all(|set| set.members.len() == 2 && set.actions.len() == 10)
    );
    assert!(matches!(
        backward_induction(&game),
        Err(SolverError::Kind { .. })
    ));
    // Not zero-sum: CFR+ promises nothing, but comes down here.
    let mut cfr = Cfr::new(game.clone(), CfrVariant::Plus, Updates::Alternating).unwrap();
    let before = cfr.gap(Iterate::Average);
    cfr.run(300);
    let after = cfr.gap(Iterate::Average);
    assert!(after < 0.2 * before, "{after} after {before}");
    let prices = vec![Money::whole(9000), Money::whole(11_000)];
    let hidden = NegotiationConfig {
        complete_information: false,
        horizon: Horizon::Known(1),
        ..NegotiationConfig::default()
    };
    let rules = NegotiationRules::new(hidden, &[[0.8, 1.0], [0.8, 1.2]], prices, 1).unwrap();
    let game = Arc::new(ExtensiveGame::build(&rules).unwrap());
    let mut cfr = Cfr::new(game.clone(), CfrVariant::Plus, Updates::Alternating).unwrap();
    cfr.run(2000);
    // A posted price: 11,000 sells half of the time for 3,000, 9,000 always for 1,000.
    let value = game.value(&cfr.policy(Iterate::Average));
    assert!((value[0] - 0.15).abs() < 1e-3, "{value:?}");
}

#[test]
fn persuasion_by_the_rules_sells_nothing_on_cheap_talk() {
    for (p, value_high, sells) in [(0.3, 2.0, false), (0.5, 3.0, true)] {
        let config = PersuasionConfig {
            p,
            value_high,
            rounds: 1,
            ..PersuasionConfig::default()
        };
        let game =
            Arc::new(ExtensiveGame::build(&PersuasionRules::new(config, 2).unwrap()).unwrap());
        let mut cfr = Cfr::new(game.clone(), CfrVariant::Plus, Updates::Alternating).unwrap();
        cfr.run(2000);
        let sale = game.value(&cfr.policy(Iterate::Average))[0];
        let off = if sells { 1.0 - sale } else { sale };
        assert!(off < 1e-5 && cfr.gap(Iterate::Average) < 1e-5, "{sale}");
    }
    // Two rounds: what was revealed is remembered.
    let config = PersuasionConfig {
        rounds: 2,
        ..PersuasionConfig::default()
    };
    let game = ExtensiveGame::build(&PersuasionRules::new(config, 2).unwrap()).unwrap();
    let second = |player: usize| {
        let own = game.infosets().iter().filter(|set| set.player == player);
        own.filter(|set| set.key.matches("says").count() == 1 + player && set.key.contains("buys"))
            .count()
    };
    // The buyer after buying: quality, symbol and symbol; the seller knows the next quality too.
    assert_eq!((second(0), second(1)), (8, 8));
    let forgetful = PersuasionConfig {
        myopic: true,
        ..config
    };
    assert!(matches!(
        PersuasionRules::new(forgetful, 2),
        Err(RuleError::Config { key: "myopic", .. })
    ));
}

#[test]
fn double_oracle_over_strategies_finds_the_equilibrium_of_all() {
    // Sellers that post a price of a grid, and buyers that take prices up to one, at unknown values: a table by the rules.
    let prices: Vec<f64> = (0..=10).map(|k| f64::from(k) / 10.0).collect();
    let n = prices.len();
    let mut payoffs = [vec![0.0; n * n], vec![0.0; n * n]];
    for (i, price) in prices.iter().enumerate() {
        for (j, limit) in prices.iter().enumerate() {
            if price <= limit {
                payoffs[0][i * n + j] = *price;
                payoffs[1][i * n + j] = 0.6 - price;
            }
        }
    }
    let [first, second] = payoffs;
    let game = Arc::new(BimatrixGame::new(n, n, first, second).unwrap());
    let mut psro = Psro::new(game.clone(), MetaSolver::ProjectedReplicator).unwrap();
    while psro.step().unwrap() {}
    assert!(psro.gap() < 0.05, "{}", psro.gap());
    assert!(psro.actions()[0].len() < n);
}
