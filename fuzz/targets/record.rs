//! Gives inputs to [`pow_tests::properties::record`].
#![no_main]

pow_fuzz::target!(record);
