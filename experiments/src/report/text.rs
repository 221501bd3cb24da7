//! Text and numbers as HTML.

use crate::{report::figures::estimate, stats::Interval};

/// `text` with the characters that mean something in HTML replaced.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// `text`, escaped, with what stands between backticks as code.
pub(crate) fn rich(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    let parts: Vec<&str> = text.split('`').collect();
    // A last backtick without a partner is a backtick.
    let pairs = (parts.len() - 1) / 2;
    for (index, part) in parts.iter().enumerate() {
        let part = escape(part);
        if index % 2 == 1 && index <= 2 * pairs {
            html.push_str("<code>");
            html.push_str(&part);
            html.push_str("</code>");
        } else {
            if index % 2 == 1 {
                html.push('`');
            }
            html.push_str(&part);
        }
    }
    html
}

/// An estimate with its interval.
pub(crate) fn interval(interval: &Interval, values: usize) -> String {
    match estimate(interval, values) {
        (estimate, Some(interval)) => {
            format!("{estimate} <span class=\"interval\">{interval}</span>")
        }
        (estimate, None) => estimate,
    }
}

/// The words with a capital at their beginning.
pub(crate) fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    let first: Option<String> = letters.next().map(|c| c.to_uppercase().collect());
    first.unwrap_or_default() + letters.as_str()
}

/// Seeds, with runs of consecutive ones shortened: `0–9, 12`.
pub(crate) fn seeds(seeds: &[u64]) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for &seed in seeds {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(seed) => *last = seed,
            _ => ranges.push((seed, seed)),
        }
    }
    let text = ranges.iter().map(|&(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first}–{last}"),
    });
    text.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped() {
        assert_eq!(
            escape("<b a=\"1\">&'"),
            "&lt;b a=&quot;1&quot;&gt;&amp;&#39;"
        );
        assert_eq!(rich("see `a<b` now"), "see <code>a&lt;b</code> now");
        assert_eq!(rich("`a` and ` alone"), "<code>a</code> and ` alone");
        assert_eq!(rich("plain"), "plain");
    }

    #[test]
    fn consecutive_seeds_are_shortened() {
        assert_eq!(seeds(&[0, 1, 2, 3, 7, 9, 10]), "0–3, 7, 9, 10");
        assert_eq!(seeds(&[u64::MAX, 0]), "18446744073709551615, 0");
    }
}
