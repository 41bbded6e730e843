#!/usr/bin/env bash
# Runs a command on SwiftShader, a second Vulkan driver that shares no code with
# Mesa's. Unpacks it from Debian's package of Chromium into a temporary directory.
# The package need not be installed.
#
#   scripts/swiftshader.sh cargo test --release -p pow-tests -- engines/gpu
set -euo pipefail

if (($# == 0)); then
    echo "usage: $0 COMMAND [ARGUMENT...]" >&2
    exit 2
fi

unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT
download() { apt-get download -qq -o APT::Sandbox::User=root chromium-common; }
(
    cd "$unpacked"
    # A fresh image has no lists of packages.
    download || { apt-get update -qq && download; }
    dpkg-deb -x chromium-common_*.deb .
)
manifest=$unpacked/usr/lib/chromium/vk_swiftshader_icd.json
if [[ ! -f $manifest ]]; then
    echo "$0: chromium-common has no $manifest" >&2
    exit 1
fi
# Older loaders use the second name. The adapter is named, so it is an error if
# only another driver is found.
export VK_DRIVER_FILES=$manifest VK_ICD_FILENAMES=$manifest POW_GPU_ADAPTER=swiftshader
"$@"
