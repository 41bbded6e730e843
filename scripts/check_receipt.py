#!/usr/bin/env python3
"""Check a receipt that `pow receipt` made, as docs/format.md defines it.

    python3 scripts/check_receipt.py digits.receipt [--head HEX] [--genesis HEX]
        [--bitcoin-headers FILE] [--trust-tsa FILE] [--signed-by KEY] [--declared-by KEY]
        [--declaration FILE] [--trust-signer KEY]

Prints what the receipt shows, a line each: the head, genesis, the artifact's root, the lower
bound that genesis names, each anchor, each signature, the declared fields, and the replay
reports. Without --head everything is UNANCHORED. Of Bitcoin's headers and of timestamps it
checks what scripts/anchor.py does; a timestamp of a TSA takes the program `openssl`. Signatures
take the programs that scripts/signing.py names: without them a line says `not checked`, and a
key that was named does not count. Of a replay report it checks which chain it is about and who
signed it, and counts its outcomes; it does not draw the challenge again. Else it needs only
Python's standard library, and shares no code with the Rust crates.

Exit code 0: the receipt holds. 1: it does not. 2: a file could not be read.
"""

import argparse
import hashlib
import json
import os
import re
import struct
import sys
import tempfile
import zlib

# The scripts lie side by side.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import anchor
import check_proof
import declaration
import extensions
import signing
from check_proof import Refused, require

CHAIN, GENESIS, BLOCK, OPENTIMESTAMPS, RFC3161 = 1, 2, 3, 4, 5
SIGNATURE, DECLARATION, REPORT = 16, 17, 18
MAX_RECEIPT, MAX_SECTIONS, MAX_SIGNATURE, MAX_STATEMENT, MAX_OF_ONE = 1 << 20, 512, 1 << 14, 1024, 64
MAX_REPORT, MAX_REPORTS = 1 << 20, 16


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


def shown(block):
    """A block's hash as people write it."""
    return block.hash[::-1].hex()


def signed_text(data, longest):
    """The text of a section, and the signatures behind it."""
    parts, at = [], 0
    while at < len(data) or not parts:
        require(at + 4 <= len(data), "a section ends inside a part")
        (length,) = struct.unpack_from("<I", data, at)
        require(length <= (MAX_SIGNATURE if parts else longest), "a part of a section is too long")
        require(at + 4 + length <= len(data), "a section ends inside a part")
        parts.append(data[at + 4:at + 4 + length])
        at += 4 + length
    require(len(parts) <= 1 + MAX_OF_ONE, "too many signatures in a section")
    return parts[0], parts[1:]


def in_words(signature):
    kind, key = signing.made_by(signature)
    if kind == "minisign":
        return f"minisign {key[::-1].hex().upper()}"
    name, _ = signing.string(key, 0)
    return f"{name.decode('ascii', 'replace')} SHA256:{signing.fingerprint(key)}"


def who_signed(signature, text, keys):
    """The key of those named that signed a text, or None, and what is said about the signature."""
    try:
        by = in_words(signature)
        named = next((key for key in keys if signing.claims(signature, key)), None)
        carried = named or signing.carried_key(signature)
        if carried is None:
            return None, f"not checked: by {by}, whose key was not named"
        signing.verify(signature, carried, text)
        return named, f"by {by}" + ("" if named else ", whose key was not named")
    except signing.NoTool as reason:
        return None, f"not checked: {reason}"
    except signing.DoesNotHold as reason:
        raise Refused(f"a signature: {reason}") from None


STATEMENTS = {
    "burn-pow/genesis/v1": ("genesis",),
    "burn-pow/head/v1": ("genesis", "block", "hash"),
}


