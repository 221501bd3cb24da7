//! POMCP and DESPOT.

use palaestra_envs::{pomdp::Generative, stream::Stream};

use super::*;
use crate::pomdp::{filter::ExactFilter, sampler};

/// Mean discounted return of an online planner.
fn online(
    model: &Arc<Pomdp>,
    episodes: u32,
    steps: u32,
    mut decide: impl FnMut(&Belief, Option<(usize, u32)>, &mut Stream) -> usize,
) -> f64 {
    let mut rng = Stream::new(1, 0, "test");
    let mut total = 0.0;
    for _ in 0..episodes {
        let (mut filter, mut state) = (
            ExactFilter::new(model.clone()),
            model.sample_start(&mut rng),
        );
        let (mut weight, mut last) = (1.0, None);
        for _ in 0..steps {
            let action = decide(filter.belief(), last, &mut rng);
            let outcome = Generative::step(&**model, &state, action, &mut rng);
            // The expected reward: as the paid one on average, with less noise.
            total += weight * filter.belief().dot(model.rewards(action));
            weight *= model.discount();
            if outcome.terminal {
                break;
            }
            filter.update(action, outcome.observation as usize).unwrap();
            last = Some((action, outcome.observation));
            state = outcome.next;
        }
    }
    total / f64::from(episodes)
}

#[test]
fn pomcp_listens_before_it_opens() {
    let model = tiger(0.95);
    let settings = PomcpSettings {
        simulations: 1000,
        depth: 30,
        exploration: 55.0,
        ..PomcpSettings::default()
    };
    let mut tree = Pomcp::<u32>::new(3, settings);
    let mean = online(&model, 1000, 60, |belief, last, rng| {
        match last {
            None => tree.clear(),
            Some((action, seen)) => tree.advance(action, &seen),
        }
        let listen = |_: &Pomdp, _: &u32, _: &mut Stream| 0;
        tree.search(&*model, sampler(belief), listen, rng)
    });
    assert!(mean >= 15.0, "{mean}");
}

#[test]
fn a_search_tree_moves_to_what_was_seen() {
    let model = tiger(0.95);
    let mut rng = Stream::new(2, 0, "test");
    let mut tree = Pomcp::<u32>::new(
        3,
        PomcpSettings {
            exploration: 55.0,
            ..PomcpSettings::default()
        },
    );
    assert!(tree.is_empty());
    let start = Belief::start(&model);
    tree.search(
        &*model,
        sampler(&start),
        |_: &Pomdp, _: &u32, _: &mut Stream| 0,
        &mut rng,
    );
    let before = tree.len();
    tree.advance(0, &1);
    assert!(!tree.is_empty() && tree.len() < before);
    tree.advance(2, &7);
    assert!(
        tree.is_empty() && tree.len() == 1,
        "nothing was simulated there"
    );
}

#[test]
fn despot_plans_from_its_scenarios() {
    let model = tiger(0.95);
    let bounds = TableBounds::new(&model).unwrap();
    let settings = DespotSettings {
        scenarios: 150,
        trials: 40,
        ..DespotSettings::default()
    };
    let decide = |belief: &Belief, _: Option<(usize, u32)>, rng: &mut Stream| {
        Despot::search(&*model, &bounds, settings, sampler(belief), rng)
    };
    let mean = online(&model, 20, 60, decide);
    assert!(mean >= 12.0, "{mean}");
    let model = four_four(TWENTY, Walls::End);
    let bounds = TableBounds::new(&model).unwrap();
    let decide = |belief: &Belief, _: Option<(usize, u32)>, rng: &mut Stream| {
        Despot::search(&*model, &bounds, settings, sampler(belief), rng)
    };
    let mean = online(&model, 16, 25, decide);
    assert!(mean >= 16.0, "{mean}");
}

/// A fixed number of trials instead of a second per move, so that the result does not depend on the machine.
#[test]
fn despot_earns_what_it_should_among_twelve_thousand_states() {
    let model = compiled(&RockSample::seven_eight());
    let bounds = TableBounds::new(&model).unwrap();
    let settings = DespotSettings {
        scenarios: 100,
        trials: 50,
        ..DespotSettings::default()
    };
    let decide = |belief: &Belief, _: Option<(usize, u32)>, rng: &mut Stream| {
        Despot::search(&*model, &bounds, settings, sampler(belief), rng)
    };
    let mean = online(&model, 40, 80, decide);
    assert!(mean >= 19.0, "{mean}");
}

#[test]
fn the_policy_of_pbvi_earns_its_bound() {
    let model = four_four(Sensor::Exponential, Walls::End);
    let mut solver = Pbvi::new(model.clone(), PbviSettings::default()).unwrap();
    let bound = solver.run(20).lower;
    let policy = solver.policy();
    let mean = online(&model, 200, 150, |belief, _, _| policy.action(belief));
    assert!(bound > 14.0 && mean > bound - 1.0, "{mean} {bound}");
}

/// What a vector counts on for what comes next must still be there when it comes: the policy went round in circles.
#[test]
fn the_policy_of_sarsop_earns_its_bound_long_before_it_has_converged() {
    let model = compiled(&RockSample::seven_eight());
    let mut solver = Sarsop::new(model.clone(), SarsopSettings::default()).unwrap();
    let bound = solver.run(300).lower;
    let policy = solver.policy();
    let mean = online(&model, 200, 150, |belief, _, _| policy.action(belief));
    assert!(bound > 20.0 && mean > bound - 1.0, "{mean} {bound}");
}
