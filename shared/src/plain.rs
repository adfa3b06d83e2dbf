//! Pure. Text that came from a box, a camera or a stranger, made fit to be shown: on a terminal, on a page, in a table, in a journal.
//!
//! There is one rule for what may stand in such a text ([`is_plain`]) and one function that makes a text keep it ([`plain`]); the door of
//! the hub uses the same rule to refuse ([`crate::schema`]). HTML and spreadsheets have marks of their own, which are dealt with where
//! a page or a table is made; this comes before that.

use std::borrow::Cow;

/// Longest piece of foreign text in a sentence, where nothing else says how long.
pub const SENTENCE: usize = 600;

/// Whether a character may be shown as it is: not a control character (terminals obey them), none that changes the direction or the
/// place of what stands around it, none that is not seen at all.
pub fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            // soft hyphen, Arabic letter mark, Hangul fillers, Mongolian vowel separator
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{180b}'..='\u{180f}'
            // zero width, marks of direction
            | '\u{200b}'..='\u{200f}'
            // line and paragraph separators, embeddings, overrides, isolates, invisible operators
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            // byte order mark, interlinear marks, stands for what could not be read
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            // tags, variation selectors of the supplement, private use, not characters
            | '\u{e0000}'..='\u{e0fff}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}'
        )
}

/// Whether a whole text may be shown as it is.
pub fn all_plain(text: &str) -> bool {
    text.chars().all(is_plain)
}

/// One line that can be shown, of at most `max` characters: whatever may not stand in it is a space, runs of spaces are one, and what
/// is too long ends in `…`.
pub fn plain(text: &str, max: usize) -> String {
    let clean: String = text
        .chars()
        // What is far too long is not walked through to its end.
        .take(max.saturating_mul(4).saturating_add(64))
        .map(|c| if is_plain(c) { c } else { ' ' })
        .collect();
    let clean = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if clean.chars().count() <= max {
        clean
    } else {
        clean
            .chars()
            .take(max.saturating_sub(1))
            .chain(['…'])
            .collect()
    }
}

/// As [`plain`], for text that is whole lines already, such as a sentence made here around foreign words: nothing is done to a text
/// that is plain.
pub fn sentence(text: &str) -> Cow<'_, str> {
    if all_plain(text) && text.len() <= SENTENCE {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(plain(text, SENTENCE))
    }
}

/// One line, as long as it is: for the journal, where each is an entry.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if all_plain(text) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .map(|c| if is_plain(c) { c } else { ' ' })
            .collect(),
    )
}

/// Text that was put together here, lines and all, before it goes out: to a terminal, into a page or a table. It is the last that is done
/// to it, so that nothing depends on every piece having been seen to.
pub fn lines(text: &str) -> Cow<'_, str> {
    let ends = |c: char, next: Option<&char>| c == '\n' || (c == '\r' && next == Some(&'\n'));
    let mut chars = text.chars().peekable();
    let mut good = true;
    while let Some(c) = chars.next() {
        good &= is_plain(c) || ends(c, chars.peek());
    }
    if good {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(if is_plain(c) || ends(c, chars.peek()) {
            c
        } else {
            ' '
        });
    }
    Cow::Owned(out)
}

/// The same for every text in a message that another program sent.
pub fn message(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => {
            if let Cow::Owned(clean) = lines(text) {
                *text = clean;
            }
        }
        serde_json::Value::Array(all) => all.iter_mut().for_each(message),
        serde_json::Value::Object(all) => all.iter_mut().for_each(|(_, value)| message(value)),
        _ => {}
    }
}

/// Foreign text in quotes, at most `max` characters of it, each that may not be shown written as its number.
pub fn quoted(text: &str, max: usize) -> String {
    let mut out = String::from("\"");
    for (i, c) in text.chars().enumerate() {
        if i == max {
            out.push('…');
            break;
        }
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if is_plain(c) => out.push(c),
            c => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// security.md V16: nothing that a terminal obeys or that turns text round gets through; words of any language do.
    #[test]
    fn nothing_but_words() {
        for (from, to) in [
            (
                "\x1b]0;owned\x07\x1b[2J\x1b[31mALL GOOD\x1b[0m",
                "]0;owned [2J [31mALL GOOD [0m",
            ),
            ("good \u{202e}live\u{202c} day", "good live day"),
            ("two\nlines\r\nand\ttab", "two lines and tab"),
            ("\u{2066}a\u{2069}\u{200f}b\u{feff}", "a b"),
            ("\u{9b}31m", "31m"),
            (
                "Gŵyl Dewi, Łódź, 東京, عربي, 🎥",
                "Gŵyl Dewi, Łódź, 東京, عربي, 🎥",
            ),
            ("", ""),
        ] {
            assert_eq!(plain(from, 80), to, "{from:?}");
            assert!(all_plain(&plain(from, 80)));
            assert!(all_plain(&quoted(from, 80)), "{from:?}");
        }
        assert_eq!(plain("abcdef", 4), "abc…");
        assert_eq!(plain(&"x".repeat(1 << 20), 10).chars().count(), 10);
        assert_eq!(quoted("a\"\u{1b}\u{202e}", 9), r#""a\"\u{1b}\u{202e}""#);
        assert_eq!(quoted("abcdef", 3), "\"abc…\"");
        assert_eq!(one_line("a\nb\u{1b}[2J"), "a b [2J");
        assert_eq!(lines("a,b\r\nc\rd\n\u{202e}e\n"), "a,b\r\nc d\n e\n");
        let mut value =
            serde_json::json!({"a": ["\u{1b}x", {"b": "\u{202e}"}], "c": 1, "d": "two\nlines"});
        message(&mut value);
        assert_eq!(
            value,
            serde_json::json!({"a": [" x", {"b": " "}], "c": 1, "d": "two\nlines"})
        );
        assert_eq!(sentence("as it is"), "as it is");
        assert_eq!(sentence("not\u{1b}so"), "not so");
    }
}
