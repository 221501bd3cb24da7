//! What a report says of language games: theory beside play, offers, outcomes.

use super::*;
use crate::{episodes::EpisodeLog, replay::frames};

const TABLES: &str = include_str!("../../../configs/glee/rational_vs_scripted.toml");
const GOLDEN: &str = include_str!("../../../../tests/golden/equilibrium/glee_theory.json");

fn language(report: &Report) -> &LanguageReport {
    report.language.as_ref().unwrap()
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap()
}

/// The experiment of the tables, with some of its opponents.
fn tables(opponents: &str) -> String {
    let all = r#"["rational", "boulware", "tit_for_tat", "acceptor"]"#;
    assert_eq!(TABLES.matches(all).count(), 3);
    TABLES.replace(all, opponents)
}

/// The shipped experiment: the 48 shares of bargaining and the 32 prices of negotiation, as played.
#[test]
fn rational_players_play_the_tables_of_theory() {
    let folder = tempfile::tempdir().unwrap();
    let path = run(folder.path(), &tables(r#"["rational"]"#));
    let report = read_one(&path);
    let [bargaining, negotiation] = &language(&report).matches[..] else {
        panic!("{:?}", language(&report).matches);
    };
    assert_eq!((bargaining.cells.len(), negotiation.cells.len()), (48, 32));
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    let mut compared = 0;
    for entry in golden["bargaining"]["grid"].as_array().unwrap() {
        let types = ["delta_A", "delta_B"].map(|key| number(entry, key));
        for (key, rounds) in [("T12", Some(12)), ("T99", Some(99)), ("inf", None)] {
            let mut cells = bargaining.cells.iter();
            let cell = cells
                .find(|cell| cell.types == types && cell.rounds == rounds)
                .unwrap();
            let played = cell.played.unwrap();
            if types == [1.0; 2] && rounds.is_none() {
                assert!(cell.open && cell.theory.is_none() && played == 0.5);
                continue;
            }
            let share = number(entry, key);
            assert!((cell.theory.unwrap() - share).abs() < 1e-8);
            // Alice rounds in favour of Bob, to a step of a ten-thousandth.
            assert!((-1.01e-4..=1e-6).contains(&(played - share)), "{cell:?}");
            assert!(cell.agrees && cell.agreement == 1.0);
            compared += 1;
        }
    }
    assert_eq!(compared, 47);
    for entry in golden["negotiation"]["complete_information"]
        .as_array()
        .unwrap()
    {
        let types = ["F_A", "F_B"].map(|key| number(entry, key));
        for (key, rounds) in [("T1", 1), ("T10", 10)] {
            let mut cells = negotiation.cells.iter();
            let cell = cells
                .find(|cell| cell.types == types && cell.rounds == Some(rounds))
                .unwrap();
            let wanted = &entry[key];
            assert_eq!(cell.agreement == 1.0, wanted["trade"] == true, "{cell:?}");
            for (gain, side) in cell.gains.iter().zip(["seller", "buyer"]) {
                assert!((gain - number(wanted, side)).abs() < 1e-6, "{cell:?}");
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 47 + 32);
    // One line for each player of each family, over all its games.
    let names: Vec<&str> = report
        .agents
        .iter()
        .map(|agent| agent.name.as_str())
        .collect();
    let wanted = [
        "Rational as alice (bargaining)",
        "rational as bob (bargaining)",
        "Rational as alice (negotiation)",
        "rational as bob (negotiation)",
    ];
    assert_eq!(names, wanted);
    assert_eq!(report.agents[0].seeds.len(), 48);
    assert!(
        report
            .notes
            .iter()
            .any(|note| note.contains("80 line-ups in their games are 2 lines"))
    );
    let page = write(&report, &path).unwrap();
    let html = std::fs::read_to_string(page).unwrap();
    assert!(html.contains("Theory and play") && html.contains("no trade"));
    assert!(path.join("plots/efficiency-fairness.png").exists());
}

/// Against players by rules: who they are is told apart, and what was offered and taken is counted.
#[test]
fn offers_and_answers_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"
        schema = 1
        experiment = { name = "curves", seeds = [0, 1], total_env_steps = 100 }
        agents = [{ id = "boulware", players = ["alice"] }, { id = "conceder", players = ["bob"] }]
        [env]
        id = "glee_bargaining-v1"
        args = { offers = 10_001, delta_bob = 0.8 }
        [log]
        episodes = "all"
        [sweep]
        "agents.1.id" = ["conceder", "acceptor"]
        "env.args.delta_alice" = [0.9, 0.95]
    "#;
    let path = run(folder.path(), text);
    let report = read_one(&path);
    let names: Vec<&str> = report
        .agents
        .iter()
        .map(|agent| agent.name.as_str())
        .collect();
    let wanted = [
        "boulware as alice vs conceder",
        "conceder as bob",
        "boulware as alice vs acceptor",
        "acceptor as bob",
    ];
    assert_eq!(names, wanted);
    let told = language(&report);
    let [first, second, ..] = &told.players[..] else {
        panic!("{told:?}");
    };
    assert_eq!((first.agreement, second.agreement), (1.0, 1.0));
    assert!((first.share.unwrap() + second.share.unwrap() - 1.0).abs() < 1e-9);
    assert!(first.share.unwrap() > 0.5);
    // The offers of both, round by round, are the curves.
    let paths = &told.paths[0].paths;
    assert_eq!(
        (&paths[0].rounds[..1], &paths[1].rounds[..1]),
        (&[1][..], &[2][..])
    );
    assert!((paths[0].shares[0] - 0.9).abs() < 1e-9);
    let curve = palaestra_agents::language::ConcessionArgs::default();
    let asked = curve.curve(5.0).unwrap().ask(2, Some(12));
    assert!((paths[1].shares[0] - asked).abs() < 1e-4, "{paths:?}");
    // An acceptor takes 40 % and nothing less.
    let curves = &told.acceptance[0].curves;
    let acceptor = curves
        .iter()
        .find(|curve| curve.agent == "acceptor as bob")
        .unwrap();
    for (share, accepted) in acceptor.shares.iter().zip(&acceptor.accepted) {
        if *share < 0.35 {
            assert_eq!(*accepted, 0.0, "{acceptor:?}");
        } else if *share > 0.45 {
            assert_eq!(*accepted, 1.0, "{acceptor:?}");
        }
    }
    assert!(
        told.matches
            .iter()
            .all(|matched| matched.cells.len() == 2 && !matched.with_itself)
    );
    write(&report, &path).unwrap();
    for plot in [
        "offers-bargaining",
        "acceptance-bargaining",
        "efficiency-fairness",
    ] {
        assert!(path.join(format!("plots/{plot}.svg")).exists(), "{plot}");
    }
}

/// Replaying tells in words what is done, and what it is worth to both.
#[test]
fn moves_are_told_with_their_worth() {
    let folder = tempfile::tempdir().unwrap();
    let told = |env: &str, agents: &str| -> Vec<String> {
        let text = format!(
            r#"
            schema = 1
            experiment = {{ name = "told", seeds = [0], total_env_steps = 40 }}
            env = {{ {env} }}
            agents = [{agents}]
            log = {{ episodes = "all" }}
            "#
        );
        let folder = folder.path().join(agents.len().to_string());
        let path = run(&folder, &text);
        let registries = Registries::default();
        let document = Document::parse("told.toml", &text).unwrap();
        let trial = document.trials(&registries).unwrap().remove(0);
        let log = EpisodeLog::open(&path.join("trials").join(&trial.name)).unwrap();
        let episode = log.read("0".parse().unwrap()).unwrap();
        let frames = frames(&episode, &trial, &registries).unwrap();
        let names = frames.iter().flat_map(|frame| &frame.players);
        names
            .filter_map(|player| player.action_name.clone())
            .collect()
    };
    let haggling = told(
        r#"id = "glee_bargaining-v1", args = { delta_bob = 0.8 }"#,
        r#"{ id = "fixed_share", players = ["alice"] }, { id = "acceptor", args = { threshold = 0.5 }, players = ["bob"] }"#,
    );
    assert_eq!(
        haggling[..4],
        [
            "offers Alice 0.6000, Bob 0.4000: Alice would gain 0.6000, Bob 0.4000",
            "declines 0.6000: Alice would gain 0.6000, Bob 0.4000",
            "offers Alice 0.5000, Bob 0.5000: Alice would gain 0.4500, Bob 0.4000",
            "declines 0.5000: Alice would gain 0.4500, Bob 0.4000",
        ]
    );
    assert_eq!(haggling.len(), 24);
    assert!(haggling[23].starts_with("declines, which ends the game"));
    let sold = told(
        r#"id = "glee_persuasion-v1", args = { p = 1.0, rounds = 2 }"#,
        r#"{ id = "honest_seller", players = ["seller"] }, { id = "rational", players = ["buyer"] }"#,
    );
    assert_eq!(sold[0], "recommends a good thing");
    assert!(sold[1].starts_with("buys: "), "{sold:?}");
}

/// Sellers: how often they lie, what is sold, and what a committed one would sell.
#[test]
fn sellers_are_held_against_commitment() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"
        schema = 1
        experiment = { name = "sellers", seeds = [0], total_env_steps = 40 }
        env = { id = "glee_persuasion-v1", args = { p = 0.5, value_high = 1.25 } }
        agents = [{ id = "rational", players = ["seller"] }, { id = "rational", name = "buyer", players = ["buyer"] }]
        eval = { episodes = 500 }
        log = { episodes = "all" }
    "#;
    let path = run(folder.path(), text);
    let report = read_one(&path);
    let seller = &language(&report).players[0];
    assert_eq!((seller.games, seller.efficiency), (500, Some(1.0)));
    // 1e4 rounds; three standard errors.
    assert!((seller.gain - 0.625).abs() < 0.015, "{seller:?}");
    assert!((seller.lies.unwrap() - 0.25).abs() < 0.02, "{seller:?}");
    let cell = &language(&report).matches[0].cells[0];
    assert_eq!(cell.theory, Some(0.625));
    assert_eq!(
        (cell.types, cell.rounds, cell.games),
        ([0.5, 1.25], Some(20), 500)
    );
    write(&report, &path).unwrap();
}

#[test]
fn without_a_log_there_is_nothing_to_tell() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"
        schema = 1
        experiment = { name = "silent", seeds = [0], total_env_steps = 40 }
        env = { id = "glee_negotiation-v1" }
        agents = [{ id = "rational" }]
        log = { episodes = "none" }
    "#;
    let path = run(folder.path(), text);
    let report = read_one(&path);
    let told = language(&report);
    assert!(told.meaning.contains("No complete game is logged"));
    assert!(told.players.is_empty() && told.outcomes.is_none());
    write(&report, &path).unwrap();
}
