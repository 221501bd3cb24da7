//! Checks 8 and 19: what a seat may not know does not change anything it sees.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::structured::{IDS, act, builder, view};
use crate::{
    language::{Bargaining, BargainingConfig, structured::Talk},
    sim::{Autoreset, RowReset, Simulator},
    stream::Stream,
};

fn begin(id: &str, args: &Value, seed: u64) -> Simulator {
    let mut simulator = builder(id, args)
        .autoreset(Autoreset::Disabled)
        .build()
        .unwrap();
    simulator.reset_rows(&[RowReset::seeded(0, seed)]).unwrap();
    simulator
}

/// Plays two games alike, at random, and demands that `seat` sees, may do and earns the same in both for `steps` steps.
fn indistinguishable(id: &str, games: [&Value; 2], seat: usize, seed: u64, steps: usize) {
    let running = games.map(|args| begin(id, args, seed));
    alike(running, seat, seed, steps, &format!("{games:?}"));
}

fn alike([mut a, mut b]: [Simulator; 2], seat: usize, seed: u64, steps: usize, games: &str) {
    let mut draws = Stream::new(seed, 1, "test.play");
    for step in 0..=steps {
        let place = format!("{games}, seat {seat}, step {step}");
        assert_eq!(view(&a, seat), view(&b, seat), "{place}");
        let (x, y) = (a.border().player(seat), b.border().player(seat));
        assert_eq!(x.mask_row(0), y.mask_row(0), "{place}");
        assert_eq!(x.acting[0], y.acting[0], "{place}");
        assert_eq!(x.reward[0], y.reward[0], "{place}");
        assert_eq!(a.border().ended(0), b.border().ended(0), "{place}");
        if a.border().ended(0) || step == steps {
            break;
        }
        act(&mut a, &mut draws);
        for player in 0..2 {
            let action = a.border().player(player).action().i32(0).to_vec();
            let border = b.border_mut().player_mut(player);
            border.action_mut().i32_mut(0).copy_from_slice(&action);
        }
        a.step().unwrap();
        b.step().unwrap();
    }
}

