use std::sync::Arc;

use palaestra_envs::{
    math,
    pomdp::{
        Generative, Pomdp,
        classic::{LightDark, LightDarkArgs, Tag, Tiger},
    },
    stream::Stream,
};
use rand::RngExt;
use serde_json::Value;

use super::*;
use crate::pomdp::{Belief, Workspace};

fn compiled(model: &impl palaestra_envs::pomdp::PomdpModel) -> Arc<Pomdp> {
    Arc::new(Pomdp::compile(model).unwrap())
}

#[test]
fn the_exact_filter_reproduces_the_golden_updates_of_the_tiger() {
    let golden = include_str!("../../../../tests/golden/pomdp/tiger.json");
    let golden: Value = serde_json::from_str(golden).unwrap();
    let mut filter = ExactFilter::new(compiled(&Tiger::default()));
    for update in golden["belief_updates_listen"].as_array().unwrap() {
        let observation = update["obs"].as_u64().unwrap() as usize;
        let p = filter.update(0, observation).unwrap();
        assert!((p - update["p_obs"].as_f64().unwrap()).abs() < 1e-12);
        for (b, g) in filter
            .belief()
            .to_dense(2)
            .iter()
            .zip(update["belief"].as_array().unwrap())
        {
            assert!((b - g.as_f64().unwrap()).abs() < 1e-12);
        }
    }
    filter.reset();
    assert_eq!(filter.belief().probabilities, [0.5, 0.5]);
}

#[test]
fn an_impossible_observation_is_an_error_with_its_step() {
    let mut filter = ExactFilter::new(compiled(&Tag::default()));
    filter.update(0, 15).unwrap();
    let before = filter.belief().clone();
    let error = filter.update(0, 5).unwrap_err();
    assert_eq!(
        error,
        ImpossibleObservation {
            step: 1,
            action: 0,
            observation: 5
        }
    );
    assert_eq!(filter.belief(), &before);
}

/// Total variation between an exact belief and weighted particles.
fn total_variation<'a>(
    exact: &Belief,
    states: usize,
    particles: impl Iterator<Item = (&'a u32, f64)>,
) -> f64 {
    let mut difference = exact.to_dense(states);
    particles.for_each(|(&state, weight)| difference[state as usize] -= weight);
    difference.iter().map(|d| d.abs()).sum::<f64>() / 2.0
}

