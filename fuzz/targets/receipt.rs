//! Gives inputs to [`pow_tests::properties::receipt`].
#![no_main]

pow_fuzz::target!(receipt);
