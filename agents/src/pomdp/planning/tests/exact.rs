//! Incremental pruning.

use palaestra_envs::pomdp::pomdp_file;

use super::*;
use crate::pomdp::Workspace;

#[test]
fn incremental_pruning_reproduces_the_golden_vectors() {
    let (tiger_golden, baby_golden) = (golden("tiger"), golden("crying_baby"));
    let problems = [
        (tiger(0.95), &tiger_golden["gamma_0.95"], 500),
        (tiger(0.75), &tiger_golden["gamma_0.75"], 90),
        (compiled(&CryingBaby::default()), &baby_golden, 250),
    ];
    for (model, golden, iterations) in problems {
        let mut solver = IncrementalPruning::new(model.clone()).unwrap();
        for step in golden["hist"].as_array().unwrap() {
            solver.step();
            let value = step[2].as_f64().unwrap();
            assert!(
                (solver.value() - value).abs() < 1e-9,
                "{step}: {}",
                solver.value()
            );
            assert_eq!(
                solver.state().vectors.len() as u64,
                step[1].as_u64().unwrap(),
                "{step}"
            );
        }
        let progress = solver.run(iterations);
        let value = golden["V_b0"].as_f64().unwrap();
        assert!(
            (solver.value() - value).abs() < 1e-6,
            "{} instead of {value}",
            solver.value()
        );
        assert!(progress.lower <= value && value <= progress.upper);
        let vectors = golden["alpha"].as_array().unwrap();
        assert_eq!(solver.state().vectors.len(), vectors.len());
        for expected in vectors {
            let found = solver.state().vectors.iter().any(|v| {
                let name = &model.parts().actions[v.action as usize];
                let mut pairs = v.values.iter().zip(expected["v"].as_array().unwrap());
                *name == expected["a"].as_str().unwrap()
                    && pairs.all(|(x, y)| (x - y.as_f64().unwrap()).abs() < 1e-6)
            });
            assert!(found, "{expected}");
        }
    }
}

#[test]
fn undiscounted_horizons_have_their_golden_values() {
    let model = tiger(1.0);
    let mut solver = IncrementalPruning::new(model.clone()).unwrap();
    for step in golden("tiger")["undiscounted_horizon_values"]
        .as_array()
        .unwrap()
    {
        solver.step();
        assert!(
            (solver.value() - step[2].as_f64().unwrap()).abs() < 1e-9,
            "{step}: {}",
            solver.value()
        );
        assert_eq!(
            solver.state().vectors.len() as u64,
            step[1].as_u64().unwrap(),
            "{step}"
        );
    }
    assert!(matches!(
        Fib::new(model.clone()),
        Err(SolverError::Undiscounted(_))
    ));
    assert!(matches!(
        Sarsop::new(model, SarsopSettings::default()),
        Err(SolverError::Undiscounted(_))
    ));
}

/// The optimal value of `steps` steps by expanding every history.
fn exhaustive(model: &Pomdp, belief: &Belief, steps: u32, work: &mut Workspace) -> f64 {
    if steps == 0 {
        return 0.0;
    }
    let value = |action| {
        let future = belief.successors(model, action, work);
        let terms = future
            .iter()
            .map(|s| s.probability * exhaustive(model, &s.belief, steps - 1, work));
        belief.dot(model.rewards(action)) + model.discount() * terms.sum::<f64>()
    };
    largest((0..model.num_actions()).map(value).collect::<Vec<_>>())
}

#[test]
fn pruning_by_linear_programs_keeps_the_exact_value() {
    let model = Arc::new(pomdp_file::read(MACHINE).unwrap().model);
    let mut solver = IncrementalPruning::new(model.clone()).unwrap();
    let mut work = Workspace::new(&model);
    for steps in 1..=5 {
        solver.step();
        let policy = solver.policy();
        for weights in [
            [1.0, 0.0, 0.0],
            [0.2, 0.5, 0.3],
            [0.6, 0.1, 0.3],
            [0.1, 0.2, 0.7],
            [0.0, 0.5, 0.5],
        ] {
            let belief = Belief::from_dense(&weights);
            let (found, exact) = (
                policy.value(&belief).unwrap(),
                exhaustive(&model, &belief, steps, &mut work),
            );
            assert!(
                (found - exact).abs() < 1e-9,
                "{steps} steps: {found} instead of {exact}"
            );
        }
    }
    // Nothing is left that another vector, or a mixture of others, covers: every one is the best somewhere.
    let vectors = &solver.state().vectors;
    let grid = (0..=200u32).flat_map(|i| {
        (0..=200 - i).map(move |j| [i, j, 200 - i - j].map(|k| f64::from(k) / 200.0))
    });
    let mut best = vec![false; vectors.len()];
    for b in grid {
        best[argmax(
            vectors
                .iter()
                .map(|v| v.values.iter().zip(b).map(|(v, b)| v * b).sum()),
        )] = true;
    }
    let used = best.iter().filter(|b| **b).count();
    assert!(
        used * 10 >= vectors.len() * 8,
        "{used} of {}",
        vectors.len()
    );
    // And SARSOP agrees on the infinite horizon.
    let exact = solver.run(400);
    let sarsop = Sarsop::new(
        model,
        SarsopSettings {
            precision: 1e-6,
            ..SarsopSettings::default()
        },
    )
    .unwrap()
    .run(5_000);
    assert!(sarsop.upper - sarsop.lower <= 1e-6, "{sarsop:?}");
    assert!(
        sarsop.lower <= exact.upper + 1e-9 && exact.lower <= sarsop.upper + 1e-9,
        "{sarsop:?} {exact:?}"
    );
}
