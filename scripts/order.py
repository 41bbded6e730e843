#!/usr/bin/env python3
"""Compute the order of samples again, as docs/format.md defines it, and compare it with a chain.

    python3 scripts/order.py runs/digits/chain.pow

Prints how many batch digests follow from genesis, from earlier blocks under a bound order,
and from the file `order.table` beside the chain under a sampled order that needs it:

    256 batch digests follow

or `does not hold: REASON`, or `not checked: REASON`. It checks neither work nor links nor
rules: `pow verify` does. Needs only Python's standard library and shares no code with the
Rust crates. It is slow: some 100,000 samples a second.

Exit code 0: all digests follow. 1: one does not, or no order is declared. 2: a file could not
be read, or is no chain.
"""

import bisect
import itertools
import os
import struct
import sys

# The scripts lie side by side.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from extensions import Malformed, Reader, extensions, is_usable
from lineage import DoesNotHold, NotChecked, records, sha256d, skip_common, tagged

SAMPLED = 23


def key(name, *numbers):
    """The first 8 bytes of a tagged hash, as a number."""
    return struct.unpack("<Q", tagged(name, b"".join(numbers))[:8])[0]


def u32(number):
    return struct.pack("<I", number)


def u64(number):
    return struct.pack("<Q", number)


class Genesis:
    """What a genesis body says about the order."""

    def __init__(self, body, path):
        reader = Reader(body)
        skip_common(reader)
        reader.text(1024)
        self.seed = reader.take(8)
        reader.take(32)
        reader.flag()
        reader.option(lambda: reader.take(8))
        _, self.interval = struct.unpack("<QQ", reader.take(16))
        reader.option(lambda: reader.take(4))
        reader.number("B")
        self.rule = reader.number("B")
        shape = struct.unpack("<III", reader.take(12)) if self.rule else (0, 0, 0)
        self.items, self.batch, self.accumulation = shape
        self.lag = reader.number("I") if self.rule == 2 else 0
        self.dataset = reader.option(lambda: reader.take(32))
        self.sampler = self.table = None
        if self.rule == 0:
            self.read_sampled(extensions(body), path)
        if self.dataset is None:
            raise NotChecked("genesis has no dataset root")
        self.length = self.items
        if self.sampler in (0, 1):
            self.length = self.parameter

    def read_sampled(self, found, path):
        kinds = [kind for kind, _ in found]
        named = [data for kind, data in found if kind == SAMPLED]
        if not named:
            raise NotChecked("genesis declares no order")
        if not is_usable(SAMPLED, named[0], kinds):
            raise NotChecked("the extension with the order is unusable")
        fields = struct.unpack("<IIIBI", named[0][:17])
        self.items, self.batch, self.accumulation, self.sampler, self.parameter = fields
        if self.sampler == 0:
            return
        try:
            with open(os.path.join(os.path.dirname(path), "order.table"), "rb") as file:
                table = file.read()
        except FileNotFoundError as error:
            raise NotChecked("order.table is not here") from error
        if tagged(b"file", table) != named[0][17:]:
            raise DoesNotHold("order.table has another digest")
        if len(table) != 8 * self.items:
            raise DoesNotHold("order.table does not have a number for each sample")
        self.table = struct.unpack(f"<{self.items}Q", table)
        if self.sampler == 1 and not 0 < sum(self.table) < 1 << 64:
            raise DoesNotHold("the weights in order.table give no order")

    def prefix(self, epoch):
        return self.dataset + self.seed + u64(epoch)

    def shuffled(self, epoch):
        prefix = self.prefix(epoch)
        return sorted(range(self.items), key=lambda i: (key(b"order", prefix, u32(i)), i))

    def epoch(self, epoch):
        """The samples of an epoch, but for a bound order."""
        if self.sampler is None:
            return self.shuffled(epoch)
        prefix = self.prefix(epoch)
        if self.sampler == 2:
            return self.bucketed(epoch, prefix)
        draws = [key(b"draw", prefix, u32(j)) for j in range(self.length)]
        if self.sampler == 0:
            return [draw * self.items >> 64 for draw in draws]
        sums = list(itertools.accumulate(self.table))
        return [bisect.bisect_right(sums, draw * sums[-1] >> 64) for draw in draws]

    def bucketed(self, epoch, prefix):
        order, size = self.shuffled(epoch), self.batch * self.parameter
        by_length = []
        for start in range(0, self.items, size):
            by_length += sorted(order[start:start + size], key=lambda i: self.table[i])
        batches = [by_length[i:i + self.batch] for i in range(0, self.items, self.batch)]
        rest = [] if len(batches[-1]) == self.batch else batches.pop()
        numbers = sorted(range(len(batches)), key=lambda b: (key(b"bucket", prefix, u32(b)), b))
        return [i for number in numbers for i in batches[number]] + rest


