//! Reading files: what is accepted, what is refused and where, and that nothing makes it panic.

use proptest::prelude::*;

use super::{ConfigError, Document, config_hash};
use crate::Registries;

const QUICKSTART: &str = include_str!("../../configs/quickstart.toml");

fn error_of(text: &str) -> ConfigError {
    let document = Document::parse("test.toml", text);
    let trials = document.and_then(|document| document.trials(&Registries::default()));
    trials.expect_err("the file is wrong")
}

/// The text that the first problem points at.
fn pointed_at(error: &ConfigError) -> &str {
    let span = error.problems[0]
        .span
        .clone()
        .expect("the problem has a place");
    &error.source_text[span]
}

#[test]
fn the_resolved_file_is_the_same_experiment() {
    let document = Document::parse("test.toml", QUICKSTART).unwrap();
    let again = Document::parse("resolved.toml", &document.resolved().unwrap()).unwrap();
    assert_eq!(document.config().unwrap(), again.config().unwrap());
}

#[test]
fn a_problem_points_at_its_key_or_value() {
    let unknown = error_of(&QUICKSTART.replace("total_env_steps", "total_steps"));
    assert_eq!(pointed_at(&unknown), "total_steps");
    assert!(
        unknown.problems[0]
            .help
            .as_ref()
            .unwrap()
            .contains("`total_env_steps`")
    );
    let rows = error_of(&QUICKSTART.replace("[env]", "[env]\nnum_envs = 1_000_000_000"));
    assert_eq!(
        (pointed_at(&rows), rows.problems.len()),
        ("1_000_000_000", 1)
    );
    let duplicate = error_of(&QUICKSTART.replace("7, 8, 9]", "7, 8, 3]"));
    assert_eq!(pointed_at(&duplicate), "3");
    let argument = error_of(&QUICKSTART.replace("epsilon = 0.1", "epsilo = 0.1"));
    assert_eq!(argument.problems[0].path, "agents.2.args.epsilo");
    assert_eq!(pointed_at(&argument), "epsilo");
}

/// The files that are shown for learning in context: all of their agents can be built.
#[test]
fn files_of_learning_in_context_are_right() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/configs/in_context");
    let mut read = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let document = Document::parse("test.toml", &text).unwrap();
        let trials = document.trials(&Registries::default());
        assert!(!trials.unwrap().is_empty());
        read += 1;
    }
    assert!(read > 0);
}

