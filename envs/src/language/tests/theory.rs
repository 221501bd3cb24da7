//! Closed forms, backward induction and the rules' own tree against the golden tables.

use std::{cmp::Ordering, collections::HashMap};

use serde_json::Value;

use super::{entries, golden, number};
use crate::{
    language::{
        Bargaining, BargainingConfig, Horizon, Money, NegotiationConfig, Persuasion,
        PersuasionConfig, PersuasionPhase, Scoring, Signal, Verdict,
        answer::Play,
        grid,
        theory::{self, RegretPrice},
    },
    stream::Stream,
};

use rand::RngExt as _;

fn near(got: f64, wanted: f64, tolerance: f64, what: &str) {
    assert!(
        (got - wanted).abs() <= tolerance,
        "{what}: {got}, not {wanted}"
    );
}

fn deltas(entry: &Value) -> [f64; 2] {
    ["delta_A", "delta_B"].map(|key| number(entry, key))
}

/// Check 2: the 48 values by backward induction, and other horizons.
#[test]
fn bargaining_shares_are_those_of_the_table() {
    let mut values = 0;
    for entry in entries("bargaining", "grid") {
        let delta = deltas(&entry);
        for (key, rounds) in [
            ("T1", 1),
            ("T2", 2),
            ("T6", 6),
            ("T10", 10),
            ("T12", 12),
            ("T99", 99),
        ] {
            let path = theory::bargaining_path(delta, rounds);
            near(path[0], number(&entry, key), 1e-8, key);
            values += usize::from(rounds == 12 || rounds == 99);
        }
        let path = entry["path_T12"].as_array().unwrap();
        for (got, wanted) in theory::bargaining_path(delta, 12).iter().zip(path) {
            near(*got, wanted.as_f64().unwrap(), 1e-8, "path");
        }
        let fair = 1.0 - 4.0 * (theory::bargaining_path(delta, 12)[0] - 0.5_f64).powi(2);
        near(fair, number(&entry, "fairness_T12"), 1e-8, "fairness");
        if let Some(share) = theory::rubinstein(delta) {
            near(share, number(&entry, "inf"), 1e-8, "inf");
        } else {
            assert_eq!(delta, [1.0; 2]);
        }
        values += 1;
    }
    assert_eq!(values, 48);
}

/// Check 2 again, by walking through the rules with offers of a hundredth. Who answers gets what it could get otherwise
/// rounded up, round after round, and that adds up: over 12 rounds to one step in 14 of the 16 cells and 2.5 steps at
/// most, over 99 rounds to 11 steps where both are patient. The golden table of whole units has the same numbers. A
/// finer grid comes as close as one likes.
#[test]
fn the_tree_of_the_rules_agrees_within_its_rounding() {
    let mut within_a_step = 0;
    for entry in entries("bargaining", "grid") {
        let delta = deltas(&entry);
        let first = |rounds: u16, parts: u32| {
            let config = BargainingConfig {
                money: Money::whole(i64::from(parts)),
                delta,
                horizon: Horizon::Known(rounds),
                ..BargainingConfig::default()
            };
            let tree = theory::bargaining_tree(config, parts).unwrap();
            assert!(tree.accepted[0], "round 1 is agreed on");
            tree.offers[0].share_of(config.money)
        };
        let [short, long] = ["T12", "T99"].map(|key| number(&entry, key));
        let coarse = first(12, 100);
        near(coarse, short, 0.025, "T12");
        within_a_step += usize::from((coarse - short).abs() <= 0.01);
        near(first(99, 100), long, 0.11, "T99");
        near(first(12, 10_000), short, 2.1e-4, "T12, finely");
        near(first(99, 2000), long, 6e-3, "T99, finely");
    }
    assert_eq!(within_a_step, 14);
    for entry in entries("bargaining", "integer_money") {
        let money = Money::whole(number(&entry, "M") as i64);
        let config = BargainingConfig {
            money,
            delta: deltas(&entry),
            horizon: Horizon::Known(number(&entry, "T") as u16),
            ..BargainingConfig::default()
        };
        let tree = theory::bargaining_tree(config, number(&entry, "M") as u32).unwrap();
        assert_eq!(
            tree.offers[0],
            Money::whole(number(&entry, "alice_gain_round1") as i64),
            "{entry}"
        );
    }
}

