"""Judge every block of a block file with python-bitcoinlib's CheckBlock.

    python3 check_blocks.py NETWORK FILE

Prints a line for each block: its hash and "ok", or its hash and why it is
refused. Bytes that are no block file are an error.
"""

import struct
import sys

import bitcoin
from bitcoin.core import CBlock, CheckBlock, ValidationError, b2lx


def blocks(content, magic):
    at = 0
    while at < len(content):
        found, length = struct.unpack_from("<4sI", content, at)
        assert found == magic, f"byte {at}: magic {found.hex()}"
        block = content[at + 8:at + 8 + length]
        assert len(block) == length, f"byte {at}: cut short"
        yield block
        at += 8 + length


def verdict(block):
    try:
        CheckBlock(block)
        return "ok"
    except ValidationError as error:
        return str(error)


def main(network, path):
    # The magic is that of the library's own regtest parameters.
    bitcoin.SelectParams("regtest")
    magic = bitcoin.params.MESSAGE_START
    bitcoin.SelectParams(network)
    with open(path, "rb") as file:
        content = file.read()
    for serialised in blocks(content, magic):
        block = CBlock.deserialize(serialised)
        assert block.serialize() == serialised
        print(b2lx(block.GetHash()), verdict(block))


main(*sys.argv[1:])
