//! Configs: every problem is reported, and the text form is exact.

use crate::bandits::presets::PRESETS;
use crate::bandits::state::MAX_CAP;
use crate::bandits::{ArmConfig, InstanceConfig, NoiseConfig, StartConfig};

fn problems(config: &InstanceConfig) -> Vec<String> {
    let error = config.build().unwrap_err();
    let text = error.to_string();
    let listed: Vec<String> = error.problems.iter().map(ToString::to_string).collect();
    assert!(listed.iter().all(|problem| text.contains(problem.as_str())));
    listed
}

#[test]
fn every_problem_is_reported_with_its_arm_and_key() {
    let config = InstanceConfig {
        arms: vec![
            ArmConfig::Constant { mean: f64::NAN },
            ArmConfig::Geo {
                rested: 1.5,
                base: 0.5,
                deprivation: -0.1,
                satiation: 0.5,
                idle_cap: 0,
                played_cap: MAX_CAP + 1,
            },
            ArmConfig::DelayTable {
                payoffs: vec![0.5, 1.01, -0.2],
            },
            ArmConfig::StateTable {
                rested: vec![0.1, 0.2],
                satiated: vec![],
                period: 3,
            },
            ArmConfig::Logistic {
                low: 0.0,
                high: 1.0,
                center: f64::INFINITY,
                width: 0.0,
                idle_cap: 3,
                played_cap: 3,
            },
            ArmConfig::Seasonal {
                base: 0.6,
                amplitude: 0.5,
                period: 4,
                satiation: 0.5,
                played_cap: 1,
            },
            ArmConfig::Spike {
                state: 0,
                value: 0.5,
            },
            ArmConfig::GammaHump {
                shape: 0.0,
                rate: 1.0,
                height: 0.5,
                max_covariate: 31,
            },
            ArmConfig::Blocking {
                mean: 0.5,
                delay: 3,
            },
            ArmConfig::Blocking {
                mean: 0.5,
                delay: 3,
            },
        ],
        plays: 11,
        exact: true,
        start: StartConfig::States(vec![1, 1, 1, 1, 1, 1, 1, 1, 3, 0, 2]),
        noise: NoiseConfig::Gaussian { sigma: -1.0 },
        horizon: 0,
        optimal_rate: Some(12.0),
    };
    let expected = [
        "plays: must lie in 1..=10 (the number of arms), got 11",
        "horizon: must be at least 1 round",
        "noise.gaussian.sigma: must be finite and at least 0, got -1",
        "optimal_rate: must lie in [0, 11] (payoffs lie in [0, 1]), got 12",
        "arms[0].mean: must be in [0, 1], got NaN",
        "arms[1].rested: must be in [0, 1], got 1.5",
        "arms[1].deprivation: must be in [0, 1], got -0.1",
        "arms[1].idle_cap: must lie in 1..=32766, got 0",
        "arms[1].played_cap: must lie in 1..=32766, got 32767",
        "arms[2].payoffs[1]: must be in [0, 1], got 1.01",
        "arms[2].payoffs[2]: must be in [0, 1], got -0.2",
        "arms[3].satiated: must lie in 1..=32766, got 0",
        "arms[3].period: must lie in 1..=2, got 3",
        "arms[4].center: must be finite, got inf",
        "arms[4].width: must be finite and above 0, got 0",
        "arms[5].amplitude: the mean payoff in state 4 is 1.1, outside [0, 1]",
        "arms[6].state: must be a state other than 0 within ±32765, got 0",
        "arms[7].shape: must be finite and above 0, got 0",
        "arms[7].max_covariate: must lie in 0..=30, got 31",
        "start.states: needs one state for each of the 10 arms, got 11",
        "start.states[8]: 3 is not a state of this arm (-1..=-1 or 1..=2)",
        "start.states[9]: 0 is not a state of this arm (-1..=-1 or 1..=2)",
    ];
    assert_eq!(problems(&config), expected);
}

#[test]
fn an_instance_without_arms_is_refused() {
    let empty = InstanceConfig {
        arms: vec![],
        ..InstanceConfig::preset("stat3").unwrap()
    };
    assert_eq!(problems(&empty), ["arms: at least one arm is needed"]);
}

#[test]
fn tables_beyond_all_memory_are_refused() {
    let arm = ArmConfig::Step {
        state: 32_000,
        low: 0.0,
        high: 1.0,
    };
    let config = InstanceConfig {
        arms: vec![arm; 2100],
        ..InstanceConfig::preset("stat3").unwrap()
    };
    assert_eq!(
        problems(&config),
        ["arms: the payoff tables have 67204200 entries together, more than 67108864"]
    );
}

#[test]
fn the_text_form_of_every_preset_reads_back_as_written() {
    for preset in &PRESETS {
        let config = InstanceConfig::preset(preset.id).unwrap();
        let text = serde_json::to_string(&config).unwrap();
        let read: InstanceConfig = serde_json::from_str(&text).unwrap();
        assert_eq!(read, config, "{}", preset.id);
        assert!(!preset.summary.is_empty() && !preset.source.is_empty());
    }
}

#[test]
fn unknown_and_ill_typed_keys_are_refused() {
    let refused = |text: &str, words: &str| {
        let error = serde_json::from_str::<InstanceConfig>(text)
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    };
    let arm = r#"{"family": "constant", "mean": 0.5}"#;
    refused(
        &format!(r#"{{"arms": [{arm}], "horizon": 9, "play": 1}}"#),
        "`play`",
    );
    refused(&format!(r#"{{"arms": [{arm}], "horizon": -9}}"#), "-9");
    refused(&format!(r#"{{"arms": [{arm}]}}"#), "horizon");
    refused(
        r#"{"arms": [{"family": "constant", "men": 0.5}], "horizon": 9}"#,
        "`men`",
    );
    refused(
        r#"{"arms": [{"family": "constnt", "mean": 0.5}], "horizon": 9}"#,
        "`constnt`",
    );
    refused(
        &format!(r#"{{"arms": [{arm}], "horizon": 9, "noise": {{"gaussian": {{"sd": 1}}}}}}"#),
        "`sd`",
    );
    let read: InstanceConfig = serde_json::from_str(&format!(
        r#"{{"arms": [{arm}], "horizon": 9, "noise": {{"gaussian": {{"sigma": 0.1}}}},
            "start": {{"states": [-1]}}}}"#
    ))
    .unwrap();
    assert_eq!(read.noise, NoiseConfig::Gaussian { sigma: 0.1 });
    assert_eq!(read.start, StartConfig::States(vec![-1]));
}

#[test]
fn the_schema_names_every_family() {
    let schema = schemars::schema_for!(InstanceConfig);
    let text = serde_json::to_string(&schema).unwrap();
    for family in [
        "constant",
        "blocking",
        "exp_recharge",
        "linear_recharge",
        "logistic_recharge",
        "gamma_hump",
        "geo",
        "logistic",
        "sigdep",
        "seasonal",
        "spike",
        "step",
        "delay_table",
        "state_table",
    ] {
        assert!(text.contains(&format!(r#""const":"{family}""#)), "{family}");
    }
}
