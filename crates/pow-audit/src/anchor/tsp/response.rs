//! The answer of a TSA, from which the token is taken.

use super::TokenError;
use super::fields::Fields;
use der::Tag;

/// The token in `bytes`: a `TimeStampResp` (RFC 3161, 2.4.2) that grants one, or a token
/// alone.
pub(super) fn token_of(bytes: &[u8]) -> Result<&[u8], TokenError> {
    let mut answer = Fields::of_sequence(bytes, "the answer of the TSA")?;
    if answer.next_is(Tag::ObjectIdentifier) {
        return Ok(bytes);
    }
    let mut info = answer.sequence("the status of the answer")?;
    let status: u64 = info.decode("the status of the answer")?;
    let mut text = String::new();
    if let Some(lines) = info.take_if(Tag::Sequence, "the words of the status")? {
        let mut lines = Fields::of(lines, "the words of the status")?;
        while !lines.is_at_end() {
            text = lines.decode("the words of the status")?;
        }
    }
    info.take_if(Tag::BitString, "the reason of the status")?;
    info.end()?;
    // 0 is granted, 1 is granted with changes.
    if status > 1 {
        return Err(TokenError::NotGranted { status, text });
    }
    let token = answer.raw("the token in the answer")?;
    answer.end()?;
    Ok(token)
}
