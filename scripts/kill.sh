#!/usr/bin/env bash
# Kills a recorded training again and again, audits what each kill has left, lets it go on, and
# compares how it ends with an undisturbed one: `scripts/kill.sh [KILLS]`, 200 by default, which
# takes some minutes. Prints what the training was doing when it was killed, and how often; from
# 100 kills on, it fails if one of these phases was never hit.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --workspace --examples
POW_KILLS=${1:-200} cargo test --release --workspace --test programs -- kills/
