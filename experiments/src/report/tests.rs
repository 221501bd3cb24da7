//! Reports on small real runs.

mod bandits;
mod languages;
mod markets;
mod pomdps;

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;
use crate::{
    config::{Document, config_hash},
    files,
    run::{Manifest, RunFolder, Watch, run_all},
};

/// Runs an experiment in `folder`.
fn run(folder: &Path, text: &str) -> PathBuf {
    let registries = Registries::default();
    let document = Document::parse("test.toml", text).unwrap();
    let trials = document.trials(&registries).unwrap();
    let config = document.config().unwrap();
    let name = &config.experiment.name;
    let manifest = Manifest::new(name, config_hash([&config]), &trials, 2);
    let resolved = document.resolved().unwrap();
    let path = folder.join(name);
    let mut run = RunFolder::create(&path, false, manifest, text, &resolved).unwrap();
    let outcome = run_all(&mut run, &trials, &registries, 2, &Watch::default()).unwrap();
    assert_eq!(outcome.results.len(), trials.len());
    path
}

fn bandit(name: &str, seeds: &str, agents: &[&str]) -> String {
    let agents: Vec<String> = agents
        .iter()
        .map(|id| format!("[[agents]]\nid = \"{id}\"\n"))
        .collect();
    format!(
        r#"
        schema = 1
        experiment = {{ name = "{name}", seeds = {seeds}, total_env_steps = 240 }}
        env = {{ id = "lsd_bandit-v1", num_envs = 2, args = {{ preset = "spike5", horizon = 120 }} }}
        {}
        "#,
        agents.concat()
    )
}

const CARTPOLE: &str = r#"
    schema = 1
    experiment = { name = "poles", description = "Falling <poles> & more", seeds = [3, 4], total_env_steps = 4000 }
    env = { id = "cartpole-v1", num_envs = 4 }
    agents = [{ id = "random", name = "<script>alert(1)</script>" }, { id = "random", name = "b" }]
    eval = { episodes = 4, every_env_steps = 1000 }
"#;

fn read(paths: &[PathBuf]) -> Result<Report, ReportError> {
    report(&Registries::default(), paths, Options::default())
}

fn read_one(path: &Path) -> Report {
    read(&[path.to_owned()]).unwrap()
}

fn html(folder: &Path) -> String {
    String::from_utf8(files::read(&folder.join("report.html")).unwrap()).unwrap()
}

fn json(folder: &Path) -> Value {
    serde_json::from_slice(&files::read(&folder.join("report.json")).unwrap()).unwrap()
}

/// Every path in a JSON document with the type of what is there; lists are taken together.
fn structure(value: &Value, path: &str, lines: &mut Vec<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(items) => {
            for item in items {
                structure(item, &format!("{path}[]"), lines);
            }
            return;
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                structure(value, &format!("{path}.{name}"), lines);
            }
            return;
        }
    };
    lines.push(format!("{path}: {kind}"));
}

#[test]
fn the_document_has_its_structure() {
    let folder = tempfile::tempdir().unwrap();
    let path = run(
        folder.path(),
        &bandit("tiny", "[0, 1, 2]", &["ucb1", "uniform"]),
    );
    write(&read_one(&path), &path).unwrap();
    let mut lines = Vec::new();
    structure(&json(&path), "", &mut lines);
    // What a machine may or may not tell.
    lines.retain(|line| {
        !line.starts_with(".runs[].commit") && !line.starts_with(".runs[].processor")
    });
    lines.retain(|line| !line.starts_with(".runs[].config."));
    lines.sort();
    lines.dedup();
    let found = lines.join("\n");
    let expected = include_str!("tests/structure.txt");
    assert_eq!(found.trim(), expected.trim(), "\n{found}\n");
}

