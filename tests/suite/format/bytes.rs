//! Bytes with a label for each field, and their hex dump.

use pow_tests::oracle::hex;

/// Fields in order.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, Vec<u8>)>);

/// Bytes in a line of a dump.
pub const LINE: usize = 32;

impl Fields {
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a field.
    pub fn field(&mut self, label: &str, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.0.push((label.into(), bytes.as_ref().to_vec()));
        self
    }

    /// Appends a text: its length and its bytes.
    pub fn text(&mut self, label: &str, text: &str) -> &mut Self {
        let len = (text.len() as u32).to_le_bytes();
        self.field(&format!("{label}: length"), len)
            .field(&format!("  {text:?}"), text)
    }

    /// Appends the fields of `other`.
    pub fn append(&mut self, other: Fields) -> &mut Self {
        self.0.extend(other.0);
        self
    }

    /// All bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|field| field.1.clone()).collect()
    }

    /// A code block: offset, label, bytes. A field without bytes is a heading.
    pub fn dump(&self) -> String {
        let mut out = String::from("```text\n");
        let mut offset = 0;
        for (label, bytes) in &self.0 {
            if bytes.is_empty() {
                out.push_str(&format!("\n{label}\n"));
            }
            for (i, line) in bytes.chunks(LINE).enumerate() {
                let label = if i == 0 { label } else { "" };
                out.push_str(&format!("{offset:04x}  {label:<28}  {}", hex(line)));
                out.push('\n');
                offset += line.len();
            }
        }
        out.push_str("```\n");
        // A heading at the very start needs no empty line above it.
        out.replace("```text\n\n", "```text\n")
    }
}
