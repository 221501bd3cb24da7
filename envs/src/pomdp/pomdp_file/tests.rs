use proptest::prelude::*;

use super::*;
use crate::pomdp::{
    Pomdp, PomdpParts, Rewards,
    tests::{classics, instances},
};

fn instance(name: &str) -> Pomdp {
    let text = std::fs::read_to_string(instances().join(name)).unwrap();
    let file = read(&text).unwrap();
    assert!(file.warnings.is_empty(), "{:?}", file.warnings);
    file.model
}

/// A small file that uses all there is: comments, a BOM, wildcards, indices, overrides, rewards of outcomes.
const EVERYTHING: &str = "\u{feff}# a comment
discount : 0.9
values: cost
actions: stay go   # the order is free
states: a b
  c
observations: 2
start exclude: c
T: * : * uniform
T: stay identity
T: go : a
 0.5 0.25 0.25
T: go : 1 : * 0
T: go : b : c 1
O: * : * : 0 1
O: stay
0.5 0.5
0.2 0.8
uniform
R: * : * : * : * 1
R: go : a : c 2 3
R: go : b
 0 0
 0 0
 4 5
R: stay : 2 : c : 1 -7
";

#[test]
fn the_sample_files_hold_the_classic_problems() {
    let classics = classics();
    for (file, problem) in [
        ("tiger.pomdp", "tiger"),
        ("crying_baby.pomdp", "crying_baby"),
        ("tmaze.pomdp", "tmaze"),
        ("rocksample_4_4.pomdp", "rocksample_4_4"),
        ("tag.pomdp", "tag"),
        ("hallway.pomdp", "hallway"),
        ("hallway2.pomdp", "hallway2"),
    ] {
        let (_, model) = classics.iter().find(|(name, _)| *name == problem).unwrap();
        let read = instance(file);
        // A file says 0.15 where the definition says 1 - 0.85; the rest is equal to the last bit.
        for (a, s) in
            (0..model.num_actions()).flat_map(|a| (0..model.num_states()).map(move |s| (a, s)))
        {
            let (x, y) = (read.observation(a, s), model.observation(a, s));
            assert_eq!(x.columns, y.columns, "{file}: {a} {s}");
            let mut pairs = x.values.iter().zip(y.values);
            assert!(pairs.all(|(p, q)| (p - q).abs() < 1e-15), "{file}: {a} {s}");
        }
        let observation = model.parts().observation.clone();
        let read = Pomdp::new(PomdpParts {
            observation,
            ..read.parts().clone()
        })
        .unwrap();
        assert!(read == *model, "{file}");
    }
}

#[test]
fn what_is_written_reads_back_identically() {
    for (name, model) in classics() {
        if name == "rocksample_7_8" {
            continue; // As the smaller ones, in more seconds.
        }
        let text = write(&model);
        let again = read(&text).unwrap();
        assert!(again.model == model, "{name}");
        assert!(again.warnings.is_empty(), "{name}");
        assert_eq!(write(&again.model), text, "{name}");
    }
    let model = read(&EVERYTHING.replace("uniform\nR", "0.5 0.5\nR"))
        .unwrap()
        .model;
    assert!(matches!(model.parts().rewards, Rewards::Outcome(_)));
    assert_eq!(read(&write(&model)).unwrap().model, model);
}

#[test]
fn every_construct_means_what_the_grammar_says() {
    let model = read(&EVERYTHING.replace("uniform\nR", "0.5 0.5\nR"))
        .unwrap()
        .model;
    assert_eq!(model.discount(), 0.9);
    assert_eq!(model.start_belief(), [0.5, 0.5, 0.0]);
    assert_eq!(model.transition(0, 1).values, [0.5, 0.25, 0.25]);
    assert_eq!(model.transition(1, 1).columns, [2]);
    assert_eq!(model.transition(2, 1).values, [1.0 / 3.0; 3]);
    assert_eq!(model.transition(1, 0).columns, [1]);
    assert_eq!(model.observation(1, 0).columns, [0]);
    assert_eq!(model.observation(0, 1).values, [0.2, 0.8]);
    // Costs: go from a pays 1, but 2 (observation 0; 3 is never seen) on arriving in c.
    assert!((model.reward(0, 1) + (0.75 + 0.25 * 2.0)).abs() < 1e-15);
    assert_eq!(model.reward(1, 1), -4.0);
    assert_eq!(model.reward(2, 0), -(0.5 - 0.5 * 7.0));
    assert_eq!(model.outcome_rewards(2, 0, 0), Some(&[-1.0, 7.0][..]));
}