#[test]
fn the_page_has_all_sections_and_needs_nothing_from_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = run(
        folder.path(),
        &bandit("tiny", "[0, 1, 2]", &["ucb1", "uniform"]),
    );
    let made = read_one(&path);
    write(&made, &path).unwrap();
    let page = html(&path);
    for id in [
        "scores",
        "comparison",
        "instance",
        "regret",
        "curves",
        "schedules",
        "arms",
        "run",
        "method",
    ] {
        assert!(page.contains(&format!("<section id=\"{id}\">")), "{id}");
        assert!(page.contains(&format!("href=\"#{id}\"")), "{id}");
    }
    for foreign in [
        "http:", "https:", "//", "<script", "src=", "@import", "url(", "<link",
    ] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    for wrong in ["NaN", "inf<", "undefined"] {
        assert!(!page.contains(wrong), "{wrong}");
    }
    assert_eq!(page.matches("<svg").count(), made.plots.len());
    for name in &made.plots {
        let file = |extension| path.join("plots").join(format!("{name}.{extension}"));
        assert!(files::read(&file("svg")).unwrap().starts_with(b"<svg"));
        assert!(files::read(&file("png")).unwrap().starts_with(b"\x89PNG"));
    }
    assert!(
        page.contains("OPT = 0.506667 per round"),
        "the notion of regret names its rate"
    );
    assert!(page.contains("AISTATS 2022"), "and its source");
}

#[test]
fn the_same_runs_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = run(
        folder.path(),
        &bandit("tiny", "[0, 1, 2]", &["ucb1", "uniform"]),
    );
    let places = ["a", "b"].map(|name| folder.path().join(name));
    for place in &places {
        write(&read_one(&path), place).unwrap();
    }
    for file in [
        "report.html",
        "report.json",
        "plots/regret.svg",
        "plots/regret.png",
    ] {
        let [a, b] = places
            .each_ref()
            .map(|place| files::read(&place.join(file)).unwrap());
        assert!(a == b, "{file}");
    }
}

#[test]
fn numbers_are_those_of_the_trials() {
    let folder = tempfile::tempdir().unwrap();
    let path = run(
        folder.path(),
        &bandit("tiny", "[0, 1, 2]", &["ucb1", "uniform"]),
    );
    let results = RunFolder::open(&path).unwrap().results().unwrap();
    let report = read(&[path]).unwrap();
    let names: Vec<&str> = report
        .agents
        .iter()
        .map(|agent| agent.name.as_str())
        .collect();
    assert_eq!(names, ["ucb1", "uniform"]);
    let ucb1 = &report.agents[0];
    assert_eq!(ucb1.seeds, [0, 1, 2]);
    let scores: Vec<Option<f64>> = results[..3]
        .iter()
        .map(|r| Some(r.players[0].score))
        .collect();
    assert_eq!(ucb1.scores, scores);

    // 120 rounds in each of two rows; the totals are means over rows.
    let Some(RegretReport::Known(regret)) = &report.regret else {
        panic!("the rate of spike5 is known");
    };
    let rate = 4.56 / 9.0;
    let rows = &regret.drawn_notion().unwrap().rows;
    for (value, result) in rows[0].values.iter().zip(&results) {
        let (name, earned) = &result.info[0];
        assert_eq!(name, "expected_payoff");
        assert!((value - (120.0 * rate - earned)).abs() < 1e-9);
    }
    assert_eq!(rows[0].rounds, 120.0);
    assert_eq!(regret.series[0].x.last(), Some(&120.0));

    let Some(ArmsReport::Counted(arms)) = &report.arms else {
        panic!("small runs log their episodes");
    };
    for agent in &arms.agents {
        // 3 trials of 240 rounds, one arm in each.
        assert_eq!((agent.trials, agent.rounds), (3, 720));
        let pulls: f64 = agent.pulls.iter().map(|pulls| pulls.mean).sum();
        assert!((pulls - 240.0).abs() < 1e-9);
        for (visits, plays) in agent.visits.iter().zip(&agent.plays) {
            assert_eq!(visits.iter().sum::<u64>(), 720);
            assert!(
                visits
                    .iter()
                    .zip(plays)
                    .all(|(visits, plays)| plays <= visits)
            );
        }
        assert_eq!(agent.plays.iter().flatten().sum::<u64>(), 720);
    }

    let improvement = report.improvement.as_ref().unwrap();
    let [forth, back] = [(0, 1), (1, 0)].map(|(x, y)| improvement.probability[x][y].unwrap());
    assert!((forth.estimate + back.estimate - 1.0).abs() < 1e-12);
    assert_eq!(improvement.probability[0][0], None);
}

