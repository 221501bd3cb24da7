//! Any text as a `.pomdp` file: an error with a line of the file, or a model that can be written and read back, never a
//! panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palaestra_envs::pomdp::pomdp_file;

fuzz_target!(|text: &str| {
    match pomdp_file::read(text) {
        Ok(file) if file.model.num_states() * file.model.num_actions() < 10_000 => {
            let again = pomdp_file::read(&pomdp_file::write(&file.model));
            assert_eq!(again.map(|file| file.model), Ok(file.model));
        }
        Ok(_) => {}
        Err(error) => assert!((1..=text.lines().count().max(1)).contains(&error.line)),
    }
});
