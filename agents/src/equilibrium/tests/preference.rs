use super::*;

pub(super) fn learner<R: Rule>(game: &Arc<PreferenceGame>, rule: R) -> PreferenceLearner<R> {
    PreferenceLearner::new(game.clone(), rule).unwrap()
}

fn divergence_from(equilibrium: &RegularisedNash, logits: &[f64]) -> f64 {
    metrics::divergence(&equilibrium.log_policy, logits)
}

#[test]
fn nash_md_runs_as_the_reference_does() {
    let golden = golden("nash_md");
    for run in list(&golden, "runs") {
        let tau = number(&run["tau"]);
        let game = preference(run)
            .with_reference(&numbers(&run["mu"]))
            .unwrap();
        let game = Arc::new(game);
        let step = match run["schedule"].as_str().unwrap() {
            "decay" => StepSize::Decaying,
            fixed => {
                let eta = fixed.trim_start_matches(|c: char| !c.is_ascii_digit());
                StepSize::Fixed(eta.trim_end_matches(')').parse().unwrap())
            }
        };
        let mut learner = learner(&game, NashMd { tau, step });
        let equilibrium = RegularisedNash::solve(&game, tau, 1e-13).unwrap();
        for (t, expected) in checkpoints(&run["iterates"]) {
            learner.run(t - learner.iteration());
            assert_near(
                &learner.policy(Iterate::Last),
                &numbers(&expected["pi"]),
                1e-10,
            );
            let kl = divergence_from(&equilibrium, learner.logits());
            assert!((kl - number(&expected["kl_star"])).abs() < 1e-10);
            let gap = learner.gap(Iterate::Last);
            assert!((gap - number(&expected["reg_gap"])).abs() < 1e-10);
        }
    }
}

#[test]
fn nash_md_keeps_its_bound_in_random_games() {
    let tau = 0.1;
    for game in random_games(100) {
        let equilibrium = RegularisedNash::solve(&game, tau, 1e-12).unwrap();
        let mut learner = learner(&game, NashMd::default());
        for t in 1..=1000u32 {
            learner.step();
            let bound = 8.0 / (tau * tau * f64::from(t + 1));
            assert!(divergence_from(&equilibrium, learner.logits()) <= bound);
        }
    }
}

#[test]
fn fixed_steps_of_nash_md_lead_to_a_hotter_equilibrium() {
    let (tau, eta) = (0.1, 1.0);
    for game in random_games(20) {
        let mut learner = learner(
            &game,
            NashMd {
                tau,
                step: StepSize::Fixed(eta),
            },
        );
        learner.run(2000);
        let mixture = mixed_with_reference(&game, learner.logits(), eta * tau);
        let hotter = RegularisedNash::solve(&game, tau / (1.0 - eta * tau), 1e-13).unwrap();
        assert_near(&mixture, &hotter.log_policy, 1e-9);
    }
}

#[test]
fn egpo_and_its_relatives_run_as_the_reference_does() {
    let golden = golden("egpo");
    for run in list(&golden, "runs") {
        let game = preference(run)
            .with_reference_logits(&numbers(&run["theta_ref"]))
            .unwrap();
        let game = Arc::new(game);
        let [beta, rate, eta] = ["beta", "lr", "eta"].map(|key| number(&run[key]));
        // Written with 15 digits.
        let eta_exact = 4.0 * rate / (game.len() as f64 * beta);
        assert!((eta - eta_exact).abs() < 1e-13);
        let eta = eta_exact;
        let pull = eta * beta;
        let mixed = |mixture| IpoMd {
            tau: beta,
            eta,
            mixture,
        };
        compare(&game, Egpo { beta, eta }, &run["algorithms"]["egpo"]);
        let omd = IpoMd::online(beta, eta);
        compare(&game, omd, &run["algorithms"]["omd_online_ipo1"]);
        compare(&game, mixed(pull), &run["algorithms"]["nash_md_true_mix"]);
        compare(
            &game,
            mixed(pull / 2.0),
            &run["algorithms"]["nash_md_repo_mix"],
        );
        let ipo = OnlineIpo { tau: beta, rate };
        compare(&game, ipo, &run["algorithms"]["online_ipo2"]);
        let gradient = |mixture| NashMdPg {
            tau: beta,
            rate,
            mixture,
        };
        compare(
            &game,
            gradient(pull / 2.0),
            &run["algorithms"]["nash_md_pg"],
        );
    }
}

fn compare<R: Rule>(game: &Arc<PreferenceGame>, rule: R, iterates: &Value) {
    let mut learner = learner(game, rule);
    let mut compared = 0;
    // Later on rounding differences have grown in runs that do not converge.
    for (t, expected) in checkpoints(iterates).into_iter().filter(|(t, _)| *t <= 100) {
        learner.run(t - learner.iteration());
        let wanted = numbers(&expected["pi"]);
        for (p, q) in learner.policy(Iterate::Last).iter().zip(&wanted) {
            assert!((p - q).abs() <= 1e-9 * q, "{p} {q} at {t}");
        }
        let (gap, wanted) = (learner.gap(Iterate::Last), number(&expected["reg_gap"]));
        assert!(
            (gap - wanted).abs() <= 1e-9 * wanted + 1e-14,
            "{gap} {wanted} at {t}"
        );
        compared += 1;
    }
    assert_eq!(compared, 7);
}