/// Forms that pomdp-solve or other programs write, in a file written by hand.
#[test]
fn loose_forms_mean_what_they_say() {
    let model = instance("maze_1d.pomdp");
    let third = [1.0 / 3.0; 3];
    assert_eq!(model.start_belief(), [third[0], third[1], third[2], 0.0]);
    for action in 0..2 {
        let row = model.transition(3, action);
        assert_eq!((row.columns, row.values), (&[0, 1, 2][..], &third[..]));
        let moves = [[0, 0, 3], [1, 3, 2]][action];
        for (from, to) in moves.into_iter().enumerate() {
            assert_eq!(model.transition(from, action).columns, [to]);
            assert_eq!(model.reward(from, action), f64::from(u8::from(to == 3)));
        }
    }
    let late = "discount: 0.5\nvalues: reward\nstates: a b\nactions: go\nobservations: 1\nT: go reset\nstart: b\n";
    let error = read(late).unwrap_err();
    assert_eq!((error.line, error.problem), (7, FileProblem::LateStart));
    // `reset` for a whole action, and without a start.
    let text = "discount: 0.5\nvalues: reward\nstates: a b\nactions: go\nobservations: 1\nT: go\nreset\nO: * uniform\n";
    let model = read(text).unwrap().model;
    assert_eq!(model.transition(1, 0).values, [0.5, 0.5]);
}

#[test]
fn rows_off_by_rounding_are_divided_by_their_sum_with_a_warning() {
    let text = "discount: 0\nvalues: reward\nstates: 3\nactions: 1\nobservations: 1\nstart: 0.33333 0.33333 0.33334\n\
                T: 0 : * 0.333333 0.333333 0.333333\nO: 0 uniform\n";
    let file = read(text).unwrap();
    assert_eq!(file.warnings.len(), 1, "{:?}", file.warnings);
    assert!(file.warnings[0].starts_with("3 rows of T do not sum to 1 (the worst, on line 7, by "));
    let sum: f64 = file.model.transition(1, 0).values.iter().sum();
    assert!((sum - 1.0).abs() < 1e-15);
    assert_eq!(read(&write(&file.model)).unwrap().model, file.model);
}

