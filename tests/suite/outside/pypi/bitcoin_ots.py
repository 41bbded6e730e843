"""Make and verify OpenTimestamps proofs that lead to Bitcoin, with python-opentimestamps.

    python3 bitcoin_ots.py make FILE PROOF
    python3 bitcoin_ots.py verify PROOF HEADER

make: writes a proof over a file, with branches as calendars make them: one to Bitcoin
block 800,000, one that is pending, and one of a kind that nobody knows. Prints the
file's digest.
verify: prints the height and time of the block to whose header the proof leads, or why
it is refused.
"""

import sys

from bitcoin.core import CBlockHeader
from opentimestamps.core.notary import (
    BitcoinBlockHeaderAttestation, PendingAttestation, UnknownAttestation, VerificationError)
from opentimestamps.core.op import OpAppend, OpPrepend, OpSHA256
from opentimestamps.core.serialize import (
    BytesDeserializationContext, BytesSerializationContext)
from opentimestamps.core.timestamp import DetachedTimestampFile


def make(file, proof):
    with open(file, "rb") as content:
        detached = DetachedTimestampFile.from_fd(OpSHA256(), content)
    nonce = detached.timestamp.ops.add(OpAppend(bytes(16))).ops.add(OpSHA256())
    nonce.attestations.add(PendingAttestation("https://calendar.example"))
    nonce.attestations.add(UnknownAttestation(b"unknown!", b"payload"))
    # A merkle path and the double hash of a transaction.
    node = nonce.ops.add(OpPrepend(b"\x11" * 32)).ops.add(OpSHA256())
    transaction = node.ops.add(OpPrepend(b"\x01" * 50)).ops.add(OpAppend(b"\x00" * 4))
    root = transaction.ops.add(OpSHA256()).ops.add(OpSHA256())
    root.attestations.add(BitcoinBlockHeaderAttestation(800_000))
    context = BytesSerializationContext()
    detached.serialize(context)
    with open(proof, "wb") as out:
        out.write(context.getbytes())
    print(detached.file_digest.hex())


def verify(proof, header):
    with open(proof, "rb") as file:
        detached = DetachedTimestampFile.deserialize(BytesDeserializationContext(file.read()))
    with open(header, "rb") as file:
        header = CBlockHeader.deserialize(file.read())
    for message, attestation in detached.timestamp.all_attestations():
        if isinstance(attestation, BitcoinBlockHeaderAttestation):
            try:
                time = attestation.verify_against_blockheader(message, header)
                print(attestation.height, time)
            except VerificationError as error:
                print("refused:", error)


{"make": make, "verify": verify}[sys.argv[1]](*sys.argv[2:])
