//! What comes out of games, explained by how they are configured and who plays.
//!
//! *GLEE (Shapira et al., arXiv 2410.05254), section on analysis: for each family and measure ordinary least squares on
//! one-hot features — amounts, discount factors, valuations or quality and worth, both players, and the market (horizon,
//! information, messages) as one feature — with a reference level of each left out. Coefficients are differences from
//! the game of all reference levels; intervals are 1.96 standard errors. The pair analysis has one feature for both
//! players.* Efficiency and fairness are clipped to [0, 1] first, as there; games without a value are left out.
//!
//! The normal equations of one-hot features are counts, which are exact; they are solved by the sweep operator (Goodnight
//! 1979), which also finds levels that say the same as others.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Game, LanguageError};

/// What is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Efficiency.
    Efficiency,
    /// Fairness.
    Fairness,
    /// Alice's normalised self-gain.
    AliceGain,
    /// Bob's.
    BobGain,
}

impl Measure {
    /// All of them, as in the paper.
    pub const ALL: [Self; 4] = [
        Self::Efficiency,
        Self::Fairness,
        Self::AliceGain,
        Self::BobGain,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Efficiency => "efficiency",
            Self::Fairness => "fairness",
            Self::AliceGain => "alice_gain",
            Self::BobGain => "bob_gain",
        }
    }

    fn of(self, game: &Game) -> Option<f64> {
        match self {
            Self::Efficiency => game.efficiency.map(|x| x.clamp(0.0, 1.0)),
            Self::Fairness => game.fairness.map(|x| x.clamp(0.0, 1.0)),
            Self::AliceGain => Some(game.alice_gain),
            Self::BobGain => Some(game.bob_gain),
        }
    }
}

/// How to explain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegressOptions {
    /// Only this family.
    pub family: Option<String>,
    /// Only these measures; all if there are none.
    pub measures: Vec<Measure>,
    /// One feature for both players instead of one for each.
    pub pairs: bool,
    /// Reference levels other than the usual, by feature.
    pub references: BTreeMap<String, String>,
}

/// The document `language-regress/1`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Regression {
    /// Whether both players are one feature.
    pub pairs: bool,
    /// What was explained, by family and measure.
    pub explained: Vec<Explained>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// A measure of a family, explained.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explained {
    /// The family.
    pub family: String,
    /// The measure.
    pub measure: Measure,
    /// Games with a value.
    pub games: usize,
    /// Games without one.
    pub left_out: usize,
    /// Mean of the values.
    pub mean: f64,
    /// Parameters, the intercept among them.
    pub parameters: usize,
    /// Share of the variance that is explained.
    pub r2: f64,
    /// The same less what any features would explain.
    pub adjusted_r2: f64,
    /// Standard deviation of what is left.
    pub residual: f64,
    /// The value of the game of all reference levels.
    pub intercept: Coefficient,
    /// The features, in a fixed order.
    pub features: Vec<FeatureEffect>,
}

/// The effects of a feature's levels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeatureEffect {
    /// Its name.
    pub feature: String,
    /// The level that the others are compared with.
    pub reference: String,
    /// Games of that level.
    pub reference_games: usize,
    /// The other levels.
    pub levels: Vec<Coefficient>,
}

/// A number with its error.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coefficient {
    /// The level; empty for the intercept.
    pub level: String,
    /// Games of it.
    pub games: usize,
    /// The estimate; none for a level that cannot be told from others.
    pub estimate: Option<f64>,
    /// Its standard error; none also if there are no games to spare.
    pub standard_error: Option<f64>,
    /// The 95 % interval.
    pub interval: Option<[f64; 2]>,
}

/// Standard errors on either side of an interval.
const WIDE: f64 = 1.96;

type LevelOf = fn(&Game) -> String;

/// A feature: its name, its usual reference level, the level of a game.
pub(super) struct Feature {
    pub(super) name: &'static str,
    usual: &'static str,
    level: LevelOf,
}

impl Feature {
    /// The level of a game.
    pub(super) fn level(&self, game: &Game) -> String {
        (self.level)(game)
    }
}

/// A number as the name of a level.
fn shown(x: f64) -> String {
    let text = format!("{x:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn optional(x: Option<f64>) -> String {
    x.map_or_else(|| "none".into(), shown)
}

fn yes(x: bool) -> &'static str {
    if x { "yes" } else { "no" }
}

