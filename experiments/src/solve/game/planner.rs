//! Solvers of games as asked for on the command line.

use serde::{Deserialize, Serialize};

use super::{
    super::{
        SolveError,
        request::{configured, parts},
    },
    GameForm,
};

/// A solver of games with its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "planner", rename_all = "snake_case", deny_unknown_fields)]
pub enum GamePlanner {
    /// Counterfactual regret minimisation.
    Cfr {
        /// Whether both players are updated at once.
        #[serde(default)]
        simultaneous: bool,
    },
    /// CFR+.
    CfrPlus {},
    /// Discounted CFR; with (1, 1, 1) linear CFR.
    DiscountedCfr {
        /// For positive regrets.
        #[serde(default = "three_halves")]
        alpha: f64,
        /// For negative regrets.
        #[serde(default)]
        beta: f64,
        /// For averages.
        #[serde(default = "two")]
        gamma: f64,
    },
    /// Monte Carlo CFR with external sampling.
    ExternalSampling {
        /// Seed of its draws.
        #[serde(default)]
        seed: u64,
    },
    /// Monte Carlo CFR with outcome sampling.
    OutcomeSampling {
        /// Exploration.
        #[serde(default = "exploration")]
        epsilon: f64,
        /// Seed of its draws.
        #[serde(default)]
        seed: u64,
    },
    /// Fictitious play.
    FictitiousPlay {},
    /// Regret matching.
    RegretMatching {},
    /// Regret matching+.
    RegretMatchingPlus {},
    /// Exponential weights.
    Hedge {
        /// Step size.
        #[serde(default = "tenth")]
        eta: f64,
    },
    /// Nash-MD.
    NashMd {
        /// Temperature.
        #[serde(default = "tenth")]
        tau: f64,
        /// Fixed step size; a decaying one if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        eta: Option<f64>,
    },
    /// EGPO.
    Egpo {
        /// Temperature.
        #[serde(default = "tenth")]
        tau: f64,
        /// Step size.
        #[serde(default = "one")]
        eta: f64,
        /// Whether to halve the step when the gap has grown over 50 iterations.
        #[serde(default)]
        halve: bool,
    },
    /// IPO-MD; online IPO without a mixture.
    IpoMd {
        /// Temperature.
        #[serde(default = "tenth")]
        tau: f64,
        /// Step size.
        #[serde(default = "one")]
        eta: f64,
        /// Weight of the reference in the opponent.
        #[serde(default)]
        mixture: f64,
    },
    /// SPPO.
    Sppo {
        /// Step size.
        #[serde(default = "tenth")]
        eta: f64,
    },
    /// APO.
    Apo {
        /// Step size.
        #[serde(default = "tenth")]
        eta: f64,
        /// Momentum.
        #[serde(default = "momentum")]
        alpha: f64,
    },
}

fn tenth() -> f64 {
    0.1
}

fn one() -> f64 {
    1.0
}

fn three_halves() -> f64 {
    1.5
}

fn two() -> f64 {
    2.0
}

fn exploration() -> f64 {
    0.6
}

fn momentum() -> f64 {
    0.3
}

