#!/usr/bin/env python3
"""Check a timestamp over a block of a run, as docs/format.md defines it.

    python3 scripts/anchor.py runs/digits/chain.pow proof.ots headers.hex
    python3 scripts/anchor.py runs/digits/chain.pow answer.tsr trusted.pem

headers.hex has headers of Bitcoin's chain from a source that you trust: a line of 160 hex
digits each, with the block's height and a space before it or without. trusted.pem has
certificates that you trust: of a TSA, or of authorities above it. Prints a line for each
attestation:

    blocks 0 to 6: Bitcoin block 800000, header time 1700100000
    blocks 0 to 6: pending at https://calendar.example
    blocks 0 to 6: header of Bitcoin block 800000 not given
    blocks 0 to 6: unknown attestation
    blocks 0 to 6: TSA, time 1700100000

or `does not hold: REASON`. Of each header it checks that its hash meets its own target, and
of the chain only that the stamped header is in it: `pow verify` checks the rest. Of a token
it reads the digest and the time, and OpenSSL 3, the program `openssl`, checks the rest, as if
the token's time were now. It knows no RSA-PSS. Else it needs only Python's standard library, and shares no code
with the Rust crates.

Exit code 0: some attestation leads to a header, or the token holds. 1: none does, or one does
not hold. 2: a file could not be read, or openssl is not there.
"""

import calendar
import hashlib
import re
import struct
import subprocess
import sys

HEAD = b"\0OpenTimestamps\0\0Proof\0\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08"
BITCOIN = bytes.fromhex("0588960d73d71901")
PENDING = bytes.fromhex("83dfe30d2ef90c8e")


class DoesNotHold(Exception):
    """Why the proof is none."""


def sha256(data):
    return hashlib.sha256(data).digest()


def heights(chain):
    """The heights of a chain file's blocks, by the SHA-256 of their headers."""
    found, at = {}, 16
    while at + 96 <= len(chain):
        magic, block, body = struct.unpack_from("<4sII", chain, at)
        if magic != b"PREC":
            raise ValueError(f"byte {at}: no record")
        found[sha256(chain[at + 16:at + 96])] = len(found)
        at += 16 + block + body + 4
    return found


