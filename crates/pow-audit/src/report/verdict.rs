//! The result of a check.

use serde::Serialize;

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything was checked, and it holds.
    Holds,
    /// Only part of the level could be checked. That part holds.
    Partly,
    /// It was checked and does not hold.
    Fails,
    /// It was checked in an environment that may give other bits than the one that
    /// recorded the run, and gave other bits. It neither holds nor fails.
    NotComparable,
    /// It was checked and gave other bits, and too little is known to say why. It does
    /// not hold, and accuses nobody.
    Unexplained,
    /// It was not checked. Nothing is claimed.
    NotChecked,
}

impl Verdict {
    /// The verdict as reports print it.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::Partly => "holds in part",
            Verdict::Fails => "FAILS",
            Verdict::NotComparable => "not comparable",
            Verdict::Unexplained => "UNEXPLAINED",
            Verdict::NotChecked => "not checked",
        }
    }
}
