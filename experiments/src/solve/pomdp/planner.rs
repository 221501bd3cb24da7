//! Offline planners for POMDPs as asked for on the command line.

use palaestra_agents::pomdp::planning::{PbviSettings, Sampling, SarsopSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::{
    SolveError,
    request::{configured, parts},
};

/// An offline planner with its parameters. Without a limit on iterations it works until the time is over.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "planner", rename_all = "snake_case", deny_unknown_fields)]
pub enum PomdpPlanner {
    /// Point-based value iteration near the beliefs that optimal policies reach.
    Sarsop {
        /// Gap that is near enough; `--precision` if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        precision: Option<f64>,
        /// Sampled paths, at most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        iterations: Option<u64>,
        /// How paths are sampled.
        #[serde(default)]
        sampling: Sampling,
        /// Gap that a path aims at, as a share of the present one.
        #[serde(default = "gap_share")]
        gap_share: f64,
    },
    /// Point-based value iteration on a growing set of beliefs.
    Pbvi {
        /// Expansions of the set, at most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        iterations: Option<u64>,
        /// Backups of every belief after each expansion.
        #[serde(default = "sweeps")]
        sweeps: u32,
        /// Beliefs after which the set no longer grows.
        #[serde(default = "max_beliefs")]
        max_beliefs: usize,
        /// Seed of the sampled observations.
        #[serde(default)]
        seed: u64,
    },
    /// Exact value iteration.
    IncrementalPruning {
        /// Steps to look ahead, at most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        horizon: Option<u64>,
    },
    /// Value iteration under full information.
    Qmdp {},
    /// The fast informed bound.
    Fib {},
    /// The same action for ever.
    Blind {},
}

fn gap_share() -> f64 {
    SarsopSettings::default().gap_share
}

fn sweeps() -> u32 {
    PbviSettings::default().sweeps
}

fn max_beliefs() -> usize {
    PbviSettings::default().max_beliefs
}

/// Name, what it does, and where it comes from, of each [`PomdpPlanner`] in their order.
pub const POMDP_PLANNERS: [(&str, &str, &str); 6] = [
    (
        "sarsop",
        "Backs up beliefs near those that optimal policies reach; bounds from both sides at any time.",
        "Kurniawati, Hsu, Lee, RSS 2008. The defaults are those of the released program as far as they are known. Our \
         own: beliefs reached by several paths are one node, and vectors live on the states that a belief can spread \
         over.",
    ),
    (
        "pbvi",
        "Backs up a set of beliefs that grows by sampled successors; its upper bound is FIB.",
        "Pineau, Gordon, Thrun, IJCAI 2003.",
    ),
    (
        "incremental_pruning",
        "Exact value iteration, for a handful of states (at most 500 are accepted).",
        "Cassandra, Littman, Zhang, UAI 1997; pruning by linear programs after Lark (White 1991), by the envelope of \
         lines for two states.",
    ),
    (
        "qmdp",
        "Value iteration as if the state were known after the next step: an upper bound.",
        "Littman, Cassandra, Kaelbling, ICML 1995.",
    ),
    (
        "fib",
        "The fast informed bound: an upper bound at least as tight as QMDP.",
        "Hauskrecht, JAIR 13, 2000.",
    ),
    (
        "blind",
        "The best single action for ever: a lower bound.",
        "Hauskrecht, AAAI 1997.",
    ),
];

/// Planners that search while they play.
const ONLINE: [&str; 4] = ["pomcp", "despot", "most_likely_state", "alpha_vectors"];

/// A planner to run, with the text by which it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct PomdpRequest {
    /// `NAME`, or `NAME={…}` with parameters.
    pub label: String,
    /// The planner.
    pub planner: PomdpPlanner,
}