def bitcoin_headers(text):
    """Heights, roots and times of headers."""
    found = []
    for line in text.split("\n"):
        words = line.split()
        if not words:
            continue
        header = bytes.fromhex(words[-1])
        if len(header) != 80 or len(words) > 2:
            raise ValueError(f"not a header: {line[:200]!r}")
        time, bits = struct.unpack_from("<II", header, 68)
        target = (bits & 0x7FFFFF) << 8 * (bits >> 24) >> 24
        if int.from_bytes(sha256(sha256(header)), "little") > target:
            raise ValueError("a header's hash does not meet its target")
        found.append((int(words[0]) if len(words) == 2 else None, header[36:68], time))
    return found


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, length):
        taken = self.data[self.at:self.at + length]
        if len(taken) != length:
            raise DoesNotHold("the proof is cut off")
        self.at += length
        return taken

    def number(self):
        value = 0
        for shift in range(0, 63, 7):
            (byte,) = self.take(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise DoesNotHold("an endless number")

    def bytes(self, least, most):
        length = self.number()
        if not least <= length <= most:
            raise DoesNotHold(f"a length of {length}")
        return self.take(length)

    def finish(self):
        if self.at != len(self.data):
            raise DoesNotHold("bytes follow the end")


def attestations(proof):
    """The stamped digest, and the messages, kinds and payloads of all attestations."""
    if len(proof) > 65536 or not proof.startswith(HEAD):
        raise DoesNotHold("not an OpenTimestamps proof over a SHA-256 digest")
    reader = Reader(proof)
    reader.take(len(HEAD))
    digest = message = reader.take(32)
    found, forks = [], []
    while True:
        (operation,) = reader.take(1)
        if operation == 0xFF:
            forks.append(message)
        elif operation == 0x08:
            message = sha256(message)
        elif operation in (0xF0, 0xF1):
            operand = reader.bytes(1, 4096)
            message = message + operand if operation == 0xF0 else operand + message
        elif operation == 0x00:
            kind = reader.take(8)
            found.append((message, kind, reader.bytes(0, 8192)))
            if not forks:
                break
            message = forks.pop()
        else:
            raise DoesNotHold(f"operation {operation:#04x} is not followed")
        if len(message) > 4096 or len(forks) > 256 or len(found) > 64:
            raise DoesNotHold("a limit is passed")
    reader.finish()
    return digest, found


def judge(message, kind, payload, headers):
    """What an attestation says, and whether it leads to a header."""
    reader = Reader(payload)
    if kind == PENDING:
        try:
            address = reader.bytes(0, 1000).decode()
        except UnicodeDecodeError:
            raise DoesNotHold("the address of a calendar is not text") from None
        reader.finish()
        return "pending at " + ascii(address)[1:-1], False
    if kind != BITCOIN:
        return "unknown attestation", False
    height = reader.number()
    if height >= 1 << 32:
        raise DoesNotHold(f"a height of {height}")
    reader.finish()
    for at, root, time in headers:
        if root == message and at in (None, height):
            return f"Bitcoin block {height}, header time {time}", True
    if len(message) != 32 or any(at == height or root == message for at, root, _ in headers):
        raise DoesNotHold(f"the header of Bitcoin block {height} has another root")
    return f"header of Bitcoin block {height} not given", False


SHA256 = bytes.fromhex("608648016503040201")
SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
WEAK = [bytes.fromhex(oid) for oid in ("06052b0e03021a", "06082a864886f70d0205", "06092a864886f70d010105",
                                       "06092a864886f70d010104", "06072a8648ce3d0401")]


def values(data):
    """Tags and contents of the DER values that follow each other, which fill the bytes."""
    found, reader = [], Reader(data)
    while reader.at < len(data):
        tag, length = reader.take(2)
        if length > 0x80:
            length = int.from_bytes(reader.take(length - 0x80), "big")
        elif length == 0x80:
            raise DoesNotHold("a value without a length")
        found.append((tag, reader.take(length)))
    return found


def inner(values, index, tag):
    """The content of the value at an index, which has this tag."""
    if index >= len(values) or values[index][0] != tag:
        raise DoesNotHold(f"expected tag {tag:#04x} as value {index}")
    return values[index][1]


def token_says(data):
    """Whether it is a token alone, the digest, and the time in seconds since 1970."""
    if len(data) > 65536:
        raise DoesNotHold("more than 65536 bytes")
    outer = values(data)
    if len(outer) != 1:
        raise DoesNotHold("bytes follow the answer")
    answer = values(inner(outer, 0, 0x30))
    alone = bool(answer) and answer[0][0] == 0x06
    if not alone:
        status = inner(values(inner(answer, 0, 0x30)), 0, 0x02)
        if status not in (b"\0", b"\1") or len(answer) != 2:
            raise DoesNotHold("the TSA granted no timestamp")
    token = answer if alone else values(inner(answer, 1, 0x30))
    if inner(token, 0, 0x06) != SIGNED_DATA:
        raise DoesNotHold("no signed data")
    signed = values(inner(values(inner(token, 1, 0xA0)), 0, 0x30))
    signers = [value for tag, value in signed if tag == 0x31][1:]
    if len(signers) != 1 or len(values(signers[0])) != 1:
        raise DoesNotHold("not exactly one signer")
    # Neither the signer nor the certificates may sign with MD5 or SHA-1. A reference to a
    # certificate by its SHA-1 has no object identifier.
    parts = signers + [value for tag, value in signed if tag == 0xA0]
    wrapped = values(inner(values(inner(signed, 2, 0x30)), 1, 0xA0))
    info = values(inner(values(inner(wrapped, 0, 0x04)), 0, 0x30))
    kind, digest = values(inner(info, 2, 0x30))[:2]
    parts.append(kind[1])
    if any(weak in part for weak in WEAK for part in parts):
        raise DoesNotHold("a digest is too weak")
    if inner(values(kind[1]), 0, 0x06) != SHA256 or len(digest[1]) != 32:
        raise DoesNotHold("the stamped digest is no SHA-256")
    text = inner(info, 4, 0x18).decode("latin-1")
    if not re.fullmatch(r"[0-9]{14}(\.[0-9]{0,8}[1-9])?Z", text):
        raise DoesNotHold(f"the time is {ascii(text)}")
    year, *rest = [int(text[:4])] + [int(text[at:at + 2]) for at in range(4, 14, 2)]
    if not (1 <= rest[0] <= 12 and 1 <= rest[1] <= 31):
        raise DoesNotHold(f"the time is {ascii(text)}")
    return alone, digest[1], calendar.timegm((year, *rest))


def openssl_verifies(path, alone, digest, time, trusted):
    """Raises if OpenSSL does not verify the token, as if `time` were now."""
    command = ["openssl", "ts", "-verify", "-digest", digest.hex(), "-in", path, "-CAfile", trusted,
               "-partial_chain", "-attime", str(time)] + ["-token_in"] * alone
    said = subprocess.run(command, capture_output=True, check=False)
    if said.returncode:
        lines = said.stderr.decode("utf-8", "replace").split("\n")
        errors = [line for line in lines if "error" in line]
        raise DoesNotHold("openssl says " + ascii(errors[-1] if errors else ""))


def check_token(arguments, chain, token):
    alone, digest, time = token_says(token)
    blocks = heights(chain)
    if digest not in blocks:
        raise DoesNotHold("the stamped digest is that of no block of this chain")
    openssl_verifies(arguments[1], alone, digest, time, arguments[2])
    print(f"blocks 0 to {blocks[digest]}: TSA, time {time}")
    return 0


def main(arguments):
    if len(arguments) != 3:
        print("usage: anchor.py CHAIN PROOF HEADERS|TRUSTED", file=sys.stderr)
        return 2
    try:
        files = []
        for path in arguments:
            with open(path, "rb") as file:
                files.append(file.read())
        if files[1][:1] == b"\x30":
            return check_token(arguments, files[0], files[1])
        blocks, headers = heights(files[0]), bitcoin_headers(files[2].decode("ascii"))
    except DoesNotHold as error:
        print(f"does not hold: {error}")
        return 1
    except (OSError, ValueError, struct.error) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    try:
        digest, found = attestations(files[1])
        if digest not in blocks:
            raise DoesNotHold("the stamped digest is that of no block of this chain")
        last = blocks[digest]
        judged = [judge(*attestation, headers) for attestation in found]
    except DoesNotHold as error:
        print(f"does not hold: {error}")
        return 1
    for words, _ in judged:
        print(f"blocks 0 to {last}: {words}")
    return 0 if any(leads for _, leads in judged) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
