//! What a seat has been told and has answered, as a chat.

use serde::{Deserialize, Serialize};

/// Who speaks in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The rules, with the form of the answer that is due.
    System,
    /// The game, with everything since the seat's last answer.
    User,
    /// The seat.
    Assistant,
}

/// A message of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Who speaks.
    pub role: Role,
    /// The words.
    pub content: String,
}

impl Line {
    fn new(role: Role, content: String) -> Self {
        Self { role, content }
    }
}

/// A seat's chat without the rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seat {
    lines: Vec<Line>,
    /// What is to be told with the next question.
    news: Vec<String>,
}

impl Seat {
    /// Something has happened.
    pub(super) fn hear(&mut self, news: String) {
        self.news.push(news);
    }

    /// It is the seat's turn.
    pub(super) fn ask(&mut self, question: String) {
        self.news.push(question);
        let content = std::mem::take(&mut self.news).join("\n");
        // Endpoints for chats want the speakers to take turns.
        match self.lines.last_mut() {
            Some(line) if line.role == Role::User => {
                line.content.push('\n');
                line.content += &content;
            }
            _ => self.lines.push(Line::new(Role::User, content)),
        }
    }

    /// The seat has answered.
    pub(super) fn answer(&mut self, answer: &str) {
        self.lines.push(Line::new(Role::Assistant, answer.into()));
    }

    /// Somebody else takes the seat.
    pub(super) fn forget(&mut self) {
        self.lines.clear();
        self.news.clear();
    }

    /// The chat as JSON, the rules first and what has not been asked yet last.
    pub(super) fn write(&self, rules: String) -> String {
        let news = (!self.news.is_empty()).then(|| Line::new(Role::User, self.news.join("\n")));
        let rules = Line::new(Role::System, rules);
        let lines: Vec<&Line> = std::iter::once(&rules)
            .chain(&self.lines)
            .chain(&news)
            .collect();
        serde_json::to_string(&lines).unwrap_or_default()
    }
}
