use super::super::metrics::Workspace;
use super::{preference::learner, *};

#[test]
fn averages_of_sppo_keep_the_regret_bound() {
    for game in random_games(20) {
        for horizon in [100, 1000, 10_000] {
            let mut learner = learner(&game, Sppo::for_horizon(10, horizon));
            // The starting policy counts as the first.
            learner.run(horizon - 1);
            let gap = learner.gap(Iterate::Average);
            let scaled = gap * (horizon as f64).sqrt();
            assert!(scaled <= 2.15, "{scaled} after {horizon}");
        }
    }
}

#[test]
fn sppo_and_apo_run_as_the_reference_does() {
    let golden = golden("sppo_apo");
    for run in list(&golden, "runs") {
        let game = Arc::new(preference(run));
        let [eta, alpha] = ["eta", "alpha"].map(|key| number(&run[key]));
        let start = simplex::logs(&numbers(&run["pi0"]));
        let apo = Apo::new(eta, alpha);
        let mut apo = PreferenceLearner::starting_at(game.clone(), apo, &start).unwrap();
        let mut sppo = PreferenceLearner::starting_at(game.clone(), Sppo { eta }, &start).unwrap();
        for (t, expected) in checkpoints(&run["iterates"]) {
            if t > 100 {
                continue;
            }
            apo.run(t - apo.iteration());
            sppo.run(t - sppo.iteration());
            let wanted = numbers(&expected["pi"]);
            assert_near(&apo.policy(Iterate::Last), &wanted, 1e-9);
            if alpha == 0.0 {
                assert_near(&sppo.policy(Iterate::Last), &wanted, 1e-9);
            }
            let (last, average) = (apo.gap(Iterate::Last), apo.gap(Iterate::Average));
            assert!((last - number(&expected["last_gap"])).abs() < 1e-9);
            assert!((average - number(&expected["avg_gap"])).abs() < 1e-9);
        }
    }
}

#[test]
fn momentum_hastens_the_climb_to_a_fixed_reward() {
    let golden = golden("sppo_apo");
    for run in list(&golden, "apo_bradley_terry") {
        let reward = numbers(&run["reward"]);
        let [eta, alpha] = ["eta", "alpha"].map(|key| number(&run[key]));
        // Preferences that are linear in the reward differ from it by a constant, to which policies are blind.
        let n = reward.len();
        let wins = (0..n * n)
            .map(|k| 0.5 + (reward[k / n] - reward[k % n]) / 4.0)
            .collect();
        let game = Arc::new(PreferenceGame::new(n, wins).unwrap());
        let mut learner = learner(&game, Apo::new(4.0 * eta, alpha));
        for (t, expected) in checkpoints(&run["iterates"]) {
            learner.run(t - learner.iteration());
            let policy = learner.policy(Iterate::Last);
            let best = reward.iter().copied().fold(f64::MIN, f64::max);
            let short = best - simplex::dot(&policy, &reward);
            assert!(
                (short - number(&expected["subopt"])).abs() < 1e-8,
                "{short} at {t}"
            );
        }
    }
}

#[test]
fn offline_and_mixed_ipo_have_the_optima_of_the_reference() {
    let golden = golden("ipo_family");
    for case in list(&golden, "offline") {
        let game = preference(case)
            .with_reference(&numbers(&case["ref"]))
            .unwrap();
        let behaviour = numbers(&case["mu_behaviour"]);
        let mut found = vec![0.0; game.len()];
        simplex::softmax(
            &offline_ipo(&game, number(&case["tau"]), &behaviour),
            &mut found,
        );
        assert_near(&found, &numbers(&case["pi"]), 1e-12);
    }
    for case in list(&golden, "ipo_md") {
        let game = preference(case)
            .with_reference(&numbers(&case["ref"]))
            .unwrap();
        let game = Arc::new(game);
        let [tau, mixture] = ["tau", "beta"].map(|key| number(&case[key]));
        let rule = IpoMd {
            tau,
            eta: 0.3,
            mixture,
        };
        let mut learner = learner(&game, rule);
        learner.run(4000);
        assert_near(&learner.policy(Iterate::Last), &numbers(&case["pi"]), 1e-9);
        let logits = mixed_with_reference(&game, learner.logits(), mixture);
        let mut mixed = vec![0.0; game.len()];
        simplex::softmax(&logits, &mut mixed);
        assert_near(&mixed, &numbers(&case["mixture"]), 1e-9);
    }
}

