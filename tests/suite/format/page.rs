//! Reads the tables and numbers of a page in docs/, so that tests can compare
//! them with the code.

use std::path::Path;

/// A page's text.
pub struct Page(String);

/// A table's rows, without its head. Cells are as written, without the
/// backticks of code.
pub type Rows = Vec<Vec<String>>;

impl Page {
    /// `docs/<name>`.
    pub fn read(name: &str) -> Self {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        Page(std::fs::read_to_string(docs.join(name)).unwrap())
    }

    /// The text from a heading to the next one of any level. `heading` has its
    /// `#`.
    pub fn section(&self, heading: &str) -> &str {
        let start = format!("\n{heading}\n");
        let (_, rest) = self
            .0
            .split_once(&start)
            .unwrap_or_else(|| panic!("the page has no heading {heading:?}"));
        rest.split("\n#").next().unwrap_or(rest)
    }

    /// The table in a section with this head, such as `Field | Meaning`.
    pub fn table(&self, heading: &str, head: &str) -> Rows {
        let mut lines = self.section(heading).lines().map(cells);
        lines
            .by_ref()
            .find(|cells| cells.join(" | ") == head)
            .unwrap_or_else(|| panic!("{heading}: there is no table {head:?}"));
        // The line of dashes.
        lines.next();
        let rows: Rows = lines.take_while(|cells| !cells.is_empty()).collect();
        assert!(!rows.is_empty(), "{heading}: the table {head:?} is empty");
        rows
    }

    /// The number that follows these words in a section. Line breaks count as
    /// spaces.
    pub fn number(&self, heading: &str, words: &str) -> u64 {
        let text = self.section(heading).replace('\n', " ").replace("  ", " ");
        let (_, rest) = text
            .split_once(words)
            .unwrap_or_else(|| panic!("{heading}: the words {words:?} are missing"));
        number(rest).unwrap_or_else(|| panic!("{heading}: no number follows {words:?}: {rest:.20}"))
    }
}

/// The cells of a table's line; none if it is another line.
fn cells(line: &str) -> Vec<String> {
    let Some(inner) = line
        .strip_prefix('|')
        .and_then(|rest| rest.strip_suffix('|'))
    else {
        return Vec::new();
    };
    let cells = inner.split('|').map(|cell| cell.trim().replace('`', ""));
    cells.collect()
}

/// The number at the start of a text: `7`, `1,024`, `2^31` or `0x2000`.
pub fn number(text: &str) -> Option<u64> {
    let text = text.trim_start_matches([' ', '`']);
    if let Some(hex) = text.strip_prefix("0x") {
        let end = hex.find(|c: char| !c.is_ascii_hexdigit());
        return u64::from_str_radix(&hex[..end.unwrap_or(hex.len())], 16).ok();
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != ',');
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    let number: u64 = digits.replace(',', "").parse().ok()?;
    match rest.strip_prefix('^') {
        Some(power) => {
            let end = power.find(|c: char| !c.is_ascii_digit());
            let power = power[..end.unwrap_or(power.len())].parse().ok()?;
            number.checked_pow(power)
        }
        None => Some(number),
    }
}

/// The bytes of an even number of hex digits.
pub fn hex(digits: &str) -> Option<Vec<u8>> {
    if digits.is_empty() || digits.len() % 2 == 1 || !digits.is_ascii() {
        return None;
    }
    let pairs = (0..digits.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok())
        .collect()
}

/// The numbers and names that a cell lists after its colon: `mode: 0 pipelined,
/// 1 gate`. What follows a semicolon or a full stop is no part of the list.
pub fn values(cell: &str) -> Vec<(u8, String)> {
    let Some((_, list)) = cell.split_once(": ") else {
        return Vec::new();
    };
    let list = list.split([';', '.']).next().unwrap_or_default();
    let pairs: Option<Vec<_>> = list.split(", ").map(value).collect();
    pairs.unwrap_or_default()
}

/// `0 head`.
pub fn value(pair: &str) -> Option<(u8, String)> {
    let (number, name) = pair.split_once(' ')?;
    Some((number.parse().ok()?, name.to_lowercase()))
}
