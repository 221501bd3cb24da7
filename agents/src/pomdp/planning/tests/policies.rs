//! What comes out of solvers: policies, and the blocks of states that they are made over.

use palaestra_envs::{
    pomdp::{Generative, classic::Tag},
    stream::Stream,
};

use super::*;
use crate::pomdp::filter::ExactFilter;

#[test]
fn a_policy_survives_json_and_earns_its_value() {
    let model = four_four(Sensor::Exponential, Walls::End);
    let mut solver = Sarsop::new(model.clone(), SarsopSettings::default()).unwrap();
    let bound = solver.run(1_000).lower;
    let text = solver.policy().to_json(&model).unwrap();
    let policy = AlphaPolicy::from_json(&text, &model).unwrap();
    assert!(policy == solver.policy() && policy.fits(&model) && !policy.fits(&tiger(0.5)));
    // A model of the same size is another one all the same.
    let other = four_four(TWENTY, Walls::End);
    let foreign = AlphaPolicy::from_json(&text, &other)
        .unwrap_err()
        .to_string();
    assert!(foreign.contains("another model"), "{foreign}");
    let mut rng = Stream::new(4, 0, "test");
    let mut returns = Vec::new();
    for _ in 0..2_000 {
        let (mut filter, mut state) = (
            ExactFilter::new(model.clone()),
            model.sample_start(&mut rng),
        );
        let (mut total, mut weight) = (0.0, 1.0);
        for _ in 0..100 {
            let action = policy.action(filter.belief());
            let outcome = Generative::step(&*model, &state, action, &mut rng);
            total += weight * outcome.reward;
            weight *= model.discount();
            if outcome.terminal {
                break;
            }
            filter.update(action, outcome.observation as usize).unwrap();
            state = outcome.next;
        }
        returns.push(total);
    }
    let n = returns.len() as f64;
    let mean = returns.iter().sum::<f64>() / n;
    let error = (returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
    assert!(
        (mean - bound).abs() < 4.0 * error,
        "{mean} ± {error} for {bound}"
    );
    for broken in [
        "{}",
        "[]",
        "{\"blocks\":{\"place\":[[5,0]],\"root_place\":[],\"members\":[[0]],\"root\":0},\"vectors\":[[]]}",
    ] {
        assert!(AlphaPolicy::from_json(broken, &model).is_err(), "{broken}");
    }
}

#[test]
fn blocks_are_what_is_seen_for_sure() {
    // RockSample: the rover's cell, and the end.
    let rocks = Blocks::of(&four_four(Sensor::Exponential, Walls::End));
    assert_eq!((rocks.len(), rocks.members(rocks.root()).len()), (17, 16));
    // Tag: one for each cell of the robot, the meetings, and the start, where nothing is known yet.
    let model = compiled(&Tag::default());
    let tag = Blocks::of(&model);
    assert_eq!((tag.len(), tag.members(tag.root()).len()), (31, 841));
    // Tiger: nothing.
    assert_eq!(Blocks::of(&tiger(0.95)).len(), 1);
    // Every belief that comes up has a block.
    let mut rng = Stream::new(1, 0, "test");
    for model in [
        model,
        maze(MazeStart::Anywhere),
        four_four(TWENTY, Walls::Clamp),
    ] {
        let blocks = Blocks::of(&model);
        for _ in 0..50 {
            let (mut filter, mut state) = (
                ExactFilter::new(model.clone()),
                model.sample_start(&mut rng),
            );
            for step in 0..30 {
                assert!(blocks.block_of(filter.belief()).is_some());
                let action = (step * 7 + state as usize) % model.num_actions();
                let outcome = Generative::step(&*model, &state, action, &mut rng);
                filter.update(action, outcome.observation as usize).unwrap();
                state = outcome.next;
            }
        }
    }
}

#[test]
fn a_policy_acts_at_beliefs_that_cannot_come_up() {
    let model = four_four(Sensor::Exponential, Walls::End);
    let policy = Sarsop::new(model.clone(), SarsopSettings::default())
        .unwrap()
        .policy();
    let spread = Belief::from_dense(&vec![1.0; model.num_states()]);
    assert_eq!(policy.value(&spread), None);
    assert!(policy.action(&spread) < model.num_actions());
}

#[test]
fn the_most_likely_state_decides() {
    let model = tiger(0.95);
    let mut mdp = ValueIteration::new(model.clone()).unwrap();
    mdp.run(u64::MAX);
    let policy = MostLikelyState::new(&mdp.state().q);
    assert_eq!(
        policy.action(&Belief::from_dense(&[0.6, 0.4])),
        2,
        "opens the other door"
    );
    assert_eq!(policy.action(&Belief::from_dense(&[0.4, 0.6])), 1);
}
