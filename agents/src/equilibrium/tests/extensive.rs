use super::super::extensive::{GameRules, Turn};
use super::*;

fn kuhn() -> Arc<ExtensiveGame> {
    Arc::new(ExtensiveGame::kuhn_poker().unwrap())
}

fn leduc() -> Arc<ExtensiveGame> {
    Arc::new(ExtensiveGame::leduc_poker().unwrap())
}

fn matches_golden(name: &str, game: &Arc<ExtensiveGame>, tolerance: f64) {
    let golden = golden("cfr_kuhn_leduc");
    let golden = &golden["games"][name];
    let sets = golden["num_infosets"].as_u64().unwrap();
    assert_eq!(game.infosets().len() as u64, sets);
    assert!(game.is_zero_sum());
    let mut response = BestResponse::default();
    let near = |found: f64, expected: &Value| {
        let expected = number(expected);
        assert!(
            (found - expected).abs() <= tolerance,
            "{found} instead of {expected}"
        );
    };
    let uniform = game.uniform();
    near(
        response.nash_conv(game, &uniform),
        &golden["uniform_nash_conv"],
    );
    near(game.value(&uniform)[0], &golden["uniform_value_p0"]);
    for (key, variant) in [("cfr", CfrVariant::Vanilla), ("cfr_plus", CfrVariant::Plus)] {
        let mut cfr = Cfr::new(game.clone(), variant, Updates::Alternating).unwrap();
        for (iteration, expected) in checkpoints(&golden[key]) {
            cfr.run(iteration - cfr.iteration());
            near(cfr.gap(Iterate::Average), &expected["nash_conv"]);
            near(
                game.value(&cfr.policy(Iterate::Average))[0],
                &expected["value_p0"],
            );
        }
    }
}

#[test]
fn kuhn_poker_is_solved_as_by_the_reference() {
    let game = kuhn();
    matches_golden("kuhn_poker", &game, 1e-10);
    let golden = golden("cfr_kuhn_leduc");
    let simultaneous = &golden["games"]["kuhn_poker"]["cfr_simultaneous_nash_conv"];
    let mut cfr = Cfr::new(game.clone(), CfrVariant::Vanilla, Updates::Simultaneous).unwrap();
    for (iteration, expected) in checkpoints(simultaneous) {
        cfr.run(iteration - cfr.iteration());
        assert!((cfr.gap(Iterate::Average) - number(expected)).abs() <= 1e-10);
    }
    let mut plus = Cfr::new(game.clone(), CfrVariant::Plus, Updates::Alternating).unwrap();
    plus.run(1000);
    let policy = plus.policy(Iterate::Average);
    let expected = entries(&golden["kuhn_cfr_plus_1000_policy"]);
    assert_eq!(expected.len(), game.infosets().len());
    for set in game.infosets() {
        assert_near(
            &policy[set.actions.clone()],
            &numbers(&expected[&set.key]),
            1e-10,
        );
    }
}

#[test]
fn leduc_poker_is_solved_as_by_the_reference() {
    matches_golden("leduc_poker", &leduc(), 1e-8);
}

#[test]
fn linear_programs_over_sequences_solve_kuhn_poker() {
    let game = kuhn();
    let found = sequence_form(&game).unwrap();
    assert!((found.value + 1.0 / 18.0).abs() < 1e-9, "{}", found.value);
    let gap = BestResponse::default().nash_conv(&game, &found.policy);
    assert!(gap.abs() < 1e-9, "{gap}");
    // Kuhn's family: the first player bluffs with the jack at most a third of the time, and bets the king three times as
    // often; the second player's policy is unique.
    let bet = |key: &str| {
        let set = game.infosets().iter().find(|set| set.key == key).unwrap();
        found.policy[set.actions.start + 1]
    };
    let bluff = bet("0");
    assert!((-1e-9..=1.0 / 3.0 + 1e-9).contains(&bluff));
    assert!((bet("2") - 3.0 * bluff).abs() < 1e-9);
    assert!((bet("1pb") - bluff - 1.0 / 3.0).abs() < 1e-9);
    for (key, expected) in [("0p", 1.0 / 3.0), ("1b", 1.0 / 3.0), ("2b", 1.0)] {
        assert!((bet(key) - expected).abs() < 1e-9, "{key}");
    }
}

#[test]
fn discounts_hasten_cfr() {
    let game = kuhn();
    let gap = |variant| {
        let mut cfr = Cfr::new(game.clone(), variant, Updates::Alternating).unwrap();
        cfr.run(1000);
        cfr.gap(Iterate::Average)
    };
    let plain = gap(CfrVariant::Vanilla);
    assert!(gap(CfrVariant::DISCOUNTED) < 0.5 * plain);
    assert!(gap(CfrVariant::LINEAR) < 0.5 * plain);
}

#[test]
fn monte_carlo_cfr_comes_near_on_average() {
    let game = kuhn();
    for sampling in [McSampling::External, McSampling::OUTCOME] {
        let mut solvers: Vec<Mccfr> = (0..20)
            .map(|seed| Mccfr::new(game.clone(), sampling, seed).unwrap())
            .collect();
        let mut before = f64::INFINITY;
        for iterations in [1000, 10_000, 100_000] {
            let mut mean = 0.0;
            for solver in &mut solvers {
                solver.run(iterations - solver.iteration());
                mean += solver.gap(Iterate::Average) / 20.0;
            }
            assert!(mean < before, "{mean} after {before} with {sampling:?}");
            before = mean;
        }
        let value: f64 = solvers
            .iter()
            .map(|solver| game.value(&solver.policy(Iterate::Average))[0] / 20.0)
            .sum();
        assert!(
            (value + 1.0 / 18.0).abs() < 0.005,
            "{value} with {sampling:?}"
        );
    }
}

#[test]
fn solvers_of_trees_go_on_after_loading() {
    let game = kuhn();
    let mut straight =
        Cfr::new(game.clone(), CfrVariant::DISCOUNTED, Updates::Alternating).unwrap();
    straight.run(17);
    let mut resumed = Cfr::load(game.clone(), &straight.save().unwrap()).unwrap();
    straight.run(20);
    resumed.run(20);
    assert_eq!(straight.state(), resumed.state());
    for sampling in [McSampling::External, McSampling::OUTCOME] {
        let mut straight = Mccfr::new(game.clone(), sampling, 5).unwrap();
        straight.run(17);
        let mut resumed = Mccfr::load(game.clone(), &straight.save().unwrap()).unwrap();
        straight.run(200);
        resumed.run(200);
        assert_eq!(straight.state(), resumed.state());
    }
    let saved = straight.save().unwrap();
    assert!(matches!(
        Cfr::load(leduc(), &saved),
        Err(SolverError::Saved(_))
    ));
}

/// A player that forgets what it has done.
struct Forgetful;

impl GameRules for Forgetful {
    type Node = usize;

    fn name(&self) -> String {
        "forgetful".into()
    }

    fn root(&self) -> usize {
        0
    }

    fn turn(&self, depth: &usize) -> Turn {
        if *depth < 2 {
            Turn::Decision {
                player: 0,
                key: "somewhere".into(),
                actions: 2,
            }
        } else {
            Turn::End([0.0; 2])
        }
    }

    fn after(&self, depth: &usize, _: usize) -> usize {
        depth + 1
    }
}

#[test]
fn imperfect_recall_is_refused() {
    let refused = ExtensiveGame::build(&Forgetful).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "forgetful: positions in `somewhere` of player 0 differ in their actions or in what the player did before"
    );
}
