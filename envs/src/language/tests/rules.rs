//! The state machines, move by move; money.

use proptest::prelude::*;

use crate::language::{
    ALICE, BOB, Bargaining, BargainingConfig, Horizon, Metrics, Money, Negotiation,
    NegotiationConfig, Persuasion, PersuasionConfig, PersuasionPhase, Reason, Reveal, RuleError,
    Scoring, SellerMessage, Signal, Stats, Verdict,
    answer::{AnswerError, Play, Reading, read},
};

fn whole(units: i64) -> Money {
    Money::whole(units)
}

#[test]
fn bargaining_alternates_and_melts_from_the_second_round_on() {
    let config = BargainingConfig {
        money: whole(100),
        delta: [0.9, 0.8],
        horizon: Horizon::Known(3),
        ..BargainingConfig::default()
    };
    let mut game = Bargaining::new(config).unwrap();
    assert_eq!((game.mover(), game.melted(ALICE)), (Some(ALICE), 0.0));
    assert!(matches!(
        game.decide(Verdict::Accept),
        Err(RuleError::OutOfTurn { .. })
    ));
    let sum = game.propose(whole(50), whole(49));
    assert_eq!(
        sum,
        Err(RuleError::SumMismatch {
            got: whole(99),
            want: whole(100)
        })
    );
    assert!(game.propose(whole(101), whole(-1)).is_err());
    game.propose(whole(70), whole(30)).unwrap();
    assert!(game.propose(whole(70), whole(30)).is_err());
    assert_eq!(game.decide(Verdict::Exit), Err(RuleError::NoExit));
    assert_eq!(game.mover(), Some(BOB));
    game.decide(Verdict::Reject).unwrap();
    assert_eq!(
        (game.round(), game.mover(), game.offer()),
        (2, Some(BOB), None)
    );
    assert!((game.melted(BOB) - 0.2).abs() < 1e-15);
    let mut deal = game;
    deal.propose(whole(60), whole(40)).unwrap();
    deal.decide(Verdict::Accept).unwrap();
    let metrics = deal.metrics(Scoring::Paper).unwrap();
    assert_eq!((metrics.alice, metrics.bob), (0.9 * 0.6, 0.8 * (1.0 - 0.6)));
    assert_eq!(deal.mover(), None);
    game.propose(whole(0), whole(100)).unwrap();
    game.decide(Verdict::Reject).unwrap();
    game.propose(whole(1), whole(99)).unwrap();
    game.decide(Verdict::Reject).unwrap();
    let outcome = game.outcome().unwrap();
    assert_eq!((outcome.reason, outcome.round), (Reason::RejectedAtCap, 3));
    let none = game.metrics(Scoring::Paper).unwrap();
    assert_eq!((none.alice, none.bob, none.fairness), (0.0, 0.0, Some(1.0)));
}

#[test]
fn walking_away_ends_a_bargaining_where_it_is_allowed() {
    let config = BargainingConfig {
        walk_away: true,
        unbounded: true,
        money: whole(100),
        ..BargainingConfig::default()
    };
    let mut game = Bargaining::new(config).unwrap();
    game.propose(whole(150), whole(-50)).unwrap();
    game.decide(Verdict::Exit).unwrap();
    assert_eq!(game.outcome().unwrap().reason, Reason::WalkAway);
    assert!(game.propose(whole(50), whole(50)).is_err());
}

#[test]
fn a_negotiation_ends_with_a_price_a_third_party_or_nothing() {
    let config = NegotiationConfig {
        money: whole(100),
        factor: [0.8, 1.2],
        horizon: Horizon::Known(2),
        ..NegotiationConfig::default()
    };
    let start = Negotiation::new(config).unwrap();
    let mut game = start;
    assert!(game.propose(whole(-1)).is_err() && game.propose(whole(1001)).is_err());
    game.propose(whole(130)).unwrap();
    let mut left = game;
    left.decide(Verdict::Exit).unwrap();
    assert_eq!(left.outcome().unwrap().reason, Reason::OutsideOption);
    let metrics = left.metrics(Scoring::Paper).unwrap();
    let nothing = Metrics {
        alice: 0.0,
        bob: 0.0,
        efficiency: Some(0.0),
        fairness: Some(1.0),
    };
    assert_eq!(metrics, nothing);
    game.decide(Verdict::Reject).unwrap();
    assert_eq!((game.mover(), game.round()), (Some(BOB), 2));
    game.propose(whole(90)).unwrap();
    let mut deal = game;
    deal.decide(Verdict::Accept).unwrap();
    let metrics = deal.metrics(Scoring::Paper).unwrap();
    assert!((metrics.alice - 0.1).abs() < 1e-12 && (metrics.bob - 0.3).abs() < 1e-12);
    assert_eq!(metrics.efficiency, Some(1.0));
    game.decide(Verdict::Reject).unwrap();
    assert_eq!(game.outcome().unwrap().reason, Reason::RejectedAtCap);
}

