//! Gives inputs to [`pow_tests::properties::proof`].
#![no_main]

pow_fuzz::target!(proof);
