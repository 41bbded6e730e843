//! The fields that all bodies have, and the limits of the format.

use crate::coinbase::Height;
use crate::hash::TreeRoot;

/// Version of the body format. The format is frozen.
pub const FORMAT_VERSION: u16 = 1;

/// The most entries that a body may have.
pub const MAX_ENTRIES: u32 = 65_536;

/// The longest body, in bytes.
pub const MAX_BODY_LEN: usize = 16 << 20;

/// Milliseconds since the Unix epoch, by the recorder's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixMillis(pub u64);

/// The fields that all bodies have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Common {
    /// Height of the block. The coinbase contains it too.
    pub height: Height,
    /// When this body was complete and mining started.
    pub start: UnixMillis,
    /// When the parent block was found. In genesis it is equal to `start`.
    pub parent_found: UnixMillis,
    /// Root of the tree over all previous block hashes, in order.
    pub previous_blocks: TreeRoot,
}
