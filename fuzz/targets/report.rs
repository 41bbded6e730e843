//! Gives inputs to [`pow_tests::properties::report`].
#![no_main]

pow_fuzz::target!(report);
