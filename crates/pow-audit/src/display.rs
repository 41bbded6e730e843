//! Texts, numbers and times as reports print them.

use pow_core::body::UnixMillis;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Escapes everything in a text that could move the cursor, start a line or turn the
/// writing direction. Use it for text from a chain or from the files beside it: a run
/// must not be able to write its own report.
///
/// ```
/// use pow_audit::display::printable;
/// assert_eq!(printable("a\nb \u{202e}c 'é'"), "a\\nb \\u{202e}c 'é'");
/// ```
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\'' | '"' | '\\' => out.push(c),
            // Escapes controls, separators and invisible characters, but no letters.
            _ => out.extend(c.escape_debug()),
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

#[cfg(test)]
mod tests {
    use super::*;

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
