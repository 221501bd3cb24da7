//! Posteriors by hand and by direct conditioning, and the search against enumeration.

use palaestra_envs::{
    bandits::{Instance, InstanceConfig},
    stream::Stream,
};
use rand::RngExt;

use super::{Exploration, IDLE, Posterior, Prior, Rgp, search::Search};
use crate::bandits::{cells::Cells, testbed::Trial};

const PRIOR: Prior = Prior {
    length_scale: 2.0,
    variance: 1.0,
    noise_variance: 0.25,
};

fn preset(id: &str) -> Instance {
    InstanceConfig::preset(id).unwrap().build().unwrap()
}

fn rgp(instance: &Instance, exploration: Exploration, lookahead: usize) -> Rgp {
    Rgp {
        exploration,
        confidence: 1.0,
        lookahead,
        max_nodes: 1_000_000,
        prior: PRIOR,
        cells: Cells::new(instance),
        exact: instance.exact(),
    }
}

/// Arm 2 of `spike5`: the covariates 0..=9.
#[test]
fn one_payoff_conditions_its_neighbours() {
    let cells = Cells::new(&preset("spike5"));
    let mut posterior = Posterior::new(2, &cells, PRIOR);
    let cell = cells.cell(2, 3);
    posterior.learn(1, 2, cell, 1.0);
    // At the payoff 1 / 1.25, one covariate away e^(−1/8) = 0.882_496_902_584_595_4 of it.
    let (mean, sd) = posterior.marginal(1, 2, cell);
    assert!((mean - 0.8).abs() < 1e-15 && (sd * sd - 0.2).abs() < 1e-15);
    let near = cells.cell(2, 2);
    let (mean, sd) = posterior.marginal(1, 2, near);
    assert!((mean - 0.8 * 0.882_496_902_584_595_4).abs() < 1e-15);
    // 1 − 0.8 e^(−1/4)
    assert!((sd * sd - (1.0 - 0.8 * 0.778_800_783_071_404_9)).abs() < 1e-15);
    // −1 is the covariate 0, a neighbour of 1.
    let (low, high) = (cells.cell(2, -1), cells.cell(2, 1));
    let prior = Posterior::new(1, &cells, PRIOR).covariance(0, 2, low, high);
    assert!((prior - 0.882_496_902_584_595_4).abs() < 1e-15);
    // Other arms and seats know nothing.
    assert_eq!(posterior.marginal(1, 1, cells.cell(1, 3)), (0.0, 1.0));
    assert_eq!(posterior.marginal(0, 2, cell), (0.0, 1.0));
    crate::bandits::Memory::forget(&mut posterior, 1);
    assert_eq!(posterior, Posterior::new(2, &cells, PRIOR));
}

/// Solves `a x = b` for a small matrix by elimination with pivots.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for col in 0..n {
        let pivot = (col..n).max_by(|&i, &j| a[i][col].abs().total_cmp(&a[j][col].abs()));
        let pivot = pivot.unwrap();
        a.swap(col, pivot);
        b.swap(col, pivot);
        for row in col + 1..n {
            let factor = a[row][col] / a[col][col];
            let pivot = a[col].clone();
            for (x, p) in a[row].iter_mut().zip(&pivot).skip(col) {
                *x -= factor * p;
            }
            b[row] -= factor * b[col];
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|k| a[row][k] * b[k]).sum();
        b[row] = (b[row] - known) / a[row][row];
    }
    b
}

#[test]
fn many_updates_equal_conditioning_at_once() {
    let cells = Cells::new(&preset("log3"));
    let mut posterior = Posterior::new(1, &cells, PRIOR);
    let kernel = |a: i16, b: i16| {
        let z = |tau: i16| f64::from(tau + i16::from(tau < 0));
        (-0.125 * (z(a) - z(b)).powi(2)).exp()
    };
    let mut rng = Stream::new(5, 0, "test");
    let states: Vec<i16> = cells.caps(1).states().collect();
    let seen: Vec<(i16, f64)> = (0..60)
        .map(|_| (states[rng.random_range(0..states.len())], rng.random()))
        .collect();
    for &(tau, payoff) in &seen {
        posterior.learn(0, 1, cells.cell(1, tau), payoff);
    }
    let gram = |i: usize, j: usize| {
        kernel(seen[i].0, seen[j].0) + if i == j { PRIOR.noise_variance } else { 0.0 }
    };
    let gram: Vec<Vec<f64>> = (0..60)
        .map(|i| (0..60).map(|j| gram(i, j)).collect())
        .collect();
    let weights = solve(gram.clone(), seen.iter().map(|s| s.1).collect());
    for &a in &states {
        let to_a: Vec<f64> = seen.iter().map(|s| kernel(s.0, a)).collect();
        let mean: f64 = to_a.iter().zip(&weights).map(|(k, w)| k * w).sum();
        let (found, _) = posterior.marginal(0, 1, cells.cell(1, a));
        assert!((found - mean).abs() < 1e-10, "{a}: {found} not {mean}");
        let explained = solve(gram.clone(), to_a);
        for &b in &states {
            let sum = seen.iter().zip(&explained).map(|(s, e)| kernel(s.0, b) * e);
            let expected = kernel(a, b) - sum.sum::<f64>();
            let found = posterior.covariance(0, 1, cells.cell(1, a), cells.cell(1, b));
            assert!((found - expected).abs() < 1e-10, "{a} {b}");
        }
    }
}

