//! A receipt: one small file that shows, without the run, what its first and its last block
//! say, that they are of one chain, and when it was there.
//!
//! A receipt holds proofs and anchors, as the run has them. What it shows depends on the
//! head, so the verifier must know the head's hash from a source that they trust. The blocks
//! in between are not in it: whether they hold the rules, only the run shows.

mod check;
mod format;
mod make;
mod report;

pub use check::{ReceiptOptions, check_receipt};
pub use format::{MAX_RECEIPT, Receipt, ReceiptError, Section, SectionKind};
pub use make::{MadeReceipt, MakeReceiptError, make_receipt};
pub use report::ReceiptReport;
