//! SARSOP and PBVI: values, and what holds at every iteration.

use palaestra_envs::pomdp::classic::{Opponent, Tag};

use super::*;

/// Steps a solver and holds every iteration to `blind ≤ lower ≤ V* ≤ upper ≤ FIB ≤ QMDP ≤ MDP`, monotone. `V*` is the
/// golden value of that name, where it is known exactly.
fn invariant(
    name: &str,
    model: &Arc<Pomdp>,
    solver: &mut impl Solver,
    iterations: u64,
) -> Progress {
    invariant_within(name, simple_bounds(model), solver, iterations)
}

fn invariant_within(
    name: &str,
    [blind, fib, qmdp, mdp]: [f64; 4],
    solver: &mut impl Solver,
    iterations: u64,
) -> Progress {
    let slack = 1e-8 * fib.abs().max(1.0);
    assert!(fib <= qmdp + slack && qmdp <= mdp + slack, "{name}");
    let optimum = golden("classic_bounds")[name]["exact"].as_f64();
    let mut before = solver.progress();
    for _ in 0..iterations {
        if solver.converged() {
            break;
        }
        let now = solver.step();
        assert!(
            blind <= now.lower + slack,
            "{name}: {now:?} below blind {blind}"
        );
        assert!(now.lower <= now.upper + slack, "{name}: {now:?} cross");
        assert!(
            optimum.is_none_or(|v| now.lower <= v + 1e-7 && v <= now.upper + 1e-7),
            "{name}: {optimum:?} is not within {now:?}"
        );
        assert!(now.upper <= fib + slack, "{name}: {now:?} above FIB {fib}");
        assert!(
            before.lower <= now.lower + slack && now.upper <= before.upper + slack,
            "{name}: {before:?} {now:?}"
        );
        assert_eq!(now.iteration, before.iteration + 1);
        before = now;
    }
    before
}

#[test]
fn sarsop_converges_to_the_listed_values_within_its_invariants() {
    let golden = golden("classic_bounds");
    for (name, model) in shipped() {
        for sampling in [Sampling::Sarsop, Sampling::Gap] {
            let settings = SarsopSettings {
                precision: 5e-4,
                sampling,
                ..SarsopSettings::default()
            };
            let mut solver = Sarsop::new(model.clone(), settings).unwrap();
            let found = invariant(name, &model, &mut solver, 5_000);
            assert!(found.upper - found.lower <= 5e-4, "{name}: {found:?}");
            let exact = golden[name]["exact"].as_f64();
            let bounds = [0, 1].map(|i| exact.or(golden[name]["sarsop"][i].as_f64()).unwrap());
            assert!(
                found.lower >= bounds[0] - 1e-3 && found.lower <= bounds[1] + 1e-3,
                "{name}: {found:?} {bounds:?}"
            );
            assert!(
                found.upper >= bounds[0] - 1e-4,
                "{name}: {found:?} {bounds:?}"
            );
        }
    }
}

#[test]
fn sarsop_keeps_its_invariants_on_large_problems_and_reaches_the_known_bounds() {
    let tag = compiled(&Tag::default());
    let mut solver = Sarsop::new(tag.clone(), SarsopSettings::default()).unwrap();
    let found = invariant("tag", &tag, &mut solver, 700);
    assert!(found.lower >= -6.6 && found.upper <= -2.0, "{found:?}");
    let modified = compiled(&Tag {
        opponent: Opponent::Modified,
        ..Tag::default()
    });
    let mut solver = Sarsop::new(modified.clone(), SarsopSettings::default()).unwrap();
    invariant("tag_modified", &modified, &mut solver, 100);
    for (name, building, enough) in [
        ("hallway", Building::One, 0.94),
        ("hallway2", Building::Two, 0.28),
    ] {
        let model = hallway(building);
        let mut solver = Sarsop::new(model.clone(), SarsopSettings::default()).unwrap();
        let found = invariant(name, &model, &mut solver, 100);
        let reference = golden("classic_bounds")[name]["sarsop"][1]
            .as_f64()
            .unwrap();
        assert!(
            found.lower >= enough && found.lower <= reference && found.upper <= reference + 0.05,
            "{name}: {found:?}"
        );
    }
    let rocks = compiled(&RockSample::seven_eight());
    let mut solver = Sarsop::new(rocks.clone(), SarsopSettings::default()).unwrap();
    // Computed once; that takes long.
    let simple = [7.350_918, 27.699_459, 27.699_459, 28.504_801];
    let found = invariant_within("rocks", simple, &mut solver, 60);
    assert!(found.lower >= 19.9 && found.upper <= 25.8, "{found:?}");
}

#[test]
fn pbvi_is_a_rising_lower_bound() {
    for (name, model, iterations, enough) in [
        ("tiger_0.95", tiger(0.95), 60, 19.3),
        (
            "crying_baby_0.9",
            compiled(&CryingBaby::default()),
            40,
            -16.3056,
        ),
        ("hallway", hallway(Building::One), 4, 0.1),
        ("hallway2", hallway(Building::Two), 3, 0.05),
        ("maze", maze(MazeStart::Anywhere), 25, 3.486),
        ("rocks", four_four(Sensor::Exponential, Walls::End), 8, 14.0),
        ("tag", compiled(&Tag::default()), 6, -14.0),
    ] {
        let mut solver = Pbvi::new(
            model.clone(),
            PbviSettings {
                max_beliefs: 400,
                ..PbviSettings::default()
            },
        )
        .unwrap();
        let found = invariant(name, &model, &mut solver, iterations);
        assert!(found.lower >= enough, "{name}: {found:?}");
    }
}
