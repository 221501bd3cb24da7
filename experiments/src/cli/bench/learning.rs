//! `bench learning`: what sequence models and gradient steps cost alone.

use clap::Args;
use palaestra_agents::in_context::speed;
use serde_json::json;

use super::super::{
    CliError, Exit,
    output::{Output, table},
};

#[derive(Debug, Clone, Args)]
pub(super) struct BenchLearningArgs {
    /// Repetitions; the fastest counts
    #[arg(long, default_value_t = 5)]
    repetitions: u32,
    /// Only what has one of these names
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
}

pub(super) fn bench_learning(output: &Output, args: &BenchLearningArgs) -> Result<Exit, CliError> {
    let names: Vec<_> = speed::WORKLOADS.iter().map(|(name, _)| *name).collect();
    if let Some(unknown) = args
        .only
        .iter()
        .find(|name| !names.contains(&name.as_str()))
    {
        return Err(CliError::argument(
            format!("nothing is measured under the name `{unknown}`"),
            &format!("there are {}", names.join(", ")),
        ));
    }
    let chosen = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    let (mut rows, mut documents) = (Vec::new(), Vec::new());
    for (name, what) in speed::WORKLOADS.iter().filter(|(name, _)| chosen(name)) {
        let cost = speed::measure(name, args.repetitions.max(1))?;
        let best = cost.seconds.iter().copied().fold(f64::INFINITY, f64::min);
        rows.push(vec![
            (*name).to_owned(),
            (*what).to_owned(),
            format!("{:.3} ms", 1e3 * best),
            cost.processor_seconds
                .map_or_else(String::new, |s| format!("{:.3} ms", 1e3 * s)),
        ]);
        documents.push(json!({
            "name": name,
            "what": what,
            "seconds": best,
            "repetitions": cost.seconds,
            "processor_seconds": cost.processor_seconds,
        }));
    }
    output.text(&table(
        &["name", "what", "fastest", "processor, mean"],
        &rows,
    ));
    output.document("bench-learning/1", &json!({ "measured": documents }));
    Ok(Exit::Success)
}
