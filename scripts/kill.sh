#!/usr/bin/env bash
# Kills a recorded training again and again, lets it go on, and compares how it ends with an
# undisturbed one: `scripts/kill.sh [KILLS]`, 200 by default, which takes some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

POW_KILLS=${1:-200} cargo test --release --workspace --test programs -- --nocapture \
    kills::a_training_killed_again_and_again_comes_to_the_same_end
