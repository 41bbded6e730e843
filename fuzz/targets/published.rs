//! Gives inputs to [`pow_tests::properties::published`].
#![no_main]

pow_fuzz::target!(published);
