//! What a report says of bandits: bounds, notions of regret, their growth, schedules.

use palaestra_agents::bandits::planning::{PlannerConfig, plan};
use palaestra_envs::bandits::InstanceConfig;

use super::*;

fn known(report: &Report) -> &Regret {
    match &report.regret {
        Some(RegretReport::Known(regret)) => regret,
        other => panic!("{other:?}"),
    }
}

fn bandit_report(report: &Report) -> &BanditReport {
    report.bandit.as_ref().unwrap()
}

/// `env_args` besides the horizon; agents as inline tables.
fn experiment(steps: u64, env_args: &str, agents: &str, rest: &str) -> String {
    format!(
        r#"
        schema = 1
        agents = [{agents}]
        experiment = {{ name = "x", seeds = [0, 1, 2], total_env_steps = {steps} }}
        env = {{ id = "lsd_bandit-v1", args = {{ {env_args} }} }}
        {rest}
        "#
    )
}

const UNIFORM: &str = r#"{ id = "uniform" }"#;

#[test]
fn three_notions_of_regret_differ_by_their_rates() {
    let folder = tempfile::tempdir().unwrap();
    let agents = r#"{ id = "uniform" }, { id = "planner", args = { planner = "exact" } }"#;
    let text = experiment(600, r#"preset = "log3", horizon = 600"#, agents, "");
    let report = read_one(&run(folder.path(), &text));
    let regret = known(&report);
    let ids: Vec<&str> = regret.notions.iter().map(|notion| notion.id).collect();
    assert_eq!(ids, ["regret_opt", "regret_planner", "alpha_regret"]);
    assert_eq!(regret.drawn, "regret_opt");
    let log3 = InstanceConfig::preset("log3").unwrap().build().unwrap();
    let planner = plan(&PlannerConfig::default(), &log3).unwrap().value.rate;
    assert!(planner > 0.95 * 0.662_458_415_3);
    let rates = [0.662_458_415_3, planner, 0.632_120_558_8 * 0.669_124_842_6];
    for (notion, rate) in regret.notions.iter().zip(rates) {
        for (row, exact) in notion.rows.iter().zip(&regret.notions[0].rows) {
            assert!(
                (row.rate.unwrap() - rate).abs() < 1e-8,
                "{}: {row:?}",
                notion.id
            );
            let apart = 600.0 * (row.rate.unwrap() - exact.rate.unwrap());
            for (value, against_opt) in row.values.iter().zip(&exact.values) {
                assert!((value - against_opt - apart).abs() < 1e-9);
            }
        }
        assert!(notion.meaning.starts_with("Against "), "{}", notion.meaning);
    }
    // The optimal plan loses nothing but what the start gives or takes; it has no exponent.
    let rows = &regret.notions[0].rows;
    assert!(rows[1].regret.mean.abs() < 2.0, "{:?}", rows[1]);
    let growth = &regret.growth;
    assert_eq!(growth.basis, GrowthBasis::Times);
    let uniform = growth.rows[0].exponent.unwrap();
    assert!((uniform.estimate - 1.0).abs() < 0.5, "{uniform:?}");
    assert!(uniform.low < uniform.high);
    assert_eq!(growth.rows[1].exponent, None);
    let reason = growth.rows[1].reason.as_ref().unwrap();
    assert!(reason.contains("positive"), "{reason}");

    let instance = &bandit_report(&report).instances[0];
    let told = [
        (&instance.lp, 0.669_124_842_6),
        (&instance.opt, 0.662_458_415_3),
        (&instance.planner, planner),
        (&instance.g, 0.500_808_199_1),
        (&instance.gamma, 0.632_120_558_8),
    ];
    for (told, value) in told {
        assert!((told.value.unwrap() - value).abs() < 1e-8, "{told:?}");
        assert!(!told.provenance.is_empty());
    }
    assert!(
        instance
            .opt
            .provenance
            .contains("confirmed by the planner `exact`")
    );
    assert!(instance.monotone);

    // Normalised scores: the plan earns OPT/LP, in the last quarter and from a rested start a little more overall.
    let scores = &bandit_report(&report).normalised.rows;
    let best = 0.662_458_415_3 / 0.669_124_842_6;
    assert!(
        (scores[1].late.estimate - best).abs() < 1e-3,
        "{:?}",
        scores[1]
    );
    assert!((scores[1].whole.estimate - best).abs() < 5e-3);
    assert_eq!(scores[1].late_rounds, 150.0);
    assert!(scores[0].late.estimate < 0.8);
    let totals = &report.agents[0].info[0].total;
    let whole = totals.mean / 600.0 / scores[0].lp;
    assert!((scores[0].whole.estimate - whole).abs() < 1e-12);
}

#[test]
fn schedules_show_the_optimal_cycle_and_what_was_played() {
    let folder = tempfile::tempdir().unwrap();
    let agents = r#"{ id = "planner", args = { planner = "exact" } }, { id = "fixed", args = { arms = [3] } }"#;
    let text = experiment(180, r#"preset = "spike5", horizon = 90"#, agents, "");
    let path = run(folder.path(), &text);
    let report = read_one(&path);
    let SchedulesReport::Shown(schedules) = &bandit_report(&report).schedules else {
        panic!("five arms can be shown");
    };
    let plan = &schedules.planned[0];
    assert!(plan.optimal);
    assert_eq!((plan.planner, plan.cycle_length), ("exact", Some(9)));
    let mean = |payoffs: &[Vec<Option<f64>>], rounds: std::ops::Range<usize>| {
        let plays = payoffs
            .iter()
            .flat_map(|arm| arm[rounds.clone()].iter().flatten());
        plays.sum::<f64>() / rounds.len() as f64
    };
    assert!((mean(&plan.payoffs, 0..9) - 4.56 / 9.0).abs() < 1e-12);
    assert!((mean(&plan.payoffs, 20..38) - 4.56 / 9.0).abs() < 1e-12);
    // The last rounds of the first of two episodes.
    let played = &schedules.played[0];
    assert_eq!((played.episode.as_str(), played.first), ("train-0", 43));
    assert_eq!(played.trial, "planner-seed0");
    assert!((mean(&played.payoffs, 3..48) - 4.56 / 9.0).abs() < 1e-12);
    let fixed = &schedules.played[1];
    assert!(fixed.payoffs[3].iter().all(|payoff| *payoff == Some(0.15)));
    assert!(fixed.payoffs[0].iter().all(Option::is_none));
    write(&report, &path).unwrap();
    let page = html(&path);
    assert!(
        page.contains("optimal cycle") && page.contains("trial planner-seed0, episode train-0")
    );
}

#[test]
fn a_sweep_over_lengths_is_one_line_with_an_exponent() {
    let sweeps = [
        r#""experiment.total_env_steps" = [200, 50, 100]"#,
        r#""env.args.horizon" = [200, 50, 100]"#,
    ];
    for sweep in sweeps {
        let folder = tempfile::tempdir().unwrap();
        let rest = format!("[sweep]\nmethod = \"grid\"\n{sweep}\n");
        let agents = r#"{ id = "uniform" }, { id = "ucb1", name = "UCB (1)" }"#;
        let text = experiment(200, r#"preset = "spike5", horizon = 200"#, agents, &rest);
        let path = run(folder.path(), &text);
        let report = read_one(&path);
        let names: Vec<&str> = report
            .agents
            .iter()
            .map(|agent| agent.name.as_str())
            .collect();
        assert_eq!(names, ["uniform", "UCB (1)"]);
        assert!(
            report.notes[0].contains("50; 100; 200 rounds"),
            "{:?}",
            report.notes
        );
        let regret = known(&report);
        assert_eq!(regret.growth.basis, GrowthBasis::Lengths);
        let row = &regret.growth.rows[0];
        assert_eq!((&row.rounds[..], row.seeds), (&[50.0, 100.0, 200.0][..], 3));
        let exponent = row.exponent.unwrap();
        assert!((exponent.estimate - 1.0).abs() < 0.15, "{exponent:?}");
        // Each point is the mean over the seeds of its own runs, per life of the arms.
        let results = RunFolder::open(&path).unwrap().results().unwrap();
        let shortest = results
            .iter()
            .filter(|result| result.label.starts_with("uniform") && result.label.contains("=50"));
        let rounds = |result: &crate::run::TrialResult| result.env_steps as f64;
        let of_life = shortest
            .map(|result| (rounds(result) * 4.56 / 9.0 - result.info[0].1) * 50.0 / rounds(result));
        let of_life: Vec<f64> = of_life.collect();
        let mean = of_life.iter().sum::<f64>() / 3.0;
        assert!((row.regret[0].estimate - mean).abs() < 1e-9);
        assert!(report.plots.contains(&"regret-lengths".to_owned()));
        write(&report, &path).unwrap();
        assert!(html(&path).contains("against length, with the fitted exponents"));
    }
}

#[test]
fn an_optimum_that_nobody_names_is_computed() {
    let folder = tempfile::tempdir().unwrap();
    // At most one play instead of exactly one: the rate of the preset does not hold.
    let text = experiment(
        60,
        r#"preset = "step2", horizon = 60, exact = false"#,
        UNIFORM,
        "",
    );
    let report = read_one(&run(folder.path(), &text));
    let instance = &bandit_report(&report).instances[0];
    assert!(
        (instance.opt.value.unwrap() - 0.5).abs() < 1e-9,
        "{instance:?}"
    );
    assert!(
        instance
            .opt
            .provenance
            .contains("computed by the planner `exact`")
    );
    assert_eq!(instance.name, "`step2`, `exact = false`");
}

#[test]
fn a_rate_that_is_not_the_optimum_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let args = r#"preset = "step2", horizon = 60, optimal_rate = 0.3"#;
    let report = read_one(&run(folder.path(), &experiment(60, args, UNIFORM, "")));
    let note = report
        .notes
        .iter()
        .find(|note| note.contains("is not the optimum"));
    assert!(note.unwrap().contains("finds to be 0.5"), "{note:?}");
    assert_eq!(known(&report).notions[0].rows[0].rate, Some(0.3));
}

#[test]
fn large_instances_are_told_by_bounds_and_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let args = r#"preset = "big50_5", horizon = 60"#;
    let report = read_one(&run(folder.path(), &experiment(60, args, UNIFORM, "")));
    let instance = &bandit_report(&report).instances[0];
    assert_eq!(instance.opt.value, None);
    assert!(
        instance.opt.provenance.contains("more than 500,000 states"),
        "{instance:?}"
    );
    assert!((instance.lp.value.unwrap() - 4.317_953_64).abs() < 1e-8);
    assert!(instance.planner.value.unwrap() > 4.2);
    assert_eq!(known(&report).drawn, "regret_planner");
    let SchedulesReport::Unknown { reason } = &bandit_report(&report).schedules else {
        panic!("fifty arms cannot be shown");
    };
    assert!(reason.contains("50"), "{reason}");
}

#[test]
fn myopic_regret_is_told_only_if_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let agents = r#"{ id = "oracle_greedy" }, { id = "uniform" }"#;
    let text = experiment(60, r#"preset = "spike5", horizon = 30"#, agents, "");
    let path = run(folder.path(), &text);
    assert_eq!(known(&read_one(&path)).notions.len(), 3);
    let options = Options { myopic: true };
    let report = report(&Registries::default(), &[path], options).unwrap();
    let notion = &known(&report).notions[3];
    assert_eq!((notion.id, notion.rows.len()), ("myopic_regret", 2));
    // Greedy play is what it measures against.
    assert!(notion.rows[0].values.iter().all(|value| value.abs() < 1e-9));
    assert!(notion.rows[1].regret.mean > 1.0);
    assert_eq!(notion.rows[1].rate, None);
}

#[test]
fn several_instances_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let rest = "[sweep]\nmethod = \"grid\"\n\"env.args.preset\" = [\"step2\", \"log3\"]\n";
    let text = experiment(60, r#"preset = "step2", horizon = 60"#, UNIFORM, rest);
    let path = run(folder.path(), &text);
    let report = read_one(&path);
    let instances = &bandit_report(&report).instances;
    let names: Vec<&str> = instances
        .iter()
        .map(|instance| instance.name.as_str())
        .collect();
    assert_eq!(names, ["`step2`", "`log3`"]);
    assert_eq!(instances[1].agents, ["uniform (preset=log3)"]);
    let notion = &known(&report).notions[0];
    assert!(notion.meaning.contains("each agent's own instance"));
    assert_ne!(notion.rows[0].rate, notion.rows[1].rate);
    write(&report, &path).unwrap();
}

#[test]
fn wrapped_rewards_leave_no_yardstick() {
    let folder = tempfile::tempdir().unwrap();
    let text = experiment(60, r#"preset = "step2", horizon = 60"#, UNIFORM, "").replace(
        "args = { preset",
        "wrappers = [{ kind = \"reward_scale\", factor = 2.0 }], args = { preset",
    );
    let path = run(folder.path(), &text);
    let report = read_one(&path);
    assert_eq!(report.bandit, None);
    assert!(matches!(report.regret, Some(RegretReport::Unknown { .. })));
    write(&report, &path).unwrap();
}

#[test]
fn the_experiments_that_ship_can_be_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/bandits");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path).unwrap();
        let document = Document::parse(&name, &text).unwrap();
        let trials = document.trials(&Registries::default()).unwrap();
        let config = document.config().unwrap();
        assert!(trials.len() >= 15, "{name}");
        assert!(path.ends_with(format!("{}.toml", config.experiment.name)));
        found += 1;
    }
    assert_eq!(found, 4);
}
