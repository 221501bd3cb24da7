//! Width of text, for layouts that must be known before anything renders them.
//!
//! The shipped font is Arimo, whose advance widths equal those of Arial and Liberation Sans, so that labels take the
//! same room in a browser that has any of the three.

use std::borrow::Cow;

/// Fonts asked for, best first. The first is the one that ships with the program.
pub(super) const FONT_FAMILY: &str = "Arimo, Liberation Sans, Arial, Helvetica, sans-serif";

/// Advance widths of U+0020 to U+007E in 1/2048 em.
const ASCII: [u16; 95] = [
    569, 569, 727, 1139, 1139, 1821, 1366, 391, 682, 682, 797, 1196, 569, 682, 569, 569, 1139,
    1139, 1139, 1139, 1139, 1139, 1139, 1139, 1139, 1139, 569, 569, 1196, 1196, 1196, 1139, 2079,
    1366, 1366, 1479, 1479, 1366, 1251, 1593, 1479, 569, 1024, 1366, 1139, 1706, 1479, 1593, 1366,
    1593, 1479, 1366, 1251, 1479, 1366, 1933, 1366, 1366, 1251, 569, 569, 569, 961, 1139, 682,
    1139, 1139, 1024, 1139, 1139, 569, 1139, 1139, 455, 455, 1024, 455, 1706, 1139, 1139, 1139,
    1139, 682, 1024, 569, 1139, 1024, 1479, 1024, 1024, 1024, 684, 532, 684, 1196,
];

/// Bold is wider by at most this factor in running text.
pub(super) const BOLD: f64 = 1.09;

/// Width in pixels of `text` in the regular weight at `size` pixels: exact (without kerning) for ASCII, an estimate
/// from above for other scripts.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let units: f64 = text.chars().map(advance).sum();
    units * size / 2048.0
}

fn advance(c: char) -> f64 {
    match c {
        ' '..='~' => f64::from(ASCII[c as usize - 0x20]),
        '\u{300}'..='\u{36f}' => 0.0,
        '\u{2070}'..='\u{209f}' | '\u{b7}' | '\u{b2}' | '\u{b3}' | '\u{b9}' => 682.0,
        '−' | '×' => 1196.0,
        '–' => 1139.0,
        // Cyrillic and capital Greek run wide; the rest of the alphabets are near Latin.
        '\u{391}'..='\u{3a9}' | '\u{400}'..='\u{45f}' => 1600.0,
        '\u{80}'..='\u{24ff}' => 1300.0,
        // Ellipsis, and scripts of full-width characters.
        _ => 2048.0,
    }
}

/// `text`, cut with an ellipsis if it is wider than `room` pixels at `size`.
pub(super) fn fit(text: &str, size: f64, room: f64) -> Cow<'_, str> {
    if width(text, size) <= room {
        return Cow::Borrowed(text);
    }
    let room = room - width("…", size);
    let mut used = 0.0;
    let mut cut = String::new();
    for c in text.chars() {
        used += advance(c) * size / 2048.0;
        if used > room {
            break;
        }
        cut.push(c);
    }
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    Cow::Owned(cut)
}

/// `text` without the characters that an XML document cannot hold or that would break a line.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') {
                ' '
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_by_hand() {
        // Digits and lower-case letters such as `a` are 1139/2048 em in Arial.
        assert!((width("10", 2048.0) - 2278.0).abs() < 1e-9);
        assert!((width("il", 20.48) - 9.1).abs() < 1e-9);
    }

    #[test]
    fn long_text_is_cut_to_its_room() {
        let name = "a rather long name of an agent";
        for room in [20.0, 60.0, 100.0] {
            let cut = fit(name, 12.0, room);
            assert!(width(&cut, 12.0) <= room, "{cut}");
            assert!(cut.ends_with('…'));
        }
        assert_eq!(fit("short", 12.0, 100.0), "short");
    }
}
