//! Tensor files: the header, the tensors as a stream, and writing them.

pub(crate) mod names;
pub(crate) mod tensor_file;
pub(crate) mod tensor_header;
pub(crate) mod tensor_reader;
pub(crate) mod write;
