//! The calibrated market looks real: the study that the repository ships, on its own days.

use palaestra::{
    config::Document,
    market::realism::{Fact, RealismConfig, study},
};

const FILE: &str = include_str!("../../../experiments/configs/market/realism.toml");

#[test]
fn facts_hold_on_two_hundred_days_and_impact_is_concave() {
    let mut document = Document::parse("realism.toml", FILE).unwrap();
    document.set("impact.days=100").unwrap();
    document.set("impact.replicates=500").unwrap();
    document.set("facts.replicates=300").unwrap();
    let config = RealismConfig::read(&document).unwrap();
    assert_eq!(config.facts.days, 200);
    let found = study(&config, 2, || {}).unwrap();
    for fact in [
        Fact::NoAutocorrelation,
        Fact::HeavyTails,
        Fact::AggregationalGaussianity,
        Fact::Intermittency,
        Fact::VolatilityClustering,
        Fact::ConditionalHeavyTails,
        Fact::SlowDecay,
        Fact::VolumeVolatility,
    ] {
        let report = found.facts.get(fact).unwrap();
        assert_eq!(report.holds, Some(true), "{}", found.facts);
    }
    let impact = found.impact.unwrap();
    let ratios: Vec<f64> = impact.points.iter().map(|point| point.ratio).collect();
    assert_eq!(ratios, [0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3]);
    for i in &impact.points[0].curve {
        assert_eq!((i.estimate, i.low, i.high), (0.0, 0.0, 0.0));
    }
    assert!(impact.is_monotone(), "{impact:?}");
    let exponent = impact.exponent.unwrap();
    assert!((0.3..=0.7).contains(&exponent.estimate), "{exponent:?}");
}
