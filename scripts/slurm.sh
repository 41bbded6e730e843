#!/usr/bin/env bash
# Replays a run in four parts on a real Slurm, kills one part while it runs, and
# compares the merged report with the report of a replay that was not divided:
#
#   scripts/slurm.sh                 builds the programs first
#   scripts/slurm.sh POW DIGITS      uses these programs
#
# Needs Debian and root. Installs Slurm if it is missing, and runs it only on this
# machine, in a temporary directory.
set -euo pipefail
cd "$(dirname "$0")/.."

if ((EUID != 0)); then
    echo "$0: Slurm's daemons need root" >&2
    exit 2
fi
packages=()
command -v slurmctld >/dev/null || packages+=(slurmctld)
command -v slurmd >/dev/null || packages+=(slurmd)
command -v sbatch >/dev/null || packages+=(slurm-client)
command -v munged >/dev/null || packages+=(munge)
command -v jq >/dev/null || packages+=(jq)
if ((${#packages[@]})); then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi
if (($# == 2)); then
    pow=$(realpath "$1")
    digits=$(realpath "$2")
else
    cargo build --release -p pow-cli
    cargo build --release --example digits
    target=$(cargo metadata --no-deps --format-version 1 | jq -r .target_directory)
    pow=$target/release/pow
    digits=$target/release/examples/digits
fi

work=$(mktemp -d)
# Others must be able to reach Munge's socket.
chmod 755 "$work"
# From here on, Slurm's commands use the Slurm that is started below.
export SLURM_CONF=$work/slurm.conf
daemons=()
tidy() {
    status=$?
    # Tasks continue after the daemon that started them has ended.
    if [[ -n $(squeue --noheader 2>/dev/null) ]]; then
        scancel --user=root || true
        await "the jobs are over" bash -c '[[ -z $(squeue --noheader) ]]' || true
    fi
    # In reverse order of their start.
    for ((at = ${#daemons[@]} - 1; at >= 0; at--)); do
        kill "${daemons[at]}" 2>/dev/null || true
        wait "${daemons[at]}" 2>/dev/null || true
    done
    if ((status)); then
        tail -n 40 "$work"/*.log "$work"/logs/* >&2 || true
    fi
    rm -rf "$work"
}
trap tidy EXIT

# Waits up to a minute for a command to succeed.
await() {
    local what=$1
    shift
    for ((tries = 0; tries < 600; tries++)); do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 0.1
    done
    echo "$0: waited for a minute until $what, and gave up" >&2
    return 1
}

node=$(hostname -s)
mkdir "$work/state" "$work/spool" "$work/logs"
# Not Slurm's default ports, because another Slurm may be running. A requeued job
# waits until its old credential expires: by default two minutes.
cat >"$SLURM_CONF" <<CONF
ClusterName=replay
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$work/munge.socket,cred_expire=5
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=1
KillWait=1
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=$node NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=$node Default=YES MaxTime=INFINITE State=UP
CONF
# Slurm need not find out which cgroups exist, because none is used.
echo 'CgroupPlugin=cgroup/v1' >"$work/cgroup.conf"

dd if=/dev/urandom of="$work/munge.key" bs=128 count=1 status=none
chmod 600 "$work/munge.key"
munged --foreground --force --num-threads=2 --key-file="$work/munge.key" \
    --socket="$work/munge.socket" --pid-file="$work/munged.pid" \
    --seed-file="$work/munged.seed" --log-file="$work/munged.log" >/dev/null 2>&1 &
daemons+=($!)
await "munge answers" munge --no-input --socket="$work/munge.socket"
slurmctld -D -i -f "$SLURM_CONF" >"$work/slurmctld.log" 2>&1 &
daemons+=($!)
await "slurmctld answers" scontrol ping
slurmd -D -f "$SLURM_CONF" -N "$node" >"$work/slurmd.log" 2>&1 &
daemons+=($!)
await "the node is idle" bash -c '[[ $(sinfo --noheader --format=%T) == idle ]]'

echo "recording"
run=$work/run
"$digits" --out "$run" --epochs 120 --engine cpu --zero-bits 1 >/dev/null 2>&1
seed=$(printf 'after the chain was finished' | od -An -tx1 | tr -d ' \n')
replay=("$digits" replay "$run" --all --seed "$seed")
echo "replaying without parts"
RAYON_NUM_THREADS=1 "${replay[@]}" --report "$work/whole.json"

parts=4
killed=2
reports=$work/reports
array=$(sbatch --parsable --array="1-$parts" --output="$work/logs/part-%a" \
    deploy/slurm.sbatch "$reports" "${replay[@]}")
merge=$(sbatch --parsable --dependency="afterany:$array" --output="$work/logs/merge" \
    deploy/slurm-merge.sbatch "$reports" "$pow")
echo "replaying in $parts parts: job $array, merged by job $merge"

# A field of a job, from `scontrol show job`.
field() { scontrol --oneliner show job "$1" | tr ' ' '\n' | sed -n "s/^$2=//p"; }
has_state() { [[ $(field "$1" JobState) == "$2" ]]; }
trains() { pgrep -f "^$digits replay $run .*/shard-$killed.json" >/dev/null; }
await "part $killed runs" trains
# Kill it while it is working.
sleep 1
if [[ -e $reports/shard-$killed.json ]]; then
    echo "$0: part $killed ended before it could be killed" >&2
    exit 1
fi
scontrol requeue "${array}_$killed"
is_gone() { ! trains; }
await "part $killed is killed" is_gone
if [[ -e $reports/shard-$killed.json ]]; then
    echo "$0: part $killed ended before it was killed" >&2
    exit 1
fi
echo "killed part $killed; it goes back into the queue"
ended() { ! has_state "$merge" PENDING && ! has_state "$merge" RUNNING; }
await "the parts are merged" ended
if ! has_state "$merge" COMPLETED; then
    echo "$0: the merging job ended as $(field "$merge" JobState)" >&2
    exit 1
fi
grep -qx "part $killed: start 1 on $(hostname)" "$work/logs/part-$killed"

timeless() { jq 'del(.timing)' "$1"; }
if ! diff <(timeless "$work/whole.json") <(timeless "$reports/replay.json"); then
    echo "$0: the merged report differs from that of the replay without parts" >&2
    exit 1
fi
echo "the merged report equals that of the replay without parts, except for times"
"$pow" verify "$run" --replay-report "$reports/replay.json" | grep -i replay

# If a part is missing, there must be no merged report.
rm "$reports/shard-3.json"
if "$pow" merge "$work/incomplete.json" "$reports"/shard-*.json || [[ -e $work/incomplete.json ]]; then
    echo "$0: a report was made without part 3" >&2
    exit 1
fi
