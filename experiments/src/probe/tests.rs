use palaestra_world_models::probes::run;

use super::*;

/// The files that are shipped.
const FILES: [(&str, &str); 6] = [
    (
        "selective_copy",
        include_str!("../../configs/probes/selective_copy.toml"),
    ),
    (
        "associative_recall",
        include_str!("../../configs/probes/associative_recall.toml"),
    ),
    (
        "induction",
        include_str!("../../configs/probes/induction.toml"),
    ),
    (
        "regular_languages",
        include_str!("../../configs/probes/regular_languages.toml"),
    ),
    ("digits", include_str!("../../configs/probes/digits.toml")),
    (
        "autoregression",
        include_str!("../../configs/probes/autoregression.toml"),
    ),
];

/// Every file that is shipped, cut short: its cores are made and trained, and its report is whole.
#[test]
fn files_that_are_shipped_can_be_run() {
    for (name, text) in FILES {
        let mut document = Document::parse(name, text).unwrap();
        for set in [
            "steps=2",
            "batch=2",
            "measurements=1",
            "test_rows=3",
            "seeds=[0, 1]",
        ] {
            document.set(set).unwrap();
        }
        let config = read(&document).unwrap();
        let report = run(&config, 2, || {}).unwrap();
        assert_eq!(report.cores.len(), config.cores.len());
        let (header, rows) = scores(&report);
        assert!(rows.iter().all(|row| row.len() == header.len()));
        let folder = tempfile::tempdir().unwrap();
        let page = std::fs::read_to_string(write(&report, folder.path()).unwrap()).unwrap();
        assert!(page.contains("<svg"), "{name}");
        for core in &report.cores {
            assert!(page.contains(&core.label), "{name}: {}", core.label);
        }
        let json = std::fs::read(folder.path().join("report.json")).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["schema"], SCHEMA);
        assert_eq!(json["cores"].as_array().unwrap().len(), rows.len());
        assert_eq!(coefficients(&report).is_some(), name == "autoregression");
    }
}

#[test]
fn what_is_wrong_in_a_file_is_located() {
    let mut document = Document::parse("digits.toml", FILES[4].1).unwrap();
    document.set("batch=0").unwrap();
    document.set("cores.0.core=\"s6\"").unwrap();
    let error = read(&document).unwrap_err();
    let paths: Vec<&str> = error.problems.iter().map(|p| p.path.as_str()).collect();
    assert_eq!(paths, ["batch", "cores.0.core"]);
    let message = &error.problems[1].message;
    assert!(message.contains("no sequence core `s6`"), "{message}");
}