def check_statement(text, first, head, hashes):
    """The height up to which a statement covers the chain, or None if its block is not in the receipt."""
    lines = text.decode("ascii", "replace").split("\n")
    names = STATEMENTS.get(lines[0])
    require(names is not None and lines[-1] == "" and len(lines) == len(names) + 2, "a statement is malformed")
    says = {}
    for name, line in zip(names, lines[1:]):
        require(line.startswith(name + " "), "a statement is malformed")
        value = says[name] = line[len(name) + 1:]
        form = r"0|[1-9][0-9]{0,9}" if name == "block" else r"[0-9a-f]{64}"
        require(re.fullmatch(form, value) and (name != "block" or int(value) < 1 << 31), "a statement is malformed")
    require(says["genesis"] == shown(first), "a signature is over another run")
    height = int(says.get("block", 0))
    here = hashes.get(height)
    if here is None:
        return None
    require(says.get("hash", shown(first)) == here, "a signature is over another chain of this run")
    return height


def check_signatures(parts, first, head, hashes, keys):
    """Lines on the signatures over genesis and heads."""
    lines, up_to = [], {}
    for kind, content in parts:
        if kind != SIGNATURE:
            continue
        text, signatures = signed_text(content, MAX_STATEMENT)
        require(len(signatures) == 1, "not one signature behind a statement")
        height = check_statement(text, first, head, hashes)
        named, words = who_signed(signatures[0], text, keys)
        covers = "a block that is not in the receipt" if height is None else f"blocks 0 to {height}"
        lines.append(f"signature of {covers}: {words}")
        if named and height is not None:
            up_to[named] = max(height, up_to.get(named, 0))
    for key in keys:
        require(up_to.get(key) == head.height, f"the last block is not signed by {key[2]}, as far as could be checked")
    return lines


def check_declaration(parts, body, found, end, arguments):
    """Lines on the declaration."""
    section = dict(parts).get(DECLARATION)
    require([kind for kind, _ in parts].count(DECLARATION) <= 1, "more than one declaration")
    text, signatures = (None, []) if section is None else signed_text(section, declaration.MAX_DECLARATION)
    if section is not None:
        try:
            declaration.parse(text)
        except declaration.DoesNotHold as reason:
            raise Refused(str(reason)) from None
    text = arguments.declaration or text
    if text is None:
        require(not arguments.declared_by, "there is no declaration that could be signed")
        return []
    try:
        lines, differs = declaration.check(text, body, end, found)
    except declaration.DoesNotHold as reason:
        raise Refused(str(reason)) from None
    require(not differs, "the run is not as declared: " + ", ".join(lines))
    lines = [f"declared {line}" for line in lines]
    signed = []
    for signature in signatures:
        try:
            if any(signing.claims(signature, key) for key in arguments.declared_by):
                named, words = who_signed(signature, text, arguments.declared_by)
                signed.append(named)
                lines.append(f"declared {words}")
            else:
                lines.append(f"declared by {in_words(signature)}, whose key was not named")
        except signing.DoesNotHold as reason:
            raise Refused(f"a signature: {reason}") from None
        except Refused as reason:
            lines.append(f"declared, but not so: {reason}")
    for key in arguments.declared_by:
        require(key in signed, f"the declaration is not signed by {key[2]}, as far as could be checked")
    return lines


