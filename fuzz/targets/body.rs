//! Gives inputs to [`pow_tests::properties::body`].
#![no_main]

pow_fuzz::target!(body);
