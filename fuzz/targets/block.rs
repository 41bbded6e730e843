//! Gives inputs to [`pow_tests::properties::block`].
#![no_main]

pow_fuzz::target!(block);
