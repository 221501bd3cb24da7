//! Players by fixed rules: shares, curves of concession, answers to concessions, and habits of sellers and buyers.

mod acceptor;
mod always_recommend;
mod best_response;
mod concession;
mod fixed_share;
mod honest_seller;
mod threshold_buyer;
mod tit_for_tat;

pub use acceptor::AcceptorArgs;
pub use always_recommend::AlwaysRecommend;
pub use best_response::BestResponse;
pub use concession::{ConcessionArgs, Curve};
pub use fixed_share::FixedShare;
pub use honest_seller::HonestSeller;
use palaestra_envs::language::{Verdict, structured::Due};
pub use threshold_buyer::ThresholdBuyer;
pub use tit_for_tat::TitForTat;

use super::{
    decision::Decision,
    sight::{Situation, TOLERANCE},
};
use crate::Registry;

/// Registers them.
pub(super) fn register(registry: &mut Registry) {
    acceptor::register(registry);
    always_recommend::register(registry);
    best_response::register(registry);
    concession::register(registry);
    fixed_share::register(registry);
    honest_seller::register(registry);
    threshold_buyer::register(registry);
    tit_for_tat::register(registry);
}

/// Asks for the share `ask` with the sentence `message`, and takes an offer of at least the share `take`. Where there is
/// nothing to divide it offers what costs it nothing, takes what gains something, and leaves otherwise.
fn haggle(see: &Situation, ask: f64, take: f64, message: usize) -> Decision {
    if see.due == Due::Offer {
        return Decision::Offer(see.offer_of(ask), message);
    }
    let offer = see.offer.unwrap_or_default();
    let accepts = match see.share(offer) {
        Some(share) => share >= take - TOLERANCE,
        None => see.gain(offer) > TOLERANCE,
    };
    Decision::Verdict(match (accepts, see.zone()) {
        (true, _) => Verdict::Accept,
        (false, Some(_)) => Verdict::Reject,
        (false, None) => Verdict::Exit,
    })
}