fn market(game: &Game) -> String {
    let rounds = if game.rounds_told {
        game.rounds.to_string()
    } else {
        "unknown".into()
    };
    let [complete, messages] = [game.complete_information, game.messages].map(yes);
    format!("rounds {rounds}, complete {complete}, messages {messages}")
}

fn persuasion_market(game: &Game) -> String {
    let [complete, text] = [game.complete_information, game.messages].map(yes);
    let myopic = yes(game.myopic.unwrap_or_default());
    format!("values known {complete}, texts {text}, new buyers {myopic}")
}

/// The features of a family, with the reference levels of the paper.
pub(super) fn features(family: &str, pairs: bool) -> Vec<Feature> {
    let feature = |name, usual, level| Feature { name, usual, level };
    let mut features = match family {
        "bargaining" => vec![
            feature("money", "10000", |game: &Game| shown(game.money)),
            feature("delta_alice", "0.9", |game: &Game| {
                optional(game.delta_alice)
            }),
            feature("delta_bob", "0.9", |game: &Game| optional(game.delta_bob)),
        ],
        "negotiation" => vec![
            feature("money", "10000", |game: &Game| shown(game.money)),
            feature("seller_value", "1", |game: &Game| {
                optional(game.seller_value)
            }),
            feature("buyer_value", "1", |game: &Game| optional(game.buyer_value)),
        ],
        _ => vec![
            feature("money", "10000", |game: &Game| shown(game.money)),
            feature("p", "0.5", |game: &Game| optional(game.p)),
            feature("value_high", "1.25", |game: &Game| {
                optional(game.value_high)
            }),
        ],
    };
    features.push(match family {
        "bargaining" => feature(
            "market",
            "rounds unknown, complete yes, messages no",
            market,
        ),
        "negotiation" => feature("market", "rounds 1, complete yes, messages no", market),
        _ => feature(
            "market",
            "values known yes, texts no, new buyers no",
            persuasion_market,
        ),
    });
    if pairs {
        features.push(feature("pair", "", |game: &Game| {
            format!("{} and {}", game.alice, game.bob)
        }));
    } else {
        features.push(feature("alice", "", |game: &Game| game.alice.clone()));
        features.push(feature("bob", "", |game: &Game| game.bob.clone()));
    }
    features
}

/// Explains what came out of games.
///
/// # Errors
/// [`LanguageError::Request`] without games, for fewer games than parameters, or for a feature or level that is not there.
pub fn regress(games: &[Game], options: &RegressOptions) -> Result<Regression, LanguageError> {
    let mut regression = Regression {
        pairs: options.pairs,
        explained: Vec::new(),
        notes: Vec::new(),
    };
    let measures = if options.measures.is_empty() {
        &Measure::ALL[..]
    } else {
        &options.measures
    };
    let mut unused: Vec<&str> = options.references.keys().map(String::as_str).collect();
    for family in ["bargaining", "negotiation", "persuasion"] {
        if options.family.as_ref().is_some_and(|only| only != family) {
            continue;
        }
        let games: Vec<&Game> = games.iter().filter(|game| game.family == family).collect();
        if games.is_empty() {
            continue;
        }
        let coded = Coded::new(family, &games, options, &mut unused, &mut regression.notes)?;
        for measure in measures {
            regression
                .explained
                .push(coded.explain(family, &games, *measure)?);
        }
    }
    if regression.explained.is_empty() {
        let family = options.family.as_deref().unwrap_or("any family");
        return Err(LanguageError::request(
            format!("there are no games of {family}"),
            "the families are bargaining, negotiation and persuasion",
        ));
    }
    if let Some(feature) = unused.first() {
        return Err(LanguageError::request(
            format!("no family at hand has the feature `{feature}`"),
            "the table without --reference names the features",
        ));
    }
    Ok(regression)
}

/// The features of games as numbers.
struct Coded {
    features: Vec<CodedFeature>,
    /// Levels of each game, feature after feature.
    levels: Vec<u32>,
    /// Parameters, the intercept first.
    parameters: usize,
}

struct CodedFeature {
    name: &'static str,
    /// Levels, the reference first.
    levels: Vec<String>,
    /// Parameter of the second level.
    first: usize,
}

