#!/usr/bin/env bash
# Fuzzes every reader of bytes from strangers: `scripts/fuzz.sh [SECONDS [TARGET...]]`.
#
# Runs the named targets, or all of them, each for SECONDS (default 30). Needs a stable Rust
# toolchain, and a C++ compiler to build libFuzzer. The first input that breaks a property stops
# its target. The script then continues with the other targets, names the input, and exits with 1.
#
# Useful inputs stay in fuzz/work (ignored by git), and a later run starts with them. FUZZ_MERGE=1
# also copies the fewest needed inputs to the committed fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-30}
if [[ ! $seconds =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: scripts/fuzz.sh [SECONDS [TARGET...]]" >&2
    exit 2
fi
shift || true
targets=("$@")
if ((${#targets[@]} == 0)); then
    for path in fuzz/targets/*.rs; do targets+=("$(basename "$path" .rs)"); done
fi

# The flags of cargo-fuzz, without the sanitizers, which stable compilers do not have. The host is
# named as the target, so the flags do not affect build scripts and procedural macros.
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cllvm-args=-simplifycfg-branch-fold-threshold=0"
build=${FUZZ_TARGET_DIR:-fuzz/target}
cargo build --release --locked --manifest-path fuzz/Cargo.toml --target "$host" \
    --target-dir "$build" "${targets[@]/#/--bin=}"

# Two targets write files and sync them. If possible, keep these files in memory.
if [[ -z ${TMPDIR:-} && -d /dev/shm ]]; then export TMPDIR=/dev/shm; fi

# Keeps the fewest inputs that reach every branch that the seeds do not reach. Of these, keeps the
# shortest ones, up to 64 KiB in all: the corpus is for the tests and for the start of a run, and is
# not an archive.
merge() {
    local merged=$work.merged input total=0
    rm -rf "$merged" && mkdir "$merged"
    POW_FUZZ_SEEDS=$merged "$binary" -set_cover_merge=1 -use_counters=0 -max_len=8192 \
        "$merged" "$corpus" "$work" >>"$work.log" 2>&1
    rm -rf "$corpus" "$merged"/seed-* && mv "$merged" "$corpus"
    while read -r input; do
        total=$((total + $(wc -c <"$corpus/$input")))
        if ((total > 65536)); then rm "$corpus/$input"; fi
    done < <(ls -Sr "$corpus")
}

failed=()
for target in "${targets[@]}"; do
    binary=$build/$host/release/$target
    work=fuzz/work/$target crashes=fuzz/artifacts/$target corpus=fuzz/corpus/$target
    mkdir -p "$work" "$crashes" "$corpus"
    printf '\n== %s, %s s\n' "$target" "$seconds"
    # Inputs longer than the longest seed only make fuzzing slow.
    options=(-max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=1024)
    options+=(-use_value_profile=1 -artifact_prefix="$crashes/" -print_final_stats=1)
    case $target in checkpoint | envelope | proof | published | report | tensors) options+=(-dict=fuzz/json.dict) ;; esac
    if ! POW_FUZZ_SEEDS=$work "$binary" "$work" "$corpus" "${options[@]}" >"$work.log" 2>&1; then
        failed+=("$target")
        grep -m1 -A3 'panicked at' "$work.log" || tail -n 20 "$work.log"
        grep 'Test unit written to' "$work.log" || true
    fi
    grep -E '#[0-9]+\s+DONE|stat::(number_of_executed_units|peak_rss_mb)' "$work.log" || true
    if [[ ${FUZZ_MERGE:-} ]]; then merge; fi
done

if ((${#failed[@]})); then
    printf '\nfuzzing found something: %s\n' "${failed[*]}" >&2
    echo "inputs: fuzz/artifacts/TARGET/; logs: fuzz/work/TARGET.log" >&2
    exit 1
fi
printf '\n%s targets, nothing found\n' "${#targets[@]}"
