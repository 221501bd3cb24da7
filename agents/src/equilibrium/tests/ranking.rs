use super::*;

fn table(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

/// The golden file holds the discriminator by candidate; here it is by verdict.
fn by_verdict(value: &Value) -> [Vec<f64>; 2] {
    let rows = table(value);
    [0, 1].map(|v| rows.iter().map(|row| row[v]).collect())
}

fn by_prompt(value: &Value) -> [Vec<f64>; 2] {
    table(value).try_into().unwrap()
}

#[test]
fn equilibrium_ranking_runs_as_the_reference_does() {
    let golden = golden("consensus_game");
    let generator = by_prompt(&golden["raw_generator"]);
    let discriminator = by_verdict(&golden["raw_discriminator"]);
    let runs = list(&golden, "runs");
    assert_eq!(runs.len(), 4);
    for run in runs {
        let double = run["double_normalise"].as_bool().unwrap();
        let game = Arc::new(ConsensusGame::new(&generator, &discriminator, double).unwrap());
        assert_near(game.generator(), &flat(&run["pi_G_1"]), 1e-12);
        assert_near(
            game.discriminator(),
            &by_verdict(&run["pi_D_1"]).concat(),
            1e-12,
        );
        let mut state = RankingState::new(&game);
        state.eta = [number(&run["eta"]); 2];
        state.lambda = [number(&run["lambda"]); 2];
        state.half_prior = run["half_prior_in_Q"].as_bool().unwrap();
        let mut solver = EquilibriumRanking::resume(game, state).unwrap();
        for (t, expected) in checkpoints(&run["iterates"]) {
            solver.run(t - solver.iteration());
            let [found_generator, found_discriminator] = solver.policy(Iterate::Last);
            assert_near(&found_generator, &flat(&expected["pi_G"]), 1e-8);
            let wanted = by_verdict(&expected["pi_D"]).concat();
            assert_near(&found_discriminator, &wanted, 1e-8);
            let chosen = [solver.generator_choice(), solver.discriminator_choice()];
            let wanted = [&expected["er_g"], &expected["er_d"]].map(|v| number(v) as usize);
            assert_eq!(chosen, wanted);
        }
    }
}

#[test]
fn generator_and_discriminator_come_to_agree() {
    let golden = golden("consensus_game");
    let game = ConsensusGame::new(
        &by_prompt(&golden["raw_generator"]),
        &by_verdict(&golden["raw_discriminator"]),
        true,
    );
    let game = Arc::new(game.unwrap());
    let mut solver = EquilibriumRanking::new(game.clone()).unwrap();
    solver.run(100);
    let bytes = solver.save().unwrap();
    let mut resumed = EquilibriumRanking::load(game, &bytes).unwrap();
    solver.run(99_900);
    resumed.run(99_900);
    assert_eq!(solver.state(), resumed.state());
    // It falls like 1/t once they have left the neighbourhood of their initial policies, and the average lags behind.
    let (last, average) = (solver.gap(Iterate::Last), solver.gap(Iterate::Average));
    assert!((-1e-12..1e-4).contains(&last), "{last}");
    assert!((-1e-12..1e-3).contains(&average), "{average}");
    assert!(solver.last_change() < 1e-6);
}

#[test]
fn likelihoods_that_are_none_are_refused() {
    let fine = [vec![0.5, 0.5], vec![0.1, 0.9]];
    let negative = [vec![0.5, -0.5], vec![0.1, 0.9]];
    assert!(ConsensusGame::new(&fine, &negative, true).is_err());
    assert!(ConsensusGame::new(&[vec![], vec![]], &[vec![], vec![]], true).is_err());
    // A candidate of likelihood 0 stays possible, if hardly.
    let never = [vec![1.0, 0.0], vec![1.0, 0.0]];
    let game = ConsensusGame::new(&never, &fine, true).unwrap();
    let mut solver = EquilibriumRanking::new(Arc::new(game)).unwrap();
    solver.run(100);
    assert!(
        solver.policy(Iterate::Last)[0]
            .iter()
            .all(|p| p.is_finite())
    );
}
