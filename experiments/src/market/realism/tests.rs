//! Golden numbers (`tests/golden/market/stylised_facts.json`) and small examples by hand.

use palaestra_envs::{math::ln, stream::Stream};
use serde_json::Value;

use super::{
    distances::{Pair, distance, histogram, overlap},
    moments::{Moments, quantile},
    *,
};
use crate::stats::{Bootstrap, PowerLaw, hill_tail_index};

const GOLDEN: &str = include_str!("../../../../tests/golden/market/stylised_facts.json");

fn golden() -> Value {
    serde_json::from_str(GOLDEN).unwrap()
}

fn floats(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

fn path() -> (MinuteBars, Vec<f64>) {
    let golden = golden();
    let bars = MinuteBars {
        last: floats(&golden["price"]),
        mean: floats(&golden["price"]),
        volume: floats(&golden["volume"]),
        ..MinuteBars::default()
    };
    let returns = bars
        .last
        .windows(2)
        .map(|pair| ln(pair[1] / pair[0]))
        .collect();
    (bars, returns)
}

fn close(found: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    assert!(
        (found - expected).abs() <= 1e-9,
        "{found} instead of {expected}"
    );
}

fn study(days: &[MinuteBars], replicates: u32, day_length: u32) -> StylisedFacts {
    let settings = FactSettings {
        bootstrap: Bootstrap::with_replicates(replicates),
        day_length,
    };
    StylisedFacts::of(days, &settings, &mut Stream::new(0, 0, "test")).unwrap()
}

/// A statistic, its name in the golden file, and the fact that it belongs to.
const SERIES: [(&str, Fact, &str); 8] = [
    (
        "kurtosis_excess_unbiased",
        Fact::AggregationalGaussianity,
        "excess kurtosis",
    ),
    ("skew_unbiased", Fact::GainLossAsymmetry, "skewness"),
    (
        "acf_return",
        Fact::NoAutocorrelation,
        "corr(r_t, r_t+τ) of last prices",
    ),
    (
        "acf_abs_return",
        Fact::VolatilityClustering,
        "corr(|r_t|, |r_t+τ|)",
    ),
    (
        "leverage_corr_r_absr_lag",
        Fact::Leverage,
        "corr(r_t, |r_t+τ|)",
    ),
    (
        "volume_absr_corr_lag",
        Fact::VolumeVolatility,
        "corr(volume_t, |r_t+τ|)",
    ),
    (
        "coarse_fine_corr_dt5",
        Fact::TimescaleAsymmetry,
        "c(τ) = corr(fine_t, coarse_t+τ)",
    ),
    ("coarse_fine_asym", Fact::TimescaleAsymmetry, "c(τ) - c(-τ)"),
];

#[test]
fn every_fact_is_the_golden_one() {
    let expected = &golden()["expect"];
    let facts = study(&[path().0], 1, 60);
    let mut compared = 0;
    for (key, fact, statistic) in SERIES {
        for (minutes, value) in expected[key].as_object().unwrap() {
            let minutes = Some(minutes.parse().unwrap());
            let found = facts.get(fact).unwrap().get(statistic, minutes).unwrap();
            close(found.estimate, value);
            compared += 1;
        }
    }
    assert_eq!(compared, 55);
    let single = |fact, statistic| {
        facts
            .get(fact)
            .unwrap()
            .get(statistic, None)
            .unwrap()
            .estimate
    };
    close(
        single(Fact::Intermittency, "Fano factor"),
        &expected["fano_q99_window60"]["fano"],
    );
    let conditional = single(Fact::ConditionalHeavyTails, "conditional kurtosis");
    close(conditional, &expected["conditional_kurtosis_mod60"]);
    assert_eq!(facts.facts.len(), 11);
}

#[test]
fn every_other_statistic_is_the_golden_one() {
    let expected = &golden()["expect"];
    let (_, returns) = path();
    let absolute: Vec<f64> = returns.iter().map(|r| r.abs()).collect();
    let fano = &expected["fano_q99_window60"];
    close(quantile(&absolute, 0.99), &fano["quantile"]);
    let halves = &expected["overlap_halves_bins50"];
    let [low, high] = ["lo", "hi"].map(|key| halves[key].as_f64().unwrap());
    let (left, right) = returns.split_at(returns.len() / 2);
    let [left, right] = [left, right].map(|half| histogram(half, low, high, 50));
    close(overlap(&left, &right), &halves["value"]);
    close(
        hill_tail_index(&absolute, 78).unwrap(),
        &expected["hill_tail_index_k78"],
    );
    // Each return forecast by the one before, over 700 of them.
    let accuracy = three_class_accuracy(&returns[..700], &returns[1..701]);
    close(accuracy.unwrap(), &expected["acc3_lag1"]["acc"]);
    close(
        quantile(&returns[1..701], 1.0 / 3.0),
        &expected["acc3_lag1"]["t1"],
    );
    close(
        quantile(&returns[1..701], 2.0 / 3.0),
        &expected["acc3_lag1"]["t2"],
    );
    let impact = &expected["impact_loglog_fit"];
    let law = PowerLaw::fit(&floats(&impact["Q_over_V"]), &floats(&impact["impact_bp"])).unwrap();
    close(law.exponent, &impact["exponent"]);
    close(law.factor, &impact["prefactor"]);
}

#[test]
fn intervals_hold_the_estimate_and_shrink_with_more_days() {
    let (bars, _) = path();
    let part = |k: usize, length: usize| MinuteBars {
        last: bars.last[k * length..(k + 1) * length].to_vec(),
        mean: bars.mean[k * length..(k + 1) * length].to_vec(),
        volume: bars.volume[k * length..(k + 1) * length].to_vec(),
        ..MinuteBars::default()
    };
    let days: Vec<MinuteBars> = (0..15).map(|k| part(k, 100)).collect();
    let few = study(&days[..5], 400, 60);
    let many = study(&[days.clone(), days.clone(), days].concat(), 400, 60);
    for (few, many) in few.facts.iter().zip(&many.facts) {
        for (few, many) in few.points.iter().zip(&many.points) {
            let (few, many) = (few.value.unwrap(), many.value.unwrap());
            assert!(many.low < many.estimate && many.estimate < many.high);
            assert!(
                many.high - many.low < few.high - few.low + 0.2,
                "{few:?} {many:?}"
            );
        }
    }
    let text = many.to_string();
    assert!(text.contains("11. time-scale asymmetry"), "{text}");
}

#[test]
fn a_market_that_does_not_move_has_no_facts() {
    let still = MinuteBars {
        last: vec![5.0; 50],
        mean: vec![5.0; 50],
        volume: vec![1.0; 50],
        ..MinuteBars::default()
    };
    let facts = study(&[still], 3, 60);
    let told = |fact| facts.get(fact).unwrap().holds;
    assert_eq!(told(Fact::HeavyTails), None);
    assert_eq!(told(Fact::VolumeVolatility), None);
    let settings = FactSettings::default();
    let mut rng = Stream::new(0, 0, "test");
    assert!(StylisedFacts::of(&[], &settings, &mut rng).is_err());
    let free = MinuteBars {
        last: vec![0.0],
        ..MinuteBars::default()
    };
    assert!(StylisedFacts::of(&[free], &settings, &mut rng).is_err());
}

#[test]
fn minutes_are_the_nearest_and_gaps_are_filled() {
    let at = |seconds: i64, price: f64, volume| Print {
        time: seconds * 1_000_000_000,
        price,
        volume,
    };
    let bars = MinuteBars::of([
        at(34_200, -1.0, 5), // Before the first trade.
        at(34_201, 10.0, 5), // 09:30, which is left out.
        at(34_235, 11.0, 1), // 09:31 from half past 09:30 on.
        at(34_260, 13.0, 2),
        at(34_440, 20.0, 4), // 09:34
    ]);
    assert_eq!(bars.last, [13.0, 13.0, 13.0, 20.0]);
    assert_eq!(bars.mean, [12.0, 13.0, 13.0, 20.0]);
    assert_eq!(bars.volume, [3.0, 0.0, 0.0, 4.0]);
    assert_eq!(bars.first_minute, 9 * 60 + 31);
}

#[test]
fn distances_by_hand() {
    // Mass 1/2 must move from 0 to 4, the other half from 1 to 1; the reference deviates by 1.5.
    let found = distance(&[0.0, 1.0], &[1.0, 4.0]).unwrap();
    assert!((found.wasserstein - 2.0 / 1.5).abs() < 1e-12);
    let reference: Vec<f64> = (0..100).map(f64::from).collect();
    let shifted: Vec<f64> = reference.iter().map(|x| x + 10.0).collect();
    let found = distance(&shifted, &reference).unwrap();
    let deviation = Moments::of(reference.iter().copied()).deviation();
    assert!((found.wasserstein - 10.0 / deviation).abs() < 1e-12);
    assert!(found.l1 > 0.05 && found.l1 < 0.3, "{found:?}");
    let same = distance(&reference, &reference).unwrap();
    assert!(same.l1 < 1e-12 && same.wasserstein < 1e-12, "{same:?}");
    let apart = distance(&[-1e3], &reference).unwrap();
    assert!((apart.l1 - 1.0).abs() < 1e-12);
    // What does not vary has no deviation to measure by, but can be elsewhere.
    let still = distance(&[1.0], &[2.0, 2.0]).unwrap();
    assert!(still.l1 == 1.0 && still.wasserstein.is_nan());
    assert_eq!(distance(&[2.0], &[2.0, 2.0]).unwrap().l1, 0.0);
    assert_eq!(distance(&[], &[2.0]), None);
}

#[test]
fn groups_weigh_as_often_as_they_are_drawn() {
    let (a, b, c) = ([0.0, 1.0, 5.0], [2.0, 2.5], [1.0, 3.0, 4.0]);
    let pair = Pair::new(&[&a, &b], &[&c, &c]).unwrap();
    let found = pair.distance([&[2.0, 0.0], &[1.0, 1.0]]);
    let plain = distance(&a, &c).unwrap();
    assert!((found.wasserstein - plain.wasserstein).abs() < 1e-12);
    let all = pair.distance([&[1.0, 1.0], &[1.0, 1.0]]);
    let joined = distance(&[0.0, 1.0, 5.0, 2.0, 2.5], &c).unwrap();
    assert!((all.wasserstein - joined.wasserstein).abs() < 1e-12);
    assert!(pair.distance([&[0.0, 0.0], &[1.0, 1.0]]).l1.is_nan());
}
