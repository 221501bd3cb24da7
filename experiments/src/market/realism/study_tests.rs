//! Studies as files ask for them.

use palaestra_envs::market::{
    data::{Clock, Units, published},
    kernel::Symbol,
    order::Side,
    population::{Population, Preset},
};

use super::{
    against::{DayWindows, Reference},
    *,
};
use crate::{
    config::Document,
    market::{Options, Recording, table::TableWriter},
};

const SMALL: &str = r#"
name = "small"
preset = "business_time"

[facts]
days = 3
replicates = 20

[impact]
days = 3
ratios = [0.0, 0.3, 0.1]
begin_minutes = 5
lasts_seconds = 60
every_seconds = 10
watch_seconds = 90
look_seconds = 10
replicates = 20

[population]
close = 37800000000000
value = [30, { surplus = 40.0 }]
"#;

fn read(text: &str) -> Result<RealismConfig, crate::config::ConfigError> {
    RealismConfig::read(&Document::parse("small.toml", text).unwrap())
}

#[test]
fn what_a_file_leaves_out_is_as_in_its_preset() {
    let config = read(SMALL).unwrap();
    let preset = Preset::BusinessTime.config();
    assert_eq!(config.population.value.0, 30);
    assert_eq!(config.population.value.1.surplus, 40.0);
    assert_eq!(config.population.value.1.pause, preset.value.1.pause);
    assert_eq!(config.population.activity, preset.activity);
    // An hour.
    let hour = config.population.close - config.population.open;
    assert_eq!(hour, 3_600_000_000_000);
    assert_eq!(config.simulated_days(), 3 + 3 * 4 + 1);
    let plain = read("name = \"plain\"").unwrap();
    assert_eq!(plain.population, Preset::Rmsc04.config());
    assert_eq!(plain.impact, None);
}

#[test]
fn mistakes_are_told_with_their_keys() {
    for (old, new, key, what) in [
        (
            "days = 3\nrep",
            "dayz = 3\nrep",
            "facts.dayz",
            "unknown key",
        ),
        (
            "surplus",
            "surpluz",
            "population.value.1.surpluz",
            "unknown key",
        ),
        ("40.0", "-1.0", "population.value.1.surplus", "from 0"),
        (
            "begin_minutes = 5",
            "begin_minutes = 59",
            "impact.begin_minutes",
            "before the close",
        ),
        (
            "ratios = [0.0, 0.3, 0.1]",
            "ratios = []",
            "impact.ratios",
            "one or more",
        ),
        ("37800000000000", "0", "population.close", "after `open`"),
        ("business_time", "busy_time", "preset", "no `busy_time`"),
    ] {
        assert!(SMALL.contains(old), "{old}");
        let error = read(&SMALL.replacen(old, new, 1)).unwrap_err();
        let mut problems = error.problems.iter();
        let problem = problems.find(|problem| problem.path == key);
        let problem = problem.unwrap_or_else(|| panic!("{error}"));
        assert!(problem.message.contains(what), "{error}");
        assert!(problem.span.is_some(), "{error}");
    }
}

#[test]
fn threads_do_not_matter_and_nothing_has_no_impact() {
    let config = read(SMALL).unwrap();
    let found = [1, 2, 5].map(|threads| {
        let days = std::sync::atomic::AtomicU64::new(0);
        let found = study(&config, None, threads, || {
            days.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        assert_eq!(days.into_inner(), config.simulated_days());
        let mut found = found.unwrap();
        found.seconds = 0.0;
        found
    });
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0], found[2]);
    let impact = found[0].impact.as_ref().unwrap();
    // A look at the beginning and one every 10 s.
    assert_eq!(impact.looks.len(), 10);
    let nothing = &impact.points[0];
    assert_eq!(nothing.size, 0.0);
    for i in &nothing.curve {
        assert_eq!((i.estimate, i.low, i.high), (0.0, 0.0, 0.0));
    }
    let [large, less] = [&impact.points[1], &impact.points[2]];
    assert!((large.size / less.size - 3.0).abs() < 0.05);
    assert!(large.peak <= 6 && less.peak <= 6);
    assert_eq!(large.end, large.curve[6]);
}

