//! Payoff families: values by hand, payoffs in range, random blocking instances as described.

use proptest::prelude::*;
use rand::{Rng, RngExt};

use crate::bandits::presets::BasuDelays;
use crate::bandits::{ArmConfig, InstanceConfig};
use crate::stream::Stream;

/// Means by hand at single states, to 1e-12.
#[test]
fn families_follow_their_formulas() {
    let cases: [(ArmConfig, i16, f64); 16] = [
        (
            ArmConfig::Blocking {
                mean: 0.9,
                delay: 3,
            },
            1,
            0.0,
        ),
        (
            ArmConfig::Blocking {
                mean: 0.9,
                delay: 3,
            },
            2,
            0.9,
        ),
        (
            ArmConfig::Blocking {
                mean: 0.9,
                delay: 1,
            },
            -1,
            0.9,
        ),
        (
            ArmConfig::ExpRecharge {
                mean: 0.8,
                decay: 0.5,
                max_delay: 9,
            },
            -1,
            0.4,
        ),
        (
            ArmConfig::ExpRecharge {
                mean: 0.8,
                decay: 0.5,
                max_delay: 9,
            },
            2,
            0.7,
        ),
        (
            ArmConfig::LinearRecharge {
                mean: 0.9,
                full_delay: 3,
            },
            -1,
            0.3,
        ),
        (
            ArmConfig::LinearRecharge {
                mean: 0.9,
                full_delay: 3,
            },
            2,
            0.9,
        ),
        (
            ArmConfig::LogisticRecharge {
                height: 0.6,
                slope: 2.0,
                center: 5.0,
                max_covariate: 30,
            },
            5,
            0.3,
        ),
        (
            ArmConfig::GammaHump {
                shape: 20.0,
                rate: 2.0,
                height: 0.7,
                max_covariate: 30,
            },
            21,
            0.7,
        ),
        (
            // x = 31: (31/10)^20 e^(20 − 62).
            ArmConfig::GammaHump {
                shape: 20.0,
                rate: 2.0,
                height: 1.0,
                max_covariate: 30,
            },
            -1,
            3.862_474_602_386_86e-9,
        ),
        (
            ArmConfig::Seasonal {
                base: 0.5,
                amplitude: 0.4,
                period: 4,
                satiation: 0.5,
                played_cap: 3,
            },
            2,
            0.1,
        ),
        (
            ArmConfig::Seasonal {
                base: 0.5,
                amplitude: 0.4,
                period: 4,
                satiation: 0.5,
                played_cap: 3,
            },
            -2,
            0.125,
        ),
        (
            ArmConfig::Spike {
                state: 4,
                value: 0.5,
            },
            5,
            0.0,
        ),
        (
            ArmConfig::Spike {
                state: -2,
                value: 0.5,
            },
            -2,
            0.5,
        ),
        (
            ArmConfig::Step {
                state: -2,
                low: 0.1,
                high: 0.7,
            },
            -3,
            0.1,
        ),
        (
            ArmConfig::Step {
                state: 9,
                low: 0.1,
                high: 0.7,
            },
            9,
            0.7,
        ),
    ];
    for (arm, tau, mean) in cases {
        let config = InstanceConfig {
            arms: vec![arm.clone()],
            ..InstanceConfig::preset("stat3").unwrap()
        };
        let instance = config.build().unwrap();
        assert!(instance.caps(0).contains(tau), "{arm:?}");
        let value = instance.mean(0, tau);
        assert!((value - mean).abs() < 1e-12, "{arm:?} at {tau}: {value}");
    }
}

fn random_arm(rng: &mut impl Rng) -> ArmConfig {
    let mut unit = || match rng.random_range(0..4) {
        0 => 0.0,
        1 => 1.0,
        _ => rng.random::<f64>(),
    };
    let [a, b, c, d] = [unit(), unit(), unit(), unit()];
    let (idle_cap, played_cap) = (rng.random_range(1..80), rng.random_range(1..30));
    let (center, width) = (rng.random_range(-20.0..20.0), rng.random_range(1e-3..10.0));
    match rng.random_range(0..6) {
        0 => ArmConfig::Geo {
            rested: a,
            base: b,
            deprivation: c,
            satiation: d,
            idle_cap,
            played_cap,
        },
        1 => ArmConfig::Logistic {
            low: a,
            high: b,
            center,
            width,
            idle_cap,
            played_cap,
        },
        2 => ArmConfig::Sigdep {
            low: a,
            high: b,
            center,
            width,
            satiation: c,
            idle_cap,
            played_cap,
        },
        3 => ArmConfig::Seasonal {
            base: a,
            amplitude: a.min(1.0 - a),
            period: idle_cap,
            satiation: c,
            played_cap,
        },
        4 => ArmConfig::GammaHump {
            shape: rng.random_range(1e-3..40.0),
            rate: rng.random_range(1e-3..10.0),
            height: a,
            max_covariate: rng.random_range(0..=30),
        },
        _ => ArmConfig::LogisticRecharge {
            height: a,
            slope: width,
            center,
            max_covariate: idle_cap,
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Parameters in range give payoffs in `[0, 1]` exactly, in spite of rounding.
    #[test]
    fn formulas_never_leave_the_unit_interval(seed in any::<u64>()) {
        let arm = random_arm(&mut Stream::new(seed, 0, "test.arm"));
        let config = InstanceConfig { arms: vec![arm], ..InstanceConfig::preset("stat3").unwrap() };
        let instance = config.build().unwrap();
        for tau in instance.caps(0).states() {
            prop_assert!((0.0..=1.0).contains(&instance.mean(0, tau)));
        }
    }
}

#[test]
fn random_blocking_instances_are_as_described() {
    for (delays, range) in [
        (BasuDelays::Small, 1..=10),
        (BasuDelays::Large, 11..=20),
        (BasuDelays::Fixed, 10..=10),
    ] {
        let mut met = vec![];
        for seed in 0..50 {
            let config = InstanceConfig::block_basu(delays, &mut Stream::new(seed, 0, "test.basu"));
            assert!(config.build().is_ok());
            assert_eq!((config.arms.len(), config.horizon), (20, 10_000));
            let mut last = 0.0;
            for arm in &config.arms {
                let &ArmConfig::Blocking { mean, delay } = arm else {
                    panic!("{arm:?}");
                };
                assert!((0.01..0.05 + 1e-12).contains(&(mean - last)));
                last = mean;
                met.push(delay);
            }
        }
        // 1000 draws of 10 values: none is missing, none is outside.
        assert!(range.clone().all(|delay| met.contains(&delay)));
        assert!(met.iter().all(|delay| range.contains(delay)));
    }
}
