//! Persuasion in words.

use serde_json::{Value, json};

use super::{
    haggling::percent,
    spoken::{Played, Scene, Spoken, Teller},
};
use crate::{
    language::{
        ALICE, BOB, Money, Outcome, PersuasionPhase, Reason, Reveal, SellerMessage, Signal,
        answer::{Expected, Move, Play},
        structured::{PersuasionGame, Pitch},
        templates::{self, QUALITY_PRAISE},
    },
    sim::RowObservation,
    stream::Stream,
};

const PART: &str = "persuasion";
/// Words that are none of the sentences are taken for neither a yes nor a no.
const NEITHER: f32 = 0.5;

/// What something is worth, in prices.
fn worth(price: Money, value: f64) -> String {
    price.times(value).unwrap_or_default().to_string()
}

fn told_seller(pitch: &Pitch, teller: &mut Teller<'_>) {
    let config = &pitch.game().config;
    let values = [
        ("rounds", config.rounds.to_string()),
        ("money", config.money.to_string()),
        ("p", percent(config.p)),
    ];
    let values = values
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    teller.tell("seller", &values);
    teller.tell(["buyer_one", "buyer_new"][usize::from(config.myopic)], &[]);
    let prior = if config.buyer_knows_p {
        "prior_shared"
    } else {
        "prior_secret"
    };
    teller.tell(prior, &[]);
    if config.seller_knows_values {
        let [high, low] = [config.value_high, config.value_low].map(|v| worth(config.money, v));
        teller.tell("values", &[("high", &high), ("low", &low)]);
    } else {
        teller.tell("values_unknown", &[]);
    }
}

fn told_buyer(pitch: &Pitch, teller: &mut Teller<'_>) {
    let config = &pitch.game().config;
    let [high, low] = [config.value_high, config.value_low].map(|v| worth(config.money, v));
    let money = config.money.to_string();
    teller.tell(
        "buyer",
        &[("money", &money), ("high", &high), ("low", &low)],
    );
    if !config.myopic {
        teller.tell("buyer_rounds", &[("rounds", &config.rounds.to_string())]);
    }
    if config.buyer_knows_p {
        teller.tell("prior", &[("p", &percent(config.p))]);
    } else {
        teller.tell("prior_unknown", &[]);
    }
    let knows = if config.seller_knows_values {
        "seller_knows"
    } else {
        "seller_ignorant"
    };
    teller.tell(knows, &[]);
}

impl Spoken for PersuasionGame {
    const ID: &'static str = "glee_persuasion_text-v1";
    const SUMMARY: &'static str = "A seller who knows the quality talks a buyer into buying in words, or not, round after round (GLEE).";

