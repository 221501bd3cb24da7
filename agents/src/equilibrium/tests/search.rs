use palaestra_envs::stream::Stream;
use proptest::prelude::*;

use super::super::sequences::{
    diverse_beam_search::{Beam, DiverseBeamSettings, diverse_beam_search},
    mc_nest::{Attempt, McNest, McNestSettings, Pick, Prior, Refiner, node_score},
};
use super::*;

#[test]
fn trees_of_answers_are_searched_as_in_the_reference() {
    let golden = golden("token_and_search");
    let golden = &golden["mc_nest"];
    let mut attempts: Vec<Attempt<()>> = list(golden, "nodes")
        .iter()
        .map(|node| Attempt {
            answer: (),
            parent: node["parent"].as_u64().map(|p| p as usize),
            children: Vec::new(),
            evaluation: number(&node["Q"]),
            score: number(&node["Q"]),
            visits: number(&node["N"]) as u32,
        })
        .collect();
    for index in 1..attempts.len() {
        let parent = attempts[index].parent.unwrap();
        attempts[parent].children.push(index);
    }
    let settings = McNestSettings::default();
    let tree = McNest::new(settings, attempts.clone());
    for index in 0..4 {
        let key = index.to_string();
        assert!((tree.bound(index) - number(&golden["uct"][&key])).abs() < 1e-9);
        let prior = tree.uniform_root_prior(index);
        assert_eq!(prior, number(&golden["nash_bonus"][&key]));
        let full = golden["fully_expanded"][&key].as_bool().unwrap();
        assert_eq!(tree.is_full(index), full);
    }
    assert_eq!(tree.candidates(), [2, 3]);
    let mut stream = Stream::new(1, 0, "test.mc_nest");
    assert_eq!(tree.select(&mut stream), Some(3));
    // With importance sampling only the root's child has weight.
    let sampling = McNestSettings {
        pick: Pick::ImportanceSampling,
        ..settings
    };
    let sampled = McNest::new(sampling, attempts.clone());
    for _ in 0..10 {
        assert_eq!(sampled.select(&mut stream), Some(2));
    }
    let mut tree = McNest::new(settings, attempts);
    tree.propagate(3);
    assert_eq!(tree.attempts()[1].score, 62.5);
    assert_eq!(tree.attempts()[0].score, 51.25);
    assert_eq!(node_score(&[80.0, 100.0]), 83.75);
}

/// Answers are numbers, refinements add one, and 10 is best.
struct Counting;

impl Refiner for Counting {
    type Answer = i32;

    fn evaluate(&mut self, answer: &i32) -> f64 {
        f64::from(90 - 9 * (10 - answer).abs())
    }

    fn refine(&mut self, answer: &i32) -> i32 {
        answer + 1
    }
}

#[test]
fn self_refinement_finds_the_best_answer() {
    let mut stream = Stream::new(1, 0, "test.mc_nest");
    let mut tree = McNest::start(McNestSettings::default(), &mut Counting, 3);
    for _ in 0..16 {
        tree.rollout(&mut Counting, &mut stream);
    }
    assert_eq!(tree.best().unwrap().answer, 10);
}

/// Answers that beat each other in a circle, whatever they score.
struct Circle(i32);

impl Refiner for Circle {
    type Answer = i32;

    fn evaluate(&mut self, _: &i32) -> f64 {
        50.0
    }

    fn refine(&mut self, _: &i32) -> i32 {
        self.0 += 1;
        self.0
    }

    fn compare(&mut self, a: &i32, b: &i32) -> Option<f64> {
        Some(if (a - b).rem_euclid(3) == 1 { 0.8 } else { 0.2 })
    }
}

#[test]
fn an_equilibrium_over_comparisons_favours_children_of_the_root() {
    let settings = McNestSettings {
        max_children: 3,
        prior: Prior::MatrixNash,
        ..McNestSettings::default()
    };
    let mut stream = Stream::new(1, 0, "test.mc_nest");
    let mut refiner = Circle(-1);
    let mut tree = McNest::start(settings, &mut refiner, 100);
    tree.rollout(&mut refiner, &mut stream);
    assert_eq!(tree.matrix_nash_prior(1), 1.0);
    let children = |tree: &McNest<i32>| tree.attempts()[0].children.clone();
    for _ in 0..40 {
        tree.rollout(&mut refiner, &mut stream);
    }
    // Three children in a circle are equals, and nobody else has a share.
    let first = children(&tree);
    let answers: Vec<i32> = first
        .iter()
        .map(|&child| tree.attempts()[child].answer)
        .collect();
    assert_eq!(answers, [0, 1, 2]);
    let shares: Vec<f64> = first
        .iter()
        .map(|&child| tree.matrix_nash_prior(child))
        .collect();
    assert_near(&shares, &[1.0 / 3.0; 3], 1e-9);
    let elsewhere = (0..tree.attempts().len()).filter(|index| !first.contains(index));
    assert!(
        elsewhere
            .into_iter()
            .all(|index| tree.matrix_nash_prior(index) == 0.0)
    );
    // Scores decide where nothing else does: the best child has it all, and equals share.
    let shares = |scores: [i32; 3]| {
        let mut refiner = Listed(scores.to_vec());
        let mut stream = Stream::new(1, 0, "test.mc_nest");
        let mut tree = McNest::start(settings, &mut refiner, 50);
        for _ in scores {
            tree.rollout(&mut refiner, &mut stream);
        }
        let children = children(&tree);
        assert_eq!(children.len(), 3);
        let share = |&child: &usize| tree.matrix_nash_prior(child);
        children.iter().map(share).collect::<Vec<f64>>()
    };
    assert_near(&shares([10, 30, 20]), &[0.0, 1.0, 0.0], 1e-9);
    assert_near(&shares([20, 10, 20]), &[0.5, 0.0, 0.5], 1e-9);
}