#[test]
fn errors_say_what_is_wrong_and_on_which_line() {
    let head = "discount: 0.9\nvalues: reward\nstates: a b\nactions: x y\nobservations: o p\n";
    let body = "T: * identity\nO: * uniform\n";
    let after = |text: &str| format!("{head}{text}{body}");
    for (text, message) in [
        (String::new(), "line 1: `discount:` is missing"),
        (
            head.replace("values: reward\n", ""),
            "line 4: `values:` is missing",
        ),
        (head.to_owned(), "line 5: `T:` is missing"),
        (format!("{head}T: * uniform\n"), "line 6: `O:` is missing"),
        (
            head.replace("observations: o p\n", body),
            "line 5: `observations:` is missing; it must come before start, T, O and R",
        ),
        (after("states: c\n"), "line 6: `states` is given twice"),
        (
            after("start: uniform\nstart: a\n"),
            "line 7: `start` is given twice",
        ),
        (after("discount 0.9\n"), "line 6: expected `:`, found `0.9`"),
        (
            head.replace("0.9", "high"),
            "line 1: expected the discount, a number, found `high`",
        ),
        (
            head.replace("0.9", "inf"),
            "line 1: expected the discount, a number, found `inf`",
        ),
        (
            head.replace("a b", "0"),
            "line 3: expected names, or a number of states in 1..=4194304, found `0`",
        ),
        (
            head.replace("a b", "a a"),
            "line 3: `a` cannot be a name: it is declared twice",
        ),
        (
            head.replace("a b", "a b!"),
            "line 3: `b!` cannot be a name: a name is made of letters, digits, `_`, `-` and `.`",
        ),
        (
            head.replace("a b", "3000000"),
            "line 4: states times actions are more than 4194304",
        ),
        (after("T: z : a : b 1\n"), "line 6: there is no action `z`"),
        (
            after("T: x : 2 : b 1\n"),
            "line 6: state 2 does not exist: there are 2, numbered from 0",
        ),
        (
            after("O: x : a : pp 1\n"),
            "line 6: there is no observation `pp`; did you mean `p`?",
        ),
        (
            after("T: x : a : b\n"),
            "line 7: expected a probability, found `T`",
        ),
        (
            after("T: x\n0.5 0.5\n0.5\n"),
            "line 9: expected number 2 of 2 of row 1 of this matrix, `uniform` or `identity`, found `T`",
        ),
        (
            after("O: x identity\n"),
            "line 6: expected number 1 of 2 of row 0 of this matrix, or `uniform`, found `identity`",
        ),
        (
            format!("{head}{body}T: x : a : b 0.5\n"),
            "line 8: T: x : a: the probabilities sum to 1.5 instead of 1",
        ),
        (
            format!("{head}{body}O: y : b -0.5 1.5\n"),
            "line 8: O: -0.5 is not a probability",
        ),
        (
            format!("{head}T: x identity\nO: * uniform\n"),
            "line 7: T: y : a: no probabilities are given",
        ),
        (
            after("start: 0.5 0.4\n"),
            "line 6: start: the probabilities sum to 0.9 instead of 1",
        ),
        (
            after("start: 0.5 0.4 0.1\n"),
            "line 6: start: 3 probabilities are given for 2 states",
        ),
        (
            after("start exclude: a b\n"),
            "line 6: start: no state is left",
        ),
        (
            after("start include a\n"),
            "line 6: expected `:`, found `a`",
        ),
        (
            after("R: x : a : b : o lots\n"),
            "line 6: expected a reward, found `lots`",
        ),
        (after("R: x\n"), "line 7: expected `:`, found `T`"),
        (
            format!("{head}{body}X: x\n"),
            "line 8: expected a section (discount, values, states, actions, observations, start, T, O, R), found `X`",
        ),
    ] {
        let error = read(&text).expect_err(message);
        assert_eq!(error.to_string(), message, "{text}");
    }
}

/// What is declared is not believed, and what a short file would make large is refused.
#[test]
fn sizes_beyond_reason_are_errors_of_their_line() {
    let small = "discount: 0.5\nvalues: reward\nactions: 1\nobservations: 1\n";
    for (text, message) in [
        (
            format!("{small}states: 1000000000\n"),
            "line 5: expected names, or a number of states in 1..=4194304, found `1000000000`",
        ),
        (
            format!("{small}states: 99999999999999999999999\n"),
            "line 5: expected names, or a number of states in 1..=4194304, found `99999999999999999999999`",
        ),
        (
            "discount: 0.5\nvalues: reward\nobservations: 3\nstates: 3000\nactions: 3000\n".into(),
            "line 5: states times actions are more than 4194304",
        ),
        (
            "discount: 0.5\nvalues: reward\nobservations: 3\nstates: 200000\nactions: 1\nT: 0 uniform\n".into(),
            "line 6: T has more than 16777216 entries",
        ),
        (
            "discount: 0.5\nvalues: reward\nobservations: 2000\nstates: 2000\nactions: 1\n\
             T: 0 uniform\nO: 0 uniform\nR: 0 : * : * : 0 1\n"
                .into(),
            "line 8: R tells of more than 16777216 outcomes apart",
        ),
    ] {
        assert_eq!(read(&text).expect_err(message).to_string(), message);
    }
    // Overriding one entry ever again is no way around the bound, nor is writing columns backwards slow.
    let head =
        "discount: 0.5\nvalues: reward\nactions: 1\nobservations: 1\nO: 0 uniform\nT: 0 identity\n";
    let mut text = head.replacen("actions", "states: 30000\nactions", 1);
    let backwards = (0..30_000).rev().map(|s| format!("T: 0 : 7 : {s} 0\n"));
    text.extend(backwards);
    text.push_str("T: 0 : 7 : 9 0.25\nT: 0 : 7 : 9 1\n");
    let model = read(&text).unwrap().model;
    assert_eq!(
        (
            model.transition(7, 0).columns,
            model.transition(7, 0).values
        ),
        (&[9][..], &[1.0][..])
    );
}