#[test]
fn persuasion_goes_from_nature_to_seller_to_buyer() {
    let config = PersuasionConfig {
        rounds: 2,
        value_high: 3.0,
        value_low: 0.5,
        reveal: Reveal::OnPurchase,
        ..PersuasionConfig::default()
    };
    let mut game = Persuasion::new(config).unwrap();
    assert_eq!(game.mover(), None);
    assert!(game.say(Signal::Recommend(true)).is_err());
    game.draw(true).unwrap();
    assert!(game.draw(true).is_err() && game.decide(true).is_err());
    assert!(game.say(Signal::Text).is_err());
    assert_eq!(game.mover(), Some(ALICE));
    game.say(Signal::Recommend(true)).unwrap();
    assert_eq!(game.decide(true).unwrap(), [1.0, 2.0]);
    game.draw(false).unwrap();
    game.say(Signal::Recommend(false)).unwrap();
    assert!(game.is_revealed(true) && !game.is_revealed(false));
    assert_eq!(game.decide(true).unwrap(), [1.0, -0.5]);
    assert_eq!(game.phase(), PersuasionPhase::Done);
    let stats = Stats {
        rounds: 2,
        sold: 2,
        sold_high: 1,
    };
    assert_eq!(game.stats(), stats);
    let metrics = game.metrics(Scoring::Paper).unwrap();
    assert_eq!((metrics.alice, metrics.bob), (1.0, 0.75));
    assert_eq!(game.outcome().unwrap().reason, Reason::RoundsOver);
}

#[test]
fn fallbacks_are_moves_of_the_game() {
    let mut game = Bargaining::new(BargainingConfig::default()).unwrap();
    game.play(game.fallback().unwrap()).unwrap();
    assert_eq!(game.offer(), Some(whole(5000)));
    game.play(game.fallback().unwrap()).unwrap();
    assert_eq!(game.round(), 2);
    let mut game = Negotiation::new(NegotiationConfig::default()).unwrap();
    game.play(game.fallback().unwrap()).unwrap();
    assert_eq!(game.offer(), Some(whole(8000)));
    game.play(game.fallback().unwrap()).unwrap();
    game.play(game.fallback().unwrap()).unwrap();
    assert_eq!(game.offer(), Some(whole(12_000)));
    let mut game = Persuasion::new(PersuasionConfig::default()).unwrap();
    game.draw(true).unwrap();
    game.play(game.fallback().unwrap()).unwrap();
    assert_eq!(game.signal(), Some(Signal::Recommend(true)));
    game.play(game.fallback().unwrap()).unwrap();
    assert_eq!((game.round(), game.stats().sold), (2, 0));
    game.stop(Reason::InvalidMoves);
    assert_eq!(game.fallback(), None);
    assert!(!game.outcome().unwrap().reason.is_by_the_rules());
}

#[test]
fn settings_that_make_no_game_are_named() {
    let key = |result: Result<(), RuleError>| match result {
        Err(RuleError::Config { key, .. }) => key,
        other => panic!("{other:?}"),
    };
    let bargaining = BargainingConfig::default();
    for delta in [0.0, -0.1, 1.1, f64::NAN] {
        let config = BargainingConfig {
            delta: [0.9, delta],
            ..bargaining
        };
        assert_eq!(key(config.check()), "delta_bob");
    }
    let config = BargainingConfig {
        money: Money::from_minor(1),
        ..bargaining
    };
    assert_eq!(key(config.check()), "money");
    let config = BargainingConfig {
        horizon: Horizon::Hidden { cap: 0 },
        ..bargaining
    };
    assert_eq!(key(config.check()), "rounds");
    let config = NegotiationConfig {
        factor: [f64::NAN, 1.0],
        ..NegotiationConfig::default()
    };
    assert_eq!(key(config.check()), "seller_value");
    let persuasion = PersuasionConfig {
        seller_message: SellerMessage::Text,
        ..PersuasionConfig::default()
    };
    let config = PersuasionConfig {
        p: 1.5,
        ..persuasion
    };
    assert_eq!(key(config.check()), "p");
    let config = PersuasionConfig {
        value_high: 0.9,
        ..persuasion
    };
    assert_eq!(key(config.check()), "value_high");
}

