#!/usr/bin/env python3
"""Print the parameter root of a safetensors file, as docs/format.md defines it.

    python3 scripts/param_root.py runs/digits/model.safetensors
    python3 scripts/param_root.py downloads/some-model

It takes a file, an index of several files (model.safetensors.index.json), or a
directory with model.safetensors or that index. A model with element types that
version 1 does not have gets a root of the draft of version 2, which is printed
with v2-draft: before it.

Needs only Python's standard library and shares no code with the Rust crates. So
it checks the root of a model independently of them.

Exit code 0: the root is on stdout. 2: a file could not be read or is
malformed, or the command line is wrong. The reason is on stderr.
"""

import hashlib
import json
import math
import mmap
import os
import stat
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


# The draft of version 2: bits of the element types that version 1 does not have.
DRAFT_TAG_PREFIX = "burn-pow/v2-draft/"
DRAFT_DTYPE_BITS = {
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
    "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "C64": 64,
}
V1_DTYPE_BITS = {name: 8 * size for name, size in DTYPE_SIZES.items()}
ANY_DTYPE_BITS = {**V1_DTYPE_BITS, **DRAFT_DTYPE_BITS}

MODEL_FILE, INDEX_FILE = "model.safetensors", "model.safetensors.index.json"


class Malformed(Exception):
    """Why a file has no root."""


def tagged_hasher(text):
    """SHA-256 that has already hashed SHA256(tag) twice, as in BIP-340."""
    tag = hashlib.sha256(text.encode()).digest()
    return hashlib.sha256(tag + tag)


HASHERS = {
    name: tagged_hasher(TAG_PREFIX + name)
    for name in ("chunk", "node", "empty", "tensor", "tensors")
}
HASHERS.update({
    f"draft {name}": tagged_hasher(DRAFT_TAG_PREFIX + name) for name in ("tensor", "tensors")
})


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
    tag = "draft tensor" if dtype in DRAFT_DTYPE_BITS else "tensor"
    return tagged(tag, text(path) + text(dtype.encode()) + shape + length + tree_root(chunks))


def set_root(tag, tensors):
    """The root over tensors (path, dtype, dims, data), which may come in any order."""
    leaves = [tensor_leaf(*tensor) for tensor in sorted(tensors, key=lambda tensor: tensor[0])]
    return tagged(tag, struct.pack("<Q", len(leaves)) + tree_root(leaves))


def parameter_root(tensors):
    """The root of version 1. All tensors have dtypes of version 1."""
    return set_root("tensors", tensors)


def model_root(tensors):
    """The root of a model as it is printed. One tensor of the draft makes it a draft root."""
    if any(dtype in DRAFT_DTYPE_BITS for _, dtype, _, _ in tensors):
        return "v2-draft:" + set_root("draft tensors", tensors).hex()
    return parameter_root(tensors).hex()


def unique(pairs):
    """A JSON object without equal keys. Python itself would keep the last one."""
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Malformed(f"an object has two keys {twice!r}")
    return result


def count(digits):
    """A JSON integer. Negative ones, including -0, become -1, which is no count."""
    return -1 if digits.startswith("-") else int(digits)


