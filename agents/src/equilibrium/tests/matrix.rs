use super::*;

fn zero_sum(value: &Value) -> Arc<BimatrixGame> {
    let rows = list(value, "A").len();
    Arc::new(
        BimatrixGame::zero_sum(
            rows,
            list(value, "A")[0].as_array().unwrap().len(),
            flat(&value["A"]),
        )
        .unwrap(),
    )
}

/// Compares averages up to the iteration `last`.
fn follow<S>(solver: &mut S, iterates: &Value, tolerance: f64, last: u64)
where
    S: Solver<Game = BimatrixGame, Policy = [Vec<f64>; 2]>,
{
    for (iteration, expected) in checkpoints(iterates) {
        if iteration > last {
            break;
        }
        solver.run(iteration - solver.iteration());
        let [x, y] = solver.policy(Iterate::Average);
        assert_near(&x, &numbers(&expected["x"]), tolerance);
        assert_near(&y, &numbers(&expected["y"]), tolerance);
        let gap = solver.gap(Iterate::Average);
        assert!((gap - number(&expected["nash_conv"])).abs() <= tolerance);
    }
}

#[test]
fn fictitious_play_runs_as_the_reference_does() {
    let golden = golden("matrix_solvers");
    for (name, entry) in entries(&golden["games"]) {
        let mut solver = FictitiousPlay::new(zero_sum(entry));
        // In these two the reference breaks ties by how its sums are rounded; see the next test.
        let ties = match name.as_str() {
            "biased_rps" => 10,
            "biased_cycle_minus" => 1,
            _ => u64::MAX,
        };
        follow(&mut solver, &entry["fictitious_play"], 1e-9, ties);
    }
}

#[test]
fn fictitious_play_breaks_ties_as_exact_arithmetic_does() {
    for (name, scale) in [("biased_rps", 20.0), ("biased_cycle_minus", 5.0)] {
        let golden = golden("matrix_solvers");
        let game = zero_sum(&golden["games"][name]);
        let payoff = |i: usize, j: usize| (scale * game.payoff(0, i, j)).round() as i64;
        let mut solver = FictitiousPlay::new(game.clone());
        let mut counts = [[0i64; 3]; 2];
        let mut next = [0, 0];
        for _ in 0..10_000 {
            solver.step();
            counts[0][next[0]] += 1;
            counts[1][next[1]] += 1;
            let row = |i: usize| (0..3).map(|j| payoff(i, j) * counts[1][j]).sum::<i64>();
            let column = |j: usize| (0..3).map(|i| -payoff(i, j) * counts[0][i]).sum::<i64>();
            // Of several largest the first.
            next = [
                (0..3).rev().max_by_key(|&i| row(i)).unwrap(),
                (0..3).rev().max_by_key(|&j| column(j)).unwrap(),
            ];
        }
        let exact = counts.map(|c| c.map(|c| c as f64 / 10_000.0));
        let found = solver.policy(Iterate::Average);
        assert_near(&found[0], &exact[0], 1e-12);
        assert_near(&found[1], &exact[1], 1e-12);
        assert!(solver.gap(Iterate::Average) < 0.02);
    }
}

#[test]
fn regret_matching_runs_as_the_reference_does() {
    for entry in entries(&golden("matrix_solvers")["games"]).values() {
        let game = zero_sum(entry);
        for (key, variant, comparable) in [
            // Rounding differences of plain regrets grow along the cycle of policies.
            ("regret_matching", RegretVariant::Matching, 100),
            (
                "regret_matching_plus",
                RegretVariant::MatchingPlus,
                u64::MAX,
            ),
        ] {
            let mut solver = RegretMatching::new(game.clone(), variant).unwrap();
            follow(&mut solver, &entry[key], 1e-9, comparable);
            solver.run(10_000 - solver.iteration());
            let reference = number(&entry[key]["10000"]["nash_conv"]);
            assert!(solver.gap(Iterate::Average) <= 1.5 * reference + 1e-9);
        }
    }
}

#[test]
fn linear_programs_and_double_oracle_agree_with_the_reference() {
    for entry in entries(&golden("matrix_solvers")["games"]).values() {
        let game = zero_sum(entry);
        let found = lp_nash(&game).unwrap();
        assert_near(&found.profile[0], &numbers(&entry["lp_x"]), 1e-9);
        assert!((found.value - number(&entry["value"])).abs() < 1e-12);
        let mut oracle = Psro::new(game, MetaSolver::LpNash).unwrap();
        let rounds = list(entry, "double_oracle");
        for (k, round) in rounds.iter().enumerate() {
            let known =
                |key| -> Vec<usize> { numbers(&round[key]).iter().map(|&a| a as usize).collect() };
            assert_eq!(oracle.actions(), &[known("rows"), known("cols")]);
            assert_near(&oracle.profile()[0], &numbers(&round["x"]), 1e-9);
            assert_near(&oracle.profile()[1], &numbers(&round["y"]), 1e-9);
            assert!((oracle.gap() - number(&round["nash_conv"])).abs() < 1e-9);
            assert_eq!(oracle.step().unwrap(), k + 1 < rounds.len());
        }
        assert!(oracle.round() <= 10 && oracle.gap() < 1e-9);
    }
}

