#!/usr/bin/env bash
# Runs a replay in parts with GNU parallel: on this machine or, with options of
# parallel, on other machines that share its file system:
#
#   deploy/parallel.sh PARTS REPORTS POW PROGRAM replay RUN --seed HEX
#   PARALLEL='--sshloginfile hosts --workdir .' deploy/parallel.sh ...
#
# Writes REPORTS/replay.json. If you call it again, it runs only the parts whose
# report is missing. REPORTS is a directory that no other replay uses.
set -euo pipefail

if (($# < 5)); then
    echo "usage: $0 PARTS REPORTS POW PROGRAM replay RUN [OPTION...]" >&2
    exit 2
fi
parts=$1
reports=$2
pow=$3
shift 3

mkdir -p "$reports"
missing=()
for ((part = 1; part <= parts; part++)); do
    [[ -e $reports/shard-$part.json ]] || missing+=("$part")
done
if ((${#missing[@]})); then
    printf -v command '%q ' "$@"
    printf -v report '%q' "$reports/shard-"
    # Each part gets one thread, because parallel starts as many parts as there
    # are cores. Exit code 1 means that a segment differs. The report says so.
    parallel --retries 3 \
        "RAYON_NUM_THREADS=1 $command --shard {}/$parts --replace --report $report{}.json || [ \$? -eq 1 ]" \
        ::: "${missing[@]}"
fi
rm -f "$reports/replay.json"
"$pow" merge "$reports/replay.json" "$reports"/shard-*.json
