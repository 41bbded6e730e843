//! The self-test: a short search with a known result.

use crate::dispatch::{Dispatcher, Sharing};
use crate::kernel::{Failure, Fault, Kernel};
use pow_core::header::{Header, Nonce};
use pow_core::search::{CancelToken, Engine as _, Found, HitLimit, Job, NonceRange, Reference};
use pow_core::target::Target;

/// Why a kernel did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelfTestError {
    /// The device failed.
    Faulty(Fault),
    /// It missed hits, or proposed nonces that are no hits.
    Wrong,
}

impl From<Fault> for SelfTestError {
    fn from(fault: Fault) -> Self {
        SelfTestError::Faulty(fault)
    }
}

/// Compares a search with the reference, and returns the kernel. The range
/// wraps past the last nonce. A cancelled test does not pass.
pub fn run_self_test<K: Kernel>(kernel: K, cancel: &CancelToken) -> Result<K, SelfTestError> {
    let header = Header::from_bytes(&std::array::from_fn(|i| i as u8));
    let mut target = [0xff; 32];
    target[28..].copy_from_slice(&(u32::MAX / 64).to_le_bytes());
    let start = Nonce(u32::MAX - 2000);
    let range = NonceRange::new(start, 5000).map_err(Fault::new)?;
    let job = Job::new(header, Target::from_le_bytes(target), range);

    let expected = Reference
        .search(&job, HitLimit::All, &CancelToken::new())
        .map_err(Fault::new)?;
    let mut found = Found::default();
    let mut dispatcher = Dispatcher::new(kernel, Sharing::WithTraining);
    match dispatcher.search(&job, HitLimit::All, cancel, &mut found) {
        Ok(()) if found.hits == expected.hits && found.scanned == expected.scanned => {
            Ok(dispatcher.into_kernel())
        }
        Err(Failure::Device(fault)) => Err(SelfTestError::Faulty(fault)),
        Ok(()) | Err(Failure::FalseHit(_)) => Err(SelfTestError::Wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Candidates;
    use pow_kernels::SearchParams;
    use std::time::Duration;

    /// A kernel that finds nothing, or fails.
    #[derive(Debug)]
    struct Blind {
        fault: Option<Fault>,
    }

    impl Kernel for Blind {
        fn capacity(&self) -> u32 {
            4096
        }

        fn submit(&mut self, _: &SearchParams) -> Result<(), Fault> {
            self.fault.clone().map_or(Ok(()), Err)
        }

        fn wait(&mut self, _: Duration) -> Result<Option<Candidates>, Fault> {
            Ok(Some(Candidates {
                found: 0,
                nonces: Vec::new(),
            }))
        }
    }

    #[test]
    fn a_kernel_that_finds_too_little_or_fails_does_not_pass() {
        let none = CancelToken::new();
        let wrong = run_self_test(Blind { fault: None }, &none);
        assert_eq!(wrong.err(), Some(SelfTestError::Wrong));
        let fault = Fault::new("gone");
        let faulty = Blind {
            fault: Some(fault.clone()),
        };
        assert_eq!(
            run_self_test(faulty, &none).err(),
            Some(SelfTestError::Faulty(fault))
        );
    }
}
