//! Gives inputs to [`pow_tests::properties::ots`].
#![no_main]

pow_fuzz::target!(ots);
