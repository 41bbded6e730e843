//! Gives inputs to [`pow_tests::properties::steps`].
#![no_main]

pow_fuzz::target!(steps);