impl Coded {
    fn new(
        family: &str,
        games: &[&Game],
        options: &RegressOptions,
        unused: &mut Vec<&str>,
        notes: &mut Vec<String>,
    ) -> Result<Self, LanguageError> {
        let mut coded = Self {
            features: Vec::new(),
            levels: Vec::new(),
            parameters: 1,
        };
        let mut columns: Vec<Vec<u32>> = Vec::new();
        for feature in features(family, options.pairs) {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            let found: Vec<String> = games.iter().map(|game| feature.level(game)).collect();
            for level in &found {
                *counts.entry(level.clone()).or_default() += 1;
            }
            let mut levels: Vec<String> = counts.keys().cloned().collect();
            // Numbers by size.
            let number = |level: &String| level.parse::<f64>().ok();
            if levels.iter().all(|level| number(level).is_some()) {
                levels.sort_by(|a, b| {
                    number(a)
                        .unwrap_or_default()
                        .total_cmp(&number(b).unwrap_or_default())
                });
            }
            let asked = options.references.get(feature.name);
            unused.retain(|name| *name != feature.name);
            let wanted = asked.map_or(feature.usual, String::as_str);
            let reference = match levels.iter().position(|level| level == wanted) {
                Some(place) => place,
                None if asked.is_some() => {
                    return Err(LanguageError::request(
                        format!("`{}` of {family} has no level `{wanted}`", feature.name),
                        format!("it has: {}", levels.join("; ")),
                    ));
                }
                None => {
                    // That of most games, of several the first.
                    let most = levels
                        .iter()
                        .map(|level| counts[level])
                        .max()
                        .unwrap_or_default();
                    let place = levels.iter().position(|level| counts[level] == most);
                    let place = place.unwrap_or_default();
                    if !feature.usual.is_empty() {
                        notes.push(format!(
                            "{family}: no game has the usual {} `{}`; compared with `{}`",
                            feature.name, feature.usual, levels[place]
                        ));
                    }
                    place
                }
            };
            let reference = levels.remove(reference);
            levels.insert(0, reference);
            let code: BTreeMap<&str, u32> = levels
                .iter()
                .enumerate()
                .map(|(code, level)| (level.as_str(), code as u32))
                .collect();
            columns.push(found.iter().map(|level| code[level.as_str()]).collect());
            let first = coded.parameters;
            coded.parameters += levels.len() - 1;
            coded.features.push(CodedFeature {
                name: feature.name,
                levels,
                first,
            });
        }
        for game in 0..games.len() {
            coded
                .levels
                .extend(columns.iter().map(|column| column[game]));
        }
        Ok(coded)
    }

    /// The parameters of a game other than the intercept.
    fn active<'a>(&'a self, levels: &'a [u32]) -> impl Iterator<Item = usize> + Clone + 'a {
        let pairs = self.features.iter().zip(levels);
        pairs
            .filter(|(_, level)| **level > 0)
            .map(|(feature, level)| feature.first + *level as usize - 1)
    }