#[test]
fn egpo_converges_where_single_steps_cycle() {
    let golden = golden("egpo");
    let game_of = |index: usize| {
        let run = &list(&golden, "runs")[index];
        let game = preference(run);
        Arc::new(
            game.with_reference_logits(&numbers(&run["theta_ref"]))
                .unwrap(),
        )
    };
    let mut warm = learner(
        &game_of(0),
        Egpo {
            beta: 0.1,
            eta: 0.4,
        },
    );
    warm.run(1000);
    assert!(warm.gap(Iterate::Last) < 1e-12);
    let mut cold = learner(&game_of(1), IpoMd::online(0.01, 0.8));
    cold.run(1000);
    assert!(cold.gap(Iterate::Last) > 0.05);
    let mut cold = learner(
        &game_of(1),
        Egpo {
            beta: 0.01,
            eta: 0.8,
        },
    );
    cold.run(1000);
    assert!(cold.gap(Iterate::Last) < 1e-8);
}

#[test]
fn losses_and_closed_forms_give_the_same_steps() {
    for game in random_games(20) {
        let (beta, eta) = (0.1, 0.8);
        let rate = eta * beta * game.len() as f64 / 4.0;
        let mut learner = learner(&game, Egpo { beta, eta });
        let n = game.len();
        for _ in 0..30 {
            let from = learner.logits().to_vec();
            let descend = |opponent: &[f64]| {
                let mut logits = vec![0.0; n];
                simplex::softmax(opponent, &mut logits);
                let gradient = contrast_gradient(&game, beta, &from, &logits);
                logits
                    .iter_mut()
                    .zip(from.iter().zip(&gradient))
                    .for_each(|(o, (v, g))| *o = v - rate * g);
                logits
            };
            let mut expected = descend(&descend(&from));
            simplex::centre(&mut expected);
            learner.step();
            assert_near(learner.logits(), &expected, 1e-12);
        }
    }
}

#[test]
fn step_sizes_converge_where_they_do_for_the_reference() {
    let golden = golden("egpo_stability");
    let rows = list(&golden, "rows");
    assert_eq!(rows.len(), 72);
    for row in rows {
        let name = row["game"].as_str().unwrap();
        let game = Arc::new(match name {
            "biased_cycle" => PreferenceGame::biased_cycle(),
            "dice_cycle" => PreferenceGame::dice_cycle(),
            "extreme_rps" => PreferenceGame::extreme_rps(),
            "lcg10_seed7" | "lcg10" => PreferenceGame::random(10, 7),
            other => panic!("{other}"),
        });
        let [beta, eta] = ["beta", "eta"].map(|key| number(&row[key]));
        let mut start = game.log_reference().to_vec();
        let others = game.len() as f64 - 1.0;
        for (i, v) in start.iter_mut().enumerate() {
            *v += if i == 0 { 0.5 } else { -0.5 / others };
        }
        let what = format!("{name}, beta {beta}, eta {eta}");
        arrives(&game, Egpo { beta, eta }, &start, &row["egpo"], &what);
        let omd = IpoMd::online(beta, eta);
        arrives(&game, omd, &start, &row["omd"], &what);
    }
}

/// Strides of five iterations, after which the reference gives up; the slowest that arrives takes 15,845 iterations.
const STRIDES: usize = 4000;

/// Compares the first multiple of five iterations at which the gap is below 1e-8.
fn arrives<R: Rule>(
    game: &Arc<PreferenceGame>,
    rule: R,
    start: &[f64],
    expected: &Value,
    what: &str,
) {
    let mut learner = PreferenceLearner::starting_at(game.clone(), rule, start).unwrap();
    let arrived = |learner: &mut PreferenceLearner<R>| learner.gap(Iterate::Last) < 1e-8;
    let met = (0..STRIDES).find_map(|_| {
        learner.run(5);
        arrived(&mut learner).then(|| learner.iteration())
    });
    match (met, expected.as_u64()) {
        (Some(met), Some(t)) => assert!(met.abs_diff(t) <= 5, "{what}: at {met}, not {t}"),
        (met, expected) => assert_eq!(met, expected, "{what}"),
    }
}

#[test]
fn comparisons_suffice() {
    let game = Arc::new(PreferenceGame::biased_cycle());
    for extragradient in [true, false] {
        for seed in 0..10 {
            let rule = SampledEgpo {
                extragradient,
                ..SampledEgpo::new(seed)
            };
            let mut learner = learner(&game, rule);
            learner.run(5000);
            let gap = learner.gap(Iterate::Last);
            assert!(gap < 2e-3, "seed {seed}: {gap}");
        }
    }
}
