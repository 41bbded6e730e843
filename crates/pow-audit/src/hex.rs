//! Bytes as hex digits.

/// The lower-case hex digits of bytes, two a byte.
///
/// ```
/// use pow_audit::hex::to_hex;
/// assert_eq!(to_hex(&[0x00, 0xaf]), "00af");
/// ```
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads hex digits of either case, two a byte.
///
/// ```
/// use pow_audit::hex::{FromHexError, from_hex};
/// assert_eq!(from_hex("00aF"), Ok(vec![0x00, 0xaf]));
/// assert_eq!(from_hex("0"), Err(FromHexError::OddLength));
/// assert_eq!(from_hex("0x"), Err(FromHexError::NotHex));
/// ```
///
/// # Errors
///
/// [`FromHexError`] if the text is anything else.
pub fn from_hex(text: &str) -> Result<Vec<u8>, FromHexError> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return Err(FromHexError::OddLength);
    };
    let digit = |c: u8| (c as char).to_digit(16).ok_or(FromHexError::NotHex);
    pairs
        .iter()
        .map(|[high, low]| Ok((digit(*high)? << 4 | digit(*low)?) as u8))
        .collect()
}

/// Why a text does not stand for bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FromHexError {
    /// A byte needs two digits.
    #[error("an odd number of hex digits")]
    OddLength,
    /// Something is not a digit from 0 to f.
    #[error("not hex digits")]
    NotHex,
}