/// 20,000 states with names, three successors each: read and written in well under a second.
#[test]
fn a_large_sparse_file_is_read_and_written() {
    use std::fmt::Write;

    let n = 20_000;
    let mut text = String::from("discount: 0.95\nvalues: cost\nstates:");
    (0..n).for_each(|s| write!(text, " s{s}").unwrap());
    text.push_str(
        "\nactions: go stay\nobservations: odd even\nO: * : * uniform\nT: stay identity\n",
    );
    for s in 0..n {
        for (next, p) in [(s, 0.5), ((s + 1) % n, 0.25), ((s + 5000) % n, 0.25)] {
            writeln!(text, "T: go : s{s} : s{next} {p}").unwrap();
        }
        writeln!(text, "R: go : s{s} : * : * {}", s % 10).unwrap();
    }
    let (from, to) = (
        "T: go : s1 : s2 0.25\n",
        "T: go : s1 : s2 0.125\nT: go : s1 : s5 0.125\n",
    );
    let text = text.replace(from, to);
    let model = read(&text).unwrap().model;
    assert_eq!(model.num_states(), n);
    assert_eq!(model.transition(1, 0).columns, [1, 2, 5, 5001]);
    assert_eq!(model.reward(19, 0), -9.0);
    assert_eq!(read(&write(&model)).unwrap().model, model);
    let broken = text.replace("s17000 : s17001 0.25", "s17000 : s17001 0.2");
    let line = broken
        .lines()
        .position(|l| l == "R: go : s17000 : * : * 0")
        .unwrap();
    let error = read(&broken).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("line {line}: T: go : s17000: the probabilities sum to 0.95 instead of 1")
    );
}

/// Small valid files to damage: the sample files, and one that uses all there is.
fn valid_files() -> Vec<String> {
    let mut files = vec![EVERYTHING.replace("uniform\nR", "0.5 0.5\nR")];
    for name in ["tiger.pomdp", "crying_baby.pomdp", "tmaze.pomdp"] {
        files.push(std::fs::read_to_string(instances().join(name)).unwrap());
    }
    files
}

/// Reads `text`; what is refused has a line of the file, and what is accepted can be written and read back.
fn is_read_or_refused(text: &str) -> Result<(), TestCaseError> {
    match read(text) {
        Ok(file) => {
            let again = read(&write(&file.model));
            let again = again.map_err(|e| TestCaseError::fail(format!("{e}: {text}")))?;
            prop_assert_eq!(&again.model, &file.model, "{}", text);
            prop_assert!(again.warnings.is_empty());
        }
        Err(error) => {
            let lines = text.lines().count().max(1);
            prop_assert!(
                (1..=lines).contains(&error.line),
                "{} of {}: {}",
                error,
                lines,
                text
            );
            prop_assert!(error.to_string().len() < 1000);
        }
    }
    Ok(())
}

