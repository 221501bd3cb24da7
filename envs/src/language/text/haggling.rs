//! Bargaining and negotiation in words.

use serde_json::{Value, json};

use super::spoken::{Played, Scene, Spoken, Teller};
use crate::{
    language::{
        ALICE, Bargaining, Horizon, Money, Negotiation, Outcome, Reason, Verdict,
        answer::{Expected, Move, Play},
        structured::{Haggle, Haggling, Talk},
        templates,
    },
    sim::RowObservation,
    stream::Stream,
};

/// What bargaining and negotiation are told in.
pub trait Told: Haggle {
    /// Identifier and summary.
    const NAMES: (&'static str, &'static str);
    /// First half of the names of its parts.
    const PART: &'static str;

    /// What the next move must be.
    fn due(&self, names: &[String; 2]) -> Option<Expected>;
    /// What is played for a seat without a valid move.
    fn cautious(&self) -> Option<Play>;
    /// The settings that `seat` knows.
    fn facts(&self, seat: usize) -> Value;
    /// Lines of the rules.
    fn told(&self, seat: usize, teller: &mut Teller<'_>);
    /// Lines of a question, with the words that came with the offer on the table.
    fn asked(&self, seat: usize, message: Option<&str>, teller: &mut Teller<'_>);
}

fn tell_rounds(facts: &mut Value, horizon: Horizon) {
    if let Some(rounds) = horizon.told() {
        facts["max_rounds"] = rounds.into();
    }
}

/// A part of a whole in percent, with at most two decimals.
pub(super) fn percent(part: f64) -> String {
    Money::from_f64(part * 100.0)
        .unwrap_or_default()
        .to_string()
}

impl Told for Bargaining {
    const NAMES: (&'static str, &'static str) = (
        "glee_bargaining_text-v1",
        "Two players divide an amount by alternating offers in words while it melts (GLEE).",
    );
    const PART: &'static str = "bargaining";

    fn due(&self, names: &[String; 2]) -> Option<Expected> {
        self.expected([&names[0], &names[1]])
    }

    fn cautious(&self) -> Option<Play> {
        self.fallback()
    }

    fn facts(&self, seat: usize) -> Value {
        let config = &self.config;
        let mut facts = json!({
            "money_to_divide": config.money.to_f64(),
            "complete_information": config.complete_information,
            "messages_allowed": config.messages,
            "delta": config.delta[seat],
        });
        for (player, key) in ["delta_player_1", "delta_player_2"].iter().enumerate() {
            if config.complete_information || player == seat {
                facts[*key] = config.delta[player].into();
            }
        }
        tell_rounds(&mut facts, config.horizon);
        facts
    }

    fn told(&self, seat: usize, teller: &mut Teller<'_>) {
        let config = &self.config;
        let [own, rival] = [config.delta[seat], config.delta[1 - seat]];
        teller.tell("rules", &[("money", &config.money.to_string())]);
        if config.messages {
            teller.tell("messages", &[]);
        }
        // Time is not spoken of where it is known that it costs nobody anything.
        if !config.complete_information || own < 1.0 || rival < 1.0 {
            if own < 1.0 {
                teller.tell("loss", &[("own_rate", &percent(1.0 - own))]);
            } else {
                teller.tell("no_loss", &[]);
            }
            if !config.complete_information {
                teller.tell("rival_unknown", &[]);
            } else if rival < 1.0 {
                teller.tell("rival_loss", &[("rival_rate", &percent(1.0 - rival))]);
            } else {
                teller.tell("rival_no_loss", &[]);
            }
        }
        if config.walk_away {
            teller.tell("walk_away", &[]);
        }
        match config.horizon.told() {
            Some(rounds) => teller.tell("rounds", &[("rounds", &rounds.to_string())]),
            None => teller.tell("hidden", &[]),
        }
    }

    fn asked(&self, seat: usize, message: Option<&str>, teller: &mut Teller<'_>) {
        let (config, round) = (&self.config, self.round().to_string());
        let money = config.money.to_string();
        if let Some(alice) = self.offer() {
            let gains = [alice, config.money - alice].map(|gain| gain.to_string());
            let values = [
                ("round", round.as_str()),
                ("alice_gain", &gains[0]),
                ("bob_gain", &gains[1]),
            ];
            teller.tell("decision", &values);
            teller.quote(message);
        } else {
            teller.tell("offer", &[("round", &round), ("money", &money)]);
        }
        // Told to both in each round after the first, the rival's only where its factor is known.
        let lost = [self.melted(seat), self.melted(1 - seat)];
        if lost[0] > 0.0 {
            teller.tell("melted", &[("own_loss", &percent(lost[0]))]);
        }
        if config.complete_information && lost[1] > 0.0 {
            teller.tell("rival_melted", &[("rival_loss", &percent(lost[1]))]);
        }
        if self.offer().is_some() {
            teller.tell("decide", &[]);
        }
    }
}

impl Told for Negotiation {
    const NAMES: (&'static str, &'static str) = (
        "glee_negotiation_text-v1",
        "A seller and a buyer haggle over a price in words, and can go to somebody else (GLEE).",
    );
    const PART: &'static str = "negotiation";

    fn due(&self, _: &[String; 2]) -> Option<Expected> {
        self.expected()
    }

    fn cautious(&self) -> Option<Play> {
        self.fallback()
    }

    fn facts(&self, seat: usize) -> Value {
        let config = &self.config;
        let mut facts = json!({
            "product_price_order": config.money.to_f64(),
            "complete_information": config.complete_information,
            "messages_allowed": config.messages,
        });
        for (player, key) in ["seller_value", "buyer_value"].iter().enumerate() {
            if config.complete_information || player == seat {
                facts[*key] = config.factor[player].into();
            }
        }
        tell_rounds(&mut facts, config.horizon);
        facts
    }

    fn told(&self, seat: usize, teller: &mut Teller<'_>) {
        let config = &self.config;
        let own = config.value(seat).to_string();
        teller.tell(["seller", "buyer"][seat], &[("own_value", &own)]);
        if config.complete_information {
            let rival = config.value(1 - seat).to_string();
            teller.tell("rival_value", &[("rival_value", &rival)]);
        } else {
            teller.tell("rival_unknown", &[]);
        }
        let single = config.horizon.told() == Some(1);
        teller.tell(if single { "single" } else { "rules" }, &[]);
        if config.messages {
            teller.tell("messages", &[]);
        }
        if config.walk_away {
            teller.tell("walk_away", &[]);
        } else {
            teller.tell("outside", &[("own_value", &own)]);
        }
        match config.horizon.told() {
            Some(1) => {}
            Some(rounds) => teller.tell("rounds", &[("rounds", &rounds.to_string())]),
            None => teller.tell("hidden", &[]),
        }
    }

    fn asked(&self, seat: usize, message: Option<&str>, teller: &mut Teller<'_>) {
        let (config, round) = (&self.config, self.round().to_string());
        let Some(price) = self.offer() else {
            teller.tell("offer", &[("round", &round)]);
            return;
        };
        let own = config.value(seat).to_string();
        let leave = if config.walk_away {
            teller.part("leave_walk", &[])
        } else {
            let part = ["leave_seller", "leave_buyer"][seat];
            teller.part(part, &[("own_value", &own)])
        };
        teller.quote(message);
        let last = config.horizon.told() == Some(self.round());
        let part = if last { "last_decision" } else { "decision" };
        let price = price.to_string();
        let values = [
            ("round", round.as_str()),
            ("price", &price),
            ("leave", &leave),
        ];
        teller.tell(part, &values);
    }
}

impl<G: Told> Spoken for Haggling<G> {
    const ID: &'static str = G::NAMES.0;
    const SUMMARY: &'static str = G::NAMES.1;

    fn shaped_by(&self) -> Option<&'static str> {
        self.shaped_by()
    }
    fn measures() -> &'static [&'static str] {
        &["efficiency", "fairness", "agreement"]
    }