class Batches:
    """The micro-batches of a run, one step after the other."""

    def __init__(self, genesis):
        self.genesis, self.step = genesis, 0
        self.epoch, self.left, self.drawn = 0, None, None
        self.blocks = {}  # the hash of the block that holds a checkpoint, by step

    def draw(self):
        """The samples that the epoch has not shown yet, in their order."""
        genesis = self.genesis
        if genesis.rule != 2:
            if self.left is None:
                self.left = genesis.epoch(self.epoch)
            return
        segment = self.step // genesis.interval
        if self.left is not None and self.drawn == segment:
            return
        before = (segment + 1 - genesis.lag) * genesis.interval
        if before > 0 and before not in self.blocks:
            raise DoesNotHold(f"step {self.step + 1} depends on a later block")
        block = self.blocks[before] if before > 0 else bytes(32)
        left = range(genesis.items) if self.left is None else self.left
        prefix = genesis.prefix(self.epoch)
        self.left = sorted(left, key=lambda i: (key(b"bound", block, prefix, u32(i)), i))
        self.drawn = segment

    def next_step(self):
        """The bytes of the next step's micro-batches."""
        found = b""
        for _ in range(self.genesis.accumulation):
            self.draw()
            batch = self.left[:self.genesis.batch]
            self.left = self.left[self.genesis.batch:]
            found += u32(len(batch)) + b"".join(map(u32, batch))
            if not self.left:
                self.epoch, self.left = self.epoch + 1, None
                break
        self.step += 1
        return found


def read_entries(body):
    """Step, batch digest and whether there is a checkpoint, of each entry of a steps body."""
    reader = Reader(body)
    if skip_common(reader) != 1:
        return
    for _ in range(reader.number("I")):
        step = reader.number("Q")
        reader.take(32)
        batch = reader.option(lambda: reader.take(32))
        reader.option(lambda: reader.take(8))
        reader.option(lambda: reader.take(8))
        yield step, batch, reader.option(lambda: reader.take(32)) is not None


def check(path):
    batches, checked = None, 0
    for block, body in records(path):
        if batches is None:
            batches = Batches(Genesis(body, path))
            continue
        entries = list(read_entries(body))
        for step, digest, _ in entries:
            data = b"".join(batches.next_step() for _ in range(step - batches.step))
            expected = tagged(b"batch", data) if data else None
            if digest != expected:
                raise DoesNotHold(f"step {step} has another batch digest")
            checked += digest is not None
        head = sha256d(block[:80])
        batches.blocks.update((step, head) for step, _, sealed in entries if sealed)
    if batches is None:
        raise Malformed("no genesis block")
    return checked


def main(arguments):
    if len(arguments) != 1 or arguments[0] in ("-h", "--help"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        print(f"{check(arguments[0])} batch digests follow")
        return 0
    except DoesNotHold as error:
        print(f"does not hold: {error}")
        return 1
    except NotChecked as error:
        print(f"not checked: {error}")
        return 1
    except (OSError, Malformed) as error:
        print(f"{arguments[0]}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
