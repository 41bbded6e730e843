#!/usr/bin/env python3
"""Print the parameter root of a safetensors file, as docs/format.md defines it.

    python3 scripts/param_root.py runs/digits/model.safetensors

Needs only Python's standard library and shares no code with the Rust crates. So
it checks the root of a model independently of them.

Exit code 0: the root is on stdout. 2: the file could not be read or is
malformed, or the command line is wrong. The reason is on stderr.
"""

import hashlib
import json
import struct
import sys

TAG_PREFIX = "burn-pow/v1/"
CHUNK_LEN = 4096
MAX_HEADER_LEN = 100_000_000  # the limit of the safetensors format
DTYPE_SIZES = {
    "BOOL": 1, "U8": 1, "I8": 1,
    "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4,
    "U64": 8, "I64": 8, "F64": 8,
}


class Malformed(Exception):
    """Why a file has no root."""


def tagged_hasher(name):
    """SHA-256 that has already hashed SHA256(tag) twice, as in BIP-340."""
    tag = hashlib.sha256((TAG_PREFIX + name).encode()).digest()
    return hashlib.sha256(tag + tag)


HASHERS = {name: tagged_hasher(name) for name in ("chunk", "node", "empty", "tensor", "tensors")}


def tagged(name, data):
    hasher = HASHERS[name].copy()
    hasher.update(data)
    return hasher.digest()


def tree_root(leaves):
    """The root over leaves, in the shape of RFC 6962."""
    if not leaves:
        return tagged("empty", b"")
    if len(leaves) == 1:
        return leaves[0]
    # The largest power of two below the number of leaves.
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return tagged("node", tree_root(leaves[:split]) + tree_root(leaves[split:]))


def text(value):
    return struct.pack("<I", len(value)) + value


def tensor_leaf(path, dtype, dims, data):
    chunks = [tagged("chunk", data[at:at + CHUNK_LEN]) for at in range(0, len(data), CHUNK_LEN)]
    shape = struct.pack(f"<I{len(dims)}Q", len(dims), *dims)
    length = struct.pack("<Q", len(data))
    return tagged("tensor", text(path) + text(dtype.encode()) + shape + length + tree_root(chunks))


def parameter_root(tensors):
    """The root over tensors (path, dtype, dims, data), which may come in any order."""
    leaves = [tensor_leaf(*tensor) for tensor in sorted(tensors, key=lambda tensor: tensor[0])]
    return tagged("tensors", struct.pack("<Q", len(leaves)) + tree_root(leaves))


def unique(pairs):
    """A JSON object without equal keys. Python itself would keep the last one."""
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Malformed(f"the header has two keys {twice!r}")
    return result


def count(digits):
    """A JSON integer. Negative ones, including -0, become -1, which is no count."""
    return -1 if digits.startswith("-") else int(digits)


def is_text(value):
    """Whether a value is Unicode text: JSON can escape half of a surrogate pair."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)


def is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64


def read_tensors(content):
    """The tensors of a safetensors file, as (path, dtype, dims, data)."""
    if len(content) < 8:
        raise Malformed(f"{len(content)} bytes are too short for a safetensors file")
    (header_len,) = struct.unpack("<Q", content[:8])
    if header_len > min(MAX_HEADER_LEN, len(content) - 8):
        raise Malformed(f"a header of {header_len} bytes does not fit")
    try:
        header = json.loads(content[8:8 + header_len].decode(), object_pairs_hook=unique,
                            parse_int=count)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise Malformed("the header is not a JSON object")
    check_metadata(header.pop("__metadata__", None))
    data = memoryview(content)[8 + header_len:]

    tensors, ranges = [], []
    for name, info in header.items():
        dtype, dims, begin, end = read_info(name, info)
        ranges.append((begin, end, name))
        tensors.append((name.encode(), dtype, dims, data[begin:end]))
    # Each byte belongs to one tensor.
    at = 0
    for begin, end, name in sorted(ranges):
        if begin != at:
            raise Malformed(f"tensor {name!r} begins at byte {begin} of the data, expected {at}")
        at = end
    if at != len(data):
        raise Malformed(f"the tensors end at byte {at} of {len(data)} bytes of data")
    return tensors


def check_metadata(metadata):
    """Checks the metadata: absent, null or an object of texts. No root commits to it."""
    if metadata is None:
        return
    if not isinstance(metadata, dict) or not all(map(is_text, [*metadata, *metadata.values()])):
        raise Malformed("the metadata is no object of texts")


def read_info(name, info):
    """dtype, dims and byte range of one tensor of the header."""
    if not is_text(name):
        raise Malformed(f"tensor {name!r}: the name is not Unicode text")
    if not isinstance(info, dict) or set(info) != {"dtype", "shape", "data_offsets"}:
        raise Malformed(f"tensor {name!r} has other fields than dtype, shape and data_offsets")
    dtype, dims, offsets = info["dtype"], info["shape"], info["data_offsets"]
    if isinstance(dtype, dict) and len(dtype) == 1:
        # {"F32": null} means "F32" in version 1 of the format.
        ((dtype_name, null),) = dtype.items()
        dtype = dtype_name if null is None else dtype
    if not isinstance(dtype, str) or dtype not in DTYPE_SIZES:
        raise Malformed(f"tensor {name!r}: dtype {dtype!r} has no commitment")
    for value in (dims, offsets):
        if not isinstance(value, list) or not all(is_count(number) for number in value):
            raise Malformed(f"tensor {name!r}: {value!r} is no list of counts")
    if len(offsets) != 2:
        raise Malformed(f"tensor {name!r} has {len(offsets)} offsets, expected 2")
    length = DTYPE_SIZES[dtype]
    for dim in dims:
        length *= dim
        # Also if a later dim is 0, because other programs count in 64 bits.
        if length >= 1 << 64:
            raise Malformed(f"tensor {name!r} needs 2^64 bytes or more")
    begin, end = offsets
    if end - begin != length:
        raise Malformed(f"tensor {name!r} needs {length} bytes, has {end - begin}")
    return dtype, dims, begin, end


def main(arguments):
    if len(arguments) != 1:
        print("usage: param_root.py FILE.safetensors", file=sys.stderr)
        return 2
    try:
        with open(arguments[0], "rb") as file:
            content = file.read()
        print(parameter_root(read_tensors(content)).hex())
    except (OSError, Malformed) as error:
        print(f"param_root.py: {arguments[0]}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