/// Check 20: a million offers with two decimals, with sums that are right and sums that are off by little.
#[test]
fn sums_of_two_decimals_are_judged_without_error() {
    let mut state: u64 = 1;
    let mut random = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let scales = [100, 10_000, 1_000_000].map(whole);
    let games = scales.map(|money| {
        let config = BargainingConfig {
            money,
            ..BargainingConfig::default()
        };
        let game = Bargaining::new(config).unwrap();
        (game, game.expected(["Alice", "Bob"]).unwrap())
    });
    let mut text = String::new();
    for i in 0..1_000_000 {
        use std::fmt::Write as _;
        let (mut game, due) = games[i % 3].clone();
        let money = game.config.money;
        // One or two hundredths too many or too few in every other offer.
        let off = [0, [-2, -1, 1, 2][random(4) as usize]][i % 2];
        let alice = random(money.minor() as u64 - 1) as i64;
        let bob = money.minor() - alice + off;
        let [a, b] = [alice, bob].map(|minor| (minor / 100, minor % 100));
        text.clear();
        write!(
            text,
            "{{\"alice_gain\": {}.{:02}, \"bob_gain\": {}.{:02}}}",
            a.0, a.1, b.0, b.1
        )
        .unwrap();
        let [alice, bob] = [alice, bob].map(Money::from_minor);
        let judged = read(&text, &due, &Reading::default());
        match judged {
            Ok(action) => {
                assert_eq!(off, 0, "{text}");
                assert_eq!(action.play, Play::Split(alice, bob), "{text}");
            }
            Err(error) => {
                let got = alice + bob;
                let mismatch = AnswerError::SumMismatch { got, want: money };
                // Bob may get a hundredth more than there is, but then the sum is wrong as well.
                assert!(off != 0 && error == mismatch, "{text}: {error}");
            }
        }
        // The rules judge alike, and numbers that arrive as doubles mean the same.
        assert_eq!(game.propose(alice, bob).is_ok(), off == 0, "{text}");
        let floats = [alice, bob].map(|amount| Money::from_f64(amount.to_f64()).unwrap());
        assert_eq!([alice, bob], floats);
    }
}

proptest! {
    /// Whatever is played, a game ends within its rounds, and gains are what was agreed on.
    #[test]
    fn random_bargaining_ends_in_time(
        plays in prop::collection::vec((0i64..=10_000, 0u8..3), 12),
        rounds in 1u16..12,
    ) {
        let config = BargainingConfig {
            money: whole(100),
            horizon: Horizon::Hidden { cap: rounds },
            walk_away: true,
            ..BargainingConfig::default()
        };
        let mut game = Bargaining::new(config).unwrap();
        for (alice, verdict) in plays {
            if game.outcome().is_some() {
                break;
            }
            let alice = Money::from_minor(alice);
            prop_assert_eq!(game.mover(), Some(usize::from(game.round().is_multiple_of(2))));
            game.propose(alice, whole(100) - alice).unwrap();
            prop_assert_eq!(game.mover(), Some(usize::from(game.round() % 2 == 1)));
            let verdict = [Verdict::Accept, Verdict::Reject, Verdict::Exit][usize::from(verdict)];
            game.decide(verdict).unwrap();
        }
        let outcome = game.outcome().unwrap();
        prop_assert!(outcome.round <= rounds);
        let metrics = game.metrics(Scoring::Paper).unwrap();
        prop_assert!((0.0..=1.0).contains(&metrics.efficiency.unwrap()));
        prop_assert_eq!(outcome.terms.is_some(), outcome.reason == Reason::Agreement);
    }
}
