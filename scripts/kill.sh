#!/usr/bin/env bash
# Kills a recorded training many times: `scripts/kill.sh [KILLS]`, 200 times by default, which takes
# some minutes. Audits the run after each kill and resumes it. At the end, compares it with a run
# that was not killed. Prints how many times the training was killed in each phase. With at least
# 100 kills, it fails if a phase was never hit.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --workspace --examples
POW_KILLS=${1:-200} cargo test --release --workspace --test programs -- kills/
# The same with SIGTERM, as schedulers send it.
POW_KILLS=${1:-200} cargo test --release --workspace --test programs -- terminations/
