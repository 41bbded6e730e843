#!/usr/bin/env python3
"""Measures how much faster a divided replay is, and what a replay costs:

    cargo build --release --example handwritten
    scripts/replay_speed.py target/release/examples/handwritten [ROUNDS]

Every process is pinned to a core and has one thread. Each round measures all
processes that are compared, so other load on the machine affects all of them.
Each ratio is the median over the rounds (7 by default).

- parts: compares one process that replays all segments of a run with two
  processes at the same time, each on its own core, that replay half of them.
- cost: compares that one process with the recording of the same steps. All
  threads of the recording share a core, and a block takes two hashes. Both start
  a process and read the data (the replay reads them again for every segment).
  `handwritten` validates after each epoch in both. (Burn's Learner, which
  `digits` uses, leaves out validation and metrics in a replay, so its ratio would
  look better than it is.)

"wall" is the time by the clock. "CPU" is the CPU time of a process (for two
processes, the longer one). It is what the clock would show on a machine without
other load, if its cores do not slow each other down.

Linux only.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# 45 steps each: 3,600 steps or 36 segments, which two processes share evenly.
EPOCHS = 80
BARS = {"parts": 1.9, "cost": 1.1}


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(f"usage: {sys.argv[0]} PROGRAM [ROUNDS]")
    program = str(Path(sys.argv[1]).resolve())
    rounds = int(sys.argv[2]) if len(sys.argv) == 3 else 7
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        sys.exit("two cores are needed")

    measured = {"recording": [], "whole": [], "halves": []}
    work = Path(tempfile.mkdtemp())
    try:
        for number in range(rounds):
            run = work / f"run-{number}"
            record = [program, "--out", run, "--epochs", str(EPOCHS)]
            record += ["--engine", "cpu", "--zero-bits", "1", "--checkpoint-every", "100"]
            replay = [program, "replay", run, "--all", "--replace", "--report"]
            halves = [
                [*replay, work / f"{half}.json", "--shard", f"{half}/2"]
                for half in (1, 2)
            ]
            # The cores in turns, in case they differ.
            alone = cores[number % 2]
            measured["recording"].append(timed([(record, alone)]))
            measured["whole"].append(timed([([*replay, work / "all.json"], alone)]))
            measured["halves"].append(timed(list(zip(halves, cores))))
            shutil.rmtree(run)
            print(
                f"round {number + 1}:",
                ", ".join(
                    f"{name} {times[-1][0]:.2f} s ({times[-1][1]:.2f} s CPU)"
                    for name, times in measured.items()
                ),
                f"load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    finally:
        shutil.rmtree(work)

    for at, clock in enumerate(("wall", "CPU")):
        ratio("parts", clock, measured["whole"], measured["halves"], at)
        ratio("cost", clock, measured["whole"], measured["recording"], at)


def timed(commands):
    """Runs commands at the same time, each on its core. Returns the seconds by the
    clock until the last one ends, and the CPU seconds of the one that used most."""
    began = time.monotonic()
    children = [
        subprocess.Popen(
            command,
            env={**os.environ, "RAYON_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda core=core: os.sched_setaffinity(0, {core}),
        )
        for command, core in commands
    ]
    used = []
    for child in children:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        used.append(usage.ru_utime + usage.ru_stime)
    wall = time.monotonic() - began
    for child in children:
        if child.returncode != 0:
            sys.exit(f"exit code {child.returncode}: {child.args}")
    return wall, max(used)


def ratio(name, clock, numerator, denominator, at):
    """Prints the median and the range of the ratios of all rounds."""
    each = sorted(a[at] / b[at] for a, b in zip(numerator, denominator))
    median = statistics.median(each)
    word = "at least" if name == "parts" else "at most"
    print(
        f"{name}, {clock}: {median:.2f} (rounds {each[0]:.2f} to {each[-1]:.2f};"
        f" wanted: {word} {BARS[name]})"
    )


if __name__ == "__main__":
    main()
