//! What a search asks of whatever runs the kernel.

use pow_core::header::Nonce;
use pow_kernels::SearchParams;
use std::fmt;
use std::time::Duration;

/// Dispatches that may be in flight: while the host looks at the results of
/// one, the device works on the next.
pub const DEPTH: usize = 2;

/// Runs the search kernel, one dispatch after another.
pub trait Kernel {
    /// How many candidates one dispatch can list.
    fn capacity(&self) -> u32;

    /// Starts a dispatch behind those in flight, of which there are fewer than
    /// [`DEPTH`].
    fn submit(&mut self, params: &SearchParams) -> Result<(), Fault>;

    /// Waits for the oldest dispatch in flight; `None` if it still runs after
    /// `patience`.
    fn wait(&mut self, patience: Duration) -> Result<Option<Candidates>, Fault>;
}

/// What a dispatch found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates {
    /// How many there are.
    pub found: u32,
    /// Those that fit the list, in no order.
    pub nonces: Vec<u32>,
}

/// A device that failed: lost, out of memory, hung, or refusing work. What was
/// in flight is lost, and the device takes no more work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(String);

impl Fault {
    /// A fault, in the driver's words where it has any.
    pub fn new(message: impl fmt::Display) -> Self {
        Fault(message.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a search stopped.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// The device failed; another may go on from where the search stopped.
    Device(Fault),
    /// The device proposed a nonce that does not hold.
    FalseHit(Nonce),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Failure::Device(fault)
    }
}
