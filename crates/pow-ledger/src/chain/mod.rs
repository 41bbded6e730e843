//! The chain file: reading it record by record, and appending to it.

pub(crate) mod disk;
pub(crate) mod end;
pub(crate) mod reader;
pub(crate) mod record;
pub(crate) mod writer;
