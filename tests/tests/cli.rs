//! The program as users call it.

mod cli {
    mod bandits;
    mod errors;
    mod quickstart;
    mod solve;
    mod support;
}