/// Games of the published grid that differ in the rival's type alone, as the episodes of one environment draw them.
#[test]
fn published_games_hide_the_rivals_type() {
    let args = json!({"config": "published", "offers": 11});
    let draw = |seed: u64| {
        let simulator = begin(IDS[0], &args, seed);
        let talk = simulator.row_state::<Talk<Bargaining>>(0).unwrap().unwrap();
        (talk.game().config, simulator)
    };
    let mut met: Vec<(BargainingConfig, u64)> = Vec::new();
    let mut compared = [0; 2];
    for seed in 0..300 {
        let (config, _) = draw(seed);
        if config.complete_information {
            continue;
        }
        for (seat, compared) in compared.iter_mut().enumerate() {
            let with_own = |other: &BargainingConfig| {
                let mut delta = other.delta;
                delta[1 - seat] = config.delta[1 - seat];
                BargainingConfig { delta, ..*other } == config && *other != config
            };
            let Some((_, other)) = met.iter().find(|(other, _)| with_own(other)) else {
                continue;
            };
            let running = [seed, *other].map(|seed| draw(seed).1);
            alike(running, seat, seed, 24, &format!("{config:?}"));
            *compared += 1;
        }
        met.push((config, seed));
    }
    assert!(compared.iter().all(|&games| games > 20), "{compared:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Rounds after the first included, in which what has melted would give the other's factor away.
    #[test]
    fn a_rivals_discount_factor_stays_hidden(
        seed in any::<u64>(), own in 0.1f64..=1.0, one in 0.1f64..=1.0, other in 0.1f64..=1.0,
        messages in any::<bool>(), hidden in any::<bool>(), walk_away in any::<bool>(), seat in 0usize..2,
    ) {
        let args = |rival: f64| {
            let delta = if seat == 0 { [own, rival] } else { [rival, own] };
            json!({"delta_alice": delta[0], "delta_bob": delta[1], "complete_information": false,
                   "messages": messages, "hidden_horizon": hidden, "walk_away": walk_away, "rounds": 12, "offers": 11})
        };
        indistinguishable(IDS[0], [&args(one), &args(other)], seat, seed, 24);
    }

    #[test]
    fn a_rivals_valuation_stays_hidden(
        seed in any::<u64>(), own in 0.5f64..=1.5, one in 0.5f64..=1.5, other in 0.5f64..=1.5,
        messages in any::<bool>(), walk_away in any::<bool>(), seat in 0usize..2,
    ) {
        let args = |rival: f64| {
            let value = if seat == 0 { [own, rival] } else { [rival, own] };
            json!({"seller_value": value[0], "buyer_value": value[1], "complete_information": false,
                   "messages": messages, "walk_away": walk_away, "offers": 11})
        };
        indistinguishable(IDS[1], [&args(one), &args(other)], seat, seed, 20);
    }

    /// Until the shorter one ends.
    #[test]
    fn a_hidden_last_round_stays_hidden(
        seed in any::<u64>(), short in 2u16..20, more in 1u16..80, seat in 0usize..2, family in 0usize..2,
    ) {
        let args = |rounds: u16| json!({"hidden_horizon": true, "rounds": rounds, "offers": 5});
        let steps = usize::from(short) * 2 - 1;
        indistinguishable(IDS[family], [&args(short), &args(short + more)], seat, seed, steps);
    }

    /// What the seller does not know of the buyer's values, and the buyer of the prior. Only the other's reward
    /// differs.
    #[test]
    fn values_and_priors_stay_hidden(
        seed in any::<u64>(), one in 1.0f64..4.0, other in 1.0f64..4.0, texts in any::<bool>(), myopic in any::<bool>(),
    ) {
        let kind = if texts { "text" } else { "binary" };
        let args = |high: f64| json!({"value_high": high, "seller_knows_values": false, "seller_message": kind,
                                      "rounds": 5, "myopic": myopic});
        indistinguishable(IDS[2], [&args(one), &args(other)], 0, seed, 10);
        // With nothing good but the prior: the same draws, though it is another number.
        let args = |p: f64| json!({"p": p, "buyer_knows_p": false, "seller_message": kind, "rounds": 5, "myopic": myopic});
        indistinguishable(IDS[2], [&args(1e-12), &args(1e-13)], 1, seed, 10);
    }

    /// The buyer cannot see the quality before it is revealed to it.
    #[test]
    fn quality_stays_hidden(seed in any::<u64>(), reveal in prop::sample::select(vec!["never", "on_purchase", "always"])) {
        let args = |p: f64| json!({"p": p, "buyer_knows_p": false, "rounds": 1, "reveal": reveal});
        indistinguishable(IDS[2], [&args(0.0), &args(1.0)], 1, seed, 1);
    }

    /// Without revelation not even afterwards; what a bought thing was worth is in the reward alone.
    #[test]
    fn quality_that_is_never_revealed_is_never_seen(seed in any::<u64>()) {
        let args = |p: f64| json!({"p": p, "buyer_knows_p": false, "rounds": 6, "reveal": "never"});
        let [mut a, mut b] = [0.0, 1.0].map(|p| begin(IDS[2], &args(p), seed));
        let mut draws = Stream::new(seed, 1, "test.play");
        for _ in 0..12 {
            assert_eq!(view(&a, 1), view(&b, 1));
            act(&mut a, &mut draws);
            for player in 0..2 {
                let action = a.border().player(player).action().i32(0)[0];
                b.border_mut().player_mut(player).action_mut().i32_mut(0)[0] = action;
            }
            a.step().unwrap();
            b.step().unwrap();
        }
    }

    /// Check 19: two pasts with the same statistics are one to a new buyer, and its observation is no longer than
    /// before.
    #[test]
    fn new_buyers_see_statistics_only(seed in any::<u64>(), texts in any::<bool>()) {
        let (kind, choices): (_, &[i32]) = if texts { ("text", &[2, 16, 18]) } else { ("binary", &[0, 1]) };
        let args = json!({"p": 1.0, "myopic": true, "rounds": 6, "seller_message": kind});
        let play = |order: [usize; 4]| {
            let mut simulator = begin(IDS[2], &args, seed);
            let sold = [1, 1, 0, 0];
            for round in order {
                let words = choices[(seed as usize + round) % choices.len()];
                for (player, action) in [(0, words), (1, sold[round])] {
                    simulator.border_mut().player_mut(player).action_mut().i32_mut(0)[0] = action;
                    simulator.step().unwrap();
                }
            }
            simulator.border_mut().player_mut(0).action_mut().i32_mut(0)[0] = choices[0];
            simulator.step().unwrap();
            simulator
        };
        let (a, b) = (play([0, 1, 2, 3]), play([3, 1, 2, 0]));
        let seen = view(&a, 1);
        assert_eq!(seen, view(&b, 1));
        assert_ne!(view(&a, 0), view(&b, 0), "the seller remembers");
        assert_eq!(seen[51..54].iter().map(|x| (x * 6.0).round() as i32).collect::<Vec<_>>(), [4, 2, 2]);
        assert_eq!(seen[27..51], [0.0; 24], "no history");
        assert_eq!(seen[11..13], [0.0; 2], "no round");
    }
}
