//! Takes bytes apart as a table of encodings says.

use super::page::{Rows, number, values};

/// The fields of some bytes, in order: the table's words and the bytes.
#[derive(Default)]
pub struct Layout(Vec<(String, Vec<u8>)>);

impl Layout {
    /// Takes the fields of a table off the front of `bytes`.
    pub fn take(&mut self, rows: &Rows, bytes: &mut &[u8]) {
        for row in rows {
            let [encoding, field] = &row[..] else {
                panic!("expected two cells, found {row:?}");
            };
            if !self.is_there(field) {
                continue;
            }
            let len = len(encoding, bytes);
            assert!(len <= bytes.len(), "{field}: the bytes end too early");
            let (found, rest) = bytes.split_at(len);
            self.0.push((field.clone(), found.to_vec()));
            *bytes = rest;
        }
    }

    /// Whether the condition of a field holds, such as `only if seeded or
    /// bound: …`, given the fields before.
    fn is_there(&self, field: &str) -> bool {
        let condition = field
            .strip_prefix("only if ")
            .or_else(|| field.strip_prefix("only under "));
        let Some((names, _)) = condition.and_then(|rest| rest.split_once(':')) else {
            return true;
        };
        let chosen: Vec<String> = self.0.iter().filter_map(chosen).collect();
        names
            .split(" or ")
            .any(|name| chosen.contains(&name.to_lowercase()))
    }

    /// The bytes of the field whose words begin so.
    pub fn field(&self, start: &str) -> &[u8] {
        let mut fields = self.0.iter().filter(|(field, _)| field.starts_with(start));
        let (_, bytes) = fields
            .next()
            .unwrap_or_else(|| panic!("no field begins with {start:?}"));
        assert!(fields.next().is_none(), "two fields begin with {start:?}");
        bytes
    }

    /// How many fields there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// The name of a field's value, where the table lists them.
fn chosen((field, bytes): &(String, Vec<u8>)) -> Option<String> {
    let [found] = bytes[..] else {
        return None;
    };
    let values = values(field);
    let value = values.into_iter().find(|(number, _)| *number == found);
    value.map(|(_, name)| name)
}

/// How many bytes a value of this encoding takes at the front of `bytes`.
fn len(encoding: &str, bytes: &[u8]) -> usize {
    if let Some((encoding, times)) = encoding.split_once(" × ") {
        // Of one length each.
        return times.parse::<usize>().unwrap() * len(encoding, bytes);
    }
    if let Some(inner) = encoding.strip_prefix("option ") {
        return match bytes[0] {
            0 => 1,
            1 => 1 + len(inner, &bytes[1..]),
            found => panic!("{encoding}: the first byte is {found}"),
        };
    }
    if let Some(max) = encoding
        .strip_prefix("text(")
        .or_else(|| encoding.strip_prefix("bytes("))
    {
        let (len, _) = bytes.split_first_chunk().unwrap();
        let len = u32::from_le_bytes(*len);
        assert!(u64::from(len) <= number(max).unwrap(), "{encoding}: {len}");
        return 4 + len as usize;
    }
    match encoding {
        "u8" | "flag" => 1,
        "u16" => 2,
        "u32" => 4,
        "u64" | "f64" => 8,
        "32 bytes" => 32,
        other => panic!("the tables have no encoding {other:?}"),
    }
}
