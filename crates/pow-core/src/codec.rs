//! Reads and writes flat little-endian values. Errors name the byte.

use alloc::string::String;
use alloc::vec::Vec;
use core::num::NonZeroU32;

/// Why bytes could not be read, and at which byte.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {kind}")]
pub struct DecodeError {
    /// Offset from the start of the bytes being read.
    pub offset: usize,
    /// What is wrong there.
    pub kind: DecodeErrorKind,
}

/// What is wrong with the bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The bytes end too early.
    #[error("{field} needs {needed} bytes, {found} are left")]
    Truncated {
        /// Field being read.
        field: &'static str,
        /// Bytes the field needs.
        needed: usize,
        /// Bytes that are left.
        found: usize,
    },
    /// Bytes follow the end of the value.
    #[error("{0} bytes follow the end")]
    Trailing(usize),
    /// A field has a value that is not allowed.
    #[error("{field} is {found}, expected {expected}")]
    Value {
        /// Field being read.
        field: &'static str,
        /// Value found.
        found: u64,
        /// Values allowed, in words.
        expected: &'static str,
    },
    /// A text is not UTF-8.
    #[error("{0} is not UTF-8")]
    Utf8(&'static str),
    /// Bytes differ from the fixed bytes of the format.
    #[error("{0} differs from what the format fixes")]
    Fixed(&'static str),
}

/// Reads values from the front of a byte string.
///
/// ```
/// use pow_core::codec::{Reader, Writer};
/// let mut writer = Writer::new();
/// writer.u16(1).bytes(b"run");
/// let bytes = writer.finish();
///
/// let mut reader = Reader::new(&bytes);
/// assert_eq!(reader.u16("version")?, 1);
/// assert_eq!(reader.text("name", 100)?, "run");
/// reader.finish()?;
/// # Ok::<(), pow_core::codec::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, offset: 0 }
    }

    /// Offset of the next byte.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The number of bytes left.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.offset
    }

    /// An error of `kind` at the next byte.
    pub fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError {
            offset: self.offset,
            kind,
        }
    }

    /// The next `len` bytes, without copying.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Truncated`] if fewer are left.
    pub fn take(&mut self, field: &'static str, len: usize) -> Result<&'a [u8], DecodeError> {
        let found = self.remaining();
        if len > found {
            return Err(self.error(DecodeErrorKind::Truncated {
                field,
                needed: len,
                found,
            }));
        }
        let out = &self.bytes[self.offset..self.offset + len];
        self.offset += len;
        Ok(out)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Truncated`] if fewer are left.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(field, N)?);
        Ok(out)
    }

    /// One byte.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Truncated`] if none is left.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        Ok(self.array::<1>(field)?[0])
    }

    /// A `u16`, little-endian.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Truncated`] if too few bytes are left.
    pub fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        Ok(u16::from_le_bytes(self.array(field)?))
    }

    /// A `u32`, little-endian.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Truncated`] if too few bytes are left.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        Ok(u32::from_le_bytes(self.array(field)?))
    }

    /// Reads a `u32` that is not zero.
    pub(crate) fn nonzero_u32(&mut self, field: &'static str) -> Result<NonZeroU32, DecodeError> {
        let at = self.clone();
        NonZeroU32::new(self.u32(field)?).ok_or_else(|| {
            at.error(DecodeErrorKind::Value {
                field,
                found: 0,
                expected: "at least 1",
            })
        })
    }

    /// A `u64`, little-endian.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Truncated`] if too few bytes are left.
    pub fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(self.array(field)?))
    }

    /// A flag byte: 0 or 1.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Value`] for any other byte.
    pub fn flag(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        let at = self.clone();
        match self.u8(field)? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(at.error(DecodeErrorKind::Value {
                field,
                found: found.into(),
                expected: "0 or 1",
            })),
        }
    }

    /// A presence byte, then the value if the byte is 1.
    ///
    /// # Errors
    ///
    /// As [`flag`](Self::flag), and whatever `read` returns.
    pub fn option<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        Ok(if self.flag(field)? {
            Some(read(self)?)
        } else {
            None
        })
    }

    /// A `u32` length of at most `max` bytes, then the bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Value`] for a larger length,
    /// [`DecodeErrorKind::Truncated`] if fewer bytes are left.
    pub fn bytes(&mut self, field: &'static str, max: usize) -> Result<&'a [u8], DecodeError> {
        let at = self.clone();
        let len = self.u32(field)?;
        match usize::try_from(len) {
            Ok(len) if len <= max => self.take(field, len),
            _ => Err(at.error(DecodeErrorKind::Value {
                field,
                found: len.into(),
                expected: "a length within the field's limit",
            })),
        }
    }

    /// A `u32` length of at most `max` bytes, then UTF-8 text.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes), and [`DecodeErrorKind::Utf8`].
    pub fn text(&mut self, field: &'static str, max: usize) -> Result<String, DecodeError> {
        let at = self.clone();
        let bytes = self.bytes(field, max)?;
        core::str::from_utf8(bytes)
            .map(String::from)
            .map_err(|_| at.error(DecodeErrorKind::Utf8(field)))
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// [`DecodeErrorKind::Trailing`] if bytes are left.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(self.error(DecodeErrorKind::Trailing(left))),
        }
    }
}

/// Appends values to a byte string. The counterpart of [`Reader`].
#[derive(Clone, Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// An empty writer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends raw bytes.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Appends one byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    /// Appends a `u16`, little-endian.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// Appends a `u32`, little-endian.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// Appends a `u64`, little-endian.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// Appends a presence byte, and the value if there is one.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) -> &mut Self {
        self.u8(value.is_some().into());
        if let Some(value) = value {
            write(self, value);
        }
        self
    }

    /// Appends a `u32` length and the bytes.
    ///
    /// # Panics
    ///
    /// If `bytes` is 4 GiB or longer. The format's limits are far below that,
    /// and constructors check these limits first.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        assert!(u32::try_from(bytes.len()).is_ok(), "field over 4 GiB");
        self.u32(bytes.len() as u32).raw(bytes)
    }

    /// The bytes written.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}
