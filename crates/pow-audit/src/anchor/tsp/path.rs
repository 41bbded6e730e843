//! The way from a TSA's certificate to one that the verifier trusts.

use super::TokenError;
use super::certificate::{Certificate, MAX_CERTIFICATES, TrustedCertificates};

/// The most signatures over certificates that are checked for one token.
const MAX_SIGNATURES: usize = 32;

/// Finds a trusted certificate from `leaf` on, by way of `others`. Each certificate must
/// have been valid at `at`, in seconds since 1970.
///
/// # Errors
///
/// [`TokenError::Untrusted`] if no trusted one is reached, or what is wrong with the first
/// way that would have reached one.
pub(super) fn trusted_of<'c>(
    leaf: &'c Certificate,
    others: &'c [Certificate],
    trusted: &'c TrustedCertificates,
    at: i64,
) -> Result<&'c Certificate, TokenError> {
    leaf.check_at(at)?;
    if trusted.is_empty() {
        return Err(TokenError::NothingTrusted(leaf.subject()));
    }
    let mut search = Search {
        others,
        trusted,
        at,
        path: vec![leaf],
        signatures: 0,
        fault: None,
        top: leaf.issuer(),
    };
    match search.next_trusted()? {
        Some(found) => Ok(found),
        None => Err(search.fault.unwrap_or(TokenError::Untrusted {
            subject: leaf.subject(),
            top: search.top,
        })),
    }
}

struct Search<'c> {
    others: &'c [Certificate],
    trusted: &'c TrustedCertificates,
    at: i64,
    /// From the TSA's certificate on.
    path: Vec<&'c Certificate>,
    signatures: usize,
    /// What is wrong with a trusted issuer.
    fault: Option<TokenError>,
    /// The issuer at which the longest way ended.
    top: String,
}

impl<'c> Search<'c> {
    fn next_trusted(&mut self) -> Result<Option<&'c Certificate>, TokenError> {
        let Some(last) = self.path.last().copied() else {
            return Ok(None);
        };
        if self.trusted.has(last) {
            return Ok(Some(last));
        }
        if self.path.len() >= MAX_CERTIFICATES {
            return Err(TokenError::LongPath);
        }
        self.top = last.issuer();
        let trusted = self.trusted;
        let others = self.others;
        for issuer in trusted.all().chain(others) {
            let is_on_path = self.path.iter().any(|on| on.bytes == issuer.bytes);
            if is_on_path || !last.names_as_issuer(issuer)? {
                continue;
            }
            if self.signatures == MAX_SIGNATURES {
                return Err(TokenError::LongPath);
            }
            self.signatures += 1;
            let fits = issuer
                .check_at(self.at)
                .and_then(|()| issuer.check_authority(self.path.len() - 1))
                .and_then(|()| last.check_signed_by(issuer));
            match fits {
                Ok(()) => {
                    self.path.push(issuer);
                    if let Some(found) = self.next_trusted()? {
                        return Ok(Some(found));
                    }
                    self.path.pop();
                }
                // A root's own name leads to a root of another key as well, such as a newer
                // one. That it did not sign this one says nothing.
                Err(_) if last.issuer() == last.subject() => {}
                Err(error) => {
                    self.fault.get_or_insert(error);
                }
            }
        }
        Ok(None)
    }
}
