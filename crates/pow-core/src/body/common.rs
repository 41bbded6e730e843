//! What every body carries, and the limits of the format.

use crate::coinbase::Height;
use crate::hash::TreeRoot;

/// Version of the body format, which is frozen.
pub const FORMAT_VERSION: u16 = 1;

/// The most entries a body may hold.
pub const MAX_ENTRIES: u32 = 65_536;

/// The longest body, in bytes.
pub const MAX_BODY_LEN: usize = 16 << 20;

/// Milliseconds since the Unix epoch, as the recorder's clock told them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixMillis(pub u64);

/// What every body carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Common {
    /// Height of the block, also in its coinbase.
    pub height: Height,
    /// When this body was frozen and mining began.
    pub start: UnixMillis,
    /// When the parent block was found; in genesis, equal to `start`.
    pub parent_found: UnixMillis,
    /// Root of the tree over all previous block hashes, in order.
    pub previous_blocks: TreeRoot,
}
