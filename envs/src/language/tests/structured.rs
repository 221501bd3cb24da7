//! The environments: conformance, rational play, rewards and measures, pictures.

use serde_json::{Value, json};

use crate::{
    EnvError,
    conformance::{CheckOptions, check},
    language::{
        grid::{DELTAS, FACTORS},
        register, theory,
    },
    registry::Registry,
    sim::{Autoreset, RowReset, Simulator, SimulatorBuilder},
    stream::Stream,
};

pub(super) const IDS: [&str; 3] = [
    "glee_bargaining-v1",
    "glee_negotiation-v1",
    "glee_persuasion-v1",
];

pub(super) fn language() -> Registry {
    let mut registry = Registry::default();
    register(&mut registry);
    registry
}

pub(super) fn builder(id: &str, args: &Value) -> SimulatorBuilder {
    let env = language()
        .build(id, args)
        .unwrap_or_else(|e| panic!("{args}: {e}"));
    Simulator::builder(env)
}

/// Writes a random legal action for whoever acts in row 0.
pub(super) fn act(simulator: &mut Simulator, draws: &mut Stream) {
    let spec = simulator.spec().clone();
    for (player, border) in spec.players.iter().zip(&mut simulator.border_mut().players) {
        if border.acting[0] {
            let mask = border.mask_row(0).to_vec();
            player
                .action
                .sample_row(border.action_mut(), 0, &mask, draws)
                .unwrap();
        }
    }
}

/// What a player sees in row 0.
pub(super) fn view(simulator: &Simulator, player: usize) -> Vec<f32> {
    simulator
        .border()
        .player(player)
        .observation()
        .f32(0)
        .to_vec()
}

fn mover(simulator: &Simulator) -> usize {
    (0..2)
        .find(|&p| simulator.border().player(p).acting[0])
        .unwrap()
}

#[test]
fn every_environment_conforms_in_every_variant() {
    let variants = [
        (IDS[0], json!({})),
        (
            IDS[0],
            json!({"messages": true, "walk_away": true, "complete_information": false, "offers": 7}),
        ),
        (
            IDS[0],
            json!({"hidden_horizon": true, "rounds": 9, "money": 100, "delta_alice": 1.0}),
        ),
        (IDS[0], json!({"config": "published"})),
        (IDS[1], json!({})),
        (
            IDS[1],
            json!({"messages": true, "rounds": 1, "seller_value": 1.5, "offers": 11}),
        ),
        (
            IDS[1],
            json!({"lowest": 0.0, "highest": 10.0, "hidden_horizon": true, "money": 1.0}),
        ),
        (IDS[1], json!({"config": "published"})),
        (IDS[2], json!({})),
        (
            IDS[2],
            json!({"seller_message": "text", "myopic": true, "rounds": 5, "value_low": 0.5}),
        ),
        (IDS[2], json!({"p": 1.0, "reveal": "never", "rounds": 3})),
        (IDS[2], json!({"reveal": "on_purchase"})),
        (IDS[2], json!({"config": "published"})),
    ];
    let options = CheckOptions {
        episodes: 100,
        max_steps: 20_000,
        steps: 40,
        ..CheckOptions::default()
    };
    for (id, args) in variants {
        let registry = language();
        let report = check(registry.get(id).unwrap(), &args, &options);
        assert!(report.passed(), "{args} {report}");
    }
}

#[test]
fn arguments_that_make_no_game_are_refused_with_their_name() {
    for (id, args, path) in [
        (IDS[0], json!({"delta_bob": 1.5}), "delta_bob"),
        (IDS[0], json!({"offers": 1}), "offers"),
        (IDS[0], json!({"money": 0.001}), "money"),
        (IDS[0], json!({"rounds": 0}), "rounds"),
        (IDS[1], json!({"lowest": 2.0}), "lowest"),
        (IDS[1], json!({"highest": 11.0}), "highest"),
        (IDS[2], json!({"value_high": 0.5}), "value_high"),
        (IDS[2], json!({"seller_mesage": "text"}), "seller_mesage"),
    ] {
        let error = language().build(id, &args).err().unwrap();
        assert!(error.to_string().contains(path), "{args}: {error}");
    }
}

/// Where the numbers of an observation stand, as documented.
const SHARE: usize = 25;
const OFFERS: usize = 10_001;

