//! `language regress`

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use clap::{Args, ValueEnum};

use super::super::{
    CliError, Exit,
    output::{Output, table},
    picture::Picture,
};
use crate::{
    Registries,
    language::{
        self, Coefficient, Explained, Game, Measure, RegressOptions, Regression, TableReader,
    },
    plot::{Axis, IntervalPlot, IntervalRow, Reference, interval_plot},
    stats::Interval,
};

/// `palaestra language regress`
#[derive(Debug, Clone, Args)]
pub(in super::super) struct RegressArgs {
    /// What `language import` wrote (its folder, or games.parquet), or the folder of a run of language games
    games: PathBuf,
    /// Only this family
    #[arg(long, value_parser = ["bargaining", "negotiation", "persuasion"])]
    family: Option<String>,
    /// What to explain; may be given several times [default: all]
    #[arg(long = "measure", value_enum)]
    measures: Vec<MeasureArg>,
    /// One feature for both players instead of one for each
    #[arg(long)]
    pairs: bool,
    /// Level to compare a feature's others with, e.g. `delta_bob=0.8`; may be given several times
    #[arg(long = "reference", value_name = "FEATURE=LEVEL", value_parser = reference)]
    references: Vec<(String, String)>,
    /// Draw the effects: a file that ends with .svg or .png; of several measures one each, named after it
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum MeasureArg {
    Efficiency,
    Fairness,
    AliceGain,
    BobGain,
}

impl From<MeasureArg> for Measure {
    fn from(arg: MeasureArg) -> Self {
        match arg {
            MeasureArg::Efficiency => Self::Efficiency,
            MeasureArg::Fairness => Self::Fairness,
            MeasureArg::AliceGain => Self::AliceGain,
            MeasureArg::BobGain => Self::BobGain,
        }
    }
}

fn reference(text: &str) -> Result<(String, String), String> {
    let (feature, level) = text
        .split_once('=')
        .ok_or("give FEATURE=LEVEL, e.g. delta_bob=0.8")?;
    Ok((feature.trim().into(), level.trim().into()))
}

pub(in super::super) fn regress(
    registries: &Registries,
    output: &Output,
    args: &RegressArgs,
) -> Result<Exit, CliError> {
    let picture = args.plot.as_deref().map(Picture::new).transpose()?;
    let games = if args.games.join("manifest.json").exists() {
        language::games_of_run(registries, &args.games)?
    } else {
        let table = if args.games.is_dir() {
            args.games.join("games.parquet")
        } else {
            args.games.clone()
        };
        let rows = TableReader::<Game>::open(&table)?;
        rows.collect::<Result<Vec<Game>, _>>()?
    };
    let options = RegressOptions {
        family: args.family.clone(),
        measures: args
            .measures
            .iter()
            .map(|&measure| measure.into())
            .collect(),
        pairs: args.pairs,
        references: args.references.iter().cloned().collect::<BTreeMap<_, _>>(),
    };
    let regression = language::regress(&games, &options)?;
    output.text(&text(&regression));
    output.document("language-regress/1", &regression);
    if let Some(picture) = &picture {
        let several = regression.explained.len() > 1;
        for explained in &regression.explained {
            let suffix = if several {
                format!("-{}-{}", explained.family, explained.measure.name())
            } else {
                String::new()
            };
            let path = picture.write(interval_plot(&effects(explained))?, &suffix)?;
            output.message(&format!("effects drawn to {}", path.display()));
        }
    }
    Ok(Exit::Success)
}

fn text(regression: &Regression) -> String {
    let mut text = String::new();
    for explained in &regression.explained {
        let _ = writeln!(
            text,
            "{}, {}: {} games, mean {:.4}, R² {:.3} (adjusted {:.3}), residual {:.4}",
            explained.family,
            explained.measure.name(),
            explained.games,
            explained.mean,
            explained.r2,
            explained.adjusted_r2,
            explained.residual
        );
        let mut rows = vec![row("all reference levels", &explained.intercept)];
        for feature in &explained.features {
            rows.push(vec![
                format!("{} {}", feature.feature, feature.reference),
                feature.reference_games.to_string(),
                "reference".into(),
                String::new(),
                String::new(),
            ]);
            let levels = feature.levels.iter();
            rows.extend(levels.map(|level| row(&format!("  {}", level.level), level)));
        }
        text += &table(
            &["level", "games", "estimate", "s.e.", "95 % interval"],
            &rows,
        );
        text += "\n\n";
    }
    for note in &regression.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text.truncate(text.trim_end().len());
    text
}

fn row(name: &str, coefficient: &Coefficient) -> Vec<String> {
    let shown = |x: Option<f64>| x.map_or_else(|| "–".into(), |x| format!("{x:+.4}"));
    vec![
        name.to_owned(),
        coefficient.games.to_string(),
        shown(coefficient.estimate),
        coefficient
            .standard_error
            .map_or_else(|| "–".into(), |x| format!("{x:.4}")),
        coefficient.interval.map_or_else(
            || "–".into(),
            |[low, high]| format!("[{low:+.4}, {high:+.4}]"),
        ),
    ]
}

/// The effect of each level that can be told.
fn effects(explained: &Explained) -> IntervalPlot {
    let rows = explained.features.iter().flat_map(|feature| {
        feature.levels.iter().filter_map(|level| {
            let [low, high] = level.interval?;
            Some(IntervalRow {
                name: format!("{} {}", feature.feature, level.level),
                interval: Interval {
                    estimate: level.estimate?,
                    low,
                    high,
                },
                samples: Vec::new(),
            })
        })
    });
    let references: Vec<String> = explained
        .features
        .iter()
        .filter(|feature| !feature.levels.is_empty())
        .map(|feature| format!("{} {}", feature.feature, feature.reference))
        .collect();
    IntervalPlot {
        title: format!(
            "{}: effects on {}",
            explained.family,
            explained.measure.name()
        ),
        subtitle: format!(
            "least squares over {} games, 95 % intervals; compared with {}",
            explained.games,
            references.join(", ")
        ),
        axis: Axis::linear("difference from the reference level").including(0.0),
        rows: rows.collect(),
        references: vec![Reference {
            value: 0.0,
            label: "reference".into(),
        }],
        one_colour: true,
    }
}
