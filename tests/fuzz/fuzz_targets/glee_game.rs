//! Any text as the files of a recorded language game: an error with a place in the file, or actions, never a panic.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use palaestra::language::{LanguageError, read_config, read_rows};

/// A game of each family, whose rows the rest of the input is taken for.
const CONFIGS: [&str; 3] = [
    r#"{"game_type": "bargaining", "player_1_type": "a", "player_2_type": "b", "player_1_args": {"delta": 0.9}, "player_2_args": {"delta": 0.9},
        "game_args": {"money_to_divide": 100, "max_rounds": 12, "complete_information": true, "messages_allowed": true}}"#,
    r#"{"game_type": "negotiation", "player_1_type": "a", "player_2_type": "b",
        "game_args": {"seller_value": 1, "buyer_value": 1.2, "product_price_order": 100, "max_rounds": 10, "complete_information": true, "messages_allowed": true}}"#,
    r#"{"game_type": "persuasion", "player_1_type": "a", "player_2_type": "b",
        "game_args": {"is_myopic": false, "product_price": 100, "p": 0.5, "c": 0, "v": 2, "is_seller_know_cv": true, "seller_message_type": "text"}}"#,
];

fuzz_target!(|input: (u8, &str)| {
    let (choice, text) = input;
    let path = Path::new("game.csv");
    let lines = text.lines().count() as u64 + 1;
    match read_config(Path::new("config.json"), text) {
        Ok(config) => assert!(config.game.check().is_ok()),
        Err(LanguageError::Data { .. }) => {}
        Err(other) => panic!("{other}"),
    }
    let config = CONFIGS[usize::from(choice) % CONFIGS.len()];
    let config = read_config(path, config).expect("these are configurations");
    match read_rows(path, text, &config) {
        Ok((actions, places)) => {
            assert_eq!(actions.len(), places.len());
            assert!(places.iter().all(|line| (1..=lines).contains(line)));
        }
        Err(LanguageError::Data { place, .. }) => {
            assert!(place.line.is_none_or(|line| line <= lines + 1));
        }
        Err(other) => panic!("{other}"),
    }
});
