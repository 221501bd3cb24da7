//! What was played in the language games.

use serde::Serialize;

/// How the players of the language games fared.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct LanguageReport {
    /// What this is made from, in sentences.
    pub meaning: String,
    /// One for each player of each line-up with a complete logged game.
    pub players: Vec<Faring>,
    /// Theory beside play, for each line-up.
    pub matches: Vec<Matched>,
    /// What was offered in each round, for each family.
    pub paths: Vec<OfferPaths>,
    /// How often offers were accepted, for each family.
    pub acceptance: Vec<Acceptances>,
    /// Efficiency and fairness; absent without a complete game.
    pub outcomes: Option<Outcomes>,
}

/// How a player fared, over all its games.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Faring {
    /// The player, as in the other tables.
    pub agent: String,
    /// `bargaining`, `negotiation` or `persuasion`.
    pub family: String,
    /// Games that the players brought to their end; what follows is of them.
    pub games: usize,
    /// Share of the games that end in an agreement; of persuasion, of the things that are sold. Absent without a game.
    pub agreement: Option<f64>,
    /// Own share of what was divided, mean over agreements; of a negotiation, of the gains from trade.
    pub share: Option<f64>,
    /// Round of the agreement, mean over agreements.
    pub rounds: Option<f64>,
    /// Normalised self-gain, mean over games.
    pub gain: Option<f64>,
    /// Mean over the games where it is defined.
    pub efficiency: Option<f64>,
    /// Mean over the games where it is defined.
    pub fairness: Option<f64>,
    /// Of a seller of persuasion, how often it recommends bad things.
    pub lies: Option<f64>,
    /// Games beside these that were stopped, by whichever player: no valid move in all attempts, or it gave up.
    pub stopped: usize,
    /// Answers of this player that were no moves, mean over all games; absent for games in numbers.
    pub invalid: Option<f64>,
    /// Moves that were played for it, mean over all games; absent for games in numbers.
    pub fallbacks: Option<f64>,
}

/// Theory beside play.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Matched {
    /// The line-up.
    pub name: String,
    /// Its family.
    pub family: String,
    /// What is compared.
    pub quantity: String,
    /// Whether an agent plays itself.
    pub with_itself: bool,
    /// Mean and largest distance of play from theory, over the cells where both are numbers.
    pub mean_difference: Option<f64>,
    /// The largest.
    pub largest_difference: Option<f64>,
    /// Cells of which theory says something.
    pub compared: usize,
    /// Those of them in which play is what theory says.
    pub as_theory: usize,
    /// The games that were played.
    pub cells: Vec<BenchmarkCell>,
}

/// A game of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BenchmarkCell {
    /// Discount factors, valuations, or p and v.
    pub types: [f64; 2],
    /// Of persuasion, what bad things are worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_low: Option<f64>,
    /// The last round; `null` if players are not told.
    pub rounds: Option<u16>,
    /// Whether both know both types.
    pub complete: bool,
    /// Games played.
    pub games: usize,
    /// What theory says; `null` if there is no trade, or it leaves it open.
    pub theory: Option<f64>,
    /// Whether theory leaves it open.
    pub open: bool,
    /// What was agreed on, mean over agreements; `null` without any.
    pub played: Option<f64>,
    /// Played less theory.
    pub difference: Option<f64>,
    /// Share of the games that end in an agreement.
    pub agreement: f64,
    /// Round of the agreement, mean over agreements.
    pub agreed_in: Option<f64>,
    /// Normalised self-gains, mean over games.
    pub gains: [f64; 2],
    /// Whether play is what theory says: the value to 0.01 (sales: or to three standard errors) and a deal in every game, of
    /// a bargaining in which time costs somebody something in the first round. `null` where theory leaves it open.
    pub agrees: Option<bool>,
}

/// What was asked for in each round.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfferPaths {
    /// Name of the picture.
    pub plot: String,
    /// The family.
    pub family: String,
    /// Whether a path is of all games of an agent, whoever the rival is, because the players are too many for a picture.
    pub pooled: bool,
    /// One for each player, or agent.
    pub paths: Vec<OfferPath>,
}

/// What a player asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfferPath {
    /// The player.
    pub agent: String,
    /// Rounds with an offer of it.
    pub rounds: Vec<u16>,
    /// Its share of its own offers, mean over games.
    pub shares: Vec<f64>,
    /// Offers behind each.
    pub offers: Vec<usize>,
}

/// How often offers were accepted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Acceptances {
    /// Name of the picture.
    pub plot: String,
    /// The family.
    pub family: String,
    /// Whether a curve is of all games of an agent.
    pub pooled: bool,
    /// One for each player who answered, or agent.
    pub curves: Vec<AcceptanceCurve>,
}

/// How often a player accepts, by what it is offered.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct AcceptanceCurve {
    /// The player.
    pub agent: String,
    /// Offered shares, middles of bins of 0.1.
    pub shares: Vec<f64>,
    /// Share of the offers that were accepted.
    pub accepted: Vec<f64>,
    /// Lower ends of 95 % Wilson intervals.
    pub low: Vec<f64>,
    /// Upper ends.
    pub high: Vec<f64>,
    /// Offers in each bin.
    pub offers: Vec<usize>,
}

/// Efficiency against fairness.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcomes {
    /// Name of the picture.
    pub plot: String,
    /// Whether a cloud is of all games of an agent.
    pub pooled: bool,
    /// One for each line-up, or agent.
    pub clouds: Vec<OutcomeCloud>,
}

/// Where the games of a line-up lie.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutcomeCloud {
    /// The line-up, or agent.
    pub line_up: String,
    /// Mean efficiency and fairness, each clipped to [0, 1]; absent where one is never defined.
    pub centre: Option<[f64; 2]>,
    /// The same for each cell.
    pub cells: Vec<[f64; 2]>,
}
