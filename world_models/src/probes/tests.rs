use std::collections::BTreeMap;

use serde_json::json;

use super::*;

fn tokens(example: &Example) -> &[usize] {
    match &example.inputs {
        Inputs::Tokens(tokens) => tokens,
        Inputs::Numbers(_) => panic!("numbers"),
    }
}

/// The share of questions that `oracle` answers rightly from the inputs until each: `(inputs so far)` to a class.
fn accuracy(task: &Task, size: usize, oracle: impl Fn(&[usize]) -> usize) -> f64 {
    let (mut right, mut asked) = (0, 0);
    for index in 0..200 {
        let example = example(task.probe(), 3, Part::Test, size, index);
        let inputs = tokens(&example);
        assert_eq!(inputs.len(), example.targets.len());
        let border = task.probe().border();
        assert!(inputs.iter().all(|token| *token < border.tokens.unwrap()));
        for (step, target) in example.targets.iter().enumerate() {
            if let Target::Class { drawn, accepted } = target {
                assert!(accepted >> drawn & 1 == 1 && accepted >> border.classes.unwrap() == 0);
                right += u64::from(accepted >> oracle(&inputs[..=step]) & 1 == 1);
                asked += 1;
            }
        }
    }
    assert!(asked >= 200);
    right as f64 / asked as f64
}

#[test]
fn selective_copy_is_solved_by_counting_markers() {
    let task = Task::SelectiveCopy(SelectiveCopy::default());
    let oracle = |seen: &[usize]| {
        let asked = seen.iter().filter(|token| **token == 9).count();
        let mut items = seen.iter().filter(|token| **token < 8);
        *items.nth(asked - 1).unwrap()
    };
    for size in [8, 48, 128] {
        assert_eq!(accuracy(&task, size, oracle), 1.0, "{size}");
    }
    // Where the tokens stand is not known: that of a fixed place is right by chance only.
    assert!(accuracy(&task, 48, |seen| seen[0] % 8) < 0.3);
}

#[test]
fn associative_recall_is_solved_by_looking_up() {
    let task = Task::AssociativeRecall(AssociativeRecall::default());
    let oracle = |seen: &[usize]| {
        let (asked, before) = seen.split_last().unwrap();
        let place = before.iter().position(|token| token == asked).unwrap();
        before[place + 1] - 32
    };
    for size in [1, 16, 32] {
        assert_eq!(accuracy(&task, size, oracle), 1.0, "{size}");
    }
}

#[test]
fn induction_is_solved_by_looking_back() {
    let task = Task::Induction(Induction::default());
    let oracle = |seen: &[usize]| {
        let place = seen.iter().position(|token| *token == 16).unwrap();
        assert!(
            place + 2 < seen.len(),
            "what is asked follows the first trigger"
        );
        seen[place + 1]
    };
    for size in [3, 64, 512] {
        assert_eq!(accuracy(&task, size, oracle), 1.0, "{size}");
    }
}

/// Whoever knows what may follow each state is always right; bigrams of the string so far are better than chance; and the
/// symbols of one example say nothing about the next.
#[test]
fn regular_languages_can_only_be_inferred_from_the_strings() {
    let language = RegularLanguages::default();
    let task = Task::RegularLanguages(language.clone());
    // What has followed the same string before, else anything seen; the string from its separator on decides the state.
    let oracle = |seen: &[usize]| {
        let start = seen.iter().rposition(|token| *token == 8).unwrap();
        let string = &seen[start..];
        let mut followed: BTreeMap<usize, usize> = BTreeMap::new();
        for place in 0..start {
            let same = seen[place..].starts_with(string);
            if let Some(next) = seen
                .get(place + string.len())
                .filter(|next| same && **next < 8)
            {
                *followed.entry(*next).or_default() += 1;
            }
        }
        let most = followed.into_iter().max_by_key(|(_, count)| *count);
        most.map_or(seen.last().unwrap() % 8, |(symbol, _)| symbol)
    };
    let found = accuracy(&task, 192, oracle);
    assert!(found > 0.6 && found < 1.0, "{found}");
    assert!((accuracy(&task, 192, |_| 3) - language.chance()).abs() < 0.05);
    // Every string is one of the automaton: what was allowed was drawn, and every step after a separator starts anew.
    for index in 0..50 {
        let example = example(&language, 1, Part::Train, 96, index);
        let seen = tokens(&example);
        assert_eq!(seen[0], 8);
        let mut first: Option<u64> = None;
        for (step, target) in example.targets.iter().enumerate() {
            let Target::Class { drawn, accepted } = target else {
                assert!(seen.get(step + 1).is_none_or(|next| *next == 8));
                continue;
            };
            if let Some(next) = seen.get(step + 1) {
                assert_eq!(next, drawn);
            }
            if seen[step] == 8 {
                assert_eq!(*first.get_or_insert(*accepted), *accepted);
            }
        }
    }
}

#[test]
fn digits_are_all_there_and_none_twice() {
    assert_eq!(Digits::count(Part::Train), 1438);
    assert_eq!(Digits::count(Part::Test), 359);
    let mut of_each = [0; 10];
    for index in 0..359 {
        let example = example(&Digits {}, 0, Part::Test, 64, index);
        let Inputs::Numbers(pixels) = &example.inputs else {
            panic!("tokens");
        };
        assert_eq!(pixels.len(), 64);
        assert!(pixels.iter().all(|ink| (0.0..=1.0).contains(ink)));
        let Target::Class { drawn, .. } = example.targets[63] else {
            panic!("unasked");
        };
        assert!(example.targets[..63].iter().all(|t| *t == Target::Unasked));
        of_each[drawn] += 1;
    }
    assert!(
        of_each.iter().all(|count| (15..60).contains(count)),
        "{of_each:?}"
    );
}

