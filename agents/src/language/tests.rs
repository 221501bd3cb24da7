//! Players in the environments: theory is what is played.

use palaestra_envs::{
    language::{
        grid::{DELTAS, FACTORS, PRIORS, WORTHS},
        structured::{Due, LAST, WIDTH},
        theory::{self, RegretPrice},
    },
    sim::{Selection, Simulator},
};
use serde_json::{Value, json};

use super::*;
use crate::{Agent, AgentContext, AgentError, StepView, conformance, registry};

const BARGAINING: &str = "glee_bargaining-v1";
const NEGOTIATION: &str = "glee_negotiation-v1";
const PERSUASION: &str = "glee_persuasion-v1";

fn environments() -> palaestra_envs::registry::Registry {
    let mut registry = palaestra_envs::registry::Registry::default();
    palaestra_envs::language::register(&mut registry);
    registry
}

/// Two players in a game.
struct Table {
    simulator: Simulator,
    agents: Vec<Box<dyn Agent>>,
}

impl Table {
    fn try_new(
        env: &str,
        args: &Value,
        players: [(&str, Value); 2],
        rows: usize,
    ) -> Result<Self, AgentError> {
        let plugin = environments().build(env, args)?;
        let mut builder = Simulator::builder(plugin).rows(rows).seed(3);
        for field in ["efficiency", "fairness"] {
            builder = builder.info(field);
        }
        let mut simulator = builder.build()?;
        simulator.reset()?;
        let agents = players.iter().enumerate().map(|(player, (id, args))| {
            let context = AgentContext {
                env: simulator.spec().clone(),
                players: vec![player],
                rows,
                seed: 11 + player as u64,
                total_steps: 1,
            };
            registry().get(id)?.build(&context, args)
        });
        let agents = agents.collect::<Result<_, _>>()?;
        Ok(Self { simulator, agents })
    }

    fn new(env: &str, args: &Value, players: [(&str, Value); 2], rows: usize) -> Self {
        Self::try_new(env, args, players, rows).unwrap_or_else(|e| panic!("{env} {args}: {e}"))
    }

    fn step(&mut self) {
        let rows = Selection::all(self.simulator.border().rows());
        for (player, agent) in self.agents.iter_mut().enumerate() {
            let (view, actions) = self.simulator.border_mut().act_view(player);
            agent.act(&view, &rows, actions).unwrap();
        }
        self.simulator.step().unwrap();
        for (player, agent) in self.agents.iter_mut().enumerate() {
            let border = self.simulator.border();
            let rows = &rows;
            agent
                .observe(&StepView {
                    player,
                    rows,
                    border,
                })
                .unwrap();
        }
    }

    /// What a player sees in a row.
    fn see(&self, player: usize, row: usize) -> Situation {
        let seen = self.simulator.border().player(player).observation().f32(0);
        Situation::read(&seen[row * WIDTH..(row + 1) * WIDTH]).unwrap()
    }

    /// Plays one episode in row 0: steps, returns and efficiency.
    fn episode(&mut self) -> (u32, [f64; 2], f64) {
        loop {
            self.step();
            let border = self.simulator.border();
            if border.ended(0) {
                let returns = [0, 1].map(|p| border.player(p).final_return[0]);
                return (border.final_elapsed[0], returns, border.info.f64(0)[0]);
            }
        }
    }
}

fn rational() -> (&'static str, Value) {
    ("rational", json!({}))
}

fn near(found: f64, wanted: f64, tolerance: f64, what: &str) {
    assert!(
        (found - wanted).abs() <= tolerance,
        "{what}: {found}, not {wanted}"
    );
}

