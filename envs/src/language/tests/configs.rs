//! The published grid, and the released code's configuration files.

use std::collections::BTreeSet;

use crate::{
    error::EnvError,
    language::{
        BargainingConfig, Horizon, Money, PersuasionConfig, Reveal, SellerMessage, grid,
        upstream::{GameConfig, UpstreamConfig, read, write},
    },
};

/// Check 1.
#[test]
fn the_grid_has_its_sizes_no_duplicates_and_goes_through_files() {
    let all = (0..grid::BARGAININGS)
        .map(|i| GameConfig::Bargaining(grid::bargaining(i)))
        .chain((0..grid::NEGOTIATIONS).map(|i| GameConfig::Negotiation(grid::negotiation(i))))
        .chain((0..grid::PERSUASIONS).map(|i| GameConfig::Persuasion(grid::persuasion(i))));
    let mut seen = [(); 3].map(|()| BTreeSet::new());
    for game in all {
        game.check().unwrap();
        let text = write(&UpstreamConfig::new(game, ["litellm", "demo"])).unwrap();
        let again = read(&text).unwrap();
        assert_eq!(again.game, game);
        let family = ["bargaining", "negotiation", "persuasion"];
        let family = family
            .iter()
            .position(|name| *name == game.family())
            .unwrap();
        assert!(seen[family].insert(text), "{game:?} twice");
    }
    assert_eq!(seen.map(|texts| texts.len()), [384, 576, 360]);
    assert_eq!(grid::bargaining(grid::BARGAININGS + 3), grid::bargaining(3));
}

#[test]
fn files_are_read_as_they_are_and_written_back() {
    let text = r#"{
        "game_type": "bargaining",
        "player_1_type": "litellm", "player_2_type": "otree",
        "player_1_args": {"public_name": "Alice", "delta": 0.9, "model_name": "m", "model_kwargs": {"temperature": 0}},
        "player_2_args": {"public_name": "Bob", "delta": 0.95, "player_id": 2},
        "game_args": {"money_to_divide": 10000, "max_rounds": 99, "complete_information": false,
                      "messages_allowed": true, "timeout": 120, "delta_2": 0.8},
        "experiment_name": "first", "display_name": "A game", "participation_fee": 1.5, "qualification_id": "x",
        "date": "2024-10-01", "commit": "abc"
    }"#;
    let config = read(text).unwrap();
    let wanted = BargainingConfig {
        money: Money::whole(10_000),
        // Those of the game go before those of the players.
        delta: [0.9, 0.8],
        horizon: Horizon::Hidden { cap: 99 },
        complete_information: false,
        messages: true,
        ..BargainingConfig::default()
    };
    assert_eq!(config.game, GameConfig::Bargaining(wanted));
    assert_eq!(config.players[0].model_name.as_deref(), Some("m"));
    assert!(config.show_inflation_update);
    assert_eq!(config.form.len(), 5);
    assert_eq!(config.timeout, Some(120.0));
    assert_eq!(read(&write(&config).unwrap()).unwrap(), config);
    let text = r#"{"game_type": "persuasion", "player_1_type": "demo", "player_2_type": "demo",
        "game_args": {"is_myopic": true, "product_price": 100, "p": 0.5, "c": 0.0, "v": 2,
                      "is_seller_know_cv": false, "seller_message_type": "text"}}"#;
    let wanted = PersuasionConfig {
        money: Money::whole(100),
        value_high: 2.0,
        seller_knows_values: false,
        seller_message: SellerMessage::Text,
        myopic: true,
        ..PersuasionConfig::default()
    };
    assert_eq!(read(text).unwrap().game, GameConfig::Persuasion(wanted));
}

#[test]
fn what_is_wrong_with_a_file_is_named_with_its_place() {
    let negotiation = |args: &str| {
        let text = format!(
            r#"{{"game_type": "negotiation", "player_1_type": "demo", "player_2_type": "demo", "game_args": {{{args}}}}}"#
        );
        let Err(EnvError::Argument {
            path,
            suggestion,
            message,
        }) = read(&text)
        else {
            panic!("{text} is read")
        };
        (path, suggestion, message)
    };
    let good = r#""seller_value": 0.8, "buyer_value": 1.2, "product_price_order": 100, "max_rounds": 1,
        "complete_information": true"#;
    let (path, suggestion, _) = negotiation(&format!("{good}, \"message_allowed\": true"));
    assert_eq!(
        (path.as_str(), suggestion.as_deref()),
        ("game_args.message_allowed", Some("messages_allowed"))
    );
    let (path, _, message) = negotiation(good);
    assert!(
        path == "game_args" && message.contains("messages_allowed"),
        "{path} {message}"
    );
    let (path, ..) = negotiation(&format!("{good}, \"messages_allowed\": \"yes\""));
    assert_eq!(path, "game_args.messages_allowed");
    let (path, _, message) = negotiation(&format!(
        "{}, \"messages_allowed\": true",
        good.replace("0.8", "-1")
    ));
    assert!(
        path == "game_args" && message.contains("seller_value"),
        "{path} {message}"
    );
    let error = |text: &str| match read(text).unwrap_err() {
        EnvError::Argument {
            path, suggestion, ..
        } => (path, suggestion),
        other => panic!("{other}"),
    };
    let top = |kind: &str, more: &str| {
        format!(
            r#"{{"game_type": "{kind}", "player_1_type": "a", "player_2_type": "b", "game_args": {{}}{more}}}"#
        )
    };
    assert_eq!(
        error(&top("bargainning", "")),
        ("game_type".into(), Some("bargaining".into()))
    );
    let (path, suggestion) = error(&top("bargaining", ", \"player1_args\": {}"));
    assert_eq!(
        (path.as_str(), suggestion.as_deref()),
        ("player1_args", Some("player_1_args"))
    );
    assert_eq!(error("[]").0, "");
    let told = |horizon| {
        let config = BargainingConfig {
            horizon,
            ..BargainingConfig::default()
        };
        write(&UpstreamConfig::new(
            GameConfig::Bargaining(config),
            ["demo"; 2],
        ))
    };
    assert!(told(Horizon::Known(20)).is_ok() && told(Horizon::Hidden { cap: 21 }).is_ok());
    assert!(told(Horizon::Known(21)).is_err() && told(Horizon::Hidden { cap: 20 }).is_err());
    let hidden = PersuasionConfig {
        reveal: Reveal::OnPurchase,
        ..PersuasionConfig::default()
    };
    assert!(
        write(&UpstreamConfig::new(
            GameConfig::Persuasion(hidden),
            ["demo"; 2]
        ))
        .is_err()
    );
}
