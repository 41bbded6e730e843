#!/usr/bin/env python3
"""Print the extensions of a run's genesis block, as docs/format.md defines them.

    python3 scripts/extensions.py runs/digits/chain.pow

One line an extension: its type, the name of the type, and `usable`, or `unusable`
or `unknown`. Needs only Python's standard library and shares no code with the Rust
crates. It checks no rule of the chain: `pow verify` does.

Exit code 0: the extensions are on stdout. 2: the file could not be read, or its
first record is not that of a genesis block. The reason is on stderr.
"""

import struct
import sys

NAMES = {
    16: "numerics probe",
    17: "Bitcoin block",
    18: "drand round",
    19: "parent",
    20: "base model",
    21: "declaration",
    22: "Burn features",
    23: "sampled order",
}
MAX_BODY_LEN = 16 << 20


class Malformed(Exception):
    """Why bytes are not what they should be."""


class Reader:
    """Reads the format's values from bytes."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, length):
        if len(self.data) - self.at < length:
            raise Malformed(f"byte {self.at}: {length} bytes expected, the end found")
        self.at += length
        return self.data[self.at - length:self.at]

    def number(self, code):
        return struct.unpack("<" + code, self.take(struct.calcsize(code)))[0]

    def flag(self):
        value = self.number("B")
        if value > 1:
            raise Malformed(f"byte {self.at - 1}: {value}, expected 0 or 1")
        return value == 1

    def option(self, read):
        return read() if self.flag() else None

    def bytes(self, most):
        length = self.number("I")
        if length > most:
            raise Malformed(f"byte {self.at - 4}: a length of {length}, at most {most} allowed")
        return self.take(length)

    def text(self, most):
        try:
            return self.bytes(most).decode()
        except UnicodeDecodeError as error:
            raise Malformed(f"byte {self.at}: {error}") from error

    def finish(self):
        if self.at != len(self.data):
            raise Malformed(f"byte {self.at}: bytes follow the end")


def ascending(reader, count, value):
    """Names, each not empty and above the one before, and a value after each."""
    before = b""
    for _ in range(count):
        name = reader.text(64).encode()
        if name <= before:
            raise Malformed(f"byte {reader.at}: a name that is not above the one before")
        before = name
        value()


def probe(reader):
    count = reader.number("H")
    if not 1 <= count <= 512:
        raise Malformed(f"{count} operations, expected 1 to 512")
    ascending(reader, count, lambda: reader.option(lambda: reader.take(32)))


def features(reader):
    count = reader.number("H")
    if count > 64:
        raise Malformed(f"{count} features, at most 64 allowed")
    ascending(reader, count, lambda: None)


def sampled_order(reader):
    numbers = [reader.number("I") for _ in range(3)]
    sampler = reader.number("B")
    if sampler > 2:
        raise Malformed(f"sampler {sampler}, expected 0 to 2")
    numbers.append(reader.number("I"))
    if 0 in numbers:
        raise Malformed("a number is 0, expected at least 1")
    if sampler != 0:
        reader.take(32)


FORMS = {
    16: probe,
    17: lambda reader: reader.take(4 + 80),
    18: lambda reader: (reader.take(32 + 8), reader.bytes(96)),
    19: lambda reader: reader.take(32 + 8 + 32),
    20: lambda reader: reader.take(32),
    21: lambda reader: reader.take(32),
    22: features,
    23: sampled_order,
}


def is_usable(kind, data, kinds):
    if kinds.count(kind) > 1:
        return False
    reader = Reader(data)
    try:
        FORMS[kind](reader)
        reader.finish()
    except Malformed:
        return False
    return True


def skip_order(reader):
    rule = reader.number("B")
    if rule == 0:
        return
    if rule > 2:
        raise Malformed(f"order rule {rule}, expected 0 to 2")
    reader.take(12 if rule == 1 else 16)


def extensions(body):
    """The extensions of a genesis body: pairs of a type and its data."""
    reader = Reader(body)
    version, kind = reader.number("H"), reader.number("B")
    if (version, kind) != (1, 0):
        raise Malformed(f"a body of version {version} and kind {kind}, expected 1 and 0")
    reader.take(4 + 8 + 8 + 32)  # height, start, parent found, previous blocks
    skip_genesis(reader)
    found = []
    for _ in range(reader.number("I")):
        entry_type = reader.number("I")
        found.append((entry_type, reader.bytes(65536)))
    reader.finish()
    return found


def skip_genesis(reader):
    """Everything between the common fields and the extension count."""
    reader.text(1024)  # name
    reader.number("Q")  # seed
    reader.take(32)  # initial state root
    reader.flag()
    reader.option(lambda: reader.take(8))  # planned steps
    reader.take(16)  # intervals
    reader.option(lambda: reader.take(4))  # retention
    reader.number("B")  # mode
    skip_order(reader)
    reader.option(lambda: reader.take(32))  # dataset root
    reader.take(32)  # digest of config.json
    reader.option(lambda: reader.take(32))  # executable
    reader.option(lambda: reader.take(32))  # lock file
    reader.option(lambda: reader.text(1024))  # revision
    for _ in range(4):
        reader.text(1024)
    reader.take(4)  # threads
    if reader.number("B") == 0:
        reader.take(4)
    else:
        reader.take(4 + 16)
    reader.take(8)  # floor and final bits


def genesis_body(path):
    """The body of the first record of a chain file."""
    with open(path, "rb") as file:
        header = file.read(16)
        if header != b"POWCHAIN" + struct.pack("<II", 1, 0):
            raise Malformed("the file does not begin with the header of a chain file")
        record = file.read(16)
        if len(record) < 16 or record[:4] != b"PREC":
            raise Malformed("byte 16: no record header")
        block, body = struct.unpack("<II", record[4:12])
        if block > 200 or body > MAX_BODY_LEN:
            raise Malformed(f"byte 16: lengths of {block} and {body}")
        file.read(block)
        data = file.read(body)
        if len(data) < body:
            raise Malformed("the file ends inside its first record")
        return data


def main(arguments):
    if len(arguments) != 1:
        print("usage: extensions.py CHAIN", file=sys.stderr)
        return 2
    try:
        found = extensions(genesis_body(arguments[0]))
    except (OSError, Malformed) as error:
        print(f"error: {arguments[0]!r}: {error}", file=sys.stderr)
        return 2
    kinds = [kind for kind, _ in found]
    for kind, data in found:
        if kind not in NAMES:
            print(f"{kind} - unknown")
        else:
            usable = is_usable(kind, data, kinds)
            print(f"{kind} {NAMES[kind]} {'usable' if usable else 'unusable'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
