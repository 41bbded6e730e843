//! Gives inputs to [`pow_tests::properties::compact`].
#![no_main]

pow_fuzz::target!(compact);
