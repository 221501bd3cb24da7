//! What a player decides, and how that is written as an action.

use palaestra_envs::{
    language::{
        ALICE, HIGHEST_PRICE, Money, Verdict,
        answer::{Expected, Move, Play, write},
        structured::OfferGrid,
        templates::{self, QUALITY_PRAISE, QUALITY_WARNING, SILENT},
    },
    space::Columns,
};

use super::sight::{Family, Situation};

/// Choices of a seller before its texts.
pub(super) const BITS: usize = 2;

/// A decision in any of the games.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decision {
    /// Alice's share, or a price over the scale, and the sentence to go with it where one can.
    Offer(f64, usize),
    /// The answer to an offer. Leaving where there is no way out is a rejection.
    Verdict(Verdict),
    /// To recommend a thing, or to warn of it.
    Recommend(bool),
    /// To say a sentence about it, where sellers speak.
    Say(usize),
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
    /// As answers in words; the field of the observation that says what is due.
    Words(usize),
}

/// What a player sees, as it is written for it.
pub(super) struct Seen<'a> {
    pub(super) situation: &'a Situation,
    pub(super) observation: &'a Columns,
    /// The choices that are allowed; empty where there is no mask.
    pub(super) mask: &'a [u8],
    pub(super) row: usize,
}

impl Encoding {
    /// Writes a decision. Amounts between two offers are rounded in favour of the other, so that what was computed to be
    /// just acceptable is. `None` if what is due is not what the numbers say.
    pub(super) fn write(
        &self,
        decision: Decision,
        seen: &Seen<'_>,
        actions: &mut Columns,
    ) -> Option<()> {
        let row = seen.row;
        if let Self::Words(expects) = self {
            let due = serde_json::from_str(&seen.observation.text(*expects)[row]).ok()?;
            actions.text_mut(0)[row] = in_words(decision, &due, seen.situation)?;
            return Some(());
        }
        let width = actions.width(0);
        let out = &mut actions.i32_mut(0)[row * width..(row + 1) * width];
        out.fill(SILENT as i32);
        let allowed = |choice: usize| seen.mask.get(choice).is_none_or(|&flag| flag != 0);
        let offers = match self {
            Self::Haggling(grid) => grid.offers,
            _ => 0,
        };
        let choice = match (decision, self) {
            (Decision::Offer(part, message), Self::Haggling(grid)) => {
                if let Some(said) = out.get_mut(1)
                    && allowed(offers + 3 + message)
                {
                    *said = message as i32;
                }
                nearest(grid, part, seen.situation.player)
            }
            (Decision::Offer(..), _) => return None,
            (Decision::Verdict(Verdict::Accept), _) => offers,
            (Decision::Verdict(Verdict::Exit), _) if allowed(offers + 2) => offers + 2,
            (Decision::Verdict(_), _) => offers + 1,
            (Decision::Recommend(yes), _) if allowed(usize::from(yes)) => usize::from(yes),
            (Decision::Recommend(yes), _) => BITS + praise(yes),
            (Decision::Say(sentence), _) => BITS + sentence,
            (Decision::Buy(buys), _) => usize::from(buys),
        };
        out[0] = choice as i32;
        Some(())
    }
}

/// The sentence that is a yes or a no where there are texts.
fn praise(yes: bool) -> usize {
    if yes { QUALITY_PRAISE } else { QUALITY_WARNING }
}

/// Rounded in favour of the one who does not choose; of a step, `slack` is nothing.
fn favour(at: f64, player: usize, slack: f64) -> f64 {
    if player == ALICE {
        (at + slack).floor()
    } else {
        (at - slack).ceil()
    }
}

/// The number of the offer next to `part` that is not worse for the other.
fn nearest(grid: &OfferGrid, part: f64, player: usize) -> usize {
    let [low, high] = grid.range;
    let last = (grid.offers - 1) as f64;
    let at = (part - low) / (high - low) * last;
    favour(at, player, 1e-6).clamp(0.0, last) as usize
}

/// The object that is due.
pub(super) fn in_words(decision: Decision, due: &Expected, see: &Situation) -> Option<String> {
    let (play, message) = match (decision, due) {
        (Decision::Offer(part, message), Expected::Split { money, .. }) => {
            let alice = amount(part, *money, *money, see.player);
            let play = Play::Split(alice, *money - alice);
            let own = if see.player == ALICE {
                alice
            } else {
                *money - alice
            };
            (play, say(message, Some(own), see))
        }
        (Decision::Offer(part, message), Expected::Price { highest, .. }) => {
            let scale = scale(*highest);
            let price = amount(part, scale, *highest, see.player);
            (Play::Price(price), say(message, Some(price), see))
        }
        (Decision::Verdict(verdict), _) => (Play::Verdict(verdict), String::new()),
        (Decision::Recommend(yes), Expected::SellerText) => {
            (Play::Text, say(praise(yes), None, see))
        }
        (Decision::Recommend(yes), _) => (Play::Recommend(yes), String::new()),
        (Decision::Say(sentence), _) => (Play::Text, say(sentence, None, see)),
        (Decision::Buy(buys), _) => (Play::Buy(buys), String::new()),
        (Decision::Offer(..), _) => return None,
    };
    let said = |play| {
        let message = Some(message.clone());
        write(&Move { play, message }, due)
    };
    match decision {
        Decision::Verdict(Verdict::Exit) => {
            said(play).or_else(|| said(Play::Verdict(Verdict::Reject)))
        }
        _ => said(play),
    }
}

/// The scale of prices, by the highest there may be.
pub(super) fn scale(highest: Money) -> Money {
    Money::from_minor(highest.minor() / HIGHEST_PRICE)
}

/// `part` of `scale` in hundredths.
fn amount(part: f64, scale: Money, most: Money, player: usize) -> Money {
    let minor = favour(part * scale.minor() as f64, player, 1e-4);
    Money::from_minor((minor.max(0.0) as i64).min(most.minor()))
}

/// Sentence number `message`.
fn say(message: usize, offer: Option<Money>, see: &Situation) -> String {
    let own = match see.family {
        Family::Negotiation => see.value.0,
        Family::Bargaining | Family::Persuasion => see.delta.0,
    };
    let left = see.last.map(|last| (last + 1).saturating_sub(see.round));
    templates::say(message, offer, &format!("{own}"), left)
}