    fn shaped_by(&self) -> Option<&'static str> {
        self.shaped_by()
    }
    fn measures() -> &'static [&'static str] {
        &["efficiency", "fairness"]
    }

    fn expected(pitch: &Pitch, _: &[String; 2]) -> Option<Expected> {
        pitch.game().expected()
    }

    fn fallback(pitch: &Pitch) -> Option<Play> {
        pitch.game().fallback()
    }

    fn mover(pitch: &Pitch) -> Option<usize> {
        pitch.game().mover()
    }

    fn outcome(pitch: &Pitch) -> Option<Outcome> {
        pitch.game().outcome()
    }

    fn stop(pitch: &mut Pitch, reason: Reason) {
        pitch.stop(reason);
    }

    fn measured(pitch: &Pitch) -> Option<Vec<f64>> {
        pitch.measured().map(Vec::from)
    }

    fn play(pitch: &mut Pitch, action: &Move, scene: Scene<'_>, rng: &mut Stream) -> Played {
        let mut played = Played::default();
        let config = pitch.game().config;
        let (number, quality) = (pitch.game().round(), quality(pitch));
        let round = number.to_string();
        match action.play {
            Play::Recommend(yes) => {
                pitch.say(Signal::Recommend(yes), f32::from(u8::from(yes)), 0);
            }
            Play::Text => {
                let text = action.message.as_deref().unwrap_or_default();
                let message = templates::recognise(text);
                let yes = match message {
                    None => NEITHER,
                    Some(message) => f32::from(u8::from(message == QUALITY_PRAISE)),
                };
                pitch.say(
                    Signal::Text,
                    yes,
                    message.unwrap_or(templates::SILENT) as u8,
                );
            }
            Play::Buy(buys) => {
                let told = pitch.game().is_revealed(buys);
                let rounds = f64::from(config.rounds);
                played.rewards = pitch.decide(buys, rng).map(|gain| (gain / rounds) as f32);
                let mut seller = Teller::new(scene, ALICE, PART);
                let part = if buys { "bought" } else { "passed" };
                seller.tell(part, &[("round", &round)]);
                seller.quote(action.message.as_deref());
                played.news.push((ALICE, seller.text()));
                played.newcomer = config.myopic;
                if told && !config.myopic {
                    let buyer = Teller::new(scene, BOB, PART);
                    let quality = buyer.part(quality, &[]);
                    let values = [("round", round.as_str()), ("quality", &quality)];
                    played.news.push((BOB, buyer.part("revealed", &values)));
                }
            }
            Play::Split(..) | Play::Price(_) | Play::Verdict(_) => {}
        }
        played
    }

    fn write(pitch: &Pitch, player: usize, seen: &mut [f32]) {
        pitch.write(player, seen);
    }

    fn tell(pitch: &Pitch, out: &mut RowObservation<'_>) {
        out.info(
            "privileged.quality",
            &[f64::from(u8::from(pitch.game().is_high()))],
        );
    }

    fn rules(pitch: &Pitch, seat: usize, scene: Scene<'_>) -> String {
        let mut teller = Teller::new(scene, seat, PART);
        if seat == ALICE {
            told_seller(pitch, &mut teller);
        } else {
            told_buyer(pitch, &mut teller);
        }
        let config = &pitch.game().config;
        let reveal = match config.reveal {
            Reveal::Always => "reveal_always",
            Reveal::OnPurchase => "reveal_purchase",
            Reveal::Never => "reveal_never",
        };
        teller.tell(reveal, &[]);
        if config.buyer_message {
            teller.tell("reply", &[]);
        }
        teller.text()
    }

    fn question(pitch: &Pitch, message: Option<&str>, scene: Scene<'_>) -> String {
        let (game, config) = (pitch.game(), &pitch.game().config);
        let round = game.round().to_string();
        if game.phase() != PersuasionPhase::Buyer {
            let mut teller = Teller::new(scene, ALICE, PART);
            let quality = teller.part(quality(pitch), &[]);
            let part = match config.seller_message {
                SellerMessage::Text => "speak",
                SellerMessage::Binary => "recommend",
            };
            teller.tell(part, &[("round", &round), ("quality", &quality)]);
            return teller.text();
        }
        let mut teller = Teller::new(scene, BOB, PART);
        if config.myopic {
            let stats = game.stats();
            let [sold, high] = [stats.sold, stats.sold_high].map(|count| count.to_string());
            teller.tell("stats", &[("sold", &sold), ("sold_high", &high)]);
        } else {
            teller.tell("round", &[("round", &round)]);
        }
        match game.signal() {
            Some(Signal::Recommend(true)) => teller.tell("recommended", &[]),
            Some(Signal::Recommend(false)) => teller.tell("advised", &[]),
            Some(Signal::Text) if message.is_some() => teller.quote(message),
            Some(Signal::Text) | None => teller.tell("silent", &[]),
        }
        teller.tell("decide", &[]);
        teller.text()
    }

    fn round(pitch: &Pitch, seat: usize) -> Option<u16> {
        let newcomer = seat == BOB && pitch.game().config.myopic;
        (!newcomer).then(|| pitch.game().round())
    }

    fn facts(pitch: &Pitch, seat: usize) -> Value {
        let config = &pitch.game().config;
        let mut facts = json!({
            "product_price": config.money.to_f64(),
            "is_myopic": config.myopic,
            "is_seller_know_cv": config.seller_knows_values,
            "is_buyer_know_p": config.buyer_knows_p,
            "seller_message_type": config.seller_message,
            "allow_buyer_message": config.buyer_message,
            "reveal": config.reveal,
        });
        if seat == ALICE || !config.myopic {
            facts["total_rounds"] = config.rounds.into();
        }
        if seat == ALICE || config.buyer_knows_p {
            facts["p"] = config.p.into();
        }
        // The released code's names: v is the worth of good things, c that of bad ones.
        if seat == BOB || config.seller_knows_values {
            facts["v"] = config.value_high.into();
            facts["c"] = config.value_low.into();
        }
        facts
    }

    fn frame(pitch: &Pitch) -> [String; 2] {
        [pitch.heading(), pitch.standing()]
    }

    fn words(pitch: &Pitch, play: Play) -> String {
        let quality = if pitch.game().is_high() {
            "good"
        } else {
            "bad"
        };
        match play {
            Play::Recommend(true) => format!("({quality})  buy it"),
            Play::Recommend(false) => format!("({quality})  leave it"),
            Play::Text => format!("({quality})"),
            Play::Buy(true) => "buys".into(),
            Play::Buy(false) => "passes".into(),
            Play::Split(..) | Play::Price(_) | Play::Verdict(_) => String::new(),
        }
    }
}

/// The part that names the quality.
fn quality(pitch: &Pitch) -> &'static str {
    if pitch.game().is_high() {
        "high"
    } else {
        "low"
    }
}