#[test]
fn the_facts_about_online_ipo_hold_in_random_games() {
    let tau = 0.2;
    for (seed, game) in random_games(50).enumerate() {
        // (i) Its stationary point is the regularised equilibrium.
        let equilibrium = RegularisedNash::solve(&game, tau, 1e-13).unwrap();
        let rule = OnlineIpo { tau, rate: 0.1 };
        let still = rule.loss_gradient(&game, &equilibrium.log_policy);
        assert!(still.iter().all(|g| g.abs() < 1e-10), "{still:?}");
        // (ii) Its gradient is -4/τ times that of regularised self-play, anywhere.
        let logits: Vec<f64> = (0..10)
            .map(|i| ((i * 7 + seed * 3) % 11) as f64 / 5.0 - 1.0)
            .collect();
        let ours = rule.loss_gradient(&game, &logits);
        let theirs = self_play_gradient(&game, tau, &logits);
        let lengths = (simplex::dot(&ours, &ours) * simplex::dot(&theirs, &theirs)).sqrt();
        assert!(-simplex::dot(&ours, &theirs) / lengths > 1.0 - 1e-9);
        for (a, b) in ours.iter().zip(&theirs) {
            assert!((a + 4.0 / tau * b).abs() < 1e-12);
        }
        // (iii) The mixture at IPO-MD's stationary point is the equilibrium at τ / (1 - b).
        let mixture = 0.25;
        let rule = IpoMd {
            tau,
            eta: 0.3,
            mixture,
        };
        let mut learner = learner(&game, rule);
        learner.run(1500);
        let mixed = mixed_with_reference(&game, learner.logits(), mixture);
        let hotter = RegularisedNash::solve(&game, tau / (1.0 - mixture), 1e-13).unwrap();
        assert_near(&mixed, &hotter.log_policy, 1e-9);
        // The policy gradient with the same mixture stands still there too.
        let before = learner.logits().to_vec();
        let mut gradient = PreferenceLearner::starting_at(
            game.clone(),
            NashMdPg {
                tau,
                rate: 1.0,
                mixture,
            },
            &before,
        )
        .unwrap();
        gradient.step();
        assert_near(gradient.logits(), &before, 1e-9);
    }
    // (iv) With two responses online DPO's answer, σ(logit(p) / τ), is another one unless p = 1/2.
    for (p, differs) in [(0.5, false), (0.7, true), (0.2, true)] {
        let game = PreferenceGame::new(2, vec![0.5, p, 1.0 - p, 0.5]).unwrap();
        let nash = RegularisedNash::solve(&game, tau, 1e-13).unwrap().policy[0];
        let dpo = 1.0 / (1.0 + (-(p / (1.0 - p)).ln() / tau).exp());
        assert_eq!((nash - dpo).abs() > 1e-3, differs);
    }
}

#[test]
fn learners_go_on_after_loading_as_if_nothing_had_happened() {
    fn check<R: Rule + PartialEq + std::fmt::Debug>(rule: R) {
        let game = Arc::new(PreferenceGame::random(10, 7));
        let mut straight = learner(&game, rule);
        straight.run(37);
        let saved = straight.save().unwrap();
        let mut resumed = PreferenceLearner::<R>::load(game.clone(), &saved).unwrap();
        for _ in 0..50 {
            straight.step();
            resumed.step();
            assert_eq!(straight.state(), resumed.state());
        }
        let other = Arc::new(PreferenceGame::dice_cycle());
        let refused = PreferenceLearner::<R>::load(other, &saved);
        assert!(matches!(refused, Err(SolverError::Saved(_))));
    }
    check(NashMd::default());
    check(Mmd::default());
    check(HalvingEgpo::new(Egpo {
        beta: 0.01,
        eta: 6.0,
    }));
    check(NashMdPg::default());
    check(Egpo::default());
    check(SampledEgpo::new(3));
    check(IpoMd::default());
    check(Sppo { eta: 0.3 });
    check(Apo::new(0.3, 0.3));
    check(OnlineIpo {
        tau: 0.1,
        rate: 0.1,
    });
}

