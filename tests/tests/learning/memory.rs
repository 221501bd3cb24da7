//! PPO that remembers, as experiment files ship it: targets (a), (b) and (d) of memory, with less budget where that is enough.

use super::support::{Bench, repository};

/// Final scores by agent of an experiment of `experiments/configs/in_context`.
fn scores(bench: &Bench, name: &str, set: &[&str]) -> Vec<(String, f64)> {
    let file = repository().join(format!("experiments/configs/in_context/{name}.toml"));
    let file = file.display().to_string();
    let mut args = vec!["run", &file, "--out", name];
    for assignment in set {
        args.extend(["--set", assignment]);
    }
    let document = bench.json(&args);
    let agents = document["agents"].as_array().unwrap().iter();
    let score = |agent: &serde_json::Value| {
        let scores = agent["scores"].as_array().unwrap();
        let scores = scores.iter().map(|score| score.as_f64().unwrap());
        (
            agent["agent"].as_str().unwrap().to_owned(),
            scores.clone().sum::<f64>() / scores.len() as f64,
        )
    };
    agents.map(score).collect()
}

/// 1 is perfect, -0.5 is chance.
#[test]
fn s5_learns_to_say_the_first_card() {
    let bench = Bench::new();
    let [(_, score)] = &scores(&bench, "repeat_first_easy", &[])[..] else {
        panic!("one agent");
    };
    assert!(*score >= 0.95, "{score}");
    bench.ok(&["replay", "repeat_first_easy", "--verify"]);
}

#[test]
fn s5_learns_to_say_the_card_of_three_steps_ago() {
    let scores = scores(&Bench::new(), "repeat_previous_easy", &[]);
    assert!(scores[0].1 >= 0.9, "{scores:?}");
}

/// The card of 31 steps ago. Without memory the best that can be done is to guess.
#[test]
fn s5_is_not_behind_a_gru_at_longer_delays() {
    let set = ["experiment.total_env_steps=600_000"];
    let scores = scores(&Bench::new(), "repeat_previous_medium", &set);
    let [(_, s5), (_, gru), (_, none)] = &scores[..] else {
        panic!("three agents");
    };
    assert!(*s5 >= gru - 0.05, "{scores:?}");
    assert!(*s5 >= 0.5, "{scores:?}");
    assert!((none + 0.5).abs() <= 0.05, "{scores:?}");
}

const HIGHER_LOWER: &str = r#"
schema = 1
experiment = { name = "higher_lower", seeds = [0], total_env_steps = 200_000 }
env = { id = "higher_lower-v0", num_envs = 32, args = { difficulty = "easy" } }
agents = [{ id = "ppo", args = { layers = 0, encoder = [64], heads = [64], rollout = 64, epochs = 4, lr = 1e-3, lr_schedule = "linear", gamma = 0.5 } }]
eval = { episodes = 1024 }
log = { episodes = "none", tensorboard = false }
"#;

/// Higher or lower is worth 0.497 to who looks at the card alone, and 0.528 to who counts.
#[test]
fn without_memory_the_optimum_without_memory_is_reached() {
    let bench = Bench::new();
    bench.write("higher_lower.toml", HIGHER_LOWER);
    let document = bench.json(&["run", "higher_lower.toml"]);
    let score = document["agents"][0]["scores"][0].as_f64().unwrap();
    assert!((score - 0.497).abs() <= 0.02, "{score}");
}

/// In meta cart-pole the last trial of an episode beats the first, also through maps of a distribution never trained.
/// How much of that is learning about the map is another question: `docs/in_context.md`.
#[test]
fn s5_does_better_in_the_last_trial_than_in_the_first() {
    let bench = Bench::new();
    scores(
        &bench,
        "meta_cart_pole",
        &["experiment.total_env_steps=3_000_000", "eval.episodes=0"],
    );
    let held_out = "env.wrappers.0.distribution=\"normal\"";
    let args = [
        "eval",
        "meta_cart_pole",
        "--episodes",
        "512",
        "--held-out",
        held_out,
    ];
    let told = bench.json(&args);
    let agents = told["by_trial"][0]["agents"].as_array().unwrap();
    assert_eq!(agents.len(), 2, "{told}");
    for agent in agents {
        assert_eq!(agent["trials"].as_array().unwrap().len(), 16);
        assert!(
            agent["last_less_first"]["mean"].as_f64().unwrap() > 0.0,
            "{agent}"
        );
        assert!(agent["p_value"].as_f64().unwrap() < 0.01, "{agent}");
    }
}