#[test]
fn a_metric_has_one_point_a_step() {
    let folder = tempfile::tempdir().unwrap();
    let path = run(folder.path(), &bandit("tiny", "[0]", &["uniform"]));
    let loaded = Loaded::read(&[path]).unwrap();
    for (key, points) in &loaded.line_ups[0].trials[0].metrics {
        assert!(
            points.windows(2).all(|pair| pair[0].0 < pair[1].0),
            "{key}: {points:?}"
        );
    }
}

#[test]
fn a_damaged_episode_log_is_noted_and_the_rest_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = run(folder.path(), &bandit("tiny", "[0, 1]", &["uniform"]));
    let segment = path.join("trials/uniform-seed0/episodes/train-000000.parquet");
    let mut bytes = files::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let report = read(&[path]).unwrap();
    assert!(
        report.notes[0].contains("trial `uniform-seed0` is damaged"),
        "{:?}",
        report.notes
    );
    let Some(ArmsReport::Counted(arms)) = &report.arms else {
        panic!("seed 1 is intact");
    };
    assert_eq!((arms.agents[0].trials, arms.agents[0].rounds), (1, 240));
    assert!(
        arms.basis.contains("50.0 % of all training rounds"),
        "{}",
        arms.basis
    );
}

#[test]
fn one_agent_with_one_seed_has_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = run(folder.path(), &bandit("one", "[7]", &["uniform"]));
    let made = read_one(&path);
    write(&made, &path).unwrap();
    assert_eq!(made.improvement, None);
    let agent = &made.agents[0];
    assert_eq!(agent.score.unwrap().standard_error, None);
    assert_eq!(agent.iqm.unwrap().low, agent.iqm.unwrap().high);
    let page = html(&path);
    assert!(!page.contains("NaN") && !page.contains("Who beats whom"));
    assert!(!made.plots.iter().any(|plot| plot == "improvement"));
}

#[test]
fn episodic_tasks_show_returns_and_names_are_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let path = run(folder.path(), CARTPOLE);
    let made = read_one(&path);
    write(&made, &path).unwrap();
    let plots: Vec<&str> = made.curves.iter().map(|plot| plot.plot.as_str()).collect();
    assert_eq!(
        plots,
        ["curve-eval-episodic-return", "curve-charts-episodic-return"]
    );
    assert_eq!((made.regret, made.arms), (None, None));
    assert!(made.score.contains("evaluation episodes"), "{}", made.score);
    let page = html(&path);
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(1)"));
    assert!(page.contains("Falling &lt;poles&gt; &amp; more"));
}

#[test]
fn missing_trials_are_counted_and_their_agents_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = run(
        folder.path(),
        &bandit("tiny", "[0, 1]", &["ucb1", "uniform"]),
    );
    let result = |name: &str| path.join("trials").join(name).join("trial.json");
    std::fs::remove_file(result("uniform-seed1")).unwrap();
    let report = read_one(&path);
    assert!(
        report.notes[0].starts_with("1 of 4 trials of `tiny` are missing"),
        "{:?}",
        report.notes
    );
    assert_eq!(report.runs[0].missing, ["uniform-seed1"]);
    assert_eq!(report.agents[1].seeds, [0]);
    for name in ["uniform-seed0", "ucb1-seed0", "ucb1-seed1"] {
        std::fs::remove_file(result(name)).unwrap();
    }
    let error = read(&[path]).unwrap_err();
    assert!(matches!(error, ReportError::NoCompleteTrial { .. }));
    assert!(error.to_string().contains("palaestra resume"), "{error}");
}