#[test]
fn a_study_is_written_with_its_pictures() {
    let config = read(SMALL).unwrap();
    let reference = recorded(&config, 1_000);
    let found = study(&config, Some(&reference), 1, || {}).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let page = report::write(&found, folder.path()).unwrap();
    let html = std::fs::read_to_string(page).unwrap();
    for text in [
        "volatility clustering",
        "Market impact",
        "Depth of the book",
        "Against a recording",
    ] {
        assert!(html.contains(text), "{text}");
    }
    let json = std::fs::read(folder.path().join("report.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["schema"], report::SCHEMA);
    assert_eq!(json["facts"]["facts"].as_array().unwrap().len(), 11);
    let plots = std::fs::read_dir(folder.path().join("plots")).unwrap();
    assert_eq!(plots.count(), 2 * 11);
    assert_eq!(json["against"]["statistics"].as_array().unwrap().len(), 12);
    let day = &found.day;
    assert_eq!(day.path.times.len(), 59);
    assert!(day.path.depth.iter().flatten().any(|size| *size > 0.0));
}

/// Records the day of `seed` as a feed of it would tell it, and reads it for a comparison.
fn recorded(config: &RealismConfig, seed: u64) -> Reference {
    let file = tempfile::Builder::new()
        .suffix(".parquet")
        .tempfile()
        .unwrap();
    let units = Units {
        clock: Clock::Midnight,
        price_decimals: 4,
        size_decimals: 0,
    };
    let mut table = TableWriter::new(file.reopen().unwrap(), units).unwrap();
    let close = config.population.close;
    let told = config.market().unwrap().bars(seed, close, |time, event| {
        let event = published(time, event).filter(|_| time < close);
        event
            .iter()
            .for_each(|event| table.write(event, "MADE").unwrap());
    });
    told.unwrap();
    table.finish().unwrap();
    let mut recording = Recording::open(file.path(), &Options::default()).unwrap();
    Reference::read(&mut recording, &config.against, |_| {}).unwrap()
}

#[test]
fn a_recording_of_the_same_market_is_near_and_one_of_another_market_is_far() {
    let mut config = read(SMALL).unwrap();
    (config.impact, config.against.replicates) = (None, 100);
    let other = read(
        &SMALL
            .replace("business_time", "rmsc04")
            .replace("value = ", "# "),
    )
    .unwrap();
    let found = [&config, &other].map(|recorded_of| {
        let reference = recorded(recorded_of, 1_000);
        let found = study(&config, Some(&reference), 2, || {}).unwrap();
        found.against.unwrap()
    });
    let [same, other] = &found;
    assert_eq!(same.symbol, "MADE");
    assert!(same.missing.is_empty(), "{:?}", same.missing);
    for (near, far) in same.statistics.iter().zip(&other.statistics) {
        for distance in [&near.l1, &far.l1] {
            assert!((0.0..=1.0).contains(&distance.low) && distance.low <= distance.high);
        }
        assert!(near.l1.estimate < 0.35, "{near:?}");
    }
    let spread = |found: &against::Comparison| {
        let spread = found.statistics.iter().find(|s| s.statistic == "spread");
        spread.unwrap().wasserstein.unwrap().estimate
    };
    assert!(
        spread(other) > 2.0 * spread(same),
        "{} {}",
        spread(other),
        spread(same)
    );
    let [same, other] = [same, other].map(|found| found.discriminator.unwrap());
    assert!(same.low < 0.65 && other.low > 0.9, "{same:?} {other:?}");
}

#[test]
fn a_recorded_day_has_the_book_of_the_simulated_one() {
    let config = read(SMALL).unwrap();
    let mut market = config.market().unwrap();
    let mut windows = DayWindows::new(100, 10, config.population.close);
    let told = market.bars(5, config.population.close - 1, |time, event| {
        windows.event(time, event);
    });
    told.unwrap();
    let told = windows.books().book(0).unwrap();
    let book = market.kernel().book(Symbol(0));
    for side in Side::BOTH {
        let told: Vec<_> = told
            .levels(side)
            .map(|(price, level)| (price, level.size as i64))
            .collect();
        let levels: Vec<_> = book
            .levels(side)
            .map(|level| (level.price, level.size))
            .collect();
        assert_eq!(told, levels);
        assert!(levels.len() > 5);
    }
    assert_eq!(windows.finish().len(), 10);
}

#[test]
fn a_book_that_loses_orders_is_no_result() {
    let mut config = read(SMALL).unwrap();
    config.population.market_makers.0 = 1;
    let mut kernel = config.kernel();
    (kernel.books[0].capacity, kernel.books[0].grows_to) = (8, 0);
    let flow = Population::new(config.population.clone(), 0);
    let mut market = Market::new(kernel, flow, config.population.open).unwrap();
    let bars = market.bars(3, config.population.close, |_, _| {});
    let Err(MarketError::Full { seed: 3, refused }) = bars else {
        panic!("eight orders are not enough")
    };
    assert!(refused > 0);
}