    fn expected(talk: &Talk<G>, names: &[String; 2]) -> Option<Expected> {
        talk.game().due(names)
    }

    fn fallback(talk: &Talk<G>) -> Option<Play> {
        talk.game().cautious()
    }

    fn on_the_table(talk: &Talk<G>) -> Option<Money> {
        talk.game().offer()
    }

    fn mover(talk: &Talk<G>) -> Option<usize> {
        talk.game().mover()
    }

    fn outcome(talk: &Talk<G>) -> Option<Outcome> {
        talk.game().outcome()
    }

    fn stop(talk: &mut Talk<G>, reason: Reason) {
        talk.stop(reason);
    }

    fn measured(talk: &Talk<G>) -> Option<Vec<f64>> {
        talk.measured().map(Vec::from)
    }

    fn play(talk: &mut Talk<G>, action: &Move, scene: Scene<'_>, _: &mut Stream) -> Played {
        let mut played = Played::default();
        let Some(mover) = talk.game().mover() else {
            return played;
        };
        let round = talk.game().round().to_string();
        match action.play {
            Play::Split(amount, _) | Play::Price(amount) => {
                let text = action.message.as_deref().unwrap_or_default();
                let message = templates::recognise(text).unwrap_or(templates::SILENT);
                talk.offer(mover, amount, message as u8);
            }
            Play::Verdict(verdict) => {
                talk.decide(verdict);
                let part = match verdict {
                    Verdict::Accept => "accepted",
                    Verdict::Reject => "rejected",
                    Verdict::Exit if G::FAMILY == 0 => "walked",
                    Verdict::Exit => "left",
                };
                let part = format!("{}.{part}", G::PART);
                let told = scene.say(1 - mover, &part, &[("round", &round)]);
                played.news.push((1 - mover, told));
            }
            Play::Text | Play::Recommend(_) | Play::Buy(_) => {}
        }
        if let Some(metrics) = talk.game().measures() {
            played.rewards = [metrics.alice as f32, metrics.bob as f32];
        }
        played
    }