/// Check 3 of the games: immediate, efficient agreement wherever the end and the discount factors are known, at the share
/// of backward induction to one step of the grid; and at Rubinstein's where nobody knows the end.
#[test]
fn rational_players_agree_at_once() {
    let mut cells = 0;
    for delta in DELTAS.iter().flat_map(|&a| DELTAS.map(|b| [a, b])) {
        for (rounds, hidden) in [(12, false), (99, false), (99, true)] {
            for offers in [101, 10_001] {
                let args = json!({
                    "delta_alice": delta[0], "delta_bob": delta[1], "rounds": rounds,
                    "hidden_horizon": hidden, "offers": offers, "messages": offers == 101,
                });
                let mut table = Table::new(BARGAINING, &args, [rational(), rational()], 1);
                let (steps, gains, efficiency) = table.episode();
                assert_eq!((steps, efficiency), (2, 1.0), "{args}");
                let wanted = match (hidden, theory::rubinstein(delta)) {
                    (false, _) => theory::bargaining_path(delta, rounds)[0],
                    (true, Some(share)) => share,
                    (true, None) => 0.5,
                };
                // Rounded in favour of who answers.
                let step = 1.0 / (offers - 1) as f64;
                let less = wanted - gains[0];
                assert!(less >= -1e-6 && less < step + 1e-6, "{args}: {gains:?}");
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 16 * 3 * 2);
}

/// Check 4: all gains to the last offer; no trade where there are none.
#[test]
fn rational_players_trade_where_there_is_a_gain() {
    let mut cells = 0;
    for factor in FACTORS.iter().flat_map(|&a| FACTORS.map(|b| [a, b])) {
        let surplus = (factor[1] - factor[0]).max(0.0);
        for (rounds, hidden) in [(1, false), (10, false), (30, true)] {
            let args = json!({
                "seller_value": factor[0], "buyer_value": factor[1],
                "rounds": rounds, "hidden_horizon": hidden,
            });
            let mut table = Table::new(NEGOTIATION, &args, [rational(), rational()], 1);
            let (steps, gains, efficiency) = table.episode();
            assert_eq!(steps, 2, "{args}");
            let seller = match (rounds, hidden) {
                (_, true) => surplus / 2.0,
                (1, _) => surplus,
                _ => 0.0,
            };
            // Half of the gains may lie between two prices.
            let tolerance = if hidden { 0.01 } else { 1e-6 };
            near(gains[0], seller, tolerance, "seller");
            near(gains[1], surplus - seller, tolerance, "buyer");
            // Without a gain, trading or not is equally good where valuations are equal.
            assert_eq!(efficiency, 1.0, "{args}");
        }
        cells += 1;
    }
    assert_eq!(cells, 16);
}

/// Check 5, played: the seller who knows nothing of the buyer regrets no more than it must, whoever comes.
#[test]
fn prices_of_least_regret_regret_no_more_than_they_must() {
    const ROWS: usize = 1000;
    const GAMES: usize = 100_000;
    let mut sellers = 0;
    for own in [0.8, 1.0, 1.2] {
        let [lowest, highest] = RegretPrice::new(own, 1.5).support();
        let mut worst = 0.0_f64;
        for buyer in [own, lowest - 1e-4, f64::midpoint(lowest, highest), highest] {
            let args = json!({
                "seller_value": own, "buyer_value": buyer, "rounds": 1,
                "complete_information": false, "offers": 10_001, "money": 1_000_000,
            });
            let seller = ("rational", json!({"prior": "none"}));
            let mut table = Table::new(NEGOTIATION, &args, [seller, rational()], ROWS);
            let mut gained = 0.0;
            for _ in 0..GAMES / ROWS {
                table.step();
                table.step();
                let border = table.simulator.border();
                assert!((0..ROWS).all(|row| border.ended(row)));
                gained += border.player(0).final_return.iter().sum::<f64>();
            }
            worst = worst.max((buyer - own).max(0.0) - gained / GAMES as f64);
        }
        near(worst, RegretPrice::new(own, 1.5).regret(), 0.005, "regret");
        sellers += 1;
    }
    assert_eq!(sellers, 3);
}

/// Posted prices under the prior over the published valuations: what they gain on average is what theory says.
#[test]
fn posted_prices_gain_what_they_should() {
    for (own, wanted) in [(0.8, 0.2), (1.0, 0.125), (1.2, 0.075), (1.5, 0.0)] {
        let mut gain = 0.0;
        for buyer in FACTORS {
            let args = json!({
                "seller_value": own, "buyer_value": buyer, "rounds": 1, "complete_information": false,
            });
            let mut table = Table::new(NEGOTIATION, &args, [rational(), rational()], 1);
            gain += table.episode().1[0] / 4.0;
        }
        near(gain, wanted, 1e-6, "expected gain");
    }
    // The uniform prior names (1.5 + F_A) / 2.
    let uniform = ("rational", json!({"prior": "uniform"}));
    let args = json!({
        "seller_value": 0.8, "buyer_value": 1.5, "rounds": 1, "complete_information": false, "offers": 10_001,
    });
    let mut table = Table::new(NEGOTIATION, &args, [uniform, rational()], 1);
    near(table.episode().1[0], 0.35, 2e-4, "uniform price");
}

/// Check 6, played: how often bad things are recommended, and what both earn, over 1e5 rounds of each published pair.
#[test]
fn a_rational_seller_lies_as_often_as_a_buyer_just_follows() {
    const ROWS: usize = 500;
    const ROUNDS: usize = 200;
    let mut pairs = 0;
    for (p, worth) in PRIORS.iter().flat_map(|&p| WORTHS.map(|v| (p, v))) {
        let best = theory::bayesian_persuasion(p, worth, 0.0);
        let args = json!({"p": p, "value_high": worth, "rounds": ROUNDS});
        let mut table = Table::new(PERSUASION, &args, [rational(), rational()], ROWS);
        let (mut bad, mut lies) = (0.0, 0.0);
        for _ in 0..ROUNDS {
            let good: Vec<bool> = (0..ROWS)
                .map(|row| table.see(0, row).good == Some(true))
                .collect();
            table.step();
            for (row, _) in good.iter().enumerate().filter(|(_, good)| !*good) {
                bad += 1.0;
                lies += table.see(1, row).offer.unwrap();
            }
            table.step();
        }
        let spread = |q: f64, n: f64| 3.0 * (q * (1.0 - q) / n).sqrt() + 1e-6;
        near(lies / bad, best.lie, spread(best.lie, bad), "lies");
        let n = (ROWS * ROUNDS) as f64;
        let border = table.simulator.border();
        let mean = |p: usize| border.player(p).final_return.iter().sum::<f64>() / ROWS as f64;
        near(mean(0), best.seller, spread(best.seller, n), "seller");
        near(mean(1), best.buyer, 3.0 * worth / n.sqrt(), "buyer");
        pairs += 1;
    }
    assert_eq!(pairs, 15);
}

/// What the situation says is what the game is.
#[test]
fn seats_see_their_situation() {
    let args = json!({
        "delta_alice": 0.95, "delta_bob": 0.8, "complete_information": false, "messages": true,
    });
    let offers = |ask: f64| ("fixed_share", json!({"ask": ask, "take": 0.9}));
    let mut table = Table::new(BARGAINING, &args, [offers(0.7), offers(0.6)], 1);
    for _ in 0..5 {
        table.step();
    }
    let (alice, bob) = (table.see(0, 0), table.see(1, 0));
    assert_eq!(
        (alice.family, alice.due),
        (Family::Bargaining, Due::Decision)
    );
    assert_eq!((alice.round, alice.last), (3, Some(12)));
    assert_eq!((alice.delta, bob.delta), ((0.95, None), (0.8, None)));
    assert_eq!((alice.offer, bob.own_offer), (Some(0.7), Some(0.4)));
    let history: Vec<_> = bob
        .offers()
        .map(|(round, own, e)| (round, own, e.offer, e.accepted))
        .collect();
    let wanted = [
        (3, false, 0.7, None),
        (2, true, 0.4, Some(false)),
        (1, false, 0.7, Some(false)),
    ];
    assert_eq!(history, wanted);
    assert!((bob.gain(0.7) - 0.3).abs() < 1e-12);
    assert_eq!((alice.heard, bob.heard), (Some(12), Some(12)));

    let args = json!({"p": 0.5, "value_high": 3.0, "rounds": 10, "myopic": true});
    let sells = ("always_recommend", json!({}));
    let buys = ("threshold_buyer", json!({"threshold": 0.0}));
    let mut table = Table::new(PERSUASION, &args, [sells.clone(), buys.clone()], 1);
    for _ in 0..9 {
        table.step();
    }
    let (seller, buyer) = (table.see(0, 0), table.see(1, 0));
    assert_eq!((seller.round, buyer.round, buyer.last), (5, 0, Some(10)));
    assert_eq!((buyer.counts[0], buyer.counts[1]), (4, 4));
    assert_eq!(
        (buyer.p, buyer.worth, buyer.lies),
        (Some(0.5), Some(3.0), None)
    );
    assert_eq!((seller.past().len(), buyer.past().len()), (5, 0));
    assert_eq!(buyer.offer, Some(1.0));
    assert!(seller.good.is_some() && buyer.good.is_none());
    let sold: Vec<_> = seller.past()[1..].iter().map(|e| e.accepted).collect();
    assert_eq!(sold, [Some(true); 4]);
}

/// In words the players do what they do in numbers: the same games have the same ends.
#[test]
fn players_say_what_they_would_do() {
    let games = [
        (
            BARGAINING,
            json!({"delta_alice": 0.9, "delta_bob": 0.8, "offers": 10_001, "money": 10_000, "messages": true}),
        ),
        (
            BARGAINING,
            json!({"complete_information": false, "offers": 10_001, "money": 10_000, "walk_away": true}),
        ),
        (
            NEGOTIATION,
            json!({"messages": true, "offers": 10_001, "lowest": 0.0, "highest": 1.0, "seller_value": 0.4, "buyer_value": 0.7}),
        ),
        (
            NEGOTIATION,
            json!({"seller_value": 1.5, "buyer_value": 1.0}),
        ),
    ];
    let mut compared = 0;
    for (env, args) in &games {
        for alice in ["rational", "boulware", "tit_for_tat", "acceptor"] {
            for bob in ["rational", "conceder", "fixed_share"] {
                let players = [(alice, json!({})), (bob, json!({}))];
                let numbers = Table::new(env, args, players.clone(), 1).episode();
                let spoken = env.replace("-v1", "_text-v1");
                let words = Table::new(&spoken, args, players, 1).episode();
                assert_eq!(words.0, numbers.0, "{alice} {bob} {spoken} {args}");
                for (words, numbers) in words.1.iter().zip(numbers.1) {
                    // Offers between two of the grid are rounded to it there, to a hundredth here.
                    near(*words, numbers, 2e-4, alice);
                }
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 48);
    for args in [
        json!({"seller_message": "text"}),
        json!({"myopic": true, "buyer_message": true}),
    ] {
        let players = [("honest_seller", json!({})), ("threshold_buyer", json!({}))];
        let mut table = Table::new("glee_persuasion_text-v1", &args, players, 1);
        let (steps, _, efficiency) = table.episode();
        assert_eq!((steps, efficiency), (40, 1.0), "{args}");
    }
}

/// Curves of concession reach an agreement, and who stands firm longer gets more.
#[test]
fn curves_meet_and_the_firmer_gains_more() {
    let args = json!({"delta_alice": 1.0, "delta_bob": 1.0, "offers": 1001});
    let play = |alice: &str, bob: &str| {
        let players = [(alice, json!({})), (bob, json!({}))];
        Table::new(BARGAINING, &args, players, 1).episode()
    };
    let (steps, gains, efficiency) = play("boulware", "conceder");
    assert_eq!(efficiency, 1.0);
    assert!(gains[0] > 0.6 && steps < 24, "{gains:?} {steps}");
    let (_, gains, _) = play("conceder", "boulware");
    assert!(gains[1] > 0.6, "{gains:?}");
    let (steps, gains, _) = play("tit_for_tat", "tit_for_tat");
    assert!(gains[0] > 0.0 && steps > 4, "{gains:?} {steps}");
    // Two who ask for 60 % and take no less never agree.
    let (steps, gains, efficiency) = play("fixed_share", "fixed_share");
    assert_eq!((steps, gains, efficiency), (24, [0.0; 2], 0.0));
    let (steps, gains, _) = play("fixed_share", "acceptor");
    assert_eq!(
        (steps, gains),
        (2, [f64::from(0.6_f32), f64::from(0.4_f32)])
    );
}

/// The best answer to a curve is no worse than any other player's, and against somebody who takes 40 % it is 60 % at once.
#[test]
fn nobody_answers_a_curve_better_than_the_best_response() {
    let mut compared = 0;
    for (delta, exponent) in [(0.8, 0.2), (0.95, 1.0), (1.0, 5.0), (1.0, 0.5)] {
        let args = json!({"delta_alice": delta, "delta_bob": 0.9, "offers": 10_001});
        let curve = json!({"exponent": exponent});
        let gain = |id: &str, given: Value| {
            let players = [(id, given), ("boulware", curve.clone())];
            Table::new(BARGAINING, &args, players, 1).episode().1[0]
        };
        let best = gain("best_response", curve.clone());
        let mut others: Vec<f64> = [
            "rational",
            "conceder",
            "tit_for_tat",
            "acceptor",
            "boulware",
        ]
        .map(|id| gain(id, json!({})))
        .to_vec();
        for ask in 0..=20 {
            let share = f64::from(ask) / 20.0;
            others.push(gain("fixed_share", json!({"ask": share, "take": share})));
        }
        for other in others {
            assert!(best >= other - 1e-4, "{delta} {exponent}: {best}, {other}");
            compared += 1;
        }
    }
    assert_eq!(compared, 4 * 26);
    let flat = json!({"opening": 0.4, "reserve": 0.4});
    let players = [("best_response", flat), ("acceptor", json!({}))];
    let (steps, gains, _) = Table::new(BARGAINING, &json!({}), players, 1).episode();
    assert_eq!(steps, 2);
    near(gains[0], 0.6, 1e-6, "what is left");
}

/// Without knowing the rival's patience, screening still comes to an end, and loses little against the patient.
#[test]
fn screening_comes_to_an_agreement() {
    for delta in DELTAS.iter().flat_map(|&a| DELTAS.map(|b| [a, b])) {
        for hidden in [false, true] {
            let args = json!({
                "delta_alice": delta[0], "delta_bob": delta[1], "complete_information": false,
                "hidden_horizon": hidden, "offers": 10_001,
            });
            let mut table = Table::new(BARGAINING, &args, [rational(), rational()], 1);
            let (steps, gains, efficiency) = table.episode();
            assert!(efficiency > 0.5 && steps <= 24, "{args}: {steps} {gains:?}");
        }
    }
}

/// Where lies are punished by disbelief, honesty sells good things for ever and lies do not.
#[test]
fn buyers_with_experience_believe_the_honest() {
    let args = json!({"p": 0.5, "value_high": 1.25, "rounds": 100});
    let buyer = ("rational", json!({"believing": "experience"}));
    let mut earned = [0.0; 2];
    for (k, seller) in ["honest_seller", "always_recommend"]
        .into_iter()
        .enumerate()
    {
        let players = [(seller, json!({})), buyer.clone()];
        let mut table = Table::new(PERSUASION, &args, players, 1);
        earned[k] = table.episode().1[0];
    }
    assert!(earned[0] > 0.3 && earned[1] < 0.05, "{earned:?}");
    let quiet = ("rational", json!({"believing": "nothing"}));
    let babbling = ("rational", json!({"selling": "babbling"}));
    let mut table = Table::new(PERSUASION, &args, [babbling, quiet], 1);
    assert_eq!(table.episode().1, [0.0; 2]);
}

/// Words that are neither a yes nor a no say nothing: buyers go by the prior, and a silent seller may sell by it.
#[test]
fn free_words_leave_buyers_with_the_prior() {
    let see = |p: f64, worth: f64, said: f32| {
        let args = json!({"p": p, "value_high": worth, "seller_message": "text", "rounds": 3});
        let players = [("honest_seller", json!({})), rational()];
        let mut table = Table::new("glee_persuasion_text-v1", &args, players, 1);
        table.step();
        let seen = table.simulator.border().player(1).observation().f32(0);
        let mut seen = seen.to_vec();
        seen[LAST] = said;
        Situation::read(&seen).unwrap()
    };
    let mut draws = palaestra_envs::stream::Stream::new(1, 0, "test.buy");
    let rational = |believing| Rational {
        believing,
        ..Rational::default()
    };
    let believers = [Believing::Commitment, Believing::Experience].map(rational);
    for (p, worth, buys) in [(0.5, 3.0, true), (0.5, 1.25, false), (0.8, 1.25, true)] {
        let free = see(p, worth, 0.5);
        assert_eq!(free.recommended(), None);
        for player in &believers {
            let decision = player.decide(&free, &mut draws);
            assert_eq!(decision, Decision::Buy(buys), "{p} {worth} {player:?}");
            // Warnings are believed, and recommendations.
            let warned = see(p, worth, 0.0);
            assert_eq!(player.decide(&warned, &mut draws), Decision::Buy(false));
        }
        let told = see(p, worth, 1.0);
        let decision = believers[0].decide(&told, &mut draws);
        assert_eq!(
            (told.recommended(), decision),
            (Some(true), Decision::Buy(true))
        );
        let threshold = ThresholdBuyer::default();
        let decision = threshold.decide(&free, &mut draws);
        assert_eq!(decision, Decision::Buy(p >= 0.6));
    }
}

#[test]
fn players_play_every_variant_and_can_be_saved() {
    let haggling = [
        "rational",
        "fixed_share",
        "acceptor",
        "boulware",
        "conceder",
        "tit_for_tat",
        "best_response",
    ];
    let variants = [
        (BARGAINING, json!({"config": "published"})),
        (
            BARGAINING,
            json!({"hidden_horizon": true, "walk_away": true, "offers": 7}),
        ),
        (NEGOTIATION, json!({"config": "published"})),
        (
            NEGOTIATION,
            json!({"complete_information": false, "seller_value": 1.2, "lowest": 0.0, "highest": 3.0}),
        ),
    ];
    for id in haggling {
        for (env, args) in &variants {
            let registry = registry();
            let report = conformance::check(registry.get(id).unwrap(), &json!({}), || {
                environments().build(env, args)
            });
            assert!(report.passed(), "{id} in {env} {args}: {report}");
        }
    }
    for prior in ["uniform", "none"] {
        let registry = registry();
        let entry = registry.get("rational").unwrap();
        let report = conformance::check(entry, &json!({"prior": prior}), || {
            environments().build(NEGOTIATION, &variants[2].1)
        });
        assert!(report.passed(), "{prior}: {report}");
    }
    for args in [
        json!({"config": "published"}),
        json!({"seller_message": "text", "myopic": true, "seller_knows_values": false}),
        json!({"buyer_knows_p": false, "reveal": "never"}),
    ] {
        for (seller, buyer) in [
            ("always_recommend", "threshold_buyer"),
            ("honest_seller", "rational"),
            ("rational", "rational"),
        ] {
            let mut table = Table::new(
                PERSUASION,
                &args,
                [(seller, json!({})), (buyer, json!({}))],
                3,
            );
            for _ in 0..100 {
                table.step();
            }
        }
    }
}

#[test]
fn what_cannot_be_played_is_refused_with_its_reason() {
    let error = |env: &str, players: [(&str, Value); 2]| {
        Table::try_new(env, &json!({}), players, 1)
            .err()
            .unwrap()
            .to_string()
    };
    let wrong = error(PERSUASION, [("threshold_buyer", json!({})), rational()]);
    assert!(
        wrong.contains("`seller`") && wrong.contains("buyer"),
        "{wrong}"
    );
    let wrong = error(BARGAINING, [("honest_seller", json!({})), rational()]);
    assert!(wrong.contains("`alice`"), "{wrong}");
    for (id, args, name) in [
        ("fixed_share", json!({"ask": 1.5}), "ask"),
        ("acceptor", json!({"threshold": -0.1}), "threshold"),
        ("boulware", json!({"exponent": 0.0}), "exponent"),
        ("conceder", json!({"opening": 0.2}), "reserve"),
        ("tit_for_tat", json!({"generosity": 2.0}), "generosity"),
    ] {
        let wrong = error(BARGAINING, [(id, args), rational()]);
        assert!(wrong.contains(name), "{wrong}");
    }
}
