//! Gives inputs to [`pow_tests::properties::envelope`].
#![no_main]

pow_fuzz::target!(envelope);
