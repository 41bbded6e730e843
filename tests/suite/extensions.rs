//! The data of genesis' extensions: one byte string for each value.

use pow_core::extension::{ExtensionKind, Known};
use pow_tests::extensions::one_of_each;

tests! { each_type_reads_what_it_wrote, a_byte_less_or_more_is_refused }

fn each_type_reads_what_it_wrote() {
    for known in one_of_each() {
        let kind = known.kind();
        let extension = known.to_extension();
        assert_eq!(ExtensionKind::of(extension.kind), Some(kind));
        assert_eq!(Known::read(kind, &extension.data), Ok(known));
    }
}

fn a_byte_less_or_more_is_refused() {
    for known in one_of_each() {
        let data = known.to_extension().data;
        for len in 0..data.len() {
            assert!(Known::read(known.kind(), &data[..len]).is_err(), "{len}");
        }
        let longer = [&data[..], &[0]].concat();
        assert!(Known::read(known.kind(), &longer).is_err(), "{known:?}");
    }
}