/// Check 3: two rational players, who see no more than their observations, agree in round 1 and lose nothing.
#[test]
fn rational_players_divide_at_once() {
    for (&a, &b) in DELTAS
        .iter()
        .flat_map(|a| DELTAS.iter().map(move |b| (a, b)))
    {
        for (money, messages) in [(100, true), (10_000, false), (1_000_000, false)] {
            let args = json!({"delta_alice": a, "delta_bob": b, "offers": OFFERS, "money": money, "messages": messages});
            let mut simulator = builder(IDS[0], &args)
                .autoreset(Autoreset::Disabled)
                .info("efficiency")
                .build()
                .unwrap();
            simulator.reset().unwrap();
            let mut steps = 0;
            while !simulator.border().terminated[0] {
                let player = mover(&simulator);
                let seen = view(&simulator, player);
                let known = [f64::from(seen[15]), f64::from(seen[16])];
                let delta = if player == 0 {
                    known
                } else {
                    [known[1], known[0]]
                };
                let rounds = (f64::from(seen[14]) * 100.0).round() as u16;
                let round = (f64::from(seen[12]) * 100.0).round() as usize;
                let path = theory::bargaining_path(delta, rounds);
                let action = if seen[5] > 0.0 {
                    // In favour of the other, to the grid.
                    let at = path[round - 1] * (OFFERS - 1) as f64;
                    (if player == 0 { at.floor() } else { at.ceil() }) as i32
                } else {
                    let share = f64::from(seen[SHARE]);
                    let own = |alice: f64| if player == 0 { alice } else { 1.0 - alice };
                    let later = path
                        .get(round)
                        .map_or(0.0, |&next| delta[player] * own(next));
                    let accepts = own(share) >= later - 1e-6;
                    OFFERS as i32 + i32::from(!accepts)
                };
                let width = 1 + usize::from(messages);
                let border = simulator.border_mut().player_mut(player);
                border.action_mut().i32_mut(0)[..width].fill(0);
                border.action_mut().i32_mut(0)[0] = action;
                simulator.step().unwrap();
                steps += 1;
            }
            let border = simulator.border();
            assert_eq!((steps, border.info.f64(0)[0]), (2, 1.0), "{args}");
            let gain = f64::from(border.player(0).reward[0]);
            let wanted = theory::bargaining_path([a, b], 12)[0];
            assert!(
                (gain - wanted).abs() <= 1e-4 + 1e-6,
                "{args}: {gain}, not {wanted}"
            );
        }
    }
}

/// Check 4: whoever makes the last offer gains everything; where there is nothing to gain nobody trades.
#[test]
fn rational_players_trade_at_the_last_offers_price() {
    let mut cells = 0;
    for (&a, &b) in FACTORS
        .iter()
        .flat_map(|a| FACTORS.iter().map(move |b| (a, b)))
    {
        cells += 1;
        for rounds in [1, 10] {
            let args = json!({"seller_value": a, "buyer_value": b, "rounds": rounds});
            let mut simulator = builder(IDS[1], &args)
                .autoreset(Autoreset::Disabled)
                .info("agreement")
                .build()
                .unwrap();
            simulator.reset().unwrap();
            let trade = theory::negotiation([a, b], rounds);
            while !simulator.border().terminated[0] {
                let player = mover(&simulator);
                let seen = view(&simulator, player);
                let own = f64::from(seen[18]);
                let action = if seen[5] > 0.0 {
                    let price = trade.map_or(own, |trade| trade.price);
                    ((price - 0.5) * 100.0).round() as i32
                } else {
                    let price = f64::from(seen[SHARE]);
                    let gain = if player == 0 {
                        price - own
                    } else {
                        own - price
                    };
                    let later = trade.map_or(0.0, |t| if player == 0 { t.seller } else { t.buyer });
                    if gain >= later - 1e-6 { 121 } else { 123 }
                };
                simulator
                    .border_mut()
                    .player_mut(player)
                    .action_mut()
                    .i32_mut(0)[0] = action;
                simulator.step().unwrap();
            }
            let gains = [0, 1].map(|p| f64::from(simulator.border().player(p).reward[0]));
            let (surplus, last) = ((b - a).max(0.0), usize::from(rounds == 10));
            assert!(
                (gains[last] - surplus).abs() < 1e-6 && gains[1 - last].abs() < 1e-6,
                "{args}: {gains:?}"
            );
            assert_eq!(
                simulator.border().info.f64(0)[0],
                f64::from(u8::from(b >= a)),
                "{args}"
            );
        }
    }
    assert_eq!(cells, 16);
}

