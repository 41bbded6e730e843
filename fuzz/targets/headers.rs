//! Gives inputs to [`pow_tests::properties::headers`].
#![no_main]

pow_fuzz::target!(headers);
