use super::*;

fn check(header: &str) -> String {
    read_header::<DType>(header.as_bytes(), Some(4))
        .map_or_else(|error| error.to_string(), |_| "good".into())
}

fn tensor(name: &str, info: &str) -> String {
    format!(r#""{name}":{info}"#)
}

const GOOD: &str = r#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
const EMPTY: &str = r#"{"dtype":"F32","shape":[0],"data_offsets":[0,0]}"#;

#[test]
fn equal_names_are_refused_in_any_spelling() {
    let header = |names: [&str; 2]| {
        let tensors = [tensor(names[0], GOOD), tensor(names[1], EMPTY)];
        check(&format!("{{{}}}", tensors.join(",")))
    };
    assert_eq!(header(["a", "b"]), "good");
    assert!(header(["a", "\\u0061"]).starts_with("two values have the name \"a\""));
    let metadata = tensor("__metadata__", r#"{"a":"","b":"","\u0061":""}"#);
    let words = check(&format!("{{{metadata},{}}}", tensor("w", GOOD)));
    assert!(
        words.starts_with("two values have the name \"a\""),
        "{words}"
    );
    let metadata = tensor("__metadata__", "null");
    let words = check(&format!("{{{metadata},{metadata},{}}}", tensor("w", GOOD)));
    assert!(
        words.starts_with("two values have the name \"__metadata__\""),
        "{words}"
    );
}

#[test]
fn a_tensor_is_an_object_of_three_known_fields() {
    let header = |info: &str| check(&format!("{{{}}}", tensor("a", info)));
    assert_eq!(header(GOOD), "good");
    assert!(header(r#"["F32",[1],[0,4]]"#).starts_with("invalid type: sequence"));
    let extra = GOOD.replace('}', r#","device":"cpu"}"#);
    assert!(header(&extra).starts_with("unknown field `device`"));
    let past = GOOD.replace("[0,4]", "[0,5]");
    assert!(header(&past).starts_with("a tensor ends at byte 5, but there are 4 bytes"));
    for field in [r#""dtype":"F32","#, r#""shape":[1],"#] {
        assert!(
            header(&GOOD.replace(field, "")).starts_with("missing field"),
            "{field}"
        );
        let again = GOOD.replace(field, &field.repeat(2));
        assert!(
            header(&again).starts_with("tensor a: a field is given twice"),
            "{field}"
        );
    }
    let foreign = GOOD.replace("F32", "F8_E4M3");
    assert!(header(&foreign).contains("element type \"F8_E4M3\" has no commitment"));
}

#[test]
fn the_data_are_the_tensors_and_nothing_else() {
    let header = |[begin, end]: [u64; 2], dims: &str| {
        check(&format!(
            r#"{{"a":{{"dtype":"U8","shape":{dims},"data_offsets":[{begin},{end}]}}}}"#
        ))
    };
    assert_eq!(header([0, 4], "[2,2]"), "good");
    for (range, dims, words) in [
        ([0, 4], "[5]", "need 5 bytes"),
        ([4, 0], "[4]", "bytes 4 to 0"),
        ([1, 4], "[3]", "begins at byte 1"),
        ([0, 3], "[3]", "end at byte 3"),
        ([0, 0], "[4294967296,4294967296,0]", "need 2^64 or more"),
    ] {
        let found = header(range, dims);
        assert!(found.contains(words), "{found}");
    }
}

#[test]
fn a_header_is_one_object() {
    for header in ["[]", "{}{}", "", "null"] {
        assert_ne!(check(header), "good", "{header}");
    }
}

#[test]
fn a_value_of_another_type_is_told_what_it_should_be() {
    let cases = [
        ("[]", "expected an object of tensors"),
        (r#"{"__metadata__":[]}"#, "expected an object of texts"),
        (
            r#"{"a":[]}"#,
            "expected an object with dtype, shape and data_offsets",
        ),
    ];
    let tensors = [
        ("\"F32\"", "1", "expected the name of an element type"),
        ("\"F32\"", "{}", "an element type without a name"),
        (
            "\"F32\"",
            r#"{"F32":null,"F64":null}"#,
            "an element type with two names",
        ),
        ("[1]", "1", "expected an array of dims"),
    ];
    let tensors = tensors.map(|(good, bad, words)| {
        let info = GOOD.replace(good, bad);
        (format!("{{{}}}", tensor("a", &info)), words)
    });
    let cases = cases.map(|(header, words)| (header.to_owned(), words));
    for (header, words) in cases.into_iter().chain(tensors) {
        let found = check(&header);
        assert!(found.contains(words), "{found}");
    }
}

#[test]
fn metadata_are_texts_of_different_names_or_nothing() {
    let header = |metadata: &str| {
        let tensor = tensor("w", GOOD);
        check(&format!(r#"{{"__metadata__":{metadata},{tensor}}}"#))
    };
    for good in ["null", "{}", r#"{"format":"pt"}"#] {
        assert_eq!(header(good), "good");
    }
    for bad in ["[]", r#"{"a":1}"#, r#"{"a":"1","a":"1"}"#] {
        assert_ne!(header(bad), "good");
    }
}
