#!/usr/bin/env python3
"""Compare a declaration with the run that names it, as docs/format.md defines both.

    python3 scripts/declaration.py plan.txt runs/digits/chain.pow [key.pub plan.txt.sig]

Prints a line for each field that was declared: `agrees`, `differs` or `not checkable`. Checks
the declaration's form and digest, and reads genesis and the final block, but no rule of the
chain: `pow verify` does that. With a key and a signature it checks as well who declared it, by
the programs that scripts/signing.py names. Else it needs only Python's standard library, and
shares no code with the Rust crates.

Exit code 0: nothing differs. 1: something does, or genesis names another declaration or none.
2: a file could not be read.
"""

import os
import re
import struct
import sys
import unicodedata

# The scripts lie side by side.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import check_proof
import extensions
import signing

MAX_DECLARATION, MAX_TEXT, MAX_SEEDS = 4096, 512, 64
NUMBER = r"(0|[1-9][0-9]*)"
LINES = [
    ("data", r"[0-9a-f]{64}"), ("config", r"[0-9a-f]{64}"), ("executable", r"[0-9a-f]{64}"),
    ("lockfile", r"[0-9a-f]{64}"), ("revision", None), ("seeds", rf"{NUMBER}( {NUMBER})*"),
    ("steps", NUMBER), ("runs", NUMBER), ("metric", None), ("stopping", None),
]
NEEDED = ("runs", "metric", "stopping")


class DoesNotHold(Exception):
    """Why the declaration is none, or not that of the run."""


def is_text(value):
    return (1 <= len(value.encode()) <= MAX_TEXT and value.strip(" ") == value
            and not any(unicodedata.category(c) == "Cc" for c in value))


def parse(data):
    """What a declaration says, by the names of its lines."""
    if len(data) > MAX_DECLARATION:
        raise DoesNotHold("the declaration is too long")
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError:
        raise DoesNotHold("the declaration is not text") from None
    if lines[0] != "burn-pow/declaration/v1" or lines[-1] != "" or len(lines) < 2:
        raise DoesNotHold("not a declaration")
    declared, rest = {}, lines[1:-1]
    for name, pattern in LINES:
        if rest and rest[0].startswith(name + " "):
            value = rest.pop(0)[len(name) + 1:]
            good = is_text(value) if pattern is None else re.fullmatch(pattern, value)
            if not good:
                raise DoesNotHold(f"the declaration's line {name} is malformed")
            declared[name] = value
        elif name in NEEDED:
            raise DoesNotHold(f"the declaration lacks a line {name} at its place")
    if rest:
        raise DoesNotHold("the declaration has a line too many")
    if any(int(n) >= 1 << 64 for name in ("steps", "seeds") for n in declared.get(name, "0").split(" ")):
        raise DoesNotHold("a number is too great")
    if not 0 < int(declared["runs"]) < 1 << 32:
        raise DoesNotHold("the number of runs is out of range")
    if "seeds" in declared:
        seeds = [int(seed) for seed in declared["seeds"].split(" ")]
        if seeds != sorted(set(seeds)) or len(seeds) > MAX_SEEDS or len(seeds) != int(declared["runs"]):
            raise DoesNotHold("the seeds do not ascend, or are not as many as the runs")
    return declared


def named(found):
    """The digest of the declaration that the extensions of genesis name, or None."""
    kinds = [kind for kind, _ in found]
    for kind, data in found:
        if kind == 21 and extensions.is_usable(kind, data, kinds):
            return data
    return None


def genesis_says(body):
    """What genesis says of the fields that can be declared."""
    reader, says = extensions.Reader(body), {}

    def digest():
        return reader.take(32).hex()

    reader.take(2 + 1 + 4 + 8 + 8 + 32)
    reader.text(1024)
    says["seed"] = reader.number("Q")
    reader.take(32 + 1)
    says["planned"] = reader.option(lambda: reader.number("Q"))
    reader.take(8 + 8)
    reader.option(lambda: reader.take(4))
    reader.take(1)
    order = reader.number("B")
    if order > 2:
        raise extensions.Malformed(f"byte {reader.at - 1}: {order}, expected 0 to 2")
    reader.take((0, 12, 16)[order])
    says["data"] = reader.option(digest)
    says["config"] = digest()
    says["executable"] = reader.option(digest)
    says["lockfile"] = reader.option(digest)
    says["revision"] = reader.option(lambda: reader.text(1024))
    return says


def compare(declared, says, end):
    """Lines on each declared field, and whether one differs. `end` has the steps of the final block, or None."""
    lines, differs = [], False
    for name, value in declared.items():
        if name in NEEDED:
            done = None
        elif name == "seeds":
            done = value if str(says["seed"]) in value.split(" ") else str(says["seed"])
        elif name == "steps":
            done = end if end is not None else says["planned"] if says["planned"] != int(value) else None
            done = None if done is None else str(done)
        else:
            done = says[name]
        word = "not checkable" if done is None else "agrees" if done == value else "differs"
        differs |= word == "differs"
        lines.append(f"{name} {word}")
    return lines, differs


def bodies(chain):
    """The bodies of a chain file."""
    found, at = [], 16
    while at + 16 <= len(chain):
        magic, block, body = struct.unpack_from("<4sII", chain, at)
        if magic != b"PREC":
            raise ValueError(f"byte {at}: no record")
        found.append(chain[at + 16 + block:at + 16 + block + body])
        at += 16 + block + body + 4
    return found


def steps_of(body):
    """The steps of a final body, or None."""
    return struct.unpack_from("<Q", body, 2 + 1 + 4 + 8 + 8 + 32)[0] if body[2] == 2 else None


def check(data, genesis, end, found):
    """Lines that compare a declaration with a run. Raises DoesNotHold if the run names another one."""
    declared, here = parse(data), named(found)
    digest = check_proof.tagged("file", data)
    if here != digest:
        raise DoesNotHold("genesis names " + ("no declaration" if here is None else "another declaration"))
    return compare(declared, genesis_says(genesis), end)


def main():
    if len(sys.argv) not in (3, 5):
        print(__doc__.split("\n\n")[1].strip(), file=sys.stderr)
        return 2
    try:
        data, chain = (open(path, "rb").read() for path in sys.argv[1:3])
        parts = bodies(chain)
        lines, differs = check(data, parts[0], steps_of(parts[-1]), extensions.extensions(parts[0]))
        if len(sys.argv) == 5:
            with open(sys.argv[3], encoding="utf-8") as file:
                key = signing.read_key(file.read())
            with open(sys.argv[4], "rb") as file:
                signing.verify(file.read(), key, data)
            lines.append(f"signed by {key[2]}")
    except (DoesNotHold, signing.DoesNotHold) as reason:
        print(f"does not hold: {reason}")
        return 1
    except (OSError, ValueError, IndexError, extensions.Malformed, signing.NoTool) as error:
        print(f"declaration.py: {error}", file=sys.stderr)
        return 2
    print("".join(f"{line}\n" for line in lines), end="")
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main())
