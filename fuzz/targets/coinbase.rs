//! Feeds [`pow_tests::properties::coinbase`].
#![no_main]

pow_fuzz::target!(coinbase);
