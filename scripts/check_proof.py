#!/usr/bin/env python3
"""Check proofs that `pow prove` made, as docs/format.md defines them.

    python3 scripts/check_proof.py proof.json --head HEX --value conv1.bin

Needs only Python's standard library and shares no code with the Rust crates.
Prints one line with a verdict for each proof and, for a single proof, what it
shows:

    SHOWN UNDER THE PINNED HEAD     the head is the one given with --head
    SHOWN, UNANCHORED               no --head was given
    DOES NOT HOLD: REASON

Exit code 0: every proof holds. 1: a proof does not hold. 2: a file could not be
read, or the command line is wrong.
"""

import argparse
import hashlib
import json
import sys

SCHEMA = "burn-pow/proof/v1"
TAG_PREFIX = "burn-pow/v1/"
MAX_PROOF_LEN = 1 << 20
MAX_ENTRIES = 65_536
MAX_TEXT = 1024
MAX_TARGET = 0x7FFFFF << 232  # of 0x207fffff
CHUNK_LEN = 4096
DTYPE_SIZES = {
    "BOOL": 1, "U8": 1, "I8": 1,
    "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4,
    "U64": 8, "I64": 8, "F64": 8,
}


class Refused(Exception):
    """Why a proof does not hold."""


def require(condition, reason):
    if not condition:
        raise Refused(reason)


# Hashes and trees


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def tagged(name, data):
    tag = hashlib.sha256((TAG_PREFIX + name).encode()).digest()
    return hashlib.sha256(tag + tag + data).digest()


def node(left, right):
    return tagged("node", left + right)


def tree_root(leaves):
    if not leaves:
        return tagged("empty", b"")
    if len(leaves) == 1:
        return leaves[0]
    # The largest power of two below the number of leaves.
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node(tree_root(leaves[:split]), tree_root(leaves[split:]))


def data_root(data):
    chunks = [data[at:at + CHUNK_LEN] for at in range(0, len(data), CHUNK_LEN)]
    return tree_root([tagged("chunk", chunk) for chunk in chunks])


class Path:
    """The digests of a path. They are taken one by one, and none may be left."""

    def __init__(self, what, digests):
        self.what = what
        self.digests = iter(digests)

    def take(self):
        digest = next(self.digests, None)
        require(digest is not None, f"{self.what}: the path is too short")
        return digest

    def finish(self):
        require(next(self.digests, None) is None, f"{self.what}: the path is too long")


def inclusion_root(what, leaf, index, count, digests):
    """The root that an inclusion path leads to."""
    require(index < count, f"{what}: leaf {index} of a tree of {count}")
    path = Path(what, digests)
    a, b = index, count - 1
    while b > 0:
        if a % 2 == 1:
            leaf = node(path.take(), leaf)
        elif a < b:
            leaf = node(leaf, path.take())
        a, b = a // 2, b // 2
    path.finish()
    return leaf


def check_consistency(what, older, newer, digests):
    """Checks that `newer` starts with all leaves of `older`. Each is a count and a root."""
    (m, older_root), (n, newer_root) = older, newer
    require(m <= n, f"{what}: {m} leaves before, {n} after")
    path = Path(what, digests)
    if m == 0 or m == n:
        path.finish()
        expected = tree_root([]) if m == 0 else newer_root
        require(older_root == expected, f"{what}: another older root")
        return
    a, b = m - 1, n - 1
    while a % 2 == 1:
        a, b = a // 2, b // 2
    h = older_root if m & (m - 1) == 0 else path.take()
    g = h
    while b > 0:
        if a % 2 == 1:
            left = path.take()
            h, g = node(left, h), node(left, g)
        elif a < b:
            g = node(g, path.take())
        a, b = a // 2, b // 2
    path.finish()
    require(h == older_root, f"{what}: the path leads to another older root")
    require(g == newer_root, f"{what}: the path leads to another root")


# Blocks and bodies


