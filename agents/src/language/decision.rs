//! What a player decides, and how that is written as an action.

use palaestra_envs::{
    language::{
        ALICE, Verdict,
        structured::OfferGrid,
        templates::{QUALITY_PRAISE, QUALITY_WARNING, SILENT},
    },
    space::Columns,
};

/// Choices of a seller before its texts.
const BITS: usize = 2;

/// A decision in any of the games.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decision {
    /// Alice's share, or a price over the scale, and the sentence to go with it where one can.
    Offer(f64, usize),
    /// The answer to an offer. Leaving where there is no way out is a rejection.
    Verdict(Verdict),
    /// To recommend a thing, or to warn of it.
    Recommend(bool),
    /// To buy, or not.
    Buy(bool),
}

/// How an environment takes decisions.
#[derive(Debug, Clone, Copy)]
pub(super) enum Encoding {
    /// As numbers of offers and verdicts.
    Haggling(OfferGrid),
    /// As numbers of recommendations and purchases.
    Persuasion,
}

impl Encoding {
    /// Writes a decision of `player` into row `row`. Amounts between two offers are rounded in favour of the other, so
    /// that what was computed to be just acceptable is.
    pub(super) fn write(
        &self,
        decision: Decision,
        player: usize,
        mask: &[u8],
        actions: &mut Columns,
        row: usize,
    ) {
        let width = actions.width(0);
        let out = &mut actions.i32_mut(0)[row * width..(row + 1) * width];
        out.fill(SILENT as i32);
        let allowed = |choice: usize| mask.get(choice).is_none_or(|&flag| flag != 0);
        let offers = match self {
            Self::Haggling(grid) => grid.offers,
            Self::Persuasion => 0,
        };
        let choice = match (decision, self) {
            (Decision::Offer(part, message), Self::Haggling(grid)) => {
                if let Some(said) = out.get_mut(1)
                    && allowed(offers + 3 + message)
                {
                    *said = message as i32;
                }
                nearest(grid, part, player)
            }
            (Decision::Offer(..), Self::Persuasion) => 0,
            (Decision::Verdict(Verdict::Accept), _) => offers,
            (Decision::Verdict(Verdict::Exit), _) if allowed(offers + 2) => offers + 2,
            (Decision::Verdict(_), _) => offers + 1,
            (Decision::Recommend(yes), _) if allowed(usize::from(yes)) => usize::from(yes),
            (Decision::Recommend(true), _) => BITS + QUALITY_PRAISE,
            (Decision::Recommend(false), _) => BITS + QUALITY_WARNING,
            (Decision::Buy(buys), _) => usize::from(buys),
        };
        out[0] = choice as i32;
    }
}

/// The number of the offer next to `part` that is not worse for the other.
fn nearest(grid: &OfferGrid, part: f64, player: usize) -> usize {
    /// Of a step; what is this near is the offer itself.
    const SLACK: f64 = 1e-6;
    let [low, high] = grid.range;
    let last = (grid.offers - 1) as f64;
    let at = (part - low) / (high - low) * last;
    let at = if player == ALICE {
        (at + SLACK).floor()
    } else {
        (at - SLACK).ceil()
    };
    at.clamp(0.0, last) as usize
}
