//! What a report says of POMDPs: bounds, α-vectors, discounted returns.

use super::*;

/// `env` as an inline table; agents as inline tables.
fn experiment(env: &str, agents: &str, rest: &str) -> String {
    format!(
        r#"
        schema = 1
        agents = [{agents}]
        experiment = {{ name = "x", seeds = [0, 1], total_env_steps = 400 }}
        env = {{ {env} }}
        {rest}
        "#
    )
}

const TIGER: &str = r#"id = "tiger-v1""#;

fn known(report: &Report) -> &PomdpsReport {
    match &report.pomdp {
        Some(PomdpReport::Known(known)) => known,
        other => panic!("{other:?}"),
    }
}

#[test]
fn tiger_is_told_by_bounds_vectors_and_returns() {
    let folder = tempfile::tempdir().unwrap();
    let agents = r#"{ id = "sarsop" }, { id = "blind" }"#;
    let text = experiment(r#"id = "tiger-v1""#, agents, "");
    let path = run(folder.path(), &text);
    let report = read_one(&path);
    let problem = &known(&report).problems[0];
    assert_eq!(problem.name, "`tiger-v1`");
    assert_eq!(
        (problem.states, problem.actions, problem.observations),
        (2, 3, 2)
    );
    let expected = [
        ("mdp", 200.0),
        ("qmdp", 189.0),
        ("fib", 87.179_487),
        ("sarsop_upper", 19.371_368),
        ("sarsop_lower", 19.371_368),
        ("blind", -20.0),
    ];
    assert_eq!(problem.bounds.len(), expected.len());
    for (bound, (id, value)) in problem.bounds.iter().zip(expected) {
        assert_eq!(bound.id, id);
        let tolerance = if id.starts_with("sarsop") { 1e-3 } else { 1e-5 };
        assert!((bound.value - value).abs() < tolerance, "{bound:?}");
        assert!(!bound.provenance.is_empty());
    }
    let trace = problem.trace.as_ref().unwrap();
    assert!(trace.converged);
    assert!(trace.lower.is_sorted() && trace.upper.is_sorted_by(|a, b| a >= b));
    assert_eq!(trace.iterations[0], 0);
    let vectors = problem.vectors.as_ref().unwrap();
    assert_eq!(vectors.states, ["tiger-left", "tiger-right"]);
    // The lower bound is the largest vector at the initial belief.
    let at_half = |line: &AlphaLine| f64::midpoint(line.values[0], line.values[1]);
    let best = vectors
        .vectors
        .iter()
        .map(at_half)
        .fold(f64::NEG_INFINITY, f64::max);
    assert!((best - problem.bound("sarsop_lower").unwrap()).abs() < 1e-9);

    let returns = &known(&report).returns;
    let sarsop = &returns.rows[0];
    assert_eq!(
        (sarsop.episodes, sarsop.truncated, sarsop.values.len()),
        (8, 8, 2)
    );
    assert!(!sarsop.evaluated);
    // Always listening: -1 discounted over 100 steps.
    let blind = returns.rows[1].discounted_return;
    let expected = -(1.0 - 0.95_f64.powi(100)) / 0.05;
    assert!((blind.estimate - expected).abs() < 1e-9, "{blind:?}");
    assert!((blind.low - blind.high).abs() < 1e-9);
    assert!(sarsop.discounted_return.estimate > blind.estimate);

    write(&report, &path).unwrap();
    assert_eq!(
        report.plots[2..5],
        ["bounds", "vectors", "discounted"].map(str::to_owned),
        "{:?}",
        report.plots
    );
    let page = html(&path);
    assert!(page.contains("<section id=\"instance\">") && page.contains("href=\"#instance\""));
    assert_eq!(page.matches("<svg").count(), report.plots.len());
    for wrong in ["NaN", "inf<", "undefined"] {
        assert!(!page.contains(wrong), "{wrong}");
    }
    let json = json(&path);
    let rows = &json["pomdp"]["known"]["returns"]["rows"];
    assert!(
        rows[1]["discounted_return"]["estimate"].is_number(),
        "{rows}"
    );
}

#[test]
fn returns_are_those_of_the_logged_episodes() {
    let folder = tempfile::tempdir().unwrap();
    let agents = r#"{ id = "most_likely_state" }"#;
    let rest = "[eval]\nepisodes = 6\nevery_env_steps = 200\n";
    let path = run(folder.path(), &experiment(TIGER, agents, rest));
    let report = read_one(&path);
    let row = &known(&report).returns.rows[0];
    assert!(row.evaluated);
    assert_eq!(row.episodes, 12, "six of the last evaluation of two seeds");
    let run = RunFolder::open(&path).unwrap();
    let mut all = Vec::new();
    for trial in &run.manifest.trials {
        let log = crate::episodes::EpisodeLog::open(&run.trial(trial)).unwrap();
        let episodes = log.read_all().map(Result::unwrap);
        let rounds = episodes.filter_map(|episode| {
            let crate::episodes::EpisodeKind::Eval { round } = episode.info.id.kind else {
                return None;
            };
            let rewards = episode.players[0].reward.iter().zip(0..);
            let terms = rewards.map(|(r, t)| f64::from(*r) * 0.95_f64.powi(t));
            Some((round, terms.sum::<f64>()))
        });
        let rounds: Vec<(u32, f64)> = rounds.collect();
        let last = rounds.iter().map(|(round, _)| *round).max();
        all.extend(
            rounds
                .iter()
                .filter(|(round, _)| Some(*round) == last)
                .map(|r| r.1),
        );
    }
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    assert!((row.discounted_return.estimate - mean).abs() < 1e-9);
}

#[test]
fn several_problems_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let rest = "[sweep]\nmethod = \"grid\"\n\"env.args.discount\" = [0.95, 0.75]\n";
    let text = experiment(TIGER, r#"{ id = "qmdp" }"#, rest);
    let path = run(folder.path(), &text);
    let report = read_one(&path);
    let problems = &known(&report).problems;
    let names: Vec<&str> = problems
        .iter()
        .map(|problem| problem.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "`tiger-v1`, `discount = 0.95`",
            "`tiger-v1`, `discount = 0.75`"
        ]
    );
    assert!((problems[1].bound("sarsop_lower").unwrap() - 1.933_439).abs() < 1e-3);
    assert!(report.plots.contains(&"bounds-2".to_owned()));
    write(&report, &path).unwrap();
    let page = html(&path);
    assert!(page.contains("Played by qmdp (discount=0.75)."));
}