/// Name, what it does, and where it comes from, of each [`GamePlanner`] in their order.
pub const GAME_PLANNERS: [(&str, &str, &str); 14] = [
    (
        "cfr",
        "Games in extensive form: counterfactual regret minimisation.",
        "Zinkevich, Johanson, Bowling, Piccione, NeurIPS 2007. Players in turn, as in OpenSpiel, unless `simultaneous`.",
    ),
    (
        "cfr_plus",
        "Games in extensive form: CFR+, with regrets cut off at 0 and linear averages.",
        "Tammelin, arXiv 1407.5042.",
    ),
    (
        "discounted_cfr",
        "Games in extensive form: CFR that forgets; linear CFR with parameters (1, 1, 1).",
        "Brown, Sandholm, arXiv 1809.04040.",
    ),
    (
        "external_sampling",
        "Games in extensive form: Monte Carlo CFR that draws chance and the other player.",
        "Lanctot, Waugh, Zinkevich, Bowling, NeurIPS 2009.",
    ),
    (
        "outcome_sampling",
        "Games in extensive form: Monte Carlo CFR on single lines of play.",
        "Lanctot, Waugh, Zinkevich, Bowling, NeurIPS 2009.",
    ),
    (
        "fictitious_play",
        "Best responses to averages, in extensive and normal form.",
        "Brown 1951; Heinrich, Lanctot, Silver, ICML 2015.",
    ),
    (
        "regret_matching",
        "Games in normal form: proportional to positive regrets.",
        "Hart, Mas-Colell, Econometrica 2000.",
    ),
    (
        "regret_matching_plus",
        "Games in normal form: the same with regrets cut off at 0 and linear averages.",
        "Tammelin, arXiv 1407.5042.",
    ),
    (
        "hedge",
        "Games in normal form: exponential weights.",
        "Freund, Schapire 1997.",
    ),
    (
        "nash_md",
        "Preference games: mirror descent against a mixture with the reference.",
        "Munos et al., arXiv 2312.00886.",
    ),
    (
        "egpo",
        "Preference games: extragradient steps, whose last policy converges.",
        "Zhou, Fazel, Du, arXiv 2503.08942. The default step is our own.",
    ),
    (
        "ipo_md",
        "Preference games: IPO-MD with exact gradients; online IPO without a mixture.",
        "Calandriello et al., arXiv 2403.08635.",
    ),
    (
        "sppo",
        "Preference games: multiplicative weights in self-play, judged by their average.",
        "Wu et al., arXiv 2405.00675.",
    ),
    (
        "apo",
        "Preference games: SPPO with momentum, judged by its average.",
        "arXiv 2410.06293.",
    ),
];

/// A solver to run, with the text by which it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct GameRequest {
    /// `NAME`, or `NAME={…}` with parameters.
    pub label: String,
    /// The solver.
    pub planner: GamePlanner,
}

impl GameRequest {
    /// Reads `NAME` or `NAME={…}`, with parameters as JSON.
    ///
    /// ```
    /// use palaestra::solve::GameRequest;
    ///
    /// assert!(GameRequest::parse(r#"egpo={"tau": 0.01}"#).is_ok());
    /// assert!(GameRequest::parse("sarsop").is_err());
    /// ```
    ///
    /// # Errors
    /// For an unknown solver or parameter, with the nearest known name.
    pub fn parse(label: &str) -> Result<Self, SolveError> {
        let known = GAME_PLANNERS.map(|(id, ..)| id);
        let (id, parameters) = parts(label, &known, "egpo={\"tau\": 0.01}")?;
        Ok(Self {
            label: label.into(),
            planner: configured(id, parameters)?,
        })
    }

    /// What solves a game of this form unless others are asked for.
    ///
    /// # Errors
    /// Never for these names.
    pub fn defaults(form: &GameForm) -> Result<Vec<Self>, SolveError> {
        let names: &[&str] = match form {
            GameForm::Extensive(_) => &["cfr_plus", "discounted_cfr", "cfr"],
            GameForm::Normal(_) => &["regret_matching_plus", "regret_matching", "fictitious_play"],
            GameForm::Preferences(_) => &["egpo", "nash_md", "ipo_md", "sppo"],
        };
        names.iter().map(|name| Self::parse(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_solver_can_be_asked_for() {
        for (id, ..) in GAME_PLANNERS {
            let found = GameRequest::parse(id).unwrap();
            let document = serde_json::to_value(found.planner).unwrap();
            assert_eq!(document["planner"], id);
        }
    }

    #[test]
    fn wrong_requests_say_what_to_do() {
        for (request, expected) in [
            ("cfr_pluss", "did you mean `cfr_plus`?"),
            ("egpo={\"taus\": 1}", "did you mean `tau`?"),
            ("egpo=3", "JSON object"),
        ] {
            let error = GameRequest::parse(request).unwrap_err();
            let help = error.help().unwrap();
            assert!(help.contains(expected), "{request}: {error}; {help}");
        }
    }
}
