//! Takes bytes apart, field by field.

use pow_audit::display::printable;
use pow_audit::hex::to_hex;
use pow_core::codec::{DecodeError, Reader};
use serde::Serialize;

/// A field of some bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its offset in the block or body, in bytes.
    pub offset: usize,
    /// Its name.
    pub name: &'static str,
    /// What it says, for people. Empty if the bytes say it.
    pub value: String,
    /// Its bytes in hex, up to 4,096 of them.
    pub hex: String,
    /// How many bytes it has.
    pub len: usize,
}

/// The most bytes of a field that are shown.
pub const SHOWN: usize = 4096;

/// Bytes that are not what they were when the block was checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LayoutError(#[from] DecodeError);

/// Fields that are read off the front of bytes.
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    reader: Reader<'a>,
    pub(super) found: Vec<Field>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8], skipped: usize) -> Result<Self, LayoutError> {
        let mut reader = Reader::new(bytes);
        reader.take("the fields before", skipped)?;
        Ok(Fields {
            bytes,
            reader,
            found: Vec::new(),
        })
    }

    /// Takes `len` bytes as a field. `value` says what they mean.
    pub(super) fn raw(
        &mut self,
        name: &'static str,
        len: usize,
        value: impl FnOnce(&[u8]) -> String,
    ) -> Result<&'a [u8], LayoutError> {
        let offset = self.reader.offset();
        let bytes = self.reader.take(name, len)?;
        self.push(name, offset, value(bytes));
        Ok(bytes)
    }

    pub(super) fn digest(&mut self, name: &'static str) -> Result<(), LayoutError> {
        self.raw(name, 32, |_| String::new()).map(drop)
    }

    /// A number of `len` bytes. `value` says what it means.
    pub(super) fn number(
        &mut self,
        name: &'static str,
        len: usize,
        value: impl FnOnce(u64) -> String,
    ) -> Result<u64, LayoutError> {
        let bytes = self.raw(name, len, |bytes| value(number(bytes)))?;
        Ok(number(bytes))
    }

    pub(super) fn plain(&mut self, name: &'static str, len: usize) -> Result<u64, LayoutError> {
        self.number(name, len, |number| number.to_string())
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Result<(), LayoutError> {
        self.number(name, 1, |flag| if flag == 0 { "no" } else { "yes" }.into())
            .map(drop)
    }

    /// A number that stands for a name.
    pub(super) fn choice(
        &mut self,
        name: &'static str,
        names: &[&str],
    ) -> Result<u64, LayoutError> {
        self.number(name, 1, |number| {
            let found = usize::try_from(number).ok().and_then(|at| names.get(at));
            found.map_or_else(|| number.to_string(), |name| format!("{number}: {name}"))
        })
    }

    /// A text or bytes behind their length.
    pub(super) fn sized(
        &mut self,
        name: &'static str,
        value: impl FnOnce(&[u8]) -> String,
    ) -> Result<(), LayoutError> {
        let offset = self.reader.offset();
        let bytes = self.reader.bytes(name, self.bytes.len())?;
        self.push(name, offset, value(bytes));
        Ok(())
    }

    pub(super) fn text(&mut self, name: &'static str) -> Result<(), LayoutError> {
        self.sized(name, text)
    }

    /// A presence byte, and behind it what `read` takes.
    pub(super) fn option(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self) -> Result<(), LayoutError>,
    ) -> Result<(), LayoutError> {
        let offset = self.reader.offset();
        if !self.reader.flag(name)? {
            self.push(name, offset, "absent".into());
            return Ok(());
        }
        let before = self.found.len();
        read(self)?;
        // The presence byte belongs to the field that follows it.
        if let Some(first) = self.found.get_mut(before) {
            first.offset = offset;
            first.len += 1;
            first.hex.insert_str(0, "01");
        }
        Ok(())
    }

    fn push(&mut self, name: &'static str, offset: usize, value: String) {
        let bytes = &self.bytes[offset..self.reader.offset()];
        self.found.push(Field {
            offset,
            name,
            value,
            hex: to_hex(&bytes[..bytes.len().min(SHOWN)]),
            len: bytes.len(),
        });
    }
}

fn number(bytes: &[u8]) -> u64 {
    let little = bytes.iter().rev();
    little.fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A text in quotes, with everything escaped that hides or deceives.
pub(super) fn text(bytes: &[u8]) -> String {
    format!("“{}”", printable(&String::from_utf8_lossy(bytes)))
}

/// The bits of a float.
pub(super) fn float(bits: u64) -> String {
    f64::from_bits(bits).to_string()
}

impl From<LayoutError> for DecodeError {
    fn from(error: LayoutError) -> Self {
        error.0
    }
}
