//! Gives inputs to [`pow_tests::properties::tsr`].
#![no_main]

pow_fuzz::target!(tsr);