def is_text(value):
    """Whether a value is Unicode text: JSON can escape half of a surrogate pair."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)


def is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64


def read_tensors(content, dtype_bits=V1_DTYPE_BITS):
    """The tensors of a safetensors file, as (path, dtype, dims, data)."""
    if len(content) < 8:
        raise Malformed(f"{len(content)} bytes are too short for a safetensors file")
    (header_len,) = struct.unpack("<Q", content[:8])
    if header_len > min(MAX_HEADER_LEN, len(content) - 8):
        raise Malformed(f"a header of {header_len} bytes does not fit")
    try:
        header = json.loads(bytes(content[8:8 + header_len]).decode(), object_pairs_hook=unique,
                            parse_int=count)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise Malformed("the header is not a JSON object")
    check_metadata(header.pop("__metadata__", None))
    data = memoryview(content)[8 + header_len:]

    tensors, ranges = [], []
    for name, info in header.items():
        dtype, dims, begin, end = read_info(name, info, dtype_bits)
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


def read_info(name, info, dtype_bits):
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
    if not isinstance(dtype, str) or dtype not in dtype_bits:
        raise Malformed(f"tensor {name!r}: dtype {dtype!r} has no commitment")
    for value in (dims, offsets):
        if not isinstance(value, list) or not all(is_count(number) for number in value):
            raise Malformed(f"tensor {name!r}: {value!r} is no list of counts")
    if len(offsets) != 2:
        raise Malformed(f"tensor {name!r} has {len(offsets)} offsets, expected 2")
    # The draft counts bits, because some of its elements have less than a byte.
    in_bits = dtype in DRAFT_DTYPE_BITS
    length = dtype_bits[dtype] if in_bits else DTYPE_SIZES[dtype]
    for dim in dims:
        length *= dim
        # Also if a later dim is 0, because other programs count in 64 bits.
        if length >= 1 << 64:
            raise Malformed(f"tensor {name!r} needs 2^64 {'bits' if in_bits else 'bytes'} or more")
    if in_bits and length % 8:
        raise Malformed(f"tensor {name!r} needs {length} bits, which end within a byte")
    length = length // 8 if in_bits else length
    begin, end = offsets
    if end - begin != length:
        raise Malformed(f"tensor {name!r} needs {length} bytes, has {end - begin}")
    return dtype, dims, begin, end


class Pairs(list):
    """A JSON object as its pairs, with the names that occur twice."""


def finite(digits):
    """A JSON number of any size that other programs can read."""
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"the number {digits[:20]} is out of range")
    return value


def no_number(name):
    raise ValueError(f"{name} is no number in JSON")


def check_free(value, depth):
    """Checks the texts and the depth of a JSON value. At most 127 values are nested."""
    if isinstance(value, str) and not is_text(value):
        raise Malformed("a text is not Unicode")
    if isinstance(value, list):
        if depth == 0:
            raise Malformed("the index is nested too deeply")
        for each in value:
            # A pair of an object is no level of its own.
            for part in each if isinstance(each, tuple) else [each]:
                check_free(part, depth - 1)


def read_index(content):
    """The file of each tensor, by an index of several files."""
    if len(content) > MAX_HEADER_LEN:
        raise Malformed("the index is too long")
    try:
        index = json.loads(bytes(content).decode(), object_pairs_hook=Pairs, parse_int=finite,
                           parse_float=finite, parse_constant=no_number)
        check_free(index, 127)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the index is not JSON: {error}") from error
    files = unique(index).get("weight_map") if isinstance(index, Pairs) else None
    if not isinstance(files, Pairs) or not all(isinstance(name, str) for _, name in files):
        raise Malformed("the index has no weight_map of texts")
    files = unique(files)
    for name in files.values():
        if name in ("", ".", "..") or any(c in name for c in "/\\:\0"):
            raise Malformed(f"{name!r} is not the plain name of a file beside the index")
    return files


def read_file(path, follow_link):
    """The bytes of a regular file."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    if not follow_link:
        if stat.S_ISLNK(os.lstat(path).st_mode):
            raise Malformed(f"{path} is a link")
        flags |= getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Malformed(f"{path} is not a regular file")
        if os.fstat(file.fileno()).st_size == 0:
            return b""
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def read_shards(index, directory):
    """The tensors of the files that an index names. The tensors of both are the same."""
    tensors = []
    for name in sorted(set(index.values())):
        try:
            content = read_file(os.path.join(directory, name), follow_link=False)
        except FileNotFoundError as error:
            raise Malformed(f"{name} is not there") from error
        for tensor in read_tensors(content, ANY_DTYPE_BITS):
            path = tensor[0].decode()
            if index.get(path) != name:
                raise Malformed(f"tensor {path!r} is in {name}, and not so in the index")
            tensors.append(tensor)
    if len(tensors) != len(index):
        raise Malformed("the index names a tensor that is not in its file")
    return tensors


def read_model(path):
    """The tensors of a file, of an index or of a directory with one of them."""
    directory, follow_link = os.path.dirname(path), True
    if os.path.isdir(path):
        there = [name for name in (MODEL_FILE, INDEX_FILE)
                 if os.path.lexists(os.path.join(path, name))]
        if len(there) != 1:
            raise Malformed(f"has {len(there)} of {MODEL_FILE} and {INDEX_FILE}, not one")
        directory, path, follow_link = path, os.path.join(path, there[0]), False
    content = read_file(path, follow_link)
    if path.endswith(".json"):
        return read_shards(read_index(content), directory)
    return read_tensors(content, ANY_DTYPE_BITS)


def main(arguments):
    if len(arguments) != 1:
        print("usage: param_root.py FILE|INDEX|DIRECTORY", file=sys.stderr)
        return 2
    try:
        print(model_root(read_model(arguments[0])))
    except (OSError, Malformed) as error:
        print(f"param_root.py: {arguments[0]}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