/// 10,000 particles after 20 steps, against what 10,000 independent draws from the exact belief would do.
#[test]
fn particles_stay_near_the_exact_belief() {
    const PARTICLES: usize = 10_000;
    let tiger = compiled(&Tiger::default());
    let tag = compiled(&Tag::default());
    for (model, actions, runs) in [(tiger, 1, 20), (tag, 4, 20)] {
        let (mut distances, mut expected) = (Vec::new(), Vec::new());
        for run in 0..runs {
            let mut rng = Stream::new(5, run, "test");
            let mut exact = ExactFilter::new(model.clone());
            let mut bootstrap = ParticleFilter::new(&*model, PARTICLES, &mut rng);
            // All drawn anew in every step, these are not as near.
            let mut rejection = RejectionFilter::new(&*model, 40_000, 2_000, &mut rng);
            let (mut state, mut log, mut exact_log) = (model.sample_start(&mut rng), 0.0, 0.0);
            for _ in 0..20 {
                let action = rng.random_range(0..actions);
                let outcome = model.step(&state, action, &mut rng);
                let (observation, seen) = (outcome.observation as usize, &outcome.observation);
                exact_log += math::ln(exact.update(action, observation).unwrap());
                log += bootstrap.update(&*model, action, seen, &mut rng).unwrap();
                if run == 0 {
                    rejection.update(&*model, action, seen, &mut rng).unwrap();
                }
                state = outcome.next;
            }
            let n = model.num_states();
            distances.push(total_variation(exact.belief(), n, bootstrap.particles()));
            // Mean absolute error of a binomial share, by its normal approximation.
            let error =
                |p: &f64| (2.0 * p * (1.0 - p) / (std::f64::consts::PI * PARTICLES as f64)).sqrt();
            let errors = exact.belief().probabilities.iter().map(error);
            expected.push(errors.sum::<f64>() / 2.0);
            assert!((log - exact_log).abs() < 0.3, "{log} for {exact_log}");
            assert_eq!(bootstrap.depletions(), 0);
            if run == 0 {
                let equal = rejection.particles().iter().map(|s| (s, 1.0 / 40_000.0));
                let d = total_variation(exact.belief(), n, equal);
                assert!(d < 0.05 && rejection.shortages() == 0, "rejection: {d}");
            }
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (found, independent) = (mean(&distances), mean(&expected));
        assert!(
            found < 0.02 && found < 2.0 * independent.max(0.005),
            "{found} {independent}: {distances:?}"
        );
    }
}

#[test]
fn few_particles_are_reinvigorated_and_nothing_is_done_for_the_impossible() {
    let model = compiled(&Tag::default());
    let mut rng = Stream::new(6, 0, "test");
    let mut filter = ParticleFilter::new(&*model, 3, &mut rng);
    let mut exact = ExactFilter::new(model.clone());
    let mut state = model.sample_start(&mut rng);
    for step in 0..40 {
        let action = step % 4;
        let outcome = model.step(&state, action, &mut rng);
        exact.update(action, outcome.observation as usize).unwrap();
        // Three particles for 841 states: the robot's own cell is met by chance alone, and found again.
        filter
            .update(&*model, action, &outcome.observation, &mut rng)
            .unwrap();
        let sum: f64 = filter.particles().map(|(_, w)| w).sum();
        assert!((sum - 1.0).abs() < 1e-9);
        assert_eq!(filter.particles().count(), 3);
        assert!(
            filter
                .particles()
                .all(|(s, _)| exact.belief().states.contains(s))
        );
        state = outcome.next;
    }
    // Always what is least likely: no particle expects it.
    let mut unlucky = ParticleFilter::new(&*model, 3, &mut rng);
    let (mut belief, mut work) = (Belief::start(&model), Workspace::new(&model));
    for step in 0..10 {
        let action = step % 4;
        let possible = belief.successors(&model, action, &mut work);
        let least = possible
            .into_iter()
            .min_by(|a, b| a.probability.total_cmp(&b.probability));
        let least = least.unwrap();
        unlucky
            .update(&*model, action, &(least.observation as u32), &mut rng)
            .unwrap();
        assert_eq!(unlucky.particles().count(), 3);
        belief = least.belief;
    }
    assert!(unlucky.depletions() > 0);
    let before = filter.clone();
    // North into the lowest row.
    assert!(filter.update(&*model, 0, &3, &mut rng).is_err());
    assert_eq!(filter, before);
}

#[test]
fn particles_find_the_robot_in_the_light() {
    let model = LightDark::new(&LightDarkArgs::default());
    let mut rng = Stream::new(7, 0, "test");
    let mut filter = ParticleFilter::new(&model, 4_000, &mut rng);
    let mut state = model.sample_start(&mut rng);
    let spread = |filter: &ParticleFilter<palaestra_envs::pomdp::classic::Position>| {
        let mean: f64 = filter.particles().map(|(s, w)| w * s.y).sum();
        let variance: f64 = filter
            .particles()
            .map(|(s, w)| w * (s.y - mean).powi(2))
            .sum();
        (mean, variance.sqrt())
    };
    assert!(spread(&filter).1 > 2.5);
    for _ in 0..30 {
        let action = if spread(&filter).0 < 5.0 { 1 } else { 2 };
        let outcome = model.step(&state, action, &mut rng);
        filter
            .update(&model, action, &outcome.observation, &mut rng)
            .unwrap();
        state = outcome.next;
    }
    let (mean, deviation) = spread(&filter);
    assert!(
        (mean - state.y).abs() < 0.5 && deviation < 0.5,
        "{mean} ± {deviation} for {}",
        state.y
    );
    let drawn = filter.draw(&mut rng).y;
    assert!((drawn - mean).abs() < 5.0);
}

#[test]
fn the_chain_in_continuous_time_reproduces_its_golden_values() {
    let rates = vec![vec![-1.0, 1.0], vec![0.5, -0.5]];
    let mut chain = HiddenChain::new(&rates, &[0.5, 0.5]).unwrap();
    let close =
        |found: &[f64], golden: &[f64]| found.iter().zip(golden).all(|(a, b)| (a - b).abs() < 1e-8);
    let transition = chain.transition(0.7).unwrap();
    assert!(
        close(
            &transition,
            &[0.566_625_17, 0.433_374_83, 0.216_687_42, 0.783_312_58]
        ),
        "{transition:?}"
    );
    chain.predict(0.7).unwrap();
    assert!(close(chain.belief(), &[0.391_656_29, 0.608_343_71]));
    let density = |i: usize| math::exp(-0.5 * ((0.8 - i as f64) / 0.5f64).powi(2));
    chain.correct(density).unwrap();
    assert!(
        close(chain.belief(), &[0.162_416_71, 0.837_583_29]),
        "{:?}",
        chain.belief()
    );
    // Closed form of two states, at short and long times.
    for dt in [0.0, 1e-9, 0.1, 3.0, 50.0, 1e4] {
        let (stationary, decay) = (1.0 / 3.0, math::exp(-1.5 * dt));
        let p = chain.transition(dt).unwrap();
        assert!(
            (p[0] - (stationary + (1.0 - stationary) * decay)).abs() < 1e-9,
            "{dt}: {p:?}"
        );
        assert!(
            (p[2] - (stationary - stationary * decay)).abs() < 1e-9,
            "{dt}: {p:?}"
        );
    }
}

#[test]
fn a_chain_refuses_what_is_no_chain() {
    let fine = vec![vec![-1.0, 1.0], vec![0.5, -0.5]];
    let row = |row: [f64; 2]| vec![fine[0].clone(), row.to_vec()];
    let error = |rates: &[Vec<f64>]| {
        HiddenChain::new(rates, &[1.0, 0.0])
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(&row([-0.5, 0.5])),
        "row 1 of the rates has -0.5 in place 0"
    );
    assert_eq!(
        error(&row([0.5, 0.5])),
        "row 1 of the rates sums to 1 instead of 0"
    );
    assert_eq!(
        error(&[vec![0.0]]),
        "the belief must hold 1 probabilities that sum to 1"
    );
    let mut chain = HiddenChain::new(&fine, &[1.0, 0.0]).unwrap();
    assert_eq!(chain.predict(-1.0), Err(ChainError::Time(-1.0)));
    assert_eq!(
        chain.correct(|_| 0.0),
        Err(ChainError::Impossible { step: 0 })
    );
    assert_eq!(chain.belief(), [1.0, 0.0]);
}

#[test]
fn chains_may_be_left_alone_for_any_time() {
    let chain = HiddenChain::new(&[vec![-1.0, 1.0], vec![0.5, -0.5]], &[1.0, 0.0]).unwrap();
    for dt in [1e5, 1e10, 1e15, 1e100] {
        for (p, stationary) in chain
            .transition(dt)
            .unwrap()
            .iter()
            .zip([1.0, 2.0, 1.0, 2.0])
        {
            assert!((p - stationary / 3.0).abs() < 1e-12, "{p} after {dt}");
        }
    }
}

#[test]
fn impossible_measurements_are_told_with_their_step() {
    let mut model = LinearGaussian::simulate(0.9, 0.5, 1.0, 10, &mut Stream::new(1, 0, "data"));
    model.measurements[4] = 1e9;
    let mut rng = Stream::new(1, 1, "test");
    let error = Paris::run(&model, ParisSettings::default(), &mut rng).unwrap_err();
    assert_eq!(error.step, 4);
    let error = particle_gibbs(&model, ParticleGibbsSettings::default(), None, &mut rng);
    assert_eq!(error.unwrap_err().step, 4);
}

/// Mean and standard error.
fn mean_and_error(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

#[test]
fn smoothed_products_agree_with_the_kalman_smoother() {
    let model = LinearGaussian::simulate(0.9, 0.5, 1.0, 50, &mut Stream::new(8, 0, "data"));
    let exact = model.smooth();
    let mut rng = Stream::new(8, 1, "test");
    let settings = ParisSettings {
        particles: 64,
        draws: 2,
    };
    let runs: Vec<f64> = (0..40)
        .map(|_| Paris::run(&model, settings, &mut rng).unwrap()[0])
        .collect();
    let (mean, error) = mean_and_error(&runs);
    assert!(
        (mean - exact.lagged_products).abs() < 3.0 * error,
        "PaRIS {mean} ± {error}, exact {}",
        exact.lagged_products
    );
    let settings = ParticleGibbsSettings {
        paris: settings,
        ..Default::default()
    };
    let runs: Vec<f64> = (0..40)
        .map(|_| particle_gibbs(&model, settings, None, &mut rng).unwrap().0[0])
        .collect();
    let (mean, error) = mean_and_error(&runs);
    assert!(
        (mean - exact.lagged_products).abs() < 3.0 * error,
        "PPG {mean} ± {error}, exact {}",
        exact.lagged_products
    );
}

#[test]
fn particle_gibbs_has_less_bias_than_paris_at_equal_particles() {
    let model = LinearGaussian::simulate(0.9, 0.5, 1.0, 30, &mut Stream::new(9, 0, "data"));
    let exact = model.smooth().lagged_products;
    let mut rng = Stream::new(9, 1, "test");
    let paris = ParisSettings {
        particles: 6,
        draws: 2,
    };
    let gibbs = ParticleGibbsSettings {
        paris,
        sweeps: 8,
        burn_in: 4,
    };
    let runs: Vec<f64> = (0..4_000)
        .map(|_| Paris::run(&model, paris, &mut rng).unwrap()[0])
        .collect();
    let (paris, paris_error) = mean_and_error(&runs);
    let runs: Vec<f64> = (0..2_000)
        .map(|_| particle_gibbs(&model, gibbs, None, &mut rng).unwrap().0[0])
        .collect();
    let (gibbs, gibbs_error) = mean_and_error(&runs);
    let (paris_bias, gibbs_bias) = ((paris - exact).abs(), (gibbs - exact).abs());
    // The difference is more than chance.
    let error = (paris_error.powi(2) + gibbs_error.powi(2)).sqrt();
    assert!(
        gibbs_bias + 3.0 * error < paris_bias,
        "PPG {gibbs} ± {gibbs_error}, PaRIS {paris} ± {paris_error}, exact {exact}"
    );
}

#[test]
fn parameters_climb_to_the_largest_likelihood() {
    let truth = LinearGaussian::simulate(0.8, 0.5, 0.3, 200, &mut Stream::new(10, 0, "data"));
    let with = |phi: f64| LinearGaussian {
        persistence: phi,
        ..truth.clone()
    };
    // The functional leaves out how the first state depends on φ, which hardly matters over 200 steps.
    let best = (0..999).map(|i| f64::from(i) / 1000.0);
    let best = best.max_by(|a, b| {
        with(*a)
            .smooth()
            .log_likelihood
            .total_cmp(&with(*b).smooth().log_likelihood)
    });
    let best = best.unwrap();
    let clamped = |parameters: &mut [f64]| {
        parameters[0] = parameters[0].clamp(-0.99, 0.99);
        with(parameters[0])
    };
    let settings = ParticleGibbsSettings {
        sweeps: 2,
        burn_in: 0,
        ..Default::default()
    };
    let mut rng = Stream::new(10, 1, "test");
    let learned = ascend_score(clamped, &[0.2], 1..2, (150, 0.004), settings, &mut rng).unwrap();
    let found = learned.parameters[0];
    assert!((found - best).abs() < 0.03, "{found} instead of {best}");
    assert_eq!(learned.path.len(), 200);
    assert!(rng.random::<f64>() < 1.0);
}
