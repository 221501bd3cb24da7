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
            assert!(cell.agrees == Some(true) && cell.agreement == 1.0);
            assert_eq!(cell.agreed_in, Some(1.0));
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
    assert_eq!((bargaining.as_theory, bargaining.compared), (47, 47));
    assert_eq!((negotiation.as_theory, negotiation.compared), (32, 32));
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
    // Sums over the training, which cuts all games, are told nowhere: they would pass for means over games.
    assert!(report.seeds_are_games && !report.total_is_not_the_score());
    assert!(report.agents.iter().all(|agent| agent.info.is_empty()));
    assert!(report.values.iter().all(|plot| !plot.plot.contains("info")));
    let left_out = report.left_out.iter();
    let left_out = left_out.filter(|left| left.reason.contains("mean over games"));
    assert_eq!(left_out.count(), 3);
    let scores = std::fs::read_to_string(write(&report, &path).unwrap()).unwrap();
    assert!(scores.contains(">Games</th>") && scores.contains("48 games"));
    assert!(!scores.contains("48 seeds"));
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
    assert_eq!((first.agreement, second.agreement), (Some(1.0), Some(1.0)));
    assert_eq!((first.stopped, first.invalid), (0, None));
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
    assert!((seller.gain.unwrap() - 0.625).abs() < 0.015, "{seller:?}");
    assert!((seller.lies.unwrap() - 0.25).abs() < 0.02, "{seller:?}");
    let cell = &language(&report).matches[0].cells[0];
    assert_eq!((cell.theory, cell.agrees), (Some(0.625), Some(true)));
    assert_eq!(
        (cell.types, cell.rounds, cell.games),
        ([0.5, 1.25], Some(20), 500)
    );
    write(&report, &path).unwrap();
}

/// What bad things are worth counts: a seller who takes it to be nothing sells less than a committed one could.
#[test]
fn sellers_of_things_worth_something_are_held_against_their_own_benchmark() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"
        schema = 1
        experiment = { name = "worth", seeds = [0], total_env_steps = 40 }
        env = { id = "glee_persuasion-v1", args = { p = 0.5, value_high = 1.25, value_low = 0.5 } }
        agents = [{ id = "rational", players = ["seller"] }, { id = "rational", name = "buyer", players = ["buyer"] }]
        eval = { episodes = 100 }
        log = { episodes = "all" }
    "#;
    let report = read_one(&run(folder.path(), text));
    let matched = &language(&report).matches[0];
    let cell = &matched.cells[0];
    assert_eq!((cell.theory, cell.value_low), (Some(0.75), Some(0.5)));
    assert!(cell.difference.unwrap() < -0.05, "{cell:?}");
    assert_eq!((matched.as_theory, matched.compared), (0, 1));
}

/// A game that a player spoils is in no mean, whoever it is; it is counted, and so are the answers that were no moves.
#[test]
fn games_that_were_stopped_are_told_beside_the_others() {
    // `random` says random letters, which are no moves.
    for (alice, bob, spoiler) in [("fixed_share", "random", 1), ("random", "acceptor", 0)] {
        for then in ["no_deal", "abort", "fallback"] {
            let folder = tempfile::tempdir().unwrap();
            let text = format!(
                r#"
                schema = 1
                experiment = {{ name = "spoilt", seeds = [0], total_env_steps = 1 }}
                agents = [{{ id = "{alice}", players = ["alice"] }}, {{ id = "{bob}", players = ["bob"] }}]
                eval = {{ episodes = 3 }}
                log = {{ episodes = "all" }}
                [env]
                id = "glee_bargaining_text-v1"
                args = {{ rounds = 2, invalid = {{ max_attempts = 2, then = "{then}" }} }}
                "#
            );
            let path = run(folder.path(), &text);
            let report = read_one(&path);
            let told = language(&report);
            let (player, other) = (&told.players[spoiler], &told.players[1 - spoiler]);
            assert_eq!(other.invalid, Some(0.0), "{told:?}");
            let page = std::fs::read_to_string(write(&report, &path).unwrap()).unwrap();
            assert!(page.contains(">Stopped</th>") && !page.contains("NaN"));
            if then == "fallback" {
                assert_eq!((player.games, player.stopped), (3, 0), "{told:?}");
                let fallbacks = player.fallbacks.unwrap();
                assert!(fallbacks >= 1.0, "{told:?}");
                assert_eq!(player.invalid, Some(2.0 * fallbacks));
                continue;
            }
            assert_eq!((player.games, player.stopped), (0, 3), "{told:?}");
            assert_eq!((player.invalid, player.fallbacks), (Some(2.0), Some(0.0)));
            let nothing = (player.agreement, player.efficiency, player.fairness);
            assert_eq!(nothing, (None, None, None));
            assert!(told.acceptance.is_empty() && told.matches.is_empty());
            assert!(
                told.meaning.contains("all were stopped"),
                "{}",
                told.meaning
            );
            let noted = report
                .notes
                .iter()
                .any(|note| note.contains("3 of 3 games"));
            assert!(noted, "{:?}", report.notes);
        }
    }
}

/// Of many line-ups pictures show agents, over all rivals and seats.
#[test]
fn tournaments_are_pictured_by_agent() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"
        schema = 1
        experiment = { name = "cup", seeds = [0], total_env_steps = 200 }
        env = { id = "glee_bargaining-v1", args = { offers = 21, rounds = 6 } }
        tournament = { players = ["alice", "bob"] }
        agents = [{ id = "rational" }, { id = "boulware" }, { id = "random" }]
        log = { episodes = "all" }
    "#;
    let path = run(folder.path(), text);
    let report = read_one(&path);
    let told = language(&report);
    assert_eq!((told.players.len(), told.matches.len()), (18, 9));
    let agents = ["rational", "boulware", "random"];
    let curves = &told.acceptance[0];
    let names: Vec<&str> = curves.curves.iter().map(|curve| &curve.agent[..]).collect();
    assert!(curves.pooled);
    assert_eq!(names, agents);
    let paths: Vec<&str> = told.paths[0].paths.iter().map(|p| &p.agent[..]).collect();
    assert_eq!(paths, agents);
    let outcomes = told.outcomes.as_ref().unwrap();
    let clouds: Vec<&str> = outcomes.clouds.iter().map(|c| &c.line_up[..]).collect();
    assert!(outcomes.pooled);
    assert_eq!(clouds, agents);
    // Every offer is answered once, and counted once with who answers.
    let answered: usize = curves.curves.iter().flat_map(|curve| &curve.offers).sum();
    let offered: usize = told.paths[0]
        .paths
        .iter()
        .flat_map(|path| &path.offers)
        .sum();
    assert!(
        answered <= offered && answered > offered / 2,
        "{answered} of {offered}"
    );
    write(&report, &path).unwrap();
    let svg = std::fs::read_to_string(path.join("plots/acceptance-bargaining.svg")).unwrap();
    assert!(svg.contains("over all rivals and seats"));
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