/// The expectation has the least error: what is drawn lies around it with the variance of the noise; forecasts further
/// ahead are those of the recursion.
#[test]
fn an_autoregressive_process_is_forecast_by_its_coefficients() {
    let process = Autoregression::default();
    assert!(process.problems().is_empty());
    let (mut error, mut power, mut count) = (0.0, 0.0, 0);
    for index in 0..200 {
        let example = example(&process, 5, Part::Test, 1, index);
        let Inputs::Numbers(x) = &example.inputs else {
            panic!("tokens");
        };
        for (step, target) in example.targets.iter().enumerate().skip(4) {
            let Target::Number { drawn, expected } = target else {
                panic!("unasked");
            };
            let phi = &process.coefficients;
            let by_hand: f64 = (0..4).map(|i| phi[i] * f64::from(x[step - i])).sum();
            assert!((by_hand - f64::from(*expected)).abs() < 1e-5);
            error += f64::from(drawn - expected).powi(2);
            power += f64::from(*drawn).powi(2);
            count += 1;
        }
    }
    let (error, power) = (error / f64::from(count), power / f64::from(count));
    assert!((error - 0.09).abs() < 0.005, "{error}");
    assert!(power > 5.0 * error, "{power}");
    let ahead = example(&process, 5, Part::Test, 3, 0);
    let Inputs::Numbers(x) = &ahead.inputs else {
        panic!("tokens");
    };
    assert_eq!(ahead.withheld, 2);
    let mut known: Vec<f32> = x[..62].to_vec();
    for _ in 0..3 {
        known.push(process.forecast(&known, 1));
    }
    assert!(ahead.targets[..63].iter().all(|t| *t == Target::Unasked));
    let Target::Number { expected, .. } = ahead.targets[63] else {
        panic!("unasked");
    };
    assert!((expected - known[64]).abs() < 1e-5);
    let unstable = Autoregression {
        coefficients: vec![0.5, 0.6],
        ..process
    };
    assert_eq!(unstable.problems()[0].0, "coefficients");
}

/// Examples depend on seed, part and index alone.
#[test]
fn examples_are_functions_of_seed_and_index() {
    let task = AssociativeRecall::default();
    let of = |seed, part, index| example(&task, seed, part, 8, index);
    assert_eq!(of(1, Part::Train, 7), of(1, Part::Train, 7));
    assert_ne!(of(1, Part::Train, 7), of(1, Part::Train, 8));
    assert_ne!(of(1, Part::Train, 7), of(2, Part::Train, 7));
    assert_ne!(of(1, Part::Train, 7), of(1, Part::Test, 7));
}

fn config(task: serde_json::Value, cores: serde_json::Value) -> ProbeConfig {
    let config = json!({
        "name": "test", "steps": 80, "batch": 16, "lr": 0.01, "measurements": 4, "test_rows": 64,
        "task": task, "cores": cores, "model": {"width": 16, "layers": 1},
    });
    serde_json::from_value(config).unwrap()
}

/// A few seconds of training beat chance by far, whatever the number of threads, to the last bit.
#[test]
fn cores_learn_and_threads_do_not_matter() {
    let task =
        json!({"kind": "selective_copy", "items": 1, "alphabet": 4, "train": [8], "test": [8, 16]});
    let config = config(
        task,
        json!([{"core": "mamba"}, {"core": "gru", "lr": 0.02}]),
    );
    assert!(config.problems().is_empty());
    let one = run(&config, 1, || {}).unwrap();
    let two = run(&config, 2, || {}).unwrap();
    assert_eq!(one, two);
    for core in &one.cores {
        let seed = &core.seeds[0];
        assert_eq!(seed.curve.len(), 4);
        assert_eq!(seed.curve[3].step, 80);
        assert!(
            seed.curve[3].loss < 0.7 * seed.curve[0].loss,
            "{}",
            core.label
        );
        assert!(
            seed.sizes[0].score > 0.6,
            "{}: {:?}",
            core.label,
            seed.sizes
        );
    }
}

/// SpaceTime learns to forecast two steps from a process of order 2, and its coefficients.
#[test]
fn coefficients_are_recovered() {
    let task = json!({
        "kind": "autoregression", "coefficients": [1.2, -0.6], "noise": 0.3, "steps": 24, "test": [1, 2],
    });
    let mut config = config(task, json!([{"core": "spacetime", "args": {"state": 4}}]));
    config.model.norm = false;
    config.steps = 200;
    let report = run(&config, 1, || {}).unwrap();
    assert_eq!(report.score, "error");
    let seed = &report.cores[0].seeds[0];
    assert!(
        seed.sizes.iter().all(|at| at.score < 0.05),
        "{:?}",
        seed.sizes
    );
    let found = &seed.coefficients.as_ref().unwrap().of_model;
    assert!(
        (found[0] - 1.2).abs() < 0.15 && (found[1] + 0.6).abs() < 0.15,
        "{found:?}"
    );
}

#[test]
fn what_cannot_be_trained_is_named() {
    let task = json!({"kind": "associative_recall", "keys": 8, "train": [4], "test": [9]});
    let mut wrong = config(
        task,
        json!([{"core": "gru"}, {"core": "gru"}, {"core": "grue"}]),
    );
    wrong.batch = 0;
    let problems = wrong.problems();
    let keys: Vec<&str> = problems.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys,
        ["batch", "cores.1.label", "cores.2.core", "task.test"]
    );
    assert!(problems[2].1.contains("did you mean `gru`"));
    let refused = json!([{"core": "s5", "args": {"state": 3}}]);
    let task = json!({"kind": "digits"});
    let error = run(&config(task, refused), 1, || {}).unwrap_err();
    assert!(error.to_string().contains("state"), "{error}");
}