/// Answers are their scores; refinements come from a list.
struct Listed(Vec<i32>);

impl Refiner for Listed {
    type Answer = i32;

    fn evaluate(&mut self, answer: &i32) -> f64 {
        f64::from(*answer)
    }

    fn refine(&mut self, _: &i32) -> i32 {
        self.0.remove(0)
    }
}

fn bigram(table: &[Vec<f64>]) -> impl FnMut(&[usize], &mut [f64]) {
    move |so_far, out| {
        let row = so_far.last().map_or(0, |token| token + 1);
        out.copy_from_slice(&table[row]);
    }
}

#[test]
fn diverse_beams_are_those_of_the_reference() {
    let golden = golden("token_and_search");
    let golden = &golden["diverse_beam"];
    let table: Vec<Vec<f64>> = ["<s>", "a", "b", "c"]
        .iter()
        .map(|key| numbers(&golden["bigram_logp"][*key]))
        .collect();
    for case in list(golden, "cases") {
        let settings = DiverseBeamSettings {
            beams: number(&case["B"]) as usize,
            groups: number(&case["G"]) as usize,
            penalty: number(&case["lambda"]),
            length: number(&golden["T"]) as usize,
            stop: None,
        };
        let found = diverse_beam_search(3, settings, bigram(&table)).unwrap();
        for (group, expected) in found.iter().zip(list(case, "groups")) {
            let expected = expected.as_array().unwrap();
            assert_eq!(group.len(), expected.len());
            for (beam, expected) in group.iter().zip(expected) {
                let text: String = beam.tokens.iter().map(|t| ['a', 'b', 'c'][*t]).collect();
                assert_eq!(text, expected["seq"].as_str().unwrap());
                assert!((beam.log_probability - number(&expected["logp"])).abs() < 1e-12);
            }
        }
    }
}

/// Beam search by its definition.
fn plain_beam_search(table: &[Vec<f64>], width: usize, length: usize) -> Vec<Beam> {
    let mut beams = vec![(0.0, Vec::new())];
    for _ in 0..length {
        let mut grown = Vec::new();
        for (log, tokens) in &beams {
            let row = tokens.last().map_or(0, |t: &usize| t + 1);
            for (token, p) in table[row].iter().enumerate() {
                let text = [&tokens[..], &[token]].concat();
                grown.push((log + p, text));
            }
        }
        grown.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        grown.truncate(width);
        beams = grown;
    }
    beams
        .into_iter()
        .map(|(log_probability, tokens)| Beam {
            tokens,
            log_probability,
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn one_group_is_plain_beam_search(
        weights in prop::collection::vec(prop::collection::vec(0.01f64..1.0, 4), 5),
        width in 1usize..6,
    ) {
        let table: Vec<Vec<f64>> = weights
            .into_iter()
            .map(|mut row| {
                simplex::normalise(&mut row);
                simplex::logs(&row)
            })
            .collect();
        let settings = DiverseBeamSettings {
            beams: width,
            groups: 1,
            penalty: 0.7,
            length: 5,
            stop: None,
        };
        let found = diverse_beam_search(4, settings, bigram(&table)).unwrap();
        prop_assert_eq!(&found[0], &plain_beam_search(&table, width, 5));
    }
}

#[test]
fn beams_end_with_the_stop_token() {
    // After the first token it is best to stop.
    let table = vec![
        simplex::logs(&[0.6, 0.3, 0.1]),
        simplex::logs(&[0.05, 0.05, 0.9]),
        simplex::logs(&[0.05, 0.05, 0.9]),
        simplex::logs(&[0.4, 0.3, 0.3]),
    ];
    let settings = DiverseBeamSettings {
        beams: 2,
        groups: 1,
        penalty: 0.0,
        length: 10,
        stop: Some(2),
    };
    let found = diverse_beam_search(3, settings, bigram(&table)).unwrap();
    assert_eq!(found[0][0].tokens, [0, 2]);
    assert_eq!(found[0][1].tokens, [1, 2]);
    let odd = DiverseBeamSettings {
        groups: 3,
        ..settings
    };
    assert!(diverse_beam_search(3, odd, bigram(&table)).is_err());
}
