//! Any messages to an order book: it tells the same events as the rules written plainly, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palaestra_envs::market::book::Ids;

#[path = "../../../envs/src/market/book/tests/naive.rs"]
mod naive;
#[path = "../../../envs/src/market/book/tests/pair.rs"]
mod pair;
#[path = "../../../envs/src/market/book/tests/steps.rs"]
mod steps;

use pair::{MODES, Pair, config};

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.iter();
    let mut below = |n: u32| {
        let mut byte = || u32::from(bytes.next().copied().unwrap_or(0));
        if n <= 256 { byte() % n } else { (byte() << 8 | byte()) % n }
    };
    let mode = MODES[below(4) as usize];
    let ids = [Ids::Sequential, Ids::Any][below(2) as usize];
    let mut pair = Pair::new(config(mode, ids, None));
    let mut last_id = 0;
    for time in 0..500 {
        pair.step(time, steps::step(&mut below, &mut last_id, 5));
        pair.compare();
    }
});
