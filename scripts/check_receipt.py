#!/usr/bin/env python3
"""Check a receipt that `pow receipt` made, as docs/format.md defines it.

    python3 scripts/check_receipt.py digits.receipt [--head HEX] [--genesis HEX]
        [--bitcoin-headers FILE] [--trust-tsa FILE]

Prints what the receipt shows, a line each: the head, genesis, the artifact's root, the lower
bound that genesis names, and each anchor. Without --head everything is UNANCHORED. Of
Bitcoin's headers and of timestamps it checks what scripts/anchor.py does; a timestamp of a
TSA takes the program `openssl`. Else it needs only Python's standard library, and shares no
code with the Rust crates.

Exit code 0: the receipt holds. 1: it does not. 2: a file could not be read.
"""

import argparse
import os
import struct
import sys
import tempfile

# The scripts lie side by side.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import anchor
import check_proof
import extensions
from check_proof import Refused, require

CHAIN, GENESIS, BLOCK, OPENTIMESTAMPS, RFC3161 = 1, 2, 3, 4, 5
KEPT = {16: "a signature", 17: "a declaration", 18: "a replay report"}
MAX_RECEIPT, MAX_SECTIONS = 1 << 20, 512


def sections(data):
    """The sections of a receipt: pairs of a kind and bytes."""
    require(len(data) <= MAX_RECEIPT, "too long")
    require(data[:8] == b"POWRECPT", "not a receipt")
    require(data[8:12] == struct.pack("<I", 1), "of another version than 1")
    found, at = [], 12
    while at < len(data):
        require(at + 6 <= len(data), f"byte {at}: cut off")
        kind, length = struct.unpack_from("<HI", data, at)
        require(at + 6 + length <= len(data), f"byte {at}: cut off")
        require(not found or found[-1][0] <= kind, f"byte {at}: a section out of order")
        found.append((kind, data[at + 6:at + 6 + length]))
        at += 6 + length
    require(len(found) <= MAX_SECTIONS, "too many sections")
    for kind in (CHAIN, GENESIS):
        require([found_kind for found_kind, _ in found].count(kind) == 1, f"not one section of kind {kind}")
    return found


def check_genesis(body, part, block):
    """The extensions of genesis, if the body is that of the block."""
    fixed = part["fixed"]
    require(block.kind == "genesis" and block.height == 0, "block 0 is no genesis block")
    require(body[:len(fixed)] == fixed, "the body of genesis is that of another block")
    try:
        found = extensions.extensions(body)
    except extensions.Malformed as error:
        raise Refused(f"the body of genesis: {error}") from None
    leaves = [check_proof.tagged("entry", struct.pack("<II", kind, len(data)) + data) for kind, data in found]
    require(check_proof.tree_root(leaves) == block.entries, "genesis has other extensions")
    return found


def lower_bound(found, headers):
    """A line on the Bitcoin block that genesis names, if it names one."""
    kinds = [kind for kind, _ in found]
    for kind, data in found:
        if kind == 17 and extensions.is_usable(kind, data, kinds):
            (height,), header = struct.unpack_from("<I", data), data[4:84]
            time, bits = struct.unpack_from("<II", header, 68)
            target = (bits & 0x7FFFFF) << 8 * (bits >> 24) >> 24
            hashed = int.from_bytes(anchor.sha256(anchor.sha256(header)), "little")
            require(hashed <= target, "genesis names a header whose hash misses its target")
            for at, root, known in headers or []:
                if (root, known) == (header[36:68], time):
                    require(at in (None, height), "genesis names a Bitcoin block at another height")
                    return f"genesis: after Bitcoin block {height}, header time {time}"
            return f"genesis: header of Bitcoin block {height} not given"
    return None


