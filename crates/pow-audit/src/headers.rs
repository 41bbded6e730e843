//! Checks headers on several cores.

use pow_core::chain::headers::{CheckedHeaders, HeaderError, HeaderHasher};
use pow_core::hash::BlockHash;
use pow_core::header::{HEADER_LEN, Header};
use std::num::NonZeroUsize;
use std::thread;

/// Checks the headers that follow and adds them to `checked`. It does the same as
/// [`CheckedHeaders::extend`], but on `threads` threads. Each thread checks one stretch
/// of headers. Then the stretches are joined.
///
/// # Errors
///
/// [`HeaderError`], which names the first header that does not hold. `checked` is then
/// unchanged.
///
/// ```
/// use pow_audit::headers::extend_headers;
/// use pow_core::chain::headers::CheckedHeaders;
/// use pow_core::hash::{BlockHash, PlainSha2};
///
/// let threads = std::thread::available_parallelism()?;
/// let mut checked = CheckedHeaders::after(BlockHash::ZERO);
/// assert!(extend_headers(&mut checked, &[[0; 80]; 9], &PlainSha2, threads).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn extend_headers(
    checked: &mut CheckedHeaders,
    headers: &[[u8; HEADER_LEN]],
    hasher: &(impl HeaderHasher + Sync),
    threads: NonZeroUsize,
) -> Result<(), HeaderError> {
    let len = headers.len().div_ceil(threads.get()).max(1);
    let stretches = || headers.chunks(len);
    let check_alone = |stretch: &[[u8; HEADER_LEN]]| {
        let mut alone = CheckedHeaders::after(parent(stretch));
        alone.extend(stretch, hasher).map(|()| alone).ok()
    };
    let found: Vec<Option<CheckedHeaders>> = thread::scope(|scope| {
        let mut own = None;
        let mut others = Vec::new();
        for (i, stretch) in stretches().enumerate().rev() {
            match i {
                0 => own = Some(check_alone(stretch)),
                _ => others.push(scope.spawn(move || check_alone(stretch))),
            }
        }
        // If a thread panicked, its stretch is checked below.
        let others = others.into_iter().rev();
        let others = others.map(|thread| thread.join().ok().flatten());
        own.into_iter().chain(others).collect()
    });
    let mut next = *checked;
    for (stretch, found) in stretches().zip(found) {
        // The error depends on the header before the stretch, so `extend` finds it again.
        match found {
            Some(found) if next.join(&found).is_ok() => {}
            _ => next.extend(stretch, hasher)?,
        }
    }
    *checked = next;
    Ok(())
}

/// The parent that the first header of a stretch names.
fn parent(stretch: &[[u8; HEADER_LEN]]) -> BlockHash {
    stretch
        .first()
        .map_or(BlockHash::ZERO, |first| Header::from_bytes(first).prev)
}