impl PomdpRequest {
    /// Reads `NAME` or `NAME={…}`, with parameters as JSON.
    ///
    /// ```
    /// use palaestra::solve::PomdpRequest;
    ///
    /// assert!(PomdpRequest::parse(r#"pbvi={"max_beliefs": 200}"#).is_ok());
    /// assert!(PomdpRequest::parse("pomcp").is_err());
    /// ```
    ///
    /// # Errors
    /// For an unknown planner or parameter, with the nearest known name.
    pub fn parse(label: &str) -> Result<Self, SolveError> {
        let id = label.split('=').next().unwrap_or(label);
        let known = POMDP_PLANNERS.map(|(id, ..)| id);
        if ONLINE.contains(&id) {
            return Err(SolveError::Planner {
                message: format!("`{id}` decides while it plays; it gives no bounds"),
                help: format!(
                    "let it play in an experiment (`palaestra run`), or solve with {}",
                    known.join(", ")
                ),
            });
        }
        let (id, parameters) = parts(label, &known, "pbvi={\"max_beliefs\": 200}")?;
        Self::new(label, id, parameters)
    }

    fn new(label: &str, id: &str, parameters: Map<String, Value>) -> Result<Self, SolveError> {
        let request = Self {
            label: label.into(),
            planner: configured(id, parameters)?,
        };
        match request.planner.problem() {
            None => Ok(request),
            Some(problem) => Err(SolveError::Planner {
                message: format!("--planner {id}: {problem}"),
                help: "`palaestra list planners` shows what they do".into(),
            }),
        }
    }
}

impl PomdpPlanner {
    /// SARSOP with its defaults.
    pub fn sarsop() -> Self {
        Self::Sarsop {
            precision: None,
            iterations: None,
            sampling: Sampling::default(),
            gap_share: gap_share(),
        }
    }

    /// Its name.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Sarsop { .. } => "sarsop",
            Self::Pbvi { .. } => "pbvi",
            Self::IncrementalPruning { .. } => "incremental_pruning",
            Self::Qmdp {} => "qmdp",
            Self::Fib {} => "fib",
            Self::Blind {} => "blind",
        }
    }

    /// Iterations, at most.
    pub fn iterations(&self) -> Option<u64> {
        match self {
            Self::Sarsop { iterations, .. } | Self::Pbvi { iterations, .. } => *iterations,
            Self::IncrementalPruning { horizon } => *horizon,
            Self::Qmdp {} | Self::Fib {} | Self::Blind {} => None,
        }
    }

    /// Whether it starts from the bounds that need no search.
    pub(super) fn starts_from_bounds(&self) -> bool {
        matches!(
            self,
            Self::Sarsop { .. } | Self::Pbvi { .. } | Self::IncrementalPruning { .. }
        )
    }

    /// A parameter out of range.
    fn problem(&self) -> Option<String> {
        let positive = |name: &str, value: f64| {
            let ok = value.is_finite() && value > 0.0;
            (!ok).then(|| format!("`{name}` is {value}; it must be a number above 0"))
        };
        match *self {
            Self::Sarsop {
                precision,
                gap_share,
                ..
            } => precision
                .and_then(|value| positive("precision", value))
                .or_else(|| positive("gap_share", gap_share))
                .or_else(|| {
                    (gap_share > 1.0)
                        .then(|| format!("`gap_share` is {gap_share}; it is at most 1"))
                }),
            Self::Pbvi {
                sweeps,
                max_beliefs,
                ..
            } => [("sweeps", sweeps as usize), ("max_beliefs", max_beliefs)]
                .iter()
                .find(|(_, value)| *value == 0)
                .map(|(name, _)| format!("`{name}` must be at least 1")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_planner_can_be_asked_for() {
        for (id, ..) in POMDP_PLANNERS {
            assert_eq!(PomdpRequest::parse(id).unwrap().planner.id(), id);
        }
        assert_eq!(
            PomdpRequest::parse("sarsop").unwrap().planner,
            PomdpPlanner::sarsop()
        );
    }

    #[test]
    fn wrong_requests_say_what_to_do() {
        for (request, expected) in [
            ("sarsops", "did you mean `sarsop`?"),
            ("pbvi={\"sweep\": 3}", "did you mean `sweeps`?"),
            ("pbvi=3", "JSON object"),
            ("pomcp", "palaestra run"),
            ("exact", "There are sarsop"),
        ] {
            let error = PomdpRequest::parse(request).unwrap_err();
            let help = error.help().unwrap();
            assert!(help.contains(expected), "{request}: {error}; {help}");
        }
        for request in [
            "pbvi={\"sweeps\": 0}",
            "sarsop={\"precision\": 0}",
            "sarsop={\"gap_share\": 1.5}",
        ] {
            PomdpRequest::parse(request).unwrap_err();
        }
    }
}