def check_anchor(kind, data, blocks, headers, trusted):
    """Lines on an anchor."""
    try:
        if kind == RFC3161:
            alone, digest, time = anchor.token_says(data)
            require(digest in blocks, "a timestamp is over no block of the receipt")
            if trusted is None:
                return [f"blocks 0 to {blocks[digest]}: TSA, no certificate given"]
            with tempfile.NamedTemporaryFile() as file:
                file.write(data)
                file.flush()
                anchor.openssl_verifies(file.name, alone, digest, time, trusted)
            return [f"blocks 0 to {blocks[digest]}: TSA, time {time}"]
        digest, found = anchor.attestations(data)
        require(digest in blocks, "a timestamp is over no block of the receipt")
        judged = [anchor.judge(*attestation, headers or []) for attestation in found]
        return [f"blocks 0 to {blocks[digest]}: {words}" for words, _ in judged]
    except anchor.DoesNotHold as error:
        raise Refused(f"a timestamp: {error}") from None


def check(data, arguments, headers):
    """Lines that say what a receipt shows. Raises Refused if it does not hold."""
    parts = sections(data)
    proof = check_proof.read_proof(dict(parts[:1])[CHAIN])
    head = first = check_proof.Block("head", proof["head"])
    first_part, extends = proof["head"], head.height == 0
    if "block" in proof:
        first_part = proof["block"]
        first, extends = check_proof.check_block(first_part, head)
    require(extends, "the head does not extend block 0")
    found = check_genesis(dict(parts)[GENESIS], first_part, first)
    require(arguments.head in (None, head.hash), "the head is not the one given with --head")
    require(arguments.genesis in (None, first.hash), "genesis is not the one given with --genesis")
    blocks = {anchor.sha256(proof["head"]["block"][:80]): head.height}
    blocks[anchor.sha256(first_part["block"][:80])] = 0
    for kind, content in parts:
        if kind == BLOCK:
            other = check_proof.read_proof(content)
            require(other["head"] == proof["head"] and "block" in other, "a proof under another head")
            block, _ = check_proof.check_block(other["block"], head)
            blocks[anchor.sha256(other["block"]["block"][:80])] = block.height
    lines = [f"head     {head}", f"genesis  {first}"]
    if head.kind == "final":
        steps, ending = struct.unpack_from("<QB", proof["head"]["fixed"], 2 + 1 + 4 + 8 + 8 + 32)
        artifact = proof["head"]["fixed"][-36:-4].hex()
        words = ("completed", "stopped", "failed")[ending]
        lines.append(f"artifact {words} after {steps} steps, parameter root {artifact}")
    lines += [line for line in [lower_bound(found, headers)] if line]
    for kind, content in parts:
        if kind in (OPENTIMESTAMPS, RFC3161):
            lines += check_anchor(kind, content, blocks, headers, arguments.trust_tsa)
        elif kind > RFC3161:
            lines.append(f"not read {KEPT.get(kind, 'something of an unknown kind')}, section {kind}")
    return lines


def main():
    parser = argparse.ArgumentParser(description="Check receipts that `pow receipt` made.")
    parser.add_argument("receipt", help="file of a receipt")
    parser.add_argument("--head", type=check_proof.block_hash, help="hash that the head must have")
    parser.add_argument("--genesis", type=check_proof.block_hash, help="hash that genesis must have")
    parser.add_argument("--bitcoin-headers", help="file of headers that you trust, a line each")
    parser.add_argument("--trust-tsa", help="file of certificates that you trust, in PEM")
    arguments = parser.parse_args()
    try:
        data = check_proof.read_file(arguments.receipt, MAX_RECEIPT + 1)
        headers = None
        if arguments.bitcoin_headers is not None:
            text = check_proof.read_file(arguments.bitcoin_headers).decode("ascii")
            headers = anchor.bitcoin_headers(text)
        lines = check(data, arguments, headers)
    except Refused as reason:
        print(f"DOES NOT HOLD: {reason}")
        return 1
    except (OSError, ValueError) as error:
        print(f"check_receipt.py: {error}", file=sys.stderr)
        return 2
    print("SHOWN, UNANCHORED" if arguments.head is None else "SHOWN UNDER THE PINNED HEAD")
    print("".join(f"  {line}\n" for line in lines), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
