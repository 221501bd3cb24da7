use super::super::metrics::{Workspace, regularised_gap_of};
use super::*;

#[test]
fn regularised_equilibria_are_those_of_the_reference() {
    let golden = golden("regularised_nash");
    let mut compared = 0;
    for entry in entries(&golden["games"]).values() {
        for case in list(entry, "regularised") {
            let tau = number(&case["tau"]);
            let game = preference(entry)
                .with_reference(&numbers(&case["mu"]))
                .unwrap();
            let found = RegularisedNash::solve(&game, tau, 1e-13).unwrap();
            assert_near(&found.policy, &numbers(&case["pi"]), 1e-9);
            assert!(found.gap(&game, tau).abs() <= 1e-13);
            let unregularised = found.unregularised_gap(&game);
            assert!((unregularised - number(&case["unreg_gap"])).abs() < 1e-9);
            let distance = metrics::divergence(&found.log_policy, game.log_reference());
            assert!((distance - number(&case["kl_to_mu"])).abs() < 1e-9);
            compared += 1;
        }
    }
    assert_eq!(compared, 24);
}

#[test]
fn the_fixed_games_are_those_of_the_reference() {
    let golden = golden("regularised_nash");
    for (name, game) in [
        ("dice_cycle", PreferenceGame::dice_cycle()),
        ("biased_cycle", PreferenceGame::biased_cycle()),
        (
            "bradley_terry",
            PreferenceGame::bradley_terry(&[0.0, 1.0, -0.5]).unwrap(),
        ),
        ("lcg10_seed7", PreferenceGame::random(10, 7)),
    ] {
        assert_near(game.wins(), &flat(&golden["games"][name]["P"]), 1e-14);
    }
}

#[test]
fn two_responses_have_a_logistic_equilibrium() {
    let game = PreferenceGame::new(2, vec![0.5, 0.7, 0.3, 0.5]).unwrap();
    for (tau, expected) in [(1.0, 0.549_833_997_312_478), (0.1, 0.880_797_077_977_882)] {
        let found = RegularisedNash::solve(&game, tau, 1e-13).unwrap();
        assert!((found.policy[0] - expected).abs() < 1e-12);
    }
}

#[test]
fn gaps_are_what_the_best_replies_gain() {
    // The regularised gap against its definition, with replies found by the closed form and values summed up.
    let game = PreferenceGame::biased_cycle()
        .with_reference(&[0.5, 0.3, 0.2])
        .unwrap();
    let (tau, a, b) = (0.3, [0.2, -0.1, 0.5], [-0.4, 0.3, 0.0]);
    let policy = |logits: &[f64]| {
        let mut out = vec![0.0; 3];
        simplex::softmax(logits, &mut out);
        out
    };
    let value = |a: &[f64], b: &[f64]| {
        let (p, q) = (policy(a), policy(b));
        let mut wins = vec![0.0; 3];
        game.against(&q, &mut wins);
        simplex::dot(&p, &wins) - tau * metrics::divergence(a, game.log_reference())
            + tau * metrics::divergence(b, game.log_reference())
    };
    let mut reply_to_b = vec![0.0; 3];
    metrics::regularised_reply(&game, tau, &policy(&b), &mut reply_to_b);
    let mut reply_to_a = vec![0.0; 3];
    metrics::regularised_reply(&game, tau, &policy(&a), &mut reply_to_a);
    let expected = value(&reply_to_b, &b) - value(&a, &reply_to_a);
    let found = regularised_gap_of(&game, tau, &a, &b, &mut Workspace::default());
    assert!((found - expected).abs() < 1e-14, "{found} {expected}");
}

#[test]
fn games_that_are_none_are_refused() {
    let odd = PreferenceGame::new(2, vec![0.5, 0.7, 0.4, 0.5]).unwrap_err();
    assert_eq!(
        odd.to_string(),
        "preferences [1][0] = 0.4 and [0][1] = 0.7 must lie between 0 and 1 and sum to 1"
    );
    let game = PreferenceGame::dice_cycle();
    assert!(matches!(
        game.clone().with_reference(&[0.5, 0.5, 0.0]),
        Err(GameError::Reference(_))
    ));
    assert!(RegularisedNash::solve(&game, 0.0, 1e-9).is_err());
}