#[test]
fn one_round_ahead_the_index_is_the_papers() {
    let instance = preset("spike5");
    let rule = rgp(&instance, Exploration::Ucb, 1);
    let mut trial = Trial::new(&rule, 5);
    trial.states = vec![-1.0, 3.0, 9.0, 1.0, 1.0];
    trial.indices(1);
    trial.learn(&[(1, 1.0)]);
    // 2 ln(K Z t²) = 2 ln(5 · 10 · 9): K arms with Z = 10 states each.
    let width = (2.0 * 450_f64.ln()).sqrt();
    let index = trial.indices(3);
    assert!((index[0] - width).abs() < 1e-14, "{index:?}");
    assert!((index[1] - (0.8 + width * 0.2_f64.sqrt())).abs() < 1e-14);
    trial.greedy = true;
    assert_eq!(trial.indices(3)[0], 0.0);
    assert!((trial.indices(3)[1] - 0.8).abs() < 1e-15);
}

#[test]
fn samples_have_the_posteriors_spread() {
    let instance = preset("spike5");
    let rule = rgp(&instance, Exploration::Thompson, 1);
    let mut trial = Trial::new(&rule, 5);
    trial.states = vec![-1.0, 3.0, 9.0, 1.0, 1.0];
    trial.indices(1);
    trial.learn(&[(1, 1.0)]);
    let n = 20_000;
    let draws: Vec<f64> = (0..n).map(|_| trial.indices(3)[1]).collect();
    let mean = draws.iter().sum::<f64>() / f64::from(n);
    let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
    // Five standard errors.
    assert!((mean - 0.8).abs() < 5.0 * (0.2 / f64::from(n)).sqrt());
    assert!((variance - 0.2).abs() < 5.0 * 0.2 * (2.0 / f64::from(n)).sqrt());
}

/// The value of a sequence by its definition.
fn value(rgp: &Rgp, posterior: &Posterior, tau: &[i16], sequence: &[u32], width: f64) -> f64 {
    let mut tau = tau.to_vec();
    let mut played: Vec<(usize, usize)> = Vec::new();
    for &step in sequence {
        for (arm, state) in tau.iter_mut().enumerate() {
            let caps = rgp.cells.caps(arm);
            if arm as u32 == step {
                played.push((arm, rgp.cells.cell(arm, *state)));
                *state = caps.play(*state);
            } else {
                *state = caps.idle(*state);
            }
        }
    }
    let mean: f64 = played.iter().map(|play| posterior.means(0)[play.1]).sum();
    let pairs = played
        .iter()
        .flat_map(|a| played.iter().map(move |b| (a, b)));
    let of_one_arm = pairs.filter(|(a, b)| a.0 == b.0);
    let variance: f64 = of_one_arm
        .map(|(a, b)| posterior.covariance(0, a.0, a.1, b.1))
        .sum();
    mean + width * variance.sqrt()
}

#[test]
fn the_search_finds_the_best_of_all_sequences() {
    for id in ["log3", "spike5", "sea3"] {
        let instance = preset(id);
        let depth = 4;
        let rule = rgp(&instance, Exploration::Ucb, depth);
        let mut posterior = Posterior::new(1, &rule.cells, PRIOR);
        let mut rng = Stream::new(9, 0, "test");
        let arms = rule.cells.arms();
        let mut steps: Vec<u32> = (0..arms as u32).collect();
        if !instance.exact() {
            steps.push(IDLE);
        }
        for trial in 0..30 {
            let arm = rng.random_range(0..arms);
            let cell = rng.random_range(rule.cells.of(arm));
            posterior.learn(0, arm, cell, rng.random::<f64>() - 0.3);
            let tau: Vec<i16> = (0..arms)
                .map(|arm| {
                    let states: Vec<i16> = rule.cells.caps(arm).states().collect();
                    states[rng.random_range(0..states.len())]
                })
                .collect();
            let width = f64::from(trial % 3);
            let mut search = Search::new(&rule, &tau);
            search.expect(&posterior, 0);
            search.bound(&posterior, 0, width);
            let found = search.run();
            assert_eq!(found.len(), depth);
            let found = value(&rule, &posterior, &tau, &found, width);
            let mut best = f64::NEG_INFINITY;
            for number in 0..steps.len().pow(depth as u32) {
                let digit = |i: usize| steps[number / steps.len().pow(i as u32) % steps.len()];
                let sequence: Vec<u32> = (0..depth).map(digit).collect();
                best = best.max(value(&rule, &posterior, &tau, &sequence, width));
            }
            assert!((found - best).abs() < 1e-12, "{id}: {found} not {best}");
        }
    }
}

#[test]
fn a_search_that_may_not_go_on_returns_a_whole_sequence() {
    let instance = preset("pb_log10");
    let rule = Rgp {
        max_nodes: 1,
        ..rgp(&instance, Exploration::Thompson, 6)
    };
    let posterior = Posterior::new(1, &rule.cells, PRIOR);
    let mut search = Search::new(&rule, &[-1; 10]);
    search.sample(&posterior, 0, &mut Stream::new(1, 0, "test"));
    assert_eq!(search.run().len(), 6);
}

/// Sums of two neighbouring covariates of one arm: the sample is joint.
#[test]
fn sequences_are_sampled_jointly() {
    let instance = preset("step2");
    let rule = rgp(&instance, Exploration::Thompson, 2);
    let mut trial = Trial::new(&rule, 2);
    trial.states = vec![1.0, 1.0];
    let mut counts = [0; 2];
    for _ in 0..4000 {
        let index = trial.indices(1);
        assert_eq!(index.iter().filter(|x| **x == 1.0).count(), 1);
        counts[index.iter().position(|x| *x == 1.0).unwrap()] += 1;
    }
    // Both arms are alike: five standard errors.
    assert!(
        (f64::from(counts[0]) - 2000.0).abs() < 5.0 * 1000_f64.sqrt(),
        "{counts:?}"
    );
}
