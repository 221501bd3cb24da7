//! Any text as a player's answer in a language game: a move that can be written and read back, or an error with a place in
//! the text, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palaestra_envs::language::{
    Money,
    answer::{AnswerError, Expected, Reading, read, write},
};

fuzz_target!(|input: (u8, &str)| {
    let (choice, text) = input;
    let message = choice & 1 == 1;
    let money = Money::whole(1000);
    let due = match choice >> 1 & 7 {
        0 => Expected::Split {
            money,
            keys: ["alice_gain", "bob_gain"].map(str::to_owned),
            message,
        },
        1 => Expected::BargainingVerdict { walk_away: message },
        2 => Expected::Price {
            highest: money,
            message,
        },
        3 => Expected::NegotiationVerdict {
            player: usize::from(message),
            walk_away: choice & 16 != 0,
        },
        4 => Expected::SellerText,
        5 => Expected::Recommendation,
        _ => Expected::Purchase { message },
    };
    match read(text, &due, &Reading::default()) {
        Ok(action) => {
            let again = write(&action, &due).expect("what is read can be written");
            assert_eq!(read(&again, &due, &Reading::default()), Ok(action));
        }
        Err(
            AnswerError::BadJson { position, .. }
            | AnswerError::WrongType { position, .. }
            | AnswerError::OutOfRange { position, .. }
            | AnswerError::UnknownDecision { position, .. },
        ) => assert!(position <= text.len()),
        Err(_) => {}
    }
    let _ = read(text, &due, &Reading::upstream());
});