/// Returns are the self-gains of the measures, and the measures are told once.
#[test]
fn returns_are_self_gains() {
    for (id, args) in [
        (IDS[0], json!({"config": "published"})),
        (IDS[1], json!({"config": "published"})),
        (
            IDS[2],
            json!({"rounds": 6, "p": 0.5, "value_high": 3.0, "value_low": 0.25}),
        ),
    ] {
        let mut simulator = builder(id, &args)
            .autoreset(Autoreset::Disabled)
            .info("efficiency")
            .info("fairness")
            .build()
            .unwrap();
        let mut draws = Stream::new(3, 0, "test.play");
        for seed in 0..100 {
            simulator.reset_rows(&[RowReset::seeded(0, seed)]).unwrap();
            let (mut told, mut high, mut sold) = (0, 0.0, [0.0; 2]);
            while !simulator.border().ended(0) {
                let quality = view(&simulator, 0)[55];
                act(&mut simulator, &mut draws);
                let buys =
                    mover(&simulator) == 1 && simulator.border().player(1).action().i32(0)[0] == 1;
                if id == IDS[2] && mover(&simulator) == 1 {
                    high += f64::from(u8::from(quality > 0.0));
                    sold[usize::from(quality > 0.0)] += f64::from(u8::from(buys));
                }
                simulator.step().unwrap();
                told += u32::from(
                    !simulator.border().info.f64(1)[0].is_nan() || simulator.border().ended(0),
                );
            }
            assert_eq!(told, 1);
            let border = simulator.border();
            let returns = [0, 1].map(|p| border.player(p).final_return[0]);
            let [efficiency, fairness] = [0, 1].map(|field| border.info.f64(field)[0]);
            match id {
                "glee_bargaining-v1" => {
                    assert!((returns[0] + returns[1] - efficiency).abs() < 1e-6);
                    assert!((0.0..=1.0).contains(&fairness));
                }
                "glee_negotiation-v1" => assert!(efficiency == 0.0 || efficiency == 1.0),
                _ => {
                    let wanted = [
                        (sold[0] + sold[1]) / 6.0,
                        (sold[1] * 2.0 - sold[0] * 0.75) / 6.0,
                    ];
                    for (got, wanted) in returns.iter().zip(wanted) {
                        assert!((got - wanted).abs() < 1e-6, "{returns:?} {wanted}");
                    }
                    if high > 0.0 {
                        assert!((efficiency - sold[1] / high).abs() < 1e-12);
                    } else {
                        assert!(efficiency.is_nan());
                    }
                    assert_eq!(fairness.is_nan(), high == 6.0);
                }
            }
        }
    }
}