#[test]
fn linear_programs_find_the_equilibria_of_preference_games() {
    let golden = golden("regularised_nash");
    for entry in entries(&golden["games"]).values() {
        let game = BimatrixGame::of_preferences(&preference(entry));
        let found = lp_nash(&game).unwrap();
        assert_near(&found.profile[0], &numbers(&entry["lp_maximin"]), 1e-9);
        assert!(game.nash_conv(&found.profile) < 1e-12);
    }
    let refused = lp_nash(&BimatrixGame::symmetric(2, vec![3.0, 0.0, 5.0, 1.0]).unwrap());
    assert!(matches!(refused, Err(SolverError::Kind { .. })));
}

/// Saved between any two rounds, with a meta-solver that has something to add in each.
#[test]
fn response_oracles_go_on_after_loading() {
    let game = Arc::new(BimatrixGame::of_preferences(&PreferenceGame::random(10, 7)));
    let mut straight = Psro::new(game.clone(), MetaSolver::LpNash).unwrap();
    let mut saved = vec![serde_json::to_string(straight.state()).unwrap()];
    let mut states = vec![straight.state().clone()];
    while straight.step().unwrap() {
        saved.push(serde_json::to_string(straight.state()).unwrap());
        states.push(straight.state().clone());
    }
    assert!(states.len() > 3, "{}", states.len());
    for (round, saved) in saved.iter().enumerate() {
        let state = serde_json::from_str(saved).unwrap();
        let mut resumed = Psro::resume(game.clone(), state).unwrap();
        for state in &states[round + 1..] {
            assert!(resumed.step().unwrap());
            assert_eq!(resumed.state(), state);
        }
        assert!(!resumed.step().unwrap());
    }
}

#[test]
fn other_meta_solvers_arrive_too() {
    let game = Arc::new(BimatrixGame::biased_rps());
    let mut psro = Psro::new(game.clone(), MetaSolver::ProjectedReplicator).unwrap();
    while psro.step().unwrap() {}
    assert_eq!(psro.actions(), &[vec![0, 1, 2], vec![0, 1, 2]]);
    // In discrete time the dynamics spiral outwards, slowly; their average is near.
    assert!(psro.gap() < 0.05, "{}", psro.gap());
    let mut psro = Psro::new(game.clone(), MetaSolver::Uniform).unwrap();
    psro.step().unwrap();
    let saved = serde_json::to_string(psro.state()).unwrap();
    let mut resumed = Psro::resume(game, serde_json::from_str(&saved).unwrap()).unwrap();
    psro.step().unwrap();
    resumed.step().unwrap();
    assert_eq!(psro.state(), resumed.state());
    // The second action is the best response to both found so far: there is nothing to add.
    assert_near(&psro.profile()[0], &[0.5, 0.5, 0.0], 1e-15);
}

#[test]
fn hedge_on_preferences_is_sppo() {
    for preferences in random_games(3) {
        let n = preferences.len();
        let eta = Sppo::for_horizon(n, 200).eta;
        // The row player is paid by preferences, and so is the column player: a constant-sum game.
        let game = BimatrixGame::symmetric(n, preferences.wins().to_vec()).unwrap();
        let hedge = RegretVariant::Hedge(eta);
        let mut hedge = RegretMatching::new(Arc::new(game), hedge).unwrap();
        let mut sppo = PreferenceLearner::new(preferences, Sppo { eta }).unwrap();
        for _ in 0..50 {
            hedge.step();
            sppo.step();
            let policy = sppo.policy(Iterate::Last);
            for found in hedge.policy(Iterate::Last) {
                assert_near(&found, &policy, 1e-12);
            }
        }
    }
}

#[test]
fn alpha_rank_agrees_with_open_spiel() {
    let golden = golden("alpharank_replicator");
    let selection = |case: &Value| match case.get("alpha") {
        Some(alpha) => Selection::Finite {
            alpha: number(alpha),
            population: number(&case["m"]) as u32,
        },
        None => Selection::Infinite {
            epsilon: number(&case["eps"]),
        },
    };
    for case in list(&golden, "single") {
        let game = BimatrixGame::symmetric(list(case, "A").len(), flat(&case["A"])).unwrap();
        let found = alpha_rank_symmetric(&game, selection(case)).unwrap();
        assert_near(&found.mass, &numbers(&case["pi"]), 1e-8);
        // All three actions are on a cycle.
        assert_eq!(found.sinks, [vec![0, 1, 2]]);
    }
    for case in list(&golden, "multi") {
        let (first, second) = (flat(&case["A"]), flat(&case["B"]));
        let game = BimatrixGame::new(2, 2, first, second).unwrap();
        let found = alpha_rank(&game, selection(case)).unwrap();
        assert_near(&found.mass, &numbers(&case["pi"]), 1e-8);
    }
}

