//! A receipt: one small file that shows, without the run, what its first and its last block
//! say, that they are of one chain, and when it was there.
//!
//! A receipt holds proofs, anchors and signatures, as the run has them, and beside them what
//! lies outside of the run: the declaration that was made before it, and replay reports. What it shows depends on the
//! head, so the verifier must know the head's hash from a source that they trust. The blocks
//! in between are not in it: whether they hold the rules, only the run shows.

mod check;
mod format;
mod make;
mod report;
mod signed;

pub use check::{ReceiptOptions, check_receipt};
pub use format::{MAX_RECEIPT, Receipt, ReceiptError, Section, SectionKind};
pub use make::{MadeReceipt, MakeReceiptError, ReceiptExtras, make_receipt, make_receipt_with};
pub use report::ReceiptReport;
pub use signed::{MAX_RECEIPT_REPORT, SignedText};
