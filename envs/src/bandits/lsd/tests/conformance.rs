//! The conformance suite on each form of the environment's spaces.

use serde_json::json;

use crate::{
    conformance::{CheckOptions, check},
    registry,
};

#[test]
fn every_form_conforms() {
    let options = CheckOptions {
        episodes: 60,
        max_steps: 20_000,
        ..CheckOptions::default()
    };
    let gaussian = json!({ "gaussian": { "sigma": 0.2 } });
    for args in [
        json!({ "preset": "step2", "horizon": 30 }),
        json!({ "preset": "burst2", "horizon": 30, "hide_state": true }),
        json!({ "preset": "sea3", "horizon": 30, "noise": gaussian }),
        json!({ "preset": "geo3", "horizon": 30, "noise": "none" }),
        json!({ "preset": "geo5k2", "horizon": 30 }),
        json!({ "preset": "geo5k2", "horizon": 1, "exact": true, "noise": gaussian }),
        json!({ "preset": "block236", "horizon": 30, "mask_unavailable": true }),
        json!({ "preset": "block236", "horizon": 30, "plays": 2, "exact": true, "mask_unavailable": true }),
    ] {
        let registry = registry();
        let report = check(registry.get("lsd_bandit-v1").unwrap(), &args, &options);
        assert!(report.passed(), "{args}: {report}");
    }
}
