#!/usr/bin/env bash
# Unpacks the C library of another Debian release than this machine's into DIR, and
# prints the command that starts a program with it.
#
#   scripts/another_libc.sh DIR
set -euo pipefail

if (($# != 1)); then
    echo "usage: $0 DIR" >&2
    exit 2
fi
dir=$(realpath "$1")

. /etc/os-release
case ${VERSION_CODENAME:-} in
trixie) other=bookworm ;;
*) other=trixie ;;
esac

# The sources of this machine, with the other release.
mkdir -p "$dir/sources" "$dir/lists" "$dir/archives/partial"
for file in /etc/apt/sources.list.d/*.sources; do
    sed "s/^Suites:.*/Suites: $other/" "$file" |
        awk 'BEGIN { RS = ""; ORS = "\n\n" } !/security/' >"$dir/sources/$(basename "$file")"
done
options=(
    -qq -o APT::Sandbox::User=root
    -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$dir/sources"
    -o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir" -o Dir::Cache::archives="$dir/archives"
)
apt-get "${options[@]}" update
(cd "$dir" && apt-get "${options[@]}" download libc6 libgcc-s1)
for package in "$dir"/*.deb; do
    dpkg-deb -x "$package" "$dir"
done
loader=$(find "$dir" -name 'ld-linux-x86-64.so.2' -type f | head -n 1)
echo "$loader --library-path $(dirname "$loader")"
