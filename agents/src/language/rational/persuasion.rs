//! Rational persuasion. Bad things are taken to be worth nothing to the buyer, as in all published games.

use palaestra_envs::{
    language::{grid::WORTHS, theory},
    stream::Stream,
};
use rand::RngExt;

use super::{Believing, Selling};
use crate::language::{
    decision::Decision,
    sight::{Situation, TOLERANCE},
};

/// The seller's words.
pub(super) fn recommend(see: &Situation, selling: Selling, draws: &mut Stream) -> Decision {
    let lie = match selling {
        Selling::Committed => lie(see),
        Selling::Babbling => 1.0,
    };
    // Drawn in any case, so that what is drawn later does not depend on the quality.
    let draw = draws.random::<f64>();
    Decision::Recommend(see.good == Some(true) || draw < lie)
}

/// How often to recommend bad things. A seller who does not know what good ones are worth to the buyer takes each of the
/// published numbers to be equally likely.
fn lie(see: &Situation) -> f64 {
    let p = see.prior_of_good();
    if let Some(worth) = see.worth {
        return theory::bayesian_persuasion(p, worth, 0.0).lie;
    }
    let lies = WORTHS.map(|worth| theory::bayesian_persuasion(p, worth, 0.0).lie);
    let sales = |lie: f64| {
        let followers = lies.iter().filter(|&&most| most >= lie).count();
        (p + (1.0 - p) * lie) * followers as f64
    };
    lies.into_iter().fold(
        0.0,
        |best, lie| if sales(lie) > sales(best) { lie } else { best },
    )
}

/// Whether the buyer buys.
pub(super) fn buys(see: &Situation, believing: Believing) -> bool {
    let p = see.prior_of_good();
    let Some(worth) = see.worth else {
        return false;
    };
    let posterior = theory::bayesian_persuasion(p, worth, 0.0).posterior;
    let good = match believing {
        Believing::Nothing => return p * worth >= 1.0 - TOLERANCE,
        Believing::Commitment => posterior,
        Believing::Experience => see.good_if_recommended(posterior),
    };
    let good = match see.recommended() {
        Some(true) => good,
        // Good things are always recommended: what is warned of is bad.
        Some(false) => return false,
        // Words that are neither a yes nor a no say nothing.
        None => p,
    };
    good * worth >= 1.0 - TOLERANCE
}
