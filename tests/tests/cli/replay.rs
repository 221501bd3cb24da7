//! `replay` of episodes with a hidden state: the belief about it beside the picture.

use serde_json::Value;

use super::support::Bench;

fn run(bench: &Bench, env: &str, agent: &str) {
    let text = format!(
        r#"
        schema = 1
        experiment = {{ name = "hidden", seeds = [0], total_env_steps = 200 }}
        env = {{ {env} }}
        agents = [{{ id = "{agent}" }}]
        "#
    );
    bench.write("hidden.toml", &text);
    bench.ok(&["run", "hidden.toml", "--out", "run", "--force"]);
}

/// The first `lines` of `text`.
fn first(text: &str, lines: usize) -> String {
    let kept: Vec<&str> = text.lines().take(lines).collect();
    kept.join("\n")
}

#[test]
fn beliefs_stand_beside_the_pictures() {
    let bench = Bench::new();
    for (name, env, lines) in [
        ("replay_tiger", r#"id = "tiger-v1""#, 16),
        ("replay_tag", r#"id = "tag-v1""#, 44),
        ("replay_rock_sample", r#"id = "rock_sample-v1""#, 70),
        ("replay_t_maze", r#"id = "t_maze-v1""#, 40),
    ] {
        run(&bench, env, "qmdp");
        insta::assert_snapshot!(name, first(&bench.ok(&["replay", "run"]), lines));
    }
}

fn frames(bench: &Bench) -> Vec<Value> {
    let text = bench.ok(&["replay", "run", "--format", "json"]);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn documents_carry_the_belief() {
    let bench = Bench::new();
    run(&bench, r#"id = "tiger-v1""#, "qmdp");
    let frames = frames(&bench);
    // Listening is right with probability 0.85.
    let heard = frames[1]["players"][0]["observation"].as_u64().unwrap() as usize;
    assert_eq!(frames[0]["players"][0]["action_name"], "listen");
    let known = &frames[1]["belief"]["known"];
    let probability = |state: usize| known["states"][state]["probability"].as_f64().unwrap();
    assert!((probability(heard) - 0.85).abs() < 1e-12, "{known}");
    assert!((probability(1 - heard) - 0.15).abs() < 1e-12, "{known}");
    assert_eq!(known["states"][0]["state"], "tiger-left");
    let hidden = known["hidden"].as_str().unwrap();
    assert!(["tiger-left", "tiger-right"].contains(&hidden));
    let entropy = -(0.85_f64 * 0.85_f64.ln() + 0.15 * 0.15_f64.ln());
    assert!((known["entropy"].as_f64().unwrap() - entropy).abs() < 1e-12);
}

#[test]
fn there_is_no_belief_without_a_model_or_behind_other_observations() {
    let bench = Bench::new();
    for env in [
        r#"id = "cartpole-v1""#,
        r#"id = "tiger-v1", wrappers = [{ kind = "delay_observation", delay = 1 }]"#,
    ] {
        run(&bench, env, "random");
        let frames = frames(&bench);
        assert!(
            frames.iter().all(|frame| frame.get("belief").is_none()),
            "{env}"
        );
    }
}
