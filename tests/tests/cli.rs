//! The program as users call it.

mod cli {
    mod bandits;
    mod bench;
    mod chat;
    mod errors;
    mod examples;
    mod language;
    mod market;
    mod play;
    mod play_browser;
    mod play_support;
    mod quickstart;
    mod realism;
    mod replay;
    mod solve;
    mod solve_game;
    mod solve_pomdp;
    mod support;
    mod tasks;
    mod trained;
}
