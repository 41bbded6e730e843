//! Texts, numbers and times as reports print them.

use pow_core::body::UnixMillis;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Whether a character shows nothing where it stands, or changes how others are shown:
/// controls, line and paragraph separators, direction marks, invisible and combining
/// characters, and those that no standard has defined.
fn is_hidden(c: char) -> bool {
    match c {
        '\'' | '"' | '\\' => false,
        // Letters by their category, and blank.
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}' => true,
        // Rust escapes what is not printable, and what would combine with a character before.
        _ => c.escape_debug().len() > 1,
    }
}

/// Escapes everything in a text that could move the cursor, start a line, turn the
/// writing direction or hide. Use it for text from a chain or from the files beside it, and
/// for their paths: a run must not be able to write its own report.
///
/// ```
/// use pow_audit::display::printable;
/// assert_eq!(printable("a\nb \u{202e}c 'é'"), "a\\nb \\u{202e}c 'é'");
/// ```
pub fn printable(text: &str) -> String {
    escaped(text, |_| false)
}

/// Like [`printable`], for a text of several lines: line feeds stay. Whoever puts the
/// lines together has escaped what is in them.
///
/// ```
/// use pow_audit::display::printable_lines;
/// assert_eq!(printable_lines("a\n\u{9b}b\n"), "a\n\\u{9b}b\n");
/// ```
pub fn printable_lines(text: &str) -> String {
    escaped(text, |c| c == '\n')
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match is_hidden(c) && !stays(c) {
            false => out.push(c),
            true if c.escape_debug().len() > 1 => out.extend(c.escape_debug()),
            true => out.extend(c.escape_unicode()),
        }
    }
    out
}

/// Escapes the same characters in JSON, as JSON does: `\u` and four digits for each UTF-16
/// unit. Any parser gives the same values for both.
///
/// ```
/// use pow_audit::display::printable_json;
/// assert_eq!(printable_json("{\"é\u{202e}\": 1}\n"), "{\"é\\u202e\": 1}\n");
/// ```
pub fn printable_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        // Outside its texts, JSON has no other hidden characters than these.
        if matches!(c, '\n' | '\r' | '\t') || !is_hidden(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

/// A number and what it counts, in the singular or the plural.
///
/// ```
/// use pow_audit::display::counted;
/// assert_eq!(counted(1, "block", "blocks"), "1 block");
/// assert_eq!(counted(0, "entry", "entries"), "0 entries");
/// ```
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A time in UTC, in the form of RFC 3339. If the year has more than four digits, the
/// time is printed in milliseconds since 1970.
///
/// ```
/// use pow_audit::display::utc;
/// use pow_core::body::UnixMillis;
/// assert_eq!(utc(UnixMillis(1_700_000_000_123)), "2023-11-14T22:13:20.123Z");
/// assert_eq!(utc(UnixMillis(u64::MAX)), "18446744073709551615 ms since 1970");
/// ```
pub fn utc(time: UnixMillis) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(time.0) * 1_000_000)
        .ok()
        .and_then(|date| date.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("{} ms since 1970", time.0))
}

/// The same for whole seconds. A time before 1970 is shown as 1970.
pub(crate) fn utc_seconds(seconds: i64) -> String {
    utc(UnixMillis(
        u64::try_from(seconds).unwrap_or(0).saturating_mul(1000),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Characters that deceive whoever reads them in a terminal.
    const HIDDEN: &str = "\n\r\t\u{1b}\u{7f}\u{85}\u{9b}\u{ad}\u{200b}\u{200e}\u{202e}\u{2028}\u{2066}\
                          \u{feff}\u{301}\u{3164}\u{115f}\u{ffa0}\u{2800}\u{e0041}\u{fe0f}";

    #[test]
    fn what_hides_is_escaped_and_letters_are_not() {
        for c in HIDDEN.chars() {
            let text = printable(&format!("a{c}b"));
            assert!(
                text.starts_with("a\\") && text.ends_with('b'),
                "{c:?}: {text}"
            );
            assert!(text.is_ascii(), "{c:?}: {text}");
        }
        for plain in ["it's \"1\" \\ 2", "é ß 漢字 עברית", "…·−✓ 😀"] {
            assert_eq!(printable(plain), plain);
        }
        assert_eq!(printable_lines("a\n\u{9b}b\n"), "a\n\\u{9b}b\n");
    }

    #[test]
    fn json_keeps_its_values() {
        let value = serde_json::json!({ HIDDEN: [HIDDEN, "é 😀"] });
        for json in [
            value.to_string(),
            serde_json::to_string_pretty(&value).unwrap(),
        ] {
            let escaped = printable_json(&json);
            let read: serde_json::Value = serde_json::from_str(&escaped).unwrap();
            assert_eq!(read, value);
            for c in HIDDEN.chars().filter(|c| *c != '\n') {
                assert!(!escaped.contains(c), "{c:?}: {escaped}");
            }
        }
    }

    #[test]
    fn times_have_a_date_as_long_as_the_year_has_four_digits() {
        // The last millisecond of the year 9999.
        const LAST: u64 = 253_402_300_799_999;
        for (time, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (LAST, "9999-12-31T23:59:59.999Z"),
            (LAST + 1, "253402300800000 ms since 1970"),
        ] {
            assert_eq!(utc(UnixMillis(time)), text);
        }
    }
}
