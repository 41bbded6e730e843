//! The interface between a search and the device that runs the kernel.

use pow_core::header::Nonce;
use pow_kernels::SearchParams;
use std::fmt;
use std::time::Duration;

/// The most dispatches in flight. While the host reads the results of one, the
/// device works on the next.
pub const DEPTH: usize = 2;

/// Runs the search kernel, one dispatch after another.
pub trait Kernel {
    /// How many candidates one dispatch can list.
    fn capacity(&self) -> u32;

    /// Starts a dispatch, after those in flight. There must be fewer than
    /// [`DEPTH`] of them.
    fn submit(&mut self, params: &SearchParams) -> Result<(), Fault>;

    /// Waits for the oldest dispatch in flight. `None` if it is still running
    /// after `timeout`.
    fn wait(&mut self, timeout: Duration) -> Result<Option<Candidates>, Fault>;
}

/// What a dispatch found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates {
    /// The number of candidates found.
    pub found: u32,
    /// The candidates that fit into the list, in no order.
    pub nonces: Vec<u32>,
}

/// The error of a device that is lost, out of memory, hung, or refuses work.
/// Its dispatches in flight are lost, and it takes no more work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(String);

impl Fault {
    /// A fault with this message: the driver's, if it gave one.
    pub fn new(message: impl fmt::Display) -> Self {
        Fault(message.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a search failed.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// The device failed. Another device may continue the search.
    Device(Fault),
    /// The device proposed a nonce that it should not have proposed.
    FalseHit(Nonce),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Failure::Device(fault)
    }
}
