//! Answers that come piece by piece, as server-sent events (WHATWG HTML, 9.2): a JSON object each, the usage in one of the last,
//! and then `[DONE]`.

use std::io::{BufRead, BufReader, Read};

use serde_json::{Value, json};

/// What ends a stream.
const DONE: &str = "[DONE]";

/// Whether a reply is a stream of events: JSON begins with a brace, and none of the fields does.
pub(super) fn is_stream(text: &str) -> bool {
    let text = text.trim_start_matches(['\u{feff}', '\r', '\n', ' ', '\t']);
    ["data:", "event:", "id:", "retry:", ":"]
        .iter()
        .any(|field| text.starts_with(field))
}

/// Reads a stream up to what ends it; an endpoint may leave the connection open.
pub(super) fn read(stream: impl Read) -> std::io::Result<Vec<u8>> {
    let (mut lines, mut bytes) = (BufReader::new(stream), Vec::new());
    loop {
        let start = bytes.len();
        if lines.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(bytes);
        }
        let line = bytes[start..].trim_ascii();
        if line
            .strip_prefix(b"data:")
            .is_some_and(|data| data.trim_ascii() == DONE.as_bytes())
        {
            return Ok(bytes);
        }
    }
}

/// The completion that a stream comes to.
pub(super) fn completion(text: &str) -> Result<Value, String> {
    let (mut whole, mut content, mut refusal) = (json!({}), String::new(), None::<String>);
    let (mut finish, mut chosen, mut done) = (Value::Null, false, false);
    for data in events(text) {
        if data.trim() == DONE {
            done = true;
            break;
        }
        let event: Value = serde_json::from_str(&data)
            .map_err(|error| format!("an event of the stream is no JSON: {error}"))?;
        if let Some(error) = event.get("error").filter(|error| !error.is_null()) {
            return Err(format!("the stream breaks off with an error: {error}"));
        }
        for key in ["id", "model", "system_fingerprint", "usage"] {
            match event.get(key) {
                None | Some(Value::Null) => {}
                Some(value) => whole[key] = value.clone(),
            }
        }
        // The event with the usage has no choices.
        let choices = event["choices"].as_array().into_iter().flatten();
        for choice in choices.filter(|choice| choice["index"].as_u64().unwrap_or(0) == 0) {
            chosen = true;
            let delta = &choice["delta"];
            content += delta["content"].as_str().unwrap_or_default();
            if let Some(piece) = delta["refusal"].as_str() {
                *refusal.get_or_insert_default() += piece;
            }
            if !choice["finish_reason"].is_null() {
                finish = choice["finish_reason"].clone();
            }
        }
    }
    if !done {
        return Err("the stream ends before `[DONE]`".into());
    }
    if !chosen {
        return Err("the stream has no `choices`".into());
    }
    let message = json!({"role": "assistant", "content": content, "refusal": refusal});
    whole["choices"] = json!([{"index": 0, "message": message, "finish_reason": finish}]);
    Ok(whole)
}

/// The data of each event. What is not followed by a blank line is one too if it is the end of a stream.
fn events(text: &str) -> impl Iterator<Item = String> + '_ {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
    std::iter::from_fn(move || {
        let mut data: Option<String> = None;
        for line in lines.by_ref() {
            if line.is_empty() {
                if data.is_some() {
                    return data;
                }
            } else if let Some(piece) = line.strip_prefix("data:") {
                let piece = piece.strip_prefix(' ').unwrap_or(piece);
                match &mut data {
                    None => data = Some(piece.into()),
                    Some(data) => {
                        data.push('\n');
                        data.push_str(piece);
                    }
                }
            }
        }
        data
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(content: &str) -> String {
        json!({"model": "m-1", "choices": [{"index": 0, "delta": {"content": content}}]})
            .to_string()
    }

    #[test]
    fn pieces_become_a_completion() {
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}});
        let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
        // Comments, other fields, other line ends, an event of two lines, a choice that was not asked for.
        let other = json!({"choices": [{"index": 1, "delta": {"content": "no"}}]});
        let text = format!(
            ": hello\r\n\r\nevent: message\ndata: {}\n\ndata:{}\r\n\r\ndata: {other}\n\ndata: {{\ndata: \"choices\": []}}\n\ndata: {last}\n\ndata: {usage}\n\ndata: [DONE]\n\n",
            piece("ye"),
            piece("s")
        );
        assert!(is_stream(&text) && !is_stream(" {\"choices\": []}"));
        let whole = completion(&text).unwrap();
        assert_eq!(whole["choices"][0]["message"]["content"], "yes");
        assert_eq!(whole["choices"][0]["finish_reason"], "stop");
        assert_eq!(
            (&whole["model"], &whole["usage"]["prompt_tokens"]),
            (&json!("m-1"), &json!(7))
        );
        let refused = json!({"choices": [{"delta": {"refusal": "No."}}]});
        let whole = completion(&format!("data: {refused}\n\ndata: [DONE]")).unwrap();
        assert_eq!(whole["choices"][0]["message"]["refusal"], "No.");
    }

    #[test]
    fn what_is_cut_off_is_no_completion() {
        let text = format!(
            "data: {}\n\ndata: {}\n\n",
            piece("{\"decision\""),
            piece(": \"accept\"}")
        );
        assert!(completion(&text).unwrap_err().contains("[DONE]"));
        for end in 1..text.len() {
            assert!(completion(&text[..end]).is_err(), "{end}");
        }
        for bad in [
            "data: {\n\ndata: [DONE]\n\n",
            "data: [DONE]\n\n",
            "data: {\"error\": {\"message\": \"overloaded\"}}\n\ndata: [DONE]\n\n",
        ] {
            assert!(completion(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn reading_ends_where_the_stream_does() {
        let text = b"data: {}\n\ndata: [DONE]\n\nand nothing that matters";
        assert_eq!(read(&text[..]).unwrap(), b"data: {}\n\ndata: [DONE]\n");
        assert_eq!(read(&b"data: {}\n"[..]).unwrap(), b"data: {}\n");
    }
}
