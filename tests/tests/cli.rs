//! The program as users call it.

mod cli {
    mod bandits;
    mod errors;
    mod examples;
    mod quickstart;
    mod solve;
    mod support;
}
