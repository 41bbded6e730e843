//! Gives inputs to [`pow_tests::properties::header`].
#![no_main]

pow_fuzz::target!(header);