#[test]
fn reducible_chains_are_ranked_with_a_warning() {
    let battle =
        BimatrixGame::new(2, 2, vec![3.0, 0.0, 0.0, 2.0], vec![2.0, 0.0, 0.0, 3.0]).unwrap();
    for alpha in [1.0, 100.0] {
        let selection = Selection::Finite {
            alpha,
            population: 50,
        };
        let found = alpha_rank(&battle, selection).unwrap();
        assert!(matches!(
            found.warning,
            Some(AlphaWarning::NearlyReducible { .. })
        ));
        assert_near(&found.mass, &[0.5, 0.0, 0.0, 0.5], 1e-9);
        assert_eq!(found.sinks, [vec![0], vec![3]]);
    }
    let found = alpha_rank(&battle, Selection::Infinite { epsilon: 0.0 }).unwrap();
    assert_eq!(found.warning, Some(AlphaWarning::Reducible { closed: 2 }));
    assert_near(&found.mass, &[0.5, 0.0, 0.0, 0.5], 1e-9);
    let mild = Selection::Finite {
        alpha: 0.01,
        population: 50,
    };
    assert_eq!(alpha_rank(&battle, mild).unwrap().warning, None);
}

#[test]
fn replicator_dynamics_run_as_the_reference_does() {
    let golden = golden("alpharank_replicator");
    for case in list(&golden, "replicator") {
        let start = numbers(&case["x0"]);
        let game = BimatrixGame::symmetric(start.len(), flat(&case["A"])).unwrap();
        let step = number(&case["dt"]);
        let mut solver =
            Replicator::new(Arc::new(game), [start.clone(), start], step, 0.0).unwrap();
        for (iteration, expected) in checkpoints(&case["iterates"]) {
            solver.run(iteration - solver.iteration());
            for policy in solver.policy(Iterate::Last) {
                assert_near(&policy, &numbers(expected), 1e-10);
            }
        }
    }
}

#[test]
fn projected_dynamics_keep_their_floor() {
    // The second action is dominated.
    let game = BimatrixGame::symmetric(2, vec![1.0, 1.0, 0.0, 0.0]).unwrap();
    let start = vec![0.5, 0.5];
    let mut solver = Replicator::new(Arc::new(game), [start.clone(), start], 0.1, 0.01).unwrap();
    solver.run(500);
    assert_near(&solver.policy(Iterate::Last)[0], &[0.99, 0.01], 1e-12);
}

#[test]
fn solvers_of_matrices_go_on_after_loading() {
    fn check<S>(mut straight: S, game: Arc<BimatrixGame>)
    where
        S: Solver<Game = BimatrixGame>,
        S::State: PartialEq + std::fmt::Debug,
    {
        straight.run(23);
        let mut resumed = S::load(game, &straight.save().unwrap()).unwrap();
        straight.run(50);
        resumed.run(50);
        assert_eq!(straight.state(), resumed.state());
    }
    let game = Arc::new(BimatrixGame::of_preferences(&PreferenceGame::random(10, 7)));
    for variant in [
        RegretVariant::Matching,
        RegretVariant::MatchingPlus,
        RegretVariant::Hedge(0.3),
    ] {
        check(
            RegretMatching::new(game.clone(), variant).unwrap(),
            game.clone(),
        );
    }
    check(FictitiousPlay::new(game.clone()), game.clone());
    check(Replicator::projected(game.clone()).unwrap(), game);
}

#[test]
fn fictitious_play_in_kuhn_poker_comes_nearer() {
    let game = Arc::new(ExtensiveGame::kuhn_poker().unwrap());
    let mut solver = ExtensiveFictitiousPlay::new(game.clone());
    let mut before = solver.gap(Iterate::Average);
    assert!((before - 11.0 / 12.0).abs() < 1e-12);
    for iterations in [30, 300, 3000] {
        solver.run(iterations - solver.iteration());
        let now = solver.gap(Iterate::Average);
        assert!(now < 0.6 * before, "{now} after {before}");
        before = now;
    }
    let mut resumed = ExtensiveFictitiousPlay::load(game, &solver.save().unwrap()).unwrap();
    solver.run(30);
    resumed.run(30);
    assert_eq!(solver.state(), resumed.state());
}
