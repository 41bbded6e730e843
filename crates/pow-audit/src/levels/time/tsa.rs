//! What a timestamp of a TSA says about time.

use super::Found;
use crate::anchor::tsp::{TimestampToken, TokenError, TrustedCertificates};
use crate::display::utc_seconds as date;
use crate::report::time::AnchorState;

/// What a token says, by the certificates that the verifier trusts.
pub(super) fn judge_token(token: &TimestampToken, trusted: &TrustedCertificates) -> Found {
    let checked = match token.check(trusted) {
        Ok(checked) => checked,
        Err(error) => {
            let (state, word) = state_of(&error);
            return Found {
                state,
                time: None,
                words: format!("{word}: {error}"),
                tsa: None,
            };
        }
    };
    let accuracy = match token.accuracy {
        Some(accuracy) => format!("accuracy {} s", accuracy.as_secs_f64()),
        None => "no accuracy stated".into(),
    };
    Found {
        state: AnchorState::Counts,
        time: Some(checked.not_after),
        words: format!(
            "not after {}: the TSA {}, by the certificate of {} that you trust; policy {}, {accuracy}, serial number {}",
            date(checked.not_after),
            checked.tsa,
            checked.trusted,
            token.policy,
            token.serial
        ),
        tsa: Some(checked.tsa),
    }
}

/// The state of a token that does not count, and its word in the report.
pub(super) fn state_of(error: &TokenError) -> (AnchorState, &'static str) {
    match error {
        error if error.is_missing_trust() => (AnchorState::Untrusted, "not checked"),
        error if error.is_weak() => (AnchorState::Weak, "TOO WEAK"),
        error if error.is_unfit_certificate() => {
            (AnchorState::UnfitCertificate, "UNFIT CERTIFICATE")
        }
        error if error.is_malformed() => (AnchorState::Malformed, "MALFORMED"),
        _ => (AnchorState::Forged, "FORGED"),
    }
}
