//! The one byte string of a report's JSON, written a second time.

use super::super::json::Json;

/// Whether these are the bytes that a report of this JSON has.
pub fn has_the_bytes(json: &Json, data: &[u8]) -> bool {
    let mut text = String::new();
    write(json, 0, &mut text).is_some() && {
        text.push('\n');
        text.as_bytes() == data
    }
}

fn write(json: &Json, depth: usize, out: &mut String) -> Option<()> {
    match json {
        Json::Text(value) => text(value, out),
        Json::Number(number) => out.push_str(&number.to_string()),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::List(items) => {
            let each = |item: &Json, out: &mut String| write(item, depth + 1, out);
            brackets(items, ['[', ']'], depth, out, each)?;
        }
        Json::Object(pairs) => {
            brackets(pairs, ['{', '}'], depth, out, |(name, value), out| {
                text(name, out);
                out.push_str(": ");
                write(value, depth + 1, out)
            })?;
        }
        Json::Null | Json::Other => return None,
    }
    Some(())
}

fn brackets<T>(
    items: &[T],
    [open, close]: [char; 2],
    depth: usize,
    out: &mut String,
    mut write: impl FnMut(&T, &mut String) -> Option<()>,
) -> Option<()> {
    out.push(open);
    for (i, item) in items.iter().enumerate() {
        out.push_str(if i == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(depth + 1));
        write(item, out)?;
    }
    if !items.is_empty() {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
    out.push(close);
    Some(())
}

fn text(value: &str, out: &mut String) {
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// The text of a finite number of at least 0, but not of minus zero: the fewest
/// digits that give it again.
pub fn decimal(number: f64) -> String {
    if number.to_bits() == 0 {
        return "0.0".into();
    }
    if number.is_sign_negative() {
        return String::new();
    }
    // One digit more at a time, until they say which number it is.
    let scientific = (0..17)
        .map(|digits| format!("{number:.digits$e}"))
        .find(|text| text.parse() == Ok(number))
        .expect("17 digits are enough for any number");
    let (digits, exponent) = scientific.split_once('e').expect("it is scientific");
    if !(1e-4..1e16).contains(&number) {
        return scientific;
    }
    let exponent: i32 = exponent.parse().expect("an exponent");
    let digits = digits.replace('.', "");
    let len = digits.len() as i32;
    if exponent < 0 {
        format!("0.{}{digits}", "0".repeat((-exponent - 1) as usize))
    } else if len <= exponent + 1 {
        format!("{digits}{}.0", "0".repeat((exponent + 1 - len) as usize))
    } else {
        let (whole, rest) = digits.split_at((exponent + 1) as usize);
        format!("{whole}.{rest}")
    }
}
