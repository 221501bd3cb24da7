//! The calibrated market looks real: the study that the repository ships, on its own days.

use palaestra::{
    config::Document,
    market::realism::{Fact, RealismConfig, study},
};

const FILE: &str = include_str!("../../../experiments/configs/market/realism.toml");

#[test]
fn facts_hold_on_two_hundred_days_and_impact_is_concave() {
    let mut document = Document::parse("realism.toml", FILE).unwrap();
    // The facts are asked of 200 days or more, and are of as many here. Of impact no number of days is asked; the file has 200.
    // Every day of it is simulated eight times, without the order and with seven sizes, so that half of them keep this test short:
    // the interval of the exponent, which must lie within the bounds as a whole, is the wider for it.
    assert_eq!(
        RealismConfig::read(&document).unwrap().impact.unwrap().days,
        200
    );
    document.set("impact.days=100").unwrap();
    document.set("impact.replicates=500").unwrap();
    document.set("facts.replicates=300").unwrap();
    let config = RealismConfig::read(&document).unwrap();
    assert_eq!(config.facts.days, 200);
    let found = study(&config, None, 2, || {}).unwrap();
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
    assert!(0.3 <= exponent.low && exponent.high <= 0.7, "{exponent:?}");
    // An order that is over leaves its mark for a while at most, and no more than it had.
    for point in &impact.points[1..] {
        let between = point.between.unwrap();
        assert!(between.estimate < point.impact.estimate, "{point:?}");
        assert!(point.after.estimate < point.impact.estimate, "{point:?}");
    }
}