def check_reports(parts, first, head, trusted):
    """Lines on the replay reports. One that no trusted key signed does not count."""
    reports, pool = [], []
    for kind, content in parts:
        if kind == REPORT:
            compressed, signatures = signed_text(content, MAX_RECEIPT)
            try:
                stream = zlib.decompressobj()
                text = stream.decompress(compressed, MAX_REPORT)
                require(stream.eof and not stream.unused_data, "a replay report is too long, or cut off")
                reports.append((text, json.loads(text)))
            except zlib.error:
                raise Refused("a replay report is not compressed by zlib") from None
            except ValueError:
                raise Refused("a replay report is not JSON") from None
            pool += signatures
    require(len(reports) <= MAX_REPORTS, "too many replay reports")
    lines = []
    for number, (text, report) in enumerate(reports, 1):
        try:
            chain, said = report["chain"], [str(result["outcome"]["kind"]) for result in report["results"]]
            about = (chain["genesis"], chain["head"], chain["height"]) == (shown(first), shown(head), head.height)
        except (KeyError, TypeError):
            raise Refused("a replay report is malformed") from None
        statement = (f"burn-pow/replay-report/v1\ngenesis {chain['genesis']}\nblock {chain['height']}\n"
                     f"hash {chain['head']}\nreport {hashlib.sha256(text).hexdigest()}\n").encode()
        signers = []
        for key in trusted:
            for signature in pool:
                try:
                    if signing.claims(signature, key):
                        signing.verify(signature, key, statement)
                        signers.append(key[2])
                except signing.DoesNotHold:
                    pass
                except signing.NoTool as reason:
                    lines.append(f"report {number} not checked: {reason}")
        if not signers:
            lines.append(f"report {number} does not count: no trusted key signed it, as far as could be checked")
            continue
        require(about, f"report {number} is about another chain")
        counts = ", ".join(f"{said.count(word)} {word}" for word in sorted(set(said)))
        lines.append(f"report {number} signed by {' and '.join(signers)}: {counts}; challenge not drawn again")
    return lines


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
    hashes = {head.height: shown(head), 0: shown(first)}
    for kind, content in parts:
        if kind == BLOCK:
            other = check_proof.read_proof(content)
            require(other["head"] == proof["head"] and "block" in other, "a proof under another head")
            block, _ = check_proof.check_block(other["block"], head)
            blocks[anchor.sha256(other["block"]["block"][:80])] = block.height
            hashes[block.height] = shown(block)
    end = None
    lines = [f"head     {head}", f"genesis  {first}"]
    if head.kind == "final":
        steps, ending = struct.unpack_from("<QB", proof["head"]["fixed"], 2 + 1 + 4 + 8 + 8 + 32)
        end = steps
        artifact = proof["head"]["fixed"][-36:-4].hex()
        words = ("completed", "stopped", "failed")[ending]
        lines.append(f"artifact {words} after {steps} steps, parameter root {artifact}")
    lines += [line for line in [lower_bound(found, headers)] if line]
    for kind, content in parts:
        if kind in (OPENTIMESTAMPS, RFC3161):
            lines += check_anchor(kind, content, blocks, headers, arguments.trust_tsa)
        elif kind > RFC3161 and kind not in (SIGNATURE, DECLARATION, REPORT):
            lines.append(f"not read something of an unknown kind, section {kind}")
    lines += check_signatures(parts, first, head, hashes, arguments.signed_by)
    lines += check_declaration(parts, dict(parts)[GENESIS], found, end, arguments)
    return lines + check_reports(parts, first, head, arguments.trust_signer)


def key(path):
    with open(path, encoding="utf-8") as file:
        return signing.read_key(file.read())


def main():
    parser = argparse.ArgumentParser(description="Check receipts that `pow receipt` made.")
    parser.add_argument("receipt", help="file of a receipt")
    parser.add_argument("--head", type=check_proof.block_hash, help="hash that the head must have")
    parser.add_argument("--genesis", type=check_proof.block_hash, help="hash that genesis must have")
    parser.add_argument("--bitcoin-headers", help="file of headers that you trust, a line each")
    parser.add_argument("--trust-tsa", help="file of certificates that you trust, in PEM")
    for option, words in (("--signed-by", "must have signed the last block"),
                          ("--declared-by", "must have signed the declaration"),
                          ("--trust-signer", "signs replay reports that count")):
        parser.add_argument(option, action="append", default=[], help=f"file of a public key that {words}")
    parser.add_argument("--declaration", help="file of the declaration, as you have it")
    arguments = parser.parse_args()
    try:
        for name in ("signed_by", "declared_by", "trust_signer"):
            setattr(arguments, name, [key(path) for path in getattr(arguments, name)])
        if arguments.declaration is not None:
            arguments.declaration = check_proof.read_file(arguments.declaration, declaration.MAX_DECLARATION + 1)
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
