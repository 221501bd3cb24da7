//! Trees of games as the released code keeps them, made here by random play.

use std::fmt::Write as _;

use std::{collections::BTreeMap, fs, path::Path};

use palaestra_envs::{
    language::{Horizon, grid},
    stream::Stream,
};
use rand::RngExt;
use serde_json::{Value, json};

use super::*;

/// What a game is to come to: Alice's and Bob's gain, efficiency, fairness.
type Expected = (f64, f64, Option<f64>, Option<f64>);

/// A game in the making: its files, and what it is to come to by formulas that are written out here once more.
struct Made {
    family: &'static str,
    config: Value,
    table: String,
    expected: Expected,
    messages: u64,
}

/// A cell of CSV as Python writes it.
fn cell(text: &str) -> String {
    if text.contains(['"', ',', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

const WORDS: [&str; 4] = [
    "Fair?",
    "Take it, \"my friend\"",
    "two\nlines, a comma",
    "Größe 😀",
];

/// What stands for nothing.
fn nothing(python: bool) -> &'static str {
    if python { "None" } else { "" }
}

fn players(rng: &mut Stream, human: bool) -> Value {
    let models = ["openai/gpt-4o", "o3-mini", "vertex_ai/meta/llama-3.3"];
    let model = |rng: &mut Stream| models[rng.random_range(0..3)];
    if human {
        json!({
            "player_1_type": "otree", "player_2_type": "otree_LLM",
            "player_1_args": {"public_name": "Alice", "model_name": "otree"},
            "player_2_args": {"public_name": "Bob", "model_name": "otree_LLM"},
        })
    } else {
        json!({
            "player_1_type": "litellm", "player_2_type": "litellm",
            "player_1_args": {"public_name": "Alice", "model_name": model(rng)},
            "player_2_args": {"public_name": "Bob", "player_id": 3, "model_name": model(rng)},
        })
    }
}

fn rounds(horizon: Horizon) -> u16 {
    match horizon {
        Horizon::Known(rounds) => rounds,
        Horizon::Hidden { cap } => cap,
    }
}

fn bargaining(rng: &mut Stream, human: bool) -> Made {
    let game = grid::bargaining(rng.random_range(0..grid::BARGAININGS));
    let mut config = players(rng, human);
    config["game_type"] = "bargaining".into();
    config["game"] = Value::Null;
    config["game_args"] = json!({
        "money_to_divide": game.money.to_f64(), "max_rounds": rounds(game.horizon),
        "complete_information": game.complete_information, "messages_allowed": game.messages,
    });
    if human {
        config["player_1_args"]["delta"] = game.delta[0].into();
        config["player_2_args"]["delta"] = game.delta[1].into();
    } else {
        config["game_args"]["delta_1"] = game.delta[0].into();
        config["game_args"]["delta_2"] = game.delta[1].into();
    }
    let (none, money) = (nothing(human), game.money.minor());
    let message = |text: &str| {
        if game.messages {
            format!("{},", cell(text))
        } else {
            String::new()
        }
    };
    let mut table = format!(
        "alice_gain,bob_gain,{}player,round,decision\n",
        if game.messages { "message," } else { "" }
    );
    let mut expected = (0.0, 0.0, Some(0.0), Some(1.0));
    let mut messages = 0;
    for round in 1..=rounds(game.horizon) {
        let alice = rng.random_range(0..=money);
        let [proposer, other] = if round % 2 == 1 {
            ["Alice", "Bob"]
        } else {
            ["Bob", "Alice"]
        };
        let words = WORDS[rng.random_range(0..4)];
        messages += u64::from(game.messages);
        let _ = writeln!(
            table,
            "{:?},{:?},{}{proposer},{round},{none}",
            alice as f64 / 100.0,
            (money - alice) as f64 / 100.0,
            message(words)
        );
        let accepts = rng.random::<f64>() < 0.3;
        let decision = if accepts { "accept" } else { "reject" };
        let _ = writeln!(table, ",,{}{other},{round},{decision}", message(none));
        if accepts {
            let share = alice as f64 / money as f64;
            let melted = game.delta.map(|delta| delta.powi(i32::from(round) - 1));
            let gains = [melted[0] * share, melted[1] * (1.0 - share)];
            let fair = 1.0 - (2.0 * share - 1.0).powi(2);
            expected = (gains[0], gains[1], Some(gains[0] + gains[1]), Some(fair));
            break;
        }
    }
    Made {
        family: "bargaining",
        config,
        table,
        expected,
        messages,
    }
}

fn negotiation(rng: &mut Stream, human: bool) -> Made {
    let game = grid::negotiation(rng.random_range(0..grid::NEGOTIATIONS));
    let mut config = players(rng, human);
    config["game_type"] = "negotiation".into();
    config["game_args"] = json!({
        "seller_value": game.factor[0], "buyer_value": game.factor[1],
        "product_price_order": game.money.to_f64(), "max_rounds": rounds(game.horizon),
        "complete_information": game.complete_information, "messages_allowed": game.messages,
    });
    let (none, money) = (nothing(human), game.money.to_f64());
    let message = |text: &str| {
        if game.messages {
            format!("{},", cell(text))
        } else {
            String::new()
        }
    };
    let mut table = format!(
        "{}product_price,player,round,decision\n",
        if game.messages { "message," } else { "" }
    );
    let [seller, buyer] = game.factor;
    let mut expected = (
        0.0,
        0.0,
        Some(if buyer <= seller { 1.0 } else { 0.0 }),
        Some(1.0),
    );
    let mut messages = 0;
    for round in 1..=rounds(game.horizon) {
        let price = rng.random_range(game.money.minor() / 2..2 * game.money.minor()) as f64 / 100.0;
        let [proposer, other] = if round % 2 == 1 {
            ["Alice", "Bob"]
        } else {
            ["Bob", "Alice"]
        };
        messages += u64::from(game.messages);
        let _ = writeln!(
            table,
            "{}{price:?},{proposer},{round},{none}",
            message(WORDS[rng.random_range(0..4)])
        );
        let draw = rng.random::<f64>();
        let leave = if other == "Alice" {
            "SellToJhon"
        } else {
            "BuyFromJhon"
        };
        let decision = if draw < 0.3 {
            "AcceptOffer"
        } else if draw < 0.4 {
            leave
        } else {
            "RejectOffer"
        };
        let _ = writeln!(table, "{},{other},{round},{decision}", message(none));
        if decision == "AcceptOffer" {
            let price = price / money;
            let efficient = price >= seller && price <= buyer;
            let middle = f64::midpoint(seller, buyer);
            let fair = 1.0 - 4.0 * (price - middle).powi(2);
            expected = (
                price - seller,
                buyer - price,
                Some(f64::from(u8::from(efficient))),
                Some(fair),
            );
        }
        if decision != "RejectOffer" {
            break;
        }
    }
    Made {
        family: "negotiation",
        config,
        table,
        expected,
        messages,
    }
}

fn persuasion(rng: &mut Stream, human: bool) -> Made {
    let game = grid::persuasion(rng.random_range(0..grid::PERSUASIONS));
    let text = game.seller_message == palaestra_envs::language::SellerMessage::Text;
    let mut config = players(rng, human);
    config["game_type"] = "persuasion".into();
    config["game_args"] = json!({
        "is_myopic": game.myopic, "product_price": game.money.to_f64(), "p": game.p, "c": 0.0, "v": game.value_high,
        "total_rounds": 20, "is_seller_know_cv": game.seller_knows_values,
        "seller_message_type": if text { "text" } else { "binary" },
    });
    let none = nothing(human);
    let mut table = "round_quality,product_worth,player,round,message,decision\n".to_owned();
    let buyer = if game.myopic { "the buyer" } else { "Bob" };
    let [
        mut high,
        mut sold_high,
        mut sold_low,
        mut passed_low,
        mut messages,
    ] = [0u32; 5];
    for round in 1..=20 {
        let good = rng.random::<f64>() < game.p;
        let quality = if good { "high-quality" } else { "low-quality" };
        let _ = writeln!(
            table,
            "{quality},{:?},Nature,{round},{none},{none}",
            game.money.to_f64()
        );
        if text {
            messages += 1;
            let _ = writeln!(
                table,
                ",,Alice,{round},{},{none}",
                cell(WORDS[rng.random_range(0..4)])
            );
        } else {
            let _ = writeln!(
                table,
                ",,Alice,{round},{none},{}",
                if good { "yes" } else { "no" }
            );
        }
        let buys = rng.random::<f64>() < 0.5;
        let _ = writeln!(
            table,
            ",,{buyer},{round},{none},{}",
            if buys { "yes" } else { "no" }
        );
        high += u32::from(good);
        sold_high += u32::from(good && buys);
        sold_low += u32::from(!good && buys);
        passed_low += u32::from(!good && !buys);
    }
    let gain = f64::from(sold_high) * (game.value_high - 1.0) - f64::from(sold_low);
    let part = |part: u32, all: u32| (all > 0).then(|| f64::from(part) / f64::from(all));
    let expected = (
        f64::from(sold_high + sold_low) / 20.0,
        gain / 20.0,
        part(sold_high, high),
        part(passed_low, 20 - high),
    );
    Made {
        family: "persuasion",
        config,
        table,
        expected,
        messages: messages.into(),
    }
}

/// Games of all families below `root`, and what they are to come to.
fn tree(root: &Path, games: usize) -> Vec<Made> {
    let mut rng = Stream::new(7, 0, "test.games");
    let made = (0..games).map(|index| {
        let human = index % 5 == 0;
        let make = [bargaining, negotiation, persuasion][index % 3];
        let made = make(&mut rng, human);
        let experiment = root.join(if human { "human_vs_llm" } else { "llm_vs_llm" });
        let config = if index % 2 == 0 {
            made.config.to_string()
        } else {
            format!("{:#}", made.config)
        };
        let id = format!("{:0>16}", format!("{:X}", index * 7919 + 1));
        let files = [
            ("config.json", &*config),
            ("game.csv", &*made.table),
            ("log_player_1.csv", "prompt,response\n"),
        ];
        put(&experiment, made.family, &id, &files);
        made
    });
    made.collect()
}

#[test]
fn a_tree_of_a_thousand_games_comes_to_what_was_played() {
    let place = tempfile::tempdir().unwrap();
    let (root, out) = (place.path().join("Data"), place.path().join("out"));
    let made = tree(&root, 1000);
    // Beside them: games that were not finished, one that the released scripts leave out, and the rest of a crash.
    let config = made[1].config.to_string();
    let experiment = root.join("llm_vs_llm");
    put(
        &experiment,
        "negotiation",
        "ZZZ0000000000001",
        &[("config.json", &config)],
    );
    let partial = [
        (".partial/config.json", &*config),
        (".partial/game.csv", "player\n"),
    ];
    put(&experiment, "negotiation", "ZZZ0000000000002", &partial);
    let broken_off = [("config.json", &*config), ("game.csv", "")];
    put(
        &experiment,
        "negotiation",
        "ZZZ0000000000005.tmp",
        &broken_off,
    );
    let open = [
        ("config.json", &*config),
        (
            "game.csv",
            "product_price,player,round,decision\n5.0,Alice,1,\n",
        ),
    ];
    put(&experiment, "negotiation", "ZZZ0000000000003", &open);
    let talkative =
        "message,product_price,player,round,decision\na,5.0,Alice,1,\nb,,Bob,1,AcceptOffer\n";
    put(
        &experiment,
        "negotiation",
        "ZZZ0000000000004",
        &[("config.json", &config), ("game.csv", talkative)],
    );
    let twice = "product_price,player,round,decision\n5.0,Alice,1,\n,Bob,1,RejectOffer\n,Bob,1,AcceptOffer\n";
    put(
        &experiment,
        "negotiation",
        "ZZZ0000000000005",
        &[("config.json", &config), ("game.csv", twice)],
    );

    let mut heard = 0;
    let imported = import(&root, &out, ImportOptions::default(), |_, _| heard += 1).unwrap();
    assert_eq!((imported.games, imported.read, heard), (1000, 1004, 1004));
    assert_eq!(imported.left_out.values().sum::<u64>(), 4);
    assert_eq!(
        imported.left_out["a negotiation with more messages than decisions"],
        1
    );
    assert_eq!(
        imported.left_out["a negotiation with more decisions than rounds"],
        1
    );

    let games: Vec<Game> = rows(&out.join("games.parquet"));
    let mut by_family: BTreeMap<&str, Vec<&Made>> = BTreeMap::new();
    for made in &made {
        by_family.entry(made.family).or_default().push(made);
    }
    for (family, made) in by_family {
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let expected = [
            mean(made.iter().map(|m| m.expected.0).collect()),
            mean(made.iter().map(|m| m.expected.1).collect()),
            mean(made.iter().filter_map(|m| m.expected.2).collect()),
            mean(made.iter().filter_map(|m| m.expected.3).collect()),
        ];
        let own = || games.iter().filter(|game| game.family == family);
        let found = [
            mean(own().map(|game| game.alice_gain).collect()),
            mean(own().map(|game| game.bob_gain).collect()),
            mean(own().filter_map(|game| game.efficiency).collect()),
            mean(own().filter_map(|game| game.fairness).collect()),
        ];
        let told = &imported.families[family];
        let told_means = [
            told.alice_gain,
            told.bob_gain,
            told.efficiency.unwrap(),
            told.fairness.unwrap(),
        ];
        for ((found, expected), told) in found.iter().zip(expected).zip(told_means) {
            assert!(
                (found - expected).abs() <= 1e-12,
                "{family}: {found} instead of {expected}"
            );
            assert!(
                (told - expected).abs() <= 1e-12,
                "{family}: {told} instead of {expected}"
            );
        }
        assert_eq!(told.games, made.len() as u64);
        assert_eq!(told.messages, made.iter().map(|m| m.messages).sum::<u64>());
        assert_eq!(
            own().filter(|game| game.human).count(),
            made.iter()
                .filter(|m| m.config["player_1_type"] == "otree")
                .count()
        );
    }
    // Names of providers are gone, forms and their model have names.
    let mut names: Vec<&str> = games
        .iter()
        .flat_map(|game| [&*game.alice, &*game.bob])
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(
        names,
        [
            "gemini-1.5-flash",
            "gpt-4o",
            "human",
            "meta/llama-3.3",
            "o3-mini"
        ]
    );
    let actions: Vec<ActionRow> = rows(&out.join("actions.parquet"));
    assert_eq!(actions.len() as u64, imported.actions);
    let lines: usize = made
        .iter()
        .map(|m| {
            csv::Reader::from_reader(m.table.as_bytes())
                .records()
                .count()
        })
        .sum();
    assert_eq!(actions.len(), lines);
    let said: Vec<&str> = actions
        .iter()
        .filter_map(|action| action.message.as_deref())
        .collect();
    assert_eq!(
        said.len() as u64,
        made.iter().map(|m| m.messages).sum::<u64>()
    );
    assert!(said.iter().all(|text| WORDS.contains(text)));
}

#[test]
fn what_is_wrong_is_told_with_file_row_and_column() {
    let config = r#"{"game_type": "bargaining", "player_1_type": "litellm", "player_2_type": "litellm",
        "player_1_args": {"public_name": "Alice", "model_name": "a"}, "player_2_args": {"public_name": "Bob", "model_name": "b"},
        "game_args": {"money_to_divide": 100, "max_rounds": 12, "complete_information": true, "messages_allowed": false,
        "delta_1": 0.9, "delta_2": 0.9}}"#;
    let head = "alice_gain,bob_gain,player,round,decision\n";
    for (table, expected) in [
        (
            "alice_gain,player,round\n",
            "line 1, `bob_gain`: there is no such column",
        ),
        (
            "alice_gain,bob_gain,player,round,decision\n60,41,Alice,1,\n",
            "line 2, `alice_gain`: the gains add up to 101",
        ),
        (
            "alice_gain,bob_gain,player,round,decision\n60,forty,Alice,1,\n",
            "line 2, `bob_gain`: `forty` is no number",
        ),
        (
            "alice_gain,bob_gain,player,round,decision\n60,40,Bob,1,\n",
            "line 2, `player`: is Bob, but it is the turn of Alice",
        ),
        (
            "alice_gain,bob_gain,player,round,decision\n60,40,Alice,2,\n",
            "line 2, `round`: is 2, but this is round 1",
        ),
        (
            "alice_gain,bob_gain,player,round,decision\n60,40,Carol,1,\n",
            "line 2, `player`: `Carol` is none of Alice, Bob, Nature",
        ),
        (
            "alice_gain,bob_gain,player,round,decision\n60,40,Alice,1,\n,,Bob,1,Accept\n",
            "line 3, `decision`: `Accept` is none of accept",
        ),
        (
            "alice_gain,bob_gain,player,round,decision\n60,40,Alice,1,\n,,Bob,1\n",
            "line 3: is no CSV",
        ),
        (
            "alice_gain,bob_gain,player,round,decision\n60,40,Alice,x,\n",
            "line 2, `round`: `x` is no round",
        ),
        (
            "alice_gain,bob_gain,player,round,decision\n,,Alice,1,\n",
            "line 2: is neither an offer nor a decision",
        ),
        (
            &format!("{head}60,40,Alice,1,\n,,Bob,1,accept\n1,99,Bob,2,\n"),
            "line 4: comes after the end",
        ),
    ] {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("Data");
        put(
            &root.join("x"),
            "bargaining",
            "ABCDEF0123456789",
            &[("config.json", config), ("game.csv", table)],
        );
        let out = place.path().join("out");
        let error = import(&root, &out, ImportOptions::default(), |_, _| ()).unwrap_err();
        let told = error.to_string();
        assert!(
            told.contains("ABCDEF0123456789/game.csv") && told.contains(expected),
            "{told}"
        );
        assert!(!out.join("games.parquet").exists() && !out.join("games.parquet.tmp").exists());
        let lenient = ImportOptions {
            lenient: true,
            ..ImportOptions::default()
        };
        let counted = import(&root, &out, lenient, |_, _| ()).unwrap();
        assert_eq!(
            (counted.games, counted.refused, counted.problems.len()),
            (0, 1, 1)
        );
    }
    let place = tempfile::tempdir().unwrap();
    let wrong = config.replace("max_rounds", "max_round");
    put(
        &place.path().join("x"),
        "bargaining",
        "ABCDEF0123456789",
        &[("config.json", &wrong), ("game.csv", head)],
    );
    let error = import(
        place.path(),
        &place.path().join("out"),
        ImportOptions::default(),
        |_, _| (),
    )
    .unwrap_err();
    assert!(
        error.to_string().contains("did you mean `max_rounds`?"),
        "{error}"
    );
    fs::write(
        place
            .path()
            .join("x/bargaining/A/B/C/ABCDEF0123456789/config.json"),
        b"{\n\xff",
    )
    .unwrap();
    let error = import(
        place.path(),
        &place.path().join("out"),
        ImportOptions::default(),
        |_, _| (),
    )
    .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("config.json, line 2: is no UTF-8"),
        "{error}"
    );
    let empty = tempfile::tempdir().unwrap();
    let error = import(
        empty.path(),
        &empty.path().join("out"),
        ImportOptions::default(),
        |_, _| (),
    )
    .unwrap_err();
    assert!(error.help().unwrap().contains("config.json"));
    fs::write(empty.path().join("no.parquet"), b"PAR1 is what this is not").unwrap();
    assert!(TableReader::<Game>::open(&empty.path().join("no.parquet")).is_err());
}

#[test]
fn experiments_are_named_wherever_the_import_begins() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("Data");
    tree(&root, 15);
    let names = |folder: &Path| {
        let out = place.path().join("out");
        import(folder, &out, ImportOptions::default(), |_, _| ()).unwrap();
        let games: Vec<Game> = rows(&out.join("games.parquet"));
        let mut names: Vec<String> = games.iter().map(|game| game.experiment.clone()).collect();
        names.dedup();
        names
    };
    assert_eq!(names(&root), ["human_vs_llm", "llm_vs_llm"]);
    assert_eq!(names(&root.join("llm_vs_llm")), ["llm_vs_llm"]);
}
