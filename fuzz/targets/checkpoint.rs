//! Gives inputs to [`pow_tests::properties::checkpoint`].
#![no_main]

pow_fuzz::target!(checkpoint);
