//! Any JSON as a space and as a value of it: an error or a value that the space can check, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palaestra_envs::space::Space;

fuzz_target!(|text: &str| {
    let (space, value) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(space) = serde_json::from_str::<Space>(space) else { return };
    let small = space.leaves().iter().all(|(_, leaf)| leaf.width() < 1000);
    if let (true, Ok(value)) = (small, serde_json::from_str(value)) {
        let mut columns = space.columns(1);
        if space.row_from_json(&mut columns, 0, &value).is_ok() {
            let _ = space.check_row(&columns, 0);
        }
    }
});