#[test]
fn settings_out_of_range_are_refused() {
    let game = Arc::new(PreferenceGame::dice_cycle());
    let step = StepSize::Fixed(20.0);
    let refused = PreferenceLearner::new(game.clone(), NashMd { tau: 0.1, step }).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`eta * tau` is 2; it must be between 0 and 1"
    );
    assert!(PreferenceLearner::new(game.clone(), Apo::new(0.1, 1.0)).is_err());
    // Steps under which logits would grow without bound.
    let told = |refused: SolverError| refused.to_string();
    let egpo = Egpo {
        beta: 0.1,
        eta: 50.0,
    };
    let halving = PreferenceLearner::new(game.clone(), HalvingEgpo::new(egpo.clone()));
    let refused = PreferenceLearner::new(game.clone(), egpo).unwrap_err();
    assert_eq!(
        told(refused.clone()),
        "`eta * beta` is 5; it must be between 0 and 1"
    );
    assert_eq!(halving.unwrap_err(), refused);
    let refused = PreferenceLearner::new(game.clone(), IpoMd::online(0.1, 1000.0)).unwrap_err();
    assert_eq!(
        told(refused),
        "`eta * tau` is 100; it must be between 0 and 1"
    );
    let (tau, rate) = (0.1, 2.0);
    assert!(PreferenceLearner::new(game.clone(), OnlineIpo { tau, rate }).is_err());
    let pg = NashMdPg {
        tau,
        rate: 20.0,
        mixture: 0.0,
    };
    assert!(PreferenceLearner::new(game.clone(), pg).is_err());
    let sampled = SampledEgpo {
        rate: 1.0,
        ..SampledEgpo::new(0)
    };
    assert!(PreferenceLearner::new(game.clone(), sampled).is_err());
    assert!(PreferenceLearner::new(game, Sppo { eta: f64::NAN }).is_err());
}

/// A learner whose logits are beyond all numbers stops where it is, and says so.
#[test]
fn learners_that_diverge_stop() {
    let game = Arc::new(PreferenceGame::biased_cycle());
    let mut wild = learner(&game, Sppo { eta: 1e308 });
    wild.run(100);
    assert!(wild.has_diverged() && wild.iteration() < 100);
    let stopped = wild.iteration();
    wild.run(10);
    assert_eq!((wild.iteration(), wild.has_diverged()), (stopped, true));
    let mut tame = learner(&game, Egpo::default());
    tame.run(100);
    assert!(!tame.has_diverged());
}

/// Steps that keep a game in a saturated cycle, where the gap is the same to the last bit, are halved until it falls.
#[test]
fn steps_that_do_not_help_are_halved() {
    for game in [
        PreferenceGame::biased_cycle(),
        PreferenceGame::random(10, 7),
    ] {
        let game = Arc::new(game);
        let long = Egpo {
            beta: 0.01,
            eta: 50.0,
        };
        let mut plain = learner(&game, long.clone());
        plain.run(2000);
        assert!(plain.gap(Iterate::Last) > 1e-2);
        let mut halving = learner(&game, HalvingEgpo::new(long));
        halving.run(10_000);
        let gap = halving.gap(Iterate::Last);
        assert!(gap < 1e-8, "{gap}");
    }
}

#[test]
fn no_probability_gets_lost_at_tiny_temperatures() {
    let game = PreferenceGame::bradley_terry(&[0.0, 3.0, -2.0]).unwrap();
    let game = Arc::new(game);
    let mut learner = learner(
        &game,
        Egpo {
            beta: 1e-3,
            eta: 2.0,
        },
    );
    learner.run(5000);
    // The worst response has a probability of about exp(-800), which only the logits can tell.
    assert!(learner.logits().iter().all(|v| v.is_finite()));
    let gap = metrics::regularised_gap(&game, 1e-3, learner.logits(), &mut Workspace::default());
    assert!((0.0..1e-6).contains(&gap.abs()), "{gap}");
}

#[test]
fn magnetic_mirror_descent_finds_the_regularised_equilibrium() {
    for game in random_games(10) {
        let mut learner = learner(&game, Mmd::default());
        learner.run(3000);
        assert!(learner.gap(Iterate::Last) < 1e-12);
        let equilibrium = RegularisedNash::solve(&game, 0.1, 1e-13).unwrap();
        assert_near(&learner.policy(Iterate::Last), &equilibrium.policy, 1e-9);
    }
}
