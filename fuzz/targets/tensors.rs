//! Gives inputs to [`pow_tests::properties::tensors`].
#![no_main]

pow_fuzz::target!(tensors);
