use super::*;
use pow_core::hash::PlainSha2;
use pow_core::tensor::tensor_leaf;

fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let len = (header.len() as u64).to_le_bytes();
    [&len[..], header.as_bytes(), data].concat()
}

fn read(bytes: &[u8]) -> Result<TensorReader<&[u8]>, LedgerError> {
    TensorReader::new(bytes, bytes.len() as u64, Path::new("m"))
}

/// A tensor of several pieces, one of none, and one of a few bytes.
fn three() -> (Vec<u8>, ParameterRoot) {
    let len = 2 * PIECE + 5;
    let data: Vec<u8> = (0..len as u32 + 3).map(|i| (i % 251) as u8).collect();
    let header = format!(
        r#"{{"big":{{"dtype":"U8","shape":[{len}],"data_offsets":[0,{len}]}},
            "none":{{"dtype":"F32","shape":[0],"data_offsets":[{len},{len}]}},
            "small":{{"dtype":"U8","shape":[3],"data_offsets":[{len},{}]}}}}"#,
        len + 3
    );
    let mut set = TensorSet::new();
    let bytes = file(&header, &data);
    for tensor in read(&bytes).unwrap().tensors() {
        let (begin, len) = (tensor.offset() as usize, tensor.byte_len() as usize);
        let leaf = tensor_leaf(&tensor.info(), &data[begin..begin + len]).unwrap();
        set.insert_leaf(tensor.info().path, leaf).unwrap();
    }
    (bytes, set.root())
}

#[test]
fn a_stream_gives_the_root_of_the_whole_tensors() {
    let (bytes, root) = three();
    assert_eq!(read(&bytes).unwrap().root_with(&PlainSha2).unwrap(), root);
}

#[test]
fn bytes_that_are_left_are_skipped() {
    let (bytes, _) = three();
    let mut seen = Vec::new();
    read(&bytes)
        .unwrap()
        .stream::<LedgerError>(|tensor, bytes| {
            if tensor.info().path == "small" {
                assert!(format!("{bytes:?}").contains("left: 3"));
                seen = bytes.read_all()?;
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, bytes[bytes.len() - 3..]);
}

#[test]
fn a_file_that_is_cut_later_is_an_error_that_names_the_tensor() {
    let (bytes, _) = three();
    for cut in [1, 3, 4, PIECE, PIECE + 10] {
        let part = &bytes[..bytes.len() - cut];
        let reader = || TensorReader::new(part, bytes.len() as u64, Path::new("m")).unwrap();
        let words = match cut {
            1 | 3 => "m: the file was cut within tensor small",
            _ => "m: the file was cut within tensor big",
        };
        let by_pieces = reader().root_with(&PlainSha2).map(drop);
        let whole = reader().stream::<LedgerError>(|_, bytes| bytes.read_all().map(drop));
        for read in [by_pieces, whole] {
            assert_eq!(read.unwrap_err().to_string(), words, "cut by {cut}");
        }
    }
}

#[test]
fn a_tensor_that_no_memory_holds_is_an_error() {
    let len = i64::MAX as u64 + 1;
    let header = format!(r#"{{"a":{{"dtype":"U8","shape":[{len}],"data_offsets":[0,{len}]}}}}"#);
    let bytes = file(&header, &[]);
    let reader = TensorReader::new(&bytes[..], bytes.len() as u64 + len, Path::new("m")).unwrap();
    let read = reader.stream::<LedgerError>(|_, bytes| bytes.read_all().map(drop));
    let words = format!("m: no memory for the {len} bytes of tensor a");
    assert_eq!(read.unwrap_err().to_string(), words);
}

#[test]
fn a_file_without_room_for_its_header_is_an_error_that_says_so() {
    for (len, words) in [
        (7, "too short to hold the length of its header"),
        (8, "claims a header of 1 bytes, but 0 bytes follow"),
    ] {
        let error = read(&1u64.to_le_bytes()[..len]).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
