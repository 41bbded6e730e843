"""Replay OpenTimestamps proofs with python-opentimestamps, against a chain file.

    python3 replay_ots.py replay CHAIN PROOF...
    python3 replay_ots.py flip CHAIN PROOF
    python3 replay_ots.py document PARAM_ROOT_PY MODEL.safetensors

replay: prints digest, step and height of each proof, or why it is refused.
flip: replays the proof with each of its bits flipped; prints how many were
refused. One that is not refused is an error.
document: prints the digest that python-opentimestamps gives the file whose
timestamp this would be: the 104 bytes that the parameter root is the hash of.

The chain file is read here as docs/format.md describes it.
"""

import hashlib
import importlib.util
import io
import struct
import sys
import warnings

import bitcoin
from bitcoin.core import CheckProofOfWork, Hash, ValidationError
from opentimestamps.core.notary import UnknownAttestation
from opentimestamps.core.op import MsgValueError, OpArgValueError, OpPrepend, OpSHA256
from opentimestamps.core.serialize import (
    BytesDeserializationContext, BytesSerializationContext, DeserializationError)
from opentimestamps.core.timestamp import DetachedTimestampFile

ATTESTATION = hashlib.sha256(b"burn-pow/v1/attestation").digest()[:8]


class Refused(Exception):
    """The proof does not hold."""


def headers(path):
    """The 80-byte headers of a chain file."""
    with open(path, "rb") as file:
        content = file.read()
    found, at = [], 16
    while at < len(content):
        magic, block, body = struct.unpack_from("<4sII", content, at)
        assert magic == b"PREC"
        found.append(content[at + 16:at + 96])
        at += 16 + block + body + 4
    return found


def read(proof):
    try:
        return DetachedTimestampFile.deserialize(BytesDeserializationContext(proof))
    except (DeserializationError, MsgValueError, OpArgValueError, ValueError) as error:
        raise Refused(f"{type(error).__name__}: {error}") from error


def replay(proof, chain):
    """Digest, step and height of a proof that holds."""
    detached = read(proof)
    if detached.file_hash_op != OpSHA256():
        raise Refused("another digest than SHA-256")
    attestations = list(detached.timestamp.all_attestations())
    if len(attestations) != 1:
        raise Refused(f"{len(attestations)} attestations")
    message, attestation = attestations[0]
    if type(attestation) is not UnknownAttestation or attestation.TAG != ATTESTATION:
        raise Refused("another attestation")
    if len(attestation.payload) != 36:
        raise Refused(f"a payload of {len(attestation.payload)} bytes")
    genesis, height = struct.unpack("<32sI", attestation.payload)
    if genesis != Hash(chain[0]):
        raise Refused("another chain")
    if height >= len(chain) or message != chain[height]:
        raise Refused("another header")
    try:
        CheckProofOfWork(Hash(message), struct.unpack_from("<I", message, 72)[0])
    except ValidationError as error:
        raise Refused(str(error)) from error
    # One way of writing it: theirs.
    context = BytesSerializationContext()
    detached.serialize(context)
    if context.getbytes() != proof:
        raise Refused("another form")
    return detached.file_digest, step(detached.timestamp), height


def step(timestamp):
    """The step that is put before the parameter root."""
    (operation,) = timestamp.ops
    if not isinstance(operation, OpPrepend) or len(operation[0]) != 72:
        raise Refused("no step before the parameter root")
    return struct.unpack("<Q", operation[0][64:])[0]


def load(path):
    with open(path, "rb") as file:
        return file.read()


def command_replay(chain, *proofs):
    chain = headers(chain)
    for proof in proofs:
        try:
            digest, number, height = replay(load(proof), chain)
            print(digest.hex(), number, height)
        except Refused as error:
            print("refused:", error)


def command_flip(chain, proof):
    chain, proof = headers(chain), load(proof)
    replay(proof, chain)
    for bit in range(8 * len(proof)):
        bad = bytearray(proof)
        bad[bit // 8] ^= 1 << bit % 8
        try:
            replay(bytes(bad), chain)
        except Refused:
            continue
        sys.exit(f"bit {bit} is not refused")
    print(8 * len(proof))


def command_document(script, model):
    spec = importlib.util.spec_from_file_location("param_root", script)
    param_root = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(param_root)
    tensors = sorted(param_root.read_tensors(load(model)), key=lambda tensor: tensor[0])
    root = param_root.tree_root([param_root.tensor_leaf(*tensor) for tensor in tensors])
    tag = hashlib.sha256(b"burn-pow/v1/tensors").digest()
    document = tag + tag + struct.pack("<Q", len(tensors)) + root
    detached = DetachedTimestampFile.from_fd(OpSHA256(), io.BytesIO(document))
    print(detached.file_digest.hex(), len(document))


# Of OpReverse, which a flipped bit can make.
warnings.simplefilter("ignore", PendingDeprecationWarning)
bitcoin.SelectParams("regtest")
{"replay": command_replay, "flip": command_flip, "document": command_document}[sys.argv[1]](*sys.argv[2:])
