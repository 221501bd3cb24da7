//! `market realism`: a study of a few short days, and recordings beside it.

use palaestra::market::{realism::Market, table::TableWriter};
use palaestra_envs::market::{
    book::{BookConfig, Rules},
    data::{Clock, Units, published},
    kernel::{Calendar, KernelConfig},
    population::{Population, Preset},
};

use super::support::{Bench, repository};

const SMALL: &str = r#"name = "small"
preset = "business_time"

[facts]
days = 4
replicates = 50

[impact]
days = 4
ratios = [0.0, 0.1, 0.5]
begin_minutes = 5
lasts_seconds = 120
every_seconds = 30
watch_seconds = 180
look_seconds = 30
replicates = 50

[population]
close = 37800000000000
"#;

#[test]
fn a_study_tells_facts_and_impact() {
    let bench = Bench::new();
    bench.write("small.toml", SMALL);
    let said = bench.ok(&["market", "realism", "small.toml", "--out", "out"]);
    for text in [
        "small · 4 days",
        "1   no autocorrelation",
        "11  time-scale asymmetry",
        "0.000 [0.000, 0.000]",
        "exponent of the largest impact",
        "between slices, bp",
        "at the last look, bp",
        "report.html written",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }
    assert!(bench.path("out/report.html").is_file());
    let shown = std::fs::read(bench.path("out/report.json")).unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&shown).unwrap();
    let printed = bench.json(&["market", "realism", "small.toml", "--threads", "1"]);
    assert_eq!(shown, printed);
}

#[test]
fn mistakes_in_a_study_are_shown_in_the_file() {
    let bench = Bench::new();
    for (old, new, message, place) in [
        (
            "replicates = 50\n\n[impact",
            "replicate = 50\n\n[impact",
            "unknown key `replicate`",
            "small.toml:6",
        ),
        (
            "[population]",
            "[population]\nvalue = [50, { pause = 0.0 }]",
            "must be from a millisecond",
            "small.toml:19",
        ),
    ] {
        assert!(SMALL.contains(old), "{old}");
        bench.write("small.toml", &SMALL.replacen(old, new, 1));
        let said = bench.transcript(&["market", "realism", "small.toml"]);
        assert!(said.starts_with("exit code 2"), "{said}");
        for text in [message, place] {
            assert!(said.contains(text), "{text}: {said}");
        }
    }
}

#[test]
fn days_are_held_against_a_recording() {
    let bench = Bench::new();
    bench.write("small.toml", SMALL);
    let messages = golden("lobster_message_10.csv");
    let arguments = [
        "market",
        "realism",
        "small.toml",
        "--against",
        &messages,
        "--set",
        "against.window=50",
        "--set",
        "against.replicates=50",
    ];
    let said = bench.ok(&[&arguments[..], &["--out", "out"]].concat());
    for text in [
        "lobster_message_10.csv · LOBSTER, 2,453 events · windows: ",
        " simulated, 49 recorded",
        "ln time to cancel",
        "told apart with an area under the curve of ",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }
    assert!(bench.path("out/plots/distances_l1.png").is_file());
    let one = bench.json(&[&arguments[..], &["--threads", "1"]].concat());
    let shown = std::fs::read(bench.path("out/report.json")).unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&shown).unwrap();
    assert_eq!(shown, one);
    let short = [&arguments[..], &["--set", "against.window=2000"]].concat();
    // Where lines break depends on where the repository is.
    let said = bench.transcript(&short).replace('│', " ");
    let said: Vec<&str> = said.split_whitespace().collect();
    let said = said.join(" ");
    for text in [
        "exit code 2",
        "two or more windows of 2000 messages",
        "--set against.window=20",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }
    // What is asked of a recording needs one.
    let said = bench.transcript(&["market", "realism", "small.toml", "--symbol", "X"]);
    assert!(said.contains("--against <RECORDING>"), "{said}");
}

#[test]
fn the_stylised_facts_of_a_recording_are_told_where_it_is_long_enough() {
    let bench = Bench::new();
    let short = bench.ok(&["market", "stats", &golden("lobster_message_10.csv")]);
    assert!(
        short.contains("no stylised facts: it is too short"),
        "{short}"
    );
    record_a_day(&bench.path("day.parquet"));
    let said = bench.ok(&["market", "stats", "day.parquet"]);
    for text in ["stylised facts of 389 minutes", "6   volatility clustering"] {
        assert!(said.contains(text), "{text}: {said}");
    }
    let document = bench.json(&["market", "stats", "day.parquet"]);
    let facts = &document["facts"]["computed"]["facts"]["facts"];
    assert_eq!(facts.as_array().unwrap().len(), 11);
}

fn golden(name: &str) -> String {
    let path = repository().join("tests/golden/market").join(name);
    path.display().to_string()
}

/// Writes a simulated day as a feed of it would tell it.
fn record_a_day(path: &std::path::Path) {
    let config = Preset::BusinessTime.config();
    let kernel = KernelConfig {
        calendar: Some(Calendar::continuous(config.open, config.close)),
        ..KernelConfig::single(BookConfig {
            rules: Rules {
                tick: config.tick,
                ..Rules::default()
            },
            ..BookConfig::default()
        })
    };
    let units = Units {
        clock: Clock::Midnight,
        price_decimals: 4,
        size_decimals: 0,
    };
    let file = std::fs::File::create(path).unwrap();
    let mut table = TableWriter::new(file, units).unwrap();
    let (open, close) = (config.open, config.close);
    let mut market = Market::new(kernel, Population::new(config, 0), open).unwrap();
    let told = market.bars(7, close, |time, event| {
        let event = published(time, event).filter(|_| time < close);
        event
            .iter()
            .for_each(|event| table.write(event, "MADE").unwrap());
    });
    told.unwrap();
    table.finish().unwrap();
}
