//! The measures against the golden ones, in both modes.

use serde_json::Value;

use super::{entries, number};
use crate::language::{
    Metrics, Scoring,
    metrics::{self, Counts, Deal},
};

fn same(got: Metrics, entry: &Value, efficiency: &str) {
    let near = |got: f64, key: &str| {
        let wanted = number(entry, key);
        assert!((got - wanted).abs() < 1e-12, "{key} is {got}: {entry}");
    };
    near(got.alice, "alice");
    near(got.bob, "bob");
    for (got, key) in [(got.efficiency, efficiency), (got.fairness, "fairness")] {
        match got {
            Some(got) => near(got, key),
            None => assert!(entry[key].is_null() && entry.get(key).is_some(), "{entry}"),
        }
    }
}

#[test]
fn bargaining_is_measured_as_in_every_golden_case() {
    for entry in entries("bargaining", "metric_cases") {
        if entry["no_deal"] == true {
            let zero = |mode| metrics::bargaining(None, [0.9; 2], 12, mode);
            let paper = Metrics {
                alice: number(&entry, "alice"),
                bob: number(&entry, "bob"),
                efficiency: entry["efficiency"].as_f64(),
                fairness: entry["fairness"].as_f64(),
            };
            assert_eq!(zero(Scoring::Paper), paper);
            let script = &entry["upstream_script_values"];
            let upstream = zero(Scoring::UpstreamScripts);
            let efficiency = upstream.efficiency.unwrap();
            assert!((efficiency - number(script, "efficiency")).abs() < 1e-12);
            assert_eq!(upstream.fairness, script["fairness"].as_f64());
            continue;
        }
        let deal = Deal {
            share: number(&entry, "p"),
            round: number(&entry, "t") as u16,
        };
        let delta = ["delta_A", "delta_B"].map(|key| number(&entry, key));
        for mode in [Scoring::Paper, Scoring::UpstreamScripts] {
            same(
                metrics::bargaining(Some(deal), delta, 12, mode),
                &entry,
                "efficiency",
            );
        }
    }
}

#[test]
fn negotiation_is_measured_as_in_every_golden_case() {
    let mut differ = 0;
    for entry in entries("negotiation", "metric_cases") {
        let factor = ["F_A", "F_B"].map(|key| number(&entry, key));
        let price = entry["price_over_M"].as_f64();
        let [paper, script] = [Scoring::Paper, Scoring::UpstreamScripts]
            .map(|mode| metrics::negotiation(price, factor, mode));
        if price.is_none() {
            assert_eq!(entry["no_deal"], true);
            assert_eq!((paper.alice, paper.bob), (0.0, 0.0));
            assert_eq!(paper.efficiency, entry["efficiency"].as_f64());
            assert_eq!(paper.fairness, entry["fairness"].as_f64());
        } else if entry.get("efficiency_paper").is_some() {
            differ += 1;
            same(paper, &entry, "efficiency_paper");
            same(script, &entry, "efficiency_script");
        } else {
            same(paper, &entry, "efficiency");
            same(script, &entry, "efficiency");
        }
    }
    assert_eq!(differ, 1);
    // The scripts hold every game between equal valuations for efficient.
    for price in [None, Some(0.3), Some(1.0)] {
        let script = metrics::negotiation(price, [1.0; 2], Scoring::UpstreamScripts);
        assert_eq!(script.efficiency, Some(1.0));
    }
    let unfair = metrics::negotiation(Some(3.0), [1.0; 2], Scoring::Paper);
    assert_eq!(unfair.fairness, Some(-15.0));
    assert_eq!(unfair.clipped().fairness, Some(0.0));
}

#[test]
fn persuasion_is_measured_as_in_every_golden_case() {
    for entry in entries("persuasion", "metric_cases") {
        let bits = |key: &str| -> Vec<bool> {
            let list = entry[key].as_array().unwrap();
            list.iter().map(|x| x.as_u64() == Some(1)).collect()
        };
        let mut counts = Counts::default();
        for (high, bought) in bits("qualities").into_iter().zip(bits("bought")) {
            counts.count(high, bought);
        }
        let worth = ["v", "u"].map(|key| number(&entry, key));
        for (got, key) in [
            (counts.high, "n"),
            (counts.high_bought, "k"),
            (counts.low_passed(), "r"),
        ] {
            assert_eq!(f64::from(got), number(&entry, key), "{key}");
        }
        let rounds = counts.rounds;
        let paper = metrics::persuasion(counts, rounds, worth, Scoring::Paper);
        same(paper, &entry, "efficiency");
    }
    // All good: fairness has no meaning.
    let mut counts = Counts::default();
    (0..4).for_each(|_| counts.count(true, false));
    let paper = metrics::persuasion(counts, 4, [2.0, 0.0], Scoring::Paper);
    assert_eq!((paper.efficiency, paper.fairness), (Some(0.0), None));
    // The scripts take 20 rounds for granted, and charge the buyer for bad things that it has not bought.
    let mut counts = Counts::default();
    for (high, bought) in [(true, true), (true, false), (false, true), (false, false)] {
        (0..5).for_each(|_| counts.count(high, bought));
    }
    counts.count(false, false);
    let script = metrics::persuasion(counts, 21, [3.0, 0.5], Scoring::UpstreamScripts);
    assert_eq!((script.alice, script.bob), (0.5, (10.0 - 6.0) / 20.0));
    assert_eq!((script.efficiency, script.fairness), (Some(0.5), Some(0.6)));
}
