//! Reading the fields of a DER value one after another. Sets are read in the order in which
//! they stand, because TSAs do not sort the certificates of a token.

use super::TokenError;
use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader, Tag, TagNumber};

/// The fields of a value, in the order in which they are read.
pub(super) struct Fields<'a> {
    reader: SliceReader<'a>,
    /// The value, in words.
    what: &'static str,
}

/// `[number]` around or in place of a value.
pub(super) const fn tagged(number: u32) -> Tag {
    Tag::ContextSpecific {
        constructed: true,
        number: TagNumber(number),
    }
}

pub(super) fn malformed(what: &'static str) -> impl Fn(der::Error) -> TokenError {
    move |error| TokenError::Der {
        what,
        reason: error.to_string(),
    }
}

impl<'a> Fields<'a> {
    /// The values that follow each other in `bytes`.
    pub(super) fn of(bytes: &'a [u8], what: &'static str) -> Result<Self, TokenError> {
        let reader = SliceReader::new(bytes).map_err(malformed(what))?;
        Ok(Fields { reader, what })
    }

    /// The fields of the one `SEQUENCE` that is `bytes`.
    pub(super) fn of_sequence(bytes: &'a [u8], what: &'static str) -> Result<Self, TokenError> {
        let mut outer = Fields::of(bytes, what)?;
        let inner = outer.sequence(what)?;
        outer.end()?;
        Ok(inner)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.reader.is_finished()
    }

    /// The next value, with its tag and length.
    pub(super) fn raw(&mut self, what: &'static str) -> Result<&'a [u8], TokenError> {
        self.reader.tlv_bytes().map_err(malformed(what))
    }

    pub(super) fn decode<T>(&mut self, what: &'static str) -> Result<T, TokenError>
    where
        T: Decode<'a, Error = der::Error>,
    {
        T::decode(&mut self.reader).map_err(malformed(what))
    }

    /// The next value's content, which must have this tag.
    pub(super) fn take(&mut self, tag: Tag, what: &'static str) -> Result<&'a [u8], TokenError> {
        let any: AnyRef<'a> = self.decode(what)?;
        match der::Tagged::tag(&any) {
            found if found == tag => Ok(any.value()),
            found => Err(TokenError::Der {
                what,
                reason: format!("found {found}, expected {tag}"),
            }),
        }
    }

    /// The same, or nothing if the next value has another tag.
    pub(super) fn take_if(
        &mut self,
        tag: Tag,
        what: &'static str,
    ) -> Result<Option<&'a [u8]>, TokenError> {
        match self.next_is(tag) {
            true => self.take(tag, what).map(Some),
            false => Ok(None),
        }
    }

    pub(super) fn next_is(&self, tag: Tag) -> bool {
        Tag::peek(&self.reader).is_ok_and(|found| found == tag)
    }

    pub(super) fn sequence(&mut self, what: &'static str) -> Result<Fields<'a>, TokenError> {
        Fields::of(self.take(Tag::Sequence, what)?, what)
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), TokenError> {
        match usize::try_from(self.reader.remaining_len()) {
            Ok(0) => Ok(()),
            left => Err(TokenError::Trailing(left.unwrap_or(usize::MAX), self.what)),
        }
    }
}