/// Which of two gains is larger; late ones are small, and all are within rounding.
fn compared(a: f64, b: f64) -> Ordering {
    if (a - b).abs() <= 1e-12 * a.abs().max(b.abs()) {
        return Ordering::Equal;
    }
    a.total_cmp(&b)
}

/// A bargaining solved by nothing but its moves: the value of each position that can be reached from the start, looked up
/// where a position is met again. Of equally good moves the one that is better for both together, then the first.
struct Solver {
    parts: u32,
    known: HashMap<(u16, Option<i64>), [f64; 2]>,
}

impl Solver {
    fn value(&mut self, game: Bargaining) -> [f64; 2] {
        if let Some(metrics) = game.metrics(Scoring::Paper) {
            return [metrics.alice, metrics.bob];
        }
        let position = (game.round(), game.offer().map(Money::minor));
        if let Some(known) = self.known.get(&position) {
            return *known;
        }
        let money = game.config.money;
        let moves: Vec<Play> = match game.offer() {
            Some(_) => [Verdict::Accept, Verdict::Reject].map(Play::Verdict).into(),
            None => (0..=self.parts)
                .map(|part| money.fraction(part, self.parts))
                .map(|alice| Play::Split(alice, money - alice))
                .collect(),
        };
        let mover = game.mover().unwrap();
        let mut best: Option<[f64; 2]> = None;
        for play in moves {
            let mut next = game;
            next.play(play).unwrap();
            let value = self.value(next);
            let better = best.is_none_or(|best| {
                let more = compared(value[mover], best[mover]);
                more.then(compared(value[0] + value[1], best[0] + best[1]))
                    .is_gt()
            });
            if better {
                best = Some(value);
            }
        }
        let best = best.unwrap();
        self.known.insert(position, best);
        best
    }
}

/// Check 2 a third time, without using that what follows a rejection does not depend on the offer: the same values in all
/// cells.
#[test]
fn solving_any_game_of_such_moves_solves_bargaining() {
    for entry in entries("bargaining", "grid") {
        for rounds in [12, 99] {
            let config = BargainingConfig {
                money: Money::whole(100),
                delta: deltas(&entry),
                horizon: Horizon::Known(rounds),
                ..BargainingConfig::default()
            };
            let mut solver = Solver {
                parts: 100,
                known: HashMap::new(),
            };
            let value = solver.value(Bargaining::new(config).unwrap());
            let walked = theory::bargaining_tree(config, 100).unwrap();
            for (got, wanted) in value.iter().zip(walked.gains[0]) {
                near(*got, wanted, 1e-9, &format!("{:?}, {rounds}", config.delta));
            }
            // 101 offers and the answers to them in every round.
            assert_eq!(solver.known.len(), usize::from(rounds) * 102);
        }
    }
}

/// Check 4: who makes the last offer gains everything, by the closed form and by the rules' tree.
#[test]
fn negotiations_give_everything_to_the_last_offer() {
    for entry in entries("negotiation", "complete_information") {
        let factor = ["F_A", "F_B"].map(|key| number(&entry, key));
        for (key, rounds) in [("T1", 1), ("T10", 10)] {
            let cell = &entry[key];
            let closed = theory::negotiation(factor, rounds);
            assert_eq!(closed.is_some(), cell["trade"] == true, "{entry}");
            let money = Money::whole(100);
            let config = NegotiationConfig {
                money,
                factor,
                horizon: Horizon::Known(rounds),
                ..NegotiationConfig::default()
            };
            let prices: Vec<Money> = (50..=170).map(Money::whole).collect();
            let tree = theory::negotiation_tree(config, &prices).unwrap();
            let [seller, buyer] = ["seller", "buyer"].map(|key| number(cell, key));
            near(tree.gains[0][0], seller, 1e-9, "seller");
            near(tree.gains[0][1], buyer, 1e-9, "buyer");
            if let Some(trade) = closed {
                near(trade.price, number(cell, "price"), 1e-12, "price");
                near(trade.seller, seller, 1e-12, "seller");
                near(trade.buyer, buyer, 1e-12, "buyer");
                assert!(tree.accepted[0]);
            } else {
                assert!(!tree.accepted[0], "{entry}");
            }
        }
    }
}