    fn explain(
        &self,
        family: &str,
        games: &[&Game],
        measure: Measure,
    ) -> Result<Explained, LanguageError> {
        let rows = || {
            let levels = self.levels.chunks_exact(self.features.len());
            games
                .iter()
                .zip(levels)
                .filter_map(|(game, levels)| Some((measure.of(game)?, levels)))
        };
        let n = rows().count();
        let mean = rows().map(|(value, _)| value).sum::<f64>() / n.max(1) as f64;
        let mut equations = Equations::new(self.parameters);
        for (value, levels) in rows() {
            equations.add(value - mean, std::iter::once(0).chain(self.active(levels)));
        }
        let solved = equations.solve();
        let used = solved.estimates.iter().flatten().count();
        if n <= used {
            return Err(LanguageError::request(
                format!(
                    "{n} games of {family} with {} cannot tell {used} parameters",
                    measure.name()
                ),
                "more games are needed, or fewer levels",
            ));
        }
        // What is left is summed up game by game: the difference of sums would lose digits.
        let (mut left, mut all) = (0.0, 0.0);
        let estimate = |parameter: usize| solved.estimates[parameter].unwrap_or_default();
        for (value, levels) in rows() {
            let told = estimate(0) + self.active(levels).map(estimate).sum::<f64>();
            let deviation = value - mean;
            left += (deviation - told) * (deviation - told);
            all += deviation * deviation;
        }
        let spare = (n - used) as f64;
        let variance = left / spare;
        let coefficient = |parameter: usize, level: &str, games: usize, shift: f64| {
            let estimate = solved.estimates[parameter].map(|x| x + shift);
            let error = estimate.map(|_| (variance * solved.inverse[parameter]).max(0.0).sqrt());
            Coefficient {
                level: level.into(),
                games,
                estimate,
                standard_error: error,
                interval: estimate
                    .zip(error)
                    .map(|(x, e)| [x - WIDE * e, x + WIDE * e]),
            }
        };
        let mut counts = vec![0; self.parameters];
        counts[0] = n;
        for (_, levels) in rows() {
            self.active(levels)
                .for_each(|parameter| counts[parameter] += 1);
        }
        let features = self.features.iter().map(|feature| {
            let others = feature.first..feature.first + feature.levels.len() - 1;
            FeatureEffect {
                feature: feature.name.into(),
                reference: feature.levels[0].clone(),
                reference_games: n - counts[others.clone()].iter().sum::<usize>(),
                levels: others
                    .zip(&feature.levels[1..])
                    .map(|(parameter, level)| coefficient(parameter, level, counts[parameter], 0.0))
                    .collect(),
            }
        });
        let r2 = if all > 0.0 { 1.0 - left / all } else { 0.0 };
        Ok(Explained {
            family: family.into(),
            measure,
            games: n,
            left_out: games.len() - n,
            mean,
            parameters: used,
            r2,
            adjusted_r2: if all > 0.0 {
                1.0 - variance / (all / (n as f64 - 1.0))
            } else {
                0.0
            },
            residual: variance.sqrt(),
            intercept: coefficient(0, "", n, mean),
            features: features.collect(),
        })
    }
}

/// Normal equations, with the values as last column.
struct Equations {
    /// Parameters and the values.
    width: usize,
    sums: Vec<f64>,
}

/// Estimates and the diagonal of the inverse; none for parameters that say the same as earlier ones.
struct Solved {
    estimates: Vec<Option<f64>>,
    inverse: Vec<f64>,
}

/// A pivot below this part of what it was is rounding.
const ALIASED: f64 = 1e-9;

impl Equations {
    fn new(parameters: usize) -> Self {
        let width = parameters + 1;
        Self {
            width,
            sums: vec![0.0; width * width],
        }
    }

    /// Adds a row with ones in the columns `active`.
    fn add(&mut self, value: f64, active: impl Iterator<Item = usize> + Clone) {
        let last = self.width - 1;
        for i in active.clone() {
            let row = &mut self.sums[i * self.width..][..self.width];
            active.clone().for_each(|j| row[j] += 1.0);
            row[last] += value;
        }
        for j in active {
            self.sums[last * self.width + j] += value;
        }
        self.sums[last * self.width + last] += value * value;
    }

    fn solve(mut self) -> Solved {
        let width = self.width;
        let parameters = width - 1;
        let sums = &mut self.sums;
        let before: Vec<f64> = (0..parameters).map(|k| sums[k * width + k]).collect();
        let mut swept = vec![false; parameters];
        for k in 0..parameters {
            let pivot = sums[k * width + k];
            if pivot <= ALIASED * before[k] || before[k] == 0.0 {
                continue;
            }
            swept[k] = true;
            sums[k * width..(k + 1) * width]
                .iter_mut()
                .for_each(|x| *x /= pivot);
            for i in (0..width).filter(|&i| i != k) {
                let factor = sums[i * width + k];
                if factor == 0.0 {
                    continue;
                }
                for j in (0..width).filter(|&j| j != k) {
                    sums[i * width + j] -= factor * sums[k * width + j];
                }
                sums[i * width + k] = -factor / pivot;
            }
            sums[k * width + k] = 1.0 / pivot;
        }
        let at = |k: usize, j: usize| sums[k * width + j];
        Solved {
            estimates: (0..parameters)
                .map(|k| swept[k].then(|| at(k, parameters)))
                .collect(),
            inverse: (0..parameters).map(|k| at(k, k)).collect(),
        }
    }
}