/// Rewards can count how good an outcome is for both; they then differ from self-gains by just that, and stay in range.
#[test]
fn measures_can_count_in_rewards() {
    let mut compared = 0;
    for (id, args) in [
        (IDS[0], json!({"delta_alice": 0.8, "delta_bob": 0.9})),
        (IDS[1], json!({"seller_value": 1.0, "buyer_value": 1.5})),
        (IDS[2], json!({"rounds": 4, "p": 0.5, "value_high": 3.0})),
    ] {
        let weights = [("efficiency_weight", 0.5), ("fairness_weight", -0.25)];
        let mut shaped = args.clone();
        for (name, weight) in weights {
            shaped[name] = weight.into();
        }
        let mut simulators = [&args, &shaped].map(|args| {
            let builder = builder(id, args).autoreset(Autoreset::Disabled);
            builder.info("efficiency").info("fairness").build().unwrap()
        });
        let (low, high) = simulators[1].spec().reward_range;
        for seed in 0..50 {
            let mut returns = [[0.0; 2]; 2];
            let mut measures = [0.0; 2];
            for (simulator, returns) in simulators.iter_mut().zip(&mut returns) {
                simulator.reset_rows(&[RowReset::seeded(0, seed)]).unwrap();
                let mut draws = Stream::new(seed, 0, "test.play");
                while !simulator.border().ended(0) {
                    act(simulator, &mut draws);
                    simulator.step().unwrap();
                    let rewards = [0, 1].map(|p| simulator.border().player(p).reward[0]);
                    assert!(
                        rewards
                            .iter()
                            .all(|&r| (low..=high).contains(&f64::from(r)))
                    );
                }
                let border = simulator.border();
                *returns = [0, 1].map(|p| border.player(p).final_return[0]);
                measures = [0, 1].map(|field| {
                    let measure = border.info.f64(field)[0];
                    if measure.is_nan() {
                        0.0
                    } else {
                        measure.clamp(0.0, 1.0)
                    }
                });
            }
            let bonus = 0.5 * measures[0] - 0.25 * measures[1];
            for (plain, shaped) in returns[0].iter().zip(returns[1]) {
                assert!(
                    (plain + bonus - shaped).abs() < 1e-6,
                    "{id} {plain} {bonus} {shaped}"
                );
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 3 * 50 * 2);
    let spoken = language().build("glee_bargaining_text-v1", &json!({"fairness_weight": 1.0}));
    assert!(
        spoken
            .err()
            .unwrap()
            .to_string()
            .contains("fairness_weight")
    );
    let heavy = language().build(IDS[0], &json!({"efficiency_weight": 1e9}));
    assert!(
        heavy
            .err()
            .unwrap()
            .to_string()
            .contains("efficiency_weight")
    );
}

/// With a published game the arguments of another one would be passed over in silence.
#[test]
fn a_game_is_given_or_published() {
    let error = |id: &str, args: Value| match language().build(id, &args).err() {
        Some(EnvError::Argument { path, message, .. }) => (path, message),
        other => panic!("{other:?}"),
    };
    for (id, key, value) in [
        (IDS[0], "delta_alice", json!(0.8)),
        (IDS[0], "rounds", json!(5)),
        (IDS[1], "buyer_value", json!(1.0)),
        (IDS[2], "reveal", json!("never")),
    ] {
        let (path, message) = error(id, json!({"config": "published", key: value}));
        assert_eq!(path, key);
        assert!(message.contains("leave one of them out"), "{message}");
    }
    let beside = json!({"config": "published", "offers": 11, "lowest": 0.8, "highest": 1.5, "efficiency_weight": 1.0});
    assert!(language().build(IDS[1], &beside).is_ok());
    // Of two bounds that exclude each other the one that was given is to blame.
    assert_eq!(error(IDS[1], json!({"highest": 0.1})).0, "highest");
    assert_eq!(error(IDS[1], json!({"lowest": 1.8})).0, "lowest");
    assert_eq!(error(IDS[1], json!({"lowest": -0.1})).0, "lowest");
    assert_eq!(error(IDS[1], json!({"highest": 10.5})).0, "highest");
}

#[test]
fn the_published_grid_is_drawn_evenly() {
    let args = json!({"config": "published"});
    let mut simulator = builder(IDS[0], &args).rows(4000).build().unwrap();
    simulator.reset().unwrap();
    let seen = simulator.border().player(0).observation().f32(0);
    let mut known = 0;
    let mut deltas = [0; 4];
    for row in seen.chunks_exact(super::super::structured::WIDTH) {
        known += i32::from(row[17] > 0.0);
        let at = DELTAS
            .iter()
            .position(|&delta| delta as f32 == row[15])
            .unwrap();
        deltas[at] += 1;
    }
    // Five standard deviations of binomials with 4000 trials.
    assert!((known - 2000).abs() < 5 * 32, "{known}");
    assert!(
        deltas.iter().all(|n: &i32| (n - 1000).abs() < 5 * 28),
        "{deltas:?}"
    );
}

#[test]
fn pictures_are_dialogues() {
    let args = json!({"messages": true, "money": 100, "delta_bob": 0.8});
    let mut simulator = builder(IDS[0], &args)
        .autoreset(Autoreset::Disabled)
        .build()
        .unwrap();
    simulator.reset().unwrap();
    for (player, action) in [(0, [60, 1]), (1, [102, 0]), (1, [45, 4]), (0, [101, 0])] {
        let border = simulator.border_mut().player_mut(player);
        border.action_mut().i32_mut(0).copy_from_slice(&action);
        simulator.step().unwrap();
    }
    let picture = simulator.render(0).unwrap();
    let wanted = "scale 100, discount factors 0.9 and 0.8\n  \
        1  Alice: Alice 60, Bob 40  “60 is fair to both of us.”  Bob declines\n  \
        2  Bob: Alice 45, Bob 55  “We have 11 rounds left; let us close this at 55.”  Alice accepts\n\
        Agreement in round 2: gains 0.4050 and 0.4400";
    assert_eq!(picture.as_deref(), Some(wanted));
    let mut simulator = builder(
        IDS[2],
        &json!({"p": 1.0, "seller_message": "text", "rounds": 2}),
    )
    .build()
    .unwrap();
    simulator.reset().unwrap();
    for (player, action) in [(0, 16), (1, 1)] {
        simulator
            .border_mut()
            .player_mut(player)
            .action_mut()
            .i32_mut(0)[0] = action;
        simulator.step().unwrap();
    }
    let picture = simulator.render(0).unwrap();
    let wanted = "price 10,000, good things (1.0000) worth 1.25, bad ones 0\n  \
        1  “This one is very good; you should buy it.”  bought  (good)\n\
        1 of 1 sold, 1 of them good";
    assert_eq!(picture.as_deref(), Some(wanted));
}