/// Check 5.
#[test]
fn posted_prices_are_the_best_ones() {
    let price = |posted: Option<theory::Posted>, entry: &Value| match posted {
        Some(posted) => {
            near(posted.price, number(entry, "price"), 1e-7, "price");
            near(posted.gain, number(entry, "expected_profit"), 1e-7, "gain");
        }
        None => assert!(entry["price"].is_null(), "{entry}"),
    };
    let mut draws = Stream::new(5, 0, "test.regret");
    for entry in entries("negotiation", "seller_posted_price") {
        let own = number(&entry, "F_A");
        price(
            theory::seller_price(own, &grid::FACTORS),
            &entry["grid_prior"],
        );
        let uniform = theory::seller_price_uniform(own, 0.8, 1.5);
        price(Some(uniform), &entry["uniform_0.8_1.5"]);
        let wanted = &entry["minimax_regret"];
        let random = RegretPrice::new(own, number(wanted, "v_max"));
        near(random.regret(), number(wanted, "regret"), 1e-7, "regret");
        for (got, wanted) in random
            .support()
            .iter()
            .zip(wanted["price_support"].as_array().unwrap())
        {
            near(*got, wanted.as_f64().unwrap(), 1e-7, "support");
        }
        // Mean regret of 1e5 prices against each buyer is nowhere larger than it should be.
        let prices: Vec<f64> = (0..100_000).map(|_| random.price(draws.random())).collect();
        let mut worst = 0.0_f64;
        for step in 0..=140 {
            let value = 0.8 + 0.005 * f64::from(step);
            let missed = prices.iter().map(|&price| {
                let gained = if price <= value { price - own } else { 0.0 };
                (value - own).max(0.0) - gained
            });
            worst = worst.max(missed.sum::<f64>() / prices.len() as f64);
        }
        near(worst, random.regret(), 0.005, "simulated regret");
    }
    for entry in entries("negotiation", "buyer_posted_price") {
        let own = number(&entry, "F_B");
        price(
            theory::buyer_price(own, &grid::FACTORS),
            &entry["grid_prior"],
        );
    }
}

/// Check 5, two-sided uncertainty.
#[test]
fn bilateral_trade_gains_what_it_can() {
    let golden = &golden()["negotiation"]["uniform_bilateral_trade"];
    let keys = [
        "first_best",
        "linear_equilibrium_gains",
        "take_it_or_leave_it",
    ];
    for (got, key) in theory::BILATERAL_GAINS.iter().zip(keys) {
        near(*got, number(golden, key), 1e-7, key);
    }
    let n = 1000;
    let centre = |i: i32| (f64::from(i) + 0.5) / f64::from(n);
    let (mut first, mut auction, mut single) = (0.0, 0.0, 0.0);
    for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
        let (cost, value) = (centre(i), centre(j));
        let gain = value - cost;
        let [ask, bid] = theory::double_auction(cost, value);
        first += gain.max(0.0);
        auction += if bid >= ask { gain } else { 0.0 };
        single += if value >= f64::midpoint(cost, 1.0) {
            gain
        } else {
            0.0
        };
    }
    for (sum, wanted) in [first, auction, single].iter().zip(theory::BILATERAL_GAINS) {
        near(sum / f64::from(n * n), wanted, 1e-3, "integral");
    }
    // No offer of a seller is better against the buyer's: the gain is flat there.
    let gain = |cost: f64, ask: f64| -> f64 {
        let gains = (0..n).map(|j| {
            let [_, bid] = theory::double_auction(0.0, centre(j));
            if bid >= ask {
                f64::midpoint(bid, ask) - cost
            } else {
                0.0
            }
        });
        gains.sum::<f64>() / f64::from(n)
    };
    for cost in [0.0, 0.3, 0.6] {
        let [own, _] = theory::double_auction(cost, 0.0);
        for ask in [0.2, 0.4, 0.6, 0.8] {
            assert!(gain(cost, ask) <= gain(cost, own) + 1e-3, "{cost} {ask}");
        }
    }
}

