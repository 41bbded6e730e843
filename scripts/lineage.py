#!/usr/bin/env python3
"""Check the link from a run to its parent by their chains, as docs/format.md defines it.

    python3 scripts/lineage.py runs/more/chain.pow runs/digits/chain.pow

Prints the step that the first run names, and what it starts with:

    step 300: the whole state
    step 300: the weights, and a fresh optimizer
    step 300: the weights, and another rest of the state
    step 300: other weights
    step 300: no entry yet to compare

or `does not hold: REASON`, or `not checked: REASON`. Of the two chains it checks links and
commitments, so that every entry belongs to its genesis block. It checks neither work nor
the other rules, and no file beside the chains: `pow verify --parent` does. Needs only
Python's standard library and shares no code with the Rust crates.

Exit code 0: the first run starts with state or weights of the second. 1: it does not, or
that cannot be said. 2: a file could not be read, or is no chain.
"""

import hashlib
import os
import struct
import sys

# The scripts lie side by side.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from extensions import Malformed, Reader, extensions, is_usable, skip_genesis

PARENT = 19
MAX_BLOCK_LEN, MAX_BODY_LEN = 200, 16 << 20
COMMITMENT_FROM_END = 36  # then come the commitment and 4 bytes of lock time


class DoesNotHold(Exception):
    """Why the link is false."""


class NotChecked(Exception):
    """Why nothing can be said of the link."""


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def tagged(name, data):
    tag = hashlib.sha256(b"burn-pow/v1/" + name).digest()
    return hashlib.sha256(tag + tag + data).digest()


def tree_root(leaves):
    if not leaves:
        return tagged(b"empty", b"")
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return tagged(b"node", tree_root(leaves[:split]) + tree_root(leaves[split:]))


# The rest root of a training that has not stepped and took over weights alone.
FRESH = tagged(b"rest", tagged(b"tensors", struct.pack("<Q", 0) + tree_root([])) + bytes(24))


def records(path):
    """Block and body of each whole record."""
    with open(path, "rb") as file:
        if file.read(16) != b"POWCHAIN" + struct.pack("<II", 1, 0):
            raise Malformed("the file does not begin with the header of a chain file")
        while len(record := file.read(16)) == 16:
            block_len, body_len = struct.unpack("<II", record[4:12])
            if record[:4] != b"PREC" or block_len > MAX_BLOCK_LEN or body_len > MAX_BODY_LEN:
                raise Malformed("a record header is damaged")
            block, body, checksum = file.read(block_len), file.read(body_len), file.read(4)
            if len(checksum) < 4:
                return  # torn
            yield block, body


def skip_common(reader):
    version, kind = reader.number("H"), reader.number("B")
    if version != 1 or kind > 2:
        raise Malformed(f"a body of version {version} and kind {kind}")
    reader.take(4 + 8 + 8 + 32)
    return kind


def read_entry(reader):
    """Step, parameter root and rest root of an entry."""
    step, parameters = reader.number("Q"), reader.take(32)
    reader.option(lambda: reader.take(32))  # batch digest
    reader.option(lambda: reader.take(8))  # loss
    reader.option(lambda: reader.take(8))  # learning rate
    return step, parameters, reader.option(lambda: reader.take(32))


def read_extension(reader):
    reader.take(4)
    reader.bytes(65536)


class Run:
    """What a chain says."""

    def __init__(self, path):
        self.genesis, self.extensions, self.initial = None, [], None
        self.entries, self.last, self.is_finished = {}, None, False
        before = bytes(32)
        for block, body in records(path):
            if block[4:36] != before:
                raise Malformed("a block does not name the one before it")
            before = sha256d(block[:80])
            self.genesis = self.genesis or before
            if block[36:68] != sha256d(block[81:]):
                raise Malformed("a header does not have the coinbase's id")
            at = len(block) - COMMITMENT_FROM_END
            if block[at:at + 32] != self.take(body):
                raise Malformed("a coinbase does not have the body's commitment")
        if self.genesis is None:
            raise Malformed("no genesis block")

    def take(self, body):
        """Takes in a body. Returns its commitment."""
        reader = Reader(body)
        kind = skip_common(reader)
        if kind == 0:
            self.initial = genesis_initial(body)
            self.extensions = extensions(body)
            skip_genesis(reader)
        elif kind == 2:
            reader.take(8 + 1)
            reader.option(lambda: reader.take(32))
            reader.take(32)
            self.is_finished = True
        count = reader.number("I")
        fixed, leaves = body[:reader.at], []
        for _ in range(count):
            start = reader.at
            if kind == 0:
                read_extension(reader)
            else:
                step, parameters, rest = read_entry(reader)
                self.entries[step], self.last = (parameters, rest), step
            leaves.append(tagged(b"entry", body[start:reader.at]))
        reader.finish()
        return tagged(b"body", fixed + tree_root(leaves))

    def parent(self):
        """Genesis hash, step and state root of the parent."""
        kinds = [kind for kind, _ in self.extensions]
        named = [data for kind, data in self.extensions if kind == PARENT]
        if not named:
            raise DoesNotHold("genesis names no parent")
        if not is_usable(PARENT, named[0], kinds):
            raise DoesNotHold("the extension that names a parent is unusable")
        return named[0][:32], struct.unpack("<Q", named[0][32:40])[0], named[0][40:]


def genesis_initial(body):
    reader = Reader(body)
    skip_common(reader)
    reader.text(1024)
    reader.number("Q")
    return reader.take(32)


def state_of(parent, step, state):
    """The parameter root of the state that the parent commits to."""
    if step not in parent.entries or parent.entries[step][1] is None:
        if not parent.is_finished and (parent.last is None or parent.last < step):
            raise NotChecked("this copy of the parent ends before that step")
        raise DoesNotHold("the parent has no checkpoint of that step")
    parameters, rest = parent.entries[step]
    if tagged(b"state", parameters + rest) != state:
        raise DoesNotHold("the parent commits to another state there")
    return parameters


def start(child, parent):
    genesis, step, state = child.parent()
    if parent.genesis != genesis:
        raise DoesNotHold("the parent has another genesis block")
    weights = state_of(parent, step, state)
    if child.initial == state:
        return step, "the whole state"
    if 0 not in child.entries:
        return step, "no entry yet to compare"
    parameters, rest = child.entries[0]
    if parameters != weights:
        return step, "other weights"
    if rest == FRESH:
        return step, "the weights, and a fresh optimizer"
    return step, "the weights, and another rest of the state"


def main(arguments):
    if len(arguments) != 2:
        print("usage: lineage.py CHAIN PARENT-CHAIN", file=sys.stderr)
        return 2
    runs = []
    for path in arguments:
        try:
            runs.append(Run(path))
        except (OSError, Malformed) as error:
            print(f"error: {path!r}: {error}", file=sys.stderr)
            return 2
    try:
        step, found = start(*runs)
    except DoesNotHold as error:
        print(f"does not hold: {error}")
        return 1
    except NotChecked as error:
        print(f"not checked: {error}")
        return 1
    print(f"step {step}: {found}")
    return 0 if found.startswith("the ") else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
