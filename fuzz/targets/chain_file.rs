//! Gives inputs to [`pow_tests::properties::chain_file`].
#![no_main]

pow_fuzz::target!(chain_file);