/// Check 6.
#[test]
fn persuasion_lies_as_often_as_it_can() {
    let mut ties = 0;
    for entry in entries("persuasion", "grid") {
        let [p, high] = ["p", "v"].map(|key| number(&entry, key));
        let best = theory::bayesian_persuasion(p, high, 0.0);
        let wanted = &entry["bayesian_persuasion"];
        for (got, key) in [
            (best.lie, "q_lie"),
            (best.seller, "seller"),
            (best.buyer, "buyer"),
            (best.efficiency, "efficiency"),
            (best.fairness, "fairness"),
            (best.posterior, "posterior_given_recommend"),
        ] {
            near(got, number(wanted, key), 1e-12, key);
        }
        if p * high < 1.0 - 1e-9 {
            near(best.posterior, 1.0 / high, 1e-12, "posterior");
        }
        let honest = theory::full_information(p, high, 0.0);
        for (got, key) in [
            (honest.seller, "seller"),
            (honest.buyer, "buyer"),
            (honest.fairness, "fairness"),
        ] {
            near(got, number(&entry["full_information"], key), 1e-12, key);
        }
        let [seller, buyer] = theory::babbling(p, high, 0.0);
        near(
            seller,
            number(&entry["babbling"], "seller"),
            1e-12,
            "babbling",
        );
        near(
            buyer,
            number(&entry["babbling"], "buyer"),
            1e-12,
            "babbling",
        );
        ties += usize::from(entry["tie"] == true);
        if let Some(patience) = entry["honest_grim_trigger_min_delta"].as_f64() {
            near(theory::honest_patience(p), patience, 1e-12, "patience");
        }
    }
    assert_eq!(ties, 3);
    near(
        theory::bayesian_persuasion(0.2, 2.0, 0.5).lie,
        0.5,
        1e-12,
        "u = 0.5",
    );
}

/// Check 6, played: how often a seller recommends bad things, and what both earn, over 1e5 rounds.
#[test]
fn a_committed_seller_earns_what_theory_says() {
    let rounds = 50_000;
    for (p, high) in [(1.0 / 3.0, 1.2), (0.5, 1.25), (0.8, 1.2), (0.5, 3.0)] {
        let best = theory::bayesian_persuasion(p, high, 0.0);
        let config = PersuasionConfig {
            p,
            value_high: high,
            rounds,
            ..PersuasionConfig::default()
        };
        let mut draws = Stream::new(6, 0, "test.persuasion");
        let (mut low, mut lies, mut sold, mut earned, mut played) = (0, 0, 0, 0.0, 0.0);
        for _ in 0..2 {
            let mut game = Persuasion::new(config).unwrap();
            while game.phase() != PersuasionPhase::Done {
                game.draw(draws.random::<f64>() < p).unwrap();
                let recommends = game.is_high() || draws.random::<f64>() < best.lie;
                low += i32::from(!game.is_high());
                lies += i32::from(!game.is_high() && recommends);
                game.say(Signal::Recommend(recommends)).unwrap();
                // The buyer follows.
                let [seller, buyer] = game.decide(recommends).unwrap();
                sold += seller as i32;
                earned += buyer;
                played += 1.0;
            }
        }
        let rate = f64::from(lies) / f64::from(low);
        let spread = |q: f64, n: f64| 3.0 * (q * (1.0 - q) / n).sqrt() + 1e-12;
        near(rate, best.lie, spread(best.lie, f64::from(low)), "lies");
        near(
            f64::from(sold) / played,
            best.seller,
            spread(best.seller, played),
            "sales",
        );
        near(
            earned / played,
            best.buyer,
            3.0 * high / f64::sqrt(played),
            "buyer",
        );
    }
}
