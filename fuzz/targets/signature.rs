//! Gives inputs to [`pow_tests::properties::signature`].
#![no_main]

pow_fuzz::target!(signature);
