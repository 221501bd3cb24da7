//! Planners as asked for on the command line.

use palaestra_agents::bandits::planning::{PLANNERS, PlannerConfig};
use palaestra_envs::registry::{nearest, unknown_field};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::SolveError;

/// A planner to compare, with the text by which it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannerRequest {
    /// `NAME`, or `NAME={…}` with parameters.
    pub label: String,
    /// The planner.
    pub config: PlannerConfig,
}

impl PlannerRequest {
    /// Reads `NAME` or `NAME={…}`, with parameters as JSON.
    ///
    /// ```
    /// use palaestra::solve::PlannerRequest;
    ///
    /// assert!(PlannerRequest::parse(r#"look_ahead={"depth": 4}"#).is_ok());
    /// assert!(PlannerRequest::parse("look_behind").is_err());
    /// ```
    ///
    /// # Errors
    /// For an unknown planner or parameter, with the nearest known name.
    pub fn parse(label: &str) -> Result<Self, SolveError> {
        let known: Vec<&str> = PLANNERS.iter().map(|planner| planner.id).collect();
        let (id, parameters) = parts(label, &known, "look_ahead={\"depth\": 4}")?;
        if id == "exact" && !parameters.is_empty() {
            return Err(SolveError::Planner {
                message: "--planner exact: takes no parameters here".into(),
                help: "the size that `exact` accepts is set by --cap".into(),
            });
        }
        Ok(Self {
            label: label.into(),
            config: configured(id, parameters)?,
        })
    }

    /// All planners with their default parameters.
    pub fn all() -> Vec<Self> {
        let named = PLANNERS.iter().map(|planner| Self::parse(planner.id));
        named.filter_map(Result::ok).collect()
    }
}

/// Splits `NAME` or `NAME={…}` into a name that is among `known` and its parameters.
pub(super) fn parts<'a>(
    label: &'a str,
    known: &[&str],
    example: &str,
) -> Result<(&'a str, Map<String, Value>), SolveError> {
    let (id, parameters) = label.split_once('=').unwrap_or((label, "{}"));
    if !known.contains(&id) {
        let near = nearest(id, known.iter().copied());
        let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
        return Err(SolveError::Planner {
            message: format!("there is no planner `{id}`"),
            help: format!("{near}There are {}", known.join(", ")),
        });
    }
    let fields = serde_json::from_str(parameters).map_err(|error| SolveError::Planner {
        message: format!("--planner {id}: `{parameters}`: {error}"),
        help: format!("parameters are a JSON object, e.g. --planner '{example}'"),
    })?;
    Ok((id, fields))
}

/// The planner `id` of an enumeration with the tag `planner`.
pub(super) fn configured<C: DeserializeOwned>(
    id: &str,
    mut parameters: Map<String, Value>,
) -> Result<C, SolveError> {
    parameters.insert("planner".into(), id.into());
    serde_json::from_value(parameters.into()).map_err(|error| {
        let message = error.to_string();
        let (message, help) = match unknown_field(&message) {
            Some((name, known)) => {
                let near = nearest(name, known.split('`').skip(1).step_by(2));
                let near = near.map_or_else(String::new, |n| format!("did you mean `{n}`? "));
                let help = format!("{near}`{id}` has: {known}");
                (format!("unknown parameter `{name}`"), help)
            }
            None => (
                message,
                "`palaestra list planners` shows what they do".into(),
            ),
        };
        SolveError::Planner {
            message: format!("--planner {id}: {message}"),
            help,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_planner_can_be_asked_for() {
        assert_eq!(PlannerRequest::all().len(), PLANNERS.len());
    }

    #[test]
    fn wrong_requests_say_what_to_do() {
        for (request, expected) in [
            ("harmonics", "did you mean `harmonic`?"),
            ("look_ahead={\"dept\": 3}", "did you mean `depth`?"),
            ("look_ahead=3", "JSON object"),
            ("exact={\"max_edges\": 3}", "--cap"),
        ] {
            let error = PlannerRequest::parse(request).unwrap_err();
            let help = error.help().unwrap();
            assert!(help.contains(expected), "{request}: {error}; {help}");
        }
    }
}
