#!/usr/bin/env python3
"""Check a signature over a text, by the tool whose signature it is.

    python3 scripts/signing.py key.pub text text.sig

The namespace is the first line of the text, as docs/signatures.md has it. A signature of SSH
is checked by the program `ssh-keygen` (8.1 or newer), one of minisign by `minisign`. Which key
made it is read here, with Python's standard library; this script computes no signature itself.

Prints who signed, or `does not hold: REASON`. Exit code 0: the signature holds. 1: it does
not. 2: a file could not be read, or the program is not there.
"""

import base64
import binascii
import hashlib
import os
import struct
import subprocess
import sys
import tempfile

SSH_BEGIN, SSH_END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
MINISIGN_BEGIN = "untrusted comment:"


class DoesNotHold(Exception):
    """Why the signature is none of this key over this text."""


class NoTool(Exception):
    """The program that could check it is not there."""


def decoded(text):
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise DoesNotHold("not base64") from None


def read_key(text):
    """The public key in the text of a file: what a signature names it by, and what its tool takes."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("#", MINISIGN_BEGIN))]
    if len(lines) != 1:
        raise ValueError(f"expected one public key, found {len(lines)} lines")
    words = lines[0].split()
    for at, word in enumerate(words[:-1]):
        if word.startswith(("ssh-", "ecdsa-", "sk-")):
            return "ssh", base64.b64decode(words[at + 1]), f"{word} {words[at + 1]}"
    if words[0].startswith("RW"):
        return "minisign", base64.b64decode(words[0])[2:10], words[0]
    raise ValueError("no public key of SSH or minisign")


def string(data, at):
    """A length and so many bytes, as SSH writes them, and where they end."""
    (length,) = struct.unpack_from(">I", data, at) if at + 4 <= len(data) else (len(data),)
    if at + 4 + length > len(data):
        raise DoesNotHold("the signature is cut off")
    return data[at + 4:at + 4 + length], at + 4 + length


def made_by(signature):
    """The kind of a signature, and the key that it says made it."""
    text = signature.decode("utf-8", "replace").strip()
    if text.startswith(SSH_BEGIN) and text.endswith(SSH_END):
        blob = decoded("".join(text[len(SSH_BEGIN):-len(SSH_END)].split()))
        if blob[:10] != b"SSHSIG" + struct.pack(">I", 1):
            raise DoesNotHold("not a signature of SSH, version 1")
        return "ssh", string(blob, 10)[0]
    lines = text.split("\n")
    if text.startswith(MINISIGN_BEGIN) and len(lines) == 4:
        return "minisign", decoded(lines[1])[2:10]
    raise DoesNotHold("neither a signature of SSH nor one of minisign")


def fingerprint(blob):
    """The fingerprint of a key of SSH, as ssh-keygen prints it."""
    return base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def carried_key(signature):
    """The key that a signature of SSH carries. One of minisign carries none."""
    kind, blob = made_by(signature)
    if kind != "ssh":
        return None
    name = string(blob, 0)[0].decode("ascii", "replace")
    return kind, blob, f"{name} {base64.b64encode(blob).decode()}"


def claims(signature, key):
    """Whether the signature says that this key made it."""
    return made_by(signature) == key[:2]


def verify(signature, key, text):
    """Raises DoesNotHold if the key did not sign the text, and NoTool if nobody can say."""
    if not claims(signature, key):
        raise DoesNotHold("made by another key")
    namespace = text.split(b"\n")[0].decode("ascii", "replace")
    with tempfile.TemporaryDirectory() as place:
        def path(name, content):
            with open(os.path.join(place, name), "wb") as file:
                file.write(content)
            return os.path.join(place, name)

        signed, over = path("signature", signature), path("text", text)
        if key[0] == "ssh":
            allowed = path("allowed", f'signer namespaces="{namespace}" {key[2]}\n'.encode())
            command = ["ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "signer", "-n", namespace, "-s", signed]
        else:
            command = ["minisign", "-V", "-q", "-P", key[2], "-x", signed, "-m", over]
        try:
            with open(over, "rb") as stdin:
                done = subprocess.run(command, stdin=stdin, capture_output=True, check=False)
        except FileNotFoundError:
            raise NoTool(f"the program {command[0]} is not there") from None
    if done.returncode != 0:
        raise DoesNotHold(f"{command[0]} refuses it")


def main():
    if len(sys.argv) != 4:
        print(__doc__.split("\n\n")[1].strip(), file=sys.stderr)
        return 2
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            key = read_key(file.read())
        text, signature = (open(path, "rb").read() for path in sys.argv[2:])
        verify(signature, key, text)
    except DoesNotHold as reason:
        print(f"does not hold: {reason}")
        return 1
    except (NoTool, OSError, ValueError) as error:
        print(f"signing.py: {error}", file=sys.stderr)
        return 2
    print(f"signed by {key[2]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