#[test]
fn several_runs_stand_side_by_side_if_they_may() {
    let folder = tempfile::tempdir().unwrap();
    let a = run(folder.path(), &bandit("a", "[0, 1]", &["ucb1", "uniform"]));
    let b = run(folder.path(), &bandit("b", "[0, 1]", &["uniform"]));
    let report = read(&[a.clone(), b]).unwrap();
    let names: Vec<&str> = report
        .agents
        .iter()
        .map(|agent| agent.name.as_str())
        .collect();
    assert_eq!(names, ["a/ucb1", "a/uniform", "b/uniform"]);
    assert_eq!(report.agents[1].scores, report.agents[2].scores);
    let improvement = report.improvement.unwrap();
    assert_eq!(improvement.probability[1][2].unwrap().estimate, 0.5);
    // Twice the same run: its name would be ambiguous.
    let twice = read(&[a.clone(), a.clone()]).unwrap();
    assert_eq!(twice.agents[3].name, "a #2/uniform");

    let poles = run(folder.path(), CARTPOLE);
    let error = read(&[a, poles.clone()]).unwrap_err();
    assert!(
        matches!(error, ReportError::MixedEnvironments { .. }),
        "{error}"
    );
    let text = CARTPOLE
        .replace("poles", "unevaluated")
        .replace("episodes = 4", "episodes = 0");
    let unevaluated = run(folder.path(), &text);
    let error = read(&[poles, unevaluated]).unwrap_err();
    assert!(matches!(error, ReportError::MixedScores { .. }), "{error}");
}

#[test]
fn players_of_a_game_have_a_line_each() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"
        schema = 1
        experiment = { name = "game", seeds = [0, 1, 2], total_env_steps = 400 }
        env = { id = "kuhn_poker-v1", num_envs = 2 }
        agents = [{ id = "random" }]
    "#;
    let path = run(folder.path(), text);
    let report = read_one(&path);
    let players = &RunFolder::open(&path).unwrap().results().unwrap()[0].players;
    let names: Vec<String> = report
        .agents
        .iter()
        .map(|agent| agent.name.clone())
        .collect();
    let expected: Vec<String> = players
        .iter()
        .map(|p| format!("random as {}", p.player))
        .collect();
    assert_eq!(names, expected);
    let returns = report
        .curves
        .iter()
        .find(|plot| plot.plot == "curve-charts-episodic-return");
    assert_eq!(returns.unwrap().series.len(), 2);
    write(&report, &path).unwrap();
}

#[test]
fn what_is_not_a_run_or_is_damaged_is_a_typed_error() {
    assert!(matches!(read(&[]), Err(ReportError::NoRun)));
    let folder = tempfile::tempdir().unwrap();
    let error = read(&[folder.path().to_owned()]).unwrap_err();
    assert!(
        matches!(error, ReportError::Run(RunError::NotARun { .. })),
        "{error}"
    );
    let path = run(folder.path(), &bandit("one", "[7]", &["uniform"]));
    let metrics = path.join("trials/uniform-seed7/metrics.parquet");
    std::fs::write(&metrics, b"PAR1 or not").unwrap();
    let error = read(&[path]).unwrap_err();
    assert!(matches!(error, ReportError::Metrics { .. }), "{error}");
}

#[test]
fn pictures_of_an_earlier_report_are_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let a = run(folder.path(), &bandit("a", "[0, 1]", &["ucb1", "uniform"]));
    write(&read(&[a]).unwrap(), &out).unwrap();
    std::fs::write(out.join("plots/mine.svg"), b"mine").unwrap();
    let poles = run(folder.path(), CARTPOLE);
    write(&read(&[poles]).unwrap(), &out).unwrap();
    let plots = out.join("plots");
    assert!(plots.join("mine.svg").exists() && plots.join("scores.svg").exists());
    assert!(!plots.join("regret.svg").exists() && !plots.join("regret.png").exists());
}

#[test]
fn without_logged_episodes_or_a_known_optimum_the_report_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let text = bandit("tiny", "[0, 1]", &["uniform"]).replace("spike5", "pb_log10");
    let path = run(
        folder.path(),
        &format!("{text}\n[log]\nepisodes = \"none\"\n"),
    );
    let made = read_one(&path);
    let Some(RegretReport::Known(regret)) = &made.regret else {
        panic!("planners have a value");
    };
    assert_eq!(regret.drawn, "regret_planner");
    assert!(matches!(made.arms, Some(ArmsReport::Unknown { .. })));
    write(&made, &path).unwrap();
    let page = html(&path);
    assert!(page.contains("No training episodes are logged"));
    assert!(
        page.contains("more than 500,000 states"),
        "why there is no optimum"
    );
    // Without an optimum, the cumulative quantities are drawn.
    let plots: Vec<&str> = made.curves.iter().map(|plot| plot.plot.as_str()).collect();
    assert!(plots.contains(&"curve-info-expected-payoff"), "{plots:?}");
}