/// Words of the format, and some that are none.
const WORDS: [&str; 43] = [
    "reset",
    "discount",
    "values",
    "reward",
    "cost",
    "states",
    "actions",
    "observations",
    "start",
    "include",
    "exclude",
    "T",
    "O",
    "R",
    ":",
    ":",
    ":",
    "*",
    "*",
    "uniform",
    "identity",
    "0",
    "1",
    "0.5",
    "2",
    "3",
    "1e-6",
    "-1",
    "1e400",
    "nan",
    "inf",
    "4194305",
    "99999999999999999999",
    "a",
    "b",
    "stay",
    "tiger-left",
    "\n",
    "\n",
    "#",
    "\u{feff}",
    "é",
    "listen",
];

#[test]
fn errors_point_at_the_word() {
    let head = "\u{feff}discount: 0.9\nvalues: reward\nstates: a b\nactions: x\nobservations: o\n";
    for (text, column, word) in [
        ("T: x : a : c 1\n", 12, "c"),
        ("T: x : α : b 1\n", 8, "α"),
        ("T: x : a : b lots\n", 14, "lots"),
        ("T: * identity\n  O: * : a : o 0.5\n", 3, "O"),
        ("T: * identity\nO: *\n1\n0.7\n", 1, "0"),
    ] {
        let text = format!("{head}{text}");
        let error = read(&text).unwrap_err();
        assert_eq!(error.column, column, "{text}: {error}");
        assert_eq!(&text[error.span.clone()], word, "{text}: {error}");
    }
    let error = read("discount: 1.5 ").unwrap_err();
    assert_eq!((error.line, error.column, error.span), (1, 11, 10..13));
    let error = read("discount: 0.5\n\n").unwrap_err();
    assert_eq!((error.line, error.column, error.span), (1, 14, 13..13));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        is_read_or_refused(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn no_order_of_words_makes_the_reader_panic(words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..60)) {
        is_read_or_refused(&words.join(" "))?;
    }

    /// Words after a sound preamble get further.
    #[test]
    fn no_words_after_a_preamble_make_the_reader_panic(
        words in prop::collection::vec(prop::sample::select(&WORDS[10..]), 0..60)
    ) {
        let head = "discount: 0.5\nvalues: cost\nstates: a b\nactions: stay\nobservations: 2\nT: * uniform\nO: * uniform\n";
        is_read_or_refused(&format!("{head}{}", words.join(" ")))?;
    }

    #[test]
    fn what_a_damaged_file_still_says_can_be_written_and_read(
        file in 0usize..4, at in 0usize..4000, length in 0usize..8, put in "[ 0-9a-zTOR:*.#\n-]{0,6}", double in any::<bool>()
    ) {
        let mut text = valid_files().swap_remove(file);
        let mut from = at % (text.len() + 1);
        while !text.is_char_boundary(from) { from -= 1; }
        let mut to = (from + length).min(text.len());
        while !text.is_char_boundary(to) { to -= 1; }
        text.replace_range(from..to.max(from), &put);
        if double { text = format!("{text}{text}"); }
        is_read_or_refused(&text)?;
    }

    /// Whole words and lines are taken out, doubled, swapped and replaced.
    #[test]
    fn files_with_other_words_are_read_or_refused(
        file in 0usize..4,
        edits in prop::collection::vec((0u8..5, 0usize..10_000, 0usize..10_000, prop::sample::select(&WORDS[..])), 1..6)
    ) {
        let text = valid_files().swap_remove(file);
        let mut lines: Vec<Vec<String>> = text
            .lines()
            .map(|line| line.split_whitespace().map(str::to_owned).collect())
            .collect();
        for (kind, at, other, word) in edits {
            let (i, j) = (at % lines.len(), other % lines.len());
            // Of an empty line, its beginning.
            let place = other % lines[i].len().max(1);
            match kind {
                0 if !lines[i].is_empty() => drop(lines[i].remove(place)),
                1 => lines[i].insert(place, word.to_owned()),
                2 if !lines[i].is_empty() => word.clone_into(&mut lines[i][place]),
                3 => lines.swap(i, j),
                _ => { let again = lines[i].clone(); lines.insert(j, again); }
            }
        }
        let text: Vec<String> = lines.iter().map(|line| line.join(" ")).collect();
        is_read_or_refused(&text.join("\n"))?;
    }
}
