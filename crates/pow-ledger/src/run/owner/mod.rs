//! Which process writes to a run.
//!
//! Two things keep a second writer out: the lock on the file `lock`, and the file `owner`,
//! which is made only where there is none and has a token that nobody else knows. While its
//! process lives, it changes a number in that file every few seconds: its sign of life.
//!
//! - **The lock is held by another process**: nothing more is asked, the run is in use.
//! - **This process got the lock, and the owner's file is from this machine**: its process
//!   was killed. It is replaced at once.
//! - **There are no locks, or the file is from another machine**, whose locks this one may not
//!   see: the file is watched. If it changes, its process lives, and the run is in use. If it
//!   does not, it is replaced.
//!
//! Whoever replaces a file that was only watched cannot be sure: its process may have been
//! suspended, or cut off from the file system. So the chain file is then copied and the copy
//! takes its place ([`claim::renew`]): bytes that the former process still writes go into a
//! file that has no name any more. And a writer looks before each write and after it whether
//! the token is still its own.

pub(crate) mod claim;
pub(crate) mod note;
pub(crate) mod ownership;
