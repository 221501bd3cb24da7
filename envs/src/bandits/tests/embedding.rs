//! Recharging, recovering, blocking and stationary arms written in their own time scale, as a delay family and as an
//! LSD state table: identical mean payoffs on random sequences of plays.

use proptest::prelude::*;

use crate::bandits::{ArmConfig, Instance, InstanceConfig, StartConfig};
use crate::math;

fn delay_arm() -> impl Strategy<Value = ArmConfig> {
    let (unit, cap) = (|| 0.0..=1.0f64, || 1u16..20);
    prop_oneof![
        unit().prop_map(|mean| ArmConfig::Constant { mean }),
        (unit(), cap()).prop_map(|(mean, delay)| ArmConfig::Blocking { mean, delay }),
        (unit(), unit(), cap()).prop_map(|(mean, decay, max_delay)| ArmConfig::ExpRecharge {
            mean,
            decay,
            max_delay
        }),
        (unit(), cap())
            .prop_map(|(mean, full_delay)| ArmConfig::LinearRecharge { mean, full_delay }),
        (unit(), 0.1..1.0f64, 0.1..30.0f64, 0u16..31).prop_map(
            |(height, slope, center, max_covariate)| {
                ArmConfig::LogisticRecharge {
                    height,
                    slope,
                    center,
                    max_covariate,
                }
            }
        ),
        prop::collection::vec(unit(), 1..12).prop_map(|payoffs| ArmConfig::DelayTable { payoffs }),
    ]
}

/// `p(1)`, `p(2)`, … up to the delay from which nothing changes, written out anew.
fn delay_form(arm: &ArmConfig) -> Vec<f64> {
    let list = |cap: u16, p: &dyn Fn(f64) -> f64| (1..=cap).map(|d| p(f64::from(d))).collect();
    match arm {
        ArmConfig::Constant { mean } => vec![*mean],
        ArmConfig::Blocking { mean, delay } => {
            let mut payoffs = vec![0.0; usize::from(*delay)];
            payoffs[usize::from(*delay) - 1] = *mean;
            payoffs
        }
        ArmConfig::ExpRecharge {
            mean,
            decay,
            max_delay,
        } => list(*max_delay, &|d| mean * (1.0 - math::powf(*decay, d))),
        ArmConfig::LinearRecharge { mean, full_delay } => {
            list(*full_delay, &|d| mean * (d / f64::from(*full_delay)))
        }
        ArmConfig::LogisticRecharge {
            height,
            slope,
            center,
            max_covariate,
        } => list(max_covariate + 1, &|d| {
            height * (1.0 / (1.0 + math::exp(-(slope * (d - 1.0 - center)))))
        }),
        ArmConfig::DelayTable { payoffs } => payoffs.clone(),
        other => panic!("{other:?} is no delay family"),
    }
}

fn build(arms: Vec<ArmConfig>, start: StartConfig) -> Instance {
    let plays = arms.len();
    let config = InstanceConfig {
        arms,
        plays,
        start,
        ..InstanceConfig::preset("geo3").unwrap()
    };
    InstanceConfig {
        optimal_rate: None,
        ..config
    }
    .build()
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn three_ways_to_write_an_arm_pay_the_same(
        arms in prop::collection::vec(delay_arm(), 1..4),
        just_played in any::<bool>(),
        rounds in prop::collection::vec(any::<u8>(), 1..60),
    ) {
        let start = if just_played { StartConfig::JustPlayed } else { StartConfig::Rested };
        let forms: Vec<Vec<f64>> = arms.iter().map(delay_form).collect();
        let by_family = build(arms, start.clone());
        let tables = forms.iter().map(|p| ArmConfig::StateTable {
            rested: if p.len() > 1 { &p[1..] } else { p }.to_vec(),
            // A replay pays p(1) however many plays went before: three equal entries must not matter.
            satiated: vec![p[0]; 3],
            period: 1,
        });
        let by_table = build(tables.collect(), start);

        let (mut family, mut table) = (by_family.start().to_vec(), by_table.start().to_vec());
        // The third way: a counter of the delay, without any state of ours.
        let mut delays: Vec<usize> =
            forms.iter().map(|p| if just_played { 1 } else { p.len() }).collect();
        for plays in rounds {
            let played = |arm: usize| plays >> arm & 1 == 1;
            for (arm, p) in forms.iter().enumerate() {
                let mean = p[delays[arm] - 1];
                prop_assert_eq!(by_family.mean(arm, family[arm]), mean);
                prop_assert_eq!(by_table.mean(arm, table[arm]), mean);
                delays[arm] = if played(arm) { 1 } else { (delays[arm] + 1).min(p.len()) };
            }
            by_family.play_row(&mut family, played, |_, _| ());
            by_table.play_row(&mut table, played, |_, _| ());
        }
    }
}
