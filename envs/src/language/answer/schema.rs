//! The answer that is due as a JSON Schema, for endpoints that hold a model to one.

use serde_json::{Map, Value, json};

use super::{
    Expected, Play,
    read::{DECISION, MESSAGE, PRICE},
};

impl Expected {
    /// A JSON Schema of the object that is due. What a schema cannot say is left out: that gains add up.
    pub fn schema(&self, longest_message: Option<usize>) -> Value {
        let mut properties = Map::new();
        match self {
            Self::Split { money, keys, .. } => {
                for key in keys {
                    properties.insert(key.clone(), number(money.to_f64()));
                }
            }
            Self::Price { highest, .. } => {
                properties.insert(PRICE.into(), number(highest.to_f64()));
            }
            Self::SellerText => {}
            _ => {
                let words: Vec<&str> = self.words().iter().map(|(word, _)| *word).collect();
                properties.insert(DECISION.into(), json!({"type": "string", "enum": words}));
            }
        }
        if self.has_message() {
            let mut text = json!({"type": "string"});
            if let Some(most) = longest_message {
                text["maxLength"] = most.into();
            }
            properties.insert(MESSAGE.into(), text);
        }
        let required: Vec<String> = properties.keys().cloned().collect();
        json!({
            "type": "object",
            "required": required,
            "properties": properties,
            "additionalProperties": false,
        })
    }

    /// What a word of a decision plays; `None` if it is not one of them.
    pub fn play(&self, word: &str) -> Option<Play> {
        let words = self.words().iter();
        words
            .filter(|(known, _)| *known == word)
            .map(|(_, play)| *play)
            .next()
    }

    /// The words of a decision that a prompt offers: of those for leaving, the one that is the player's.
    pub fn offered_words(&self) -> String {
        let mut words: Vec<&str> = Vec::new();
        let mut plays = Vec::new();
        for (word, play) in self.words() {
            if !plays.contains(play) {
                plays.push(*play);
                words.push(word);
            }
        }
        words.join(", ")
    }
}

fn number(most: f64) -> Value {
    json!({"type": "number", "minimum": 0, "maximum": most})
}
