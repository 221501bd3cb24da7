//! The transition against its definition and against a counter that looks at the whole history of plays.

use proptest::prelude::*;

use crate::bandits::{ArmCaps, ArmConfig, Instance, InstanceConfig, StartConfig, state};

/// A one-armed instance with these caps; the payoff of state `s` is a number that names `s`.
fn one_arm(caps: ArmCaps, start: i16) -> Instance {
    let arm = ArmConfig::StateTable {
        rested: (1..=caps.idle).map(payoff_of).collect(),
        satiated: (1..=caps.played).map(|n| payoff_of(-n)).collect(),
        period: caps.period.unsigned_abs(),
    };
    let config = InstanceConfig {
        arms: vec![arm],
        start: StartConfig::States(vec![start]),
        horizon: 1,
        ..InstanceConfig::preset("stat3").unwrap()
    };
    config.build().unwrap()
}

fn payoff_of(s: i16) -> f64 {
    0.5 + f64::from(s) / 256.0
}

#[test]
fn branch_free_form_equals_the_definition_in_every_state() {
    for played in 1..=6 {
        for idle in 1..=9 {
            for period in 1..=idle {
                let caps = ArmCaps {
                    played,
                    idle,
                    period,
                };
                let instance = one_arm(caps, 1);
                assert_eq!(instance.caps(0), caps);
                for tau in caps.states() {
                    for plays in [false, true] {
                        let expected = if plays {
                            caps.play(tau)
                        } else {
                            caps.idle(tau)
                        };
                        assert!(caps.contains(expected));
                        let stepped = state::step(tau, plays, -played, idle, caps.wrapped());
                        assert_eq!(stepped, expected, "{caps:?} {tau} {plays}");

                        let (mut row, mut paid) = ([tau], Vec::new());
                        instance.play_row(&mut row, |_| plays, |arm, mean| paid.push((arm, mean)));
                        assert_eq!(row, [expected]);
                        let mean = payoff_of(tau) as f32;
                        assert_eq!(paid, if plays { vec![(0, mean)] } else { vec![] });

                        let mut row = [tau];
                        if plays {
                            assert_eq!(instance.play_one(&mut row, 0), mean);
                        } else {
                            instance.idle_row(&mut row);
                        }
                        assert_eq!(row, [expected]);
                    }
                }
            }
        }
    }
}

/// Signed time since the last switch, read off the whole history of plays, then capped or wrapped.
fn last_switch(history: &[bool], caps: ArmCaps) -> i16 {
    let last = *history.last().unwrap();
    let since = history.iter().rev().take_while(|&&p| p == last).count() as i16;
    if last {
        -since.min(caps.played)
    } else if since <= caps.idle {
        since
    } else {
        caps.wrapped() + (since - caps.idle - 1) % caps.period
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]

    #[test]
    fn states_count_the_rounds_since_the_last_switch(
        played in 1i16..8,
        idle in 1i16..14,
        season in 0i16..14,
        begin in 0usize..64,
        bits in any::<u64>(),
        rounds in 1u32..64,
    ) {
        let caps = ArmCaps { played, idle, period: 1 + season % idle };
        let start = caps.states().nth(begin % (played + idle) as usize).unwrap();
        let mut tau = start;
        let mut history = vec![start < 0; usize::from(start.unsigned_abs())];
        for round in 0..rounds {
            let plays = bits >> round & 1 == 1;
            tau = state::step(tau, plays, -played, idle, caps.wrapped());
            history.push(plays);
            prop_assert_eq!(tau, last_switch(&history, caps));
        }
    }
}