class Bytes:
    """Reads little-endian fields from the front of a byte string."""

    def __init__(self, what, data):
        self.what = what
        self.data = data
        self.at = 0

    def take(self, length):
        end = self.at + length
        require(end <= len(self.data), f"{self.what}: byte {self.at}: {length} bytes needed")
        piece = self.data[self.at:end]
        self.at = end
        return piece

    def uint(self, length):
        return int.from_bytes(self.take(length), "little")

    def number(self, length, low, high):
        at, value = self.at, self.uint(length)
        require(low <= value <= high, f"{self.what}: byte {at}: {value} is not {low} to {high}")
        return value

    def fixed(self, expected):
        at = self.at
        require(self.take(len(expected)) == expected, f"{self.what}: byte {at}: other fixed bytes")

    def flag(self):
        return self.number(1, 0, 1)

    def option(self, read):
        return read() if self.flag() else None

    def text(self):
        at = self.at
        try:
            return self.take(self.number(4, 0, MAX_TEXT)).decode()
        except UnicodeDecodeError:
            raise Refused(f"{self.what}: byte {at}: not UTF-8") from None

    def finish(self):
        require(self.at == len(self.data), f"{self.what}: bytes follow byte {self.at}")


def height_push(height):
    """The push of a height, as in Bitcoin Core's CScript << height."""
    if height == 0:
        return b"\x00"
    if height <= 16:
        return bytes([0x50 + height])
    number = height.to_bytes(height.bit_length() // 8 + 1, "little")
    return bytes([len(number)]) + number


def read_coinbase(what, data):
    """Height and commitment of a coinbase."""
    tx = Bytes(what, data)
    tx.fixed(bytes([1, 0, 0, 0, 1]) + bytes(32) + b"\xff" * 4)
    script = Bytes(what, tx.take(tx.uint(1)))
    # Everything before the extranonce must be the one push of the height.
    push = script.take(max(len(script.data) - 13, 0))
    if len(push) == 1:
        height = push[0] - 0x50 if push[0] else 0
    else:
        height = int.from_bytes(push[1:], "little")
    require(0 <= height < 1 << 31, f"{what}: height push of {height}")
    require(push == height_push(height), f"{what}: no canonical height push")
    script.fixed(b"\x0c")
    script.take(12)
    script.finish()
    tx.fixed(b"\xff" * 4 + b"\x01" + bytes(8) + b"\x22\x6a\x20")
    commitment = tx.take(32)
    tx.fixed(bytes(4))
    tx.finish()
    return height, commitment


def decode_target(what, bits):
    """Decodes a compact target strictly."""
    exponent, mantissa = bits >> 24, bits & 0x7FFFFF
    if exponent <= 3:
        target = mantissa >> 8 * (3 - exponent)
    else:
        target = mantissa << 8 * (exponent - 3)
    require(target > 0, f"{what}: a target of zero")
    require(not bits & 0x800000, f"{what}: a negative target")
    require(target <= MAX_TARGET, f"{what}: a target above the limit")
    # The smallest exponent that leaves the mantissa's top bit clear.
    size = target.bit_length() // 8 + 1
    shift = 8 * (size - 3)
    digits = target >> shift if shift > 0 else target << -shift
    require(bits == size << 24 | digits, f"{what}: the target's encoding is not canonical")
    return target


def read_fixed(what, data):
    """Kind, height, root over previous blocks and entry count of a fixed part."""
    body = Bytes(what, data)
    body.number(2, 1, 1)
    kind = body.number(1, 0, 2)
    height = body.number(4, 0, (1 << 31) - 1)
    body.take(8 + 8)
    previous_blocks = body.take(32)
    if kind == 0:
        read_genesis(body)
        low, high = 0, MAX_ENTRIES
    elif kind == 1:
        low, high = 1, MAX_ENTRIES
    else:
        body.take(8)
        body.number(1, 0, 2)
        body.option(lambda: body.take(32))
        body.take(32)
        low, high = 0, 0
    count = body.number(4, low, high)
    body.finish()
    return ("genesis", "steps", "final")[kind], height, previous_blocks, count


def read_genesis(body):
    at_least_one = (1, (1 << 32) - 1)
    body.text()
    body.take(8 + 32)
    body.flag()
    body.option(lambda: body.take(8))
    interval = body.number(8, 1, (1 << 64) - 1)
    checkpoints = body.uint(8)
    require(checkpoints % interval == 0, f"{body.what}: checkpoints off the commit interval")
    body.option(lambda: body.take(4))
    body.number(1, 0, 1)
    order = body.number(1, 0, 2)
    require(order != 2 or checkpoints, f"{body.what}: a bound order without checkpoints")
    # Samples, batch size and accumulation; for a bound order also the lag.
    for _ in range((0, 3, 4)[order]):
        body.number(4, *at_least_one)
    body.option(lambda: body.take(32))
    body.take(32)
    body.option(lambda: body.take(32))
    body.option(lambda: body.take(32))
    body.option(body.text)
    for _ in range(4):
        body.text()
    body.take(4)
    asert = body.number(1, 0, 1) == 1
    body.take(4 + (16 if asert else 0) + 4 + 4)


class Block:
    """A consistent block. Its body is opened, except for the entries."""

    def __init__(self, what, part):
        reader = Bytes(what, part["block"])
        header = reader.take(80)
        reader.fixed(b"\x01")
        coinbase = reader.take(len(reader.data) - reader.at)
        coinbase_height, commitment = read_coinbase(what, coinbase)
        self.kind, self.height, self.previous_blocks, self.count = read_fixed(what, part["fixed"])
        self.entries = part["entries"]
        version = int.from_bytes(header[:4], "little")
        require(version & 0xE0001FFF == 0x20000000, f"{what}: header version {version:#010x}")
        require(header[36:68] == sha256d(coinbase), f"{what}: another transaction root")
        expected = tagged("body", part["fixed"] + self.entries)
        require(commitment == expected, f"{what}: the coinbase commits to another body")
        require(coinbase_height == self.height, f"{what}: the heights differ")
        target = decode_target(what, int.from_bytes(header[72:76], "little"))
        self.hash = sha256d(header)
        require(int.from_bytes(self.hash, "little") <= target, f"{what}: the hash misses the target")
        self.work = (1 << 256) // (target + 1)

    def __str__(self):
        work = f"{self.work} hashes expected"
        return f"{self.hash[::-1].hex()} ({self.kind}, block {self.height}), {work}"


# Parts of a proof


def check_block(part, head):
    """The block before the head, and whether the head extends it."""
    block = Block("block", part)
    leaf = tagged("block-hash", block.hash)
    root = inclusion_root("block", leaf, block.height, head.height, part["inclusion"])
    require(root == head.previous_blocks, "block: it does not stand under the head")
    if "consistency" not in part:
        return block, False
    older = block.height, block.previous_blocks
    newer = head.height, head.previous_blocks
    check_consistency("extension", older, newer, part["consistency"])
    return block, True


def check_entry(part, block):
    """Step and parameter root of an entry."""
    require(block.kind == "steps", f"entry: a {block.kind} body has no steps")
    reader = Bytes("entry", part["entry"])
    step, parameters = reader.uint(8), reader.take(32)
    for length in (32, 8, 8, 32):  # batch digest, loss, learning rate, rest root
        reader.option(lambda length=length: reader.take(length))
    reader.finish()
    leaf = tagged("entry", part["entry"])
    root = inclusion_root("entry", leaf, part["index"], block.count, part["inclusion"])
    require(root == block.entries, "entry: the path leads to another root")
    return step, parameters


def check_tensor(part, parameters):
    """The byte length of a tensor."""
    length = DTYPE_SIZES[part["dtype"]]
    for dim in part["dims"]:
        length *= dim
        require(length < 1 << 64, "tensor: the shape has too many bytes")
    name, dtype = part["path"].encode(), part["dtype"].encode()
    numbers = [len(part["dims"]).to_bytes(4, "little")]
    numbers += [dim.to_bytes(8, "little") for dim in part["dims"]]
    leaf = tagged("tensor", b"".join([
        len(name).to_bytes(4, "little"), name,
        len(dtype).to_bytes(4, "little"), dtype,
        *numbers, length.to_bytes(8, "little"), part["data"],
    ]))
    root = inclusion_root("tensor", leaf, part["index"], part["count"], part["inclusion"])
    found = tagged("tensors", part["count"].to_bytes(8, "little") + root)
    require(found == parameters, "tensor: the path leads to another parameter root")
    return length


def check_chunk(part, data, length):
    """The byte length of a chunk."""
    count = -(-length // CHUNK_LEN)
    root = inclusion_root("chunk", part["leaf"], part["index"], count, part["inclusion"])
    require(root == data, "chunk: the path leads to another data root")
    return min(CHUNK_LEN, length - part["index"] * CHUNK_LEN)


def check_value(value, tensor, length):
    require(tensor is not None, "value: the proof is not about a tensor")
    chunk = tensor.get("chunk")
    expected = length if chunk is None else check_chunk(chunk, tensor["data"], length)
    require(len(value) == expected, f"value: {len(value)} bytes, the proof is of {expected}")
    if chunk is None:
        require(data_root(value) == tensor["data"], "value: other bytes than those proved")
    else:
        require(tagged("chunk", value) == chunk["leaf"], "value: other bytes than those proved")


def check(content, head_hash=None, older_hash=None, value=None):
    """Lines that say what a proof shows. Raises Refused if it does not hold."""
    proof = read_proof(content)
    head = Block("head", proof["head"])
    lines = [f"head     {head}"]
    block, extends = head, False
    if "block" in proof:
        block, extends = check_block(proof["block"], head)
        lines.append(f"block    {block}{', which the head extends' if extends else ''}")
    tensor, length = None, 0
    if "entry" in proof:
        step, parameters = check_entry(proof["entry"], block)
        lines.append(f"entry    step {step}, parameters {parameters.hex()}")
        tensor = proof["entry"].get("tensor")
    if tensor is not None:
        length = check_tensor(tensor, parameters)
        shape = f"{tensor['dtype']} {tensor['dims']}"
        lines.append(f"tensor   {tensor['path']!a} {shape}, data root {tensor['data'].hex()}")
        if "chunk" in tensor:
            size = check_chunk(tensor["chunk"], tensor["data"], length)
            lines.append(f"chunk    {tensor['chunk']['index']}, {size} bytes")
    if head_hash is not None:
        require(head.hash == head_hash, "head: it is not the one given with --head")
    if older_hash is not None:
        require(extends, "extension: the proof has none")
        require(block.hash == older_hash, "block: it is not the one given with --older")
    if value is not None:
        check_value(value, tensor, length)
        lines.append("value    the bytes given are those proved")
    return lines


# The JSON


def read_proof(content):
    """The proof in the bytes of a file. Hex is converted to bytes."""
    require(len(content) <= MAX_PROOF_LEN, f"more than {MAX_PROOF_LEN} bytes")
    try:
        value = json.loads(
            content.decode(),
            object_pairs_hook=unique,
            parse_int=read_number,
            parse_float=refuse_number,
            parse_constant=refuse_number,
        )
    except (ValueError, RecursionError) as error:
        raise Refused(f"malformed proof: {error}") from None
    return PROOF("proof", value)


def unique(pairs):
    """A JSON object without equal keys. Python itself would keep the last one."""
    result = dict(pairs)
    require(len(result) == len(pairs), "malformed proof: a field stands there twice")
    return result


def read_number(digits):
    # Python may refuse to convert longer numbers.
    if digits.startswith("-") or len(digits) > 20 or int(digits) >= 1 << 64:
        refuse_number(digits)
    return int(digits)


def refuse_number(digits):
    raise Refused(f"malformed proof: {digits[:40]} is not a number from 0 to 2^64 - 1")


def record(required, **optional):
    """Reads an object with these fields and no others."""

    def read(what, value):
        require(isinstance(value, dict), f"malformed proof: {what} is no object")
        known = required | optional
        for name in value:
            require(name in known, f"malformed proof: {what} has the unknown field {name!a}")
        for name in required:
            require(name in value, f"malformed proof: {what} has no {name}")
        return {name: known[name](name, value[name]) for name in value}

    return read


def array(of):
    def read(what, value):
        require(isinstance(value, list), f"malformed proof: {what} is no array")
        return [of(what, item) for item in value]

    return read


def number(what, value):
    require(type(value) is int, f"malformed proof: {what} is no number")
    return value


def text(what, value):
    require(isinstance(value, str), f"malformed proof: {what} is no text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Refused(f"malformed proof: {what} is not Unicode text") from None
    return value


def one_of(allowed):
    def read(what, value):
        require(text(what, value) in allowed, f"malformed proof: {what} is {value!a}")
        return value

    return read


def hexadecimal(what, value):
    digits = set(text(what, value))
    require(digits <= set("0123456789abcdef"), f"malformed proof: {what} is not lower-case hex")
    require(len(value) % 2 == 0, f"malformed proof: {what} has an odd number of digits")
    return bytes.fromhex(value)


def digest(what, value):
    value = hexadecimal(what, value)
    require(len(value) == 32, f"malformed proof: {what} has {len(value)} bytes, expected 32")
    return value


PATH = array(digest)
OPENING = {"block": hexadecimal, "fixed": hexadecimal, "entries": digest}
CHUNK = record({"index": number, "leaf": digest, "inclusion": PATH})
TENSOR = record(
    {
        "path": text,
        "dtype": one_of(DTYPE_SIZES),
        "dims": array(number),
        "data": digest,
        "index": number,
        "count": number,
        "inclusion": PATH,
    },
    chunk=CHUNK,
)
ENTRY = record({"entry": hexadecimal, "index": number, "inclusion": PATH}, tensor=TENSOR)
BLOCK = record(OPENING | {"inclusion": PATH}, consistency=PATH)
PROOF = record({"schema": one_of({SCHEMA}), "head": record(OPENING)}, block=BLOCK, entry=ENTRY)


# The program


def block_hash(digits):
    """A block hash as people write it: in reversed order."""
    if len(digits) != 64 or not set(digits) <= set("0123456789abcdefABCDEF"):
        raise argparse.ArgumentTypeError("expected 64 hex digits")
    return bytes.fromhex(digits)[::-1]


def read_file(name, limit=-1):
    with open(name, "rb") as file:
        return file.read(limit)


def headline(arguments):
    if arguments.older is None:
        return "SHOWN, UNANCHORED" if arguments.head is None else "SHOWN UNDER THE PINNED HEAD"
    if arguments.head is None:
        return "SHOWN FROM THE PINNED BLOCK, HEAD UNANCHORED"
    return "SHOWN FROM THE PINNED BLOCK TO THE PINNED HEAD"


def main():
    parser = argparse.ArgumentParser(description="Check proofs that `pow prove` made.")
    parser.add_argument("proof", nargs="+", help="file of a proof")
    parser.add_argument("--head", type=block_hash, help="hash that the head must have")
    parser.add_argument("--older", type=block_hash, help="hash of the block that is extended")
    parser.add_argument("--value", help="file of the bytes of the tensor or chunk")
    arguments = parser.parse_args()
    holds = True
    try:
        value = None if arguments.value is None else read_file(arguments.value)
        for name in arguments.proof:
            prefix = f"{name}: " if len(arguments.proof) > 1 else ""
            content = read_file(name, MAX_PROOF_LEN + 1)
            try:
                lines = check(content, arguments.head, arguments.older, value)
            except Refused as reason:
                print(f"{prefix}DOES NOT HOLD: {reason}")
                holds = False
                continue
            print(f"{prefix}{headline(arguments)}")
            if not prefix:
                print("".join(f"  {line}\n" for line in lines), end="")
    except OSError as error:
        print(f"check_proof.py: {error}", file=sys.stderr)
        return 2
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
