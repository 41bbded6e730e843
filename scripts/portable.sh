#!/usr/bin/env bash
# Replays the runs in tests/vectors/portable as other machines would: with other CPUs
# under an emulator, with another C library, with elementary functions that round
# otherwise, and with other numbers of threads. Fails if a bit differs.
#
#   scripts/portable.sh
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if command -v apt-get >/dev/null && ! command -v qemu-x86_64 >/dev/null; then
    { apt-get install -y -qq --no-install-recommends qemu-user ||
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends qemu-user; }; } >/dev/null
fi
another_libc=$(scripts/another_libc.sh "$work" | tail -n 1)
another_libm=$work/another_libm.so
cc -O2 -fno-builtin -shared -fPIC -o "$another_libm" tests/portable/another_libm.c -ldl -lm

# The stand-in does change what a program gets that does not bring its own functions.
tanh='import ctypes; f = ctypes.CDLL(None).tanhf; f.restype = ctypes.c_float
f.argtypes = [ctypes.c_float]; print(f(0.5).hex())'
if [[ $(python3 -c "$tanh") == "$(LD_PRELOAD=$another_libm python3 -c "$tanh")" ]]; then
    echo "$0: the preloaded functions do not change tanhf" >&2
    exit 1
fi

# replays WHERE [VARIABLE=VALUE...] [OPTION...]: every run there, every bit.
replays() {
    local where=$1 run example
    shift
    local variables=()
    while [[ ${1:-} == *=* ]]; do
        variables+=("$1")
        shift
    done
    for run in tests/vectors/portable/*/; do
        example=$(basename "$run")
        if ! env "${variables[@]}" "target/release/examples/$example" replay "$run" --all "$@" \
            --report "$work/report.json" --replace >"$work/out" 2>&1; then
            cat "$work/out"
            echo "$0: $example differs $where" >&2
            exit 1
        fi
        grep -q '^portable: 42 elementary functions' "$work/out"
        # Also where no segment multiplies or adds so much at a time.
        grep -q '^this machine computes as the recording one did, in every probed operation' "$work/out"
        printf '%-12s bit for bit %s\n' "$example" "$where"
    done
}

replays "on this machine"
for threads in 1 2 5; do
    replays "with $threads threads" RAYON_NUM_THREADS="$threads"
done
replays "with functions that round otherwise" LD_PRELOAD="$another_libm"
replays "with the C library of another release" --launcher "$another_libc"
for cpu in Haswell EPYC; do
    replays "on an emulated $cpu" --launcher "qemu-x86_64 -cpu $cpu"
done

# Another architecture: the functions, products and vectors of the portable program give
# the bits there that their tests expect here. It needs no C compiler for ARM.
rustup target add aarch64-unknown-linux-musl
CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER=qemu-aarch64 \
    cargo test --release --target aarch64-unknown-linux-musl --lib \
    -p pow-math -p gemm@0.19.0 -p macerator@0.5.2
printf '%-12s bit for bit %s\n' "functions" "on an emulated ARM64"
