//! Stopping a search.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

/// A flag that tells a running search to stop. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    is_set: AtomicBool,
    parent: Option<CancelToken>,
}

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// A token for one part of the work. Cancelling this token cancels the
    /// child too. Cancelling the child does not cancel this token.
    ///
    /// ```
    /// use pow_core::search::CancelToken;
    /// let whole = CancelToken::new();
    /// let (one, other) = (whole.child(), whole.child());
    /// one.cancel();
    /// assert!(one.is_cancelled() && !other.is_cancelled() && !whole.is_cancelled());
    /// whole.cancel();
    /// assert!(other.is_cancelled());
    /// ```
    pub fn child(&self) -> CancelToken {
        CancelToken(Arc::new(Flag {
            is_set: AtomicBool::new(false),
            parent: Some(self.clone()),
        }))
    }

    /// Asks every search with this token, or with a [`child`](Self::child) of
    /// it, to stop soon.
    pub fn cancel(&self) {
        self.0.is_set.store(true, Ordering::Relaxed);
    }

    /// Whether [`cancel`](Self::cancel) was called on this token or on one of
    /// its parents.
    pub fn is_cancelled(&self) -> bool {
        let mut token = Some(self);
        while let Some(CancelToken(flag)) = token {
            if flag.is_set.load(Ordering::Relaxed) {
                return true;
            }
            token = flag.parent.as_ref();
        }
        false
    }
}