    fn write(talk: &Talk<G>, player: usize, seen: &mut [f32]) {
        talk.write(player, seen);
    }

    fn tell(talk: &Talk<G>, out: &mut RowObservation<'_>) {
        out.info("privileged.types", &talk.game().types());
    }

    fn rules(talk: &Talk<G>, seat: usize, scene: Scene<'_>) -> String {
        let mut teller = Teller::new(scene, seat, G::PART);
        talk.game().told(seat, &mut teller);
        teller.text()
    }

    fn question(talk: &Talk<G>, message: Option<&str>, scene: Scene<'_>) -> String {
        let seat = talk.game().mover().unwrap_or(ALICE);
        let mut teller = Teller::new(scene, seat, G::PART);
        talk.game().asked(seat, message, &mut teller);
        teller.text()
    }

    fn round(talk: &Talk<G>, _: usize) -> Option<u16> {
        Some(talk.game().round())
    }

    fn facts(talk: &Talk<G>, seat: usize) -> Value {
        talk.game().facts(seat)
    }

    fn frame(talk: &Talk<G>) -> [String; 2] {
        [talk.heading(), talk.standing()]
    }

    fn words(talk: &Talk<G>, play: Play) -> String {
        match play {
            Play::Split(amount, _) | Play::Price(amount) => talk.words(amount),
            Play::Verdict(Verdict::Accept) => "accepts".into(),
            Play::Verdict(Verdict::Reject) => "rejects".into(),
            Play::Verdict(Verdict::Exit) => "leaves".into(),
            Play::Text | Play::Recommend(_) | Play::Buy(_) => String::new(),
        }
    }
}