#[test]
fn a_problem_that_wrappers_change_has_no_bounds_and_the_page_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let env = r#"id = "tiger-v1", wrappers = [{ kind = "reward_scale", factor = 2.0 }]"#;
    let path = run(folder.path(), &experiment(env, r#"{ id = "random" }"#, ""));
    let report = read_one(&path);
    let Some(PomdpReport::Unknown { reason }) = &report.pomdp else {
        panic!("{:?}", report.pomdp);
    };
    assert!(reason.contains("reward_scale(factor=2.0)"), "{reason}");
    write(&report, &path).unwrap();
    assert!(html(&path).contains("makes it another problem than its model describes"));
}

#[test]
fn simulators_have_returns_without_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let agents = r#"{ id = "go_and_look" }, { id = "random" }"#;
    let path = run(
        folder.path(),
        &experiment(r#"id = "light_dark-v1""#, agents, ""),
    );
    let report = read_one(&path);
    let known = known(&report);
    assert!(known.problems.is_empty());
    let [script, random] = &known.returns.rows[..] else {
        panic!("{:?}", known.returns);
    };
    let [script, random] = [script, random].map(|row| row.discounted_return.estimate);
    assert!(script > random + 2.0, "{script} {random}");
    write(&report, &path).unwrap();
    let page = html(&path);
    assert!(page.contains("What was earned") && !page.contains("against what can be earned"));
}

#[test]
fn what_was_put_right_in_a_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/instances/pomdp/tiger.pomdp"
    ));
    let file = folder.path().join("rounded.pomdp");
    std::fs::write(&file, text.unwrap().replacen("0.85", "0.850004", 1)).unwrap();
    let env = format!(r#"id = "pomdp_file-v1", args = {{ path = {file:?} }}"#);
    let path = run(folder.path(), &experiment(&env, r#"{ id = "random" }"#, ""));
    let notes = read_one(&path).notes;
    assert!(
        notes.iter().any(|note| note.contains("not sum to 1")),
        "{notes:?}"
    );
}

#[test]
fn wrappers_that_come_between_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let env = r#"id = "tiger-v1", wrappers = [{ kind = "delay_observation", delay = 1 }]"#;
    let path = run(folder.path(), &experiment(env, r#"{ id = "random" }"#, ""));
    let report = read_one(&path);
    let problem = &known(&report).problems[0];
    let remark = problem.remark.as_ref().unwrap();
    assert!(remark.contains("delay_observation"), "{remark}");
    assert_eq!(problem.bounds.len(), 6);
}

#[test]
fn without_logged_episodes_there_are_bounds_and_no_returns() {
    let folder = tempfile::tempdir().unwrap();
    let rest = "[log]\nepisodes = \"none\"\n";
    let path = run(
        folder.path(),
        &experiment(TIGER, r#"{ id = "random" }"#, rest),
    );
    let report = read_one(&path);
    assert_eq!(known(&report).returns.rows, []);
    assert!(!report.plots.contains(&"discounted".to_owned()));
    write(&report, &path).unwrap();
    assert!(html(&path).contains("No complete episode of the agents is logged"));
}

#[test]
fn an_undiscounted_problem_says_why_it_has_no_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let env = r#"id = "tiger-v1", args = { discount = 1.0 }"#;
    let path = run(folder.path(), &experiment(env, r#"{ id = "random" }"#, ""));
    let report = read_one(&path);
    let problem = &known(&report).problems[0];
    assert_eq!(problem.bounds, []);
    let reason = problem.remark.as_ref().unwrap();
    assert!(reason.contains("needs a discount below 1"), "{reason}");
    assert_eq!(known(&report).returns.rows.len(), 1);
    write(&report, &path).unwrap();
}

#[test]
fn other_families_have_no_such_section_and_equal_runs_give_equal_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let poles = run(folder.path(), CARTPOLE);
    assert_eq!(read_one(&poles).pomdp, None);
    write(&read_one(&poles), &poles).unwrap();
    assert_eq!(json(&poles).get("pomdp"), None);
    let env = r#"id = "rock_sample-v1""#;
    let path = run(folder.path(), &experiment(env, r#"{ id = "qmdp" }"#, ""));
    let places = ["a", "b"].map(|name| folder.path().join(name));
    for place in &places {
        write(&read_one(&path), place).unwrap();
    }
    for file in [
        "report.html",
        "report.json",
        "plots/bounds.svg",
        "plots/discounted.svg",
    ] {
        let [a, b] = places
            .each_ref()
            .map(|place| files::read(&place.join(file)).unwrap());
        assert!(a == b, "{file}");
    }
    let report = read_one(&path);
    let problem = &known(&report).problems[0];
    assert!((problem.bound("sarsop_lower").unwrap() - 17.9245).abs() < 2e-3);
    assert_eq!(problem.vectors, None);
}