#[test]
fn arguments_of_learning_in_context_are_pointed_at() {
    const FILE: &str = include_str!("../../configs/in_context/repeat_first_easy.toml");
    for (right, wrong, path, place) in [
        ("state = 32", "sate = 32", "core_args.sate", "sate"),
        ("state = 32", "state = 7", "core_args.state", "7"),
        ("lr = 1e-3", "lr = nan", "lr", "nan"),
        ("rollout = 102", "rollout = 15_626", "rollout", "15_626"),
    ] {
        let error = error_of(&FILE.replace(right, wrong));
        assert_eq!(error.problems[0].path, format!("agents.0.args.{path}"));
        assert_eq!(pointed_at(&error), place);
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let text = QUICKSTART
        .replace("schema = 1", "schema = 2")
        .replace("\"ucb1\"", "\"ucb\"");
    assert_eq!(error_of(&text).problems.len(), 2);
}

#[test]
fn overrides_reach_into_tables_and_lists() {
    let mut document = Document::parse("test.toml", QUICKSTART).unwrap();
    document.set("agents.2.args.epsilon=0.5").unwrap();
    document.set("env.num_envs = 7").unwrap();
    let config = document.config().unwrap();
    assert_eq!(config.agents[2].args["epsilon"], 0.5);
    assert_eq!(config.env.num_envs, 7);
    assert!(document.set("agents.9.args.epsilon=0.5").is_err());
    assert!(document.set("no equals sign").is_err());
}

#[test]
fn a_sweep_is_a_grid_of_points() {
    let sweep = "\n[sweep]\nmethod = \"grid\"\n\"agents.2.args.epsilon\" = [0.1, 0.2]\n\"env.num_envs\" = [1, 2, 3]\n";
    let document = Document::parse("test.toml", &format!("{QUICKSTART}{sweep}")).unwrap();
    let points = document.points().unwrap();
    assert_eq!(points.len(), 6);
    assert_eq!(points[4].0, "epsilon=0.2 num_envs=2");
    assert_eq!(points[4].1.agents[2].args["epsilon"], 0.2);
    let trials = document.trials(&Registries::default()).unwrap();
    assert_eq!(trials.len(), 6 * 6 * 10);
    // A grid is what there is; a key with dots can be set in quotes.
    let text = format!("{QUICKSTART}{}", sweep.replace("method = \"grid\"\n", ""));
    let mut document = Document::parse("test.toml", &text).unwrap();
    let set = document.set("sweep.\"env.num_envs\"=[4, 5]");
    set.unwrap();
    assert_eq!(document.points().unwrap().len(), 4);
    let wrong = error_of(&text.replace("agents.2.args.epsilon", "agents.2.args.epsilom"));
    assert_eq!(pointed_at(&wrong), "\"agents.2.args.epsilom\"");
}

#[test]
fn several_sweeps_are_run_one_after_the_other() {
    let sweeps = "\n[[sweep]]\n\"agents.2.args.epsilon\" = [0.1, 0.2]\n[[sweep]]\n\"env.num_envs\" = [1, 2, 3]\n\"env.shards\" = [1]\n";
    let text = format!("{QUICKSTART}{sweeps}");
    let document = Document::parse("test.toml", &text).unwrap();
    let points = document.points().unwrap();
    assert_eq!(points.len(), 5);
    assert_eq!(points[1].0, "epsilon=0.2");
    assert_eq!(points[4].0, "num_envs=3 shards=1");
    assert_eq!(points[4].1.env.num_envs, 3);
    // What was resolved says the same, and what is wrong is found in its grid.
    let again = Document::parse("resolved.toml", &document.resolved().unwrap()).unwrap();
    assert_eq!(
        again.points().unwrap(),
        points
            .iter()
            .map(|(label, config)| { (label.clone(), config.clone()) })
            .collect::<Vec<_>>()
    );
    let wrong = error_of(&text.replace("agents.2.args.epsilon", "agents.2.args.epsilom"));
    assert_eq!(pointed_at(&wrong), "\"agents.2.args.epsilom\"");
    let wrong = error_of(&text.replace("[0.1, 0.2]", "0.1"));
    assert_eq!(wrong.problems[0].message, "expected a list of values");
}

#[test]
fn the_documented_files_are_right_and_show_every_key() {
    let page = include_str!("../../../docs/experiment-files.md");
    let files = page.split("```toml\n").skip(1);
    let files = files.map(|rest| rest.split("```").next().unwrap_or_default());
    let files: Vec<&str> = files.collect();
    assert_eq!(files.len(), 3);
    for (text, trials) in files.into_iter().zip([6 * 2 * 5, 2, 4]) {
        let document = Document::parse("documented.toml", text).unwrap();
        let planned = document.trials(&Registries::default()).unwrap();
        assert_eq!(planned.len(), trials);
    }
    let schema = serde_json::to_value(schemars::schema_for!(super::Config)).unwrap();
    for section in [
        "Experiment",
        "Env",
        "Agent",
        "Train",
        "Eval",
        "Log",
        "Tournament",
    ] {
        let keys = &schema["$defs"][format!("{section}Config")]["properties"];
        for key in keys.as_object().unwrap().keys() {
            assert!(page.contains(key.as_str()), "{section}: {key}");
        }
    }
}

#[test]
fn the_hash_ignores_seeds_and_names_but_nothing_that_matters() {
    let hash = |text: &str| {
        config_hash([&Document::parse("test.toml", text)
            .unwrap()
            .config()
            .unwrap()])
    };
    let same = QUICKSTART
        .replace("7, 8, 9]", "7, 8]")
        .replace("\"quickstart\"", "\"other\"");
    assert_eq!(hash(QUICKSTART), hash(&same));
    assert_ne!(
        hash(QUICKSTART),
        hash(&QUICKSTART.replace("epsilon = 0.1", "epsilon = 0.2"))
    );
}

proptest! {
    /// Any text, and the quickstart with a piece replaced by any text: an error with a place, or points.
    #[test]
    fn no_text_makes_reading_panic(noise in "\\PC{0,40}", from in 0..QUICKSTART.len(), length in 0usize..60) {
        let _ = Document::parse("test.toml", &noise);
        let start = (0..=from).rev().find(|&i| QUICKSTART.is_char_boundary(i)).unwrap_or(0);
        let end = (from + length).min(QUICKSTART.len());
        let end = (end..=QUICKSTART.len()).find(|&i| QUICKSTART.is_char_boundary(i)).unwrap_or(end);
        let text = format!("{}{noise}{}", &QUICKSTART[..start], &QUICKSTART[end..]);
        let outcome = Document::parse("test.toml", &text).and_then(|mut document| {
            let _ = document.set(&noise);
            document.points()
        });
        if let Err(error) = outcome {
            prop_assert!(!error.problems.is_empty());
            for problem in &error.problems {
                if let Some(span) = &problem.span {
                    prop_assert!(error.source_text.get(span.clone()).is_some(), "{span:?}");
                }
            }
        }
    }
}
